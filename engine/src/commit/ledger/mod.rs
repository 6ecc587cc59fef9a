//! The bookkeeping tables: `ingest_runs`, one row per export run applied;
//! `rejected_rows`, what the latest attempt at a month could not read; and
//! `load_totals`, what each load cost by day and scope.
//!
//! The truth about a month is in its cost table's own commit, which carries the
//! whole entry; `ingest_runs` is the copy that SQL can read. A crash between the
//! two commits leaves the copy behind, and [`recover_entry`] brings it back.

mod entry;
mod load_totals;
mod rejections;
mod statistics;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use deltalake::DeltaTable;
use deltalake::kernel::Action;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::protocol::{DeltaOperation, SaveMode};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use parquet::arrow::ArrowWriter;

use super::{CommitError, LakeTable};
use crate::model::DatasetType;
use crate::write::{Partition, WrittenFile};

pub use entry::{LedgerBlob, LedgerEntry, LedgerTotals, append_entry, has_entry, recover_entry};
pub use load_totals::{LoadTotals, append_load_totals};
pub use rejections::{Rejections, replace_rejections};

/// How often a row is tried again when another process writes one of the same month
/// at the same moment.
const APPEND_ATTEMPTS_MAX: usize = 5;

/// The partition of a bookkeeping table that a month of a dataset has.
struct PartitionKeys([(&'static str, String); 3]);

impl PartitionKeys {
    fn of(dataset: DatasetType, partition: &Partition) -> Self {
        Self([
            ("dataset", dataset.table_name().to_owned()),
            ("source", partition.source.to_string()),
            ("billing_month", partition.billing_month.to_string()),
        ])
    }

    fn folder(&self) -> String {
        self.0.each_ref().map(|(key, value)| format!("{key}={value}")).join("/")
    }

    fn values(&self) -> HashMap<String, Option<String>> {
        self.0.iter().map(|(key, value)| ((*key).to_owned(), Some(value.clone()))).collect()
    }

    fn predicate(&self) -> String {
        self.0.each_ref().map(|(key, value)| format!("{key} = '{value}'")).join(" AND ")
    }
}

async fn commit(
    base: &DeltaTable,
    table: LakeTable,
    properties: CommitProperties,
    actions: Vec<Action>,
    mode: SaveMode,
    predicate: Option<String>,
) -> Result<(), CommitError> {
    let columns = table.partition_columns();
    let partition_by =
        (!columns.is_empty()).then(|| columns.iter().map(|column| (*column).to_owned()).collect());
    let operation = DeltaOperation::Write { mode, partition_by, predicate };
    let snapshot = base.snapshot().map_err(CommitError::delta(table))?;
    CommitBuilder::from(properties.with_cleanup_expired_logs(Some(false)))
        .with_actions(actions)
        .build(Some(snapshot), base.log_store(), operation)
        .await
        .map_err(CommitError::commit(table))?;
    Ok(())
}

async fn store_batch(
    base: &DeltaTable,
    table: LakeTable,
    path: &str,
    batch: &RecordBatch,
) -> Result<WrittenFile, CommitError> {
    let encode = |source| CommitError::Encode { table: table.name(), source };
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).map_err(encode)?;
    writer.write(batch).map_err(encode)?;
    writer.close().map_err(encode)?;
    let size_bytes = bytes.len() as u64;
    let rows = batch.num_rows() as u64;
    base.log_store()
        .object_store(None)
        .put(&Path::from(path), bytes.into())
        .await
        .map_err(|source| CommitError::Store { table: table.name(), source })?;
    let statistics = statistics::of_rows(table, batch);
    Ok(WrittenFile { path: path.to_owned(), size_bytes, rows, statistics })
}

/// The fields that the files of a bookkeeping table hold; its partition columns live in
/// their paths.
fn file_fields(table: LakeTable, schema: &SchemaRef) -> Vec<FieldRef> {
    let partition_columns = table.partition_columns();
    let is_in_file = |field: &&FieldRef| !partition_columns.contains(&field.name().as_str());
    schema.fields().iter().filter(is_in_file).cloned().collect()
}

fn file_batch(
    table: LakeTable,
    fields: Vec<FieldRef>,
    columns: Vec<ArrayRef>,
) -> Result<RecordBatch, CommitError> {
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|source| CommitError::Encode { table: table.name(), source: source.into() })
}
