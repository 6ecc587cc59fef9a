use super::*;
use crate::report::reports;

fn parse(text: &str) -> ReportDefinition {
    parse_report("my_report", "my_report.sql", text).unwrap()
}

fn refused(text: &str) -> (usize, String) {
    let error = parse_report("my", "my.sql", text).unwrap_err();
    assert_eq!(error.file, "my.sql");
    (error.line, error.reason)
}

#[test]
fn every_report_of_the_folder_is_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../sql/reports");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.strip_suffix(".sql").unwrap().replace('_', "-"))
        .collect();
    files.sort();
    let mut names: Vec<&str> = reports().iter().map(|report| report.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(files, names);
    for report in reports() {
        assert!(report.question.is_some() && !report.scopes.is_empty(), "{}", report.name);
        let names: Vec<&str> =
            report.sections.iter().map(|section| section.name.as_str()).collect();
        let unique: std::collections::BTreeSet<&&str> = names.iter().collect();
        assert_eq!(unique.len(), names.len(), "{names:?}");
    }
}

#[test]
fn a_section_of_another_report_is_the_same_one() {
    let of = |report: &str, section: &str| {
        let report = reports().iter().find(|known| known.name == report).unwrap();
        report.sections.iter().find(|known| known.name == section).unwrap()
    };
    assert_eq!(of("savings", "by_rate_type"), of("rate-reduction", "by_rate_type"));
    let mine = parse("-- section: savings/by_month\n\n-- section: own\nselect 1");
    assert_eq!(&mine.sections[0], of("savings", "by_month"));
    assert_eq!((mine.sections[1].file.as_str(), mine.sections[1].sql_line), ("my_report.sql", 4));
    // A fault in a borrowed query is told where it stands.
    assert_eq!(mine.sections[0].file, "sql/reports/savings.sql");
}

#[test]
fn headers_say_what_to_show() {
    let report = parse(
        "-- report: Mine\n-- question: What?\n-- scopes: customer, billing-profile\n\n\
         -- section: a\n-- title: The first\n-- note: Mind\n--   this.\n\
         -- chart: stacked month: cost by kind\n\
         -- totals: cost, list, pct = 100 * cost / list\n-- table: hidden\n\
         -- if empty: leave out\n\nselect 1;\n\n-- section: b\nselect 2 -- c: d\n",
    );
    assert_eq!((report.name.as_str(), report.title.as_str()), ("my-report", "Mine"));
    assert_eq!(report.scopes, [ReportScope::CustomerTenant, ReportScope::BillingProfile]);
    let [a, b] = &report.sections[..] else { panic!() };
    assert_eq!((a.title.as_str(), a.note.as_deref()), ("The first", Some("Mind this.")));
    let chart = a.chart.as_ref().unwrap();
    assert_eq!((chart.kind, chart.category.as_str()), (ChartKind::Stacked, "month"));
    assert_eq!(
        (&chart.values[..], chart.series.as_deref()),
        (&["cost".to_owned()][..], Some("kind"))
    );
    assert_eq!(a.totals[0], TotalDefinition::Sum("cost".to_owned()));
    assert!(matches!(&a.totals[2], TotalDefinition::Percent { column, .. } if column == "pct"));
    assert_eq!(
        (a.shows_table, &a.if_empty, a.sql.as_str(), a.sql_line),
        (false, &IfEmpty::LeaveOut, "select 1", 14)
    );
    assert_eq!((b.title.as_str(), b.sql.as_str(), b.sql_line), ("b", "select 2 -- c: d", 17));
    assert!(b.shows_table);
}

#[test]
fn plain_sql_is_a_report_too() {
    let one = parse("-- what I always ask\nselect 1\n");
    assert_eq!((one.sections.len(), one.sections[0].name.as_str()), (1, "result"));
    let two = parse("select 1;\n\n  select ';' as x;\n-- the end\n");
    let places: Vec<(&str, usize)> =
        two.sections.iter().map(|section| (section.name.as_str(), section.sql_line)).collect();
    assert_eq!(places, [("result_1", 1), ("result_2", 3)]);
    assert_eq!(two.sections[1].sql, "select ';' as x");
    assert_eq!(one.scopes.len(), ReportScope::ALL.len());
}

#[test]
fn faults_say_where_and_what() {
    for (text, line, reason) in [
        ("", 1, "no query"),
        ("-- nothing\n", 1, "no query"),
        ("select 'a", 1, "nterminated"),
        ("-- section: a\n", 2, "no query"),
        ("-- section: a b\nselect 1", 1, "is no name"),
        ("-- section: a\nselect 1; select 2", 2, "one statement"),
        ("-- section: a\nselect 1\n-- section: a\nselect 2", 4, "two sections a"),
        ("-- section: a\n-- charts: x\nselect 1", 2, "not known here"),
        ("-- section: a\n-- chart: bar x: y\nselect 1", 2, "is bars meant?"),
        ("-- section: a\n-- chart: bars x\nselect 1", 2, "write"),
        ("-- section: a\n-- chart: heat x: y\nselect 1", 2, "two columns"),
        ("-- section: a\n-- chart: bars x: y, z by w\nselect 1", 2, "one value"),
        ("-- section: a\n-- totals: a, b = c / d\nselect 1", 2, "write"),
        ("-- section: a\n-- totals: a, p = 100 * a / b\nselect 1", 2, "b is no total"),
        ("-- section: a\n-- table: gone\nselect 1", 2, "can only be"),
        ("-- scopes: tenant\n-- section: a\nselect 1", 1, "no scope of a report"),
        ("-- title: x\n-- section: a\nselect 1", 1, "not known here"),
        ("select 1\n-- section: a\nselect 2", 1, "before the first"),
        ("-- section: savings/none\n", 1, "no section savings/none"),
        ("-- section: savings/by_month\nselect 1", 2, "own query"),
    ] {
        let (found, what) = refused(text);
        assert!(what.contains(reason), "{text:?}: {what}");
        assert_eq!(found, line, "{text:?}: {what}");
    }
}
