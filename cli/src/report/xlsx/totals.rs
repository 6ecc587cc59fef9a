//! Totals below the rows of a sheet.
//!
//! They are formulas, with the exact sum, rounded, as their stored result: a single one
//! follows the filter, of several each adds up its own source and currency.

use costlake_engine::report::{SectionTotals, TotalDefinition};
use rust_xlsxwriter::Formula;

use super::formats::total;
use super::values::Values;
use super::{Sheet, XlsxDocument, refused};
use crate::failure::Failure;
use crate::output::cell::unpacked;
use crate::report::columns::ColumnKind;
use crate::report::section::{SectionView, UNKNOWN};

impl XlsxDocument {
    pub(super) fn write_totals(
        &mut self,
        sheet: &Sheet,
        totals: &SectionTotals,
    ) -> Result<(), Failure> {
        let batch = &totals.totals;
        if batch.num_rows() == 0 || sheet.rows_total == 0 {
            return Ok(());
        }
        let columns = unpacked(batch).map_err(refused)?;
        let values = Values::new(&columns).map_err(refused)?;
        let last_row = sheet.row;
        let single = batch.num_rows() == 1;
        let sums: Vec<usize> = sheet
            .view
            .definition
            .totals
            .iter()
            .filter_map(|total| match total {
                TotalDefinition::Sum(name) => sheet.view.position(name),
                TotalDefinition::Percent { .. } => None,
            })
            .collect();
        for row in 0..batch.num_rows() {
            // A row apart from the data, so that filters and sorting leave totals alone.
            let at = last_row + 1 + u32::try_from(row).unwrap_or(0);
            let currency = values.currency(row, sheet.view.currency);
            for (column, of) in sheet.view.columns.iter().enumerate() {
                let number = u16::try_from(column).unwrap_or(u16::MAX);
                let worksheet = self.workbook.worksheet_from_index(sheet.index).map_err(refused)?;
                let format = total(self.formats.of(of.kind, currency.as_deref()));
                // Of data in several sheets, only the sum.
                let formula = match of.kind {
                    _ if sheet.before > 0 => None,
                    _ if sums.contains(&column) && single => Some(subtotal(number, last_row)),
                    _ if sums.contains(&column) => {
                        sum_of(&totals.keys, &values, row, number, last_row)
                    }
                    ColumnKind::Percent if single => ratio(&sheet.view, &of.name, last_row),
                    _ => None,
                };
                let label = &self.formats.total_label;
                let written = match (values.text(row, column), formula) {
                    (None, _) if sheet.kept.is_total_unknown(&sheet.kept.totals[row], column) => {
                        worksheet.write_string_with_format(
                            at,
                            number,
                            UNKNOWN,
                            &self.formats.unknown,
                        )
                    }
                    (None, _) if column == 0 => {
                        worksheet.write_string_with_format(at, number, "Total", label)
                    }
                    (None, _) => worksheet.write_blank(at, number, label),
                    (Some(text), Some(formula)) => {
                        let formula = Formula::new(formula).set_result(text);
                        worksheet.write_formula_with_format(at, number, formula, &format)
                    }
                    (Some(text), None) if of.kind.is_number() => {
                        let value = text.parse::<f64>().unwrap_or_default();
                        worksheet.write_number_with_format(at, number, value, &format)
                    }
                    (Some(text), None) => {
                        worksheet.write_string_with_format(at, number, &text, label)
                    }
                };
                written.map_err(refused)?;
            }
        }
        Ok(())
    }

    /// What must be known of rows and totals, below them.
    pub(super) fn write_notes(
        &mut self,
        sheet: &Sheet,
        totals: &SectionTotals,
        of_charts: Option<&str>,
    ) -> Result<(), Failure> {
        let mut notes = sheet.kept.notes();
        notes.extend(of_charts.map(str::to_owned));
        if sheet.has_estimates {
            notes.push("Months in italics are estimates: Azure may still change them".to_owned());
        }
        let first = sheet.row + 2 + u32::try_from(totals.totals.num_rows()).unwrap_or(0);
        let worksheet = self.workbook.worksheet_from_index(sheet.index).map_err(refused)?;
        for (position, note) in (0..).zip(notes) {
            worksheet
                .write_string_with_format(first + position, 0, note, &self.formats.muted)
                .map_err(refused)?;
        }
        Ok(())
    }
}

/// Column letters: `A`, `AB`.
fn letters(column: u16) -> String {
    rust_xlsxwriter::utility::column_number_to_name(column)
}

/// The sum of what the filter leaves.
fn subtotal(column: u16, last_row: u32) -> String {
    let column = letters(column);
    format!("=SUBTOTAL(109,{column}2:{column}{last_row})")
}

/// The percentage of two sums of what the filter leaves; nothing where the column is no
/// such total.
fn ratio(view: &SectionView, column: &str, last_row: u32) -> Option<String> {
    let totals = view.definition.totals.iter();
    let (numerator, denominator) = totals.into_iter().find_map(|total| match total {
        TotalDefinition::Percent { column: of, numerator, denominator } if of == column => {
            Some((view.position(numerator)?, view.position(denominator)?))
        }
        _ => None,
    })?;
    let sum = |at: usize| {
        let letters = letters(u16::try_from(at).ok()?);
        Some(format!("SUBTOTAL(109,{letters}2:{letters}{last_row})"))
    };
    let (numerator, denominator) = (sum(numerator)?, sum(denominator)?);
    Some(format!("=IF({denominator}=0,\"\",100*{numerator}/{denominator})"))
}

/// The sum of the rows of one source and currency; nothing where one of them is not named,
/// or where the formula would not tell them from another's: it takes `a` for `A`.
fn sum_of(
    keys: &[usize],
    values: &Values<'_>,
    row: usize,
    column: u16,
    last_row: u32,
) -> Option<String> {
    let named = |row: usize| -> Vec<Option<String>> {
        keys.iter().map(|key| values.text(row, *key).map(|text| text.to_lowercase())).collect()
    };
    if (0..values.rows()).any(|other| other != row && named(other) == named(row)) {
        return None;
    }
    let column = letters(column);
    let mut formula = format!("=SUMIFS({column}2:{column}{last_row}");
    for key in keys {
        let text = values.text(row, *key)?;
        if text.contains(['"', '*', '?', '~', '<', '>', '=']) {
            return None;
        }
        let key = letters(u16::try_from(*key).ok()?);
        formula.push_str(&format!(",{key}2:{key}{last_row},\"{text}\""));
    }
    formula.push(')');
    Some(formula)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringArray};

    use super::*;

    #[test]
    fn a_sum_is_of_one_source_and_currency_or_no_formula() {
        let formulas = |sources: &[&str]| {
            let keys = [sources.to_vec(), vec!["EUR"; sources.len()]];
            let columns: Vec<ArrayRef> = keys
                .map(|column| Arc::new(StringArray::from(column)) as ArrayRef)
                .into_iter()
                .collect();
            let values = Values::new(&columns).unwrap();
            (0..sources.len()).map(|row| sum_of(&[0, 1], &values, row, 2, 9)).collect::<Vec<_>>()
        };
        let of_b = "=SUMIFS(C2:C9,A2:A9,\"b\",B2:B9,\"EUR\")";
        assert_eq!(formulas(&["a*", "b"]), [None, Some(of_b.to_owned())]);
        // A spreadsheet would add both.
        assert_eq!(formulas(&["a", "A", "b"]), [None, None, Some(of_b.to_owned())]);
    }
}
