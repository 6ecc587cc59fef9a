//! XLSX: a workbook with a summary, a sheet per section, and native charts.
//!
//! Numbers are numbers, with the format of their currency; a spreadsheet holds them as
//! binary fractions of 15 digits. Rows go to disk as they come. Totals are formulas, with the
//! exact sum, rounded, as their stored result: a single one follows the filter, of several
//! each adds up its own source and currency.

use std::path::PathBuf;

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use costlake_engine::model::date::DAY_US;
use costlake_engine::report::{ChartKind, SectionTotals, TotalDefinition};
use rust_xlsxwriter::{
    Chart, ChartType, Color, ConditionalFormat3ColorScale, DocProperties, ExcelDateTime, Format,
    FormatAlign, Formula, Workbook, Worksheet, XlsxError,
};

use super::chart::data::{ChartData, Shape, charts};
use super::columns::ColumnKind;
use super::document::{Document, Note};
use super::kept::{KeptSection, unknown_notes};
use super::number::decimals;
use super::section::{SectionView, UNKNOWN};
use super::writer::{DocumentWriter, Place, WrittenFile, create, failure};
use crate::failure::Failure;
use crate::output::cell::{Cells, Spelling, unpacked};

const FORMAT: &str = "xlsx";

/// Rows of a sheet that hold data; one is the header, two are left for totals.
const ROWS_MAX: u32 = 1_048_576 - 64;

/// Rows whose texts widen their column.
const ROWS_MEASURED: u32 = 500;
const WIDTH_MIN: f64 = 8.0;
const WIDTH_MAX: f64 = 48.0;

/// Days from Excel's day 0 to 1970-01-01.
const EXCEL_EPOCH_DAYS: i32 = 25_569;

/// Letters of a sheet's name.
const SHEET_NAME_MAX: usize = 31;

/// Texts of a cell.
const TEXT_MAX: usize = 32_767;

const CHART_WIDTH: u32 = 860;
const CHART_HEIGHT: u32 = 360;
/// Rows of a sheet that a chart covers.
const CHART_ROWS: u32 = 20;

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
}

/// Formats by what they are for.
struct Formats {
    title: Format,
    header: Format,
    header_right: Format,
    muted: Format,
    unknown: Format,
    caution: Format,
    date: Format,
    instant: Format,
    percent: Format,
    number: Format,
    count: Format,
    total_label: Format,
    currencies: Vec<(Option<String>, Format, Format)>,
}

impl Formats {
    fn new() -> Self {
        let header = Format::new()
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::Top)
            .set_background_color(Color::RGB(0x00E8_EDF4))
            .set_border_bottom(rust_xlsxwriter::FormatBorder::Thin);
        Self {
            title: Format::new().set_bold().set_font_size(16),
            header_right: header.clone().set_align(FormatAlign::Right),
            header,
            muted: Format::new().set_font_color(Color::RGB(0x0060_6A78)),
            unknown: Format::new()
                .set_italic()
                .set_font_color(Color::RGB(0x0080_8895))
                .set_align(FormatAlign::Right),
            caution: Format::new().set_font_color(Color::RGB(0x009A_5B00)).set_text_wrap(),
            date: Format::new().set_num_format("yyyy-mm-dd"),
            instant: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
            percent: Format::new().set_num_format("0.0"),
            number: Format::new().set_num_format("#,##0.####"),
            count: Format::new().set_num_format("#,##0"),
            total_label: total(Format::new()),
            currencies: Vec::new(),
        }
    }

    /// Of amounts of a currency: in rows, and in totals.
    fn money(&mut self, currency: Option<&str>) -> (&Format, &Format) {
        let at = self.currencies.iter().position(|(known, ..)| known.as_deref() == currency);
        let at = at.unwrap_or_else(|| {
            let digits = match decimals(currency) {
                0 => "#,##0".to_owned(),
                decimals => format!("#,##0.{}", "0".repeat(decimals)),
            };
            // Only letters reach the format: a currency is a code.
            let is_code = |code: &&str| code.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let pattern = match currency.filter(is_code) {
                Some(code) => format!("{digits} \"{code}\""),
                None => digits,
            };
            let format = Format::new().set_num_format(pattern);
            self.currencies.push((currency.map(str::to_owned), format.clone(), total(format)));
            self.currencies.len() - 1
        });
        let (_, rows, totals) = &self.currencies[at];
        (rows, totals)
    }

    /// Of a cell of this kind.
    fn of(&mut self, kind: ColumnKind, currency: Option<&str>) -> Format {
        match kind {
            ColumnKind::Money => self.money(currency).0.clone(),
            ColumnKind::Usd => self.money(Some("USD")).0.clone(),
            ColumnKind::Percent => self.percent.clone(),
            ColumnKind::Number => self.number.clone(),
            ColumnKind::Count => self.count.clone(),
            ColumnKind::Date => self.date.clone(),
            ColumnKind::Instant => self.instant.clone(),
            ColumnKind::Text => Format::new(),
        }
    }
}

fn total(format: Format) -> Format {
    format.set_bold().set_border_top(rust_xlsxwriter::FormatBorder::Thin)
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

    fn write_totals(&mut self, sheet: &Sheet, totals: &SectionTotals) -> Result<(), Failure> {
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
                let written = match values.text(row, column) {
                    None if sheet.view.is_total(column) && of.kind.is_unknown_when_null() => {
                        worksheet
                            .write_string_with_format(at, number, UNKNOWN, &self.formats.unknown)
                            .map(drop)
                    }
                    None if column == 0 => worksheet
                        .write_string_with_format(at, number, "Total", &self.formats.total_label)
                        .map(drop),
                    None => worksheet.write_blank(at, number, &self.formats.total_label).map(drop),
                    Some(text) if sums.contains(&column) => {
                        let formula = match (sheet.before, single) {
                            (0, true) => Some(subtotal(number, last_row)),
                            (0, false) => sum_of(&totals.keys, &values, row, number, last_row),
                            // Data in several sheets: the sum alone.
                            _ => None,
                        };
                        match formula {
                            Some(formula) => worksheet
                                .write_formula_with_format(
                                    at,
                                    number,
                                    Formula::new(formula).set_result(text),
                                    &format,
                                )
                                .map(drop),
                            None => worksheet
                                .write_number_with_format(
                                    at,
                                    number,
                                    text.parse::<f64>().unwrap_or_default(),
                                    &format,
                                )
                                .map(drop),
                        }
                    }
                    Some(text) if of.kind == ColumnKind::Percent && single && sheet.before == 0 => {
                        let number_format = |formula| Formula::new(formula).set_result(&text);
                        let value = || text.parse::<f64>().unwrap_or_default();
                        match ratio(&sheet.view, &of.name, last_row).map(number_format) {
                            Some(formula) => worksheet
                                .write_formula_with_format(at, number, formula, &format)
                                .map(drop),
                            None => worksheet
                                .write_number_with_format(at, number, value(), &format)
                                .map(drop),
                        }
                    }
                    Some(text) if of.kind.is_number() => worksheet
                        .write_number_with_format(
                            at,
                            number,
                            text.parse::<f64>().unwrap_or_default(),
                            &format,
                        )
                        .map(drop),
                    Some(text) => worksheet
                        .write_string_with_format(at, number, &text, &self.formats.total_label)
                        .map(drop),
                };
                written.map_err(refused)?;
            }
        }
        let mut notes = unknown_notes(&sheet.view, &totals.unknown);
        notes.extend(sheet.kept.meanings());
        let first = last_row + 2 + u32::try_from(batch.num_rows()).unwrap_or(0);
        let worksheet = self.workbook.worksheet_from_index(sheet.index).map_err(refused)?;
        for (position, note) in (0..).zip(notes) {
            worksheet
                .write_string_with_format(first + position, 0, note, &self.formats.muted)
                .map_err(refused)?;
        }
        Ok(())
    }

    fn write_summary(&mut self) -> Result<(), Failure> {
        let formats = &self.formats;
        let sheet = self.workbook.worksheet_from_index(0).map_err(refused)?;
        let document = &self.document;
        let mut row = 0;
        let written: Result<(), XlsxError> = (|| {
            sheet.set_column_width(0, 30)?.set_column_width(1, 90)?;
            let title = format!("{}: {}", document.title, document.subject.title());
            sheet.write_string_with_format(row, 0, title, &formats.title)?;
            row += 1;
            if let Some(question) = &document.question {
                sheet.write_string_with_format(row, 0, question, &formats.muted)?;
                row += 1;
            }
            row += 1;
            let mut facts = vec![("Months", document.months.to_string())];
            facts.extend(document.subject.subtitle().map(|subtitle| ("Scope", subtitle)));
            facts.extend(document.currency.clone().map(|currency| ("Currency", currency)));
            facts.push(("As of", document.made_on.clone()));
            for (name, value) in facts {
                sheet.write_string(row, 0, name)?.write_string(row, 1, value)?;
                row += 1;
            }
            for note in &document.notes {
                let (label, format) = match note {
                    Note::Caution(_) => ("Note", &formats.caution),
                    Note::Fine(_) => ("Data", &formats.muted),
                };
                sheet.write_string(row, 0, label)?;
                sheet.write_string_with_format(row, 1, note.text(), format)?;
                row += 1;
            }
            row += 1;
            sheet.write_string_with_format(row, 0, "Sheet", &formats.header)?;
            sheet.write_string_with_format(row, 1, "Rows", &formats.header)?;
            row += 1;
            for (title, sheet_name, rows) in &self.listed {
                match sheet_name {
                    Ok(name) => {
                        let link = rust_xlsxwriter::Url::new(format!("internal:'{name}'!A1"))
                            .set_text(title);
                        sheet.write_url(row, 0, link)?;
                        let count = formats.count.clone().set_align(FormatAlign::Left);
                        sheet.write_number_with_format(row, 1, *rows as f64, &count)?;
                    }
                    Err(sentence) => {
                        sheet.write_string(row, 0, title)?;
                        sheet.write_string_with_format(row, 1, sentence, &formats.muted)?;
                    }
                }
                row += 1;
            }
            Ok(())
        })();
        written.map_err(refused)
    }

    /// The charts on a sheet of their own, with their series on another.
    fn write_charts(&mut self) -> Result<(), Failure> {
        if self.drawn.is_empty() {
            return Ok(());
        }
        let charts_name = self.sheet_name("Charts");
        let data_name = self.sheet_name("Chart data");
        let drawn = std::mem::take(&mut self.drawn);
        let mut charts_sheet = Worksheet::new();
        let mut data_sheet = Worksheet::new();
        let made: Result<(), XlsxError> = (|| {
            charts_sheet.set_name(&charts_name)?;
            data_sheet.set_name(&data_name)?;
            let (mut at, mut row) = (0, 0);
            for (section, chart) in &drawn {
                let title = match &chart.title {
                    Some(title) => format!("{section}: {title}"),
                    None => section.clone(),
                };
                let (first, table) = (row, Table::of(chart));
                table.write(&title, &mut data_sheet, first, &self.formats)?;
                row += table.rows.len() as u32 + 3;
                match chart.shape {
                    Shape::Heat { .. } => {
                        let (top, left) = (first + 2, 1);
                        let right = u16::try_from(table.header.len() - 1).unwrap_or(u16::MAX);
                        let bottom = first + 1 + table.rows.len() as u32;
                        let scale = ConditionalFormat3ColorScale::new()
                            .set_minimum_color("D6604D")
                            .set_midpoint_color("FDDBA0")
                            .set_maximum_color("4DAF7C");
                        data_sheet.add_conditional_format(top, left, bottom, right, &scale)?;
                    }
                    _ => {
                        let mut native = table.chart(chart, &title, &data_name, first);
                        native.set_width(CHART_WIDTH).set_height(CHART_HEIGHT);
                        charts_sheet.insert_chart(at, 0, &native)?;
                        at += CHART_ROWS;
                    }
                }
            }
            data_sheet.set_column_width(0, 34)?;
            Ok(())
        })();
        made.map_err(refused)?;
        self.workbook.push_worksheet(charts_sheet);
        self.workbook.push_worksheet(data_sheet);
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

/// The sum of the rows of one source and currency; nothing where one of them is not named.
fn sum_of(
    keys: &[usize],
    values: &Values<'_>,
    row: usize,
    column: u16,
    last_row: u32,
) -> Option<String> {
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

/// The cells of a batch, made ready once.
struct Values<'a> {
    columns: &'a [ArrayRef],
    cells: Vec<Cells<'a>>,
}

impl<'a> Values<'a> {
    fn new(columns: &'a [ArrayRef]) -> Result<Self, ArrowError> {
        let cells = columns.iter().map(|column| Cells::new(column, Spelling::Spaced));
        Ok(Self { columns, cells: cells.collect::<Result<_, _>>()? })
    }

    /// A cell's exact text.
    fn text(&self, row: usize, column: usize) -> Option<String> {
        let cells = &self.cells[column];
        if cells.is_null(row) {
            return None;
        }
        let mut text = String::new();
        cells.push_text(row, &mut text).ok()?;
        Some(text)
    }

    fn currency(&self, row: usize, column: Option<usize>) -> Option<String> {
        self.text(row, column?)
    }

    fn write(
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
                if of.kind.is_unknown_when_null() {
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
                    match text.chars().count() > TEXT_MAX {
                        true => {
                            let cut: String =
                                text.chars().take(TEXT_MAX - 1).chain(['…']).collect();
                            worksheet.write_string(at, number, cut)?
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

fn day(document: &Document) -> ExcelDateTime {
    ExcelDateTime::parse_from_str(&document.made_on)
        .unwrap_or_else(|_| ExcelDateTime::from_ymd(2000, 1, 1).expect("it is a day"))
}

/// The series of a chart as a table.
struct Table {
    header: Vec<String>,
    /// The first column of numbers is of days.
    begins_with_days: bool,
    rows: Vec<(String, Vec<Option<f64>>)>,
}

impl Table {
    fn of(chart: &ChartData) -> Self {
        match &chart.shape {
            Shape::Series { categories, series, .. } => {
                let names = series.iter().map(|(name, _)| name.clone());
                let rows = categories.iter().enumerate().map(|(at, category)| {
                    (category.clone(), series.iter().map(|(_, values)| values[at]).collect())
                });
                Self {
                    header: std::iter::once(String::new()).chain(names).collect(),
                    begins_with_days: false,
                    rows: rows.collect(),
                }
            }
            Shape::Heat { columns, rows } => Self {
                header: std::iter::once(String::new()).chain(columns.iter().cloned()).collect(),
                begins_with_days: false,
                rows: rows.clone(),
            },
            Shape::Timeline { tasks } => Self {
                header: ["", "Begin", "Days"].map(str::to_owned).to_vec(),
                begins_with_days: true,
                rows: tasks
                    .iter()
                    .map(|task| {
                        let begin = f64::from(task.begin + EXCEL_EPOCH_DAYS);
                        (
                            task.name.clone(),
                            vec![Some(begin), Some(f64::from(task.end - task.begin))],
                        )
                    })
                    .collect(),
            },
        }
    }

    fn write(
        &self,
        title: &str,
        sheet: &mut Worksheet,
        first: u32,
        formats: &Formats,
    ) -> Result<(), XlsxError> {
        sheet.write_string_with_format(first, 0, title, &formats.total_label)?;
        for (column, name) in (0..).zip(&self.header) {
            sheet.write_string_with_format(first + 1, column, name, &formats.header)?;
        }
        for (row, (name, values)) in (first + 2..).zip(&self.rows) {
            sheet.write_string(row, 0, name)?;
            for (column, value) in (1..).zip(values) {
                if let Some(value) = value {
                    let format = match self.begins_with_days && column == 1 {
                        true => &formats.date,
                        false => &formats.number,
                    };
                    sheet.write_number_with_format(row, column, *value, format)?;
                }
            }
        }
        Ok(())
    }

    fn chart(&self, chart: &ChartData, title: &str, sheet: &str, first: u32) -> Chart {
        let kind = match &chart.shape {
            Shape::Series { kind, .. } => match kind {
                ChartKind::Stacked => ChartType::ColumnStacked,
                ChartKind::Bars => ChartType::Bar,
                ChartKind::Lines => ChartType::Line,
                _ => ChartType::Column,
            },
            _ => ChartType::BarStacked,
        };
        let is_timeline = matches!(chart.shape, Shape::Timeline { .. });
        let mut native = Chart::new(kind);
        let (top, bottom) = (first + 2, first + 1 + self.rows.len() as u32);
        for column in 1..self.header.len() {
            let number = u16::try_from(column).unwrap_or(u16::MAX);
            let series = native
                .add_series()
                .set_name((sheet, first + 1, number))
                .set_categories((sheet, top, 0, bottom, 0))
                .set_values((sheet, top, number, bottom, number));
            if is_timeline && column == 1 {
                // Only what comes after it is seen.
                series.set_format(rust_xlsxwriter::ChartFormat::new().set_no_fill());
            }
        }
        native.title().set_name(title);
        if is_timeline {
            native.legend().set_hidden();
            native.x_axis().set_reverse();
            native.y_axis().set_num_format("yyyy-mm");
            let earliest = self.rows.iter().filter_map(|(_, values)| values[0]);
            if let Some(earliest) = earliest.reduce(f64::min) {
                native.y_axis().set_min(earliest);
            }
        } else {
            if matches!(kind, ChartType::Bar) {
                native.x_axis().set_reverse();
            }
            native.y_axis().set_num_format("#,##0");
            if let Some(unit) = &chart.unit {
                native.y_axis().set_name(unit);
            }
        }
        native
    }
}

/// What a workbook or Arrow refuses, and what the disk does.
trait Refusal: std::fmt::Display + Sized {
    /// The disk's own words, where it is the disk.
    fn of_disk(self) -> Result<std::io::Error, Self>;
}

impl Refusal for ArrowError {
    fn of_disk(self) -> Result<std::io::Error, Self> {
        Err(self)
    }
}

impl Refusal for XlsxError {
    fn of_disk(self) -> Result<std::io::Error, Self> {
        match self {
            // Rows wait for the end in files of the system's folder for them.
            Self::IoError(error) => Ok(error),
            error => Err(error),
        }
    }
}

fn refused(error: impl Refusal) -> Failure {
    match error.of_disk() {
        Ok(source) => Failure::Write { path: std::env::temp_dir(), source },
        Err(error) => Failure::Format { format: FORMAT, what: error.to_string() },
    }
}

/// A file that takes what comes after an error for written, and keeps the error: the
/// archive, dropped unfinished, would print one of its own.
struct Written<'a> {
    file: std::io::BufWriter<std::fs::File>,
    failed: &'a mut Option<std::io::Error>,
}

impl Written<'_> {
    fn keep<T>(&mut self, done: std::io::Result<T>, instead: T) -> T {
        done.unwrap_or_else(|error| {
            self.failed.get_or_insert(error);
            instead
        })
    }
}

impl std::io::Write for Written<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.failed.is_some() {
            return Ok(bytes.len());
        }
        let written = self.file.write(bytes);
        Ok(self.keep(written, bytes.len()))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let flushed = self.file.flush();
        self.keep(flushed, ());
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
            Some(sheet) => {
                self.close_sheet(&sheet)?;
                self.write_totals(&sheet, totals)?;
                self.listed.push((title.clone(), Ok(sheet.name.clone()), sheet.rows_total));
                self.drawn
                    .extend(charts(&sheet.kept).into_iter().map(|chart| (title.clone(), chart)));
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
