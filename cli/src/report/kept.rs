//! Rows kept in memory for files that people read.
//!
//! Input: batches. Output: the first rows of each source and currency, and how many there
//! are. What is kept is bounded.

use std::collections::HashMap;

use arrow::array::UInt64Array;
use arrow::compute::take_record_batch;
use arrow::record_batch::RecordBatch;
use costlake_engine::report::SectionTotals;

use super::document::Document;
use super::section::{Cell, Rows, SectionView};
use crate::output::OutputError;
use crate::output::cell::{Cells, Spelling, unpacked};

/// Rows of a section that a page shows, of each source and currency: two stand side by
/// side, however many rows the first has.
pub const ROWS_SHOWN_MAX: usize = 200;

/// Rows of a section that its chart is drawn of, besides those shown.
pub const ROWS_KEPT_MAX: usize = 6_000;

/// The column that says which month a row is of.
pub const MONTH_COLUMN: &str = "billing_month";

/// A section with its first rows.
pub struct KeptSection {
    /// What it is.
    pub view: SectionView,
    /// Its first rows.
    pub rows: Vec<Vec<Cell>>,
    /// The months it is asked for, as its rows name them.
    pub months: Vec<String>,
    /// How many there are.
    pub rows_total: u64,
    /// What it adds up to.
    pub totals: Vec<Vec<Cell>>,
    /// Per row of totals and column: rows whose value is unknown.
    unknown: Vec<Vec<u64>>,
    /// Of each row kept, the rows before it of the same source and currency.
    ranks: Vec<usize>,
    /// Rows of each source and currency.
    groups: HashMap<Vec<Option<String>>, usize>,
    /// Columns that tell them apart.
    keys: Vec<usize>,
    /// Months whose amounts are estimates, with the words they are shown by.
    estimates: HashMap<String, String>,
}

impl KeptSection {
    pub fn new(view: &SectionView, document: &Document) -> Self {
        let named = |month: &String| match document.is_estimate(month) {
            true => format!("{month} (estimate)"),
            false => month.clone(),
        };
        let months: Vec<String> = document.month_texts().into_iter().collect();
        let estimates = months.iter().filter(|month| document.is_estimate(month));
        Self {
            view: view.clone(),
            rows: Vec::new(),
            estimates: estimates.map(|month| (month.clone(), named(month))).collect(),
            months: months.iter().map(named).collect(),
            rows_total: 0,
            totals: Vec::new(),
            unknown: Vec::new(),
            ranks: Vec::new(),
            groups: HashMap::new(),
            keys: view.position("source").into_iter().chain(view.currency).collect(),
        }
    }

    pub fn keep(&mut self, batch: &RecordBatch, format: &'static str) -> Result<(), OutputError> {
        self.rows_total += batch.num_rows() as u64;
        let picked = self.pick(batch).map_err(|error| OutputError::value(format, error))?;
        if picked.is_empty() {
            return Ok(());
        }
        let rows = match picked.len() == batch.num_rows() {
            true => Rows::new(batch, format)?.cells(&self.view, usize::MAX, format)?,
            false => {
                let picked = take_record_batch(batch, &UInt64Array::from(picked))
                    .map_err(|error| OutputError::value(format, error))?;
                Rows::new(&picked, format)?.cells(&self.view, usize::MAX, format)?
            }
        };
        let month = self.view.position(MONTH_COLUMN);
        self.rows.extend(rows.into_iter().map(|mut row| {
            let cell = month.and_then(|at| row[at].shown.as_mut());
            if let Some(shown) = cell
                && let Some(named) = self.estimates.get(shown)
            {
                shown.clone_from(named);
            }
            row
        }));
        Ok(())
    }

    /// Rows of a batch that are kept, by position.
    fn pick(&mut self, batch: &RecordBatch) -> Result<Vec<u64>, arrow::error::ArrowError> {
        let keys = unpacked(&batch.project(&self.keys)?)?;
        let keys: Vec<Cells<'_>> = keys
            .iter()
            .map(|column| Cells::new(column, Spelling::Spaced))
            .collect::<Result<_, _>>()?;
        let mut picked = Vec::new();
        for row in 0..batch.num_rows() {
            let of_row = |cells: &Cells<'_>| {
                let mut text = String::new();
                match cells.is_null(row) {
                    true => Ok(None),
                    false => cells.push_text(row, &mut text).map(|()| Some(text)),
                }
            };
            let key = keys.iter().map(of_row).collect::<Result<Vec<_>, _>>()?;
            let rank = self.groups.entry(key).or_default();
            if *rank < ROWS_SHOWN_MAX || self.ranks.len() < ROWS_KEPT_MAX {
                picked.push(row as u64);
                self.ranks.push(*rank);
            }
            *rank += 1;
        }
        Ok(picked)
    }

    pub fn end(&mut self, totals: &SectionTotals, format: &'static str) -> Result<(), OutputError> {
        self.totals = Rows::new(&totals.totals, format)?.cells(&self.view, usize::MAX, format)?;
        self.unknown.clone_from(&totals.unknown);
        Ok(())
    }

    /// Rows a page shows.
    pub fn shown(&self) -> impl Iterator<Item = &Vec<Cell>> {
        let rows = self.rows.iter().zip(&self.ranks);
        rows.filter(|(_, rank)| **rank < ROWS_SHOWN_MAX).map(|(row, _)| row)
    }

    /// Rows a page does not show.
    pub fn more(&self) -> u64 {
        self.rows_total - self.shown().count() as u64
    }

    /// Whether a cell that is NULL is unknown, and not of nothing.
    pub fn is_unknown(&self, row: &[Cell], column: usize) -> bool {
        self.view.is_unknown(column, |at| row[at].exact().cloned())
    }

    /// Whether a total that is not there is unknown, and not of nothing.
    pub fn is_total_unknown(&self, row: &[Cell], column: usize) -> bool {
        self.view.is_total(column) && self.is_unknown(row, column)
    }

    /// Whether the amounts of a month, as rows name it, are estimates.
    pub fn is_estimate(&self, month: &str) -> bool {
        self.estimates.contains_key(month)
    }

    /// What a reader must know of rows and totals: what is missing from the totals, and
    /// what words mean.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.unknown_notes();
        notes.extend(self.meanings());
        notes
    }

    /// What the words of the rows kept mean, where the lake's views say it.
    fn meanings(&self) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        for (position, column) in self.view.columns.iter().enumerate() {
            for (word, meaning) in self.view.definition.meanings(&column.name) {
                let is_there = self
                    .rows
                    .iter()
                    .any(|row| row[position].shown.as_deref() == Some(word.as_str()));
                let note = format!("{word}: {meaning}");
                if is_there && !notes.contains(&note) {
                    notes.push(note);
                }
            }
        }
        notes
    }

    fn unknown_notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for (position, column) in self.view.columns.iter().enumerate() {
            let rows = match self.unknown.iter().map(|of_row| of_row[position]).sum() {
                0_u64 => continue,
                1 => "1 row".to_owned(),
                rows => format!("{rows} rows"),
            };
            notes.push(format!("{} of {rows} is unknown and not in the total", column.label));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use costlake_engine::report::parse_report;

    use super::*;

    #[test]
    fn a_page_has_room_for_every_currency() {
        let report = parse_report("a", "a.sql", "select 1 as x").unwrap();
        let currencies: Vec<&str> =
            (0..7_000).map(|row| if row < 6_900 { "EUR" } else { "GBP" }).collect();
        let rows = RecordBatch::try_from_iter([
            ("billing_currency", Arc::new(StringArray::from(currencies)) as ArrayRef),
            ("row", Arc::new(Int64Array::from_iter_values(0..7_000))),
        ]);
        let rows = rows.unwrap();
        let view = SectionView::new(&report.sections[0], &rows.schema());
        let mut section = KeptSection::new(&view, &Document::of_months([]));
        for at in (0..7_000).step_by(1_000) {
            section.keep(&rows.slice(at, 1_000), "html").unwrap();
        }
        let shown: Vec<&str> =
            section.shown().map(|row| row[1].shown.as_deref().unwrap()).collect();
        assert_eq!((shown.len(), shown[0], shown[200], shown[299]), (300, "0", "6,900", "6,999"));
        assert_eq!((section.more(), section.rows_total), (6_700, 7_000));
        assert_eq!(section.rows.len(), ROWS_KEPT_MAX + 100, "what is kept is bounded");
    }
}
