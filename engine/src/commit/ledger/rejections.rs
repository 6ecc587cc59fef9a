//! `rejected_rows`: what the latest attempt at a month could not read.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::SchemaRef;
use deltalake::DeltaTable;
use deltalake::kernel::Action;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::protocol::SaveMode;

use super::{PartitionKeys, commit, file_batch, file_fields, store_batch};
use crate::commit::replace::{add_action, removals};
use crate::commit::{CommitError, LakeTable};
use crate::discover::key_version;
use crate::model::DatasetType;
use crate::normalize::RejectedRow;
use crate::write::Partition;

/// Rejected rows of one attempt at a month.
#[derive(Clone, Debug)]
pub struct Rejections<'a> {
    /// Which cost dataset.
    pub dataset: DatasetType,
    /// Source and month.
    pub partition: &'a Partition,
    /// Azure's run id.
    pub run_id: &'a str,
    /// Digest of the run's content; `ingest_runs` has it when the run was applied.
    pub load_key: &'a str,
    /// Blob and row.
    pub rows: &'a [(Arc<str>, RejectedRow)],
    /// Version of another load that the month holds on to, whose rejected rows stay;
    /// see [`load_version`](crate::discover::load_version).
    pub stands: Option<i64>,
    /// Microseconds since the epoch.
    pub now_us: i64,
}

/// Makes `rejected_rows` say what the latest attempt at a month rejected, beside
/// what was rejected of the load the month holds: replaces what another attempt
/// left. Does nothing when there is nothing to say and nothing to replace.
///
/// # Errors
/// When the store or the log refuses.
pub async fn replace_rejections(
    base: &DeltaTable,
    rejections: &Rejections<'_>,
) -> Result<(), CommitError> {
    let table = LakeTable::RejectedRows;
    let keys = PartitionKeys::of(rejections.dataset, rejections.partition);
    let filters = keys.0.each_ref().map(|(key, value)| (*key, value.as_str()));
    let mut actions = removals(base, table, &filters).await?;
    actions.retain(|action| match action {
        Action::Remove(file) => {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            let version = name.split('-').next().and_then(key_version);
            rejections.stands.is_none() || version != rejections.stands
        }
        _ => true,
    });
    if !rejections.rows.is_empty() {
        let path = format!(
            "{}/{}-{}.parquet",
            keys.folder(),
            rejections.load_key,
            uuid::Uuid::new_v4().simple()
        );
        let batch = rejection_batch(rejections, &table.schema())?;
        let file = store_batch(base, table, &path, &batch).await?;
        actions.push(add_action(&file, &keys.values(), rejections.now_us / 1_000));
    }
    if actions.is_empty() {
        return Ok(());
    }
    let predicate = Some(keys.predicate());
    commit(base, table, CommitProperties::default(), actions, SaveMode::Overwrite, predicate).await
}

/// The data columns of `rejected_rows`.
fn rejection_batch(
    rejections: &Rejections<'_>,
    schema: &SchemaRef,
) -> Result<RecordBatch, CommitError> {
    let rows = rejections.rows;
    type LocatedRow = (Arc<str>, RejectedRow);
    let texts = |value: &dyn Fn(&LocatedRow) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<StringArray>())
    };
    let numbers = |value: &dyn Fn(&RejectedRow) -> Option<u64>| -> ArrayRef {
        let values = rows.iter().map(|(_, row)| value(row).map(|number| number as i64));
        Arc::new(values.collect::<Int64Array>())
    };
    let fields = file_fields(LakeTable::RejectedRows, schema);
    let columns = fields
        .iter()
        .map(|field| match field.name().as_str() {
            "run_id" => texts(&|_| Some(rejections.run_id.to_owned())),
            "load_key" => texts(&|_| Some(rejections.load_key.to_owned())),
            "blob" => texts(&|(blob, _)| Some(blob.to_string())),
            "line" => numbers(&|row| Some(row.line)),
            "byte_offset" => numbers(&|row| row.byte_offset),
            "column_name" => texts(&|(_, row)| row.column.clone()),
            "reason" => texts(&|(_, row)| Some(row.reason.clone())),
            "raw_text" => texts(&|(_, row)| Some(row.raw_text.clone())),
            "rejected_at" => {
                let instants = vec![rejections.now_us; rows.len()];
                Arc::new(TimestampMicrosecondArray::from(instants).with_timezone("UTC"))
            }
            other => unreachable!("rejected_rows has no column {other}"),
        })
        .collect();
    file_batch(LakeTable::RejectedRows, fields, columns)
}
