//! Which values of a page are there: definition levels of a nullable column.
//!
//! In: validity bitmaps. Out: levels as a data page of version 1 holds them.

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::NullBuffer;

use super::hybrid;

/// Validity of the rows of a page.
pub(super) struct Levels {
    bits: BooleanBufferBuilder,
    nulls: usize,
}

impl Levels {
    pub(super) fn new() -> Self {
        Self { bits: BooleanBufferBuilder::new(0), nulls: 0 }
    }

    /// Appends rows of a batch; returns how many of them are there.
    pub(super) fn push(&mut self, nulls: Option<&NullBuffer>, from: usize, rows: usize) -> usize {
        match nulls {
            None => {
                self.bits.append_n(rows, true);
                rows
            }
            Some(nulls) => {
                let slice = nulls.slice(from, rows);
                self.bits.append_buffer(slice.inner());
                self.nulls += slice.null_count();
                rows - slice.null_count()
            }
        }
    }

    /// Appends rows that are not there.
    pub(super) fn push_nulls(&mut self, rows: usize) {
        self.bits.append_n(rows, false);
        self.nulls += rows;
    }

    /// Appends rows, `present` of which are there: a bit each, from the lowest.
    pub(super) fn push_bits(&mut self, bits: &[u8], rows: usize, present: usize) {
        self.bits.append_packed_range(0..rows, bits);
        self.nulls += rows - present;
    }

    /// Rows so far.
    pub(super) fn rows(&self) -> usize {
        self.bits.len()
    }

    /// NULLs among them.
    pub(super) fn nulls(&self) -> usize {
        self.nulls
    }

    /// Appends the levels with their length before them, and begins a new page.
    pub(super) fn encode(&mut self, out: &mut Vec<u8>) {
        const WIDTH: u8 = 1;
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        let rows = self.rows();
        if self.nulls == 0 || self.nulls == rows {
            hybrid::run(u32::from(self.nulls == 0), rows, WIDTH, out);
        } else {
            // Packed levels of one bit are the bitmap itself.
            let groups = rows.div_ceil(8);
            hybrid::packed_header(groups, out);
            out.extend_from_slice(&self.bits.as_slice()[..groups]);
        }
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_le_bytes());
        self.bits.truncate(0);
        self.nulls = 0;
    }
}
