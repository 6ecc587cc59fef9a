use std::collections::BTreeSet;
use std::path::Path;

use super::*;

const HEADER: &str =
    "-- question: Why?\n-- grain: a\n-- sources: x, y\n-- columns:\n--   a: first\n";

#[test]
fn headers_are_read() {
    let text = format!("{HEADER}--   b: second:\n--      continued\n\nselect 1 -- a: b\n;\n");
    let view = parse_view("v", &text).unwrap();
    assert_eq!((view.question.as_str(), view.grain.as_str()), ("Why?", "a"));
    assert_eq!(view.sources, ["x", "y"]);
    assert_eq!(view.column_description("b"), Some("second: continued"));
    assert_eq!(view.columns.len(), 2);
    assert_eq!(view.sql, "select 1 -- a: b\n");
    let check = parse_check("c", "-- question: Rows?\n--   More.\nselect 1").unwrap();
    assert_eq!(check.question, "Rows? More.");
}

#[test]
fn faulty_headers_say_where() {
    for (text, line, reason) in [
        ("select 1".to_owned(), 1, "lacks \"question:\""),
        (HEADER.replace("-- grain: a", "-- grain:") + "select 1", 2, "\"grain:\" is empty"),
        (HEADER.to_owned() + "--   a: again\nselect 1", 6, "described twice"),
        (HEADER.to_owned() + "--   b:\nselect 1", 6, "not described"),
        (HEADER.to_owned() + "-- units: EUR\nselect 1", 6, "\"units:\" is not known"),
        (HEADER.replace(": Why?", "") + "select 1", 1, "expected"),
        (HEADER.to_owned(), 6, "no query"),
        (HEADER.replace("--   a: first\n", "") + "select 1", 4, "\"columns:\" is empty"),
    ] {
        let error = parse_view("v", &text).unwrap_err();
        assert_eq!(error.line, line, "{error}\n{text}");
        assert!(error.reason.contains(reason), "{error}");
    }
}

#[test]
fn no_view_reads_itself() {
    let mut waiting: Vec<&ViewDefinition> = views().iter().collect();
    while !waiting.is_empty() {
        let names: BTreeSet<&str> = waiting.iter().map(|view| view.name.as_str()).collect();
        let blocked = |view: &&ViewDefinition| {
            view.sources.iter().any(|source| names.contains(source.as_str()))
        };
        assert!(!waiting.iter().all(blocked), "a circle among {names:?}");
        waiting.retain(blocked);
    }
}

/// Paths of the `.sql` files in folders of `sql/`.
fn files(folders: &[&str]) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sql");
    let mut found = BTreeSet::new();
    for folder in folders {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        for entry in entries {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if let Some(stem) = name.strip_suffix(".sql") {
                found.insert(format!("{folder}/{stem}"));
            }
        }
    }
    found
}

#[test]
fn every_file_of_the_folder_is_compiled_in() {
    let listed =
        |files: &[SqlFile]| files.iter().map(|file| file.path.to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(listed(VIEW_FILES), files(&["staging", "marts"]));
    assert_eq!(listed(CHECK_FILES), files(&["checks"]));
    for file in VIEW_FILES {
        parse_view(file_stem(file.path), file.text).unwrap();
    }
    for file in CHECK_FILES {
        parse_check(file_stem(file.path), file.text).unwrap();
    }
    let names: BTreeSet<&str> = VIEW_FILES.iter().map(|file| file_stem(file.path)).collect();
    assert_eq!(names.len(), VIEW_FILES.len(), "two views have the same name");
}
