use arrow::datatypes::DataType;

use super::*;
use crate::commit::{CommitError, LakeTable};
use crate::error::{ErrorClass, Fault};
use crate::model::DatasetType;
use crate::query::test_lake::{TestFile, TestLake, answer, only, plan, rows};
use crate::query::{SourcePosition, TableKind};
use crate::views::parse_view;

/// Two sources, two months, four files; costs rise from file to file.
fn small_lake() -> TestLake {
    let lake = TestLake::new();
    let file = |cost: &[&str], day: &[&str], customer: &[&str]| {
        rows(
            LakeTable::Dataset(DatasetType::AmortizedCost),
            &[("cost_in_billing_currency", cost), ("date", day), ("customer_name", customer)],
        )
    };
    let days = |month: &str| [format!("{month}-01"), format!("{month}-02"), format!("{month}-03")];
    let (july, august) = (days("2026-07"), days("2026-08"));
    let july: Vec<&str> = july.iter().map(String::as_str).collect();
    let august: Vec<&str> = august.iter().map(String::as_str).collect();
    lake.create(
        LakeTable::Dataset(DatasetType::AmortizedCost),
        &[
            TestFile {
                partition: &["first partner", "2026-07"],
                rows: file(&["1", "2", "3.5"], &july, &["Contoso", "Contoso", ""]),
            },
            TestFile {
                partition: &["first partner", "2026-08"],
                rows: file(&["10", "11.5", ""], &august, &["Contoso", "Fabrikam", "Fabrikam"]),
            },
            TestFile {
                partition: &["second", "2026-07"],
                rows: file(
                    &["100", "12345678901234567890.123456789012345678", "0.000000000000000001"],
                    &july,
                    &["Tailspin", "Tailspin", "Wingtip"],
                ),
            },
            TestFile {
                partition: &["second", "2026-08"],
                rows: only(
                    &file(&["1000", "1001", "1002"], &august, &["", "", ""]),
                    &["cost_in_billing_currency", "date"],
                ),
            },
        ],
    );
    lake
}

fn files_read(plan: &str) -> usize {
    plan.matches(".parquet").count()
}

#[tokio::test]
async fn answers_come_from_every_file_and_old_files_lack_columns() {
    let lake = small_lake();
    let session = lake.session().await;
    let sql = "select source, billing_month, count(*), count(customer_name), \
               sum(cost_in_billing_currency) from amortized_cost group by 1, 2 order by 1, 2";
    assert_eq!(
        answer(&session, sql).await.unwrap(),
        [
            "first partner|2026-07|3|2|6.500000000000000000",
            "first partner|2026-08|3|3|21.500000000000000000",
            "second|2026-07|3|3|12345678901234567990.123456789012345679",
            "second|2026-08|3|0|3003.000000000000000000",
        ]
    );
    assert_eq!(
        answer(&session, "select count(*) from actual_cost").await.unwrap(),
        ["0"],
        "a table that does not exist yet is empty"
    );
}

#[tokio::test]
async fn files_are_left_out_by_partition_bounds_and_limit() {
    let lake = small_lake();
    let session = lake.session().await;
    for (condition, files) in [
        ("true", 4),
        ("billing_month = '2026-07'", 2),
        ("source = 'first partner' and billing_month = '2026-08'", 1),
        ("upper(source) like 'SEC%'", 2),
        ("billing_month in ('2026-07', '2030-01')", 2),
        ("cost_in_billing_currency > 11.6", 2),
        ("cost_in_billing_currency = 12345678901234567890.123456789012345678", 1),
        ("cost_in_billing_currency < 0.000000000000000001", 0),
        ("date = date '2026-08-02'", 2),
        ("date > date '2026-08-31'", 0),
        ("customer_name = 'Fabrikam'", 2),
        ("source = 'first partner' or cost_in_billing_currency >= 1000", 4),
        ("source = 'first partner' or cost_in_billing_currency > 2e19", 2),
    ] {
        let sql = format!("select sum(cost_in_usd) from amortized_cost where {condition}");
        let plan = plan(&session, &sql).await;
        assert_eq!(files_read(&plan), files, "{condition}\n{plan}");
    }
    let first = plan(&session, "select date from amortized_cost limit 4").await;
    assert_eq!(files_read(&first), 2, "{first}");
    // One row is asked for, and the first file may have none that passes.
    let sql = "select date from amortized_cost where customer_name is null limit 1";
    let filtered = plan(&session, sql).await;
    assert_eq!(files_read(&filtered), 2, "{filtered}");
    let counted = plan(&session, "select count(*) from amortized_cost").await;
    assert_eq!(files_read(&counted), 0, "{counted}");
    let counted = "select count(*) from amortized_cost where billing_month = '2026-08'";
    assert_eq!(files_read(&plan(&session, counted).await), 0);
    assert_eq!(answer(&session, counted).await.unwrap(), ["6"]);
}

#[tokio::test]
async fn filters_on_statistics_lose_no_row() {
    let lake = small_lake();
    let session = lake.session().await;
    for (condition, count) in [
        ("cost_in_billing_currency = 1e-18", "1"),
        ("cost_in_billing_currency >= 12345678901234567890.123456789012345678", "1"),
        ("cost_in_billing_currency > 12345678901234567890.123456789012345678", "0"),
        ("cost_in_billing_currency is null", "1"),
        ("customer_name is null", "4"),
        ("customer_name <> 'Contoso'", "5"),
        ("date between date '2026-07-02' and date '2026-08-01'", "6"),
        ("cost_in_billing_currency * 2 = 23", "1"),
    ] {
        let sql = format!("select count(*) from amortized_cost where {condition}");
        assert_eq!(answer(&session, &sql).await.unwrap(), [count], "{condition}");
    }
}

#[tokio::test]
async fn a_session_keeps_the_version_it_opened() {
    let lake = small_lake();
    let session = lake.session().await;
    let log = lake.path().to_owned() + "/amortized_cost/_delta_log/00000000000000000001.json";
    let remove = r#"{"remove":{"path":"source=second/billing_month=2026-08/part-3.parquet","dataChange":true,"deletionTimestamp":1}}"#;
    std::fs::write(log, format!("{remove}\n")).unwrap();
    let count = "select count(*) from amortized_cost";
    assert_eq!(answer(&session, count).await.unwrap(), ["12"]);
    assert_eq!(answer(&lake.session().await, count).await.unwrap(), ["9"]);
}

#[tokio::test]
async fn what_is_no_lake_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nothing/here");
    let missing = missing.to_str().unwrap();
    let error = Lake::open_existing(missing, Default::default()).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::BadConfig);
    assert!(error.to_string().contains(missing) && error.hint().is_some(), "{error}");
    let lake = Lake::at(missing, Default::default()).unwrap();
    assert!(!lake.exists().await.unwrap());
    assert!(lake.table(LakeTable::Dataset(DatasetType::ActualCost)).await.unwrap().is_none());
    for bad in ["", "s3://bucket/lake", "az://", "az://container/lake?sig=secret", "http://x/y"] {
        let error = Lake::at(bad, Default::default()).err();
        let class = error.as_ref().map(Fault::class);
        assert!(bad == "az://" || class == Some(ErrorClass::BadConfig), "{bad}: {error:?}");
    }
    assert!(small_lake().lake().exists().await.unwrap());
}

#[tokio::test]
async fn tables_that_cannot_be_read_are_refused() {
    let schema = LakeTable::RejectedRows.schema();
    for (properties, features, expected) in [
        (serde_json::json!({"costlake.format": "2"}), serde_json::json!([]), "newer costlake"),
        (serde_json::json!({"costlake.format": "x"}), serde_json::json!([]), "newer costlake"),
        (serde_json::json!({}), serde_json::json!(["variantType"]), "variantType"),
    ] {
        let lake = TestLake::new();
        lake.create_with(LakeTable::RejectedRows, &[], &schema, properties, features);
        let error = Session::open(&lake.lake(), &SessionOptions::default()).await.err().unwrap();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.class(), ErrorClass::BadConfig, "{error}");
        assert!(error.hint().is_some(), "{error:?}");
    }
}

#[tokio::test]
async fn tables_are_opened_when_a_statement_needs_one() {
    let lake = small_lake();
    let options = SessionOptions::default();
    let eager = lake.session().await;
    let broken = serde_json::json!({"costlake.format": "2"});
    let schema = LakeTable::RejectedRows.schema();
    lake.create_with(LakeTable::RejectedRows, &[], &schema, broken, serde_json::json!([]));
    let session = Session::on_demand(&lake.lake(), &options).unwrap();
    assert_eq!(answer(&session, "select 1").await.unwrap(), ["1"]);
    assert!(answer(&session, "drop table rejected_rows").await.is_err());
    // Of one moment: a table that cannot be read is told by whatever needs any.
    for needs in ["select count(*) from amortized_cost", "show tables", "describe savings"] {
        let error = answer(&session, needs).await.unwrap_err();
        assert!(matches!(error, QueryError::Lake(CommitError::NewerFormat { .. })), "{error:?}");
    }
    std::fs::remove_dir_all(format!("{}/rejected_rows", lake.path())).unwrap();
    let everything = "select count(*), sum(cost_in_billing_currency) from amortized_cost";
    assert_eq!(
        answer(&session, everything).await.unwrap(),
        answer(&eager, everything).await.unwrap()
    );
    assert_eq!(session.catalog(), eager.catalog());

    let nowhere = tempfile::tempdir().unwrap();
    let nowhere = Lake::at(nowhere.path().to_str().unwrap(), Default::default()).unwrap();
    let session = Session::on_demand(&nowhere, &options).unwrap();
    let error = answer(&session, "select 1").await.unwrap_err();
    assert!(matches!(error, QueryError::Lake(CommitError::NotALake { .. })), "{error:?}");
}

/// A table may have columns that this version does not know, with capitals.
#[tokio::test]
async fn names_are_those_of_the_opened_tables() {
    let lake = TestLake::new();
    let table = LakeTable::RejectedRows;
    let mut fields = table.schema().fields().to_vec();
    fields.insert(0, Arc::new(arrow::datatypes::Field::new("newColumn", DataType::Utf8, true)));
    let schema = Arc::new(arrow::datatypes::Schema::new(fields));
    lake.create_with(table, &[], &schema, serde_json::json!({}), serde_json::json!([]));
    let session = Session::on_demand(&lake.lake(), &SessionOptions::default()).unwrap();
    let nothing: [&str; 0] = [];
    assert_eq!(answer(&session, "select newcolumn from rejected_rows").await.unwrap(), nothing);
}

#[tokio::test]
async fn nothing_can_be_changed() {
    let lake = small_lake();
    let session = lake.session().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.csv");
    let copy = format!("copy (select 1) to '{}'", file.display());
    let external = format!("create external table t stored as csv location '{}'", file.display());
    for sql in [
        "create table t as select 1",
        "create view v as select 1",
        "create or replace view amortized_cost as select 1",
        "create function f(x int) returns int return x",
        "create schema s",
        "drop table amortized_cost",
        "insert into amortized_cost select * from amortized_cost",
        "explain analyze insert into amortized_cost select * from amortized_cost",
        "explain create table t as select 1",
        "delete from amortized_cost",
        "update amortized_cost set source = 'x'",
        "truncate table amortized_cost",
        "alter table amortized_cost add column x int",
        "begin",
        "prepare p as insert into amortized_cost select * from amortized_cost",
        copy.as_str(),
        external.as_str(),
    ] {
        let error = session.execute(sql).await.err().unwrap_or_else(|| panic!("{sql} ran"));
        assert!(matches!(error, QueryError::ReadOnly { .. }), "{sql}: {error:?}");
        assert_eq!(error.class(), ErrorClass::Denied);
    }
    assert!(!file.exists());
    assert!(answer(&session, "select * from '/etc/passwd'").await.is_err());
    for sql in [
        "show tables",
        "show columns from amortized_cost",
        "describe amortized_cost",
        "explain select 1",
        "explain analyze select count(*) from amortized_cost",
        "set datafusion.execution.batch_size = 100",
        "show datafusion.execution.batch_size",
        "with x as (select 1 as a) select * from x",
        "values (1), (2)",
    ] {
        answer(&session, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let batch_size = answer(&session, "show datafusion.execution.batch_size").await.unwrap();
    assert_eq!(batch_size, ["datafusion.execution.batch_size|100"]);
}

#[tokio::test]
async fn errors_say_where_and_what_is_near() {
    let lake = small_lake();
    let session = lake.session().await;
    let at = |line, column| Some(SourcePosition { line, column });
    for (sql, message, position, hint) in [
        ("select 1\n  from actual_cost )", "Expected", at(2, 20), None),
        ("selec 1", "Expected", at(1, 1), None),
        ("select 'abc", "Unterminated", at(1, 8), None),
        (
            "select *\nfrom amortised_cost",
            "there is no table or view \"amortised_cost\"",
            at(2, 6),
            Some("did you mean amortized_cost?"),
        ),
        (
            "select costumer_name\nfrom amortized_cost",
            "there is no column \"costumer_name\"",
            at(1, 8),
            Some("did you mean customer_name?"),
        ),
        ("select x.nope from amortized_cost x", "there is no column \"x.nope\"", at(1, 8), None),
        (
            "select source from amortized_cost a, actual_cost b",
            "is in more than one table",
            at(1, 8),
            Some("write table.source"),
        ),
    ] {
        let error = session.execute(sql).await.err().unwrap();
        assert!(error.to_string().contains(message), "{sql}: {error}");
        for noise in ["ParserError", "Error during planning", "Schema error", "Valid fields"] {
            assert!(!error.to_string().contains(noise), "{sql}: {error}");
        }
        assert_eq!(error.position(), position, "{sql}: {error:?}");
        assert_eq!(error.class(), ErrorClass::BadConfig);
        if hint.is_some() {
            assert_eq!(error.hint().as_deref(), hint, "{sql}: {error:?}");
        }
    }
    for (sql, found) in [("select 1; select 2", 2), ("", 0), ("-- nothing", 0)] {
        let error = session.execute(sql).await.err().unwrap();
        assert!(matches!(error, QueryError::StatementCount { found: f } if f == found), "{error}");
    }
    assert_eq!(answer(&session, "select 1;").await.unwrap(), ["1"]);
    let error = answer(&session, "select cost_in_billing_currency / 0 from amortized_cost")
        .await
        .unwrap_err();
    assert!(error.to_string().ends_with("division by zero"), "{error}");
    assert!(error.hint().unwrap().contains("nullif"));
}

#[tokio::test]
async fn too_little_memory_is_said() {
    let lake = small_lake();
    let options =
        SessionOptions { memory_limit_bytes: Some(2_000), threads: Some(2), ..Default::default() };
    let session = Session::open(&lake.lake(), &options).await.unwrap();
    let sql = "select customer_name, sum(cost_in_usd) from amortized_cost group by 1 order by 2";
    let error = answer(&session, sql).await.unwrap_err();
    assert!(matches!(error, QueryError::Resources { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("memory limit"));
}

#[tokio::test]
async fn current_date_can_be_fixed() {
    let options = SessionOptions { as_of: Some(20_667), ..SessionOptions::default() };
    let session = Session::from_tables(Vec::new(), &options).await.unwrap();
    let sql = "select current_date, today(), current_date - date '2026-08-01'";
    let found = answer(&session, sql).await.unwrap();
    assert!(found[0].starts_with("2026-08-02|2026-08-02|"), "{found:?}");
}

const INNER: &str = "-- question: What did each
--   customer cost?
-- grain: source, billing_month, customer_name
-- sources: amortized_cost
-- columns:
--   source: bill connect
--   customer_name: customer
--   cost: amortized cost,
--     billing currency
--   \"Doubled\": twice that, billing currency
select source, customer_name, sum(cost_in_billing_currency) as cost,
  sum(cost_in_billing_currency * 2) as \"Doubled\"
from amortized_cost
group by source, customer_name;
";

const OUTER: &str = "-- question: Total?
-- grain: all
-- sources: by_customer
-- columns:
--   total: total cost
select sum(cost) as total from by_customer where source = 'first partner'
";

#[tokio::test]
async fn views_answer_in_any_order_and_are_described() {
    let lake = small_lake();
    let mut inner = parse_view("by_customer", INNER).unwrap();
    // Names in a header are written plainly.
    inner.columns[3].name = "Doubled".to_owned();
    let views = [parse_view("total", OUTER).unwrap(), inner];
    let table = LakeTable::Dataset(DatasetType::AmortizedCost);
    let snapshot = TableSnapshot::newest(&lake.lake(), table).await.unwrap().unwrap();
    let options = SessionOptions::default();
    let session = Session::with_views(vec![snapshot], &views, &options);
    let session = session.await.unwrap();
    assert_eq!(
        answer(&session, "select total from total").await.unwrap(),
        ["28.000000000000000000"]
    );
    // The filter of the outer view reaches the files.
    assert_eq!(files_read(&plan(&session, "select total from total").await), 2);
    let sql = "select doubled from by_customer where customer_name = 'Wingtip'";
    assert_eq!(answer(&session, sql).await.unwrap(), ["0.000000000000000002"]);

    let described = session.catalog().iter().find(|table| table.name == "by_customer").unwrap();
    assert_eq!(described.kind, TableKind::View);
    assert_eq!(described.description, "What did each customer cost?");
    assert_eq!(described.columns[2].description, "amortized cost, billing currency");
    let sql = "select table_type, count(*) from catalog_tables group by 1 order by 1";
    assert_eq!(answer(&session, sql).await.unwrap(), ["table|9", "view|4"]);
    let sql = "select ordinal_position, data_type, description from catalog_columns \
               where table_name = 'by_customer' and column_name = 'cost'";
    assert_eq!(
        answer(&session, sql).await.unwrap(),
        ["3|decimal(38,18)|amortized cost, billing currency"]
    );
    let missing = "select count(*) from catalog_columns where description = ''";
    assert_eq!(answer(&session, missing).await.unwrap(), ["0"]);
}

#[tokio::test]
async fn a_broken_view_names_itself() {
    let mut view = parse_view("total", OUTER).unwrap();
    view.sql = "select nope from ingest_runs".to_owned();
    let options = SessionOptions::default();
    let session = Session::with_views(Vec::new(), &[view], &options).await.unwrap();
    let error = answer(&session, "select * from total").await.unwrap_err();
    assert!(error.to_string().starts_with("view total: there is no column"), "{error}");
}

#[tokio::test]
async fn every_view_plans_with_the_columns_its_header_lists() {
    let session = Session::from_tables(Vec::new(), &SessionOptions::default()).await.unwrap();
    let known = session.catalog_with_types().await.unwrap();
    for view in views::views() {
        for source in &view.sources {
            assert!(known.iter().any(|table| table.name == *source), "{}: {source}", view.name);
        }
        let table = known.iter().find(|table| table.name == view.name).unwrap();
        assert!(table.columns.iter().all(|column| column.data_type.is_some()), "{}", view.name);
        let listed: Vec<&str> = view.columns.iter().map(|column| column.name.as_str()).collect();
        let provider = session.context().table_provider(view.name.as_str()).await.unwrap();
        let schema = provider.schema();
        let found: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(listed, found, "columns of {}", view.name);
        // What is said before a query runs is what it then returns; text is text.
        let said_as = |field: &arrow::datatypes::Field| match field.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
            other => other.clone(),
        };
        let rows = session.execute(&format!("select * from {}", view.name)).await.unwrap().schema();
        for (said, returned) in schema.fields().iter().zip(rows.fields()) {
            let column = format!("{}.{}", view.name, said.name());
            assert_eq!(said_as(said), said_as(returned), "{column}");
        }
        answer(&session, &format!("select * from {} limit 1", view.name)).await.unwrap();
    }
    for check in views::checks() {
        let rows = answer(&session, &check.sql).await.unwrap();
        assert!(rows.is_empty(), "check {} on an empty lake: {rows:?}", check.name);
    }
}

/// A join that does not give way could be canceled only once it is done.
#[tokio::test]
async fn every_join_gives_way_to_a_cancel() {
    let session = Session::from_tables(Vec::new(), &SessionOptions::default()).await.unwrap();
    for (join, condition) in [
        ("CrossJoinExec", ""),
        ("NestedLoopJoinExec", "where a.value < b.value + 1"),
        ("HashJoinExec", "where a.value = b.value"),
    ] {
        let sql = format!(
            "explain select count(*) from generate_series(1, 9) a, generate_series(1, 9) b {condition}"
        );
        let plan = answer(&session, &sql).await.unwrap().join("\n");
        let lines: Vec<&str> = plan.lines().map(str::trim).collect();
        let at = lines.iter().position(|line| line.contains(join)).expect(&plan);
        assert!(lines[at - 1].ends_with("CooperativeExec"), "{plan}");
    }
}

/// By the session's own operators, and a cancel is heard meanwhile.
#[tokio::test]
async fn rows_are_looked_up_and_texts_compared() {
    let session = Session::from_tables(Vec::new(), &SessionOptions::default()).await.unwrap();
    let sql = "explain select * from generate_series(1, 9) a left join \
               (select distinct value as number from generate_series(1, 9)) b \
               on a.value = b.number";
    let plan = answer(&session, sql).await.unwrap().join("\n");
    let lines: Vec<&str> = plan.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| line.contains("LookupJoinExec")).expect(&plan);
    assert!(lines[at - 1].ends_with("CooperativeExec"), "{plan}");
    for name in ["max", "min"] {
        let function = format!("{:?}", session.context().state().aggregate_functions()[name]);
        assert!(function.contains("TextExtreme"), "{function}");
    }
}
