//! Lists what is below an export URL and fetches the manifests.
//!
//! In: a [`Store`]. Out: a [`Listing`] and [`ManifestBody`]s for
//! [`crate::discover`]. Never judges what it finds.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};

use super::error::SourceError;
use super::read::{ANSWER_SECONDS_MAX, BlobReader, ReadOptions, within};
use super::store::{Store, plain_etag};
use crate::discover::{BlobEntry, Listing, ListingRoot, ManifestBody, manifest_entries};
use crate::model::BillingMonth;

/// Objects one listing may hold: years of daily runs of many parts.
pub const LISTING_BLOBS_MAX: usize = 200_000;

/// Manifests read for one listing: several years of daily runs.
pub const MANIFESTS_MAX: usize = 5_000;

/// Size of a manifest; one of a thousand blobs has about 200 KB.
pub const MANIFEST_SIZE_BYTES_MAX: u64 = 8 << 20;

/// Manifests in flight.
const MANIFESTS_IN_FLIGHT: usize = 16;

const MANIFEST_NAMES: [&str; 2] = ["manifest.json", "_manifest.json"];

/// Lists everything below the store's URL. The URL of a single file gives
/// that file and the manifest beside it; the URL of a manifest its directory.
///
/// Errors when nothing is there, when the store cannot be read, and above
/// [`LISTING_BLOBS_MAX`] objects.
pub async fn list(store: &Store) -> Result<Listing, SourceError> {
    let entries = list_directory(store).await?;
    if !entries.is_empty() {
        return Ok(Listing { root: ListingRoot::Directory, entries });
    }
    let not_found = || SourceError::NotFound { place: store.place().to_owned() };
    let Some(name) = store.prefix().filename().map(str::to_owned) else {
        return Err(not_found());
    };
    let Some(file) = head(store, store.prefix()).await? else { return Err(not_found()) };
    let parent = parent(store.prefix());
    if MANIFEST_NAMES.contains(&name.as_str()) {
        let entries = list_directory(&store.with_prefix(parent)).await?;
        return Ok(Listing { root: ListingRoot::Directory, entries });
    }
    let mut entries = vec![entry(store, &parent, file)];
    for name in MANIFEST_NAMES {
        let manifest = head(store, &parent.clone().join(name)).await?;
        entries.extend(manifest.map(|manifest| entry(store, &parent, manifest)));
    }
    Ok(Listing { root: ListingRoot::File, entries })
}

/// Reads the listing's manifests; with `months` only those no folder assigns
/// to another month.
pub async fn fetch_manifests(
    store: &Store,
    listing: &Listing,
    months: Option<&BTreeSet<BillingMonth>>,
) -> Result<Vec<ManifestBody>, SourceError> {
    let wanted = manifest_entries(listing, months);
    if wanted.len() > MANIFESTS_MAX {
        return Err(SourceError::TooManyManifests {
            place: store.place().to_owned(),
            manifests: wanted.len(),
            manifests_max: MANIFESTS_MAX,
        });
    }
    futures::stream::iter(wanted.into_iter().cloned())
        .map(|manifest| fetch_manifest(store, manifest))
        .buffered(MANIFESTS_IN_FLIGHT)
        .try_collect()
        .await
}

async fn fetch_manifest(store: &Store, manifest: BlobEntry) -> Result<ManifestBody, SourceError> {
    let size_bytes = manifest.size_bytes;
    if size_bytes > MANIFEST_SIZE_BYTES_MAX {
        let size_bytes_max = MANIFEST_SIZE_BYTES_MAX;
        let blob = manifest.full_path;
        return Err(SourceError::ManifestTooLarge { blob, size_bytes, size_bytes_max });
    }
    // An empty one is a run's fault, not the store's; it has no range to ask for.
    if size_bytes == 0 {
        return Ok(ManifestBody { full_path: manifest.full_path, body: Vec::new() });
    }
    let reader = BlobReader::new(store, &manifest, ReadOptions::default())?;
    let body = reader.read(0..size_bytes).await?;
    let BlobEntry { full_path, .. } = manifest;
    Ok(ManifestBody { full_path, body: body.to_vec() })
}

/// The store's path of an entry's full path.
pub(super) fn object_path(store: &Store, full_path: &str) -> Result<Path, SourceError> {
    Path::parse(full_path).map_err(|error| store.error(full_path, &error.into()))
}

async fn list_directory(store: &Store) -> Result<Vec<BlobEntry>, SourceError> {
    let prefix = store.prefix();
    let listed = (!prefix.as_ref().is_empty()).then_some(prefix);
    let mut objects = store.objects().list(listed);
    let mut entries = Vec::new();
    let _permit = store.limits().request().await;
    while let Some(object) = answered(store.place(), objects.next()).await? {
        let object = object.map_err(|error| store.error(store.place(), &error))?;
        if entries.len() == LISTING_BLOBS_MAX {
            let place = store.place().to_owned();
            return Err(SourceError::TooManyBlobs { place, blobs_max: LISTING_BLOBS_MAX });
        }
        entries.push(entry(store, prefix, object));
    }
    Ok(entries)
}

/// What is at a path, if anything.
pub(super) async fn head(store: &Store, path: &Path) -> Result<Option<ObjectMeta>, SourceError> {
    match answered(path.as_ref(), store.objects().head(path)).await? {
        Ok(meta) => Ok(Some(meta)),
        Err(error) => match store.error(path.as_ref(), &error) {
            SourceError::NotFound { .. } => Ok(None),
            error => Err(error),
        },
    }
}

/// What a store answers, unless it stays silent for too long.
async fn answered<T>(place: &str, answer: impl Future<Output = T>) -> Result<T, SourceError> {
    within(ANSWER_SECONDS_MAX * 1_000, answer).await.ok_or_else(|| SourceError::Passing {
        place: place.to_owned(),
        reason: format!("it does not answer for {ANSWER_SECONDS_MAX} s"),
    })
}

fn entry(store: &Store, root: &Path, object: ObjectMeta) -> BlobEntry {
    let full_path = store.blob_name(&object.location);
    let location = object.location.as_ref();
    let relative = location.strip_prefix(root.as_ref()).unwrap_or(location);
    BlobEntry {
        path: relative.trim_start_matches('/').to_owned(),
        size_bytes: object.size,
        etag: object.e_tag.as_deref().map(|etag| plain_etag(etag).to_owned()),
        last_modified_ms: object.last_modified.timestamp_millis(),
        full_path,
    }
}

fn parent(path: &Path) -> Path {
    let mut parts: Vec<_> = path.parts().collect();
    parts.pop();
    parts.into_iter().collect()
}
