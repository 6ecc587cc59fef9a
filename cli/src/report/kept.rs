//! Rows kept in memory for files that people read.
//!
//! Input: batches. Output: the first rows, and how many there are. What is kept is bounded.

use arrow::record_batch::RecordBatch;
use costlake_engine::report::SectionTotals;

use super::section::{Cell, Rows, SectionView};
use crate::output::OutputError;

/// Rows of a section that a page shows.
pub const ROWS_SHOWN_MAX: usize = 200;

/// Rows of a section that its chart is drawn of.
pub const ROWS_KEPT_MAX: usize = 6_000;

/// A section with its first rows.
pub struct KeptSection {
    /// What it is.
    pub view: SectionView,
    /// Its first rows, at most [`ROWS_KEPT_MAX`].
    pub rows: Vec<Vec<Cell>>,
    /// How many there are.
    pub rows_total: u64,
    /// What it adds up to.
    pub totals: Vec<Vec<Cell>>,
    /// Per row of totals and column: rows whose value is unknown.
    pub unknown: Vec<Vec<u64>>,
}

impl KeptSection {
    pub fn new(view: &SectionView) -> Self {
        Self {
            view: view.clone(),
            rows: Vec::new(),
            rows_total: 0,
            totals: Vec::new(),
            unknown: Vec::new(),
        }
    }

    pub fn keep(&mut self, batch: &RecordBatch, format: &'static str) -> Result<(), OutputError> {
        self.rows_total += batch.num_rows() as u64;
        let room = ROWS_KEPT_MAX - self.rows.len();
        if room > 0 {
            let cells = Rows::new(batch, format)?.cells(&self.view, room, format)?;
            self.rows.extend(cells);
        }
        Ok(())
    }

    pub fn end(&mut self, totals: &SectionTotals, format: &'static str) -> Result<(), OutputError> {
        self.totals = Rows::new(&totals.totals, format)?.cells(&self.view, usize::MAX, format)?;
        self.unknown.clone_from(&totals.unknown);
        Ok(())
    }

    /// Rows a page shows.
    pub fn shown(&self) -> &[Vec<Cell>] {
        &self.rows[..self.rows.len().min(ROWS_SHOWN_MAX)]
    }

    /// Rows a page does not show.
    pub fn more(&self) -> u64 {
        self.rows_total - self.shown().len() as u64
    }

    /// What is missing from the totals.
    pub fn unknown_notes(&self) -> Vec<String> {
        unknown_notes(&self.view, &self.unknown)
    }

    /// What the words of the rows kept mean, where the lake's views say it.
    pub fn meanings(&self) -> Vec<String> {
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
}

/// What is missing from the totals of a section.
pub fn unknown_notes(view: &SectionView, unknown: &[Vec<u64>]) -> Vec<String> {
    let mut notes = Vec::new();
    for (position, column) in view.columns.iter().enumerate() {
        match unknown.iter().map(|of_row| of_row[position]).sum() {
            0_u64 => {}
            1 => notes.push(format!("{} of 1 row is unknown and not in the total", column.label)),
            rows => {
                notes.push(format!(
                    "{} of {rows} rows is unknown and not in the total",
                    column.label
                ));
            }
        }
    }
    notes
}
