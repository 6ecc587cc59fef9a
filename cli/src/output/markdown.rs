//! A Markdown table (GitHub's flavor), numbers right-aligned.

use std::io::Write;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::cell::{Cells, Spelling, is_number, unpacked};
use super::{OutputError, ResultWriter};

pub struct MarkdownWriter<'a> {
    out: &'a mut (dyn Write + Send),
    row: String,
    cell: String,
}

impl<'a> MarkdownWriter<'a> {
    pub fn new(schema: &SchemaRef, out: &'a mut (dyn Write + Send)) -> Result<Self, OutputError> {
        let mut row = String::from("|");
        for field in schema.fields() {
            row.push(' ');
            push_escaped(&mut row, field.name());
            row.push_str(" |");
        }
        row.push_str("\n|");
        for field in schema.fields() {
            row.push_str(if is_number(field.data_type()) { "---:|" } else { "---|" });
        }
        row.push('\n');
        out.write_all(row.as_bytes())?;
        Ok(Self { out, row, cell: String::new() })
    }
}

impl ResultWriter for MarkdownWriter<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        let refused = |error| OutputError::value("markdown", error);
        let columns = unpacked(batch).map_err(refused)?;
        let cells = columns
            .iter()
            .map(|column| Cells::new(column, Spelling::Spaced))
            .collect::<Result<Vec<_>, _>>()
            .map_err(refused)?;
        for row in 0..batch.num_rows() {
            self.row.clear();
            self.row.push('|');
            for column in &cells {
                self.row.push(' ');
                if column.is_null(row) {
                    self.row.push_str("NULL");
                } else {
                    self.cell.clear();
                    column.push_text(row, &mut self.cell).map_err(refused)?;
                    push_escaped(&mut self.row, &self.cell);
                }
                self.row.push_str(" |");
            }
            self.row.push('\n');
            self.out.write_all(self.row.as_bytes())?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}

/// Appends a cell so that it stays one.
pub fn push_escaped(row: &mut String, cell: &str) {
    for letter in cell.chars() {
        match letter {
            '|' => row.push_str("\\|"),
            '\n' => row.push_str("<br>"),
            '\r' => {}
            _ => row.push(letter),
        }
    }
}
