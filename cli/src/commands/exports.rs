//! `costlake exports`: exports made, listed and run.
//!
//! Input: a scope, who signs in. Output: exports and runs as tables on stdout, or
//! with `--dry-run` the requests that would be sent, secrets redacted.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use costlake_engine::azure::exports::{
    Compression, Destination, Export, ExportDefinition, ExportName, ExportRun, ExportSettings,
    ExportsAddress, ExportsClient, OnExisting, PutOutcome, SasDestinationToken, TimePeriod,
    WaitOptions, backfill_periods, definitions,
};
use costlake_engine::model::DatasetType;
use costlake_engine::model::date::DAY_MS;
use costlake_engine::model::period::BillingMonth;
use costlake_engine::source::sas::SAS_LEFT_DAYS_MIN;
use serde_json::Value;

use super::management::{ManagementAccess, Sending};

use crate::args::{
    CreateExportsArguments, ExportsArguments, ExportsCommand, Months, RunExportArguments, months,
};
use crate::clock::{now_ms, today};
use crate::failure::Failure;
use crate::messages::Messages;
use crate::output::target::Target;
use crate::output::{Layout, Mode, write_whole};
use crate::progress::WaitProgress;
use crate::settings::Settings;

/// Runs one verb.
pub async fn run(
    arguments: &ExportsArguments,
    settings: &Settings,
    messages: &Messages,
) -> Result<(), Failure> {
    let dry_run = match &arguments.command {
        ExportsCommand::Create(create) => create.dry_run,
        ExportsCommand::Run(run) => run.dry_run,
        ExportsCommand::List | ExportsCommand::History { .. } => false,
    };
    let sending = if dry_run { Sending::No } else { Sending::Yes };
    let access = match (&arguments.source, &arguments.scope) {
        (Some(name), _) => ManagementAccess::of_source(settings.source(name)?, settings, sending)?,
        (None, Some(scope)) => ManagementAccess::of_scope(scope.clone(), settings, sending)?,
        (None, None) => {
            return Err(Failure::Usage {
                what: "the scope is not known".to_owned(),
                hint: "add --source with a configured source, or --scope with an Azure path, e.g. \
                       --scope /subscriptions/<id>"
                    .to_owned(),
            });
        }
    };
    let first_month = match &arguments.source {
        Some(name) => settings.source(name)?.first_month,
        None => None,
    };
    let address = access.address()?;
    let Some(client) = access.client()? else {
        return print_requests(&address, &arguments.command, first_month);
    };
    match &arguments.command {
        ExportsCommand::List => {
            let exports = client.list().await.map_err(Failure::engine)?;
            if exports.is_empty() {
                messages.note(&format!("{} has no exports", client.address().scope()));
                return Ok(());
            }
            write_exports(&exports, settings)
        }
        ExportsCommand::Create(create) => {
            create_exports(&client, create, first_month, messages).await
        }
        ExportsCommand::Run(run) => run_export(&client, run, messages).await,
        ExportsCommand::History { name } => {
            let runs = client.run_history(name).await.map_err(Failure::engine)?;
            if runs.is_empty() {
                messages.note(&format!("export {name} has not run yet"));
                return Ok(());
            }
            write_runs(&runs, settings)
        }
    }
}

fn wanted(
    address: &ExportsAddress,
    arguments: &CreateExportsArguments,
) -> Result<(Vec<ExportDefinition>, Option<i64>), Failure> {
    let (container, directory) = (&arguments.container, &arguments.directory);
    let destination = match (&arguments.storage_account, &arguments.sas_account) {
        (_, Some(account)) => {
            let file = arguments.sas_token_file.as_deref().unwrap_or(Path::new("-"));
            let token = SasDestinationToken::new(&read_secret(file)?, now_ms());
            let token = token.map_err(Failure::engine)?;
            Destination::sas(account, token, container, directory)
        }
        (account, None) => {
            Destination::resource(account.as_deref().unwrap_or_default(), container, directory)
        }
    };
    let destination = destination.map_err(Failure::engine)?;
    let sas_expires_at_ms = destination.sas_expires_at_ms();
    let shared = ExportSettings {
        destination,
        compression: if arguments.gzip { Compression::Gzip } else { Compression::None },
        identity_location: arguments.identity_location.clone(),
        today: today(),
    };
    let datasets: &[DatasetType] =
        if arguments.dataset.is_empty() { &DatasetType::COST } else { &arguments.dataset };
    let wanted = definitions(address, &arguments.name, datasets, &shared);
    Ok((wanted.map_err(Failure::engine)?, sas_expires_at_ms))
}

fn read_secret(file: &Path) -> Result<String, Failure> {
    let read = if file == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|source| Failure::Read { path: file.to_owned(), source })
}

async fn create_exports(
    client: &ExportsClient,
    arguments: &CreateExportsArguments,
    first_month: Option<BillingMonth>,
    messages: &Messages,
) -> Result<(), Failure> {
    let (wanted, sas_expires_at_ms) = wanted(client.address(), arguments)?;
    let periods = backfill(arguments, first_month)?;
    let on_existing = if arguments.update { OnExisting::Update } else { OnExisting::Keep };
    let outcomes = client
        .put_all(&wanted, on_existing, |definition, outcome| {
            messages.note(&format!("{} {outcome}", definition.name()));
        })
        .await
        .map_err(Failure::engine)?;
    if let Some(end_ms) = sas_expires_at_ms {
        let days = (end_ms - now_ms()) / DAY_MS;
        if days < SAS_LEFT_DAYS_MIN {
            messages.warning(&format!(
                "the SAS token ends in {days} days; renew it before with --update"
            ));
        }
    }
    fill(client, &wanted, &outcomes, &periods, messages).await
}

/// Runs exports over the periods they have no run of yet, so that a command which
/// was broken off goes on where it stopped when it is repeated.
async fn fill(
    client: &ExportsClient,
    wanted: &[ExportDefinition],
    outcomes: &[PutOutcome],
    periods: &[TimePeriod],
    messages: &Messages,
) -> Result<(), Failure> {
    if periods.is_empty() {
        return Ok(());
    }
    let mut missing: Vec<(&ExportName, TimePeriod)> = Vec::new();
    for (definition, outcome) in wanted.iter().zip(outcomes) {
        let name = definition.name();
        let runs = match outcome {
            PutOutcome::Created => Vec::new(),
            _ => client.run_history(name).await.map_err(Failure::engine)?,
        };
        let has_run = |period: &TimePeriod| runs.iter().any(|run| run.fills(*period));
        missing.extend(periods.iter().filter(|period| !has_run(period)).map(|at| (name, *at)));
    }
    for (done, (name, period)) in missing.iter().enumerate() {
        if let Err(error) = client.run(name, Some(*period)).await {
            messages.warning(&format!(
                "the exports are made, but not run over every month: {} of {} runs are left, from \
                 {name} over {period} on; run the same command again to go on from there",
                missing.len() - done,
                missing.len()
            ));
            return Err(Failure::engine(error));
        }
        messages.note(&format!("{name}: run of {period} accepted"));
    }
    Ok(())
}

/// The periods that new exports are run over: from the month that was typed, or the
/// first one of the source.
fn backfill(
    arguments: &CreateExportsArguments,
    first_month: Option<BillingMonth>,
) -> Result<Vec<TimePeriod>, Failure> {
    let first = arguments.backfill_from.or(first_month);
    match first.filter(|_| !arguments.no_backfill) {
        Some(first) => backfill_periods(first, today()).map_err(Failure::engine),
        None => Ok(Vec::new()),
    }
}

/// The months asked for, each once; none for the export's own time frame.
fn periods(typed: &[Months]) -> Result<Vec<Option<TimePeriod>>, Failure> {
    let Some(months) = months(typed) else { return Ok(vec![None]) };
    let period = |month| TimePeriod::of_month(month, today()).map(Some).map_err(Failure::engine);
    months.into_iter().map(period).collect()
}

async fn run_export(
    client: &ExportsClient,
    arguments: &RunExportArguments,
    messages: &Messages,
) -> Result<(), Failure> {
    let name = &arguments.name;
    let periods = periods(&arguments.month)?;
    let mark = match arguments.wait {
        true => Some(client.mark(name, now_ms()).await.map_err(Failure::engine)?),
        false => None,
    };
    for period in &periods {
        client.run(name, *period).await.map_err(Failure::engine)?;
        messages.note(&format!("{}: accepted", label(arguments, *period)));
    }
    let Some(mark) = mark else { return Ok(()) };
    let longest = Duration::from_secs(u64::from(arguments.wait_minutes) * 60);
    let options = WaitOptions { longest, ..WaitOptions::default() };
    let mut first_failure = None;
    for period in periods {
        let label = label(arguments, period);
        let progress = WaitProgress::new(messages, &label);
        let waited = client
            .wait_for_run(name, &mark, period, &options, |run| {
                progress.stands(run.map_or("not begun", |run| run.status.as_str()));
            })
            .await;
        drop(progress);
        match waited {
            Ok(run) => messages.note(&format!("{label}: {}", run.status)),
            // The runs of other months go on, and may be what somebody waits for.
            Err(error) => match first_failure {
                None => first_failure = Some(error),
                Some(_) => messages.failure(&Failure::engine(error)),
            },
        }
    }
    first_failure.map_or(Ok(()), |error| Err(Failure::engine(error)))
}

fn label(arguments: &RunExportArguments, period: Option<TimePeriod>) -> String {
    match period {
        Some(period) => format!("{}: run of {period}", arguments.name),
        None => format!("{}: run", arguments.name),
    }
}

/// Prints what would be sent. Nothing here has a token, and a SAS token stands
/// as `<redacted>`.
fn print_requests(
    address: &ExportsAddress,
    command: &ExportsCommand,
    first_month: Option<BillingMonth>,
) -> Result<(), Failure> {
    let mut requests: Vec<(&str, String, Option<Value>)> = Vec::new();
    match command {
        ExportsCommand::Create(create) => {
            let (wanted, _) = wanted(address, create)?;
            let periods = backfill(create, first_month)?;
            for definition in &wanted {
                let url = address.export(definition.name());
                requests.push(("GET", url.to_string(), None));
                requests.push(("PUT", url.to_string(), Some(definition.redacted())));
            }
            for definition in &wanted {
                for period in &periods {
                    let url = address.run(definition.name());
                    requests.push(("POST", url.to_string(), Some(period.body())));
                }
            }
        }
        ExportsCommand::Run(run) => {
            for period in periods(&run.month)? {
                let url = address.run(&run.name);
                requests.push(("POST", url.to_string(), period.map(TimePeriod::body)));
            }
        }
        ExportsCommand::List | ExportsCommand::History { .. } => {}
    }
    let mut out = std::io::stdout().lock();
    for (method, url, body) in requests {
        writeln!(out, "{method} {url}").map_err(Failure::stream)?;
        if let Some(body) = body {
            writeln!(out, "{body:#}").map_err(Failure::stream)?;
        }
    }
    out.flush().map_err(Failure::stream)
}

fn write_exports(exports: &[Export], settings: &Settings) -> Result<(), Failure> {
    let column = |value: &dyn Fn(&Export) -> Option<String>| -> ArrayRef {
        Arc::new(exports.iter().map(value).collect::<StringArray>())
    };
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let last = |export: &Export| export.runs.first().cloned();
    write_table(
        vec![
            ("name", column(&|export| Some(export.name.clone()))),
            ("dataset", column(&|export| owned(export.dataset()))),
            ("status", column(&|export| owned(export.status()))),
            ("recurrence", column(&|export| owned(export.recurrence()))),
            ("next_run", column(&|export| owned(export.next_run()))),
            ("last_run", column(&|export| last(export)?.submitted.map(|at| at.text))),
            ("last_status", column(&|export| Some(last(export)?.status.to_string()))),
            ("storage_account", column(&|export| owned(export.storage_account()))),
            ("container", column(&|export| owned(export.container()))),
            ("directory", column(&|export| owned(export.folder()))),
        ],
        settings,
    )
}

fn write_runs(runs: &[ExportRun], settings: &Settings) -> Result<(), Failure> {
    let column = |value: &dyn Fn(&ExportRun) -> Option<String>| -> ArrayRef {
        Arc::new(runs.iter().map(value).collect::<StringArray>())
    };
    let day = |text: String| text.split('T').next().unwrap_or_default().to_owned();
    write_table(
        vec![
            ("submitted", column(&|run| Some(run.submitted.clone()?.text))),
            ("type", column(&|run| run.execution_type.clone())),
            ("status", column(&|run| Some(run.status.to_string()))),
            ("first_day", column(&|run| Some(day(run.start_date.clone()?.text)))),
            ("last_day", column(&|run| Some(day(run.end_date.clone()?.text)))),
            ("ended", column(&|run| Some(run.processing_end.clone()?.text))),
            (
                "manifest",
                column(&|run| run.manifest_file.clone().or_else(|| run.file_name.clone())),
            ),
            ("error", column(&|run| run.error.clone())),
            ("run_id", column(&|run| Some(run.id.clone()))),
        ],
        settings,
    )
}

fn write_table(columns: Vec<(&str, ArrayRef)>, settings: &Settings) -> Result<(), Failure> {
    let nullable = columns.into_iter().map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(nullable)
        .map_err(|error| Failure::Format { format: "table", what: error.to_string() })?;
    write_whole(Mode::Box, &batch, Layout::of_stdout(0, settings.no_color), &mut Target::stdout())
}
