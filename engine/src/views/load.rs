//! Reads the header and body of SQL files.
//!
//! A view file begins with comment lines:
//!
//! ```text
//! -- question: List price against cost price, per ...?
//! -- grain: source, billing_month, ...
//! -- sources: amortized_cost, ingest_runs
//! -- columns:
//! --   list_cost: list cost, billing currency
//! select ...
//! ```
//!
//! A line indented deeper than its entry continues it. A view that brings its own
//! rows has the sources `none`. A view whose rows of a source and month come from that
//! source and month alone may say `-- rollup: source, billing_month`: its results are
//! kept (see `query::rollups`).

use std::sync::LazyLock;

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
    "staging/scope_names",
    "staging/scope_totals",
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

/// A SQL file whose header cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}.sql, line {line}: {reason}")]
pub struct ViewError {
    /// File, without its ending.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
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
pub fn parse_view(name: &str, text: &str) -> Result<ViewDefinition, ViewError> {
    let mut header = Header::read(name, text)?;
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
pub fn parse_check(name: &str, text: &str) -> Result<CheckDefinition, ViewError> {
    let mut header = Header::read(name, text)?;
    let question = header.take("question")?;
    Ok(CheckDefinition { name: name.to_owned(), question, sql: header.sql })
}

/// One `key: value` of a header, with what is indented below it.
struct Entry {
    line: usize,
    indent: usize,
    key: String,
    value: String,
}

struct Header {
    file: String,
    entries: Vec<Entry>,
    sql: String,
}

impl Header {
    fn read(file: &str, text: &str) -> Result<Self, ViewError> {
        let error = |line: usize, reason: &str| ViewError {
            file: file.to_owned(),
            line,
            reason: reason.to_owned(),
        };
        let mut entries: Vec<Entry> = Vec::new();
        let mut header_lines = 0;
        for (index, line) in text.lines().enumerate() {
            let Some(comment) = line.strip_prefix("--") else { break };
            header_lines = index + 1;
            let content = comment.trim();
            if content.is_empty() {
                continue;
            }
            let indent = comment.len() - comment.trim_start().len();
            // Deeper than the entry it follows, unless that one opens a list.
            let continues = entries
                .last()
                .is_some_and(|entry| indent > entry.indent && !entry.value.is_empty());
            if continues {
                let entry = entries.last_mut().expect("there is a last entry");
                entry.value.push(' ');
                entry.value.push_str(content);
                continue;
            }
            let (key, value) = content
                .split_once(':')
                .ok_or_else(|| error(index + 1, "expected \"name: description\""))?;
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            entries.push(Entry { line: index + 1, indent, key, value });
        }
        let sql: String =
            text.lines().skip(header_lines).collect::<Vec<_>>().join("\n").trim().to_owned();
        let sql = sql.strip_suffix(';').unwrap_or(&sql).to_owned();
        if sql.is_empty() {
            return Err(error(header_lines + 1, "there is no query"));
        }
        Ok(Self { file: file.to_owned(), entries, sql })
    }

    fn error(&self, line: usize, reason: String) -> ViewError {
        ViewError { file: self.file.clone(), line, reason }
    }

    fn take(&mut self, key: &str) -> Result<String, ViewError> {
        let position = self
            .entries
            .iter()
            .position(|entry| entry.key == key)
            .ok_or_else(|| self.error(1, format!("the header lacks \"{key}:\"")))?;
        let entry = self.entries.remove(position);
        if entry.value.is_empty() {
            return Err(self.error(entry.line, format!("\"{key}:\" is empty")));
        }
        Ok(entry.value)
    }

    /// Whether there is such an entry; it can say one thing only.
    fn take_exactly(&mut self, key: &str, value: &str) -> Result<bool, ViewError> {
        let Some(entry) = self.entries.iter().position(|entry| entry.key == key) else {
            return Ok(false);
        };
        let entry = self.entries.remove(entry);
        if entry.value == value {
            return Ok(true);
        }
        Err(self.error(entry.line, format!("\"{key}:\" can only be \"{value}\"")))
    }

    /// Takes `columns:` and the entries indented below it.
    fn columns(&mut self) -> Result<Vec<ViewColumn>, ViewError> {
        let position = self
            .entries
            .iter()
            .position(|entry| entry.key == "columns")
            .ok_or_else(|| self.error(1, "the header lacks \"columns:\"".to_owned()))?;
        let columns_entry = self.entries.remove(position);
        let below = self.entries[position..]
            .iter()
            .take_while(|entry| entry.indent > columns_entry.indent)
            .count();
        let mut columns: Vec<ViewColumn> = Vec::with_capacity(below);
        for entry in self.entries.drain(position..position + below) {
            let fault = if entry.value.is_empty() {
                Some("is not described")
            } else if columns.iter().any(|column| column.name == entry.key) {
                Some("is described twice")
            } else {
                None
            };
            if let Some(fault) = fault {
                let reason = format!("column {} {fault}", entry.key);
                return Err(ViewError { file: self.file.clone(), line: entry.line, reason });
            }
            columns.push(ViewColumn { name: entry.key, description: entry.value });
        }
        if columns.is_empty() {
            return Err(self.error(columns_entry.line, "\"columns:\" is empty".to_owned()));
        }
        Ok(columns)
    }

    fn nothing_else(&self) -> Result<(), ViewError> {
        match self.entries.first() {
            Some(entry) => {
                Err(self.error(entry.line, format!("\"{}:\" is not known here", entry.key)))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
