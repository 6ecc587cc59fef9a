//! sqllogictest: every table and view over the small exports in
//! `testdata/exports`, whose figures can be checked with a pencil.
//!
//! One file per relation in `testdata/slt`, and some on a theme; those in
//! `testdata/slt/commitments` ask a lake of the cost exports of that name alone, those in
//! `testdata/slt/datasets` one of all exports of that name.
//! `UPDATE_SLT=1` rewrites the expected answers; look at the difference.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use costlake_benches::generator::export_folder;
use costlake_engine::commit::Lake;
use costlake_engine::error::Fault as _;
use costlake_engine::ingest::{IngestOptions, IngestRequest, Silent, ingest};
use costlake_engine::model::DatasetType;
use costlake_engine::model::money::format_decimal;
use costlake_engine::query::{QueryError, Session, SessionOptions};
use futures::TryStreamExt as _;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};

use crate::tenant::url;

/// 2026-08-04 12:00 UTC: July is still open, August has begun.
const NOW_US: i64 = 1_785_844_800_000_000;
const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("testdata")
}

fn slt_files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(testdata().join(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "slt"));
    files.sort();
    files
}

type Loaded<'a> = (&'a str, &'a [DatasetType], u64);

/// Sources of the lake that the files of `slt/` ask, with their datasets and the rows
/// that may be rejected.
const SMALL: [Loaded<'_>; 3] = [
    ("partner", &DatasetType::COST, 0),
    ("single", &DatasetType::COST, 0),
    ("damaged", &[DatasetType::ActualCost], 1),
];

/// Likewise for `slt/commitments/`.
const COMMITMENTS: [Loaded<'_>; 1] = [("commitments", &DatasetType::COST, 0)];

/// Likewise for `slt/datasets/`.
const DATASETS: [Loaded<'_>; 1] = [("commitments", &DatasetType::ALL, 0)];

/// Likewise for `slt/overlaps/`: sources that hold one another's months.
const OVERLAPS: [Loaded<'_>; 4] = [
    ("overlaps/account", &DatasetType::COST, 0),
    ("overlaps/customer", &DatasetType::COST, 0),
    ("overlaps/tier2", &DatasetType::COST, 0),
    ("overlaps/later/tier2", &DatasetType::COST, 0),
];

/// Folders of files, and the lake each asks.
const FOLDERS: [(&str, &[Loaded<'_>]); 4] = [
    ("slt", &SMALL),
    ("slt/commitments", &COMMITMENTS),
    ("slt/datasets", &DATASETS),
    ("slt/overlaps", &OVERLAPS),
];

/// A lake of these sources, and the folder that holds it.
async fn lake_of(sources: &[Loaded<'_>]) -> (tempfile::TempDir, Lake) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lake");
    let lake = Lake::at(path.to_str().unwrap(), Default::default()).unwrap();
    for &(source, datasets, rejected_rows_max) in sources {
        let export = |dataset: DatasetType| {
            let name = export_folder(dataset);
            (dataset, url(&testdata().join("exports").join(source).join(name)))
        };
        let request = IngestRequest {
            source: source.rsplit('/').next().unwrap().parse().unwrap(),
            scope: None,
            exports: datasets.iter().copied().map(export).collect(),
            months: None,
            first_month: None,
            reload: Default::default(),
            rejected_rows_max,
            now_us: NOW_US,
        };
        let options = IngestOptions::default();
        let report = ingest(&lake, &request, &options, Arc::new(Silent)).await.unwrap();
        assert_eq!(report.worst(), None, "{report:?}");
    }
    (folder, lake)
}

async fn open(lake: &Lake) -> Session {
    let as_of = i32::try_from(NOW_US / MICROSECONDS_PER_DAY).unwrap();
    let options = SessionOptions { as_of: Some(as_of), ..SessionOptions::default() };
    Session::open(lake, &options).await.unwrap()
}

/// A session as the test runner sees it.
struct Connection(Arc<Session>);

/// An error as a user sees it: text, place, hint.
#[derive(Debug)]
struct Complaint(QueryError);

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        if let Some(place) = self.0.position() {
            write!(f, " at {}:{}", place.line, place.column)?;
        }
        if let Some(hint) = self.0.hint() {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Complaint {}

impl<E: Into<QueryError>> From<E> for Complaint {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

#[async_trait]
impl AsyncDB for Connection {
    type Error = Complaint;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Complaint> {
        let stream = self.0.execute(sql).await?;
        let schema = stream.schema();
        let batches: Vec<RecordBatch> = stream.try_collect().await?;
        let types = schema.fields().iter().map(|field| column_type(field.data_type())).collect();
        Ok(DBOutput::Rows { types, rows: batches.iter().flat_map(rows).collect() })
    }

    async fn shutdown(&mut self) {}
}

fn column_type(data_type: &DataType) -> DefaultColumnType {
    match data_type {
        DataType::Decimal128(..) | DataType::Float64 => DefaultColumnType::FloatingPoint,
        whole if whole.is_integer() => DefaultColumnType::Integer,
        _ => DefaultColumnType::Text,
    }
}

fn rows(batch: &RecordBatch) -> Vec<Vec<String>> {
    (0..batch.num_rows())
        .map(|row| batch.columns().iter().map(|column| cell(column, row)).collect())
        .collect()
}

/// Decimals are shown without trailing zeros, NULL as such, and an empty text
/// so that it can be seen.
fn cell(column: &dyn Array, row: usize) -> String {
    if column.is_null(row) {
        return "NULL".to_owned();
    }
    if let DataType::Decimal128(_, 18) = column.data_type() {
        return format_decimal(column.as_primitive::<Decimal128Type>().value(row));
    }
    let text = ArrayFormatter::try_new(column, &FormatOptions::default()).unwrap();
    match text.value(row).to_string() {
        empty if empty.is_empty() => "(empty)".to_owned(),
        text => text,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_the_files() {
    let mut failures = Vec::new();
    for (folder, sources) in FOLDERS {
        let (_folder, lake) = lake_of(sources).await;
        run_files(&lake, &slt_files(folder), &mut failures).await;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

async fn run_files(lake: &Lake, files: &[PathBuf], failures: &mut Vec<String>) {
    let session = Arc::new(open(lake).await);
    for file in files {
        let mut runner = Runner::new(|| {
            let session = Arc::clone(&session);
            async move { Ok(Connection(session)) }
        });
        runner.with_column_validator(sqllogictest::strict_column_validator);
        if std::env::var_os("UPDATE_SLT").is_some() {
            runner
                .update_test_file(
                    file,
                    "  ",
                    sqllogictest::default_validator,
                    sqllogictest::default_normalizer,
                    sqllogictest::strict_column_validator,
                )
                .await
                .unwrap();
        } else if let Err(error) = runner.run_file_async(file).await {
            failures.push(error.display(false).to_string());
        }
    }
}

#[tokio::test]
async fn every_table_and_view_has_a_file_and_every_column_a_description() {
    let (_folder, lake) = lake_of(&SMALL).await;
    let session = open(&lake).await;
    let files: BTreeSet<String> = FOLDERS
        .iter()
        .flat_map(|(folder, _)| slt_files(folder))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    for table in session.catalog() {
        assert!(files.contains(&table.name), "{}.slt is missing below testdata/slt", table.name);
        assert!(!table.description.is_empty(), "{} has no description", table.name);
        assert!(!table.grain.is_empty(), "{} does not say what a row is", table.name);
        for column in &table.columns {
            let name = format!("{}.{}", table.name, column.name);
            assert!(!column.description.is_empty(), "{name} has no description");
        }
    }
}
