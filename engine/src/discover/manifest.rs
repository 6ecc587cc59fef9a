//! Manifests of export runs, both versions.
//!
//! In: the bytes of a `manifest.json` (2024-04-01) or `_manifest.json`
//! (2021-01-01). Out: an [`ExportManifest`]. Unknown fields are ignored, names
//! are matched in any letter case, and everything but the list of blobs may be
//! absent. Never decides whether a run is complete.

use serde_json::Value;

use crate::error::{ErrorClass, Fault, Location};
use crate::model::date::parse_date;
use crate::model::{BillingMonth, DatasetType};

/// File format of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileFormat {
    /// Comma-separated text.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// One blob as its manifest lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestBlob {
    /// Path relative to the container the export was delivered to.
    pub name: String,
    /// Bytes; for a compressed blob possibly those before compression.
    pub byte_count: Option<u64>,
    /// Data rows, the header not counted.
    pub data_row_count: Option<u64>,
}

/// What a manifest says of its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportManifest {
    /// `manifestVersion`, verbatim.
    pub version: Option<String>,
    /// Dataset type, where it is one this tool loads.
    pub dataset: Option<DatasetType>,
    /// Dataset type, verbatim: `ActualCost`, `FocusCost`, `PriceSheet`, ….
    pub dataset_text: Option<String>,
    /// ARM path of the export.
    pub resource_id: Option<String>,
    /// Version of the dataset's columns, e.g. `2021-10-01`.
    pub data_version: Option<String>,
    /// Name of the export.
    pub export_name: Option<String>,
    /// Id of the run.
    pub run_id: Option<String>,
    /// When the run was submitted, milliseconds since 1970-01-01 UTC.
    pub submitted_at_ms: Option<i64>,
    /// The month of the run's start date.
    pub month: Option<BillingMonth>,
    /// `blobCount`.
    pub blob_count: Option<u64>,
    /// Bytes of all blobs.
    pub byte_count: Option<u64>,
    /// Data rows of all blobs.
    pub data_row_count: Option<u64>,
    /// The blobs, in the manifest's order.
    pub blobs: Vec<ManifestBlob>,
    /// File format, where it is one this tool knows.
    pub format: Option<FileFormat>,
    /// File format, verbatim.
    pub format_text: Option<String>,
    /// Compression, verbatim: `gzip`, `none`, `snappy`.
    pub compression_text: Option<String>,
}

/// A manifest that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The text is no JSON.
    #[error("manifest {manifest} is not valid JSON: {reason}")]
    Json {
        /// Path of the manifest.
        manifest: String,
        /// What the parser found, with line and column.
        reason: String,
    },
    /// A field without which nothing can be loaded is absent or of a wrong kind.
    #[error("manifest {manifest} has no usable field {field:?}")]
    Field {
        /// Path of the manifest.
        manifest: String,
        /// The field, e.g. `blobs[2].blobName`.
        field: String,
    },
}

impl Fault for ManifestError {
    fn class(&self) -> ErrorClass {
        ErrorClass::BadInput
    }

    fn location(&self) -> Option<Location> {
        let (Self::Json { manifest, .. } | Self::Field { manifest, .. }) = self;
        Some(Location::blob(manifest))
    }

    fn hint(&self) -> Option<String> {
        Some("run the export again, or copy the run folder again".to_owned())
    }
}

impl ExportManifest {
    /// Reads a manifest of either version. `path` names it in errors.
    pub fn parse(path: &str, body: &[u8]) -> Result<Self, ManifestError> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let json: Value = serde_json::from_slice(body).map_err(|error| ManifestError::Json {
            manifest: path.to_owned(),
            reason: error.to_string(),
        })?;
        let blobs = parse_blobs(path, &json)?;
        let nothing = Value::Null;
        let section = |name| field(&json, name).unwrap_or(&nothing);
        let (config, delivery, run) =
            (section("exportConfig"), section("deliveryConfig"), section("runInfo"));
        let dataset_text = text(config, "type");
        let format_text = text(delivery, "fileFormat").or_else(|| text(&json, "dataFormat"));
        Ok(Self {
            version: text(&json, "manifestVersion"),
            dataset: dataset_text.as_deref().and_then(|name| name.parse().ok()),
            dataset_text,
            resource_id: text(config, "resourceId"),
            data_version: text(config, "dataVersion"),
            export_name: text(config, "exportName"),
            run_id: text(run, "runId"),
            submitted_at_ms: text(run, "submittedTime").and_then(|time| parse_instant_ms(&time)),
            month: text(run, "startDate")
                .and_then(|date| parse_day(&date))
                .and_then(BillingMonth::of_day),
            blob_count: count(&json, "blobCount"),
            byte_count: count(&json, "byteCount"),
            data_row_count: count(&json, "dataRowCount"),
            blobs,
            format: format_text.as_deref().and_then(parse_format),
            format_text,
            compression_text: text(delivery, "compressionMode"),
        })
    }
}

fn parse_blobs(path: &str, json: &Value) -> Result<Vec<ManifestBlob>, ManifestError> {
    let missing = |field: String| ManifestError::Field { manifest: path.to_owned(), field };
    let blobs = field(json, "blobs")
        .and_then(Value::as_array)
        .ok_or_else(|| missing("blobs".to_owned()))?;
    blobs
        .iter()
        .enumerate()
        .map(|(index, blob)| {
            Ok(ManifestBlob {
                name: text(blob, "blobName")
                    .ok_or_else(|| missing(format!("blobs[{index}].blobName")))?,
                byte_count: count(blob, "byteCount"),
                data_row_count: count(blob, "dataRowCount"),
            })
        })
        .collect()
}

fn parse_format(text: &str) -> Option<FileFormat> {
    match text.to_ascii_lowercase().as_str() {
        "csv" => Some(FileFormat::Csv),
        "parquet" => Some(FileFormat::Parquet),
        _ => None,
    }
}

fn field<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let object = object.as_object()?;
    object.get(name).or_else(|| {
        object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|pair| pair.1)
    })
}

/// A text field; absent when empty.
fn text(object: &Value, name: &str) -> Option<String> {
    let text = field(object, name)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A count, written as a number or as its digits in quotes.
fn count(object: &Value, name: &str) -> Option<u64> {
    let value = field(object, name)?;
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The day of a date or instant as written; an offset does not move it, since
/// Azure's billing days are UTC whatever the manifest appends.
fn parse_day(text: &str) -> Option<i32> {
    let day = text.split(['T', ' ']).next()?;
    parse_date(day.as_bytes())
}

/// Milliseconds since 1970-01-01 UTC of `2026-07-16T15:27:01.1234567Z`, with
/// or without fraction, with `Z`, an offset, or neither (taken as UTC).
pub(crate) fn parse_instant_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    let (day, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let day = parse_date(day.as_bytes())?;
    let zone_at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = clock.trim().split(':');
    let hour = two_digits(parts.next()?, 23)?;
    let minute = two_digits(parts.next()?, 59)?;
    let second = parts.next().map_or(Some(0), |second| two_digits(second, 60))?;
    let milliseconds = fraction.bytes().chain(*b"000").take(3).try_fold(0, |sum, byte| {
        byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'))
    })?;
    let minutes = i64::from(day) * 24 * 60 + hour * 60 + minute - zone_minutes(zone)?;
    // A day of parse_date is at most year 9999: far from overflowing an i64.
    Some((minutes * 60 + second) * 1_000 + milliseconds)
}

fn zone_minutes(zone: &str) -> Option<i64> {
    if zone.is_empty() || zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let digits = zone[1..].replace(':', "");
    if digits.len() != 4 || !digits.is_ascii() {
        return None;
    }
    Some(sign * (two_digits(&digits[..2], 23)? * 60 + two_digits(&digits[2..], 59)?))
}

fn two_digits(text: &str, max: i64) -> Option<i64> {
    let valid = !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|number| valid && *number <= max)
}

#[cfg(test)]
mod tests;
