//! The lake: its tables, how a month is replaced in them, and what they hold.
//!
//! Input: the lake's address; finished files and the run they came from.
//! Output: Delta commits, and snapshots for `query`. Never decides what is
//! loaded, never runs SQL.

mod create;
pub mod lake;
pub mod ledger;
pub mod maintain;
pub mod replace;
pub mod snapshot;
mod storage;
mod table;

use deltalake::DeltaTableError;

use crate::azure::redact;
use deltalake::kernel::transaction::TransactionError;
use object_store::Error as ObjectStoreError;

use crate::error::{ErrorClass, Fault, Location};

pub use lake::Lake;
pub use snapshot::{DataFile, TableSnapshot};
pub use table::{FORMAT_VERSION, LakeTable};

/// Why a lake or one of its tables cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The address is no path and no URL of a kind known here.
    #[error("{address:?} is no lake address: {reason}")]
    InvalidAddress {
        /// As given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing there, or something else.
    #[error("no costlake lake at {address}")]
    NotALake {
        /// As given.
        address: String,
    },
    /// The table says a format this version does not know.
    #[error("table {table} has lake format {found}: written by a newer costlake")]
    NewerFormat {
        /// Table name.
        table: &'static str,
        /// The format it says.
        found: String,
    },
    /// The table needs something of its readers that is not implemented here.
    #[error("table {table} cannot be read: {feature} is not supported")]
    UnsupportedFeature {
        /// Table name.
        table: &'static str,
        /// What it needs.
        feature: String,
    },
    /// The table's columns are not the ones this version reads.
    #[error("table {table} has an unexpected layout: {reason}")]
    UnexpectedLayout {
        /// Table name.
        table: &'static str,
        /// What differs.
        reason: String,
    },
    /// Another writer changed the same thing first.
    #[error("table {table}: another ingest replaced the same month at the same time")]
    Conflict {
        /// Table name.
        table: &'static str,
    },
    /// A bookkeeping file could not be encoded.
    #[error("table {table}: cannot encode its rows: {source}")]
    Encode {
        /// Table name.
        table: &'static str,
        /// What Parquet said.
        source: parquet::errors::ParquetError,
    },
    /// A bookkeeping file could not be stored.
    #[error("table {table}: cannot write to the lake: {source}")]
    Store {
        /// Table name.
        table: &'static str,
        /// What the store said.
        source: ObjectStoreError,
    },
    /// Reading or writing the Delta log failed.
    #[error("table {table}: {}", redact(&source.to_string()))]
    Delta {
        /// Table name.
        table: &'static str,
        /// What delta-rs said.
        source: Box<DeltaTableError>,
    },
}

impl CommitError {
    pub(crate) fn delta(table: LakeTable) -> impl Fn(DeltaTableError) -> Self {
        move |source| Self::Delta { table: table.name(), source: Box::new(source) }
    }

    /// As [`Self::delta`], for what a commit can answer: a lost race is a
    /// [`CommitError::Conflict`].
    pub(crate) fn commit(table: LakeTable) -> impl Fn(DeltaTableError) -> Self {
        move |source| match source {
            DeltaTableError::Transaction {
                source: TransactionError::CommitConflict(_) | TransactionError::MaxCommitAttempts(_),
            }
            | DeltaTableError::VersionAlreadyExists(_) => Self::Conflict { table: table.name() },
            other => Self::delta(table)(other),
        }
    }
}

impl Fault for CommitError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::InvalidAddress { .. }
            | Self::NotALake { .. }
            | Self::NewerFormat { .. }
            | Self::UnsupportedFeature { .. } => ErrorClass::BadConfig,
            Self::UnexpectedLayout { .. } => ErrorClass::BadInput,
            Self::Conflict { .. } => ErrorClass::Conflict,
            Self::Encode { .. } => ErrorClass::Bug,
            Self::Store { source, .. } => store_class(source),
            Self::Delta { source, .. } => delta_class(source),
        }
    }

    fn location(&self) -> Option<Location> {
        match self {
            Self::InvalidAddress { address, .. } | Self::NotALake { address } => {
                Some(Location::blob(address))
            }
            Self::NewerFormat { table, .. }
            | Self::UnsupportedFeature { table, .. }
            | Self::UnexpectedLayout { table, .. }
            | Self::Conflict { table }
            | Self::Encode { table, .. }
            | Self::Store { table, .. }
            | Self::Delta { table, .. } => Some(Location::blob(*table)),
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::InvalidAddress { .. } => {
                "write a folder such as ./lake, or az://container/path".to_owned()
            }
            Self::NotALake { .. } => {
                "check --lake, or fill it first: costlake demo, or costlake ingest".to_owned()
            }
            Self::NewerFormat { .. } => {
                format!("this costlake reads lake format {FORMAT_VERSION}; update costlake")
            }
            Self::UnsupportedFeature { .. } => {
                "another tool changed the table; rewrite it without that feature".to_owned()
            }
            Self::UnexpectedLayout { .. } => {
                "another tool may have changed the table; costlake lake verify says more".to_owned()
            }
            Self::Delta { source, .. } if delta_class(source) == ErrorClass::Denied => {
                "check the credentials and their role on the storage account".to_owned()
            }
            Self::Conflict { .. } => {
                "the other one won and nothing of this one was committed; run it again".to_owned()
            }
            Self::Store { .. } => "check that the lake is writable and has space left".to_owned(),
            Self::Delta { source, .. } => {
                let told = storage::source_error_inside(source).and_then(Fault::hint);
                let passing = || {
                    (delta_class(source) == ErrorClass::Retryable).then(|| {
                        "check the network and the lake's address, or try again later".to_owned()
                    })
                };
                return told.or_else(passing);
            }
            Self::Encode { .. } => return None,
        };
        Some(hint)
    }
}

/// What can be done about an error of delta-rs.
pub(crate) fn delta_class(error: &DeltaTableError) -> ErrorClass {
    match error {
        DeltaTableError::ObjectStore { source } => store_class(source),
        DeltaTableError::Transaction { .. }
        | DeltaTableError::VersionAlreadyExists(_)
        | DeltaTableError::VersionMismatch(..) => ErrorClass::Conflict,
        DeltaTableError::Io { .. } => ErrorClass::Retryable,
        DeltaTableError::InvalidTableLocation(_)
        | DeltaTableError::NotATable(_)
        | DeltaTableError::MissingFeature { .. } => ErrorClass::BadConfig,
        other => storage::source_error_inside(other)
            .map(Fault::class)
            .or_else(|| store_error_inside(other).map(store_class))
            .unwrap_or(ErrorClass::BadInput),
    }
}

/// What can be done about an error of the object store.
pub(crate) fn store_class(error: &ObjectStoreError) -> ErrorClass {
    match error {
        ObjectStoreError::PermissionDenied { .. } | ObjectStoreError::Unauthenticated { .. } => {
            ErrorClass::Denied
        }
        ObjectStoreError::AlreadyExists { .. } | ObjectStoreError::Precondition { .. } => {
            ErrorClass::Conflict
        }
        ObjectStoreError::NotFound { .. }
        | ObjectStoreError::InvalidPath { .. }
        | ObjectStoreError::UnknownConfigurationKey { .. } => ErrorClass::BadConfig,
        _ => ErrorClass::Retryable,
    }
}

/// The object store's error among an error's sources, if there is one.
pub(crate) fn store_error_inside<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a ObjectStoreError> {
    std::iter::successors(Some(error), |error| error.source())
        .find_map(|error| error.downcast_ref::<ObjectStoreError>())
}
