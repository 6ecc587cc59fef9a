//! What a log says of the columns of data files, read.
//!
//! Input: Delta's `stats` texts. Output: row counts, NULL counts and bounds of the columns
//! that are asked for: a cost table has 72, a query looks at a few, and an answer from
//! rollups at none.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use arrow::json::reader::Decoder;
use datafusion::common::ScalarValue;
use datafusion::common::stats::{ColumnStatistics, Precision, Statistics};

use super::DataFile;

/// Members of a `stats` text, as Delta's protocol names them.
const MINIMA: &str = "minValues";
const MAXIMA: &str = "maxValues";
const NULL_COUNTS: &str = "nullCount";
/// A text that says nothing.
const NOTHING: &str = "{}";
/// Digits behind the second of a time that was not cut.
const MICROSECOND_DIGITS: usize = 6;

/// Statistics of files, of these columns by their positions in the schema of the files.
pub(super) fn of_files<'a>(
    file_schema: &Schema,
    columns: &[usize],
    files: impl IntoIterator<Item = &'a DataFile>,
) -> Vec<Statistics> {
    let files: Vec<&DataFile> = files.into_iter().collect();
    let texts: Vec<&str> =
        files.iter().map(|file| file.statistics.as_deref().unwrap_or(NOTHING)).collect();
    let logged = LoggedColumns::read(file_schema, columns, &texts);
    let unknown = vec![ColumnStatistics::new_unknown(); file_schema.fields().len()];
    let of_file = |(row, file): (usize, &&DataFile)| {
        let mut column_statistics = unknown.clone();
        for column in logged.iter().flat_map(LoggedColumns::columns) {
            column_statistics[column.index] = column.statistics(row);
        }
        let rows = file.num_rows.and_then(|rows| usize::try_from(rows).ok());
        Statistics {
            num_rows: rows.map_or(Precision::Absent, Precision::Exact),
            total_byte_size: usize::try_from(file.object.size)
                .map_or(Precision::Absent, Precision::Inexact),
            column_statistics,
        }
    };
    files.iter().enumerate().map(of_file).collect()
}

/// What the log says of some columns, a row per file.
struct LoggedColumns {
    said: RecordBatch,
    /// Positions and fields in the schema of the files.
    columns: Vec<(usize, FieldRef)>,
}

impl LoggedColumns {
    /// `None` where nothing is asked.
    fn read(file_schema: &Schema, columns: &[usize], texts: &[&str]) -> Option<Self> {
        if columns.is_empty() || texts.is_empty() {
            return None;
        }
        let columns: Vec<(usize, FieldRef)> = columns
            .iter()
            .map(|&index| (index, Arc::clone(&file_schema.fields()[index])))
            .collect();
        let schema = stats_schema(columns.iter().map(|(_, field)| field));
        let said = read(&schema, texts).or_else(|_| {
            let texts = texts.iter().copied();
            let readable = texts.map(|text| read(&schema, &[text]).map_or(NOTHING, |_| text));
            read(&schema, &readable.collect::<Vec<_>>())
        });
        Some(Self { said: said.ok()?, columns })
    }

    fn columns(&self) -> impl Iterator<Item = LoggedColumn<'_>> {
        self.columns.iter().map(|(index, field)| {
            let named = |group: &str| {
                let group: &StructArray = self.said.column_by_name(group)?.as_struct_opt()?;
                group.column_by_name(field.name())
            };
            LoggedColumn {
                index: *index,
                data_type: field.data_type(),
                null_counts: named(NULL_COUNTS),
                minima: named(MINIMA),
                maxima: named(MAXIMA),
            }
        })
    }
}

/// A column's statistics, a row per file.
struct LoggedColumn<'a> {
    index: usize,
    data_type: &'a DataType,
    null_counts: Option<&'a ArrayRef>,
    minima: Option<&'a ArrayRef>,
    maxima: Option<&'a ArrayRef>,
}

impl LoggedColumn<'_> {
    fn statistics(&self, row: usize) -> ColumnStatistics {
        let null_count = self
            .null_counts
            .and_then(|counts| counts.as_primitive_opt::<Int64Type>())
            .filter(|counts| counts.is_valid(row))
            .and_then(|counts| usize::try_from(counts.value(row)).ok());
        let bound = |bounds, side| bound_at(bounds, self.data_type, row, side);
        ColumnStatistics {
            null_count: null_count.map_or(Precision::Absent, Precision::Exact),
            min_value: bound(self.minima, Side::Low),
            max_value: bound(self.maxima, Side::High),
            ..ColumnStatistics::new_unknown()
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Low,
    High,
}

/// A bound the log gives. Whole numbers and dates cannot be rounded by any writer; texts
/// are shortened and decimals and times may be rounded.
fn bound_at(
    bounds: Option<&ArrayRef>,
    data_type: &DataType,
    row: usize,
    side: Side,
) -> Precision<ScalarValue> {
    let value = bounds
        .filter(|values| values.is_valid(row))
        .and_then(|values| ScalarValue::try_from_array(values, row).ok());
    let Some(value) = value else { return Precision::Absent };
    match (value, data_type) {
        (ScalarValue::Utf8(Some(text)), DataType::Timestamp(..)) => {
            time_of(&text, data_type, side).map_or(Precision::Absent, Precision::Inexact)
        }
        (value @ (ScalarValue::Date32(_) | ScalarValue::Int32(_) | ScalarValue::Int64(_)), _) => {
            Precision::Exact(value)
        }
        (value, _) => Precision::Inexact(value),
    }
}

/// A time as the log spells it. A writer may cut it to milliseconds, as Delta's protocol
/// lets it; where it says no more, the highest is moved to the end of its millisecond.
fn time_of(text: &str, data_type: &DataType, side: Side) -> Option<ScalarValue> {
    let time = ScalarValue::from(text).cast_to(data_type).ok().filter(|time| !time.is_null())?;
    let fraction = text.rsplit_once('.').map_or("", |(_, fraction)| fraction);
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    Some(match time {
        ScalarValue::TimestampMicrosecond(Some(time), zone)
            if side == Side::High && digits < MICROSECOND_DIGITS =>
        {
            ScalarValue::TimestampMicrosecond(Some(time.saturating_add(999)), zone)
        }
        other => other,
    })
}

/// What of a `stats` text is read for these columns.
fn stats_schema<'a>(columns: impl Iterator<Item = &'a FieldRef> + Clone) -> SchemaRef {
    let group = |name: &str, fields: Fields| Field::new(name, DataType::Struct(fields), true);
    let counts: Fields =
        columns.clone().map(|column| Field::new(column.name(), DataType::Int64, true)).collect();
    let bounds: Fields = columns
        .filter_map(|column| Some(Field::new(column.name(), bound_type(column.data_type())?, true)))
        .collect();
    Arc::new(Schema::new(vec![
        group(NULL_COUNTS, counts),
        group(MINIMA, bounds.clone()),
        group(MAXIMA, bounds),
    ]))
}

/// As what a column's bounds are read; `None` where it has none. Times are read as texts,
/// which tell how far they were cut.
fn bound_type(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Utf8
        | DataType::Decimal128(..)
        | DataType::Date32
        | DataType::Int32
        | DataType::Int64 => Some(data_type.clone()),
        DataType::Timestamp(..) => Some(DataType::Utf8),
        _ => None,
    }
}

/// Reads texts of one object each, a row per text. A member of another type than it
/// should have is NULL.
///
/// # Errors
/// When a text is no JSON, or anything but one object.
fn read(schema: &SchemaRef, texts: &[&str]) -> Result<RecordBatch, ArrowError> {
    let mut decoder = ReaderBuilder::new(Arc::clone(schema))
        .with_batch_size(texts.len())
        .with_ignore_type_conflicts(true)
        .build_decoder()?;
    let broken = || ArrowError::JsonError("not one object".to_owned());
    let is_whole =
        |decoder: &Decoder, rows: usize| decoder.len() == rows && !decoder.has_partial_record();
    for (row, text) in texts.iter().enumerate() {
        let read = decoder.decode(text.as_bytes())?;
        if read != text.len() || !is_whole(&decoder, row + 1) {
            return Err(broken());
        }
    }
    decoder.flush()?.filter(|batch| batch.num_rows() == texts.len()).ok_or_else(broken)
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::TimeUnit;
    use chrono::DateTime;
    use object_store::ObjectMeta;
    use object_store::path::Path;

    use super::*;

    fn file(statistics: Option<&str>) -> DataFile {
        DataFile {
            object: ObjectMeta {
                location: Path::from("part"),
                last_modified: DateTime::UNIX_EPOCH,
                size: 7,
                e_tag: None,
                version: None,
            },
            partition_values: Vec::new(),
            num_rows: Some(3),
            statistics: statistics.map(Arc::from),
        }
    }

    fn schema() -> Schema {
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let fields = [
            ("cost", DataType::Decimal128(38, 18)),
            ("date", DataType::Date32),
            ("name", DataType::Utf8),
            ("at", time),
            ("list", DataType::List(Arc::new(Field::new("element", DataType::Utf8, true)))),
        ];
        let field = |(name, data_type): (&str, DataType)| Field::new(name, data_type, true);
        Schema::new(fields.into_iter().map(field).collect::<Vec<_>>())
    }

    const ALL: [usize; 5] = [0, 1, 2, 3, 4];
    const FULL: &str = r#"{"numRecords":3,
        "minValues":{"cost":-0.000000000000000001,"date":"2026-07-01","name":"a","at":"2026-07-01T00:00:00.000Z"},
        "maxValues":{"cost":12345678901234567890.123456789012345678,"date":"2026-07-31","name":"z","at":"2026-07-02T00:00:00.001Z"},
        "nullCount":{"cost":0,"date":1,"name":3,"at":0,"list":2}}"#;

    fn full() -> Vec<ColumnStatistics> {
        let money = |raw| ScalarValue::Decimal128(Some(raw), 38, 18);
        let time = |micros| ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()));
        let of = |nulls, low: Precision<ScalarValue>, high| ColumnStatistics {
            null_count: Precision::Exact(nulls),
            min_value: low,
            max_value: high,
            ..ColumnStatistics::new_unknown()
        };
        let (exact, inexact) = (Precision::Exact, Precision::Inexact);
        let (first, last) = (20_635, 20_665);
        vec![
            of(
                0,
                inexact(money(-1)),
                inexact(money(12_345_678_901_234_567_890_123_456_789_012_345_678)),
            ),
            of(1, exact(ScalarValue::Date32(Some(first))), exact(ScalarValue::Date32(Some(last)))),
            of(3, inexact(ScalarValue::from("a")), inexact(ScalarValue::from("z"))),
            // The end of a millisecond: the writer may have cut the rest.
            of(
                0,
                inexact(time(i64::from(first) * 86_400_000_000)),
                inexact(time(i64::from(first + 1) * 86_400_000_000 + 1_999)),
            ),
            of(2, Precision::Absent, Precision::Absent),
        ]
    }

    #[test]
    fn every_kind_of_column_is_read_to_the_last_digit() {
        let read = of_files(&schema(), &ALL, [&file(Some(FULL))]);
        assert_eq!(read[0].column_statistics, full());
        assert_eq!(read[0].num_rows, Precision::Exact(3));
        assert_eq!(read[0].total_byte_size, Precision::Inexact(7));
    }

    #[test]
    fn a_time_with_all_its_digits_is_the_highest_there_is() {
        for (spelled, micros) in [
            ("1970-01-01T00:00:01.500000Z", 1_500_000),
            ("1970-01-01T00:00:01.500Z", 1_500_999),
            ("1970-01-01T00:00:01Z", 1_000_999),
            ("1970-01-01T01:00:01.5+01:00", 1_500_999),
        ] {
            let text =
                format!(r#"{{"minValues":{{"at":"{spelled}"}},"maxValues":{{"at":"{spelled}"}}}}"#);
            let at =
                of_files(&schema(), &[3], [&file(Some(&text))])[0].column_statistics[3].clone();
            let time = |micros| ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()));
            assert_eq!(at.max_value, Precision::Inexact(time(micros)), "{spelled}");
            assert_eq!(at.min_value, Precision::Inexact(time(micros - micros % 1000)), "{spelled}");
        }
    }

    #[test]
    fn columns_nobody_asks_for_are_unknown() {
        let read = of_files(&schema(), &[2], [&file(Some(FULL))]);
        let mut expected = vec![ColumnStatistics::new_unknown(); 5];
        expected[2] = full().swap_remove(2);
        assert_eq!(read[0].column_statistics, expected);
        let read = of_files(&schema(), &[], [&file(Some(FULL))]);
        assert_eq!(read[0].column_statistics, vec![ColumnStatistics::new_unknown(); 5]);
        assert_eq!(read[0].num_rows, Precision::Exact(3));
    }

    #[test]
    fn what_cannot_be_read_is_unknown_and_harms_no_other_file() {
        let unknown = vec![ColumnStatistics::new_unknown(); 5];
        for broken in ["", "{", "{}{}", "3", "[1]", "null", "no JSON", "{\"minValues\":{}} x"] {
            let files = [file(Some(FULL)), file(Some(broken)), file(None), file(Some(FULL))];
            let read = of_files(&schema(), &ALL, &files);
            assert_eq!(read[0].column_statistics, full(), "{broken}");
            assert_eq!(read[1].column_statistics, unknown, "{broken}");
            assert_eq!(read[2].column_statistics, unknown, "{broken}");
            assert_eq!(read[3].column_statistics, full(), "{broken}");
        }
        // One member of a wrong type leaves the others.
        let odd = r#"{"minValues":{"cost":"much","date":"2026-07-01","name":5},"nullCount":{"cost":{"a":1},"date":-1}}"#;
        let read = of_files(&schema(), &ALL, [&file(Some(odd))]);
        let date = Precision::Exact(ScalarValue::Date32(Some(20_635)));
        let mut expected = unknown;
        expected[1].min_value = date;
        assert_eq!(read[0].column_statistics, expected);
    }
}
