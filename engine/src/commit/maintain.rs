//! Looking after the lake: history, compaction, vacuum, and whether the files a
//! log names are there.

use std::path::Path;

use chrono::Duration;
use deltalake::{FilterOp, FilterValue};
use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;

use super::ledger::LedgerEntry;
use super::replace::LOAD_INFO_KEY;
use super::{CommitError, Lake, LakeTable, TableSnapshot};
use crate::model::BillingMonth;
use crate::model::columns::BILLING_MONTH_COLUMN;
use crate::write::writer_properties;

/// One version of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableVersion {
    /// Version number.
    pub version: u64,
    /// Milliseconds since the epoch.
    pub committed_at_ms: Option<i64>,
    /// Delta's word for what was done.
    pub operation: Option<String>,
    /// The load that made it, if a load did.
    pub load: Option<LedgerEntry>,
}

/// The latest versions of a table, newest first.
///
/// # Errors
/// When the table does not exist or its log cannot be read.
pub async fn history(
    lake: &Lake,
    table: LakeTable,
    limit: usize,
) -> Result<Vec<TableVersion>, CommitError> {
    let delta = existing(lake, table).await?;
    let mut version = delta.version();
    let commits: Vec<_> =
        delta.history(Some(limit)).try_collect().await.map_err(CommitError::delta(table))?;
    let mut versions = Vec::with_capacity(commits.len());
    for commit in commits {
        let Some(number) = version else { break };
        versions.push(TableVersion {
            version: number,
            committed_at_ms: commit.timestamp,
            operation: commit.operation,
            load: commit
                .info
                .get(LOAD_INFO_KEY)
                .and_then(|info| serde_json::from_value(info.clone()).ok()),
        });
        version = number.checked_sub(1);
    }
    Ok(versions)
}

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compaction {
    /// Files that took the place of others.
    pub files_added: u64,
    /// Files that were replaced.
    pub files_removed: u64,
}

/// Rewrites small files of a table into few, month by month when `months` are
/// given. Rows and versions stay as they are; readers see either set of files.
///
/// # Errors
/// When the table does not exist, or somebody replaced one of the months in the
/// meantime ([`CommitError::Conflict`]).
pub async fn optimize(
    lake: &Lake,
    table: LakeTable,
    months: &[BillingMonth],
) -> Result<Compaction, CommitError> {
    let months: Vec<String> = months.iter().map(ToString::to_string).collect();
    let mut filters: Vec<Vec<_>> = months
        .iter()
        .map(|month| vec![(BILLING_MONTH_COLUMN, FilterOp::Eq, FilterValue::Scalar(month))])
        .collect();
    if filters.is_empty() {
        filters.push(Vec::new());
    }
    let columns = match table {
        LakeTable::Dataset(dataset) => dataset.column_set().columns,
        LakeTable::IngestRuns | LakeTable::RejectedRows | LakeTable::LoadTotals => &[],
    };
    let mut total = Compaction::default();
    for filters in &filters {
        let delta = existing(lake, table).await?;
        let (_, metrics) = delta
            .optimize()
            .with_filters(filters)
            .with_writer_properties(writer_properties(columns))
            .await
            .map_err(CommitError::commit(table))?;
        total.files_added += metrics.num_files_added;
        total.files_removed += metrics.num_files_removed;
    }
    Ok(total)
}

/// Whether a vacuum deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VacuumMode {
    /// Deletes.
    Delete,
    /// Only tells what it would delete.
    DryRun,
}

/// A file that no version names may belong to a load that is under way. None takes
/// longer than this.
pub(crate) const ORPHAN_AGE_DAYS_MIN: u32 = 1;

/// Deletes files that no version within the last `retain_days` names, those no version
/// ever named once they are that old and at least a day, and half-written ones of
/// more than a day. Returns their paths. Versions before that can no longer be read.
///
/// # Errors
/// When the table does not exist or its files cannot be listed or deleted.
pub async fn vacuum(
    lake: &Lake,
    table: LakeTable,
    retain_days: u32,
    mode: VacuumMode,
) -> Result<Vec<String>, CommitError> {
    let mut deleted = Vec::new();
    // First what versions let go of, then what none ever named: that is told from a
    // load under way by its age alone.
    for (listed, days) in [
        (ListedFiles::OfVersions, retain_days),
        (ListedFiles::All, retain_days.max(ORPHAN_AGE_DAYS_MIN)),
    ] {
        let (_, metrics) = existing(lake, table)
            .await?
            .vacuum()
            .with_mode(match listed {
                ListedFiles::OfVersions => deltalake::operations::vacuum::VacuumMode::Lite,
                ListedFiles::All => deltalake::operations::vacuum::VacuumMode::Full,
            })
            .with_retention_period(Duration::days(i64::from(days)))
            .with_enforce_retention_duration(false)
            .with_dry_run(mode == VacuumMode::DryRun)
            .await
            .map_err(CommitError::delta(table))?;
        deleted.extend(metrics.files_deleted);
    }
    deleted.extend(delete_staged(lake, table, mode)?);
    deleted.sort();
    deleted.dedup();
    Ok(deleted)
}

/// Which files a vacuum looks at.
#[derive(Clone, Copy)]
enum ListedFiles {
    OfVersions,
    All,
}

/// On a local disk an upload is a file `NAME#1` beside its target until it is
/// complete; object_store does not list these. Deletes those older than
/// [`ORPHAN_AGE_DAYS_MIN`].
fn delete_staged(
    lake: &Lake,
    table: LakeTable,
    mode: VacuumMode,
) -> Result<Vec<String>, CommitError> {
    let Ok(root) = lake.table_url(table).to_file_path() else { return Ok(Vec::new()) };
    let failed = |path: &Path, source: std::io::Error| CommitError::Store {
        table: table.name(),
        source: object_store::Error::Generic {
            store: "local disk",
            source: format!("{}: {source}", path.display()).into(),
        },
    };
    let oldest = std::time::Duration::from_secs(u64::from(ORPHAN_AGE_DAYS_MIN) * 24 * 60 * 60);
    let is_old = |entry: &std::fs::DirEntry| {
        let modified = entry.metadata().and_then(|found| found.modified());
        modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > oldest))
    };
    let mut folders = vec![root.clone()];
    let mut deleted = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|error| failed(&folder, error))? {
            let entry = entry.map_err(|error| failed(&folder, error))?;
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = entry.file_name();
            let staged =
                name.to_string_lossy().rsplit_once(".parquet#").is_some_and(|(_, count)| {
                    !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit())
                });
            if !staged || !is_old(&entry) {
                continue;
            }
            if mode == VacuumMode::Delete {
                std::fs::remove_file(&path).map_err(|error| failed(&path, error))?;
            }
            let below = path.strip_prefix(&root).unwrap_or(&path);
            deleted.push(below.to_string_lossy().into_owned());
        }
    }
    Ok(deleted)
}

/// A file that is not as the log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedFile {
    /// The table.
    pub table: LakeTable,
    /// Path in the lake's store.
    pub path: String,
    /// Bytes the log states.
    pub size_bytes: u64,
    /// Bytes found; `None` when it is gone.
    pub found_bytes: Option<u64>,
}

/// Files that the logs name but that are gone or of another size.
///
/// # Errors
/// When a log or the store cannot be read.
pub async fn damaged_files(lake: &Lake) -> Result<Vec<DamagedFile>, CommitError> {
    let mut damaged = Vec::new();
    for table in LakeTable::ALL {
        let Some(snapshot) = TableSnapshot::newest(lake, table).await? else { continue };
        let Some(store) = &snapshot.store else { continue };
        for file in &snapshot.files {
            let found_bytes = match store.head(&file.object.location).await {
                Ok(found) if found.size == file.object.size => continue,
                Ok(found) => Some(found.size),
                Err(object_store::Error::NotFound { .. }) => None,
                Err(source) => return Err(CommitError::Store { table: table.name(), source }),
            };
            damaged.push(DamagedFile {
                table,
                path: file.object.location.to_string(),
                size_bytes: file.object.size,
                found_bytes,
            });
        }
    }
    Ok(damaged)
}

async fn existing(lake: &Lake, table: LakeTable) -> Result<deltalake::DeltaTable, CommitError> {
    lake.table(table)
        .await?
        .ok_or_else(|| CommitError::NotALake { address: lake.address().to_owned() })
}
