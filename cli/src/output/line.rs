//! One line per cell: for wide rows (`\x`, `.mode line`).

use std::io::Write;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use unicode_width::UnicodeWidthStr as _;

use super::cell::{Cells, Spelling, names, unpacked};
use super::table::{DIM, RESET, push_printable, push_spaces};
use super::{Layout, OutputError, ResultWriter};

/// Columns of the rule above a row.
const RULE_WIDTH: usize = 40;

pub struct LineWriter<'a> {
    out: &'a mut (dyn Write + Send),
    /// Padded to one width.
    names: Vec<String>,
    null: String,
    rows: u64,
    text: String,
    cell: String,
}

impl<'a> LineWriter<'a> {
    pub fn new(schema: &SchemaRef, layout: Layout, out: &'a mut (dyn Write + Send)) -> Self {
        let mut names = names(schema);
        let width = names.iter().map(|name| name.width()).max().unwrap_or(0);
        for name in &mut names {
            let missing = width - name.width();
            push_spaces(name, missing);
        }
        let null = if layout.colored { format!("{DIM}NULL{RESET}") } else { "NULL".to_owned() };
        Self { out, names, null, rows: 0, text: String::new(), cell: String::new() }
    }
}

impl ResultWriter for LineWriter<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        let refused = |error| OutputError::value("line", error);
        let columns = unpacked(batch).map_err(refused)?;
        let cells = columns
            .iter()
            .map(|column| Cells::new(column, Spelling::Spaced))
            .collect::<Result<Vec<_>, _>>()
            .map_err(refused)?;
        for row in 0..batch.num_rows() {
            self.rows += 1;
            let head = format!("─[ row {} ]", self.rows);
            let rule = RULE_WIDTH.saturating_sub(head.chars().count());
            self.text.clear();
            self.text.push_str(&head);
            self.text.extend(std::iter::repeat_n('─', rule));
            self.text.push('\n');
            for (name, column) in self.names.iter().zip(&cells) {
                self.text.push_str(name);
                self.text.push_str(" │ ");
                if column.is_null(row) {
                    self.text.push_str(&self.null);
                } else {
                    self.cell.clear();
                    column.push_text(row, &mut self.cell).map_err(refused)?;
                    push_printable(&mut self.text, &self.cell);
                }
                self.text.push('\n');
            }
            self.out.write_all(self.text.as_bytes())?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        let plural = if self.rows == 1 { "row" } else { "rows" };
        writeln!(self.out, "{} {plural}", self.rows)?;
        Ok(())
    }
}
