//! What the result of a view for a source and month depends on.
//!
//! Input: table snapshots. Output: per month the data files of each table that can hold
//! rows of it, and a digest of their names and of the statements run over them.

use std::collections::{BTreeSet, HashMap};

use datafusion::DATAFUSION_VERSION;
use datafusion::common::ScalarValue;
use datafusion::common::stats::{Precision, Statistics};
use object_store::path::{Path, PathPart};
use ring::digest::{Context, SHA256};

use super::SourceMonth;
use super::place::{add_text, hex};
use crate::commit::{DataFile, LakeTable, TableSnapshot};
use crate::model::DatasetType;
use crate::model::columns::{BILLING_MONTH_COLUMN, SOURCE_COLUMN};

/// Raised when the same statements over the same files give another result, or one that
/// is kept in another form, with no version saying so.
const FORMAT: &str = "2";
/// Bytes of a digest that stand in a file's name.
const DIGEST_BYTES: usize = 16;

/// Files of each table by the months they can hold rows of.
pub(super) struct Inputs {
    /// In the order of the snapshots.
    by_table: Vec<Reached>,
}

/// Positions of a table's files, by what part of the lake they tell of.
#[derive(Default)]
struct Reached {
    /// Of one source and month.
    of_source_month: HashMap<SourceMonth, Vec<usize>>,
    /// Of one month, whichever source brought it.
    of_month: HashMap<String, Vec<usize>>,
    /// Of more than one month.
    wide: Vec<usize>,
}

impl Reached {
    fn of(table: &TableSnapshot) -> Self {
        let mut reached = Self::default();
        for (index, told) in told_of(table).into_iter().enumerate() {
            match told {
                Some(Told::Month(month)) => reached.of_month.entry(month).or_default().push(index),
                Some(Told::SourceMonth(month)) => {
                    reached.of_source_month.entry(month).or_default().push(index);
                }
                None => reached.wide.push(index),
            }
        }
        reached
    }

    /// Positions of the files for a month, ascending.
    fn files(&self, month: &SourceMonth) -> Vec<usize> {
        let own = self.of_source_month.get(month).into_iter().flatten();
        let all = self.of_month.get(&month.billing_month).into_iter().flatten();
        let mut files: Vec<usize> = own.chain(all).chain(&self.wide).copied().collect();
        files.sort_unstable();
        files
    }
}

/// What a file tells of.
enum Told {
    SourceMonth(SourceMonth),
    Month(String),
}

/// Of each file of a table. `None`: of several months, or nobody knows.
fn told_of(table: &TableSnapshot) -> Vec<Option<Told>> {
    let of_files =
        |told: &dyn Fn(&DataFile) -> Option<Told>| table.files.iter().map(told).collect();
    match table.table {
        // A price sheet belongs to a billing profile, whichever source brought it.
        LakeTable::Dataset(DatasetType::PriceSheet) => of_files(&|file| {
            let month = table.partition_value(file, BILLING_MONTH_COLUMN)?;
            Some(Told::Month(month.to_owned()))
        }),
        LakeTable::Dataset(_) => of_files(&|file| partition(table, file).map(Told::SourceMonth)),
        LakeTable::IngestRuns => {
            let months = values_of_all_rows(table, [SOURCE_COLUMN, BILLING_MONTH_COLUMN]);
            let told = |[source, billing_month]: [Option<String>; 2]| {
                let month = SourceMonth { source: source?, billing_month: billing_month? };
                Some(Told::SourceMonth(month))
            };
            months.into_iter().map(told).collect()
        }
        LakeTable::RejectedRows | LakeTable::LoadTotals => of_files(&|_| None),
    }
}

fn partition(table: &TableSnapshot, file: &DataFile) -> Option<SourceMonth> {
    Some(SourceMonth {
        source: table.partition_value(file, SOURCE_COLUMN)?.to_owned(),
        billing_month: table.partition_value(file, BILLING_MONTH_COLUMN)?.to_owned(),
    })
}

/// For each file, the values of text columns that are the same in all its rows, by their
/// bounds. Bounds that a writer shortened still enclose every value: two that are equal
/// leave one.
fn values_of_all_rows<const N: usize>(
    table: &TableSnapshot,
    columns: [&str; N],
) -> Vec<[Option<String>; N]> {
    let schema = table.file_schema();
    let columns = columns.map(|column| schema.index_of(column).ok());
    let known: Vec<usize> = columns.into_iter().flatten().collect();
    let text = |value: &ScalarValue| value.try_as_str().flatten().map(str::to_owned);
    let value = |file: &Statistics, column: Option<usize>| {
        let bounds = &file.column_statistics[column?];
        let low = text(bounds.min_value.get_value()?)?;
        let high = text(bounds.max_value.get_value()?)?;
        (low == high && bounds.null_count == Precision::Exact(0)).then_some(low)
    };
    let files = table.statistics(&table.files, &known);
    files.iter().map(|file| columns.map(|column| value(file, column))).collect()
}

impl Inputs {
    pub(super) fn of(tables: &[TableSnapshot]) -> Self {
        Self { by_table: tables.iter().map(Reached::of).collect() }
    }

    /// The months that datasets among these tables (position, snapshot) hold by source.
    /// The ledger also names months that were emptied; they have no rows. Price sheets
    /// are of no one source: kept views may join them, but have no row for theirs alone.
    pub(super) fn months(&self, tables: &[(usize, &TableSnapshot)]) -> BTreeSet<SourceMonth> {
        let datasets =
            tables.iter().filter(|(_, table)| matches!(table.table, LakeTable::Dataset(_)));
        let months = datasets.flat_map(|(index, _)| self.by_table[*index].of_source_month.keys());
        months.cloned().collect()
    }

    /// Of statements (name, SQL) over tables (position, snapshot) for a month; hex.
    pub(super) fn digest(
        &self,
        statements: &[(&str, &str)],
        tables: &[(usize, &TableSnapshot)],
        month: &SourceMonth,
    ) -> String {
        let mut digest = Context::new(&SHA256);
        let mut add = |text: &str| add_text(&mut digest, text);
        add(FORMAT);
        add(env!("CARGO_PKG_VERSION"));
        add(DATAFUSION_VERSION);
        add(&month.source);
        add(&month.billing_month);
        for (name, sql) in statements {
            add(name);
            add(sql);
        }
        for (index, snapshot) in tables {
            // Whatever the lake is called, and wherever it was moved.
            let files: Vec<Path> = self
                .files_of(*index, snapshot, month)
                .map(|file| below(&snapshot.folder, &file.object.location))
                .collect();
            // A table that does not exist yet has none either.
            if files.is_empty() {
                continue;
            }
            add(snapshot.table.name());
            for file in files {
                add(file.as_ref());
            }
        }
        hex(digest, DIGEST_BYTES)
    }

    /// Files that a result for the month is computed from.
    pub(super) fn files<'a>(
        &'a self,
        tables: &'a [(usize, &'a TableSnapshot)],
        month: &'a SourceMonth,
    ) -> impl Iterator<Item = &'a DataFile> {
        tables.iter().flat_map(|(index, snapshot)| self.files_of(*index, snapshot, month))
    }

    fn files_of<'a>(
        &self,
        index: usize,
        table: &'a TableSnapshot,
        month: &SourceMonth,
    ) -> impl Iterator<Item = &'a DataFile> {
        self.by_table[index].files(month).into_iter().map(|file| &table.files[file])
    }

    /// The table with its files for these months only.
    pub(super) fn restrict(
        &self,
        index: usize,
        table: &TableSnapshot,
        months: &BTreeSet<SourceMonth>,
    ) -> TableSnapshot {
        let reached = &self.by_table[index];
        let files: BTreeSet<usize> = months.iter().flat_map(|month| reached.files(month)).collect();
        table.with_files(files.into_iter().map(|file| table.files[file].clone()).collect())
    }
}

/// A file's path from the table's folder.
fn below(folder: &Path, file: &Path) -> Path {
    match file.prefix_match(folder) {
        Some(parts) => parts.collect::<Vec<PathPart<'_>>>().into_iter().collect(),
        None => file.clone(),
    }
}
