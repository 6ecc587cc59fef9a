use arrow::array::ArrayRef;
use arrow::datatypes::{Field, Schema};

use super::*;

fn decimals(values: &[Option<&str>]) -> ArrayRef {
    let raw: Decimal128Array = values
        .iter()
        .map(|text| text.map(|text| crate::model::money::parse_decimal(text.as_bytes()).unwrap()))
        .collect();
    Arc::new(raw.with_precision_and_scale(38, 18).unwrap())
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

fn sum(name: &str) -> TotalDefinition {
    TotalDefinition::Sum(name.to_owned())
}

fn shown(column: &ArrayRef) -> Vec<Option<String>> {
    let column = column.as_primitive::<Decimal128Type>();
    column.iter().map(|raw| raw.map(crate::model::money::format_decimal)).collect()
}

#[test]
fn sources_and_currencies_are_never_added() {
    let rows = batch(vec![
        ("source", texts(&[Some("a"), Some("a"), Some("b"), Some("a"), None])),
        (
            "billing_currency",
            texts(&[Some("EUR"), Some("USD"), Some("EUR"), Some("EUR"), Some("EUR")]),
        ),
        (
            "cost",
            decimals(&[Some("1.5"), Some("2"), Some("4"), Some("0.000000000000000001"), Some("8")]),
        ),
        ("name", texts(&[Some("x"); 5])),
    ]);
    let mut adder = Adder::new(&rows.schema(), &[sum("cost")]).unwrap();
    adder.add(&rows.slice(0, 2)).unwrap();
    adder.add(&rows.slice(2, 3)).unwrap();
    let totals = adder.finish().unwrap();
    assert_eq!((totals.rows, totals.totals.num_rows()), (5, 4));
    let sums: Vec<Option<String>> = shown(totals.totals.column(2));
    // None first, then by source and currency.
    assert_eq!(
        sums.iter().map(|sum| sum.as_deref().unwrap()).collect::<Vec<_>>(),
        ["8", "1.500000000000000001", "2", "4"]
    );
    assert_eq!(totals.totals.column(3).null_count(), 4);
}

#[test]
fn focus_has_other_names_for_them() {
    let rows = batch(vec![
        ("x_Source", texts(&[Some("a"), Some("a")])),
        ("BillingCurrency", texts(&[Some("EUR"), Some("USD")])),
        ("BilledCost", decimals(&[Some("1"), Some("2")])),
    ]);
    let mut adder = Adder::new(&rows.schema(), &[sum("BilledCost")]).unwrap();
    adder.add(&rows).unwrap();
    let totals = adder.finish().unwrap();
    assert_eq!((totals.totals.num_rows(), totals.keys), (2, vec![0, 1]));
}

#[test]
fn what_is_unknown_is_counted_and_not_zero() {
    let rows = batch(vec![
        ("list_usd", decimals(&[None, Some("10"), Some("30")])),
        ("cost_usd", decimals(&[None, None, None])),
        ("rows", Arc::new(Int64Array::from(vec![Some(2), None, Some(3)])) as ArrayRef),
    ]);
    let totals = [sum("list_usd"), sum("cost_usd"), sum("rows")];
    let mut adder = Adder::new(&rows.schema(), &totals).unwrap();
    adder.add(&rows).unwrap();
    let totals = adder.finish().unwrap();
    assert_eq!(shown(totals.totals.column(0)), [Some("40".to_owned())]);
    assert_eq!(shown(totals.totals.column(1)), [None]);
    assert_eq!(totals.totals.column(2).as_primitive::<Int64Type>().value(0), 5);
    assert_eq!(totals.unknown, [[1, 3, 1]]);
}

/// The percentage of the total of two rows: saved, of list, and what each row says itself.
fn percent_of_total(
    saved: [Option<&str>; 2],
    list: [Option<&str>; 2],
    percents: [Option<f64>; 2],
) -> Option<f64> {
    let rows = batch(vec![
        ("list_usd", decimals(&list)),
        ("saved_usd", decimals(&saved)),
        ("pct", Arc::new(Float64Array::from(percents.to_vec())) as ArrayRef),
    ]);
    let percent = TotalDefinition::Percent {
        column: "pct".to_owned(),
        numerator: "saved_usd".to_owned(),
        denominator: "list_usd".to_owned(),
    };
    let mut adder =
        Adder::new(&rows.schema(), &[sum("list_usd"), sum("saved_usd"), percent]).unwrap();
    adder.add(&rows).unwrap();
    let totals = adder.finish().unwrap();
    let of_total = totals.totals.column(2).as_primitive::<arrow::datatypes::Float64Type>();
    of_total.is_valid(0).then(|| of_total.value(0))
}

#[test]
fn percents_are_of_the_sums() {
    let told = percent_of_total(
        [Some("50"), Some("0")],
        [Some("100"), Some("300")],
        [Some(50.0), Some(0.0)],
    );
    assert_eq!(told, Some(12.5));
}

#[test]
fn a_percent_is_unknown_where_that_of_a_row_is() {
    // List cost that is known does not make unknown savings 0.
    let known = Some("100");
    let half = [Some(50.0), None];
    assert_eq!(percent_of_total([Some("50"), None], [known, known], half), None);
    // Waste where no usage has a price has no percent of its own, and counts.
    let saved = [Some("50"), Some("-10")];
    assert_eq!(percent_of_total(saved, [known, None], half), Some(40.0));
    assert_eq!(percent_of_total(saved, [known, Some("0")], half), Some(40.0));
}

#[test]
fn no_rows_have_no_totals_and_faults_are_told() {
    let rows =
        batch(vec![("cost_usd", decimals(&[])), ("name", texts(&[])), ("amount", decimals(&[]))]);
    let adder = Adder::new(&rows.schema(), &[sum("cost_usd")]).unwrap();
    assert_eq!(adder.finish().unwrap().totals.num_rows(), 0);
    let fault = |name: &str| Adder::new(&rows.schema(), &[sum(name)]).err().unwrap();
    assert_eq!(fault("price"), TotalFault::Missing("price".to_owned()));
    assert_eq!(fault("name"), TotalFault::NoNumber("name".to_owned()));
    assert_eq!(fault("amount"), TotalFault::NoCurrency("amount".to_owned()));

    let most = "99999999999999999999.999999999999999999";
    let large = batch(vec![("cost_usd", decimals(&[Some(most), Some(most)]))]);
    let mut adder = Adder::new(&large.schema(), &[sum("cost_usd")]).unwrap();
    adder.add(&large).unwrap();
    assert_eq!(adder.finish().err().unwrap(), TotalFault::Overflow("cost_usd".to_owned()));
}
