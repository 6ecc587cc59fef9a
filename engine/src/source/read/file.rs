//! A blob that is a file on disk, read by whoever needs its bytes.
//!
//! There is no round trip to hide: the kernel reads ahead, and bytes that are read where
//! they are worked on need not change the processor. Whatever goes wrong here is for
//! ranges to find out, from [`LocalFile::position`] on.

use std::fs::File;
use std::io::Read;

use object_store::{GetResult, GetResultPayload};

use super::{ANSWER_SECONDS_MAX, BlobReader, within};

/// An open file, as long as it was listed.
#[derive(Debug)]
pub struct LocalFile {
    file: File,
    position: u64,
    size_bytes: u64,
}

impl LocalFile {
    /// Appends the next bytes, at most so many; blocks. Returns how many: 0 at the end
    /// of the file as it was listed, and when it cannot be read on.
    pub fn read(&mut self, buffer: &mut Vec<u8>, bytes_max: usize) -> usize {
        let length = (bytes_max as u64).min(self.size_bytes - self.position);
        let before = buffer.len();
        if self.file.by_ref().take(length).read_to_end(buffer).is_err() {
            buffer.truncate(before);
            // What is read of it again is in its place there.
            self.size_bytes = self.position;
        }
        let read = buffer.len() - before;
        self.position += read as u64;
        read
    }

    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        self.position
    }
}

impl BlobReader {
    /// The blob as a file, where it is one that can be opened in its listed version and
    /// nothing bounds how fast its bytes may come. What is read of it counts only once
    /// [`Self::send`] has sent the rest, which may be nothing, without an error.
    pub async fn open_file(&self) -> Option<LocalFile> {
        let limits = self.store.limits();
        if !self.store.is_local() || limits.bound_bandwidth() {
            return None;
        }
        let permit = limits.request().await;
        let opened = self.store.objects().get_opts(&self.path, self.get_options(None));
        let opened = within(ANSWER_SECONDS_MAX * 1_000, opened).await;
        // Whoever takes the bytes may take their time: that is no request.
        drop(permit);
        let size_bytes = self.blob.size_bytes;
        match opened {
            Some(Ok(GetResult { payload: GetResultPayload::File(file, _), .. })) => {
                Some(LocalFile { file, position: 0, size_bytes })
            }
            _ => None,
        }
    }
}
