//! Reads one blob in order, a range at a time, and only in one version.
//!
//! In: a [`Store`] and a [`BlobEntry`] of its listing. Out: the blob's bytes
//! in order, in chunks of at most one range. Every range is asked for under
//! the listed ETag, and after the last one the blob is looked at once more, so
//! a reader that saw the end has seen the listed version and nothing else.
//! Never decompresses and never buffers more than its ranges in flight.
//!
//! Ranges are read by tasks of their own, so that they come in while whoever
//! takes them is busy with an earlier one. A range that breaks off goes on where
//! it broke; it is given up when so many attempts in a row bring nothing.
//!
//! A file on disk may be read by whoever needs its bytes instead ([`file`]).

mod file;

use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectStore};
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;

pub use self::file::LocalFile;
use super::error::SourceError;
use super::listing::{head, object_path};
use super::store::{Store, plain_etag};
use crate::discover::BlobEntry;
use crate::error::{ErrorClass, Fault};

/// Bytes asked for at a time.
pub const RANGE_SIZE_BYTES: u64 = 8 << 20;

/// Ranges of one blob in flight: what keeps a fast network busy while the
/// first of them is worked on.
pub const RANGES_IN_FLIGHT: usize = 4;

/// Times in a row that a range is asked for again after a passing fault that
/// brought none of it. object_store has retried each request by then.
pub const RANGE_RETRIES_MAX: u32 = 3;

/// Pause before the first such retry; it doubles with each.
pub const RANGE_RETRY_DELAY_MS: u64 = 500;

/// Longest time in which not a byte comes in; then the connection is given up.
pub const STALL_SECONDS_MAX: u64 = 30;

/// Longest time until a request is answered, object_store's own retries included.
pub(super) const ANSWER_SECONDS_MAX: u64 = 60;

/// Bytes of a file on disk that are read and then paid for, where a bandwidth is given.
const PACED_BYTES: u64 = 512 << 10;

/// How to read.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// Bytes asked for at a time; at least 1 is taken.
    pub range_size_bytes: u64,
    /// Ranges in flight; at least 1 is taken.
    pub ranges_in_flight: usize,
    /// Retries of a range.
    pub range_retries_max: u32,
    /// Pause before the first retry.
    pub retry_delay_ms: u64,
    /// Longest time in which nothing comes in.
    pub stall_ms_max: u64,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            range_size_bytes: RANGE_SIZE_BYTES,
            ranges_in_flight: RANGES_IN_FLIGHT,
            range_retries_max: RANGE_RETRIES_MAX,
            retry_delay_ms: RANGE_RETRY_DELAY_MS,
            stall_ms_max: STALL_SECONDS_MAX * 1_000,
        }
    }
}

/// Reads one blob. Needs a Tokio runtime with time enabled.
#[derive(Clone, Debug)]
pub struct BlobReader {
    store: Store,
    path: Path,
    blob: BlobEntry,
    options: ReadOptions,
}

impl BlobReader {
    /// A reader of a listed blob. Errors when the entry's path is none of the
    /// store.
    pub fn new(store: &Store, blob: &BlobEntry, options: ReadOptions) -> Result<Self, SourceError> {
        let path = object_path(store, &blob.full_path)?;
        Ok(Self { store: store.clone(), path, blob: blob.clone(), options })
    }

    /// The listed blob.
    pub fn blob(&self) -> &BlobEntry {
        &self.blob
    }

    /// The bytes in order. The first error is the last item. A stream that
    /// ends without one has given the whole blob in its listed version.
    pub fn stream(self) -> impl Stream<Item = Result<Bytes, SourceError>> + Send + 'static {
        self.stream_from(0)
    }

    fn stream_from(
        self,
        start: u64,
    ) -> impl Stream<Item = Result<Bytes, SourceError>> + Send + 'static {
        let ranges = self.ranges(start);
        let in_flight = self.options.ranges_in_flight.max(1);
        let (reader, verifier) = (self.clone(), self);
        let chunks = futures::stream::iter(ranges)
            .map(move |range| {
                let reader = reader.clone();
                async move { OwnTask(tokio::spawn(async move { reader.read(range).await })).await }
            })
            .buffered(in_flight);
        // An empty chunk stands for "verified" and is dropped below.
        let verified =
            futures::stream::once(async move { verifier.verify().await.map(|()| Bytes::new()) });
        let mut failed = false;
        chunks
            .chain(verified)
            .take_while(move |chunk| {
                let go_on = !failed;
                failed |= chunk.is_err();
                futures::future::ready(go_on)
            })
            .filter(|chunk| {
                let empty = chunk.as_ref().is_ok_and(Bytes::is_empty);
                futures::future::ready(!empty)
            })
    }

    /// Sends the bytes from `start` on, in order, into a bounded channel, whose reader
    /// may sit on a plain thread (`blocking_recv`). The first error is the last thing
    /// sent; a channel closed without one has had the rest of the blob, in its listed
    /// version. Ends quietly when the receiver is dropped.
    ///
    /// The channel closes at the end of this future or when it is dropped, so
    /// a receiver must count bytes or ask whoever ran the future if it may be
    /// cancelled; returns the bytes sent of a blob read to its end.
    pub async fn send(self, start: u64, sink: Sender<Result<Bytes, SourceError>>) -> Option<u64> {
        let mut sent_bytes = 0;
        let mut chunks = std::pin::pin!(self.stream_from(start));
        while let Some(chunk) = chunks.next().await {
            let length = chunk.as_ref().ok().map(|chunk| chunk.len() as u64);
            if sink.send(chunk).await.is_err() {
                return None;
            }
            sent_bytes += length?;
        }
        Some(sent_bytes)
    }

    fn ranges(&self, from: u64) -> impl Iterator<Item = Range<u64>> + Send + use<> {
        let size = self.blob.size_bytes;
        let step = self.options.range_size_bytes.max(1);
        (0..size.saturating_sub(from).div_ceil(step)).map(move |index| {
            let start = from + index * step;
            start..size.min(start.saturating_add(step))
        })
    }

    /// Asks for a range, or all, of the listed version.
    fn get_options(&self, range: Option<Range<u64>>) -> GetOptions {
        let if_match = self.blob.etag.as_deref().map(|etag| self.store.etag_to_match(etag));
        GetOptions { range: range.map(GetRange::from), if_match, ..GetOptions::default() }
    }

    /// The bytes of a range of the listed version. Errors when the blob is another
    /// one by now, or cannot be read; a later change is for [`Self::verify`] to find.
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        // Ranges are bounded by whoever asks: RANGE_SIZE_BYTES in a stream.
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let mut bytes = BytesMut::with_capacity(length);
        let mut retries = 0;
        loop {
            let had = bytes.len();
            match self.read_on(&range, &mut bytes).await {
                Err(error) if error.class() == ErrorClass::Retryable => {
                    if bytes.len() > had {
                        retries = 0;
                    }
                    if retries == self.options.range_retries_max {
                        return Err(error);
                    }
                    // At most RANGE_RETRIES_MAX doublings by default; the cap
                    // keeps any setting from overflowing.
                    let delay_ms = self.options.retry_delay_ms << retries.min(10);
                    tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                    retries += 1;
                }
                Err(error) => return Err(error),
                Ok(()) if bytes.len() == length => return Ok(bytes.freeze()),
                Ok(()) => return Err(self.truncated(range.start + bytes.len() as u64)),
            }
        }
    }

    /// Asks for what is still missing of a range and appends what comes.
    async fn read_on(&self, range: &Range<u64>, bytes: &mut BytesMut) -> Result<(), SourceError> {
        let missing = range.start + bytes.len() as u64..range.end;
        let options = self.get_options(Some(missing.clone()));
        let limits = self.store.limits();
        let _permit = limits.request().await;
        let answer = self.store.objects().get_opts(&self.path, options);
        let found = match within(ANSWER_SECONDS_MAX * 1_000, answer).await {
            Some(Ok(found)) => found,
            Some(Err(error)) => return Err(self.diagnose(&error).await),
            None => return Err(self.stalled(ANSWER_SECONDS_MAX * 1_000)),
        };
        self.check_size(found.meta.size)?;
        let found = match found.payload {
            GetResultPayload::File(file, _) => return self.read_file(file, missing, bytes).await,
            _ => found,
        };
        let mut pieces = found.into_stream();
        loop {
            match within(self.options.stall_ms_max, pieces.next()).await {
                Some(Some(Ok(piece))) => {
                    self.append(bytes, &piece, range)?;
                    limits.received(piece.len()).await;
                }
                Some(Some(Err(error))) => return Err(self.diagnose(&error).await),
                Some(None) => return Ok(()),
                None => return Err(self.stalled(self.options.stall_ms_max)),
            }
        }
    }

    /// What is missing of a range, from a file on disk: straight into the buffer, which
    /// is neither zeroed before nor copied after. A file that ends too early is told by
    /// who counts.
    async fn read_file(
        &self,
        mut file: std::fs::File,
        missing: Range<u64>,
        bytes: &mut BytesMut,
    ) -> Result<(), SourceError> {
        let limits = self.store.limits();
        // A mounted share is a network, too: by pieces, so that none waits for a whole
        // range to be paid for.
        let piece = if limits.has_bandwidth() { PACED_BYTES } else { u64::MAX };
        let mut buffer = Vec::from(std::mem::take(bytes));
        let mut start = missing.start;
        let ended = loop {
            let length = piece.min(missing.end - start);
            let blocking = tokio::task::spawn_blocking(move || {
                let found = file.seek(SeekFrom::Start(start));
                let read = found.and_then(|_| file.by_ref().take(length).read_to_end(&mut buffer));
                (file, buffer, read)
            });
            let read;
            (file, buffer, read) = blocking.await.expect("reading a file does not panic");
            match read {
                Ok(read) => {
                    limits.received(read).await;
                    start += read as u64;
                    if start == missing.end || (read as u64) < length {
                        break Ok(());
                    }
                }
                Err(error) => break Err(error),
            }
        };
        // Also what came before a fault.
        *bytes = BytesMut::from(Bytes::from(buffer));
        ended.map_err(|error| SourceError::Passing {
            place: self.blob.full_path.clone(),
            reason: error.to_string(),
        })
    }

    fn append(
        &self,
        bytes: &mut BytesMut,
        piece: &[u8],
        range: &Range<u64>,
    ) -> Result<(), SourceError> {
        if (bytes.len() + piece.len()) as u64 > range.end - range.start {
            return Err(SourceError::Refused {
                place: self.blob.full_path.clone(),
                reason: "it sends more than the range asked for".to_owned(),
            });
        }
        bytes.extend_from_slice(piece);
        Ok(())
    }

    fn stalled(&self, after_ms: u64) -> SourceError {
        SourceError::Passing {
            place: self.blob.full_path.clone(),
            reason: format!("nothing came in for {} s", after_ms.div_ceil(1_000)),
        }
    }

    /// Turns a failed request into what it means for this blob.
    async fn diagnose(&self, error: &object_store::Error) -> SourceError {
        let blob = self.blob.full_path.clone();
        if let object_store::Error::Precondition { .. } = error {
            return SourceError::BlobChanged { blob };
        }
        match self.store.error(&blob, error) {
            SourceError::NotFound { .. } => SourceError::BlobVanished { blob },
            // A range beyond the end of a blob that shrank is refused in as
            // many ways as there are stores; a look at the blob tells.
            SourceError::Refused { place, reason } => match self.verify().await {
                Err(told) => told,
                Ok(()) => SourceError::Refused { place, reason },
            },
            error => error,
        }
    }

    fn truncated(&self, found_bytes: u64) -> SourceError {
        SourceError::Truncated {
            blob: self.blob.full_path.clone(),
            listed_bytes: self.blob.size_bytes,
            found_bytes,
        }
    }

    fn check_size(&self, size_bytes: u64) -> Result<(), SourceError> {
        match size_bytes.cmp(&self.blob.size_bytes) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Less => Err(self.truncated(size_bytes)),
            std::cmp::Ordering::Greater => {
                Err(SourceError::BlobChanged { blob: self.blob.full_path.clone() })
            }
        }
    }

    /// Looks at the blob once more: same ETag, or where the store has none,
    /// same size and modification time.
    pub async fn verify(&self) -> Result<(), SourceError> {
        let blob = || self.blob.full_path.clone();
        let Some(now) = head(&self.store, &self.path).await? else {
            return Err(SourceError::BlobVanished { blob: blob() });
        };
        let changed = || Err(SourceError::BlobChanged { blob: blob() });
        match &self.blob.etag {
            Some(etag) if now.e_tag.as_deref().map(plain_etag) != Some(etag) => changed(),
            Some(_) => self.check_size(now.size),
            None => {
                self.check_size(now.size)?;
                let same = now.last_modified.timestamp_millis() == self.blob.last_modified_ms;
                if same { Ok(()) } else { changed() }
            }
        }
    }
}

/// `None` when a future takes longer than so many milliseconds.
pub(super) async fn within<T>(ms_max: u64, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(Duration::from_millis(ms_max), future).await.ok()
}

/// A task that ends with whoever waits for it.
struct OwnTask<T>(JoinHandle<T>);

impl<T> Future for OwnTask<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.0).poll(context).map(|ended| match ended {
            Ok(value) => value,
            // Nobody else holds the handle: the task was not aborted, it panicked.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        })
    }
}

impl<T> Drop for OwnTask<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests;
