//! Bad input: a clear message, the month as it was, nothing lost.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;

use costlake_engine::commit::{CommitError, Lake, LakeTable};
use costlake_engine::error::{ErrorClass, Fault as _};
use costlake_engine::ingest::{
    IngestError, IngestOptions, IngestRequest, Observer, Outcome, Reload, ingest,
};
use costlake_engine::model::DatasetType;
use costlake_engine::query::{Session, SessionOptions};

use crate::tenant::{Tenant, complaint, edit, edit_part, month, outcome, small, url, words};

const ACTUAL: DatasetType = DatasetType::ActualCost;

/// Loads two months, then damages July's actual run as `damage` says, forces it
/// in again, and returns the complaint. July must hold what it held.
async fn refused(damage: impl Fn(&Path, &Path)) -> (Tenant, String) {
    let (tenant, _) = Tenant::generated(&small());
    tenant.ingest(&tenant.actual_request()).await;
    let before = content(&tenant).await;
    let (part, manifest) = tenant.part_and_manifest(ACTUAL, month("2026-07"));
    damage(&part, &manifest);
    let request = IngestRequest { reload: Reload::Always, ..tenant.actual_request() };
    let report = tenant.ingest(&request).await;
    assert_eq!(words(&report), ["refused", "loaded"], "{report:?}");
    assert_eq!(report.worst(), Some(ErrorClass::BadInput));
    assert_eq!(content(&tenant).await, before, "the month keeps what it had");
    let complaint = complaint(outcome(&report, ACTUAL, month("2026-07")));
    (tenant, complaint)
}

async fn content(tenant: &Tenant) -> Vec<Vec<String>> {
    tenant
        .query(
            "select billing_month, billing_currency, count(*), sum(cost_in_billing_currency) \
             from actual_cost group by 1, 2 order by 1, 2",
        )
        .await
}

/// Applies a change to the fields of the last record of a part.
fn edit_record(text: &str, change: impl Fn(&mut Vec<String>)) -> String {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let last = records.last().unwrap();
    let start = usize::try_from(last.position().unwrap().byte()).unwrap();
    let mut fields: Vec<String> = last.iter().map(str::to_owned).collect();
    change(&mut fields);
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    writer.write_record(&fields).unwrap();
    format!("{}{}", &text[..start], String::from_utf8(writer.into_inner().unwrap()).unwrap())
}

/// The part without its last record.
fn without_last_record(text: &str) -> String {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let start = records.last().unwrap().position().unwrap().byte();
    text[..usize::try_from(start).unwrap()].to_owned()
}

fn assert_says(complaint: &str, parts: &[&str]) {
    for part in parts {
        assert!(complaint.contains(part), "{part:?} is not in: {complaint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn truncated_blob() {
    // Shorter than the manifest states.
    let (_, complaint) =
        refused(|part, _| edit(part, |text| text[..text.len() / 2].to_owned())).await;
    assert_says(&complaint, &["part_0_0001.csv", "bytes", "manifest states"]);
    // Cut within a quoted field, by a manifest that believes it.
    let (_, complaint) = refused(|part, manifest| {
        edit_part(part, manifest, |text| {
            let cut = text.rfind("\"{").unwrap() + 4;
            text[..cut].to_owned()
        });
    })
    .await;
    assert_says(&complaint, &["quote", "part_0_0001.csv:"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn manifest_naming_a_missing_blob() {
    let (_, complaint) = refused(|part, _| fs::remove_file(part).unwrap()).await;
    assert_says(&complaint, &["part_0_0001.csv", "missing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn manifest_with_a_wrong_row_count() {
    let (_, complaint) = refused(|part, manifest| {
        // One row less in the file than the manifest states.
        edit_part(part, manifest, |text| without_last_record(&text));
    })
    .await;
    assert_says(&complaint, &["data rows were read", "manifest states", "part_0_0001.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_with_a_field_too_few_or_too_many() {
    for (fields, change) in [
        ("69", (|fields: &mut Vec<String>| drop(fields.remove(0))) as fn(&mut Vec<String>)),
        ("71", |fields: &mut Vec<String>| fields.push("extra".to_owned())),
    ] {
        let (tenant, complaint) = refused(|part, manifest| {
            edit_part(part, manifest, |text| edit_record(&text, change));
        })
        .await;
        assert_says(&complaint, &["1 row cannot be read", fields, "70", "--max-rejected"]);
        let rejected = tenant
            .query("select blob, line, byte_offset, reason, raw_text from rejected_rows")
            .await;
        assert_eq!(rejected.len(), 1);
        assert!(rejected[0][0].ends_with("part_0_0001.csv"), "{rejected:?}");
        assert!(rejected[0][3].contains(fields), "{rejected:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unparsable_number_and_date_are_kept_aside_and_may_be_allowed() {
    let (tenant, _) = Tenant::generated(&small());
    let (part, manifest) = tenant.part_and_manifest(ACTUAL, month("2026-07"));
    edit_part(&part, &manifest, |text| {
        let header = text.lines().next().unwrap().trim_start_matches('\u{feff}').to_lowercase();
        let at = |name: &str| header.split(',').position(|column| column == name).unwrap();
        edit_record(&text, |fields| {
            fields[at("costinbillingcurrency")] = "12 EUR".to_owned();
            fields[at("date")] = "31/12/2026".to_owned();
        })
    });
    let report = tenant.ingest(&tenant.actual_request()).await;
    assert_eq!(words(&report), ["refused", "loaded"]);
    let rejected =
        tenant.query("select column_name, reason, raw_text, line from rejected_rows").await;
    assert_eq!(rejected.len(), 1);
    assert_eq!(
        tenant.query("select count(*) from actual_cost where billing_month = '2026-07'").await,
        [["0"]]
    );

    let allowed = IngestRequest { rejected_rows_max: 1, ..tenant.actual_request() };
    let report = tenant.ingest(&allowed).await;
    assert_eq!(words(&report), ["loaded", "unchanged"]);
    let runs = tenant
        .query(
            "select rejected_rows, manifest_row_count - rows from ingest_runs \
             where billing_month = '2026-07'",
        )
        .await;
    assert_eq!(runs, [["1", "1"]]);
    // What was rejected is still there to be looked at, under the run's key.
    let kept =
        tenant.query("select count(*) from rejected_rows join ingest_runs using (load_key)").await;
    assert_eq!(kept, [["1"]]);
}

/// Does something whenever a run begins to be read: after the listing.
struct Meddler<F> {
    meddle: F,
    times: Mutex<u32>,
    notes: Mutex<Vec<String>>,
}

impl<F: Fn() + Send + Sync> Meddler<F> {
    fn new(times: u32, meddle: F) -> Arc<Self> {
        Arc::new(Self { meddle, times: Mutex::new(times), notes: Mutex::default() })
    }
}

impl<F: Fn() + Send + Sync> Observer for Meddler<F> {
    fn run_started(&self, _: u64, _: &str, _: u64) {
        let mut times = self.times.lock().unwrap();
        if *times > 0 {
            *times -= 1;
            (self.meddle)();
        }
    }
    fn advanced(&self, _: u64, _: u64, _: u64) {}
    fn run_finished(&self, _: u64, _: &str) {}
    fn note(&self, text: &str) {
        self.notes.lock().unwrap().push(text.to_owned());
    }
}

/// Writes a file anew: same size, other content and time, so that only the ETag tells.
fn rewrite(part: &std::path::Path) {
    let mut bytes = fs::read(part).unwrap();
    let last = bytes.len() - 2;
    bytes[last] = if bytes[last] == b'?' { b'!' } else { b'?' };
    fs::remove_file(part).unwrap();
    fs::write(part, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn blob_that_changes_between_listing_and_reading_is_read_anew_from_its_beginning() {
    let (tenant, _) = Tenant::generated(&small());
    let (part, manifest) = tenant.part_and_manifest(ACTUAL, month("2026-07"));
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
    let rows = manifest["dataRowCount"].to_string();
    let meddler = Meddler::new(1, move || rewrite(&part));
    let request = tenant.actual_request();
    let observer: Arc<dyn Observer> = Arc::clone(&meddler) as _;
    let report = ingest(&tenant.lake, &request, &IngestOptions::default(), observer).await.unwrap();
    assert_eq!(words(&report), ["loaded", "loaded"]);
    assert_eq!(
        *meddler.notes.lock().unwrap(),
        ["actual_cost 2026-07: replaced while it was read; read anew"]
    );
    // Of the second version alone: every row once, the last with its new ending.
    let sql = "select count(*), count(*) filter (where provider like '%?') from actual_cost \
               where billing_month = '2026-07'";
    assert_eq!(tenant.query(sql).await, [[rows, "1".to_owned()]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn blob_that_changes_whenever_it_is_read_is_refused() {
    let (tenant, _) = Tenant::generated(&small());
    let (part, _) = tenant.part_and_manifest(ACTUAL, month("2026-07"));
    let request =
        IngestRequest { months: Some([month("2026-07")].into()), ..tenant.actual_request() };
    let meddler = Meddler::new(u32::MAX, move || rewrite(&part));
    let report = ingest(&tenant.lake, &request, &IngestOptions::default(), meddler).await.unwrap();
    let july = outcome(&report, ACTUAL, month("2026-07"));
    assert_says(&complaint(july), &["changed", "part_0_0001.csv"]);
    assert_eq!(tenant.query("select count(*) from actual_cost").await, [["0"]]);
}

/// An export that overwrites deletes the last run when the next is there.
#[tokio::test(flavor = "multi_thread")]
async fn run_that_is_replaced_while_it_is_read_gives_way_to_the_next() {
    let (tenant, _) = Tenant::generated(&small());
    let (part, _) = tenant.part_and_manifest(ACTUAL, month("2026-07"));
    let old = part.parent().unwrap().to_owned();
    let new = old.with_file_name("99999999-0000-4000-8000-000000000001");
    let (from, to) = (old.clone(), new.clone());
    let meddler = Meddler::new(1, move || {
        fs::create_dir(&to).unwrap();
        for file in fs::read_dir(&from).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
        let manifest = to.join("manifest.json");
        let folder =
            |path: &std::path::Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, text.replace(&folder(&from), &folder(&to))).unwrap();
        fs::remove_dir_all(&from).unwrap();
    });
    let request = tenant.actual_request();
    let report = ingest(&tenant.lake, &request, &IngestOptions::default(), meddler).await.unwrap();
    assert_eq!(words(&report), ["loaded", "loaded"]);
    let july = outcome(&report, ACTUAL, month("2026-07"));
    assert_eq!(july.run_id.as_deref(), Some("99999999-0000-4000-8000-000000000001"));
}

/// A file that is no run of any month does not become one of the month that is read
/// anew.
#[tokio::test(flavor = "multi_thread")]
async fn stray_file_does_not_take_the_place_of_a_run_that_went_away() {
    let (tenant, _) = Tenant::generated(&small());
    let export = tenant.export(ACTUAL);
    let (august, _) = tenant.part_and_manifest(ACTUAL, month("2026-08"));
    fs::copy(&august, export.join("old_copy.csv")).unwrap();
    fs::remove_dir_all(august.ancestors().nth(2).unwrap()).unwrap();
    let (part, _) = tenant.part_and_manifest(ACTUAL, month("2026-07"));
    let run = part.parent().unwrap().to_owned();
    let meddler = Meddler::new(1, move || fs::remove_dir_all(&run).unwrap());
    let request = IngestRequest { months: None, ..tenant.actual_request() };
    let report = ingest(&tenant.lake, &request, &IngestOptions::default(), meddler).await.unwrap();
    let july = outcome(&report, ACTUAL, month("2026-07"));
    // Whichever part was asked for first.
    assert_says(&complaint(july), &["part_0_000", "vanished"]);
    assert_eq!(tenant.query("select count(*) from actual_cost").await, [["0"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn file_of_another_dataset() {
    for (name, header, row) in [
        (
            "EA",
            "InvoiceSectionName,AccountName,SubscriptionId,PartNumber,OfferId,Date,ChargeType,Quantity,EffectivePrice,CostInBillingCurrency,BillingCurrencyCode,MeterId",
            "a,b,c,d,e,07/01/2026,Usage,1,1,1,EUR,m",
        ),
        (
            "FOCUS",
            "BilledCost,BillingAccountId,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,EffectiveCost,ListCost,ServiceName",
            "1,a,EUR,2026-07-01,2026-07-02,1,1,VM",
        ),
        (
            "price sheet",
            "BasePrice,BillingAccountId,BillingProfileId,Currency,EffectiveStartDate,MeterId,MarketPrice,PriceType,ProductId,SkuId,TierMinimumUnits,UnitOfMeasure,UnitPrice",
            "1,a,b,EUR,07/01/2026,m,1,Consumption,p,s,0,1 Hour,1",
        ),
    ] {
        let tenant = Tenant::new();
        let folder = tenant.export(ACTUAL).join("20260701-20260731");
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("export_0b5a7d9e-1f7c-4c55-8a3e-5d1a5f0f2a11.csv");
        fs::write(&file, format!("{header}\n{row}\n")).unwrap();
        let request =
            IngestRequest { months: Some([month("2026-07")].into()), ..tenant.actual_request() };
        let report = tenant.ingest(&request).await;
        assert_eq!(words(&report), ["refused"], "{report:?}");
        assert_says(&complaint(&report.months[0]).to_lowercase(), &[&name.to_lowercase(), ".csv"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_required_column_is_named_and_an_unknown_one_reported() {
    let (_, complaint) = refused(|part, manifest| {
        edit_part(part, manifest, |text| {
            // Letter case of the header varies.
            let (header, rest) = text.split_once('\n').unwrap();
            let mut names: Vec<String> = header.split(',').map(str::to_owned).collect();
            let cost =
                names.iter().position(|name| name.eq_ignore_ascii_case("costInBillingCurrency"));
            names[cost.unwrap()] = "somethingElse".to_owned();
            format!("{}\n{rest}", names.join(","))
        });
    })
    .await;
    assert_says(&complaint, &["costInBillingCurrency", "part_0_0001.csv"]);

    let (tenant, _) = Tenant::generated(&small());
    let (part, manifest) = tenant.part_and_manifest(ACTUAL, month("2026-07"));
    edit_part(&part, &manifest, |text| {
        let (header, rest) = text.split_once('\n').unwrap();
        let mut names: Vec<String> = header.split(',').map(str::to_owned).collect();
        let section = names.iter().position(|name| name.eq_ignore_ascii_case("invoiceSectionName"));
        names[section.unwrap()] = "brandNewColumn".to_owned();
        format!("{}\n{rest}", names.join(","))
    });
    let report = tenant.ingest(&tenant.actual_request()).await;
    let Outcome::Loaded(july) = &report.months[0].outcome else { panic!("{report:?}") };
    assert_eq!(july.unknown_columns, ["brandNewColumn"]);
    let names = tenant
        .query("select unnest(unknown_columns) from ingest_runs where billing_month = '2026-07'")
        .await;
    assert_eq!(names, [["brandNewColumn"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_file_is_refused_and_a_header_alone_is_a_month_of_no_cost() {
    let (tenant, _) = Tenant::generated(&small());
    let header = {
        let (part, _) = tenant.part_and_manifest(ACTUAL, month("2026-07"));
        fs::read_to_string(part).unwrap().split_inclusive('\n').next().unwrap().to_owned()
    };
    let other = Tenant::new();
    let write = |month: &str, text: &str| {
        let folder = other.export(ACTUAL).join(crate::tenant::month(month).range_folder());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("e_0b5a7d9e-1f7c-4c55-8a3e-5d1a5f0f2a11.csv"), text).unwrap();
    };
    write("2026-07", "");
    write("2026-08", &header);
    let report = other.ingest(&other.actual_request()).await;
    assert_eq!(words(&report), ["refused", "loaded"], "{report:?}");
    assert_says(&complaint(&report.months[0]), &["empty", ".csv"]);
    assert_eq!(other.query("select count(*) from actual_cost").await, [["0"]]);
    let months = other
        .query("select billing_month, status, rows from months where dataset = 'actual_cost' and status = 'loaded'")
        .await;
    assert_eq!(months, [["2026-08", "loaded", "0"]]);
    // Known to be loaded: not again.
    let report = other.ingest(&other.actual_request()).await;
    assert_eq!(words(&report), ["refused", "unchanged"], "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_lake_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nowhere");
    let error = Lake::open_existing(path.to_str().unwrap(), Default::default()).await.unwrap_err();
    assert!(matches!(error, CommitError::NotALake { .. }), "{error}");
    assert_eq!(error.class(), ErrorClass::BadConfig);
    assert!(!path.exists(), "looking does not create");
    let lake = Lake::at(path.to_str().unwrap(), Default::default()).unwrap();
    assert!(Session::open(&lake, &SessionOptions::default()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_export_path_changes_nothing() {
    let tenant = Tenant::new();
    let request = IngestRequest {
        exports: vec![(ACTUAL, url(&tenant.folder.path().join("nowhere")))],
        ..tenant.actual_request()
    };
    let observer = Arc::new(costlake_engine::ingest::Silent);
    let error = ingest(&tenant.lake, &request, &IngestOptions::default(), observer).await;
    let error = error.unwrap_err();
    assert_eq!(error.class(), ErrorClass::BadInput, "{error}");
    assert!(error.to_string().contains("nowhere"), "{error}");
    assert!(!tenant.folder.path().join("lake").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn lake_written_by_a_newer_version() {
    let (tenant, _) = Tenant::generated(&small());
    tenant.ingest(&tenant.actual_request()).await;
    let log = tenant.folder.path().join("lake/actual_cost/_delta_log/00000000000000000000.json");
    edit(&log, |text| {
        let newer = text.replace("\"costlake.format\":\"1\"", "\"costlake.format\":\"999\"");
        assert_ne!(text, newer);
        newer
    });
    let observer = Arc::new(costlake_engine::ingest::Silent);
    let request = tenant.actual_request();
    let error = ingest(&tenant.lake, &request, &IngestOptions::default(), observer).await;
    let error = error.unwrap_err();
    assert!(matches!(error, IngestError::Commit(CommitError::NewerFormat { .. })), "{error}");
    assert!(error.hint().unwrap().contains("update costlake"));
    let error = Session::open(&tenant.lake, &SessionOptions::default()).await.err().unwrap();
    assert_eq!(error.class(), ErrorClass::BadConfig);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_ingests_of_one_month_at_once() {
    let (tenant, totals) = Tenant::generated(&small());
    // Two runs of the same months, so that neither can take the other's work
    // for its own; both wait at the start of July until the other is there.
    struct Gate(std::sync::Barrier, Mutex<u32>);
    impl Observer for Gate {
        fn run_started(&self, run: u64, _: &str, _: u64) {
            if run == 0 {
                *self.1.lock().unwrap() += 1;
            }
        }
        fn advanced(&self, run: u64, bytes: u64, _: u64) {
            // The first bytes of July: both have planned by now.
            let first = bytes > 0 && run == 0 && {
                let mut waiting = self.1.lock().unwrap();
                let first = *waiting > 0;
                *waiting = waiting.saturating_sub(1);
                first
            };
            if first {
                self.0.wait();
            }
        }
        fn run_finished(&self, _: u64, _: &str) {}
        fn note(&self, _: &str) {}
    }
    let gate: Arc<dyn Observer> = Arc::new(Gate(std::sync::Barrier::new(2), Mutex::new(0)));
    let request = IngestRequest {
        months: Some([month("2026-07")].into()),
        reload: Reload::Always,
        ..tenant.actual_request()
    };
    let options = IngestOptions::default();
    // The other one has restated figures in a folder of its own.
    let other = Tenant::new();
    let restated = costlake_benches::generator::GeneratorOptions { restated: Some(1), ..small() };
    other.generate(&restated);
    let other_request =
        IngestRequest { exports: other.actual_request().exports, ..request.clone() };
    let (left, right) = tokio::join!(
        ingest(&tenant.lake, &request, &options, Arc::clone(&gate)),
        ingest(&tenant.lake, &other_request, &options, Arc::clone(&gate)),
    );
    let (left, right) = (left.unwrap(), right.unwrap());
    let mut outcomes = [words(&left)[0], words(&right)[0]];
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["conflict", "loaded"], "{left:?} {right:?}");
    let loser = if words(&left)[0] == "conflict" { &left } else { &right };
    assert_says(&complaint(&loser.months[0]), &["at the same time", "run it again"]);
    let rows = totals.run(ACTUAL, month("2026-07")).unwrap().rows.to_string();
    assert_eq!(tenant.query("select count(*) from actual_cost").await, [[rows.clone()]]);
    // Run again, the loser's month is loaded.
    let again = tenant.ingest(&request).await;
    assert_eq!(words(&again), ["loaded"]);
    assert_eq!(tenant.query("select count(*) from actual_cost").await, [[rows]]);
    assert_eq!(tenant.query("select count(*) from ingest_runs").await, [["2"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_between_a_commit_and_its_ledger_row_is_repaired() {
    let (tenant, _) = Tenant::generated(&small());
    tenant.ingest(&tenant.actual_request()).await;
    let rows =
        "select billing_month, run_id, rows, table_version, load_key from ingest_runs order by 1";
    let before = tenant.query(rows).await;
    assert_eq!(before.len(), 2);
    // As if the process had died before its last append.
    let version = tenant.version(LakeTable::IngestRuns).await;
    let log = tenant.folder.path().join("lake/ingest_runs/_delta_log");
    fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    assert_eq!(tenant.query(rows).await.len(), 1);

    let report = tenant.ingest(&tenant.actual_request()).await;
    assert_eq!(words(&report), ["unchanged", "unchanged"], "{report:?}");
    assert_eq!(tenant.query(rows).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn ledger_row_lost_in_a_crash_comes_back_with_the_next_run_too() {
    let (tenant, _) = Tenant::generated(&small());
    tenant.ingest(&tenant.actual_request()).await;
    let version = tenant.version(LakeTable::IngestRuns).await;
    let log = tenant.folder.path().join("lake/ingest_runs/_delta_log");
    fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    let restated = costlake_benches::generator::GeneratorOptions { restated: Some(1), ..small() };
    tenant.generate(&restated);
    let report = tenant.ingest(&tenant.actual_request()).await;
    assert_eq!(words(&report), ["loaded", "loaded"], "{report:?}");
    assert_eq!(tenant.query("select count(*) from ingest_runs").await, [["4"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_rows_of_what_a_month_holds_outlive_a_refused_run() {
    let (tenant, _) = Tenant::generated(&small());
    let (part, manifest) = tenant.part_and_manifest(ACTUAL, month("2026-07"));
    edit_part(&part, &manifest, |text| edit_record(&text, |fields| fields.push("more".to_owned())));
    let request = IngestRequest { rejected_rows_max: 1, ..tenant.actual_request() };
    assert_eq!(words(&tenant.ingest(&request).await), ["loaded", "loaded"]);
    let held = "select run_id, line, reason from rejected_rows";
    let before = tenant.query(held).await;
    assert_eq!(before.len(), 1);

    // A newer run, of which a row is bad too.
    let options = costlake_benches::generator::GeneratorOptions {
        months: vec![month("2026-07")],
        tenant_start: Some(month("2026-07")),
        restated: Some(1),
        ..small()
    };
    tenant.generate(&options);
    let newer = tenant
        .blobs(ACTUAL, month("2026-07"))
        .into_iter()
        .filter(|blob| blob.parent() != part.parent())
        .collect::<Vec<_>>();
    let ends = |ending: &str| {
        newer.iter().find(|blob| blob.to_str().unwrap().ends_with(ending)).unwrap().clone()
    };
    edit_part(&ends("0001.csv"), &ends("manifest.json"), |text| {
        edit_record(&text, |fields| drop(fields.pop()))
    });
    assert_eq!(words(&tenant.ingest(&tenant.actual_request()).await), ["refused", "unchanged"]);
    let both = tenant.query(held).await;
    assert_eq!(both.len(), 2, "{both:?}");
    assert!(before.iter().all(|row| both.contains(row)), "{both:?}");
    // Loaded, it alone is what the month holds.
    assert_eq!(words(&tenant.ingest(&request).await), ["loaded", "unchanged"]);
    let after = tenant.query(held).await;
    assert_eq!(after.len(), 1);
    assert_ne!(after, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_never_goes_back_to_an_older_run_unless_forced() {
    let (tenant, _) = Tenant::generated(&small());
    let restated = costlake_benches::generator::GeneratorOptions { restated: Some(1), ..small() };
    let newer = tenant.generate(&restated);
    assert_eq!(words(&tenant.ingest(&tenant.actual_request()).await), ["loaded", "loaded"]);
    let held = content(&tenant).await;
    let run_id =
        tenant.query("select run_id from ingest_runs where billing_month = '2026-07'").await;
    // The newer run of July loses a blob; the older one is complete.
    let part = tenant
        .blobs(ACTUAL, month("2026-07"))
        .into_iter()
        .find(|blob| {
            let path = blob.to_str().unwrap();
            path.contains(&run_id[0][0]) && path.ends_with("0001.csv")
        })
        .unwrap();
    fs::remove_file(part).unwrap();
    let report = tenant.ingest(&tenant.actual_request()).await;
    assert_eq!(words(&report), ["refused", "unchanged"], "{report:?}");
    assert_says(&complaint(&report.months[0]), &[&run_id[0][0], "later", "--force"]);
    assert_eq!(content(&tenant).await, held);
    let forced = IngestRequest { reload: Reload::Always, ..tenant.actual_request() };
    assert_eq!(words(&tenant.ingest(&forced).await), ["loaded", "loaded"]);
    assert_ne!(content(&tenant).await, held);
    drop(newer);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_broken_manifest_or_absent_month_stops_nothing_else() {
    let (tenant, _) = Tenant::generated(&small());
    let (_, manifest) = tenant.part_and_manifest(ACTUAL, month("2026-07"));
    fs::write(&manifest, "").unwrap();
    let report = tenant.ingest(&tenant.actual_request()).await;
    assert_eq!(words(&report), ["refused", "loaded"], "{report:?}");
    assert_says(&complaint(&report.months[0]), &["manifest"]);

    let june = IngestRequest { months: Some([month("2026-06")].into()), ..tenant.request() };
    let report = tenant.ingest(&june).await;
    assert_eq!(words(&report), ["missing", "missing"], "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_given_later_is_applied() {
    let (tenant, _) = Tenant::generated(&small());
    tenant.ingest(&tenant.actual_request()).await;
    let scope = Some("/subscriptions/abc".parse().unwrap());
    let request = IngestRequest { scope, ..tenant.actual_request() };
    assert_eq!(words(&tenant.ingest(&request).await), ["loaded", "loaded"]);
    assert_eq!(tenant.query("select scope_type from source_scopes").await, [["subscription"]]);
    assert_eq!(words(&tenant.ingest(&request).await), ["unchanged", "unchanged"]);
}

#[test]
fn a_lake_path_with_a_percent_sign_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["per%cent", "per%20cent"] {
        let path = folder.path().join(name);
        let error = Lake::at(path.to_str().unwrap(), Default::default()).unwrap_err();
        assert!(matches!(error, CommitError::InvalidAddress { .. }), "{error}");
    }
    assert!(
        Lake::at(folder.path().join("per cent ü").to_str().unwrap(), Default::default()).is_ok()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn vacuum_removes_what_killed_loads_left_once_it_is_old() {
    use costlake_engine::commit::maintain::{VacuumMode, vacuum};
    let (tenant, _) = Tenant::generated(&small());
    tenant.ingest(&tenant.actual_request()).await;
    let before = content(&tenant).await;
    let month = tenant.folder.path().join("lake/actual_cost/source=contoso/billing_month=2026-07");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 24 * 60 * 60);
    for (name, is_old) in [
        ("old-0-00000.parquet", true),
        ("old-0-00001.parquet#1", true),
        ("new-0-00000.parquet", false),
        ("new-0-00001.parquet#12", false),
    ] {
        fs::write(month.join(name), "left behind").unwrap();
        if is_old {
            fs::File::options()
                .write(true)
                .open(month.join(name))
                .unwrap()
                .set_modified(old)
                .unwrap();
        }
    }
    let table = LakeTable::Dataset(DatasetType::ActualCost);
    let found = vacuum(&tenant.lake, table, 0, VacuumMode::DryRun).await.unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(month.join("old-0-00001.parquet#1").exists());
    let deleted = vacuum(&tenant.lake, table, 0, VacuumMode::Delete).await.unwrap();
    assert_eq!(deleted, found);
    for (name, stays) in [
        ("old-0-00000.parquet", false),
        ("old-0-00001.parquet#1", false),
        ("new-0-00000.parquet", true),
        ("new-0-00001.parquet#12", true),
    ] {
        assert_eq!(month.join(name).exists(), stays, "{name}");
    }
    assert_eq!(content(&tenant).await, before);
}
