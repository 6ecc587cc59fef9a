//! Groups a listing into candidates for export runs.
//!
//! In: a [`Listing`] and the bodies of its manifests. Out: one
//! [`RunCandidate`] per run that the folders show, complete or not. Never
//! chooses between runs and never looks at a requested month or dataset.
//!
//! A run is one of:
//! - a manifest and the blobs it names (`{range}/{run}/`,
//!   `{range}/{yyyyMMddHHmm}/{run}/`, or the same copied elsewhere);
//! - data files in a run folder without a manifest: still being written;
//! - one file directly in a month folder (old exports, not partitioned);
//! - loose files in a folder that is no month's, for which the caller has to
//!   say the month.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::{ExportManifest, FileFormat, ManifestBlob};
use super::names::{self, RangeFolder};
use super::run::{ByteCheck, Refusal, RunBlob, RunCandidate};
use crate::model::BillingMonth;
use crate::model::Compression;

/// One object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobEntry {
    /// Path relative to the listed URL; the file name when the URL is the file.
    pub path: String,
    /// Path relative to the container; for local files the absolute path
    /// without its leading slash.
    pub full_path: String,
    /// Size as listed.
    pub size_bytes: u64,
    /// ETag as listed, without quotes.
    pub etag: Option<String>,
    /// Last modification, milliseconds since 1970-01-01 UTC.
    pub last_modified_ms: i64,
}

/// What the listed URL is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListingRoot {
    /// A directory; everything below it was listed.
    Directory,
    /// One file; it and the manifest beside it, if any, were listed.
    File,
}

/// The objects below an export URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What the URL is.
    pub root: ListingRoot,
    /// Every object, in any order.
    pub entries: Vec<BlobEntry>,
}

/// A manifest as fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestBody {
    /// `full_path` of its [`BlobEntry`].
    pub full_path: String,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// The manifests to fetch: all of the listing's, or with `months` those that
/// no folder name assigns to another month.
pub fn manifest_entries<'a>(
    listing: &'a Listing,
    months: Option<&BTreeSet<BillingMonth>>,
) -> Vec<&'a BlobEntry> {
    let wanted = |entry: &BlobEntry| match (months, place(&entry.full_path).range) {
        (Some(months), Some(RangeFolder::Month(month))) => months.contains(&month),
        _ => true,
    };
    listing
        .entries
        .iter()
        .filter(|entry| names::is_manifest(names::file_name(&entry.full_path)) && wanted(entry))
        .collect()
}

/// Whether anything in the listing is a run of some month, asked for or not: what
/// tells an export without a run of one month from a place that is no export.
pub fn shows_runs(listing: &Listing) -> bool {
    listing.entries.iter().any(|entry| {
        names::is_manifest(names::file_name(&entry.full_path))
            || place(&entry.full_path).range.is_some()
    })
}

/// Every run the listing shows. `manifests` are the bodies of those
/// [`manifest_entries`] named; runs whose manifest is not among them are left
/// out.
pub fn candidates(listing: &Listing, manifests: &[ManifestBody]) -> Vec<RunCandidate> {
    let files = Files::new(&listing.entries);
    let mut found: Vec<RunCandidate> =
        manifests.iter().map(|manifest| manifest_run(&files, listing.root, manifest)).collect();
    let uncovered = files.outside_of_manifest_folders();
    found.extend(match listing.root {
        ListingRoot::File => uncovered.into_iter().map(single_file_run).collect(),
        ListingRoot::Directory => runs_without_manifest(uncovered),
    });
    found
}

/// Where a path lies with regard to a month folder.
struct Place<'a> {
    /// Directory of the export: the one that holds the month folders. Without
    /// a month folder, the file's directory.
    export_root: &'a str,
    /// What the innermost range folder says, if there is one.
    range: Option<RangeFolder>,
    /// Directories between the range folder and the file.
    depth: usize,
}

fn place(full_path: &str) -> Place<'_> {
    let directory = names::directory(full_path);
    let mut rest = directory;
    let mut depth = 0;
    while !rest.is_empty() {
        let parent = names::directory(rest);
        if let Some(range) = names::range_folder(names::file_name(rest)) {
            return Place { export_root: parent, range: Some(range), depth };
        }
        rest = parent;
        depth += 1;
    }
    Place { export_root: directory, range: None, depth: 0 }
}

/// The entries ordered by comparable path, so that a folder is a slice.
struct Files<'a> {
    sorted: Vec<(String, &'a BlobEntry)>,
}

impl<'a> Files<'a> {
    fn new(entries: &'a [BlobEntry]) -> Self {
        let mut sorted: Vec<(String, &BlobEntry)> =
            entries.iter().map(|entry| (names::normal(&entry.full_path), entry)).collect();
        sorted.sort_by(|left, right| left.0.cmp(&right.0));
        Self { sorted }
    }

    /// Everything below a folder, given by its comparable path.
    fn below(&self, folder: &str) -> &[(String, &'a BlobEntry)] {
        if folder.is_empty() {
            return &self.sorted;
        }
        let prefix = format!("{folder}/");
        let start = self.sorted.partition_point(|(path, _)| *path < prefix);
        let length =
            self.sorted[start..].iter().take_while(|(path, _)| path.starts_with(&prefix)).count();
        &self.sorted[start..start + length]
    }

    fn exact(&self, path: &str) -> Option<&'a BlobEntry> {
        let at = self.sorted.binary_search_by(|(sorted, _)| sorted.as_str().cmp(path)).ok()?;
        Some(self.sorted[at].1)
    }

    /// The blob a manifest in `folder` names: the one below that folder whose
    /// whole path from there on ends the name, else the one at exactly that
    /// path. Leading directories differ once an export was copied.
    fn find(&self, folder: &str, blob_name: &str) -> Option<&'a BlobEntry> {
        let wanted = names::normal(blob_name);
        let from_folder = |path: &str| match folder {
            "" => path.to_owned(),
            folder => path[folder.len() + 1..].to_owned(),
        };
        self.below(folder)
            .iter()
            .filter(|(path, _)| {
                let own = from_folder(path);
                wanted.strip_suffix(&own).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
            })
            // A file in a folder of the same names says more than one beside it.
            .max_by_key(|(path, _)| path.len())
            .map(|(_, entry)| *entry)
            .or_else(|| self.exact(&wanted))
    }

    /// Data files that no manifest stands beside or above, up to the month
    /// folder.
    fn outside_of_manifest_folders(&self) -> Vec<&'a BlobEntry> {
        let covered: BTreeSet<&str> = self
            .sorted
            .iter()
            .filter(|(path, _)| names::is_manifest(names::file_name(path)))
            .map(|(path, _)| names::directory(path))
            .collect();
        let is_covered = |path: &str| {
            let above = place(path).depth;
            std::iter::successors(Some(names::directory(path)), |folder| {
                Some(names::directory(folder))
            })
            .take(above + 1)
            .any(|folder| covered.contains(folder))
        };
        self.sorted
            .iter()
            .filter(|(path, _)| names::data_format(names::file_name(path)).is_some())
            .filter(|(path, _)| !is_covered(path))
            .map(|(_, entry)| *entry)
            .collect()
    }
}

fn manifest_run(files: &Files<'_>, root: ListingRoot, fetched: &ManifestBody) -> RunCandidate {
    let folder = names::directory(&fetched.full_path).to_owned();
    let mut candidate = RunCandidate {
        manifest_path: Some(fetched.full_path.clone()),
        ..empty_candidate(&fetched.full_path, folder)
    };
    if candidate.folder_month.is_none() {
        // Without a month folder the runs of one export lie side by side.
        candidate.export_root = names::directory(&candidate.folder).to_owned();
    }
    candidate.last_modified_ms = files
        .exact(&names::normal(&fetched.full_path))
        .map_or(0, |manifest| manifest.last_modified_ms);
    match ExportManifest::parse(&fetched.full_path, &fetched.body) {
        Ok(manifest) => add_manifest(&mut candidate, files, root, manifest),
        Err(error) => add_flaw(&mut candidate, Refusal::BrokenManifest(error)),
    }
    candidate
}

/// Matches a manifest's blobs against the listing; the first thing that keeps
/// the run from being complete becomes its flaw.
fn add_manifest(
    candidate: &mut RunCandidate,
    files: &Files<'_>,
    root: ListingRoot,
    manifest: ExportManifest,
) {
    if let Some(run_id) = &manifest.run_id {
        candidate.run_id.clone_from(run_id);
    }
    if let Some(flaw) = counts_flaw(&manifest) {
        add_flaw(candidate, flaw);
    }
    let folder = names::normal(&candidate.folder);
    let mut taken = BTreeSet::new();
    for blob in &manifest.blobs {
        let flaw = match files.find(&folder, &blob.name) {
            None if root == ListingRoot::File => {
                Some(Refusal::PartOfRun { blobs: manifest.blobs.len() })
            }
            None => Some(Refusal::BlobMissing { blob: blob.name.clone() }),
            Some(entry) if !taken.insert(entry.full_path.as_str()) => {
                Some(Refusal::BlobRepeated { blob: blob.name.clone() })
            }
            Some(entry) => {
                let (blob, flaw) = manifest_blob(&manifest, blob, entry);
                candidate.last_modified_ms = candidate.last_modified_ms.max(entry.last_modified_ms);
                candidate.blobs.push(blob);
                flaw
            }
        };
        if let Some(flaw) = flaw {
            add_flaw(candidate, flaw);
        }
    }
    if let Some(flaw) = mixture_flaw(&candidate.blobs) {
        add_flaw(candidate, flaw);
    }
    candidate.manifest = Some(manifest);
}

/// Whether a manifest contradicts itself.
fn counts_flaw(manifest: &ExportManifest) -> Option<Refusal> {
    let listed = manifest.blobs.len() as u64;
    if listed == 0 {
        return Some(Refusal::NoBlobs);
    }
    if let Some(stated) = manifest.blob_count.filter(|stated| *stated != listed) {
        return Some(Refusal::CountsDisagree { what: "blobs", stated, listed });
    }
    let rows: Option<u64> =
        manifest.blobs.iter().try_fold(0_u64, |sum, blob| sum.checked_add(blob.data_row_count?));
    match (manifest.data_row_count, rows) {
        (Some(stated), Some(listed)) if stated != listed => {
            Some(Refusal::CountsDisagree { what: "data rows", stated, listed })
        }
        _ => None,
    }
}

fn manifest_blob(
    manifest: &ExportManifest,
    blob: &ManifestBlob,
    entry: &BlobEntry,
) -> (RunBlob, Option<Refusal>) {
    let named = names::data_format(names::file_name(&entry.full_path));
    let gzip_stated = manifest
        .compression_text
        .as_deref()
        .is_some_and(|compression| compression.eq_ignore_ascii_case("gzip"));
    // The name wins: it is what decides how anybody else opens the blob.
    let (format, compression) = match (named, manifest.format) {
        (Some(named), _) => named,
        // Compression is inside of a Parquet file, not around it.
        (None, Some(FileFormat::Parquet)) => (FileFormat::Parquet, Compression::None),
        (None, _) if gzip_stated => (FileFormat::Csv, Compression::Gzip),
        (None, _) => (FileFormat::Csv, Compression::None),
    };
    let rows_stated = blob.data_row_count.is_some() || manifest.data_row_count.is_some();
    let (byte_check, flaw) = match blob.byte_count {
        None => (ByteCheck::Unknown, None),
        Some(expected) if expected == entry.size_bytes => (ByteCheck::Listed, None),
        Some(expected) if compression == Compression::Gzip => {
            (ByteCheck::Uncompressed(expected), None)
        }
        Some(expected) if format == FileFormat::Parquet && rows_stated => {
            (ByteCheck::OfAnotherForm(expected), None)
        }
        Some(expected) => (
            ByteCheck::Listed,
            Some(Refusal::BlobSize { blob: blob.name.clone(), expected, listed: entry.size_bytes }),
        ),
    };
    let blob = RunBlob {
        entry: entry.clone(),
        byte_count: blob.byte_count,
        byte_check,
        data_row_count: blob.data_row_count,
        format,
        compression,
    };
    (blob, flaw)
}

/// Whether blobs are of several formats. Azure writes a run in one.
fn mixture_flaw(blobs: &[RunBlob]) -> Option<Refusal> {
    let of = |format| {
        let blob = blobs.iter().find(|blob| blob.format == format)?;
        Some(blob.entry.full_path.clone())
    };
    let (csv, parquet) = (of(FileFormat::Csv)?, of(FileFormat::Parquet)?);
    Some(Refusal::MixedFormats { csv, parquet })
}

/// The first flaw found is reported.
fn add_flaw(candidate: &mut RunCandidate, flaw: Refusal) {
    candidate.flaw.get_or_insert(flaw);
}

/// Data files with no manifest, grouped by folder.
fn runs_without_manifest(files: Vec<&BlobEntry>) -> Vec<RunCandidate> {
    let mut folders: BTreeMap<&str, Vec<&BlobEntry>> = BTreeMap::new();
    for file in files {
        folders.entry(names::directory(&file.full_path)).or_default().push(file);
    }
    folders.into_values().flat_map(folder_runs).collect()
}

/// The runs of one folder's files, of which no manifest tells.
fn folder_runs(files: Vec<&BlobEntry>) -> Vec<RunCandidate> {
    let stem = |file: &BlobEntry| names::stem(names::file_name(&file.full_path)).to_owned();
    let (parts, whole): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| names::is_part(&stem(file)));
    let at = place(&parts.first().or(whole.first()).expect("a group has a file").full_path);
    let in_run_folder = at.range.is_some() && at.depth > 0;
    let mut runs = Vec::new();
    if in_run_folder {
        let all: Vec<&BlobEntry> = parts.into_iter().chain(whole).collect();
        runs.push(RunCandidate { flaw: Some(Refusal::NoManifest), ..loose_run(&all) });
        return runs;
    }
    if !parts.is_empty() {
        let mut run = loose_run(&parts);
        if at.range.is_some() {
            run.flaw = Some(Refusal::NoManifest);
        }
        runs.push(run);
    }
    let mixed = !runs.is_empty() && at.range.is_none() && !whole.is_empty();
    let each_a_run = at.range.is_some()
        || whole.len() == 1
        || whole.iter().all(|file| names::run_guid(&stem(file)).is_some());
    if mixed || !each_a_run {
        let files = whole.len() + runs.first().map_or(0, |run| run.blobs.len());
        let run = loose_run(&whole);
        runs.clear();
        runs.push(RunCandidate { flaw: Some(Refusal::AmbiguousFiles { files }), ..run });
    } else {
        runs.extend(whole.into_iter().map(single_file_run));
    }
    runs
}

/// A run of one file: its id is the GUID in its name, else the name.
fn single_file_run(file: &BlobEntry) -> RunCandidate {
    let stem = names::stem(names::file_name(&file.full_path));
    let run_id = names::run_guid(stem).unwrap_or(stem).to_owned();
    RunCandidate { run_id, ..loose_run(&[file]) }
}

/// A run of files of one folder, none of them vouched for by a manifest.
fn loose_run(files: &[&BlobEntry]) -> RunCandidate {
    let first = files.first().expect("a run without manifest has a file");
    let folder = names::directory(&first.full_path).to_owned();
    let mut run = empty_candidate(&first.full_path, folder);
    for file in files {
        let name = names::file_name(&file.full_path);
        // A single file that somebody points at is CSV unless its name says
        // otherwise.
        let (format, compression) =
            names::data_format(name).unwrap_or((FileFormat::Csv, Compression::None));
        run.last_modified_ms = run.last_modified_ms.max(file.last_modified_ms);
        run.blobs.push(RunBlob {
            entry: (*file).clone(),
            byte_count: None,
            byte_check: ByteCheck::Unknown,
            data_row_count: None,
            format,
            compression,
        });
    }
    run.flaw = mixture_flaw(&run.blobs);
    run
}

fn empty_candidate(full_path: &str, folder: String) -> RunCandidate {
    let place = place(full_path);
    let folder_month = match place.range {
        Some(RangeFolder::Month(month)) => Some(Ok(month)),
        Some(RangeFolder::Other) => Some(Err(range_name(full_path))),
        None => None,
    };
    RunCandidate {
        export_root: place.export_root.to_owned(),
        run_id: names::file_name(&folder).to_owned(),
        folder,
        folder_month,
        manifest_path: None,
        manifest: None,
        blobs: Vec::new(),
        last_modified_ms: i64::MIN,
        flaw: None,
    }
}

/// The innermost range folder's name.
fn range_name(full_path: &str) -> String {
    let mut folders = names::directory(full_path).rsplit('/');
    folders.find(|name| names::range_folder(name).is_some()).unwrap_or_default().to_owned()
}
