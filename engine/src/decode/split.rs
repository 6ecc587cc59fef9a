//! Cuts a stream of CSV bytes into chunks of whole records.
//!
//! Input: pieces of plain text, cut anywhere. Output: [`RecordChunk`]s in
//! order. Every byte is scanned once, and copied once into the chunk's buffer,
//! unless its source appends it there; of a chunk only the record that is not
//! complete is copied again, with what was found out about it, into the next one.

use std::fmt;

use bytes::Bytes;
use memchr::memchr_iter;

use super::DecodeError;
use super::chunk::RecordChunk;
use super::scan::{BLOCK_BYTES, Index, Kernel, State};
use crate::buffers::Buffers;

/// A chunk is handed on when its buffer holds this many bytes, some 450
/// records. Half a mebibyte, its index and the batch made of it stay in a
/// processor's second-level cache; with 1 MiB normalizing was up to 10 %
/// slower.
pub const CHUNK_BYTES_TARGET: usize = 512 << 10;

/// Longest record. Azure's longest cells (tags, additional info) have some
/// ten thousand bytes; anything above is a quote that was never closed.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

/// UTF-8 byte order mark.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Sizes; other values than the defaults are for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitOptions {
    /// See [`CHUNK_BYTES_TARGET`].
    pub chunk_bytes_target: usize,
    /// See [`RECORD_BYTES_MAX`].
    pub record_bytes_max: usize,
    /// Which implementation scans.
    pub kernel: Kernel,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self {
            chunk_bytes_target: CHUNK_BYTES_TARGET,
            record_bytes_max: RECORD_BYTES_MAX,
            kernel: Kernel::best(),
        }
    }
}

/// Push splitter of one blob.
pub struct Splitter {
    options: SplitOptions,
    buffers: Buffers,
    /// Bytes not handed on yet.
    pending: Vec<u8>,
    /// Bytes of `pending` that were scanned.
    scanned: usize,
    /// State at `scanned`.
    state: State,
    index: Index,
    /// Complete records of `index` whose length was checked.
    checked: usize,
    /// Offset of `pending` in the blob.
    byte_offset: u64,
    /// Line on which `pending` begins.
    line: u64,
    begun: bool,
}

impl fmt::Debug for Splitter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Splitter")
            .field("pending_bytes", &self.pending.len())
            .field("state", &self.state)
            .field("byte_offset", &self.byte_offset)
            .finish_non_exhaustive()
    }
}

impl Default for Splitter {
    fn default() -> Self {
        Self::new()
    }
}

impl Splitter {
    /// A splitter at the start of a blob.
    pub fn new() -> Self {
        Self::with_options(SplitOptions::default())
    }

    /// As [`Self::new`], with other sizes.
    ///
    /// # Panics
    /// When the sizes leave the range of a chunk's 32-bit index.
    pub fn with_options(options: SplitOptions) -> Self {
        let fits = |bytes: usize| bytes < (u32::MAX / 4) as usize;
        assert!(fits(options.chunk_bytes_target) && fits(options.record_bytes_max));
        Self {
            options,
            buffers: Buffers::default(),
            pending: Vec::new(),
            scanned: 0,
            state: State::FieldStart,
            index: Index::new(0),
            checked: 0,
            byte_offset: 0,
            line: 1,
            begun: false,
        }
    }

    /// Takes the next bytes; calls `out` for every chunk that is full.
    ///
    /// # Errors
    /// [`DecodeError::RecordTooLarge`].
    pub fn push(
        &mut self,
        bytes: Bytes,
        out: &mut impl FnMut(RecordChunk),
    ) -> Result<(), DecodeError> {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (pending, room) = self.room();
            let (taken, left) = rest.split_at(room.min(rest.len()));
            pending.extend_from_slice(taken);
            rest = left;
            self.take_appended(out)?;
        }
        Ok(())
    }

    /// Where the next bytes may be appended, and how many of them at most, instead of
    /// being pushed: they are not copied then. To be told by [`Self::take_appended`].
    pub fn room(&mut self) -> (&mut Vec<u8>, usize) {
        let target = self.options.chunk_bytes_target.max(1);
        // A buffer above the target holds one long record: let it grow.
        let room = match target.saturating_sub(self.pending.len()) {
            0 => target,
            room => room,
        };
        // Room for a whole chunk at once, not by doubling.
        if self.pending.capacity() == 0 {
            self.pending.reserve_exact(room);
        }
        (&mut self.pending, room)
    }

    /// Takes what was appended to [`Self::room`]; calls `out` for a chunk that is full.
    ///
    /// # Errors
    /// [`DecodeError::RecordTooLarge`].
    pub fn take_appended(&mut self, out: &mut impl FnMut(RecordChunk)) -> Result<(), DecodeError> {
        self.scan()?;
        if self.pending.len() >= self.options.chunk_bytes_target.max(1) {
            self.emit(out);
        }
        Ok(())
    }

    /// Bytes of the blob so far.
    pub fn bytes_taken(&self) -> u64 {
        self.byte_offset + self.pending.len() as u64
    }

    /// Ends the blob: emits the records that are left. The last one needs no
    /// line end. Emits nothing when the blob has no record.
    ///
    /// # Errors
    /// [`DecodeError::UnterminatedQuote`], [`DecodeError::RecordTooLarge`].
    pub fn finish(&mut self, out: &mut impl FnMut(RecordChunk)) -> Result<(), DecodeError> {
        self.begin();
        self.state =
            self.options.kernel.scan_rest(&self.pending, self.scanned, self.state, &mut self.index);
        self.scanned = self.pending.len();
        if self.state == State::Quoted {
            let quote = self.index.open_field();
            return Err(DecodeError::UnterminatedQuote {
                line: self.line_at(quote),
                byte_offset: self.byte_offset + quote as u64,
            });
        }
        self.index.push_input_end(&self.pending);
        self.check_lengths()?;
        self.emit(out);
        Ok(())
    }

    fn scan(&mut self) -> Result<(), DecodeError> {
        if self.pending.len() < self.scanned + BLOCK_BYTES {
            return Ok(());
        }
        self.begin();
        (self.scanned, self.state) = self.options.kernel.scan_blocks(
            &self.pending,
            self.scanned,
            self.state,
            &mut self.index,
        );
        self.check_lengths()
    }

    /// Skips a byte order mark. At least a block's worth of bytes is there,
    /// or the whole blob.
    fn begin(&mut self) {
        if !self.begun && self.pending.starts_with(BOM) {
            self.index = Index::new(BOM.len());
            self.scanned = BOM.len();
        }
        self.begun = true;
    }

    fn check_lengths(&mut self) -> Result<(), DecodeError> {
        let bytes_max = self.options.record_bytes_max;
        let mut records = self.index.records_from(self.checked);
        let long = records.find(|(_, length)| *length > bytes_max).map(|(start, _)| start);
        drop(records);
        self.checked = self.index.complete_records();
        let open = self.index.open_record().byte as usize;
        let long = long.or((self.scanned.saturating_sub(open) > bytes_max).then_some(open));
        match long {
            Some(start) => Err(DecodeError::RecordTooLarge {
                line: self.line_at(start),
                byte_offset: self.byte_offset + start as u64,
                bytes_max,
            }),
            None => Ok(()),
        }
    }

    fn line_at(&self, position: usize) -> u64 {
        self.line + count_lines(&self.pending[..position])
    }

    /// Hands on the complete records and keeps the open one.
    fn emit(&mut self, out: &mut impl FnMut(RecordChunk)) {
        let cut = self.index.open_record().byte as usize;
        if cut == 0 {
            return;
        }
        let records = self.index.complete_records();
        let (line_feeds, is_ascii) = (self.index.line_feeds(), self.index.is_ascii());
        let (ends, starts) = self.index.take_complete(&self.pending[cut..self.scanned]);
        let open = &self.pending[cut..];
        let target = self.options.chunk_bytes_target;
        let mut next = self.buffers.take(open.len().max(target));
        next.extend_from_slice(open);
        let mut full = std::mem::replace(&mut self.pending, next);
        full.truncate(cut);
        let (byte_offset, line) = (self.byte_offset, self.line);
        self.byte_offset += cut as u64;
        self.line += line_feeds - self.index.line_feeds();
        self.scanned -= cut;
        self.checked = 0;
        if records > 0 {
            // A buffer that held a long record is not kept.
            let bytes = self.buffers.lend(full, 2 * target);
            out(RecordChunk::new(bytes, ends, starts, byte_offset, line, is_ascii));
        }
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}
