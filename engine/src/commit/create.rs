//! Creating the lake's tables, safely beside another writer that does the same.

use deltalake::kernel::engine::arrow_conversion::TryIntoKernel as _;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{Action, MetadataExt as _, Protocol, StructType, new_metadata};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};

use super::{CommitError, Lake, LakeTable};

/// Reader and writer versions every Delta engine has.
const MIN_READER_VERSION: u32 = 1;
const MIN_WRITER_VERSION: u32 = 2;

impl Lake {
    /// Opens a table, creating it first where it does not exist.
    ///
    /// # Errors
    /// As [`Lake::table`], and when the lake cannot be written.
    pub async fn ensure_table(&self, table: LakeTable) -> Result<DeltaTable, CommitError> {
        if let Some(existing) = self.table(table).await? {
            return Ok(existing);
        }
        self.create_unless_there(table).await?;
        self.table(table)
            .await?
            .ok_or_else(|| CommitError::NotALake { address: self.address().to_owned() })
    }

    /// Creates a table where it does not exist. One that does is looked at for the
    /// format it is of, not for its files: damage there is for its next reader to find.
    ///
    /// # Errors
    /// When a table is of a format or version that is not read here, or cannot be created.
    pub async fn ensure_exists(&self, table: LakeTable) -> Result<(), CommitError> {
        match self.log(table).await? {
            Some(_) => Ok(()),
            None => self.create_unless_there(table).await,
        }
    }

    /// Whoever loses the race to version 0 finds the winner's table.
    async fn create_unless_there(&self, table: LakeTable) -> Result<(), CommitError> {
        match self.create(table).await {
            Ok(()) | Err(CommitError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, table: LakeTable) -> Result<(), CommitError> {
        let delta = CommitError::delta(table);
        let empty = DeltaTableBuilder::from_url(self.table_url(table))
            .map_err(&delta)?
            .with_storage_options(self.storage_options().clone())
            .build()
            .map_err(&delta)?;
        let schema: StructType = table
            .schema()
            .as_ref()
            .try_into_kernel()
            .map_err(|error| delta(DeltaTableError::Arrow { source: error }))?;
        let metadata = new_metadata(&schema, table.partition_columns(), table.properties())
            .and_then(|metadata| metadata.with_description(table.description().to_owned()))
            .map_err(|error| delta(error.into()))?;
        let protocol: Protocol = serde_json::from_value(serde_json::json!({
            "minReaderVersion": MIN_READER_VERSION,
            "minWriterVersion": MIN_WRITER_VERSION,
        }))
        .expect("a protocol action is two numbers");
        let operation = DeltaOperation::Create {
            mode: SaveMode::ErrorIfExists,
            location: self.table_url(table),
            protocol: protocol.clone(),
            metadata: metadata.clone(),
        };
        // No retries: delta-rs would otherwise append a second protocol and
        // metadata behind those of the writer that came first.
        CommitBuilder::from(CommitProperties::default().with_max_retries(0))
            .with_actions(vec![Action::Protocol(protocol), Action::Metadata(metadata)])
            .build(None, empty.log_store(), operation)
            .await
            .map_err(CommitError::commit(table))?;
        Ok(())
    }
}
