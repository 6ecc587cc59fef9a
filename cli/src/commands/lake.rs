//! `costlake lake`: look after the lake.

use std::cmp::Reverse;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use costlake_engine::commit::maintain::{self, VacuumMode};
use costlake_engine::commit::{Lake, LakeTable};
use costlake_engine::model::DatasetType;
use costlake_engine::near::nearest;
use costlake_engine::query::{RollupUse, Session, SessionOptions};
use costlake_engine::rollup::{self, Defect, Finding};
use costlake_engine::views::checks;

use super::query::{count_rows, print_query};
use super::rollups;
use crate::args::{LakeCommand, months};
use crate::failure::Failure;
use crate::messages::Messages;
use crate::output::target::Target;
use crate::output::{Layout, Mode, write_whole};
use crate::settings::Settings;

/// What each source holds, from its first month to the present.
const STATUS: &str = "\
select
    source,
    dataset,
    count(*) filter (where status = 'loaded') as months,
    min(billing_month) as first_month,
    max(billing_month) filter (where status = 'loaded') as last_month,
    count(*) filter (where status = 'missing') as missing,
    count(*) filter (where status = 'loaded' and period = 'open') as open,
    sum(rows) as rows,
    sum(rejected_rows) as rejected,
    max(loaded_at) as last_loaded_at
from months
group by source, dataset
order by source, dataset";

/// The months a report would be wrong without.
const MISSING: &str = "\
select source, dataset, billing_month
from months
where status = 'missing'
order by source, dataset, billing_month";

/// Runs one verb.
pub async fn run(
    command: &LakeCommand,
    settings: &Settings,
    messages: &Messages,
) -> Result<(), Failure> {
    let lake = settings.open_existing_lake().await?;
    match command {
        LakeCommand::Status => status(&lake, settings, messages).await,
        LakeCommand::History { table, limit } => {
            let table = table.as_deref().map(table_named).transpose()?;
            history(&lake, table, *limit, settings).await
        }
        LakeCommand::Verify => verify(&lake, settings, messages).await,
        LakeCommand::Optimize { month } => {
            let asked = months(month);
            let months: Vec<_> = asked.iter().flatten().copied().collect();
            for table in DatasetType::ALL.map(LakeTable::Dataset) {
                if lake.table(table).await.map_err(Failure::engine)?.is_none() {
                    continue;
                }
                let done =
                    maintain::optimize(&lake, table, &months).await.map_err(Failure::engine)?;
                messages.note(&format!(
                    "{}: {} files became {}",
                    table.name(),
                    done.files_removed,
                    done.files_added
                ));
            }
            if months.is_empty() {
                maintain::optimize(&lake, LakeTable::IngestRuns, &[])
                    .await
                    .map_err(Failure::engine)?;
            }
            rollups::keep(&lake, asked.as_ref(), settings, messages).await
        }
        LakeCommand::Vacuum { retain_days, dry_run } => {
            vacuum(&lake, *retain_days, *dry_run, settings, messages).await
        }
    }
}

fn table_named(name: &str) -> Result<LakeTable, Failure> {
    LakeTable::ALL.into_iter().find(|table| table.name() == name).ok_or_else(|| {
        let names = LakeTable::ALL.map(LakeTable::name);
        Failure::Usage {
            what: format!("the lake has no table {name:?}"),
            hint: match nearest(name, names) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("it has {}", names.join(", ")),
            },
        }
    })
}

async fn status(lake: &Lake, settings: &Settings, messages: &Messages) -> Result<(), Failure> {
    let session = open(lake, settings).await?;
    print_query(&session, STATUS, settings, messages).await?;
    match count_rows(&session, MISSING).await? {
        0 => Ok(()),
        missing => {
            messages.warning(&format!("{missing} months are missing, which is not free of cost:"));
            print_query(&session, MISSING, settings, messages).await
        }
    }
}

async fn history(
    lake: &Lake,
    table: Option<LakeTable>,
    limit: usize,
    settings: &Settings,
) -> Result<(), Failure> {
    let mut versions = Vec::new();
    for table in table.map_or(LakeTable::ALL.to_vec(), |table| vec![table]) {
        if lake.table(table).await.map_err(Failure::engine)?.is_none() {
            continue;
        }
        let of_table = maintain::history(lake, table, limit).await.map_err(Failure::engine)?;
        versions.extend(of_table.into_iter().map(|version| (table, version)));
    }
    versions.sort_by_key(|(table, version)| {
        (Reverse(version.committed_at_ms), *table, Reverse(version.version))
    });
    versions.truncate(limit);
    let (tables, versions): (Vec<LakeTable>, Vec<_>) = versions.into_iter().unzip();
    let loads = || versions.iter().map(|version| version.load.as_ref());
    let times = versions.iter().map(|version| version.committed_at_ms);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("table", Arc::new(tables.iter().map(|table| Some(table.name())).collect::<StringArray>())),
        (
            "version",
            Arc::new(Int64Array::from_iter_values(
                versions.iter().map(|version| version.version as i64),
            )),
        ),
        (
            "committed_at",
            Arc::new(times.collect::<TimestampMillisecondArray>().with_timezone("UTC")),
        ),
        (
            "operation",
            Arc::new(
                versions.iter().map(|version| version.operation.clone()).collect::<StringArray>(),
            ),
        ),
        (
            "source",
            Arc::new(loads().map(|load| load.map(|load| &load.source)).collect::<StringArray>()),
        ),
        (
            "month",
            Arc::new(
                loads().map(|load| load.map(|load| &load.billing_month)).collect::<StringArray>(),
            ),
        ),
        (
            "rows",
            Arc::new(loads().map(|load| load.map(|load| load.rows as i64)).collect::<Int64Array>()),
        ),
        (
            "run_id",
            Arc::new(loads().map(|load| load.map(|load| &load.run_id)).collect::<StringArray>()),
        ),
    ];
    let batch = RecordBatch::try_from_iter(columns)
        .map_err(|error| Failure::Format { format: "table", what: error.to_string() })?;
    write_whole(Mode::Box, &batch, Layout::of_stdout(0, settings.no_color), &mut Target::stdout())
}

/// Runs every check; a finding is exit code 1.
async fn verify(lake: &Lake, settings: &Settings, messages: &Messages) -> Result<(), Failure> {
    let mut findings = 0;
    let damaged = maintain::damaged_files(lake).await.map_err(Failure::engine)?;
    tell(messages, "files_as_logged", damaged.len());
    for file in &damaged {
        findings += 1;
        let found =
            file.found_bytes.map_or("is gone".to_owned(), |bytes| format!("has {bytes} bytes"));
        messages.warning(&format!("{} {found}, the log states {}", file.path, file.size_bytes));
    }
    let options = SessionOptions { rollups: RollupUse::Never, ..settings.session_options() };
    match rollup::verify(lake, &options).await {
        Ok(found) => {
            tell(messages, "rollups_as_computed", found.len());
            for Finding { path, defect } in &found {
                findings += 1;
                messages.warning(&match defect {
                    Defect::Damaged => format!(
                        "{path} is not what was written; costlake lake optimize writes it anew"
                    ),
                    Defect::Differs => format!("{path} is not what its rows give; delete it"),
                });
            }
        }
        Err(failure) => {
            findings += 1;
            messages.warning(&format!("rollups_as_computed: cannot be checked: {failure}"));
        }
    }
    // What the lake's rows say, whatever is kept of them.
    let session = Session::open(lake, &options).await.map_err(Failure::engine)?;
    for check in checks() {
        // A check that cannot be run must not hide what the others find.
        let rows = match count_rows(&session, &check.sql).await {
            Ok(rows) => rows,
            Err(failure) => {
                findings += 1;
                messages.warning(&format!("{}: cannot be checked: {failure}", check.name));
                continue;
            }
        };
        tell(messages, &check.name, rows);
        if rows > 0 {
            findings += rows;
            print_query(&session, &check.sql, settings, messages).await?;
        }
    }
    if findings == 0 {
        return Ok(());
    }
    Err(Failure::Checks { findings })
}

fn tell(messages: &Messages, check: &str, findings: usize) {
    match findings {
        0 => messages.note(&format!("{check}: ok")),
        1 => messages.warning(&format!("{check}: 1 finding")),
        more => messages.warning(&format!("{check}: {more} findings")),
    }
}

async fn vacuum(
    lake: &Lake,
    retain_days: u32,
    dry_run: bool,
    settings: &Settings,
    messages: &Messages,
) -> Result<(), Failure> {
    let (mode, word) = if dry_run {
        (VacuumMode::DryRun, "would be deleted")
    } else {
        (VacuumMode::Delete, "deleted")
    };
    let list = |of: &str, files: &[String]| {
        messages.note(&format!("{of}: {} files {word}", files.len()));
        if dry_run {
            files.iter().for_each(|file| println!("{file}"));
        }
    };
    for table in LakeTable::ALL {
        if lake.table(table).await.map_err(Failure::engine)?.is_none() {
            continue;
        }
        let files =
            maintain::vacuum(lake, table, retain_days, mode).await.map_err(Failure::engine)?;
        let files: Vec<String> =
            files.into_iter().map(|file| format!("{}/{file}", table.name())).collect();
        list(table.name(), &files);
    }
    let options = settings.session_options();
    let files = rollup::delete_superseded(lake, &options, retain_days, mode)
        .await
        .map_err(Failure::engine)?;
    list("rollups", &files);
    Ok(())
}

async fn open(lake: &Lake, settings: &Settings) -> Result<Session, Failure> {
    Session::open(lake, &settings.session_options()).await.map_err(Failure::engine)
}
