use std::collections::BTreeSet;

use datafusion::sql::parser::DFParser;

use super::*;
use crate::commit::LakeTable;
use crate::model::DatasetType;
use crate::query::test_lake::{TestFile, TestLake, rows};
use crate::views::views;

/// Digests follow what the headers say is read; a name left out there would keep a
/// result that is stale.
#[test]
fn headers_name_everything_a_view_reads() {
    for view in views() {
        let mut statements = DFParser::parse_sql(&view.sql).unwrap();
        let (tables, _) = datafusion::sql::resolve::resolve_table_references(
            &statements.pop_front().unwrap(),
            true,
        )
        .unwrap();
        let read: BTreeSet<String> = tables.iter().map(|table| table.table().to_owned()).collect();
        let named: BTreeSet<String> = view.sources.iter().cloned().collect();
        assert_eq!(read, named, "{}", view.name);
    }
}

#[test]
fn kept_views_depend_on_their_month_alone() {
    let rollups = Rollups::new(Vec::new(), views());
    let kept = rollups.views();
    assert!(kept.len() >= 5);
    for view in kept {
        for table in rollups.tables_below(&view.name) {
            // Every other table tells of months by their rows, which names do not show.
            let known = [
                "actual_cost",
                "amortized_cost",
                "price_sheet",
                "reservation_details",
                "ingest_runs",
            ];
            assert!(known.contains(&table), "{} reads {table}", view.name);
        }
        for name in rollups.below(&view.name) {
            let sql = views().iter().find(|view| view.name == name).unwrap().sql.to_lowercase();
            for word in [
                "current_date",
                "current_time",
                "localtime",
                "now(",
                "today(",
                "random(",
                "uuid(",
                "version(",
            ] {
                assert!(!sql.contains(word), "{} asks for {word} in {name}", view.name);
            }
        }
    }
}

/// A view's names for each month, over a lake of two sources and two months.
async fn names(view: &str, more: &[(LakeTable, [&str; 2])]) -> BTreeMap<SourceMonth, String> {
    let lake = TestLake::new();
    let cost = LakeTable::Dataset(DatasetType::AmortizedCost);
    let partitions = [["a", "2026-07"], ["a", "2026-08"], ["b", "2026-07"]];
    let files: Vec<TestFile<'_>> = partitions
        .iter()
        .map(|partition| TestFile {
            partition: partition.as_slice(),
            rows: rows(cost, &[("cost_in_billing_currency", &["1"])]),
        })
        .collect();
    lake.create(cost, &files);
    for (table, partition) in more {
        let file = TestFile { partition: partition.as_slice(), rows: rows(*table, &[]) };
        lake.create(*table, &[file]);
    }
    let tables = TableSnapshot::of_lake(&lake.lake()).await.unwrap();
    let rollups = Rollups::new(tables, views());
    rollups.names(view).map(|name| (name.month, name.digest)).collect()
}

fn changed(
    before: &BTreeMap<SourceMonth, String>,
    after: &BTreeMap<SourceMonth, String>,
) -> Vec<String> {
    assert!(before.keys().eq(after.keys()));
    let changed = before.iter().filter(|(month, name)| after[month] != **name);
    changed.map(|(month, _)| format!("{} {}", month.source, month.billing_month)).collect()
}

/// Each lake is in another folder.
#[tokio::test]
async fn a_name_follows_the_files_of_its_month() {
    let before = names("rate_totals", &[]).await;
    assert_eq!(before.values().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(names("rate_totals", &[]).await, before);
    // Whichever source brings a price sheet, it is for all.
    let sheet = (LakeTable::Dataset(DatasetType::PriceSheet), ["c", "2026-07"]);
    assert_eq!(changed(&before, &names("rate_totals", &[sheet]).await), ["a 2026-07", "b 2026-07"]);
    let actual = (LakeTable::Dataset(DatasetType::ActualCost), ["a", "2026-08"]);
    assert_eq!(changed(&before, &names("rate_totals", &[actual]).await), ["a 2026-08"]);
    let details = (LakeTable::Dataset(DatasetType::ReservationDetails), ["a", "2026-08"]);
    let details = names("commitment_days", &[(details.0, details.1)]).await;
    assert_eq!(changed(&names("commitment_days", &[]).await, &details), Vec::<String>::new());
}

/// A result for a month without rows of its tables would be of no use; one that has rows
/// and no name would be lost to the view.
#[tokio::test]
async fn a_view_has_names_for_the_months_of_its_own_tables() {
    let details = LakeTable::Dataset(DatasetType::ReservationDetails);
    let names = names("reservation_days", &[(details, ["c", "2026-09"])]).await;
    let months = names.keys().map(|month| (&*month.source, &*month.billing_month));
    assert_eq!(months.collect::<Vec<_>>(), [("c", "2026-09")]);
}
