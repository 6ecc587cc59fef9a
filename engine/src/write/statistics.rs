//! Delta's per-file statistics, taken from the Parquet footer: exact decimals
//! as JSON numbers, days as ISO text, only texts whose bounds are not cut.

use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::parquet::has_delta_statistics;
use crate::model::date::civil_from_days;
use crate::model::money::format_decimal;
use crate::model::{Column, ColumnSet, ValueKind};

/// Bounds longer than this are left out rather than cut: a cut maximum must be
/// rounded up, and no query here needs it.
const TEXT_BOUND_BYTES_MAX: usize = 64;

/// A column's range over all row groups of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd)]
enum Bound {
    Decimal(i128),
    Day(i32),
    Integer(i32),
    Text(String),
}

impl Bound {
    fn to_json(&self) -> Box<RawValue> {
        let text = match self {
            // A JSON number with all its digits; serde_json's own numbers would
            // pass through f64.
            Self::Decimal(raw) => format_decimal(*raw),
            Self::Integer(number) => number.to_string(),
            Self::Day(day) => {
                let date = civil_from_days(*day);
                format!("\"{:04}-{:02}-{:02}\"", date.year, date.month, date.day)
            }
            Self::Text(text) => Value::from(text.as_str()).to_string(),
        };
        RawValue::from_string(text).expect("numbers and quoted strings are JSON")
    }
}

/// Rows of a file and its `stats` JSON as Delta's protocol describes it.
pub(super) fn delta_statistics(
    column_set: &ColumnSet,
    metadata: &ParquetMetaData,
) -> (u64, String) {
    let rows = metadata.file_metadata().num_rows().unsigned_abs();
    let mut minima = Vec::new();
    let mut maxima = Vec::new();
    let mut null_counts = Map::new();
    for (index, column) in column_set.columns.iter().enumerate() {
        if !has_delta_statistics(column.name, column.kind) {
            continue;
        }
        let Some(summary) = summarize(metadata, index, column) else { continue };
        null_counts.insert(column.name.to_owned(), json!(summary.nulls));
        if let Some((minimum, maximum)) = summary.range {
            minima.push((column.name, minimum.to_json()));
            maxima.push((column.name, maximum.to_json()));
        }
    }
    let object = |bounds: Vec<(&str, Box<RawValue>)>| {
        let members: Vec<String> =
            bounds.iter().map(|(name, bound)| format!("\"{name}\":{}", bound.get())).collect();
        format!("{{{}}}", members.join(","))
    };
    let statistics = format!(
        "{{\"numRecords\":{rows},\"minValues\":{},\"maxValues\":{},\"nullCount\":{}}}",
        object(minima),
        object(maxima),
        Value::Object(null_counts),
    );
    (rows, statistics)
}

struct Summary {
    nulls: u64,
    range: Option<(Bound, Bound)>,
}

/// `None` when any row group lacks what is needed to speak for the whole file.
fn summarize(metadata: &ParquetMetaData, index: usize, column: &Column) -> Option<Summary> {
    let mut nulls = 0;
    let mut range: Option<(Bound, Bound)> = None;
    for row_group in metadata.row_groups() {
        let statistics = row_group.column(index).statistics()?;
        let group_nulls = statistics.null_count_opt()?;
        nulls += group_nulls;
        if group_nulls == row_group.num_rows().unsigned_abs() {
            continue;
        }
        let (low, high) = bounds(statistics, column.kind)?;
        range = Some(match range {
            None => (low, high),
            Some((minimum, maximum)) => (
                if low < minimum { low } else { minimum },
                if high > maximum { high } else { maximum },
            ),
        });
    }
    Some(Summary { nulls, range })
}

fn bounds(statistics: &Statistics, kind: ValueKind) -> Option<(Bound, Bound)> {
    match (statistics, kind) {
        (Statistics::Int32(values), ValueKind::Date) => {
            Some((Bound::Day(*values.min_opt()?), Bound::Day(*values.max_opt()?)))
        }
        (Statistics::Int32(values), ValueKind::Integer) => {
            Some((Bound::Integer(*values.min_opt()?), Bound::Integer(*values.max_opt()?)))
        }
        (Statistics::FixedLenByteArray(values), ValueKind::Decimal | ValueKind::Rate) => {
            let decimal = |bytes: &[u8]| {
                <[u8; 16]>::try_from(bytes)
                    .ok()
                    .map(|bytes| Bound::Decimal(i128::from_be_bytes(bytes)))
            };
            Some((decimal(values.min_opt()?.data())?, decimal(values.max_opt()?.data())?))
        }
        (Statistics::ByteArray(values), ValueKind::Text | ValueKind::LowercaseText) => {
            if !values.min_is_exact() || !values.max_is_exact() {
                return None;
            }
            let text = |bytes: &[u8]| {
                (bytes.len() <= TEXT_BOUND_BYTES_MAX)
                    .then(|| {
                        std::str::from_utf8(bytes).ok().map(|text| Bound::Text(text.to_owned()))
                    })
                    .flatten()
            };
            Some((text(values.min_opt()?.data())?, text(values.max_opt()?.data())?))
        }
        _ => None,
    }
}
