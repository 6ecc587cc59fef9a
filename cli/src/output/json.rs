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

pub struct JsonWriter<'a> {
    out: &'a mut (dyn Write + Send),
    shape: Shape,
    /// `"name":` per column, the comma before it included.
    keys: Vec<String>,
    rows: u64,
    row: String,
}

impl<'a> JsonWriter<'a> {
    pub fn array(schema: &SchemaRef, out: &'a mut (dyn Write + Send)) -> Self {
        Self::new(schema, Shape::Array, out)
    }

    pub fn lines(schema: &SchemaRef, out: &'a mut (dyn Write + Send)) -> Self {
        Self::new(schema, Shape::Lines, out)
    }

    fn new(schema: &SchemaRef, shape: Shape, out: &'a mut (dyn Write + Send)) -> Self {
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
        Self { out, shape, keys, rows: 0, row: String::new() }
    }
}

impl ResultWriter for JsonWriter<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
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
            self.out.write_all(self.row.as_bytes())?;
            self.rows += 1;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        match (self.shape, self.rows) {
            (Shape::Lines, _) => {}
            (Shape::Array, 0) => self.out.write_all(b"[]\n")?,
            (Shape::Array, _) => self.out.write_all(b"\n]\n")?,
        }
        Ok(())
    }
}
