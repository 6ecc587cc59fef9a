//! Tables for people, as duckdb draws them.
//!
//! Input: batches. Output: a box with a row of names, a row of types, and the
//! rows. On a terminal a fitted table narrows texts, then leaves out columns in
//! the middle (`…`), and shows the first and last rows of a long result. In a
//! pipe nothing is left out: widths come from the first
//! [`SAMPLE_ROWS_MAX`] rows, and a later cell that is wider pushes its border.
//!
//! Cells are printed with control characters escaped, so that data cannot steer
//! the terminal.

use std::collections::VecDeque;
use std::io::Write;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::cell::{Cells, Spelling, is_number, type_name, unpacked};
use super::{Layout, OutputError, ResultWriter};

/// Rows held back in a pipe to learn how wide columns are.
const SAMPLE_ROWS_MAX: usize = 1_000;
/// A text column is not narrowed below this.
const TEXT_WIDTH_MIN: usize = 16;
/// What stands for left-out columns and cut texts.
const ELLIPSIS: &str = "…";

pub const DIM: &str = "\x1b[2m";
pub const RESET: &str = "\x1b[0m";

/// Whether a table may leave something out on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// With types; fits the terminal.
    Fitted,
    /// Every row and column, no types.
    Whole,
}

/// How a cell stands in its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alignment {
    /// A text that is wider pushes the border.
    Left,
    /// A text that is wider is cut.
    LeftCut,
    Right,
}

/// A cell; none is NULL.
type Cell = Option<String>;

struct Column {
    name: String,
    type_name: String,
    right: bool,
}

pub struct TableWriter<'a> {
    out: &'a mut (dyn Write + Send),
    columns: Vec<Column>,
    style: Style,
    layout: Layout,
    /// Rows not yet printed: the sample, or the first and last of a long result.
    kept: VecDeque<Vec<Cell>>,
    /// Printed layout, once known.
    frame: Option<Frame>,
    rows: u64,
    text: String,
}

/// Which columns are printed, and how wide.
struct Frame {
    /// Index into the columns; none is the ellipsis.
    shown: Vec<Option<usize>>,
    widths: Vec<usize>,
}

impl<'a> TableWriter<'a> {
    pub fn new(
        schema: &SchemaRef,
        style: Style,
        layout: Layout,
        out: &'a mut (dyn Write + Send),
    ) -> Self {
        let columns = schema
            .fields()
            .iter()
            .map(|field| Column {
                name: printable(field.name()),
                type_name: type_name(field.data_type()),
                right: is_number(field.data_type()),
            })
            .collect();
        let layout = match style {
            Style::Fitted => layout,
            Style::Whole => Layout { width: None, max_rows: 0, ..layout },
        };
        let text = String::new();
        Self { out, columns, style, layout, kept: VecDeque::new(), frame: None, rows: 0, text }
    }

    fn alignment(&self, column: usize) -> Alignment {
        match (self.columns[column].right, self.layout.width) {
            (true, _) => Alignment::Right,
            (false, Some(_)) => Alignment::LeftCut,
            (false, None) => Alignment::Left,
        }
    }

    /// Rows shown at most, if rows may be left out.
    fn rows_shown_max(&self) -> Option<usize> {
        (self.layout.width.is_some() && self.layout.max_rows > 0).then_some(self.layout.max_rows)
    }

    /// On a terminal only rows that may be shown are formatted: the first of
    /// the result and the last of every batch.
    fn keep(&mut self, row: Vec<Cell>, shown_max: usize) {
        self.kept.push_back(row);
        if self.kept.len() > shown_max {
            // What drops out is the oldest row behind the first half.
            self.kept.remove(shown_max.div_ceil(2));
        }
    }

    fn print_head(&mut self) -> Result<(), OutputError> {
        let frame = self.measure();
        self.text.clear();
        push_rule(&mut self.text, &frame.widths, '┌', '┬', '┐');
        let name = |column: &Column| column.name.clone();
        self.push_heading(&frame, name);
        if self.style == Style::Fitted {
            self.push_heading(&frame, |column| column.type_name.clone());
        }
        push_rule(&mut self.text, &frame.widths, '├', '┼', '┤');
        self.out.write_all(self.text.as_bytes())?;
        self.frame = Some(frame);
        Ok(())
    }

    fn push_heading(&mut self, frame: &Frame, of: impl Fn(&Column) -> String) {
        for (shown, &width) in frame.shown.iter().zip(&frame.widths) {
            let heading = shown.map_or_else(|| ELLIPSIS.to_owned(), |at| of(&self.columns[at]));
            self.text.push_str("│ ");
            push_centered(&mut self.text, &heading, width);
            self.text.push(' ');
        }
        self.text.push_str("│\n");
    }

    /// Widths of all columns by names, types and kept rows, then fitted.
    fn measure(&self) -> Frame {
        let heading = |column: &Column| match self.style {
            Style::Fitted => column.name.width().max(column.type_name.width()),
            Style::Whole => column.name.width(),
        };
        let mut widths: Vec<usize> = self.columns.iter().map(heading).collect();
        for row in &self.kept {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.as_deref().unwrap_or("NULL").width());
            }
        }
        let Some(available) = self.layout.width else {
            return Frame { shown: (0..widths.len()).map(Some).collect(), widths };
        };
        let narrow: Vec<bool> = self.columns.iter().map(|column| !column.right).collect();
        narrow_texts(&mut widths, &narrow, available);
        fit_columns(&widths, available)
    }

    fn print_row(&mut self, row: &[Cell]) -> Result<(), OutputError> {
        let frame = self.frame.as_ref().expect("the head is printed before rows");
        self.text.clear();
        for (shown, &width) in frame.shown.iter().zip(&frame.widths) {
            self.text.push_str("│ ");
            match shown {
                None => push_aligned(&mut self.text, ELLIPSIS, width, Alignment::Left),
                Some(at) => {
                    let alignment = self.alignment(*at);
                    match &row[*at] {
                        Some(cell) => push_aligned(&mut self.text, cell, width, alignment),
                        None => push_null(&mut self.text, width, alignment, self.layout),
                    }
                }
            }
            self.text.push(' ');
        }
        self.text.push_str("│\n");
        self.out.write_all(self.text.as_bytes())?;
        Ok(())
    }

    /// A row of dots for the rows left out.
    fn print_gap(&mut self) -> Result<(), OutputError> {
        let frame = self.frame.as_ref().expect("the head is printed before rows");
        self.text.clear();
        for (shown, &width) in frame.shown.iter().zip(&frame.widths) {
            let alignment = shown.map_or(Alignment::Left, |at| self.alignment(at));
            self.text.push_str("│ ");
            push_aligned(&mut self.text, "·", width, alignment);
            self.text.push(' ');
        }
        self.text.push_str("│\n");
        self.out.write_all(self.text.as_bytes())?;
        Ok(())
    }

    fn footer(&self, rows_shown: usize) -> String {
        let plural = if self.rows == 1 { "row" } else { "rows" };
        let mut footer = format!("{} {plural}", grouped(self.rows));
        if self.rows > rows_shown as u64 {
            footer.push_str(&format!(" ({rows_shown} shown)"));
        }
        let columns_shown =
            self.frame.as_ref().map_or(0, |frame| frame.shown.iter().flatten().count());
        if columns_shown < self.columns.len() {
            footer.push_str(&format!(", {} columns ({columns_shown} shown)", self.columns.len()));
        }
        footer
    }
}

impl ResultWriter for TableWriter<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        let refused = |error| OutputError::value("table", error);
        let columns = unpacked(batch).map_err(refused)?;
        let cells = columns
            .iter()
            .map(|column| Cells::new(column, Spelling::Spaced))
            .collect::<Result<Vec<_>, _>>()
            .map_err(refused)?;
        let read = |row: usize| -> Result<Vec<Cell>, OutputError> {
            cells.iter().map(|column| read_cell(column, row).map_err(refused)).collect()
        };
        let rows = batch.num_rows();
        for row in 0..rows {
            self.rows += 1;
            match self.rows_shown_max() {
                Some(shown_max) => {
                    let first = self.rows <= shown_max as u64;
                    if first || row + shown_max >= rows {
                        self.keep(read(row)?, shown_max);
                    }
                }
                None if self.frame.is_some() => self.print_row(&read(row)?)?,
                None => {
                    self.kept.push_back(read(row)?);
                    if self.kept.len() == SAMPLE_ROWS_MAX {
                        self.print_head()?;
                        for row in std::mem::take(&mut self.kept) {
                            self.print_row(&row)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        if self.frame.is_none() {
            self.print_head()?;
        }
        let kept = std::mem::take(&mut self.kept);
        let hidden = self.rows_shown_max().is_some() && self.rows > kept.len() as u64;
        let gap_at = kept.len().div_ceil(2);
        for (position, row) in kept.iter().enumerate() {
            if hidden && position == gap_at {
                self.print_gap()?;
            }
            self.print_row(row)?;
        }
        if hidden && gap_at == kept.len() {
            self.print_gap()?;
        }
        let rows_shown = if hidden { kept.len() } else { self.rows as usize };
        let mut rule = String::new();
        let widths = self.frame.as_ref().map_or(&[][..], |frame| &frame.widths);
        push_rule(&mut rule, widths, '└', '┴', '┘');
        self.out.write_all(rule.as_bytes())?;
        writeln!(self.out, "{}", self.footer(rows_shown))?;
        Ok(())
    }
}

fn read_cell(column: &Cells<'_>, row: usize) -> Result<Cell, arrow::error::ArrowError> {
    if column.is_null(row) {
        return Ok(None);
    }
    let mut text = String::new();
    column.push_text(row, &mut text)?;
    Ok(Some(if text.chars().any(char::is_control) { printable(&text) } else { text }))
}

/// Columns a frame with these widths takes: `│ cell ` each, and the last `│`.
fn frame_width(widths: &[usize]) -> usize {
    widths.iter().map(|width| width + 3).sum::<usize>() + 1
}

/// Takes columns from the widest texts until the frame fits or all are narrow.
fn narrow_texts(widths: &mut [usize], may_narrow: &[bool], available: usize) {
    for (width, _) in widths.iter_mut().zip(may_narrow).filter(|(_, may)| **may) {
        *width = (*width).min(available.max(TEXT_WIDTH_MIN));
    }
    while frame_width(widths) > available {
        let widest = widths
            .iter_mut()
            .zip(may_narrow)
            .filter(|(width, may)| **may && **width > TEXT_WIDTH_MIN)
            .map(|(width, _)| width)
            .max();
        match widest {
            Some(width) => *width -= 1,
            None => return,
        }
    }
}

/// Keeps columns from both ends, in turn, while they fit beside the ellipsis.
fn fit_columns(widths: &[usize], available: usize) -> Frame {
    if frame_width(widths) <= available || widths.len() < 3 {
        return Frame { shown: (0..widths.len()).map(Some).collect(), widths: widths.to_vec() };
    }
    let mut left = 1;
    let mut right = widths.len() - 1;
    let mut taken = frame_width(&[widths[0], 1, widths[right]]);
    while left < right {
        let from_left = left <= widths.len() - right;
        let next = if from_left { widths[left] } else { widths[right - 1] };
        if taken + next + 3 > available {
            break;
        }
        taken += next + 3;
        if from_left { left += 1 } else { right -= 1 }
    }
    let shown: Vec<Option<usize>> =
        (0..left).map(Some).chain([None]).chain((right..widths.len()).map(Some)).collect();
    let widths = shown.iter().map(|at| at.map_or(1, |at| widths[at])).collect();
    Frame { shown, widths }
}

fn push_rule(text: &mut String, widths: &[usize], left: char, middle: char, right: char) {
    text.push(left);
    for (position, width) in widths.iter().enumerate() {
        if position > 0 {
            text.push(middle);
        }
        text.extend(std::iter::repeat_n('─', width + 2));
    }
    text.push(right);
    text.push('\n');
}

fn push_null(text: &mut String, width: usize, alignment: Alignment, layout: Layout) {
    if !layout.colored {
        return push_aligned(text, "NULL", width, alignment);
    }
    text.push_str(DIM);
    push_aligned(text, "NULL", width, alignment);
    text.push_str(RESET);
}

/// Pads to a width.
fn push_aligned(text: &mut String, cell: &str, width: usize, alignment: Alignment) {
    let cell_width = cell.width();
    if cell_width > width && alignment == Alignment::LeftCut {
        return push_cut(text, cell, width);
    }
    let missing = width.saturating_sub(cell_width);
    if alignment == Alignment::Right {
        push_spaces(text, missing);
    }
    text.push_str(cell);
    if alignment != Alignment::Right {
        push_spaces(text, missing);
    }
}

/// The first letters of a wider text, and the ellipsis.
fn push_cut(text: &mut String, cell: &str, width: usize) {
    let mut taken = 0;
    for letter in cell.chars() {
        let letter_width = letter.width().unwrap_or(0);
        if taken + letter_width + 1 > width {
            break;
        }
        text.push(letter);
        taken += letter_width;
    }
    text.push_str(ELLIPSIS);
    push_spaces(text, width.saturating_sub(taken + 1));
}

fn push_centered(text: &mut String, heading: &str, width: usize) {
    let heading_width = heading.width();
    if heading_width > width {
        return push_cut(text, heading, width);
    }
    let missing = width - heading_width;
    push_spaces(text, missing / 2);
    text.push_str(heading);
    push_spaces(text, missing - missing / 2);
}

pub fn push_spaces(text: &mut String, count: usize) {
    text.extend(std::iter::repeat_n(' ', count));
}

fn printable(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len() + 8);
    push_printable(&mut text, cell);
    text
}

/// Appends a text with its control characters escaped.
pub fn push_printable(text: &mut String, cell: &str) {
    for letter in cell.chars() {
        if letter.is_control() {
            text.extend(letter.escape_default());
        } else {
            text.push(letter);
        }
    }
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
