//! Pages of a yes-or-no column: a bit each.

use arrow::array::{Array, BooleanArray, BooleanBufferBuilder};
use parquet::basic::Encoding;
use parquet::errors::Result;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use super::PAGE_ROWS_MAX;
use super::chunk::{Bounds, ChunkBuilder, Finished, PageInfo, Zstd};
use super::levels::Levels;

pub(super) struct FlagEncoder {
    chunk: ChunkBuilder,
    levels: Levels,
    /// Values of the page at hand, without NULLs.
    bits: BooleanBufferBuilder,
    page: Seen,
    row_group: Seen,
}

/// Which values there are.
#[derive(Clone, Copy, Default)]
struct Seen {
    no: bool,
    yes: bool,
}

impl Seen {
    /// Smallest and largest; no is less than yes.
    fn range(self) -> Option<(bool, bool)> {
        (self.no || self.yes).then_some((!self.no, self.yes))
    }
}

impl FlagEncoder {
    pub(super) fn new(descriptor: ColumnDescPtr) -> Self {
        Self {
            chunk: ChunkBuilder::new(descriptor, true),
            levels: Levels::new(),
            bits: BooleanBufferBuilder::new(0),
            page: Seen::default(),
            row_group: Seen::default(),
        }
    }

    /// Appends rows of a batch.
    pub(super) fn push(
        &mut self,
        column: &BooleanArray,
        from: usize,
        rows: usize,
        zstd: &mut Zstd,
    ) -> Result<()> {
        let end = from + rows;
        let mut at = from;
        while at < end {
            let step = (end - at).min(PAGE_ROWS_MAX - self.levels.rows());
            self.levels.push(column.nulls(), at, step);
            let mut put = |row: usize| {
                let value = column.value(row);
                self.bits.append(value);
                self.page.yes |= value;
                self.page.no |= !value;
            };
            match column.nulls() {
                None => (at..at + step).for_each(&mut put),
                Some(nulls) => {
                    let nulls = nulls.slice(at, step);
                    nulls.valid_indices().for_each(|row| put(at + row));
                }
            }
            at += step;
            if self.levels.rows() == PAGE_ROWS_MAX {
                self.close_page(zstd)?;
            }
        }
        Ok(())
    }

    fn close_page(&mut self, zstd: &mut Zstd) -> Result<()> {
        let (rows, nulls) = (self.levels.rows(), self.levels.nulls());
        if rows == 0 {
            return Ok(());
        }
        let mut body = Vec::new();
        self.levels.encode(&mut body);
        body.extend_from_slice(&self.bits.as_slice()[..self.bits.len().div_ceil(8)]);
        self.bits.truncate(0);
        let seen = std::mem::take(&mut self.page);
        self.row_group.no |= seen.no;
        self.row_group.yes |= seen.yes;
        let bounds = seen.range().map(|(minimum, maximum)| Bounds {
            minimum: vec![minimum.into()],
            maximum: vec![maximum.into()],
        });
        self.chunk.add(&body, PageInfo { rows, nulls, encoding: Encoding::PLAIN, bounds }, zstd)
    }

    /// Ends the row group.
    pub(super) fn finish(&mut self, zstd: &mut Zstd) -> Result<Finished> {
        self.close_page(zstd)?;
        let (minimum, maximum) = std::mem::take(&mut self.row_group).range().unzip();
        let nulls = Some(self.chunk.nulls() as u64);
        let statistics = Statistics::boolean(minimum, maximum, None, nulls, false);
        self.chunk.finish(None, Some(statistics), zstd)
    }
}
