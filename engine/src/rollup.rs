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
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use bytes::Bytes;
use chrono::{Duration, Utc};
use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::commit::maintain::{ORPHAN_AGE_DAYS_MIN, VacuumMode};
use crate::commit::{CommitError, Lake, TableSnapshot};
use crate::model::BillingMonth;
use crate::model::columns::{BILLING_MONTH_COLUMN, SOURCE_COLUMN};
use crate::query::rollups::{Cover, FOLDER, ResultName, Rollups, SourceMonth};
use crate::query::{QueryError, RollupUse, Session, SessionOptions};
use crate::views::views;
use crate::write::writer_properties;

/// Rows of a result that is written without what helps to read parts of it.
const SMALL_RESULT_ROWS_MAX: usize = 4096;

/// What was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Results that were computed and written.
    pub results: u64,
    /// Their rows.
    pub rows: u64,
    /// How many of them took the place of a file that was damaged.
    pub repaired: u64,
}

/// Computes and writes each result that is not kept yet, or no longer as it was written,
/// of these months or of all. `options` are those of the sessions that are to read them.
/// Memory is that of the queries, and one result.
///
/// # Errors
/// When a view cannot be computed or the store refuses a file. What was written before
/// stays, and is right.
pub async fn keep(
    lake: &Lake,
    options: &SessionOptions,
    months: Option<&BTreeSet<BillingMonth>>,
) -> Result<Kept, QueryError> {
    let mut rollups = of_lake(lake, options).await?;
    let mut done = Kept::default();
    let Some(place) = rollups.place().cloned() else { return Ok(done) };
    let asked: Option<BTreeSet<String>> =
        months.map(|months| months.iter().map(ToString::to_string).collect());
    let is_asked = |name: &ResultName| {
        asked.as_ref().is_none_or(|months| months.contains(&name.month.billing_month))
    };
    // View by view: those that others read are kept before them.
    let views: Vec<String> = rollups.views().iter().map(|view| view.name.clone()).collect();
    for view in views {
        let Cover { kept, mut missing } = rollups.cover(&view).await?;
        for (name, file) in kept.into_iter().filter(|(name, _)| is_asked(name)) {
            if place.read(&name, &file).await.map_err(store)?.is_some() {
                continue;
            }
            // Before the result is computed, which would read it.
            place.store().delete(&file.object.location).await.map_err(store)?;
            rollups.note(&name, None);
            missing.insert(name);
            done.repaired += 1;
        }
        for name in missing.into_iter().filter(is_asked) {
            let result = compute(&rollups, &name, options, RollupUse::WhereKept).await?;
            let rows = result.iter().map(|batch| batch.num_rows() as u64).sum();
            let bytes = encode(&result).map_err(|error| QueryError::Internal {
                message: format!("cannot encode {view}: {error}"),
            })?;
            let written = place.write(&name, rows, bytes).await.map_err(store)?;
            rollups.note(&name, Some(written));
            done.results += 1;
            done.rows += rows;
        }
    }
    Ok(done)
}

/// What is wrong with a kept result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, from the root of its store.
    pub path: String,
    /// What.
    pub defect: Defect,
}

/// Why a kept result must not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// It is not what was written: [`keep`] writes it anew.
    Damaged,
    /// It is what was written, and its rows are not those the tables give.
    Differs,
}

/// Reads each kept result, and computes it anew to compare.
///
/// # Errors
/// When a view cannot be computed or the store does not give a file.
pub async fn verify(lake: &Lake, options: &SessionOptions) -> Result<Vec<Finding>, QueryError> {
    let rollups = of_lake(lake, options).await?;
    let Some(place) = rollups.place() else { return Ok(Vec::new()) };
    let mut findings = Vec::new();
    for view in rollups.views() {
        for (name, file) in rollups.cover(&view.name).await?.kept {
            let defect = match place.read(&name, &file).await.map_err(store)? {
                Some(content) => {
                    let computed = compute(&rollups, &name, options, RollupUse::Never).await?;
                    let found = decode(content).ok().and_then(|found| sorted_rows(&found));
                    let is_same = found.is_some() && found == sorted_rows(&computed);
                    (!is_same).then_some(Defect::Differs)
                }
                None => Some(Defect::Damaged),
            };
            let path = format!("/{}", file.object.location);
            findings.extend(defect.map(|defect| Finding { path, defect }));
        }
    }
    Ok(findings)
}

/// Deletes files that no session with these options would read, `retain_days` and at
/// least a day after that began to be so: a query may have looked before. Returns their
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
    for file in rollups.superseded().await? {
        if file.since > oldest {
            continue;
        }
        if mode == VacuumMode::Delete {
            place.store().delete(&file.object.location).await.map_err(store)?;
        }
        deleted.push(file.object.location.to_string());
    }
    Ok(deleted)
}

fn store(source: object_store::Error) -> QueryError {
    CommitError::Store { table: FOLDER, source }.into()
}

async fn of_lake(lake: &Lake, options: &SessionOptions) -> Result<Rollups, QueryError> {
    let tables = TableSnapshot::of_lake(lake).await?;
    Ok(Rollups::new(tables, &options.adjusted(views())))
}

/// The rows of a result, from the tables' files of its month alone.
async fn compute(
    rollups: &Rollups,
    name: &ResultName,
    options: &SessionOptions,
    kept: RollupUse,
) -> Result<Vec<RecordBatch>, QueryError> {
    let ResultName { view, month, .. } = name;
    let options = SessionOptions { rollups: kept, ..options.clone() };
    let rollups = rollups.of_months(&BTreeSet::from([month.clone()]));
    let session = Session::over(rollups, &options)?;
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
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let properties = match rows > SMALL_RESULT_ROWS_MAX {
        true => writer_properties(&[]),
        false => small_result_properties(),
    };
    let mut writer = ArrowWriter::try_new(&mut bytes, batches[0].schema(), Some(properties))?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.close()?;
    Ok(bytes)
}

/// A report reads a small file for each month and source, and all of it: what helps to read
/// parts, and decompression, take longer than the rows.
fn small_result_properties() -> WriterProperties {
    writer_properties(&[])
        .into_builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .build()
}

fn decode(content: Bytes) -> Result<Vec<RecordBatch>, ArrowError> {
    ParquetRecordBatchReaderBuilder::try_new(content)?.build()?.collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::LakeTable;
    use crate::model::DatasetType;
    use crate::query::test_lake::{TestFile, TestLake, rows};

    /// Written whole, under the right name and seal, with rows the tables do not give.
    #[tokio::test]
    async fn a_result_whose_rows_differ_is_found() {
        let lake = TestLake::new();
        let table = LakeTable::Dataset(DatasetType::AmortizedCost);
        let days = rows(table, &[("date", &["2026-07-01", "2026-07-02"])]);
        lake.create(table, &[TestFile { partition: &["a", "2026-07"], rows: days }]);
        let (lake, options) = (lake.lake(), SessionOptions::default());
        keep(&lake, &options, None).await.unwrap();
        assert_eq!(verify(&lake, &options).await.unwrap(), []);

        let rollups = of_lake(&lake, &options).await.unwrap();
        let place = rollups.place().unwrap();
        let kept = rollups.cover("rate_totals").await.unwrap().kept;
        let (name, file) = kept.first_key_value().unwrap();
        let content = place.read(name, file).await.unwrap().unwrap();
        let found = decode(content).unwrap();
        assert!(found[0].num_rows() > 0);
        let other = encode(&[RecordBatch::new_empty(found[0].schema())]).unwrap();
        let written = place.write(name, 0, other).await.unwrap();
        place.store().delete(&file.object.location).await.unwrap();

        let path = format!("/{}", written.object.location);
        let expected = [Finding { path, defect: Defect::Differs }];
        assert_eq!(verify(&lake, &options).await.unwrap(), expected);
    }
}
