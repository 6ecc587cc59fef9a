//! `costlake report`: its files on a generated tenant, and what it refuses.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatchReader as _;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::run::Run;

/// After the last month of the tenant has closed.
const AS_OF: &str = "2026-09-07";

/// Every report by one customer, but those that are the partner's own.
const OF_A_CUSTOMER: [&str; 8] = [
    "savings",
    "rate-reduction",
    "commitments",
    "list-vs-cost",
    "unused",
    "coverage",
    "partner-earned-credit",
    "focus",
];
const OF_THE_PARTNER: [&str; 2] = ["customers", "reconcile"];

/// A customer with reservations, a savings plan and few rows.
const CUSTOMER: &str = "Woodgrove Bank";

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("testdata/golden/reports")
}

/// A folder with the lake of a small tenant.
fn tenant() -> Run {
    let run = Run::new();
    run.run(&[
        "--quiet",
        "generate",
        "--out",
        "exports",
        "--months",
        "2026-07..2026-08",
        "--rows",
        "1500",
    ])
    .done();
    run.run(&[
        "--quiet",
        "ingest",
        "--source",
        "contoso",
        "--month",
        "2026-07..2026-08",
        "--actual",
        "exports/actual",
        "--amortized",
        "exports/amortized",
        "--price-sheet",
        "exports/price-sheet",
        "--reservation-details",
        "exports/reservation-details",
        "--reservation-transactions",
        "exports/reservation-transactions",
    ])
    .done();
    run
}

fn report(run: &Run, arguments: &[&str]) -> crate::run::Ended {
    let mut all = vec!["--as-of", AS_OF, "report"];
    all.extend(arguments);
    run.run(&all)
}

/// Files below a folder, by path, sorted.
fn files(folder: &Path) -> Vec<String> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    files.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
    }
    files.sort();
    files
}

/// The text without the instants at which the lake was loaded, which are the only ones told
/// to the microsecond.
fn without_load_times(text: &str) -> String {
    const FORM: &[u8] = b"dddd-dd-ddTdd:dd:dd.dddddd";
    let is_instant = |bytes: &[u8]| {
        bytes.len() == FORM.len()
            && bytes.iter().zip(FORM).all(|(byte, form)| match form {
                b'd' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b' '),
                form => byte == form,
            })
    };
    let (mut masked, mut at) = (String::new(), 0);
    while at < text.len() {
        if text.as_bytes().get(at..at + FORM.len()).is_some_and(is_instant) {
            masked.push_str("[loaded at]");
            at += FORM.len();
            continue;
        }
        let letter = text[at..].chars().next().unwrap();
        masked.push(letter);
        at += letter.len_utf8();
    }
    masked
}

/// A set as text, by path: workbooks as their sheets' XML, Parquet as its schema and rows.
fn as_texts(made: &Path) -> BTreeMap<String, String> {
    let of = |path: String| {
        let local = made.join(&path);
        let text = match path.rsplit('.').next() {
            Some("xlsx") => return (format!("{path}.txt"), without_load_times(&workbook(&local))),
            Some("parquet") => return (format!("{path}.txt"), without_load_times(&rows(&local))),
            _ => std::fs::read_to_string(local).unwrap(),
        };
        (path, without_load_times(&text))
    };
    files(made).into_iter().filter(|path| path != "manifest.json").map(of).collect()
}

fn workbook(path: &Path) -> String {
    // Loads alone are told to the microsecond.
    let has_instants = path.ends_with("reconcile.xlsx");
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut parts: Vec<String> =
        archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    parts.sort();
    let mut text = String::new();
    for part in parts {
        text.push_str(&format!("=== {part}\n"));
        if part.starts_with("xl/worksheets/sheet") {
            let mut xml = String::new();
            archive.by_name(&part).unwrap().read_to_string(&mut xml).unwrap();
            for tag in ["<row ", "<c ", "</sheetData>", "<conditionalFormatting"] {
                xml = xml.replace(tag, &format!("\n{tag}"));
            }
            for line in xml.lines() {
                match has_instants {
                    true => text.push_str(&without_serial_instant(line)),
                    false => text.push_str(line),
                }
                text.push('\n');
            }
        }
    }
    text
}

/// A cell without the instant at which the lake was loaded: a day as spreadsheets count
/// them, from 2026 to 2099, and a fraction of it.
fn without_serial_instant(line: &str) -> String {
    let Some((before, rest)) = line.split_once("<v>") else { return line.to_owned() };
    let Some((value, after)) = rest.split_once("</v>") else { return line.to_owned() };
    let is_instant = value.split_once('.').is_some_and(|(day, fraction)| {
        day.parse::<u32>().is_ok_and(|day| (46_023..73_051).contains(&day)) && fraction.len() > 5
    });
    match is_instant && !before.contains("<f>") {
        true => format!("{before}<v>[instant]</v>{after}"),
        false => line.to_owned(),
    }
}

fn rows(path: &Path) -> String {
    let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap());
    let reader = reader.unwrap().build().unwrap();
    let mut text = String::new();
    for field in reader.schema().fields() {
        text.push_str(&format!("{}: {}\n", field.name(), field.data_type()));
    }
    let options = FormatOptions::default().with_null("NULL");
    for batch in reader {
        let batch = batch.unwrap();
        let columns: Vec<ArrayFormatter<'_>> = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> =
                columns.iter().map(|column| column.value(row).to_string()).collect();
            text.push_str(&cells.join("\t"));
            text.push('\n');
        }
    }
    text
}

/// Compares a set with what the repository keeps in a folder; `UPDATE_SNAPSHOTS=1` rewrites
/// it.
fn is_golden(made: &Path, kept: &Path) {
    for (path, text) in as_texts(made) {
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::create_dir_all(kept.join(&path).parent().unwrap()).unwrap();
            std::fs::write(kept.join(&path), text).unwrap();
            continue;
        }
        let golden = std::fs::read_to_string(kept.join(&path))
            .unwrap_or_else(|error| panic!("{path}: {error}; set UPDATE_SNAPSHOTS=1"));
        if let Some(line) = golden.lines().zip(text.lines()).position(|(kept, made)| kept != made) {
            let of = |text: &str| {
                text.lines().nth(line).unwrap_or("").chars().take(400).collect::<String>()
            };
            panic!(
                "{path}, line {}:\n  kept {}\n  made {}\nUPDATE_SNAPSHOTS=1 rewrites it",
                line + 1,
                of(&golden),
                of(&text)
            );
        }
        assert_eq!(golden.len(), text.len(), "{path} ends elsewhere");
    }
}

/// The rows of a Parquet file as its CSV says them.
fn rows_of_parquet(path: &Path) -> usize {
    let file = std::fs::File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    reader.map(|batch| batch.unwrap().num_rows()).sum()
}

#[test]
fn every_report_and_format_is_kept() {
    let run = tenant();
    let formats = "html,json,csv,markdown,parquet,xlsx";
    let mut of_customer = OF_A_CUSTOMER.to_vec();
    of_customer.extend([
        "--scope-type",
        "customer",
        "--scope-id",
        CUSTOMER,
        "--format",
        formats,
        "--out",
        "customer",
    ]);
    let ended = report(&run, &of_customer);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let mut of_partner = OF_THE_PARTNER.to_vec();
    of_partner.extend(["--format", formats, "--out", "partner"]);
    let ended = report(&run, &of_partner);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for set in ["customer", "partner"] {
        is_golden(&run.path(set), &golden());
        let manifest: Value =
            serde_json::from_str(&run.read(&format!("{set}/manifest.json"))).unwrap();
        let named: BTreeSet<&str> = manifest["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|file| file["path"].as_str().unwrap())
            .collect();
        let there = files(&run.path(set));
        let there: BTreeSet<&str> =
            there.iter().map(String::as_str).filter(|path| *path != "manifest.json").collect();
        assert_eq!(named, there);
        for file in manifest["files"].as_array().unwrap() {
            let path = file["path"].as_str().unwrap();
            let rows: u64 = file["sections"]
                .as_array()
                .unwrap()
                .iter()
                .map(|of| of["rows"].as_u64().unwrap())
                .sum();
            if path.ends_with(".parquet") {
                assert_eq!(rows_of_parquet(&run.path(set).join(path)) as u64, rows, "{path}");
            }
            if path.ends_with(".csv") {
                let records = run.read(&format!("{set}/{path}"));
                // No cell of the tenant holds a line feed.
                assert_eq!(records.lines().count() as u64 - 1, rows, "{path}");
            }
            let bytes = std::fs::metadata(run.path(set).join(path)).unwrap().len();
            assert_eq!(file["bytes"].as_u64().unwrap(), bytes, "{path}");
            assert_eq!(file["sha256"].as_str().unwrap().len(), 64);
        }
    }
    // A page needs nothing else and runs nothing.
    for path in files(&golden()).iter().filter(|path| path.ends_with(".html")) {
        let page = std::fs::read_to_string(golden().join(path)).unwrap();
        for word in ["<script", "src=", "url(", "@import", "http:", "https:", "javascript:"] {
            let without_names = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
            assert!(!without_names.contains(word), "{path} has {word}");
        }
    }
}

#[test]
fn a_set_for_each_customer_is_made_in_one_pass_and_replaced_whole() {
    let run = tenant();
    let arguments =
        ["savings", "customers", "--per", "customer_tenant", "--format", "csv,md", "--out", "out"];
    // `customers` is the partner's.
    let ended = report(&run, &arguments);
    assert_eq!(ended.code, 2);
    ended.is_snapshot("report_unfit");
    let arguments = ["savings", "--per", "customer_tenant", "--format", "csv,md", "--out", "out"];
    let ended = report(&run, &arguments);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended.is_snapshot("report_per_customer");
    let made = files(&run.path("out"));
    let folders: BTreeSet<&str> =
        made.iter().filter_map(|path| path.split_once('/')).map(|(folder, _)| folder).collect();
    assert!(folders.len() > 4, "{folders:?}");
    assert!(folders.contains("_none"), "what belongs to no customer is there: {folders:?}");
    assert!(folders.iter().any(|folder| folder.starts_with("woodgrove-bank-")), "{folders:?}");

    // Each is the same as made alone.
    let ended = report(
        &run,
        &[
            "savings",
            "--scope-type",
            "customer_tenant",
            "--scope-id",
            CUSTOMER,
            "--format",
            "csv,md",
            "--out",
            "one",
        ],
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let folder = folders.iter().find(|folder| folder.starts_with("woodgrove-bank-")).unwrap();
    for path in files(&run.path("one")).iter().filter(|path| *path != "manifest.json") {
        assert_eq!(run.read(&format!("one/{path}")), run.read(&format!("out/{folder}/{path}")));
    }

    // A run that fails leaves the old set, byte for byte.
    let before = run.read("out/manifest.json");
    run.write("broken.sql", "select scope_id, 1 / (billing_month = 'x')::int from savings");
    let ended = report(&run, &["--file", "broken.sql", "--per", "customer_tenant", "--out", "out"]);
    assert_ne!(ended.code, 0);
    assert_eq!(run.read("out/manifest.json"), before);
    assert!(!run.files().iter().any(|name| name.contains("unfinished")), "{:?}", run.files());
    // So does one that would hold nothing: the customer is billed in another currency.
    let one = ["--scope-type", "customer", "--scope-id", CUSTOMER, "--currency", "GBP"];
    let ended = report(&run, &[&["savings", "--out", "out"][..], &one].concat());
    ended.is_snapshot("report_currency_of_others");
    assert_eq!(run.read("out/manifest.json"), before);
    // Another set takes its place whole.
    let ended = report(&run, &["unused", "--format", "md", "--out", "out"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(files(&run.path("out")), ["manifest.json", "unused.md"]);
}

#[test]
fn texts_that_spreadsheets_would_run_are_only_texts() {
    let run = Run::new();
    run.take("exports/partner", "exports");
    run.run(&[
        "--quiet",
        "ingest",
        "--source",
        "p",
        "--amortized",
        "exports/amortized",
        "--month",
        "2026-07",
    ])
    .done();
    run.write(
        "danger.sql",
        "select '=1+1' as a, '+1' as b, '-1' as c, '@sum(a)' as d, e'\\tx' as e, -1 as f, \
         '<script>alert(1)</script>' as g, 'a|b' as h, null as i, 'x=1' as j",
    );
    let formats = "csv,html,markdown,json,xlsx";
    let ended = report(&run, &["--file", "danger.sql", "--format", formats, "--out", "out"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let csv = run.read("out/danger.result.csv");
    assert_eq!(
        csv.lines().nth(1).unwrap(),
        "'=1+1,'+1,'-1,'@sum(a),'\tx,-1,<script>alert(1)</script>,a|b,,x=1"
    );
    let page = run.read("out/danger.html");
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script>"));
    assert!(run.read("out/danger.md").contains("a\\|b"));
    assert!(run.read("out/danger.json").contains("\"a\":\"=1+1\""), "programs get the text itself");
}

#[test]
fn reports_are_listed_with_what_they_answer() {
    Run::new().run(&["report", "--list"]).is_snapshot("report_list");
    Run::new().run(&["report", "--help"]).is_snapshot("help_report");
}

#[test]
fn what_does_not_fit_is_said_with_a_hint() {
    let run = Run::new();
    run.take("exports/partner", "exports");
    run.run(&[
        "--quiet",
        "ingest",
        "--source",
        "p",
        "--amortized",
        "exports/amortized",
        "--month",
        "2026-07",
    ])
    .done();
    run.write("typo.sql", "-- section: a\n-- title: A\n\nselect scope_idd\nfrom savings\n");
    run.write("header.sql", "-- section: a\n-- chrt: bars a: b\nselect 1\n");
    run.write(
        "divides.sql",
        "-- section: a\nselect 1 / (billing_month = 'x')::int as x from savings",
    );
    run.write("placeholder.sql", "select * from savings where billing_month = $month");
    std::fs::create_dir(run.path("home")).unwrap();
    run.write("home/thesis.txt", "years");
    for (name, arguments) in [
        ("report_unknown", &["saving", "--out", "out"][..]),
        ("report_no_out", &["savings"]),
        (
            "report_unknown_scope",
            &["savings", "--out", "out", "--scope-type", "customer", "--scope-id", "Contosso"],
        ),
        ("report_scope_without_id", &["savings", "--out", "out", "--scope-type", "customer"]),
        ("report_bad_scope", &["savings", "--out", "out", "--per", "tenant"]),
        ("report_bad_month", &["savings", "--out", "out", "--month", "2026-13"]),
        ("report_backward_months", &["savings", "--out", "out", "--month", "2026-08..2026-07"]),
        ("report_bogus_and_all", &["bogus", "all", "--out", "out"]),
        ("report_unknown_currency", &["savings", "--out", "out", "--currency", "XYZ"]),
        ("report_nothing", &["savings", "--per", "customer", "--month", "2026-10", "--out", "out"]),
        ("report_out_is_a_file", &["savings", "--out", "typo.sql"]),
        ("report_unknown_source", &["savings", "--out", "out", "--source", "q"]),
        ("report_foreign_folder", &["savings", "--out", "home"]),
        ("report_file_sql", &["--file", "typo.sql", "--out", "out"]),
        ("report_file_header", &["--file", "header.sql", "--out", "out"]),
        ("report_file_placeholder", &["--file", "placeholder.sql", "--out", "out"]),
        ("report_file_divides", &["--file", "divides.sql", "--out", "out"]),
        ("report_file_missing", &["--file", "nowhere.sql", "--out", "out"]),
    ] {
        let ended = report(&run, arguments);
        assert_ne!(ended.code, 0, "{name}");
        ended.is_snapshot(name);
    }
    assert_eq!(files(&run.path("home")), ["thesis.txt"]);
    assert!(!run.path("out").exists());
    let empty = Run::new();
    report(&empty, &["savings", "--out", "out"]).is_snapshot("report_empty_lake");
}

#[test]
fn months_that_are_open_or_missing_are_named() {
    let run = Run::new();
    run.take("exports/partner", "exports");
    run.run(&[
        "--quiet",
        "ingest",
        "--source",
        "p",
        "--amortized",
        "exports/amortized",
        "--month",
        "2026-07",
    ])
    .done();
    let arguments =
        ["savings", "--month", "2026-06..2026-08", "--format", "md,json,xlsx", "--out", "out"];
    let ended = run.run(&[&["--as-of", "2026-08-03", "report"][..], &arguments].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let text = run.read("out/savings.md");
    assert!(text.contains("Not in the lake, so unknown and not 0: 2026-06, 2026-08"), "{text}");
    assert!(text.contains("The actual cost is not in the lake: 2026-07"), "{text}");
    assert!(text.contains("Estimates, as Azure may still change the month: 2026-07"), "{text}");
    let json: Value = serde_json::from_str(&run.read("out/savings.json")).unwrap();
    assert_eq!(json["notes"][0]["level"], "caution");
    assert_eq!(json["first_month"], "2026-06");
    let sheets = workbook(&run.path("out/savings.xlsx"));
    assert!(sheets.contains("Months in italics are estimates"), "{sheets}");
}

/// What cannot be told is kept, too: a month that is missing, one that is open, one without
/// the amortized file, and a source that sees a subscription only.
#[test]
fn what_cannot_be_told_is_told_as_such() {
    let run = Run::new();
    for (folder, scope) in [("wide", "billing_account"), ("narrow", "subscription")] {
        let months = ["--months", "2026-07..2026-08", "--rows", "600", "--scope", scope];
        run.run(&[&["--quiet", "generate", "--out", folder][..], &months].concat()).done();
    }
    let ingest = |source: &str, month: &str, datasets: &[&str]| {
        let mut arguments = vec!["--quiet", "ingest", "--source", source, "--month", month];
        arguments.extend(datasets);
        run.run(&arguments).done();
    };
    ingest("contoso", "2026-07", &["--actual", "wide/actual", "--amortized", "wide/amortized"]);
    ingest("contoso", "2026-08", &["--actual", "wide/actual"]);
    ingest("retail", "2026-08", &["--actual", "narrow/actual", "--amortized", "narrow/amortized"]);
    let reports = [
        "savings",
        "commitments",
        "list-vs-cost",
        "unused",
        "coverage",
        "partner-earned-credit",
        "reconcile",
    ];
    let kept = golden().with_file_name("reports_untold");
    for (set, more) in [("all", &[][..]), ("retail", &["--source", "Retail"])] {
        let mut arguments = vec!["--as-of", "2026-08-20", "report"];
        arguments.extend(reports);
        arguments.extend(["--month", "2026-06..2026-08", "--format", "md", "--out", set]);
        arguments.extend(more);
        let ended = run.run(&arguments);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        is_golden(&run.path(set), &kept.join(set));
    }
    let retail = run.read("retail/unused.md");
    assert!(retail.contains("Unknown: some of the months are not loaded; Azure does not show"));
    assert!(!retail.contains("Nothing stood idle."), "{retail}");
    assert!(run.read("all/savings.md").contains("2026-08 (estimate)"));
}

#[test]
fn a_golden_set_is_what_the_repository_holds() {
    // Whoever adds a report adds its files.
    let names: BTreeSet<String> = files(&golden())
        .iter()
        .filter_map(|path| path.strip_suffix(".html"))
        .map(str::to_owned)
        .collect();
    let expected: BTreeSet<String> =
        OF_A_CUSTOMER.iter().chain(&OF_THE_PARTNER).map(|name| (*name).to_owned()).collect();
    assert_eq!(names, expected);
}
