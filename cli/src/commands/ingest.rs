//! `costlake ingest`: cost exports into the lake.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use costlake_engine::discover::RunNote;
use costlake_engine::error::{ErrorClass, Fault as _};
use costlake_engine::ingest::{
    IngestOptions, IngestReport, IngestRequest, MonthReport, Outcome, Reload, ingest,
};
use costlake_engine::model::ControlTotals;
use costlake_engine::model::DatasetType;
use costlake_engine::model::money::format_decimal;
use costlake_engine::source::{SourceUrl, StoreOptions};

use crate::args::IngestArguments;
use crate::failure::Failure;
use crate::messages::Messages;
use crate::output::target::Target;
use crate::output::{Layout, Mode, write_whole};
use crate::progress::IngestProgress;
use crate::settings::Settings;

/// Ingests and tells month by month what happened.
pub async fn run(
    arguments: &IngestArguments,
    settings: &Settings,
    messages: &Messages,
) -> Result<(), Failure> {
    let request = request(arguments)?;
    let report = load(&request, settings, messages).await?;
    if !messages.is_quiet() {
        write_summary(&report, settings)?;
    }
    tell_faults(&report, messages);
    conclude(&report)
}

fn request(arguments: &IngestArguments) -> Result<IngestRequest, Failure> {
    let urls = [
        (DatasetType::ActualCost, &arguments.actual),
        (DatasetType::AmortizedCost, &arguments.amortized),
        (DatasetType::PriceSheet, &arguments.price_sheet),
        (DatasetType::ReservationDetails, &arguments.reservation_details),
        (DatasetType::ReservationTransactions, &arguments.reservation_transactions),
        (DatasetType::ReservationRecommendations, &arguments.reservation_recommendations),
    ];
    let mut exports = Vec::new();
    for (dataset, url) in urls {
        if let Some(url) = url {
            exports.push((dataset, SourceUrl::parse(url).map_err(Failure::engine)?));
        }
    }
    let months = (!arguments.month.is_empty())
        .then(|| arguments.month.iter().flat_map(|months| months.0.iter().copied()).collect());
    Ok(IngestRequest {
        source: arguments.source.clone(),
        scope: arguments.scope.clone(),
        exports,
        months,
        reload: if arguments.force { Reload::Always } else { Reload::IfChanged },
        rejected_rows_max: arguments.max_rejected,
        now_us: now_us(),
    })
}

/// Runs a request against the lake of the settings.
pub async fn load(
    request: &IngestRequest,
    settings: &Settings,
    messages: &Messages,
) -> Result<IngestReport, Failure> {
    let lake = settings.open_lake()?;
    let options = IngestOptions {
        workers: settings.threads.and_then(NonZeroUsize::new),
        store: StoreOptions::from_environment(settings.storage_options.clone()),
        ..IngestOptions::default()
    };
    let progress = Arc::new(IngestProgress::new(messages));
    ingest(&lake, request, &options, progress).await.map_err(Failure::engine)
}

/// Microseconds since the epoch.
fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// What a month costs, where its dataset tells.
fn loaded_costs(month: &MonthReport) -> Option<String> {
    match &month.outcome {
        Outcome::Loaded(loaded) if month.dataset.is_cost() => Some(costs(&loaded.control_totals)),
        _ => None,
    }
}

/// One line per dataset and month on stdout.
pub fn write_summary(report: &IngestReport, settings: &Settings) -> Result<(), Failure> {
    if report.months.is_empty() {
        return Ok(());
    }
    let months = &report.months;
    let texts = |value: &dyn Fn(&MonthReport) -> Option<String>| -> ArrayRef {
        Arc::new(months.iter().map(value).collect::<StringArray>())
    };
    let loaded = |month: &MonthReport| match &month.outcome {
        Outcome::Loaded(loaded) => Some(loaded.clone()),
        _ => None,
    };
    let numbers = |value: &dyn Fn(&MonthReport) -> Option<u64>| -> ArrayRef {
        let values = months.iter().map(|month| value(month).map(|value| value as i64));
        Arc::new(values.collect::<Int64Array>())
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("dataset", texts(&|month| Some(month.dataset.table_name().to_owned()))),
        ("month", texts(&|month| Some(month.month.to_string()))),
        ("outcome", texts(&|month| Some(month.outcome.word().to_owned()))),
        ("rows", numbers(&|month| loaded(month).map(|loaded| loaded.rows))),
        ("rejected", numbers(&|month| loaded(month).map(|loaded| loaded.rejected_rows))),
        ("cost", texts(&|month| loaded_costs(month))),
    ];
    let batch = RecordBatch::try_from_iter(columns)
        .map_err(|error| Failure::Format { format: "table", what: error.to_string() })?;
    write_whole(Mode::Box, &batch, Layout::of_stdout(0, settings.no_color), &mut Target::stdout())
}

/// Every currency by itself, to the last decimal.
fn costs(totals: &ControlTotals) -> String {
    let costs: Vec<String> = totals
        .iter()
        .map(|(currency, totals)| {
            let currency = if currency.is_empty() { "(no currency)" } else { currency };
            format!("{} {currency}", format_decimal(totals.cost_in_billing_currency))
        })
        .collect();
    costs.join(", ")
}

/// What people must know beyond the table, on stderr.
fn tell_faults(report: &IngestReport, messages: &Messages) {
    for month in &report.months {
        let label = format!("{} {}", month.dataset.table_name(), month.month);
        match &month.outcome {
            Outcome::Loaded(loaded) => {
                if !loaded.unknown_columns.is_empty() {
                    let names = loaded.unknown_columns.join(", ");
                    messages.note(&format!("{label}: columns not known and not kept: {names}"));
                }
                if loaded.rejected_rows > 0 {
                    messages.warning(&format!(
                        "{label}: rows left out because they cannot be read: {}; see rejected_rows",
                        loaded.rejected_rows
                    ));
                }
                if loaded.rows_outside_month > 0 {
                    messages.note(&format!(
                        "{label}: rows whose day lies outside the month: {}",
                        loaded.rows_outside_month
                    ));
                }
            }
            Outcome::Missing if month.dataset.is_cost() => messages.warning(&format!(
                "{label}: no export run found; the month is missing, not free of cost"
            )),
            Outcome::Missing => {
                messages.warning(&format!("{label}: no export run found; the month is missing"));
            }
            Outcome::Unchanged => {}
            Outcome::Refused(note) => messages.failure(&refused(&label, note)),
            Outcome::Failed(fault) => messages.failure(&Failure::Month {
                label: label.clone(),
                what: fault.to_string(),
                place: fault.location().map(|place| place.to_string()),
                hint: fault.hint(),
                class: fault.class(),
            }),
        }
        for note in &month.notes {
            let text = format!("{label}: run {} passed over: {}", note.run_id, note.reason);
            if note.reason.is_harmless() {
                messages.note(&text);
            } else {
                messages.warning(&text);
            }
        }
    }
    for note in &report.unplaced {
        if note.reason.is_harmless() {
            messages.note(&format!("{} left alone: {}", note.run_id, note.reason));
        } else {
            messages.failure(&refused(&format!("run {}", note.run_id), note));
        }
    }
}

fn refused(label: &str, note: &RunNote) -> Failure {
    let folder = note.manifest_path.as_ref().unwrap_or(&note.folder).clone();
    Failure::Month {
        label: label.to_owned(),
        what: note.reason.to_string(),
        place: Some(note.reason.location().map_or(folder, |place| place.to_string())),
        hint: note.reason.hint(),
        class: note.reason.class(),
    }
}

/// The exit code follows the worst month.
pub fn conclude(report: &IngestReport) -> Result<(), Failure> {
    let Some(class) = report.worst() else { return Ok(()) };
    let failed = report.months.iter().filter(|month| month.outcome.class().is_some()).count();
    let what = if report.months.is_empty() {
        "nothing is loaded: no run tells its month".to_owned()
    } else if failed == 0 {
        "the months are as their best run says, but a run was passed over".to_owned()
    } else {
        format!("{failed} of {} months not loaded; they keep what they had", report.months.len())
    };
    // A month that cannot be loaded is refused data, whichever stage said so;
    // only what is out of reach is told apart.
    let class = match class {
        ErrorClass::BadConfig => ErrorClass::BadInput,
        other => other,
    };
    Err(Failure::Months { what, class })
}
