//! What holds for every file: bytes, totals, parts, headers, months.

use super::*;

#[test]
fn the_same_options_give_the_same_bytes_on_any_number_of_threads() {
    let options = GeneratorOptions {
        months: vec![month("2026-07"), month("2026-08")],
        part_bytes_max: 700_000,
        format: FileFormat::CsvGzip,
        ..larger()
    };
    let one = export(&options);
    let three = export(&GeneratorOptions { threads: 3, ..options.clone() });
    assert_eq!(one.totals, three.totals);
    let (one, three) = (tree(one.directory.path()), tree(three.directory.path()));
    assert!(one.len() > 200, "many parts: {}", one.len());
    assert!(one == three, "the bytes differ");
    let columnar = GeneratorOptions { format: FileFormat::Parquet, ..options };
    let [left, right] =
        [1, 3].map(|threads| export(&GeneratorOptions { threads, ..columnar.clone() }));
    assert!(tree(left.directory.path()) == tree(right.directory.path()), "the bytes differ");
    let other = export(&GeneratorOptions { seed: 2, ..small() });
    assert!(one != tree(other.directory.path()));
}

#[test]
fn totals_equal_an_independent_reading() {
    for options in [larger(), GeneratorOptions { format: FileFormat::CsvGzip, ..small() }] {
        let written = export(&options);
        for run in written.totals.runs.iter().filter(|run| run.dataset.is_cost()) {
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
    let july = &json["runs"].as_array().unwrap()[1..];
    let datasets: Vec<&str> = july.iter().map(|run| run["dataset"].as_str().unwrap()).collect();
    assert_eq!(datasets, DatasetType::ALL.map(DatasetType::azure_name));
    assert_eq!(july[1]["currencies"][0]["billing_currency"], "EUR");
    assert!(json["commitments"].as_array().unwrap().len() >= 14);
}

#[test]
fn the_minimum_has_room_for_the_showcase_of_any_month_and_scope() {
    let options = small();
    for scope in ScopeType::ALL {
        let tenant = tenant::Tenant::new(1, month("2026-01"), tenant::CUSTOMERS_MIN, scope);
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
fn files_hold_the_traps_of_the_format_unless_told_otherwise() {
    let options = GeneratorOptions { months: vec![month("2026-07"), month("2026-08")], ..larger() };
    let bytes_of = |written: &Export| -> Vec<Vec<u8>> {
        let cost = written.totals.runs.iter().filter(|run| run.dataset.is_cost());
        let names = cost.map(|run| {
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
        assert!(blobs.len() > 5 || !run.dataset.is_cost());
        assert_eq!(manifest["blobCount"], blobs.len());
        assert_eq!(manifest["dataRowCount"], run.rows);
        assert_eq!(manifest["byteCount"], run.stored_bytes);
        assert_eq!(manifest["exportConfig"]["type"], run.dataset.azure_name());
        assert_eq!(manifest["runInfo"]["startDate"], format!("{}-01T00:00:00", run.month));
        let range = run.month.range_folder();
        let folder = format!("{}/{range}/{}", export_folder(run.dataset), run.run_id);
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
    for dataset in DatasetType::COST {
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

#[test]
fn the_further_files_have_the_columns_a_loader_expects() {
    let written = export(&small());
    for dataset in DatasetType::ALL.into_iter().filter(|dataset| !dataset.is_cost()) {
        let rows = written.rows(dataset, month(MONTH));
        let mut names: Vec<(usize, &str)> =
            rows.columns.iter().map(|(name, position)| (*position, name.as_str())).collect();
        names.sort_unstable();
        let documented = dataset.column_set().columns.iter();
        let documented: Vec<String> =
            documented.map(|column| column.azure_name.to_ascii_lowercase()).collect();
        assert_eq!(names.iter().map(|(_, name)| *name).collect::<Vec<_>>(), documented);
        assert!(rows.rows.iter().all(|row| row.len() == documented.len()), "{dataset}");
    }
}
