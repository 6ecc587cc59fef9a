//! The views and checks of the repository's `sql/` folder, compiled in.
//!
//! A view's header has a `question`, its `grain`, its `sources` and `columns`. A view that
//! brings its own rows has the sources `none`. A view whose rows of a source and month
//! come from that source and month alone may say `-- rollup: source, billing_month`: its
//! results are kept (see `query::rollups`). A check's header needs a `question` only.

use std::sync::LazyLock;

use super::header::{Header, HeaderError};

/// A file of the repository's `sql/` folder.
struct SqlFile {
    /// Path in `sql/`, without the ending.
    path: &'static str,
    text: &'static str,
}

macro_rules! sql_files {
    ($($path:literal),* $(,)?) => {
        &[$(SqlFile { path: $path, text: include_str!(concat!("../../../sql/", $path, ".sql")) }),*]
    };
}

/// Every view, in any order. A file added to `sql/` is added here.
const VIEW_FILES: &[SqlFile] = sql_files![
    "staging/adjusted_rows",
    "staging/commitment_days",
    "staging/commitment_rows",
    "staging/commitment_totals",
    "staging/commitment_usage",
    "staging/cost_rows",
    "staging/current_runs",
    "staging/month_scopes",
    "staging/on_demand_rates",
    "staging/price_sheet_rates",
    "staging/rate_totals",
    "staging/reservation_days",
    "staging/reservation_hours",
    "staging/reservation_orders",
    "staging/scope_commitment_months",
    "staging/scope_commitments",
    "staging/scope_costs",
    "staging/scope_coverage",
    "staging/scope_earned_credit",
    "staging/scope_names",
    "staging/scope_rate_savings",
    "staging/scope_savings",
    "staging/scope_totals",
    "staging/scope_types",
    "staging/scope_unpriced_cost",
    "staging/service_categories",
    "staging/source_scopes",
    "marts/commitment_coverage",
    "marts/commitment_utilization",
    "marts/commitment_utilization_monthly",
    "marts/commitments",
    "marts/consolidated_savings",
    "marts/focus_1_2",
    "marts/invoice_totals",
    "marts/list_vs_cost",
    "marts/margin",
    "marts/months",
    "marts/partner_earned_credit",
    "marts/priced_cost",
    "marts/rate_reduction_savings",
    "marts/reallocated_cost",
    "marts/restatements",
    "marts/savings",
    "marts/scope_overlaps",
    "marts/scopes",
    "marts/unpriced_cost",
    "marts/unused_commitments",
];

/// Every check, in the order they are run.
const CHECK_FILES: &[SqlFile] = sql_files![
    "checks/rows_as_promised",
    "checks/rows_as_loaded",
    "checks/days_as_loaded",
    "checks/same_without_commitments",
    "checks/scopes_add_up",
    "checks/rate_types_add_up",
    "checks/commitments_amortized",
    "checks/commitments_by_scope",
    "checks/purchases_shared_whole",
    "checks/moves_sum_to_zero",
];

/// What the results of a view can be kept by.
const ROLLUP_KEYS: &str = "source, billing_month";

/// A column as a view's header describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewColumn {
    /// Its name.
    pub name: String,
    /// What it means, with its unit.
    pub description: String,
}

/// A view of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewDefinition {
    /// The file's name.
    pub name: String,
    /// The question it answers.
    pub question: String,
    /// What one row is.
    pub grain: String,
    /// Tables and views it reads.
    pub sources: Vec<String>,
    /// Its columns, in order.
    pub columns: Vec<ViewColumn>,
    /// Whether its results are kept per source and month.
    pub is_rollup: bool,
    /// Its query.
    pub sql: String,
}

impl ViewDefinition {
    /// What a column means.
    pub fn column_description(&self, column: &str) -> Option<&str> {
        let known = self.columns.iter().find(|known| known.name == column)?;
        Some(&known.description)
    }
}

/// A statement that must return no rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckDefinition {
    /// The file's name.
    pub name: String,
    /// What the rows it returns would mean.
    pub question: String,
    /// Its query.
    pub sql: String,
}

/// The views of the catalog.
pub fn views() -> &'static [ViewDefinition] {
    static VIEWS: LazyLock<Vec<ViewDefinition>> = LazyLock::new(|| {
        let parse = |file: &SqlFile| {
            parse_view(file_stem(file.path), file.text).expect("a test parses every file of sql/")
        };
        VIEW_FILES.iter().map(parse).collect()
    });
    &VIEWS
}

/// The checks, which must return no rows.
pub fn checks() -> &'static [CheckDefinition] {
    static CHECKS: LazyLock<Vec<CheckDefinition>> = LazyLock::new(|| {
        let parse = |file: &SqlFile| {
            parse_check(file_stem(file.path), file.text).expect("a test parses every file of sql/")
        };
        CHECK_FILES.iter().map(parse).collect()
    });
    &CHECKS
}

fn file_stem(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Reads a view's file.
pub fn parse_view(name: &str, text: &str) -> Result<ViewDefinition, HeaderError> {
    let mut header = Header::read(&format!("{name}.sql"), text)?;
    header.need_query()?;
    let mut need = |key: &str| header.take(key);
    let question = need("question")?;
    let grain = need("grain")?;
    let sources = need("sources")?;
    let columns = header.columns()?;
    let is_rollup = header.take_exactly("rollup", ROLLUP_KEYS)?;
    header.nothing_else()?;
    Ok(ViewDefinition {
        name: name.to_owned(),
        question,
        grain,
        sources: match sources.as_str() {
            "none" => Vec::new(),
            names => names.split(',').map(|source| source.trim().to_owned()).collect(),
        },
        columns,
        is_rollup,
        sql: header.sql,
    })
}

/// Reads a check's file: its header needs a `question` only.
pub fn parse_check(name: &str, text: &str) -> Result<CheckDefinition, HeaderError> {
    let mut header = Header::read(&format!("{name}.sql"), text)?;
    header.need_query()?;
    let question = header.take("question")?;
    Ok(CheckDefinition { name: name.to_owned(), question, sql: header.sql })
}

#[cfg(test)]
mod tests;
