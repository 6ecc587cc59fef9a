//! The interactive prompt: editing, history, completion, colors.
//!
//! Input: keys. Output: lines for the [`Runner`]. An edit may span lines: Enter
//! ends it when the statement is complete.

use std::borrow::Cow;
use std::path::Path;

use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::config::Configurer as _;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{ColorMode, CompletionType, Context, Editor, Helper};

use super::complete::{Completion, Names};
use super::run::{Flow, Runner};
use crate::failure::Failure;
use crate::sql_text::{PieceKind, Progress, is_keyword, pieces, progress};

const PROMPT: &str = "costlake> ";
/// Entries kept across sessions.
const HISTORY_ENTRIES_MAX: usize = 10_000;

const KEYWORD: &str = "\x1b[1;34m";
const TEXT: &str = "\x1b[32m";
const NUMBER: &str = "\x1b[36m";
const COMMENT: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

/// Reads statements until the user leaves.
pub async fn interact(runner: &mut Runner<'_>, history: Option<&Path>) -> Result<(), Failure> {
    let mut editor = open_editor(runner, history)?;
    let greeting =
        format!("costlake {} on {}. .help for help.", env!("CARGO_PKG_VERSION"), runner.lake);
    runner.messages.note(&greeting);
    loop {
        match editor.readline(PROMPT) {
            Ok(line) => {
                if !line.trim().is_empty() {
                    // A history that cannot grow must not stop the work.
                    let _ = editor.add_history_entry(line.trim_end());
                }
                match runner.line(&line).await {
                    Ok(Flow::Continue) => {}
                    Ok(Flow::Leave) => break,
                    Err(Failure::ReaderGone) => return Err(Failure::ReaderGone),
                    Err(failure) => runner.messages.failure(&failure),
                }
            }
            Err(ReadlineError::Interrupted) => runner.shell.clear(),
            Err(ReadlineError::Eof) => break,
            Err(ReadlineError::Io(error)) => return Err(Failure::stream(error)),
            Err(error) => return Err(Failure::stream(std::io::Error::other(error))),
        }
    }
    if let Some(path) = history {
        save_history(&mut editor, path, runner);
    }
    runner.finish()
}

type SqlEditor = Editor<Assistant, FileHistory>;

fn open_editor(runner: &Runner<'_>, history: Option<&Path>) -> Result<SqlEditor, Failure> {
    let failure = |error: ReadlineError| Failure::stream(std::io::Error::other(error));
    let colors = if runner.no_color { ColorMode::Disabled } else { ColorMode::Enabled };
    let config = rustyline::Config::builder()
        .completion_type(CompletionType::List)
        .color_mode(colors)
        .auto_add_history(false)
        .build();
    let mut editor = SqlEditor::with_config(config).map_err(failure)?;
    editor.set_max_history_size(HISTORY_ENTRIES_MAX).map_err(failure)?;
    editor.set_helper(Some(Assistant {
        names: Names::new(runner.session.catalog()),
        files: FilenameCompleter::new(),
    }));
    if let Some(path) = history.filter(|path| path.exists())
        && let Err(error) = editor.load_history(path)
    {
        runner.messages.warning(&format!("cannot read history {}: {error}", path.display()));
    }
    Ok(editor)
}

fn save_history(editor: &mut SqlEditor, path: &Path, runner: &Runner<'_>) {
    let saved = path
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .map_err(ReadlineError::from)
        // Appending keeps what another shell has written meanwhile.
        .and_then(|()| editor.append_history(path));
    if let Err(error) = saved {
        runner.messages.warning(&format!("cannot write history {}: {error}", path.display()));
    }
}

/// What helps while typing.
struct Assistant {
    names: Names,
    files: FilenameCompleter,
}

impl Helper for Assistant {}

impl Hinter for Assistant {
    type Hint = String;
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        cursor: usize,
        context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        match self.names.complete(line, cursor) {
            Completion::File => self.files.complete(line, cursor, context),
            Completion::Words(start, words) => {
                let pair = |word: String| Pair { display: word.clone(), replacement: word };
                Ok((start, words.into_iter().map(pair).collect()))
            }
        }
    }
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_complete(context.input()) {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}

/// Whether Enter ends the edit: a command, nothing, or a statement whose
/// semicolon is the last thing.
fn is_complete(input: &str) -> bool {
    if input.trim_start().starts_with(['.', '\\']) {
        return true;
    }
    match progress(input) {
        Progress::Blank => true,
        Progress::Open => false,
        Progress::Complete(end) => progress(&input[end..]) == Progress::Blank,
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _cursor: usize) -> Cow<'l, str> {
        Cow::Owned(colored(line))
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(
        &'s self,
        prompt: &'p str,
        _default: bool,
    ) -> Cow<'b, str> {
        Cow::Owned(format!("{KEYWORD}{prompt}{RESET}"))
    }

    fn highlight_char(&self, _line: &str, _cursor: usize, kind: CmdKind) -> bool {
        kind != CmdKind::MoveCursor
    }
}

fn colored(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len() * 2);
    for piece in pieces(sql) {
        let part = &sql[piece.bytes];
        let color = match piece.kind {
            PieceKind::Word if is_keyword(part) => KEYWORD,
            PieceKind::Text => TEXT,
            PieceKind::Number => NUMBER,
            PieceKind::Comment => COMMENT,
            _ => {
                text.push_str(part);
                continue;
            }
        };
        text.push_str(color);
        text.push_str(part);
        text.push_str(RESET);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_ends_an_edit_when_the_statement_is_complete() {
        for (input, expected) in [
            ("", true),
            (".tables", true),
            ("\\d savings", true),
            ("select 1", false),
            ("select 1;", true),
            ("select 1; -- done", true),
            ("select 1; select", false),
            ("select 'a;", false),
            ("select $$;", false),
            ("-- note", true),
        ] {
            assert_eq!(is_complete(input), expected, "{input}");
        }
    }

    #[test]
    fn colors_leave_the_text_as_it_is() {
        let sql = "select 'a' || \"b\", 1.5 from t -- c";
        let mut plain = colored(sql);
        for color in [KEYWORD, TEXT, NUMBER, COMMENT, RESET] {
            plain = plain.replace(color, "");
        }
        assert_eq!(plain, sql);
        assert!(colored("select").starts_with(KEYWORD));
        assert_eq!(colored("savings"), "savings");
    }
}
