//! Cells of a batch as a spreadsheet holds them.

use std::borrow::Cow;

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;
use costlake_engine::model::date::DAY_US;
use rust_xlsxwriter::{Workbook, XlsxError};

use super::Sheet;
use super::formats::Formats;
use crate::output::cell::{Cells, Spelling};
use crate::report::columns::ColumnKind;
use crate::report::kept::MONTH_COLUMN;
use crate::report::section::UNKNOWN;

/// Days from Excel's day 0 to 1970-01-01.
pub(super) const EXCEL_EPOCH_DAYS: i32 = 25_569;

/// Texts of a cell.
const TEXT_MAX: usize = 32_767;

/// Rows whose texts widen their column.
const ROWS_MEASURED: u32 = 500;

/// As much of a text as a cell holds.
pub(super) fn held(text: &str) -> Cow<'_, str> {
    match text.chars().count() > TEXT_MAX {
        true => text.chars().take(TEXT_MAX - 1).chain(['…']).collect(),
        false => Cow::Borrowed(text),
    }
}

/// The cells of a batch, made ready once.
pub(super) struct Values<'a> {
    columns: &'a [ArrayRef],
    cells: Vec<Cells<'a>>,
}

impl<'a> Values<'a> {
    pub(super) fn new(columns: &'a [ArrayRef]) -> Result<Self, ArrowError> {
        let cells = columns.iter().map(|column| Cells::new(column, Spelling::Spaced));
        Ok(Self { columns, cells: cells.collect::<Result<_, _>>()? })
    }

    pub(super) fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.len())
    }

    /// A cell's exact text.
    pub(super) fn text(&self, row: usize, column: usize) -> Option<String> {
        let cells = &self.cells[column];
        if cells.is_null(row) {
            return None;
        }
        let mut text = String::new();
        cells.push_text(row, &mut text).ok()?;
        Some(text)
    }

    pub(super) fn currency(&self, row: usize, column: Option<usize>) -> Option<String> {
        self.text(row, column?)
    }

    pub(super) fn write(
        &self,
        row: usize,
        sheet: &mut Sheet,
        workbook: &mut Workbook,
        formats: &mut Formats,
    ) -> Result<(), XlsxError> {
        let currency = self.currency(row, sheet.view.currency);
        let worksheet = workbook.worksheet_from_index(sheet.index)?;
        let at = sheet.row;
        for (column, of) in sheet.view.columns.iter().enumerate() {
            let number = u16::try_from(column).unwrap_or(u16::MAX);
            let Some(text) = self.text(row, column) else {
                if sheet.view.is_unknown(column, |at| self.text(row, at)) {
                    worksheet.write_string_with_format(at, number, UNKNOWN, &formats.unknown)?;
                }
                continue;
            };
            match of.kind {
                ColumnKind::Text => {
                    if at <= ROWS_MEASURED {
                        let width = text.chars().count() as f64 + 2.0;
                        sheet.widths[column] = sheet.widths[column].max(width);
                    }
                    let is_estimate = of.name == MONTH_COLUMN && sheet.kept.is_estimate(&text);
                    sheet.has_estimates |= is_estimate;
                    let text = held(&text);
                    match is_estimate {
                        true => {
                            let format = &formats.estimate;
                            worksheet.write_string_with_format(at, number, text, format)?
                        }
                        false => worksheet.write_string(at, number, text)?,
                    };
                }
                ColumnKind::Date => match day_number(&self.columns[column], row) {
                    Some(day) => {
                        worksheet.write_number_with_format(at, number, day, &formats.date)?;
                    }
                    None => {
                        worksheet.write_string(at, number, text)?;
                    }
                },
                ColumnKind::Instant => match instant_number(&self.columns[column], row) {
                    Some(instant) => {
                        worksheet.write_number_with_format(
                            at,
                            number,
                            instant,
                            &formats.instant,
                        )?;
                    }
                    None => {
                        worksheet.write_string(at, number, text)?;
                    }
                },
                kind => match text.parse::<f64>() {
                    Ok(value) if value.is_finite() => {
                        let format = formats.of(kind, currency.as_deref());
                        worksheet.write_number_with_format(at, number, value, &format)?;
                    }
                    _ => {
                        worksheet.write_string(at, number, text)?;
                    }
                },
            }
        }
        Ok(())
    }
}

/// A day as a spreadsheet counts it.
fn day_number(column: &ArrayRef, row: usize) -> Option<f64> {
    match column.data_type() {
        DataType::Date32 => {
            Some(f64::from(column.as_primitive::<Date32Type>().value(row) + EXCEL_EPOCH_DAYS))
        }
        _ => None,
    }
}

/// An instant as a spreadsheet counts it, UTC.
fn instant_number(column: &ArrayRef, row: usize) -> Option<f64> {
    let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
    let instant = cast(&column.slice(row, 1), &micros).ok()?;
    let instant = instant.as_primitive::<TimestampMicrosecondType>().value(0);
    Some(instant as f64 / DAY_US as f64 + f64::from(EXCEL_EPOCH_DAYS))
}
