//! Reads one blob in order, a range at a time, and only in one version.
//!
//! In: a [`Store`] and a [`BlobEntry`] of its listing. Out: the blob's bytes
//! in order, in chunks of at most one range. Every range is asked for under
//! the listed ETag, and after the last one the blob is looked at once more, so
//! a reader that saw the end has seen the listed version and nothing else.
//! Never decompresses and never buffers more than its ranges in flight.
//!
//! Local files are read the same way: a few large reads on Tokio's blocking
//! threads instead of object_store's stream of 8 KiB pieces.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore};
use tokio::sync::mpsc::Sender;

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

/// Times a range is asked for again after a passing fault. object_store has
/// retried each request by then.
pub const RANGE_RETRIES_MAX: u32 = 3;

/// Pause before the first such retry; it doubles with each.
pub const RANGE_RETRY_DELAY_MS: u64 = 500;

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
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            range_size_bytes: RANGE_SIZE_BYTES,
            ranges_in_flight: RANGES_IN_FLIGHT,
            range_retries_max: RANGE_RETRIES_MAX,
            retry_delay_ms: RANGE_RETRY_DELAY_MS,
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

    /// The bytes in order. The first error is the last item. A stream that
    /// ends without one has given the whole blob in its listed version.
    pub fn stream(self) -> impl Stream<Item = Result<Bytes, SourceError>> + Send + 'static {
        let ranges = self.ranges();
        let in_flight = self.options.ranges_in_flight.max(1);
        let (reader, verifier) = (self.clone(), self);
        let chunks = futures::stream::iter(ranges)
            .map(move |range| {
                let reader = reader.clone();
                async move { reader.range(range).await }
            })
            .buffered(in_flight);
        // An empty chunk stands for "verified" and is dropped below.
        let verified = futures::stream::once(async move {
            verifier.verify_unchanged().await.map(|()| Bytes::new())
        });
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

    /// Sends the bytes in order into a bounded channel, whose reader may sit
    /// on a plain thread (`blocking_recv`). The first error is the last thing
    /// sent; a channel closed without one has had the whole blob. Ends quietly
    /// when the receiver is dropped.
    ///
    /// The channel closes at the end of this future or when it is dropped, so
    /// a receiver must count bytes or ask whoever ran the future if it may be
    /// cancelled; returns the bytes sent of a blob read to its end.
    pub async fn send(self, sink: Sender<Result<Bytes, SourceError>>) -> Option<u64> {
        let mut chunks = std::pin::pin!(self.stream());
        let mut sent_bytes = 0;
        while let Some(chunk) = chunks.next().await {
            let length = chunk.as_ref().ok().map(|chunk| chunk.len() as u64);
            if sink.send(chunk).await.is_err() {
                return None;
            }
            sent_bytes += length?;
        }
        Some(sent_bytes)
    }

    fn ranges(&self) -> impl Iterator<Item = Range<u64>> + Send + use<> {
        let size = self.blob.size_bytes;
        let step = self.options.range_size_bytes.max(1);
        (0..size.div_ceil(step)).map(move |index| {
            let start = index * step;
            start..size.min(start.saturating_add(step))
        })
    }

    async fn range(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        let mut retries = 0;
        loop {
            match self.try_range(range.clone()).await {
                Err(error)
                    if error.class() == ErrorClass::Retryable
                        && retries < self.options.range_retries_max =>
                {
                    // At most RANGE_RETRIES_MAX doublings by default; the cap
                    // keeps any setting from overflowing.
                    let delay_ms = self.options.retry_delay_ms << retries.min(10);
                    tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                    retries += 1;
                }
                result => return result,
            }
        }
    }

    async fn try_range(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        let if_match = self.blob.etag.as_deref().map(|etag| self.store.etag_to_match(etag));
        let options =
            GetOptions { range: Some(range.clone().into()), if_match, ..GetOptions::default() };
        let bytes = match self.store.objects().get_opts(&self.path, options).await {
            Ok(found) => {
                self.check_size(found.meta.size)?;
                found.bytes().await
            }
            Err(error) => Err(error),
        };
        match bytes {
            Ok(bytes) if bytes.len() as u64 == range.end - range.start => Ok(bytes),
            Ok(bytes) => Err(self.truncated(range.start + bytes.len() as u64)),
            Err(error) => Err(self.diagnose(&error).await),
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
            SourceError::Refused { place, reason } => match self.verify_unchanged().await {
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
    async fn verify_unchanged(&self) -> Result<(), SourceError> {
        let blob = || self.blob.full_path.clone();
        let Some(now) = head(&self.store, &self.path).await? else {
            return Err(SourceError::BlobVanished { blob: blob() });
        };
        self.check_size(now.size)?;
        let unchanged = match &self.blob.etag {
            Some(etag) => now.e_tag.as_deref().map(plain_etag) == Some(etag),
            None => now.last_modified.timestamp_millis() == self.blob.last_modified_ms,
        };
        if unchanged { Ok(()) } else { Err(SourceError::BlobChanged { blob: blob() }) }
    }
}

#[cfg(test)]
mod tests;
