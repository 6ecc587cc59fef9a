//! Commitments that several subscriptions of a customer use.

use super::*;

#[test]
fn some_commitments_are_used_by_several_subscriptions_of_one_customer() {
    for options in [small(), GeneratorOptions { scope: ScopeType::BillingProfile, ..larger() }] {
        let written = export(&options);
        let [_, amortized] = written.both();
        let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut customers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in amortized.where_is("chargeType", "Usage") {
            let cell = |column| amortized.cell(row, column);
            if !cell("benefitId").is_empty() {
                users.entry(cell("benefitId")).or_default().insert(cell("SubscriptionId"));
                customers.entry(cell("benefitId")).or_default().insert(cell("customerTenantId"));
                let of_subscription = format!("/subscriptions/{}/", cell("SubscriptionId"));
                assert!(cell("ResourceId").starts_with(&of_subscription));
            }
        }
        let shared = |kind: &str, count| {
            users.iter().filter(|(id, users)| id.contains(kind) && users.len() == count).count()
        };
        assert!(shared("reservationOrders", 2) + shared("reservationOrders", 3) >= 2);
        assert!(shared("savingsPlanOrders", 2) + shared("savingsPlanOrders", 3) >= 1);
        assert!(users.values().any(|users| users.len() == 3));
        assert!(users.values().any(|users| users.len() == 1), "not all are shared");
        assert!(users.values().all(|users| users.len() <= 3));
        assert!(customers.values().all(|customers| customers.len() == 1), "never two customers");
    }
}

#[test]
fn purchase_and_unused_rows_stay_with_the_purchasing_subscription() {
    let written = export(&larger());
    let [actual, amortized] = written.both();
    let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in amortized.where_is("chargeType", "Usage") {
        let order = amortized.cell(row, "productOrderId");
        users.entry(order).or_default().insert(amortized.cell(row, "SubscriptionId"));
    }
    let mut elsewhere = 0;
    let mut bought: BTreeMap<&str, &str> = BTreeMap::new();
    for row in actual.rows.iter().filter(|row| !actual.cell(row, "benefitId").is_empty()) {
        if actual.cell(row, "chargeType") != "Usage" {
            let order = actual.cell(row, "productOrderId");
            let subscription = actual.cell(row, "SubscriptionId");
            let before = bought.insert(order, subscription);
            assert!(before.is_none_or(|before| before == subscription), "one buyer of an order");
            let users = users.get(order).into_iter().flatten();
            elsewhere += usize::from(users.filter(|user| **user != subscription).count() > 0);
        }
    }
    assert!(elsewhere >= 3, "costs move between subscriptions: {elsewhere}");
    for charge_type in ["UnusedReservation", "UnusedSavingsPlan"] {
        for row in amortized.where_is("chargeType", charge_type) {
            let owner = amortized.cell(row, "SubscriptionId");
            let buyer = bought.get(amortized.cell(row, "productOrderId"));
            let named = !owner.is_empty() && !owner.starts_with("00000000-");
            assert!(!named || buyer.is_none_or(|buyer| *buyer == owner));
        }
    }
}

#[test]
fn a_subscription_sees_the_use_of_its_own_machines_alone() {
    let scope = ScopeType::Subscription;
    let written = export(&GeneratorOptions { scope, ..larger() });
    for rows in written.both() {
        assert_eq!(rows.values("SubscriptionId").len(), 1);
    }
}

#[test]
fn the_showcase_shares_commitments_under_any_seed() {
    for seed in 1..=50 {
        let scope = ScopeType::BillingAccount;
        let tenant = tenant::Tenant::new(seed, month(MONTH), tenant::CUSTOMERS_MIN, scope);
        let shared = commitments::showcase(&tenant)
            .iter()
            .filter(|commitment| {
                let places = &commitment.users;
                assert_eq!(places[0], commitment.place);
                assert!(places.iter().all(|place| place.customer == places[0].customer));
                places.len() > 1
            })
            .count();
        assert!((2..=6).contains(&shared), "seed {seed}: {shared}");
    }
}
