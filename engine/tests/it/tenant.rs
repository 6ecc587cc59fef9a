//! A synthetic tenant in a folder of its own, and a lake to load it into.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use costlake_benches::generator::{GeneratedTotals, GeneratorOptions, export_folder, generate};
use costlake_engine::commit::{Lake, LakeTable};
use costlake_engine::ingest::{
    IngestOptions, IngestReport, IngestRequest, MonthReport, Observer, Outcome, Silent, ingest,
};
use costlake_engine::model::{BillingMonth, DatasetType};
use costlake_engine::query::{Session, SessionOptions};
use costlake_engine::source::SourceUrl;
use futures::TryStreamExt as _;

/// Noon of 2026-10-08: after the months that tests load, all closed.
pub const NOW_US: i64 = 1_791_460_800_000_000;

pub fn month(text: &str) -> BillingMonth {
    text.parse().unwrap()
}

/// A folder with `exports/` and `lake/`; gone when dropped.
pub struct Tenant {
    pub folder: tempfile::TempDir,
    pub lake: Lake,
}

/// A small tenant of two closed months.
pub fn small() -> GeneratorOptions {
    GeneratorOptions {
        months: vec![month("2026-07"), month("2026-08")],
        rows_per_month: 3_000,
        open_month: None,
        // Several parts per run.
        part_bytes_max: 1_000_000,
        ..GeneratorOptions::default()
    }
}

impl Tenant {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lake");
        let lake = Lake::at(path.to_str().unwrap(), Default::default()).unwrap();
        Self { folder, lake }
    }

    /// A tenant whose exports are generated already.
    pub fn generated(options: &GeneratorOptions) -> (Self, GeneratedTotals) {
        let tenant = Self::new();
        let totals = tenant.generate(options);
        (tenant, totals)
    }

    pub fn generate(&self, options: &GeneratorOptions) -> GeneratedTotals {
        generate(&self.exports(), options, &|_| {}).unwrap()
    }

    pub fn exports(&self) -> PathBuf {
        self.folder.path().join("exports")
    }

    pub fn export(&self, dataset: DatasetType) -> PathBuf {
        self.exports().join(export_folder(dataset))
    }

    /// Both cost datasets, every month.
    pub fn request(&self) -> IngestRequest {
        let exports =
            DatasetType::COST.map(|dataset| (dataset, url(&self.export(dataset)))).to_vec();
        IngestRequest { exports, ..request() }
    }

    /// The actual export alone.
    pub fn actual_request(&self) -> IngestRequest {
        let dataset = DatasetType::ActualCost;
        IngestRequest { exports: vec![(dataset, url(&self.export(dataset)))], ..request() }
    }

    pub async fn ingest(&self, request: &IngestRequest) -> IngestReport {
        let observer: Arc<dyn Observer> = Arc::new(Silent);
        ingest(&self.lake, request, &IngestOptions::default(), observer).await.unwrap()
    }

    pub async fn session(&self) -> Session {
        Session::open(&self.lake, &options()).await.unwrap()
    }

    /// Every cell of a query as text.
    pub async fn query(&self, sql: &str) -> Vec<Vec<String>> {
        rows(&self.session().await, sql).await
    }

    pub async fn version(&self, table: LakeTable) -> u64 {
        self.lake.table(table).await.unwrap().unwrap().version().unwrap()
    }

    /// Files below the folder of a run, sorted.
    pub fn blobs(&self, dataset: DatasetType, month: BillingMonth) -> Vec<PathBuf> {
        let mut blobs = Vec::new();
        collect(&self.export(dataset).join(month.range_folder()), &mut blobs);
        blobs.sort();
        blobs
    }

    /// The first part of a run, and its manifest.
    pub fn part_and_manifest(
        &self,
        dataset: DatasetType,
        month: BillingMonth,
    ) -> (PathBuf, PathBuf) {
        let blobs = self.blobs(dataset, month);
        let ends = |ending: &str| {
            blobs.iter().find(|blob| blob.to_str().unwrap().ends_with(ending)).unwrap().clone()
        };
        (ends("0001.csv"), ends("manifest.json"))
    }
}

/// Changes a file.
pub fn edit(path: &Path, change: impl Fn(String) -> String) {
    fs::write(path, change(fs::read_to_string(path).unwrap())).unwrap();
}

/// Changes a part and lets the manifest agree with its new size.
pub fn edit_part(part: &Path, manifest: &Path, change: impl Fn(String) -> String) {
    let old = fs::metadata(part).unwrap().len();
    edit(part, change);
    let new = fs::metadata(part).unwrap().len();
    edit(manifest, |text| {
        let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
        let total = manifest["byteCount"].as_u64().unwrap();
        manifest["byteCount"] = (total - old + new).into();
        let name = part.file_name().unwrap().to_str().unwrap();
        for blob in manifest["blobs"].as_array_mut().unwrap() {
            if blob["blobName"].as_str().unwrap().ends_with(name) {
                blob["byteCount"] = new.into();
            }
        }
        manifest.to_string()
    });
}

/// Of sessions that look at the lake on the day of [`NOW_US`].
pub fn options() -> SessionOptions {
    let as_of = i32::try_from(NOW_US / 86_400_000_000).unwrap();
    SessionOptions { as_of: Some(as_of), ..SessionOptions::default() }
}

pub fn url(path: &Path) -> SourceUrl {
    SourceUrl::parse(path.to_str().unwrap()).unwrap()
}

fn request() -> IngestRequest {
    IngestRequest {
        source: "contoso".parse().unwrap(),
        scope: None,
        exports: Vec::new(),
        // The months that are generated: the present lies later.
        months: Some([month("2026-07"), month("2026-08")].into()),
        first_month: None,
        reload: Default::default(),
        rejected_rows_max: 0,
        now_us: NOW_US,
    }
}

pub async fn rows(session: &Session, sql: &str) -> Vec<Vec<String>> {
    let stream = session.execute(sql).await.unwrap_or_else(|error| panic!("{error}\n{sql}"));
    let batches: Vec<_> =
        stream.try_collect().await.unwrap_or_else(|error| panic!("{error}\n{sql}"));
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| {
                let options = arrow::util::display::FormatOptions::default().with_null("NULL");
                (0..column.len())
                    .map(|row| {
                        let formatter =
                            arrow::util::display::ArrayFormatter::try_new(column, &options)
                                .unwrap();
                        formatter.value(row).to_string()
                    })
                    .collect::<Vec<_>>()
            })
            .collect();
        for row in 0..batch.num_rows() {
            rows.push(columns.iter().map(|column| column[row].clone()).collect());
        }
    }
    rows
}

/// Files below a folder.
pub fn collect(folder: &Path, blobs: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, blobs);
        } else {
            blobs.push(path);
        }
    }
}

/// What became of one month.
pub fn outcome(report: &IngestReport, dataset: DatasetType, month: BillingMonth) -> &MonthReport {
    report
        .months
        .iter()
        .find(|report| report.dataset == dataset && report.month == month)
        .unwrap_or_else(|| panic!("no {dataset} {month} in {report:?}"))
}

pub fn words(report: &IngestReport) -> Vec<&'static str> {
    report.months.iter().map(|month| month.outcome.word()).collect()
}

/// The text, place and hint of a month that was not loaded.
pub fn complaint(month: &MonthReport) -> String {
    use costlake_engine::error::Fault as _;
    match &month.outcome {
        Outcome::Failed(fault) => format!(
            "{fault} | {} | {}",
            fault.location().map_or(String::new(), |place| place.to_string()),
            fault.hint().unwrap_or_default()
        ),
        Outcome::Refused(note) => format!(
            "{} | {} | {}",
            note.reason,
            note.folder,
            note.reason.hint().unwrap_or_default()
        ),
        other => panic!("not refused: {other:?}"),
    }
}
