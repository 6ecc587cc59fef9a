//! What a chart shows: series of a section's rows, one chart per source and currency.
//!
//! Input: kept rows. Output: [`ChartData`]. Numbers are rounded to `f64` here and only
//! here: for lengths and colors, never for text.

use costlake_engine::model::date::parse_date;
use costlake_engine::report::{ChartDefinition, ChartKind};

use crate::report::kept::KeptSection;
use crate::report::section::{Cell, NOTHING};

/// Bars of one chart; the first ones, as sections put the largest first.
const BARS_MAX: usize = 12;

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
    /// Categories that are left out.
    pub left_out: usize,
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
    /// Percent in a grid.
    Heat {
        /// From left to right.
        columns: Vec<String>,
        /// From top to bottom: a name, and percent per column.
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

/// The charts of a section; none where there is nothing to draw.
pub fn charts(section: &KeptSection) -> Vec<ChartData> {
    let Some(definition) = &section.view.definition.chart else { return Vec::new() };
    let Some(columns) = Columns::of(section, definition) else { return Vec::new() };
    match definition.kind {
        ChartKind::Timeline => timeline(section, &columns).into_iter().collect(),
        ChartKind::Heat => heat(section, &columns).into_iter().collect(),
        kind => {
            let groups = groups(section);
            let several_sources = groups.iter().any(|group| group.source != groups[0].source);
            let several_currencies =
                groups.iter().any(|group| group.currency != groups[0].currency);
            let chart = |group: &Group<'_>| {
                let title = group.title(several_sources, several_currencies);
                series(section, &columns, kind, title, group)
            };
            groups.iter().filter_map(chart).collect()
        }
    }
}

/// Positions of the columns a chart names.
struct Columns {
    category: usize,
    /// Tells rows of one name apart.
    identity: Option<usize>,
    values: Vec<usize>,
    series: Option<usize>,
}

impl Columns {
    fn of(section: &KeptSection, definition: &ChartDefinition) -> Option<Self> {
        let at = |name: &str| section.view.position(name);
        Some(Self {
            category: at(&definition.category)?,
            identity: at("benefit_id"),
            values: definition.values.iter().map(|name| at(name)).collect::<Option<_>>()?,
            series: match &definition.series {
                Some(name) => Some(at(name)?),
                None => None,
            },
        })
    }

    /// What a row is drawn by.
    fn key(&self, row: Row<'_>) -> Key {
        (text(&row[self.category]), self.identity.and_then(|at| row[at].shown.clone()))
    }
}

type Row<'a> = &'a [Cell];

/// A name, and what tells it from another of that name.
type Key = (String, Option<String>);

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
) -> Option<ChartData> {
    let mut keys: Vec<Key> = Vec::new();
    let mut series: Vec<(String, Vec<Option<f64>>)> = match columns.series {
        Some(_) => Vec::new(),
        None => columns
            .values
            .iter()
            .map(|at| (section.view.columns[*at].label.clone(), Vec::new()))
            .collect(),
    };
    for row in &group.rows {
        let key = columns.key(row);
        let at = position_of(&mut keys, key);
        match columns.series {
            None => {
                for (position, column) in columns.values.iter().enumerate() {
                    put(&mut series[position].1, at, number(&row[*column]));
                }
            }
            Some(column) => {
                let name = text(&row[column]);
                let position = series.iter().position(|(known, _)| *known == name);
                let position = position.unwrap_or_else(|| {
                    series.push((name, Vec::new()));
                    series.len() - 1
                });
                put(&mut series[position].1, at, number(&row[columns.values[0]]));
            }
        }
    }
    let max = if kind == ChartKind::Bars { BARS_MAX } else { usize::MAX };
    let left_out = keys.len().saturating_sub(max);
    keys.truncate(max);
    for (_, values) in &mut series {
        values.resize(keys.len(), None);
    }
    let drawn = series.iter().flat_map(|(_, values)| values).flatten().any(|value| *value != 0.0);
    let categories = keys.into_iter().map(|(name, _)| name).collect();
    drawn.then_some(ChartData {
        title,
        unit: group.currency.clone(),
        shape: Shape::Series { kind, categories, series },
        left_out,
    })
}

fn timeline(section: &KeptSection, columns: &Columns) -> Option<ChartData> {
    let mut tasks = Vec::new();
    for row in &section.rows {
        let day = |at: usize| row[at].shown.as_deref().and_then(|day| parse_date(day.as_bytes()));
        let (Some(begin), Some(end)) = (day(columns.values[0]), day(columns.values[1])) else {
            continue;
        };
        if end > begin {
            let series = columns.series.map_or_else(String::new, |at| text(&row[at]));
            tasks.push(Task { name: text(&row[columns.category]), begin, end, series });
        }
    }
    let left_out = tasks.len().saturating_sub(LINES_MAX);
    tasks.truncate(LINES_MAX);
    let drawn = !tasks.is_empty();
    let shape = Shape::Timeline { tasks };
    drawn.then_some(ChartData { title: None, unit: None, shape, left_out })
}

fn heat(section: &KeptSection, columns: &Columns) -> Option<ChartData> {
    let mut names: Vec<String> = Vec::new();
    let mut rows: Vec<HeatRow> = Vec::new();
    for row in &section.rows {
        let Some(value) = number(&row[columns.values[1]]) else { continue };
        let column = text(&row[columns.values[0]]);
        let at = position_of(&mut names, column);
        let key = columns.key(row);
        match rows.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push((at, value)),
            None => rows.push((key, vec![(at, value)])),
        }
    }
    let left_out = rows.len().saturating_sub(LINES_MAX);
    rows.truncate(LINES_MAX);
    // Days and months sort as texts.
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|left, right| names[*left].cmp(&names[*right]));
    let placed = |values: &[(usize, f64)]| {
        let of =
            |at: &usize| values.iter().find(|(column, _)| column == at).map(|(_, value)| *value);
        order.iter().map(of).collect()
    };
    let rows: Vec<_> =
        rows.iter().map(|((name, _), values)| (name.clone(), placed(values))).collect();
    let columns = order.iter().map(|at| names[*at].clone()).collect();
    let unit = Some("%".to_owned());
    (!rows.is_empty()).then_some(ChartData {
        title: None,
        unit,
        shape: Shape::Heat { columns, rows },
        left_out,
    })
}

/// Where an item stands, put at the end if it is new.
fn position_of<T: PartialEq>(items: &mut Vec<T>, item: T) -> usize {
    items.iter().position(|known| *known == item).unwrap_or_else(|| {
        items.push(item);
        items.len() - 1
    })
}

/// Puts a number at its place, however short the list is yet.
fn put(values: &mut Vec<Option<f64>>, at: usize, value: Option<f64>) {
    values.resize(values.len().max(at + 1), None);
    values[at] = value;
}

fn text(cell: &Cell) -> String {
    cell.shown.clone().unwrap_or_else(|| NOTHING.to_owned())
}

fn number(cell: &Cell) -> Option<f64> {
    let exact = cell.exact.as_ref().or(cell.shown.as_ref())?;
    exact.replace(',', "").parse().ok()
}
