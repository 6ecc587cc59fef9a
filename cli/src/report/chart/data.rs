//! What a chart shows: series of a section's rows, one chart per source and currency.
//!
//! Input: kept rows. Output: [`ChartData`]. Numbers are rounded to `f64` here and only
//! here: for lengths and colors, never for text.

use costlake_engine::model::date::parse_date;
use costlake_engine::report::{ChartDefinition, ChartKind};

use crate::report::columns::ColumnKind;
use crate::report::kept::{KeptSection, MONTH_COLUMN};
use crate::report::section::{Cell, NOTHING, SectionView};

/// Bars of one chart; the first ones, as sections put the largest first.
const BARS_MAX: usize = 12;

/// The unit of percentages.
pub const PERCENT: &str = "%";

/// Rows of a heat map or a timeline.
const LINES_MAX: usize = 40;

/// A chart.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartData {
    /// The currency or source it is of, where there are several.
    pub title: Option<String>,
    /// What its numbers are in, e.g. `EUR` or `%`.
    pub unit: Option<String>,
    /// What it shows.
    pub shape: Shape,
    /// What is left out.
    pub left_out: LeftOut,
}

/// The charts of a section.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Charts {
    /// One per source and currency; none where there is nothing to draw.
    pub drawn: Vec<ChartData>,
    /// Some are not drawn, as percentages would be added in them.
    pub adds_percents: bool,
}

impl Charts {
    /// Why a chart that was asked for is not there.
    pub fn note(&self) -> Option<&'static str> {
        self.adds_percents.then_some(
            "A chart is not drawn: several rows have a percentage for one place in it, and \
             percentages are not added",
        )
    }
}

/// Percentages would be added.
struct AddsPercents;

/// What a chart does not show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// So many bars, or rows of a grid.
    pub rows: usize,
    /// Rows of which begin or end is unknown.
    pub undated: usize,
}

impl ChartData {
    /// What is left out, in words; empty where nothing is.
    pub fn left_out_text(&self) -> String {
        let LeftOut { rows, undated } = self.left_out;
        let shown = match self.shape {
            Shape::Heat { .. } => "the least used ones",
            _ => "the first ones",
        };
        let mut text = String::new();
        if rows > 0 {
            text = format!("The chart shows {shown}, and {rows} more are not drawn.");
        }
        if undated > 0 {
            let is = if undated == 1 { "1 row is" } else { &format!("{undated} rows are") };
            let space = if text.is_empty() { "" } else { " " };
            text.push_str(&format!("{space}{is} not drawn, as begin or end is unknown."));
        }
        text
    }
}

/// What a chart shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Numbers per category.
    Series {
        /// How it is drawn.
        kind: ChartKind,
        /// Along the axis.
        categories: Vec<String>,
        /// Names, and a number per category.
        series: Vec<(String, Vec<Option<f64>>)>,
    },
    /// From a day to a day, in days since 1970-01-01.
    Timeline {
        /// In order.
        tasks: Vec<Task>,
    },
    /// Percent or amounts in a grid.
    Heat {
        /// From left to right.
        columns: Vec<String>,
        /// From top to bottom: a name, and a number per column.
        rows: Vec<(String, Vec<Option<f64>>)>,
    },
}

/// A bar of a timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// First day.
    pub begin: i32,
    /// First day after.
    pub end: i32,
    /// What it is colored by.
    pub series: String,
}

/// The charts of a section, as its definition wants them.
pub fn charts(section: &KeptSection) -> Charts {
    let mut charts = Charts::default();
    let Some(definition) = &section.view.definition.chart else { return charts };
    let Some(columns) = Columns::of(section, definition) else { return charts };
    match definition.kind {
        ChartKind::Timeline => charts.drawn.extend(timeline(section, &columns)),
        ChartKind::Heat => match heat(section, &columns) {
            Ok(chart) => charts.drawn.extend(chart),
            Err(AddsPercents) => charts.adds_percents = true,
        },
        kind => {
            let groups = groups(section);
            let several_sources = groups.iter().any(|group| group.source != groups[0].source);
            let several_currencies =
                groups.iter().any(|group| group.currency != groups[0].currency);
            for group in &groups {
                let title = group.title(several_sources, several_currencies);
                match series(section, &columns, kind, title, group) {
                    Ok(chart) => charts.drawn.extend(chart),
                    Err(AddsPercents) => charts.adds_percents = true,
                }
            }
        }
    }
    charts
}

/// Positions of the columns a chart names.
struct Columns {
    category: usize,
    /// The category is the month: those without rows leave a gap.
    by_month: bool,
    /// Tell rows of one name apart.
    identity: Vec<usize>,
    values: Vec<usize>,
    series: Option<usize>,
}

impl Columns {
    fn of(section: &KeptSection, definition: &ChartDefinition) -> Option<Self> {
        let at = |name: &str| section.view.position(name);
        Some(Self {
            category: at(&definition.category)?,
            by_month: definition.category == MONTH_COLUMN,
            identity: (0..section.view.columns.len())
                .filter(|at| is_identity(&section.view, *at))
                .collect(),
            values: definition.values.iter().map(|name| at(name)).collect::<Option<_>>()?,
            series: match &definition.series {
                Some(name) => Some(at(name)?),
                None => None,
            },
        })
    }

    /// What a row of a grid is drawn by.
    fn key(&self, row: Row<'_>) -> Key {
        let identity = self.identity.iter().map(|at| row[*at].shown.clone());
        (text(&row[self.category]), identity.collect())
    }
}

/// Whether a column tells things of one name apart: their ids, source and currency.
fn is_identity(view: &SectionView, column: usize) -> bool {
    view.columns[column].is_id()
        || view.columns[column].name == "source"
        || Some(column) == view.currency
}

type Row<'a> = &'a [Cell];

/// A name, and what tells it from another of that name.
type Key = (String, Vec<Option<String>>);

/// A row of a heat map: numbers by column.
type HeatRow = (Key, Vec<(usize, f64)>);

/// Rows of one source and currency.
struct Group<'a> {
    source: Option<String>,
    currency: Option<String>,
    rows: Vec<Row<'a>>,
}

impl Group<'_> {
    /// What tells the group from the others; nothing where it is the only one.
    fn title(&self, several_sources: bool, several_currencies: bool) -> Option<String> {
        let source = self.source.as_deref().filter(|_| several_sources);
        let currency = self.currency.as_deref().filter(|_| several_currencies);
        let parts: Vec<&str> = [source, currency].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

fn groups(section: &KeptSection) -> Vec<Group<'_>> {
    let source = section.view.position("source");
    let key = |row: Row<'_>, column: Option<usize>| column.and_then(|at| row[at].shown.clone());
    let mut groups: Vec<Group<'_>> = Vec::new();
    for row in &section.rows {
        let (source, currency) = (key(row, source), key(row, section.view.currency));
        match groups.iter_mut().find(|of| of.source == source && of.currency == currency) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group { source, currency, rows: vec![row] }),
        }
    }
    groups
}

fn series(
    section: &KeptSection,
    columns: &Columns,
    kind: ChartKind,
    title: Option<String>,
    group: &Group<'_>,
) -> Result<Option<ChartData>, AddsPercents> {
    // A bar is a row, whoever else has its name. Elsewhere rows of one category are added,
    // as amounts of one source and currency may be.
    let each_row = kind == ChartKind::Bars && columns.series.is_none();
    let mut categories: Vec<String> = match columns.by_month && !each_row {
        true => section.months.clone(),
        false => Vec::new(),
    };
    let mut series: Vec<(String, Vec<Option<f64>>)> = match columns.series {
        Some(_) => Vec::new(),
        None => columns
            .values
            .iter()
            .map(|at| (section.view.columns[*at].label.clone(), Vec::new()))
            .collect(),
    };
    for row in &group.rows {
        let name = text(&row[columns.category]);
        let at = match each_row {
            true => {
                categories.push(name);
                categories.len() - 1
            }
            false => position_of(&mut categories, name),
        };
        match columns.series {
            None => {
                for (position, column) in columns.values.iter().enumerate() {
                    put(section, &mut series[position].1, at, *column, row)?;
                }
            }
            Some(column) => {
                let name = text(&row[column]);
                let position = series.iter().position(|(known, _)| *known == name);
                let position = position.unwrap_or_else(|| {
                    series.push((name, Vec::new()));
                    series.len() - 1
                });
                put(section, &mut series[position].1, at, columns.values[0], row)?;
            }
        }
    }
    let max = if kind == ChartKind::Bars { BARS_MAX } else { usize::MAX };
    let left_out = LeftOut { rows: categories.len().saturating_sub(max), undated: 0 };
    categories.truncate(max);
    for (_, values) in &mut series {
        values.resize(categories.len(), None);
    }
    let drawn = series.iter().flat_map(|(_, values)| values).flatten().any(|value| *value != 0.0);
    Ok(drawn.then_some(ChartData {
        title,
        unit: group.currency.clone(),
        shape: Shape::Series { kind, categories, series },
        left_out,
    }))
}

fn timeline(section: &KeptSection, columns: &Columns) -> Option<ChartData> {
    let mut tasks = Vec::new();
    let mut undated = 0;
    for row in &section.rows {
        let day = |at: usize| row[at].shown.as_deref().and_then(|day| parse_date(day.as_bytes()));
        let (Some(begin), Some(end)) = (day(columns.values[0]), day(columns.values[1])) else {
            undated += 1;
            continue;
        };
        if end > begin {
            let series = columns.series.map_or_else(String::new, |at| text(&row[at]));
            tasks.push(Task { name: text(&row[columns.category]), begin, end, series });
        }
    }
    let left_out = LeftOut { rows: tasks.len().saturating_sub(LINES_MAX), undated };
    tasks.truncate(LINES_MAX);
    let drawn = !tasks.is_empty();
    let shape = Shape::Timeline { tasks };
    drawn.then_some(ChartData { title: None, unit: None, shape, left_out })
}

fn heat(section: &KeptSection, columns: &Columns) -> Result<Option<ChartData>, AddsPercents> {
    let by_month = section.view.columns[columns.values[0]].name == MONTH_COLUMN;
    let kind = section.view.columns[columns.values[1]].kind;
    let mut names: Vec<String> = if by_month { section.months.clone() } else { Vec::new() };
    let mut rows: Vec<HeatRow> = Vec::new();
    for row in &section.rows {
        let Some(value) = number(&row[columns.values[1]]) else { continue };
        let column = text(&row[columns.values[0]]);
        let at = position_of(&mut names, column);
        let key = columns.key(row);
        let Some((_, values)) = rows.iter_mut().find(|(known, _)| *known == key) else {
            rows.push((key, vec![(at, value)]));
            continue;
        };
        match values.iter_mut().find(|(column, _)| *column == at) {
            Some((_, known)) => *known = added(Some(*known), value, kind)?,
            None => values.push((at, value)),
        }
    }
    if rows.is_empty() {
        return Ok(None);
    }
    let left_out = LeftOut { rows: rows.len().saturating_sub(LINES_MAX), undated: 0 };
    if left_out.rows > 0 {
        // The least used ones are what a reader looks for; they stay in their order.
        let mean = |(_, values): &HeatRow| {
            values.iter().map(|(_, value)| value).sum::<f64>() / values.len() as f64
        };
        let mut means: Vec<f64> = rows.iter().map(mean).collect();
        means.sort_by(f64::total_cmp);
        let most = means[LINES_MAX - 1];
        let mut as_most = means[..LINES_MAX].iter().filter(|mean| **mean == most).count();
        rows.retain(|row| {
            let (mean, room) = (mean(row), as_most > 0);
            as_most -= usize::from(room && mean == most);
            mean < most || (room && mean == most)
        });
    }
    // Days and months sort as texts.
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|left, right| names[*left].cmp(&names[*right]));
    let placed = |values: &[(usize, f64)]| {
        let of =
            |at: &usize| values.iter().find(|(column, _)| column == at).map(|(_, value)| *value);
        order.iter().map(of).collect()
    };
    let keys: Vec<&Key> = rows.iter().map(|(key, _)| key).collect();
    let labels: Vec<String> = keys.iter().map(|key| label(section, columns, key, &keys)).collect();
    let rows: Vec<_> =
        labels.into_iter().zip(&rows).map(|(name, (_, values))| (name, placed(values))).collect();
    let columns = order.iter().map(|at| names[*at].clone()).collect();
    let unit = (kind == ColumnKind::Percent).then(|| PERCENT.to_owned());
    Ok(Some(ChartData { title: None, unit, shape: Shape::Heat { columns, rows }, left_out }))
}

/// A name, with source and currency where others of the name differ by them.
fn label(section: &KeptSection, columns: &Columns, key: &Key, keys: &[&Key]) -> String {
    let alike = || keys.iter().filter(|other| other.0 == key.0);
    let mut label = key.0.clone();
    for (position, column) in columns.identity.iter().enumerate() {
        let is_id = section.view.columns[*column].is_id();
        if !is_id && alike().any(|other| other.1[position] != key.1[position]) {
            let part = key.1[position].as_deref().unwrap_or(NOTHING);
            label.push_str(&format!(" ({part})"));
        }
    }
    label
}

/// Where an item stands, put at the end if it is new.
fn position_of<T: PartialEq>(items: &mut Vec<T>, item: T) -> usize {
    items.iter().position(|known| *known == item).unwrap_or_else(|| {
        items.push(item);
        items.len() - 1
    })
}

/// Adds the number of a row at its place, however short the list is yet.
fn put(
    section: &KeptSection,
    values: &mut Vec<Option<f64>>,
    at: usize,
    column: usize,
    row: Row<'_>,
) -> Result<(), AddsPercents> {
    values.resize(values.len().max(at + 1), None);
    let Some(value) = number(&row[column]) else { return Ok(()) };
    values[at] = Some(added(values[at], value, section.view.columns[column].kind)?);
    Ok(())
}

/// A number and those of the same place before it; percentages are not added.
fn added(before: Option<f64>, value: f64, kind: ColumnKind) -> Result<f64, AddsPercents> {
    match before {
        None => Ok(value),
        Some(_) if kind == ColumnKind::Percent => Err(AddsPercents),
        Some(before) => Ok(before + value),
    }
}

fn text(cell: &Cell) -> String {
    cell.shown.clone().unwrap_or_else(|| NOTHING.to_owned())
}

fn number(cell: &Cell) -> Option<f64> {
    let exact = cell.exact.as_ref().or(cell.shown.as_ref())?;
    exact.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
    use costlake_engine::report::{MonthState, parse_report};

    use super::*;
    use crate::report::document::Document;

    fn kept(chart: &str, columns: Vec<(&str, ArrayRef)>) -> KeptSection {
        let text = format!("-- section: a\n-- chart: {chart}\nselect 1 as x");
        let definition = parse_report("a", "a.sql", &text).unwrap().sections.remove(0);
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        let open = MonthState { is_open: true, ..MonthState::default() };
        let document = Document::of_months([("2026-06", open)]);
        let view = SectionView::new(&definition, &rows.schema());
        let mut section = KeptSection::new(&view, &document);
        section.keep(&rows, "html").unwrap();
        section
    }

    fn texts(values: &[&str]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    fn numbers(values: &[f64]) -> ArrayRef {
        Arc::new(Float64Array::from(values.to_vec()))
    }

    fn drawn(charts: &[ChartData]) -> (Vec<String>, Vec<Vec<Option<f64>>>) {
        let [ChartData { shape: Shape::Series { categories, series, .. }, .. }] = charts else {
            panic!("{charts:?}")
        };
        (categories.clone(), series.iter().map(|(_, values)| values.clone()).collect())
    }

    #[test]
    fn each_row_is_a_bar_whatever_its_name() {
        let section = kept(
            "bars name: unused",
            vec![("name", texts(&["VM", "VM", "SQL"])), ("unused", numbers(&[30.0, 5.0, 1.0]))],
        );
        let (categories, series) = drawn(&charts(&section).drawn);
        assert_eq!(categories, ["VM", "VM", "SQL"]);
        assert_eq!(series, [[Some(30.0), Some(5.0), Some(1.0)]]);
    }

    #[test]
    fn a_month_without_rows_is_a_gap_and_an_open_one_says_so() {
        let section = kept(
            "columns billing_month: cost",
            vec![("billing_month", texts(&["2026-06"])), ("cost", numbers(&[2.0]))],
        );
        let (categories, series) = drawn(&charts(&section).drawn);
        assert_eq!(categories, ["2026-05", "2026-06 (estimate)"]);
        assert_eq!(series, [[None, Some(2.0)]]);
    }

    #[test]
    fn rows_of_one_place_are_added_and_percentages_are_not() {
        let of = |name: &str| {
            kept(
                &format!("stacked day: {name} by kind"),
                vec![
                    ("day", texts(&["1", "1", "2"])),
                    ("kind", texts(&["a", "a", "b"])),
                    (name, numbers(&[2.0, 3.0, 4.0])),
                ],
            )
        };
        let (categories, series) = drawn(&charts(&of("cost")).drawn);
        assert_eq!(categories, ["1", "2"]);
        assert_eq!(series, [[Some(5.0), None], [None, Some(4.0)]]);
        let none = Charts { drawn: Vec::new(), adds_percents: true };
        assert_eq!(charts(&of("used_pct")), none);
    }

    #[test]
    fn a_grid_adds_amounts_of_one_place_and_no_percentages() {
        let of = |name: &str| {
            kept(
                &format!("heat name: day: {name}"),
                vec![
                    ("name", texts(&["VM", "VM"])),
                    ("day", texts(&["1", "1"])),
                    (name, numbers(&[10.0, 90.0])),
                ],
            )
        };
        let charts_of = charts(&of("used_hours")).drawn;
        let [ChartData { shape: Shape::Heat { rows, .. }, unit: None, .. }] = &charts_of[..] else {
            panic!("{charts_of:?}")
        };
        assert_eq!(rows[0].1, [Some(100.0)]);
        let none = Charts { drawn: Vec::new(), adds_percents: true };
        assert_eq!(charts(&of("used_pct")), none);
    }

    #[test]
    fn a_grid_tells_currencies_apart_and_shows_the_least_used() {
        let section = kept(
            "heat name: day: used_pct",
            vec![
                ("name", texts(&["VM", "VM"])),
                ("billing_currency", texts(&["EUR", "USD"])),
                ("day", texts(&["1", "1"])),
                ("used_pct", numbers(&[50.0, 80.0])),
            ],
        );
        let [ChartData { shape: Shape::Heat { rows, .. }, .. }] = &charts(&section).drawn[..]
        else {
            panic!()
        };
        assert_eq!(rows[0], ("VM (EUR)".to_owned(), vec![Some(50.0)]));
        assert_eq!(rows[1], ("VM (USD)".to_owned(), vec![Some(80.0)]));

        let names: Vec<String> = (0..60).map(|number| format!("r{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        // The later, the less used; ties at the edge.
        let used: Vec<f64> = (0..60).map(|number| 90.0 - f64::from(number / 3)).collect();
        let section = kept(
            "heat name: day: used_pct",
            vec![("name", texts(&names)), ("day", texts(&["1"; 60])), ("used_pct", numbers(&used))],
        );
        let charts = charts(&section).drawn;
        let [chart @ ChartData { shape: Shape::Heat { rows, .. }, .. }] = &charts[..] else {
            panic!()
        };
        assert_eq!((rows.len(), chart.left_out.rows), (40, 20));
        assert_eq!((rows[0].0.as_str(), rows[39].0.as_str()), ("r18", "r59"));
        assert_eq!(
            chart.left_out_text(),
            "The chart shows the least used ones, and 20 more are not drawn."
        );
    }
}
