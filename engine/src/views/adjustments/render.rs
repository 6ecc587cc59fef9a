//! Adjustments as SQL.

use std::collections::BTreeMap;

use super::{AdjustmentRule, Adjustments, Condition, Percent, Program, Texts};
use crate::model::money::format_decimal;

impl Adjustments {
    /// The factor of a row of `priced_cost`.
    pub(super) fn factor(&self) -> String {
        let mut added: Vec<String> = Vec::new();
        let mut results: Vec<String> = Vec::new();
        for program in &self.programs {
            let rate = program.rate();
            let times = match program.builds_on {
                Some(base) => format!("{} * ", results[base]),
                None => String::new(),
            };
            added.push(format!("{times}{rate}"));
            results.push(format!("{times}(1.0 + {rate})"));
        }
        std::iter::once("1.0".to_owned()).chain(added).collect::<Vec<_>>().join(" + ")
    }
}

impl Program {
    /// Its rate on a row, as a fraction.
    fn rate(&self) -> String {
        let versions = self.versions.iter().map(|(month, rules)| {
            format!("when billing_month >= '{month}' then {}", rate_of(rules))
        });
        format!("(case {} else 0.0 end)", versions.collect::<Vec<_>>().join(" "))
    }
}

fn rate_of(rules: &[AdjustmentRule]) -> String {
    let mut cases = Vec::new();
    for rule in rules {
        let rate = fraction(rule.percent);
        match &rule.when {
            Some(condition) => cases.push(format!("when {} then {rate}", rendered(condition))),
            None if cases.is_empty() => return rate,
            None => return format!("case {} else {rate} end", cases.join(" ")),
        }
    }
    format!("case {} else 0.0 end", cases.join(" "))
}

/// A decimal literal: one with a point.
fn fraction(Percent(raw): Percent) -> String {
    let text = format_decimal(raw / 100);
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// A condition that is true or false, never NULL.
fn rendered(condition: &Condition) -> String {
    let of_each = |dimensions: &BTreeMap<String, Texts>, test: &dyn Fn(&str, &Texts) -> String| {
        joined(dimensions.iter().map(|(name, texts)| test(name, texts)).collect(), "and")
    };
    match condition {
        Condition::Equals(dimensions) => of_each(dimensions, &|name, texts| {
            let values: Vec<String> =
                texts.iter().filter(|text| !text.is_empty()).map(quoted).collect();
            let mut tests = Vec::new();
            if !values.is_empty() {
                let values = values.join(", ");
                tests.push(format!("coalesce(lower({name}) in ({values}), false)"));
            }
            if texts.iter().any(str::is_empty) {
                tests.push(format!("({name} is null)"));
            }
            joined(tests, "or")
        }),
        Condition::Contains(dimensions) => of_each(dimensions, &|name, texts| {
            let test = |text| format!("coalesce(contains(lower({name}), {}), false)", quoted(text));
            joined(texts.iter().map(test).collect(), "or")
        }),
        Condition::And(conditions) => joined(conditions.iter().map(rendered).collect(), "and"),
        Condition::Or(conditions) => joined(conditions.iter().map(rendered).collect(), "or"),
        Condition::Not(condition) => format!("(not {})", rendered(condition)),
    }
}

/// Terms between `and` or `or`, halved again and again: a long chain would go as deep
/// into the stack of whoever reads it as it is long.
fn joined(mut terms: Vec<String>, word: &str) -> String {
    match terms.len() {
        0 => "false".to_owned(),
        1 => terms.remove(0),
        count => {
            let rest = terms.split_off(count / 2);
            format!("({} {word} {})", joined(terms, word), joined(rest, word))
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.to_lowercase().replace('\'', "''"))
}
