//! `demo`, `ingest` and `lake`, from export files to answers and complaints.

use crate::run::Run;

/// Every folder of `testdata/malformed`, and how its load ends.
const MALFORMED: [(&str, i32); 15] = [
    ("date", 1),
    ("empty", 1),
    ("enterprise_agreement", 1),
    ("focus", 1),
    ("header_only", 0),
    ("missing_blob", 1),
    ("missing_column", 1),
    ("number", 1),
    ("price_sheet", 1),
    ("row_count", 1),
    ("row_of_69_fields", 1),
    ("row_of_71_fields", 1),
    ("truncated", 1),
    ("truncated_gzip", 1),
    ("unclosed_quote", 1),
];

const GOOD: [&str; 7] =
    ["ingest", "--source", "partner", "--actual", "good/actual", "--month", "2026-07"];

const HELD: &str = "select source, billing_month, count(*) as rows, \
                    sum(cost_in_billing_currency) as cost from actual_cost group by 1, 2";

#[test]
fn the_demo_is_kept() {
    let run = Run::new();
    run.run(&["demo"]).is_snapshot("demo");
}

#[test]
fn malformed_exports_are_refused_and_the_month_keeps_what_it_had() {
    let run = Run::new();
    run.take("malformed", "bad");
    run.take("exports/partner", "good");
    let ended = run.run(&GOOD);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let held = run.run(&["sql", "--format", "csv", "-c", HELD]).done().to_owned();
    for (name, code) in MALFORMED {
        let export = format!("bad/{name}");
        let source = if code == 0 { "other" } else { "partner" };
        let arguments =
            ["ingest", "--source", source, "--actual", &export, "--month", "2026-07", "--force"];
        let ended = run.run(&arguments);
        ended.is_snapshot(&format!("ingest_{name}"));
        assert_eq!(ended.code, code, "{name}");
        let after = run.run(&["sql", "--format", "csv", "-c", HELD]);
        assert_eq!(after.done(), held, "{name}");
    }
    let mut folders: Vec<String> = std::fs::read_dir(run.path("bad"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    assert_eq!(folders, MALFORMED.map(|(name, _)| name));
}

#[test]
fn generated_parquet_loads_and_a_damaged_part_ends_with_1() {
    let run = Run::new();
    let generate = "generate --out x --months 2026-07..2026-07 --rows 3000 --format parquet";
    let ended = run.run(&generate.split(' ').collect::<Vec<_>>());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("MB of Parquet"), "{}", ended.stderr);
    let ingest = "ingest --source a --actual x/actual --month 2026-07 --force";
    let ingest: Vec<&str> = ingest.split(' ').collect();
    let ended = run.run(&ingest);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let held = run.run(&["sql", "--format", "csv", "-c", HELD]).done().to_owned();
    let runs = run.path("x/actual/20260701-20260731");
    let folder = std::fs::read_dir(runs).unwrap().next().unwrap().unwrap().path();
    let part = folder.join("part_0_0001.snappy.parquet");
    let mut bytes = std::fs::read(&part).unwrap();
    // Of a text's page, to which the library answers with a panic or an error.
    bytes[4..40].iter_mut().for_each(|byte| *byte ^= 0xff);
    std::fs::write(&part, bytes).unwrap();
    let ended = run.run(&ingest);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("the Parquet file cannot be read"), "{}", ended.stderr);
    assert!(ended.stderr.contains("part_0_0001.snappy.parquet"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert_eq!(run.run(&["sql", "--format", "csv", "-c", HELD]).done(), held);
}

#[test]
fn rejected_rows_may_be_allowed_and_stay_to_be_looked_at() {
    let run = Run::new();
    run.take("malformed/number", "bad");
    let ingest =
        ["ingest", "--source", "a", "--actual", "bad", "--month", "2026-07", "--max-rejected", "1"];
    run.run(&ingest).is_snapshot("ingest_allowed");
    let sql = "select blob, line, byte_offset, column_name, reason from rejected_rows";
    run.run(&["sql", "--format", "json", "-c", sql]).is_snapshot("ingest_allowed_rows");
}

#[test]
fn a_second_ingest_changes_nothing_and_the_lake_tells_its_state() {
    let run = Run::new();
    run.take("exports/partner", "good");
    assert_eq!(run.run(&GOOD).code, 0);
    run.run(&GOOD).is_snapshot("ingest_again");
    run.run(&["lake", "verify"]).is_snapshot("lake_verify");
}

#[test]
fn places_that_are_wrong_are_named() {
    let run = Run::new();
    run.take("exports/partner", "good");
    let wrong_export =
        ["ingest", "--source", "a", "--actual", "nowhere/actual", "--month", "2026-07"];
    run.run(&wrong_export).is_snapshot("ingest_nowhere");
    run.run(&["ingest", "--source", "a", "--actual", "s3://bucket/x"]).is_snapshot("ingest_s3");
    run.run(&["--lake", "nowhere", "lake", "status"]).is_snapshot("lake_nowhere");
    run.write("file", "no lake");
    run.run(&["--lake", "file", "sql", "-c", "select 1"]).is_snapshot("lake_is_a_file");
    let query = ["--lake", "az://container/lake?sig=SECRET", "sql", "-c", "select 1"];
    let ended = run.run(&query);
    assert!(!ended.stderr.contains("SECRET"), "{}", ended.stderr);
    ended.is_snapshot("lake_with_a_query");
}

#[test]
fn a_lake_of_a_newer_costlake_is_left_alone() {
    let run = Run::new();
    run.take("exports/partner", "good");
    assert_eq!(run.run(&GOOD).code, 0);
    let log = "lake/actual_cost/_delta_log/00000000000000000000.json";
    let old = run.read(log);
    let newer = old.replace("\"costlake.format\":\"1\"", "\"costlake.format\":\"2\"");
    assert_ne!(old, newer);
    run.write(log, &newer);
    run.run(&["sql", "-c", "select 1"]).is_snapshot("lake_newer_sql");
    run.run(&GOOD).is_snapshot("lake_newer_ingest");

    // Another table: told by what opens it, and by the same code.
    run.write(log, &old);
    let log = "lake/rejected_rows/_delta_log/00000000000000000000.json";
    run.write(
        log,
        &run.read(log).replace("\"costlake.format\":\"1\"", "\"costlake.format\":\"2\""),
    );
    assert_eq!(run.run(&["sql", "-c", "select 1"]).code, 0);
    run.run(&["sql", "-c", "show tables"]).is_snapshot("lake_newer_table_sql");
}
