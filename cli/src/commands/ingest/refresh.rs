//! `costlake ingest --refresh`: runs out of schedule before a load.
//!
//! Input: a source and months. Output: runs that have ended. It loads nothing.

use std::collections::BTreeSet;

use costlake_engine::azure::exports::{
    ExportName, ExportsClient, ExportsError, RunMark, RunStatus, TimePeriod, WaitOptions,
};
use costlake_engine::discover::is_open;
use costlake_engine::error::Fault as _;
use costlake_engine::model::period::BillingMonth;
use costlake_engine::source::SourceUrl;

use crate::clock::{now_ms, today};
use crate::commands::management::{ManagementAccess, Sending};
use crate::failure::Failure;
use crate::messages::Messages;
use crate::progress::WaitProgress;
use crate::settings::Settings;
use crate::settings::sources::SourceSettings;

/// Asks for a run of every cost export and month, then waits for all of them.
/// Without months: of those whose figures may still change.
pub async fn refresh(
    source: &SourceSettings,
    months: Option<&BTreeSet<BillingMonth>>,
    settings: &Settings,
    messages: &Messages,
) -> Result<(), Failure> {
    if !source.refresh {
        messages.note(&format!("{}: not refreshed; refresh is not on for it", source.name));
        return Ok(());
    }
    let access = ManagementAccess::of_source(source, settings, Sending::Yes)?;
    let client = access.client()?.expect("a client that sends");
    let periods = periods(months, source.first_month)?;
    let mut waiting = Vec::new();
    let mut failures = Vec::new();
    for (dataset, url) in source.exports.iter().filter(|(dataset, _)| dataset.is_cost()) {
        let name = export_name(url).ok_or_else(|| Failure::Usage {
            what: format!("{url} does not end in the name of an export"),
            hint: format!("give the folder of the export itself as {}", dataset.flag()),
        })?;
        let mark = client.mark(&name, now_ms()).await.map_err(Failure::engine)?;
        for period in &periods {
            match client.run(&name, Some(*period)).await {
                Ok(()) => waiting.push((name.clone(), mark.clone(), *period)),
                Err(error) => failures.push(Failure::engine(error)),
            }
        }
    }
    // One that fails does not keep the others from being waited for.
    for (name, mark, period) in waiting {
        failures.extend(wait(&client, &name, &mark, period, messages).await.err());
    }
    let mut failures = failures.into_iter();
    let Some(first) = failures.next() else { return Ok(()) };
    for failure in failures {
        messages.failure(&failure);
    }
    Err(first)
}

async fn wait(
    client: &ExportsClient,
    name: &ExportName,
    mark: &RunMark,
    period: TimePeriod,
    messages: &Messages,
) -> Result<(), Failure> {
    let label = format!("{name}: run of {period}");
    let progress = WaitProgress::new(messages, &label);
    let waited = client
        .wait_for_run(name, mark, Some(period), &WaitOptions::default(), |run| {
            progress.stands(run.map_or("not begun", |run| run.status.as_str()));
        })
        .await;
    drop(progress);
    match waited {
        Ok(run) => messages.note(&format!("{label}: {}", run.status)),
        // The files that are there are as new as they can be.
        Err(ExportsError::RunFailed { status, .. })
            if matches!(
                RunStatus::read(&status),
                RunStatus::NewDataNotAvailable | RunStatus::DataNotAvailable
            ) =>
        {
            messages.note(&format!("{label}: nothing is new"));
        }
        Err(error) => return Err(Failure::engine(error)),
    }
    Ok(())
}

/// An export writes below a folder of its own name.
fn export_name(url: &SourceUrl) -> Option<ExportName> {
    url.path.filename()?.parse().ok()
}

fn periods(
    months: Option<&BTreeSet<BillingMonth>>,
    first: Option<BillingMonth>,
) -> Result<Vec<TimePeriod>, Failure> {
    let today = today();
    let open = || {
        let current = BillingMonth::of_day(today)?;
        let both = [current.previous(), current].into_iter();
        let open = both
            .filter(|month| is_open(*month, today) && first.is_none_or(|first| first <= *month));
        Some(open.collect::<BTreeSet<_>>())
    };
    let months = months.cloned().or_else(open).unwrap_or_default();
    let period = |month| {
        TimePeriod::of_month(month, today).map_err(|error| Failure::Usage {
            what: error.to_string(),
            hint: error.hint().unwrap_or_default(),
        })
    };
    months.into_iter().map(period).collect()
}
