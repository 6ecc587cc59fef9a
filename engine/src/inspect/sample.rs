//! The beginning of a run's first file: are its columns and rows what the source
//! says?
//!
//! In: a run. Out: findings. Reads one bounded range of a CSV, the footer and the
//! first row group of Parquet, and takes what can be decoded of it; what is wrong
//! further on, a load will find.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;

use super::finding::{Finding, Step};
use crate::decode::{Decoder, Header, RecordChunk, RenderOptions, render};
use crate::discover::{ExportRun, FileFormat, RunBlob};
use crate::error::Fault;
use crate::ingest::parquet_blob::ParquetBlob;
use crate::model::{DatasetType, Scope, ScopeType};
use crate::normalize::{Mapping, NormalizeOptions, Normalizer, RowBatch, resolve};
use crate::source::{BlobReader, ReadOptions, Store};

/// Bytes read of a file.
const SAMPLE_SIZE_BYTES: u64 = 4 << 20;

/// Line of the first row of a Parquet file, as a load counts them.
const FIRST_LINE: u64 = 2;

/// Keys named in a finding.
const KEYS_NAMED_MAX: usize = 3;

/// The beginning of a file.
struct Beginning {
    mapping: Arc<Mapping>,
    /// Its first rows; none where there are none.
    rows: Option<RecordChunk>,
}

/// Looks into the first file of a run.
pub(super) async fn sample(
    store: &Store,
    run: &ExportRun,
    configured: Option<&Scope>,
) -> Vec<Finding> {
    let Some(blob) = run.blobs.first() else { return Vec::new() };
    let beginning = match blob.format {
        FileFormat::Csv => of_csv(store, blob, run.dataset).await,
        FileFormat::Parquet => of_parquet(store, blob, run.dataset).await,
    };
    let Beginning { mapping, rows } = match beginning {
        Ok(beginning) => beginning,
        Err(finding) => return vec![*finding],
    };
    let mut findings = vec![columns(&mapping)];
    findings.extend(scope_of_columns(&mapping, run, configured));
    if let (Some(scope), Some(rows)) = (configured, &rows)
        && run.dataset.is_cost()
    {
        let options = NormalizeOptions { month: Some(run.month), ..NormalizeOptions::default() };
        match Normalizer::new(mapping, options).normalize(rows) {
            Ok(normalized) => findings.extend(scope_of_rows(&normalized.batch, scope)),
            Err(fault) => findings.push(Finding::failed(Step::Format, &fault)),
        }
    }
    findings
}

/// A stage's fault as the finding of a step.
fn failed<Error: Fault>(step: Step) -> impl Fn(Error) -> Box<Finding> {
    move |fault| Box::new(Finding::failed(step, &fault))
}

fn mapping(header: &Header, dataset: DatasetType) -> Result<Arc<Mapping>, Box<Finding>> {
    resolve(header, dataset).map(Arc::new).map_err(failed(Step::Dataset))
}

/// The first bytes, as far as they can be decoded.
async fn of_csv(
    store: &Store,
    blob: &RunBlob,
    dataset: DatasetType,
) -> Result<Beginning, Box<Finding>> {
    let size = blob.entry.size_bytes.min(SAMPLE_SIZE_BYTES);
    let reader = BlobReader::new(store, &blob.entry, ReadOptions::default());
    let reader = reader.map_err(failed(Step::Format))?;
    let bytes = match size {
        0 => Bytes::new(),
        size => reader.read(0..size).await.map_err(failed(Step::Access))?,
    };
    let mut decoder = Decoder::new(blob.compression);
    let mut first: Option<(Arc<Header>, RecordChunk)> = None;
    let mut take = |header: &Arc<Header>, chunk: RecordChunk| {
        first.get_or_insert((Arc::clone(header), chunk));
    };
    decoder.push(bytes, &mut take).map_err(failed(Step::Format))?;
    let mut known = decoder.header().cloned();
    if size == blob.entry.size_bytes {
        known = Some(decoder.finish(&mut take).map_err(failed(Step::Format))?.header);
    }
    let (header, rows) = match (first, known) {
        (Some((header, rows)), _) => (header, Some(rows)),
        (None, Some(header)) => (header, None),
        (None, None) => {
            return Err(Box::new(Finding::refused(
                Step::Format,
                format!("{} has no header in its first {size} bytes", blob.entry.full_path),
                "the blob is damaged or no export; run the export again",
            )));
        }
    };
    Ok(Beginning { mapping: mapping(&header, dataset)?, rows })
}

/// The footer and the first rows.
async fn of_parquet(
    store: &Store,
    blob: &RunBlob,
    dataset: DatasetType,
) -> Result<Beginning, Box<Finding>> {
    let reader = BlobReader::new(store, &blob.entry, ReadOptions::default());
    let reader = reader.map_err(failed(Step::Format))?;
    let (size_bytes, runtime) = (blob.entry.size_bytes, Handle::current());
    // Parquet is decoded where threads may block; see `parquet_blob`.
    let read = tokio::task::spawn_blocking(move || {
        let unwatched = |_| {};
        let file = ParquetBlob::open(&reader, size_bytes, &runtime, &unwatched);
        let file = file.map_err(failed(Step::Format))?;
        let header = Header::from_names(file.column_names()).map_err(failed(Step::Format))?;
        let mapping = mapping(&header, dataset)?;
        let kept = mapping.kept_fields();
        let mut rows = file.rows(&kept).map_err(failed(Step::Format))?;
        let Some((_, batch)) = rows.next().map_err(failed(Step::Format))? else {
            return Ok(Beginning { mapping, rows: None });
        };
        let mut first = None;
        let mut take = |chunk: RecordChunk| {
            first.get_or_insert(chunk);
        };
        let places = mapping.places_among(&kept);
        render(&batch, &places, FIRST_LINE, RenderOptions::default(), &mut take)
            .map_err(failed(Step::Format))?;
        Ok(Beginning { mapping, rows: first })
    });
    read.await.expect("panics of the Parquet library are caught where they arise")
}

fn columns(mapping: &Mapping) -> Finding {
    let unknown = mapping.unknown_columns();
    let what = format!("columns are those of {} {}", mapping.dataset(), mapping.version());
    if unknown.is_empty() {
        return Finding::ok(Step::Format, what);
    }
    Finding::warning(
        Step::Format,
        format!("{what}; not known and not kept: {}", unknown.join(", ")),
        "nothing needs to be done; tell us of columns that you miss",
    )
}

/// Files of the subscription scope lack the columns of the bill.
fn scope_of_columns(
    mapping: &Mapping,
    run: &ExportRun,
    configured: Option<&Scope>,
) -> Option<Finding> {
    let configured = configured.filter(|_| run.dataset.is_cost())?.scope_type;
    let suggested = mapping.suggested_scope_type();
    let retail = suggested == Some(ScopeType::Subscription);
    match (retail, configured) {
        (true, ScopeType::Subscription) | (false, _) if suggested.is_none() => None,
        (true, wider) if wider != ScopeType::Subscription => Some(Finding::refused(
            Step::Scope,
            format!("the file has the columns of a subscription scope, the source is a {wider}"),
            "export at the scope of the source, or correct scope in the source",
        )),
        (false, ScopeType::Subscription) if suggested.is_some() => Some(Finding::refused(
            Step::Scope,
            "the file has the columns of a billing scope, the source is a subscription",
            "export at the scope of the source, or correct scope in the source",
        )),
        _ => None,
    }
}

/// Rows against the ids in the configured scope.
fn scope_of_rows(rows: &RowBatch, scope: &Scope) -> Option<Finding> {
    let path = scope.id.as_ref()?.to_lowercase();
    let segments: Vec<&str> = path.split('/').collect();
    let after = |name: &str| {
        let at = segments.iter().position(|segment| *segment == name)?;
        segments.get(at + 1).map(|id| (*id).to_owned())
    };
    let (column, wanted) = match scope.scope_type {
        ScopeType::BillingAccount => ("billing_account_id", after("billingaccounts")?),
        ScopeType::BillingProfile => ("billing_profile_id", after("billingprofiles")?),
        ScopeType::CustomerTenant => ("customer_tenant_id", after("customers")?),
        ScopeType::Subscription => ("subscription_id", after("subscriptions")?),
    };
    let found: BTreeSet<String> =
        rows.texts(column).iter().flatten().map(str::to_lowercase).collect();
    // Rows have the bare GUID of an account, its path that and more.
    let agrees = |id: &String| {
        *id == wanted
            || wanted.split(':').next() == Some(id.as_str())
            || id.rsplit('/').next() == Some(wanted.as_str())
    };
    let others: Vec<&String> = found.iter().filter(|id| !agrees(id)).collect();
    if found.is_empty() {
        return None;
    }
    if others.is_empty() {
        return Some(Finding::ok(Step::Scope, format!("rows are of {column} {wanted}")));
    }
    let named: Vec<&str> = others.iter().take(KEYS_NAMED_MAX).map(|id| id.as_str()).collect();
    Some(Finding::refused(
        Step::Scope,
        format!(
            "{} of the first rows' {column} are not {wanted}: {}",
            others.len(),
            named.join(", ")
        ),
        "point the source at an export of its scope, or correct scope in the source",
    ))
}
