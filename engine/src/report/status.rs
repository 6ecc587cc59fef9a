//! What is known of the months a report speaks of: whether they are loaded, and final.
//!
//! Input: a session and months. Output: [`DataStatus`]. Months the lake does not know at
//! all are named, too: they are missing, not free of cost.

use std::collections::{BTreeMap, BTreeSet};

use super::error::ReportError;
use super::params::MonthRange;
use super::scopes::texts;
use crate::model::period::BillingMonth;
use crate::query::Session;

/// The files a report needs, as people call them.
const FILES: [(&str, &str); 2] =
    [("actual_cost", "actual cost"), ("amortized_cost", "amortized cost")];

/// A month of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MonthState {
    /// Files that are not in the lake: `actual cost`, `amortized cost`.
    pub missing: Vec<&'static str>,
    /// Azure may still change it: its amounts are estimates.
    pub is_open: bool,
    /// Loaded while Azure could still change it, which it no longer can.
    pub is_stale: bool,
}

impl MonthState {
    /// Whether nothing of it is loaded.
    pub fn is_missing(&self) -> bool {
        self.missing.len() == FILES.len()
    }
}

/// How much of what was asked for is in the lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// Every month of every source.
    All,
    /// Some months are missing.
    Some,
    /// No month is there.
    Nothing,
}

/// A source and its months.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceStatus {
    /// Scope it sees the bill at, where known.
    pub scope_type: Option<String>,
    /// The months of the range, in order.
    pub months: BTreeMap<BillingMonth, MonthState>,
}

impl SourceStatus {
    /// Whether it sees a subscription only, with retail prices and without commitments.
    pub fn is_at_subscription_scope(&self) -> bool {
        self.scope_type.as_deref() == Some("subscription")
    }
}

/// What is known of the months of a range, by source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataStatus {
    /// By name.
    pub sources: BTreeMap<String, SourceStatus>,
}

impl DataStatus {
    /// Reads what there is of a range.
    pub async fn read(session: &Session, range: &MonthRange) -> Result<Self, ReportError> {
        let mut sources = BTreeMap::new();
        let known = "select current_runs.source, max(source_scopes.scope_type) from current_runs \
                     left join source_scopes on current_runs.source = source_scopes.source \
                     group by current_runs.source";
        for [source, scope_type] in texts(session, known).await? {
            let absent = || MonthState {
                missing: FILES.map(|(_, label)| label).to_vec(),
                ..MonthState::default()
            };
            let months = range.months().map(|month| (month, absent())).collect();
            sources.insert(source.unwrap_or_default(), SourceStatus { scope_type, months });
        }
        let statement = format!(
            "select source, billing_month, dataset, status, period, cast(is_final as varchar) \
             from months where billing_month between '{}' and '{}'",
            range.first(),
            range.last()
        );
        for [source, month, dataset, status, period, is_final] in
            texts::<6>(session, &statement).await?
        {
            let Some(label) = FILES
                .into_iter()
                .find(|(name, _)| dataset.as_deref() == Some(name))
                .map(|(_, label)| label)
            else {
                continue;
            };
            let month = month.and_then(|month| month.parse::<BillingMonth>().ok());
            let source = source.and_then(|source| sources.get_mut(&source));
            let (Some(month), Some(source)) = (month, source) else { continue };
            let state: &mut MonthState =
                source.months.get_mut(&month).expect("the query keeps to the range");
            if status.as_deref() == Some("loaded") {
                state.missing.retain(|missing| *missing != label);
                match (period.as_deref(), is_final.as_deref()) {
                    (Some("open"), _) => state.is_open = true,
                    (_, Some("false")) => state.is_stale = true,
                    _ => {}
                }
            }
        }
        Ok(Self { sources })
    }

    /// The newest month anything is loaded of, and the first one.
    pub async fn loaded_months(session: &Session) -> Result<Option<MonthRange>, ReportError> {
        let statement = "select min(billing_month), max(billing_month) from current_runs \
                         where dataset in ('actual_cost', 'amortized_cost')";
        let rows = texts::<2>(session, statement).await?;
        let range = rows
            .into_iter()
            .next()
            .and_then(|[first, last]| MonthRange::new(first?.parse().ok()?, last?.parse().ok()?));
        Ok(range)
    }

    /// The billing currencies of the lake.
    pub async fn currencies(session: &Session) -> Result<BTreeSet<String>, ReportError> {
        let statement = "select distinct billing_currency from scope_totals";
        let rows = texts::<1>(session, statement).await?;
        Ok(rows.into_iter().filter_map(|[currency]| currency).collect())
    }

    /// Whether no month of any source is loaded, and whether some are not.
    pub fn is_loaded(&self) -> Loaded {
        let mut months = self.sources.values().flat_map(|source| source.months.values());
        let missing = months.clone().filter(|state| state.is_missing()).count();
        match (missing, months.any(|state| !state.is_missing())) {
            (0, true) => Loaded::All,
            (_, true) => Loaded::Some,
            _ => Loaded::Nothing,
        }
    }

    /// The status of some of the sources.
    pub fn of(&self, names: &BTreeSet<String>) -> Self {
        let sources = self.sources.iter().filter(|(name, _)| names.contains(*name));
        Self { sources: sources.map(|(name, status)| (name.clone(), status.clone())).collect() }
    }
}
