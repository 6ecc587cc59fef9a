//! Keeps results of views beside the lake's tables.
//!
//! Input: a lake and the partner's adjustments. Output: a Parquet file for each view
//! that can be kept, source and month, under the name [`query`](crate::query::rollups)
//! looks for; files no longer looked for are deleted. Never touches a Delta table: what
//! is lost here is computed again.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};
use chrono::{Duration, Utc};
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::commit::maintain::{ORPHAN_AGE_DAYS_MIN, VacuumMode};
use crate::commit::{CommitError, Lake, TableSnapshot};
use crate::model::BillingMonth;
use crate::model::columns::{BILLING_MONTH_COLUMN, SOURCE_COLUMN};
use crate::query::rollups::{FOLDER, KeptFile, Place, Rollups, SourceMonth};
use crate::query::{QueryError, RollupUse, Session, SessionOptions};
use crate::views::views;
use crate::write::writer_properties;

/// What was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Results that were computed and written.
    pub results: u64,
    /// Their rows.
    pub rows: u64,
}

/// Computes and writes each result that is not kept yet, of these months or of all.
/// `options` are those of the sessions that are to read them. Memory is that of the
/// queries, and one result.
///
/// # Errors
/// When a view cannot be computed or the store refuses a file. What was written before
/// stays, and is right.
pub async fn keep(
    lake: &Lake,
    options: &SessionOptions,
    months: Option<&BTreeSet<BillingMonth>>,
) -> Result<Kept, QueryError> {
    let rollups = of_lake(lake, options).await?;
    let mut done = Kept::default();
    let Some(place) = rollups.place() else { return Ok(done) };
    let asked: Option<BTreeSet<String>> =
        months.map(|months| months.iter().map(ToString::to_string).collect());
    // View by view: those that others read are kept before them.
    for view in rollups.views() {
        for (month, name) in rollups.cover(&view.name).await?.missing {
            if asked.as_ref().is_some_and(|months| !months.contains(&month.billing_month)) {
                continue;
            }
            let result =
                compute(&rollups, &view.name, &month, options, RollupUse::WhereKept).await?;
            let rows = result.iter().map(|batch| batch.num_rows() as u64).sum();
            let path = place.path(&name, &month, rows);
            let bytes = encode(&result).map_err(|error| internal(&path, &error))?;
            // A file appears whole or not at all. Another writer of the result writes the
            // same rows, in another order.
            let written = place.store().put(&path, PutPayload::from(bytes)).await;
            written.map_err(|source| CommitError::Store { table: FOLDER, source })?;
            done.results += 1;
            done.rows += rows;
        }
    }
    Ok(done)
}

/// Computes each kept result anew and tells which files hold something else.
///
/// # Errors
/// When a view cannot be computed or a file cannot be read.
pub async fn verify(lake: &Lake, options: &SessionOptions) -> Result<Vec<String>, QueryError> {
    let rollups = of_lake(lake, options).await?;
    let Some(place) = rollups.place() else { return Ok(Vec::new()) };
    let mut differing = Vec::new();
    for view in rollups.views() {
        for kept in rollups.cover(&view.name).await?.kept {
            let computed =
                compute(&rollups, &view.name, kept.month(), options, RollupUse::Never).await?;
            let is_same = match read(place, &kept).await {
                Ok(found) => {
                    sorted_rows(&computed).is_some_and(|rows| Some(rows) == sorted_rows(&found))
                }
                Err(ReadFault::Damaged) => false,
                Err(ReadFault::Store(source)) => {
                    return Err(CommitError::Store { table: FOLDER, source }.into());
                }
            };
            if !is_same {
                differing.push(kept.object.location.to_string());
            }
        }
    }
    Ok(differing)
}

/// Deletes results that no session with these options would read, once they are
/// `retain_days` and at least a day old: a query may have looked before. Returns their
/// paths.
///
/// # Errors
/// When the files cannot be listed or deleted.
pub async fn delete_superseded(
    lake: &Lake,
    options: &SessionOptions,
    retain_days: u32,
    mode: VacuumMode,
) -> Result<Vec<String>, QueryError> {
    let rollups = of_lake(lake, options).await?;
    let Some(place) = rollups.place() else { return Ok(Vec::new()) };
    let oldest = Utc::now() - Duration::days(i64::from(retain_days.max(ORPHAN_AGE_DAYS_MIN)));
    let mut deleted = Vec::new();
    for object in rollups.superseded().await? {
        if object.last_modified > oldest {
            continue;
        }
        if mode == VacuumMode::Delete {
            let gone = place.store().delete(&object.location).await;
            gone.map_err(|source| CommitError::Store { table: FOLDER, source })?;
        }
        deleted.push(object.location.to_string());
    }
    Ok(deleted)
}

async fn of_lake(lake: &Lake, options: &SessionOptions) -> Result<Rollups, QueryError> {
    let tables = TableSnapshot::of_lake(lake).await?;
    Ok(Rollups::new(tables, &options.adjusted(views())))
}

/// The rows of a view for one month, from the tables' files of that month alone.
async fn compute(
    rollups: &Rollups,
    view: &str,
    month: &SourceMonth,
    options: &SessionOptions,
    kept: RollupUse,
) -> Result<Vec<RecordBatch>, QueryError> {
    let tables = rollups.tables_of(&BTreeSet::from([month.clone()]));
    let options = SessionOptions { rollups: kept, ..options.clone() };
    let session = Session::over(tables, rollups.definitions(), &options).await?;
    let stream = session.execute(&format!("select * from {view}")).await?;
    let schema = stream.schema();
    let mut batches: Vec<RecordBatch> = stream.try_collect().await?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    for batch in &batches {
        check_month(view, month, batch)?;
    }
    Ok(batches)
}

/// A view that can be kept by month shows rows of its own months only. One that does
/// not would be read twice.
fn check_month(view: &str, month: &SourceMonth, batch: &RecordBatch) -> Result<(), QueryError> {
    let is_all = |name: &str, expected: &str| {
        let texts =
            batch.column_by_name(name).and_then(|column| cast(column, &DataType::Utf8).ok());
        texts
            .is_some_and(|texts| texts.as_string::<i32>().iter().all(|text| text == Some(expected)))
    };
    if is_all(SOURCE_COLUMN, &month.source) && is_all(BILLING_MONTH_COLUMN, &month.billing_month) {
        return Ok(());
    }
    let SourceMonth { source, billing_month } = month;
    Err(QueryError::Internal {
        message: format!("{view} shows rows of other months than {source} {billing_month}"),
    })
}

fn encode(batches: &[RecordBatch]) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    let mut bytes = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut bytes, batches[0].schema(), Some(writer_properties(&[])))?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.close()?;
    Ok(bytes)
}

enum ReadFault {
    Damaged,
    Store(object_store::Error),
}

async fn read(place: &Place, kept: &KeptFile) -> Result<Vec<RecordBatch>, ReadFault> {
    let found = place.store().get(&kept.object.location).await.map_err(ReadFault::Store)?;
    let bytes = found.bytes().await.map_err(ReadFault::Store)?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
        .and_then(|builder| builder.build())
        .map_err(|_| ReadFault::Damaged)?;
    reader.collect::<Result<_, _>>().map_err(|_| ReadFault::Damaged)
}

/// Rows as bytes that compare like them, in one order; `None` where their types have no
/// such form.
fn sorted_rows(batches: &[RecordBatch]) -> Option<Vec<Vec<u8>>> {
    // A file without rows has no batch.
    let Some(first) = batches.first() else { return Some(Vec::new()) };
    let schema = first.schema();
    let batch = concat_batches(&schema, batches).ok()?;
    let columns: Vec<ArrayRef> = batch
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            DataType::Utf8View | DataType::LargeUtf8 => cast(column, &DataType::Utf8),
            _ => Ok(Arc::clone(column)),
        })
        .collect::<Result<_, _>>()
        .ok()?;
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
    let rows = RowConverter::new(fields).ok()?.convert_columns(&columns).ok()?;
    let mut rows: Vec<Vec<u8>> = rows.iter().map(|row| row.as_ref().to_vec()).collect();
    rows.sort_unstable();
    Some(rows)
}

fn internal(path: &Path, error: &parquet::errors::ParquetError) -> QueryError {
    QueryError::Internal { message: format!("cannot encode {path}: {error}") }
}
