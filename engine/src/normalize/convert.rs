//! Cells of one column in, one Arrow array out.
//!
//! Input: where the cells stand in a chunk. Output: an array with one value
//! per cell, and a [`CellFault`] for every cell that could not be read (whose
//! value is then NULL). Never looks at another column.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int32Array, StringViewArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};

use super::reject::shown;
use crate::decode::{FieldSpan, RecordChunk, unescape};
use crate::model::date::parse_date;
use crate::model::money::{ONE, parse_decimal};
use crate::model::{ColumnSet, DECIMAL_PRECISION, DECIMAL_SCALE, ValueKind};
use crate::same::is_same;

/// What Azure writes for "no id" where a GUID is expected.
const ZERO_GUID: &[u8; 36] = b"00000000-0000-0000-0000-000000000000";

/// Its first four bytes as a view holds them.
const ZERO_GUID_PREFIX: u32 = u32::from_le_bytes(*b"0000");

/// Longest part of a cell shown in a reason.
const CELL_TEXT_BYTES_MAX: usize = 80;

/// Good records of a chunk, whose cells are to be read.
#[derive(Clone, Copy)]
pub(super) struct ChunkCells<'a> {
    pub(super) chunk: &'a RecordChunk,
    /// The records.
    pub(super) rows: &'a [u32],
    /// Fields that each of them has.
    pub(super) field_count: usize,
    pub(super) column_set: &'static ColumnSet,
    /// The chunk's memory, to be shared with arrays.
    buffer: &'a Buffer,
    /// Whether the whole chunk is valid UTF-8, hence every cell.
    is_utf8: bool,
}

impl<'a> ChunkCells<'a> {
    /// `buffer` is the chunk's memory.
    pub(super) fn new(
        chunk: &'a RecordChunk,
        buffer: &'a Buffer,
        rows: &'a [u32],
        field_count: usize,
        column_set: &'static ColumnSet,
    ) -> Self {
        Self { chunk, rows, field_count, column_set, buffer, is_utf8: chunk.is_utf8() }
    }

    /// What stands there.
    #[inline(always)]
    pub(super) fn bytes(&self, span: FieldSpan) -> &'a [u8] {
        &self.chunk.bytes()[span.start as usize..span.end as usize]
    }

    /// Cells of a column of the set, which stand at `spans`.
    pub(super) fn of_column(&self, column: usize, spans: &'a [FieldSpan]) -> Cells<'a> {
        let name = self.column_set.columns[column].name;
        Cells {
            column,
            never_null: self.column_set.never_null.contains(&name),
            bytes: self.chunk.bytes(),
            buffer: self.buffer,
            is_utf8: self.is_utf8,
            spans,
        }
    }
}

/// Cells of one column of a chunk.
pub(super) struct Cells<'a> {
    /// Position in the canonical schema.
    pub(super) column: usize,
    /// Whether an empty cell is a fault.
    pub(super) never_null: bool,
    /// The chunk.
    pub(super) bytes: &'a [u8],
    /// The same memory, to be shared with arrays.
    pub(super) buffer: &'a Buffer,
    /// Whether every cell is known to be valid UTF-8.
    pub(super) is_utf8: bool,
    /// Where the cells stand.
    pub(super) spans: &'a [FieldSpan],
}

impl<'a> Cells<'a> {
    fn raw(&self) -> impl Iterator<Item = &'a [u8]> {
        let bytes = self.bytes;
        self.spans.iter().map(move |span| &bytes[span.start as usize..span.end as usize])
    }
}

/// A cell that could not be read.
#[derive(Debug)]
pub(super) struct CellFault {
    /// Position among the cells.
    pub(super) row: usize,
    /// Position in the canonical schema.
    pub(super) column: usize,
    /// What is wrong, with the text of the cell.
    pub(super) reason: String,
}

/// Converts the cells of a column of the given kind.
pub(super) fn convert(kind: ValueKind, cells: &Cells<'_>, faults: &mut Vec<CellFault>) -> ArrayRef {
    match kind {
        ValueKind::Text => Arc::new(texts(cells, Case::Kept, faults)),
        ValueKind::LowercaseText => Arc::new(texts(cells, Case::Lowered, faults)),
        ValueKind::Decimal => decimals(cells, decimal, faults),
        ValueKind::Rate => decimals(cells, rate, faults),
        ValueKind::Date => {
            let (days, nulls) = values(cells, date, faults);
            Arc::new(Date32Array::new(days.into(), nulls))
        }
        ValueKind::Boolean => {
            let (flags, nulls) = values(cells, boolean, faults);
            Arc::new(BooleanArray::new(BooleanBuffer::from(flags), nulls))
        }
        ValueKind::Integer => {
            let (numbers, nulls) = values(cells, integer, faults);
            Arc::new(Int32Array::new(numbers.into(), nulls))
        }
    }
}

fn decimals(
    cells: &Cells<'_>,
    parse: impl Fn(&[u8]) -> Parsed<i128>,
    faults: &mut Vec<CellFault>,
) -> ArrayRef {
    let (raw, nulls) = values(cells, parse, faults);
    let array = Decimal128Array::new(raw.into(), nulls)
        .with_precision_and_scale(DECIMAL_PRECISION, DECIMAL_SCALE)
        .expect("precision and scale of the schema are legal");
    Arc::new(array)
}

/// What a cell, not empty, says. `Ok(None)` is NULL; the error says what is wrong.
type Parsed<T> = Result<Option<T>, &'static str>;

/// Values and NULLs of a column that is not text. A cell with the bytes of
/// the one before has its value: dates, rates and flags hardly change.
fn values<T: Copy + Default>(
    cells: &Cells<'_>,
    parse: impl Fn(&[u8]) -> Parsed<T>,
    faults: &mut Vec<CellFault>,
) -> (Vec<T>, Option<NullBuffer>) {
    let mut values = Vec::with_capacity(cells.spans.len());
    let mut validity = Validity::new(cells.spans.len());
    let (mut last_raw, mut last): (&[u8], Option<T>) = (b"", None);
    for (row, raw) in cells.raw().enumerate() {
        if !is_same(raw, last_raw) {
            match parse(raw) {
                Ok(value) => (last_raw, last) = (raw, value),
                Err(problem) => {
                    let reason = format!("{problem}: {:?}", shown(raw, CELL_TEXT_BYTES_MAX));
                    faults.push(CellFault { row, column: cells.column, reason });
                    values.push(T::default());
                    validity.push(false);
                    continue;
                }
            }
        }
        if cells.never_null && last.is_none() {
            let reason = "the cell is empty".to_owned();
            faults.push(CellFault { row, column: cells.column, reason });
        }
        values.push(last.unwrap_or_default());
        validity.push(last.is_some());
    }
    (values, validity.finish())
}

#[inline(always)]
fn decimal(raw: &[u8]) -> Parsed<i128> {
    // Nearly every cell is a bare number; quotes and blanks are looked for
    // only when it is not.
    match parse_decimal(raw) {
        Ok(value) => Ok(Some(value)),
        Err(_) => decorated_decimal(raw),
    }
}

#[cold]
fn decorated_decimal(raw: &[u8]) -> Parsed<i128> {
    match plain(raw).as_deref() {
        None => Ok(None),
        Some(text) => parse_decimal(text).map(Some).map_err(decimal_problem),
    }
}

fn decimal_problem(error: crate::model::money::DecimalError) -> &'static str {
    use crate::model::money::DecimalError;
    match error {
        DecimalError::NotANumber => "not a number",
        DecimalError::TooLarge => "number is too large for 38 digits with 18 decimals",
    }
}

/// A fraction: `0.15`, or a percentage `15%` or `15`. Above 1 it can only be
/// a percentage.
fn rate(raw: &[u8]) -> Parsed<i128> {
    let Some(text) = plain(raw) else { return Ok(None) };
    let (number, is_percent) = match text.strip_suffix(b"%") {
        Some(number) => (number.trim_ascii_end(), true),
        None => (&*text, false),
    };
    let value = parse_decimal(number).map_err(decimal_problem)?;
    Ok(Some(if is_percent || value.abs() > ONE { hundredth(value) } else { value }))
}

/// A hundredth, rounded half to even.
fn hundredth(value: i128) -> i128 {
    let (quotient, rest) = (value.div_euclid(100), value.rem_euclid(100));
    quotient + i128::from(rest > 50 || (rest == 50 && quotient % 2 != 0))
}

fn date(raw: &[u8]) -> Parsed<i32> {
    if let Some(day) = parse_date(raw) {
        return Ok(Some(day));
    }
    match plain(raw).as_deref() {
        None => Ok(None),
        Some(text) => parse_date(text).map(Some).ok_or("not a date (MM/DD/YYYY or YYYY-MM-DD)"),
    }
}

fn boolean(raw: &[u8]) -> Parsed<bool> {
    let Some(text) = plain(raw) else { return Ok(None) };
    let is_one_of =
        |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()));
    if is_one_of(&["true", "1", "yes"]) {
        Ok(Some(true))
    } else if is_one_of(&["false", "0", "no"]) {
        Ok(Some(false))
    } else {
        Err("not true or false")
    }
}

/// A whole number, also `12.0`; of a period (`P1Y`, `P6M`) the months.
fn integer(raw: &[u8]) -> Parsed<i32> {
    const PROBLEM: &str = "not a whole number";
    let Some(text) = plain(raw) else { return Ok(None) };
    let (number, factor) = match &*text {
        [b'P' | b'p', number @ .., b'Y' | b'y'] => (number, 12),
        [b'P' | b'p', number @ .., b'M' | b'm'] => (number, 1),
        number => (number, 1),
    };
    let value = parse_decimal(number).map_err(|_| PROBLEM)?;
    if value % ONE != 0 {
        return Err(PROBLEM);
    }
    let value = i32::try_from(value / ONE).ok().and_then(|value| value.checked_mul(factor));
    value.map(Some).ok_or(PROBLEM)
}

/// The text of a cell that is not text: quotes and blanks around it taken
/// off. `None` when nothing is left or it says null.
fn plain(raw: &[u8]) -> Option<Cow<'_, [u8]>> {
    let trimmed = raw.trim_ascii();
    let text = if trimmed.first() == Some(&b'"') {
        let mut text = Vec::new();
        unescape(trimmed, &mut text);
        Cow::Owned(text.trim_ascii().to_vec())
    } else {
        Cow::Borrowed(trimmed)
    };
    (!text.is_empty() && !text.eq_ignore_ascii_case(b"null")).then_some(text)
}

/// Whether letters stay as they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Kept,
    Lowered,
}

/// Text as views into the chunk. What had to be changed (doubled quotes,
/// letter case) is written to a second buffer.
fn texts<'a>(cells: &Cells<'a>, case: Case, faults: &mut Vec<CellFault>) -> StringViewArray {
    const CHUNK: u32 = 0;
    const CHANGED: u32 = 1;
    let mut validity = Validity::new(cells.spans.len());
    let mut changed: Vec<u8> = Vec::new();
    let (mut last_raw, mut last_view): (&[u8], u128) = (b"", 0);
    let mut view_of = |row: usize, raw: &'a [u8], start: usize| {
        if !cells.is_utf8 && std::str::from_utf8(raw).is_err() {
            let reason = format!("not valid UTF-8: {:?}", shown(raw, CELL_TEXT_BYTES_MAX));
            faults.push(CellFault { row, column: cells.column, reason });
            return 0;
        }
        if case == Case::Kept && raw.first() != Some(&b'"') {
            return text_view(cells.bytes, start, raw.len(), CHUNK);
        }
        if raw == last_raw {
            return last_view;
        }
        last_raw = raw;
        last_view = match inner_text(raw) {
            Some(inner) if case == Case::Kept => {
                text_view(cells.bytes, start + 1, inner.len(), CHUNK)
            }
            _ => {
                let start = changed.len();
                append_changed(raw, case, &mut changed);
                text_view(&changed, start, changed.len() - start, CHANGED)
            }
        };
        last_view
    };
    let views: Vec<u128> = cells
        .spans
        .iter()
        .enumerate()
        .map(|(row, span)| {
            let start = span.start as usize;
            let view = view_of(row, &cells.bytes[start..span.end as usize], start);
            validity.push(view != 0);
            view
        })
        .collect();
    let nulls = validity.finish();
    let changed = Buffer::from(changed);
    // SAFETY: every view was made by `text_view` from the first or the second
    // of these buffers, within its bounds, with its own prefix; every text is
    // a whole cell, cut at ASCII separators and quotes out of valid UTF-8
    // (the chunk's, or the cell's, checked above), or a `str` lower-cased.
    // The safe twin is `StringViewArray::try_new`, which the tests run over
    // every array.
    unsafe {
        StringViewArray::new_unchecked(
            ScalarBuffer::from(views),
            [cells.buffer.clone(), changed],
            nulls,
        )
    }
}

/// What stands between the quotes, if nothing in there needs a change.
fn inner_text(raw: &[u8]) -> Option<&[u8]> {
    match raw {
        [b'"', inner @ .., b'"'] if memchr::memchr(b'"', inner).is_none() => Some(inner),
        _ => None,
    }
}

/// Appends what a cell says, unescaped and perhaps lower-cased.
fn append_changed(raw: &[u8], case: Case, changed: &mut Vec<u8>) {
    let start = changed.len();
    if raw.first() == Some(&b'"') {
        unescape(raw, changed);
    } else {
        changed.extend_from_slice(raw);
    }
    if case == Case::Kept {
        return;
    }
    let text = &mut changed[start..];
    if text.is_ascii() {
        text.make_ascii_lowercase();
    } else {
        let lower = std::str::from_utf8(text)
            .expect("cells are checked for UTF-8 before they are changed")
            .to_lowercase();
        changed.truncate(start);
        changed.extend_from_slice(lower.as_bytes());
    }
}

/// Arrow's view of `bytes[start..start + length]`, which is in buffer
/// `buffer_index`; 0 (an empty text) where the cell counts as NULL.
///
/// Up to 12 bytes stand in the view itself; else it holds length, first four
/// bytes, buffer and offset.
#[inline(always)]
fn text_view(bytes: &[u8], start: usize, length: usize, buffer_index: u32) -> u128 {
    const INLINE_BYTES_MAX: usize = 12;
    let length_bits = length as u128;
    if length <= INLINE_BYTES_MAX {
        let wide = match bytes[start..].first_chunk::<16>() {
            Some(wide) => u128::from_le_bytes(*wide),
            None => {
                let mut padded = [0; 16];
                padded[..length].copy_from_slice(&bytes[start..start + length]);
                u128::from_le_bytes(padded)
            }
        };
        let text = wide & ((1 << (8 * length)) - 1);
        return (text << 32) | length_bits;
    }
    let text = &bytes[start..start + length];
    let prefix = u32::from_le_bytes(*text.first_chunk().expect("longer than 12 bytes"));
    if length == ZERO_GUID.len() && prefix == ZERO_GUID_PREFIX && text == ZERO_GUID {
        return 0;
    }
    length_bits
        | (u128::from(prefix) << 32)
        | (u128::from(buffer_index) << 64)
        | (u128::from(start as u32) << 96)
}

/// Which values are there, as bits.
struct Validity {
    words: Vec<u64>,
    word: u64,
    length: usize,
    valid: usize,
}

impl Validity {
    const WORD_BITS: usize = 64;

    fn new(capacity: usize) -> Self {
        let words = Vec::with_capacity(capacity / Self::WORD_BITS + 1);
        Self { words, word: 0, length: 0, valid: 0 }
    }

    #[inline]
    fn push(&mut self, is_valid: bool) {
        self.word |= u64::from(is_valid) << (self.length % Self::WORD_BITS);
        self.valid += usize::from(is_valid);
        self.length += 1;
        if self.length.is_multiple_of(Self::WORD_BITS) {
            self.words.push(self.word);
            self.word = 0;
        }
    }

    /// The bits, or `None` when every value is there.
    fn finish(mut self) -> Option<NullBuffer> {
        if self.valid == self.length {
            return None;
        }
        self.words.push(self.word);
        let bits = BooleanBuffer::new(Buffer::from(self.words), 0, self.length);
        Some(NullBuffer::new(bits))
    }
}

#[cfg(test)]
mod tests;
