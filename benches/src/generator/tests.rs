//! Reads generated exports back with another CSV reader and another decimal
//! arithmetic (school multiplication on digits) and checks what is promised.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;
use tempfile::TempDir;

use super::*;

const MONTH: &str = "2026-07";

fn month(text: &str) -> BillingMonth {
    text.parse().unwrap()
}

/// A small export of one month.
fn small() -> GeneratorOptions {
    GeneratorOptions {
        months: vec![month(MONTH)],
        open_month: None,
        rows_per_month: ROWS_PER_MONTH_MIN,
        threads: 1,
        ..GeneratorOptions::default()
    }
}

/// One with many blocks, so with commitments beyond the showcase.
fn larger() -> GeneratorOptions {
    GeneratorOptions { rows_per_month: 40_000, ..small() }
}

/// A generated directory.
struct Export {
    directory: TempDir,
    totals: GeneratedTotals,
}

fn export(options: &GeneratorOptions) -> Export {
    let directory = tempfile::tempdir().unwrap();
    let totals = generate(directory.path(), options, &|_| {}).unwrap();
    Export { directory, totals }
}

/// Rows of a file; cells are found by the lower-cased column name.
struct Rows {
    columns: BTreeMap<String, usize>,
    rows: Vec<csv::StringRecord>,
}

impl Rows {
    fn cell<'a>(&self, row: &'a csv::StringRecord, column: &str) -> &'a str {
        &row[self.columns[&column.to_ascii_lowercase()]]
    }

    fn where_is<'a>(
        &'a self,
        column: &'a str,
        value: &'a str,
    ) -> impl Iterator<Item = &'a csv::StringRecord> {
        self.rows.iter().filter(move |row| self.cell(row, column) == value)
    }

    fn values(&self, column: &str) -> BTreeSet<&str> {
        self.rows.iter().map(|row| self.cell(row, column)).collect()
    }
}

impl Export {
    fn manifest(&self, dataset: DatasetType, month: BillingMonth) -> Value {
        let run = self.totals.run(dataset, month).unwrap();
        let text = std::fs::read(self.directory.path().join(&run.manifest)).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    fn blob(&self, name: &str) -> Vec<u8> {
        let stored = std::fs::read(self.directory.path().join(name)).unwrap();
        if !name.ends_with(".gz") {
            return stored;
        }
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut GzDecoder::new(stored.as_slice()), &mut bytes).unwrap();
        bytes
    }

    /// All rows of a run, through its manifest.
    fn rows(&self, dataset: DatasetType, month: BillingMonth) -> Rows {
        let mut all = Rows { columns: BTreeMap::new(), rows: Vec::new() };
        for blob in self.manifest(dataset, month)["blobs"].as_array().unwrap() {
            let bytes = self.blob(blob["blobName"].as_str().unwrap());
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
            let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
            let header = reader.headers().unwrap().clone();
            let names = header.iter().map(str::to_ascii_lowercase);
            all.columns = names.enumerate().map(|(index, name)| (name, index)).collect();
            assert_eq!(all.columns.len(), header.len(), "column names are unique");
            let before = all.rows.len() as u64;
            all.rows.extend(reader.records().map(Result::unwrap));
            assert_eq!(all.rows.len() as u64 - before, blob["dataRowCount"].as_u64().unwrap());
        }
        all
    }

    fn both(&self) -> [Rows; 2] {
        DatasetType::ALL.map(|dataset| self.rows(dataset, month(MONTH)))
    }
}

/// An exact decimal of any length: digits, least significant first.
#[derive(Clone, Debug)]
struct Digits {
    negative: bool,
    digits: Vec<u32>,
    decimals: i32,
}

impl Digits {
    fn parse(text: &str) -> Self {
        let (number, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().unwrap()),
            None => (text, 0),
        };
        let decimals = number.find('.').map_or(0, |point| number.len() - point - 1) as i32;
        let digits = number.chars().rev().filter_map(|digit| digit.to_digit(10)).collect();
        Self { negative: number.starts_with('-'), digits, decimals: decimals - exponent }
    }

    fn times(&self, other: &Self) -> Self {
        let mut digits = vec![0; self.digits.len() + other.digits.len()];
        for (low, left) in self.digits.iter().enumerate() {
            for (high, right) in other.digits.iter().enumerate() {
                digits[low + high] += left * right;
            }
        }
        for index in 1..digits.len() {
            digits[index] += digits[index - 1] / 10;
            digits[index - 1] %= 10;
        }
        Self {
            negative: self.negative != other.negative,
            digits,
            decimals: self.decimals + other.decimals,
        }
    }

    /// Rounded half to even, in units of 10^-decimals.
    fn round(&self, decimals: i32) -> i128 {
        let cut = self.decimals - decimals;
        let value = |digits: &[u32]| {
            digits.iter().rev().fold(0i128, |value, digit| value * 10 + i128::from(*digit))
        };
        let magnitude = if cut <= 0 {
            value(&self.digits) * 10i128.pow(cut.unsigned_abs())
        } else {
            let cut = (cut as usize).min(self.digits.len());
            let missing = cut < (self.decimals - decimals) as usize;
            let (dropped, kept) = self.digits.split_at(cut);
            let first = if missing { 0 } else { dropped.last().copied().unwrap_or(0) };
            let rest = dropped.iter().rev().skip(1).any(|digit| *digit != 0);
            let kept = value(kept);
            kept + i128::from(first > 5 || (first == 5 && (rest || kept % 2 == 1)))
        };
        if self.negative { -magnitude } else { magnitude }
    }
}

fn raw(text: &str) -> i128 {
    Digits::parse(text).round(18)
}

/// Rounded as the cell prints it: at 28 decimals where it prints 28.
fn raw_as_printed(product: &Digits, cell: &str) -> i128 {
    let wide = cell.find('.').is_some_and(|point| cell.len() - point - 1 == 28);
    if !wide {
        return product.round(18);
    }
    let digits = product.round(28);
    let text = digits.unsigned_abs().to_string();
    Digits {
        negative: digits < 0,
        digits: text.chars().rev().filter_map(|digit| digit.to_digit(10)).collect(),
        decimals: 28,
    }
    .round(18)
}

fn tree(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(directory).unwrap().to_owned();
                files.insert(name.display().to_string(), std::fs::read(entry.path()).unwrap());
            }
        }
    }
    files
}

#[test]
fn the_same_options_give_the_same_bytes_on_any_number_of_threads() {
    let options = GeneratorOptions {
        months: vec![month("2026-07"), month("2026-08")],
        part_bytes_max: 700_000,
        compression: Compression::Gzip,
        ..larger()
    };
    let one = export(&options);
    let three = export(&GeneratorOptions { threads: 3, ..options.clone() });
    assert_eq!(one.totals, three.totals);
    let (one, three) = (tree(one.directory.path()), tree(three.directory.path()));
    assert!(one.len() > 200, "many parts: {}", one.len());
    assert!(one == three, "the bytes differ");
    let other = export(&GeneratorOptions { seed: 2, ..small() });
    assert!(one != tree(other.directory.path()));
}

#[test]
fn totals_equal_an_independent_reading() {
    for options in [larger(), GeneratorOptions { compression: Compression::Gzip, ..small() }] {
        let written = export(&options);
        for run in &written.totals.runs {
            let rows = written.rows(run.dataset, run.month);
            let mut sums: BTreeMap<&str, [i128; 4]> = BTreeMap::new();
            let mut charges: BTreeMap<(&str, &str), ChargeTotals> = BTreeMap::new();
            for row in &rows.rows {
                let currency = rows.cell(row, "billingCurrency");
                let cost = raw(rows.cell(row, "costInBillingCurrency"));
                let sum = sums.entry(currency).or_default();
                sum[0] += 1;
                sum[1] += cost;
                sum[2] += raw(rows.cell(row, "paygCostInBillingCurrency"));
                sum[3] += raw(rows.cell(row, "costInUsd"));
                let charge = charges.entry((currency, rows.cell(row, "chargeType"))).or_default();
                charge.rows += 1;
                charge.cost_in_billing_currency += cost;
            }
            let told: BTreeMap<&str, [i128; 4]> = run
                .currencies
                .iter()
                .map(|(currency, totals)| {
                    let sums = [
                        i128::from(totals.rows),
                        totals.cost_in_billing_currency,
                        totals.payg_cost_in_billing_currency,
                        totals.cost_in_usd,
                    ];
                    (currency, sums)
                })
                .collect();
            assert_eq!(told, sums);
            assert_eq!(run.charge_types, charges);
            assert_eq!(run.rows, rows.rows.len() as u64);
        }
        let amortized = written.totals.run(DatasetType::AmortizedCost, month(MONTH)).unwrap();
        assert_eq!(amortized.rows, options.rows_per_month);
    }
}

#[test]
fn totals_json_says_the_same() {
    let written = export(&small());
    let text = std::fs::read(written.directory.path().join("totals.json")).unwrap();
    let json: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(json, written.totals.to_json());
    assert_eq!(json["rows"], written.totals.rows());
    assert_eq!(json["runs"][1]["currencies"][0]["billing_currency"], "EUR");
    assert!(json["commitments"].as_array().unwrap().len() >= 14);
}

#[test]
fn the_minimum_has_room_for_the_showcase_of_any_month_and_scope() {
    let options = small();
    for scope in ScopeType::ALL {
        let tenant = tenant::Tenant::new(1, month("2026-01"), ROWS_PER_MONTH_MIN, scope);
        let layout = columns::Layout::new(scope, options.data_version).unwrap();
        for text in ["2026-01", "2026-02", "2026-03", "2026-04", "2027-12", "2032-01"] {
            let options = GeneratorOptions { scope, ..options.clone() };
            let context = rows::Month::new(&options, &tenant, &layout, month(text));
            let count = context.block(rows::BlockPlan::Showcase).amortized_rows();
            assert!(count <= ROWS_PER_MONTH_MIN, "{scope} {text}: {count}");
        }
    }
}

#[test]
fn cost_is_quantity_times_price_times_rate() {
    let written = export(&larger());
    for rows in written.both() {
        for row in &rows.rows {
            let number = |column| Digits::parse(rows.cell(row, column));
            let rate = number("exchangeRatePricingToBilling");
            let cost = number("quantity").times(&number("effectivePrice"));
            let list = number("quantity").times(&number("PayGPrice"));
            assert_eq!(cost.round(18), raw(rows.cell(row, "costInPricingCurrency")), "{row:?}");
            assert_eq!(cost.round(18), raw(rows.cell(row, "costInUsd")));
            let billed = rows.cell(row, "costInBillingCurrency");
            assert_eq!(raw_as_printed(&cost.times(&rate), billed), raw(billed), "{row:?}");
            let listed = rows.cell(row, "paygCostInBillingCurrency");
            assert_eq!(raw_as_printed(&list.times(&rate), listed), raw(listed), "{row:?}");
            assert_eq!(list.round(18), raw(rows.cell(row, "paygCostInUsd")));
            if rows.cell(row, "partnerEarnedCreditApplied") == "True" {
                let kept = number("unitPrice").times(&Digits::parse("0.85"));
                assert_eq!(kept.round(18), raw(rows.cell(row, "effectivePrice")));
            }
        }
    }
}

#[test]
fn rows_without_a_commitment_are_the_same_in_both_files() {
    let written = export(&larger());
    let [actual, amortized] = written.both().map(|rows| {
        let mut plain: Vec<Vec<String>> = rows
            .rows
            .iter()
            .filter(|row| rows.cell(row, "benefitId").is_empty())
            .map(|row| row.iter().map(str::to_owned).collect())
            .collect();
        plain.sort_unstable();
        plain
    });
    assert!(actual.len() > 30_000);
    assert!(actual == amortized);
    let mut distinct = actual.clone();
    distinct.dedup();
    assert!(distinct.len() < actual.len(), "identical rows are legal, so there are some");
}

#[test]
fn covered_usage_costs_nothing_in_the_actual_file_and_purchases_are_only_there() {
    let [actual, amortized] = export(&larger()).both();
    let covered = |rows: &Rows| {
        let usage = rows.where_is("chargeType", "Usage");
        usage.filter(|row| !rows.cell(row, "benefitId").is_empty()).cloned().collect::<Vec<_>>()
    };
    let (in_actual, in_amortized) = (covered(&actual), covered(&amortized));
    assert_eq!(in_actual.len(), in_amortized.len());
    for row in &in_actual {
        assert_eq!(actual.cell(row, "costInBillingCurrency"), "0");
        assert_eq!(actual.cell(row, "effectivePrice"), "0");
    }
    for row in &in_amortized {
        assert_ne!(raw(amortized.cell(row, "effectivePrice")), 0);
        let reserved = !amortized.cell(row, "reservationId").is_empty();
        assert_eq!(raw(amortized.cell(row, "PayGPrice")) == 0, reserved);
        assert!(!reserved || amortized.cell(row, "unitPrice").is_empty());
    }
    for row in &amortized.rows {
        let paid = ["Purchase", "Refund"].contains(&amortized.cell(row, "chargeType"));
        assert!(!paid || amortized.cell(row, "benefitId").is_empty());
    }
    assert_eq!(actual.where_is("chargeType", "UnusedReservation").count(), 0);
    assert_eq!(actual.where_is("chargeType", "UnusedSavingsPlan").count(), 0);
}

/// Adds up, by benefit and day.
fn amortized_days(rows: &Rows) -> BTreeMap<(String, String), (i128, u32)> {
    let mut days: BTreeMap<(String, String), (i128, u32)> = BTreeMap::new();
    for row in rows.rows.iter().filter(|row| !rows.cell(row, "benefitId").is_empty()) {
        let key = (rows.cell(row, "benefitId").to_owned(), rows.cell(row, "date").to_owned());
        let day = days.entry(key).or_default();
        day.0 += raw(rows.cell(row, "costInUsd"));
        day.1 += 1;
    }
    days
}

#[test]
fn every_day_of_a_commitment_amortizes_to_its_daily_amount() {
    let written = export(&larger());
    let [_, amortized] = written.both();
    let days = amortized_days(&amortized);
    let mut seen = 0;
    for commitment in &written.totals.commitments {
        let mut usd = 0;
        for ((_, _), (sum, _)) in days.iter().filter(|((id, _), _)| *id == commitment.benefit_id) {
            assert_eq!(*sum, commitment.daily_usd, "{commitment:?}");
            usd += sum;
            seen += 1;
        }
        let first = commitment.purchase_day.max(month(MONTH).first_day());
        let end = commitment.returned_day.unwrap_or(commitment.expiry_day);
        let covered = (end.min(month(MONTH).last_day() + 1) - first).max(0);
        assert_eq!(usd, commitment.daily_usd * i128::from(covered), "{commitment:?}");
    }
    assert_eq!(seen, days.len(), "every benefit in the file is in the totals");
}

#[test]
fn commitment_totals_are_what_the_rows_add_up_to() {
    let written = export(&larger());
    let [actual, amortized] = written.both();
    let sum = |rows: &Rows, id: &str, unused: bool| -> i128 {
        rows.where_is("benefitId", id)
            .filter(|row| (rows.cell(row, "chargeType") != "Usage") == unused)
            .map(|row| raw(rows.cell(row, "costInBillingCurrency")))
            .sum()
    };
    let by_order = |rows: &Rows, charge_type: &str| {
        let mut sums: BTreeMap<String, i128> = BTreeMap::new();
        for row in rows.where_is("chargeType", charge_type) {
            if !rows.cell(row, "benefitId").is_empty() {
                *sums.entry(rows.cell(row, "productOrderId").to_owned()).or_default() +=
                    raw(rows.cell(row, "costInBillingCurrency"));
            }
        }
        sums
    };
    let mut purchased: BTreeMap<String, i128> = BTreeMap::new();
    let mut refunded: BTreeMap<String, i128> = BTreeMap::new();
    for commitment in &written.totals.commitments {
        let Some(told) = commitment.months.get(&month(MONTH)) else { continue };
        assert_eq!(told.used, sum(&amortized, &commitment.benefit_id, false));
        assert_eq!(told.unused, sum(&amortized, &commitment.benefit_id, true));
        *purchased.entry(commitment.order_id.clone()).or_default() += told.purchased;
        *refunded.entry(commitment.order_id.clone()).or_default() -= told.refunded;
        if commitment.frequency == "Recurring" {
            // Each row is rounded to 18 decimals; nothing else may differ.
            let difference = told.purchased - told.used - told.unused;
            assert!(difference.abs() < 1_000, "{commitment:?}");
        }
    }
    let close = |told: BTreeMap<String, i128>, found: BTreeMap<String, i128>| {
        let told: BTreeMap<_, _> = told.into_iter().filter(|(_, sum)| *sum != 0).collect();
        assert!(!found.is_empty());
        assert_eq!(told.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
        for (order, sum) in &told {
            assert!((sum - found[order]).abs() <= 2, "{order}");
        }
    };
    close(purchased, by_order(&actual, "Purchase"));
    close(refunded, by_order(&actual, "Refund"));
}

#[test]
fn every_kind_of_row_is_there_even_in_the_smallest_export() {
    let [actual, amortized] = export(&small()).both();
    let expect = |rows: &Rows, column: &str, wanted: &[&str]| {
        let values = rows.values(column);
        for value in wanted {
            assert!(values.contains(value), "{column} has no {value:?}: {values:?}");
        }
    };
    expect(
        &actual,
        "chargeType",
        &["Usage", "Purchase", "Refund", "Tax", "RoundingAdjustment", "Adjustment", "Credit"],
    );
    expect(&amortized, "chargeType", &["UnusedReservation", "UnusedSavingsPlan"]);
    for rows in [&actual, &amortized] {
        expect(
            rows,
            "PricingModel",
            &["OnDemand", "On Demand", "Reservation", "SavingsPlan", "Spot"],
        );
        expect(rows, "frequency", &["OneTime", "Recurring", "UsageBased"]);
        expect(rows, "term", &["", "1", "12", "36", "60"]);
        expect(rows, "billingCurrency", &["USD", "EUR", "GBP"]);
        expect(rows, "publisherType", &["Microsoft", "Marketplace"]);
        expect(rows, "provider", &["Azure", "Microsoft 365", "Dynamics 365"]);
        expect(rows, "partnerEarnedCreditApplied", &["True", "False"]);
        expect(rows, "partnerEarnedCreditRate", &["0", "0.15"]);
        expect(rows, "exchangeRatePricingToBilling", &["1", "0.858663918942126052"]);
        expect(rows, "customerName", &["Northwind Traders", "Northwind Global, LLC"]);
    }
    expect(&amortized, "SubscriptionId", &["", "00000000-0000-0000-0000-000000000000"]);
    expect(&amortized, "customerTenantId", &[""]);
    let order_only = actual.where_is("chargeType", "Purchase").filter(|row| {
        let order = actual.cell(row, "productOrderId");
        actual.cell(row, "reservationId") == order
            && actual.cell(row, "benefitId").ends_with("/reservations/")
    });
    assert!(order_only.count() >= 2);
    let fully_used = amortized
        .where_is("chargeType", "UnusedReservation")
        .filter(|row| amortized.cell(row, "quantity") == "0");
    assert!(fully_used.count() >= 31);
    let on_demand = amortized.values("meterId").len();
    assert!(on_demand > 10);
}

#[test]
fn list_prices_can_be_found_for_some_reserved_meters_and_two_for_one() {
    let [_, amortized] = export(&small()).both();
    let mut on_demand: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut reserved = BTreeSet::new();
    for row in amortized.where_is("chargeType", "Usage") {
        let key = (amortized.cell(row, "meterId"), amortized.cell(row, "ProductId"));
        if !amortized.cell(row, "reservationId").is_empty() {
            reserved.insert(key);
        } else if amortized.cell(row, "PricingModel").starts_with("On") {
            on_demand.entry(key).or_default().insert(amortized.cell(row, "PayGPrice"));
        }
    }
    let found = reserved.iter().filter(|key| on_demand.contains_key(*key)).count();
    assert!(found > 0 && found < reserved.len(), "{found} of {}", reserved.len());
    assert!(on_demand.values().any(|prices| prices.len() == 2));
}

#[test]
fn files_hold_the_traps_of_the_format_unless_told_otherwise() {
    let options = GeneratorOptions { months: vec![month("2026-07"), month("2026-08")], ..larger() };
    let bytes_of = |written: &Export| -> Vec<Vec<u8>> {
        let names = written.totals.runs.iter().map(|run| {
            let manifest = written.manifest(run.dataset, run.month);
            manifest["blobs"][0]["blobName"].as_str().unwrap().to_owned()
        });
        names.map(|name| written.blob(&name)).collect()
    };
    let has = |bytes: &[u8], wanted: &str| {
        bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes())
    };
    let all = export(&options);
    let files = bytes_of(&all);
    assert!(files.iter().all(|bytes| bytes.starts_with(b"\xef\xbb\xbf")));
    let headers: BTreeSet<&[u8]> =
        files.iter().map(|bytes| bytes.split(|byte| *byte == b'\r').next().unwrap()).collect();
    assert!(headers.len() > 1, "header case changes");
    assert!(files.iter().any(|bytes| has(bytes, "E-0")));
    assert!(files.iter().any(|bytes| has(bytes, "{\n  \"\"environment")));
    assert!(files.iter().any(|bytes| has(bytes, ",\"\"\"environment\"\":")), "tags without braces");
    assert!(
        files.iter().any(|bytes| has(bytes, "\r\n"))
            && !files.iter().all(|bytes| has(bytes, ",Azure\r\n"))
    );
    let wide = all.rows(DatasetType::ActualCost, month(MONTH));
    assert!(wide.rows.iter().any(|row| {
        let cost = wide.cell(row, "costInBillingCurrency");
        cost.find('.').is_some_and(|point| cost.len() - point - 1 == 28)
    }));

    let none = export(&GeneratorOptions { quirks: Quirks::NONE, ..options });
    for bytes in bytes_of(&none) {
        assert!(bytes.starts_with(b"invoiceId,previousInvoiceId,"));
        assert!(!has(&bytes, "\r") && !has(&bytes, "\n  \"\""));
    }
    let plain = none.rows(DatasetType::ActualCost, month(MONTH));
    for column in ["quantity", "effectivePrice", "unitPrice", "costInBillingCurrency"] {
        assert!(plain.values(column).iter().all(|cell| !cell.contains('E') && cell.len() < 28));
    }
}

#[test]
fn parts_repeat_the_header_stay_below_their_size_and_match_the_manifest() {
    let options = GeneratorOptions { part_bytes_max: 300_000, ..small() };
    let written = export(&options);
    for run in &written.totals.runs {
        let manifest = written.manifest(run.dataset, run.month);
        let blobs = manifest["blobs"].as_array().unwrap();
        assert!(blobs.len() > 5);
        assert_eq!(manifest["blobCount"], blobs.len());
        assert_eq!(manifest["dataRowCount"], run.rows);
        assert_eq!(manifest["byteCount"], run.stored_bytes);
        assert_eq!(manifest["exportConfig"]["type"], run.dataset.azure_name());
        assert_eq!(manifest["runInfo"]["startDate"], "2026-07-01T00:00:00");
        let folder = format!("{}/20260701-20260731/{}", export_folder(run.dataset), run.run_id);
        let mut headers = BTreeSet::new();
        let mut sum = 0;
        for (index, blob) in blobs.iter().enumerate() {
            let name = blob["blobName"].as_str().unwrap();
            assert_eq!(name, format!("{folder}/part_0_{:04}.csv", index + 1));
            let bytes = written.blob(name);
            assert!(bytes.len() <= 300_000);
            assert_eq!(blob["byteCount"], bytes.len());
            headers.insert(bytes.split(|byte| *byte == b'\n').next().unwrap().to_vec());
            sum += blob["dataRowCount"].as_u64().unwrap();
        }
        assert_eq!((headers.len(), sum), (1, run.rows));
        let left = std::fs::read_dir(written.directory.path().join(&folder)).unwrap().count();
        assert_eq!(left, blobs.len() + 1, "parts and the manifest, nothing else");
    }
}

#[test]
fn versions_and_scopes_have_their_columns() {
    for (scope, data_version, count) in [
        (ScopeType::BillingAccount, DataVersion::V2021_10_01, 70),
        (ScopeType::BillingProfile, DataVersion::V2021_10_01, 70),
        (ScopeType::CustomerTenant, DataVersion::V2021_10_01, 70),
        (ScopeType::Subscription, DataVersion::V2021_10_01, 56),
        (ScopeType::BillingAccount, DataVersion::V2019_11_01, 66),
        (ScopeType::BillingProfile, DataVersion::McaDirect2021_10_01, 65),
    ] {
        let written = export(&GeneratorOptions { scope, data_version, ..small() });
        for rows in written.both() {
            assert_eq!(rows.columns.len(), count);
            assert!(rows.rows.iter().all(|row| row.len() == count));
        }
        let amortized = written.totals.run(DatasetType::AmortizedCost, month(MONTH)).unwrap();
        assert_eq!(amortized.rows, ROWS_PER_MONTH_MIN);
    }
}

#[test]
fn narrower_scopes_show_what_azure_shows_there() {
    let profile = export(&GeneratorOptions { scope: ScopeType::BillingProfile, ..small() });
    for rows in profile.both() {
        assert_eq!(rows.values("billingCurrency"), BTreeSet::from(["EUR"]));
    }
    let customer = export(&GeneratorOptions { scope: ScopeType::CustomerTenant, ..small() });
    for rows in customer.both() {
        assert_eq!(rows.where_is("chargeType", "Purchase").count(), 0);
        assert!(rows.values("customerTenantId").len() <= 2, "one customer, or none named");
    }
    let subscription = export(&GeneratorOptions { scope: ScopeType::Subscription, ..small() });
    for rows in subscription.both() {
        assert_eq!(rows.values("chargeType"), BTreeSet::from(["Usage"]));
        assert_eq!(rows.values("SubscriptionId").len(), 1);
        for row in &rows.rows {
            let covered = !rows.cell(row, "benefitId").is_empty();
            let cost = raw(rows.cell(row, "costInUsd"));
            let list = Digits::parse(rows.cell(row, "quantity"))
                .times(&Digits::parse(rows.cell(row, "PayGPrice")))
                .round(18);
            let spot = rows.cell(row, "PricingModel") == "Spot";
            assert!(if covered { cost == 0 } else { spot || cost == list }, "{row:?}");
        }
    }
    let manifest = subscription.manifest(DatasetType::ActualCost, month(MONTH));
    let resource = manifest["exportConfig"]["resourceId"].as_str().unwrap();
    let scope: costlake_engine::model::Scope = resource.parse().unwrap();
    assert_eq!(scope.scope_type, ScopeType::Subscription);
}

#[test]
fn an_open_month_has_no_invoice_and_no_billing_period() {
    let months = vec![month("2026-07"), month("2026-08")];
    let open_month = Some(month("2026-08"));
    let written = export(&GeneratorOptions { months, open_month, ..small() });
    for (text, open) in [("2026-07", false), ("2026-08", true)] {
        let rows = written.rows(DatasetType::AmortizedCost, month(text));
        for column in ["invoiceId", "billingPeriodStartDate", "billingPeriodEndDate"] {
            assert_eq!(rows.values(column).contains(""), open, "{text} {column}");
        }
        assert!(rows.values("costCenter").len() > 1 || !open);
    }
}

#[test]
fn a_restatement_is_a_later_run_with_other_prices() {
    let first = export(&small());
    let again = export(&GeneratorOptions { restated: Some(1), ..small() });
    for dataset in DatasetType::ALL {
        let (old, new) =
            (first.manifest(dataset, month(MONTH)), again.manifest(dataset, month(MONTH)));
        assert_ne!(old["runInfo"]["runId"], new["runInfo"]["runId"]);
        let submitted =
            |manifest: &Value| manifest["runInfo"]["submittedTime"].as_str().unwrap().to_owned();
        assert!(submitted(&old) < submitted(&new));
        let (old, new) =
            (first.totals.run(dataset, month(MONTH)), again.totals.run(dataset, month(MONTH)));
        let (old, new) = (old.unwrap(), new.unwrap());
        assert_eq!(old.rows, new.rows);
        assert_ne!(old.currencies, new.currencies);
    }
    let daily = |export: &Export| -> Vec<i128> {
        export.totals.commitments.iter().map(|commitment| commitment.daily_usd).collect()
    };
    assert_eq!(daily(&first), daily(&again), "what was bought is not re-rated");
}

#[test]
fn months_continue_one_another() {
    let months = vec![month("2026-07"), month("2026-08"), month("2026-09")];
    let written = export(&GeneratorOptions { months, ..larger() });
    let ids = |text: &str, column: &str| -> BTreeSet<String> {
        let rows = written.rows(DatasetType::AmortizedCost, month(text));
        rows.values(column).into_iter().map(str::to_owned).collect()
    };
    for column in ["ResourceId", "SubscriptionId", "customerTenantId", "benefitId"] {
        let (july, september) = (ids("2026-07", column), ids("2026-09", column));
        let kept = july.intersection(&september).count();
        assert!(kept * 10 >= july.len() * 7, "{column}: {kept} of {}", july.len());
    }
    assert!(!ids("2026-08", "customerName").contains("Northwind Traders"));

    // A later month alone is the same month, where the tenant's start is given.
    let alone = export(&GeneratorOptions {
        months: vec![month("2026-08")],
        tenant_start: Some(month("2026-07")),
        ..larger()
    });
    for dataset in DatasetType::ALL {
        let run = alone.totals.run(dataset, month("2026-08"));
        assert_eq!(run, written.totals.run(dataset, month("2026-08")));
    }
}

#[test]
fn options_that_make_no_sense_write_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let bad = [
        GeneratorOptions { months: Vec::new(), ..small() },
        GeneratorOptions { months: vec![month(MONTH); 2], ..small() },
        GeneratorOptions { tenant_start: Some(month("2026-08")), ..small() },
        GeneratorOptions {
            scope: ScopeType::Subscription,
            data_version: DataVersion::V2019_11_01,
            ..small()
        },
    ];
    for options in bad {
        let error = generate(directory.path(), &options, &|_| {}).unwrap_err();
        assert_eq!(error.class(), ErrorClass::BadConfig, "{error}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
