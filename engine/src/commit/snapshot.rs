//! What a table holds at one version: its columns and data files.
//!
//! Input: a table's Delta log. Output: the list of files with partition values and row
//! counts, where to read them, and what the log says of their columns, read when it is
//! asked for. Never reads a data file.

mod statistics;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use chrono::DateTime;
use datafusion::common::stats::Statistics;
use deltalake::DeltaTableError;
use deltalake::kernel::{LogicalFileView, Snapshot};
use deltalake::logstore::LogStore;
use futures::TryStreamExt as _;
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
    /// What the log says of the file's columns, as it says it: Delta's JSON. A checkpoint
    /// of another writer may hold it in another form only; then it counts as not said.
    statistics: Option<Arc<str>>,
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
    /// waiting for a store, or into replaying logs.
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

    /// What a table holds at its newest version; `None` when it does not exist yet.
    ///
    /// # Errors
    /// When the log cannot be read, or this version cannot read the table.
    pub async fn newest(lake: &Lake, table: LakeTable) -> Result<Option<Self>, CommitError> {
        let Some((log, log_store)) = lake.log(table).await? else { return Ok(None) };
        Self::of_log(table, &log, log_store.as_ref()).await.map(Some)
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

    async fn of_log(
        table: LakeTable,
        log: &Snapshot,
        log_store: &dyn LogStore,
    ) -> Result<Self, CommitError> {
        let partition_columns = log.metadata().partition_columns().to_vec();
        let schema = partitions_last(&log.arrow_schema(), &partition_columns);
        let folder = Path::from_url_path(log_store.root_url().path())
            .map_err(|error| CommitError::delta(table)(DeltaTableError::from(error)))?;
        let mut snapshot = Self {
            table,
            version: Some(log.version()),
            schema,
            partition_columns,
            store_url: Some(store_root(log_store.root_url())),
            store: Some(log_store.root_object_store(None)),
            folder,
            files: Vec::new(),
        };
        let mut files = log.file_views(log_store, None);
        while let Some(file) = files.try_next().await.map_err(CommitError::delta(table))? {
            let file = snapshot.data_file(&file)?;
            snapshot.files.push(file);
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

    /// What the log says of the columns at these positions of [`Self::file_schema`], for
    /// each of these files. Nothing is known of the others.
    ///
    /// Row and NULL counts are exact. Bounds are exactly what the log says (decimals to
    /// the last digit) and marked inexact where a writer may have shortened or rounded
    /// them. What the log says in no form that can be read counts as not said.
    pub fn statistics<'a>(
        &self,
        files: impl IntoIterator<Item = &'a DataFile>,
        columns: &[usize],
    ) -> Vec<Statistics> {
        statistics::of_files(&self.file_schema(), columns, files)
    }

    fn data_file(&self, file: &LogicalFileView) -> Result<DataFile, CommitError> {
        let unexpected =
            |reason: String| CommitError::UnexpectedLayout { table: self.table.name(), reason };
        if file.deletion_vector_descriptor().is_some() {
            return Err(CommitError::UnsupportedFeature {
                table: self.table.name(),
                feature: "deletion vectors".to_owned(),
            });
        }
        let path = file.path();
        if path.contains("://") {
            return Err(unexpected(format!("file {path} lies outside the lake")));
        }
        let relative = Path::parse(path.as_ref())
            .map_err(|error| unexpected(format!("file path {path}: {error}")))?;
        let missing = |name: &str| unexpected(format!("the Delta log gives {path} no {name}"));
        let mut partition_values = file.partition_values_map();
        Ok(DataFile {
            object: ObjectMeta {
                location: Path::from_iter(self.folder.parts().chain(relative.parts())),
                last_modified: DateTime::from_timestamp_millis(file.modification_time())
                    .ok_or_else(|| missing("modification time"))?,
                size: u64::try_from(file.size()).map_err(|_| missing("size"))?,
                e_tag: None,
                version: None,
            },
            // By Delta's protocol an empty text is NULL.
            partition_values: self
                .partition_columns
                .iter()
                .map(|name| partition_values.remove(name)?.filter(|value| !value.is_empty()))
                .collect(),
            num_rows: file.num_records().and_then(|rows| u64::try_from(rows).ok()),
            statistics: file.stats().map(Arc::from),
        })
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
