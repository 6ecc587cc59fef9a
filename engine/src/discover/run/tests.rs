//! Layouts and choice together, over listings written as text.

use super::super::layout::{Listing, ListingRoot, ManifestBody, candidates, manifest_entries};
use super::super::{load_key, load_version};
use super::*;
use crate::model::ScopeType;

const ACTUAL: DatasetType = DatasetType::ActualCost;
const ACCOUNT: &str = "/providers/Microsoft.Billing/billingAccounts/A:B_2019-05-31/providers/Microsoft.CostManagement/exports/act";

/// A container under construction: paths are container-relative.
#[derive(Default)]
struct Container {
    entries: Vec<BlobEntry>,
    bodies: Vec<ManifestBody>,
}

/// A manifest under construction.
struct Manifest<'a> {
    dataset: &'a str,
    resource_id: &'a str,
    submitted: &'a str,
    start: &'a str,
    blobs: Vec<(&'a str, u64, u64)>,
}

impl Default for Manifest<'_> {
    fn default() -> Self {
        Self {
            dataset: "ActualCost",
            resource_id: ACCOUNT,
            submitted: "2026-07-16T01:00:00Z",
            start: "2026-07-01T00:00:00",
            blobs: Vec::new(),
        }
    }
}

impl Container {
    fn file(mut self, path: &str, size_bytes: u64, last_modified_ms: i64) -> Self {
        self.entries.push(BlobEntry {
            path: path.to_owned(),
            full_path: path.to_owned(),
            size_bytes,
            etag: Some(format!("{path}@{size_bytes}")),
            last_modified_ms,
        });
        self
    }

    fn manifest(self, path: &str, manifest: &Manifest<'_>) -> Self {
        let blobs: Vec<_> = manifest
            .blobs
            .iter()
            .map(|(name, bytes, rows)| {
                serde_json::json!({"blobName": name, "byteCount": bytes, "dataRowCount": rows})
            })
            .collect();
        let body = serde_json::json!({
            "manifestVersion": "2024-04-01",
            "blobCount": blobs.len(),
            "dataRowCount": manifest.blobs.iter().map(|blob| blob.2).sum::<u64>(),
            "exportConfig": {"exportName": "act", "resourceId": manifest.resource_id,
                "dataVersion": "2021-10-01", "type": manifest.dataset},
            "runInfo": {"submittedTime": manifest.submitted, "startDate": manifest.start},
            "blobs": blobs,
        });
        self.body(path, &body.to_string())
    }

    fn body(mut self, path: &str, body: &str) -> Self {
        self.bodies.push(ManifestBody { full_path: path.to_owned(), body: body.into() });
        self.file(path, body.len() as u64, 5)
    }

    /// One run with one blob of 10 bytes and 2 rows, as the portal lays it out.
    fn run(self, export: &str, range: &str, run: &str, submitted: &str) -> Self {
        let folder = format!("{export}/{range}/{run}");
        let blob = format!("{folder}/part_0_0001.csv");
        let start = format!("{}-{}-{}T00:00:00Z", &range[..4], &range[4..6], &range[6..8]);
        self.file(&blob, 10, 1).manifest(
            &format!("{folder}/manifest.json"),
            &Manifest {
                submitted,
                start: &start,
                blobs: vec![(&blob, 10, 2)],
                ..Manifest::default()
            },
        )
    }

    fn remove(mut self, path: &str) -> Self {
        self.entries.retain(|entry| entry.full_path != path);
        self
    }

    fn candidates(&self, root: ListingRoot) -> Vec<RunCandidate> {
        let listing = Listing { root, entries: self.entries.clone() };
        let named: Vec<_> = manifest_entries(&listing, None)
            .into_iter()
            .map(|entry| entry.full_path.clone())
            .collect();
        let fetched: Vec<_> =
            self.bodies.iter().filter(|body| named.contains(&body.full_path)).cloned().collect();
        candidates(&listing, &fetched)
    }

    fn choose(&self, options: &ChooseOptions) -> Result<Selection, DiscoverError> {
        choose(self.candidates(ListingRoot::Directory), ACTUAL, options)
    }

    fn selection(&self) -> Selection {
        self.choose(&ChooseOptions::default()).unwrap()
    }
}

fn month(text: &str) -> BillingMonth {
    text.parse().unwrap()
}

fn only_month(text: &str) -> ChooseOptions {
    ChooseOptions { months: Some([month(text)].into()), ..ChooseOptions::default() }
}

fn loaded(choice: &MonthChoice) -> &ExportRun {
    match &choice.outcome {
        MonthOutcome::Load(run) => run,
        other => panic!("{}: {other:?}", choice.month),
    }
}

fn refused(choice: &MonthChoice) -> &Refusal {
    match &choice.outcome {
        MonthOutcome::Refused(note) => &note.reason,
        other => panic!("{}: {other:?}", choice.month),
    }
}

const JULY: &str = "20260701-20260731";
const AUGUST: &str = "20260801-20260831";

#[test]
fn the_newest_complete_run_of_each_month_wins() {
    let selection = Container::default()
        .run("dir/act", JULY, "r1", "2026-07-10T00:00:00Z")
        .run("dir/act", JULY, "r3", "2026-08-03T00:00:00Z")
        .run("dir/act", JULY, "r2", "2026-07-20T00:00:00Z")
        .run("dir/act", AUGUST, "r4", "2026-08-03T00:00:00Z")
        .selection();
    assert_eq!(selection.export_root, "dir/act");
    assert_eq!(selection.months.len(), 2);
    let july = loaded(&selection.months[0]);
    assert_eq!((july.run_id.as_str(), july.month), ("r3", month("2026-07")));
    assert_eq!(july.scope.as_ref().unwrap().scope_type, ScopeType::BillingAccount);
    assert_eq!((july.data_row_count(), july.size_bytes()), (Some(2), 10));
    assert_eq!(july.data_version.as_deref(), Some("2021-10-01"));
    assert_eq!(july.blobs[0].byte_check, ByteCheck::Listed);
    assert!(selection.months[0].notes.is_empty());
    assert_eq!(loaded(&selection.months[1]).run_id, "r4");
}

#[test]
fn a_run_without_manifest_yields_to_the_older_complete_one() {
    let container = Container::default().run("act", JULY, "r1", "2026-07-10T00:00:00Z").file(
        &format!("act/{JULY}/r2/part_0_0001.csv"),
        7,
        i64::MAX,
    );
    let selection = container.selection();
    assert_eq!(loaded(&selection.months[0]).run_id, "r1");
    assert_eq!(selection.months[0].notes.len(), 1);
    assert_eq!(selection.months[0].notes[0].reason, Refusal::NoManifest);
    assert_eq!(selection.months[0].notes[0].run_id, "r2");

    let alone = Container::default().file(&format!("act/{JULY}/r2/part_0_0001.csv"), 7, 1);
    assert_eq!(refused(&alone.selection().months[0]), &Refusal::NoManifest);
}

#[test]
fn an_incomplete_run_is_reported_and_an_older_complete_one_used() {
    let blob = format!("act/{JULY}/r2/part_0_0001.csv");
    let two = Container::default().run("act", JULY, "r1", "2026-07-10T00:00:00Z").run(
        "act",
        JULY,
        "r2",
        "2026-07-11T00:00:00Z",
    );
    let selection = two.remove(&blob).selection();
    assert_eq!(loaded(&selection.months[0]).run_id, "r1");
    assert_eq!(selection.months[0].notes[0].reason, Refusal::BlobMissing { blob: blob.clone() });

    let short = Container::default()
        .run("act", JULY, "r2", "2026-07-11T00:00:00Z")
        .remove(&blob)
        .file(&blob, 9, 1);
    let reason = Refusal::BlobSize { blob, expected: 10, listed: 9 };
    assert_eq!(refused(&short.selection().months[0]), &reason);
}

#[test]
fn a_compressed_blob_may_state_its_uncompressed_size() {
    let blob = format!("act/{JULY}/r/part_0_0001.csv.gz");
    let manifest = Manifest { blobs: vec![(&blob, 900, 4)], ..Manifest::default() };
    let selection = Container::default()
        .file(&blob, 100, 1)
        .manifest(&format!("act/{JULY}/r/manifest.json"), &manifest)
        .selection();
    let run = loaded(&selection.months[0]);
    assert_eq!(run.blobs[0].byte_check, ByteCheck::Uncompressed(900));
    assert_eq!(run.blobs[0].compression, Compression::Gzip);
}

#[test]
fn the_layouts_with_a_submission_folder_and_the_old_manifest_are_read() {
    let new = format!("act/{JULY}/202607161527/id/part_0_0001.csv");
    let manifest = Manifest { blobs: vec![(&new, 10, 1)], ..Manifest::default() };
    let selection = Container::default()
        .file(&new, 10, 1)
        .manifest(&format!("act/{JULY}/202607161527/id/manifest.json"), &manifest)
        .selection();
    assert_eq!(loaded(&selection.months[0]).folder, format!("act/{JULY}/202607161527/id"));
    assert_eq!(selection.export_root, "act");

    let folder = format!("dir/old/{JULY}/202607130307/id");
    let old = Container::default()
        .file(&format!("{folder}/000001.csv"), 10, 1)
        .file(&format!("{folder}/000002.csv"), 20, 1)
        .body(
            &format!("{folder}/_manifest.json"),
            &format!(
                r#"{{"manifestVersion":"2021-01-01","dataFormat":"csv","blobCount":2,"byteCount":30,
                "dataRowCount":4,"blobs":[
                {{"blobName":"{folder}/000001.csv","byteCount":10,"dataRowCount":1}},
                {{"blobName":"{folder}/000002.csv","byteCount":20,"dataRowCount":3}}]}}"#
            ),
        )
        .selection();
    let run = loaded(&old.months[0]);
    assert_eq!((run.run_id.as_str(), run.month), ("id", month("2026-07")));
    assert_eq!((run.dataset, run.scope.is_none(), run.blobs.len()), (ACTUAL, true, 2));
}

#[test]
fn old_unpartitioned_files_are_runs_of_their_own() {
    let guid = |n: u32| format!("1f8d218f-0000-4000-8000-00000000000{n}");
    let selection = Container::default()
        .file(&format!("act/{JULY}/act_{}.csv", guid(1)), 10, 100)
        .file(&format!("act/{JULY}/act_{}.csv", guid(2)), 12, 300)
        .file(&format!("act/{JULY}/act_{}.csv", guid(3)), 11, 200)
        .selection();
    let run = loaded(&selection.months[0]);
    assert_eq!(run.run_id, guid(2));
    assert_eq!((run.manifest.is_none(), run.blobs.len()), (true, 1));
    assert_eq!(run.blobs[0].byte_check, ByteCheck::Unknown);
}

#[test]
fn the_url_may_point_at_a_month_or_a_run() {
    // Listings of deeper URLs keep container-relative full paths.
    let container = Container::default().run("dir/act", JULY, "r1", "2026-07-10T00:00:00Z").run(
        "dir/act",
        AUGUST,
        "r2",
        "2026-08-10T00:00:00Z",
    );
    for prefix in [format!("dir/act/{JULY}"), format!("dir/act/{JULY}/r1")] {
        let mut listed = Container { bodies: container.bodies.clone(), ..Container::default() };
        listed.entries = container
            .entries
            .iter()
            .filter(|entry| entry.full_path.starts_with(&prefix))
            .cloned()
            .collect();
        let selection = listed.selection();
        assert_eq!(selection.months.len(), 1, "{prefix}");
        assert_eq!(loaded(&selection.months[0]).run_id, "r1");
        assert_eq!(selection.export_root, "dir/act");
    }
}

#[test]
fn copies_elsewhere_match_by_the_end_of_the_name() {
    let blobs = vec![
        ("dir/act/20260701-20260731/id/part_0_0001.csv", 10, 1),
        ("dir/act/20260701-20260731/id/part_0_0002.csv", 20, 1),
    ];
    let manifest = Manifest { blobs, ..Manifest::default() };
    for folder in ["home/me/copy", "", &format!("x/{JULY}"), &format!("X Y/{JULY}/id")] {
        let at = |name: &str| names::join(folder, name);
        let selection = Container::default()
            .file(&at("part_0_0001.csv"), 10, 1)
            .file(&at("PART_0_0002.csv"), 20, 1)
            .manifest(&at("manifest.json"), &manifest)
            .selection();
        let run = loaded(&selection.months[0]);
        assert_eq!((run.month, run.blobs.len()), (month("2026-07"), 2), "{folder}");
    }
}

#[test]
fn the_longest_common_end_decides_between_equal_file_names() {
    let blobs = vec![("c/a/part.csv", 1, 1), ("c/b/part.csv", 2, 1)];
    let manifest = Manifest { blobs, ..Manifest::default() };
    let base = Container::default()
        .file("copy/b/part.csv", 2, 1)
        .file("copy/a/part.csv", 1, 1)
        .manifest("copy/manifest.json", &manifest);
    let selection = base.selection();
    let paths: Vec<_> =
        loaded(&selection.months[0]).blobs.iter().map(|b| b.entry.full_path.clone()).collect();
    assert_eq!(paths, ["copy/a/part.csv", "copy/b/part.csv"]);

    // A file of the same name in another folder does not stand in for it.
    let one = base.remove("copy/b/part.csv").selection();
    assert_eq!(refused(&one.months[0]), &Refusal::BlobMissing { blob: "c/b/part.csv".to_owned() });

    let blobs = vec![("c/a/part.csv", 1, 1), ("c/a/part.csv", 1, 1)];
    let twice = Container::default()
        .file("copy/a/part.csv", 1, 1)
        .manifest("copy/manifest.json", &Manifest { blobs, ..Manifest::default() })
        .selection();
    assert_eq!(
        refused(&twice.months[0]),
        &Refusal::BlobRepeated { blob: "c/a/part.csv".to_owned() }
    );
}

#[test]
fn a_file_without_manifest_never_displaces_a_run_with_one() {
    // Newer, in the month's folder: told, and left.
    for name in ["my-extract.csv", "x.parquet"] {
        let run = Container::default().run("act", JULY, "r1", "2026-07-10T00:00:00Z");
        let selection = run.file(&format!("act/{JULY}/{name}"), 7, i64::MAX).selection();
        assert_eq!(loaded(&selection.months[0]).run_id, "r1");
        assert_eq!(selection.months[0].notes[0].reason, Refusal::NotVouchedFor);
    }
    // In no month's folder: none of the month that is asked for either.
    let stray = Container::default().run("act", JULY, "r1", "2026-07-10T00:00:00Z").file(
        "act/notes.csv",
        7,
        i64::MAX,
    );
    let options =
        ChooseOptions { months: Some([month("2026-07")].into()), ..ChooseOptions::default() };
    let selection = stray.choose(&options).unwrap();
    assert_eq!(loaded(&selection.months[0]).run_id, "r1");
    assert_eq!(selection.months[0].notes, []);
    assert_eq!(selection.unplaced[0].reason, Refusal::StrayFile);
    assert!(selection.unplaced[0].reason.is_harmless());
}

#[test]
fn a_copy_without_a_time_does_not_count_as_new() {
    let manifest = format!("act/{JULY}/r2/manifest.json");
    let blob = format!("act/{JULY}/r2/part_0_0001.csv");
    let body = format!(
        r#"{{"runInfo":{{"startDate":"2026-07-01T00:00:00"}},
            "blobs":[{{"blobName":"{blob}","byteCount":10,"dataRowCount":3}}]}}"#
    );
    let container = Container::default()
        .run("act", JULY, "r1", "2026-07-10T00:00:00Z")
        .file(&blob, 10, i64::MAX)
        .body(&manifest, &body);
    assert_eq!(loaded(&container.selection().months[0]).run_id, "r1");
}

#[test]
fn another_dataset_is_refused_by_name() {
    let blob = format!("act/{JULY}/r/part_0_0001.csv");
    for found in ["FocusCost", "PriceSheet", "AmortizedCost"] {
        let manifest =
            Manifest { dataset: found, blobs: vec![(&blob, 10, 1)], ..Manifest::default() };
        let selection = Container::default()
            .file(&blob, 10, 1)
            .manifest(&format!("act/{JULY}/r/manifest.json"), &manifest)
            .selection();
        let reason = Refusal::OtherDataset { found: found.to_owned(), wanted: ACTUAL };
        assert_eq!(refused(&selection.months[0]), &reason);
    }
}

/// The selection over one run of these blobs: name, size, and as the manifest
/// states it.
fn july_of(blobs: &[(&str, u64, u64)]) -> Selection {
    let folder = format!("act/{JULY}/202607161527/id");
    let names: Vec<String> = blobs.iter().map(|(name, ..)| format!("{folder}/{name}")).collect();
    let stated = names.iter().zip(blobs).map(|(name, (_, _, stated))| (name.as_str(), *stated, 1));
    let manifest = Manifest { blobs: stated.collect(), ..Manifest::default() };
    let listed = names.iter().zip(blobs);
    listed
        .fold(Container::default(), |container, (name, (_, size, _))| {
            container.file(name, *size, 1)
        })
        .manifest(&format!("{folder}/manifest.json"), &manifest)
        .selection()
}

#[test]
fn parquet_may_state_bytes_of_another_form_where_rows_are_stated() {
    for (stated, check) in [(10, ByteCheck::Listed), (99, ByteCheck::OfAnotherForm(99))] {
        let selection = july_of(&[("part_0_0001.snappy.parquet", 10, stated)]);
        let blob = &loaded(&selection.months[0]).blobs[0];
        assert_eq!((blob.byte_check, blob.format), (check, FileFormat::Parquet));
        assert_eq!((blob.compression, blob.data_row_count), (Compression::None, Some(1)));
    }
    // Nothing else counts this one.
    let blob = format!("act/{JULY}/id/part_0_0001.parquet");
    let body = format!(r#"{{"blobs":[{{"blobName":"{blob}","byteCount":99}}]}}"#);
    let selection = Container::default()
        .file(&blob, 10, 1)
        .body(&format!("act/{JULY}/id/manifest.json"), &body)
        .selection();
    let reason = Refusal::BlobSize { blob, expected: 99, listed: 10 };
    assert_eq!(refused(&selection.months[0]), &reason);
}

#[test]
fn a_run_of_two_formats_is_refused() {
    let blobs = [("part_0_0001.csv", 10, 10), ("part_0_0001.snappy.parquet", 10, 10)];
    let selection = july_of(&blobs);
    let in_run = |name: &str| format!("act/{JULY}/202607161527/id/{name}");
    let reason = Refusal::MixedFormats { csv: in_run(blobs[0].0), parquet: in_run(blobs[1].0) };
    assert_eq!(refused(&selection.months[0]), &reason);
    assert_eq!(reason.class(), ErrorClass::BadInput);

    // Without a manifest they are files side by side: newest first, as of one format.
    let guid = "1f8d218f-0000-4000-8000-000000000001";
    let loose = Container::default()
        .file(&format!("act/{JULY}/act_{guid}.csv"), 10, 1)
        .file(&format!("act/{JULY}/act_{guid}.snappy.parquet"), 10, 2)
        .selection();
    assert_eq!(loaded(&loose.months[0]).blobs[0].format, FileFormat::Parquet);
    assert_eq!(loaded(&loose.months[0]).run_id, guid);
}

#[test]
fn several_exports_are_listed_unless_one_is_of_the_type() {
    let two = Container::default().run("dir/act", JULY, "r1", "2026-07-10T00:00:00Z").run(
        "dir/act2",
        JULY,
        "r1",
        "2026-07-10T00:00:00Z",
    );
    let error = two.choose(&ChooseOptions::default()).unwrap_err();
    assert_eq!(error.class(), ErrorClass::BadConfig);
    let text = error.to_string();
    assert!(text.contains("dir/act (ActualCost") && text.contains("dir/act2"), "{text}");

    let blob = format!("dir/amo/{JULY}/r/part_0_0001.csv");
    let manifest =
        Manifest { dataset: "AmortizedCost", blobs: vec![(&blob, 10, 1)], ..Manifest::default() };
    let both = Container::default()
        .run("dir/act", JULY, "r1", "2026-07-10T00:00:00Z")
        .file(&blob, 10, 1)
        .manifest(&format!("dir/amo/{JULY}/r/manifest.json"), &manifest);
    assert_eq!(both.selection().export_root, "dir/act");
    let amortized = choose(
        both.candidates(ListingRoot::Directory),
        DatasetType::AmortizedCost,
        &ChooseOptions::default(),
    );
    assert_eq!(amortized.unwrap().export_root, "dir/amo");
    assert_eq!(Container::default().choose(&ChooseOptions::default()), Err(DiscoverError::NoRun));
}

#[test]
fn two_scopes_in_one_folder_are_two_exports() {
    let blob = format!("act/{JULY}/r2/part_0_0001.csv");
    let other = Manifest {
        resource_id: "/subscriptions/s/providers/Microsoft.CostManagement/exports/act",
        blobs: vec![(&blob, 10, 1)],
        ..Manifest::default()
    };
    let mixed = Container::default()
        .run("act", JULY, "r1", "2026-07-10T00:00:00Z")
        .file(&blob, 10, 1)
        .manifest(&format!("act/{JULY}/r2/manifest.json"), &other);
    let error = mixed.choose(&ChooseOptions::default()).unwrap_err();
    assert!(matches!(error, DiscoverError::SeveralExports { .. }));
}

#[test]
fn gaps_are_missing_and_never_zero() {
    let container = Container::default()
        .run("act", "20260501-20260531", "r1", "2026-06-03T00:00:00Z")
        .run("act", JULY, "r2", "2026-07-10T00:00:00Z");
    let today = |day: i32| Some(month("2026-09").first_day() + day - 1);
    let outcome = |options: &ChooseOptions| -> Vec<(String, bool)> {
        let selection = container.choose(options).unwrap();
        let missing = |choice: &MonthChoice| choice.outcome == MonthOutcome::Missing;
        selection.months.iter().map(|c| (c.month.to_string(), missing(c))).collect()
    };
    let expect = |pairs: &[(&str, bool)]| -> Vec<(String, bool)> {
        pairs.iter().map(|(month, missing)| ((*month).to_owned(), *missing)).collect()
    };
    let found = [("2026-05", false), ("2026-06", true), ("2026-07", false)];
    assert_eq!(outcome(&ChooseOptions::default()), expect(&found));
    let through = |last: &[(&'static str, bool)]| {
        expect(&found.iter().chain(last).copied().collect::<Vec<_>>())
    };
    let second = ChooseOptions { today: today(2), ..ChooseOptions::default() };
    assert_eq!(outcome(&second), through(&[("2026-08", true)]));
    let third = ChooseOptions { today: today(3), ..ChooseOptions::default() };
    assert_eq!(outcome(&third), through(&[("2026-08", true), ("2026-09", true)]));
    let later = ChooseOptions { first_month: Some(month("2026-06")), ..ChooseOptions::default() };
    assert_eq!(outcome(&later), expect(&found[1..]));
    let asked = ChooseOptions {
        months: Some([month("2026-04"), month("2026-07")].into()),
        ..ChooseOptions::default()
    };
    assert_eq!(outcome(&asked), expect(&[("2026-04", true), ("2026-07", false)]));
}

#[test]
fn ranges_that_are_no_month_and_months_that_disagree_are_refused() {
    let partial = Container::default()
        .run("act", "20260701-20260715", "r1", "2026-07-16T00:00:00Z")
        .selection();
    let reason = Refusal::NotOneMonth { folder: "20260701-20260715".to_owned() };
    assert_eq!(refused(&partial.months[0]), &reason);

    let blob = format!("act/{JULY}/r/part_0_0001.csv");
    let manifest = Manifest {
        start: "2026-06-01T00:00:00",
        blobs: vec![(&blob, 10, 1)],
        ..Manifest::default()
    };
    let conflict = Container::default()
        .file(&blob, 10, 1)
        .manifest(&format!("act/{JULY}/r/manifest.json"), &manifest)
        .selection();
    let reason = Refusal::MonthConflict { folder: month("2026-07"), manifest: month("2026-06") };
    assert_eq!(refused(&conflict.months[0]), &reason);
}

#[test]
fn a_broken_manifest_names_itself_and_older_runs_serve() {
    let broken = format!("act/{JULY}/r2/manifest.json");
    let container = Container::default()
        .run("act", JULY, "r1", "2026-07-10T00:00:00Z")
        .file(&format!("act/{JULY}/r2/part_0_0001.csv"), 10, i64::MAX)
        .body(&broken, "{\"blobs\": [");
    let mut container = container;
    container.entries.last_mut().unwrap().last_modified_ms = i64::MAX;
    let selection = container.selection();
    assert_eq!(loaded(&selection.months[0]).run_id, "r1");
    let reason = &selection.months[0].notes[0].reason;
    assert_eq!(reason.location().unwrap().blob, Some(broken));
}

#[test]
fn manifests_that_contradict_themselves_are_refused() {
    let path = format!("act/{JULY}/r/manifest.json");
    let blob = format!("act/{JULY}/r/part_0_0001.csv");
    let blobs = format!(r#""blobs":[{{"blobName":"{blob}","byteCount":10,"dataRowCount":3}}]"#);
    for (body, expected) in [
        (r#"{"blobs":[]}"#.to_owned(), Refusal::NoBlobs),
        (
            format!(r#"{{"blobCount":2,{blobs}}}"#),
            Refusal::CountsDisagree { what: "blobs", stated: 2, listed: 1 },
        ),
        (
            format!(r#"{{"blobCount":1,"dataRowCount":4,{blobs}}}"#),
            Refusal::CountsDisagree { what: "data rows", stated: 4, listed: 3 },
        ),
    ] {
        let selection = Container::default().file(&blob, 10, 1).body(&path, &body).selection();
        assert_eq!(refused(&selection.months[0]), &expected);
    }
}

#[test]
fn loose_files_need_a_month_and_must_be_unambiguous() {
    let one = Container::default().file("home/july.csv", 10, 1);
    let selection = one.selection();
    assert_eq!((selection.months.len(), selection.unplaced.len()), (0, 1));
    assert_eq!(selection.unplaced[0].reason, Refusal::MonthUnknown);
    let run = loaded(&one.choose(&only_month("2026-07")).unwrap().months[0]).clone();
    assert_eq!((run.run_id.as_str(), run.blobs.len()), ("july", 1));

    let parts = Container::default()
        .file("home/part_0_0001.csv.gz", 10, 1)
        .file("home/part_0_0002.csv.gz", 10, 1)
        .file("home/readme.txt", 1, 1);
    let run = loaded(&parts.choose(&only_month("2026-07")).unwrap().months[0]).clone();
    assert_eq!(run.blobs.len(), 2);

    let unclear = Container::default().file("home/a.csv", 10, 1).file("home/b.csv", 10, 1);
    let selection = unclear.choose(&only_month("2026-07")).unwrap();
    assert_eq!(refused(&selection.months[0]), &Refusal::AmbiguousFiles { files: 2 });
    let mixed = parts.file("home/july.csv", 10, 1).choose(&only_month("2026-07")).unwrap();
    assert_eq!(refused(&mixed.months[0]), &Refusal::AmbiguousFiles { files: 3 });
}

#[test]
fn one_file_is_a_run_unless_its_manifest_names_more() {
    let alone = Container::default().file(&format!("act/{JULY}/r/part_0_0001.csv"), 10, 1);
    let selection =
        choose(alone.candidates(ListingRoot::File), ACTUAL, &ChooseOptions::default()).unwrap();
    assert_eq!(loaded(&selection.months[0]).blobs.len(), 1);

    let path = format!("act/{JULY}/r/manifest.json");
    let part = format!("act/{JULY}/r/part_0_0001.csv");
    let other = format!("act/{JULY}/r/part_0_0002.csv");
    for (blobs, whole) in
        [(vec![(part.as_str(), 10, 1)], true), (vec![(&part, 10, 1), (&other, 5, 1)], false)]
    {
        let manifest = Manifest { blobs, ..Manifest::default() };
        let listed = Container::default().file(&part, 10, 1).manifest(&path, &manifest);
        let found = listed.candidates(ListingRoot::File);
        let selection = choose(found, ACTUAL, &ChooseOptions::default()).unwrap();
        if whole {
            assert_eq!(loaded(&selection.months[0]).blobs.len(), 1);
        } else {
            assert_eq!(refused(&selection.months[0]), &Refusal::PartOfRun { blobs: 2 });
        }
    }
}

#[test]
fn manifests_of_months_not_asked_for_are_not_fetched() {
    let container = Container::default()
        .run("act", JULY, "r1", "2026-07-10T00:00:00Z")
        .run("act", AUGUST, "r2", "2026-08-10T00:00:00Z")
        .file("elsewhere/manifest.json", 1, 1);
    let listing = Listing { root: ListingRoot::Directory, entries: container.entries };
    let months = [month("2026-08")].into();
    let paths: Vec<_> = manifest_entries(&listing, Some(&months))
        .into_iter()
        .map(|entry| entry.full_path.as_str())
        .collect();
    assert_eq!(paths, [&format!("act/{AUGUST}/r2/manifest.json"), "elsewhere/manifest.json"]);
}

#[test]
fn the_load_key_follows_content_and_nothing_else() {
    let container = Container::default().run("act", JULY, "r1", "2026-07-10T00:00:00Z");
    let run = loaded(&container.selection().months[0]).clone();
    let key = load_key(&run);
    // Pinned: keys are stored in lakes.
    assert_eq!(key, PINNED_KEY);
    assert!(load_version(&run) >= 0);

    let mut same = run.clone();
    same.submitted_at_ms = None;
    same.blobs[0].entry.path = "elsewhere.csv".to_owned();
    assert_eq!(load_key(&same), key);
    let changes: [fn(&mut ExportRun); 5] = [
        |run| run.dataset = DatasetType::AmortizedCost,
        |run| run.month = run.month.next(),
        |run| run.run_id.push('x'),
        |run| run.blobs[0].entry.etag = Some("other".to_owned()),
        |run| run.blobs[0].entry.size_bytes += 1,
    ];
    for change in changes {
        let mut changed = run.clone();
        change(&mut changed);
        assert_ne!(load_key(&changed), key);
        assert_ne!(load_version(&changed), load_version(&run));
    }
}

const PINNED_KEY: &str = "d72481894b1a0a0df90e7a162fafa7d7";

#[test]
fn the_previous_month_stays_open_through_the_6th() {
    let august = month("2026-08").first_day();
    assert!(is_open(month("2026-08"), august));
    assert!(is_open(month("2026-07"), august + 5));
    assert!(!is_open(month("2026-07"), august + 6));
    assert!(!is_open(month("2026-06"), august));
}

proptest::proptest! {
    #[test]
    fn no_listing_panics(paths in proptest::collection::vec(
        "(a|20260701-20260731|20260701-20260715|r|part_0_0001.csv|x.csv|manifest.json|_manifest.json|é%2|/){1,6}",
        0..12,
    )) {
        let mut container = Container::default();
        for path in &paths {
            container = container.file(path, 1, 1);
        }
        container.bodies = paths
            .iter()
            .map(|path| ManifestBody {
                full_path: path.clone(),
                body: br#"{"blobs":[{"blobName":"a/x.csv"}]}"#.to_vec(),
            })
            .collect();
        for root in [ListingRoot::Directory, ListingRoot::File] {
            let found = container.candidates(root);
            let _ = choose(found.clone(), ACTUAL, &ChooseOptions::default());
            let _ = choose(found, ACTUAL, &only_month("2026-07"));
        }
    }
}
