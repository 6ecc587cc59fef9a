//! `costlake sql` with -c, -f, --format and --output. Nothing here needs a
//! table: the statements bring their own rows.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use crate::run::Run;

const ROWS: &str = "select * from (values ('Contoso', 12.50, date '2026-07-01', true), \
                    ('Fabrikam, \"Ltd\"', null, null, false)) \
                    as t(customer, cost, day, open)";

#[test]
fn every_format_is_kept() {
    let run = Run::new();
    for format in ["table", "csv", "json", "ndjson", "markdown"] {
        run.run(&["sql", "-c", ROWS, "--format", format]).is_snapshot(&format!("format_{format}"));
    }
}

#[test]
fn a_pipe_gets_a_table_unless_told_otherwise() {
    Run::new().run(&["sql", "-c", "select 1 as one"]).is_snapshot("sql_default");
}

#[test]
fn several_statements_run_in_order() {
    let run = Run::new();
    let ended = run.run(&["sql", "-c", "select 1 as a; select 2 as b", "--format", "csv"]);
    assert_eq!(ended.done(), "a\n1\nb\n2\n");
    let ended = run.run(&["sql", "-c", "select 1 as a", "-c", "select 2 as b", "--format", "csv"]);
    assert_eq!(ended.done(), "a\n1\nb\n2\n");
}

#[test]
fn an_output_file_appears_complete_or_not_at_all() {
    let run = Run::new();
    run.run(&["sql", "-c", ROWS, "--output", "rows.csv"]).done();
    assert!(run.read("rows.csv").starts_with("customer,cost,day,open\nContoso,12.50,"));
    run.run(&["sql", "-c", ROWS, "--output", "rows.parquet"]).done();
    assert!(std::fs::read(run.path("rows.parquet")).unwrap().starts_with(b"PAR1"));

    let ended = run.run(&["sql", "-c", "select 1; select nonsense", "--output", "rows.csv"]);
    assert_eq!(ended.code, 1);
    assert!(run.read("rows.csv").starts_with("customer,"), "the old file stays");
    let files = run.files();
    assert!(!files.iter().any(|name| name.contains("unfinished")), "{files:?}");
}

#[test]
fn a_file_that_holds_one_result_refuses_a_second() {
    let run = Run::new();
    let ended = run.run(&["sql", "-c", "select 1; select 2", "--output", "rows.json"]);
    ended.is_snapshot("sql_second_result");
    run.run(&["sql", "-c", "select 1 as a; select 2 as a", "--output", "rows.ndjson"]).done();
    assert_eq!(run.read("rows.ndjson"), "{\"a\":1}\n{\"a\":2}\n");
}

#[test]
fn an_output_without_a_known_ending_needs_a_format() {
    Run::new().run(&["sql", "-c", "select 1", "--output", "rows"]).is_snapshot("sql_no_ending");
}

#[test]
fn sql_errors_show_file_line_column_and_a_caret() {
    let run = Run::new();
    run.write("bad.sql", "select 1;\n\nselect 2\n  frm t;\n");
    let ended = run.run(&["sql", "-f", "bad.sql"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("at: bad.sql:"), "{}", ended.stderr);
    let ended = run.run(&["sql", "-c", "select ("]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    let ended = run.run(&["sql", "-c", "select 'open"]);
    assert_eq!(ended.code, 1);
}

#[test]
fn a_failure_on_the_way_ends_with_1() {
    let ended = Run::new().run(&["sql", "-c", "select cast(x as int) from (values ('a')) t(x)"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
}

#[test]
fn a_missing_script_is_a_usage_error() {
    Run::new().run(&["sql", "-f", "missing.sql"]).is_snapshot("sql_missing_file");
}

#[test]
fn stdin_is_a_script_when_it_is_a_pipe() {
    let run = Run::new();
    let ended = run.run_with_input(&["sql", "--format", "csv"], "select\n1 as a;\nselect 2 as b");
    assert_eq!(ended.done(), "a\n1\nb\n2\n");
    let ended = run.run_with_input(&["sql", "-f", "-", "--format", "csv"], "select 3 as c");
    assert_eq!(ended.done(), "c\n3\n");
}

#[test]
fn explain_is_text() {
    let ended = Run::new().run(&["sql", "-c", "explain select 1 as one"]);
    let plan = ended.done();
    assert!(plan.contains("── logical_plan ──") || plan.contains("── physical_plan ──"), "{plan}");
    assert!(!plan.contains('│'), "{plan}");
    let ended = Run::new().run(&["sql", "-c", "explain analyze select 1 as one"]);
    assert!(ended.done().contains("── Plan with Metrics ──"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let run = Run::new();
    let many = "select * from generate_series(1, 3000000)";
    for format in ["csv", "ndjson", "json", "table", "markdown", "parquet"] {
        let mut child = run
            .command(&["sql", "-c", many, "--format", format])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first = Vec::new();
        stdout.read_until(b'\n', &mut first).unwrap();
        drop(stdout);
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let status = child.wait().unwrap();
        assert!(!first.is_empty(), "{format}");
        assert_eq!((status.code(), stderr.as_str()), (Some(0), ""), "{format}");
    }
}

#[test]
#[cfg(unix)]
fn ctrl_c_cancels_even_while_rows_stream() {
    let run = Run::new();
    let endless = "select * from generate_series(1, 1000000000000)";
    let mut child = run
        .command(&["sql", "-c", endless, "--format", "csv"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut first = Vec::new();
    stdout.read_until(b'\n', &mut first).unwrap();
    let pid = child.id().to_string();
    let killed = std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(killed.success());
    std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(stderr, "error: canceled\n");
}

#[test]
fn a_statement_may_begin_with_a_comment() {
    let ended =
        Run::new().run(&["sql", "--format", "csv", "-c", "-- question: one?\nselect 1 as a"]);
    assert_eq!(ended.done(), "a\n1\n");
}

/// A query that computes and yields no row for long: every worker is busy.
#[test]
#[cfg(unix)]
fn ctrl_c_is_heard_while_every_worker_computes() {
    let run = Run::new();
    let busy = "select count(*) from generate_series(1, 400000) as a(x), \
                generate_series(1, 400000) as b(y) where x * y % 7919 = 3";
    let mut command = run.command(&["sql", "-c", busy, "--format", "csv"]);
    command.env("COSTLAKE_THREADS", "2");
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.unwrap();
    let pid = child.id().to_string();
    // Until the query computes there is nothing to wait on but its processor time.
    let seconds_used = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
        fields.get(11).and_then(|ticks| ticks.parse::<u64>().ok()).unwrap_or(0) / 100
    };
    while seconds_used() < 2 {
        std::thread::yield_now();
    }
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), "error: canceled\n");
}
