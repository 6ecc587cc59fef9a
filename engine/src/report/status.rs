//! What is known of the months a report speaks of: whether they are loaded, and final.
//!
//! Input: a session and months. Output: [`DataStatus`]. Months the lake does not know at
//! all are named, too: they are missing, not free of cost.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::Need;
use super::error::ReportError;
use super::params::{MonthRange, ReportParameters, ReportScope, ScopeSelection};
use super::scopes::{text_rows, texts};
use crate::model::period::BillingMonth;
use crate::query::{QueryError, Session};

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
    /// It is unknown when Azure wrote it, and so whether it is final.
    pub is_undated: bool,
    /// Seen at the scope of a subscription, with retail prices and without commitments.
    pub at_subscription_scope: bool,
    /// Its two files are of different scopes: what is invoiced cannot be compared.
    pub at_two_scopes: bool,
}

impl MonthState {
    /// Whether nothing of it is loaded.
    pub fn is_missing(&self) -> bool {
        self.missing.len() == FILES.len()
    }

    /// What of it cannot be told to a section that needs this.
    fn untold(&self, needs: &[Need]) -> Option<Untold> {
        let lacks = |need: &Need| match need {
            Need::AccountScope => self.at_subscription_scope.then_some(Untold::SubscriptionScope),
            file => {
                let missing = self.missing.iter().find(|missing| **missing == file.name());
                missing.map(|file| Untold::NoFile(file))
            }
        };
        match self.is_missing() {
            true => Some(Untold::NotLoaded),
            false => needs.iter().find_map(lacks),
        }
    }
}

/// Why nothing can be told of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Untold {
    /// Nothing of it is loaded.
    NotLoaded,
    /// A file of it is not: `actual cost`, `amortized cost`.
    NoFile(&'static str),
    /// Its source sees a subscription only.
    SubscriptionScope,
}

/// Of which months something can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Of all of them.
    All,
    /// Of some, and why not of the others.
    Some(BTreeSet<Untold>),
    /// Of none, and why.
    Nothing(BTreeSet<Untold>),
}

/// The months of a source, in order.
pub type SourceStatus = BTreeMap<BillingMonth, MonthState>;

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
        let known = "select distinct source from current_runs";
        for [source] in texts(session, known).await? {
            let absent = || MonthState {
                missing: FILES.map(|(_, label)| label).to_vec(),
                ..MonthState::default()
            };
            let months = range.months().map(|month| (month, absent())).collect();
            sources.insert(source.unwrap_or_default(), months);
        }
        let statement = format!(
            "select months.source, months.billing_month, dataset, status, period, \
             cast(is_final as varchar), scope_type, cast(scopes_differ as varchar) \
             from months left join month_scopes on months.source = month_scopes.source \
             and months.billing_month = month_scopes.billing_month \
             where months.billing_month between '{}' and '{}'",
            range.first(),
            range.last()
        );
        for [source, month, dataset, status, period, is_final, scope_type, scopes_differ] in
            texts::<8>(session, &statement).await?
        {
            let Some(label) = FILES
                .into_iter()
                .find(|(name, _)| dataset.as_deref() == Some(name))
                .map(|(_, label)| label)
            else {
                continue;
            };
            let month = month.and_then(|month| month.parse::<BillingMonth>().ok());
            let source: Option<&mut SourceStatus> =
                source.and_then(|source| sources.get_mut(&source));
            let (Some(month), Some(months)) = (month, source) else { continue };
            let state = months.get_mut(&month).expect("the query keeps to the range");
            if status.as_deref() == Some("loaded") {
                state.missing.retain(|missing| *missing != label);
                state.at_subscription_scope = scope_type.as_deref() == Some("subscription");
                state.at_two_scopes = scopes_differ.as_deref() == Some("true");
                match (period.as_deref(), is_final.as_deref()) {
                    (Some("open"), _) => state.is_open = true,
                    (_, Some("false")) => state.is_stale = true,
                    (_, None) => state.is_undated = true,
                    _ => {}
                }
            }
        }
        Ok(Self { sources })
    }

    /// The newest month anything is loaded of, and the first one; of one source or of all.
    pub async fn loaded_months(
        session: &Session,
        source: Option<&str>,
    ) -> Result<Option<MonthRange>, ReportError> {
        let statement = "select source, min(billing_month), max(billing_month) from current_runs \
                         where dataset in ('actual_cost', 'amortized_cost') group by source";
        let rows = texts::<3>(session, statement).await?;
        let of = rows.into_iter().filter(|[of, ..]| source.is_none() || of.as_deref() == source);
        let ranges = of.filter_map(|[_, first, last]| {
            let month = |text: Option<String>| text?.parse::<BillingMonth>().ok();
            Some((month(first)?, month(last)?))
        });
        let range = ranges.reduce(|(first, last), (a, b)| (first.min(a), last.max(b)));
        Ok(range.and_then(|(first, last)| MonthRange::new(first, last)))
    }

    /// The billing currencies of the lake.
    pub async fn currencies(session: &Session) -> Result<BTreeSet<String>, ReportError> {
        let statement = "select distinct billing_currency from scope_totals";
        let rows = texts::<1>(session, statement).await?;
        Ok(rows.into_iter().filter_map(|[currency]| currency).collect())
    }

    /// The billing currencies of what is asked for, whichever of them is.
    pub async fn currencies_of(
        session: &Session,
        parameters: &ReportParameters,
    ) -> Result<BTreeSet<String>, ReportError> {
        // The totals kept by scope are not told apart by reseller.
        let rows = match parameters.scopes {
            ScopeSelection::One { scope_type: ReportScope::Reseller, .. } => "cost_rows",
            _ => "scope_totals",
        };
        let column = parameters.scopes.scope_type().column();
        let statement = format!(
            "select distinct billing_currency from {rows} \
             where billing_month between $first_month and $last_month \
             and ($source is null or source = $source) \
             and ($scope_id is null or {column} = $scope_id)"
        );
        let plan = session.plan(&statement).await?.with_param_values(parameters.values());
        let stream = session.run(plan.map_err(QueryError::from)?).await?;
        let rows = text_rows::<1>(stream).await?;
        Ok(rows.into_iter().filter_map(|[currency]| currency).collect())
    }

    /// Of which months something can be told, of what needs this. Where there is no month,
    /// of nothing.
    pub fn told(&self, needs: &[Need]) -> Told {
        let months = || self.sources.values().flat_map(BTreeMap::values);
        let untold: BTreeSet<Untold> = months().filter_map(|state| state.untold(needs)).collect();
        let is_told = months().any(|state| state.untold(needs).is_none());
        match (is_told, untold.is_empty()) {
            (true, true) => Told::All,
            (true, false) => Told::Some(untold),
            (false, true) => Told::Nothing(BTreeSet::from([Untold::NotLoaded])),
            (false, false) => Told::Nothing(untold),
        }
    }

    /// The status of some of the sources.
    pub fn of(&self, names: &BTreeSet<String>) -> Self {
        let sources = self.sources.iter().filter(|(name, _)| names.contains(*name));
        Self { sources: sources.map(|(name, status)| (name.clone(), status.clone())).collect() }
    }
}
