use arrow::datatypes::DataType;

use crate::commit::LakeTable;
use crate::model::DatasetType;
use crate::query::test_lake::{TestFile, TestLake, answer, answer_schema, rows};
use crate::query::{Session, SessionOptions};

async fn empty_session() -> Session {
    Session::from_tables(Vec::new(), &SessionOptions::default()).await.unwrap()
}

/// `t(k, x, y)` over decimals, split over two files. Files are read lazily: keep
/// the lake as long as the session.
async fn session(values: &[(&str, &str, &str)]) -> (TestLake, Session) {
    let lake = TestLake::new();
    let file = |values: &[(&str, &str, &str)]| {
        let keys: Vec<&str> = values.iter().map(|row| row.0).collect();
        let xs: Vec<&str> = values.iter().map(|row| row.1).collect();
        let ys: Vec<&str> = values.iter().map(|row| row.2).collect();
        rows(
            LakeTable::Dataset(DatasetType::ActualCost),
            &[("customer_name", &keys), ("cost_in_billing_currency", &xs), ("cost_in_usd", &ys)],
        )
    };
    let half = values.len() / 2;
    lake.create(
        LakeTable::Dataset(DatasetType::ActualCost),
        &[
            TestFile { partition: &["s", "2026-07"], rows: file(&values[..half]) },
            TestFile { partition: &["s", "2026-08"], rows: file(&values[half..]) },
        ],
    );
    let session = lake.session().await;
    (lake, session)
}

const T: &str = "(select customer_name as k, cost_in_billing_currency as x, cost_in_usd as y \
                 from actual_cost) t";

#[tokio::test]
async fn literals_and_constants_are_exact() {
    let session = empty_session().await;
    for (sql, expected) in [
        ("12.345678901234567890", "12.345678901234567890"),
        ("2.5 * 3", "7.500000000000000000"),
        ("1.0 / 3", "0.333333333333333333"),
        ("2 / 3.0", "0.666666666666666667"),
        ("-1.0 / 3", "-0.333333333333333333"),
        ("7 / 2", "3"),
        ("1.5 + 1", "2.500000000000000000"),
        ("1 - 0.1", "0.900000000000000000"),
        ("0.1 + 0.2 = 0.3", "true"),
        ("100.0 * 100.0", "10000.000000000000000000"),
        ("9999999999.0 * 9999999999.0", "99999999980000000001.000000000000000000"),
        ("0.000000000000000001 * 0.5", "0.000000000000000000"),
        ("-0.000000000000000003 * 0.5", "-0.000000000000000002"),
        ("0.00000000000000000000000000000000000001 * 1e19", "0.000000000000000000"),
        ("1e19 + 1.5", "10000000000000000001.500000000000000000"),
        ("1.0 / null", "NULL"),
        ("null * 1.5", "NULL"),
        ("1.5 * cast(2 as double)", "3.0"),
        ("cast(1 as double) / 3.0", "0.3333333333333333"),
        ("1.50 * '2'", "3.000000000000000000"),
        ("case when 1.5 > 1 then 1.5 * 2 else 0 end", "3.000000000000000000"),
        ("coalesce(null, 1.5) * 2", "3.000000000000000000"),
        ("7.5 % 2", "1.5"),
        ("date '2026-07-31' + interval '1 day'", "2026-08-01"),
    ] {
        let found = answer(&session, &format!("select {sql}")).await;
        assert_eq!(found.unwrap(), [expected], "{sql}");
    }
    for (sql, message) in [
        ("1.0 / 0", "division by zero"),
        ("1.5 / 0.0", "division by zero"),
        ("1e19 * 1e19", "exceeds 38 digits"),
        ("99999999999999999999.0 + 1", "exceeds 38 digits"),
        ("-99999999999999999999.0 - 1.0", "exceeds 38 digits"),
        ("1e19 / 1e-18", "exceeds 38 digits"),
    ] {
        let error = answer(&session, &format!("select {sql}")).await.unwrap_err();
        assert!(error.to_string().contains(message), "{sql}: {error}");
    }
}

#[tokio::test]
async fn columns_keep_the_operators_names_and_the_money_type() {
    let (_lake, session) = session(&[("a", "1", "2"), ("b", "3", "4")]).await;
    let sql = format!(
        "select x * y, x / y, x + y, x - 1, sum(x), avg(x), sum(x * y) over () from {T} group by x, y"
    );
    let schema = answer_schema(&session, &sql).await;
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names[..5], ["t.x * t.y", "t.x / t.y", "t.x + t.y", "t.x - Int64(1)", "sum(t.x)"]);
    for field in schema.fields() {
        assert_eq!(*field.data_type(), DataType::Decimal128(38, 18), "{}", field.name());
    }
}

#[tokio::test]
async fn arithmetic_on_columns_is_exact() {
    let (_lake, session) = session(&[
        ("a", "100", "100"),
        ("a", "0.1", "3"),
        ("b", "", "5"),
        ("b", "-1", "3"),
        ("c", "12345.678901234567890123", "1093.5"),
    ])
    .await;
    let sql = format!("select k, x * y, x / y, x - y, -x from {T} order by k, y");
    assert_eq!(
        answer(&session, &sql).await.unwrap(),
        [
            "a|0.300000000000000000|0.033333333333333333|-2.900000000000000000|-0.100000000000000000",
            "a|10000.000000000000000000|1.000000000000000000|0.000000000000000000|-100.000000000000000000",
            "b|-3.000000000000000000|-0.333333333333333333|-4.000000000000000000|1.000000000000000000",
            "b|NULL|NULL|NULL|NULL",
            "c|13499999.878499999987849500|11.290058437342997613|11252.178901234567890123|-12345.678901234567890123",
        ]
    );
    let sql =
        format!("select count(*) from {T} where x * y > 0.25 and x / y >= 0.033333333333333333");
    assert_eq!(answer(&session, &sql).await.unwrap(), ["3"]);
    let sql = format!(
        "select k, 100 * sum(x) / sum(y), sum(x) / count(*), sum(x) * 0.15 from {T} group by k order by k"
    );
    assert_eq!(
        answer(&session, &sql).await.unwrap(),
        [
            "a|97.184466019417475728|50.050000000000000000|15.015000000000000000",
            "b|-12.500000000000000000|-0.500000000000000000|-0.150000000000000000",
            "c|1129.005843734299761328|12345.678901234567890123|1851.851835185185183518",
        ]
    );
}

#[tokio::test]
async fn sums_are_exact_and_never_wrap() {
    let large = "99999999999999999999";
    let (_lake, session) = session(&[
        ("over", large, "1"),
        ("over", large, "1"),
        ("back", large, "1"),
        ("back", large, "1"),
        ("back", "-99999999999999999999", "2"),
        ("none", "", "2"),
        ("small", "0.000000000000000001", "2"),
        ("small", "0.000000000000000002", "3"),
    ])
    .await;
    let error =
        answer(&session, &format!("select k, sum(x) from {T} group by k")).await.unwrap_err();
    assert!(error.to_string().contains("sum: the result exceeds 38 digits"), "{error}");
    assert!(answer(&session, &format!("select sum(x) from {T}")).await.is_err());
    let filtered = format!(
        "select k, sum(x), avg(x), sum(distinct y), avg(distinct y), count(x) \
        from {T} where k <> 'over' group by k order by k"
    );
    assert_eq!(
        answer(&session, &filtered).await.unwrap(),
        [
            "back|99999999999999999999.000000000000000000|33333333333333333333.000000000000000000|3.000000000000000000|1.500000000000000000|3",
            "none|NULL|NULL|2.000000000000000000|2.000000000000000000|0",
            "small|0.000000000000000003|0.000000000000000002|5.000000000000000000|2.500000000000000000|2",
        ]
    );
    let whole = format!(
        "select sum(x), avg(x), sum(distinct x), sum(x) filter (where y = 3) \
        from {T} where k not in ('over')"
    );
    assert_eq!(
        answer(&session, &whole).await.unwrap(),
        [
            "99999999999999999999.000000000000000003|19999999999999999999.800000000000000001|0.000000000000000003|0.000000000000000002"
        ]
    );
    let nothing =
        format!("select sum(x), avg(x), sum(distinct x), sum(x * y) from {T} where k = 'nobody'");
    assert_eq!(answer(&session, &nothing).await.unwrap(), ["NULL|NULL|NULL|NULL"]);
    let integers = "select sum(a), avg(a), sum(distinct a) from (values (1), (2), (2)) t(a)";
    assert_eq!(answer(&session, integers).await.unwrap(), ["5|1.6666666666666667|3"]);
    let floats = "select sum(a) from (values (cast(0.5 as double)), (1)) t(a)";
    assert_eq!(answer(&session, floats).await.unwrap(), ["1.5"]);
}

#[tokio::test]
async fn sums_of_products_have_eighteen_decimals() {
    // Σ of 30 products of about 450,000: the stock type wraps above 170.
    let values: Vec<(&str, &str, &str)> =
        (0..30).map(|_| ("k", "12345.678901234567890123", "36.450000000000000001")).collect();
    let (_lake, session) = session(&values).await;
    let sql = format!("select sum(x * y), min(x * y) from {T}");
    assert_eq!(
        answer(&session, &sql).await.unwrap(),
        ["13499999.878499999988219870|449999.995949999999607329"]
    );
}

#[tokio::test]
async fn windows_add_and_take_back() {
    let large = "99999999999999999999";
    let (_lake, session) =
        session(&[("1", large, "1"), ("2", "0.5", "1"), ("3", "", "2"), ("4", "-1", "3")]).await;
    let frame = "over (order by k rows between 1 preceding and current row)";
    let sql = format!(
        "select k, sum(x) {frame}, avg(y) {frame}, sum(y) over (order by k), \
        sum(distinct y) {frame} from {T} where k <> '1' order by k"
    );
    assert_eq!(
        answer(&session, &sql).await.unwrap(),
        [
            "2|0.500000000000000000|1.000000000000000000|1.000000000000000000|1.000000000000000000",
            "3|0.500000000000000000|1.500000000000000000|3.000000000000000000|3.000000000000000000",
            "4|-1.000000000000000000|2.500000000000000000|6.000000000000000000|5.000000000000000000",
        ]
    );
    let wrap =
        format!("select sum(x) {frame} from (select * from {T} union all select * from {T})");
    let error = answer(&session, &wrap).await.unwrap_err();
    assert!(error.to_string().contains("exceeds 38 digits"), "{error}");
}

#[tokio::test]
async fn many_groups_agree_with_one_group() {
    // Enough groups and batches that partial states are merged.
    let session = empty_session().await;
    let sql = "with v as (select value, value % 7001 as k, value * 1.000000000000000001 as x \
               from generate_series(1, 60000)), \
               g as (select k, sum(x) as s, avg(x) as a, count(*) as n from v group by k) \
               select sum(s) = (select sum(x) from v), count(*), max(abs(a * n - s)) < 0.0001 from g";
    assert_eq!(answer(&session, sql).await.unwrap(), ["true|7001|true"]);
}
