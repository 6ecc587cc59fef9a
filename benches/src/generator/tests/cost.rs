//! What the rows of the cost files promise.

use super::*;

#[test]
fn cost_is_quantity_times_price_times_rate() {
    let written = export(&larger());
    for rows in written.both() {
        for row in &rows.rows {
            let number = |column| Digits::parse(rows.cell(row, column));
            let rate = number("exchangeRatePricingToBilling");
            let cost = number("quantity").times(&number("effectivePrice"));
            let list = number("quantity").times(&number("PayGPrice"));
            assert_eq!(cost.round(18), raw(rows.cell(row, "costInPricingCurrency")), "{row:?}");
            assert_eq!(cost.round(18), raw(rows.cell(row, "costInUsd")));
            let billed = rows.cell(row, "costInBillingCurrency");
            assert_eq!(raw_as_printed(&cost.times(&rate), billed), raw(billed), "{row:?}");
            let listed = rows.cell(row, "paygCostInBillingCurrency");
            assert_eq!(raw_as_printed(&list.times(&rate), listed), raw(listed), "{row:?}");
            assert_eq!(list.round(18), raw(rows.cell(row, "paygCostInUsd")));
            if rows.cell(row, "partnerEarnedCreditApplied") == "True" {
                let kept = number("unitPrice").times(&Digits::parse("0.85"));
                assert_eq!(kept.round(18), raw(rows.cell(row, "effectivePrice")));
            }
        }
    }
}

#[test]
fn rows_without_a_commitment_are_the_same_in_both_files() {
    let written = export(&larger());
    let [actual, amortized] = written.both().map(|rows| {
        let mut plain: Vec<Vec<String>> = rows
            .rows
            .iter()
            .filter(|row| rows.cell(row, "benefitId").is_empty())
            .map(|row| row.iter().map(str::to_owned).collect())
            .collect();
        plain.sort_unstable();
        plain
    });
    assert!(actual.len() > 30_000);
    assert!(actual == amortized);
    let mut distinct = actual.clone();
    distinct.dedup();
    assert!(distinct.len() < actual.len(), "identical rows are legal, so there are some");
}

#[test]
fn covered_usage_costs_nothing_in_the_actual_file_and_purchases_are_only_there() {
    let [actual, amortized] = export(&larger()).both();
    let covered = |rows: &Rows| {
        let usage = rows.where_is("chargeType", "Usage");
        usage.filter(|row| !rows.cell(row, "benefitId").is_empty()).cloned().collect::<Vec<_>>()
    };
    let (in_actual, in_amortized) = (covered(&actual), covered(&amortized));
    assert_eq!(in_actual.len(), in_amortized.len());
    for row in &in_actual {
        assert_eq!(actual.cell(row, "costInBillingCurrency"), "0");
        assert_eq!(actual.cell(row, "effectivePrice"), "0");
    }
    for row in &in_amortized {
        assert_ne!(raw(amortized.cell(row, "effectivePrice")), 0);
        let reserved = !amortized.cell(row, "reservationId").is_empty();
        assert_eq!(raw(amortized.cell(row, "PayGPrice")) == 0, reserved);
        assert!(!reserved || amortized.cell(row, "unitPrice").is_empty());
    }
    for row in &amortized.rows {
        let paid = ["Purchase", "Refund"].contains(&amortized.cell(row, "chargeType"));
        assert!(!paid || amortized.cell(row, "benefitId").is_empty());
    }
    assert_eq!(actual.where_is("chargeType", "UnusedReservation").count(), 0);
    assert_eq!(actual.where_is("chargeType", "UnusedSavingsPlan").count(), 0);
}

/// Adds up, by benefit and day.
fn amortized_days(rows: &Rows) -> BTreeMap<(String, String), (i128, u32)> {
    let mut days: BTreeMap<(String, String), (i128, u32)> = BTreeMap::new();
    for row in rows.rows.iter().filter(|row| !rows.cell(row, "benefitId").is_empty()) {
        let key = (rows.cell(row, "benefitId").to_owned(), rows.cell(row, "date").to_owned());
        let day = days.entry(key).or_default();
        day.0 += raw(rows.cell(row, "costInUsd"));
        day.1 += 1;
    }
    days
}

#[test]
fn every_day_of_a_commitment_amortizes_to_its_daily_amount() {
    let written = export(&larger());
    let [_, amortized] = written.both();
    let days = amortized_days(&amortized);
    let mut seen = 0;
    for commitment in &written.totals.commitments {
        let mut usd = 0;
        for ((_, _), (sum, _)) in days.iter().filter(|((id, _), _)| *id == commitment.benefit_id) {
            assert_eq!(*sum, commitment.daily_usd, "{commitment:?}");
            usd += sum;
            seen += 1;
        }
        let first = commitment.purchase_day.max(month(MONTH).first_day());
        let end = commitment.returned_day.unwrap_or(commitment.expiry_day);
        let covered = (end.min(month(MONTH).last_day() + 1) - first).max(0);
        assert_eq!(usd, commitment.daily_usd * i128::from(covered), "{commitment:?}");
    }
    assert_eq!(seen, days.len(), "every benefit in the file is in the totals");
}

#[test]
fn commitment_totals_are_what_the_rows_add_up_to() {
    let written = export(&larger());
    let [actual, amortized] = written.both();
    let sum = |rows: &Rows, id: &str, unused: bool| -> i128 {
        rows.where_is("benefitId", id)
            .filter(|row| (rows.cell(row, "chargeType") != "Usage") == unused)
            .map(|row| raw(rows.cell(row, "costInBillingCurrency")))
            .sum()
    };
    let by_order = |rows: &Rows, charge_type: &str| {
        let mut sums: BTreeMap<String, i128> = BTreeMap::new();
        for row in rows.where_is("chargeType", charge_type) {
            if !rows.cell(row, "benefitId").is_empty() {
                *sums.entry(rows.cell(row, "productOrderId").to_owned()).or_default() +=
                    raw(rows.cell(row, "costInBillingCurrency"));
            }
        }
        sums
    };
    let mut purchased: BTreeMap<String, i128> = BTreeMap::new();
    let mut refunded: BTreeMap<String, i128> = BTreeMap::new();
    for commitment in &written.totals.commitments {
        let Some(told) = commitment.months.get(&month(MONTH)) else { continue };
        assert_eq!(told.used, sum(&amortized, &commitment.benefit_id, false));
        assert_eq!(told.unused, sum(&amortized, &commitment.benefit_id, true));
        *purchased.entry(commitment.order_id.clone()).or_default() += told.purchased;
        *refunded.entry(commitment.order_id.clone()).or_default() -= told.refunded;
        if commitment.frequency == "Recurring" {
            // Each row is rounded to 18 decimals; nothing else may differ.
            let difference = told.purchased - told.used - told.unused;
            assert!(difference.abs() < 1_000, "{commitment:?}");
        }
    }
    let close = |told: BTreeMap<String, i128>, found: BTreeMap<String, i128>| {
        let told: BTreeMap<_, _> = told.into_iter().filter(|(_, sum)| *sum != 0).collect();
        assert!(!found.is_empty());
        assert_eq!(told.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
        for (order, sum) in &told {
            assert!((sum - found[order]).abs() <= 2, "{order}");
        }
    };
    close(purchased, by_order(&actual, "Purchase"));
    close(refunded, by_order(&actual, "Refund"));
}

#[test]
fn every_kind_of_row_is_there_even_in_the_smallest_export() {
    let [actual, amortized] = export(&small()).both();
    let expect = |rows: &Rows, column: &str, wanted: &[&str]| {
        let values = rows.values(column);
        for value in wanted {
            assert!(values.contains(value), "{column} has no {value:?}: {values:?}");
        }
    };
    expect(
        &actual,
        "chargeType",
        &["Usage", "Purchase", "Refund", "Tax", "RoundingAdjustment", "Adjustment", "Credit"],
    );
    expect(&amortized, "chargeType", &["UnusedReservation", "UnusedSavingsPlan"]);
    for rows in [&actual, &amortized] {
        expect(
            rows,
            "PricingModel",
            &["OnDemand", "On Demand", "Reservation", "SavingsPlan", "Spot"],
        );
        expect(rows, "frequency", &["OneTime", "Recurring", "UsageBased"]);
        expect(rows, "term", &["", "1", "12", "36", "60"]);
        expect(rows, "billingCurrency", &["USD", "EUR", "GBP"]);
        expect(rows, "publisherType", &["Microsoft", "Marketplace"]);
        expect(rows, "provider", &["Azure", "Microsoft 365", "Dynamics 365"]);
        expect(rows, "partnerEarnedCreditApplied", &["True", "False"]);
        expect(rows, "partnerEarnedCreditRate", &["0", "0.15"]);
        expect(rows, "exchangeRatePricingToBilling", &["1", "0.858663918942126052"]);
        expect(rows, "customerName", &["Northwind Traders", "Northwind Global, LLC"]);
    }
    expect(&amortized, "SubscriptionId", &["", "00000000-0000-0000-0000-000000000000"]);
    expect(&amortized, "customerTenantId", &[""]);
    let order_only = actual.where_is("chargeType", "Purchase").filter(|row| {
        let order = actual.cell(row, "productOrderId");
        actual.cell(row, "reservationId") == order
            && actual.cell(row, "benefitId").ends_with("/reservations/")
    });
    assert!(order_only.count() >= 2);
    let fully_used = amortized
        .where_is("chargeType", "UnusedReservation")
        .filter(|row| amortized.cell(row, "quantity") == "0");
    assert!(fully_used.count() >= 31);
    let on_demand = amortized.values("meterId").len();
    assert!(on_demand > 10);
}

#[test]
fn list_prices_can_be_found_for_some_reserved_meters_and_two_for_one() {
    let [_, amortized] = export(&small()).both();
    let mut on_demand: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut reserved = BTreeSet::new();
    for row in amortized.where_is("chargeType", "Usage") {
        let key = (amortized.cell(row, "meterId"), amortized.cell(row, "ProductId"));
        if !amortized.cell(row, "reservationId").is_empty() {
            reserved.insert(key);
        } else if amortized.cell(row, "PricingModel").starts_with("On") {
            on_demand.entry(key).or_default().insert(amortized.cell(row, "PayGPrice"));
        }
    }
    let found = reserved.iter().filter(|key| on_demand.contains_key(*key)).count();
    assert!(found > 0 && found < reserved.len(), "{found} of {}", reserved.len());
    assert!(on_demand.values().any(|prices| prices.len() == 2));
}

#[test]
fn narrower_scopes_show_what_azure_shows_there() {
    let profile = export(&GeneratorOptions { scope: ScopeType::BillingProfile, ..small() });
    for rows in profile.both() {
        assert_eq!(rows.values("billingCurrency"), BTreeSet::from(["EUR"]));
    }
    let customer = export(&GeneratorOptions { scope: ScopeType::CustomerTenant, ..small() });
    for rows in customer.both() {
        assert_eq!(rows.where_is("chargeType", "Purchase").count(), 0);
        assert!(rows.values("customerTenantId").len() <= 2, "one customer, or none named");
    }
    let subscription = export(&GeneratorOptions { scope: ScopeType::Subscription, ..small() });
    for rows in subscription.both() {
        assert_eq!(rows.values("chargeType"), BTreeSet::from(["Usage"]));
        assert_eq!(rows.values("SubscriptionId").len(), 1);
        for row in &rows.rows {
            let covered = !rows.cell(row, "benefitId").is_empty();
            let cost = raw(rows.cell(row, "costInUsd"));
            let list = Digits::parse(rows.cell(row, "quantity"))
                .times(&Digits::parse(rows.cell(row, "PayGPrice")))
                .round(18);
            let spot = rows.cell(row, "PricingModel") == "Spot";
            assert!(if covered { cost == 0 } else { spot || cost == list }, "{row:?}");
        }
    }
    let manifest = subscription.manifest(DatasetType::ActualCost, month(MONTH));
    let resource = manifest["exportConfig"]["resourceId"].as_str().unwrap();
    let scope: costlake_engine::model::Scope = resource.parse().unwrap();
    assert_eq!(scope.scope_type, ScopeType::Subscription);
}
