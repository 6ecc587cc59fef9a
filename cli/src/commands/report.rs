//! `costlake report`: files that are sent to customers.

use std::path::Path;

use costlake_engine::near::nearest;
use costlake_engine::query::{MemorySharing, RollupUse, Session};
use costlake_engine::report::set::ReportSet;
use costlake_engine::report::{
    DataStatus, KnownScopes, MonthRange, ReportDefinition, ReportParameters, ReportScope,
    ScopeSelection, Told, parse_report, reports,
};
use costlake_engine::source::StoreOptions;
use serde_json::{Map, json};

use crate::args::{Months, ReportArguments, ReportFormat};
use crate::clock;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::messages::Messages;
use crate::progress::ReportProgress;
use crate::report::make::{Job, failure, status_of};
use crate::settings::Settings;

/// Memory for sorts, joins and groups where nobody says otherwise: one pass over
/// everything must fit a small machine.
const MEMORY_LIMIT_BYTES: usize = 2 * 1024 * 1024 * 1024;

/// Months a report speaks of where nobody says otherwise.
const MONTHS_DEFAULT: usize = 12;

const ALL: &str = "all";

const STATUS_HINT: &str = "costlake lake status shows what is loaded; no file was changed";

/// Makes reports, or lists them.
pub async fn run(
    arguments: &ReportArguments,
    settings: &Settings,
    messages: &Messages,
) -> Result<(), Failure> {
    if arguments.list {
        return list();
    }
    let mut wanted = wanted(arguments)?;
    let out = arguments.out.as_deref().ok_or_else(|| Failure::Usage {
        what: "nobody said where the files go".to_owned(),
        hint: "add --out FOLDER, or --out az://container/path".to_owned(),
    })?;
    if out.trim().is_empty() {
        return Err(Failure::Usage {
            what: "the folder for the files has no name".to_owned(),
            hint: "add --out FOLDER, or --out az://container/path".to_owned(),
        });
    }
    let asked_all = arguments.file.is_none() && names_all(arguments);
    let placed_by = match (&arguments.per, &arguments.scope_type) {
        (Some(per), _) => Some(*per),
        (None, Some(scope_type)) => Some(*scope_type),
        (None, None) => None,
    };
    if let Some(scope) = placed_by {
        fit(&mut wanted, scope, asked_all, messages)?;
    }

    let lake = settings.open_existing_lake().await?;
    let mut options = settings.session_options();
    options.memory_limit_bytes.get_or_insert(MEMORY_LIMIT_BYTES);
    options.memory_sharing = MemorySharing::FirstCome;
    if arguments.no_rollups {
        options.rollups = RollupUse::Never;
    }
    let session = Session::open(&lake, &options).await.map_err(Failure::engine)?;
    let source = match &arguments.source {
        Some(asked) => {
            let known = KnownScopes::read(&session, ReportScope::Source).await;
            let known = known.map_err(Failure::engine)?;
            Some(known.find(asked.as_str()).map_err(Failure::engine)?.to_owned())
        }
        None => None,
    };
    let months = months(arguments.month.as_ref(), source.as_deref(), &session).await?;
    let scopes = KnownScopes::read(&session, placed_by.unwrap_or(ReportScope::Source));
    let scopes = scopes.await.map_err(Failure::engine)?;
    let selection = match (arguments.per, placed_by, &arguments.scope_id) {
        (Some(per), ..) => ScopeSelection::Each(per),
        (None, Some(scope_type), Some(asked)) => {
            let scope_id = scopes.find(asked).map_err(Failure::engine)?.to_owned();
            ScopeSelection::One { scope_type, scope_id }
        }
        _ => ScopeSelection::All,
    };
    let currency = match &arguments.currency {
        Some(asked) => Some(currency(asked, &session).await?),
        None => None,
    };
    let parameters = ReportParameters { scopes: selection, months, currency, source };
    let selected = parameters.scopes.clone();
    let status = DataStatus::read(&session, &months).await.map_err(Failure::engine)?;

    if arguments.file.is_none() {
        something_loaded(&status, &parameters, &scopes)?;
        something_billed(&session, &parameters).await?;
    }

    let formats = formats(&arguments.format);
    let store = StoreOptions::from_environment(settings.environment.storage_options.clone());
    let mut set = ReportSet::begin(out, &store).await.map_err(Failure::engine)?;
    let of_each = match parameters.scopes {
        ScopeSelection::Each(_) => scopes.len(),
        _ => 1,
    };
    let progress = ReportProgress::new(messages, wanted.len(), of_each);
    let made_on = day_text(settings.as_of.unwrap_or_else(clock::today));
    let job = Job {
        session: &session,
        reports: &wanted,
        parameters: &parameters,
        formats: &formats,
        status: &status,
        scopes: &scopes,
        made_on: made_on.clone(),
    };
    let mut interrupt = Interrupt::from_now();
    let mut termination = Interrupt::termination_from_now();
    let made = tokio::select! {
        made = job.run(&mut set, &progress) => made?,
        // Dropped, the set leaves nothing behind and the one before where it is.
        () = interrupt.next() => return Err(Failure::Canceled),
        () = termination.next() => return Err(Failure::Canceled),
    };
    if made.documents == 0 {
        return Err(Failure::Nothing {
            what: format!("no {} has rows in {months}", selected.scope_type()),
            hint: STATUS_HINT.to_owned(),
        });
    }
    progress.publishing();
    let published = set.publish(about(&job, &made_on)).await.map_err(Failure::engine)?;
    drop(progress);
    messages.note(&format!(
        "{} documents in {} files, {} rows: {}",
        made.documents, published.files, made.rows, published.manifest
    ));
    Ok(())
}

/// An error where no month that is asked for is loaded: a set of nothing is in nobody's mind,
/// and would take the place of a set of something.
fn something_loaded(
    status: &DataStatus,
    parameters: &ReportParameters,
    scopes: &KnownScopes,
) -> Result<(), Failure> {
    let known = match &parameters.scopes {
        ScopeSelection::One { scope_id, .. } => scopes.get(scope_id),
        _ => None,
    };
    match status_of(status, parameters.source.as_ref(), known).told(&[]) {
        Told::Nothing(_) => Err(Failure::Nothing {
            what: format!("no cost of {} is loaded", parameters.months),
            hint: STATUS_HINT.to_owned(),
        }),
        Told::All | Told::Some(_) => Ok(()),
    }
}

/// An error where a currency is asked for in which nothing of it is billed, likewise.
async fn something_billed(session: &Session, parameters: &ReportParameters) -> Result<(), Failure> {
    let Some(currency) = &parameters.currency else { return Ok(()) };
    let billed_in =
        DataStatus::currencies_of(session, parameters).await.map_err(Failure::engine)?;
    match billed_in.contains(currency) {
        true => Ok(()),
        false => Err(Failure::Nothing {
            what: format!("nothing of {} is billed in {currency}", parameters.months),
            hint: match billed_in.is_empty() {
                true => STATUS_HINT.to_owned(),
                false => {
                    let billed_in: Vec<String> = billed_in.into_iter().collect();
                    format!("it is billed in {}; no file was changed", billed_in.join(", "))
                }
            },
        }),
    }
}

/// Every report with what it answers.
fn list() -> Result<(), Failure> {
    let mut text = String::new();
    let width = reports().iter().map(|report| report.name.len()).max().unwrap_or(0);
    for report in reports() {
        let question = report.question.as_deref().unwrap_or_default();
        let scopes: Vec<&str> = report.scopes.iter().map(|scope| scope.name()).collect();
        let sections: Vec<&str> =
            report.sections.iter().map(|section| section.title.as_str()).collect();
        text.push_str(&format!("{:width$}  {question}\n", report.name));
        text.push_str(&format!("{:width$}    shows  {}\n", "", sections.join("; ")));
        text.push_str(&format!("{:width$}    by     {}\n", "", scopes.join(", ")));
    }
    use std::io::Write as _;
    std::io::stdout().write_all(text.as_bytes()).map_err(Failure::stream)
}

fn names_all(arguments: &ReportArguments) -> bool {
    arguments.names.is_empty() || arguments.names.iter().any(|name| name == ALL)
}

/// The definitions asked for.
fn wanted(arguments: &ReportArguments) -> Result<Vec<ReportDefinition>, Failure> {
    if let Some(path) = &arguments.file {
        return Ok(vec![read(path)?]);
    }
    let mut wanted: Vec<ReportDefinition> = Vec::new();
    for name in arguments.names.iter().filter(|name| *name != ALL) {
        let plain = name.to_lowercase().replace('_', "-");
        let known = || reports().iter().map(|report| report.name.as_str());
        let report =
            reports().iter().find(|report| report.name == plain).ok_or_else(|| Failure::Usage {
                what: format!("there is no report {name:?}"),
                hint: match nearest(name, known()) {
                    Some(near) => format!("did you mean {near}? costlake report --list shows all"),
                    None => format!("there are {}", known().collect::<Vec<_>>().join(", ")),
                },
            })?;
        if !wanted.contains(report) {
            wanted.push(report.clone());
        }
    }
    // Names beside `all` were looked at: a misspelt one is none that is left out.
    match names_all(arguments) {
        true => Ok(reports().to_vec()),
        false => Ok(wanted),
    }
}

fn read(path: &Path) -> Result<ReportDefinition, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| Failure::Read { path: path.to_owned(), source })?;
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("report");
    parse_report(name, &path.display().to_string(), &text).map_err(|error| failure(error.into()))
}

/// Keeps to reports that can be made by a scope. Asked for by name, the others are an error.
fn fit(
    wanted: &mut Vec<ReportDefinition>,
    scope: ReportScope,
    asked_all: bool,
    messages: &Messages,
) -> Result<(), Failure> {
    let unfit: Vec<&ReportDefinition> =
        wanted.iter().filter(|report| !report.scopes.contains(&scope)).collect();
    let Some(first) = unfit.first() else { return Ok(()) };
    if !asked_all {
        let scopes: Vec<&str> = first.scopes.iter().map(|scope| scope.name()).collect();
        return Err(Failure::Usage {
            what: format!("{} is not made by {scope}", first.name),
            hint: format!("it is made by {}", scopes.join(", ")),
        });
    }
    for report in unfit {
        messages.note(&format!("{} is not made by {scope}: left out", report.name));
    }
    wanted.retain(|report| report.scopes.contains(&scope));
    Ok(())
}

/// The months asked for, else the newest that are loaded.
async fn months(
    asked: Option<&Months>,
    source: Option<&str>,
    session: &Session,
) -> Result<MonthRange, Failure> {
    if let Some(months) = asked {
        let (first, last) = (months.0.first(), months.0.last());
        let range = first.zip(last).and_then(|(first, last)| MonthRange::new(*first, *last));
        return Ok(range.expect("a range is not empty"));
    }
    let loaded = DataStatus::loaded_months(session, source).await.map_err(Failure::engine)?;
    let loaded = loaded.ok_or_else(|| Failure::Usage {
        what: "no cost is loaded, so there is nothing to report on".to_owned(),
        hint: "costlake ingest loads it".to_owned(),
    })?;
    let mut first = loaded.last();
    for _ in 1..MONTHS_DEFAULT {
        first = first.previous().max(loaded.first());
    }
    Ok(MonthRange::new(first, loaded.last()).expect("it only went back"))
}

/// A currency of the lake.
async fn currency(asked: &str, session: &Session) -> Result<String, Failure> {
    let known = DataStatus::currencies(session).await.map_err(Failure::engine)?;
    let asked = asked.trim().to_uppercase();
    match known.contains(&asked) {
        true => Ok(asked),
        false => Err(Failure::Usage {
            what: format!("nothing in the lake is billed in {asked:?}"),
            hint: match known.is_empty() {
                true => "costlake ingest loads cost".to_owned(),
                false => format!("there are {}", known.into_iter().collect::<Vec<_>>().join(", ")),
            },
        }),
    }
}

fn formats(asked: &[ReportFormat]) -> Vec<ReportFormat> {
    let mut formats: Vec<ReportFormat> = Vec::new();
    for format in asked {
        if !formats.contains(format) {
            formats.push(*format);
        }
    }
    formats
}

/// What the manifest says of the whole set.
fn about(job: &Job<'_>, made_on: &str) -> Map<String, serde_json::Value> {
    let parameters = job.parameters;
    let scope = match &parameters.scopes {
        ScopeSelection::All => json!({ "all": true }),
        ScopeSelection::One { scope_type, scope_id } => {
            json!({ "scope_type": scope_type.name(), "scope_id": scope_id })
        }
        ScopeSelection::Each(scope_type) => json!({ "per": scope_type.name() }),
    };
    let reports: Vec<&str> = job.reports.iter().map(|report| report.name.as_str()).collect();
    let about = json!({
        "made_by": concat!("costlake ", env!("CARGO_PKG_VERSION")),
        "made_on": made_on,
        "reports": reports,
        "scope": scope,
        "first_month": parameters.months.first().to_string(),
        "last_month": parameters.months.last().to_string(),
        "currency": parameters.currency,
        "source": parameters.source,
    });
    match about {
        serde_json::Value::Object(about) => about,
        _ => unreachable!("it is an object"),
    }
}

/// `2026-09-07`.
fn day_text(day: i32) -> String {
    costlake_engine::model::date::format_date(day)
}
