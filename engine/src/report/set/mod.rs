//! A set of files, replaced whole or not at all.
//!
//! Input: files made one after another, below a folder of their own. Output: all of them
//! at their place with a `manifest.json`, or what was there before. In a folder the new set
//! is exchanged for the old one in one step ([`folder`]); in Blob storage, which renames
//! nothing, every set has a folder of its own and the manifest, written last, names it
//! ([`blobs`]). Files that are not of the set are left where they are. Never knows what the
//! files say.

mod blobs;
mod folder;
mod manifest;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ring::digest::{Context, SHA256};
use serde_json::{Map, Value, json};

use self::blobs::Blobs;
use self::folder::Folder;
pub use self::manifest::MANIFEST_NAME;
use super::error::ReportError;
use crate::source::url::SourcePlace;
use crate::source::{SourceUrl, Store, StoreOptions};

/// What nobody wrote to for so long is not going on any more.
const LEFT_OVER_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes hashed at a time.
const HASH_SIZE_BYTES: usize = 256 * 1024;

/// A set while it is made. Dropped before [`ReportSet::publish`], nothing is left of it
/// but, in Blob storage, files that no manifest names.
pub struct ReportSet {
    place: Place,
    /// Paths given out, in small letters: some disks do not tell letters apart.
    taken: BTreeSet<String>,
    files: Vec<Value>,
    bytes: u64,
}

enum Place {
    Folder(Folder),
    Blobs(Box<Blobs>),
}

/// A set at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedSet {
    /// The manifest, as people write its address.
    pub manifest: String,
    /// Files but the manifest.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl ReportSet {
    /// Begins a set in a folder or at `az://container/path`. Errors where something else
    /// than a set is there.
    pub async fn begin(address: &str, options: &StoreOptions) -> Result<Self, ReportError> {
        let boxed = |error| ReportError::Store(Box::new(error));
        // A path is one as it was typed; in a URL letters may be encoded.
        let url = match address.contains("://") {
            true => Some(SourceUrl::parse(address).map_err(boxed)?),
            false => None,
        };
        let place = match url {
            None => Place::Folder(Folder::begin(Path::new(address))?),
            Some(url) if url.place == SourcePlace::Local => {
                Place::Folder(Folder::begin(&Path::new("/").join(url.path.as_ref()))?)
            }
            Some(url) => {
                let store = Store::open(&url, options).map_err(boxed)?;
                Place::Blobs(Box::new(Blobs::begin(store).await?))
            }
        };
        Ok(Self::at(place))
    }

    fn at(place: Place) -> Self {
        let taken = BTreeSet::from([MANIFEST_NAME.to_owned()]);
        Self { place, taken, files: Vec::new(), bytes: 0 }
    }

    /// Folder that files of the set are written in until [`ReportSet::add`].
    pub fn root(&self) -> &Path {
        self.unfinished()
    }

    /// Where a file of the set is to be written until [`ReportSet::add`]. `path` is in the
    /// set, parted by `/`; folders are made.
    pub fn file(&self, path: &str) -> Result<PathBuf, ReportError> {
        let local = self.unfinished().join(path);
        if let Some(parent) = local.parent() {
            std::fs::create_dir_all(parent).map_err(|source| write(parent, source))?;
        }
        Ok(local)
    }

    /// Takes a finished file into the set. What `about` says stands in the manifest beside
    /// its path, size and checksum.
    pub async fn add(&mut self, path: &str, about: Map<String, Value>) -> Result<(), ReportError> {
        if !self.taken.insert(path.to_lowercase()) {
            return Err(ReportError::Twice { path: path.to_owned() });
        }
        let local = self.unfinished().join(path);
        let (bytes, sha256) = checksum(&local).map_err(|source| write(&local, source))?;
        let mut entry = Map::new();
        let stands_at = match &mut self.place {
            Place::Folder(folder) => {
                folder.check(path)?;
                path.to_owned()
            }
            Place::Blobs(blobs) => blobs.upload(path, &local).await?,
        };
        entry.insert("path".to_owned(), json!(stands_at));
        entry.extend(about);
        entry.insert("bytes".to_owned(), json!(bytes));
        entry.insert("sha256".to_owned(), json!(sha256));
        self.files.push(Value::Object(entry));
        self.bytes += bytes;
        Ok(())
    }

    /// Puts the set in the place of the one that is there. `about` is what the manifest
    /// says of the whole.
    pub async fn publish(self, about: Map<String, Value>) -> Result<PublishedSet, ReportError> {
        let files = self.files.len();
        let manifest = manifest::write(about, self.files);
        let manifest = match self.place {
            Place::Folder(folder) => folder.publish(&manifest)?,
            Place::Blobs(blobs) => blobs.publish(manifest).await?,
        };
        Ok(PublishedSet { manifest, files, bytes: self.bytes })
    }

    fn unfinished(&self) -> &Path {
        match &self.place {
            Place::Folder(folder) => folder.unfinished(),
            Place::Blobs(blobs) => blobs.unfinished(),
        }
    }
}

fn checksum(path: &Path) -> std::io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; HASH_SIZE_BYTES];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        context.update(&buffer[..read]);
        bytes += read as u64;
    }
    let hex = context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((bytes, hex))
}

fn write(path: &Path, source: std::io::Error) -> ReportError {
    ReportError::Write { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests;
