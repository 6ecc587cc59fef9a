//! One column's values as text or JSON.
//!
//! Input: an Arrow array. Output: cells, exact: decimals plain, money without
//! trailing zeros, days and times in ISO 8601, nested values as JSON.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, Decimal32Array, Decimal64Array, Decimal128Array,
    Decimal256Array, FixedSizeListArray, GenericListArray, MapArray, OffsetSizeTrait, StructArray,
};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// Decimals of money. Their trailing zeros say nothing and are left out; who casts
/// to fewer decimals wants to see them all.
const TRIMMED_SCALE_MIN: usize = 18;

/// How instants are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// `2026-07-01T10:00:00`, for programs.
    Iso,
    /// `2026-07-01 10:00:00`, for people.
    Spaced,
}

const SPACED: FormatOptions<'static> = FormatOptions::new()
    .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z"));

/// The columns of a batch with dictionaries and runs unpacked, so that a cell
/// is found by its row.
pub fn unpacked(batch: &RecordBatch) -> Result<Vec<ArrayRef>, ArrowError> {
    batch
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            DataType::Dictionary(_, value) => arrow::compute::cast(column, value),
            DataType::RunEndEncoded(_, value) => arrow::compute::cast(column, value.data_type()),
            _ => Ok(Arc::clone(column)),
        })
        .collect()
}

/// Values of one array, by row.
pub struct Cells<'a> {
    array: &'a dyn Array,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Decimal32(&'a Decimal32Array, i8),
    Decimal64(&'a Decimal64Array, i8),
    Decimal128(&'a Decimal128Array, i8),
    Decimal256(&'a Decimal256Array, i8),
    /// Numbers and booleans: bare in JSON.
    Bare(ArrayFormatter<'a>),
    /// Floats: bare in JSON if finite.
    Float(ArrayFormatter<'a>),
    /// Quoted in JSON.
    Text(ArrayFormatter<'a>),
    /// JSON everywhere.
    Nested,
}

impl<'a> Cells<'a> {
    /// Over an array without dictionaries at its top; see [`unpacked`].
    pub fn new(array: &'a dyn Array, spelling: Spelling) -> Result<Self, ArrowError> {
        const ISO: FormatOptions<'static> = FormatOptions::new();
        let options = match spelling {
            Spelling::Iso => &ISO,
            Spelling::Spaced => &SPACED,
        };
        let formatter = || ArrayFormatter::try_new(array, options);
        let kind = match array.data_type() {
            DataType::Decimal32(_, scale) => Kind::Decimal32(array.as_primitive(), *scale),
            DataType::Decimal64(_, scale) => Kind::Decimal64(array.as_primitive(), *scale),
            DataType::Decimal128(_, scale) => Kind::Decimal128(array.as_primitive(), *scale),
            DataType::Decimal256(_, scale) => Kind::Decimal256(array.as_primitive(), *scale),
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Kind::Float(formatter()?),
            data_type if data_type.is_integer() => Kind::Bare(formatter()?),
            DataType::Boolean | DataType::Null => Kind::Bare(formatter()?),
            data_type if is_nested(data_type) => Kind::Nested,
            _ => Kind::Text(formatter()?),
        };
        Ok(Self { array, kind })
    }

    /// Whether the cell is NULL.
    pub fn is_null(&self, row: usize) -> bool {
        self.array.is_null(row) || *self.array.data_type() == DataType::Null
    }

    /// Whether its values are numbers or truths, whose text means nothing else.
    pub fn is_number(&self) -> bool {
        !matches!(self.kind, Kind::Text(_) | Kind::Nested)
    }

    /// Appends the cell as text; nothing for NULL.
    pub fn push_text(&self, row: usize, out: &mut String) -> Result<(), ArrowError> {
        if self.is_null(row) {
            return Ok(());
        }
        match &self.kind {
            Kind::Decimal32(array, scale) => push_decimal(out, array.value(row), *scale),
            Kind::Decimal64(array, scale) => push_decimal(out, array.value(row), *scale),
            Kind::Decimal128(array, scale) => push_decimal(out, array.value(row), *scale),
            Kind::Decimal256(array, scale) => push_decimal(out, array.value(row), *scale),
            Kind::Bare(formatter) | Kind::Float(formatter) | Kind::Text(formatter) => {
                formatter.value(row).write(out)?;
            }
            Kind::Nested => push_nested(self.array, row, out)?,
        }
        Ok(())
    }

    /// Appends the cell as JSON.
    pub fn push_json(&self, row: usize, out: &mut String) -> Result<(), ArrowError> {
        if self.is_null(row) {
            out.push_str("null");
            return Ok(());
        }
        let start = out.len();
        match &self.kind {
            Kind::Text(_) => {
                let mut text = String::new();
                self.push_text(row, &mut text)?;
                push_json_string(&text, out);
            }
            Kind::Float(_) => {
                self.push_text(row, out)?;
                // JSON has no NaN and no infinity.
                if out[start..].contains(['n', 'N', 'i']) {
                    out.truncate(start);
                    out.push_str("null");
                }
            }
            _ => self.push_text(row, out)?,
        }
        Ok(())
    }
}

/// Appends a JSON string with its quotes.
pub fn push_json_string(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// Appends an unscaled decimal with its point, without trailing zeros.
fn push_decimal(out: &mut String, unscaled: impl std::fmt::Display, scale: i8) {
    let start = out.len();
    // Writing to a String does not fail.
    let _ = write!(out, "{unscaled}");
    let digits_start = start + usize::from(out[start..].starts_with('-'));
    if scale <= 0 {
        if &out[digits_start..] != "0" {
            out.extend(std::iter::repeat_n('0', usize::from(scale.unsigned_abs())));
        }
        return;
    }
    let scale = usize::from(scale.unsigned_abs());
    let digits = out.len() - digits_start;
    if digits <= scale {
        out.insert_str(digits_start, &"0".repeat(scale + 1 - digits));
    }
    out.insert(out.len() - scale, '.');
    if scale < TRIMMED_SCALE_MIN {
        return;
    }
    let kept = out.trim_end_matches('0').trim_end_matches('.').len();
    out.truncate(kept);
}

fn is_nested(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::List(_)
            | DataType::LargeList(_)
            | DataType::FixedSizeList(..)
            | DataType::Struct(_)
            | DataType::Map(..)
            | DataType::Dictionary(..)
    )
}

/// Appends a value that is not NULL as JSON.
fn push_nested(array: &dyn Array, row: usize, out: &mut String) -> Result<(), ArrowError> {
    match array.data_type() {
        DataType::List(_) => push_list(&list_value::<i32>(array.as_list(), row), out),
        DataType::LargeList(_) => push_list(&list_value::<i64>(array.as_list(), row), out),
        DataType::FixedSizeList(..) => {
            let list: &FixedSizeListArray = array.as_fixed_size_list();
            push_list(&list.value(row), out)
        }
        DataType::Map(..) => push_map(array.as_map(), row, out),
        DataType::Dictionary(_, value) => {
            let value = arrow::compute::cast(&array.slice(row, 1), value)?;
            Cells::new(&value, Spelling::Iso)?.push_json(0, out)
        }
        _ => push_struct(array.as_struct(), row, out),
    }
}

fn list_value<O: OffsetSizeTrait>(list: &GenericListArray<O>, row: usize) -> ArrayRef {
    list.value(row)
}

fn push_list(items: &ArrayRef, out: &mut String) -> Result<(), ArrowError> {
    let cells = Cells::new(items, Spelling::Iso)?;
    out.push('[');
    for item in 0..items.len() {
        if item > 0 {
            out.push_str(", ");
        }
        cells.push_json(item, out)?;
    }
    out.push(']');
    Ok(())
}

fn push_struct(value: &StructArray, row: usize, out: &mut String) -> Result<(), ArrowError> {
    out.push('{');
    for (position, (field, column)) in value.fields().iter().zip(value.columns()).enumerate() {
        if position > 0 {
            out.push_str(", ");
        }
        push_json_string(field.name(), out);
        out.push_str(": ");
        Cells::new(column, Spelling::Iso)?.push_json(row, out)?;
    }
    out.push('}');
    Ok(())
}

fn push_map(map: &MapArray, row: usize, out: &mut String) -> Result<(), ArrowError> {
    let entries = map.value(row);
    let keys = Cells::new(entries.column(0), Spelling::Iso)?;
    let values = Cells::new(entries.column(1), Spelling::Iso)?;
    let mut key = String::new();
    out.push('{');
    for entry in 0..entries.len() {
        if entry > 0 {
            out.push_str(", ");
        }
        key.clear();
        keys.push_text(entry, &mut key)?;
        push_json_string(&key, out);
        out.push_str(": ");
        values.push_json(entry, out)?;
    }
    out.push('}');
    Ok(())
}

/// Column names of a result, in order.
pub fn names(schema: &SchemaRef) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

/// Whether people read the column from its right end.
pub fn is_number(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => is_number(value),
        _ => data_type.is_numeric(),
    }
}

/// The name SQL has for a type.
pub fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "null".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "integer".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::UInt8 => "utinyint".to_owned(),
        DataType::UInt16 => "usmallint".to_owned(),
        DataType::UInt32 => "uinteger".to_owned(),
        DataType::UInt64 => "ubigint".to_owned(),
        DataType::Float16 | DataType::Float32 => "real".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "varchar".to_owned(),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Time32(_) | DataType::Time64(_) => "time".to_owned(),
        DataType::Timestamp(_, None) => "timestamp".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamptz".to_owned(),
        DataType::Interval(_) | DataType::Duration(_) => "interval".to_owned(),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => format!("{}[]", type_name(item.data_type())),
        DataType::Struct(_) => "struct".to_owned(),
        DataType::Map(..) => "map".to_owned(),
        DataType::Dictionary(_, value) => type_name(value),
        DataType::RunEndEncoded(_, value) => type_name(value.data_type()),
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "blob".to_owned(),
        DataType::Union(..) => "union".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(unscaled: i128, scale: i8) -> String {
        let mut out = String::from("=");
        push_decimal(&mut out, unscaled, scale);
        out
    }

    #[test]
    fn decimals_are_plain_and_exact_and_money_has_no_trailing_zeros() {
        for (unscaled, scale, text) in [
            (0, 18, "=0"),
            (1, 18, "=0.000000000000000001"),
            (-1, 2, "=-0.01"),
            (1_500, 3, "=1.500"),
            (-1_000, 3, "=-1.000"),
            (100, 0, "=100"),
            (12, -2, "=1200"),
            (0, -2, "=0"),
            (10, 2, "=0.10"),
            (10, 18, "=0.00000000000000001"),
            (
                99_999_999_999_999_999_999_999_999_999_999_999_999,
                18,
                "=99999999999999999999.999999999999999999",
            ),
        ] {
            assert_eq!(spelled(unscaled, scale), text);
        }
    }

    #[test]
    fn every_decimal_reads_back_as_itself() {
        // The engine's own parser is the twin: text back to raw units.
        let mut raw: i128 = 1;
        for step in 0..200_i128 {
            let value = if step % 2 == 0 { raw } else { -raw };
            let text = spelled(value, 18);
            let back = costlake_engine::model::money::parse_decimal(&text.as_bytes()[1..]);
            assert_eq!(back, Ok(value), "{text}");
            raw = (raw * 7 + step) % 10_i128.pow(37);
        }
    }
}
