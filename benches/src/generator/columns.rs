//! The columns of Azure's cost files: which, in which order, under which names.
//!
//! Input: scope and data version. Output: a layout. The names are typed from
//! Azure's published schema, not taken from the loader's table, so that a
//! mistake there cannot hide here. Never writes a value.

use costlake_engine::model::ScopeType;

use super::DataVersion;

macro_rules! columns {
    ($($column:ident $name:literal)*) => {
        /// A column under any of its names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Column { $($column,)* CostAllocationRuleName }

        /// The 70 columns of the MCA partner schema 2021-10-01, in order.
        const PARTNER: &[(Column, &str)] = &[$((Column::$column, $name),)*];
    };
}

columns! {
    InvoiceId "invoiceId" PreviousInvoiceId "previousInvoiceId"
    BillingAccountId "billingAccountId" BillingAccountName "billingAccountName"
    BillingProfileId "billingProfileId" BillingProfileName "billingProfileName"
    InvoiceSectionId "invoiceSectionId" InvoiceSectionName "invoiceSectionName"
    PartnerTenantId "partnerTenantId" PartnerName "partnerName"
    ResellerName "resellerName" ResellerMpnId "resellerMpnId"
    CustomerTenantId "customerTenantId" CustomerName "customerName"
    CostCenter "costCenter"
    BillingPeriodEndDate "billingPeriodEndDate" BillingPeriodStartDate "billingPeriodStartDate"
    ServicePeriodEndDate "servicePeriodEndDate" ServicePeriodStartDate "servicePeriodStartDate"
    Date "date" ServiceFamily "serviceFamily"
    ProductOrderId "productOrderId" ProductOrderName "productOrderName"
    ConsumedService "consumedService"
    MeterId "meterId" MeterName "meterName" MeterCategory "meterCategory"
    MeterSubCategory "meterSubCategory" MeterRegion "meterRegion"
    ProductId "ProductId" ProductName "ProductName"
    SubscriptionId "SubscriptionId" SubscriptionName "subscriptionName"
    PublisherType "publisherType" PublisherId "publisherId" PublisherName "publisherName"
    ResourceGroupName "resourceGroupName" ResourceId "ResourceId"
    ResourceLocation "resourceLocation" Location "location"
    EffectivePrice "effectivePrice" Quantity "quantity" UnitOfMeasure "unitOfMeasure"
    ChargeType "chargeType" BillingCurrency "billingCurrency" PricingCurrency "pricingCurrency"
    CostInBillingCurrency "costInBillingCurrency" CostInPricingCurrency "costInPricingCurrency"
    CostInUsd "costInUsd" PaygCostInBillingCurrency "paygCostInBillingCurrency"
    PaygCostInUsd "paygCostInUsd"
    ExchangeRatePricingToBilling "exchangeRatePricingToBilling"
    ExchangeRateDate "exchangeRateDate" IsAzureCreditEligible "isAzureCreditEligible"
    ServiceInfo1 "serviceInfo1" ServiceInfo2 "serviceInfo2"
    AdditionalInfo "additionalInfo" Tags "tags"
    PartnerEarnedCreditRate "partnerEarnedCreditRate"
    PartnerEarnedCreditApplied "partnerEarnedCreditApplied"
    PayGPrice "PayGPrice" Frequency "frequency" Term "term"
    ReservationId "reservationId" ReservationName "reservationName"
    PricingModel "PricingModel" UnitPrice "unitPrice"
    BenefitId "benefitId" BenefitName "benefitName" Provider "provider"
}

/// Number of distinct columns over all layouts.
pub(super) const COLUMN_COUNT: usize = PARTNER.len() + 1;

/// What a file at a subscription or resource group does not have.
const BILLING_SCOPE_ONLY: [Column; 14] = [
    Column::InvoiceId,
    Column::PreviousInvoiceId,
    Column::BillingAccountId,
    Column::BillingProfileId,
    Column::BillingProfileName,
    Column::InvoiceSectionId,
    Column::InvoiceSectionName,
    Column::PartnerTenantId,
    Column::CostInPricingCurrency,
    Column::PaygCostInBillingCurrency,
    Column::PaygCostInUsd,
    Column::IsAzureCreditEligible,
    Column::PartnerEarnedCreditRate,
    Column::PartnerEarnedCreditApplied,
];

/// What a file of a direct customer agreement does not have.
const PARTNER_ONLY: [Column; 6] = [
    Column::PartnerTenantId,
    Column::PartnerName,
    Column::CustomerTenantId,
    Column::CustomerName,
    Column::PartnerEarnedCreditRate,
    Column::PartnerEarnedCreditApplied,
];

/// What came after 2019-11-01.
const SINCE_2021: [Column; 4] =
    [Column::PricingModel, Column::BenefitId, Column::BenefitName, Column::Provider];

/// How header names are spelled; Azure's own letter case is not stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderCase {
    /// As the schema page prints them.
    Documented,
    /// First letter in upper case.
    Pascal,
    /// All lower case.
    Lower,
}

/// The columns of a file, in order.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    columns: Vec<(Column, &'static str)>,
}

impl Layout {
    /// Columns of a scope and data version; `None` where Azure's schema pages
    /// or this generator know no such file.
    pub(super) fn new(scope: ScopeType, version: DataVersion) -> Option<Self> {
        let without = |removed: &[Column]| -> Vec<(Column, &'static str)> {
            PARTNER.iter().filter(|(column, _)| !removed.contains(column)).copied().collect()
        };
        let columns = match (scope, version) {
            (ScopeType::Subscription, DataVersion::V2021_10_01) => without(&BILLING_SCOPE_ONLY),
            (_, DataVersion::V2021_10_01) => PARTNER.to_vec(),
            (ScopeType::Subscription, _)
            | (ScopeType::CustomerTenant, DataVersion::McaDirect2021_10_01) => {
                return None;
            }
            (_, DataVersion::V2019_11_01) => {
                without(&SINCE_2021).into_iter().map(named_as_in_2019).collect()
            }
            (_, DataVersion::McaDirect2021_10_01) => direct(without(&PARTNER_ONLY)),
        };
        Some(Self { columns })
    }

    /// The columns in order.
    pub(super) fn columns(&self) -> impl Iterator<Item = Column> + '_ {
        self.columns.iter().map(|(column, _)| *column)
    }

    /// The names in order.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.columns.iter().map(|(_, name)| *name).collect()
    }
}

/// A header line, without byte order mark and line end.
pub(super) fn header<'a>(names: impl Iterator<Item = &'a str>, case: HeaderCase) -> String {
    let spelled = |name: &str| match case {
        HeaderCase::Documented => name.to_owned(),
        HeaderCase::Pascal => name[..1].to_ascii_uppercase() + &name[1..],
        HeaderCase::Lower => name.to_ascii_lowercase(),
    };
    names.map(spelled).collect::<Vec<_>>().join(",")
}

fn named_as_in_2019((column, name): (Column, &'static str)) -> (Column, &'static str) {
    let name = match column {
        Column::ProductName => "product",
        Column::SubscriptionId => "subscriptionId",
        Column::ResourceId => "InstanceName",
        Column::Location => "Location",
        Column::PayGPrice => "payGPrice",
        _ => name,
    };
    (column, name)
}

/// A direct agreement's file has `costAllocationRuleName` before the benefit
/// and spells `pricingModel`.
fn direct(mut columns: Vec<(Column, &'static str)>) -> Vec<(Column, &'static str)> {
    let benefit = columns
        .iter()
        .position(|(column, _)| *column == Column::BenefitId)
        .expect("a direct agreement's file has benefitId");
    columns.insert(benefit, (Column::CostAllocationRuleName, "costAllocationRuleName"));
    for (column, name) in &mut columns {
        if *column == Column::PricingModel {
            *name = "pricingModel";
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_has_the_documented_number_of_columns() {
        for (scope, version, count) in [
            (ScopeType::BillingAccount, DataVersion::V2021_10_01, 70),
            (ScopeType::CustomerTenant, DataVersion::V2021_10_01, 70),
            (ScopeType::Subscription, DataVersion::V2021_10_01, 56),
            (ScopeType::BillingProfile, DataVersion::V2019_11_01, 66),
            (ScopeType::BillingAccount, DataVersion::McaDirect2021_10_01, 65),
        ] {
            let layout = Layout::new(scope, version).unwrap();
            assert_eq!(layout.columns().count(), count);
            let line = header(layout.names().into_iter(), HeaderCase::Lower);
            assert_eq!(line.split(',').count(), count);
        }
        assert!(Layout::new(ScopeType::Subscription, DataVersion::V2019_11_01).is_none());
    }

    #[test]
    fn names_stand_where_the_schema_pages_print_them() {
        let name_at = |scope, version, position: usize| {
            Layout::new(scope, version).unwrap().columns[position - 1].1
        };
        let (account, partner) = (ScopeType::BillingAccount, DataVersion::V2021_10_01);
        assert_eq!(name_at(account, partner, 20), "date");
        assert_eq!(name_at(account, partner, 47), "costInBillingCurrency");
        assert_eq!(name_at(account, partner, 70), "provider");
        assert_eq!(name_at(ScopeType::Subscription, partner, 33), "effectivePrice");
        assert_eq!(name_at(ScopeType::Subscription, partner, 52), "PricingModel");
        assert_eq!(name_at(account, DataVersion::V2019_11_01, 38), "InstanceName");
        assert_eq!(name_at(account, DataVersion::V2019_11_01, 66), "unitPrice");
        assert_eq!(name_at(account, DataVersion::McaDirect2021_10_01, 60), "pricingModel");
        assert_eq!(
            name_at(account, DataVersion::McaDirect2021_10_01, 62),
            "costAllocationRuleName"
        );
    }
}
