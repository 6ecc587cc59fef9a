//! JSON: an array of objects, or one object per line.
//!
//! Decimals and integers are numbers with all their digits; days and times are
//! ISO 8601 strings; what is not a number (NaN, infinity) is null.

use std::io::Write;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::cell::{Cells, Spelling, names, push_json_string, unpacked};
use super::{OutputError, ResultWriter};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Array,
    Lines,
}

/// Rows as objects, written wherever the caller says.
pub struct JsonRows {
    shape: Shape,
    /// `"name":` per column, the comma before it included.
    keys: Vec<String>,
    rows: u64,
    row: String,
}

impl JsonRows {
    /// An array, begun by the first row or the end.
    pub fn array(schema: &SchemaRef) -> Self {
        Self::new(schema, Shape::Array)
    }

    fn new(schema: &SchemaRef, shape: Shape) -> Self {
        let keys = names(schema)
            .iter()
            .enumerate()
            .map(|(position, name)| {
                let mut key = String::from(if position == 0 { "" } else { "," });
                push_json_string(name, &mut key);
                key.push(':');
                key
            })
            .collect();
        Self { shape, keys, rows: 0, row: String::new() }
    }

    /// Writes the rows of a batch.
    pub fn batch(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> Result<(), OutputError> {
        let refused = |error| OutputError::value("json", error);
        let columns = unpacked(batch).map_err(refused)?;
        let cells = columns
            .iter()
            .map(|column| Cells::new(column, Spelling::Iso))
            .collect::<Result<Vec<_>, _>>()
            .map_err(refused)?;
        for row in 0..batch.num_rows() {
            self.row.clear();
            self.row.push_str(match (self.shape, self.rows) {
                (Shape::Lines, _) => "{",
                (Shape::Array, 0) => "[\n  {",
                (Shape::Array, _) => ",\n  {",
            });
            for (key, column) in self.keys.iter().zip(&cells) {
                self.row.push_str(key);
                column.push_json(row, &mut self.row).map_err(refused)?;
            }
            self.row.push_str(if self.shape == Shape::Lines { "}\n" } else { "}" });
            out.write_all(self.row.as_bytes())?;
            self.rows += 1;
        }
        Ok(())
    }

    /// Writes the end.
    pub fn finish(&mut self, out: &mut dyn Write) -> Result<(), OutputError> {
        match (self.shape, self.rows) {
            (Shape::Lines, _) => {}
            (Shape::Array, 0) => out.write_all(b"[]\n")?,
            (Shape::Array, _) => out.write_all(b"\n]\n")?,
        }
        Ok(())
    }
}

pub struct JsonWriter<'a> {
    out: &'a mut (dyn Write + Send),
    rows: JsonRows,
}

impl<'a> JsonWriter<'a> {
    pub fn array(schema: &SchemaRef, out: &'a mut (dyn Write + Send)) -> Self {
        Self { out, rows: JsonRows::new(schema, Shape::Array) }
    }

    pub fn lines(schema: &SchemaRef, out: &'a mut (dyn Write + Send)) -> Self {
        Self { out, rows: JsonRows::new(schema, Shape::Lines) }
    }
}

impl ResultWriter for JsonWriter<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        self.rows.batch(batch, self.out)
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        self.rows.finish(self.out)
    }
}
