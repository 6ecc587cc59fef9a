//! Chooses the export run to load for each month.
//!
//! In: [`RunCandidate`]s, the dataset type wanted, and [`ChooseOptions`].
//! Out: a [`Selection`]: per month the newest complete run, or why there is
//! none. Never merges runs, and never takes an absent month for an empty one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::layout::BlobEntry;
use super::manifest::{ExportManifest, FileFormat, ManifestError};
use super::names;
use crate::error::{ErrorClass, Fault, Location};
use crate::model::date::civil_from_days;
use crate::model::{BillingMonth, Compression, DatasetType, Scope};

/// How a manifest's byte count of a blob was, or is still to be, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteCheck {
    /// It equals the listed size.
    Listed,
    /// It differs from the listed size of a compressed blob, so it must be the
    /// size after decompression: whoever decompresses has to check.
    Uncompressed(u64),
    /// It differs from the listed size of a Parquet blob, and nothing about the
    /// blob says what was counted; the data rows stated have to do, see
    /// [`RunCandidate`].
    OfAnotherForm(u64),
    /// No manifest tells it.
    Unknown,
}

/// One blob of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunBlob {
    /// As listed.
    pub entry: BlobEntry,
    /// Bytes the manifest states.
    pub byte_count: Option<u64>,
    /// What became of that count.
    pub byte_check: ByteCheck,
    /// Data rows the manifest states, the header not counted.
    pub data_row_count: Option<u64>,
    /// File format.
    pub format: FileFormat,
    /// Compression around the whole blob.
    pub compression: Compression,
}

/// A run as the folders show it, complete or not.
///
/// The byte count of a Parquet blob need not be its size, where data rows are
/// stated: a Parquet file ends with a footer that counts its rows and says where
/// they lie, so one that was cut short cannot be read at all, and one of other
/// rows has another count. A CSV blob shows neither, and must have its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunCandidate {
    /// Directory of its export, container-relative.
    pub export_root: String,
    /// Directory of the run, container-relative.
    pub folder: String,
    /// The month its range folder names; `Err` with the folder's name when the
    /// range is not one whole month; `None` without such a folder.
    pub folder_month: Option<Result<BillingMonth, String>>,
    /// Run id of the manifest, else of the folder or file name.
    pub run_id: String,
    /// Container-relative path of the manifest.
    pub manifest_path: Option<String>,
    /// The manifest, if it could be read.
    pub manifest: Option<ExportManifest>,
    /// The blobs found.
    pub blobs: Vec<RunBlob>,
    /// Newest modification of its blobs and manifest, ms since 1970 UTC.
    pub last_modified_ms: i64,
    /// What keeps it from being loaded whatever is asked for.
    pub flaw: Option<Refusal>,
}

/// A complete run of one dataset and month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRun {
    /// Dataset type: the manifest's, or without one as asked for.
    pub dataset: DatasetType,
    /// Billing month: the manifest's or the folder's, or as asked for.
    pub month: BillingMonth,
    /// Run id of the manifest, else of the folder or file name.
    pub run_id: String,
    /// Name of the export, where the manifest tells it.
    pub export_name: Option<String>,
    /// Directory of the export, container-relative.
    pub export_root: String,
    /// Directory of the run, container-relative.
    pub folder: String,
    /// The manifest; old unpartitioned exports have none.
    pub manifest: Option<ExportManifest>,
    /// Container-relative path of the manifest.
    pub manifest_path: Option<String>,
    /// Scope of the export, from the manifest's resource id.
    pub scope: Option<Scope>,
    /// Version of the dataset's columns.
    pub data_version: Option<String>,
    /// The blobs in the manifest's order, at least one.
    pub blobs: Vec<RunBlob>,
    /// When the run was submitted, ms since 1970 UTC.
    pub submitted_at_ms: Option<i64>,
    /// Newest modification of its blobs and manifest, ms since 1970 UTC.
    pub last_modified_ms: i64,
}

impl ExportRun {
    /// Bytes of all blobs as stored.
    pub fn size_bytes(&self) -> u64 {
        self.blobs.iter().map(|blob| blob.entry.size_bytes).sum()
    }

    /// Data rows the manifest promises over all blobs.
    pub fn data_row_count(&self) -> Option<u64> {
        self.manifest.as_ref().and_then(|manifest| manifest.data_row_count).or_else(|| {
            self.blobs.iter().try_fold(0_u64, |sum, blob| sum.checked_add(blob.data_row_count?))
        })
    }
}

/// Why a run is not loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A run folder without manifest: the manifest is written last.
    #[error("the run has no manifest: it is still being written, or was copied without it")]
    NoManifest,
    /// The manifest cannot be read.
    #[error(transparent)]
    BrokenManifest(ManifestError),
    /// A blob of the manifest is not there.
    #[error("incomplete: blob {blob} of the manifest is missing")]
    BlobMissing {
        /// Name in the manifest.
        blob: String,
    },
    /// A blob has another size than the manifest states.
    #[error("incomplete: blob {blob} has {listed} bytes, its manifest states {expected}")]
    BlobSize {
        /// Name in the manifest.
        blob: String,
        /// Bytes the manifest states.
        expected: u64,
        /// Bytes listed.
        listed: u64,
    },
    /// Two names of the manifest lead to one blob.
    #[error("incomplete: the manifest's blob {blob} is found only once for two entries")]
    BlobRepeated {
        /// Name in the manifest.
        blob: String,
    },
    /// The manifest names no blob.
    #[error("the manifest lists no blobs")]
    NoBlobs,
    /// The manifest contradicts itself.
    #[error("the manifest states {stated} {what} but lists {listed}")]
    CountsDisagree {
        /// What is counted.
        what: &'static str,
        /// The total stated.
        stated: u64,
        /// The sum of the list.
        listed: u64,
    },
    /// The URL is one file of a run of several.
    #[error("the file is one of {blobs} of its run; a month is loaded whole")]
    PartOfRun {
        /// Blobs of the run.
        blobs: usize,
    },
    /// The run holds another dataset.
    #[error("the export holds {found}, not {wanted}")]
    OtherDataset {
        /// Type in the manifest, verbatim.
        found: String,
        /// Type asked for.
        wanted: DatasetType,
    },
    /// CSV and Parquet in one run: one may repeat the rows of the other.
    #[error("the run mixes formats: {csv} is CSV, {parquet} is Parquet")]
    MixedFormats {
        /// A blob.
        csv: String,
        /// Another one.
        parquet: String,
    },
    /// The range folder is not one whole month.
    #[error("the run covers {folder}, which is not one whole calendar month")]
    NotOneMonth {
        /// Name of the range folder.
        folder: String,
    },
    /// Folder and manifest name different months.
    #[error("the folder says {folder} but the manifest says {manifest}")]
    MonthConflict {
        /// Month of the range folder.
        folder: BillingMonth,
        /// Month of the manifest's start date.
        manifest: BillingMonth,
    },
    /// Neither folder nor manifest tells the month.
    #[error("neither a month folder nor a manifest tells the month")]
    MonthUnknown,
    /// A file that no folder and no manifest gives a month, beside runs that have one.
    #[error("the file is in no month's folder and has no manifest: it is no run of this export")]
    StrayFile,
    /// Complete as far as it goes, but another run of the month can show it.
    #[error("it has no manifest, or none with a time, and another run of the month has")]
    NotVouchedFor,
    /// Several files that may be parts of one run or several runs.
    #[error(
        "{files} files lie side by side without a manifest: parts of one run, or several runs?"
    )]
    AmbiguousFiles {
        /// Files in the folder.
        files: usize,
    },
}

impl Refusal {
    /// Whether it is no fault: a run that is still being written, a file that is
    /// none, or one that a better one stands beside.
    pub fn is_harmless(&self) -> bool {
        matches!(self, Self::NoManifest | Self::NotVouchedFor | Self::StrayFile)
    }
}

impl Fault for Refusal {
    fn class(&self) -> ErrorClass {
        match self {
            Self::OtherDataset { .. } | Self::MonthUnknown | Self::PartOfRun { .. } => {
                ErrorClass::BadConfig
            }
            _ => ErrorClass::BadInput,
        }
    }

    fn location(&self) -> Option<Location> {
        match self {
            Self::BrokenManifest(error) => error.location(),
            Self::BlobMissing { blob }
            | Self::BlobSize { blob, .. }
            | Self::BlobRepeated { blob }
            | Self::MixedFormats { parquet: blob, .. } => Some(Location::blob(blob)),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoManifest => "try again once the export has finished",
            Self::BrokenManifest(error) => return error.hint(),
            Self::BlobMissing { .. } | Self::BlobSize { .. } | Self::BlobRepeated { .. } => {
                "try again once the export has finished, or run it again"
            }
            Self::NoBlobs | Self::CountsDisagree { .. } => "run the export again",
            Self::PartOfRun { .. } => "give the URL of the run's folder, or of the export",
            Self::OtherDataset { found, wanted } => {
                return Some(match found.parse::<DatasetType>() {
                    Ok(found) if found.is_cost() && wanted.is_cost() => {
                        "check which export each URL points at; --actual and --amortized may be \
                         swapped"
                            .to_owned()
                    }
                    Ok(found) => format!("load it with {}", found.flag()),
                    Err(_) => "check which export the URL points at".to_owned(),
                });
            }
            Self::MixedFormats { .. } => "keep the blobs of one format, with their own manifest",
            Self::NotOneMonth { .. } => "export one calendar month per run",
            Self::MonthConflict { .. } => "put the run back into its own month's folder",
            Self::MonthUnknown => "name the month, e.g. --month 2026-07",
            Self::NotVouchedFor => "give the URL of that run to load it",
            Self::StrayFile => "give the URL of the file itself to load it",
            Self::AmbiguousFiles { .. } => "give the URL of one file, or copy the manifest too",
        };
        Some(hint.to_owned())
    }
}

/// A run that is not loaded, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunNote {
    /// Run id of the manifest, else of the folder or file name.
    pub run_id: String,
    /// Directory of the run, container-relative.
    pub folder: String,
    /// Container-relative path of the manifest.
    pub manifest_path: Option<String>,
    /// Why.
    pub reason: Refusal,
}

/// What becomes of a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MonthOutcome {
    /// The newest complete run.
    Load(Box<ExportRun>),
    /// There are runs, but none that may be loaded; this is the newest.
    Refused(RunNote),
    /// There is no run.
    Missing,
}

/// One month's outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonthChoice {
    /// The month.
    pub month: BillingMonth,
    /// What becomes of it.
    pub outcome: MonthOutcome,
    /// Further runs passed over: those newer than the one to load, or all the
    /// others when none is loaded. Newest first.
    pub notes: Vec<RunNote>,
}

/// The outcome of every month asked for, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Directory of the export chosen, container-relative.
    pub export_root: String,
    /// Months in order, none twice.
    pub months: Vec<MonthChoice>,
    /// Runs of which nobody knows the month.
    pub unplaced: Vec<RunNote>,
}

/// Which months to look at.
#[derive(Clone, Debug, Default)]
pub struct ChooseOptions {
    /// Exactly these months; also the month of a run that tells none, if it is
    /// one month.
    pub months: Option<BTreeSet<BillingMonth>>,
    /// First month; else the first found. Earlier runs are left alone.
    pub first_month: Option<BillingMonth>,
    /// Today, days since 1970-01-01 UTC; with it, months through the current
    /// one are reported missing where they are.
    pub today: Option<i32>,
}

/// Day of the month from which the current month's first run is due: figures
/// of a day arrive 8 to 24 hours later, so on the 1st and 2nd there may be none.
pub const FIRST_RUN_DUE_DAY: u32 = 3;

/// Day through which the previous month is still exported again.
pub const PREVIOUS_MONTH_OPEN_DAY: u32 = 6;

/// One of several exports below a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportSummary {
    /// Its directory, container-relative.
    pub root: String,
    /// Its scope and name as the manifest spells them, where known.
    pub resource_id: Option<String>,
    /// Dataset types of its manifests, verbatim.
    pub datasets: BTreeSet<String>,
    /// Runs found.
    pub runs: usize,
}

impl std::fmt::Display for ExportSummary {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let datasets: Vec<&str> = self.datasets.iter().map(String::as_str).collect();
        let datasets =
            if datasets.is_empty() { "type unknown".to_owned() } else { datasets.join(", ") };
        write!(formatter, "{} ({datasets}", self.root)?;
        if let Some(resource_id) = &self.resource_id {
            write!(formatter, ", {resource_id}")?;
        }
        write!(formatter, ", {} run{})", self.runs, if self.runs == 1 { "" } else { "s" })
    }
}

/// No choice can be made at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoverError {
    /// Nothing that looks like an export.
    #[error("no export run found")]
    NoRun,
    /// Several exports, and not exactly one of the dataset type.
    #[error(
        "{} exports found where one was expected for {wanted}:{}",
        exports.len(),
        list(exports)
    )]
    SeveralExports {
        /// Dataset type asked for.
        wanted: DatasetType,
        /// What is there.
        exports: Vec<ExportSummary>,
    },
}

fn list(exports: &[ExportSummary]) -> String {
    exports.iter().map(|export| format!("\n  {export}")).collect()
}

impl Fault for DiscoverError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::NoRun => ErrorClass::BadInput,
            Self::SeveralExports { .. } => ErrorClass::BadConfig,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoRun => {
                "give the URL of the export's folder, which holds folders such as \
                 20260701-20260731, or wait for its first run"
            }
            Self::SeveralExports { .. } => "give the URL of one of them",
        };
        Some(hint.to_owned())
    }
}

/// Whether a month's figures may still change by Azure's own schedule: the
/// current month, and the one before through the 6th.
pub fn is_open(month: BillingMonth, today: i32) -> bool {
    let Some(current) = BillingMonth::of_day(today) else { return false };
    month >= current
        || (month == current.previous() && civil_from_days(today).day <= PREVIOUS_MONTH_OPEN_DAY)
}

/// Chooses for each month the newest complete run of `dataset`.
///
/// A run with a manifest goes before any without, because only its completeness
/// can be shown; then newest is by submission, then modification, then path.
/// Errors when there is no run at all, or several exports of which not exactly
/// one holds `dataset`.
pub fn choose(
    candidates: Vec<RunCandidate>,
    dataset: DatasetType,
    options: &ChooseOptions,
) -> Result<Selection, DiscoverError> {
    let candidates = one_export(candidates, dataset)?;
    let export_root = candidates[0].export_root.clone();
    let beside_runs = candidates.iter().any(tells_month);
    let mut by_month: BTreeMap<BillingMonth, Vec<Judged>> = BTreeMap::new();
    let mut unplaced = Vec::new();
    for candidate in candidates {
        if beside_runs && candidate.manifest_path.is_none() && !tells_month(&candidate) {
            unplaced.push(note(candidate, Refusal::StrayFile));
            continue;
        }
        let (month, flaw) = judge(&candidate, dataset, options);
        match month {
            Some(month) => by_month.entry(month).or_default().push(Judged { candidate, flaw }),
            None => unplaced.push(note(candidate, flaw.unwrap_or(Refusal::MonthUnknown))),
        }
    }
    let months = expected_months(&by_month, options)
        .into_iter()
        .map(|month| choose_month(month, dataset, by_month.remove(&month).unwrap_or_default()))
        .collect();
    Ok(Selection { export_root, months, unplaced })
}

/// Whether a folder or manifest says which month a run is of.
fn tells_month(run: &RunCandidate) -> bool {
    run.folder_month.is_some() || run.manifest.as_ref().is_some_and(|run| run.month.is_some())
}

/// A candidate and what keeps it from being loaded for this request.
struct Judged {
    candidate: RunCandidate,
    flaw: Option<Refusal>,
}

/// The month a candidate belongs to, and its flaw. The gravest comes first:
/// what the data is, then which month it is, then whether it is all there.
fn judge(
    candidate: &RunCandidate,
    dataset: DatasetType,
    options: &ChooseOptions,
) -> (Option<BillingMonth>, Option<Refusal>) {
    let manifest = candidate.manifest.as_ref();
    let manifest_month = manifest.and_then(|manifest| manifest.month);
    let asked = options.months.as_ref().filter(|months| months.len() == 1);
    let asked = asked.and_then(|months| months.first().copied());
    let (month, month_flaw) = match (&candidate.folder_month, manifest_month) {
        (Some(Err(folder)), month) => {
            (month, Some(Refusal::NotOneMonth { folder: folder.clone() }))
        }
        (Some(Ok(folder)), Some(manifest)) if *folder != manifest => {
            (Some(*folder), Some(Refusal::MonthConflict { folder: *folder, manifest }))
        }
        (Some(Ok(month)), _) => (Some(*month), None),
        (None, Some(month)) => (Some(month), None),
        (None, None) => (asked, None),
    };
    let other = manifest
        .and_then(|manifest| manifest.dataset_text.clone())
        .filter(|_| manifest.is_some_and(|manifest| manifest.dataset != Some(dataset)));
    let flaw = other
        .map(|found| Refusal::OtherDataset { found, wanted: dataset })
        .or(month_flaw)
        .or_else(|| candidate.flaw.clone());
    (month, flaw)
}

fn expected_months(
    found: &BTreeMap<BillingMonth, Vec<Judged>>,
    options: &ChooseOptions,
) -> BTreeSet<BillingMonth> {
    if let Some(months) = &options.months {
        return months.clone();
    }
    let due = options.today.and_then(|today| {
        let current = BillingMonth::of_day(today)?;
        let is_due = civil_from_days(today).day >= FIRST_RUN_DUE_DAY;
        Some(if is_due { current } else { current.previous() })
    });
    let first = options.first_month.or_else(|| found.keys().next().copied());
    let last = found.keys().next_back().copied().max(due);
    match (first, last) {
        (Some(first), Some(last)) => BillingMonth::range(first, last).collect(),
        _ => BTreeSet::new(),
    }
}

fn choose_month(month: BillingMonth, dataset: DatasetType, mut runs: Vec<Judged>) -> MonthChoice {
    runs.sort_by_cached_key(|run| Reverse(age_key(&run.candidate)));
    let complete = runs.iter().enumerate().filter(|(_, run)| run.flaw.is_none());
    // Of equals the first, which is the newest.
    let best = complete.rev().max_by_key(|(_, run)| vouched(&run.candidate)).map(|(at, _)| at);
    let older = best.map_or(Vec::new(), |at| runs.split_off(at));
    let is_loaded = best.is_some();
    let passed_over = |run: Judged| {
        // What is wrong with a file nothing vouches for does not matter beside a run.
        let reason = match run.flaw {
            Some(Refusal::NoManifest) => Refusal::NoManifest,
            Some(flaw) if !is_loaded || run.candidate.manifest_path.is_some() => flaw,
            _ => Refusal::NotVouchedFor,
        };
        note(run.candidate, reason)
    };
    let mut notes: Vec<RunNote> = runs.into_iter().map(passed_over).collect();
    let outcome = match older.into_iter().next() {
        Some(run) => MonthOutcome::Load(Box::new(export_run(run.candidate, month, dataset))),
        None if notes.is_empty() => MonthOutcome::Missing,
        None => MonthOutcome::Refused(notes.remove(0)),
    };
    MonthChoice { month, outcome, notes }
}

/// How well a run's completeness and age are shown: only a manifest counts its rows,
/// and only a time of submission is not made new by a copy.
fn vouched(run: &RunCandidate) -> (bool, bool) {
    (run.manifest.is_some(), submitted_at_ms(run).is_some())
}

fn submitted_at_ms(run: &RunCandidate) -> Option<i64> {
    let stated = run.manifest.as_ref().and_then(|manifest| manifest.submitted_at_ms);
    stated.or_else(|| names::run_time_ms(&run.folder))
}

/// Orders runs of a month by age. A run without submission time stands at its
/// last modification, so that layouts mixed in one folder still compare.
fn age_key(run: &RunCandidate) -> (i64, i64, String) {
    let path = run
        .manifest_path
        .clone()
        .or_else(|| run.blobs.first().map(|blob| blob.entry.full_path.clone()))
        .unwrap_or_else(|| run.folder.clone());
    (submitted_at_ms(run).unwrap_or(run.last_modified_ms), run.last_modified_ms, path)
}

fn note(candidate: RunCandidate, reason: Refusal) -> RunNote {
    let RunCandidate { run_id, folder, manifest_path, .. } = candidate;
    RunNote { run_id, folder, manifest_path, reason }
}

fn export_run(candidate: RunCandidate, month: BillingMonth, dataset: DatasetType) -> ExportRun {
    let manifest = candidate.manifest.as_ref();
    let resource_id = manifest.and_then(|manifest| manifest.resource_id.as_deref());
    ExportRun {
        dataset,
        month,
        export_name: manifest.and_then(|manifest| manifest.export_name.clone()),
        scope: resource_id.and_then(|resource_id| resource_id.parse().ok()),
        data_version: manifest.and_then(|manifest| manifest.data_version.clone()),
        submitted_at_ms: submitted_at_ms(&candidate),
        run_id: candidate.run_id,
        export_root: candidate.export_root,
        folder: candidate.folder,
        manifest_path: candidate.manifest_path,
        blobs: candidate.blobs,
        last_modified_ms: candidate.last_modified_ms,
        manifest: candidate.manifest,
    }
}

/// The runs of the one export that is meant. Exports differ by directory, and
/// in one directory by the scope that wrote them.
fn one_export(
    candidates: Vec<RunCandidate>,
    dataset: DatasetType,
) -> Result<Vec<RunCandidate>, DiscoverError> {
    let mut exports: BTreeMap<(String, Option<String>), Vec<RunCandidate>> = BTreeMap::new();
    for candidate in candidates {
        let root = names::normal(&candidate.export_root);
        let resource_id = candidate.manifest.as_ref().and_then(|run| run.resource_id.as_deref());
        exports.entry((root, resource_id.map(str::to_lowercase))).or_default().push(candidate);
    }
    adopt_anonymous_runs(&mut exports);
    let is_meant = |runs: &&Vec<RunCandidate>| {
        runs.iter().any(|run| run.manifest.as_ref().is_some_and(|m| m.dataset == Some(dataset)))
    };
    if exports.len() > 1 && exports.values().filter(is_meant).count() != 1 {
        let exports = exports.values().map(|runs| summary(runs)).collect();
        return Err(DiscoverError::SeveralExports { wanted: dataset, exports });
    }
    let single = exports.len() == 1;
    let meant = exports.into_values().find(|runs| single || is_meant(&runs));
    meant.filter(|runs| !runs.is_empty()).ok_or(DiscoverError::NoRun)
}

/// Runs that do not name their export (no manifest, an old one, a broken one)
/// belong to the one that does in the same directory, if there is just one.
fn adopt_anonymous_runs(exports: &mut BTreeMap<(String, Option<String>), Vec<RunCandidate>>) {
    let roots: Vec<String> =
        exports.keys().filter(|key| key.1.is_none()).map(|key| key.0.clone()).collect();
    for root in roots {
        let named: Vec<_> =
            exports.keys().filter(|key| key.0 == root && key.1.is_some()).cloned().collect();
        if let [only] = named.as_slice() {
            let anonymous = exports.remove(&(root, None)).unwrap_or_default();
            exports.entry(only.clone()).or_default().extend(anonymous);
        }
    }
}

fn summary(runs: &[RunCandidate]) -> ExportSummary {
    let manifests = || runs.iter().filter_map(|run| run.manifest.as_ref());
    ExportSummary {
        root: runs.first().map(|run| run.export_root.clone()).unwrap_or_default(),
        resource_id: manifests().find_map(|manifest| manifest.resource_id.clone()),
        datasets: manifests().filter_map(|manifest| manifest.dataset_text.clone()).collect(),
        runs: runs.len(),
    }
}

#[cfg(test)]
mod tests;
