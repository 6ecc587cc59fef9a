//! One CSV blob from its source into a decoder.
//!
//! In: a blob of a run, and the decoder. Out: whether there was more. A file on disk is
//! read on the thread that decodes it, straight into the decoder's buffer; every other
//! blob by a task of its own, through a bounded queue. Never looks at the bytes.

use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::IngestError;
use crate::decode::{Decoder, Header, RecordChunk};
use crate::discover::BlobEntry;
use crate::source::{BlobReader, LocalFile, ReadOptions, SourceError, Store};

/// Pieces of a blob read ahead of its decoder.
const PIECES_QUEUED_PER_BLOB: usize = 2;

/// A blob that is being read. Blocks; to be used on a thread that may.
pub(super) struct CsvBlob {
    reader: BlobReader,
    runtime: Handle,
    bytes: BytesFrom,
}

enum BytesFrom {
    File(LocalFile),
    Task(Fetch),
}

/// A task that fetches pieces, and ends with this.
struct Fetch {
    pieces: mpsc::Receiver<Result<Bytes, SourceError>>,
    task: JoinHandle<Option<u64>>,
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fetch {
    fn start(reader: BlobReader, from: u64, runtime: &Handle) -> Self {
        let (sender, pieces) = mpsc::channel(PIECES_QUEUED_PER_BLOB);
        Self { pieces, task: runtime.spawn(reader.send(from, sender)) }
    }
}

impl CsvBlob {
    pub(super) fn open(
        source: &Store,
        blob: &BlobEntry,
        runtime: &Handle,
    ) -> Result<Self, IngestError> {
        let reader = BlobReader::new(source, blob, ReadOptions::default())?;
        let bytes = match runtime.block_on(reader.open_file()) {
            Some(file) => BytesFrom::File(file),
            None => BytesFrom::Task(Fetch::start(reader.clone(), 0, runtime)),
        };
        Ok(Self { reader, runtime: runtime.clone(), bytes })
    }

    /// Has the decoder take the next bytes. Returns how many of the blob these were: 0
    /// once the whole blob has been read, in its listed version.
    pub(super) fn decode_next(
        &mut self,
        decoder: &mut Decoder,
        out: &mut impl FnMut(&Arc<Header>, RecordChunk),
    ) -> Result<u64, IngestError> {
        let decode_error =
            |source| IngestError::Decode { blob: self.reader.blob().full_path.clone(), source };
        if let BytesFrom::File(file) = &mut self.bytes {
            let (room, bytes_max) = decoder.room();
            let read = file.read(room, bytes_max);
            if read > 0 {
                decoder.take_appended(out).map_err(decode_error)?;
                return Ok(read as u64);
            }
            // The rest is mostly nothing; the version is looked at, and faults are told.
            let rest = Fetch::start(self.reader.clone(), file.position(), &self.runtime);
            self.bytes = BytesFrom::Task(rest);
        }
        let BytesFrom::Task(fetch) = &mut self.bytes else { return Ok(0) };
        match fetch.pieces.blocking_recv().transpose()? {
            Some(piece) => {
                let read = piece.len() as u64;
                decoder.push(piece, out).map_err(decode_error)?;
                Ok(read)
            }
            None => Ok(0),
        }
    }
}
