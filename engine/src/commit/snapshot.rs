//! What a table holds at one version: its columns and data files.
//!
//! Input: an opened Delta table. Output: the list of files with partition
//! values, row counts and statistics, and where to read them. Reads only what
//! the Delta log says, never a data file.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray};
use arrow::datatypes::{DataType, FieldRef, Int64Type, Schema, SchemaRef};
use arrow::temporal_conversions::timestamp_ms_to_datetime;
use datafusion::common::ScalarValue;
use datafusion::common::stats::{ColumnStatistics, Precision, Statistics};
use deltalake::{DeltaTable, DeltaTableError};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use tokio::task::JoinSet;
use url::Url;

use super::{CommitError, Lake, LakeTable};

/// One data file of a table.
#[derive(Clone, Debug)]
pub struct DataFile {
    /// Path in the snapshot's store, size in bytes and time of writing.
    pub object: ObjectMeta,
    /// Values of the partition columns, in the snapshot's order.
    pub partition_values: Vec<Option<String>>,
    /// Rows, where the log says so.
    pub num_rows: Option<u64>,
    /// Bounds and NULL counts of the file's columns in
    /// [`TableSnapshot::file_schema`] order. Row and NULL counts are exact.
    /// Bounds are exactly what the log says (decimals to the last digit) and
    /// marked inexact where a writer may have shortened or rounded them.
    pub statistics: Arc<Statistics>,
}

/// A table at one version.
#[derive(Clone)]
pub struct TableSnapshot {
    /// Which table.
    pub table: LakeTable,
    /// Delta version; `None` for a table that does not exist yet.
    pub version: Option<u64>,
    /// All columns: those of the files, then the partition columns.
    pub schema: SchemaRef,
    /// Partition columns, in folder order: the last columns of `schema`.
    pub partition_columns: Vec<String>,
    /// Where the store's paths start: scheme and host only. `None` for a table
    /// that does not exist yet.
    pub store_url: Option<Url>,
    /// Reads [`DataFile::object`]; `None` for a table that does not exist yet.
    pub store: Option<Arc<dyn ObjectStore>>,
    /// The table's folder in the store.
    pub folder: Path,
    /// Active files.
    pub files: Vec<DataFile>,
}

impl std::fmt::Debug for TableSnapshot {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TableSnapshot")
            .field("table", &self.table)
            .field("version", &self.version)
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}

impl TableSnapshot {
    /// A table that does not exist yet: its columns and no rows.
    pub fn empty(table: LakeTable) -> Self {
        Self {
            table,
            version: None,
            schema: table.schema(),
            partition_columns: table.partition_columns().iter().map(|&name| name.into()).collect(),
            store_url: None,
            store: None,
            folder: Path::default(),
            files: Vec::new(),
        }
    }

    /// What every table of a lake holds at its newest version; those that do not exist
    /// yet are left out.
    ///
    /// Datasets are looked at first: the ledger, which a load writes last, is then hardly
    /// ever behind them.
    ///
    /// # Errors
    /// [`CommitError::NotALake`] where none exists, and when a log cannot be read.
    pub async fn of_lake(lake: &Lake) -> Result<Vec<Self>, CommitError> {
        let (datasets, bookkeeping): (Vec<_>, Vec<_>) =
            LakeTable::ALL.into_iter().partition(|table| matches!(table, LakeTable::Dataset(_)));
        let mut tables = Self::at_once(lake, datasets).await?;
        tables.extend(Self::at_once(lake, bookkeeping).await?);
        if tables.is_empty() {
            return Err(CommitError::NotALake { address: lake.address().to_owned() });
        }
        Ok(tables)
    }

    /// Those of these tables that exist, opened side by side: most of the time goes into
    /// waiting for a store, or into reading statistics.
    async fn at_once(lake: &Lake, tables: Vec<LakeTable>) -> Result<Vec<Self>, CommitError> {
        let mut opening = JoinSet::new();
        for table in tables {
            let lake = lake.clone();
            opening.spawn(async move { (table, Self::newest(&lake, table).await) });
        }
        let mut opened = opening.join_all().await;
        // Of several faults, always the same one is told.
        opened.sort_by_key(|(table, _)| *table);
        opened.into_iter().filter_map(|(_, snapshot)| snapshot.transpose()).collect()
    }

    async fn newest(lake: &Lake, table: LakeTable) -> Result<Option<Self>, CommitError> {
        let delta = lake.table(table).await?;
        delta.map(|delta| Self::from_delta(table, &delta)).transpose()
    }

    /// The same table with these files only.
    pub fn with_files(&self, files: Vec<DataFile>) -> Self {
        Self { files, ..self.clone() }
    }

    /// The value of a partition column for a file; `None` for NULL, and where the table
    /// is not partitioned by it.
    pub fn partition_value<'a>(&self, file: &'a DataFile, column: &str) -> Option<&'a str> {
        let index = self.partition_columns.iter().position(|known| known == column)?;
        file.partition_values.get(index)?.as_deref()
    }

    /// What an opened table holds at the version it is loaded at.
    pub fn from_delta(table: LakeTable, delta: &DeltaTable) -> Result<Self, CommitError> {
        let state = delta.snapshot().map_err(CommitError::delta(table))?;
        let partition_columns = state.metadata().partition_columns().to_vec();
        let schema = partitions_last(&state.snapshot().arrow_schema(), &partition_columns);
        let log_store = delta.log_store();
        let folder = Path::from_url_path(log_store.root_url().path())
            .map_err(|error| CommitError::delta(table)(DeltaTableError::from(error)))?;
        let mut snapshot = Self {
            table,
            version: Some(state.version()),
            schema,
            partition_columns,
            store_url: Some(store_root(log_store.root_url())),
            store: Some(log_store.root_object_store(None)),
            folder,
            files: Vec::new(),
        };
        let file_schema = snapshot.file_schema();
        for batch in state.add_actions_batches(false).map_err(CommitError::delta(table))? {
            let statistics = LoggedStatistics::of(&batch, &file_schema);
            for row in 0..batch.num_rows() {
                let file = snapshot.data_file(&batch, row, &statistics)?;
                snapshot.files.push(file);
            }
        }
        // A stable order, so that plans and limits repeat.
        snapshot.files.sort_by(|left, right| left.object.location.cmp(&right.object.location));
        Ok(snapshot)
    }

    /// The columns the files hold: all but the partition columns.
    pub fn file_schema(&self) -> SchemaRef {
        let count = self.schema.fields().len() - self.partition_columns.len();
        let columns: Vec<usize> = (0..count).collect();
        Arc::new(self.schema.project(&columns).expect("the first columns exist"))
    }

    /// Rows of all files; `None` when the log does not say for every file.
    pub fn num_rows(&self) -> Option<u64> {
        self.files.iter().map(|file| file.num_rows).sum()
    }

    fn data_file(
        &self,
        batch: &RecordBatch,
        row: usize,
        statistics: &LoggedStatistics<'_>,
    ) -> Result<DataFile, CommitError> {
        let column = |name: &str| batch.column_by_name(name);
        let unexpected =
            |reason: String| CommitError::UnexpectedLayout { table: self.table.name(), reason };
        let missing = |name: &str| unexpected(format!("the Delta log gives no file {name}"));
        if column("deletion_vector").is_some_and(|vector| vector.is_valid(row)) {
            return Err(CommitError::UnsupportedFeature {
                table: self.table.name(),
                feature: "deletion vectors".to_owned(),
            });
        }
        let path =
            column("path").and_then(|paths| text_at(paths, row)).ok_or_else(|| missing("path"))?;
        if path.contains("://") {
            return Err(unexpected(format!("file {path} lies outside the lake")));
        }
        let relative = Path::from_url_path(&path)
            .map_err(|error| unexpected(format!("file path {path}: {error}")))?;
        let number = |name: &str| column(name).and_then(|values| integer_at(values, row));
        let size = number("size_bytes")
            .and_then(|size| u64::try_from(size).ok())
            .ok_or_else(|| missing("size"))?;
        let modified = number("modification_time")
            .and_then(timestamp_ms_to_datetime)
            .ok_or_else(|| missing("modification time"))?;
        let num_rows = number("num_records").and_then(|rows| u64::try_from(rows).ok());
        let partitions = column("partition").and_then(|values| values.as_struct_opt());
        let partition_values = self
            .partition_columns
            .iter()
            .map(|name| text_at(partitions?.column_by_name(name)?, row))
            .collect();
        Ok(DataFile {
            object: ObjectMeta {
                location: Path::from_iter(self.folder.parts().chain(relative.parts())),
                last_modified: modified.and_utc(),
                size,
                e_tag: None,
                version: None,
            },
            partition_values,
            num_rows,
            statistics: Arc::new(statistics.of_file(row, num_rows, size)),
        })
    }
}

/// What a batch of the log says of the columns of its files.
struct LoggedStatistics<'a> {
    columns: Vec<LoggedColumn<'a>>,
}

/// A column's statistics, a row per file. Found by name once: a cost table has 72 columns,
/// and its log says something of most.
struct LoggedColumn<'a> {
    data_type: &'a DataType,
    null_counts: Option<&'a ArrayRef>,
    minima: Option<&'a ArrayRef>,
    maxima: Option<&'a ArrayRef>,
}

impl<'a> LoggedStatistics<'a> {
    /// Of the files that this batch of add actions lists.
    fn of(batch: &'a RecordBatch, file_schema: &'a Schema) -> Self {
        let group = |name: &str| batch.column_by_name(name).and_then(|group| group.as_struct_opt());
        let (nulls, minima, maxima) = (group("null_count"), group("min"), group("max"));
        let column = |field: &'a FieldRef| {
            let named = |group: Option<&'a StructArray>| group?.column_by_name(field.name());
            LoggedColumn {
                data_type: field.data_type(),
                null_counts: named(nulls),
                minima: named(minima),
                maxima: named(maxima),
            }
        };
        Self { columns: file_schema.fields().iter().map(column).collect() }
    }

    fn of_file(&self, row: usize, num_rows: Option<u64>, size_bytes: u64) -> Statistics {
        let rows = num_rows.and_then(|rows| usize::try_from(rows).ok());
        let of_column = |column: &LoggedColumn<'_>| {
            let null_count = column
                .null_counts
                .and_then(|counts| integer_at(counts, row))
                .and_then(|count| usize::try_from(count).ok());
            ColumnStatistics {
                null_count: null_count.map_or(Precision::Absent, Precision::Exact),
                min_value: bound_at(column.minima, column.data_type, row),
                max_value: bound_at(column.maxima, column.data_type, row),
                ..ColumnStatistics::new_unknown()
            }
        };
        Statistics {
            num_rows: rows.map_or(Precision::Absent, Precision::Exact),
            total_byte_size: usize::try_from(size_bytes)
                .map_or(Precision::Absent, Precision::Inexact),
            column_statistics: self.columns.iter().map(of_column).collect(),
        }
    }
}

/// A bound the log gives. Whole numbers, dates and booleans cannot be rounded
/// by any writer; texts are shortened and decimals and times may be rounded.
fn bound_at(bounds: Option<&ArrayRef>, data_type: &DataType, row: usize) -> Precision<ScalarValue> {
    let value = bounds
        .filter(|values| values.data_type() == data_type && values.is_valid(row))
        .and_then(|values| ScalarValue::try_from_array(values, row).ok());
    match (value, data_type) {
        (None, _) => Precision::Absent,
        (Some(value), DataType::Date32 | DataType::Int32 | DataType::Int64 | DataType::Boolean) => {
            Precision::Exact(value)
        }
        (Some(value), _) => Precision::Inexact(value),
    }
}

/// The columns with the partition columns moved to the end, in their order.
fn partitions_last(schema: &SchemaRef, partition_columns: &[String]) -> SchemaRef {
    let is_partition = |name: &str| partition_columns.iter().any(|partition| partition == name);
    let data =
        (0..schema.fields().len()).filter(|&index| !is_partition(schema.field(index).name()));
    let partitions = partition_columns.iter().filter_map(|name| schema.index_of(name).ok());
    let order: Vec<usize> = data.chain(partitions).collect();
    Arc::new(schema.project(&order).expect("the columns come from the same schema"))
}

/// Scheme and host of a table's URL: what its store's paths are relative to.
fn store_root(table_url: &Url) -> Url {
    let mut root = table_url.clone();
    root.set_path("/");
    root
}

fn text_at(values: &ArrayRef, row: usize) -> Option<String> {
    match ScalarValue::try_from_array(values, row).ok()? {
        ScalarValue::Utf8(text) | ScalarValue::Utf8View(text) | ScalarValue::LargeUtf8(text) => {
            text
        }
        ScalarValue::Dictionary(_, value) => value.try_as_str().flatten().map(str::to_owned),
        _ => None,
    }
}

fn integer_at(values: &ArrayRef, row: usize) -> Option<i64> {
    let values = values.as_primitive_opt::<Int64Type>()?;
    values.is_valid(row).then(|| values.value(row))
}
