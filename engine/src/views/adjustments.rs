//! Markups and markdowns by which a partner bills on what Azure bills it.
//!
//! Input: the rules a user wrote. Output: the view `adjusted_rows` with its factor
//! spelled out as SQL. Everything is validated before: what is rendered names
//! columns of this file only, and texts are quoted.
//!
//! An adjustment is known by its name and may stand several times with later
//! effective months; the latest that is not after a row's month counts. Its first
//! rule that matches gives the percentage, none gives 0. It is taken of the plain
//! amount, or of the amount as another adjustment leaves it (`builds_on`). All
//! adjustments add up: `factor = 1 + Σ of what each adds`.

mod check;
mod render;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use check::{check, fault};

use super::ViewDefinition;
use crate::model::BillingMonth;
use crate::model::money::parse_decimal;

/// The view that carries the factor.
const ADJUSTED_VIEW: &str = "adjusted_rows";
/// What stands in its file for the factor.
const FACTOR_PLACE: &str = "1.0 as adjustment_factor";
/// What stands in its file for the price customers are billed at.
const PRICES_PLACE: &str = "'list' as billed_price";
/// 10¹⁸ raw units are 1.
const ONE: i128 = 1_000_000_000_000_000_000;

/// How many adjustments may stand upon one another.
const STORIES_MAX: usize = 8;

/// Columns of `priced_cost` that conditions may ask.
pub const DIMENSIONS: [&str; 37] = [
    "source",
    "billing_account_id",
    "billing_account_name",
    "billing_profile_id",
    "billing_profile_name",
    "reseller_mpn_id",
    "reseller_name",
    "customer_tenant_id",
    "customer_name",
    "subscription_id",
    "subscription_name",
    "resource_group_name",
    "resource_id",
    "resource_location",
    "service_family",
    "consumed_service",
    "meter_id",
    "meter_name",
    "meter_category",
    "meter_sub_category",
    "product_id",
    "product_name",
    "product_order_id",
    "product_order_name",
    "charge_type",
    "pricing_model",
    "publisher_type",
    "publisher_name",
    "frequency",
    "reservation_id",
    "benefit_id",
    "billing_currency",
    "unit_of_measure",
    "location",
    "meter_region",
    "tags",
    "provider",
];

/// Which price customers are billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BilledPrice {
    /// List price, adjusted.
    #[default]
    List,
    /// Cost price, adjusted.
    Cost,
}

/// One `[[adjustments]]` of a config file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// What it is called.
    pub name: String,
    /// First month it holds, `YYYY-MM`.
    pub effective_month: String,
    /// The adjustment whose result it is taken of; the plain amount if none.
    pub builds_on: Option<String>,
    /// The first that matches counts.
    pub rules: Vec<AdjustmentRule>,
}

/// A percentage and the rows it is for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdjustmentRule {
    /// Above 0 a markup, below 0 a markdown.
    pub percent: Percent,
    /// Rows it is for; every row if none.
    pub when: Option<Condition>,
}

/// A percentage; raw units of 10⁻¹⁸ percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percent(pub i128);

/// Which rows a rule is for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// Every dimension is one of its texts, in any letter case; the empty text is a
    /// row without a value.
    Equals(BTreeMap<String, Texts>),
    /// Every dimension contains one of its texts, in any letter case.
    Contains(BTreeMap<String, Texts>),
    /// All hold.
    And(Vec<Condition>),
    /// At least one holds.
    Or(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
}

/// One text or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "a dimension is compared with a text or a list of texts")]
pub enum Texts {
    /// One.
    One(String),
    /// Any of these.
    Any(Vec<String>),
}

impl Texts {
    fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Any(texts) => texts,
        }
        .iter()
        .map(String::as_str)
    }
}

impl<'de> Deserialize<'de> for Percent {
    /// From a whole number, a number with a point, or either as text. A number with a
    /// point is taken digit by digit as it was written, up to the 15 digits a file's
    /// reader keeps.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a percentage is a number, or one as text")]
        enum Written {
            Whole(i64),
            Point(f64),
            Text(String),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Whole(number) => number.to_string(),
            // The shortest text that reads as the same number: the one written.
            Written::Point(number) => number.to_string(),
            Written::Text(text) => text,
        };
        let number = text.trim();
        let number = number.strip_suffix('%').unwrap_or(number).trim_end();
        let raw = parse_decimal(number.as_bytes())
            .map_err(|_| D::Error::custom(format!("{text:?} is no percentage")))?;
        if !(-100 * ONE..=10_000 * ONE).contains(&raw) {
            return Err(D::Error::custom("the percentage is not from -100 to 10000"));
        }
        if raw % 100 != 0 {
            return Err(D::Error::custom(format!("{text:?} has more than 16 decimals")));
        }
        Ok(Self(raw))
    }
}

/// What is wrong with an adjustment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("adjustment {name:?}: {reason}")]
pub struct AdjustmentError {
    /// Position among the adjustments, from 0.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// What is wrong.
    pub reason: String,
    /// The word at fault and those that would do, where it is an unknown word.
    pub unknown: Option<(String, Vec<String>)>,
}

/// Adjustments that are consistent, in the order each builds on those before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adjustments {
    billed_price: BilledPrice,
    programs: Vec<Program>,
}

/// All versions of one adjustment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Program {
    builds_on: Option<usize>,
    /// How many it is from the ground, itself counted.
    stories: usize,
    /// From the latest effective month to the earliest.
    versions: Vec<(BillingMonth, Vec<AdjustmentRule>)>,
}

impl Adjustments {
    /// Checks adjustments against the catalog and one another.
    ///
    /// # Errors
    /// The first [`AdjustmentError`], in the order they stand.
    pub fn new(
        billed_price: BilledPrice,
        adjustments: Vec<Adjustment>,
    ) -> Result<Self, AdjustmentError> {
        for (index, adjustment) in adjustments.iter().enumerate() {
            check(index, adjustment, &adjustments)?;
        }
        let mut waiting: BTreeMap<&str, Vec<&Adjustment>> = BTreeMap::new();
        for adjustment in &adjustments {
            waiting.entry(&adjustment.name).or_default().push(adjustment);
        }
        let mut names: Vec<&str> = Vec::new();
        let mut programs: Vec<Program> = Vec::new();
        while !waiting.is_empty() {
            let position =
                |name: &str, names: &[&str]| names.iter().position(|known| *known == name);
            let ready = waiting.iter().find_map(|(name, versions)| {
                let base = versions[0].builds_on.as_deref();
                let base = base.map(|base| position(base, &names));
                (base != Some(None)).then(|| (*name, base.flatten()))
            });
            let Some((name, builds_on)) = ready else {
                let index = adjustments
                    .iter()
                    .position(|adjustment| waiting.contains_key(adjustment.name.as_str()))
                    .expect("those that wait are among them");
                let circle: Vec<&str> = waiting.keys().copied().collect();
                let reason = format!("{} build on one another in a circle", circle.join(", "));
                return Err(fault(index, &adjustments[index], reason));
            };
            let mut versions: Vec<_> = waiting
                .remove(name)
                .unwrap_or_default()
                .into_iter()
                .map(|version| (month_of(version), version.rules.clone()))
                .filter_map(|(month, rules)| month.map(|month| (month, rules)))
                .collect();
            versions.sort_by(|(left, _), (right, _)| right.cmp(left));
            names.push(name);
            let stories = builds_on.map_or(1, |base: usize| programs[base].stories + 1);
            if stories > STORIES_MAX {
                let index = adjustments.iter().position(|adjustment| adjustment.name == name);
                let index = index.expect("the name is one of theirs");
                let reason = format!("it stands on more than {} others", STORIES_MAX - 1);
                return Err(fault(index, &adjustments[index], reason));
            }
            programs.push(Program { builds_on, stories, versions });
        }
        Ok(Self { billed_price, programs })
    }

    /// The view with the factor in it; any other view as it is.
    pub fn apply(&self, view: &ViewDefinition) -> ViewDefinition {
        let mut view = view.clone();
        if view.name != ADJUSTED_VIEW {
            return view;
        }
        let factor = format!("{} as adjustment_factor", self.factor());
        view.sql = view.sql.replace(FACTOR_PLACE, &factor);
        if self.billed_price == BilledPrice::Cost {
            view.sql = view.sql.replace(PRICES_PLACE, "'cost' as billed_price");
        }
        view
    }
}

fn month_of(adjustment: &Adjustment) -> Option<BillingMonth> {
    adjustment.effective_month.parse().ok()
}

#[cfg(test)]
mod tests;
