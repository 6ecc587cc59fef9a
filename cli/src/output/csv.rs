//! Comma-separated values, RFC 4180 with LF.
//!
//! NULL is an empty cell and an empty text is `""`, so that both can be told
//! apart. Decimals are plain and exact.

use std::io::Write;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::cell::{Cells, Spelling, unpacked};
use super::{OutputError, ResultWriter};

pub struct CsvWriter<'a> {
    out: &'a mut (dyn Write + Send),
    row: String,
    cell: String,
}

impl<'a> CsvWriter<'a> {
    pub fn new(schema: &SchemaRef, out: &'a mut (dyn Write + Send)) -> Result<Self, OutputError> {
        let mut row = String::new();
        for (position, field) in schema.fields().iter().enumerate() {
            if position > 0 {
                row.push(',');
            }
            push_cell(&mut row, field.name());
        }
        row.push('\n');
        out.write_all(row.as_bytes())?;
        Ok(Self { out, row, cell: String::new() })
    }
}

impl ResultWriter for CsvWriter<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
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
                    push_cell(&mut self.row, &self.cell);
                }
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
