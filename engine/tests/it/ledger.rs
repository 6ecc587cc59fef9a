//! Rows of the ledger, which its log tells: the same as the files hold.

use costlake_engine::commit::{LakeTable, maintain};
use costlake_engine::query::Session;

use crate::tenant::{Tenant, options, rows, small};

/// All that is no list.
const SCALARS: &str = "source, dataset, billing_month, run_id, load_key, scope_type, scope_id, \
     data_version, export_name, manifest, manifest_row_count, rows, rejected_rows, \
     rows_outside_month, bytes, submitted_at, loaded_at, duration_ms, table_version, \
     costlake_version";

/// Holds of every row, and only the files tell it.
const OPENS_FILES: &str = "coalesce(cardinality(blobs), 0) >= 0";

async fn session(tenant: &Tenant) -> Session {
    Session::open(&tenant.lake, &options()).await.unwrap()
}

async fn files_read(session: &Session, sql: &str) -> usize {
    let plan = rows(session, &format!("explain {sql}")).await.concat().concat();
    plan.matches(".parquet").count()
}

/// The same rows from the log, where it tells them, as from the files.
async fn assert_told_right(tenant: &Tenant, files: usize) {
    let session = session(tenant).await;
    for rest in [
        "",
        "where billing_month = '2026-07'",
        "where manifest is null",
        "where loaded_at > timestamp '2000-01-01T00:00:00Z' and rows > 0",
    ] {
        let and = if rest.is_empty() { "where" } else { "and" };
        let told = format!("select {SCALARS} from ingest_runs {rest}");
        let stored = format!("{told} {and} {OPENS_FILES}");
        let order = "order by loaded_at, load_key";
        let (left, right) = (
            rows(&session, &format!("{told} {order}")).await,
            rows(&session, &format!("{stored} {order}")).await,
        );
        assert_eq!(left, right, "{rest}");
    }
    let all = format!("select {SCALARS} from ingest_runs");
    assert_eq!(files_read(&session, &all).await, files);
    let count = |condition: &str| format!("select count(*) from ingest_runs where {condition}");
    assert_eq!(
        rows(&session, &count("rows >= 0")).await,
        rows(&session, &count(OPENS_FILES)).await
    );
    let two = rows(&session, &format!("{all} limit 2")).await;
    assert_eq!(two.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_the_ledger_are_read_from_its_log() {
    let (tenant, _) = Tenant::generated(&small());
    tenant.ingest(&tenant.request()).await;
    assert_told_right(&tenant, 0).await;
    assert_ne!(files_read(&session(&tenant).await, "select * from ingest_runs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn compacted_rows_stand_beside_those_of_later_loads() {
    let (tenant, _) = Tenant::generated(&small());
    tenant.ingest(&tenant.actual_request()).await;
    let before = rows(&session(&tenant).await, &format!("select {SCALARS} from ingest_runs")).await;
    maintain::optimize(&tenant.lake, LakeTable::IngestRuns, &[]).await.unwrap();
    assert_told_right(&tenant, 1).await;
    tenant.ingest(&tenant.request()).await;
    assert_told_right(&tenant, 1).await;
    let after = rows(&session(&tenant).await, &format!("select {SCALARS} from ingest_runs")).await;
    assert!(after.len() > before.len() && before.iter().all(|row| after.contains(row)));
}
