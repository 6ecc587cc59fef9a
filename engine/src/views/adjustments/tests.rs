use super::*;
use crate::views::views;

fn rule(percent: &str, when: Option<Condition>) -> AdjustmentRule {
    AdjustmentRule { percent: Percent(parse_decimal(percent.as_bytes()).unwrap()), when }
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

fn equals(dimension: &str, text: &str) -> Condition {
    Condition::Equals(BTreeMap::from([(dimension.to_owned(), Texts::One(text.to_owned()))]))
}

fn contains(dimension: &str, texts: &[&str]) -> Condition {
    let texts = texts.iter().map(|text| (*text).to_owned()).collect();
    Condition::Contains(BTreeMap::from([(dimension.to_owned(), Texts::Any(texts))]))
}

fn nested(levels: usize) -> Condition {
    (0..levels).fold(equals("tags", "x"), |inner, _| Condition::Not(Box::new(inner)))
}

fn factor(adjustments: Vec<Adjustment>) -> String {
    Adjustments::new(BilledPrice::List, adjustments).unwrap().factor()
}

fn reason(adjustments: Vec<Adjustment>) -> String {
    Adjustments::new(BilledPrice::List, adjustments).unwrap_err().to_string()
}

#[test]
fn the_view_has_the_places_that_are_filled() {
    let view = views().iter().find(|view| view.name == ADJUSTED_VIEW).unwrap();
    assert_eq!(view.sql.matches(FACTOR_PLACE).count(), 1);
    assert_eq!(view.sql.matches(PRICES_PLACE).count(), 1);
    let plain = Adjustments::default().apply(view);
    assert_eq!(&plain, view, "without adjustments the file is what runs");
    let cost = Adjustments::new(BilledPrice::Cost, Vec::new()).unwrap().apply(view);
    assert!(cost.sql.contains("'cost' as billed_price"));
    let priced = views().iter().find(|view| view.name == "priced_cost").unwrap();
    for dimension in DIMENSIONS {
        assert!(priced.column_description(dimension).is_some(), "{dimension}");
    }
}

#[test]
fn rules_become_cases_and_the_first_counts() {
    let rules = vec![
        rule("-12.5", Some(equals("customer_tenant_id", "ABC'D"))),
        rule(
            "7",
            Some(Condition::And(vec![
                contains("meter_category", &["Virtual", "Disk"]),
                Condition::Not(Box::new(equals("reseller_mpn_id", ""))),
            ])),
        ),
        rule("3", None),
    ];
    assert_eq!(
        factor(vec![adjustment("markup", "2026-07", None, rules)]),
        "1.0 + (case when billing_month >= '2026-07' then case \
         when coalesce(lower(customer_tenant_id) in ('abc''d'), false) then -0.125 \
         when ((coalesce(contains(lower(meter_category), 'virtual'), false) or \
         coalesce(contains(lower(meter_category), 'disk'), false)) and \
         (not (reseller_mpn_id is null))) then 0.07 else 0.03 end else 0.0 end)"
    );
}

#[test]
fn many_rules_on_one_dimension_are_looked_up() {
    let of_customer = |number: usize| {
        rule(&number.to_string(), Some(equals("customer_name", &format!("C{number}"))))
    };
    let mut rules: Vec<AdjustmentRule> = (1..=9).map(of_customer).collect();
    // Named before: never counts.
    rules.push(rule("50", Some(equals("customer_name", "c1"))));
    rules.insert(0, rule("60", Some(equals("customer_name", ""))));
    rules.push(rule("70", Some(contains("tags", &["x"]))));
    let rendered = factor(vec![adjustment("markup", "2026-07", None, rules)]);
    let lookup: Vec<String> =
        (1..=9).map(|number| format!("when 'c{number}' then 0.0{number}")).collect();
    assert_eq!(
        rendered,
        format!(
            "1.0 + (case when billing_month >= '2026-07' then \
             case when (customer_name is null) then 0.6 else \
             coalesce(case lower(customer_name) {} end, \
             case when coalesce(contains(lower(tags), 'x'), false) then 0.7 else 0.0 end) end \
             else 0.0 end)",
            lookup.join(" ")
        )
    );
}

#[test]
fn versions_and_bases_are_put_in_order() {
    let support = adjustment("support", "2026-01", Some("markup"), vec![rule("10", None)]);
    let earlier = adjustment("markup", "2026-01", None, vec![rule("20", None)]);
    let later = adjustment("markup", "2026-07", None, vec![rule("25", None)]);
    let markup = "(case when billing_month >= '2026-07' then 0.25 \
                  when billing_month >= '2026-01' then 0.2 else 0.0 end)";
    assert_eq!(
        factor(vec![support, earlier, later]),
        format!(
            "1.0 + {markup} + (1.0 + {markup}) * \
             (case when billing_month >= '2026-01' then 0.1 else 0.0 end)"
        )
    );
    assert_eq!(factor(Vec::new()), "1.0");
    let tower = |stories: usize| {
        let story = |story: usize| {
            let below = (story > 0).then(|| format!("s{}", story - 1));
            let rules = vec![rule("1", None)];
            adjustment(&format!("s{story}"), "2026-07", below.as_deref(), rules)
        };
        Adjustments::new(BilledPrice::List, (0..stories).map(story).collect())
    };
    assert!(tower(STORIES_MAX).is_ok());
    let error = tower(STORIES_MAX + 1).unwrap_err().to_string();
    assert!(error.ends_with("it stands on more than 7 others"), "{error}");
}

#[test]
fn what_cannot_work_is_refused_by_name_and_rule() {
    let all = || vec![rule("1", None)];
    for (adjustments, expected) in [
        (vec![adjustment(" ", "2026-07", None, all())], "it has no name"),
        (
            vec![adjustment("a", "July", None, all())],
            "effective_month \"July\" is no month YYYY-MM",
        ),
        (
            vec![adjustment("a", "2026-07", None, all()), adjustment("a", "2026-07", None, all())],
            "there is another of that name from 2026-07",
        ),
        (
            vec![
                adjustment("b", "2026-07", None, all()),
                adjustment("a", "2026-07", None, all()),
                adjustment("a", "2026-08", Some("b"), all()),
            ],
            "its versions build on different adjustments",
        ),
        (
            vec![adjustment("a", "2026-07", Some("b"), all())],
            "it builds on \"b\", which is not there",
        ),
        (
            vec![
                adjustment("a", "2026-07", Some("b"), all()),
                adjustment("b", "2026-07", Some("a"), all()),
            ],
            "a, b build on one another in a circle",
        ),
        (vec![adjustment("a", "2026-07", Some("a"), all())], "a build on one another in a circle"),
        (vec![adjustment("a", "2026-07", None, Vec::new())], "it has no rules"),
        (
            vec![adjustment("a", "2026-07", None, vec![rule("1", None), rule("2", None)])],
            "rule 1 is for every row, so rule 2 never counts",
        ),
        (
            vec![adjustment("a", "2026-07", None, vec![rule("1", Some(equals("quantity", "1")))])],
            "rule 1: there is no dimension \"quantity\"",
        ),
        (
            vec![adjustment("a", "2026-07", None, vec![rule("1", Some(contains("tags", &[""])))])],
            "rule 1: every text contains the empty text",
        ),
        (
            vec![adjustment("a", "2026-07", None, vec![rule("1", Some(contains("tags", &[])))])],
            "rule 1: a dimension is compared with nothing",
        ),
        (
            vec![adjustment(
                "a",
                "2026-07",
                None,
                vec![rule("1", Some(Condition::Or(Vec::new())))],
            )],
            "rule 1: and, or: there is no condition in the list",
        ),
        (
            vec![adjustment("a", "2026-07", None, vec![rule("1", Some(nested(13)))])],
            "rule 1: conditions stand within more than 12 others",
        ),
        (
            vec![adjustment("a", "2026-07", None, all()), adjustment("A ", "2026-08", None, all())],
            "its name differs from \"a\" by letter case or blanks only",
        ),
    ] {
        let found = reason(adjustments);
        assert!(found.ends_with(expected), "{found}");
    }
}

#[test]
fn percentages_are_read_as_they_are_written() {
    let percent = |json: &str| serde_json::from_str::<Percent>(json).map(|percent| percent.0);
    assert_eq!(percent("12").unwrap(), 12 * ONE);
    assert_eq!(percent("12.1").unwrap(), 121 * ONE / 10);
    assert_eq!(percent("-0.0000001").unwrap(), -ONE / 10_000_000);
    assert_eq!(percent("\"7.5 %\"").unwrap(), 75 * ONE / 10);
    // 16 decimals of a percent are 18 of a factor.
    assert!(percent("\"0.0000000000000001\"").is_ok());
    for refused in ["\"0.00000000000000001\"", "\"5%%\"", "-100.5", "20000", "\"much\"", "true"] {
        assert!(percent(refused).is_err(), "{refused}");
    }
}
