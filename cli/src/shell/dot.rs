//! Dot commands (as duckdb and sqlite have them) and backslash commands (as
//! psql has them).
//!
//! Input: a line that starts with `.` or `\`. Output: a [`Reply`], or a changed
//! setting of the shell.

use std::path::PathBuf;

use costlake_engine::near::nearest;

use super::describe::Listing;
use super::{Reply, Shell};
use crate::failure::Failure;
use crate::output::Mode;

/// Every command, for completion and near names.
pub const COMMANDS: &[&str] = &[
    ".columns", ".exit", ".help", ".maxrows", ".mode", ".output", ".quit", ".read", ".schema",
    ".tables", ".timer", "\\?", "\\d", "\\dt", "\\dv", "\\i", "\\l", "\\o", "\\q", "\\timing",
    "\\x",
];

/// What `.help` and `\?` say.
pub const HELP: &str = "\
A statement ends with ; and may span lines. Ctrl-C cancels a query or clears
the line, Ctrl-D leaves, Tab completes.

  .tables               \\d, \\dt, \\dv    tables and views; tables; views
  .columns [TABLE]      \\d TABLE        columns with types and meaning
  .schema [TABLE]                       the same, as text
                        \\l              the lake
  .mode MODE                            table csv json ndjson markdown line box
                        \\x              one line per cell, on and off
  .maxrows N                            rows of a table on a terminal; 0 shows all
  .output [FILE]        \\o [FILE]       write rows to a file; without FILE to stdout
  .read FILE            \\i FILE         run a file
  .timer on|off         \\timing         rows and seconds after every statement
  .help                 \\?              this
  .quit, .exit          \\q              leave
";

impl Shell {
    /// Carries out one command line.
    pub(super) fn command(&mut self, line: &str) -> Reply {
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        // `\d;` and `.tables;` slip out of habit.
        let rest = rest.trim().trim_end_matches(';').trim_end();
        let name = name.trim_end_matches(';');
        let argument = (!rest.is_empty()).then(|| unquoted(rest));
        match name.to_ascii_lowercase().as_str() {
            ".help" | "\\?" | "\\h" | ".h" => Reply::Print(HELP.to_owned()),
            ".quit" | ".exit" | ".q" | "\\q" => Reply::Leave,
            ".tables" => Reply::List(Listing::Relations(argument)),
            ".columns" => Reply::List(Listing::Columns(argument)),
            ".schema" => Reply::List(Listing::Schema(argument)),
            "\\d" | "\\d+" => Reply::List(match argument {
                Some(table) => Listing::Columns(Some(table)),
                None => Listing::Relations(None),
            }),
            "\\dt" | "\\dt+" => Reply::List(Listing::Tables(argument)),
            "\\dv" | "\\dv+" => Reply::List(Listing::Views(argument)),
            "\\l" | "\\l+" | ".databases" => Reply::List(Listing::Lake),
            ".mode" => self.set_mode(argument),
            ".maxrows" => self.set_max_rows(argument),
            ".timer" => match switched(argument.as_deref()) {
                Some(on) => self.set_timer(on),
                None => refused("write .timer on or .timer off", None),
            },
            "\\timing" => match argument.as_deref() {
                None => self.set_timer(!self.timer),
                argument => match switched(argument) {
                    Some(on) => self.set_timer(on),
                    None => refused("write \\timing, \\timing on or \\timing off", None),
                },
            },
            "\\x" => {
                self.expanded = switched(argument.as_deref()).unwrap_or(!self.expanded);
                Reply::Note(format!("Expanded display is {}.", on_off(self.expanded)))
            }
            ".output" | "\\o" => Reply::Output(argument.map(PathBuf::from)),
            ".read" | "\\i" => match argument {
                Some(path) => Reply::Read(PathBuf::from(path)),
                None => refused(&format!("{name} needs a file"), None),
            },
            _ => unknown(name),
        }
    }

    fn set_mode(&mut self, argument: Option<String>) -> Reply {
        let Some(name) = argument else {
            return Reply::Note(format!("mode: {}", self.effective_mode().name()));
        };
        match Mode::named(&name) {
            Some(mode) => {
                self.mode = mode;
                self.expanded = false;
                Reply::Nothing
            }
            None => {
                let hint = nearest(&name, Mode::NAMES).map_or_else(
                    || format!("one of {}", Mode::NAMES.join(", ")),
                    |near| format!("did you mean .mode {near}?"),
                );
                refused(&format!("{name:?} is no mode"), Some(hint))
            }
        }
    }

    fn set_max_rows(&mut self, argument: Option<String>) -> Reply {
        let Some(text) = argument else {
            return Reply::Note(format!("maxrows: {}", self.max_rows));
        };
        match text.parse() {
            Ok(rows) => {
                self.max_rows = rows;
                Reply::Nothing
            }
            Err(_) => refused(
                &format!("{text:?} is no number of rows"),
                Some("write .maxrows 40, or .maxrows 0 for all rows".to_owned()),
            ),
        }
    }

    fn set_timer(&mut self, on: bool) -> Reply {
        self.timer = on;
        Reply::Note(format!("Timing is {}.", on_off(on)))
    }
}

fn switched(argument: Option<&str>) -> Option<bool> {
    match argument?.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Some(true),
        "off" | "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// Without the quotes a file name may stand in.
fn unquoted(text: &str) -> String {
    let inner = ['\'', '"']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)));
    inner.unwrap_or(text).to_owned()
}

fn refused(what: &str, hint: Option<String>) -> Reply {
    Reply::Refused(Failure::ShellCommand { what: what.to_owned(), hint })
}

fn unknown(name: &str) -> Reply {
    let hint = nearest(name, COMMANDS.iter().copied()).map_or_else(
        || ".help lists the commands".to_owned(),
        |near| format!("did you mean {near}? .help lists the commands"),
    );
    refused(&format!("{name} is no command"), Some(hint))
}
