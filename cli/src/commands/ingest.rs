//! `costlake ingest`: cost exports into the lake.

mod refresh;

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use costlake_engine::decode::{Kernel, SplitOptions};
use costlake_engine::discover::{Refusal, RunNote};
use costlake_engine::error::{ErrorClass, Fault as _};
use costlake_engine::ingest::{
    IngestOptions, IngestReport, IngestRequest, MonthReport, Outcome, Reload, ingest,
};
use costlake_engine::inspect::{ranges, span};
use costlake_engine::model::ControlTotals;
use costlake_engine::model::DatasetType;
use costlake_engine::model::money::format_decimal;
use costlake_engine::model::period::BillingMonth;
use costlake_engine::model::{Scope, SourceName};
use costlake_engine::source::sas::SasState;
use costlake_engine::source::{Limits, StorageAccess, StoreOptions};

use super::rollups;
use crate::args::{IngestArguments, months};
use crate::clock::{current_month, now_us};
use crate::failure::Failure;
use crate::messages::Messages;
use crate::output::target::Target;
use crate::output::{Layout, Mode, write_whole};
use crate::progress::IngestProgress;
use crate::settings::sources::{CredentialSettings, SourceSettings};
use crate::settings::{Settings, byte_size};

/// Ingests and tells month by month what happened.
pub async fn run(
    arguments: &IngestArguments,
    settings: &Settings,
    messages: &Messages,
) -> Result<(), Failure> {
    let jobs = jobs(arguments, settings)?;
    let limits = limits(arguments)?;
    let is_one_of_several = jobs.len() > 1;
    let mut reports = Vec::new();
    for job in jobs {
        let refreshed = match job.refreshed {
            Some(source) if arguments.refresh => {
                refresh::refresh(source, job.request.months.as_ref(), settings, messages).await
            }
            _ => Ok(()),
        };
        // What was there before is loaded all the same.
        let not_refreshed = refreshed.err().map(|failure| {
            let class = failure.class();
            let source_name = job.request.source.clone();
            messages.failure(&Failure::Source { source_name, failure: failure.into() });
            class
        });
        let report = match job.storage_options(settings, messages) {
            Ok(store) => {
                let access = Access { store, limits: limits.clone(), portable: arguments.portable };
                load(&job.request, access, settings, messages).await
            }
            Err(failure) => Err(failure),
        };
        let source = job.request.source;
        match report {
            Ok(report) => reports.push(SourceReport { source, report, failure: not_refreshed }),
            // Nothing of this source can be read; that must not keep the others.
            Err(failure) if is_one_of_several => {
                let class = failure.class();
                messages.failure(&Failure::Source {
                    source_name: source.clone(),
                    failure: failure.into(),
                });
                let report = IngestReport::default();
                reports.push(SourceReport { source, report, failure: Some(class) });
            }
            Err(failure) => return Err(failure),
        }
    }
    if !messages.is_quiet() {
        write_summary(&reports, settings)?;
    }
    for of_source in &reports {
        tell_faults(&of_source.report, messages);
    }
    if !arguments.no_rollups {
        rollups::keep_loaded(&reports, settings, messages).await;
    }
    conclude(&reports)
}

/// What became of one source.
pub struct SourceReport {
    /// Its name.
    pub source: SourceName,
    /// Month by month.
    pub report: IngestReport,
    /// Why nothing of it could be looked at, or only what was there before.
    pub failure: Option<ErrorClass>,
}

/// One source to load.
struct Job<'a> {
    request: IngestRequest,
    credential: CredentialSettings,
    /// What `--refresh` asks for, of a configured one.
    refreshed: Option<&'a SourceSettings>,
}

impl Job<'_> {
    /// As who it is read; says so when that ends soon.
    fn storage_options(
        &self,
        settings: &Settings,
        messages: &Messages,
    ) -> Result<StoreOptions, Failure> {
        let options = self.credential.storage_options(&settings.environment, settings.folder())?;
        let sas = options.sas().filter(|_| matches!(options.access(), Ok(StorageAccess::Sas)));
        let told = match sas.map(|sas| sas.state(self.request.now_us / 1_000)) {
            Some(SasState::Ending(left_ms)) => Some(format!("expires in {}", span(left_ms))),
            // The store will refuse it, without saying why.
            Some(SasState::Ended(ago_ms)) => Some(format!("expired {} ago", span(ago_ms))),
            Some(SasState::Early(left_ms)) => Some(format!("is valid only in {}", span(left_ms))),
            Some(SasState::Good) | None => None,
        };
        if let Some(told) = told {
            let source = &self.request.source;
            messages.warning(&format!("the SAS token of {source} {told}; make a new one"));
        }
        Ok(options)
    }
}

/// The sources of the config file, or the exports typed.
fn jobs<'a>(arguments: &IngestArguments, settings: &'a Settings) -> Result<Vec<Job<'a>>, Failure> {
    let exports = arguments.exports.urls().map_err(Failure::engine)?;
    let months = months(&arguments.month);
    let job = |source: &SourceName, scope: Option<Scope>, exports, first_month| IngestRequest {
        source: source.clone(),
        scope,
        exports,
        months: months.clone(),
        first_month,
        reload: if arguments.force { Reload::Always } else { Reload::IfChanged },
        rejected_rows_max: arguments.max_rejected,
        now_us: now_us(),
    };
    if !exports.is_empty() {
        let Some(source) = &arguments.source else {
            return Err(Failure::Usage {
                what: "the exports belong to no source".to_owned(),
                hint: "name it: --source NAME".to_owned(),
            });
        };
        return Ok(vec![Job {
            request: job(source, arguments.scope.clone(), exports, None),
            credential: CredentialSettings::Environment,
            refreshed: None,
        }]);
    }
    if let Some(source) = &arguments.source {
        return Err(Failure::Usage {
            what: format!("no export of {source} is given"),
            hint: format!(
                "give --actual and --amortized; a configured source is loaded with: costlake \
                 ingest {source}"
            ),
        });
    }
    let sources: Vec<&SourceSettings> = match arguments.sources.as_slice() {
        [] => settings.sources.iter().collect(),
        names => names.iter().map(|name| settings.source(name)).collect::<Result<_, _>>()?,
    };
    let future = sources
        .iter()
        .find(|source| source.first_month.is_some_and(|first| first > current_month()));
    if let Some(source) = future {
        return Err(Failure::Usage {
            what: format!("the first month of {} lies in the future", source.name),
            hint: "correct first_month in costlake.toml".to_owned(),
        });
    }
    if sources.is_empty() {
        return Err(Failure::Usage {
            what: "no source is configured, and no export is given".to_owned(),
            hint: "costlake source add NAME, or costlake ingest --source NAME --actual URL \
                   --amortized URL"
                .to_owned(),
        });
    }
    let configured = sources.into_iter().map(|source| Job {
        request: job(
            &source.name,
            source.scope.clone(),
            source.exports.clone(),
            source.first_month,
        ),
        credential: source.credential.clone(),
        refreshed: Some(source),
    });
    Ok(configured.collect())
}

fn limits(arguments: &IngestArguments) -> Result<Limits, Failure> {
    let bandwidth = match &arguments.max_bandwidth {
        Some(text) => Some(byte_size("--max-bandwidth", text)?),
        None => None,
    };
    let bandwidth = bandwidth.and_then(|bytes| NonZeroU64::new(bytes as u64));
    Ok(Limits::new(arguments.max_requests, bandwidth))
}

/// How exports are read.
#[derive(Default)]
pub struct Access {
    /// As who.
    pub store: StoreOptions,
    /// What it may take of the network.
    pub limits: Limits,
    /// Without instructions that not every processor has.
    pub portable: bool,
}

/// Runs a request against the lake of the settings.
pub async fn load(
    request: &IngestRequest,
    access: Access,
    settings: &Settings,
    messages: &Messages,
) -> Result<IngestReport, Failure> {
    let lake = settings.open_lake()?;
    let mut split = SplitOptions::default();
    if access.portable {
        split.kernel = Kernel::Portable;
    }
    let options = IngestOptions {
        split,
        workers: settings.threads.and_then(NonZeroUsize::new),
        store: access.store,
        limits: access.limits,
        ..IngestOptions::default()
    };
    let progress = Arc::new(IngestProgress::new(messages));
    ingest(&lake, request, &options, progress).await.map_err(Failure::engine)
}

/// What a month costs, where its dataset tells.
fn loaded_costs(month: &MonthReport) -> Option<String> {
    match &month.outcome {
        Outcome::Loaded(loaded) if month.dataset.is_cost() => Some(costs(&loaded.control_totals)),
        _ => None,
    }
}

/// One line per source, dataset and month on stdout.
pub fn write_summary(reports: &[SourceReport], settings: &Settings) -> Result<(), Failure> {
    let months: Vec<(&SourceName, &MonthReport)> = reports
        .iter()
        .flat_map(|of| of.report.months.iter().map(|month| (&of.source, month)))
        .collect();
    if months.is_empty() {
        return Ok(());
    }
    let texts = |value: &dyn Fn(&MonthReport) -> Option<String>| -> ArrayRef {
        Arc::new(months.iter().map(|(_, month)| value(month)).collect::<StringArray>())
    };
    let loaded = |month: &MonthReport| match &month.outcome {
        Outcome::Loaded(loaded) => Some(loaded.clone()),
        _ => None,
    };
    let numbers = |value: &dyn Fn(&MonthReport) -> Option<u64>| -> ArrayRef {
        let values = months.iter().map(|(_, month)| value(month).map(|value| value as i64));
        Arc::new(values.collect::<Int64Array>())
    };
    let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
    // Who loads one source knows its name.
    if reports.len() > 1 {
        let sources = months.iter().map(|(source, _)| Some(source.as_str()));
        columns.push(("source", Arc::new(sources.collect::<StringArray>())));
    }
    columns.extend([
        ("dataset", texts(&|month| Some(month.dataset.table_name().to_owned()))),
        ("month", texts(&|month| Some(month.month.to_string()))),
        ("outcome", texts(&|month| Some(month.outcome.word().to_owned()))),
        ("rows", numbers(&|month| loaded(month).map(|loaded| loaded.rows))),
        ("rejected", numbers(&|month| loaded(month).map(|loaded| loaded.rejected_rows))),
        ("cost", texts(&|month| loaded_costs(month))),
    ]);
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
    for dataset in DatasetType::ALL {
        let of_dataset = report.months.iter().filter(|month| month.dataset == dataset);
        let missing = of_dataset.filter(|month| matches!(month.outcome, Outcome::Missing));
        let missing: Vec<BillingMonth> = missing.map(|month| month.month).collect();
        let what = match (missing.as_slice(), dataset.is_cost()) {
            ([], _) => continue,
            ([_], true) => "no export run found; the month is missing, not free of cost",
            ([_], false) => "no export run found; the month is missing",
            (_, true) => "no export runs found; the months are missing, not free of cost",
            (_, false) => "no export runs found; the months are missing",
        };
        messages.warning(&format!("{} {}: {what}", dataset.table_name(), ranges(&missing)));
    }
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
            Outcome::Missing | Outcome::Unchanged => {}
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
            // A run without a manifest is mostly being written, but may stay so.
            if note.reason.is_harmless() && !matches!(note.reason, Refusal::NoManifest) {
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
pub fn conclude(reports: &[SourceReport]) -> Result<(), Failure> {
    let classes = reports.iter().flat_map(|of| of.failure.into_iter().chain(of.report.worst()));
    let Some(class) = ErrorClass::worst(classes) else { return Ok(()) };
    let months = || reports.iter().flat_map(|of| &of.report.months);
    let failed = months().filter(|month| month.outcome.class().is_some()).count();
    let out_of_reach = reports.iter().filter(|of| of.failure.is_some()).count();
    let what = if out_of_reach > 0 {
        format!("{out_of_reach} of {} sources not loaded, or not refreshed", reports.len())
    } else if months().count() == 0 {
        "nothing is loaded: no run tells its month".to_owned()
    } else if failed == 0 {
        "the months are as their best run says, but a run was passed over".to_owned()
    } else {
        format!("{failed} of {} months not loaded; they keep what they had", months().count())
    };
    // A month that cannot be loaded is refused data, whichever stage said so;
    // only what is out of reach is told apart.
    let class = match class {
        ErrorClass::BadConfig => ErrorClass::BadInput,
        other => other,
    };
    Err(Failure::Months { what, class })
}
