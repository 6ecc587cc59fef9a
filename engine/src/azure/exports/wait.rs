//! Waiting for a run.
//!
//! In: a mark taken before the run was asked for, how long to wait. Out: the run,
//! once it ended. The service tells nobody the id of a run it accepts, so the
//! run is found in the history: told by somebody, not there at the mark, not
//! submitted before it, and over the period that was asked for.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::client::ExportsClient;
use super::definition::ExportName;
use super::error::ExportsError;
use super::history::{ExportRun, RunStatus};
use super::period::TimePeriod;
use crate::model::BillingMonth;

/// What the service's clock and this machine's may differ by.
const CLOCK_SKEW_MS_MAX: i64 = 5 * 60 * 1_000;

/// The history of an export just before a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunMark {
    known: BTreeSet<String>,
    since_ms: i64,
}

impl RunMark {
    /// A mark at a time (milliseconds since 1970 UTC) at which these runs were.
    pub fn new(runs: &[ExportRun], since_ms: i64) -> Self {
        Self { known: runs.iter().map(|run| run.id.clone()).collect(), since_ms }
    }

    /// The run that was asked for after the mark: of several, the first.
    pub fn find<'a>(
        &self,
        runs: &'a [ExportRun],
        period: Option<TimePeriod>,
    ) -> Option<&'a ExportRun> {
        let submitted = |run: &ExportRun| run.submitted.as_ref().and_then(|at| at.ms);
        let ours = runs.iter().filter(|run| {
            let at = submitted(run).or(run.processing_start.as_ref().and_then(|at| at.ms));
            run.is_on_demand()
                && !self.known.contains(&run.id)
                && at.is_none_or(|at| at >= self.since_ms - CLOCK_SKEW_MS_MAX)
                && period.is_none_or(|period| is_of(run, period))
        });
        ours.min_by_key(|run| submitted(run).unwrap_or(i64::MAX))
    }
}

/// Whether a run has the data of a period. The service may write the last day as
/// its end or as the day after, so that counts by its month.
fn is_of(run: &ExportRun, period: TimePeriod) -> bool {
    let start = run.start_date.as_ref().and_then(super::history::Instant::day);
    let end = run.end_date.as_ref().and_then(super::history::Instant::day);
    let month = period.month();
    start.is_none_or(|day| day == period.from_day())
        && end.is_none_or(|day| {
            BillingMonth::of_day(day) == month || BillingMonth::of_day(day - 1) == month
        })
}

/// How a run is waited for.
#[derive(Clone, Copy, Debug)]
pub struct WaitOptions {
    /// Pause between two looks at the history.
    pub poll_interval: Duration,
    /// Longest time; there is one look at least.
    pub longest: Duration,
}

impl Default for WaitOptions {
    /// A month of a large account takes the better part of an hour.
    fn default() -> Self {
        Self { poll_interval: Duration::from_secs(20), longest: Duration::from_secs(2 * 60 * 60) }
    }
}

impl ExportsClient {
    /// Takes a mark; `now_ms` is the present.
    pub async fn mark(&self, name: &ExportName, now_ms: i64) -> Result<RunMark, ExportsError> {
        Ok(RunMark::new(&self.run_history(name).await?, now_ms))
    }

    /// Waits for the run that was asked for after a mark, over `period` if it was
    /// given one. `on_progress` is told of it after every look. Errors when it
    /// ends without files, or not in time.
    pub async fn wait_for_run(
        &self,
        name: &ExportName,
        mark: &RunMark,
        period: Option<TimePeriod>,
        options: &WaitOptions,
        mut on_progress: impl FnMut(Option<&ExportRun>),
    ) -> Result<ExportRun, ExportsError> {
        let begun = Instant::now();
        loop {
            let runs = self.run_history(name).await?;
            let run = mark.find(&runs, period);
            on_progress(run);
            let place = || {
                let mut url = self.address().run_history(name);
                url.set_query(None);
                url.to_string()
            };
            if let Some(run) = run.filter(|run| run.status.is_final()) {
                if run.status == RunStatus::Completed {
                    return Ok(run.clone());
                }
                return Err(ExportsError::RunFailed {
                    place: place(),
                    name: name.to_string(),
                    status: run.status.to_string(),
                    message: run.error.clone(),
                });
            }
            if begun.elapsed() + options.poll_interval > options.longest {
                return Err(ExportsError::StillRunning {
                    place: place(),
                    name: name.to_string(),
                    state: match run {
                        Some(run) => format!("is {}", run.status),
                        None => "is not in the history".to_owned(),
                    },
                    waited_s: options.longest.as_secs(),
                });
            }
            tokio::time::sleep(options.poll_interval).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::discover::manifest::parse_instant_ms;

    fn run(id: &str, kind: &str, submitted: &str, start: &str, end: &str) -> Value {
        json!({ "id": id, "properties": {
            "executionType": kind, "status": "InProgress", "submittedTime": submitted,
            "startDate": start, "endDate": end,
        } })
    }

    #[test]
    fn other_runs_are_not_mistaken_for_ours() {
        let today = crate::model::date::parse_date(b"2026-07-10").unwrap();
        let june = TimePeriod::of_month("2026-06".parse().unwrap(), today).unwrap();
        let july = TimePeriod::of_month("2026-07".parse().unwrap(), today).unwrap();
        let at = "2026-07-10T08:00:00Z";
        let old = run("old", "OnDemand", at, "2026-06-01T00:00:00Z", "2026-06-30T00:00:00Z");
        let read = |runs: &[&Value]| ExportRun::read_all(&json!({ "value": runs })).unwrap();
        let mark = RunMark::new(&read(&[&old]), parse_instant_ms(at).unwrap());
        let found = |runs: &[&Value], period| {
            mark.find(&read(runs), period).map(|run| run.id.clone()).unwrap_or_default()
        };
        let at = "2026-07-10T08:00:03.123Z";
        let ours = run("ours", "OnDemand", at, "2026-06-01T00:00:00Z", "2026-06-30T23:59:59Z");
        let scheduled = run("daily", "Scheduled", at, "2026-06-01T00:00:00Z", "2026-06-30");
        let other = run("other", "OnDemand", at, "2026-07-01T00:00:00Z", "2026-07-10T00:00:00Z");
        let late = run("late", "OnDemand", "2026-07-10T07:00:00Z", "2026-06-01", "2026-06-30");
        let second = run("second", "ondemand", "2026-07-10T09:00:00Z", "2026-06-01", "2026-07-01");
        assert_eq!(found(&[&old, &scheduled, &late], Some(june)), "");
        assert_eq!(found(&[&old, &scheduled, &other], Some(june)), "");
        assert_eq!(found(&[&second, &ours, &other, &scheduled, &old], Some(june)), "ours");
        assert_eq!(found(&[&ours, &other], Some(july)), "other");
        assert_eq!(found(&[&second], Some(june)), "second");
        assert_eq!(found(&[&old, &other], None), "other");
        // A run so new that it says nothing yet.
        let bare = json!({ "id": "bare", "properties": { "status": "Queued" } });
        assert_eq!(found(&[&bare, &old], Some(june)), "bare");
    }
}
