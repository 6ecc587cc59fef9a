//! Pages of a column of numbers: decimals, days, whole numbers.

use arrow::array::{Array, ArrowPrimitiveType, PrimitiveArray};
use parquet::basic::Type as PhysicalType;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::Result;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use super::chunk::{Bounds, ChunkBuilder, Finished, Zstd};
use super::page::{Mode, PageBuffer, SAMPLE_VALUES};
use super::pool::{Code, NumberPool};

/// Quarters of the sample that may be distinct: a number is compressed in little more
/// time than it is looked up.
const DISTINCT_QUARTERS_MAX: usize = 1;

/// Values of a dictionary, above which the rest of a row group is plain.
const DICTIONARY_VALUES_MAX: usize = 64 << 10;

/// Memory of a pool that outlives its row group.
const POOL_BYTES_KEPT_MAX: usize = 1 << 20;

/// How a number is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Four bytes, the lowest first.
    Int32,
    /// Sixteen bytes, the highest first.
    Decimal,
}

pub(super) struct NumberEncoder {
    chunk: ChunkBuilder,
    form: Form,
    mode: Mode,
    pool: NumberPool,
    /// Values of the row group, NULLs not counted.
    values: usize,
    page: PageBuffer,
    page_range: Option<(i128, i128)>,
    chunk_range: Option<(i128, i128)>,
}

impl NumberEncoder {
    pub(super) fn new(descriptor: ColumnDescPtr) -> Self {
        let form = match descriptor.physical_type() {
            PhysicalType::INT32 => Form::Int32,
            _ => Form::Decimal,
        };
        Self {
            chunk: ChunkBuilder::new(descriptor, true),
            form,
            mode: Mode::Undecided,
            pool: NumberPool::new(),
            values: 0,
            page: PageBuffer::new(),
            page_range: None,
            chunk_range: None,
        }
    }

    /// Appends rows of a batch.
    pub(super) fn push<T>(
        &mut self,
        column: &PrimitiveArray<T>,
        from: usize,
        rows: usize,
        zstd: &mut Zstd,
    ) -> Result<()>
    where
        T: ArrowPrimitiveType,
        T::Native: Into<i128>,
    {
        let end = from + rows;
        let mut at = from;
        while at < end {
            let step = self.page.step(end - at);
            let present = self.page.levels.push(column.nulls(), at, step);
            self.values += present;
            let values = &column.values()[at..at + step];
            match column.nulls().filter(|_| present < step) {
                None => self.push_values(values.iter().map(|value| (*value).into())),
                Some(nulls) => {
                    let nulls = nulls.slice(at, step);
                    self.push_values(nulls.valid_indices().map(|row| values[row].into()));
                }
            }
            at += step;
            self.choose_mode(zstd)?;
            if self.page.is_full() {
                self.close_page(zstd)?;
            }
        }
        Ok(())
    }

    fn push_values(&mut self, values: impl Iterator<Item = i128>) {
        if self.mode == Mode::Plain {
            let mut range = self.page_range;
            for value in values {
                append(value, self.form, &mut self.page.plain);
                range = Some(widened(range, value));
            }
            self.page_range = range;
            return;
        }
        let mut last: Option<(i128, Code)> = None;
        for value in values {
            if let Some((last_value, code)) = last
                && last_value == value
            {
                self.page.codes.push(code);
                continue;
            }
            let entry = self.pool.entry(value);
            let (code, is_new) = self.pool.marks.code(entry);
            if is_new {
                self.page_range = Some(widened(self.page_range, value));
            }
            self.page.codes.push(code);
            last = Some((value, code));
        }
    }

    fn choose_mode(&mut self, zstd: &mut Zstd) -> Result<()> {
        let distinct = self.pool.marks.entries().len();
        match self.mode {
            Mode::Undecided if self.values >= SAMPLE_VALUES => {
                if distinct * 4 <= self.values * DISTINCT_QUARTERS_MAX {
                    self.mode = Mode::Dictionary;
                } else {
                    for code in self.page.codes.drain(..) {
                        let entry = self.pool.marks.entries()[code as usize];
                        append(self.pool.value(entry), self.form, &mut self.page.plain);
                    }
                    self.pool = NumberPool::new();
                    self.mode = Mode::Plain;
                }
            }
            Mode::Undecided | Mode::Dictionary if distinct > DICTIONARY_VALUES_MAX => {
                self.close_page(zstd)?;
                self.mode = Mode::Plain;
            }
            _ => {}
        }
        Ok(())
    }

    fn close_page(&mut self, zstd: &mut Zstd) -> Result<()> {
        if self.page.is_empty() {
            return Ok(());
        }
        if self.mode == Mode::Undecided && self.page.has_values() {
            self.mode = Mode::Dictionary;
        }
        let bounds = self.page_range.take().map(|(minimum, maximum)| {
            self.chunk_range = Some(widened(Some(widened(self.chunk_range, minimum)), maximum));
            let bytes = |value| {
                let mut bytes = Vec::new();
                append(value, self.form, &mut bytes);
                bytes
            };
            Bounds { minimum: bytes(minimum), maximum: bytes(maximum) }
        });
        self.pool.marks.begin_page();
        let dictionary_length = self.pool.marks.entries().len();
        self.page.close(dictionary_length, bounds, &mut self.chunk, zstd)
    }

    /// Ends the row group.
    pub(super) fn finish(&mut self, zstd: &mut Zstd) -> Result<Finished> {
        self.close_page(zstd)?;
        let mut values = Vec::new();
        for entry in self.pool.marks.entries() {
            append(self.pool.value(*entry), self.form, &mut values);
        }
        let dictionary = (&values[..], self.pool.marks.entries().len());
        let statistics = statistics(self.form, self.chunk_range.take(), self.chunk.nulls());
        let finished = self.chunk.finish(Some(dictionary), Some(statistics), zstd)?;
        self.pool.end_row_group(POOL_BYTES_KEPT_MAX);
        self.mode = Mode::Undecided;
        self.values = 0;
        Ok(finished)
    }
}

#[inline(always)]
fn widened(range: Option<(i128, i128)>, value: i128) -> (i128, i128) {
    let (minimum, maximum) = range.unwrap_or((value, value));
    (minimum.min(value), maximum.max(value))
}

#[inline(always)]
fn append(value: i128, form: Form, out: &mut Vec<u8>) {
    match form {
        Form::Int32 => out.extend_from_slice(&(value as i32).to_le_bytes()),
        Form::Decimal => out.extend_from_slice(&value.to_be_bytes()),
    }
}

fn statistics(form: Form, range: Option<(i128, i128)>, nulls: usize) -> Statistics {
    let (minimum, maximum) = range.unzip();
    let nulls = Some(nulls as u64);
    match form {
        Form::Int32 => {
            let number = |value: i128| value as i32;
            Statistics::int32(minimum.map(number), maximum.map(number), None, nulls, false)
        }
        Form::Decimal => {
            let bytes = |value: i128| {
                FixedLenByteArray::from(ByteArray::from(value.to_be_bytes().to_vec()))
            };
            let (minimum, maximum) = (minimum.map(bytes), maximum.map(bytes));
            Statistics::fixed_len_byte_array(minimum, maximum, None, nulls, false)
        }
    }
}
