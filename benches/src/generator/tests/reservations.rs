//! Reservation details, transactions and recommendations against the cost files.

use super::*;

const HOUR: i128 = 1_000_000_000_000_000_000;

/// Reservation and UTC day as `YYYY-MM-DD`, in lower case.
type Day = (String, String);

/// A day of a reservation, from the details.
#[derive(Clone, Debug, Default)]
struct DayHours {
    used: i128,
    /// Reserved hours of every row.
    reserved: Vec<i128>,
    quantities: BTreeSet<i128>,
    /// Resources with their hours; empty names an unused rest.
    resources: BTreeMap<String, i128>,
}

impl DayHours {
    /// Reserved hours of the day, however often they are told.
    fn reserved(&self) -> i128 {
        *self.reserved.iter().max().unwrap()
    }
}

fn details(written: &Export, text: &str) -> BTreeMap<Day, DayHours> {
    let rows = written.rows(DatasetType::ReservationDetails, month(text));
    let mut days: BTreeMap<Day, DayHours> = BTreeMap::new();
    for row in &rows.rows {
        let cell = |column| rows.cell(row, column).to_ascii_lowercase();
        let day = days.entry((cell("ReservationId"), cell("UsageDate"))).or_default();
        let used = raw(&cell("UsedHours"));
        day.used += used;
        day.reserved.push(raw(&cell("ReservedHours")));
        day.quantities.insert(raw(&cell("TotalReservedQuantity")));
        let twice = day.resources.insert(cell("InstanceId"), used);
        assert_eq!(twice, None, "one row of a resource and day");
    }
    days
}

/// `MM/DD/YYYY` as `YYYY-MM-DD`.
fn iso(text: &str) -> String {
    format!("{}-{}-{}", &text[6..], &text[..2], &text[3..5])
}

/// Quantities of covered usage by resource, and of unused rows under the empty
/// name, from the amortized file.
fn quantities(written: &Export, text: &str) -> BTreeMap<Day, BTreeMap<String, i128>> {
    let rows = written.rows(DatasetType::AmortizedCost, month(text));
    let mut days: BTreeMap<Day, BTreeMap<String, i128>> = BTreeMap::new();
    for row in rows.rows.iter().filter(|row| !rows.cell(row, "reservationId").is_empty()) {
        let cell = |column| rows.cell(row, column).to_ascii_lowercase();
        let day = days.entry((cell("reservationId"), iso(&cell("date")))).or_default();
        *day.entry(cell("ResourceId")).or_default() += raw(&cell("quantity"));
    }
    days
}

/// The n-th commitment of the showcase.
fn showcase(written: &Export, index: usize) -> &CommitmentTotals {
    &written.totals.commitments[index]
}

#[test]
fn hours_are_the_amortized_files_quantities_but_for_one_reservation_and_day() {
    let written = export(&larger());
    let details = details(&written, MONTH);
    let half_sized = &showcase(&written, 2).id;
    let mut missing = Vec::new();
    let mut halved = 0;
    for (day, costed) in quantities(&written, MONTH) {
        let Some(told) = details.get(&day) else {
            missing.push(day);
            continue;
        };
        let mut costed: BTreeMap<String, i128> = costed;
        let unused = costed.remove("").unwrap();
        if day.0 == *half_sized {
            costed.values_mut().for_each(|hours| *hours /= 2);
            halved += 1;
        } else {
            assert_eq!(told.reserved() - told.used, unused, "{day:?}");
        }
        let mut resources = told.resources.clone();
        assert_eq!(resources.remove("").is_some(), told.used < told.reserved(), "{day:?}");
        assert_eq!(resources, costed, "{day:?}");
    }
    let tenth = &showcase(&written, 10).id;
    assert_eq!(missing, [(tenth.clone(), "2026-07-13".to_owned())], "one day is not told");
    assert_eq!(halved, 31);
    let known = quantities(&written, MONTH);
    assert!(details.keys().all(|day| known.contains_key(day)), "nothing beyond the cost file");
    assert!(known.len() > 250, "{}", known.len());
}

#[test]
fn used_hours_never_exceed_the_reserved_ones_which_most_tell_once_a_day() {
    let written = export(&larger());
    let repeated = &showcase(&written, 1).id;
    let (mut first, mut rest) = (0, 0);
    for ((id, day), told) in details(&written, MONTH) {
        assert_eq!(told.quantities.len(), 1);
        let reserved = 24 * told.quantities.first().unwrap();
        assert!(told.used <= reserved, "{id} {day}");
        let named = told.reserved.iter().filter(|hours| **hours == reserved).count();
        let silent = told.reserved.iter().filter(|hours| **hours == 0).count();
        if id == *repeated {
            assert_eq!(named, told.reserved.len());
            assert!(named >= 2);
            continue;
        }
        assert_eq!((named, silent), (1, told.reserved.len() - 1), "{id} {day}");
        match told.resources.contains_key("") {
            true => rest += usize::from(*told.reserved.last().unwrap() == reserved),
            false => first += usize::from(told.reserved[0] == reserved),
        }
    }
    assert!(first > 30 && rest > 30, "on the first resource or the unused rest: {first}, {rest}");
}

#[test]
fn hours_and_cost_tell_different_utilizations_of_one_reservation() {
    let written = export(&small());
    let one = showcase(&written, 2);
    let mut told = (0, 0);
    for (_, day) in details(&written, MONTH).iter().filter(|((id, _), _)| *id == one.id) {
        told.0 += day.used;
        told.1 += day.reserved();
    }
    let costed = one.months[&month(MONTH)];
    let by_hours = told.0 * 100 / told.1;
    let by_cost = costed.used * 100 / (costed.used + costed.unused);
    assert!(by_hours < 50 && by_cost > 80, "{by_hours} % against {by_cost} %");
}

#[test]
fn an_order_has_idle_days_with_no_hours_used() {
    let written = export(&small());
    let one = showcase(&written, 7);
    assert_eq!(one.order_id, showcase(&written, 6).order_id);
    let details = details(&written, MONTH);
    let days: Vec<_> = details.iter().filter(|((id, _), _)| *id == one.id).collect();
    let idle: Vec<&str> = days
        .iter()
        .filter(|(_, told)| told.used == 0)
        .map(|((_, day), told)| {
            assert_eq!(told.resources, BTreeMap::from([(String::new(), 0)]));
            assert_eq!(told.reserved, [24 * 3 * HOUR]);
            day.as_str()
        })
        .collect();
    // Bought on the 8th; weekends after it.
    assert_eq!(
        idle,
        ["2026-07-11", "2026-07-12", "2026-07-18", "2026-07-19", "2026-07-25", "2026-07-26"]
    );
}

#[test]
fn ids_are_spelled_in_either_case() {
    let written = export(&small());
    let rows = written.rows(DatasetType::ReservationDetails, month(MONTH));
    for column in ["ReservationId", "ReservationOrderId", "InstanceId"] {
        let ids = rows.values(column);
        let lower: BTreeSet<String> = ids.iter().map(|id| id.to_ascii_lowercase()).collect();
        assert!(lower.len() < ids.len(), "{column}");
    }
}

#[test]
fn totals_tell_rows_hours_and_amounts() {
    let written = export(&larger());
    let run = |dataset| written.totals.run(dataset, month(MONTH)).unwrap();
    let hours = run(DatasetType::ReservationDetails).hours;
    let rows = written.rows(DatasetType::ReservationDetails, month(MONTH));
    let sum = |column| rows.rows.iter().map(|row| raw(rows.cell(row, column))).sum::<i128>();
    assert_eq!((hours.used, hours.reserved), (sum("UsedHours"), sum("ReservedHours")));

    for (dataset, currency, kind, amount) in [
        (DatasetType::PriceSheet, "Currency", "PriceType", None),
        (DatasetType::ReservationTransactions, "Currency", "EventType", Some("Amount")),
    ] {
        let rows = written.rows(dataset, month(MONTH));
        let mut sums: BTreeMap<(&str, &str), ChargeTotals> = BTreeMap::new();
        for row in &rows.rows {
            let totals = sums.entry((rows.cell(row, currency), rows.cell(row, kind))).or_default();
            totals.rows += 1;
            totals.cost_in_billing_currency +=
                amount.map_or(0, |column| raw(rows.cell(row, column)));
        }
        assert_eq!(run(dataset).charge_types, sums, "{dataset}");
    }
    for dataset in DatasetType::ALL {
        let rows = written.rows(dataset, month(MONTH)).rows.len() as u64;
        assert_eq!((run(dataset).rows, run(dataset).currencies.rows()), (rows, rows), "{dataset}");
    }
}

/// Order, in lower case, and event or charge type.
type Event = (String, String);

/// Amounts, units, day and currency of a month's transactions.
fn transactions(written: &Export, text: &str) -> BTreeMap<Event, (i128, i128, String, String)> {
    let rows = written.rows(DatasetType::ReservationTransactions, month(text));
    let mut events = BTreeMap::new();
    for row in &rows.rows {
        let cell = |column| rows.cell(row, column).to_owned();
        let event = (cell("ReservationOrderId").to_ascii_lowercase(), cell("EventType"));
        let told = (
            raw(&cell("Amount")),
            raw(&cell("Quantity")),
            cell("EventDate")[..10].to_owned(),
            cell("Currency"),
        );
        assert_eq!(events.insert(event, told), None, "one event of an order and month");
    }
    events
}

#[test]
fn transactions_are_the_actual_files_purchases_and_refunds() {
    let months = vec![month("2026-07"), month("2026-08")];
    let written = export(&GeneratorOptions { months, ..larger() });
    for text in ["2026-07", "2026-08"] {
        let actual = written.rows(DatasetType::ActualCost, month(text));
        let mut costed = BTreeMap::new();
        for row in &actual.rows {
            let cell = |column| actual.cell(row, column).to_owned();
            let reserved = !cell("reservationId").is_empty();
            if reserved && ["Purchase", "Refund"].contains(&cell("chargeType").as_str()) {
                let event = (cell("productOrderId"), cell("chargeType"));
                let told = (
                    raw(&cell("costInBillingCurrency")),
                    raw(&cell("quantity")).abs(),
                    iso(&cell("date")),
                    cell("billingCurrency"),
                );
                assert_eq!(costed.insert(event, told), None);
            }
        }
        assert_eq!(transactions(&written, text), costed, "{text}");
    }
    let july = transactions(&written, "2026-07");
    assert!(july.iter().any(|((_, event), told)| event == "Refund" && told.0 < 0));
    assert!(july.iter().all(|((_, event), told)| (event == "Purchase") == (told.0 > 0)));

    // An order billed monthly, and one of two reservations.
    let recurring = (showcase(&written, 2).order_id.clone(), "Purchase".to_owned());
    assert!(july.contains_key(&recurring));
    assert!(transactions(&written, "2026-08").contains_key(&recurring));
    let shared = (showcase(&written, 6).order_id.clone(), "Purchase".to_owned());
    assert_eq!(july[&shared].1, 5 * HOUR);

    let rows = written.rows(DatasetType::ReservationTransactions, month("2026-07"));
    assert_eq!(rows.values("Term"), BTreeSet::from(["P1Y", "P3Y", "P5Y"]));
    assert_eq!(rows.values("BillingFrequency"), BTreeSet::from(["OneTime", "Recurring"]));
    let subscriptions = written.rows(DatasetType::ActualCost, month("2026-07"));
    let known = subscriptions.values("SubscriptionId");
    assert!(rows.values("PurchasingSubscriptionGuid").is_subset(&known));
}

#[test]
fn the_month_before_tells_a_purchase_that_no_cost_file_shows() {
    let written = export(&small());
    let before = month("2026-06");
    let runs: Vec<DatasetType> = written
        .totals
        .runs
        .iter()
        .filter(|run| run.month == before)
        .map(|run| run.dataset)
        .collect();
    assert_eq!(runs, [DatasetType::ReservationTransactions]);
    let one = showcase(&written, 0);
    let bought = &transactions(&written, "2026-06")[&(one.order_id.clone(), "Purchase".to_owned())];
    assert_eq!(bought.0, one.purchased_amount);
    assert_eq!(bought.2, totals::iso_day(one.purchase_day));
    assert_eq!(bought.2, "2026-06-10");
    assert!(one.months[&month(MONTH)].used > 0);
    assert_eq!(one.months[&month(MONTH)].purchased, 0);
    // Others were bought even earlier, and stay unknown.
    for index in [3, 13] {
        let event = (showcase(&written, index).order_id.clone(), "Purchase".to_owned());
        assert!(showcase(&written, index).purchase_day < before.first_day());
        assert!(!transactions(&written, "2026-06").contains_key(&event));
        assert!(!transactions(&written, MONTH).contains_key(&event));
    }

    // A later month generated alone does not write it again.
    let later = GeneratorOptions {
        months: vec![month("2026-08")],
        tenant_start: Some(month(MONTH)),
        ..small()
    };
    assert_eq!(export(&later).totals.runs.len(), 6);
}

#[test]
fn recommendations_add_up_and_name_meters_used_on_demand() {
    let written = export(&small());
    let rows = written.rows(DatasetType::ReservationRecommendations, month(MONTH));
    let [_, amortized] = written.both();
    let on_demand: BTreeSet<&str> = amortized
        .where_is("PricingModel", "OnDemand")
        .map(|row| amortized.cell(row, "meterId"))
        .collect();
    assert!((6..=30).contains(&rows.rows.len()));
    for row in &rows.rows {
        let number = |column| raw(rows.cell(row, column));
        let (without, with) =
            (number("Cost With No ReservedInstances"), number("Total Cost With ReservedInstances"));
        assert_eq!(number("Net Savings"), without - with);
        assert!(with > 0 && with < without);
        assert_eq!(
            number("Recommended Quantity Normalized") * HOUR,
            number("Recommended Quantity") * number("Instance Flexibility Ratio")
        );
        assert!(on_demand.contains(rows.cell(row, "MeterID")));
        let single = rows.cell(row, "scope") == "Single";
        assert_eq!(single, !rows.cell(row, "SubscriptionId").is_empty());
        serde_json::from_str::<Value>(rows.cell(row, "Sku Properties")).unwrap();
    }
    assert_eq!(rows.values("Term"), BTreeSet::from(["P1Y", "P3Y"]));
    assert_eq!(rows.values("scope"), BTreeSet::from(["Shared", "Single"]));
    assert_eq!(
        rows.values("LookBackPeriod"),
        BTreeSet::from(["Last7Days", "Last30Days", "Last60Days"])
    );
}

#[test]
fn reservation_files_are_always_plain_csv_and_have_versions_of_their_own() {
    let gzip = ("Csv", "gzip", "0001.csv.gz");
    let parquet = ("Parquet", "snappy", "0001.snappy.parquet");
    let plain = ("Csv", "none", "0001.csv");
    for (format, told) in [(FileFormat::CsvGzip, gzip), (FileFormat::Parquet, parquet)] {
        let written = export(&GeneratorOptions { format, ..small() });
        for (dataset, version, (name, mode, ending)) in [
            (DatasetType::AmortizedCost, "2021-10-01", told),
            (DatasetType::PriceSheet, "2023-05-01", told),
            (DatasetType::ReservationDetails, "2023-03-01", plain),
            (DatasetType::ReservationTransactions, "2023-05-01", plain),
            (DatasetType::ReservationRecommendations, "2023-05-01", plain),
        ] {
            let manifest = written.manifest(dataset, month(MONTH));
            assert_eq!(manifest["exportConfig"]["dataVersion"], version, "{dataset}");
            assert_eq!(manifest["deliveryConfig"]["fileFormat"], name, "{dataset}");
            assert_eq!(manifest["deliveryConfig"]["compressionMode"], mode, "{dataset}");
            let blob = manifest["blobs"][0]["blobName"].as_str().unwrap();
            assert!(blob.ends_with(ending), "{blob}");
        }
    }
}

#[test]
fn a_subscription_has_none_of_the_further_datasets() {
    for (scope, count) in [
        (ScopeType::BillingAccount, 7),
        (ScopeType::BillingProfile, 7),
        (ScopeType::CustomerTenant, 7),
        (ScopeType::Subscription, 2),
    ] {
        let written = export(&GeneratorOptions { scope, ..small() });
        assert_eq!(written.totals.runs.len(), count, "{scope}");
        let folders = std::fs::read_dir(written.directory.path()).unwrap().count();
        assert_eq!(folders, if count == 2 { 3 } else { 7 }, "and totals.json");
    }
}

#[test]
fn a_month_without_transactions_has_a_header_alone() {
    let far = month("2040-01");
    let tenant_start = Some(month(MONTH));
    let written = export(&GeneratorOptions { months: vec![far], tenant_start, ..small() });
    let run = written.totals.run(DatasetType::ReservationTransactions, far).unwrap();
    assert_eq!((run.rows, run.blobs), (0, 1));
    assert_eq!(written.rows(DatasetType::ReservationTransactions, far).columns.len(), 20);
}
