use std::sync::Arc;

use arrow::array::{
    BinaryArray, BinaryViewArray, BooleanArray, Date32Array, Date64Array, Decimal32Array,
    Decimal128Array, Decimal256Array, DictionaryArray, Float32Array, Float64Array, Int8Array,
    Int64Array, LargeBinaryArray, LargeStringArray, NullArray, StringArray, StringViewArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt64Array,
};
use arrow::datatypes::{Field, Int8Type, Schema, i256};

use super::*;

fn batch(columns: Vec<ArrayRef>) -> RecordBatch {
    let fields = columns.iter().enumerate().map(|(position, column)| {
        Field::new(format!("c{position}"), column.data_type().clone(), true)
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    RecordBatch::try_new(schema, columns).unwrap()
}

fn chunks(batch: &RecordBatch, fields: &[Option<usize>], target: usize) -> Vec<RecordChunk> {
    let options = RenderOptions { chunk_bytes_target: target, ..RenderOptions::default() };
    let mut chunks = Vec::new();
    render(batch, fields, 2, options, &mut |chunk| chunks.push(chunk)).unwrap();
    chunks
}

/// What the cells of a column say.
fn told(column: impl Array + 'static) -> Vec<String> {
    let column: ArrayRef = Arc::new(column);
    assert!(can_render(column.data_type()), "{}", column.data_type());
    let chunks = chunks(&batch(vec![column]), &[Some(0)], usize::MAX);
    let text = |record: crate::decode::RecordRef<'_>| {
        String::from_utf8_lossy(&record.field(0).text()).into_owned()
    };
    chunks.iter().flat_map(RecordChunk::records).map(text).collect()
}

#[test]
fn numbers_keep_every_digit() {
    let wide = Decimal128Array::from(vec![
        Some(12_345_678_901_234_567_890_123_456_789_012_345_678),
        Some(-1),
        Some(0),
        None,
        Some(10i128.pow(28)),
        Some(-15 * 10i128.pow(27)),
    ]);
    assert_eq!(
        told(wide.with_precision_and_scale(38, 28).unwrap()),
        [
            "1234567890.1234567890123456789012345678",
            "-0.0000000000000000000000000001",
            "0",
            "",
            "1",
            "-1.5"
        ]
    );
    let whole = Decimal128Array::from(vec![42, -42]);
    assert_eq!(told(whole.clone().with_precision_and_scale(38, 0).unwrap()), ["42", "-42"]);
    assert_eq!(told(whole.with_precision_and_scale(38, -3).unwrap()), ["42e3", "-42e3"]);
    let small = Decimal32Array::from(vec![1_250, -5]).with_precision_and_scale(9, 3).unwrap();
    assert_eq!(told(small), ["1.25", "-0.005"]);
    let huge = Decimal256Array::from(vec![i256::MAX, i256::MIN, i256::from_i128(7)]);
    assert_eq!(
        told(huge.with_precision_and_scale(76, 40).unwrap()),
        [
            "5789604461865809771178549250434395392.6634992332820282019728792003956564819967",
            "-5789604461865809771178549250434395392.6634992332820282019728792003956564819968",
            "0.0000000000000000000000000000000000000007"
        ]
    );
    assert_eq!(told(Int64Array::from(vec![Some(i64::MIN), None])), ["-9223372036854775808", ""]);
    assert_eq!(told(UInt64Array::from(vec![u64::MAX])), ["18446744073709551615"]);
    assert_eq!(told(Int8Array::from(vec![-7])), ["-7"]);
}

#[test]
fn floating_point_numbers_are_their_shortest_text() {
    let doubles = vec![0.1, 0.1 + 0.2, 1e-7, 1e21, -0.0, 5.0, f64::NAN, f64::INFINITY];
    assert_eq!(
        told(Float64Array::from(doubles)),
        [
            "0.1",
            "0.30000000000000004",
            "0.0000001",
            "1000000000000000000000",
            "-0",
            "5",
            "NaN",
            "inf"
        ]
    );
    assert_eq!(told(Float32Array::from(vec![Some(0.1), None])), ["0.1", ""]);
}

#[test]
fn instants_are_their_utc_day() {
    // 2026-07-31.
    let day = 20_665;
    let late = day * 86_400 + 86_399;
    assert_eq!(told(Date32Array::from(vec![Some(day as i32), None])), ["2026-07-31", ""]);
    assert_eq!(told(Date64Array::from(vec![day * 86_400_000])), ["2026-07-31"]);
    assert_eq!(told(TimestampSecondArray::from(vec![late])), ["2026-07-31T23:59:59Z"]);
    assert_eq!(
        told(TimestampMillisecondArray::from(vec![late * 1_000 + 1]).with_timezone("+02:00")),
        ["2026-07-31T23:59:59.001000000Z"]
    );
    let micros = TimestampMicrosecondArray::from(vec![-1, 0, i64::MIN]);
    let told_micros = told(micros.with_timezone("UTC"));
    assert_eq!(told_micros[..2], ["1969-12-31T23:59:59.999999000Z", "1970-01-01"]);
    assert!(told_micros[2].starts_with("day -106751992 since"), "{told_micros:?}");
    let nanos = TimestampNanosecondArray::from(vec![day * 86_400 * SECOND_NS]);
    assert_eq!(told(nanos), ["2026-07-31"]);
    assert_eq!(told(Date32Array::from(vec![i32::MAX])), ["day 2147483647 since 1970-01-01"]);
}

#[test]
fn texts_of_every_type_say_what_they_said() {
    let texts = ["plain", "a,b", "say \"hi\"", "two\nlines\r", "\"", "", " é "];
    assert_eq!(told(StringArray::from(texts.to_vec())), texts);
    assert_eq!(told(LargeStringArray::from(texts.to_vec())), texts);
    assert_eq!(told(StringViewArray::from(texts.to_vec())), texts);
    let bytes: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
    assert_eq!(told(BinaryArray::from(bytes.clone())), texts);
    assert_eq!(told(LargeBinaryArray::from(bytes.clone())), texts);
    assert_eq!(told(BinaryViewArray::from(bytes)), texts);
    let dictionary: DictionaryArray<Int8Type> =
        [Some("b"), None, Some("a,"), Some("b")].into_iter().collect();
    assert_eq!(told(dictionary), ["b", "", "a,", "b"]);
    assert_eq!(
        told(BooleanArray::from(vec![Some(true), Some(false), None])),
        ["true", "false", ""]
    );
    assert_eq!(told(NullArray::new(2)), ["", ""]);
}

#[test]
fn rows_are_lines_however_they_are_cut() {
    let texts = StringArray::from(vec![Some("a\nb"), None, Some("c"), Some("d,e"), Some("f")]);
    let numbers = Int64Array::from(vec![1, 2, 3, 4, 5]);
    let batch = batch(vec![Arc::new(numbers), Arc::new(texts)]);
    for target in [1, 8, usize::MAX] {
        let chunks = chunks(&batch, &[Some(1), None, Some(0)], target);
        let records: Vec<(u64, Option<u64>, String)> = chunks
            .iter()
            .flat_map(RecordChunk::records)
            .map(|record| {
                assert_eq!(record.field_count(), 3);
                let raw = String::from_utf8(record.raw().to_vec()).unwrap();
                (record.line(), record.byte_offset(), raw)
            })
            .collect();
        let expected = ["\"a\nb\",,1", ",,2", "c,,3", "\"d,e\",,4", "f,,5"];
        let expected = (2..).zip(expected).map(|(line, raw)| (line, None, raw.to_owned()));
        assert_eq!(records, expected.collect::<Vec<_>>(), "{target}");
    }
    assert!(self::chunks(&batch.slice(0, 0), &[Some(0)], 1).is_empty());
}

#[test]
fn a_row_above_the_bound_is_an_error_with_its_line() {
    let texts = StringArray::from(vec!["ok".to_owned(), "x".repeat(101)]);
    let options = RenderOptions { record_bytes_max: 100, ..RenderOptions::default() };
    let result = render(&batch(vec![Arc::new(texts)]), &[Some(0)], 7, options, &mut |_| {});
    assert_eq!(result, Err(DecodeError::RowTooLarge { line: 8, bytes_max: 100 }));
}

#[test]
fn types_without_a_text_are_told_apart() {
    let list = DataType::new_list(DataType::Utf8, true);
    let nested = DataType::Struct(vec![Field::new("a", DataType::Utf8, true)].into());
    let dictionary =
        |values: DataType| DataType::Dictionary(Box::new(DataType::Int32), Box::new(values));
    assert!(can_render(&dictionary(DataType::Decimal128(38, 18))));
    for other in [
        nested,
        dictionary(list.clone()),
        list,
        DataType::FixedSizeBinary(16),
        DataType::Duration(TimeUnit::Second),
        DataType::Time64(TimeUnit::Nanosecond),
    ] {
        assert!(!can_render(&other), "{other}");
    }
}
