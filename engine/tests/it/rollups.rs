//! Kept results: the same answers with them and without, never a stale one.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use costlake_engine::commit::maintain::{self, VacuumMode};
use costlake_engine::commit::{Lake, LakeTable};
use costlake_engine::ingest::{IngestRequest, Reload};
use costlake_engine::model::{BillingMonth, DatasetType};
use costlake_engine::query::{RollupUse, Session, SessionOptions};
use costlake_engine::rollup::{self, Kept};
use costlake_engine::views::{
    Adjustment, AdjustmentRule, Adjustments, BilledPrice, Percent, views,
};

use crate::tenant::{Tenant, collect, month, options, rows, small, url};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn without_rollups() -> SessionOptions {
    SessionOptions { rollups: RollupUse::Never, ..options() }
}

async fn session(lake: &Lake, options: &SessionOptions) -> Session {
    Session::open(lake, options).await.unwrap()
}

async fn keep(lake: &Lake, months: Option<&[&str]>) -> Kept {
    let months: Option<BTreeSet<BillingMonth>> =
        months.map(|months| months.iter().map(|text| month(text)).collect());
    rollup::keep(lake, &options(), months.as_ref()).await.unwrap()
}

/// Views that stand on kept results, of every kind.
const STANDING_ON_KEPT: [&str; 6] = [
    "savings",
    "rate_reduction_savings",
    "list_vs_cost",
    "commitments",
    "commitment_utilization",
    "consolidated_savings",
];

/// The same rows from kept results, where there are any, as from the cost rows.
async fn assert_same(lake: &Lake, views: impl IntoIterator<Item = &str>) {
    let kept = session(lake, &options()).await;
    let computed = session(lake, &without_rollups()).await;
    for view in views {
        let sql = format!("select * from {view}");
        let (mut kept, mut computed) = (rows(&kept, &sql).await, rows(&computed, &sql).await);
        kept.sort();
        computed.sort();
        assert_eq!(kept, computed, "{view}");
        assert!(!STANDING_ON_KEPT.contains(&view) || computed.len() > 10, "{view}");
    }
}

async fn assert_right(lake: &Lake) {
    assert_same(lake, STANDING_ON_KEPT).await;
}

async fn plan(session: &Session, sql: &str) -> String {
    rows(session, &format!("explain {sql}")).await.concat().concat()
}

/// Which files of a table or of rollups a query of the lake reads.
async fn files_read(lake: &Lake, options: &SessionOptions, sql: &str) -> BTreeSet<String> {
    let plan = plan(&session(lake, options).await, sql).await;
    let root = lake.root().path().trim_start_matches('/').to_owned();
    let files =
        plan.split([',', '[', ']', ' ', '{', '}', ':']).filter(|word| word.contains(".parquet"));
    files.map(|file| file.trim_start_matches(&root).to_owned()).collect()
}

fn tables(files: &BTreeSet<String>) -> BTreeSet<&str> {
    files.iter().map(|file| file.split('/').next().unwrap()).collect()
}

/// Files of kept results below the lake's folder.
fn kept_files(tenant: &Tenant) -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(&tenant.folder.path().join("lake/_rollups"), &mut files);
    files.sort();
    files
}

async fn loaded() -> Tenant {
    let (tenant, _) = Tenant::generated(&small());
    tenant.ingest(&tenant.request()).await;
    tenant
}

#[tokio::test(flavor = "multi_thread")]
async fn all_views_answer_the_same_from_kept_results() {
    let tenant = loaded().await;
    let kept_views = views().iter().filter(|view| view.is_rollup).count() as u64;
    let kept = keep(&tenant.lake, None).await;
    assert_eq!(kept.results, 2 * kept_views);
    assert!(kept.rows > 500);
    assert_eq!(kept_files(&tenant).len() as u64, kept.results);
    assert_eq!(keep(&tenant.lake, None).await, Kept::default());
    assert_same(&tenant.lake, views().iter().map(|view| view.name.as_str())).await;
    assert_eq!(
        rollup::verify(&tenant.lake, &without_rollups()).await.unwrap(),
        Vec::<String>::new()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_standard_reports_read_no_cost_rows() {
    let tenant = loaded().await;
    keep(&tenant.lake, None).await;
    for view in [
        "savings",
        "rate_reduction_savings",
        "list_vs_cost",
        "margin",
        "commitment_utilization_monthly",
        "commitments",
    ] {
        let sql = format!("select * from {view}");
        let files = files_read(&tenant.lake, &options(), &sql).await;
        let read = tables(&files);
        assert!(read.contains("_rollups"), "{view} reads {read:?}");
        assert!(!read.iter().any(|table| table.ends_with("_cost")), "{view} reads {read:?}");
        let computed = files_read(&tenant.lake, &without_rollups(), &sql).await;
        assert!(tables(&computed).contains("amortized_cost"), "{view}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_on_the_month_reads_its_results_only() {
    let tenant = loaded().await;
    keep(&tenant.lake, None).await;
    let sql = "select * from rate_totals where billing_month = '2026-08'";
    let files = files_read(&tenant.lake, &options(), sql).await;
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(files.first().unwrap().contains("billing_month=2026-08/"), "{files:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn months_that_are_not_kept_are_computed_from_their_rows_alone() {
    let tenant = loaded().await;
    keep(&tenant.lake, Some(&["2026-07"])).await;
    assert!(kept_files(&tenant).iter().all(|file| file.to_str().unwrap().contains("2026-07")));
    assert_right(&tenant.lake).await;
    for view in ["savings", "list_vs_cost", "commitments"] {
        let files = files_read(&tenant.lake, &options(), &format!("select * from {view}")).await;
        let months = |table: &str| -> BTreeSet<bool> {
            let of_table = files.iter().filter(|file| file.starts_with(table));
            of_table.map(|file| file.contains("billing_month=2026-07/")).collect()
        };
        assert_eq!(months("_rollups"), BTreeSet::from([true]), "{view}: {files:?}");
        assert_eq!(months("amortized_cost"), BTreeSet::from([false]), "{view}: {files:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_is_replaced_leaves_its_results_behind() {
    let tenant = loaded().await;
    keep(&tenant.lake, None).await;
    let before = kept_files(&tenant);
    let request = IngestRequest { reload: Reload::Always, ..tenant.request() };
    let request = IngestRequest { months: Some([month("2026-08")].into()), ..request };
    tenant.ingest(&request).await;
    let files = files_read(&tenant.lake, &options(), "select * from rate_totals").await;
    let kept: Vec<&String> = files.iter().filter(|file| file.starts_with("_rollups")).collect();
    assert!(kept.iter().all(|file| file.contains("2026-07")), "{files:?}");
    assert_right(&tenant.lake).await;

    let again = keep(&tenant.lake, None).await;
    assert_eq!(again.results as usize, before.len() / 2);
    assert_right(&tenant.lake).await;

    // Young files may be looked for by a query that began before.
    let delete = async |retain_days, mode| {
        rollup::delete_superseded(&tenant.lake, &options(), retain_days, mode).await.unwrap()
    };
    assert_eq!(delete(0, VacuumMode::Delete).await, Vec::<String>::new());
    for file in kept_files(&tenant) {
        let file = std::fs::File::options().write(true).open(file).unwrap();
        file.set_modified(SystemTime::now() - 3 * DAY).unwrap();
    }
    assert_eq!(delete(4, VacuumMode::Delete).await, Vec::<String>::new());
    let listed = delete(2, VacuumMode::DryRun).await;
    assert_eq!(delete(2, VacuumMode::Delete).await, listed);
    assert_eq!(listed.len(), before.len() / 2);
    assert!(listed.iter().all(|file| file.contains("2026-08")), "{listed:?}");
    assert_right(&tenant.lake).await;
    assert_eq!(keep(&tenant.lake, None).await, Kept::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_sheet_and_other_adjustments_ask_for_other_results() {
    let tenant = loaded().await;
    keep(&tenant.lake, None).await;
    let markup = Adjustment {
        name: "markup".to_owned(),
        effective_month: "2026-07".to_owned(),
        builds_on: None,
        rules: vec![AdjustmentRule { percent: Percent(5_000_000_000_000_000_000), when: None }],
    };
    let adjustments = Adjustments::new(BilledPrice::List, vec![markup]).unwrap();
    let adjusted = SessionOptions { adjustments, ..options() };
    let files = files_read(&tenant.lake, &adjusted, "select * from list_vs_cost").await;
    assert!(tables(&files).contains("amortized_cost"), "{files:?}");
    let files = files_read(&tenant.lake, &adjusted, "select * from rate_totals").await;
    assert_eq!(tables(&files), BTreeSet::from(["_rollups"]));

    let exports = vec![(DatasetType::PriceSheet, url(&tenant.export(DatasetType::PriceSheet)))];
    tenant.ingest(&IngestRequest { exports, ..tenant.request() }).await;
    let files = files_read(&tenant.lake, &options(), "select * from rate_totals").await;
    assert!(!files.iter().any(|file| file.contains("_rollups/rate_totals/")), "{files:?}");
    // What no price touches is what it was.
    let files = files_read(&tenant.lake, &options(), "select * from on_demand_rates").await;
    assert_eq!(tables(&files), BTreeSet::from(["_rollups"]));
    assert_right(&tenant.lake).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compacted_tables_are_the_same_lake() {
    let tenant = loaded().await;
    keep(&tenant.lake, None).await;
    for table in [LakeTable::IngestRuns, LakeTable::Dataset(DatasetType::AmortizedCost)] {
        maintain::optimize(&tenant.lake, table, &[]).await.unwrap();
    }
    assert_right(&tenant.lake).await;
    keep(&tenant.lake, None).await;
    assert_right(&tenant.lake).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_was_tampered_with_is_found() {
    let tenant = loaded().await;
    keep(&tenant.lake, None).await;
    let files = kept_files(&tenant);
    let of = |view: &str, month: &str| {
        let is = |file: &&PathBuf| {
            let text = file.to_str().unwrap();
            text.contains(&format!("_rollups/{view}/")) && text.contains(month)
        };
        files.iter().find(is).unwrap()
    };
    // Another month's result under this month's name, and half a file.
    std::fs::copy(of("rate_totals", "2026-08"), of("rate_totals", "2026-07")).unwrap();
    let half = of("scope_names", "2026-08");
    let bytes = std::fs::read(half).unwrap();
    std::fs::write(half, &bytes[..bytes.len() / 2]).unwrap();
    let differing = rollup::verify(&tenant.lake, &without_rollups()).await.unwrap();
    let views: Vec<&str> = differing
        .iter()
        .map(|file| file.split("_rollups/").nth(1).unwrap().split('/').next().unwrap())
        .collect();
    assert_eq!(BTreeSet::from_iter(views), BTreeSet::from(["rate_totals", "scope_names"]));
    assert_eq!(differing.len(), 2);
}
