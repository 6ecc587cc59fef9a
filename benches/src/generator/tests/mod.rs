//! Reads generated exports back with another CSV reader and another decimal
//! arithmetic (school multiplication on digits) and checks what is promised.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;
use tempfile::TempDir;

use super::*;

mod cost;
mod files;
mod price_sheet;
mod reservations;
mod sharing;

const MONTH: &str = "2026-07";

fn month(text: &str) -> BillingMonth {
    text.parse().unwrap()
}

/// A small export of one month.
fn small() -> GeneratorOptions {
    GeneratorOptions {
        months: vec![month(MONTH)],
        open_month: None,
        rows_per_month: ROWS_PER_MONTH_MIN,
        threads: 1,
        ..GeneratorOptions::default()
    }
}

/// One with many blocks, so with commitments beyond the showcase.
fn larger() -> GeneratorOptions {
    GeneratorOptions { rows_per_month: 40_000, ..small() }
}

/// A generated directory.
struct Export {
    directory: TempDir,
    totals: GeneratedTotals,
}

fn export(options: &GeneratorOptions) -> Export {
    let directory = tempfile::tempdir().unwrap();
    let totals = generate(directory.path(), options, &|_| {}).unwrap();
    Export { directory, totals }
}

/// Rows of a file; cells are found by the lower-cased column name.
struct Rows {
    columns: BTreeMap<String, usize>,
    rows: Vec<csv::StringRecord>,
}

impl Rows {
    fn cell<'a>(&self, row: &'a csv::StringRecord, column: &str) -> &'a str {
        &row[self.columns[&column.to_ascii_lowercase()]]
    }

    fn where_is<'a>(
        &'a self,
        column: &'a str,
        value: &'a str,
    ) -> impl Iterator<Item = &'a csv::StringRecord> {
        self.rows.iter().filter(move |row| self.cell(row, column) == value)
    }

    fn values(&self, column: &str) -> BTreeSet<&str> {
        self.rows.iter().map(|row| self.cell(row, column)).collect()
    }
}

impl Export {
    fn manifest(&self, dataset: DatasetType, month: BillingMonth) -> Value {
        let run = self.totals.run(dataset, month).unwrap();
        let text = std::fs::read(self.directory.path().join(&run.manifest)).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    fn blob(&self, name: &str) -> Vec<u8> {
        let stored = std::fs::read(self.directory.path().join(name)).unwrap();
        if !name.ends_with(".gz") {
            return stored;
        }
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut GzDecoder::new(stored.as_slice()), &mut bytes).unwrap();
        bytes
    }

    /// All rows of a run, through its manifest.
    fn rows(&self, dataset: DatasetType, month: BillingMonth) -> Rows {
        let mut all = Rows { columns: BTreeMap::new(), rows: Vec::new() };
        for blob in self.manifest(dataset, month)["blobs"].as_array().unwrap() {
            let bytes = self.blob(blob["blobName"].as_str().unwrap());
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
            let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
            let header = reader.headers().unwrap().clone();
            let names = header.iter().map(str::to_ascii_lowercase);
            all.columns = names.enumerate().map(|(index, name)| (name, index)).collect();
            assert_eq!(all.columns.len(), header.len(), "column names are unique");
            let before = all.rows.len() as u64;
            all.rows.extend(reader.records().map(Result::unwrap));
            assert_eq!(all.rows.len() as u64 - before, blob["dataRowCount"].as_u64().unwrap());
        }
        all
    }

    /// The actual and the amortized file.
    fn both(&self) -> [Rows; 2] {
        DatasetType::COST.map(|dataset| self.rows(dataset, month(MONTH)))
    }
}

/// An exact decimal of any length: digits, least significant first.
#[derive(Clone, Debug)]
struct Digits {
    negative: bool,
    digits: Vec<u32>,
    decimals: i32,
}

impl Digits {
    fn parse(text: &str) -> Self {
        let (number, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().unwrap()),
            None => (text, 0),
        };
        let decimals = number.find('.').map_or(0, |point| number.len() - point - 1) as i32;
        let digits = number.chars().rev().filter_map(|digit| digit.to_digit(10)).collect();
        Self { negative: number.starts_with('-'), digits, decimals: decimals - exponent }
    }

    fn times(&self, other: &Self) -> Self {
        let mut digits = vec![0; self.digits.len() + other.digits.len()];
        for (low, left) in self.digits.iter().enumerate() {
            for (high, right) in other.digits.iter().enumerate() {
                digits[low + high] += left * right;
            }
        }
        for index in 1..digits.len() {
            digits[index] += digits[index - 1] / 10;
            digits[index - 1] %= 10;
        }
        Self {
            negative: self.negative != other.negative,
            digits,
            decimals: self.decimals + other.decimals,
        }
    }

    /// Rounded half to even, in units of 10^-decimals.
    fn round(&self, decimals: i32) -> i128 {
        let cut = self.decimals - decimals;
        let value = |digits: &[u32]| {
            digits.iter().rev().fold(0i128, |value, digit| value * 10 + i128::from(*digit))
        };
        let magnitude = if cut <= 0 {
            value(&self.digits) * 10i128.pow(cut.unsigned_abs())
        } else {
            let cut = (cut as usize).min(self.digits.len());
            let missing = cut < (self.decimals - decimals) as usize;
            let (dropped, kept) = self.digits.split_at(cut);
            let first = if missing { 0 } else { dropped.last().copied().unwrap_or(0) };
            let rest = dropped.iter().rev().skip(1).any(|digit| *digit != 0);
            let kept = value(kept);
            kept + i128::from(first > 5 || (first == 5 && (rest || kept % 2 == 1)))
        };
        if self.negative { -magnitude } else { magnitude }
    }
}

fn raw(text: &str) -> i128 {
    Digits::parse(text).round(18)
}

/// Rounded as the cell prints it: at 28 decimals where it prints 28.
fn raw_as_printed(product: &Digits, cell: &str) -> i128 {
    let wide = cell.find('.').is_some_and(|point| cell.len() - point - 1 == 28);
    if !wide {
        return product.round(18);
    }
    let digits = product.round(28);
    let text = digits.unsigned_abs().to_string();
    Digits {
        negative: digits < 0,
        digits: text.chars().rev().filter_map(|digit| digit.to_digit(10)).collect(),
        decimals: 28,
    }
    .round(18)
}

fn tree(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(directory).unwrap().to_owned();
                files.insert(name.display().to_string(), std::fs::read(entry.path()).unwrap());
            }
        }
    }
    files
}
