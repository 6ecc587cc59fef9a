//! One writer of one partition: encodes batches, rolls files at a target size.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::runtime::Handle;

use super::encode::FileEncoder;
use super::statistics::delta_statistics;
use super::upload::Upload;
use super::{Partition, WriteError, WrittenFile};
use crate::model::ColumnSet;
use crate::normalize::RowBatch;

/// Knobs of a writer.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// A file that has reached this many bytes is closed and a new one begun.
    pub file_size_bytes_target: u64,
}

impl Default for WriteOptions {
    /// 256 MiB: few files for readers, still several per month to read side by side.
    fn default() -> Self {
        Self { file_size_bytes_target: 256 * 1024 * 1024 }
    }
}

/// Writes batches of one partition on a CPU thread. Several may work on one
/// partition side by side, each under its own `stem`.
pub struct PartitionWriter {
    store: Arc<dyn ObjectStore>,
    column_set: &'static ColumnSet,
    partition: Partition,
    stem: String,
    runtime: Handle,
    options: WriteOptions,
    open: Option<OpenFile>,
    finished: Vec<WrittenFile>,
}

struct OpenFile {
    path: String,
    encoder: FileEncoder<Upload>,
}

impl PartitionWriter {
    /// `store` is rooted at the table; `stem` begins every file's name and must
    /// never have been used before in this table; `runtime` does the uploads.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        column_set: &'static ColumnSet,
        partition: Partition,
        stem: String,
        runtime: Handle,
        options: WriteOptions,
    ) -> Self {
        let finished = Vec::new();
        Self { store, column_set, partition, stem, runtime, options, open: None, finished }
    }

    /// Appends a batch. Blocks while the store is slower than the encoder.
    pub fn write(&mut self, batch: &RowBatch) -> Result<(), WriteError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let file = match &mut self.open {
            Some(file) => file,
            slot => slot.insert(begin(
                self.store.as_ref(),
                self.column_set,
                format!(
                    "{}/{}-{:05}.parquet",
                    self.partition.folder(),
                    self.stem,
                    self.finished.len()
                ),
                self.runtime.clone(),
            )?),
        };
        file.encoder
            .write(batch.columns())
            .map_err(|source| WriteError::Encode { path: file.path.clone(), source })?;
        if file.encoder.bytes_written() as u64 >= self.options.file_size_bytes_target {
            self.close_file()?;
        }
        Ok(())
    }

    /// Closes the last file and returns all of them.
    pub fn finish(mut self) -> Result<Vec<WrittenFile>, WriteError> {
        self.close_file()?;
        Ok(std::mem::take(&mut self.finished))
    }

    /// Gives up and returns what was finished already, for [`discard`].
    pub fn abandon(mut self) -> Vec<WrittenFile> {
        if let Some(mut file) = self.open.take() {
            // Best effort: what stays behind is named by no commit.
            let _ = file.encoder.inner_mut().abort();
        }
        std::mem::take(&mut self.finished)
    }

    fn close_file(&mut self) -> Result<(), WriteError> {
        let Some(OpenFile { path, mut encoder }) = self.open.take() else { return Ok(()) };
        let encode_error = |source| WriteError::Encode { path: path.clone(), source };
        let metadata = encoder.finish().map_err(encode_error)?;
        let (rows, statistics) = delta_statistics(self.column_set, &metadata);
        let size_bytes = encoder
            .inner_mut()
            .finish()
            .map_err(|source| WriteError::Upload { path: path.clone(), source })?;
        self.finished.push(WrittenFile { path, size_bytes, rows, statistics });
        Ok(())
    }
}

fn begin(
    store: &dyn ObjectStore,
    column_set: &ColumnSet,
    path: String,
    runtime: Handle,
) -> Result<OpenFile, WriteError> {
    let upload = Upload::begin(store, &Path::from(path.as_str()), runtime)
        .map_err(|source| WriteError::Upload { path: path.clone(), source })?;
    match FileEncoder::new(upload, column_set) {
        Ok(encoder) => Ok(OpenFile { path, encoder }),
        Err(source) => Err(WriteError::Encode { path, source }),
    }
}

/// Deletes files that will not be committed. Best effort: a file that stays
/// behind is named by no commit, and `lake vacuum` finds it.
pub async fn discard(store: &dyn ObjectStore, files: &[WrittenFile]) {
    for file in files {
        let _ = store.delete(&Path::from(file.path.as_str())).await;
    }
}
