//! Comma-separated values, RFC 4180 with LF.
//!
//! NULL is an empty cell and an empty text is `""`, so that both can be told
//! apart. Decimals are plain and exact.

use std::io::Write;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::cell::{Cells, Spelling, unpacked};
use super::{OutputError, ResultWriter};

/// What becomes of texts that a spreadsheet would run as a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formulas {
    /// They stay as they are, for programs.
    Kept,
    /// An apostrophe stands before them, so that they are shown and not run.
    Neutralized,
}

/// Rows as lines, written wherever the caller says.
pub struct CsvRows {
    formulas: Formulas,
    row: String,
    cell: String,
}

impl CsvRows {
    pub fn new(formulas: Formulas) -> Self {
        Self { formulas, row: String::new(), cell: String::new() }
    }

    /// Writes the names of the columns.
    pub fn header(&mut self, schema: &SchemaRef, out: &mut dyn Write) -> Result<(), OutputError> {
        self.row.clear();
        for (position, field) in schema.fields().iter().enumerate() {
            if position > 0 {
                self.row.push(',');
            }
            self.cell.clear();
            self.cell.push_str(field.name());
            if self.formulas == Formulas::Neutralized {
                neutralize(&mut self.cell);
            }
            push_cell(&mut self.row, &self.cell);
        }
        self.row.push('\n');
        Ok(out.write_all(self.row.as_bytes())?)
    }

    /// Writes the rows of a batch.
    pub fn batch(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), OutputError> {
        let refused = |error| OutputError::value("csv", error);
        let columns = unpacked(batch).map_err(refused)?;
        let cells = columns
            .iter()
            .map(|column| Cells::new(column, Spelling::Iso))
            .collect::<Result<Vec<_>, _>>()
            .map_err(refused)?;
        for row in 0..batch.num_rows() {
            self.row.clear();
            for (position, column) in cells.iter().enumerate() {
                if position > 0 {
                    self.row.push(',');
                }
                if !column.is_null(row) {
                    self.cell.clear();
                    column.push_text(row, &mut self.cell).map_err(refused)?;
                    if self.formulas == Formulas::Neutralized && !column.is_number() {
                        neutralize(&mut self.cell);
                    }
                    push_cell(&mut self.row, &self.cell);
                }
            }
            self.row.push('\n');
            out.write_all(self.row.as_bytes())?;
        }
        Ok(())
    }
}

/// Puts an apostrophe before a text that begins as a formula does, by the list of OWASP.
fn neutralize(cell: &mut String) {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        cell.insert(0, '\'');
    }
}

pub struct CsvWriter<'a> {
    out: &'a mut (dyn Write + Send),
    rows: CsvRows,
}

impl<'a> CsvWriter<'a> {
    pub fn new(schema: &SchemaRef, out: &'a mut (dyn Write + Send)) -> Result<Self, OutputError> {
        let mut rows = CsvRows::new(Formulas::Kept);
        rows.header(schema, out)?;
        Ok(Self { out, rows })
    }
}

impl ResultWriter for CsvWriter<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        self.rows.batch(batch, self.out)
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}

fn push_cell(row: &mut String, cell: &str) {
    if !cell.is_empty() && !cell.contains([',', '"', '\n', '\r']) {
        row.push_str(cell);
        return;
    }
    row.push('"');
    for (position, part) in cell.split('"').enumerate() {
        if position > 0 {
            row.push_str("\"\"");
        }
        row.push_str(part);
    }
    row.push('"');
}
