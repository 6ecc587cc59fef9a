//! What people are told on stderr: errors, warnings and notes.
//!
//! Input: a failure or a text. Output: lines on stderr, plain, colored, or one
//! JSON object per line (`--log-format json`). It never writes to stdout.

use std::io::{IsTerminal as _, Write as _};

use costlake_engine::azure::redact;
use serde_json::json;

use crate::args::{GlobalArguments, LogFormat};
use crate::environment::Environment;
use crate::failure::Failure;

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[33m";
const CYAN: &str = "\x1b[36m";
const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

/// How a command speaks to people.
#[derive(Clone, Debug)]
pub struct Messages {
    format: LogFormat,
    quiet: bool,
    colored: bool,
    terminal: bool,
}

impl Messages {
    /// From flags; `NO_COLOR` switches colors off.
    pub fn new(global: &GlobalArguments, environment: &Environment) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let format = global
            .log_format
            .or_else(|| environment.log_format.as_deref().and_then(LogFormat::named))
            .unwrap_or_default();
        Self {
            format,
            quiet: global.quiet || environment.quiet,
            colored: terminal && !environment.no_color && format == LogFormat::Text,
            terminal,
        }
    }

    /// Says nothing but errors.
    #[cfg(test)]
    pub fn silent() -> Self {
        Self { format: LogFormat::Text, quiet: true, colored: false, terminal: false }
    }

    /// Whether only warnings and errors are wanted.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether progress bars make sense.
    pub fn shows_progress(&self) -> bool {
        self.terminal && !self.quiet && self.format == LogFormat::Text
    }

    /// Something worth knowing; dropped with `--quiet`.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.line("note", text);
        }
    }

    /// Rows and seconds of a statement, which the user asked for.
    pub fn timing(&self, text: &str) {
        self.line("note", text);
    }

    /// Something that may be wrong; said with `--quiet` too.
    pub fn warning(&self, text: &str) {
        self.line("warning", text);
    }

    fn line(&self, level: &str, text: &str) {
        let line = match self.format {
            LogFormat::Json => json!({ "level": level, "what": text }).to_string(),
            LogFormat::Text if level == "note" => text.to_owned(),
            LogFormat::Text => format!("{}: {text}", self.paint(YELLOW, level)),
        };
        write_stderr(&line);
    }

    /// Says why a command is not done: what, where, hint.
    pub fn failure(&self, failure: &Failure) {
        write_stderr(&self.render(failure));
    }

    fn render(&self, failure: &Failure) -> String {
        let what = failure.to_string();
        if self.format == LogFormat::Json {
            return json!({
                "level": "error",
                "what": what,
                "at": failure.place(),
                "hint": failure.hint(),
                "class": format!("{:?}", failure.class()),
            })
            .to_string();
        }
        let mut text = format!("{}: {}", self.paint(RED, "error"), what.trim_end());
        if let Some(place) = failure.place() {
            text.push_str(&format!("\n  {} {place}", self.paint(DIM, "at:")));
        }
        if let Some(excerpt) = failure.excerpt() {
            for line in excerpt.lines() {
                let color = if line.trim_start_matches(['|', ' ']) == "^" { RED } else { DIM };
                text.push_str(&format!("\n  {}", self.paint(color, line)));
            }
        }
        if let Some(hint) = failure.hint() {
            text.push_str(&format!("\n  {} {hint}", self.paint(CYAN, "hint:")));
        }
        text
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.colored { format!("{color}{text}{RESET}") } else { text.to_owned() }
    }
}

/// Nobody can be told that stderr is gone. Whatever a library has put into its
/// message, what looks like a secret is not said.
fn write_stderr(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", redact(text));
}
