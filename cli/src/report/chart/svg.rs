//! Draws a chart as SVG for a page.
//!
//! The library writes colors into the drawing; [`style`] names each of them once more, as a
//! variable of the page, so that charts follow light, dark and print.

use std::fmt::Write as _;

use charts_rs::{
    BarChart, Color, GanttChart, GanttTask, HeatmapChart, HorizontalBarChart, LegendCategory,
    LineChart, Series, THEME_LIGHT,
};
use costlake_engine::report::ChartKind;

use super::data::{ChartData, PERCENT, Shape, Task};

const WIDTH: f32 = 640.0;
/// Of charts that are as wide as the page.
const WIDTH_WIDE: f32 = 1080.0;
const HEIGHT: f32 = 280.0;
/// Of a line of bars, a heat map, a timeline.
const LINE_HEIGHT: f32 = 26.0;
/// Of legend and axis.
const FRAME_HEIGHT: f32 = 78.0;
/// Texts are placed as if they were this large,
const FONT_SIZE: f32 = 13.0;
/// and shown a little smaller: a reader's font may be wider than the library's.
const FONT_SIZE_SHOWN: f32 = 11.0;
/// Room for the last label of an axis.
const MARGIN_RIGHT: f32 = 28.0;

/// Letters of a name beside a bar.
const NAME_LENGTH_MAX: usize = 34;

/// Columns of a heat map from which on cells are too narrow for numbers.
const NUMBERED_COLUMNS_MAX: usize = 16;

/// A day in seconds.
const DAY_SECONDS: f64 = 86_400.0;

/// What the library calls its colors, and what they are in the light and in the dark.
const COLORS: [(&str, &str, &str); 13] = [
    // Paper, texts, axes, grid.
    ("#FFFFFF", "#FFFFFF", "#14181D"),
    ("#464646", "#1C2430", "#E4E8EC"),
    ("#6E7079", "#5C6773", "#9AA5B1"),
    ("#E0E6F2", "#E6EAEF", "#2D353E"),
    // Series, apart for most kinds of color blindness (after Okabe and Ito).
    (SERIES[0], "#9DB4CC", "#6C86A3"),
    (SERIES[1], "#1F6FB4", "#5FA8E8"),
    (SERIES[2], "#D98200", "#F0A93B"),
    (SERIES[3], "#2A9D74", "#4FC79A"),
    (SERIES[4], "#A3578F", "#D08BC0"),
    (SERIES[5], "#7A6A53", "#B5A58C"),
    // Cells without a number, and the two colors of numbers in cells.
    ("#EBEBEB", "#F0F2F5", "#20262D"),
    ("#111111", "#111111", "#111111"),
    ("#222222", "#222222", "#222222"),
];

/// Stand-ins that no other color of a drawing equals.
const SERIES: [&str; 6] = ["#010101", "#020202", "#030303", "#040404", "#050505", "#060606"];

/// Little used to fully used: a scale that is read without telling red from green.
const HEAT: [(u8, u8, u8); 5] = [
    (0xB3, 0x58, 0x06),
    (0xF1, 0xA3, 0x40),
    (0xFE, 0xE0, 0xB6),
    (0xA6, 0xC8, 0xE4),
    (0x43, 0x8F, 0xC8),
];

/// Rules that give the colors of drawings.
pub fn style() -> String {
    let rules = |pick: fn(&(&str, &'static str, &'static str)) -> &'static str, within: &str| {
        let mut text = String::new();
        for color in &COLORS {
            let (name, value) = (color.0, pick(color));
            // Writing to a String does not fail.
            let _ = write!(
                text,
                "{within} [fill=\"{name}\"]{{fill:{value}}}{within} [stroke=\"{name}\"]{{stroke:{value}}}"
            );
        }
        text
    };
    let light = rules(|color| color.1, ".drawing");
    let dark = rules(|color| color.2, ".drawing");
    format!(
        "{light}.drawing text{{font-family:inherit;font-size:{FONT_SIZE_SHOWN}px}}\
         .dense [dominant-baseline=\"central\"]:not([text-anchor]){{display:none}}\
         @media screen and (prefers-color-scheme:dark){{{dark}}}"
    )
}

/// A chart as SVG; nothing where the library finds nothing to draw.
pub fn draw(chart: &ChartData) -> Option<String> {
    let svg = match &chart.shape {
        Shape::Series { kind, categories, series } => draw_series(*kind, categories, series),
        Shape::Timeline { tasks } => timeline(tasks),
        Shape::Heat { columns, rows } => {
            heat(columns, rows, chart.unit.as_deref() == Some(PERCENT))
        }
    };
    svg.ok()
}

/// Whether the drawing is as wide as the page.
pub fn is_wide(chart: &ChartData) -> bool {
    !matches!(
        chart.shape,
        Shape::Series { kind: ChartKind::Columns | ChartKind::Stacked | ChartKind::Bars, .. }
    )
}

fn draw_series(
    kind: ChartKind,
    categories: &[String],
    series: &[(String, Vec<Option<f64>>)],
) -> charts_rs::Result<String> {
    let lying = kind == ChartKind::Bars;
    let mut categories: Vec<String> = match lying {
        true => categories.iter().map(|name| shortened(name)).collect(),
        false => categories.to_vec(),
    };
    if lying {
        // The library begins at the bottom.
        categories.reverse();
    }
    let list: Vec<Series> = series
        .iter()
        .map(|(name, values)| {
            let mut values: Vec<Option<f32>> =
                values.iter().map(|value| value.map(|value| value as f32)).collect();
            if lying {
                values.reverse();
            }
            let mut series = Series::from((name.as_str(), values));
            if kind == ChartKind::Stacked {
                series.stack = Some("all".to_owned());
            }
            series
        })
        .collect();
    let legend_hidden = list.len() < 2;
    macro_rules! drawn {
        ($chart:expr, $width:expr, $height:expr) => {{
            let mut chart = $chart;
            chart.width = $width;
            chart.height = $height;
            chart.margin.right = MARGIN_RIGHT;
            chart.legend.category = LegendCategory::RoundRect;
            chart.series.colors = SERIES.iter().map(|color| Color::from(*color)).collect();
            if legend_hidden {
                chart.legend.show = Some(false);
                // A single series is what matters.
                chart.series.colors.rotate_left(1);
            }
            chart.legend.font.size = FONT_SIZE;
            chart.x_axis.font.size = FONT_SIZE;
            for axis in &mut chart.y_axis_configs {
                axis.font.size = FONT_SIZE;
                axis.formatter = Some("{t}".to_owned());
            }
            chart
        }};
    }
    match kind {
        ChartKind::Bars => {
            let lines = (categories.len() * series.len().max(1)) as f32;
            let height = FRAME_HEIGHT + lines.max(2.0) * LINE_HEIGHT * 0.8;
            drawn!(HorizontalBarChart::new_with_theme(list, categories, THEME_LIGHT), WIDTH, height)
                .svg()
        }
        ChartKind::Lines => {
            let mut chart = drawn!(
                LineChart::new_with_theme(list, categories, THEME_LIGHT),
                WIDTH_WIDE,
                HEIGHT
            );
            chart.series.symbol = Some(charts_rs::Symbol::None);
            chart.svg()
        }
        _ => drawn!(BarChart::new_with_theme(list, categories, THEME_LIGHT), WIDTH, HEIGHT).svg(),
    }
}

fn timeline(tasks: &[Task]) -> charts_rs::Result<String> {
    let bars = tasks
        .iter()
        .enumerate()
        .map(|(position, task)| GanttTask {
            name: shortened(&task.name),
            start: f64::from(task.begin) * DAY_SECONDS,
            end: f64::from(task.end) * DAY_SECONDS,
            // Two of one name are two rows.
            row: Some(format!("{}{}", shortened(&task.name), "\u{200b}".repeat(position))),
            category: Some(task.series.clone()),
            ..GanttTask::default()
        })
        .collect();
    let mut chart = GanttChart::new_with_theme(bars, THEME_LIGHT);
    chart.width = WIDTH_WIDE;
    chart.height = FRAME_HEIGHT + tasks.len() as f32 * LINE_HEIGHT;
    chart.series.colors = [1, 2, 3, 4, 5, 0].map(|at| Color::from(SERIES[at])).to_vec();
    chart.label_show = false;
    chart.margin.right = MARGIN_RIGHT;
    chart.legend.category = LegendCategory::RoundRect;
    chart.legend.font.size = FONT_SIZE;
    chart.x_axis.font.size = FONT_SIZE;
    for axis in &mut chart.y_axis_configs {
        axis.font.size = FONT_SIZE;
    }
    chart.svg()
}

fn heat(
    columns: &[String],
    rows: &[(String, Vec<Option<f64>>)],
    of_percent: bool,
) -> charts_rs::Result<String> {
    let known = rows.iter().flat_map(|(_, values)| values).flatten();
    // A darkest color of 0 would have no scale.
    let most = known.fold(f64::MIN_POSITIVE, |most, value| most.max(*value));
    let mut cells = Vec::new();
    // The library begins at the bottom.
    for (line, (_, values)) in rows.iter().rev().enumerate() {
        for (column, value) in values.iter().enumerate() {
            if let Some(value) = value {
                cells.push((line * columns.len() + column, value.round() as f32));
            }
        }
    }
    let names = rows.iter().rev().map(|(name, _)| shortened(name)).collect();
    let dense = columns.len() > NUMBERED_COLUMNS_MAX;
    // Of days of one month the day alone.
    let labels = columns.iter().map(|name| match dense && name.len() == 10 {
        true => name[8..].to_owned(),
        false => name.clone(),
    });
    let mut chart = HeatmapChart::new_with_theme(cells, labels.collect(), names, THEME_LIGHT);
    chart.width = WIDTH_WIDE;
    chart.height = FRAME_HEIGHT / 2.0 + rows.len() as f32 * LINE_HEIGHT;
    chart.heatmap_series.min = 0.0;
    chart.heatmap_series.max = if of_percent { 100.0 } else { most as f32 };
    chart.heatmap_series.colors = HEAT.map(Color::from).to_vec();
    chart.heatmap_series.min_font_color = Color::from("#111111");
    chart.heatmap_series.max_font_color = Color::from("#222222");
    chart.x_axis.font.size = FONT_SIZE;
    let svg = chart.svg()?;
    Ok(if dense { format!("<div class=\"dense\">{svg}</div>") } else { svg })
}

fn shortened(name: &str) -> String {
    match name.chars().count() > NAME_LENGTH_MAX {
        true => name.chars().take(NAME_LENGTH_MAX - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}
