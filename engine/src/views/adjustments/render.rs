//! Adjustments as SQL.

use std::collections::{BTreeMap, HashSet};

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

/// From so many rules on one dimension a lookup is shorter than a test each.
const LOOKUP_RULES_MIN: usize = 8;

/// The rate of the first rule that matches.
fn rate_of(rules: &[AdjustmentRule]) -> String {
    let mut cases: Vec<String> = Vec::new();
    let mut rest = rules;
    let otherwise = loop {
        let Some((rule, others)) = rest.split_first() else { break "0.0".to_owned() };
        let run = lookup_run(rest);
        if run >= LOOKUP_RULES_MIN {
            break lookup(&rest[..run], &rate_of(&rest[run..]));
        }
        let rate = fraction(rule.percent);
        let Some(condition) = &rule.when else { break rate };
        cases.push(format!("when {} then {rate}", rendered(condition)));
        rest = others;
    };
    if cases.is_empty() {
        return otherwise;
    }
    format!("case {} else {otherwise} end", cases.join(" "))
}

/// The one dimension a rule compares with texts, and the texts.
fn compared(rule: &AdjustmentRule) -> Option<(&str, &Texts)> {
    let Some(Condition::Equals(dimensions)) = &rule.when else { return None };
    let (name, texts) = dimensions.first_key_value()?;
    let is_plain = dimensions.len() == 1 && !texts.iter().any(str::is_empty);
    is_plain.then_some((name, texts))
}

/// How many rules from the first on compare the same dimension.
fn lookup_run(rules: &[AdjustmentRule]) -> usize {
    let Some((name, _)) = rules.first().and_then(compared) else { return 0 };
    rules.iter().take_while(|rule| compared(rule).is_some_and(|(other, _)| other == name)).count()
}

/// Rules that compare one dimension, as the engine looks values up rather than tries
/// one after the other.
fn lookup(rules: &[AdjustmentRule], otherwise: &str) -> String {
    let mut known: HashSet<String> = HashSet::new();
    let mut cases = Vec::new();
    let mut dimension = "";
    for rule in rules {
        let Some((name, texts)) = compared(rule) else { continue };
        dimension = name;
        // The first rule that names a text counts.
        let fresh = texts.iter().map(quoted).filter(|text| known.insert(text.clone()));
        cases.extend(fresh.map(|text| format!("when {text} then {}", fraction(rule.percent))));
    }
    format!("coalesce(case lower({dimension}) {} end, {otherwise})", cases.join(" "))
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
