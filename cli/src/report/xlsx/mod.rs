//! XLSX: a workbook with a summary, a sheet per section, and native charts.
//!
//! Numbers are numbers, with the format of their currency; a spreadsheet holds them as
//! binary fractions of 15 digits. Rows go to disk as they come.
//!
//! [`formats`] says how cells look and [`values`] writes rows; [`totals`], [`charts`] and
//! [`summary`] come after them, and [`save`] puts the workbook on disk.

mod charts;
mod formats;
mod save;
mod summary;
mod totals;
mod values;

use std::path::PathBuf;

use arrow::record_batch::RecordBatch;
use costlake_engine::report::SectionTotals;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, Worksheet, XlsxError};

use self::formats::Formats;
use self::save::{Written, refused};
use self::values::Values;
use super::chart::data::{ChartData, charts};
use super::columns::ColumnKind;
use super::document::Document;
use super::kept::KeptSection;
use super::section::SectionView;
use super::writer::{DocumentWriter, Place, WrittenFile, create, failure};
use crate::failure::Failure;
use crate::output::cell::unpacked;

const FORMAT: &str = "xlsx";

/// Rows of a sheet that hold data; the rest is left for header, totals and notes.
const ROWS_MAX: u32 = 1_048_576 - 1_024;

const WIDTH_MIN: f64 = 8.0;
const WIDTH_MAX: f64 = 48.0;

/// Letters of a sheet's name.
const SHEET_NAME_MAX: usize = 31;

/// Keeps a workbook until it is complete.
pub struct XlsxDocument {
    path: String,
    local: PathBuf,
    workbook: Workbook,
    formats: Formats,
    names: Vec<String>,
    section: Option<SectionView>,
    open: Option<Sheet>,
    /// Of each section: its title, its sheet and number of rows, or what it says without.
    listed: Vec<(String, Result<String, String>, u64)>,
    drawn: Vec<(String, ChartData)>,
    document: Document,
}

/// A sheet being written.
struct Sheet {
    index: usize,
    name: String,
    view: SectionView,
    kept: KeptSection,
    /// The row after the last one.
    row: u32,
    /// Sheets of the section before this one.
    before: u32,
    widths: Vec<f64>,
    rows_total: u64,
    /// Rows of months that are open are among them.
    has_estimates: bool,
}

impl XlsxDocument {
    pub fn new(place: &Place, document: &Document) -> Result<Self, Failure> {
        let (path, local) = place.file("xlsx");
        let mut workbook = Workbook::new();
        let properties = DocProperties::new()
            .set_title(format!("{}: {}", document.title, document.subject.title()))
            .set_comment(format!("{}, as of {}", document.months, document.made_on))
            // The same rows make the same file.
            .set_creation_datetime(&day(document));
        workbook.set_properties(&properties);
        let mut written = Self {
            path,
            local,
            workbook,
            formats: Formats::new(),
            names: Vec::new(),
            section: None,
            open: None,
            listed: Vec::new(),
            drawn: Vec::new(),
            document: document.clone(),
        };
        // The first sheet; it is filled at the end.
        let summary = written.sheet_name("Summary");
        written.workbook.add_worksheet().set_name(summary).map_err(refused)?;
        Ok(written)
    }

    /// A name no other sheet has.
    fn sheet_name(&mut self, wanted: &str) -> String {
        let plain: String = wanted
            .chars()
            .map(|letter| if "[]:*?/\\'".contains(letter) { ' ' } else { letter })
            .collect();
        // The last is a name that Excel keeps for itself.
        let plain = match plain.trim() {
            "" => "Section",
            name if name.eq_ignore_ascii_case("history") => "History of",
            name => name,
        };
        let cut = |room: usize| plain.chars().take(room).collect::<String>();
        let mut name = cut(SHEET_NAME_MAX);
        let mut number = 1;
        while self.names.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            number += 1;
            let ending = format!(" ({number})");
            name = cut(SHEET_NAME_MAX - ending.chars().count()) + &ending;
        }
        self.names.push(name.clone());
        name
    }

    /// Adds a sheet for rows of a section, with its header.
    fn open_sheet(&mut self, view: &SectionView) -> Result<Sheet, Failure> {
        let name = self.sheet_name(&view.definition.title);
        let index = self.names.len() - 1;
        let sheet = self.workbook.add_worksheet_with_constant_memory().map_err(refused)?;
        let mut widths = Vec::with_capacity(view.columns.len());
        let made: Result<(), XlsxError> = (|| {
            sheet.set_name(&name)?;
            sheet.set_landscape().set_print_fit_to_pages(1, 0).set_paper_size(9);
            sheet.set_freeze_panes(1, 0)?;
            sheet.set_repeat_rows(0, 0)?;
            for (column, of) in (0..).zip(&view.columns) {
                let format = match of.kind.is_number() {
                    true => &self.formats.header_right,
                    false => &self.formats.header,
                };
                sheet.write_string_with_format(0, column, &of.label, format)?;
                let width = of.label.chars().count() as f64 * 0.7 + 2.0;
                widths.push(width.max(match of.kind {
                    ColumnKind::Money | ColumnKind::Usd => 17.0,
                    ColumnKind::Instant => 19.0,
                    ColumnKind::Date => 12.0,
                    _ => WIDTH_MIN,
                }));
            }
            Ok(())
        })();
        made.map_err(refused)?;
        Ok(Sheet {
            index,
            name,
            view: view.clone(),
            kept: KeptSection::new(view, &self.document),
            row: 1,
            before: 0,
            widths,
            rows_total: 0,
            has_estimates: false,
        })
    }

    fn close_sheet(&mut self, sheet: &Sheet) -> Result<&mut Worksheet, Failure> {
        let worksheet = self.workbook.worksheet_from_index(sheet.index).map_err(refused)?;
        let closed: Result<(), XlsxError> = (|| {
            for (column, width) in (0..).zip(&sheet.widths) {
                worksheet.set_column_width(column, width.min(WIDTH_MAX))?;
            }
            let last = u16::try_from(sheet.widths.len().saturating_sub(1)).unwrap_or(u16::MAX);
            if !sheet.widths.is_empty() {
                worksheet.autofilter(0, 0, sheet.row.max(2) - 1, last)?;
            }
            Ok(())
        })();
        closed.map_err(refused)?;
        Ok(worksheet)
    }

    fn write_rows(&mut self, sheet: &mut Sheet, batch: &RecordBatch) -> Result<(), Failure> {
        let columns = unpacked(batch).map_err(refused)?;
        let values = Values::new(&columns).map_err(refused)?;
        for row in 0..batch.num_rows() {
            if sheet.row > ROWS_MAX {
                let done = std::mem::replace(sheet, self.open_sheet(&sheet.view)?);
                sheet.before = done.before + 1;
                sheet.rows_total = done.rows_total;
                sheet.has_estimates = done.has_estimates;
                let kept = self.close_sheet(&done).map(|_| done.kept)?;
                sheet.kept = kept;
            }
            let written = values.write(row, sheet, &mut self.workbook, &mut self.formats);
            written.map_err(refused)?;
            sheet.row += 1;
            sheet.rows_total += 1;
        }
        Ok(())
    }
}

impl DocumentWriter for XlsxDocument {
    fn section(&mut self, section: &SectionView) -> Result<(), Failure> {
        self.section = Some(section.clone());
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        // A section without rows has no sheet: the first row opens it.
        let mut sheet = match self.open.take() {
            Some(sheet) => sheet,
            None => {
                let view = self.section.clone().expect("rows come in a section");
                self.open_sheet(&view)?
            }
        };
        let kept = sheet.kept.keep(batch, FORMAT);
        kept.map_err(|error| failure(&self.local, error))?;
        self.write_rows(&mut sheet, batch)?;
        self.open = Some(sheet);
        Ok(())
    }

    fn section_end(&mut self, totals: &SectionTotals) -> Result<(), Failure> {
        let view = self.section.take().expect("a section ends once");
        let title = view.definition.title.clone();
        match self.open.take() {
            Some(mut sheet) => {
                let ended = sheet.kept.end(totals, FORMAT);
                ended.map_err(|error| failure(&self.local, error))?;
                self.close_sheet(&sheet)?;
                self.write_totals(&sheet, totals)?;
                let charts = charts(&sheet.kept);
                self.write_notes(&sheet, totals, charts.note())?;
                self.listed.push((title.clone(), Ok(sheet.name.clone()), sheet.rows_total));
                let drawn = charts.drawn.into_iter();
                self.drawn.extend(drawn.map(|chart| (title.clone(), chart)));
            }
            None => {
                if let Some(sentence) = self.document.if_empty(&view.definition) {
                    self.listed.push((title, Err(sentence), 0));
                }
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<WrittenFile>, Failure> {
        self.write_charts()?;
        self.write_summary()?;
        let mut failed = None;
        let mut file = Written { file: create(&self.local)?, failed: &mut failed };
        let saved = self.workbook.save_to_writer(&mut file);
        let _ = std::io::Write::flush(&mut file);
        drop(file);
        if let Some(source) = failed {
            return Err(Failure::Write { path: self.local.clone(), source });
        }
        saved.map_err(refused)?;
        Ok(vec![WrittenFile { path: self.path, section: None }])
    }
}

fn day(document: &Document) -> ExcelDateTime {
    ExcelDateTime::parse_from_str(&document.made_on)
        .unwrap_or_else(|_| ExcelDateTime::from_ymd(2000, 1, 1).expect("it is a day"))
}
