//! The page at hand of a column that may have a dictionary.
//!
//! In: validity, codes or plain values. Out: a data page in a [`ChunkBuilder`].

use parquet::basic::Encoding;
use parquet::errors::Result;

use super::chunk::{Bounds, ChunkBuilder, PageInfo, Zstd};
use super::levels::Levels;
use super::pool::Code;
use super::{PAGE_BYTES_TARGET, PAGE_ROWS_MAX, hybrid};

/// Rows taken at a time, so that a plain page does not grow far over its target.
pub(super) const STEP_ROWS: usize = 1_024;

/// Values of a row group after which it is known whether a dictionary pays.
pub(super) const SAMPLE_VALUES: usize = 8_192;

/// How the values of the row group at hand are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// By dictionary, until the sample is complete.
    Undecided,
    Dictionary,
    Plain,
}

/// Rows of the page at hand.
pub(super) struct PageBuffer {
    pub(super) levels: Levels,
    /// Its values: by code,
    pub(super) codes: Vec<Code>,
    /// or plain.
    pub(super) plain: Vec<u8>,
}

impl PageBuffer {
    pub(super) fn new() -> Self {
        Self { levels: Levels::new(), codes: Vec::new(), plain: Vec::new() }
    }

    /// How many of so many rows are taken next.
    pub(super) fn step(&self, rows: usize) -> usize {
        rows.min(PAGE_ROWS_MAX - self.levels.rows()).min(STEP_ROWS)
    }

    pub(super) fn is_full(&self) -> bool {
        self.levels.rows() == PAGE_ROWS_MAX || self.plain.len() >= PAGE_BYTES_TARGET
    }

    pub(super) fn is_empty(&self) -> bool {
        self.levels.rows() == 0
    }

    /// Whether there is any value.
    pub(super) fn has_values(&self) -> bool {
        self.levels.nulls() < self.levels.rows()
    }

    /// Ends the page, which has rows, and begins the next one. Codes are below
    /// `dictionary_length`.
    pub(super) fn close(
        &mut self,
        dictionary_length: usize,
        bounds: Option<Bounds>,
        chunk: &mut ChunkBuilder,
        zstd: &mut Zstd,
    ) -> Result<()> {
        let (rows, nulls) = (self.levels.rows(), self.levels.nulls());
        let mut body = std::mem::take(&mut zstd.page_body);
        self.levels.encode(&mut body);
        let encoding = if self.codes.is_empty() {
            body.append(&mut self.plain);
            self.plain.shrink_to(2 * PAGE_BYTES_TARGET);
            Encoding::PLAIN
        } else {
            let width = hybrid::bit_width(dictionary_length as u32 - 1);
            body.push(width);
            hybrid::encode(&self.codes, width, &mut body);
            self.codes.clear();
            Encoding::RLE_DICTIONARY
        };
        chunk.add(&body, PageInfo { rows, nulls, encoding, bounds }, zstd)?;
        body.clear();
        body.shrink_to(2 * PAGE_BYTES_TARGET);
        zstd.page_body = body;
        Ok(())
    }
}
