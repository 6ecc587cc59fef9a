//! Kept results: the same answers with them and without, never a stale one.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use costlake_engine::commit::maintain::{self, VacuumMode};
use costlake_engine::commit::{Lake, LakeTable};
use costlake_engine::ingest::{IngestRequest, Reload};
use costlake_engine::model::{BillingMonth, DatasetType};
use costlake_engine::query::{RollupUse, Session, SessionOptions};
use costlake_engine::rollup::{self, Defect, Kept};
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
const STANDING_ON_KEPT: [&str; 9] = [
    "savings",
    "rate_reduction_savings",
    "list_vs_cost",
    "commitments",
    "commitment_utilization",
    "consolidated_savings",
    "reallocated_cost",
    "reservation_hours",
    "scopes",
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

fn age_kept_files(tenant: &Tenant, age: Duration) {
    for file in kept_files(tenant) {
        let file = std::fs::File::options().write(true).open(file).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }
}

/// The lake's log, as if all of it were older: data files carry their time there.
fn age_log(tenant: &Tenant, age: Duration) {
    let mut files = Vec::new();
    collect(&tenant.folder.path().join("lake"), &mut files);
    // Checkpoints say the same in Parquet; without them the commits are read.
    let is_checkpoint = |file: &&PathBuf| file.to_str().unwrap().contains("checkpoint");
    files.iter().filter(is_checkpoint).for_each(|file| std::fs::remove_file(file).unwrap());
    for file in files.iter().filter(|file| file.extension().is_some_and(|kind| kind == "json")) {
        let lines = std::fs::read_to_string(file).unwrap();
        let aged = lines.lines().map(|line| {
            let mut action: serde_json::Value = serde_json::from_str(line).unwrap();
            if let Some(time) = action.pointer_mut("/add/modificationTime") {
                *time = (time.as_i64().unwrap() - age.as_millis() as i64).into();
            }
            format!("{action}\n")
        });
        let aged: String = aged.collect();
        std::fs::write(file, aged).unwrap();
    }
}

/// All that kept views read but price sheets.
fn request(tenant: &Tenant) -> IngestRequest {
    let datasets = DatasetType::COST.into_iter().chain([DatasetType::ReservationDetails]);
    let exports = datasets.map(|dataset| (dataset, url(&tenant.export(dataset)))).collect();
    IngestRequest { exports, ..tenant.request() }
}

async fn loaded() -> Tenant {
    let (tenant, _) = Tenant::generated(&small());
    tenant.ingest(&request(&tenant)).await;
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
    assert_eq!(rollup::verify(&tenant.lake, &without_rollups()).await.unwrap(), []);
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
        "reallocated_cost",
        "scopes",
        "scope_overlaps",
        "invoice_totals",
    ] {
        let sql = format!("select * from {view}");
        let files = files_read(&tenant.lake, &options(), &sql).await;
        let read = tables(&files);
        assert!(read.contains("_rollups"), "{view} reads {read:?}");
        assert!(!read.iter().any(|table| table.ends_with("_cost")), "{view} reads {read:?}");
        assert!(!read.contains("reservation_details"), "{view} reads {read:?}");
        let computed = files_read(&tenant.lake, &without_rollups(), &sql).await;
        let costs = if view == "invoice_totals" { "actual_cost" } else { "amortized_cost" };
        assert!(tables(&computed).contains(costs), "{view}");
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
    let now_us = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros();
    let now_us = now_us as i64;
    let request = IngestRequest { reload: Reload::Always, now_us, ..request(&tenant) };
    let request = IngestRequest { months: Some([month("2026-08")].into()), ..request };
    let report = tenant.ingest(&request).await;
    assert_eq!(report.worst(), None, "{report:?}");
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
    // Age counts from when the month was loaded again, not from when they were written.
    age_kept_files(&tenant, 30 * DAY);
    assert_eq!(delete(2, VacuumMode::Delete).await, Vec::<String>::new());
    age_log(&tenant, 3 * DAY);
    age_kept_files(&tenant, 3 * DAY);
    assert_eq!(delete(4, VacuumMode::Delete).await, Vec::<String>::new());
    let listed = delete(2, VacuumMode::DryRun).await;
    assert_eq!(delete(2, VacuumMode::Delete).await, listed);
    assert_eq!(listed.len(), before.len() / 2);
    assert!(listed.iter().all(|file| file.contains("2026-08")), "{listed:?}");
    assert_right(&tenant.lake).await;
    assert_eq!(keep(&tenant.lake, None).await, Kept::default());
}

/// Reservation details may come from a source, or for a month, without cost rows.
#[tokio::test(flavor = "multi_thread")]
async fn months_of_reservation_details_alone_are_kept_too() {
    let tenant = loaded().await;
    let details = DatasetType::ReservationDetails;
    let exports = vec![(details, url(&tenant.export(details)))];
    let elsewhere = IngestRequest { source: "other".parse().unwrap(), exports, ..request(&tenant) };
    tenant.ingest(&elsewhere).await;
    let sql = "select count(*) from reservation_days where source = 'other'";
    let computed = rows(&session(&tenant.lake, &without_rollups()).await, sql).await;
    assert_ne!(computed, [["0"]]);
    for months in [&["2026-07"][..], &["2026-07", "2026-08"]] {
        keep(&tenant.lake, Some(months)).await;
        assert_eq!(rows(&session(&tenant.lake, &options()).await, sql).await, computed);
        assert_same(&tenant.lake, ["reservation_days", "reservation_hours"]).await;
    }
    let files = files_read(&tenant.lake, &options(), "select * from reservation_hours").await;
    assert_eq!(tables(&files), BTreeSet::from(["_rollups"]));
    assert_eq!(files.len(), 4, "{files:?}");
    assert_right(&tenant.lake).await;

    // Loaded again, a month of it is looked for under another name.
    let now_us = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros();
    let again = IngestRequest {
        reload: Reload::Always,
        now_us: now_us as i64,
        months: Some([month("2026-08")].into()),
        ..elsewhere
    };
    tenant.ingest(&again).await;
    let files = files_read(&tenant.lake, &options(), "select * from reservation_hours").await;
    assert_eq!(tables(&files), BTreeSet::from(["_rollups", "reservation_details"]));
    assert_right(&tenant.lake).await;
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
async fn a_query_reads_a_result_the_same_whether_it_is_kept() {
    let tenant = loaded().await;
    let computed = session(&tenant.lake, &without_rollups()).await;
    let mut expected = Vec::new();
    let kept_views = || views().iter().filter(|view| view.is_rollup);
    for view in kept_views() {
        let stream = computed.execute(&format!("select * from {}", view.name)).await.unwrap();
        expected.push(stream.schema());
    }
    for months in [Some(&["2026-07"][..]), None] {
        keep(&tenant.lake, months).await;
        let kept = session(&tenant.lake, &options()).await;
        for (view, expected) in kept_views().zip(&expected) {
            let stream = kept.execute(&format!("select * from {}", view.name)).await.unwrap();
            assert_eq!(&stream.schema(), expected, "{} {months:?}", view.name);
        }
    }
}

/// Two writers may order the rows of one result differently. Here the second is late:
/// what the first wrote stays while it is read, and all readers take one of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_writer_of_a_result_leaves_the_first_alone() {
    let tenant = loaded().await;
    keep(&tenant.lake, None).await;
    let first: Vec<(PathBuf, Vec<u8>)> = kept_files(&tenant)
        .into_iter()
        .map(|file| (file.clone(), std::fs::read(file).unwrap()))
        .collect();
    std::fs::rename(tenant.folder.path().join("lake/_rollups"), tenant.folder.path().join("first"))
        .unwrap();
    let one_thread = SessionOptions { threads: Some(1), ..options() };
    rollup::keep(&tenant.lake, &one_thread, None).await.unwrap();
    for (file, content) in &first {
        match std::fs::read(file) {
            Ok(written) => assert_eq!(&written, content),
            Err(_) => {
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(file, content).unwrap();
            }
        }
    }
    assert_right(&tenant.lake).await;
    assert_eq!(keep(&tenant.lake, None).await, Kept::default());
    assert_eq!(rollup::verify(&tenant.lake, &without_rollups()).await.unwrap(), []);
    // All but one of each may be deleted, once nobody can have begun with them.
    let delete = async || {
        rollup::delete_superseded(&tenant.lake, &options(), 1, VacuumMode::Delete).await.unwrap()
    };
    assert_eq!(delete().await, Vec::<String>::new());
    let more = kept_files(&tenant).len() - first.len();
    assert!(more > 0, "the writers wrote the same, which shows nothing");
    age_kept_files(&tenant, 3 * DAY);
    assert_eq!(delete().await.len(), more);
    assert_eq!(keep(&tenant.lake, None).await, Kept::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_that_is_copied_keeps_its_results() {
    let tenant = loaded().await;
    keep(&tenant.lake, None).await;
    let copy = tenant.folder.path().join("copy");
    let mut files = Vec::new();
    let lake = tenant.folder.path().join("lake");
    collect(&lake, &mut files);
    for file in files {
        let to = copy.join(file.strip_prefix(&lake).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(&file, to).unwrap();
    }
    let copy = Lake::at(copy.to_str().unwrap(), Default::default()).unwrap();
    assert_eq!(keep(&copy, None).await, Kept::default());
    let options = options();
    let superseded = rollup::delete_superseded(&copy, &options, 0, VacuumMode::DryRun).await;
    assert_eq!(superseded.unwrap(), Vec::<String>::new());
    assert_right(&copy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_result_is_named_and_written_anew() {
    let tenant = loaded().await;
    keep(&tenant.lake, None).await;
    let of = |view: &str, month: &str| {
        let is = |file: &PathBuf| {
            let text = file.to_str().unwrap();
            text.contains(&format!("_rollups/{view}/")) && text.contains(month)
        };
        kept_files(&tenant).into_iter().find(is).unwrap()
    };
    let cut_short = of("scope_names", "2026-08");
    let flipped = of("rate_totals", "2026-08");
    let headless = of("list_vs_cost", "2026-07");
    let mut other = std::fs::read(&headless).unwrap();
    let change = |file: &PathBuf, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = std::fs::read(file).unwrap();
        change(&mut bytes);
        std::fs::write(file, bytes).unwrap();
    };
    change(&cut_short, &|bytes| bytes.truncate(bytes.len() / 2));
    change(&flipped, &|bytes| bytes[100] ^= 4);
    change(&headless, &|bytes| bytes.iter_mut().for_each(|byte| *byte = 0));

    // A file cut short is none, one that cannot be opened is passed over.
    assert_same(&tenant.lake, ["scope_names", "list_vs_cost"]).await;
    let found = rollup::verify(&tenant.lake, &without_rollups()).await.unwrap();
    let paths: BTreeSet<String> = found.iter().map(|finding| finding.path.clone()).collect();
    let expected = [&flipped, &headless].map(|file| file.to_str().unwrap().to_owned());
    assert_eq!(paths, BTreeSet::from(expected));
    assert!(found.iter().all(|finding| finding.defect == Defect::Damaged));

    let repaired = keep(&tenant.lake, None).await;
    assert_eq!((repaired.results, repaired.repaired), (3, 2));
    assert_right(&tenant.lake).await;
    assert_eq!(rollup::verify(&tenant.lake, &without_rollups()).await.unwrap(), []);

    // Another result under this one's name, of the right length, too.
    let file = of("rate_totals", "2026-07");
    other.resize(std::fs::metadata(&file).unwrap().len() as usize, 0);
    std::fs::write(&file, other).unwrap();
    let found = rollup::verify(&tenant.lake, &without_rollups()).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path, file.to_str().unwrap());
}
