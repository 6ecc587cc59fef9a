//! Markups and markdowns: the views against the rules applied to the rows by hand.

use std::collections::BTreeMap;

use costlake_engine::model::money::parse_decimal;
use costlake_engine::query::{Session, SessionOptions};
use costlake_engine::views::{
    Adjustment, AdjustmentRule, Adjustments, BilledPrice, Condition, Percent, Texts,
};

use crate::tenant::{Tenant, rows, small};

fn rule(percent: &str, when: Option<Condition>) -> AdjustmentRule {
    AdjustmentRule { percent: Percent(parse_decimal(percent.as_bytes()).unwrap()), when }
}

fn texts(dimension: &str, texts: &[&str]) -> BTreeMap<String, Texts> {
    let texts = texts.iter().map(|text| (*text).to_owned()).collect();
    BTreeMap::from([(dimension.to_owned(), Texts::Any(texts))])
}

fn adjustment(
    name: &str,
    month: &str,
    builds_on: Option<&str>,
    rules: Vec<AdjustmentRule>,
) -> Adjustment {
    Adjustment {
        name: name.to_owned(),
        effective_month: month.to_owned(),
        builds_on: builds_on.map(str::to_owned),
        rules,
    }
}

/// A markup with an exception that changes in August, and a fee on top of it.
fn adjustments(prices: BilledPrice) -> Adjustments {
    let virtual_machines_but_spot = Condition::And(vec![
        Condition::Contains(texts("meter_category", &["VIRTUAL"])),
        Condition::Not(Box::new(Condition::Equals(texts("pricing_model", &["spot"])))),
    ]);
    let named_or_without_customer = Condition::Or(vec![
        Condition::Equals(texts("customer_name", &["Fabrikam, Inc.", "litware"])),
        Condition::Equals(texts("subscription_id", &[""])),
    ]);
    let list = vec![
        adjustment("fee", "2026-08", Some("markup"), vec![rule("2.5", None)]),
        adjustment(
            "markup",
            "2026-07",
            None,
            vec![
                rule("-7.25", Some(virtual_machines_but_spot)),
                rule("12", Some(named_or_without_customer)),
                rule("5", None),
            ],
        ),
        adjustment("markup", "2026-08", None, vec![rule("3", None)]),
    ];
    Adjustments::new(prices, list).unwrap()
}

/// The same rules, written out: (1 + markup), and 2.5 % of that on top from August.
const FACTOR: &str = "\
    case
        when billing_month = '2026-08' then 1.03 + 1.03 * 0.025
        when meter_category ilike '%virtual%' and pricing_model is distinct from 'Spot' then 0.9275
        when customer_name in ('Fabrikam, Inc.', 'Litware') or subscription_id is null then 1.12
        else 1.05
    end";

async fn session(tenant: &Tenant, prices: BilledPrice) -> Session {
    let options = SessionOptions { adjustments: adjustments(prices), ..SessionOptions::default() };
    Session::open(&tenant.lake, &options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_costs_and_margins_are_those_of_the_rules_applied_row_by_row() {
    let (tenant, _) = Tenant::generated(&small());
    tenant.ingest(&tenant.request()).await;
    for (prices, billed) in [
        (
            BilledPrice::List,
            "case when charge_type like 'Unused%' then 0.0
                when list_cost_basis = 'not_applicable' then cost * factor
                when list_cost_basis <> 'unknown' then list_cost * factor end",
        ),
        (BilledPrice::Cost, "cost * factor"),
    ] {
        let session = session(&tenant, prices).await;
        // Rounded: a product's last decimals depend on what is multiplied first.
        let by_hand = format!(
            "select billing_month, customer_tenant_id, billing_currency, \
             round(sum(list_cost * factor), 9), round(sum(cost * factor), 9), \
             round(sum({billed} - cost), 9), \
             round(sum({billed}) filter (where {billed} is not null), 9) \
             from (select *, {FACTOR} as factor from priced_cost) group by 1, 2, 3 order by 1, 2, 3"
        );
        let expected = rows(&session, &by_hand).await;
        let margin = "select billing_month, customer_tenant_id, billing_currency, \
            round(adjusted_list_cost, 9), round(adjusted_cost, 9), round(margin, 9), \
            round(billed_cost, 9) from margin order by 1, 2, 3";
        assert!(expected.len() > 10);
        assert_eq!(rows(&session, margin).await, expected, "{prices:?}");
        let days = "select billing_month, customer_tenant_id, billing_currency, \
            round(sum(adjusted_list_cost), 9), round(sum(adjusted_cost), 9), \
            round(sum(margin), 9), \
            round(sum(margin) + sum(cost) - coalesce(sum(unbilled_cost), 0), 9) \
            from list_vs_cost where cost is not null group by 1, 2, 3 order by 1, 2, 3";
        assert_eq!(rows(&session, days).await, expected, "{prices:?}");
    }
    // Without adjustments every factor is 1: the margin is what is saved.
    let plain = tenant.session().await;
    let sql = "select count(*) from list_vs_cost where adjusted_cost <> cost \
        or adjusted_list_cost <> list_cost";
    assert_eq!(rows(&plain, sql).await, [["0"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_for_each_of_many_customers_is_looked_up() {
    let (tenant, _) = Tenant::generated(&small());
    tenant.ingest(&tenant.request()).await;
    let plain = tenant.session().await;
    let names = rows(&plain, "select distinct customer_name from priced_cost order by 1").await;
    let named = names.iter().flatten().filter(|name| *name != "NULL");
    let mut rules: Vec<AdjustmentRule> = named
        .zip(1..)
        .map(|(name, percent): (_, u32)| {
            rule(&percent.to_string(), Some(Condition::Equals(texts("customer_name", &[name]))))
        })
        .collect();
    assert!(rules.len() > 8, "enough for a lookup");
    rules.push(rule("40", None));
    let adjustments =
        Adjustments::new(BilledPrice::List, vec![adjustment("a", "2026-07", None, rules)]);
    let options = SessionOptions { adjustments: adjustments.unwrap(), ..SessionOptions::default() };
    let session = Session::open(&tenant.lake, &options).await.unwrap();
    let by_hand = "with ranked as (select distinct customer_name, \
            dense_rank() over (order by customer_name) as percent \
            from priced_cost where customer_name is not null) \
        select p.customer_name, round(sum(cost * (1.0 + coalesce(percent, 40) * 0.01)), 9) \
        from priced_cost p left join ranked r on p.customer_name = r.customer_name \
        group by 1 order by 1";
    let told = "select customer_name, round(sum(cost * adjustment_factor), 9) \
        from adjusted_rows group by 1 order by 1";
    assert_eq!(rows(&session, told).await, rows(&session, by_hand).await);
}
