//! A blob that is a file on disk, read by whoever needs its bytes.
//!
//! Bytes that are read where they are worked on need not change the processor. The kernel
//! is asked for what comes next, so that it is there by then, also of a mounted share.
//! Whatever goes wrong here is for ranges to find out, from [`LocalFile::position`] on.

use std::fs::File;
use std::io::Read;

use object_store::{GetResult, GetResultPayload};

use super::{ANSWER_SECONDS_MAX, BlobReader, within};

/// Bytes that the kernel is asked to have read before they are needed.
const AHEAD_BYTES: u64 = 4 << 20;
/// Bytes of one such request.
const PIECE_BYTES: u64 = 512 << 10;

/// An open file, as long as it was listed.
#[derive(Debug)]
pub struct LocalFile {
    file: File,
    position: u64,
    size_bytes: u64,
    /// Up to where the kernel was asked to read.
    asked: u64,
}

impl LocalFile {
    fn new(file: File, size_bytes: u64) -> Self {
        Self { file, position: 0, size_bytes, asked: 0 }
    }

    /// Appends the next bytes, at most so many; blocks. Returns how many: 0 at the end
    /// of the file as it was listed, and when it cannot be read on.
    pub fn read(&mut self, buffer: &mut Vec<u8>, bytes_max: usize) -> usize {
        self.ask_ahead();
        let length = (bytes_max as u64).min(self.size_bytes - self.position);
        let before = buffer.len();
        if self.file.by_ref().take(length).read_to_end(buffer).is_err() {
            buffer.truncate(before);
            // What was read of it is asked for again, in its place.
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

    /// By pieces: the kernel reads no more ahead for one request than its device takes at
    /// once, and forgets the rest.
    fn ask_ahead(&mut self) {
        let until = self.size_bytes.min(self.position + AHEAD_BYTES);
        while self.asked < until {
            let length = PIECE_BYTES.min(self.size_bytes - self.asked);
            // A file system that does not do so is read all the same.
            #[cfg(target_os = "linux")]
            let _ = rustix::fs::fadvise(
                &self.file,
                self.asked,
                std::num::NonZeroU64::new(length),
                rustix::fs::Advice::WillNeed,
            );
            self.asked += length;
        }
    }
}

impl BlobReader {
    /// The blob as a file, where it is one that can be opened in its listed version and
    /// nothing bounds how fast its bytes may come. What is read of it counts only once
    /// [`Self::send`] has sent the rest, which may be nothing, without an error.
    pub async fn open_file(&self) -> Option<LocalFile> {
        let limits = self.store.limits();
        if !self.store.is_local() || limits.has_bandwidth() {
            return None;
        }
        let permit = limits.request().await;
        let opened = self.store.objects().get_opts(&self.path, self.get_options(None));
        let opened = within(ANSWER_SECONDS_MAX * 1_000, opened).await;
        // Whoever takes the bytes may take their time: that is no request.
        drop(permit);
        match opened {
            Some(Ok(GetResult { payload: GetResultPayload::File(file, _), .. })) => {
                Some(LocalFile::new(file, self.blob.size_bytes))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_read_on_gives_nothing() {
        let mut place = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut place, b"0123456789").unwrap();
        let write_only = File::options().write(true).open(place.path()).unwrap();
        let mut file = LocalFile::new(write_only, 10);
        let mut buffer = b"before".to_vec();
        for _ in 0..2 {
            assert_eq!(file.read(&mut buffer, 4), 0);
            assert_eq!((buffer.as_slice(), file.position()), (b"before".as_slice(), 0));
        }
    }

    #[test]
    fn what_comes_next_is_asked_for_and_no_more() {
        let size = 3 * AHEAD_BYTES + 5;
        let mut file = LocalFile::new(tempfile::tempfile().unwrap(), size);
        for position in (0..=size).step_by(300 << 10) {
            file.position = position;
            file.ask_ahead();
            assert!(file.asked >= size.min(position + AHEAD_BYTES));
            assert!(file.asked < position + AHEAD_BYTES + PIECE_BYTES && file.asked <= size);
        }
    }
}
