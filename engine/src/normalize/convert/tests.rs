use arrow::array::{Array, AsArray, make_view};
use arrow::datatypes::{Date32Type, Decimal128Type, Int32Type};
use proptest::prelude::*;

use super::*;
use crate::model::date::{CivilDate, days_from_civil};
use crate::model::money::format_decimal;

/// Converts cells that stand side by side in one buffer.
fn converted<Cell: AsRef<[u8]>>(kind: ValueKind, texts: &[Cell]) -> (ArrayRef, Vec<String>) {
    let mut bytes = Vec::new();
    let mut spans = Vec::new();
    for text in texts {
        let start = bytes.len() as u32;
        bytes.extend_from_slice(text.as_ref());
        spans.push(FieldSpan { start, end: bytes.len() as u32 });
        bytes.push(b',');
    }
    let buffer = Buffer::from(bytes.clone());
    let cells = Cells {
        column: 0,
        never_null: false,
        bytes: &bytes,
        buffer: &buffer,
        is_utf8: std::str::from_utf8(&bytes).is_ok(),
        spans: &spans,
    };
    let mut faults = Vec::new();
    let array = convert(kind, &cells, &mut faults);
    assert_eq!(array.len(), texts.len());
    (array, faults.into_iter().map(|fault| format!("{}: {}", fault.row, fault.reason)).collect())
}

/// Values as text; checks what the unchecked constructor was promised.
fn text_values<Cell: AsRef<[u8]>>(kind: ValueKind, texts: &[Cell]) -> Vec<Option<String>> {
    let (array, faults) = converted(kind, texts);
    assert!(faults.is_empty(), "{faults:?}");
    let array = array.as_string_view();
    StringViewArray::try_new(
        array.views().clone(),
        array.data_buffers().to_vec(),
        array.nulls().cloned(),
    )
    .expect("views keep the promises of the unchecked constructor");
    array.iter().map(|text| text.map(str::to_owned)).collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn text_is_verbatim_but_for_quotes_and_nothing() {
    let guid = "00000000-0000-0000-0000-000000000000";
    let cells = [
        "eastus",
        "",
        "\"\"",
        guid,
        &format!("\"{guid}\""),
        "00000000-0000-0000-0000-000000000001",
        "\"a, quoted text\"",
        "\"{\"\"key\"\": \"\"value\"\"}\"",
        " spaces stay ",
        "exactly12byt",
        "exactly13byte",
        "Müller & Söhne GmbH",
        "\"text\" after the quote",
    ];
    assert_eq!(
        text_values(ValueKind::Text, &cells),
        [
            some("eastus"),
            None,
            None,
            None,
            None,
            some("00000000-0000-0000-0000-000000000001"),
            some("a, quoted text"),
            some("{\"key\": \"value\"}"),
            some(" spaces stay "),
            some("exactly12byt"),
            some("exactly13byte"),
            some("Müller & Söhne GmbH"),
            some("text after the quote"),
        ]
    );
}

#[test]
fn unstable_spelling_is_lower_cased() {
    let cells = [
        "/Subscriptions/ABC/resourceGroups/RG",
        "/Subscriptions/ABC/resourceGroups/RG",
        "Short",
        "\"Quoted, \"\"X\"\" and longer\"",
        "GRÖSSE-ÄÖÜ-ΣΑΣ",
        "",
        "already-lower",
    ];
    assert_eq!(
        text_values(ValueKind::LowercaseText, &cells),
        [
            some("/subscriptions/abc/resourcegroups/rg"),
            some("/subscriptions/abc/resourcegroups/rg"),
            some("short"),
            some("quoted, \"x\" and longer"),
            some("grösse-äöü-σας"),
            None,
            some("already-lower"),
        ]
    );
}

#[test]
fn text_that_is_not_utf8_is_a_fault_of_its_row_alone() {
    for kind in [ValueKind::Text, ValueKind::LowercaseText] {
        let cells = [b"good".as_slice(), b"b\xffd", b"\"\xc3\"", "é".as_bytes()];
        let (array, faults) = converted(kind, &cells);
        assert_eq!(array.null_count(), 2);
        assert_eq!(array.as_string_view().value(3), "é");
        assert_eq!(faults.len(), 2);
        assert!(faults[0].starts_with("1: not valid UTF-8"), "{faults:?}");
    }
}

fn decimal_values(kind: ValueKind, cells: &[&str]) -> Vec<Option<String>> {
    let (array, faults) = converted(kind, cells);
    assert!(faults.is_empty(), "{faults:?}");
    array.as_primitive::<Decimal128Type>().iter().map(|raw| raw.map(format_decimal)).collect()
}

#[test]
fn decimals_are_exact_and_nothing_is_null() {
    let cells = [
        "1.5",
        "1.5",
        "",
        "-0.000000144000000000000000",
        "\" 2.5 \"",
        "null",
        "NULL",
        "\"\"",
        "5.64902E-05",
    ];
    assert_eq!(
        decimal_values(ValueKind::Decimal, &cells),
        [
            some("1.5"),
            some("1.5"),
            None,
            some("-0.000000144"),
            some("2.5"),
            None,
            None,
            None,
            some("0.0000564902")
        ]
    );
}

#[test]
fn a_bad_number_is_a_fault_each_time_it_occurs() {
    let (array, faults) = converted(ValueKind::Decimal, &["1", "x,1", "x,1", "1e30", "1"]);
    assert_eq!(array.null_count(), 3);
    assert_eq!(
        faults,
        [
            "1: not a number: \"x,1\"",
            "2: not a number: \"x,1\"",
            "3: number is too large for 38 digits with 18 decimals: \"1e30\"",
        ]
    );
}

#[test]
fn rates_are_fractions_however_they_are_written() {
    let cells = ["0.15", "15", "15%", "15 %", "15.000", "1", "0", "1%", "", "100", "12.5%"];
    assert_eq!(
        decimal_values(ValueKind::Rate, &cells),
        [
            some("0.15"),
            some("0.15"),
            some("0.15"),
            some("0.15"),
            some("0.15"),
            some("1"),
            some("0"),
            some("0.01"),
            None,
            some("1"),
            some("0.125")
        ]
    );
    assert_eq!(hundredth(250), 2);
    assert_eq!(hundredth(350), 4);
    assert_eq!(hundredth(-250), -2);
    assert_eq!(hundredth(-251), -3);
    assert_eq!(converted(ValueKind::Rate, &["%", "a lot"]).1.len(), 2);
}

#[test]
fn dates_flags_and_terms() {
    let day = |year, month, day| Some(days_from_civil(CivilDate { year, month, day }));
    let cells = ["07/31/2026", "2026-07-31", " 7/31/2026 ", "2026-07-31T00:00:00Z", "", "null"];
    let (days, faults) = converted(ValueKind::Date, &cells);
    assert!(faults.is_empty(), "{faults:?}");
    let july = day(2026, 7, 31);
    let days: Vec<Option<i32>> = days.as_primitive::<Date32Type>().iter().collect();
    assert_eq!(days, [july, july, july, july, None, None]);
    assert_eq!(
        converted(ValueKind::Date, &["31/07/2026"]).1,
        ["0: not a date (MM/DD/YYYY or YYYY-MM-DD): \"31/07/2026\""]
    );

    let cells = ["True", "FALSE", "\"true\"", "1", "0", "Yes", "no", ""];
    let (flags, _) = converted(ValueKind::Boolean, &cells);
    let flags: Vec<Option<bool>> = flags.as_boolean().iter().collect();
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(flags, [yes, no, yes, yes, no, yes, no, None]);
    assert_eq!(converted(ValueKind::Boolean, &["maybe"]).1.len(), 1);

    let cells = ["12", "36.0", "P1Y", "p3y", "P1M", "", "\"60\""];
    let (months, _) = converted(ValueKind::Integer, &cells);
    let months: Vec<Option<i32>> = months.as_primitive::<Int32Type>().iter().collect();
    assert_eq!(months, [Some(12), Some(36), Some(12), Some(36), Some(1), None, Some(60)]);
    let bad = ["12.5", "3 years", "P1W", "99999999999", "P999999999Y", "-"];
    assert_eq!(converted(ValueKind::Integer, &bad).1.len(), bad.len());
}

#[test]
fn long_cells_are_cut_in_reasons() {
    let (_, faults) = converted(ValueKind::Decimal, &["x".repeat(5000)]);
    assert!(faults[0].len() < 200 && faults[0].contains("5000 bytes"), "{faults:?}");
}

proptest! {
    #[test]
    fn views_are_those_arrow_makes(text in "[a-z0é]{0,20}", before in 0..5usize) {
        let bytes = [vec![b','; before], text.clone().into_bytes()].concat();
        let view = text_view(&bytes, before, text.len(), 1);
        prop_assert_eq!(view, make_view(text.as_bytes(), 1, before as u32));
    }

    #[test]
    fn quoted_text_reads_back(texts in proptest::collection::vec("[a\",\né ]{1,40}", 1..80)) {
        let cells: Vec<String> =
            texts.iter().map(|text| format!("\"{}\"", text.replace('"', "\"\""))).collect();
        let expected: Vec<Option<String>> = texts.iter().cloned().map(Some).collect();
        prop_assert_eq!(text_values(ValueKind::Text, &cells), expected);
    }

    #[test]
    fn nulls_stand_where_cells_are_empty(empty in proptest::collection::vec(any::<bool>(), 0..200)) {
        let cells: Vec<&str> = empty.iter().map(|empty| if *empty { "" } else { "x" }).collect();
        let values = text_values(ValueKind::Text, &cells);
        prop_assert!(values.iter().zip(&empty).all(|(value, empty)| value.is_none() == *empty));
    }
}
