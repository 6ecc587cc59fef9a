//! Native charts, and the sheet that holds their series.

use costlake_engine::report::ChartKind;
use rust_xlsxwriter::{Chart, ChartType, ConditionalFormat3ColorScale, Worksheet, XlsxError};

use super::formats::Formats;
use super::values::{EXCEL_EPOCH_DAYS, held};
use super::{XlsxDocument, refused};
use crate::failure::Failure;
use crate::report::chart::data::{ChartData, Shape};

const CHART_WIDTH: u32 = 860;
const CHART_HEIGHT: u32 = 360;
/// Rows of a sheet that a chart covers.
const CHART_ROWS: u32 = 20;

impl XlsxDocument {
    /// The charts on a sheet of their own, with their series on another.
    pub(super) fn write_charts(&mut self) -> Result<(), Failure> {
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
            sheet.write_string_with_format(first + 1, column, held(name), &formats.header)?;
        }
        for (row, (name, values)) in (first + 2..).zip(&self.rows) {
            sheet.write_string(row, 0, held(name))?;
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
