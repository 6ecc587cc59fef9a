//! The one way data enters a cost table: a month of a source replaced as a
//! whole in one Delta commit.
//!
//! Advice for whoever changes this. Three things together make it safe, and
//! each has been seen to fail alone:
//! - the commit carries the *predicate* of its partition, else two writers of a
//!   month that is still empty both succeed and the month stands twice;
//! - it is built against the snapshot from which it was *planned*, so that
//!   whatever was committed in between is checked;
//! - it carries an application transaction named after the partition, which
//!   conflicts by itself, and whose version says which run the month holds.
//!   Delta does not refuse a replay of the same transaction: [`loaded_version`]
//!   is asked first.

use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, Add, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTable, FilterOp, FilterValue};
use futures::TryStreamExt as _;

use super::{CommitError, LakeTable};
use crate::model::columns::{BILLING_MONTH_COLUMN, SOURCE_COLUMN};
use crate::write::{Partition, WrittenFile};

/// Key of the commit info under which a load describes itself.
pub const LOAD_INFO_KEY: &str = "costlake.load";

/// What replaces a month.
#[derive(Clone, Debug)]
pub struct MonthReplacement<'a> {
    /// The cost table.
    pub table: LakeTable,
    /// The month of a source.
    pub partition: &'a Partition,
    /// The new files; none for a month without cost.
    pub files: &'a [WrittenFile],
    /// Identifies the content of the run; see [`loaded_version`].
    pub load_version: i64,
    /// Kept in the commit's own info, for history and for repair of the ledger.
    pub load_info: serde_json::Value,
    /// Milliseconds since the epoch.
    pub now_ms: i64,
}

/// The load version that a month holds in this snapshot, if it was ever loaded.
///
/// # Errors
/// When the log cannot be read.
pub async fn loaded_version(
    table: &DeltaTable,
    lake_table: LakeTable,
    partition: &Partition,
) -> Result<Option<i64>, CommitError> {
    transaction_version(table, lake_table, &application_id(partition)).await
}

/// The version of the latest application transaction under an id.
pub(super) async fn transaction_version(
    table: &DeltaTable,
    lake_table: LakeTable,
    application_id: &str,
) -> Result<Option<i64>, CommitError> {
    let delta = CommitError::delta(lake_table);
    let snapshot = table.snapshot().map_err(&delta)?;
    snapshot.transaction_version(table.log_store().as_ref(), application_id).await.map_err(&delta)
}

/// Replaces the month in one commit against the snapshot that `base` holds, and
/// returns the new table version.
///
/// # Errors
/// [`CommitError::Conflict`] when the month was changed since `base` was read:
/// nothing is committed then. Any other error of the store or the log.
pub async fn replace_month(
    base: &DeltaTable,
    replacement: MonthReplacement<'_>,
) -> Result<u64, CommitError> {
    let MonthReplacement { table, partition, files, load_version, load_info, now_ms } = replacement;
    let delta = CommitError::delta(table);
    let month = partition.billing_month.to_string();
    let columns = [SOURCE_COLUMN, BILLING_MONTH_COLUMN];
    let values = [Some(partition.source.to_string()), Some(month.clone())];

    let mut actions = removals(
        base,
        table,
        &[(SOURCE_COLUMN, partition.source.as_str()), (BILLING_MONTH_COLUMN, &month)],
    )
    .await?;
    let partition_values = columns.map(str::to_owned).into_iter().zip(values).collect();
    actions.extend(files.iter().map(|file| add_action(file, &partition_values, now_ms)));

    let properties = CommitProperties::default()
        .with_metadata([(LOAD_INFO_KEY.to_owned(), load_info)])
        .with_cleanup_expired_logs(Some(false))
        .with_application_transaction(Transaction::new_with_last_update(
            application_id(partition),
            load_version,
            Some(now_ms),
        ));
    let operation = DeltaOperation::Write {
        mode: SaveMode::Overwrite,
        partition_by: Some(columns.map(str::to_owned).to_vec()),
        // Names and values are safe unquoted and within quotes: see `SourceName`.
        predicate: Some(format!(
            "{SOURCE_COLUMN} = '{}' AND {BILLING_MONTH_COLUMN} = '{month}'",
            partition.source
        )),
    };
    let snapshot = base.snapshot().map_err(delta)?;
    let commit = CommitBuilder::from(properties)
        .with_actions(actions)
        .build(Some(snapshot), base.log_store(), operation)
        .await
        .map_err(CommitError::commit(table))?;
    Ok(commit.version())
}

/// Remove actions for every live file of the partition that `filters` name.
pub(super) async fn removals(
    base: &DeltaTable,
    table: LakeTable,
    filters: &[(&str, &str)],
) -> Result<Vec<Action>, CommitError> {
    let filters: Vec<_> = filters
        .iter()
        .map(|(column, value)| (*column, FilterOp::Eq, FilterValue::Scalar(value)))
        .collect();
    base.get_active_add_actions_by_partitions(&filters)
        .map_ok(|file| Action::Remove(file.remove_action(true)))
        .try_collect()
        .await
        .map_err(CommitError::delta(table))
}

pub(super) fn add_action(
    file: &WrittenFile,
    partition_values: &std::collections::HashMap<String, Option<String>>,
    now_ms: i64,
) -> Action {
    Action::Add(Add {
        path: file.path.clone(),
        partition_values: partition_values.clone(),
        size: i64::try_from(file.size_bytes).expect("a file is smaller than 8 EiB"),
        modification_time: now_ms,
        data_change: true,
        stats: Some(file.statistics.clone()),
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    })
}

fn application_id(partition: &Partition) -> String {
    format!("costlake/{}/{}", partition.source, partition.billing_month)
}
