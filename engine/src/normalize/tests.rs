use arrow::array::{Array as _, RecordBatch};
use bytes::Bytes;

use super::*;
use crate::decode::{Decoder, SplitOptions};
use crate::model::Compression;
use crate::model::DatasetType;
use crate::model::columns::COST;
use crate::model::money::ONE;

const HEADER: &str = "invoiceId,previousInvoiceId,billingAccountId,billingAccountName,billingProfileId,billingProfileName,invoiceSectionId,invoiceSectionName,partnerTenantId,partnerName,resellerName,resellerMpnId,customerTenantId,customerName,costCenter,billingPeriodEndDate,billingPeriodStartDate,servicePeriodEndDate,servicePeriodStartDate,date,serviceFamily,productOrderId,productOrderName,consumedService,meterId,meterName,meterCategory,meterSubCategory,meterRegion,ProductId,ProductName,SubscriptionId,subscriptionName,publisherType,publisherId,publisherName,resourceGroupName,ResourceId,resourceLocation,location,effectivePrice,quantity,unitOfMeasure,chargeType,billingCurrency,pricingCurrency,costInBillingCurrency,costInPricingCurrency,costInUsd,paygCostInBillingCurrency,paygCostInUsd,exchangeRatePricingToBilling,exchangeRateDate,isAzureCreditEligible,serviceInfo1,serviceInfo2,additionalInfo,tags,partnerEarnedCreditRate,partnerEarnedCreditApplied,PayGPrice,frequency,term,reservationId,reservationName,PricingModel,unitPrice,benefitId,benefitName,provider";

/// One usage row with the cells that tests change left to them.
struct Row {
    date: &'static str,
    quantity: &'static str,
    currency: &'static str,
    cost: &'static str,
    payg_cost: &'static str,
    tags: &'static str,
}

const ROW: Row = Row {
    date: "07/05/2026",
    quantity: "24",
    currency: "EUR",
    cost: "1.25",
    payg_cost: "2.5",
    tags: r#""{""env"": ""prod""}""#,
};

impl Row {
    fn text(&self) -> String {
        let Self { date, quantity, currency, cost, payg_cost, tags } = self;
        format!(
            "G000000001,,acc-1,Contoso Partner,NF5V-BI6B-BG7-PGB,Profile,-2,Unassigned,\
             pt-1,Contoso,,,ct-1,Fabrikam,,,,07/31/2026,07/01/2026,{date},Compute,po-1,\
             Azure plan,Microsoft.Compute,m-1,D2 v3,Virtual Machines,Dv3,US East,\
             DZH318Z0BNXN0032,Product,00000000-0000-0000-0000-000000000000,Sub,Microsoft,,\
             Microsoft,RG-One,/subscriptions/S/resourceGroups/RG-One/vm,eastus,US East,\
             0.052083333333333333,{quantity},1 Hour,Usage,{currency},USD,{cost},1.3,1.4,\
             {payg_cost},3,0.858663918942126052,07/01/2026,True,,,,{tags},15%,True,0.1,\
             UsageBased,,,,OnDemand,0.06,,,Azure"
        )
    }
}

fn file(rows: &[String]) -> String {
    format!("\u{feff}{HEADER}\r\n{}\r\n", rows.join("\r\n"))
}

/// Decodes and normalizes a file in chunks of about `target` bytes.
fn normalized_in(text: &str, target: usize, month: Option<&str>) -> Vec<Normalized> {
    let options = SplitOptions { chunk_bytes_target: target, ..SplitOptions::default() };
    let mut decoder = Decoder::with_options(Compression::None, options);
    let month = month.map(|month| month.parse().unwrap());
    let options = NormalizeOptions { month, ..NormalizeOptions::default() };
    let mut normalizer: Option<Normalizer> = None;
    let mut results = Vec::new();
    let mut take = |header: &Arc<crate::decode::Header>, chunk: RecordChunk| {
        let normalizer = normalizer.get_or_insert_with(|| {
            Normalizer::new(Arc::new(resolve(header, DatasetType::ActualCost).unwrap()), options)
        });
        results.push(normalizer.normalize(&chunk).unwrap());
    };
    decoder.push(Bytes::copy_from_slice(text.as_bytes()), &mut take).unwrap();
    decoder.finish(&mut take).unwrap();
    results
}

fn normalized(text: &str) -> Normalized {
    let mut results = normalized_in(text, 1 << 20, Some("2026-07"));
    assert_eq!(results.len(), 1);
    results.remove(0)
}

#[test]
fn a_row_becomes_typed_columns() {
    let result = normalized(&file(&[ROW.text()]));
    assert!(result.rejected.is_empty(), "{:?}", result.rejected);
    let batch = &result.batch;
    assert_eq!(batch.num_rows(), 1);
    for (column, expected) in [
        ("invoice_id", Some("G000000001")),
        ("previous_invoice_id", None),
        ("billing_profile_id", Some("nf5v-bi6b-bg7-pgb")),
        ("billing_profile_name", Some("Profile")),
        ("subscription_id", None),
        ("resource_group_name", Some("rg-one")),
        ("resource_id", Some("/subscriptions/s/resourcegroups/rg-one/vm")),
        ("tags", Some(r#"{"env": "prod"}"#)),
        ("provider", Some("Azure")),
    ] {
        let texts = batch.texts(column);
        assert_eq!(texts.iter().next().unwrap(), expected, "{column}");
    }
    assert_eq!(batch.decimals("quantity").value(0), 24 * ONE);
    assert_eq!(batch.decimals("effective_price").value(0), 52_083_333_333_333_333);
    assert_eq!(batch.decimals("partner_earned_credit_rate").value(0), ONE / 100 * 15);
    assert!(batch.dates("billing_period_start_date").is_null(0));
    assert!(batch.booleans("is_azure_credit_eligible").value(0));
    assert!(batch.integers("term").is_null(0));
}

#[test]
fn a_batch_is_a_record_batch_in_the_file_schema() {
    let batch = normalized(&file(&[ROW.text(), ROW.text()])).batch.record_batch();
    assert_eq!(batch.num_rows(), 2);
    assert_eq!(batch.schema(), view_schema(&COST));
    for (field, view) in COST.file_schema().fields().iter().zip(view_schema(&COST).fields()) {
        assert_eq!((field.name(), field.is_nullable()), (view.name(), view.is_nullable()));
    }
    RecordBatch::try_new(batch.schema(), batch.columns().to_vec()).unwrap();
}

#[test]
fn bad_rows_are_told_and_good_rows_stay() {
    let rows = [
        ROW.text(),
        Row { quantity: "24,0", ..ROW }.text(),
        Row { quantity: "twenty", tags: "\"two\nlines\"", ..ROW }.text(),
        Row { date: "", ..ROW }.text(),
        Row { cost: "", ..ROW }.text(),
        Row { date: "02/30/2026", cost: "x", ..ROW }.text(),
        Row { cost: "1e40", ..ROW }.text(),
        "too,short".to_owned(),
        Row { cost: "2", ..ROW }.text(),
    ];
    let text = file(&rows);
    for target in [1, 700, 1 << 20] {
        let results = normalized_in(&text, target, Some("2026-07"));
        let rejected: Vec<&RejectedRow> = results.iter().flat_map(|r| &r.rejected).collect();
        let told: Vec<(u64, Option<&str>, &str)> = rejected
            .iter()
            .map(|row| (row.line, row.column.as_deref(), row.reason.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (3, None, "expected 70 fields, found 71"),
                (4, Some("quantity"), "not a number: \"twenty\""),
                (6, Some("date"), "the cell is empty"),
                (7, Some("costInBillingCurrency"), "the cell is empty"),
                (8, Some("date"), "not a date (MM/DD/YYYY or YYYY-MM-DD): \"02/30/2026\""),
                (
                    9,
                    Some("costInBillingCurrency"),
                    "number is too large for 38 digits with 18 decimals: \"1e40\""
                ),
                (10, None, "expected 70 fields, found 2"),
            ]
        );
        for row in rejected {
            assert!(
                text[row.byte_offset.unwrap() as usize..].starts_with(&row.raw_text),
                "{row:?}"
            );
        }
        let rows: u64 = results.iter().map(|result| result.totals.rows()).sum();
        let batches: usize = results.iter().map(|result| result.batch.num_rows()).sum();
        assert_eq!((rows, batches), (2, 2));
    }
}

#[test]
fn text_that_is_not_utf8_rejects_its_row() {
    let mut bytes = file(&[Row { tags: "MARK", ..ROW }.text(), ROW.text()]).into_bytes();
    let place = bytes.windows(4).position(|window| window == b"MARK").unwrap();
    bytes[place] = 0xff;
    let mut decoder = Decoder::new(Compression::None);
    let mut results = Vec::new();
    decoder.push(Bytes::from(bytes), &mut |_, _| panic!("one chunk, at the end")).unwrap();
    decoder
        .finish(&mut |header, chunk| {
            let mapping = Arc::new(resolve(header, DatasetType::ActualCost).unwrap());
            let mut normalizer = Normalizer::new(mapping, NormalizeOptions::default());
            results.push(normalizer.normalize(&chunk).unwrap());
        })
        .unwrap();
    let result = &results[0];
    assert_eq!(result.batch.num_rows(), 1);
    assert_eq!(result.rejected[0].column.as_deref(), Some("tags"));
    assert!(result.rejected[0].reason.starts_with("not valid UTF-8"));
    assert!(result.rejected[0].raw_text.contains("\u{fffd}ARK"));
}

#[test]
fn totals_are_exact_and_keep_currencies_apart() {
    let rows = [
        Row { cost: "0.1", payg_cost: "", ..ROW },
        Row { cost: "0.2", ..ROW },
        Row { currency: "USD", cost: "-5", ..ROW },
        Row { cost: "0.3", payg_cost: "0", ..ROW },
        Row { currency: "", cost: "7", ..ROW },
    ];
    let rows: Vec<String> = rows.iter().map(Row::text).collect();
    let totals = normalized(&file(&rows)).totals;
    let told: Vec<(&str, u64, i128, i128)> = totals
        .iter()
        .map(|(currency, totals)| {
            let CurrencyTotals { rows, cost_in_billing_currency, .. } = *totals;
            (currency, rows, cost_in_billing_currency, totals.payg_cost_in_billing_currency)
        })
        .collect();
    let (tenth, half) = (ONE / 10, ONE / 2);
    assert_eq!(
        told,
        [
            ("", 1, 7 * ONE, 5 * half),
            ("EUR", 3, 6 * tenth, 5 * half),
            ("USD", 1, -5 * ONE, 5 * half)
        ]
    );
}

#[test]
fn a_total_beyond_the_money_type_is_an_error() {
    let huge = Row { cost: "99999999999999999999", ..ROW }.text();
    let text = file(&[huge.clone(), huge]);
    let mut decoder = Decoder::new(Compression::None);
    decoder.push(Bytes::from(text), &mut |_, _| ()).unwrap();
    decoder
        .finish(&mut |header, chunk| {
            let mapping = Arc::new(resolve(header, DatasetType::ActualCost).unwrap());
            let mut normalizer = Normalizer::new(mapping, NormalizeOptions::default());
            let error = normalizer.normalize(&chunk).unwrap_err();
            assert_eq!(error, NormalizeError::TotalOverflow(TotalOverflow));
        })
        .unwrap();
}

#[test]
fn rows_outside_the_month_are_kept_and_counted() {
    let rows: Vec<String> = ["06/30/2026", "07/01/2026", "07/31/2026", "08/01/2026"]
        .into_iter()
        .map(|date| Row { date, ..ROW }.text())
        .collect();
    let result = normalized(&file(&rows));
    assert_eq!((result.batch.num_rows(), result.rows_outside_month), (4, 2));
}

#[test]
fn columns_a_file_lacks_are_null() {
    let dropped = ["paygCostInBillingCurrency", "invoiceSectionName", "isAzureCreditEligible"];
    let kept: Vec<usize> = HEADER
        .split(',')
        .enumerate()
        .filter(|(_, name)| !dropped.contains(name))
        .map(|(index, _)| index)
        .collect();
    let pick = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        kept.iter().map(|index| fields[*index]).collect::<Vec<_>>().join(",")
    };
    let row = pick(&Row { tags: "", ..ROW }.text());
    let text = format!("{}\n{row}\n{row}\n", pick(HEADER));
    let result = normalized(&text);
    assert!(result.rejected.is_empty(), "{:?}", result.rejected);
    let batch = result.batch;
    assert_eq!(batch.decimals("payg_cost_in_billing_currency").null_count(), 2);
    assert_eq!(batch.texts("invoice_section_name").iter().flatten().count(), 0);
    assert_eq!(batch.booleans("is_azure_credit_eligible").null_count(), 2);
    assert_eq!(batch.texts("provider").get(1), Some("Azure"));
    let totals = result.totals.iter().next().unwrap().1;
    assert_eq!(totals.payg_cost_in_billing_currency, 0);
}

#[test]
fn a_chunk_without_a_good_row_gives_an_empty_batch() {
    let result = normalized(&file(&["a,b".to_owned(), "c".to_owned()]));
    assert!(result.batch.is_empty());
    assert_eq!(result.rejected.len(), 2);
    assert_eq!(result.batch.record_batch().num_rows(), 0);
    assert_eq!(result.totals, ControlTotals::default());
}

#[test]
fn a_gzip_blob_cut_anywhere_gives_the_same_rows() {
    use std::io::Write;

    let rows: Vec<String> = (0..40)
        .map(|row| {
            let bad = row % 7 == 3;
            Row { cost: if bad { "-" } else { "0.000000000000000001" }, ..ROW }.text()
        })
        .collect();
    let text = file(&rows);
    let expected = normalized(&text);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    let blob = encoder.finish().unwrap();
    for step in [1, 13, 1000] {
        let options = SplitOptions { chunk_bytes_target: 3000, ..SplitOptions::default() };
        let mut decoder = Decoder::with_options(Compression::Gzip, options);
        let mut normalizer = None;
        let (mut totals, mut rejected, mut batches) = (ControlTotals::default(), vec![], vec![]);
        let mut take = |header: &Arc<crate::decode::Header>, chunk: RecordChunk| {
            let normalizer = normalizer.get_or_insert_with(|| {
                let mapping = Arc::new(resolve(header, DatasetType::ActualCost).unwrap());
                Normalizer::new(mapping, NormalizeOptions::default())
            });
            let result = normalizer.normalize(&chunk).unwrap();
            totals.merge(&result.totals).unwrap();
            rejected.extend(result.rejected);
            batches.push(result.batch.record_batch());
        };
        for part in blob.chunks(step) {
            decoder.push(Bytes::copy_from_slice(part), &mut take).unwrap();
        }
        decoder.finish(&mut take).unwrap();
        assert!(batches.len() > 3, "chunks are small");
        assert_eq!(totals, expected.totals);
        assert_eq!(rejected, expected.rejected);
        let mut start = 0;
        for batch in batches {
            let rows = batch.num_rows();
            assert_eq!(batch, expected.batch.record_batch().slice(start, rows));
            start += rows;
        }
        assert_eq!(start, expected.batch.num_rows());
    }
}

/// Rows whose columns change together, more or less; some cannot be read.
fn correlated_rows(rows: usize) -> Vec<u8> {
    let mut text = format!("{HEADER}\n").into_bytes();
    for row in 0..rows {
        // In the last third nothing repeats any more.
        let customer = if row < rows / 3 * 2 { row / 5 % 90 } else { row };
        let meter = row * 7 % 300;
        let spelled = match row % 11 {
            0 => format!("\"Customer {customer}\""),
            1 => format!("\"Customer \"\"{customer}\"\", ß\""),
            _ => format!("Customer {customer}"),
        };
        let line = ROW
            .text()
            .replace("ct-1,Fabrikam", &format!("ct-{customer},{spelled}"))
            .replace("NF5V-BI6B", if row % 2 == 0 { "NF5V-BI6B" } else { "nf5v-ÄI6b" })
            .replace("m-1,D2 v3", &format!("m-{meter},D{meter} v3"))
            .replace("S/resourceGroups", &format!("S{row}/resourceGroups"))
            .replace("Microsoft.Compute", if meter % 3 == 0 { "" } else { "Microsoft.Compute" });
        let mut line = line.into_bytes();
        if row % 97 == 5 {
            // A customer's name that is not UTF-8.
            let at = line.windows(9).position(|text| text == b"Customer ").unwrap_or(0);
            line[at] = 0xff;
        }
        if row % 1_301 == 7 {
            line.truncate(40);
        }
        text.extend_from_slice(&line);
        text.push(b'\n');
    }
    text
}

#[test]
fn what_is_looked_up_together_is_what_is_read_cell_by_cell() {
    let text = correlated_rows(60_000);
    for group_bytes_max in [NormalizeOptions::default().group_bytes_max, 16 << 10] {
        let options = NormalizeOptions { group_bytes_max, ..NormalizeOptions::default() };
        are_read_alike(&text, options);
    }
}

fn are_read_alike(text: &[u8], options: NormalizeOptions) {
    let split = SplitOptions { chunk_bytes_target: 64 << 10, ..SplitOptions::default() };
    let mut decoder = Decoder::with_options(Compression::None, split);
    let mut together: Option<Normalizer> = None;
    let mut coded_columns = Vec::new();
    let mut dictionaries = std::collections::BTreeSet::new();
    let mut held = Vec::new();
    let (mut days, mut expected_days) = (DayTotals::default(), DayTotals::default());
    let mut take = |header: &Arc<crate::decode::Header>, chunk: RecordChunk| {
        let fresh = || {
            let mapping = resolve(header, DatasetType::ActualCost).unwrap();
            Normalizer::new(Arc::new(mapping), options)
        };
        let found = together.get_or_insert_with(fresh).normalize(&chunk).unwrap();
        // One that has seen nothing yet reads every cell.
        let expected = fresh().normalize(&chunk).unwrap();
        assert!(found.batch.record_batch() == expected.batch.record_batch());
        assert_eq!(found.rejected, expected.rejected);
        assert_eq!(found.totals, expected.totals);
        days.add(&found.batch).unwrap();
        expected_days.add(&expected.batch).unwrap();
        let coded = found.batch.columns().iter().filter_map(|column| match column {
            BatchColumn::Coded(texts) => Some(texts.dictionary().identity()),
            BatchColumn::Array(_) => None,
        });
        coded_columns.push(coded.clone().count());
        dictionaries.extend(coded);
        // A batch that is still held keeps what it says.
        held.push((found.batch, expected.batch));
        if held.len() > 9 {
            held.drain(..5);
        }
        for (found, expected) in &held {
            assert!(found.record_batch() == expected.record_batch());
        }
    };
    decoder.push(Bytes::copy_from_slice(text), &mut take).unwrap();
    decoder.finish(&mut take).unwrap();
    let sorted = |days: &DayTotals| {
        let mut days: Vec<String> = days.iter().map(|total| format!("{total:?}")).collect();
        days.sort();
        days
    };
    assert_eq!(sorted(&days), sorted(&expected_days));
    assert_eq!(coded_columns[0], 0, "nothing is known yet");
    let (first, last) = (coded_columns[coded_columns.len() / 3], *coded_columns.last().unwrap());
    assert!(first > 20, "{first} columns are looked up in groups");
    assert!(0 < last && last < first, "{last} of {first}: what does not repeat is left alone");
    let renewed = dictionaries.len() > 10 * first;
    let is_small = options.group_bytes_max < NormalizeOptions::default().group_bytes_max;
    assert_eq!(renewed, is_small, "{} dictionaries", dictionaries.len());
}
