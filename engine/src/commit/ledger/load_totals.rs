//! `load_totals`: what each load cost by day and scope, kept when its rows are replaced.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use deltalake::kernel::Transaction;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::protocol::SaveMode;

use super::{APPEND_ATTEMPTS_MAX, PartitionKeys, commit, file_batch, file_fields, store_batch};
use crate::commit::replace::add_action;
use crate::commit::{CommitError, Lake, LakeTable};
use crate::model::{DECIMAL_PRECISION, DECIMAL_SCALE, DatasetType};
use crate::normalize::{DayTotal, DayTotals, SCOPE_COLUMNS};
use crate::write::Partition;

/// Cost by day and scope of one load, before it is applied.
#[derive(Clone, Debug)]
pub struct LoadTotals<'a> {
    /// Which cost dataset.
    pub dataset: DatasetType,
    /// Source and month.
    pub partition: &'a Partition,
    /// Digest of the run's content.
    pub load_key: &'a str,
    /// The digest as a version; see [`load_version`](crate::discover::load_version).
    pub load_version: i64,
    /// The totals.
    pub totals: &'a DayTotals,
    /// Microseconds since the epoch.
    pub now_us: i64,
}

/// Adds the totals of a load to `load_totals`, unless the table has those of this very
/// content already. Done before the month is replaced: totals of a load that is not
/// applied are named by no row of `ingest_runs` and tell nothing.
///
/// # Errors
/// When the store or the log refuses.
pub async fn append_load_totals(lake: &Lake, load: &LoadTotals<'_>) -> Result<(), CommitError> {
    let table = LakeTable::LoadTotals;
    let keys = PartitionKeys::of(load.dataset, load.partition);
    let batch = load_totals_batch(load, &table.schema())?;
    // Two loads of one month meet here and are told apart: both might be of this content.
    let transaction = Transaction::new_with_last_update(
        format!("costlake/{}", keys.folder()),
        load.load_version,
        Some(load.now_us / 1_000),
    );
    let prefix = format!("/{}/{}-", keys.folder(), load.load_key);
    let mut attempt = 1;
    loop {
        let base = lake.ensure_table(table).await?;
        let mut files = base.get_file_uris().map_err(CommitError::delta(table))?;
        if files.any(|uri| uri.contains(&prefix)) {
            return Ok(());
        }
        let path = format!("{}{}.parquet", &prefix[1..], uuid::Uuid::new_v4().simple());
        let file = store_batch(&base, table, &path, &batch).await?;
        let actions = vec![add_action(&file, &keys.values(), load.now_us / 1_000)];
        let properties =
            CommitProperties::default().with_application_transaction(transaction.clone());
        match commit(&base, table, properties, actions, SaveMode::Append, None).await {
            Err(CommitError::Conflict { .. }) if attempt < APPEND_ATTEMPTS_MAX => attempt += 1,
            result => return result,
        }
    }
}

/// The data columns of `load_totals`, by day and scope so that they compress.
fn load_totals_batch(
    load: &LoadTotals<'_>,
    schema: &SchemaRef,
) -> Result<RecordBatch, CommitError> {
    let mut totals: Vec<DayTotal<'_>> = load.totals.iter().collect();
    totals.sort_unstable_by_key(|total| (total.scope, total.day));
    let decimals = |value: &dyn Fn(&DayTotal<'_>) -> i128| -> ArrayRef {
        let values = Decimal128Array::from_iter_values(totals.iter().map(value));
        let typed = values.with_precision_and_scale(DECIMAL_PRECISION, DECIMAL_SCALE);
        Arc::new(typed.expect("sums are kept within the type's range"))
    };
    let fields = file_fields(LakeTable::LoadTotals, schema);
    let columns = fields
        .iter()
        .map(|field| -> ArrayRef {
            match field.name().as_str() {
                "load_key" => Arc::new(StringArray::from(vec![load.load_key; totals.len()])),
                "date" => Arc::new(totals.iter().map(|total| total.day).collect::<Date32Array>()),
                "rows" => Arc::new(Int64Array::from_iter_values(
                    totals.iter().map(|total| total.rows as i64),
                )),
                "cost" => decimals(&|total| total.cost),
                "cost_usd" => decimals(&|total| total.cost_usd),
                name => {
                    let column = SCOPE_COLUMNS.iter().position(|column| *column == name);
                    let column = column.expect("every other column is a scope's");
                    let texts = totals.iter().map(|total| total.scope[column]);
                    Arc::new(texts.collect::<StringArray>())
                }
            }
        })
        .collect();
    file_batch(LakeTable::LoadTotals, fields, columns)
}
