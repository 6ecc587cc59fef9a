//! Exports in Parquet: the same rows as in CSV, exact from every type a cell may have,
//! and damage refused.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Date64Array, Decimal128Array,
    Decimal256Array, DictionaryArray, Float32Array, Float64Array, Int32Array, Int64Array,
    LargeStringArray, ListArray, NullArray, RecordBatch, StringArray, StringViewArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
};
use arrow::datatypes::{Int32Type, Schema, i256};
use costlake_benches::generator::{FileFormat, GeneratorOptions};
use costlake_engine::error::ErrorClass;
use costlake_engine::ingest::{IngestRequest, Outcome, Reload};
use costlake_engine::model::DatasetType;
use costlake_engine::model::money::{format_decimal, parse_decimal};
use parquet::arrow::ArrowWriter;
use serde_json::Value;

use crate::tenant::{Tenant, complaint, month, outcome, rows, small, url, words};

const ACTUAL: DatasetType = DatasetType::ActualCost;

fn columnar() -> GeneratorOptions {
    GeneratorOptions { format: FileFormat::Parquet, ..small() }
}

/// All datasets of a tenant's exports, as the named source.
fn everything(tenant: &Tenant, source: &str) -> IngestRequest {
    let export = |dataset: DatasetType| (dataset, url(&tenant.export(dataset)));
    IngestRequest {
        source: source.parse().unwrap(),
        exports: DatasetType::ALL.map(export).to_vec(),
        ..tenant.request()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_and_parquet_of_one_tenant_give_the_same_rows() {
    let (csv, _) = Tenant::generated(&small());
    let (parquet, _) = Tenant::generated(&columnar());
    for (tenant, source) in [(&csv, "csv"), (&parquet, "parquet")] {
        let report = csv.ingest(&everything(tenant, source)).await;
        assert_eq!(words(&report), ["loaded"; 12], "{source}: {report:?}");
        assert_eq!(report.worst(), None);
    }
    let session = csv.session().await;
    for dataset in DatasetType::ALL {
        let table = dataset.table_name();
        let columns = dataset.column_set().columns.iter().map(|column| column.name);
        let columns = columns.chain(["billing_month"]).collect::<Vec<_>>().join(", ");
        let rows_of = |source: &str| {
            format!(
                "select {columns}, count(*) from {table} where source = '{source}' \
                 group by {columns}"
            )
        };
        let (left, right) = (rows_of("csv"), rows_of("parquet"));
        for (left, right) in [(&left, &right), (&right, &left)] {
            let differing = rows(&session, &format!("{left} except {right}")).await;
            assert!(differing.is_empty(), "{table}: {:?}", differing.first());
        }
        let counts = format!("select count(*) from {table} group by source");
        let counts = rows(&session, &counts).await;
        assert!(counts.len() == 2 && counts[0] == counts[1], "{table}: {counts:?}");
        let runs = |source: &str| {
            format!(
                "select billing_month, run_id, scope_type, data_version, manifest_row_count, \
                 rows, rejected_rows, rows_outside_month, control_totals, unknown_columns, \
                 submitted_at from ingest_runs where dataset = '{table}' and source = '{source}' \
                 order by 1"
            )
        };
        let runs = [rows(&session, &runs("csv")).await, rows(&session, &runs("parquet")).await];
        assert!(runs[0].len() == 2 && runs[0] == runs[1], "{table}: {runs:?}");
    }
    // The blobs are what they are called, and the ledger counts their bytes.
    let (part, _) = part_and_manifest(&parquet);
    assert!(fs::read(&part).unwrap().starts_with(b"PAR1"));
    let bytes = "select bytes = array_sum_of.total from (select bytes, sum(size) as total from \
        (select load_key, bytes, unnest(blobs)['size_bytes'] as size from ingest_runs \
        where source = 'parquet' and dataset = 'actual_cost') group by load_key, bytes) \
        as array_sum_of";
    assert_eq!(rows(&session, bytes).await, [["true"], ["true"]]);
    for check in costlake_engine::views::checks() {
        let findings = rows(&session, &check.sql).await;
        assert!(findings.is_empty(), "{}: {findings:?}", check.name);
    }
}

/// The first part of July's actual run, and the manifest.
fn part_and_manifest(tenant: &Tenant) -> (PathBuf, PathBuf) {
    let blobs = tenant.blobs(ACTUAL, month("2026-07"));
    let ends = |ending: &str| {
        blobs.iter().find(|blob| blob.to_str().unwrap().ends_with(ending)).unwrap().clone()
    };
    (ends("part_0_0001.snappy.parquet"), ends("manifest.json"))
}

async fn content(tenant: &Tenant) -> Vec<Vec<String>> {
    tenant
        .query(
            "select billing_month, billing_currency, count(*), sum(cost_in_billing_currency) \
             from actual_cost group by 1, 2 order by 1, 2",
        )
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_loaded_from_csv_is_replaced_by_a_later_run_in_parquet() {
    let (tenant, _) = Tenant::generated(&small());
    assert_eq!(words(&tenant.ingest(&tenant.actual_request()).await), ["loaded"; 2]);
    let before = content(&tenant).await;
    let restated = GeneratorOptions {
        months: vec![month("2026-08")],
        tenant_start: Some(month("2026-07")),
        restated: Some(1),
        ..columnar()
    };
    let newer = tenant.generate(&restated);
    let report = tenant.ingest(&tenant.actual_request()).await;
    assert_eq!(words(&report), ["unchanged", "loaded"], "{report:?}");
    let after = content(&tenant).await;
    assert_ne!(after, before);
    let august = newer.run(ACTUAL, month("2026-08")).unwrap();
    let told: Vec<Vec<String>> = after
        .into_iter()
        .filter(|row| row[0] == "2026-08")
        .map(|row| vec![row[1].clone(), row[2].clone(), plain(&row[3])])
        .collect();
    let expected: Vec<Vec<String>> = august
        .currencies
        .iter()
        .map(|(currency, totals)| {
            let cost = format_decimal(totals.cost_in_billing_currency);
            vec![currency.to_owned(), totals.rows.to_string(), cost]
        })
        .collect();
    assert_eq!(told, expected);
    assert!(tenant.query("select count(*) from restatements").await != [["0"]]);
    let again = tenant.ingest(&tenant.actual_request()).await;
    assert_eq!(words(&again), ["unchanged", "unchanged"], "{again:?}");
}

/// A decimal without trailing zeros.
fn plain(decimal: &str) -> String {
    format_decimal(parse_decimal(decimal.as_bytes()).unwrap())
}

/// A file of a partner's subscription: `columns` over texts that every row may have.
fn file(row_count: usize, columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let texts = |text: &str| Arc::new(StringArray::from(vec![text; row_count])) as ArrayRef;
    let mut all: Vec<(&str, ArrayRef)> = [
        ("customerTenantId", "customer"),
        ("date", "07/01/2026"),
        ("MeterId", "meter"),
        ("SubscriptionId", "subscription"),
        ("effectivePrice", "1"),
        ("quantity", "1"),
        ("chargeType", "Usage"),
        ("billingCurrency", "EUR"),
        ("costInBillingCurrency", "1"),
        ("reservationId", ""),
        ("PricingModel", "OnDemand"),
        ("benefitId", ""),
    ]
    .into_iter()
    .map(|(name, text)| (name, texts(text)))
    .collect();
    for (name, column) in columns {
        match all.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            // The spelling of the test.
            Some(known) => *known = (name, column),
            None => all.push((name, column)),
        }
    }
    let batch = RecordBatch::try_from_iter_with_nullable(
        all.into_iter().map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// A tenant whose July is this one file, without a manifest.
fn july(bytes: Vec<u8>) -> (Tenant, IngestRequest) {
    let tenant = Tenant::new();
    let folder = tenant.export(ACTUAL).join("20260701-20260731");
    fs::create_dir_all(&folder).unwrap();
    let name = "act_0b5a7d9e-1f7c-4c55-8a3e-5d1a5f0f2a11.snappy.parquet";
    fs::write(folder.join(name), bytes).unwrap();
    let request =
        IngestRequest { months: Some([month("2026-07")].into()), ..tenant.actual_request() };
    (tenant, request)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_of_cell_says_what_its_text_would() {
    // 2026-07-31, its last second.
    let (day, late) = (20_665, 20_665 * 86_400 + 86_399i64);
    let half_even = [
        // 18 decimals and 0.5, 1.5, 2.5 of the last one, and a little more than half.
        "0.0000000000000000005000000000",
        "0.0000000000000000015000000000",
        "-0.0000000000000000025000000000",
        "0.0000000000000000005000000001",
    ];
    let digits = |text: &str| text.replace('.', "").parse::<i128>().unwrap();
    let cost = Decimal128Array::from_iter_values(half_even.map(digits));
    let wide = ["1", "-1", "12345678901234567890", "7"].map(|text| {
        i256::from_string(&format!("{text}{}", "0".repeat(40))).unwrap() + i256::from(5)
    });
    let dictionary: DictionaryArray<Int32Type> =
        ["ABC", "abc", "ABC", "x,y"].into_iter().map(Some).collect();
    let dates = vec![Some(late * 1_000_000_000), Some(late * 1_000_000_000), Some(0), None];
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("COSTINBILLINGCURRENCY", Arc::new(cost.with_precision_and_scale(38, 28).unwrap())),
        ("quantity", Arc::new(Float64Array::from(vec![0.1, 0.1 + 0.2, 1e-7, 2.5e18]))),
        ("effectivePrice", Arc::new(Float32Array::from(vec![Some(0.1), Some(-3.0), None, None]))),
        (
            "PayGPrice",
            Arc::new(
                Decimal256Array::from_iter_values(wide).with_precision_and_scale(76, 40).unwrap(),
            ),
        ),
        ("unitPrice", Arc::new(Int64Array::from(vec![Some(-9), Some(0), None, Some(12)]))),
        (
            "exchangeRatePricingToBilling",
            Arc::new(StringArray::from(vec![Some("5.64902E-05"), Some(" 1 "), Some(""), None])),
        ),
        ("date", Arc::new(TimestampNanosecondArray::from(dates.clone()).with_timezone("+02:00"))),
        ("servicePeriodStartDate", Arc::new(TimestampSecondArray::from(vec![late; 4]))),
        ("servicePeriodEndDate", Arc::new(TimestampMillisecondArray::from(vec![0; 4]))),
        ("billingPeriodStartDate", Arc::new(Date32Array::from(vec![Some(day), None, None, None]))),
        ("exchangeRateDate", Arc::new(Date64Array::from(vec![i64::from(day) * 86_400_000; 4]))),
        (
            "isAzureCreditEligible",
            Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, None])),
        ),
        ("term", Arc::new(Int32Array::from(vec![Some(12), Some(36), None, Some(1)]))),
        ("SubscriptionId", Arc::new(dictionary)),
        ("ResourceId", Arc::new(StringViewArray::from(vec!["/A/B", "/A/B", "", "/Ü"]))),
        ("tags", Arc::new(LargeStringArray::from(vec!["\"a\":\"b,c\"", "two\nlines", "\r", "\""]))),
        ("costCenter", Arc::new(NullArray::new(4))),
        ("subscriptionName", Arc::new(BinaryArray::from(vec!["a".as_bytes(), b"", b",", b"d"]))),
        ("benefitId", Arc::new(StringArray::from(vec!["00000000-0000-0000-0000-000000000000"; 4]))),
    ];
    let (tenant, request) = july(file(4, columns.clone()));
    // A row without a date is rejected.
    let report = tenant.ingest(&IngestRequest { rejected_rows_max: 1, ..request }).await;
    assert_eq!(words(&report), ["loaded"], "{report:?}");
    let found = tenant
        .query(
            "select tags, cost_in_billing_currency, quantity, effective_price, payg_price, \
             unit_price, exchange_rate_pricing_to_billing, date, service_period_start_date, \
             service_period_end_date, billing_period_start_date, exchange_rate_date, \
             is_azure_credit_eligible, term, subscription_id, resource_id, cost_center, \
             subscription_name, benefit_id from actual_cost",
        )
        .await;
    let mut found: Vec<Vec<String>> = found
        .into_iter()
        .map(|mut row| {
            for cell in &mut row[1..7] {
                if cell != "NULL" {
                    *cell = plain(cell);
                }
            }
            row
        })
        .collect();
    found.sort_by_key(|row| row[2].clone());
    let last = "2026-07-31";
    let (start, end) = ("2026-07-31", "1970-01-01");
    assert_eq!(
        found,
        [
            // By quantity, as text.
            vec![
                "\r",
                "-0.000000000000000002",
                "0.0000001",
                "NULL",
                "12345678901234567890",
                "NULL",
                "NULL",
                "1970-01-01",
                start,
                end,
                "NULL",
                last,
                "NULL",
                "NULL",
                "ABC",
                "NULL",
                "NULL",
                ",",
                "NULL",
            ],
            vec![
                "\"a\":\"b,c\"",
                "0",
                "0.1",
                "0.1",
                "1",
                "-9",
                "0.0000564902",
                last,
                start,
                end,
                last,
                last,
                "true",
                "12",
                "ABC",
                "/a/b",
                "NULL",
                "a",
                "NULL",
            ],
            vec![
                "two\nlines",
                "0.000000000000000002",
                "0.30000000000000004",
                "-3",
                "-1",
                "0",
                "1",
                last,
                start,
                end,
                "NULL",
                last,
                "false",
                "36",
                "abc",
                "/a/b",
                "NULL",
                "NULL",
                "NULL",
            ],
        ]
    );
    let rejected = tenant
        .query("select line, byte_offset, column_name, reason, raw_text from rejected_rows")
        .await;
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0][..3], ["5", "NULL", "date"], "{rejected:?}");
    assert!(rejected[0][4].contains("0.0000000000000000005000000001"), "{rejected:?}");
    assert!(rejected[0][4].contains("\"x,y\""), "{rejected:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_that_is_no_number_is_rejected_with_the_number_of_its_row() {
    let cost = Float64Array::from(vec![1.0, f64::NAN, 0.1]);
    let names = BinaryArray::from(vec![b"a".as_slice(), b"b", b"\xff\xfe"]);
    let columns: Vec<(&str, ArrayRef)> =
        vec![("costInBillingCurrency", Arc::new(cost)), ("subscriptionName", Arc::new(names))];
    let (tenant, request) = july(file(3, columns));
    let report = tenant.ingest(&request).await;
    assert_eq!(words(&report), ["refused"]);
    let complaint = complaint(&report.months[0]);
    for part in ["2 rows cannot be read", ".parquet:3", "costInBillingCurrency", "--max-rejected"] {
        assert!(complaint.contains(part), "{part:?} is not in: {complaint}");
    }
    let rejected = tenant
        .query("select line, byte_offset, column_name, reason from rejected_rows order by line")
        .await;
    assert_eq!(rejected[0], ["3", "NULL", "costInBillingCurrency", "not a number: \"NaN\""]);
    assert_eq!(rejected[1][..3], ["4", "NULL", "subscriptionName"]);
    assert!(rejected[1][3].contains("UTF-8"), "{rejected:?}");
    let report = tenant.ingest(&IngestRequest { rejected_rows_max: 2, ..request }).await;
    assert_eq!(words(&report), ["loaded"]);
    assert_eq!(tenant.query("select count(*) from actual_cost").await, [["1"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_columns_are_refused_where_kept_and_reported_where_not() {
    let list = || {
        let rows = [Some(vec![Some(1)]), None];
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(rows)) as ArrayRef
    };
    let (tenant, request) = july(file(2, vec![("Tags", list())]));
    let report = tenant.ingest(&request).await;
    assert_eq!(words(&report), ["refused"]);
    let complaint = complaint(&report.months[0]);
    for part in ["column Tags", "List", "act_0b5a7d9e"] {
        assert!(complaint.contains(part), "{part:?} is not in: {complaint}");
    }
    let (tenant, request) = july(file(2, vec![("brandNew", list())]));
    let report = tenant.ingest(&request).await;
    let Outcome::Loaded(loaded) = &report.months[0].outcome else { panic!("{report:?}") };
    assert_eq!((loaded.rows, &loaded.unknown_columns[..]), (2, &["brandNew".to_owned()][..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_rows_is_a_month_of_no_cost_and_one_of_other_columns_refused() {
    let (tenant, request) = july(file(0, vec![]));
    let report = tenant.ingest(&request).await;
    assert_eq!(words(&report), ["loaded"], "{report:?}");
    assert_eq!(tenant.query("select rows from ingest_runs").await, [["0"]]);

    let renamed = RecordBatch::try_from_iter([("a", Arc::new(NullArray::new(1)) as ArrayRef)]);
    for (batch, says) in [
        (renamed.unwrap(), "not a cost export"),
        (RecordBatch::new_empty(Arc::new(Schema::empty())), "not a cost export"),
    ] {
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let (tenant, request) = july(bytes);
        let report = tenant.ingest(&request).await;
        assert_eq!(words(&report), ["refused"], "{report:?}");
        let complaint = complaint(&report.months[0]);
        assert!(complaint.contains(says), "{says:?} is not in: {complaint}");
    }
}

/// Loads two months, damages July's first part and its manifest, forces it in again
/// and returns the complaint.
async fn refused(tenant: &Tenant, damage: impl Fn(&mut Vec<u8>, &mut Value)) -> String {
    let before = content(tenant).await;
    let (part, manifest) = part_and_manifest(tenant);
    let (whole, stated) = (fs::read(&part).unwrap(), fs::read(&manifest).unwrap());
    let (mut bytes, mut json) = (whole.clone(), serde_json::from_slice(&stated).unwrap());
    damage(&mut bytes, &mut json);
    fs::write(&part, bytes).unwrap();
    fs::write(&manifest, json.to_string()).unwrap();
    let request = IngestRequest { reload: Reload::Always, ..tenant.actual_request() };
    let report = tenant.ingest(&request).await;
    assert_eq!(words(&report), ["refused", "loaded"], "{report:?}");
    assert_eq!(report.worst(), Some(ErrorClass::BadInput));
    assert_eq!(content(tenant).await, before, "the month keeps what it had");
    fs::write(&part, whole).unwrap();
    fs::write(&manifest, stated).unwrap();
    complaint(outcome(&report, ACTUAL, month("2026-07")))
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_parts_are_refused_by_name() {
    let (tenant, _) = Tenant::generated(&columnar());
    assert_eq!(words(&tenant.ingest(&tenant.actual_request()).await), ["loaded"; 2]);
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 8] = [
        ("no footer", |bytes| bytes.truncate(bytes.len() / 2)),
        ("nothing", |bytes| bytes.clear()),
        ("zeros", |bytes| bytes.fill(0)),
        ("half zeros", |bytes| {
            let half = bytes.len() / 2;
            bytes[..half].fill(0);
        }),
        ("wrong magic", |bytes| *bytes.last_mut().unwrap() = b'2'),
        ("absurd footer", |bytes| {
            let at = bytes.len() - 8;
            bytes[at..at + 4].fill(0xff);
        }),
        ("flipped footer", |bytes| {
            let at = bytes.len() - 60;
            bytes[at - 2_000..at].iter_mut().for_each(|byte| *byte ^= 0x55);
        }),
        ("flipped page", |bytes| bytes[4..40].iter_mut().for_each(|byte| *byte ^= 0xff)),
    ];
    for (what, damage) in damages {
        let complaint = refused(&tenant, |bytes, _| damage(bytes)).await;
        for part in ["Parquet file", "part_0_0001.snappy.parquet", "export again"] {
            assert!(complaint.contains(part), "{what}: {part:?} is not in: {complaint}");
        }
    }
    // Repaired, it loads and is the same again, under another ETag.
    let before = content(&tenant).await;
    let report = tenant.ingest(&tenant.actual_request()).await;
    assert_eq!(words(&report), ["loaded", "unchanged"], "{report:?}");
    assert_eq!(content(&tenant).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_are_held_to_their_rows_and_not_to_their_bytes() {
    let (tenant, _) = Tenant::generated(&columnar());
    assert_eq!(words(&tenant.ingest(&tenant.actual_request()).await), ["loaded"; 2]);
    let complaint = refused(&tenant, |_, manifest| {
        let one_more = |count: &mut Value| *count = (count.as_u64().unwrap() + 1).into();
        one_more(&mut manifest["dataRowCount"]);
        one_more(&mut manifest["blobs"][0]["dataRowCount"]);
    })
    .await;
    for part in ["data rows were read", "manifest states", "part_0_0001.snappy.parquet"] {
        assert!(complaint.contains(part), "{part:?} is not in: {complaint}");
    }
    // Bytes of something else, say of the same rows as CSV.
    let (_, manifest) = part_and_manifest(&tenant);
    let mut json: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    json["blobs"][0]["byteCount"] = 123_456_789.into();
    fs::write(&manifest, json.to_string()).unwrap();
    let before = content(&tenant).await;
    let request = IngestRequest { reload: Reload::Always, ..tenant.actual_request() };
    assert_eq!(words(&tenant.ingest(&request).await), ["loaded"; 2]);
    assert_eq!(content(&tenant).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_both_formats_is_refused() {
    let (tenant, _) = Tenant::generated(&columnar());
    let (part, manifest) = part_and_manifest(&tenant);
    let mut json: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    let name = json["blobs"][0]["blobName"].as_str().unwrap().replace("snappy.parquet", "csv");
    fs::rename(&part, part.with_file_name("part_0_0001.csv")).unwrap();
    json["blobs"][0]["blobName"] = name.into();
    fs::write(&manifest, json.to_string()).unwrap();
    let report = tenant.ingest(&tenant.actual_request()).await;
    assert_eq!(words(&report), ["refused", "loaded"], "{report:?}");
    let complaint = complaint(&report.months[0]);
    assert!(complaint.contains("mixes formats"), "{complaint}");
}
