//! A lake's address and its tables.
//!
//! Input: an address (`./lake`, `/data/lake`, `file:///…`, `az://container/path`)
//! and storage options as `object_store` names them. Output: opened Delta
//! tables. Never creates a table and never reads an environment variable.

use std::collections::HashMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use deltalake::{DeltaTable, DeltaTableBuilder};
use url::Url;

use super::{CommitError, storage};
use crate::model::columns::{self, BILLING_MONTH_COLUMN, COST_COLUMNS, SOURCE_COLUMN};
use crate::model::{DECIMAL_PRECISION, DECIMAL_SCALE, DatasetType};
use crate::source::url::shown;
use crate::source::{SourceError, SourceUrl};

/// The lake format this version writes and the newest it reads.
pub const FORMAT_VERSION: u32 = 1;
/// Table property that holds the lake format.
pub const FORMAT_PROPERTY: &str = "costlake.format";
/// Name of a list's items in every table, as Delta and Parquet write it.
pub const LIST_ITEM: &str = "element";

/// A table of the lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LakeTable {
    /// What was charged.
    ActualCost,
    /// Commitments spread over the usage they cover.
    AmortizedCost,
    /// One row per export run applied.
    IngestRuns,
    /// Rows that could not be read.
    RejectedRows,
}

impl From<DatasetType> for LakeTable {
    fn from(dataset: DatasetType) -> Self {
        match dataset {
            DatasetType::ActualCost => Self::ActualCost,
            DatasetType::AmortizedCost => Self::AmortizedCost,
        }
    }
}

impl LakeTable {
    /// Every table, in catalog order.
    pub const ALL: [Self; 4] =
        [Self::ActualCost, Self::AmortizedCost, Self::IngestRuns, Self::RejectedRows];

    /// Its name in SQL and its folder in the lake.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ActualCost => "actual_cost",
            Self::AmortizedCost => "amortized_cost",
            Self::IngestRuns => "ingest_runs",
            Self::RejectedRows => "rejected_rows",
        }
    }

    /// What it holds, in one sentence.
    pub const fn description(self) -> &'static str {
        match self {
            Self::ActualCost => {
                "Azure's actual cost rows: purchases in full, covered usage at zero"
            }
            Self::AmortizedCost => {
                "Azure's amortized cost rows: commitments spread over the usage they cover"
            }
            Self::IngestRuns => "Export runs applied to the lake, with their control totals",
            Self::RejectedRows => "Rows of export files that could not be read, and why",
        }
    }

    /// What one row is.
    pub const fn grain(self) -> &'static str {
        match self {
            Self::ActualCost | Self::AmortizedCost => "one row of Azure's export (no row id)",
            Self::IngestRuns => "source, dataset, billing_month, run_id",
            Self::RejectedRows => "source, dataset, billing_month, run_id, blob, line",
        }
    }

    /// Columns in order; partition columns last.
    pub fn schema(self) -> SchemaRef {
        static INGEST_RUNS: LazyLock<SchemaRef> =
            LazyLock::new(|| bookkeeping_schema(INGEST_RUNS_COLUMNS));
        static REJECTED_ROWS: LazyLock<SchemaRef> =
            LazyLock::new(|| bookkeeping_schema(REJECTED_ROWS_COLUMNS));
        match self {
            Self::ActualCost | Self::AmortizedCost => columns::table_schema(),
            Self::IngestRuns => Arc::clone(&INGEST_RUNS),
            Self::RejectedRows => Arc::clone(&REJECTED_ROWS),
        }
    }

    /// Columns the files are laid out by, in folder order.
    pub const fn partition_columns(self) -> &'static [&'static str] {
        match self {
            Self::ActualCost | Self::AmortizedCost => &[SOURCE_COLUMN, BILLING_MONTH_COLUMN],
            Self::IngestRuns => &[],
            Self::RejectedRows => &["dataset", SOURCE_COLUMN, BILLING_MONTH_COLUMN],
        }
    }

    /// Delta table properties a new table gets: the lake format, and
    /// statistics for every column, because Delta's default is the first 32
    /// and the cost columns come later.
    pub fn properties(self) -> HashMap<String, String> {
        HashMap::from([
            (FORMAT_PROPERTY.to_owned(), FORMAT_VERSION.to_string()),
            ("delta.dataSkippingNumIndexedCols".to_owned(), "-1".to_owned()),
            // Ten years of restatements; data files go when vacuumed.
            ("delta.logRetentionDuration".to_owned(), "interval 3650 days".to_owned()),
        ])
    }

    /// What a column means; `None` for a column this version does not know.
    pub fn column_description(self, column: &str) -> Option<&'static str> {
        match column {
            SOURCE_COLUMN => return Some("Bill connect the row came from"),
            BILLING_MONTH_COLUMN => return Some("Billing month, YYYY-MM"),
            _ => {}
        }
        let bookkeeping = |columns: &'static [Column]| {
            columns.iter().find(|known| known.name == column).map(|known| known.description)
        };
        match self {
            Self::ActualCost | Self::AmortizedCost => {
                columns::column_index(column).map(|index| COST_COLUMNS[index].description)
            }
            Self::IngestRuns => bookkeeping(INGEST_RUNS_COLUMNS),
            Self::RejectedRows => bookkeeping(REJECTED_ROWS_COLUMNS),
        }
    }
}

/// A column of a bookkeeping table.
struct Column {
    name: &'static str,
    data_type: fn() -> DataType,
    description: &'static str,
}

const fn column(
    name: &'static str,
    data_type: fn() -> DataType,
    description: &'static str,
) -> Column {
    Column { name, data_type, description }
}

fn text() -> DataType {
    DataType::Utf8
}

fn count() -> DataType {
    DataType::Int64
}

fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn money() -> DataType {
    DataType::Decimal128(DECIMAL_PRECISION, DECIMAL_SCALE)
}

fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new(LIST_ITEM, item, true)))
}

fn texts() -> DataType {
    list_of(text())
}

fn blobs() -> DataType {
    list_of(DataType::Struct(Fields::from(vec![
        Field::new("name", text(), true),
        Field::new("etag", text(), true),
        Field::new("size_bytes", count(), true),
        Field::new("rows", count(), true),
    ])))
}

fn control_totals() -> DataType {
    list_of(DataType::Struct(Fields::from(vec![
        Field::new("billing_currency", text(), true),
        Field::new("rows", count(), true),
        Field::new("cost_in_billing_currency", money(), true),
        Field::new("payg_cost_in_billing_currency", money(), true),
        Field::new("cost_in_usd", money(), true),
    ])))
}

#[rustfmt::skip]
const INGEST_RUNS_COLUMNS: &[Column] = &[
    column("source", text, "Bill connect the run belongs to"),
    column("dataset", text, "Table the run was loaded into: actual_cost or amortized_cost"),
    column("billing_month", text, "Billing month, YYYY-MM"),
    column("run_id", text, "Azure's id of the export run"),
    column("load_key", text, "Identity of the load: the same key is applied once"),
    column("scope_type", text, "Scope type of the source"),
    column("scope_id", text, "Scope id of the source"),
    column("data_version", text, "Version of Azure's dataset"),
    column("export_name", text, "Name of the export"),
    column("manifest", text, "Path of the run's manifest; NULL for a run without one"),
    column("manifest_row_count", count, "Data rows the manifest promises"),
    column("blobs", blobs, "Files read, with ETag, size in bytes and data rows"),
    column("rows", count, "Rows loaded"),
    column("rejected_rows", count, "Rows that could not be read"),
    column("rows_outside_month", count, "Rows loaded whose date lies outside the month"),
    column("bytes", count, "Uncompressed bytes of CSV read"),
    column("control_totals", control_totals, "Rows and sums per billing currency"),
    column("unknown_columns", texts, "Columns of the files the lake has no place for"),
    column("submitted_at", instant, "When Azure started the run"),
    column("loaded_at", instant, "When the run was loaded"),
    column("duration_ms", count, "Duration of the load in milliseconds"),
    column("table_version", count, "Version of the cost table that the load made"),
    column("costlake_version", text, "Version of costlake that loaded the run"),
];

#[rustfmt::skip]
const REJECTED_ROWS_COLUMNS: &[Column] = &[
    column("run_id", text, "Azure's id of the export run"),
    column("load_key", text, "Identity of the load; in ingest_runs when the rest was loaded"),
    column("blob", text, "File the row is in"),
    column("line", count, "Line the row starts at, from 1"),
    column("byte_offset", count, "Byte the row starts at in the uncompressed file, from 0"),
    column("column_name", text, "Column at fault; NULL when it is the whole row"),
    column("reason", text, "Why the row could not be read"),
    column("raw_text", text, "The row as it stands in the file"),
    column("rejected_at", instant, "When the row was rejected"),
    column("dataset", text, "Table the row was meant for: actual_cost or amortized_cost"),
    column("source", text, "Bill connect the run belongs to"),
    column("billing_month", text, "Billing month, YYYY-MM"),
];

fn bookkeeping_schema(columns: &[Column]) -> SchemaRef {
    let fields: Vec<Field> =
        columns.iter().map(|column| Field::new(column.name, (column.data_type)(), true)).collect();
    Arc::new(Schema::new(fields))
}

/// A lake by its address. Opening it reads nothing.
#[derive(Clone, Debug)]
pub struct Lake {
    address: String,
    root: Url,
    storage_options: HashMap<String, String>,
}

impl Lake {
    /// A lake at a folder path (relative to the working directory, or
    /// absolute), a `file://` URL, or an Azure URL (`az://container/path`,
    /// `abfss://…`). `storage_options` are named as `object_store` names
    /// them; the emulator is one of them.
    pub fn at(text: &str, storage_options: HashMap<String, String>) -> Result<Self, CommitError> {
        storage::register();
        let root = root_url(text)?;
        Ok(Self { address: text.to_owned(), root, storage_options })
    }

    /// As [`Lake::at`], but only where a lake is: [`CommitError::NotALake`]
    /// when none of its tables is there.
    pub async fn open_existing(
        text: &str,
        storage_options: HashMap<String, String>,
    ) -> Result<Self, CommitError> {
        let lake = Self::at(text, storage_options)?;
        if lake.exists().await? {
            return Ok(lake);
        }
        Err(CommitError::NotALake { address: text.to_owned() })
    }

    /// The address as it was given.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The address as a URL that ends in `/`.
    pub fn root(&self) -> &Url {
        &self.root
    }

    /// Options for the object store, as given.
    pub fn storage_options(&self) -> &HashMap<String, String> {
        &self.storage_options
    }

    /// Where a table is, whether it exists or not.
    pub fn table_url(&self, table: LakeTable) -> Url {
        self.root.join(&format!("{}/", table.name())).expect("a table name is a URL path segment")
    }

    /// Whether any table of the lake exists.
    pub async fn exists(&self) -> Result<bool, CommitError> {
        for table in LakeTable::ALL {
            if is_there(table, &self.unloaded(table)?).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A table at its newest version; `None` when it does not exist yet.
    pub async fn table(&self, table: LakeTable) -> Result<Option<DeltaTable>, CommitError> {
        let mut delta = self.unloaded(table)?;
        if !is_there(table, &delta).await? {
            return Ok(None);
        }
        delta.load().await.map_err(CommitError::delta(table))?;
        check_format(table, &delta)?;
        Ok(Some(delta))
    }

    fn unloaded(&self, table: LakeTable) -> Result<DeltaTable, CommitError> {
        DeltaTableBuilder::from_url(self.table_url(table))
            .and_then(|builder| builder.with_storage_options(self.storage_options.clone()).build())
            .map_err(CommitError::delta(table))
    }
}

/// Whether a Delta log is at a table's place.
async fn is_there(table: LakeTable, delta: &DeltaTable) -> Result<bool, CommitError> {
    delta.verify_deltatable_existence().await.map_err(CommitError::delta(table))
}

/// Refuses a table of a newer lake format, or one that asks its readers for
/// something the scan does not do (renamed columns, deletion vectors).
fn check_format(table: LakeTable, delta: &DeltaTable) -> Result<(), CommitError> {
    let state = delta.snapshot().map_err(CommitError::delta(table))?;
    let properties = state.metadata().configuration();
    if let Some(found) = properties.get(FORMAT_PROPERTY)
        && !found.parse::<u32>().is_ok_and(|format| format <= FORMAT_VERSION)
    {
        return Err(CommitError::NewerFormat { table: table.name(), found: found.clone() });
    }
    let unsupported = |feature: &str| {
        Err(CommitError::UnsupportedFeature { table: table.name(), feature: feature.to_owned() })
    };
    if properties.get("delta.columnMapping.mode").is_some_and(|mode| mode != "none") {
        return unsupported("column mapping");
    }
    let readable = ["timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"];
    let needed = state.protocol().reader_features().unwrap_or_default();
    let Some(feature) = needed
        .iter()
        .map(|feature| feature.as_ref().to_owned())
        .find(|feature| !readable.contains(&feature.as_str()) && feature != "deletionVectors")
    else {
        return Ok(());
    };
    unsupported(&feature)
}

/// The lake's root as a URL with a trailing slash.
fn root_url(text: &str) -> Result<Url, CommitError> {
    let invalid = |reason: String| CommitError::InvalidAddress { address: shown(text), reason };
    if text.contains("://") && text.contains(['?', '#']) {
        return Err(invalid("it has a query, which may hold a secret".to_owned()));
    }
    let mut url = if text.contains("://") {
        Url::parse(text).map_err(|error| invalid(error.to_string()))?
    } else if text.is_empty() {
        return Err(invalid("it is empty".to_owned()));
    } else {
        let absolute =
            std::path::absolute(FilePath::new(text)).map_err(|error| invalid(error.to_string()))?;
        Url::from_directory_path(&absolute).map_err(|()| invalid("no absolute path".to_owned()))?
    };
    if storage::AZURE_SCHEMES.contains(&url.scheme()) {
        SourceUrl::parse(text).map_err(|error| match error {
            SourceError::InvalidUrl { reason, .. } => invalid(reason.to_owned()),
            other => invalid(other.to_string()),
        })?;
    } else if !["file", "memory"].contains(&url.scheme()) {
        return Err(invalid(format!("{}:// is not supported", url.scheme())));
    }
    // delta-rs and object_store decode such a path a different number of times and
    // then read one folder and write another.
    if url.scheme() == "file"
        && url.to_file_path().is_ok_and(|path| path.to_string_lossy().contains('%'))
    {
        return Err(invalid("a lake's path cannot hold a percent sign".to_owned()));
    }
    let is_file = |path: PathBuf| path.components().collect::<PathBuf>().is_file();
    if url.scheme() == "file" && url.to_file_path().is_ok_and(is_file) {
        return Err(invalid("it is a file, not a folder".to_owned()));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}
