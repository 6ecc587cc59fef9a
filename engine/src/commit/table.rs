//! The tables of a lake: names, columns, partitions, properties.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use crate::model::columns::{BILLING_MONTH_COLUMN, SOURCE_COLUMN};
use crate::model::{DECIMAL_PRECISION, DECIMAL_SCALE, DatasetType};

/// The lake format this version writes and the newest it reads.
pub const FORMAT_VERSION: u32 = 1;
/// Table property that holds the lake format.
pub const FORMAT_PROPERTY: &str = "costlake.format";
/// Name of a list's items in every table, as Delta and Parquet write it.
pub const LIST_ITEM: &str = "element";

/// A table of the lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LakeTable {
    /// Rows of one of Azure's datasets.
    Dataset(DatasetType),
    /// One row per export run applied.
    IngestRuns,
    /// Rows that could not be read.
    RejectedRows,
    /// Cost of each load by day and scope.
    LoadTotals,
}

impl From<DatasetType> for LakeTable {
    fn from(dataset: DatasetType) -> Self {
        Self::Dataset(dataset)
    }
}

impl LakeTable {
    /// Every table, in catalog order.
    pub const ALL: [Self; 9] = [
        Self::Dataset(DatasetType::ActualCost),
        Self::Dataset(DatasetType::AmortizedCost),
        Self::Dataset(DatasetType::PriceSheet),
        Self::Dataset(DatasetType::ReservationDetails),
        Self::Dataset(DatasetType::ReservationTransactions),
        Self::Dataset(DatasetType::ReservationRecommendations),
        Self::IngestRuns,
        Self::RejectedRows,
        Self::LoadTotals,
    ];

    /// The tables every lake has; the others come with their first month.
    pub const ALWAYS: [Self; 5] = [
        Self::Dataset(DatasetType::ActualCost),
        Self::Dataset(DatasetType::AmortizedCost),
        Self::IngestRuns,
        Self::RejectedRows,
        Self::LoadTotals,
    ];

    /// Its name in SQL and its folder in the lake.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dataset(dataset) => dataset.table_name(),
            Self::IngestRuns => "ingest_runs",
            Self::RejectedRows => "rejected_rows",
            Self::LoadTotals => "load_totals",
        }
    }

    /// What it holds, in one sentence.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Dataset(dataset) => match dataset {
                DatasetType::ActualCost => {
                    "Azure's actual cost rows: purchases in full, covered usage at zero"
                }
                DatasetType::AmortizedCost => {
                    "Azure's amortized cost rows: commitments spread over the usage they cover"
                }
                DatasetType::PriceSheet => {
                    "Azure's price sheets: prices of products for a billing profile and month"
                }
                DatasetType::ReservationDetails => {
                    "Azure's reservation details: hours reserved and used, by resource and day"
                }
                DatasetType::ReservationTransactions => {
                    "Azure's reservation transactions: purchases, refunds and cancellations"
                }
                DatasetType::ReservationRecommendations => {
                    "Azure's reservation recommendations: what would save money, as Azure sees it"
                }
            },
            Self::IngestRuns => "Export runs applied to the lake, with their control totals",
            Self::RejectedRows => "Rows of export files that could not be read, and why",
            Self::LoadTotals => {
                "Cost of each load of a month by day and scope, kept when its rows are replaced"
            }
        }
    }

    /// What one row is.
    pub const fn grain(self) -> &'static str {
        match self {
            Self::Dataset(_) => "one row of Azure's export (no row id)",
            Self::IngestRuns => "source, dataset, billing_month, run_id",
            Self::RejectedRows => "source, dataset, billing_month, run_id, blob, line",
            Self::LoadTotals => {
                "source, dataset, billing_month, load_key, date, billing_account_id, \
                 billing_profile_id, customer_tenant_id, subscription_id, billing_currency"
            }
        }
    }

    /// Columns in order; partition columns last.
    pub fn schema(self) -> SchemaRef {
        static INGEST_RUNS: LazyLock<SchemaRef> =
            LazyLock::new(|| bookkeeping_schema(INGEST_RUNS_COLUMNS));
        static REJECTED_ROWS: LazyLock<SchemaRef> =
            LazyLock::new(|| bookkeeping_schema(REJECTED_ROWS_COLUMNS));
        static LOAD_TOTALS: LazyLock<SchemaRef> =
            LazyLock::new(|| bookkeeping_schema(LOAD_TOTALS_COLUMNS));
        match self {
            Self::Dataset(dataset) => dataset.column_set().table_schema(),
            Self::IngestRuns => Arc::clone(&INGEST_RUNS),
            Self::RejectedRows => Arc::clone(&REJECTED_ROWS),
            Self::LoadTotals => Arc::clone(&LOAD_TOTALS),
        }
    }

    /// Columns the files are laid out by, in folder order.
    pub const fn partition_columns(self) -> &'static [&'static str] {
        match self {
            Self::Dataset(_) => &[SOURCE_COLUMN, BILLING_MONTH_COLUMN],
            Self::IngestRuns => &[],
            Self::RejectedRows | Self::LoadTotals => {
                &["dataset", SOURCE_COLUMN, BILLING_MONTH_COLUMN]
            }
        }
    }

    /// Delta table properties a new table gets: the lake format, statistics for every
    /// column, because Delta's default is the first 32 and the cost columns come later,
    /// and a checkpoint every ten commits, because whoever opens the table reads all
    /// commits behind the last one.
    pub fn properties(self) -> HashMap<String, String> {
        HashMap::from([
            (FORMAT_PROPERTY.to_owned(), FORMAT_VERSION.to_string()),
            ("delta.dataSkippingNumIndexedCols".to_owned(), "-1".to_owned()),
            ("delta.checkpointInterval".to_owned(), "10".to_owned()),
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
            Self::Dataset(dataset) => {
                let columns = dataset.column_set().columns;
                columns.iter().find(|known| known.name == column).map(|known| known.description)
            }
            Self::IngestRuns => bookkeeping(INGEST_RUNS_COLUMNS),
            Self::RejectedRows => bookkeeping(REJECTED_ROWS_COLUMNS),
            Self::LoadTotals => bookkeeping(LOAD_TOTALS_COLUMNS),
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

fn day() -> DataType {
    DataType::Date32
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
    column("dataset", text, "Table the run was loaded into, e.g. actual_cost"),
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
    column("rows_outside_month", count, "Rows loaded whose day lies outside the month"),
    column("bytes", count, "Bytes of CSV read, uncompressed; of Parquet the files' own size"),
    column("control_totals", control_totals, "Rows and sums per billing currency; sums of the cost tables only"),
    column("unknown_columns", texts, "Columns of the files the lake has no place for"),
    column("submitted_at", instant, "When Azure started the run"),
    column("loaded_at", instant, "When the run was loaded"),
    column("duration_ms", count, "Duration of the load in milliseconds"),
    column("table_version", count, "Version of that table that the load made"),
    column("costlake_version", text, "Version of costlake that loaded the run"),
];

#[rustfmt::skip]
const REJECTED_ROWS_COLUMNS: &[Column] = &[
    column("run_id", text, "Azure's id of the export run"),
    column("load_key", text, "Identity of the load; in ingest_runs when the rest was loaded"),
    column("blob", text, "File the row is in"),
    column("line", count, "Line the row starts at, from 1; in Parquet the row's number + 1, as if a header were line 1"),
    column("byte_offset", count, "Byte the row starts at in the uncompressed file, from 0; NULL in Parquet, where a row has no one place"),
    column("column_name", text, "Column at fault; NULL when it is the whole row"),
    column("reason", text, "Why the row could not be read"),
    column("raw_text", text, "The row as it stands in the file; of Parquet, the columns that are kept, as CSV"),
    column("rejected_at", instant, "When the row was rejected"),
    column("dataset", text, "Table the row was meant for, e.g. actual_cost"),
    column("source", text, "Bill connect the run belongs to"),
    column("billing_month", text, "Billing month, YYYY-MM"),
];

#[rustfmt::skip]
const LOAD_TOTALS_COLUMNS: &[Column] = &[
    column("load_key", text, "Identity of the load, as in ingest_runs; only loads named there were applied"),
    column("date", day, "UTC day"),
    column("billing_account_id", text, "Billing account"),
    column("billing_profile_id", text, "Billing profile"),
    column("customer_tenant_id", text, "Customer"),
    column("subscription_id", text, "Subscription; NULL on rows that belong to none"),
    column("billing_currency", text, "Currency of cost"),
    column("rows", count, "Rows"),
    column("cost", money, "Cost, billing currency"),
    column("cost_usd", money, "Cost, USD"),
    column("dataset", text, "Table the load went to: actual_cost or amortized_cost"),
    column("source", text, "Bill connect the load belongs to"),
    column("billing_month", text, "Billing month, YYYY-MM"),
];

fn bookkeeping_schema(columns: &[Column]) -> SchemaRef {
    let fields: Vec<Field> =
        columns.iter().map(|column| Field::new(column.name, (column.data_type)(), true)).collect();
    Arc::new(Schema::new(fields))
}
