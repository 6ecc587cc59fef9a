//! The main job: what the generator wrote is what SQL answers, to the last
//! decimal, however often and in whatever order it is loaded.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use costlake_benches::generator::{DataVersion, FileFormat, GeneratedTotals, GeneratorOptions};
use costlake_engine::commit::maintain;
use costlake_engine::commit::{Lake, LakeTable};
use costlake_engine::ingest::{IngestOptions, IngestRequest, Reload, Silent, ingest};
use costlake_engine::model::money::format_decimal;
use costlake_engine::model::{DatasetType, ScopeType};
use costlake_engine::source::SourceUrl;

use costlake_benches::stub::Azurite;

use crate::azurite::{open_at, put};
use crate::tenant::{Tenant, month, rows, small, words};

/// The generator's own totals as rows of the query below.
fn expected(totals: &GeneratedTotals, dataset: DatasetType) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for run in totals.runs.iter().filter(|run| run.dataset == dataset) {
        for (currency, totals) in run.currencies.iter() {
            rows.push(vec![
                run.month.to_string(),
                currency.to_owned(),
                totals.rows.to_string(),
                format_decimal(totals.cost_in_billing_currency),
                format_decimal(totals.payg_cost_in_billing_currency),
                format_decimal(totals.cost_in_usd),
            ]);
        }
    }
    rows.sort();
    rows
}

async fn loaded(tenant: &Tenant, dataset: DatasetType) -> Vec<Vec<String>> {
    let sql = format!(
        "select billing_month, billing_currency, count(*), sum(cost_in_billing_currency), \
         coalesce(sum(payg_cost_in_billing_currency), 0), sum(cost_in_usd) \
         from {} group by billing_month, billing_currency order by 1, 2",
        dataset.table_name()
    );
    let mut rows = tenant.query(&sql).await;
    for row in &mut rows {
        for cell in &mut row[3..] {
            // The same number without trailing zeros.
            *cell = format_decimal(
                costlake_engine::model::money::parse_decimal(cell.as_bytes()).unwrap(),
            );
        }
    }
    rows
}

async fn assert_equal(tenant: &Tenant, totals: &GeneratedTotals) {
    for dataset in DatasetType::COST {
        let expected = expected(totals, dataset);
        assert!(!expected.is_empty());
        assert_eq!(loaded(tenant, dataset).await, expected, "{dataset}");
    }
}

async fn assert_verified(tenant: &Tenant) {
    let session = tenant.session().await;
    for check in costlake_engine::views::checks() {
        let findings = rows(&session, &check.sql).await;
        assert!(findings.is_empty(), "{}: {findings:?}", check.name);
    }
    assert_eq!(maintain::damaged_files(&tenant.lake).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn totals_are_the_generators_own_after_each_load_and_a_restatement() {
    let (tenant, totals) = Tenant::generated(&small());
    let report = tenant.ingest(&tenant.request()).await;
    assert_eq!(words(&report), ["loaded"; 4], "{report:?}");
    assert_eq!(report.worst(), None);
    assert_equal(&tenant, &totals).await;
    assert_verified(&tenant).await;

    // Again: nothing changes, not even a version.
    let versions = versions(&tenant).await;
    let report = tenant.ingest(&tenant.request()).await;
    assert_eq!(words(&report), ["unchanged"; 4], "{report:?}");
    assert_eq!(self::versions(&tenant).await, versions);
    assert_equal(&tenant, &totals).await;

    // Azure restates a month: a new run beside the old one, other figures.
    let restated = GeneratorOptions {
        months: vec![month("2026-08")],
        tenant_start: Some(month("2026-07")),
        restated: Some(1),
        ..small()
    };
    let newer = tenant.generate(&restated);
    let report = tenant.ingest(&tenant.request()).await;
    assert_eq!(words(&report), ["unchanged", "loaded", "unchanged", "loaded"], "{report:?}");
    let mut both = totals.clone();
    for run in newer.runs.into_iter().filter(|run| run.dataset.is_cost()) {
        let old = both
            .runs
            .iter_mut()
            .find(|old| (old.dataset, old.month) == (run.dataset, run.month))
            .unwrap();
        assert_ne!(old.currencies, run.currencies, "a restatement changes figures");
        *old = run;
    }
    assert_equal(&tenant, &both).await;
    assert_verified(&tenant).await;
    assert_eq!(tenant.query("select count(*) from ingest_runs").await, [["6"]]);

    // By force: the same content in a new version.
    let report = tenant.ingest(&IngestRequest { reload: Reload::Always, ..tenant.request() }).await;
    assert_eq!(words(&report), ["loaded"; 4], "{report:?}");
    assert_equal(&tenant, &both).await;
    assert_verified(&tenant).await;
}

/// So many rows that texts are looked up together, in so few parts that threads share one.
#[tokio::test(flavor = "multi_thread")]
async fn large_parts_are_the_same_however_many_threads_convert_them() {
    const KEYS: &str = "date, billing_account_id, billing_profile_id, customer_tenant_id, \
                        subscription_id, billing_currency";
    let generated =
        GeneratorOptions { rows_per_month: 10_000, part_bytes_max: u64::MAX, ..small() };
    // One sees all rows; of five, four live on what the first leaves to them.
    for workers in [1, 5] {
        let (tenant, totals) = Tenant::generated(&generated);
        let options = IngestOptions { workers: NonZeroUsize::new(workers), ..Default::default() };
        let report =
            ingest(&tenant.lake, &tenant.request(), &options, Arc::new(Silent)).await.unwrap();
        assert_eq!(words(&report), ["loaded"; 4]);
        assert_equal(&tenant, &totals).await;
        let by_scope = |sums: &str, table: &str| {
            format!("select {KEYS}, {sums} from {table} group by {KEYS} order by {KEYS}")
        };
        let rows = by_scope("count(*), sum(cost_in_billing_currency)", "actual_cost");
        let expected = tenant.query(&rows).await;
        let told = by_scope("sum(rows), sum(cost)", "load_totals where dataset = 'actual_cost'");
        assert!(expected.len() > 500, "{}", expected.len());
        assert_eq!(tenant.query(&told).await, expected);

        // A bad row in the middle, whoever comes upon it.
        let (part, _) = tenant.part_and_manifest(DatasetType::ActualCost, month("2026-07"));
        let text = std::fs::read_to_string(&part).unwrap();
        let (before, after) = text.split_at(text.len() / 2);
        let end = after.find('\n').unwrap() + 1;
        let bad = after[end..].replacen("07/", "x7/", 1);
        std::fs::write(&part, [before, &after[..end], &bad].concat()).unwrap();
        let again = |rejected_rows_max| IngestRequest { rejected_rows_max, ..tenant.request() };
        let report = ingest(&tenant.lake, &again(0), &options, Arc::new(Silent)).await.unwrap();
        assert!(words(&report).contains(&"refused"), "{report:?}");
        assert_equal(&tenant, &totals).await;
        let report = ingest(&tenant.lake, &again(1), &options, Arc::new(Silent)).await.unwrap();
        assert_eq!(words(&report).iter().filter(|word| **word == "loaded").count(), 1);
        let rejected = tenant.query("select line from rejected_rows group by line").await;
        let line = before.matches('\n').count() + 2;
        assert_eq!(rejected, [[line.to_string()]]);
    }
}

async fn versions(tenant: &Tenant) -> Vec<u64> {
    let mut versions = Vec::new();
    for table in LakeTable::ALWAYS {
        versions.push(tenant.version(table).await);
    }
    versions
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scope_version_and_format_loads() {
    for (scope, data_version, format) in [
        (ScopeType::BillingProfile, DataVersion::V2021_10_01, FileFormat::CsvGzip),
        (ScopeType::CustomerTenant, DataVersion::V2021_10_01, FileFormat::Csv),
        (ScopeType::Subscription, DataVersion::V2021_10_01, FileFormat::CsvGzip),
        (ScopeType::BillingAccount, DataVersion::V2019_11_01, FileFormat::Csv),
        (ScopeType::BillingAccount, DataVersion::McaDirect2021_10_01, FileFormat::Csv),
        (ScopeType::Subscription, DataVersion::V2021_10_01, FileFormat::Parquet),
        (ScopeType::BillingProfile, DataVersion::V2019_11_01, FileFormat::Parquet),
    ] {
        let options = GeneratorOptions { scope, data_version, format, ..small() };
        let (tenant, totals) = Tenant::generated(&options);
        let report = tenant.ingest(&tenant.request()).await;
        assert_eq!(words(&report), ["loaded"; 4], "{scope} {data_version:?}: {report:?}");
        assert_equal(&tenant, &totals).await;
        assert_verified(&tenant).await;
        let scopes = tenant.query("select distinct scope_type from ingest_runs").await;
        assert_eq!(scopes, [[scope.name()]]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dataset_alone_and_several_sources_live_side_by_side() {
    let (tenant, totals) = Tenant::generated(&small());
    tenant.ingest(&tenant.actual_request()).await;
    assert_eq!(
        tenant.query("select count(*) from amortized_cost").await,
        [["0"]],
        "the other table is there, and empty"
    );
    let missing = tenant
        .query("select dataset, billing_month from months where status = 'missing' order by 1, 2")
        .await;
    assert_eq!(
        missing,
        [
            ["actual_cost", "2026-09"],
            ["actual_cost", "2026-10"],
            ["amortized_cost", "2026-07"],
            ["amortized_cost", "2026-08"],
            ["amortized_cost", "2026-09"],
            ["amortized_cost", "2026-10"],
        ]
    );
    let second = IngestRequest { source: "fabrikam".parse().unwrap(), ..tenant.request() };
    tenant.ingest(&second).await;
    let rows_per_source = tenant
        .query("select source, count(*) from actual_cost group by source order by source")
        .await;
    let rows: u64 = totals
        .runs
        .iter()
        .filter(|run| run.dataset == DatasetType::ActualCost)
        .map(|run| run.rows)
        .sum();
    assert_eq!(
        rows_per_source,
        [["contoso".to_owned(), rows.to_string()], ["fabrikam".to_owned(), rows.to_string()]]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn compaction_and_vacuum_keep_every_row_and_the_month_stays_known() {
    let (tenant, totals) = Tenant::generated(&small());
    tenant.ingest(&tenant.request()).await;
    for table in [
        LakeTable::Dataset(DatasetType::ActualCost),
        LakeTable::Dataset(DatasetType::AmortizedCost),
        LakeTable::IngestRuns,
    ] {
        maintain::optimize(&tenant.lake, table, &[]).await.unwrap();
        let deleted =
            maintain::vacuum(&tenant.lake, table, 0, maintain::VacuumMode::Delete).await.unwrap();
        assert!(!deleted.is_empty(), "{}: the small files were replaced", table.name());
    }
    assert_equal(&tenant, &totals).await;
    assert_verified(&tenant).await;
    let report = tenant.ingest(&tenant.request()).await;
    assert_eq!(words(&report), ["unchanged"; 4], "{report:?}");
}

/// Exports and lake both in Blob storage, as partners have them.
#[tokio::test(flavor = "multi_thread")]
async fn exports_and_lake_in_blob_storage() {
    let Some(azurite) = Azurite::shared() else { return };
    azurite.create_container("partner-exports");
    azurite.create_container("partner-lake");
    let (local, totals) = Tenant::generated(&small());
    let exports = open_at(&azurite, "az://partner-exports");
    for dataset in DatasetType::COST {
        for month in small().months {
            for blob in local.blobs(dataset, month) {
                let name = blob.strip_prefix(local.exports()).unwrap().to_str().unwrap();
                put(&exports, name, &std::fs::read(&blob).unwrap()).await;
            }
        }
    }
    let storage: HashMap<String, String> = azurite.options().into_iter().collect();
    let lake = Lake::at("az://partner-lake/costs", storage).unwrap();
    let tenant = Tenant { lake, ..local };
    let at = |dataset: DatasetType, name: &str| {
        (dataset, SourceUrl::parse(&format!("az://partner-exports/{name}")).unwrap())
    };
    let request = IngestRequest {
        exports: vec![
            at(DatasetType::ActualCost, "actual"),
            at(DatasetType::AmortizedCost, "amortized"),
        ],
        ..tenant.request()
    };
    let mut options = IngestOptions::default();
    for (key, value) in azurite.options() {
        options.store.insert(&key, value.as_str()).unwrap();
    }
    for expected in ["loaded", "unchanged"] {
        let report = ingest(&tenant.lake, &request, &options, Arc::new(Silent)).await.unwrap();
        assert_eq!(words(&report), [expected; 4], "{report:?}");
        assert_equal(&tenant, &totals).await;
    }
    let etags = tenant.query("select count(*) from ingest_runs where blobs[1]['etag'] is null");
    assert_eq!(etags.await, [["0"]]);
    assert_verified(&tenant).await;
}
