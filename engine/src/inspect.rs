//! Proves a source step by step, without loading anything.
//!
//! In: a source as configured, and the others beside it. Out: [`Finding`]s in
//! the order of the steps, each with the exact fix where it failed. Joins
//! `source`, `discover`, `decode` and `normalize` as `ingest` does, reads
//! listings, manifests and the beginning of each export's newest run, and never
//! touches a lake.

mod finding;
mod sample;

use std::collections::BTreeSet;

pub use finding::{Finding, Step, Verdict};

use crate::azure::TokenSource;
use crate::azure::cloud::STORAGE_RESOURCE;
use crate::discover::{
    ChooseOptions, DiscoverError, ExportRun, MonthChoice, MonthOutcome, Selection, candidates,
    choose,
};
use crate::error::Fault;
use crate::model::date::{DAY_MS, DAY_US};
use crate::model::{BillingMonth, DatasetType, Scope, ScopeType, SourceName};
use crate::source::sas::SasState;
use crate::source::url::SourcePlace;
use crate::source::{
    SourceError, SourceUrl, StorageAccess, Store, StoreOptions, fetch_manifests, list,
};
use sample::sample;

/// Older than this, the newest run of an open month shows that the schedule has
/// stopped: exports run daily, and a run takes some hours.
pub const RUN_AGE_HOURS_MAX: i64 = 48;

const HOUR_MS: i64 = 3_600_000;

/// Versions of the cost datasets that answer every question. Earlier ones lack
/// columns of savings plans.
const DATA_VERSIONS_FULL: [&str; 2] = ["2021-10-01", "2023-12-01-preview"];

/// A source to look at.
#[derive(Clone, Debug)]
pub struct InspectRequest<'a> {
    /// Its name.
    pub source: &'a SourceName,
    /// Its scope as configured.
    pub scope: Option<&'a Scope>,
    /// Its exports.
    pub exports: &'a [(DatasetType, SourceUrl)],
    /// Months before it do not matter.
    pub first_month: Option<BillingMonth>,
    /// As who it is read.
    pub options: &'a StoreOptions,
    /// The other sources: name, scope, exports.
    pub others: &'a [OtherSource<'a>],
    /// The present, microseconds since the epoch, UTC.
    pub now_us: i64,
}

/// A source beside the one looked at.
#[derive(Clone, Copy, Debug)]
pub struct OtherSource<'a> {
    /// Its name.
    pub name: &'a SourceName,
    /// Its scope as configured.
    pub scope: Option<&'a Scope>,
    /// Its exports.
    pub exports: &'a [(DatasetType, SourceUrl)],
}

/// Looks at everything that can be looked at; a step that fails leaves out only
/// what builds on it.
pub async fn inspect(request: &InspectRequest<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if may_sign_in(request, &mut findings).await {
        for dataset in DatasetType::COST {
            if !request.exports.iter().any(|(known, _)| *known == dataset) {
                findings.push(not_configured(dataset));
            }
        }
        for (dataset, url) in request.exports {
            export(request, *dataset, url, &mut findings).await;
        }
    }
    overlap(request, &mut findings);
    limits_of_scope(request, &mut findings);
    findings
}

fn not_configured(dataset: DatasetType) -> Finding {
    let what = match dataset {
        DatasetType::ActualCost => {
            "no export of actual cost is configured: purchases, invoices and expiry dates stay \
             unknown"
        }
        _ => "no export of amortized cost is configured: savings and utilization stay unknown",
    };
    Finding::warning(
        Step::Exports,
        what,
        format!(
            "add its URL to the source in costlake.toml, as {}",
            dataset.flag().trim_start_matches('-').replace('-', "_")
        ),
    )
    .about(dataset)
}

/// Secrets, SAS and token.
async fn may_sign_in(request: &InspectRequest<'_>, findings: &mut Vec<Finding>) -> bool {
    let cloud = request.exports.iter().find_map(|(_, url)| match &url.place {
        SourcePlace::Local => None,
        SourcePlace::Azure { account, .. } => {
            Some(account.as_ref().map(|account| account.cloud).unwrap_or_default())
        }
    });
    let Some(cloud) = cloud else {
        findings.push(Finding::ok(Step::Token, "not needed: the exports are local folders"));
        return true;
    };
    let access = match request.options.access() {
        Ok(access) => access,
        Err(fault) => {
            findings.push(Finding::failed(Step::Token, &fault));
            return false;
        }
    };
    if let Some(sas) = request.options.sas().filter(|_| matches!(access, StorageAccess::Sas)) {
        findings.push(sas_finding(&sas, request.now_us / 1_000));
        return findings.last().is_some_and(|finding| finding.verdict != Verdict::Failed);
    }
    let StorageAccess::Token(credential) = access else {
        findings.push(Finding::ok(Step::Token, format!("not needed: {}", access.kind())));
        return true;
    };
    let kind = credential.kind();
    let tokens = TokenSource::new(credential, request.options.authority_host(cloud));
    let token = match tokens {
        Ok(tokens) => tokens.token(STORAGE_RESOURCE).await,
        Err(fault) => Err(fault),
    };
    match token {
        Ok(_) => {
            findings.push(Finding::ok(Step::Token, format!("given to the {kind}")));
            true
        }
        Err(fault) => {
            findings.push(Finding::failed(Step::Token, &fault));
            false
        }
    }
}

/// What a SAS token says of itself.
fn sas_finding(sas: &crate::source::SasToken, now_ms: i64) -> Finding {
    let renew = "make a new SAS token that may read and list";
    if sas.is_wrapped {
        return Finding::refused(
            Step::Token,
            "the SAS token has quotes, blanks or its URL around it",
            "give the token alone: what stands behind the '?' of a SAS URL, without quotes",
        );
    }
    if !sas.is_signed() {
        return Finding::refused(
            Step::Token,
            "the SAS token has no signature: it is cut short",
            renew,
        );
    }
    let lacks = sas.lacks("rl");
    if !lacks.is_empty() {
        let names: Vec<&str> =
            lacks.chars().map(|letter| if letter == 'r' { "read" } else { "list" }).collect();
        let names = names.join(" and ");
        return Finding::refused(
            Step::Token,
            format!("the SAS token does not allow to {names} (sp lacks {lacks})"),
            renew,
        );
    }
    // Of whole exports: a SAS of single blobs opens none, and listing is a container's.
    let what = match sas.resource.as_deref() {
        Some("b" | "bs" | "bv") => Some("is for a single blob (sr)"),
        Some("f" | "s") => Some("is for file shares (sr)"),
        _ if !sas.lacks_services("b").is_empty() => Some("is not for the blob service (ss)"),
        _ if !sas.lacks_resource_types("co").is_empty() => {
            Some("is not for containers and objects (srt)")
        }
        _ => None,
    };
    if let Some(what) = what {
        return Finding::refused(
            Step::Token,
            format!("the SAS token {what}"),
            "make one for the container, or an account SAS for the blob service with resource \
             types container and object",
        );
    }
    match sas.state(now_ms) {
        SasState::Ended(ago_ms) => Finding::refused(
            Step::Token,
            format!("the SAS token expired {} ago", span(ago_ms)),
            renew,
        ),
        SasState::Early(left_ms) => Finding::refused(
            Step::Token,
            format!("the SAS token is valid only in {}", span(left_ms)),
            "wait, or make one without a start",
        ),
        SasState::Ending(left_ms) => Finding::warning(
            Step::Token,
            format!("the SAS token expires in {}", span(left_ms)),
            renew,
        ),
        SasState::Good => Finding::ok(
            Step::Token,
            match sas.expires_at_ms {
                Some(end_ms) => {
                    format!("the SAS token is good for {} more", span(end_ms - now_ms))
                }
                None => "the SAS token is signed; a policy says when it ends".to_owned(),
            },
        ),
    }
}

/// A span for people: days, or hours when there are few.
pub fn span(ms: i64) -> String {
    let unit =
        |count: i64, name: &str| format!("{count} {name}{}", if count == 1 { "" } else { "s" });
    match (ms / DAY_MS, ms / HOUR_MS) {
        (0, 0) => "less than an hour".to_owned(),
        (0 | 1, hours) => unit(hours, "hour"),
        (days, _) => unit(days, "day"),
    }
}

/// One export, from access to months.
async fn export(
    request: &InspectRequest<'_>,
    dataset: DatasetType,
    url: &SourceUrl,
    findings: &mut Vec<Finding>,
) {
    let mut tell = |finding: Finding| findings.push(finding.about(dataset));
    let store = match Store::open(url, request.options) {
        Ok(store) => store,
        Err(fault) => return tell(Finding::failed(Step::Access, &fault)),
    };
    let listing = match list(&store).await {
        Ok(listing) => listing,
        // On Azure, whoever is told so has been let in.
        Err(fault @ SourceError::NotFound { .. }) if url.place != SourcePlace::Local => {
            tell(Finding::ok(Step::Access, format!("{} may be listed", store.place())));
            return tell(Finding::failed(Step::Exports, &fault));
        }
        Err(fault) => return tell(Finding::failed(Step::Access, &fault)),
    };
    let manifests = match fetch_manifests(&store, &listing, None).await {
        Ok(manifests) => manifests,
        Err(fault) => return tell(Finding::failed(Step::Access, &fault)),
    };
    tell(Finding::ok(Step::Access, format!("{} may be listed and read", store.place())));
    let options = ChooseOptions {
        months: None,
        first_month: request.first_month,
        today: i32::try_from(request.now_us.div_euclid(DAY_US)).ok(),
    };
    let selection = match choose(candidates(&listing, &manifests), dataset, &options) {
        Ok(selection) => selection,
        Err(fault @ DiscoverError::NoRun | fault @ DiscoverError::SeveralExports { .. }) => {
            return tell(Finding::failed(Step::Exports, &fault));
        }
    };
    let newest = newest(&selection);
    tell(match &newest {
        Some(run) => Finding::ok(Step::Exports, format!("found {}", name_of(run, &selection))),
        None => match selection.months.iter().find_map(refusal) {
            Some(refusal) => Finding::failed(Step::Exports, refusal),
            None => Finding::refused(
                Step::Exports,
                "no run that can be loaded",
                "wait for the export's first run, or run it: costlake exports run NAME --source …",
            ),
        },
    });
    if let Some(run) = newest {
        tell(version(run));
        tell(format(run));
        tell(age(run, request.source, request.now_us / 1_000));
        if let Some(finding) = scope_of(request, run) {
            tell(finding);
        }
        for finding in sample(&store, run, request.scope).await {
            tell(finding);
        }
    }
    let export_name = newest.and_then(|run| run.export_name.as_deref());
    for finding in months(&selection, request.source, export_name) {
        tell(finding);
    }
}

fn refusal(choice: &MonthChoice) -> Option<&crate::discover::Refusal> {
    match &choice.outcome {
        MonthOutcome::Refused(note) => Some(&note.reason),
        _ => None,
    }
}

fn newest(selection: &Selection) -> Option<&ExportRun> {
    selection.months.iter().rev().find_map(|choice| match &choice.outcome {
        MonthOutcome::Load(run) => Some(run.as_ref()),
        _ => None,
    })
}

fn name_of(run: &ExportRun, selection: &Selection) -> String {
    match &run.export_name {
        Some(name) => format!("export {name} at {}", selection.export_root),
        None => selection.export_root.clone(),
    }
}

/// Type and version of the dataset. Its type is right: `choose` refuses others.
fn version(run: &ExportRun) -> Finding {
    match &run.data_version {
        Some(version) if !run.dataset.is_cost() => {
            Finding::ok(Step::Dataset, format!("{} {version}", run.dataset))
        }
        Some(version) if DATA_VERSIONS_FULL.contains(&version.as_str()) => {
            Finding::ok(Step::Dataset, format!("{} {version}", run.dataset))
        }
        Some(version) => Finding::warning(
            Step::Dataset,
            format!("{} {version}: columns of savings plans are missing", run.dataset),
            format!("set the export's data version to {}", DATA_VERSIONS_FULL[0]),
        ),
        None => Finding::ok(
            Step::Dataset,
            format!("{}; the manifest does not tell its version", run.dataset),
        ),
    }
}

fn format(run: &ExportRun) -> Finding {
    let formats: BTreeSet<String> = run
        .blobs
        .iter()
        .map(|blob| match blob.compression {
            crate::model::Compression::None => format!("{:?}", blob.format),
            crate::model::Compression::Gzip => format!("{:?}, gzip", blob.format),
        })
        .collect();
    let formats: Vec<String> = formats.into_iter().collect();
    let what = format!(
        "{}: {} blob{}, {} bytes",
        formats.join(" and "),
        run.blobs.len(),
        if run.blobs.len() == 1 { "" } else { "s" },
        run.size_bytes()
    );
    Finding::ok(Step::Format, what)
}

fn age(run: &ExportRun, source: &SourceName, now_ms: i64) -> Finding {
    let age_ms = (now_ms - run.submitted_at_ms.unwrap_or(run.last_modified_ms)).max(0);
    let what = format!("newest run is {} old, of {}", span(age_ms), run.month);
    if age_ms > RUN_AGE_HOURS_MAX * HOUR_MS {
        return Finding::warning(
            Step::Age,
            what,
            format!(
                "check its schedule and its last runs: costlake exports history {} --source {source}",
                run.export_name.as_deref().unwrap_or("NAME")
            ),
        );
    }
    Finding::ok(Step::Age, what)
}

/// The scope that wrote the export against the one configured.
fn scope_of(request: &InspectRequest<'_>, run: &ExportRun) -> Option<Finding> {
    let (Some(configured), Some(found)) = (request.scope, &run.scope) else {
        return request.scope.is_none().then(|| match &run.scope {
            Some(found) => Finding::warning(
                Step::Scope,
                format!("none is configured; the manifest says {}", shown(found)),
                "set scope in the source, so that a change is noticed",
            ),
            None => Finding::warning(
                Step::Scope,
                "none is configured, and the manifest tells none",
                "set scope in the source",
            ),
        });
    };
    let same_id = match (&configured.id, &found.id) {
        (Some(configured), Some(found)) => configured.eq_ignore_ascii_case(found),
        _ => true,
    };
    Some(if configured.scope_type == found.scope_type && same_id {
        Finding::ok(Step::Scope, format!("the export is of {}", shown(found)))
    } else {
        Finding::refused(
            Step::Scope,
            format!("the export is of {}, the source of {}", shown(found), shown(configured)),
            "point the source at an export of its scope, or correct scope in the source",
        )
    })
}

fn shown(scope: &Scope) -> String {
    scope.id.clone().unwrap_or_else(|| scope.scope_type.name().to_owned())
}

fn months(selection: &Selection, source: &SourceName, name: Option<&str>) -> Vec<Finding> {
    let of = |wanted: fn(&MonthOutcome) -> bool| -> Vec<BillingMonth> {
        let chosen = selection.months.iter().filter(|choice| wanted(&choice.outcome));
        chosen.map(|choice| choice.month).collect()
    };
    let present = of(|outcome| matches!(outcome, MonthOutcome::Load(_)));
    let missing = of(|outcome| matches!(outcome, MonthOutcome::Missing));
    let refused = of(|outcome| matches!(outcome, MonthOutcome::Refused(_)));
    let mut findings = Vec::new();
    if !present.is_empty() {
        findings.push(Finding::ok(Step::Months, format!("present: {}", ranges(&present))));
    }
    if !missing.is_empty() {
        let each = ranges(&missing).replace(", ", ",");
        findings.push(Finding::warning(
            Step::Months,
            format!("missing, which is not free of cost: {}", ranges(&missing)),
            format!(
                "costlake exports run {} --source {} --month {each}, or set first_month after them",
                name.unwrap_or("NAME"),
                source
            ),
        ));
    }
    if !refused.is_empty() {
        let reason = selection.months.iter().find_map(refusal).map(ToString::to_string);
        findings.push(Finding::warning(
            Step::Months,
            format!("cannot be loaded: {} ({})", ranges(&refused), reason.unwrap_or_default()),
            selection.months.iter().find_map(refusal).and_then(Fault::hint).unwrap_or_default(),
        ));
    }
    findings
}

/// Months as ranges: `2026-01..2026-03, 2026-07`.
pub fn ranges(months: &[BillingMonth]) -> String {
    let mut ranges: Vec<(BillingMonth, BillingMonth)> = Vec::new();
    for &month in months {
        match ranges.last_mut() {
            Some((_, last)) if last.next() == month => *last = month,
            _ => ranges.push((month, month)),
        }
    }
    let shown = ranges.into_iter().map(|(first, last)| {
        if first == last { first.to_string() } else { format!("{first}..{last}") }
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Sources that hold the same rows, as far as their scopes tell.
fn overlap(request: &InspectRequest<'_>, findings: &mut Vec<Finding>) {
    let mut found = false;
    for other in request.others {
        let shared = request.exports.iter().any(|export| other.exports.contains(export));
        let relation = match (request.scope, other.scope) {
            _ if shared => Some("reads the same export: rows will be in the lake twice"),
            (Some(ours), Some(theirs)) => relation(ours, theirs),
            _ => None,
        };
        if let Some(relation) = relation {
            found = true;
            findings.push(Finding::warning(
                Step::Overlap,
                format!("source {} {relation}", other.name),
                "keep one of them, or rely on the views, which take each subscription from the \
                 widest scope (see scope_overlaps)",
            ));
        }
    }
    if !found && !request.others.is_empty() {
        findings.push(Finding::ok(
            Step::Overlap,
            "none that the scopes show; after loading, scope_overlaps tells of subscriptions",
        ));
    }
}

fn relation(ours: &Scope, theirs: &Scope) -> Option<&'static str> {
    let types = (ours.scope_type, theirs.scope_type);
    let (Some(ours), Some(theirs)) = (&ours.id, &theirs.id) else { return None };
    let (ours, theirs) = (ours.to_lowercase(), theirs.to_lowercase());
    let account = |scope: &str| {
        let (_, rest) = scope.split_once("/billingaccounts/")?;
        rest.split('/').next().map(str::to_owned)
    };
    let inside = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
    };
    if ours == theirs {
        Some("has the same scope: rows will be in the lake twice")
    } else if inside(&ours, &theirs) {
        Some("has a scope that holds this one: rows will be in the lake twice")
    } else if inside(&theirs, &ours) {
        Some("has a scope within this one: rows will be in the lake twice")
    } else if matches!(
        types,
        (ScopeType::BillingProfile, ScopeType::CustomerTenant)
            | (ScopeType::CustomerTenant, ScopeType::BillingProfile)
    ) && account(&ours).is_some_and(|ours| account(&theirs) == Some(ours))
    {
        Some(
            "is of the same billing account: rows of a customer billed in that profile will be \
              in the lake twice",
        )
    } else {
        None
    }
}

/// What the scope cannot give, whatever is exported.
fn limits_of_scope(request: &InspectRequest<'_>, findings: &mut Vec<Finding>) {
    let what = match request.scope.map(|scope| scope.scope_type) {
        Some(ScopeType::Subscription) => {
            "a subscription scope has no commitments, no savings and no rate-reduction savings: \
             its files are at retail prices and lack invoiceId, previousInvoiceId, \
             billingAccountId, billingProfileId, billingProfileName, invoiceSectionId, \
             invoiceSectionName, partnerTenantId, costInPricingCurrency, \
             paygCostInBillingCurrency, paygCostInUsd, isAzureCreditEligible, \
             partnerEarnedCreditRate and partnerEarnedCreditApplied"
        }
        Some(ScopeType::CustomerTenant) => {
            "a customer scope may lack purchases of commitments: Azure shows them to the billing \
             account and profile; expiry dates may stay unknown"
        }
        _ => return,
    };
    findings.push(Finding::warning(
        Step::Limits,
        what,
        "where the partner may, export at the billing account or profile instead",
    ));
}

#[cfg(test)]
mod tests;
