//! A lake's address, and its tables opened.
//!
//! Input: an address (`./lake`, `/data/lake`, `file:///…`, `az://container/path`)
//! and storage options as `object_store` names them. Output: opened Delta
//! tables. Never creates a table and never reads an environment variable.

use std::collections::HashMap;
use std::path::{Path as FilePath, PathBuf};

use deltalake::kernel::{Metadata, Protocol, Snapshot};
use deltalake::logstore::LogStoreRef;
use deltalake::{DeltaTable, DeltaTableBuilder};
use url::Url;

use super::table::{FORMAT_PROPERTY, FORMAT_VERSION};
use super::{CommitError, LakeTable, storage};
use crate::source::url::shown;
use crate::source::{SourceError, SourceUrl};

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
        Ok(self.any_table().await?.is_some())
    }

    /// Looks at one table, but not at its files: enough to tell that here is a lake, and
    /// one this version reads.
    ///
    /// # Errors
    /// [`CommitError::NotALake`] where there is no table, [`CommitError::NewerFormat`] or
    /// [`CommitError::UnsupportedFeature`] where this version does not read it, and when
    /// the log cannot be read.
    pub async fn look(&self) -> Result<(), CommitError> {
        let Some((table, delta)) = self.any_table().await? else {
            return Err(CommitError::NotALake { address: self.address.clone() });
        };
        newest(table, &delta).await?;
        Ok(())
    }

    /// The first table that exists, not loaded.
    async fn any_table(&self) -> Result<Option<(LakeTable, DeltaTable)>, CommitError> {
        for table in LakeTable::ALL {
            let delta = self.unloaded(table)?;
            if is_there(table, &delta).await? {
                return Ok(Some((table, delta)));
            }
        }
        Ok(None)
    }

    /// A table at its newest version; `None` when it does not exist yet.
    pub async fn table(&self, table: LakeTable) -> Result<Option<DeltaTable>, CommitError> {
        let mut delta = self.unloaded(table)?;
        if !is_there(table, &delta).await? {
            return Ok(None);
        }
        delta.load().await.map_err(CommitError::delta(table))?;
        let state = delta.snapshot().map_err(CommitError::delta(table))?;
        check_format(table, state.metadata(), state.protocol())?;
        Ok(Some(delta))
    }

    /// A table's log at its newest version, its list of files not read yet; `None` when
    /// the table does not exist yet.
    pub(super) async fn log(
        &self,
        table: LakeTable,
    ) -> Result<Option<(Snapshot, LogStoreRef)>, CommitError> {
        let delta = self.unloaded(table)?;
        if !is_there(table, &delta).await? {
            return Ok(None);
        }
        Ok(Some((newest(table, &delta).await?, delta.log_store())))
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

/// The newest version of a table this version reads.
async fn newest(table: LakeTable, delta: &DeltaTable) -> Result<Snapshot, CommitError> {
    let snapshot = Snapshot::try_new(delta.log_store().as_ref(), None).await;
    let snapshot = snapshot.map_err(CommitError::delta(table))?;
    check_format(table, snapshot.metadata(), snapshot.protocol())?;
    Ok(snapshot)
}

/// Refuses a table of a newer lake format, or one that asks its readers for
/// something the scan does not do (renamed columns, deletion vectors).
fn check_format(
    table: LakeTable,
    metadata: &Metadata,
    protocol: &Protocol,
) -> Result<(), CommitError> {
    let properties = metadata.configuration();
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
    let needed = protocol.reader_features().unwrap_or_default();
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
