//! What a report is: sections, each one query with what to show of it.
//!
//! Input: the files of `sql/reports/`, compiled in. Output: definitions.

use std::sync::LazyLock;

use super::params::ReportScope;
use super::parse::{ReportFile, parse_files};
use crate::views::views;

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportDefinition {
    /// Its name on the command line and in file names, e.g. `list-vs-cost`.
    pub name: String,
    /// Its title.
    pub title: String,
    /// The question it answers; none where a user's file does not say.
    pub question: Option<String>,
    /// What it can be made of.
    pub scopes: Vec<ReportScope>,
    /// Its parts, in order.
    pub sections: Vec<SectionDefinition>,
}

/// One query of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionDefinition {
    /// Name in file names, e.g. `by_month`.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What a reader must know of it.
    pub note: Option<String>,
    /// How it is drawn.
    pub chart: Option<ChartDefinition>,
    /// What is added up below it.
    pub totals: Vec<TotalDefinition>,
    /// Columns that pages leave out, and workbooks and formats for programs have.
    pub aside: Vec<String>,
    /// Whether people see its rows; where not, the chart stands for them, and formats for
    /// programs hold them all the same.
    pub shows_table: bool,
    /// What it says without rows.
    pub if_empty: IfEmpty,
    /// What must be in the lake for no rows to mean that there is nothing.
    pub needs: Vec<Need>,
    /// Its query.
    pub sql: String,
    /// The file it stands in, as a user would name it.
    pub file: String,
    /// Line of the file the query begins in, from 1.
    pub sql_line: usize,
}

impl SectionDefinition {
    /// Columns that its chart and what is set aside name.
    pub(super) fn shown_columns(&self) -> impl Iterator<Item = &String> {
        let of_chart = self.chart.iter().flat_map(|chart| {
            std::iter::once(&chart.category).chain(&chart.values).chain(&chart.series)
        });
        of_chart.chain(&self.aside)
    }

    /// The words a column may hold, with what they mean, as the first view that the query
    /// names and that has it describes it: `partial: some usage is unpriced; ...`.
    pub fn meanings(&self, column: &str) -> Vec<(String, String)> {
        let words = self.sql.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        // A column may be called like a view.
        let is_read = |word: &str| ["from", "join"].iter().any(|of| word.eq_ignore_ascii_case(of));
        let described = words
            .windows(2)
            .filter(|pair| is_read(pair[0]))
            .filter_map(|pair| views().iter().find(|view| view.name == pair[1]))
            .find_map(|view| view.column_description(column));
        let Some(described) = described else { return Vec::new() };
        let meaning = |part: &str| {
            let (word, meaning) = part.split_once(": ")?;
            let word = word.trim();
            let is_word =
                !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            is_word.then(|| (word.to_owned(), meaning.trim().to_owned()))
        };
        described.split(';').filter_map(meaning).collect()
    }
}

/// What a section without rows says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfEmpty {
    /// A sentence.
    Say(String),
    /// Nothing, not even its title.
    LeaveOut,
}

/// A line of a section's totals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TotalDefinition {
    /// The sum of a column.
    Sum(String),
    /// `column = 100 * numerator / denominator`, both of them sums.
    Percent {
        /// The column it stands in.
        column: String,
        /// A column that is summed, too.
        numerator: String,
        /// Likewise.
        denominator: String,
    },
}

impl TotalDefinition {
    /// The column it stands in.
    pub fn column(&self) -> &str {
        match self {
            Self::Sum(column) | Self::Percent { column, .. } => column,
        }
    }
}

/// How a section is drawn. Names are columns of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartDefinition {
    /// The kind.
    pub kind: ChartKind,
    /// What stands along the axis: a group of columns, a row.
    pub category: String,
    /// What is drawn of it; of heat maps the column and the value, of timelines begin and
    /// end.
    pub values: Vec<String>,
    /// What tells series of one value apart.
    pub series: Option<String>,
}

/// Kinds of charts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartKind {
    /// Upright columns side by side.
    Columns,
    /// Upright columns on top of each other.
    Stacked,
    /// Lying bars side by side.
    Bars,
    /// Lines.
    Lines,
    /// Lying bars from a day to a day.
    Timeline,
    /// A grid of colored cells.
    Heat,
}

impl ChartKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Columns, Self::Stacked, Self::Bars, Self::Lines, Self::Timeline, Self::Heat];

    /// Name in a section's header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Columns => "columns",
            Self::Stacked => "stacked",
            Self::Bars => "bars",
            Self::Lines => "lines",
            Self::Timeline => "timeline",
            Self::Heat => "heat",
        }
    }
}

/// What a section cannot tell anything without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The actual cost of the month.
    ActualCost,
    /// The amortized cost of the month.
    AmortizedCost,
    /// A source that sees more than a subscription.
    AccountScope,
}

impl Need {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::ActualCost, Self::AmortizedCost, Self::AccountScope];

    /// Name in a section's header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ActualCost => "actual cost",
            Self::AmortizedCost => "amortized cost",
            Self::AccountScope => "account scope",
        }
    }
}

macro_rules! report_files {
    ($($name:literal),* $(,)?) => {
        &[$(ReportFile {
            name: $name,
            text: include_str!(concat!("../../../sql/reports/", $name, ".sql")),
        }),*]
    };
}

/// Every report, in the order they are listed. A file added to `sql/reports/` is added here.
const REPORT_FILES: &[ReportFile<'static>] = report_files![
    "savings",
    "rate_reduction",
    "commitments",
    "list_vs_cost",
    "customers",
    "unused",
    "coverage",
    "reconcile",
    "partner_earned_credit",
    "focus",
];

/// The reports of the catalog.
pub fn reports() -> &'static [ReportDefinition] {
    static REPORTS: LazyLock<Vec<ReportDefinition>> = LazyLock::new(|| {
        parse_files(REPORT_FILES).expect("a test parses every file of sql/reports/")
    });
    &REPORTS
}
