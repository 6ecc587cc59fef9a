use std::sync::Arc;

use arrow::array::{Float64Array, Int64Array, RecordBatch, StringViewArray};
use arrow::util::display::array_value_to_string;
use datafusion::datasource::MemTable;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use proptest::prelude::*;

use super::physical_rules;

/// A row of either table: two keys, one of them a text.
type Row = (Option<String>, Option<i64>);

fn rows(texts: &'static str, count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Row>> {
    let text = prop::option::weighted(0.8, texts);
    let number = prop::option::weighted(0.9, 0i64..3);
    prop::collection::vec((text, number), count)
}

/// As many batches as fit, in two partitions; `id` numbers the rows. The note makes a table
/// as large as one of facts is.
fn table(rows: &[Row], batch_rows: usize, note: &str) -> MemTable {
    let batch = |(number, rows): (usize, &[Row])| {
        let first = (number * batch_rows) as i64;
        let ids: Int64Array = (first..).take(rows.len()).collect();
        let values: Float64Array = (0..rows.len()).map(|row| Some(row as f64)).collect();
        RecordBatch::try_from_iter_with_nullable([
            (
                "name",
                Arc::new(rows.iter().map(|row| row.0.clone()).collect::<StringViewArray>()) as _,
                true,
            ),
            ("number", Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>()) as _, true),
            ("value", Arc::new(values) as _, true),
            ("id", Arc::new(ids) as _, true),
            ("note", Arc::new(StringViewArray::from(vec![note; rows.len()])) as _, true),
        ])
        .unwrap()
    };
    let schema = batch((0, &[])).schema();
    let batches: Vec<RecordBatch> = rows.chunks(batch_rows).enumerate().map(batch).collect();
    let (even, odd): (Vec<_>, Vec<_>) =
        batches.into_iter().enumerate().partition(|(number, _)| number % 2 == 0);
    let partitions = [even, odd].map(|part| part.into_iter().map(|(_, batch)| batch).collect());
    MemTable::try_new(schema, partitions.to_vec()).unwrap()
}

fn context(
    facts: &[Row],
    names: &[Row],
    with_lookups: bool,
    memory: Option<usize>,
) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(3).with_batch_size(4);
    let mut builder = SessionStateBuilder::new().with_config(config).with_default_features();
    if with_lookups {
        builder = builder.with_physical_optimizer_rules(physical_rules());
    }
    if let Some(bytes) = memory {
        let runtime =
            RuntimeEnvBuilder::new().with_memory_pool(Arc::new(GreedyMemoryPool::new(bytes)));
        builder = builder.with_runtime_env(runtime.build_arc().unwrap());
    }
    let context = SessionContext::new_with_state(builder.build());
    context.register_table("facts", Arc::new(table(facts, 6, &"x".repeat(2_000)))).unwrap();
    context.register_table("names", Arc::new(table(names, 5, ""))).unwrap();
    context
}

/// The rows as texts, in one order.
async fn answer(context: &SessionContext, sql: &str) -> Vec<String> {
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column| match column.is_null(row) {
                true => "-".to_owned(),
                false => array_value_to_string(column, row).unwrap(),
            });
            rows.push(cells.collect::<Vec<_>>().join("|"));
        }
    }
    rows.sort();
    rows
}

async fn plan(context: &SessionContext, sql: &str) -> String {
    let batches = context.sql(&format!("explain {sql}")).await.unwrap().collect().await.unwrap();
    batches.iter().map(|batch| array_value_to_string(batch.column(1), 1).unwrap()).collect()
}

const LEFT: &str = "select * from facts left join names \
                    on facts.name = names.name and facts.number = names.number";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Beside DataFusion's own joins: no row, one or several found, NULL keys, no names.
    #[test]
    fn answers_are_those_of_hash_joins(
        facts in rows("[a-d]|a name of many letters", 30..60),
        names in rows("[a-f]|a name of many letters", 0..16),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(async {
            let stock = context(&facts, &names, false, None);
            let lookups = context(&facts, &names, true, None);
            for sql in [
                LEFT,
                "select * from names right join facts on facts.name = names.name",
                "select facts.id, names.id, facts.note from facts left join names on facts.number = names.number",
                "select facts.name, count(*), sum(names.id), max(facts.note) from facts \
                 left join names on facts.name = names.name group by 1",
                "select f.id, g.id, h.id, f.note from facts as f \
                 left join names as g on f.number = g.id \
                 left join names as h on g.number + 1 = h.id and f.name = h.name \
                 order by f.id",
            ] {
                let found = plan(&lookups, sql).await;
                prop_assert!(found.contains("LookupJoinExec"), "{}\n{}", sql, found);
                prop_assert_eq!(answer(&lookups, sql).await, answer(&stock, sql).await, "{}", sql);
            }
            Ok(())
        })?;
    }
}

fn some(count: usize) -> Vec<Row> {
    (0..count).map(|row| (Some(format!("customer {row}")), Some(row as i64))).collect()
}

#[tokio::test]
async fn joins_that_are_more_than_a_lookup_stay_what_they_are() {
    let context = context(&some(40), &some(10), true, None);
    for (sql, is_lookup) in [
        (LEFT, true),
        // A float has several spellings of one value.
        ("select * from facts left join names on facts.value = names.value", false),
        ("select * from facts join names on facts.name = names.name", false),
        ("select * from facts full join names on facts.name = names.name", false),
        (
            "select * from facts left join names \
             on facts.name = names.name and facts.number < names.number",
            false,
        ),
        // The kept side is the smaller one: the other would have to be in memory.
        ("select * from names left join facts on facts.name = names.name", false),
        (
            "select * from names as a left join names as b on a.name is not distinct from b.name",
            false,
        ),
    ] {
        let found = plan(&context, sql).await;
        assert_eq!(found.contains("LookupJoinExec"), is_lookup, "{sql}\n{found}");
    }
}

#[tokio::test]
async fn columns_go_on_as_they_are() {
    let context = context(&some(40), &some(10), true, None);
    let frame = context.sql("select name from facts").await.unwrap();
    let columns = |batches: Vec<RecordBatch>| {
        let places = batches.iter().map(|batch| batch.column(0).to_data().buffers()[0].as_ptr());
        let mut places: Vec<usize> = places.map(|place| place as usize).collect();
        places.sort_unstable();
        places
    };
    let stored = columns(frame.collect().await.unwrap());
    let joined = columns(context.sql(LEFT).await.unwrap().collect().await.unwrap());
    assert_eq!(joined, stored);
}

#[tokio::test]
async fn a_table_beyond_the_memory_limit_is_refused() {
    let context = context(&some(4_000), &some(2_000), true, Some(100_000));
    let fault = context.sql(LEFT).await.unwrap().collect().await.unwrap_err();
    assert!(fault.to_string().contains("LookupJoin"), "{fault}");
    assert_eq!(context.runtime_env().memory_pool.reserved(), 0);
}

/// Slices of one batch, as an aggregation gives them, are counted once.
#[tokio::test]
async fn memory_is_counted_once_and_given_back() {
    let context = self::context(&some(10_000), &some(4_000), true, Some(20_000_000));
    let sql = "select * from facts left join \
               (select name, max(id) as id from names group by name) as n on facts.name = n.name";
    assert!(plan(&context, sql).await.contains("LookupJoinExec"));
    assert_eq!(answer(&context, sql).await.len(), 10_000);
    assert_eq!(context.runtime_env().memory_pool.reserved(), 0);
}

#[tokio::test]
async fn a_fault_of_the_table_is_told_whichever_partition_asks() {
    let context = context(&some(40), &some(10), true, None);
    let sql = "select * from facts left join \
               (select distinct name, 1 / (number - 3) as part from names) as n \
               on facts.name = n.name";
    assert!(plan(&context, sql).await.contains("LookupJoinExec"));
    let fault = context.sql(sql).await.unwrap().collect().await.unwrap_err();
    assert!(fault.to_string().contains("Divide by zero"), "{fault}");
}
