use super::*;
use crate::error::Fault;

/// Azure's 70 names in documented order.
fn partner() -> Vec<&'static str> {
    columns::COST.columns.iter().map(|column| column.azure_name).collect()
}

/// Columns that subscription scope files lack.
const BILLING_SCOPE_ONLY: [&str; 14] = [
    "invoiceId",
    "previousInvoiceId",
    "billingAccountId",
    "billingProfileId",
    "billingProfileName",
    "invoiceSectionId",
    "invoiceSectionName",
    "partnerTenantId",
    "costInPricingCurrency",
    "paygCostInBillingCurrency",
    "paygCostInUsd",
    "isAzureCreditEligible",
    "partnerEarnedCreditRate",
    "partnerEarnedCreditApplied",
];

fn without(names: &[&'static str], dropped: &[&str]) -> Vec<&'static str> {
    names.iter().filter(|name| !dropped.contains(name)).copied().collect()
}

fn resolved(names: &[&str]) -> Result<Mapping, NormalizeError> {
    resolved_as(DatasetType::ActualCost, names)
}

fn resolved_as(wanted: DatasetType, names: &[&str]) -> Result<Mapping, NormalizeError> {
    resolve(&Header::from_names(names).unwrap(), wanted)
}

fn kept_columns(mapping: &Mapping) -> usize {
    (0..columns::COST.columns.len()).filter(|column| mapping.field(*column).is_some()).count()
}

#[test]
fn the_partner_dataset_maps_one_to_one() {
    let mapping = resolved(&partner()).unwrap();
    assert_eq!(mapping.to_string(), "MCA partner 2021-10-01");
    assert!((0..70).all(|column| mapping.field(column) == Some(column)));
    assert!(mapping.has_payg_cost());
    assert_eq!(mapping.scope_columns(), ScopeColumns::Billing);
    assert_eq!(mapping.suggested_scope_type(), None);
    assert!(mapping.unknown_columns().is_empty());
}

#[test]
fn letter_case_and_order_do_not_matter() {
    let mut names: Vec<String> = partner().iter().map(|name| name.to_uppercase()).collect();
    names.reverse();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mapping = resolved(&names).unwrap();
    assert!((0..70).all(|column| mapping.field(column) == Some(69 - column)));
    assert_eq!(mapping.file_name(0), "INVOICEID");
}

#[test]
fn a_subscription_scope_file_is_known_by_what_it_lacks() {
    let names = without(&partner(), &BILLING_SCOPE_ONLY);
    assert_eq!(names.len(), 56);
    let mapping = resolved(&names).unwrap();
    assert_eq!(mapping.to_string(), "MCA partner 2021-10-01, subscription scope");
    assert_eq!(mapping.suggested_scope_type(), Some(ScopeType::Subscription));
    assert!(!mapping.has_payg_cost());
    assert_eq!(kept_columns(&mapping), 56);
}

#[test]
fn older_partner_versions_are_read_under_their_own_names() {
    let names = without(&partner(), &["benefitId", "benefitName", "provider"]);
    let mapping = resolved(&names).unwrap();
    assert_eq!((mapping.version(), names.len()), ("2021-01-01", 67));
    let renamed: Vec<&str> = without(&names, &["PricingModel"])
        .into_iter()
        .map(|name| match name {
            "ProductName" => "product",
            "SubscriptionId" => "subscriptionId",
            "ResourceId" => "InstanceName",
            "location" => "Location",
            "PayGPrice" => "payGPrice",
            other => other,
        })
        .collect();
    let mapping = resolved(&renamed).unwrap();
    assert_eq!((mapping.version(), renamed.len()), ("2019-11-01", 66));
    assert_eq!(kept_columns(&mapping), 66);
    assert_eq!(mapping.field(known_column(&columns::COST, "resource_id")), Some(37));
    assert_eq!(mapping.field(known_column(&columns::COST, "product_name")), Some(30));
    assert_eq!(mapping.field(known_column(&columns::COST, "pricing_model")), None);
    assert!(mapping.unknown_columns().is_empty());
}

#[test]
fn the_direct_dataset_has_no_partner_and_customer() {
    let dropped = [
        "partnerTenantId",
        "partnerName",
        "customerTenantId",
        "customerName",
        "partnerEarnedCreditRate",
        "partnerEarnedCreditApplied",
    ];
    let mut names = without(&partner(), &dropped);
    names.insert(61, "costAllocationRuleName");
    let mapping = resolved(&names).unwrap();
    assert_eq!((mapping.to_string().as_str(), names.len()), ("MCA direct 2021-10-01", 65));
    assert_eq!(mapping.agreement(), Agreement::Direct);
    assert!(mapping.unknown_columns().is_empty(), "known, and not kept");
    assert_eq!(mapping.suggested_scope_type(), None);
}

#[test]
fn unknown_columns_are_listed_and_localized_names_understood() {
    let mut names = partner();
    names[31] = "Abonnement-GUID (SubscriptionId)";
    names.push("x_NewColumn");
    names.push("costAllocationRuleName");
    let mapping = resolved(&names).unwrap();
    assert_eq!(mapping.unknown_columns(), ["x_NewColumn", "costAllocationRuleName"]);
    assert_eq!(mapping.field(31), Some(31));
    assert_eq!(mapping.file_name(31), "Abonnement-GUID (SubscriptionId)");
    assert_eq!(mapping.field_count(), 72);
}

#[test]
fn a_required_column_that_is_missing_is_named() {
    for name in [
        "date",
        "chargeType",
        "billingCurrency",
        "costInBillingCurrency",
        "quantity",
        "effectivePrice",
        "meterId",
        "SubscriptionId",
        "reservationId",
        "billingAccountId",
        "billingProfileId",
        "customerTenantId",
        "PricingModel",
        "benefitId",
    ] {
        let error = resolved(&without(&partner(), &[name])).unwrap_err();
        let expected = NormalizeError::MissingColumns {
            dataset: "MCA partner 2021-10-01".to_owned(),
            missing: vec![name],
        };
        assert_eq!(error, expected);
        assert!(error.to_string().contains(name) && error.hint().is_some(), "{error}");
    }
    assert!(resolved(&without(&partner(), &["invoiceSectionName", "costInUsd"])).is_ok());
}

#[test]
fn other_datasets_are_refused_by_name() {
    for (names, expected) in [
        (
            "BilledCost,BillingAccountId,ChargePeriodStart,EffectiveCost,ListCost,ServiceName",
            "FOCUS",
        ),
        (
            "InstanceId,Kind,ReservationOrderId,ReservationId,ReservedHours,SkuName,UsedHours",
            "reservation details",
        ),
        ("Amount,ArmSkuName,Currency,EventDate,EventType,ReservationOrderId", "transactions"),
        ("Cost With No ReservedInstances,Net Savings,SKU,Term,MeterID", "recommendations"),
        (
            "ProductId,SkuId,MeterId,TierMinimumUnits,UnitPrice,BasePrice,MarketPrice,Currency",
            "price sheet",
        ),
        (
            "InvoiceSectionName,AccountOwnerId,SubscriptionId,Date,MeterId,Quantity,\
             EffectivePrice,CostInBillingCurrency,OfferId,ReservationId,ChargeType,\
             PricingModel,BillingAccountId,BillingCurrencyCode,BillingProfileId,PartNumber,\
             PayGPrice,benefitId",
            "Enterprise Agreement (EA) cost export (",
        ),
        (
            "InvoiceSection,AccountName,AccountOwnerId,SubscriptionId,Date,Product,MeterId,\
             Quantity,EffectivePrice,Cost,UnitPrice,BillingCurrency,ChargeType,OfferId",
            "older portal",
        ),
        (
            "InvoiceID,BillingAccountId,Date,SubscriptionGuid,InstanceName,MeterId,Quantity,\
             EffectivePrice,BillingCurrencyCode,CostInBillingCurrency,CostInUSD,MarketPrice",
            "2019-10-01",
        ),
        ("PartnerId,CustomerId,MeterId,PCToBCExchangeRate,EffectiveUnitPrice", "Partner Center"),
    ] {
        let names: Vec<&str> = names.split(',').collect();
        let error = resolved(&names).unwrap_err();
        assert!(matches!(error, NormalizeError::OtherDataset { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn a_file_of_something_else_is_no_cost_export() {
    let error = resolved(&["name", "city", "date"]).unwrap_err();
    assert!(matches!(error, NormalizeError::Unrecognized { .. }), "{error}");
    assert!(error.hint().unwrap().contains("2021-10-01"));
}

const OTHERS: [DatasetType; 4] = [
    DatasetType::PriceSheet,
    DatasetType::ReservationDetails,
    DatasetType::ReservationTransactions,
    DatasetType::ReservationRecommendations,
];

fn azure_names(dataset: DatasetType) -> Vec<&'static str> {
    dataset.column_set().columns.iter().map(|column| column.azure_name).collect()
}

#[test]
fn the_other_datasets_map_one_to_one() {
    for (dataset, count) in OTHERS.into_iter().zip([26, 11, 20, 18]) {
        let mapping = resolved_as(dataset, &azure_names(dataset)).unwrap();
        assert!(mapping.to_string().starts_with("MCA "), "{mapping}");
        assert!((0..count).all(|column| mapping.field(column) == Some(column)));
        assert_eq!(mapping.field_count(), count);
        assert!(mapping.unknown_columns().is_empty());
        assert_eq!(mapping.suggested_scope_type(), None);
    }
}

#[test]
fn each_dataset_is_refused_in_the_place_of_another() {
    let name = |dataset: DatasetType| match dataset {
        DatasetType::ActualCost | DatasetType::AmortizedCost => "a cost export",
        DatasetType::PriceSheet => "a price sheet",
        DatasetType::ReservationDetails => "a reservation details export",
        DatasetType::ReservationTransactions => "a reservation transactions export",
        DatasetType::ReservationRecommendations => "a reservation recommendations export",
    };
    for wanted in DatasetType::ALL {
        for given in DatasetType::ALL {
            let result = resolved_as(wanted, &azure_names(given));
            if wanted == given || (wanted.is_cost() && given.is_cost()) {
                assert!(result.is_ok());
                continue;
            }
            let error = result.unwrap_err();
            assert!(error.to_string().contains(&format!("it is {} (", name(given))), "{error}");
            let hint = error.hint().unwrap();
            assert!(hint.starts_with("load it with --"), "{wanted} {given}: {hint}");
        }
    }
}

#[test]
fn names_of_recommendations_and_used_hours_vary() {
    let dataset = DatasetType::ReservationRecommendations;
    let names: Vec<String> =
        azure_names(dataset).iter().map(|name| name.replace(' ', "")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mapping = resolved_as(dataset, &names).unwrap();
    assert!((0..18).all(|column| mapping.field(column) == Some(column)));
    let dataset = DatasetType::ReservationDetails;
    let mut names = azure_names(dataset);
    names[10] = "RIUsedHours";
    assert_eq!(resolved_as(dataset, &names).unwrap().field(10), Some(10));
}

#[test]
fn a_required_column_of_another_dataset_is_named() {
    for (dataset, name) in [
        (DatasetType::PriceSheet, "MarketPrice"),
        (DatasetType::ReservationDetails, "UsedHours"),
        (DatasetType::ReservationTransactions, "EventType"),
        (DatasetType::ReservationRecommendations, "Net Savings"),
    ] {
        let error = resolved_as(dataset, &without(&azure_names(dataset), &[name])).unwrap_err();
        let NormalizeError::MissingColumns { missing, .. } = &error else { panic!("{error}") };
        assert_eq!(missing, &[name]);
    }
    let error = resolved_as(DatasetType::PriceSheet, &["name", "city"]).unwrap_err();
    assert!(matches!(error, NormalizeError::Unrecognized { .. }), "{error}");
    assert!(error.hint().unwrap().contains("MCA 2023-05-01"));
}
