//! Reads the comment lines that a SQL file begins with.
//!
//! ```text
//! -- question: List price against cost price, per ...?
//! -- columns:
//! --   list_cost: list cost, billing currency
//! select ...
//! ```
//!
//! Input: text. Output: its entries by name, and the query below them. A line indented
//! deeper than its entry continues it. Never looks at the query.

use super::load::ViewColumn;
use crate::near::nearest;

/// A SQL file whose header cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {reason}")]
pub struct HeaderError {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

/// One `key: value` of a header, with what is indented below it.
struct Entry {
    line: usize,
    indent: usize,
    key: String,
    value: String,
}

/// Entries that were not taken yet, and what stands below them.
pub(crate) struct Header {
    file: String,
    first_line: usize,
    entries: Vec<Entry>,
    /// What was asked for, and so is known.
    asked: Vec<String>,
    /// The query, without the semicolon at its end; may be empty.
    pub(crate) sql: String,
    /// Line of the file the query begins in, from 1.
    pub(crate) sql_line: usize,
}

impl Header {
    /// Reads a whole file.
    pub(crate) fn read(file: &str, text: &str) -> Result<Self, HeaderError> {
        Self::read_part(file, text, 1)
    }

    /// Reads a part of a file that begins in this line.
    pub(crate) fn read_part(
        file: &str,
        text: &str,
        first_line: usize,
    ) -> Result<Self, HeaderError> {
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
            let (key, value) = content.split_once(':').ok_or_else(|| HeaderError {
                file: file.to_owned(),
                line: first_line + index,
                reason: "expected \"name: description\"".to_owned(),
            })?;
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            entries.push(Entry { line: first_line + index, indent, key, value });
        }
        let below: Vec<&str> = text.lines().skip(header_lines).collect();
        let blank = below.iter().take_while(|line| line.trim().is_empty()).count();
        let sql = below.join("\n").trim().to_owned();
        let sql = sql.strip_suffix(';').unwrap_or(&sql).to_owned();
        let sql_line = first_line + header_lines + blank;
        Ok(Self { file: file.to_owned(), first_line, entries, asked: Vec::new(), sql, sql_line })
    }

    /// An error where there is no query.
    pub(crate) fn need_query(&self) -> Result<(), HeaderError> {
        match self.sql.is_empty() {
            true => Err(self.error(self.sql_line, "there is no query".to_owned())),
            false => Ok(()),
        }
    }

    /// An error in this line.
    pub(crate) fn error(&self, line: usize, reason: String) -> HeaderError {
        HeaderError { file: self.file.clone(), line, reason }
    }

    /// Takes an entry that must be there.
    pub(crate) fn take(&mut self, key: &str) -> Result<String, HeaderError> {
        match self.take_if_there(key)? {
            Some((value, _)) => Ok(value),
            None => Err(self.error(self.first_line, format!("the header lacks \"{key}:\""))),
        }
    }

    /// Takes an entry, with its line, where it is there.
    pub(crate) fn take_if_there(
        &mut self,
        key: &str,
    ) -> Result<Option<(String, usize)>, HeaderError> {
        self.asked.push(key.to_owned());
        let Some(position) = self.entries.iter().position(|entry| entry.key == key) else {
            return Ok(None);
        };
        let entry = self.entries.remove(position);
        if entry.value.is_empty() {
            return Err(self.error(entry.line, format!("\"{key}:\" is empty")));
        }
        Ok(Some((entry.value, entry.line)))
    }

    /// Whether there is such an entry; it can say one thing only.
    pub(crate) fn take_exactly(&mut self, key: &str, value: &str) -> Result<bool, HeaderError> {
        match self.take_if_there(key)? {
            None => Ok(false),
            Some((taken, _)) if taken == value => Ok(true),
            Some((_, line)) => Err(self.error(line, format!("\"{key}:\" can only be \"{value}\""))),
        }
    }

    /// Takes `columns:` and the entries indented below it.
    pub(crate) fn columns(&mut self) -> Result<Vec<ViewColumn>, HeaderError> {
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
                return Err(HeaderError { file: self.file.clone(), line: entry.line, reason });
            }
            columns.push(ViewColumn { name: entry.key, description: entry.value });
        }
        if columns.is_empty() {
            return Err(self.error(columns_entry.line, "\"columns:\" is empty".to_owned()));
        }
        Ok(columns)
    }

    /// An error where an entry is left.
    pub(crate) fn nothing_else(&self) -> Result<(), HeaderError> {
        match self.entries.first() {
            Some(entry) => {
                let near = nearest(&entry.key, self.asked.iter().map(String::as_str));
                let hint = near.map_or_else(String::new, |near| format!("; is \"{near}:\" meant?"));
                Err(self.error(entry.line, format!("\"{}:\" is not known here{hint}", entry.key)))
            }
            None => Ok(()),
        }
    }
}
