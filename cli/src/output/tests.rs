//! What every writer makes of the same rows, and how tables fit a terminal.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array,
    Int64Array, ListArray, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, UInt16Type};
use arrow::record_batch::RecordBatch;

use super::*;

fn money(values: &[Option<i128>]) -> ArrayRef {
    let array: Decimal128Array = values.iter().copied().collect();
    Arc::new(array.with_precision_and_scale(38, 18).unwrap())
}

const ONE: i128 = 1_000_000_000_000_000_000;

fn sample() -> RecordBatch {
    let text = StringArray::from(vec![Some("Contoso, \"Ltd\""), None, Some("a|b\nc")]);
    let cost = money(&[Some(12 * ONE + ONE / 4), Some(-1), None]);
    let day = Date32Array::from(vec![Some(20_635), None, Some(0)]);
    RecordBatch::try_from_iter([
        ("customer", Arc::new(text) as ArrayRef),
        ("cost", cost),
        ("day", Arc::new(day) as ArrayRef),
    ])
    .unwrap()
}

fn written(mode: Mode, layout: Layout, batches: &[RecordBatch]) -> String {
    let mut out = Vec::new();
    let mut writer = result_writer(mode, batches[0].schema_ref(), layout, &mut out).unwrap();
    for batch in batches {
        writer.batch(batch).unwrap();
    }
    writer.finish().unwrap();
    drop(writer);
    String::from_utf8(out).unwrap()
}

fn piped(mode: Mode, batch: RecordBatch) -> String {
    written(mode, Layout::default(), &[batch])
}

fn terminal(width: usize, max_rows: usize) -> Layout {
    Layout { width: Some(width), max_rows, colored: false }
}

#[test]
fn a_table_shows_names_types_and_exact_decimals() {
    assert_eq!(
        piped(Mode::Table, sample()),
        "\
┌────────────────┬───────────────────────┬────────────┐
│    customer    │         cost          │    day     │
│    varchar     │    decimal(38,18)     │    date    │
├────────────────┼───────────────────────┼────────────┤
│ Contoso, \"Ltd\" │                 12.25 │ 2026-07-01 │
│ NULL           │ -0.000000000000000001 │ NULL       │
│ a|b\\nc         │                  NULL │ 1970-01-01 │
└────────────────┴───────────────────────┴────────────┘
3 rows
"
    );
}

#[test]
fn csv_keeps_null_and_empty_apart() {
    let expected = "customer,cost,day\n\"Contoso, \"\"Ltd\"\"\",12.25,2026-07-01\n\
                    ,-0.000000000000000001,\n\"a|b\nc\",,1970-01-01\n";
    assert_eq!(piped(Mode::Csv, sample()), expected);
    let empty = StringArray::from(vec![Some(""), None]);
    let batch = RecordBatch::try_from_iter([("x", Arc::new(empty) as ArrayRef)]).unwrap();
    assert_eq!(piped(Mode::Csv, batch), "x\n\"\"\n\n");
}

#[test]
fn json_numbers_keep_all_their_digits() {
    let lines = piped(Mode::Ndjson, sample());
    assert_eq!(
        lines,
        "{\"customer\":\"Contoso, \\\"Ltd\\\"\",\"cost\":12.25,\"day\":\"2026-07-01\"}\n\
         {\"customer\":null,\"cost\":-0.000000000000000001,\"day\":null}\n\
         {\"customer\":\"a|b\\nc\",\"cost\":null,\"day\":\"1970-01-01\"}\n"
    );
    let array: serde_json::Value =
        serde_json::from_str(&piped(Mode::Json, sample())).expect("JSON");
    assert_eq!(array.as_array().unwrap().len(), 3);
    assert_eq!(piped(Mode::Json, sample().slice(0, 0)), "[]\n");
    assert_eq!(piped(Mode::Ndjson, sample().slice(0, 0)), "");
}

#[test]
fn markdown_escapes_what_would_break_its_table() {
    assert_eq!(
        piped(Mode::Markdown, sample()),
        "| customer | cost | day |\n|---|---:|---|\n\
         | Contoso, \"Ltd\" | 12.25 | 2026-07-01 |\n\
         | NULL | -0.000000000000000001 | NULL |\n\
         | a\\|b<br>c | NULL | 1970-01-01 |\n"
    );
}

#[test]
fn line_mode_gives_every_cell_a_line() {
    let text = piped(Mode::Line, sample().slice(1, 1));
    assert_eq!(
        text,
        "─[ row 1 ]──────────────────────────────\n\
         customer │ NULL\ncost     │ -0.000000000000000001\nday      │ NULL\n1 row\n"
    );
}

#[test]
fn parquet_reads_back_as_it_was() {
    let mut file = tempfile::tempfile().unwrap();
    let layout = Layout::default();
    let mut writer =
        result_writer(Mode::Parquet, sample().schema_ref(), layout, &mut file).unwrap();
    writer.batch(&sample()).unwrap();
    writer.finish().unwrap();
    drop(writer);
    let reader =
        ::parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(file, 1024).unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    assert_eq!(batches, [sample()]);
}

#[test]
fn odd_types_are_readable_everywhere() {
    let dictionary: DictionaryArray<UInt16Type> = ["eu", "us"].into_iter().collect();
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]);
    let structure = StructArray::from(vec![(
        Arc::new(Field::new("price", DataType::Decimal128(38, 18), true)),
        money(&[Some(ONE / 2), None]),
    )]);
    let instant = TimestampMicrosecondArray::from(vec![Some(1_500_000), None]);
    let batch = RecordBatch::try_from_iter([
        ("region", Arc::new(dictionary) as ArrayRef),
        ("items", Arc::new(list) as ArrayRef),
        ("deal", Arc::new(structure) as ArrayRef),
        ("at", Arc::new(instant) as ArrayRef),
        ("ratio", Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(0.5)])) as ArrayRef),
        ("open", Arc::new(BooleanArray::from(vec![true, false])) as ArrayRef),
    ])
    .unwrap();
    assert_eq!(
        piped(Mode::Csv, batch.clone()),
        "region,items,deal,at,ratio,open\n\
         eu,\"[1, null]\",\"{\"\"price\"\": 0.5}\",1970-01-01T00:00:01.500,NaN,true\n\
         us,,\"{\"\"price\"\": null}\",,0.5,false\n"
    );
    assert_eq!(
        piped(Mode::Ndjson, batch.clone()),
        "{\"region\":\"eu\",\"items\":[1, null],\"deal\":{\"price\": 0.5},\
         \"at\":\"1970-01-01T00:00:01.500\",\"ratio\":null,\"open\":true}\n\
         {\"region\":\"us\",\"items\":null,\"deal\":{\"price\": null},\"at\":null,\
         \"ratio\":0.5,\"open\":false}\n"
    );
    assert!(piped(Mode::Table, batch).contains("1970-01-01 00:00:01.500"));
}

fn numbers(range: std::ops::Range<i64>) -> RecordBatch {
    let array = Arc::new(Int64Array::from_iter_values(range)) as ArrayRef;
    RecordBatch::try_from_iter([("n", array)]).unwrap()
}

/// The cells of a one-column table.
fn cells(table: &str) -> Vec<&str> {
    let rows = table.lines().filter(|line| line.starts_with('│')).skip(2);
    rows.map(|line| line.trim_matches(['│', ' '])).collect()
}

#[test]
fn a_long_result_shows_its_first_and_last_rows_on_a_terminal() {
    // However the rows are cut into batches.
    for cut in [1, 3, 7, 49, 50, 99, 100] {
        let batches: Vec<RecordBatch> = (0..100)
            .step_by(cut)
            .map(|start| numbers(start..(start + cut as i64).min(100)))
            .collect();
        let table = written(Mode::Table, terminal(80, 5), &batches);
        assert_eq!(cells(&table), ["0", "1", "2", "·", "98", "99"], "cut {cut}");
        assert!(table.ends_with("100 rows (5 shown)\n"));
    }
    let all = written(Mode::Table, terminal(80, 5), &[numbers(0..5)]);
    assert_eq!(cells(&all), ["0", "1", "2", "3", "4"]);
    let one = written(Mode::Table, terminal(80, 1), &[numbers(0..3)]);
    assert_eq!(cells(&one), ["0", "·"]);
    let whole = written(Mode::Table, terminal(80, 0), &[numbers(0..60)]);
    assert_eq!(cells(&whole).len(), 60);
}

#[test]
fn a_pipe_gets_every_row_however_many() {
    let batches: Vec<RecordBatch> =
        (0..5).map(|part| numbers(part * 777..(part + 1) * 777)).collect();
    let table = written(Mode::Table, Layout::default(), &batches);
    let expected: Vec<String> = (0..5 * 777).map(|number| number.to_string()).collect();
    assert_eq!(cells(&table), expected);
    assert!(table.ends_with("3,885 rows\n"));
}

#[test]
fn a_cell_wider_than_the_sample_is_not_cut_in_a_pipe() {
    let text = |letters: usize, rows: usize| {
        let array = StringArray::from(vec!["x".repeat(letters); rows]);
        RecordBatch::try_from_iter([("t", Arc::new(array) as ArrayRef)]).unwrap()
    };
    let table = written(Mode::Table, Layout::default(), &[text(9, 1_000), text(30, 1)]);
    assert!(table.contains(&format!("│ {} │", "x".repeat(30))));
}

fn wide(columns: usize) -> RecordBatch {
    let columns = (0..columns).map(|at| {
        let array = Int64Array::from(vec![1_000_000 + at as i64]);
        (format!("c{at}"), Arc::new(array) as ArrayRef)
    });
    RecordBatch::try_from_iter(columns).unwrap()
}

#[test]
fn a_wide_result_loses_its_middle_on_a_terminal_only() {
    let table = written(Mode::Table, terminal(40, 40), &[wide(9)]);
    assert_eq!(
        table,
        "\
┌─────────┬─────────┬───┬─────────┐
│   c0    │   c1    │ … │   c8    │
│ bigint  │ bigint  │ … │ bigint  │
├─────────┼─────────┼───┼─────────┤
│ 1000000 │ 1000001 │ … │ 1000008 │
└─────────┴─────────┴───┴─────────┘
1 row, 9 columns (3 shown)
"
    );
    assert!(!piped(Mode::Table, wide(30)).contains('…'));
    assert!(!written(Mode::Box, terminal(40, 40), &[wide(30)]).contains('…'));
}

#[test]
fn tables_never_exceed_the_terminal_if_two_columns_fit() {
    for width in 40..140 {
        for columns in [1, 2, 3, 5, 12] {
            let table = written(Mode::Table, terminal(width, 40), &[wide(columns)]);
            for line in table.lines() {
                let taken = unicode_width::UnicodeWidthStr::width(line);
                assert!(taken <= width, "{taken} > {width}: {line}");
            }
        }
    }
}

#[test]
fn texts_are_narrowed_before_columns_are_left_out() {
    let text = StringArray::from(vec!["日本語のとても長い名前のリソースグループ、さらに長く"]);
    let batch = RecordBatch::try_from_iter([
        ("name", Arc::new(text) as ArrayRef),
        ("cost", money(&[Some(ONE)])),
    ])
    .unwrap();
    let table = written(Mode::Table, terminal(50, 40), &[batch]);
    let widths: Vec<usize> =
        table.lines().take(6).map(unicode_width::UnicodeWidthStr::width).collect();
    assert!(table.contains('…'), "{table}");
    assert!(widths.iter().all(|width| *width <= 50 && *width == widths[0]), "{table}");
}

#[test]
fn data_cannot_steer_the_terminal() {
    let text = StringArray::from(vec!["\x1b[2Jgone\u{9b}"]);
    let batch = RecordBatch::try_from_iter([("t", Arc::new(text) as ArrayRef)]).unwrap();
    for mode in [Mode::Table, Mode::Box, Mode::Line] {
        let shown = written(mode, terminal(80, 40), std::slice::from_ref(&batch));
        assert!(!shown.contains(['\x1b', '\u{9b}']), "{mode:?}");
        assert!(shown.contains("gone"));
    }
}

#[test]
fn null_is_dimmed_where_colors_are_allowed() {
    let layout = Layout { colored: true, ..terminal(80, 40) };
    assert!(written(Mode::Table, layout, &[sample()]).contains("\x1b[2mNULL"));
    assert!(!written(Mode::Table, terminal(80, 40), &[sample()]).contains('\x1b'));
}

#[test]
fn plans_are_text() {
    let batch = RecordBatch::try_from_iter([
        ("plan_type", Arc::new(StringArray::from(vec!["logical_plan"])) as ArrayRef),
        ("plan", Arc::new(StringArray::from(vec!["Projection\n  Scan\n"])) as ArrayRef),
    ])
    .unwrap();
    let text = piped(Mode::Table, batch);
    assert!(text.starts_with("── logical_plan ──"), "{text}");
    assert!(text.ends_with("\nProjection\n  Scan\n\n"), "{text}");
}

#[test]
fn an_empty_result_still_shows_its_columns() {
    let table = piped(Mode::Table, sample().slice(0, 0));
    assert!(table.contains("customer") && table.ends_with("0 rows\n"), "{table}");
}
