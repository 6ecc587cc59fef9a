//! A set in Blob storage.
//!
//! Every set is in a folder of its own, named by time and chance; `manifest.json`, replaced
//! last and only if nobody else replaced it, names its files. The files of the set before
//! are deleted then, and what was left by runs that broke off long ago.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use futures::TryStreamExt;
use object_store::path::Path as BlobPath;
use object_store::{
    Attribute, Attributes, ObjectStore as _, ObjectStoreExt as _, PutMode, PutMultipartOptions,
    PutOptions, UpdateVersion, WriteMultipart,
};
use tokio::task::JoinSet;

use super::folder::sweep;
use super::manifest::{self, MANIFEST_NAME};
use super::{LEFT_OVER_AFTER, write};
use crate::report::error::ReportError;
use crate::source::Store;

/// Uploads at a time.
const UPLOADS_MAX: usize = 8;

/// Bytes of one part of an upload.
const PART_SIZE_BYTES: usize = 8 * 1024 * 1024;

/// Parts of one upload under way.
const PARTS_MAX: usize = 2;

/// Begins the name of a set's folder on this machine.
const UNFINISHED: &str = "costlake-set-";

/// Begins the name of a set's folder.
const SET: &str = "set-";

/// A set while it is made.
pub(super) struct Blobs {
    store: Store,
    /// Folder of the set below the address.
    name: String,
    unfinished: PathBuf,
    uploads: JoinSet<Result<(), ReportError>>,
    /// The manifest that is there, and what it names.
    before: Option<UpdateVersion>,
    before_paths: BTreeSet<String>,
}

impl Blobs {
    pub(super) async fn begin(store: Store) -> Result<Self, ReportError> {
        let (before, before_paths) = held(&store).await?;
        let id = uuid::Uuid::new_v4();
        let name = format!("{SET}{}", id.simple());
        let temporary = std::env::temp_dir();
        sweep(&temporary, UNFINISHED);
        let unfinished = temporary.join(format!("{UNFINISHED}{}", id.simple()));
        std::fs::create_dir_all(&unfinished).map_err(|source| write(&unfinished, source))?;
        Ok(Self { store, name, unfinished, uploads: JoinSet::new(), before, before_paths })
    }

    pub(super) fn unfinished(&self) -> &Path {
        &self.unfinished
    }

    /// Sends a file on its way; its path below the address.
    pub(super) async fn upload(&mut self, path: &str, local: &Path) -> Result<String, ReportError> {
        while self.uploads.len() >= UPLOADS_MAX {
            self.joined().await?;
        }
        let stands_at = format!("{}/{path}", self.name);
        let location = below(&self.store, &stands_at);
        let (store, local) = (self.store.clone(), local.to_owned());
        self.uploads.spawn(async move {
            send(&store, &location, &local).await?;
            std::fs::remove_file(&local).map_err(|source| write(&local, source))
        });
        Ok(stands_at)
    }

    async fn joined(&mut self) -> Result<(), ReportError> {
        match self.uploads.join_next().await {
            Some(Ok(sent)) => sent,
            Some(Err(error)) => Err(ReportError::Write {
                path: self.store.place().to_owned(),
                source: std::io::Error::other(error),
            }),
            None => Ok(()),
        }
    }

    pub(super) async fn publish(mut self, manifest: Vec<u8>) -> Result<String, ReportError> {
        while !self.uploads.is_empty() {
            self.joined().await?;
        }
        let location = below(&self.store, MANIFEST_NAME);
        let mode = match self.before.take() {
            Some(version) => PutMode::Update(version),
            None => PutMode::Create,
        };
        let options =
            PutOptions { mode, attributes: attributes(MANIFEST_NAME), ..PutOptions::default() };
        let objects = self.store.objects();
        let put = objects.put_opts(&location, manifest.clone().into(), options).await;
        match put {
            Ok(_) => {}
            Err(
                object_store::Error::Precondition { .. }
                | object_store::Error::AlreadyExists { .. }
                | object_store::Error::NotModified { .. },
            ) => {
                // Sent again after its answer was lost, it meets itself.
                let there = match objects.get(&location).await {
                    Ok(there) => there.bytes().await.ok(),
                    Err(_) => None,
                };
                if there.is_none_or(|there| there != manifest) {
                    return Err(ReportError::Conflict { place: self.store.place().to_owned() });
                }
            }
            Err(error) => return Err(failed(&self.store, &location, &error)),
        }
        // The new set is in place: what is left of others may stay if it does not go.
        for path in &self.before_paths {
            let _ = self.store.objects().delete(&below(&self.store, path)).await;
        }
        self.sweep().await;
        Ok(format!("{}/{MANIFEST_NAME}", self.store.place().trim_end_matches('/')))
    }

    /// Deletes what runs left that broke off long ago.
    async fn sweep(&self) {
        let mut blobs = self.store.objects().list(Some(self.store.prefix()));
        while let Ok(Some(blob)) = blobs.try_next().await {
            let Some(mut parts) = blob.location.prefix_match(self.store.prefix()) else { continue };
            let folder = parts.next();
            let of_a_set = folder.is_some_and(|folder| {
                folder.as_ref().starts_with(SET) && folder.as_ref() != self.name
            });
            let age = std::time::SystemTime::now().duration_since(blob.last_modified.into());
            if of_a_set && age.is_ok_and(|age| age > LEFT_OVER_AFTER) {
                let _ = self.store.objects().delete(&blob.location).await;
            }
        }
    }
}

impl Drop for Blobs {
    fn drop(&mut self) {
        // Nothing more can be done about a folder that does not go away.
        let _ = std::fs::remove_dir_all(&self.unfinished);
    }
}

fn below(store: &Store, path: &str) -> BlobPath {
    BlobPath::from_iter(
        store.prefix().parts().chain(path.split('/').map(object_store::path::PathPart::from)),
    )
}

/// The manifest that is there, and the paths it names.
async fn held(store: &Store) -> Result<(Option<UpdateVersion>, BTreeSet<String>), ReportError> {
    let location = below(store, MANIFEST_NAME);
    match store.objects().get(&location).await {
        Ok(found) => {
            let version = UpdateVersion {
                e_tag: found.meta.e_tag.clone(),
                version: found.meta.version.clone(),
            };
            let text = found.bytes().await.map_err(|error| failed(store, &location, &error))?;
            let paths = manifest::paths(&text).map_err(|reason| ReportError::Manifest {
                path: format!("{}/{MANIFEST_NAME}", store.place()),
                reason,
            })?;
            Ok((Some(version), paths))
        }
        Err(object_store::Error::NotFound { .. }) => {
            let mut blobs = store.objects().list(Some(store.prefix()));
            while let Some(blob) = blobs
                .try_next()
                .await
                .map_err(|error| ReportError::Store(Box::new(store.error(store.place(), &error))))?
            {
                let own =
                    blob.location.prefix_match(store.prefix()).and_then(|mut parts| parts.next());
                // A first run that broke off leaves a set without a manifest.
                if own.is_none_or(|own| !own.as_ref().starts_with(SET)) {
                    return Err(ReportError::Foreign {
                        folder: store.place().to_owned(),
                        file: blob.location.to_string(),
                    });
                }
            }
            Ok((None, BTreeSet::new()))
        }
        Err(error) => Err(failed(store, &location, &error)),
    }
}

async fn send(store: &Store, location: &BlobPath, local: &Path) -> Result<(), ReportError> {
    let read = |source| write(local, source);
    let objects = store.objects();
    let mut file = File::open(local).map_err(read)?;
    let size = file.metadata().map_err(read)?.len();
    let attributes = attributes(location.as_ref());
    if size <= PART_SIZE_BYTES as u64 {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(read)?;
        let options = PutOptions { attributes, ..PutOptions::default() };
        let put = objects.put_opts(location, bytes.into(), options).await;
        return put.map(|_| ()).map_err(|error| failed(store, location, &error));
    }
    let options = PutMultipartOptions { attributes, ..PutMultipartOptions::default() };
    let upload = objects.put_multipart_opts(location, options).await;
    let upload = upload.map_err(|error| failed(store, location, &error))?;
    let mut writer = WriteMultipart::new_with_chunk_size(upload, PART_SIZE_BYTES);
    let mut part = vec![0; PART_SIZE_BYTES];
    loop {
        let read = file.read(&mut part).map_err(read)?;
        if read == 0 {
            break;
        }
        writer
            .wait_for_capacity(PARTS_MAX)
            .await
            .map_err(|error| failed(store, location, &error))?;
        writer.write(&part[..read]);
    }
    writer.finish().await.map(|_| ()).map_err(|error| failed(store, location, &error))
}

/// What a browser takes a file for.
fn attributes(path: &str) -> Attributes {
    let content_type = match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("json") => "application/json",
        Some("csv") => "text/csv; charset=utf-8",
        Some("md") => "text/markdown; charset=utf-8",
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/octet-stream",
    };
    Attributes::from_iter([(Attribute::ContentType, content_type)])
}

fn failed(store: &Store, location: &BlobPath, error: &object_store::Error) -> ReportError {
    ReportError::Store(Box::new(store.error(location.as_ref(), error)))
}
