//! Reads a report from SQL with comments.
//!
//! ```text
//! -- report: Savings
//! -- question: How much below list price ...?
//! -- scopes: source, customer_tenant
//!
//! -- section: by_month
//! -- title: By month
//! -- chart: columns billing_month: list_cost, cost
//! -- totals: list_cost, savings, savings_pct = 100 * savings / list_cost
//! -- if empty: leave out
//! select ...;
//! ```
//!
//! A section named `savings/by_month` is that of another report of the folder. All of the
//! comments may be left out: then each statement is a section. Input: text. Output:
//! [`ReportDefinition`]. Never plans the SQL.

use super::definition::{
    ChartDefinition, ChartKind, IfEmpty, Need, ReportDefinition, SectionDefinition, TotalDefinition,
};
use super::params::ReportScope;
use crate::near::nearest;
use crate::query::split_statements;
use crate::views::HeaderError;
use crate::views::header::Header;

/// What a section without rows says where it does not say anything else.
const IF_EMPTY_DEFAULT: &str = "No rows.";

const SECTION: &str = "-- section:";

/// A file of a report.
pub(super) struct ReportFile<'a> {
    /// Its name, without folder and ending.
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

impl ReportFile<'_> {
    /// Where it is in the sources, for messages.
    fn path(&self) -> String {
        format!("sql/reports/{}.sql", self.name)
    }
}

/// A section, or the name of another report's.
enum Part {
    Own(Box<SectionDefinition>),
    Of { report: String, section: String, line: usize },
}

/// Reads reports that may hold each other's sections.
pub(super) fn parse_files(files: &[ReportFile<'_>]) -> Result<Vec<ReportDefinition>, HeaderError> {
    let read: Vec<(ReportDefinition, Vec<Part>)> = files
        .iter()
        .map(|file| read(file.name, &file.path(), file.text))
        .collect::<Result<_, _>>()?;
    let own = |report: &str, section: &str| {
        let of = |(definition, _): &&(ReportDefinition, Vec<Part>)| {
            definition.name == report_name(report)
        };
        read.iter().find(of)?.1.iter().find_map(|part| match part {
            Part::Own(own) if own.name == section => Some(SectionDefinition::clone(own)),
            _ => None,
        })
    };
    let filled = read.iter().zip(files).map(|((definition, parts), file)| {
        let sections = parts.iter().map(|part| match part {
            Part::Own(section) => Ok(SectionDefinition::clone(section)),
            Part::Of { report, section, line } => own(report, section).ok_or_else(|| {
                let reason = format!("there is no section {report}/{section}");
                HeaderError { file: file.path(), line: *line, reason }
            }),
        });
        Ok(ReportDefinition { sections: sections.collect::<Result<_, _>>()?, ..definition.clone() })
    });
    filled.collect()
}

/// Reads one report from a user's file. `name` is what the report is called, `file` the
/// file for messages.
pub fn parse_report(name: &str, file: &str, text: &str) -> Result<ReportDefinition, HeaderError> {
    // Editors of some systems put a mark before the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (definition, parts) = read(name, file, text)?;
    let known = super::reports();
    let sections = parts.into_iter().map(|part| match part {
        Part::Own(section) => Ok(*section),
        Part::Of { report, section, line } => {
            let found = known
                .iter()
                .filter(|known| known.name == report_name(&report))
                .flat_map(|known| &known.sections)
                .find(|known| known.name == section);
            found.cloned().ok_or_else(|| HeaderError {
                file: file.to_owned(),
                line,
                reason: format!("there is no section {report}/{section}"),
            })
        }
    });
    Ok(ReportDefinition { sections: sections.collect::<Result<_, _>>()?, ..definition })
}

/// The name a report has on the command line.
fn report_name(name: &str) -> String {
    name.replace('_', "-")
}

fn read(name: &str, file: &str, text: &str) -> Result<(ReportDefinition, Vec<Part>), HeaderError> {
    let pieces = pieces(text);
    let (_, head) = pieces[0];
    let sectioned = pieces.len() > 1;
    let mut definition = ReportDefinition {
        name: report_name(name),
        title: name.to_owned(),
        question: None,
        scopes: ReportScope::ALL.to_vec(),
        sections: Vec::new(),
    };
    // Without sections the comments before the first statement are anybody's.
    let has_header = head.lines().any(|line| line.starts_with("-- report:"));
    if sectioned || has_header {
        let mut header = Header::read_part(file, head, 1)?;
        if let Some((title, _)) = header.take_if_there("report")? {
            definition.title = title;
        }
        definition.question = header.take_if_there("question")?.map(|(question, _)| question);
        if let Some((names, line)) = header.take_if_there("scopes")? {
            definition.scopes = scopes(&names).map_err(|reason| header.error(line, reason))?;
        }
        header.nothing_else()?;
        if sectioned && !header.sql.is_empty() {
            let reason = "a query before the first \"-- section:\"".to_owned();
            return Err(header.error(header.sql_line, reason));
        }
    }
    let parts = match sectioned {
        true => pieces[1..].iter().map(|(line, piece)| section(file, piece, *line)).collect(),
        false => statements(file, text),
    }?;
    // A section of another report comes under its own name.
    let mut names: Vec<&str> = Vec::new();
    for part in &parts {
        let (name, line) = match part {
            Part::Own(section) => (section.name.as_str(), section.sql_line),
            Part::Of { section, line, .. } => (section.as_str(), *line),
        };
        if names.contains(&name) {
            let reason = format!("there are two sections {name}");
            return Err(HeaderError { file: file.to_owned(), line, reason });
        }
        names.push(name);
    }
    if parts.is_empty() {
        let reason = "there is no query".to_owned();
        return Err(HeaderError { file: file.to_owned(), line: 1, reason });
    }
    Ok((definition, parts))
}

/// The text before the first section, and each section, with the line it begins in. Lines
/// decide, not tokens: a quote that is never closed is then told in its own section.
fn pieces(text: &str) -> Vec<(usize, &str)> {
    let mut pieces = Vec::new();
    let (mut begin, mut begin_line, mut at) = (0, 1, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if line.starts_with(SECTION) {
            pieces.push((begin_line, &text[begin..at]));
            (begin, begin_line) = (at, index + 1);
        }
        at += line.len();
    }
    pieces.push((begin_line, &text[begin..]));
    pieces
}

fn scopes(names: &str) -> Result<Vec<ReportScope>, String> {
    names
        .split(',')
        .map(|name| name.trim().parse::<ReportScope>().map_err(|e| e.to_string()))
        .collect()
}

fn section(file: &str, piece: &str, line: usize) -> Result<Part, HeaderError> {
    let mut header = Header::read_part(file, piece, line)?;
    let name = header.take("section")?;
    if let Some((report, section)) = name.split_once('/') {
        header.nothing_else()?;
        if !header.sql.is_empty() {
            let reason = format!("{name} brings its own query");
            return Err(header.error(header.sql_line, reason));
        }
        return Ok(Part::Of { report: report.to_owned(), section: section.to_owned(), line });
    }
    header.need_query()?;
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        let reason = format!("\"{name}\" is no name: letters, digits and _ make one");
        return Err(header.error(line, reason));
    }
    let one = split_statements(&header.sql);
    if let Ok(statements) = &one
        && statements.len() != 1
    {
        let reason = format!("a section is one statement, here are {}", statements.len());
        return Err(header.error(header.sql_line, reason));
    }
    let title = header.take_if_there("title")?.map(|(title, _)| title);
    let note = header.take_if_there("note")?.map(|(note, _)| note);
    let chart = match header.take_if_there("chart")? {
        Some((text, line)) => Some(chart(&text).map_err(|reason| header.error(line, reason))?),
        None => None,
    };
    let totals = match header.take_if_there("totals")? {
        Some((text, line)) => totals(&text).map_err(|reason| header.error(line, reason))?,
        None => Vec::new(),
    };
    let aside = header.take_if_there("aside")?.map_or_else(Vec::new, |(names, _)| {
        names.split(',').map(|name| name.trim().to_owned()).collect()
    });
    let shows_table = !header.take_exactly("table", "hidden")?;
    let if_empty = match header.take_if_there("if empty")? {
        Some((text, _)) if text == "leave out" => IfEmpty::LeaveOut,
        Some((text, _)) => IfEmpty::Say(text),
        None => IfEmpty::Say(IF_EMPTY_DEFAULT.to_owned()),
    };
    let needs = match header.take_if_there("needs")? {
        Some((text, line)) => needs(&text).map_err(|reason| header.error(line, reason))?,
        None => Vec::new(),
    };
    header.nothing_else()?;
    Ok(Part::Own(Box::new(SectionDefinition {
        title: title.unwrap_or_else(|| name.replace('_', " ")),
        name,
        note,
        chart,
        totals,
        aside,
        shows_table,
        if_empty,
        needs,
        sql: header.sql,
        file: file.to_owned(),
        sql_line: header.sql_line,
    })))
}

/// A file without sections: one of each statement.
fn statements(file: &str, text: &str) -> Result<Vec<Part>, HeaderError> {
    let statements = split_statements(text).map_err(|error| HeaderError {
        file: file.to_owned(),
        line: error
            .position()
            .map_or(1, |position| usize::try_from(position.line).unwrap_or(usize::MAX)),
        reason: error.to_string(),
    })?;
    let several = statements.len() > 1;
    let parts = statements.iter().enumerate().map(|(index, statement)| {
        let line = 1 + text[..statement.offset].matches('\n').count();
        let number = index + 1;
        Part::Own(Box::new(SectionDefinition {
            name: if several { format!("result_{number}") } else { "result".to_owned() },
            title: if several { format!("Result {number}") } else { "Result".to_owned() },
            note: None,
            chart: None,
            totals: Vec::new(),
            aside: Vec::new(),
            shows_table: true,
            if_empty: IfEmpty::Say(IF_EMPTY_DEFAULT.to_owned()),
            needs: Vec::new(),
            sql: statement.text.to_owned(),
            file: file.to_owned(),
            sql_line: line,
        }))
    });
    Ok(parts.collect())
}

/// `KIND category: value, value by series`.
fn chart(text: &str) -> Result<ChartDefinition, String> {
    const FORM: &str =
        "write \"KIND category: value, value\" or \"KIND category: value by series\"";
    let (kind, rest) = text.split_once(' ').ok_or(FORM)?;
    let kind = ChartKind::ALL.into_iter().find(|known| known.name() == kind).ok_or_else(|| {
        let names = ChartKind::ALL.map(ChartKind::name);
        match nearest(kind, names) {
            Some(near) => format!("there is no chart \"{kind}\"; is {near} meant?"),
            None => format!("there is no chart \"{kind}\": there are {}", names.join(", ")),
        }
    })?;
    let (rest, series) = match rest.split_once(" by ") {
        Some((rest, series)) => (rest, Some(series.trim().to_owned())),
        None => (rest, None),
    };
    let (category, values) = rest.split_once(':').ok_or(FORM)?;
    let values: Vec<String> =
        values.split([',', ':']).map(|value| value.trim().to_owned()).collect();
    let category = category.trim().to_owned();
    if category.is_empty() || values.iter().any(String::is_empty) {
        return Err(FORM.to_owned());
    }
    let two = matches!(kind, ChartKind::Timeline | ChartKind::Heat);
    if two && values.len() != 2 {
        return Err(format!("a {} has a category and two columns", kind.name()));
    }
    if !two && series.is_some() && values.len() != 1 {
        return Err("with \"by\" there is one value".to_owned());
    }
    Ok(ChartDefinition { kind, category, values, series })
}

/// `amortized cost, account scope`.
fn needs(text: &str) -> Result<Vec<Need>, String> {
    let need = |name: &str| {
        let known = Need::ALL.into_iter().find(|known| known.name() == name);
        let names = Need::ALL.map(Need::name);
        known.ok_or_else(|| format!("nothing is called \"{name}\": there are {}", names.join(", ")))
    };
    text.split(',').map(|name| need(name.trim())).collect()
}

/// `column, column = 100 * column / column`.
fn totals(text: &str) -> Result<Vec<TotalDefinition>, String> {
    const FORM: &str = "write \"column, column, percent = 100 * column / column\"";
    let mut totals = Vec::new();
    for item in text.split(',').map(str::trim) {
        let total = match item.split_once('=') {
            None => TotalDefinition::Sum(item.to_owned()),
            Some((column, ratio)) => {
                let ratio = ratio.trim().strip_prefix("100 *").ok_or(FORM)?;
                let (numerator, denominator) = ratio.split_once('/').ok_or(FORM)?;
                TotalDefinition::Percent {
                    column: column.trim().to_owned(),
                    numerator: numerator.trim().to_owned(),
                    denominator: denominator.trim().to_owned(),
                }
            }
        };
        if total.column().is_empty() {
            return Err(FORM.to_owned());
        }
        totals.push(total);
    }
    for total in &totals {
        if let TotalDefinition::Percent { numerator, denominator, .. } = total {
            for part in [numerator, denominator] {
                if !totals.contains(&TotalDefinition::Sum(part.clone())) {
                    return Err(format!("{part} is no total"));
                }
            }
        }
    }
    Ok(totals)
}

#[cfg(test)]
mod tests;
