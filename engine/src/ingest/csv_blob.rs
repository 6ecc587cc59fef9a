//! One CSV blob from its source into a decoder.
//!
//! In: a blob of a run, and the decoder. Out: whether there was more. A file on disk is
//! read on the thread that decodes it, straight into the decoder's buffer; every other
//! blob, and one that must not come too fast, by a task of its own, through a bounded
//! queue. Never looks at the bytes.

use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::IngestError;
use crate::decode::{DecodeError, Decoder, Header, RecordChunk};
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
    /// All of it was read, and the version looked at.
    Ended,
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

    /// After the last piece: whether the task came to its end, which is where it has seen
    /// the listed version. One that was cut off closes its queue, too.
    fn end(&mut self, reader: &BlobReader, runtime: &Handle) -> Result<(), SourceError> {
        match runtime.block_on(&mut self.task) {
            Ok(Some(_)) => Ok(()),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Ok(None) | Err(_) => Err(SourceError::Passing {
                place: reader.blob().full_path.clone(),
                reason: "reading it was cut off".to_owned(),
            }),
        }
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
        loop {
            let (read, decoded) = match &mut self.bytes {
                BytesFrom::File(file) => {
                    let (room, bytes_max) = decoder.room();
                    let read = file.read(room, bytes_max) as u64;
                    if read == 0 {
                        // The rest is mostly nothing; the version is looked at, and
                        // faults are told.
                        let reader = self.reader.clone();
                        let rest = Fetch::start(reader, file.position(), &self.runtime);
                        self.bytes = BytesFrom::Task(rest);
                        continue;
                    }
                    (read, decoder.take_appended(out))
                }
                BytesFrom::Task(fetch) => match fetch.pieces.blocking_recv().transpose()? {
                    Some(piece) => (piece.len() as u64, decoder.push(piece, out)),
                    None => {
                        fetch.end(&self.reader, &self.runtime)?;
                        self.bytes = BytesFrom::Ended;
                        return Ok(0);
                    }
                },
                BytesFrom::Ended => return Ok(0),
            };
            return decoded.map(|()| read).map_err(|source| self.fault(source));
        }
    }

    /// What does not decode may be of two versions, unless ranges were asked for under an
    /// ETag: then that is the fault.
    fn fault(&self, source: DecodeError) -> IngestError {
        let blob = self.reader.blob();
        let is_one_version = matches!(self.bytes, BytesFrom::Task(_)) && blob.etag.is_some();
        if !is_one_version
            && let Err(
                changed @ (SourceError::BlobChanged { .. }
                | SourceError::BlobVanished { .. }
                | SourceError::Truncated { .. }),
            ) = self.runtime.block_on(self.reader.verify())
        {
            return changed.into();
        }
        IngestError::Decode { blob: blob.full_path.clone(), source }
    }
}

#[cfg(test)]
mod tests;
