//! What a later load of a month changed, told by day and scope.

use std::collections::BTreeMap;

use costlake_benches::generator::GeneratorOptions;
use costlake_engine::commit::LakeTable;
use costlake_engine::commit::maintain::{self, VacuumMode};
use costlake_engine::ingest::{IngestRequest, Reload};
use costlake_engine::model::money::parse_decimal;

use crate::tenant::{Tenant, month, small};

/// Rows and cost (raw units) by dataset, day, account, profile, customer,
/// subscription and currency.
type Days = BTreeMap<Vec<String>, (i64, i128)>;

fn restated_august() -> GeneratorOptions {
    GeneratorOptions {
        months: vec![month("2026-08")],
        tenant_start: Some(month("2026-07")),
        restated: Some(1),
        ..small()
    }
}

const KEYS: &str = "date, billing_account_id, billing_profile_id, customer_tenant_id, \
                    subscription_id, billing_currency";

async fn days(tenant: &Tenant) -> Days {
    let mut days = Days::new();
    for dataset in ["actual_cost", "amortized_cost"] {
        let sql = format!(
            "select '{dataset}', {KEYS}, count(*), sum(cost_in_billing_currency) from {dataset} \
             where billing_month = '2026-08' group by {KEYS}"
        );
        for row in tenant.query(&sql).await {
            days.insert(row[..7].to_vec(), (row[7].parse().unwrap(), raw(&row[8])));
        }
    }
    days
}

fn raw(text: &str) -> i128 {
    parse_decimal(text.as_bytes()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restated_month_is_told_by_day_and_scope_and_outlives_vacuum() {
    let (tenant, _) = Tenant::generated(&small());
    tenant.ingest(&tenant.request()).await;
    let before = days(&tenant).await;
    let count = "select count(*) from restatements";
    assert_eq!(tenant.query(count).await, [["0"]], "a first load restates nothing");

    tenant.generate(&restated_august());
    tenant.ingest(&tenant.request()).await;
    let after = days(&tenant).await;
    let mut expected = Vec::new();
    for key in before.keys().chain(after.keys().filter(|key| !before.contains_key(*key))) {
        let (rows_before, cost_before) = before.get(key).copied().unwrap_or_default();
        let (rows_after, cost_after) = after.get(key).copied().unwrap_or_default();
        if (rows_before, cost_before) != (rows_after, cost_after) {
            let change = match (rows_before, rows_after) {
                (0, _) => "added",
                (_, 0) => "removed",
                _ => "restated",
            };
            let rows = [rows_before.to_string(), rows_after.to_string()];
            let costs = (cost_before, cost_after, cost_after - cost_before);
            expected.push((key.clone(), change.to_owned(), rows, costs));
        }
    }
    expected.sort();
    assert!(expected.len() > 10, "the restatement changes days");
    let told = format!(
        "select dataset, {KEYS}, change, rows_before, rows_after, cost_before, cost_after, \
         cost_change from restatements where billing_month = '2026-08'"
    );
    let told_of = async |tenant: &Tenant| {
        let mut told: Vec<_> = tenant
            .query(&told)
            .await
            .into_iter()
            .map(|row| {
                let costs = (raw(&row[10]), raw(&row[11]), raw(&row[12]));
                (row[..7].to_vec(), row[7].clone(), [row[8].clone(), row[9].clone()], costs)
            })
            .collect();
        told.sort();
        told
    };
    assert!(told_of(&tenant).await == expected, "told otherwise than the rows say");
    assert_eq!(tenant.query(count).await, [[expected.len().to_string()]], "no other month");

    // The same content once more is no restatement, nor is what vacuum deletes a loss.
    tenant.ingest(&IngestRequest { reload: Reload::Always, ..tenant.request() }).await;
    for table in LakeTable::ALWAYS {
        maintain::vacuum(&tenant.lake, table, 0, VacuumMode::Delete).await.unwrap();
    }
    assert!(told_of(&tenant).await == expected, "a reload or vacuum changed what is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_loads_of_one_content_at_once_leave_its_totals_once() {
    let (tenant, _) = Tenant::generated(&small());
    tenant.ingest(&tenant.actual_request()).await;
    tenant.generate(&restated_august());
    let request = tenant.actual_request();
    tokio::join!(tenant.ingest(&request), tenant.ingest(&request), tenant.ingest(&request));
    let count = "select count(*) from load_totals";
    let distinct = "select count(*) from (select distinct * from load_totals)";
    assert_eq!(tenant.query(count).await, tenant.query(distinct).await);
    let runs = "select count(*), count(distinct table_version) from ingest_runs \
        where billing_month = '2026-08'";
    assert_eq!(tenant.query(runs).await, [["2", "2"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_against_a_load_whose_totals_were_never_kept_is_unknown() {
    let (tenant, _) = Tenant::generated(&small());
    tenant.ingest(&tenant.actual_request()).await;
    // As a lake that was filled before totals were kept.
    let folder = tenant.lake.table_url(LakeTable::LoadTotals).to_file_path().unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    tenant.generate(&restated_august());
    tenant.ingest(&tenant.actual_request()).await;
    let told = "select billing_month, change, cost_change, date from restatements";
    assert_eq!(tenant.query(told).await, [["2026-08", "unknown", "NULL", "NULL"]]);
    let check =
        costlake_engine::views::checks().iter().find(|check| check.name == "days_as_loaded");
    let findings = tenant.query(&check.unwrap().sql).await;
    assert!(!findings.is_empty(), "the month without totals cannot be vouched for");
}
