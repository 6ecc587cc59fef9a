//! A section of a document while it is written: what it is and what its cells say.
//!
//! Input: a definition and a schema; batches. Output: cells as people are shown them. A
//! number that is NULL is unknown and says so; a day or text that is NULL is a dash.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use costlake_engine::report::{SectionDefinition, TotalDefinition};

use super::columns::{ColumnKind, ColumnView, columns};
use super::number::{decimals, grouped};
use crate::output::OutputError;
use crate::output::cell::{Cells, Spelling, unpacked};

/// What stands for a number that is unknown.
pub const UNKNOWN: &str = "unknown";
/// What stands for no day and no text.
pub const NOTHING: &str = "–";

/// Decimals of quantities and hours.
const NUMBER_DECIMALS_MAX: usize = 4;

/// What a section is.
#[derive(Clone, Debug)]
pub struct SectionView {
    /// As its report defines it.
    pub definition: SectionDefinition,
    /// Columns of its rows.
    pub schema: SchemaRef,
    /// The same, for people.
    pub columns: Vec<ColumnView>,
    /// The column that names the currency of a row.
    pub currency: Option<usize>,
}

impl SectionView {
    pub fn new(definition: &SectionDefinition, schema: &SchemaRef) -> Self {
        let (columns, currency) = columns(schema);
        Self { definition: definition.clone(), schema: Arc::clone(schema), columns, currency }
    }

    /// Positions of the columns that a page shows. The source is one of them where rows of
    /// several stand beside each other.
    pub fn on_page(&self, several_sources: bool) -> Vec<usize> {
        let is_shown = |column: &ColumnView| {
            (several_sources || column.name != "source")
                && !self.definition.aside.contains(&column.name)
        };
        (0..self.columns.len()).filter(|at| is_shown(&self.columns[*at])).collect()
    }

    /// Whether a column is added up.
    pub fn is_total(&self, column: usize) -> bool {
        let name = &self.columns[column].name;
        self.definition.totals.iter().any(|total| total.column() == name)
    }

    /// The column that a percentage is of, where the section says so.
    fn denominator(&self, column: usize) -> Option<usize> {
        let name = &self.columns[column].name;
        self.definition.totals.iter().find_map(|total| match total {
            TotalDefinition::Percent { column, denominator, .. } if column == name => {
                self.position(denominator)
            }
            _ => None,
        })
    }

    /// Whether a cell that is NULL is unknown, rather than of nothing: numbers are, and
    /// percentages of anything but 0.
    pub fn is_unknown(&self, column: usize, exact: impl FnOnce(usize) -> Option<String>) -> bool {
        let is_not_0 = |text: String| text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
        match self.denominator(column) {
            Some(of) => exact(of).is_none_or(is_not_0),
            None => self.columns[column].kind.is_unknown_when_null(),
        }
    }

    /// Position of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

/// A cell, as people are shown it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Its text; `None` for NULL.
    pub shown: Option<String>,
    /// All digits, where `shown` is rounded.
    pub exact: Option<String>,
}

/// Rows of a batch by cell.
pub struct Rows {
    columns: Vec<ArrayRef>,
    rows: usize,
}

impl Rows {
    pub fn new(batch: &RecordBatch, format: &'static str) -> Result<Self, OutputError> {
        let columns = unpacked(batch).map_err(|error| OutputError::value(format, error))?;
        Ok(Self { columns, rows: batch.num_rows() })
    }

    /// All cells, in rows, until so many.
    pub fn cells(
        &self,
        section: &SectionView,
        rows_max: usize,
        format: &'static str,
    ) -> Result<Vec<Vec<Cell>>, OutputError> {
        let refused = |error| OutputError::value(format, error);
        let cells: Vec<Cells<'_>> = self
            .columns
            .iter()
            .map(|column| Cells::new(column, Spelling::Spaced))
            .collect::<Result<_, _>>()
            .map_err(refused)?;
        let mut exact = String::new();
        let mut of_row = |row: usize| {
            let currency = match section.currency {
                Some(column) if !cells[column].is_null(row) => {
                    let mut currency = String::new();
                    cells[column].push_text(row, &mut currency)?;
                    Some(currency)
                }
                _ => None,
            };
            let shown = cells.iter().zip(&section.columns).map(|(cells, column)| {
                if cells.is_null(row) {
                    return Ok(Cell::default());
                }
                exact.clear();
                cells.push_text(row, &mut exact)?;
                Ok(shown(&exact, column.kind, currency.as_deref()))
            });
            shown.collect::<Result<Vec<_>, _>>()
        };
        (0..self.rows.min(rows_max)).map(|row| of_row(row).map_err(refused)).collect()
    }
}

fn shown(exact: &str, kind: ColumnKind, currency: Option<&str>) -> Cell {
    let rounded = |shown: String| {
        let plain = shown.replace(',', "");
        let exact = (plain.trim_end_matches('0').trim_end_matches('.') != exact && plain != exact)
            .then(|| exact.to_owned());
        Cell { shown: Some(shown), exact }
    };
    match kind {
        ColumnKind::Money => rounded(grouped(exact, decimals(currency))),
        ColumnKind::Usd => rounded(grouped(exact, decimals(Some("USD")))),
        ColumnKind::Percent => Cell { shown: Some(percent(exact)), exact: None },
        ColumnKind::Count => Cell { shown: Some(grouped(exact, 0)), exact: None },
        ColumnKind::Number if exact.contains(['e', 'E', 'n', 'N', 'i']) => {
            Cell { shown: Some(exact.to_owned()), exact: None }
        }
        ColumnKind::Number => {
            let long = grouped(exact, NUMBER_DECIMALS_MAX);
            let short = match long.contains('.') {
                true => long.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => long,
            };
            rounded(short)
        }
        _ => Cell { shown: Some(exact.to_owned()), exact: None },
    }
}

/// One decimal; what is not finite as it is.
fn percent(exact: &str) -> String {
    match exact.parse::<f64>() {
        Ok(value) if value.is_finite() => {
            let text = format!("{value:.1}");
            if text == "-0.0" { "0.0".to_owned() } else { text }
        }
        _ => exact.to_owned(),
    }
}

impl Cell {
    /// All digits.
    pub fn exact(&self) -> Option<&String> {
        self.exact.as_ref().or(self.shown.as_ref())
    }
}
