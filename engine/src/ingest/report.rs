//! What an ingest did, month by month, and what can go wrong.

use super::parquet_blob::ParquetFault;
use crate::commit::CommitError;
use crate::decode::DecodeError;
use crate::discover::{DiscoverError, RunNote};
use crate::error::{ErrorClass, Fault, Location};
use crate::model::{BillingMonth, ControlTotals, DatasetType};
use crate::normalize::{NormalizeError, RejectedRow};
use crate::source::SourceError;
use crate::write::WriteError;

/// What happened, in the order it was done.
#[derive(Debug, Default)]
pub struct IngestReport {
    /// One entry per dataset and month.
    pub months: Vec<MonthReport>,
    /// Runs of which nobody knows the month.
    pub unplaced: Vec<RunNote>,
}

impl IngestReport {
    /// Adds what another ingest did.
    pub fn extend(&mut self, other: Self) {
        self.months.extend(other.months);
        self.unplaced.extend(other.unplaced);
    }

    /// The worst that happened to any month; `None` when all is well. A missing
    /// month is reported, but is nobody's fault.
    pub fn worst(&self) -> Option<ErrorClass> {
        let months = self
            .months
            .iter()
            .flat_map(|month| month.outcome.class().into_iter().chain(faults(&month.notes)));
        ErrorClass::worst(months.chain(faults(&self.unplaced)))
    }
}

fn faults(notes: &[RunNote]) -> impl Iterator<Item = ErrorClass> {
    notes.iter().filter(|note| !note.reason.is_harmless()).map(|note| note.reason.class())
}

/// What happened to one month of one dataset.
#[derive(Debug)]
pub struct MonthReport {
    /// Which cost table.
    pub dataset: DatasetType,
    /// Which month.
    pub month: BillingMonth,
    /// The run that was chosen.
    pub run_id: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// Runs passed over.
    pub notes: Vec<RunNote>,
}

/// What became of a month.
#[derive(Debug)]
pub enum Outcome {
    /// Replaced by the run.
    Loaded(Box<LoadedMonth>),
    /// It holds the run already.
    Unchanged,
    /// There is no run: unknown, not free of cost.
    Missing,
    /// No run of it may be loaded; the month is as it was.
    Refused(RunNote),
    /// It was tried and did not work out; the month is as it was.
    Failed(Box<IngestError>),
}

impl Outcome {
    /// One word for a progress line.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Loaded(_) => "loaded",
            Self::Unchanged => "unchanged",
            Self::Missing => "missing",
            Self::Refused(_) => "refused",
            Self::Failed(fault) if fault.is_conflict() => "conflict",
            Self::Failed(fault) if fault.class() == ErrorClass::BadInput => "refused",
            Self::Failed(_) => "failed",
        }
    }

    /// What a caller can do about it; `None` when nothing needs to be done.
    pub fn class(&self) -> Option<ErrorClass> {
        match self {
            Self::Loaded(_) | Self::Unchanged | Self::Missing => None,
            Self::Refused(note) => Some(note.reason.class()),
            Self::Failed(fault) => Some(fault.class()),
        }
    }
}

/// A month that was replaced.
#[derive(Clone, Debug)]
pub struct LoadedMonth {
    /// Rows loaded.
    pub rows: u64,
    /// Bytes of CSV read, uncompressed; of Parquet the files' own size.
    pub bytes: u64,
    /// Rows that went to `rejected_rows`.
    pub rejected_rows: u64,
    /// Rows whose day lies outside the month.
    pub rows_outside_month: u64,
    /// Columns of the file that are not kept.
    pub unknown_columns: Vec<String>,
    /// Per billing currency.
    pub control_totals: ControlTotals,
    /// How long reading and writing took.
    pub duration_ms: u64,
    /// Version of the cost table that holds it.
    pub table_version: u64,
}

/// What the content of a run can be refused for.
#[derive(Debug, thiserror::Error)]
pub enum RunFault {
    /// Rows read are not the rows promised.
    #[error("incomplete: {found} data rows were read, the manifest states {expected}")]
    RowCount {
        /// The blob; `None` for the run as a whole.
        blob: Option<String>,
        /// What the manifest states.
        expected: u64,
        /// What was read.
        found: u64,
    },
    /// The reading of a blob broke off without an error.
    #[error("incomplete: {found} of {expected} bytes of the blob were read")]
    BlobCutShort {
        /// The blob.
        blob: String,
        /// Its size.
        expected: u64,
        /// What was read.
        found: u64,
    },
    /// A compressed blob is not as large as promised.
    #[error(
        "incomplete: the blob has {found} bytes uncompressed, its manifest states {expected}, \
         which is not its stored size either"
    )]
    UncompressedSize {
        /// The blob.
        blob: String,
        /// What the manifest states.
        expected: u64,
        /// What was read.
        found: u64,
    },
    /// The month holds a later run.
    #[error("the month holds run {held}, which Azure submitted later; it keeps it")]
    OlderRun {
        /// Azure's id of the run it holds.
        held: String,
    },
    /// More rows cannot be read than are allowed.
    #[error("{rejected} {} cannot be read, {allowed} allowed; the first: {}", rows(*rejected), first.reason)]
    Rejected {
        /// How many.
        rejected: u64,
        /// How many may be.
        allowed: u64,
        /// Where the first one is.
        blob: String,
        /// The first one.
        first: Box<RejectedRow>,
    },
    /// So many rows cannot be read that the file must be something else.
    #[error("{kept} rows and more, of {bytes} bytes together, cannot be read")]
    RejectedBeyondCounting {
        /// How many were seen.
        kept: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// The sums of the month do not fit their type.
    #[error("a control total exceeds 38 digits with 18 decimals")]
    TotalsOverflow,
}

fn rows(count: u64) -> &'static str {
    if count == 1 { "row" } else { "rows" }
}

impl Fault for RunFault {
    fn class(&self) -> ErrorClass {
        ErrorClass::BadInput
    }

    fn location(&self) -> Option<Location> {
        match self {
            Self::RowCount { blob, .. } => blob.as_ref().map(Location::blob),
            Self::BlobCutShort { blob, .. } | Self::UncompressedSize { blob, .. } => {
                Some(Location::blob(blob))
            }
            Self::Rejected { blob, first, .. } => Some(Location {
                blob: Some(blob.clone()),
                line: Some(first.line),
                byte_offset: first.byte_offset,
                column: first.column.clone(),
            }),
            Self::RejectedBeyondCounting { .. } | Self::OlderRun { .. } | Self::TotalsOverflow => {
                None
            }
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::RowCount { .. } | Self::BlobCutShort { .. } | Self::UncompressedSize { .. } => {
                "the run was cut short or changed; run the export again"
            }
            Self::Rejected { .. } => {
                "see them with: select * from rejected_rows; load without them with --max-rejected N"
            }
            Self::OlderRun { .. } => "load it all the same with --force",
            Self::RejectedBeyondCounting { .. } => "is this a cost export at all?",
            Self::TotalsOverflow => "look for a number with far too many digits",
        };
        Some(hint.to_owned())
    }
}

/// Why an ingest, or one month of it, did not work out.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The exports could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// No run could be chosen below a URL.
    #[error("{source}")]
    Choose {
        /// The export URL.
        url: String,
        /// Why.
        source: DiscoverError,
    },
    /// A blob is damaged.
    #[error("{source}")]
    Decode {
        /// The blob.
        blob: String,
        /// Why.
        source: DecodeError,
    },
    /// A Parquet blob is damaged, or not as Azure writes one.
    #[error("{source}")]
    Parquet {
        /// The blob.
        blob: String,
        /// Why.
        source: ParquetFault,
    },
    /// A blob is not what it should be.
    #[error("{source}")]
    Normalize {
        /// The blob.
        blob: String,
        /// Why.
        source: NormalizeError,
    },
    /// The run is incomplete or unclean.
    #[error(transparent)]
    Run(#[from] RunFault),
    /// Files could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The lake refused.
    #[error(transparent)]
    Commit(CommitError),
    /// The machine gave no threads.
    #[error("cannot start the threads of a load: {source}")]
    Threads {
        /// Why.
        source: rayon::ThreadPoolBuildError,
    },
}

impl IngestError {
    fn fault(&self) -> Option<&dyn Fault> {
        Some(match self {
            Self::Source(fault) => fault,
            Self::Choose { source, .. } => source,
            Self::Decode { source, .. } => source,
            Self::Parquet { source, .. } => source,
            Self::Normalize { source, .. } => source,
            Self::Run(fault) => fault,
            Self::Write(fault) => fault,
            Self::Commit(fault) => fault,
            Self::Threads { .. } => return None,
        })
    }

    /// Whether another ingest of the same month came first.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Commit(CommitError::Conflict { .. }))
    }
}

impl Fault for IngestError {
    fn class(&self) -> ErrorClass {
        self.fault().map_or(ErrorClass::Retryable, Fault::class)
    }

    fn location(&self) -> Option<Location> {
        let location = self.fault().and_then(Fault::location);
        match self {
            Self::Choose { url, .. } => Some(location.unwrap_or_else(|| Location::blob(url))),
            Self::Decode { blob, .. }
            | Self::Parquet { blob, .. }
            | Self::Normalize { blob, .. } => {
                let location = location.unwrap_or_default();
                Some(Location { blob: location.blob.or_else(|| Some(blob.clone())), ..location })
            }
            _ => location,
        }
    }

    fn hint(&self) -> Option<String> {
        self.fault().and_then(Fault::hint)
    }
}
