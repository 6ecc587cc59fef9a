//! Price sheets, reservation details, transactions and recommendations beside the cost
//! files: what is loaded is what was generated, and the order of loading decides nothing.

use std::collections::BTreeMap;

use costlake_benches::generator::GeneratorOptions;
use costlake_engine::ingest::IngestRequest;
use costlake_engine::model::DatasetType;
use costlake_engine::model::money::{format_decimal, parse_decimal};
use costlake_engine::query::{Session, TableKind};

use crate::tenant::{Tenant, month, rows, small, url, words};

const FURTHER: [DatasetType; 4] = [
    DatasetType::PriceSheet,
    DatasetType::ReservationDetails,
    DatasetType::ReservationTransactions,
    DatasetType::ReservationRecommendations,
];

fn few_rows() -> GeneratorOptions {
    GeneratorOptions { rows_per_month: 2_000, ..small() }
}

fn request(tenant: &Tenant, datasets: &[DatasetType]) -> IngestRequest {
    let export = |&dataset: &DatasetType| (dataset, url(&tenant.export(dataset)));
    IngestRequest {
        exports: datasets.iter().map(export).collect(),
        // The month before has transactions only.
        months: Some([month("2026-06"), month("2026-07"), month("2026-08")].into()),
        first_month: None,
        ..tenant.request()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_further_datasets_hold_what_was_generated() {
    let (tenant, totals) = Tenant::generated(&few_rows());
    let report = tenant.ingest(&request(&tenant, &FURTHER)).await;
    assert_eq!(report.worst(), None, "{report:?}");
    let runs: Vec<_> = totals.runs.iter().filter(|run| !run.dataset.is_cost()).collect();
    assert_eq!(runs.len(), 9, "two months each, and the transactions of a third");
    let session = tenant.session().await;
    for run in &runs {
        let table = run.dataset.table_name();
        let month = run.month;
        let sql = format!("select count(*) from {table} where billing_month = '{month}'");
        assert_eq!(rows(&session, &sql).await, [[run.rows.to_string()]], "{table} {month}");
        let sql = format!(
            "select totals['billing_currency'], totals['rows'], totals['cost_in_usd'] from \
             (select unnest(control_totals) as totals from ingest_runs \
             where dataset = '{table}' and billing_month = '{month}') order by 1"
        );
        let counted: Vec<_> = run
            .currencies
            .iter()
            .map(|(currency, totals)| {
                // Sums are those of cost files: unknown here, not 0.
                [currency.to_owned(), totals.rows.to_string(), "NULL".to_owned()].to_vec()
            })
            .collect();
        assert_eq!(rows(&session, &sql).await, counted, "{table} {month}");
    }
    for run in runs.iter().filter(|run| run.dataset == DatasetType::ReservationDetails) {
        let sql = format!(
            "select sum(used_hours), sum(reserved_hours) from reservation_details \
             where billing_month = '{}'",
            run.month
        );
        let found = rows(&session, &sql).await.concat();
        let hours = |text: &str| parse_decimal(text.as_bytes()).unwrap();
        assert_eq!(hours(&found[0]), run.hours.used, "{}", format_decimal(run.hours.used));
        assert_eq!(hours(&found[1]), run.hours.reserved, "{}", format_decimal(run.hours.reserved));
    }
    for check in costlake_engine::views::checks() {
        let findings = rows(&session, &check.sql).await;
        assert!(findings.is_empty(), "{}: {findings:?}", check.name);
    }
    // Again: nothing changes.
    let report = tenant.ingest(&request(&tenant, &FURTHER)).await;
    let unchanged = words(&report).into_iter().filter(|word| *word == "unchanged").count();
    assert_eq!(unchanged, 9, "{report:?}");
}

/// Rows of every view, sorted.
async fn answers(session: &Session) -> BTreeMap<String, Vec<Vec<String>>> {
    let mut answers = BTreeMap::new();
    for view in session.catalog().iter().filter(|table| table.kind == TableKind::View) {
        let mut rows = rows(session, &format!("select * from {}", view.name)).await;
        rows.sort();
        answers.insert(view.name.clone(), rows);
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_in_which_costs_and_prices_arrive_changes_no_answer() {
    let (first, _) = Tenant::generated(&few_rows());
    let (second, _) = Tenant::generated(&few_rows());
    first.ingest(&request(&first, &DatasetType::COST)).await;
    let without = answers(&first.session().await).await;
    first.ingest(&request(&first, &FURTHER)).await;
    second.ingest(&request(&second, &FURTHER)).await;
    second.ingest(&request(&second, &DatasetType::COST)).await;
    let (first, second) =
        (answers(&first.session().await).await, answers(&second.session().await).await);
    for (view, rows) in &first {
        assert!(rows == &second[view], "{view} differs by the order of loading");
    }
    // And they do change answers.
    for view in ["priced_cost", "savings", "commitments", "commitment_utilization", "months"] {
        assert!(first[view] != without[view], "{view} is the same without the other datasets");
    }
}
