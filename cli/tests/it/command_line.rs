//! Help, usage errors, settings, exit codes.

use crate::run::Run;

#[test]
fn help_is_kept() {
    let run = Run::new();
    run.run(&["--help"]).is_snapshot("help");
    for command in ["demo", "generate", "ingest", "sql", "lake", "exports"] {
        run.run(&[command, "--help"]).is_snapshot(&format!("help_{command}"));
    }
    run.run(&["lake", "vacuum", "--help"]).is_snapshot("help_lake_vacuum");
    for command in ["create", "run"] {
        run.run(&["exports", command, "--help"]).is_snapshot(&format!("help_exports_{command}"));
    }
}

#[test]
fn usage_errors_end_with_2() {
    let run = Run::new();
    for (name, arguments) in [
        ("no_command", &[][..]),
        ("unknown_command", &["ingset"]),
        ("unknown_flag", &["sql", "--formt", "csv"]),
        ("unknown_format", &["sql", "-c", "select 1", "--format", "xml"]),
        ("bad_month", &["ingest", "--source", "a", "--actual", "x", "--month", "2026-13"]),
        ("bad_source", &["ingest", "--source", "a/b", "--actual", "x"]),
        ("no_export", &["ingest", "--source", "a"]),
        ("sql_and_file", &["sql", "-c", "select 1", "-f", "x.sql"]),
        (
            "parquet_and_gzip",
            &[
                "generate",
                "--out",
                "x",
                "--months",
                "2026-07..2026-07",
                "--rows",
                "3000",
                "--format",
                "parquet",
                "--gzip",
            ],
        ),
    ] {
        let ended = run.run(arguments);
        assert_eq!(ended.code, 2, "{name}");
        assert_eq!(ended.stdout, "", "{name}");
        ended.is_snapshot(&format!("usage_{name}"));
    }
}

#[test]
fn a_wrong_config_file_is_shown_with_its_line() {
    let run = Run::new();
    run.write("costlake.toml", "lake = 'lake'\nthraeds = 2\n");
    run.run(&["sql", "-c", "select 1"]).is_snapshot("config_unknown_key");
    run.write("costlake.toml", "lake = \n");
    run.run(&["sql", "-c", "select 1"]).is_snapshot("config_not_toml");
    run.write(
        "costlake.toml",
        "lake = 'lake'\n\n[[adjustments]]\nname = 'markup'\neffective_month = '2026-07'\n\
         rules = [{ percent = 5, when = { equals = { custmer_name = 'Litware' } } }]\n",
    );
    run.run(&["sql", "-c", "select 1"]).is_snapshot("config_unknown_dimension");
    let ended = run.run(&["sql", "-c", "select 1", "--config", "missing.toml"]);
    ended.is_snapshot("config_missing");
}

#[test]
fn wrong_variables_are_named() {
    let ended = Run::new().with("COSTLAKE_THREADS", "many").run(&["sql", "-c", "select 1"]);
    ended.is_snapshot("environment_threads");
}

#[test]
fn errors_are_json_lines_when_asked_for() {
    let run = Run::new();
    let ended = run.run(&["sql", "-f", "missing.sql", "--log-format", "json"]);
    assert_eq!(ended.code, 2);
    let line: serde_json::Value = serde_json::from_str(&ended.stderr).expect("one JSON object");
    assert_eq!(line["level"], "error");
    assert!(line["what"].as_str().unwrap().contains("missing.sql"));
}
