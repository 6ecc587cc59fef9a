//! What every line does to a shell.

use super::*;
use crate::settings::MAX_ROWS_DEFAULT;

fn shell(origin: Origin) -> Shell {
    let settings = ShellSettings {
        mode: Mode::Table,
        max_rows: MAX_ROWS_DEFAULT,
        timer: false,
        history: None,
    };
    Shell::new(&settings, origin)
}

fn statements(reply: Reply) -> Vec<StatementPlace> {
    match reply {
        Reply::Statements(statements) => statements,
        other => panic!("no statements: {other:?}"),
    }
}

fn refusal(reply: Reply) -> String {
    match reply {
        Reply::Refused(failure) => format!("{failure}; {}", failure.hint().unwrap_or_default()),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_statement_may_span_lines_and_a_line_may_hold_several() {
    let mut shell = shell(Origin::Stdin);
    assert!(matches!(shell.feed("select 1,"), Reply::More));
    assert!(matches!(shell.feed(".5 as not_a_command"), Reply::More));
    let taken = statements(shell.feed("; select 2; select"));
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0].text.trim(), "select 1,\n.5 as not_a_command");
    assert_eq!(taken[1].text, "select 2");
    assert_eq!((taken[1].line, taken[1].column), (3, 3));
    assert!(matches!(shell.feed("3;"), Reply::Statements(_)));
    assert!(!shell.is_within_statement());
}

#[test]
fn positions_count_lines_of_the_file_over_blanks_comments_and_commands() {
    let mut shell = shell(Origin::File("x.sql".to_owned()));
    for line in ["-- head", "", ".mode csv", "  "] {
        assert!(matches!(shell.feed(line), Reply::Nothing), "{line}");
    }
    assert!(matches!(shell.feed("select"), Reply::More));
    let taken = statements(shell.feed("1; select 2;"));
    assert_eq!(taken[0].at(2, 1), "x.sql:6:1");
    assert_eq!(taken[1].at(1, 1), "x.sql:6:4");
    let taken = statements(shell.feed("select 3;"));
    assert_eq!(taken[0].at(1, 8), "x.sql:7:8");
}

#[test]
fn an_edit_at_the_prompt_counts_from_its_own_first_line() {
    let mut shell = shell(Origin::Prompt);
    statements(shell.feed("select 1;"));
    let taken = statements(shell.feed("select\n  2;"));
    assert_eq!(taken[0].at(2, 3), "statement, line 2, column 3");
}

#[test]
fn the_last_statement_of_a_script_needs_no_semicolon() {
    let mut shell = shell(Origin::Stdin);
    shell.feed("select 1");
    assert_eq!(statements(shell.end()).len(), 1);
    assert!(matches!(shell.end(), Reply::Nothing));
    shell.feed("-- nothing");
    assert!(matches!(shell.end(), Reply::Nothing));
}

#[test]
fn a_file_is_read_apart_from_the_statement_it_interrupts() {
    let mut shell = shell(Origin::Stdin);
    shell.feed("select 1,");
    let position = shell.enter(Origin::File("a".to_owned()));
    assert_eq!(statements(shell.feed("select 9;"))[0].at(1, 1), "a:1:1");
    shell.leave(position);
    assert_eq!(statements(shell.feed("2;"))[0].text.trim(), "select 1,\n2");
}

#[test]
fn commands_of_both_families_are_known() {
    for (line, expected) in [
        (".tables", Listing::Relations(None)),
        (".tables;", Listing::Relations(None)),
        ("\\dt", Listing::Tables(None)),
        ("\\dv sav*", Listing::Views(Some("sav*".to_owned()))),
        ("\\d", Listing::Relations(None)),
        ("\\d savings;", Listing::Columns(Some("savings".to_owned()))),
        (".columns 'savings'", Listing::Columns(Some("savings".to_owned()))),
        (".schema", Listing::Schema(None)),
        ("\\l", Listing::Lake),
    ] {
        match shell(Origin::Prompt).feed(line) {
            Reply::List(listing) => assert_eq!(listing, expected, "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
    for line in [".quit", ".exit", "\\q", "  \\q  "] {
        assert!(matches!(shell(Origin::Prompt).feed(line), Reply::Leave), "{line}");
    }
    for line in [".help", "\\?"] {
        assert!(matches!(shell(Origin::Prompt).feed(line), Reply::Print(_)), "{line}");
    }
    assert!(matches!(shell(Origin::Prompt).feed("\\o"), Reply::Output(None)));
    assert!(
        matches!(shell(Origin::Prompt).feed(".read a b.sql"), Reply::Read(path) if path.as_os_str() == "a b.sql")
    );
}

#[test]
fn every_command_is_helped_and_none_is_unknown() {
    for command in dot::COMMANDS {
        assert!(dot::HELP.contains(command), "{command}");
        let known = match shell(Origin::Prompt).feed(command) {
            Reply::Refused(failure) => !failure.to_string().contains("is no command"),
            _ => true,
        };
        assert!(known, "{command}");
    }
}

#[test]
fn settings_are_switched() {
    let mut shell = shell(Origin::Prompt);
    shell.feed(".mode CSV");
    assert_eq!(shell.effective_mode(), Mode::Csv);
    shell.feed("\\x");
    assert_eq!(shell.effective_mode(), Mode::Line);
    shell.feed("\\x off");
    assert_eq!(shell.effective_mode(), Mode::Csv);
    shell.feed("\\timing");
    assert!(shell.timer);
    shell.feed(".timer off");
    assert!(!shell.timer);
    shell.feed(".maxrows 7");
    assert_eq!(shell.max_rows, 7);
}

#[test]
fn wrong_commands_are_refused_with_what_was_meant() {
    let mut shell = shell(Origin::Prompt);
    assert_eq!(
        refusal(shell.feed(".tabels")),
        ".tabels is no command; did you mean .tables? .help lists the commands"
    );
    assert_eq!(
        refusal(shell.feed(".frobnicate")),
        ".frobnicate is no command; .help lists the commands"
    );
    assert_eq!(refusal(shell.feed(".mode cvs")), "\"cvs\" is no mode; did you mean .mode csv?");
    assert!(refusal(shell.feed(".maxrows many")).contains("no number"));
    assert!(refusal(shell.feed(".timer")).contains(".timer on"));
    assert!(refusal(shell.feed(".read")).contains("needs a file"));
}

#[test]
fn ctrl_c_forgets_the_open_statement() {
    let mut shell = shell(Origin::Prompt);
    shell.feed("select 1");
    assert!(shell.is_within_statement());
    shell.clear();
    assert!(!shell.is_within_statement());
    assert!(matches!(shell.feed(".quit"), Reply::Leave));
}
