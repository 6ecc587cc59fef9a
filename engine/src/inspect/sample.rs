//! The beginning of a run's first file: are its columns and rows what the source
//! says?
//!
//! In: a run. Out: findings. Reads one bounded range, and takes what can be
//! decoded of it; what is wrong further on, a load will find.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::finding::{Finding, Step};
use crate::decode::{Decoder, Header, RecordChunk};
use crate::discover::{ExportRun, FileFormat};
use crate::model::{Scope, ScopeType};
use crate::normalize::{Mapping, NormalizeOptions, Normalizer, RowBatch, resolve};
use crate::source::{BlobReader, ReadOptions, Store};

/// Bytes read of a file.
const SAMPLE_SIZE_BYTES: u64 = 4 << 20;

/// Keys named in a finding.
const KEYS_NAMED_MAX: usize = 3;

/// Looks into the first file of a run.
pub(super) async fn sample(
    store: &Store,
    run: &ExportRun,
    configured: Option<&Scope>,
) -> Vec<Finding> {
    let Some(blob) = run.blobs.first() else { return Vec::new() };
    if blob.format != FileFormat::Csv {
        let what = "columns and rows of Parquet are looked at when they are loaded, not here";
        let fix = "compare scopes after the load: select * from scopes";
        return vec![Finding::warning(Step::Format, what, fix)];
    }
    let size = blob.entry.size_bytes.min(SAMPLE_SIZE_BYTES);
    let reader = match BlobReader::new(store, &blob.entry, ReadOptions::default()) {
        Ok(reader) => reader,
        Err(fault) => return vec![Finding::failed(Step::Format, &fault)],
    };
    let bytes = match reader.read(0..size).await {
        Ok(bytes) => bytes,
        Err(fault) => return vec![Finding::failed(Step::Access, &fault)],
    };
    let mut decoder = Decoder::new(blob.compression);
    let mut first: Option<(Arc<Header>, RecordChunk)> = None;
    let mut take = |header: &Arc<Header>, chunk: RecordChunk| {
        first.get_or_insert((Arc::clone(header), chunk));
    };
    let whole = size == blob.entry.size_bytes;
    let mut decoded = decoder.push(bytes, &mut take).map(|()| None);
    let mut known = decoder.header().cloned();
    if whole && decoded.is_ok() {
        decoded = decoder.finish(&mut take).map(|end| Some(end.header));
    }
    match decoded {
        Ok(end) => known = end.or(known),
        Err(fault) => return vec![Finding::failed(Step::Format, &fault)],
    }
    let header = first.as_ref().map(|(header, _)| Arc::clone(header)).or(known);
    let Some(header) = header else { return Vec::new() };
    let mapping = match resolve(&header, run.dataset) {
        Ok(mapping) => Arc::new(mapping),
        Err(fault) => return vec![Finding::failed(Step::Dataset, &fault)],
    };
    let mut findings = vec![columns(&mapping)];
    findings.extend(scope_of_columns(&mapping, run, configured));
    if let (Some(scope), Some((_, chunk))) = (configured, &first)
        && run.dataset.is_cost()
    {
        let options = NormalizeOptions { month: Some(run.month), ..NormalizeOptions::default() };
        match Normalizer::new(mapping, options).normalize(chunk) {
            Ok(normalized) => findings.extend(scope_of_rows(&normalized.batch, scope)),
            Err(fault) => findings.push(Finding::failed(Step::Format, &fault)),
        }
    }
    findings
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
