//! `ingest_runs`: one row per export run applied.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal128Builder, Int64Array, Int64Builder, ListBuilder, RecordBatch, StringArray,
    StringBuilder, StructBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use deltalake::DeltaTable;
use deltalake::kernel::Transaction;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::protocol::SaveMode;
use futures::TryStreamExt as _;
use serde::{Deserialize, Serialize};

use super::{APPEND_ATTEMPTS_MAX, commit, store_batch};
use crate::commit::replace::{LOAD_INFO_KEY, add_action, transaction_version};
use crate::commit::{CommitError, Lake, LakeTable};
use crate::model::money::{format_decimal, parse_decimal};
use crate::model::{ControlTotals, DatasetType};
use crate::write::Partition;

/// One blob of an applied run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerBlob {
    /// Path below the export URL.
    pub name: String,
    /// ETag, unchanged from the first to the last read.
    pub etag: Option<String>,
    /// Stored bytes.
    pub size_bytes: u64,
    /// Data rows read, rejected ones included.
    pub rows: u64,
}

/// Control totals of one billing currency; sums as exact decimal texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerTotals {
    /// Billing currency; empty where rows name none.
    pub billing_currency: String,
    /// Rows loaded.
    pub rows: u64,
    /// Σ `cost_in_billing_currency`; of the cost tables only, as the others.
    pub cost_in_billing_currency: Option<String>,
    /// Σ `payg_cost_in_billing_currency`.
    pub payg_cost_in_billing_currency: Option<String>,
    /// Σ `cost_in_usd`.
    pub cost_in_usd: Option<String>,
}

impl LedgerTotals {
    /// One entry per currency, in order.
    pub fn of(dataset: DatasetType, totals: &ControlTotals) -> Vec<Self> {
        let sum = |raw: i128| dataset.column_set().totals.map(|_| format_decimal(raw));
        totals
            .iter()
            .map(|(currency, totals)| Self {
                billing_currency: currency.to_owned(),
                rows: totals.rows,
                cost_in_billing_currency: sum(totals.cost_in_billing_currency),
                payg_cost_in_billing_currency: sum(totals.payg_cost_in_billing_currency),
                cost_in_usd: sum(totals.cost_in_usd),
            })
            .collect()
    }
}

/// One applied export run, as `ingest_runs` keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// The bill connect.
    pub source: String,
    /// Name of the cost table.
    pub dataset: String,
    /// `YYYY-MM`.
    pub billing_month: String,
    /// Azure's run id, or what stands for it where there is no manifest.
    pub run_id: String,
    /// Digest of the run's content: blobs, sizes, ETags.
    pub load_key: String,
    /// Scope type of the source, where known.
    pub scope_type: Option<String>,
    /// ARM path of the scope, where known.
    pub scope_id: Option<String>,
    /// Dataset version the file was recognized as.
    pub data_version: Option<String>,
    /// Name of the export.
    pub export_name: Option<String>,
    /// Path of the manifest below the export URL.
    pub manifest: Option<String>,
    /// Data rows the manifest promises.
    pub manifest_row_count: Option<u64>,
    /// The blobs read.
    pub blobs: Vec<LedgerBlob>,
    /// Rows loaded.
    pub rows: u64,
    /// Rows that went to `rejected_rows`.
    pub rejected_rows: u64,
    /// Rows loaded whose day lies outside the month.
    pub rows_outside_month: u64,
    /// Uncompressed bytes read.
    pub bytes: u64,
    /// Per billing currency.
    pub control_totals: Vec<LedgerTotals>,
    /// Columns of the file that are not kept.
    pub unknown_columns: Vec<String>,
    /// When Azure submitted the run, microseconds since the epoch.
    pub submitted_at_us: Option<i64>,
    /// When the run was applied, microseconds since the epoch.
    pub loaded_at_us: i64,
    /// How long it took to read and write.
    pub duration_ms: u64,
    /// Version of the cost table that holds it; known after the commit.
    pub table_version: Option<u64>,
    /// Version of the program that loaded it.
    pub costlake_version: String,
}

/// Appends an applied run to `ingest_runs`, unless somebody did that already; `replaced`
/// is the load that the month held before.
///
/// # Errors
/// When the store or the log refuses; the cost table keeps the entry then, and
/// the next ingest of the month appends it.
pub async fn append_entry(
    lake: &Lake,
    partition: &Partition,
    entry: &LedgerEntry,
    load_version: i64,
    replaced: Option<i64>,
) -> Result<(), CommitError> {
    let table = LakeTable::IngestRuns;
    let application_id = application_id(&entry.dataset, partition);
    let batch = entry_batch(entry, &table.schema())?;
    let mut attempt = 1;
    loop {
        let runs = lake.ensure_table(table).await?;
        // Another ingest may have written this very row, to repair the ledger. The row of
        // the same content loaded once more looks like its first, and is written.
        if (attempt > 1 || replaced != Some(load_version))
            && transaction_version(&runs, table, &application_id).await? == Some(load_version)
        {
            return Ok(());
        }
        let path = format!("{}-{}.parquet", entry.load_key, uuid::Uuid::new_v4().simple());
        let file = store_batch(&runs, table, &path, &batch).await?;
        let now_ms = entry.loaded_at_us / 1_000;
        let properties = CommitProperties::default().with_application_transaction(
            Transaction::new_with_last_update(&application_id, load_version, Some(now_ms)),
        );
        let actions = vec![add_action(&file, &HashMap::new(), now_ms)];
        match commit(&runs, table, properties, actions, SaveMode::Append, None).await {
            Err(error @ CommitError::Conflict { .. }) if attempt == APPEND_ATTEMPTS_MAX => {
                return Err(error);
            }
            Err(CommitError::Conflict { .. }) => attempt += 1,
            result => return result,
        }
    }
}

/// Whether `ingest_runs` has the row of what a month holds.
///
/// # Errors
/// When the log cannot be read.
pub async fn has_entry(
    runs: &DeltaTable,
    dataset: DatasetType,
    partition: &Partition,
    load_version: i64,
) -> Result<bool, CommitError> {
    let application_id = application_id(dataset.table_name(), partition);
    let found = transaction_version(runs, LakeTable::IngestRuns, &application_id).await?;
    Ok(found == Some(load_version))
}

fn application_id(dataset: &str, partition: &Partition) -> String {
    format!("costlake/{dataset}/{}/{}", partition.source, partition.billing_month)
}

/// The entry that a month's latest load left in its cost table's history, with
/// the version that holds it.
///
/// # Errors
/// When the history cannot be read.
pub async fn recover_entry(
    cost: &DeltaTable,
    dataset: DatasetType,
    partition: &Partition,
) -> Result<Option<LedgerEntry>, CommitError> {
    let table = LakeTable::from(dataset);
    let mut version = cost.version();
    let mut history = cost.history(None);
    while let Some(commit) = history.try_next().await.map_err(CommitError::delta(table))? {
        let entry = commit
            .info
            .get(LOAD_INFO_KEY)
            .and_then(|info| serde_json::from_value::<LedgerEntry>(info.clone()).ok());
        if let Some(mut entry) = entry
            && entry.source == partition.source.as_str()
            && entry.billing_month == partition.billing_month.to_string()
        {
            entry.table_version = version;
            return Ok(Some(entry));
        }
        version = version.and_then(|version| version.checked_sub(1));
    }
    Ok(None)
}

fn text(value: Option<&str>) -> ArrayRef {
    Arc::new(StringArray::from(vec![value]))
}

fn number(value: Option<u64>) -> ArrayRef {
    Arc::new(Int64Array::from(vec![value.map(|value| value as i64)]))
}

fn instant(value: Option<i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(vec![value]).with_timezone("UTC"))
}

fn entry_batch(entry: &LedgerEntry, schema: &SchemaRef) -> Result<RecordBatch, CommitError> {
    let columns = schema
        .fields()
        .iter()
        .map(|field| {
            let column: ArrayRef = match field.name().as_str() {
                "source" => text(Some(&entry.source)),
                "dataset" => text(Some(&entry.dataset)),
                "billing_month" => text(Some(&entry.billing_month)),
                "run_id" => text(Some(&entry.run_id)),
                "load_key" => text(Some(&entry.load_key)),
                "scope_type" => text(entry.scope_type.as_deref()),
                "scope_id" => text(entry.scope_id.as_deref()),
                "data_version" => text(entry.data_version.as_deref()),
                "export_name" => text(entry.export_name.as_deref()),
                "manifest" => text(entry.manifest.as_deref()),
                "manifest_row_count" => number(entry.manifest_row_count),
                "blobs" => blobs_array(&entry.blobs, field),
                "rows" => number(Some(entry.rows)),
                "rejected_rows" => number(Some(entry.rejected_rows)),
                "rows_outside_month" => number(Some(entry.rows_outside_month)),
                "bytes" => number(Some(entry.bytes)),
                "control_totals" => totals_array(&entry.control_totals, field),
                "unknown_columns" => names_array(&entry.unknown_columns, field),
                "submitted_at" => instant(entry.submitted_at_us),
                "loaded_at" => instant(Some(entry.loaded_at_us)),
                "duration_ms" => number(Some(entry.duration_ms)),
                "table_version" => number(entry.table_version),
                "costlake_version" => text(Some(&entry.costlake_version)),
                other => unreachable!("ingest_runs has no column {other}"),
            };
            column
        })
        .collect();
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|source| CommitError::Encode {
        table: LakeTable::IngestRuns.name(),
        source: source.into(),
    })
}

/// The item field of a list field, and the fields of its struct.
fn list_item(field: &FieldRef) -> &FieldRef {
    match field.data_type() {
        DataType::List(item) => item,
        other => unreachable!("{} is a list, not {other}", field.name()),
    }
}

fn struct_builder(item: &FieldRef) -> StructBuilder {
    match item.data_type() {
        DataType::Struct(fields) => StructBuilder::from_fields(fields.clone(), 1),
        other => unreachable!("the items are structs, not {other}"),
    }
}

fn append_text(row: &mut StructBuilder, index: usize, value: Option<&str>) {
    let builder = row.field_builder::<StringBuilder>(index).expect("the field is text");
    builder.append_option(value);
}

fn append_number(row: &mut StructBuilder, index: usize, value: u64) {
    let builder = row.field_builder::<Int64Builder>(index).expect("the field is a count");
    builder.append_value(value as i64);
}

fn append_decimal(row: &mut StructBuilder, index: usize, value: Option<&String>) {
    let builder = row.field_builder::<Decimal128Builder>(index).expect("the field is a decimal");
    builder.append_option(value.and_then(|value| parse_decimal(value.as_bytes()).ok()));
}

/// Fields in order: name, etag, size_bytes, rows.
fn blobs_array(blobs: &[LedgerBlob], field: &FieldRef) -> ArrayRef {
    let item = list_item(field);
    let mut builder = ListBuilder::new(struct_builder(item)).with_field(Arc::clone(item));
    for blob in blobs {
        let row = builder.values();
        append_text(row, 0, Some(&blob.name));
        append_text(row, 1, blob.etag.as_deref());
        append_number(row, 2, blob.size_bytes);
        append_number(row, 3, blob.rows);
        row.append(true);
    }
    builder.append(true);
    Arc::new(builder.finish())
}

/// Fields in order: billing_currency, rows, then the three sums.
fn totals_array(totals: &[LedgerTotals], field: &FieldRef) -> ArrayRef {
    let item = list_item(field);
    let mut builder = ListBuilder::new(struct_builder(item)).with_field(Arc::clone(item));
    for currency in totals {
        let row = builder.values();
        append_text(row, 0, Some(&currency.billing_currency));
        append_number(row, 1, currency.rows);
        append_decimal(row, 2, currency.cost_in_billing_currency.as_ref());
        append_decimal(row, 3, currency.payg_cost_in_billing_currency.as_ref());
        append_decimal(row, 4, currency.cost_in_usd.as_ref());
        row.append(true);
    }
    builder.append(true);
    Arc::new(builder.finish())
}

fn names_array(names: &[String], field: &FieldRef) -> ArrayRef {
    let mut builder =
        ListBuilder::new(StringBuilder::new()).with_field(Arc::clone(list_item(field)));
    for name in names {
        builder.values().append_value(name);
    }
    builder.append(true);
    Arc::new(builder.finish())
}
