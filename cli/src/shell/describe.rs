//! What is in the lake, as listings: tables, views, columns.
//!
//! Input: the session's catalog. Output: batches of text, written in the
//! shell's mode as any result is.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::record_batch::RecordBatch;
use costlake_engine::near::nearest;
use costlake_engine::query::{ColumnDescription, TableDescription, TableKind};

use crate::failure::Failure;
use crate::output::type_name;

/// What somebody asks to see. Names may hold `*` or `%`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Tables and views.
    Relations(Option<String>),
    /// Tables.
    Tables(Option<String>),
    /// Views.
    Views(Option<String>),
    /// Columns of one table, or of all.
    Columns(Option<String>),
    /// Columns as text.
    Schema(Option<String>),
    /// The lake itself.
    Lake,
}

impl Listing {
    /// Whether the types of columns are shown, which are looked up only then.
    pub fn shows_types(&self) -> bool {
        matches!(self, Self::Columns(_) | Self::Schema(_))
    }
}

/// A listing, ready to write.
#[derive(Debug)]
pub enum Listed {
    /// Rows for the shell's mode.
    Rows(RecordBatch),
    /// Text as it is.
    Text(String),
}

/// Looks a listing up. `lake` is the lake as the user named it.
pub fn list(
    listing: &Listing,
    catalog: &[TableDescription],
    lake: &str,
) -> Result<Listed, Failure> {
    let relations = |pattern: &Option<String>, kind: Option<TableKind>| {
        let found = matching(catalog, pattern.as_deref())?
            .into_iter()
            .filter(|table| kind.is_none_or(|kind| table.kind == kind));
        let rows: Vec<[String; 3]> = found
            .map(|table| {
                [
                    table.name.clone(),
                    table.kind.name().to_owned(),
                    first_sentence(&table.description),
                ]
            })
            .collect();
        Ok(Listed::Rows(text_batch(["name", "kind", "description"], &rows)))
    };
    match listing {
        Listing::Relations(pattern) => relations(pattern, None),
        Listing::Tables(pattern) => relations(pattern, Some(TableKind::Table)),
        Listing::Views(pattern) => relations(pattern, Some(TableKind::View)),
        Listing::Columns(pattern) => {
            let found = matching(catalog, pattern.as_deref())?;
            Ok(Listed::Rows(columns_of(&found)))
        }
        Listing::Schema(pattern) => {
            let found = matching(catalog, pattern.as_deref())?;
            Ok(Listed::Text(found.iter().map(|table| schema_of(table)).collect()))
        }
        Listing::Lake => {
            let count = |kind| catalog.iter().filter(|table| table.kind == kind).count();
            let row = [
                lake.to_owned(),
                count(TableKind::Table).to_string(),
                count(TableKind::View).to_string(),
            ];
            Ok(Listed::Rows(text_batch(["lake", "tables", "views"], &[row])))
        }
    }
}

/// The tables a name or pattern finds; an error with a near name if none.
fn matching<'a>(
    catalog: &'a [TableDescription],
    pattern: Option<&str>,
) -> Result<Vec<&'a TableDescription>, Failure> {
    let Some(pattern) = pattern else { return Ok(catalog.iter().collect()) };
    let lower = pattern.to_lowercase();
    // `public.savings` and `costlake.public.savings` name the same view.
    let name = lower.rsplit('.').next().unwrap_or(&lower);
    let found: Vec<&TableDescription> =
        catalog.iter().filter(|table| fits(name, &table.name.to_lowercase())).collect();
    if !found.is_empty() || name.contains(['*', '%']) {
        return Ok(found);
    }
    let hint = nearest(name, catalog.iter().map(|table| table.name.as_str())).map_or_else(
        || ".tables lists what there is".to_owned(),
        |near| format!("did you mean {near}? .tables lists what there is"),
    );
    Err(Failure::ShellCommand {
        what: format!("there is no table or view {pattern}"),
        hint: Some(hint),
    })
}

/// Whether a name fits a pattern; `*` and `%` stand for any letters.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once(['*', '%']) {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            (0..=name.len())
                .filter(|at| name.is_char_boundary(*at))
                .any(|at| fits(rest, &name[at..]))
        }),
    }
}

fn columns_of(tables: &[&TableDescription]) -> RecordBatch {
    let several = tables.len() > 1;
    let rows: Vec<[String; 4]> = tables
        .iter()
        .flat_map(|table| {
            table.columns.iter().map(|column| {
                [
                    table.name.clone(),
                    column.name.clone(),
                    type_of(column),
                    column.description.clone(),
                ]
            })
        })
        .collect();
    if several {
        return text_batch(["table", "column", "type", "description"], &rows);
    }
    let rows: Vec<[String; 3]> =
        rows.into_iter().map(|[_, column, data_type, text]| [column, data_type, text]).collect();
    text_batch(["column", "type", "description"], &rows)
}

/// One relation as text: its meaning, then a line per column.
fn schema_of(table: &TableDescription) -> String {
    let name_width = table.columns.iter().map(|column| column.name.len()).max().unwrap_or(0);
    let type_width = table.columns.iter().map(|column| type_of(column).len()).max().unwrap_or(0);
    let mut text = String::new();
    for line in table.description.lines() {
        text.push_str(&format!("-- {line}\n"));
    }
    text.push_str(&format!("{} {} (\n", table.kind.name(), table.name));
    for column in &table.columns {
        let line = format!(
            "  {:name_width$}  {:type_width$}  -- {}",
            column.name,
            type_of(column),
            column.description
        );
        text.push_str(line.trim_end_matches("-- ").trim_end());
        text.push('\n');
    }
    text.push_str(")\n\n");
    text
}

fn type_of(column: &ColumnDescription) -> String {
    column.data_type.as_ref().map(type_name).unwrap_or_default()
}

fn first_sentence(description: &str) -> String {
    description.lines().next().unwrap_or_default().to_owned()
}

fn text_batch<const N: usize>(names: [&str; N], rows: &[[String; N]]) -> RecordBatch {
    let columns = names.iter().enumerate().map(|(position, name)| {
        let cells: StringArray = rows.iter().map(|row| Some(row[position].as_str())).collect();
        (*name, Arc::new(cells) as ArrayRef)
    });
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_any_letters() {
        for (pattern, name, expected) in [
            ("savings", "savings", true),
            ("sav*", "savings", true),
            ("%cost", "actual_cost", true),
            ("a%l_*t", "actual_cost", true),
            ("sav", "savings", false),
            ("*x*", "savings", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern}");
        }
    }
}
