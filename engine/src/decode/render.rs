//! Arrow columns in, record chunks out: the cells of a columnar file as the text
//! that a CSV file of the same rows would have.
//!
//! Input: a [`RecordBatch`] and where the fields of a record stand in it. Output:
//! [`RecordChunk`]s. Every rule about what a cell means then lives in one place,
//! [`crate::normalize`], whatever the file's format. Never reads a file, never
//! rounds and never computes: a decimal keeps all its digits, a floating-point
//! number is the shortest text that reads back as the same number, NULL is an
//! empty cell.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type,
    Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use bytes::Bytes;

use super::scan::RecordStart;
use super::{CHUNK_BYTES_TARGET, DecodeError, RECORD_BYTES_MAX, RecordChunk};
use crate::model::date::{CivilDate, civil_from_days, days_from_civil};

/// Days that have a date of four digits: those the text of a cell can say.
const FIRST_DAY: i64 = days_from_civil(CivilDate { year: 1, month: 1, day: 1 }) as i64;
const LAST_DAY: i64 = days_from_civil(CivilDate { year: 9999, month: 12, day: 31 }) as i64;

/// Nanoseconds of a second.
const SECOND_NS: i64 = 1_000_000_000;

/// Most digits of a 256-bit integer.
const DIGITS_MAX: usize = 78;

/// Sizes; other values than the defaults are for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderOptions {
    /// See [`CHUNK_BYTES_TARGET`].
    pub chunk_bytes_target: usize,
    /// See [`RECORD_BYTES_MAX`].
    pub record_bytes_max: usize,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { chunk_bytes_target: CHUNK_BYTES_TARGET, record_bytes_max: RECORD_BYTES_MAX }
    }
}

/// Whether cells of a type can be rendered.
pub fn can_render(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => {
            !matches!(**values, DataType::Dictionary(..)) && can_render(values)
        }
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..)
        | DataType::Date32
        | DataType::Date64
        | DataType::Timestamp(..)
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        // Writers that know no text type leave the mark "UTF-8" out. Bytes that are
        // not UTF-8 are the normalizer's to reject, as in CSV.
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView => true,
        _ => false,
    }
}

/// Renders the rows of a batch; calls `out` for every chunk, the last included.
///
/// A record has one field per entry of `fields`: the position of its column in the
/// batch, or `None` for a field that is empty throughout. The first row is line
/// `first_line` of its file, each further one the next line.
///
/// # Errors
/// [`DecodeError::RowTooLarge`].
///
/// # Panics
/// When a position is none of the batch's, or a column is of a type that
/// [`can_render`] does not take.
pub fn render(
    batch: &RecordBatch,
    fields: &[Option<usize>],
    first_line: u64,
    options: RenderOptions,
    out: &mut impl FnMut(RecordChunk),
) -> Result<(), DecodeError> {
    let columns: Vec<Option<ArrayRef>> =
        fields.iter().map(|field| field.map(|field| plain(batch.column(field)))).collect();
    let cells: Vec<Option<Cell<'_>>> =
        columns.iter().map(|column| column.as_ref().map(cell)).collect();
    let mut chunk = Chunk::default();
    let mut chunk_line = first_line;
    for row in 0..batch.num_rows() {
        let line = first_line + row as u64;
        let start = chunk.begin_record();
        for (position, cell) in cells.iter().enumerate() {
            if position > 0 {
                chunk.text.push(b',');
            }
            if let Some(cell) = cell {
                cell(row, &mut chunk.text);
            }
            if chunk.text.len() - start > options.record_bytes_max {
                let bytes_max = options.record_bytes_max;
                return Err(DecodeError::RowTooLarge { line, bytes_max });
            }
            chunk.ends.push(chunk.text.len() as u32);
        }
        chunk.text.push(b'\n');
        if chunk.text.len() >= options.chunk_bytes_target {
            out(std::mem::take(&mut chunk).finish(chunk_line));
            chunk_line = line + 1;
        }
    }
    if !chunk.records.is_empty() {
        out(chunk.finish(chunk_line));
    }
    Ok(())
}

/// A chunk under construction. Its text stays below the target plus one record,
/// both far below what 32 bits count.
#[derive(Default)]
struct Chunk {
    text: Vec<u8>,
    ends: Vec<u32>,
    records: Vec<RecordStart>,
}

impl Chunk {
    /// Returns where the record begins.
    fn begin_record(&mut self) -> usize {
        self.records.push(self.here());
        self.text.len()
    }

    fn here(&self) -> RecordStart {
        RecordStart { byte: self.text.len() as u32, field: self.ends.len() as u32 }
    }

    fn finish(mut self, first_line: u64) -> RecordChunk {
        self.records.push(self.here());
        RecordChunk::of_rows(Bytes::from(self.text), self.ends, self.records, first_line)
    }
}

/// The column without its dictionary.
fn plain(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Dictionary(_, values) => {
            cast(column, values).expect("a dictionary can be unpacked into its values' type")
        }
        _ => column.clone(),
    }
}

/// Appends the text of a row's cell; nothing where it is NULL.
type Cell<'a> = Box<dyn Fn(usize, &mut Vec<u8>) + 'a>;

fn cell(column: &ArrayRef) -> Cell<'_> {
    match column.data_type() {
        DataType::Null => Box::new(|_, _| {}),
        DataType::Boolean => {
            let values = column.as_boolean();
            unless_null(column, move |row, text| {
                text.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
            })
        }
        DataType::Int8 => integers::<Int8Type>(column),
        DataType::Int16 => integers::<Int16Type>(column),
        DataType::Int32 => integers::<Int32Type>(column),
        DataType::Int64 => integers::<Int64Type>(column),
        DataType::UInt8 => integers::<UInt8Type>(column),
        DataType::UInt16 => integers::<UInt16Type>(column),
        DataType::UInt32 => integers::<UInt32Type>(column),
        DataType::UInt64 => integers::<UInt64Type>(column),
        DataType::Float32 => {
            let values = column.as_primitive::<Float32Type>().values();
            unless_null(column, move |row, text| push_display(values[row], text))
        }
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>().values();
            unless_null(column, move |row, text| push_display(values[row], text))
        }
        DataType::Decimal32(_, scale) => decimals::<Decimal32Type>(column, *scale),
        DataType::Decimal64(_, scale) => decimals::<Decimal64Type>(column, *scale),
        DataType::Decimal128(_, scale) => decimals::<Decimal128Type>(column, *scale),
        DataType::Decimal256(_, scale) => {
            let (values, scale) = (column.as_primitive::<Decimal256Type>().values(), *scale);
            unless_null(column, move |row, text| {
                let digits = values[row].to_string();
                match digits.strip_prefix('-') {
                    Some(digits) => push_scaled(true, digits.as_bytes(), scale, text),
                    None => push_scaled(false, digits.as_bytes(), scale, text),
                }
            })
        }
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>().values();
            unless_null(column, move |row, text| push_day(i64::from(days[row]), text))
        }
        DataType::Date64 => {
            let values = column.as_primitive::<Date64Type>().values();
            unless_null(column, move |row, text| push_instant(values[row], 1_000, text))
        }
        // An instant is UTC with or without a zone: a zone says how to show it.
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => instants::<TimestampSecondType>(column, 1),
            TimeUnit::Millisecond => instants::<TimestampMillisecondType>(column, 1_000),
            TimeUnit::Microsecond => instants::<TimestampMicrosecondType>(column, 1_000_000),
            TimeUnit::Nanosecond => instants::<TimestampNanosecondType>(column, SECOND_NS),
        },
        DataType::Utf8 => {
            let values = column.as_string::<i32>();
            unless_null(column, move |row, text| push_text(values.value(row).as_bytes(), text))
        }
        DataType::LargeUtf8 => {
            let values = column.as_string::<i64>();
            unless_null(column, move |row, text| push_text(values.value(row).as_bytes(), text))
        }
        DataType::Utf8View => {
            let values = column.as_string_view();
            unless_null(column, move |row, text| push_text(values.value(row).as_bytes(), text))
        }
        DataType::Binary => {
            let values = column.as_binary::<i32>();
            unless_null(column, move |row, text| push_text(values.value(row), text))
        }
        DataType::LargeBinary => {
            let values = column.as_binary::<i64>();
            unless_null(column, move |row, text| push_text(values.value(row), text))
        }
        DataType::BinaryView => {
            let values = column.as_binary_view();
            unless_null(column, move |row, text| push_text(values.value(row), text))
        }
        other => panic!("cells of type {other} cannot be rendered"),
    }
}

fn unless_null<'a>(column: &'a ArrayRef, push: impl Fn(usize, &mut Vec<u8>) + 'a) -> Cell<'a> {
    match column.nulls() {
        Some(nulls) => Box::new(move |row, text| {
            if nulls.is_valid(row) {
                push(row, text);
            }
        }),
        None => Box::new(push),
    }
}

fn integers<T: ArrowPrimitiveType<Native: std::fmt::Display>>(column: &ArrayRef) -> Cell<'_> {
    let values = column.as_primitive::<T>().values();
    unless_null(column, move |row, text| push_display(values[row], text))
}

fn decimals<T: ArrowPrimitiveType<Native: Into<i128>>>(column: &ArrayRef, scale: i8) -> Cell<'_> {
    let values = column.as_primitive::<T>().values();
    unless_null(column, move |row, text| push_decimal(values[row].into(), scale, text))
}

fn instants<T: ArrowPrimitiveType<Native = i64>>(column: &ArrayRef, per_second: i64) -> Cell<'_> {
    let values = column.as_primitive::<T>().values();
    unless_null(column, move |row, text| push_instant(values[row], per_second, text))
}

/// A number as Rust prints it: all digits of an integer; of a floating-point number
/// the fewest decimal digits that read back as the same number, never an exponent.
fn push_display(value: impl std::fmt::Display, text: &mut Vec<u8>) {
    use std::io::Write as _;
    write!(text, "{value}").expect("a vector takes any text");
}

fn push_decimal(value: i128, scale: i8, text: &mut Vec<u8>) {
    let mut digits = [0; DIGITS_MAX];
    let mut start = digits.len();
    let mut rest = value.unsigned_abs();
    // 128-bit division is slow; most values need it once or never.
    while rest > u128::from(u64::MAX) {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let mut rest = rest as u64;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    push_scaled(value < 0, &digits[start..], scale, text);
}

/// `digits` × 10^−`scale`, plain and without trailing zeros behind the point; with
/// an exponent where the scale is negative.
fn push_scaled(negative: bool, digits: &[u8], scale: i8, text: &mut Vec<u8>) {
    if negative {
        text.push(b'-');
    }
    let Ok(decimals) = usize::try_from(scale) else {
        text.extend_from_slice(digits);
        text.push(b'e');
        return push_display(scale.unsigned_abs(), text);
    };
    let whole = digits.len().saturating_sub(decimals);
    if whole == 0 {
        text.push(b'0');
    }
    text.extend_from_slice(&digits[..whole]);
    let fraction = &digits[whole..];
    let Some(last) = fraction.iter().rposition(|digit| *digit != b'0') else { return };
    text.push(b'.');
    text.extend(std::iter::repeat_n(b'0', decimals - fraction.len()));
    text.extend_from_slice(&fraction[..=last]);
}

/// An instant as its UTC day, and the time of the day where there is one.
fn push_instant(value: i64, per_second: i64, text: &mut Vec<u8>) {
    let (seconds, fraction) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    const DAY_SECONDS: i64 = 24 * 60 * 60;
    push_day(seconds.div_euclid(DAY_SECONDS), text);
    let time = seconds.rem_euclid(DAY_SECONDS);
    if time == 0 && fraction == 0 {
        return;
    }
    push_display(format_args!("T{:02}:{:02}:{:02}", time / 3_600, time / 60 % 60, time % 60), text);
    if fraction != 0 {
        push_display(format_args!(".{:09}", fraction * (SECOND_NS / per_second)), text);
    }
    text.push(b'Z');
}

/// A day as `YYYY-MM-DD`; a day without such a date as a text that is no date, for
/// the normalizer to reject.
fn push_day(day: i64, text: &mut Vec<u8>) {
    if !(FIRST_DAY..=LAST_DAY).contains(&day) {
        return push_display(format_args!("day {day} since 1970-01-01"), text);
    }
    let date = civil_from_days(day as i32);
    push_display(format_args!("{:04}-{:02}-{:02}", date.year, date.month, date.day), text);
}

/// A text as a CSV cell, quoted where it must be.
fn push_text(cell: &[u8], text: &mut Vec<u8>) {
    let is_plain =
        memchr::memchr3(b',', b'"', b'\n', cell).is_none() && memchr::memchr(b'\r', cell).is_none();
    if is_plain {
        return text.extend_from_slice(cell);
    }
    text.push(b'"');
    let mut rest = cell;
    while let Some(quote) = memchr::memchr(b'"', rest) {
        text.extend_from_slice(&rest[..=quote]);
        text.push(b'"');
        rest = &rest[quote + 1..];
    }
    text.extend_from_slice(rest);
    text.push(b'"');
}

#[cfg(test)]
mod tests;
