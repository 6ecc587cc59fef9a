//! Job: typed batches of one month into Parquet files of one Delta partition.
//! Input: [`RowBatch`](crate::normalize::RowBatch)es, any number of writers side by side. Output:
//! [`WrittenFile`]s with the statistics a Delta log wants. Files are invisible
//! until `commit` names them. Never touches a Delta log.

mod encode;
mod parquet;
mod partition;
mod statistics;
mod upload;

pub use self::parquet::writer_properties;
pub use partition::{PartitionWriter, WriteOptions, discard};

use crate::error::{ErrorClass, Fault, Location};
use crate::model::{BillingMonth, SourceName};

/// The partition a file belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The bill connect.
    pub source: SourceName,
    /// The month.
    pub billing_month: BillingMonth,
}

impl Partition {
    /// Folder below the table, as Hive and Delta spell it.
    pub fn folder(&self) -> String {
        format!("source={}/billing_month={}", self.source, self.billing_month)
    }
}

/// A finished file that no commit names yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFile {
    /// Path below the table.
    pub path: String,
    /// Stored bytes.
    pub size_bytes: u64,
    /// Rows.
    pub rows: u64,
    /// Delta's per-file statistics: rows, minima, maxima, null counts. JSON.
    pub statistics: String,
}

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Parquet refused the data.
    #[error("cannot encode {path}")]
    Encode {
        /// File below the table.
        path: String,
        /// What Parquet says.
        source: ::parquet::errors::ParquetError,
    },
    /// The lake's store refused the bytes.
    #[error("cannot write {path} to the lake: {source}")]
    Upload {
        /// File below the table.
        path: String,
        /// What the store says.
        source: object_store::Error,
    },
}

impl Fault for WriteError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Encode { .. } => ErrorClass::Bug,
            Self::Upload { source, .. } => match source {
                object_store::Error::PermissionDenied { .. }
                | object_store::Error::Unauthenticated { .. } => ErrorClass::Denied,
                _ => ErrorClass::Retryable,
            },
        }
    }

    fn location(&self) -> Option<Location> {
        let (Self::Encode { path, .. } | Self::Upload { path, .. }) = self;
        Some(Location::blob(path))
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Encode { .. } => None,
            Self::Upload { .. } => Some(
                "check that the lake is writable and has space left; nothing was committed"
                    .to_owned(),
            ),
        }
    }
}
