//! The SQL shell: what duckdb and psql users know, on the lake.
//!
//! Input: lines, typed or from a script. Output: [`Reply`]s; `run` carries them
//! out. [`Shell`] itself does no IO and knows no session, so that every line's
//! effect can be tested.

mod complete;
mod describe;
mod dot;
mod execute;
mod prompt;
pub mod run;
pub mod source;

use std::path::PathBuf;

use crate::failure::Failure;
use crate::output::Mode;
use crate::settings::ShellSettings;
use crate::sql_text::{self, Progress};
use describe::Listing;
pub use prompt::interact;
use source::{Origin, StatementPlace};

/// What is to be done after a line.
#[derive(Debug)]
pub enum Reply {
    /// Nothing: a blank line, or a setting changed.
    Nothing,
    /// The statement goes on in the next line.
    More,
    /// Run these, in order.
    Statements(Vec<StatementPlace>),
    /// Show tables or columns.
    List(Listing),
    /// Print this where rows go.
    Print(String),
    /// Tell the user that a setting changed.
    Note(String),
    /// Feed the lines of a file.
    Read(PathBuf),
    /// Write to a file from now on; none is stdout.
    Output(Option<PathBuf>),
    /// The command is wrong.
    Refused(Failure),
    /// Go.
    Leave,
}

/// State of a shell between lines.
#[derive(Debug)]
pub struct Shell {
    /// How rows are written.
    pub mode: Mode,
    /// One line per cell, whatever the mode.
    pub expanded: bool,
    /// Rows and seconds after every statement.
    pub timer: bool,
    /// Rows of a table on a terminal; 0 shows all.
    pub max_rows: usize,
    origin: Origin,
    /// Lines read from the origin.
    lines: u64,
    /// Text of a statement that is not complete, and the line it starts in.
    pending: String,
    pending_line: u64,
}

impl Shell {
    /// A shell that has read nothing.
    pub fn new(settings: &ShellSettings, origin: Origin) -> Self {
        Self {
            mode: settings.mode,
            expanded: false,
            timer: settings.timer,
            max_rows: settings.max_rows,
            origin,
            lines: 0,
            pending: String::new(),
            pending_line: 1,
        }
    }

    /// The mode rows are written in.
    pub fn effective_mode(&self) -> Mode {
        if self.expanded { Mode::Line } else { self.mode }
    }

    /// Whether a statement has begun.
    pub fn is_within_statement(&self) -> bool {
        sql_text::progress(&self.pending) != Progress::Blank
    }

    /// Takes one line, or the several lines of one edit, without the last line
    /// end.
    pub fn feed(&mut self, line: &str) -> Reply {
        if self.origin == Origin::Prompt {
            // At the prompt a statement is its own page.
            self.lines = 0;
        }
        let within = self.is_within_statement();
        if !within {
            self.pending.clear();
            self.pending_line = self.lines + 1;
        }
        self.lines += line.split('\n').count() as u64;
        let command = line.trim();
        if !within && command.starts_with(['.', '\\']) {
            return self.command(command);
        }
        self.pending.push_str(line);
        self.pending.push('\n');
        match sql_text::progress(&self.pending) {
            Progress::Blank => Reply::Nothing,
            Progress::Open => Reply::More,
            Progress::Complete(end) => self.take(end),
        }
    }

    /// The end of the input: an open statement needs no semicolon.
    pub fn end(&mut self) -> Reply {
        match sql_text::progress(&self.pending) {
            Progress::Blank => Reply::Nothing,
            Progress::Open | Progress::Complete(_) => self.take(self.pending.len()),
        }
    }

    /// Forgets an open statement.
    pub fn clear(&mut self) {
        self.pending.clear();
    }

    /// Reads another origin with the same settings; returns what to go back to.
    pub fn enter(&mut self, origin: Origin) -> Position {
        Position {
            origin: std::mem::replace(&mut self.origin, origin),
            lines: std::mem::take(&mut self.lines),
            pending: std::mem::take(&mut self.pending),
            pending_line: std::mem::replace(&mut self.pending_line, 1),
        }
    }

    /// Goes back to an earlier origin.
    pub fn leave(&mut self, position: Position) {
        self.origin = position.origin;
        self.lines = position.lines;
        self.pending = position.pending;
        self.pending_line = position.pending_line;
    }

    /// Takes the statements up to a byte of the pending text.
    fn take(&mut self, end: usize) -> Reply {
        let rest = self.pending.split_off(end);
        let complete = std::mem::replace(&mut self.pending, rest);
        let first_line = self.pending_line;
        self.pending_line += count_lines(&complete);
        let place = |offset: usize, text: String| {
            let before = &complete[..offset];
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            StatementPlace {
                origin: self.origin.clone(),
                line: first_line + count_lines(before),
                column: before[line_start..].chars().count() as u64 + 1,
                text,
            }
        };
        match costlake_engine::query::split_statements(&complete) {
            Ok(statements) => Reply::Statements(
                statements
                    .into_iter()
                    .map(|statement| place(statement.offset, statement.text.to_owned()))
                    .collect(),
            ),
            Err(source) => Reply::Refused(Failure::Statement {
                source: Box::new(source),
                place: place(0, complete.clone()),
            }),
        }
    }
}

/// Where reading of an origin was interrupted.
#[derive(Debug)]
pub struct Position {
    origin: Origin,
    lines: u64,
    pending: String,
    pending_line: u64,
}

fn count_lines(text: &str) -> u64 {
    text.bytes().filter(|byte| *byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests;
