//! `source check`: what is looked at before anything is loaded, on generated exports.

use std::fs;

use costlake_benches::generator::{DataVersion, FileFormat, GeneratorOptions};
use costlake_engine::inspect::{Finding, InspectRequest, OtherSource, Step, Verdict, inspect};
use costlake_engine::model::{BillingMonth, DatasetType, Scope, ScopeType, SourceName};
use costlake_engine::source::StoreOptions;

use crate::tenant::{NOW_US, Tenant, month, small, url};

const HOUR_US: i64 = 3_600_000_000;

/// 2026-09-05T04:17:10Z, just after the generator has a closed August submitted.
const SUBMITTED_US: i64 = 1_788_581_830_000_000;

struct Look {
    scope: Option<Scope>,
    first_month: Option<BillingMonth>,
    now_us: i64,
    datasets: Vec<DatasetType>,
    others: Vec<(&'static str, Scope)>,
}

impl Look {
    fn at(scope: Option<Scope>) -> Self {
        let datasets = DatasetType::COST.to_vec();
        Self { scope, first_month: None, now_us: NOW_US, datasets, others: Vec::new() }
    }

    async fn into(self, tenant: &Tenant) -> Findings {
        let name: SourceName = "contoso".parse().unwrap();
        let exports: Vec<_> =
            self.datasets.iter().map(|dataset| (*dataset, url(&tenant.export(*dataset)))).collect();
        let names: Vec<SourceName> =
            self.others.iter().map(|(name, _)| name.parse().unwrap()).collect();
        let others = names.iter().zip(&self.others);
        let others: Vec<OtherSource<'_>> = others
            .map(|(name, (_, scope))| OtherSource { name, scope: Some(scope), exports: &[] })
            .collect();
        let request = InspectRequest {
            source: &name,
            scope: self.scope.as_ref(),
            exports: &exports,
            first_month: self.first_month,
            options: &StoreOptions::default(),
            others: &others,
            now_us: self.now_us,
        };
        Findings(inspect(&request).await)
    }
}

struct Findings(Vec<Finding>);

impl Findings {
    /// What a step found of the actual export, or of the source.
    #[track_caller]
    fn of(&self, step: Step) -> (Verdict, String, String) {
        let finding = self.all(step).into_iter().next();
        finding.unwrap_or_else(|| panic!("nothing of {step}: {:#?}", self.0))
    }

    fn all(&self, step: Step) -> Vec<(Verdict, String, String)> {
        let of_step = self.0.iter().filter(|finding| {
            finding.step == step && finding.dataset != Some(DatasetType::AmortizedCost)
        });
        let told = |finding: &Finding| {
            let fix = finding.fix.clone().unwrap_or_default();
            (finding.verdict, finding.what.clone(), fix)
        };
        of_step.map(told).collect()
    }

    #[track_caller]
    fn has(&self, step: Step, verdict: Verdict, what: &str) {
        let all = self.all(step);
        let found = all.iter().any(|(of, said, _)| *of == verdict && said.contains(what));
        assert!(found, "no {verdict:?} {step}: {what} in {:#?}", self.0);
    }

    fn worst(&self) -> Verdict {
        self.0.iter().map(|finding| finding.verdict).max().unwrap()
    }
}

/// The scope that the export's manifest names.
fn scope_of(tenant: &Tenant) -> Scope {
    let (_, manifest) = tenant.part_and_manifest(DatasetType::ActualCost, month("2026-08"));
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
    let export = manifest["exportConfig"]["resourceId"].as_str().unwrap();
    let (scope, _) = export.split_once("/providers/Microsoft.CostManagement").unwrap();
    scope.parse().unwrap()
}

fn few() -> GeneratorOptions {
    GeneratorOptions { rows_per_month: 500, ..small() }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_format_is_looked_into() {
    let (csv, _) = Tenant::generated(&few());
    let scope = scope_of(&csv);
    for (format, name) in [
        (FileFormat::Csv, "Csv:"),
        (FileFormat::CsvGzip, "Csv, gzip:"),
        (FileFormat::Parquet, "Parquet:"),
    ] {
        let (tenant, _) = Tenant::generated(&GeneratorOptions { format, ..few() });
        let mut look = Look::at(Some(scope.clone()));
        look.first_month = Some(month("2026-07"));
        look.now_us = SUBMITTED_US + HOUR_US;
        let found = look.into(&tenant).await;
        assert_ne!(found.worst(), Verdict::Failed, "{:#?}", found.0);
        found.has(Step::Format, Verdict::Ok, name);
        found.has(Step::Format, Verdict::Ok, "columns are those of MCA partner 2021-10-01");
        found.has(Step::Scope, Verdict::Ok, "rows are of billing_account_id");
        found.has(Step::Dataset, Verdict::Ok, "2021-10-01");
        found.has(Step::Months, Verdict::Ok, "present: 2026-07..2026-08");
    }
    // The rows of another account, under a manifest of none.
    let other = Scope::billing_account("11111111-1111-1111-1111-111111111111:x_2019-05-31");
    for format in [FileFormat::Csv, FileFormat::Parquet] {
        let (tenant, _) = Tenant::generated(&GeneratorOptions { format, ..few() });
        let found = Look::at(Some(other.clone())).into(&tenant).await;
        found.has(Step::Scope, Verdict::Failed, "the export is of /providers/Microsoft.Billing");
        found.has(Step::Scope, Verdict::Failed, "of the first rows' billing_account_id are not");
    }
    // A damaged file fails in its format, whatever it calls itself.
    let (part, _) = csv.part_and_manifest(DatasetType::ActualCost, month("2026-08"));
    let size = fs::metadata(&part).unwrap().len();
    let mut damaged = vec![b'x'; usize::try_from(size).unwrap()];
    damaged[0] = b'"';
    fs::write(&part, damaged).unwrap();
    let found = Look::at(Some(scope)).into(&csv).await;
    assert_eq!(found.worst(), Verdict::Failed);
    assert!(found.all(Step::Format).iter().any(|(verdict, ..)| *verdict == Verdict::Failed));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scope_says_what_it_cannot_give() {
    for (scope_type, column, limit) in [
        (ScopeType::BillingAccount, "billing_account_id", None),
        (ScopeType::BillingProfile, "billing_profile_id", None),
        (ScopeType::CustomerTenant, "customer_tenant_id", Some("may lack purchases")),
        (ScopeType::Subscription, "subscription_id", Some("no rate-reduction savings")),
    ] {
        let options = GeneratorOptions { scope: scope_type, ..few() };
        let (tenant, _) = Tenant::generated(&options);
        let scope = scope_of(&tenant);
        let found = Look::at(Some(scope.clone())).into(&tenant).await;
        assert_ne!(found.worst(), Verdict::Failed, "{scope_type}: {:#?}", found.0);
        found.has(Step::Scope, Verdict::Ok, &format!("rows are of {column}"));
        match limit {
            Some(limit) => found.has(Step::Limits, Verdict::Warning, limit),
            None => assert!(found.all(Step::Limits).is_empty(), "{scope_type}"),
        }
        if scope_type == ScopeType::Subscription {
            // Each column that its files lack.
            for column in ["invoiceId", "billingProfileId", "paygCostInUsd", "partnerTenantId"] {
                found.has(Step::Limits, Verdict::Warning, column);
            }
            let wrong = Scope { scope_type: ScopeType::BillingProfile, id: None };
            let found = Look::at(Some(wrong)).into(&tenant).await;
            found.has(Step::Scope, Verdict::Failed, "the columns of a subscription scope");
        }
        let found = Look::at(None).into(&tenant).await;
        found.has(Step::Scope, Verdict::Warning, "none is configured; the manifest says");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn months_age_and_version_are_judged() {
    let months = ["2026-05", "2026-06", "2026-07", "2026-08"].map(month).to_vec();
    let (tenant, _) = Tenant::generated(&GeneratorOptions { months, ..few() });
    let of = |first_month: Option<&str>, now_us| {
        let mut look = Look::at(Some(scope_of(&tenant)));
        (look.first_month, look.now_us) = (first_month.map(month), now_us);
        look.into(&tenant)
    };
    // Fresh for two days, then no longer.
    let fresh = of(None, SUBMITTED_US + 47 * HOUR_US).await;
    fresh.has(Step::Age, Verdict::Ok, "newest run is 47 hours old, of 2026-08");
    let stale = of(None, SUBMITTED_US + 49 * HOUR_US).await;
    stale.has(Step::Age, Verdict::Warning, "newest run is 2 days old");
    let (_, _, fix) = stale.of(Step::Age);
    assert!(fix.contains("costlake exports history ") && fix.ends_with("--source contoso"));
    // A month in between, and those before the first wanted.
    let actual = tenant.export(DatasetType::ActualCost);
    fs::remove_dir_all(actual.join(month("2026-06").range_folder())).unwrap();
    let found = of(None, SUBMITTED_US).await;
    found.has(Step::Months, Verdict::Ok, "present: 2026-05, 2026-07..2026-08");
    found.has(Step::Months, Verdict::Warning, "not free of cost: 2026-06, 2026-09");
    let found = of(Some("2026-04"), SUBMITTED_US).await;
    found.has(Step::Months, Verdict::Warning, "2026-04, 2026-06, 2026-09");
    let fix = found.all(Step::Months).into_iter().find(|(verdict, ..)| *verdict != Verdict::Ok);
    let (_, _, fix) = fix.unwrap();
    assert!(fix.contains("--month 2026-04,2026-06,2026-09, or set first_month"), "{fix}");
    let found = of(Some("2026-07"), SUBMITTED_US - 5 * 24 * HOUR_US).await;
    assert!(found.all(Step::Months).iter().all(|(verdict, ..)| *verdict == Verdict::Ok));
    // A run without one of its blobs.
    let (part, _) = tenant.part_and_manifest(DatasetType::ActualCost, month("2026-07"));
    fs::remove_file(part).unwrap();
    let found = of(Some("2026-07"), SUBMITTED_US).await;
    found.has(Step::Months, Verdict::Warning, "cannot be loaded: 2026-07");
    // Versions without savings plans.
    let data_version = DataVersion::V2019_11_01;
    let (old, _) = Tenant::generated(&GeneratorOptions { data_version, ..few() });
    let found = Look::at(Some(scope_of(&old))).into(&old).await;
    found.has(Step::Dataset, Verdict::Warning, "2019-11-01: columns of savings plans are missing");
    let (_, _, fix) = found.of(Step::Dataset);
    assert_eq!(fix, "set the export's data version to 2021-10-01");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sources_that_hold_the_same_are_told() {
    let (tenant, _) =
        Tenant::generated(&GeneratorOptions { scope: ScopeType::BillingProfile, ..few() });
    let scope = scope_of(&tenant);
    let path = scope.id.clone().unwrap();
    let (account, _) = path.split_once("/billingProfiles/").unwrap();
    let mut look = Look::at(Some(scope.clone()));
    look.others = vec![
        ("wider", account.parse().unwrap()),
        ("same", scope),
        ("customer", format!("{account}/customers/x").parse().unwrap()),
        ("sibling", format!("{account}/billingProfiles/other").parse().unwrap()),
        ("stranger", Scope::customer_tenant("other:account", "x")),
    ];
    look.datasets = vec![DatasetType::ActualCost];
    let found = look.into(&tenant).await;
    found.has(Step::Overlap, Verdict::Warning, "source wider has a scope that holds this one");
    found.has(Step::Overlap, Verdict::Warning, "source same has the same scope");
    found.has(Step::Overlap, Verdict::Warning, "source customer is of the same billing account");
    assert_eq!(found.all(Step::Overlap).len(), 3, "{:#?}", found.0);
    let missing =
        found.0.iter().find(|finding| finding.dataset == Some(DatasetType::AmortizedCost));
    assert!(missing.unwrap().what.starts_with("no export of amortized cost is configured"));
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_are_not_there_or_not_exports_fail_with_a_fix() {
    let tenant = Tenant::new();
    let found = Look::at(None).into(&tenant).await;
    found.has(Step::Access, Verdict::Failed, "nothing found at /");
    let (_, _, fix) = found.of(Step::Access);
    assert!(fix.starts_with("check the path"), "{fix}");
    fs::create_dir_all(tenant.export(DatasetType::ActualCost)).unwrap();
    fs::write(tenant.export(DatasetType::ActualCost).join("notes.txt"), "none").unwrap();
    let found = Look::at(None).into(&tenant).await;
    assert_eq!(found.of(Step::Exports).0, Verdict::Failed, "{:#?}", found.0);
    assert!(!found.of(Step::Exports).2.is_empty());
}
