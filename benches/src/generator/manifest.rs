//! `manifest.json` of an export run, as Azure writes it (manifestVersion
//! 2024-04-01), and the folder the run lies in.

use std::path::PathBuf;

use costlake_engine::model::{BillingMonth, DatasetType};
use serde_json::{Value, json};

use super::random::{guid, key};
use super::rows::Month;
use super::totals::iso_day;
use super::writer::Part;
use super::{FileFormat, GeneratorOptions};

/// Name of the export, and of the folder below the output directory.
pub(super) fn export_name(dataset: DatasetType) -> &'static str {
    match dataset {
        DatasetType::ActualCost => "actual",
        DatasetType::AmortizedCost => "amortized",
        DatasetType::PriceSheet => "price-sheet",
        DatasetType::ReservationDetails => "reservation-details",
        DatasetType::ReservationTransactions => "reservation-transactions",
        DatasetType::ReservationRecommendations => "reservation-recommendations",
    }
}

/// Format of a dataset's parts; Azure writes reservation datasets as plain CSV.
pub(super) fn file_format(options: &GeneratorOptions, dataset: DatasetType) -> FileFormat {
    match dataset {
        DatasetType::ActualCost | DatasetType::AmortizedCost | DatasetType::PriceSheet => {
            options.format
        }
        _ => FileFormat::Csv,
    }
}

/// `dataVersion` of a dataset.
fn data_version(options: &GeneratorOptions, dataset: DatasetType) -> &'static str {
    match dataset {
        DatasetType::ActualCost | DatasetType::AmortizedCost => options.data_version.azure_name(),
        DatasetType::ReservationDetails => "2023-03-01",
        _ => "2023-05-01",
    }
}

/// `runId`: another for every seed, month, dataset, scope and revision.
pub(super) fn run_id(context: &Month<'_>, dataset: DatasetType) -> String {
    let options = context.options;
    guid(key(&[
        options.seed,
        13,
        options.scope as u64,
        dataset as u64,
        context.month.first_day() as u64,
        u64::from(options.revision()),
    ]))
}

/// Folder of a run, relative to the output directory, with `/`.
pub(super) fn run_folder(dataset: DatasetType, month: BillingMonth, run_id: &str) -> String {
    format!("{}/{}/{run_id}", export_name(dataset), month.range_folder())
}

/// The path of a `/`-separated relative path below a directory.
pub(super) fn relative(folder: &str) -> PathBuf {
    folder.split('/').collect()
}

/// The manifest of a run whose parts have been named.
pub(super) fn manifest(
    context: &Month<'_>,
    dataset: DatasetType,
    run_id: &str,
    parts: &[Part],
    names: &[String],
) -> Value {
    let options = context.options;
    let folder = run_folder(dataset, context.month, run_id);
    let blobs: Vec<Value> = parts
        .iter()
        .zip(names)
        .map(|(part, name)| {
            json!({
                "blobName": format!("{folder}/{name}"),
                "byteCount": part.stored_bytes,
                "dataRowCount": part.rows,
            })
        })
        .collect();
    let scope = context.tenant.scope_path(options.scope);
    let name = export_name(dataset);
    let (file_format, compression) = match file_format(options, dataset) {
        FileFormat::Csv => ("Csv", "none"),
        FileFormat::CsvGzip => ("Csv", "gzip"),
        FileFormat::Parquet => ("Parquet", "snappy"),
    };
    let (first, last) = (context.month.first_day(), context.month.last_day());
    // A closed month is last exported on the fifth of the next; restatements
    // follow a day apart.
    let submitted = match context.is_open() {
        true => last - 2,
        false => last + 5,
    } + options.revision() as i32;
    json!({
        "manifestVersion": "2024-04-01",
        "byteCount": parts.iter().map(|part| part.stored_bytes).sum::<u64>(),
        "blobCount": parts.len(),
        "dataRowCount": parts.iter().map(|part| part.rows).sum::<u64>(),
        "exportConfig": {
            "exportName": name,
            "resourceId":
                format!("{scope}/providers/Microsoft.CostManagement/exports/{name}"),
            "dataVersion": data_version(options, dataset),
            "apiVersion": "2023-07-01-preview",
            "type": dataset.azure_name(),
            "timeFrame": if context.is_open() { "MonthToDate" } else { "TheLastMonth" },
            "granularity": "Daily",
        },
        "deliveryConfig": {
            "partitionData": true,
            "dataOverwriteBehavior": "CreateNewReport",
            "fileFormat": file_format,
            "compressionMode": compression,
            "containerUri": "https://prosewarecost.blob.core.windows.net/exports",
            "rootFolderPath": "",
        },
        "runInfo": {
            "executionType": "Scheduled",
            "submittedTime": format!("{}T04:17:09.5208713Z", iso_day(submitted)),
            "runId": run_id,
            "startDate": format!("{}T00:00:00", iso_day(first)),
            "endDate": format!("{}T00:00:00", iso_day(last)),
        },
        "blobs": blobs,
    })
}
