//! What is written is read back, and its footer says what the general writer's says.

use std::collections::HashMap;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int32Array, RecordBatch, StringViewArray,
};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Encoding, PageType};
use parquet::file::metadata::{PageEncodingStats, PageIndexPolicy};
use parquet::file::statistics::Statistics;

use super::*;
use crate::model::{self, DECIMAL_PRECISION, DECIMAL_SCALE};
use crate::normalize::{CodedTexts, TextCode, TextDictionary};

const fn column(name: &'static str, kind: ValueKind) -> model::Column {
    model::Column { name, azure_name: "", kind, description: "" }
}

/// A column of each kind, and one without statistics.
static COLUMNS: ColumnSet = ColumnSet {
    columns: &[
        column("text", ValueKind::Text),
        column("tags", ValueKind::Text),
        column("cost", ValueKind::Decimal),
        column("date", ValueKind::Date),
        column("term", ValueKind::Integer),
        column("flag", ValueKind::Boolean),
    ],
    day: None,
    never_null: &[],
    currency: None,
    totals: None,
};

/// xorshift64* (Vigna).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}

/// How the values of a column are spread.
#[derive(Clone, Copy, Debug)]
struct Spread {
    distinct: u64,
    /// Of a hundred rows.
    nulls: u64,
}

/// Rows in batches of odd sizes. Texts are empty, short, and up to hundreds of bytes;
/// numbers reach both ends of their type.
fn batches(spread: Spread, rows: usize, seed: u64) -> Vec<Vec<ArrayRef>> {
    let mut random = Random(seed * 2 + 1);
    let mut batches = Vec::new();
    let mut left = rows;
    while left > 0 {
        let rows = left.min(1 + random.below(1_500) as usize);
        left -= rows;
        let mut numbers = || -> Vec<Option<u64>> {
            let value = |random: &mut Random| {
                let is_null = random.below(100) < spread.nulls;
                let value = random.below(spread.distinct);
                (!is_null).then_some(value)
            };
            (0..rows).map(|_| value(&mut random)).collect()
        };
        let text = |value: u64| match value % 7 {
            0 => format!("{value}"),
            1 => format!("twelve-{:05}", value % 100_000),
            2 => format!("thirteen-{value:04}"),
            3 => format!("ß{value}é{}", "~".repeat((value % 90) as usize)),
            4 => String::new(),
            _ => format!(
                "/subscriptions/{value:032x}/resourcegroups/{}",
                "r".repeat(value as usize % 150)
            ),
        };
        let texts = |numbers: Vec<Option<u64>>| -> ArrayRef {
            let texts = numbers.into_iter().map(|value| value.map(text));
            Arc::new(texts.collect::<StringViewArray>())
        };
        let decimal = |value: u64| match value {
            0 => 10i128.pow(38) - 1,
            1 => 1 - 10i128.pow(38),
            value => (i128::from(value) - 1_000) * 1_234_567_890_123,
        };
        let decimals = numbers().into_iter().map(|value| value.map(decimal));
        let decimals = decimals.collect::<Decimal128Array>();
        let decimals = decimals.with_precision_and_scale(DECIMAL_PRECISION, DECIMAL_SCALE);
        let days = numbers().into_iter().map(|value| value.map(|value| value as i32 - 500));
        let terms = numbers()
            .into_iter()
            .map(|value| value.map(|value| if value == 0 { i32::MIN } else { value as i32 }));
        let flags = numbers().into_iter().map(|value| value.map(|value| value % 3 == 0));
        batches.push(vec![
            texts(numbers()),
            texts(numbers()),
            Arc::new(decimals.unwrap()),
            Arc::new(days.collect::<Date32Array>()),
            Arc::new(terms.collect::<Int32Array>()),
            Arc::new(flags.collect::<BooleanArray>()),
        ]);
    }
    batches
}

fn encoded(batches: &[Vec<ArrayRef>], row_group_rows_max: usize) -> (Bytes, ParquetMetaData) {
    let mut encoder =
        FileEncoder::with_row_groups(Vec::new(), &COLUMNS, row_group_rows_max).unwrap();
    for batch in batches {
        let columns: Vec<BatchColumn> = batch.iter().cloned().map(BatchColumn::Array).collect();
        encoder.write(&columns).unwrap();
    }
    let metadata = encoder.finish().unwrap();
    (std::mem::take(encoder.inner_mut()).into(), metadata)
}

/// The same with texts by code. Every third batch has none, and dictionaries begin anew
/// every `batches_per_dictionary`.
fn encoded_by_code(
    batches: &[Vec<ArrayRef>],
    row_group_rows_max: usize,
    batches_per_dictionary: usize,
) -> Bytes {
    let mut encoder =
        FileEncoder::with_row_groups(Vec::new(), &COLUMNS, row_group_rows_max).unwrap();
    let mut coders: [Coder; 2] = Default::default();
    for (number, batch) in batches.iter().enumerate() {
        if number % batches_per_dictionary == 0 {
            coders = Default::default();
        }
        let column = |(index, column): (usize, &ArrayRef)| match coders.get_mut(index) {
            Some(coder) if number % 3 != 2 => {
                BatchColumn::Coded(coder.coded(column.as_string_view()))
            }
            _ => BatchColumn::Array(Arc::clone(column)),
        };
        let columns: Vec<BatchColumn> = batch.iter().enumerate().map(column).collect();
        encoder.write(&columns).unwrap();
    }
    encoder.finish().unwrap();
    std::mem::take(encoder.inner_mut()).into()
}

struct Coder {
    codes: HashMap<Option<String>, TextCode>,
    dictionary: TextDictionary,
}

impl Default for Coder {
    fn default() -> Self {
        Self { codes: HashMap::new(), dictionary: TextDictionary::new() }
    }
}

impl Coder {
    /// A tenth of the texts has a second code.
    fn coded(&mut self, texts: &StringViewArray) -> CodedTexts {
        let mut codes = Vec::new();
        for (row, text) in texts.iter().enumerate() {
            let known = self.codes.get(&text.map(str::to_owned)).filter(|_| row % 10 != 0);
            let code = known.copied().unwrap_or_else(|| {
                let code = self.dictionary.len() as TextCode;
                self.dictionary.extend(&texts.slice(row, 1));
                self.codes.insert(text.map(str::to_owned), code);
                code
            });
            codes.push(code);
        }
        CodedTexts::new(codes.into(), Arc::new(self.dictionary.clone()))
    }
}

/// The plain twin.
fn written(batches: &[RecordBatch], row_group_rows_max: usize) -> ParquetMetaData {
    let properties = writer_properties(COLUMNS.columns).into_builder();
    let properties = properties.set_max_row_group_row_count(Some(row_group_rows_max)).build();
    let options =
        ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let schema = batches[0].schema();
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), schema, options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap()
}

fn reader(bytes: &Bytes) -> ParquetRecordBatchReaderBuilder<Bytes> {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    ParquetRecordBatchReaderBuilder::try_new_with_options(bytes.clone(), options).unwrap()
}

fn read(builder: ParquetRecordBatchReaderBuilder<Bytes>, schema: &SchemaRef) -> RecordBatch {
    let batches: Vec<RecordBatch> = builder.build().unwrap().map(Result::unwrap).collect();
    concat_batches(schema, &batches).unwrap()
}

#[track_caller]
fn is_read_back(spread: Spread, rows: usize, row_group_rows_max: usize) {
    let batches = batches(spread, rows, rows as u64 + spread.distinct);
    let (bytes, metadata) = encoded(&batches, row_group_rows_max);
    for batches_per_dictionary in [2, usize::MAX] {
        let by_code = encoded_by_code(&batches, row_group_rows_max, batches_per_dictionary);
        assert!(by_code == bytes, "{spread:?}: by code it is another file");
    }
    let schema = COLUMNS.file_schema();
    let plain = |batch: &Vec<ArrayRef>| {
        let fields = schema.fields().iter().zip(batch);
        let columns = fields.map(|(field, column)| cast(column, field.data_type()).unwrap());
        RecordBatch::try_new(Arc::clone(&schema), columns.collect()).unwrap()
    };
    let plain: Vec<RecordBatch> = batches.iter().map(plain).collect();
    let expected = concat_batches(&schema, &plain).unwrap();
    let found = read(reader(&bytes), &schema);
    assert_eq!(found.num_rows(), expected.num_rows());
    for (index, field) in schema.fields().iter().enumerate() {
        assert!(found.column(index) == expected.column(index), "{} of {spread:?}", field.name());
    }

    // By the page index, a few rows at the end of each page alone.
    let mut selectors = Vec::new();
    for start in (0..rows.saturating_sub(PAGE_ROWS_MAX)).step_by(PAGE_ROWS_MAX) {
        let taken = 5.min(rows - start);
        selectors.push(RowSelector::skip(PAGE_ROWS_MAX - taken));
        selectors.push(RowSelector::select(taken));
        assert!(start < rows);
    }
    let selection = RowSelection::from(selectors.clone());
    let found = read(reader(&bytes).with_row_selection(selection), &schema);
    let (mut at, mut parts) = (0, Vec::new());
    for selector in selectors {
        if !selector.skip {
            parts.push(expected.slice(at, selector.row_count));
        }
        at += selector.row_count;
    }
    assert!(found == concat_batches(&schema, &parts).unwrap(), "{spread:?}");

    footers_agree(&metadata, &written(&plain, row_group_rows_max));
}

#[track_caller]
fn footers_agree(ours: &ParquetMetaData, theirs: &ParquetMetaData) {
    assert_eq!(ours.num_row_groups(), theirs.num_row_groups());
    for (ours, theirs) in ours.row_groups().iter().zip(theirs.row_groups()) {
        assert_eq!(ours.num_rows(), theirs.num_rows());
        for (ours, theirs) in ours.columns().iter().zip(theirs.columns()) {
            let name = ours.column_path().string();
            assert_eq!(ours.num_values(), theirs.num_values(), "{name}");
            let (Some(ours), Some(theirs)) = (ours.statistics(), theirs.statistics()) else {
                assert!(ours.statistics().is_none() && theirs.statistics().is_none(), "{name}");
                continue;
            };
            assert_eq!(ours.null_count_opt(), theirs.null_count_opt(), "{name}");
            // A cut bound may be cut in another way.
            if !matches!(ours, Statistics::ByteArray(_)) || theirs.min_is_exact() {
                assert_eq!(ours.min_bytes_opt(), theirs.min_bytes_opt(), "{name}");
            }
            if !matches!(ours, Statistics::ByteArray(_)) || theirs.max_is_exact() {
                assert_eq!(ours.max_bytes_opt(), theirs.max_bytes_opt(), "{name}");
            }
        }
    }
}

#[test]
fn every_spread_of_values_is_read_back() {
    for distinct in [1, 2, 40, 9_000, 1 << 30] {
        for nulls in [0, 1, 60, 100] {
            is_read_back(Spread { distinct, nulls }, 2 * PAGE_ROWS_MAX + 5_000, 200_000);
        }
    }
}

#[test]
fn values_that_begin_to_differ_late_are_read_back() {
    // About half distinct; more than a dictionary of numbers holds.
    is_read_back(Spread { distinct: 130_000, nulls: 0 }, 130_000, 200_000);
    is_read_back(Spread { distinct: 60_000, nulls: 5 }, 60_000, 200_000);
}

#[test]
fn row_groups_end_anywhere() {
    for rows in [1, 7, 999, 1_000, 1_001, 20_000, 20_001, 25_000] {
        is_read_back(Spread { distinct: 300, nulls: 10 }, rows, 1_000);
        is_read_back(Spread { distinct: 300, nulls: 10 }, rows, 20_000);
    }
    for rows in [PAGE_ROWS_MAX - 1, PAGE_ROWS_MAX, PAGE_ROWS_MAX + 1] {
        is_read_back(Spread { distinct: 300, nulls: 10 }, rows, 100_000);
    }
    // A dictionary that outlives its row groups.
    is_read_back(Spread { distinct: 20, nulls: 0 }, 90_000, 30_000);
}

/// Writes a column of texts, twice, among columns of NULLs, and reads it back.
#[track_caller]
fn encoded_texts(texts: Vec<String>, row_group_rows_max: usize) -> ParquetMetaData {
    let column: ArrayRef = Arc::new(StringViewArray::from_iter_values(&texts));
    let others = |kind: ValueKind| arrow::array::new_null_array(&kind.data_type(), texts.len());
    let batch = vec![
        Arc::clone(&column),
        column,
        others(ValueKind::Decimal),
        others(ValueKind::Date),
        others(ValueKind::Integer),
        others(ValueKind::Boolean),
    ];
    let (bytes, metadata) = encoded(&[batch], row_group_rows_max);
    let found = read(reader(&bytes), &COLUMNS.file_schema());
    assert_eq!(found.num_rows(), texts.len());
    let found = found.column(0).as_string::<i32>();
    assert!(found.iter().zip(&texts).all(|(found, text)| found == Some(text.as_str())));
    metadata
}

#[test]
fn a_dictionary_that_grows_too_large_gives_way_within_the_row_group() {
    let text = |row: u64| {
        // Few values on the first page, so that a dictionary is chosen; then long ones, all
        // distinct.
        if row < 70_000 { format!("{:>20}", row % 9) } else { format!("{row:>2000}") }
    };
    let rows = 76_000;
    let metadata = encoded_texts((0..rows).map(text).collect(), 100_000);
    let stats = metadata.row_group(0).column(0).page_encoding_stats().unwrap();
    assert_eq!(stats.len(), 3, "a dictionary, pages of codes, plain pages: {stats:?}");
}

/// How many pages of codes and how many plain ones a text column has, by row groups of
/// 65,536 rows.
fn pages_of(text: impl FnMut(u64) -> String) -> Vec<(i32, i32)> {
    let metadata = encoded_texts((0..3 * 65_536).map(text).collect(), 65_536);
    let count = |stats: &[PageEncodingStats], encoding| {
        let pages = stats.iter().filter(|stats| stats.page_type == PageType::DATA_PAGE);
        pages.filter(|stats| stats.encoding == encoding).map(|stats| stats.count).sum()
    };
    let columns = metadata.row_groups().iter().map(|row_group| row_group.column(0));
    let stats = columns.map(|column| column.page_encoding_stats().unwrap());
    stats
        .map(|stats| (count(stats, Encoding::RLE_DICTIONARY), count(stats, Encoding::PLAIN)))
        .collect()
}

#[test]
fn texts_every_other_of_which_comes_once_are_plain() {
    let pages = pages_of(|row| match row % 2 {
        0 => format!("/subscriptions/{row:032x}/disks/{row}"),
        _ => format!("/subscriptions/{:032x}/machines", row / 1_000),
    });
    assert!(pages.iter().all(|(codes, plain)| *codes == 0 && *plain > 0), "{pages:?}");
}

#[test]
fn texts_that_come_again_far_away_have_a_dictionary() {
    let spread = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut drawn = Random(7);
    assert_eq!(pages_of(|_| format!("{:016x}", spread(drawn.below(22_000)))), [(1, 0); 3]);
    // Each in two rows a day, in another order every day.
    let daily = pages_of(|row| {
        let id = (row % 30_000 / 2 * 7_919 + row / 30_000 * 104_729) % 15_000;
        format!("/subscriptions/{:016x}/machines/{id}", spread(id))
    });
    assert_eq!(daily, [(1, 0); 3]);
}
