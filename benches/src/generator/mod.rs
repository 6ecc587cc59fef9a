//! Synthetic cost exports of an invented Azure CSP partner (MCA partner).
//!
//! Job: actual and amortized cost files as Azure Cost Management writes them,
//! beside them price sheets and reservation details, transactions and
//! recommendations, in its folder layout with manifests, and the exact totals of
//! what was written. Input: [`GeneratorOptions`]. Output: a directory, and
//! [`GeneratedTotals`] (also `totals.json` in it). Never uses a clock, the
//! network or floating point: the same options always give the same bytes, on
//! any number of threads.
//!
//! How the numbers hang together:
//! - `costInPricingCurrency` = `quantity` × `effectivePrice`, exactly;
//!   `costInUsd` is the same, as all prices are in US dollars.
//! - `costInBillingCurrency` = that × `exchangeRatePricingToBilling`, rounded
//!   half to even at 18 decimals, or at 28 where the cell prints 28 (and from
//!   there to 18 by whoever reads it). Likewise the PayG costs.
//! - Rows that no commitment touches are the same bytes in both files.
//! - Commitments: see `commitments.rs`.
//! - The other exports restate or complete these rows: `price_sheet.rs` their
//!   prices, `reservation_details.rs` their hours, `reservation_transactions.rs`
//!   what was paid.
//!
//! Memory is one block of charge lines per thread (see `rows.rs`), whatever the
//! number of rows; only the list of commitments grows, by two per 16,000 rows.

use std::path::{Path, PathBuf};

use costlake_engine::error::{ErrorClass, Fault, Location};
use costlake_engine::model::{BillingMonth, DatasetType, ScopeType};

mod catalog;
mod cells;
mod columnar;
mod columns;
mod commitment_lines;
mod commitments;
mod folder;
mod further;
mod line;
mod manifest;
mod parallel;
mod payments;
mod price_sheet;
mod random;
mod reservation_details;
mod reservation_recommendations;
mod reservation_transactions;
mod resource;
mod rows;
mod run;
mod sheet;
mod showcase;
mod tenant;
mod totals;
mod writer;

#[cfg(test)]
mod tests;

pub use totals::{
    ChargeTotals, CommitmentMonth, CommitmentTotals, GeneratedTotals, ReservationHours, RunTotals,
};

/// Fewest rows of a month's amortized file: one of every kind, every day.
pub const ROWS_PER_MONTH_MIN: u64 = 3_000;

/// Latest revision of a month: each takes 2 % off some prices.
const REVISION_MAX: u32 = 40;

/// Most threads.
const THREADS_MAX: usize = 256;

/// Which of Azure's file versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataVersion {
    /// MCA partner 2021-10-01: 70 columns, 56 at subscription scope.
    V2021_10_01,
    /// MCA partner 2019-11-01: 66 columns, some under other names.
    V2019_11_01,
    /// Direct customer agreement 2021-10-01: 65 columns, without partner,
    /// customer and earned credit.
    McaDirect2021_10_01,
}

impl DataVersion {
    /// As manifests name it.
    pub const fn azure_name(self) -> &'static str {
        match self {
            Self::V2021_10_01 | Self::McaDirect2021_10_01 => "2021-10-01",
            Self::V2019_11_01 => "2019-11-01",
        }
    }

    const fn has_partner(self) -> bool {
        !matches!(self, Self::McaDirect2021_10_01)
    }
}

/// How parts are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// `.csv`.
    Csv,
    /// `.csv.gz`.
    CsvGzip,
    /// `.snappy.parquet`. What is a quirk of CSV is absent: byte order mark, line
    /// ends, and how numbers are spelled.
    Parquet,
}

/// Traps of Azure's format that a file may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// A UTF-8 byte order mark before the header.
    pub byte_order_mark: bool,
    /// Header names in another letter case, varying by month and dataset.
    pub header_case: bool,
    /// Some rows print their numbers with 28 decimals.
    pub wide_decimals: bool,
    /// Some rows print small numbers as `5.64902E-05`.
    pub scientific: bool,
    /// Some quoted cells run over several lines.
    pub line_breaks: bool,
    /// Some tags lack the outer braces.
    pub bare_tags: bool,
    /// Every other month ends its lines with CR LF.
    pub carriage_returns: bool,
}

impl Quirks {
    /// All of them.
    pub const ALL: Self = Self {
        byte_order_mark: true,
        header_case: true,
        wide_decimals: true,
        scientific: true,
        line_breaks: true,
        bare_tags: true,
        carriage_returns: true,
    };

    /// None of them.
    pub const NONE: Self = Self {
        byte_order_mark: false,
        header_case: false,
        wide_decimals: false,
        scientific: false,
        line_breaks: false,
        bare_tags: false,
        carriage_returns: false,
    };
}

/// What to generate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratorOptions {
    /// Months, in any order; each once.
    pub months: Vec<BillingMonth>,
    /// First month of the tenant, from which purchases, renames and exchange
    /// rates count; the earliest of `months` where not given. Set it to get a
    /// later month, or a restatement of one, of a tenant generated before.
    pub tenant_start: Option<BillingMonth>,
    /// Rows of each month's amortized file; at least [`ROWS_PER_MONTH_MIN`] are
    /// written. The actual file has some per cent fewer. The tenant's size
    /// follows from it.
    pub rows_per_month: u64,
    /// Customers of the tenant, at least twelve; where not given, as many as its rows
    /// suggest.
    pub customers: Option<u64>,
    /// Another seed, another tenant.
    pub seed: u64,
    /// Scope of the export; decides rows and, at subscriptions, columns.
    pub scope: ScopeType,
    /// Version of the files.
    pub data_version: DataVersion,
    /// Format of parts; Azure writes reservation datasets as plain CSV only.
    pub format: FileFormat,
    /// Most bytes of CSV in a part, header included, before compression; a
    /// part has at least one row. A Parquet part has the rows of the CSV part.
    pub part_bytes_max: u64,
    /// Traps to include.
    pub quirks: Quirks,
    /// A month not yet invoiced: invoice and billing period cells are empty.
    pub open_month: Option<BillingMonth>,
    /// A later revision of the months, 1 to 40: another run, submitted that many
    /// days later, with some prices lower.
    pub restated: Option<u32>,
    /// Threads; never changes what is written.
    pub threads: usize,
}

impl Default for GeneratorOptions {
    /// The quarter 2026-07..2026-09 of a billing account, 100,000 rows a month,
    /// the last month open.
    fn default() -> Self {
        let months: Vec<BillingMonth> =
            (7..=9).filter_map(|month| BillingMonth::new(2026, month)).collect();
        Self {
            open_month: months.last().copied(),
            months,
            tenant_start: None,
            rows_per_month: 100_000,
            customers: None,
            seed: 1,
            scope: ScopeType::BillingAccount,
            data_version: DataVersion::V2021_10_01,
            format: FileFormat::Csv,
            part_bytes_max: 140_000_000,
            quirks: Quirks::ALL,
            restated: None,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

impl GeneratorOptions {
    /// 0 for the first run of a month.
    fn revision(&self) -> u32 {
        self.restated.map_or(0, |revision| revision.clamp(1, REVISION_MAX))
    }
}

/// How far it is. Counts only grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Rows of amortized files written.
    pub amortized_rows: u64,
    /// Rows all amortized files will have.
    pub amortized_rows_total: u64,
    /// Bytes of CSV written, both cost files; of Parquet those its rows have as CSV.
    pub csv_bytes: u64,
}

/// Why nothing, or not all, was generated.
#[derive(Debug, thiserror::Error)]
pub enum GeneratorError {
    /// No month was asked for.
    #[error("no month to generate")]
    NoMonths,
    /// A month was asked for twice.
    #[error("month {0} is asked for twice")]
    DuplicateMonth(BillingMonth),
    /// A month lies before the tenant's first.
    #[error("month {month} lies before the tenant's first month {start}")]
    BeforeTenant {
        /// The month.
        month: BillingMonth,
        /// The tenant's first.
        start: BillingMonth,
    },
    /// There is no such file.
    #[error("there is no file of version {} at scope {scope}", version.azure_name())]
    NoSuchFile {
        /// The version.
        version: DataVersion,
        /// The scope.
        scope: ScopeType,
    },
    /// A file could not be written.
    #[error("cannot write {path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl GeneratorError {
    fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

impl Fault for GeneratorError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Io { .. } => ErrorClass::Denied,
            _ => ErrorClass::BadConfig,
        }
    }

    fn location(&self) -> Option<Location> {
        match self {
            Self::Io { path, .. } => Some(Location::blob(path.to_string_lossy())),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoSuchFile { .. } => Some(
                "scopes below the billing account have MCA partner files of 2021-10-01 only"
                    .to_owned(),
            ),
            Self::BeforeTenant { .. } => {
                Some("set an earlier first month of the tenant".to_owned())
            }
            _ => None,
        }
    }
}

/// Writes the exports below `out`, which is created where needed:
/// `actual/…` and `amortized/…`, each `{YYYYMMDD-YYYYMMDD}/{runId}/` with parts
/// and, last of all, `manifest.json`; then `totals.json`. Likewise, but at
/// subscriptions, `price-sheet/…`, `reservation-details/…`,
/// `reservation-transactions/…` and `reservation-recommendations/…`; with the
/// tenant's first month also the transactions of the month before it.
///
/// A run that is already there with the same id is replaced, its manifest
/// removed first.
///
/// Calls `progress` from several threads, about once per 16,000 rows.
///
/// # Errors
/// [`GeneratorError`]: options that make no sense before anything is written;
/// a file that cannot be written. Temporary files may then be left behind, but
/// no manifest names them.
pub fn generate(
    out: &Path,
    options: &GeneratorOptions,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<GeneratedTotals, GeneratorError> {
    run::generate(out, options, progress)
}

/// Folder of a dataset's export below the output directory: what an ingest is
/// pointed at.
pub fn export_folder(dataset: DatasetType) -> &'static str {
    manifest::export_name(dataset)
}
