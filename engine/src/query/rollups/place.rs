//! Where a lake keeps results, and what the name of a file says of it.
//!
//! Input: names of results, and what the store lists. Output: paths, the results there
//! are, and whether a file is what was written. Never computes one.
//!
//! A result lies at `_rollups/VIEW/source=…/billing_month=…/DIGEST-ROWS-BYTES-SEAL.parquet`:
//! the digest of what it depends on, its rows, its bytes, and a seal over its name and
//! content. Two writers of one result may order its rows differently; they write two
//! files, and neither touches the other's while it is read. A file cut short is known by
//! its bytes, without being opened; one that was changed, or is another's, by its seal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use chrono::Utc;
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, PutPayload, Result};
use ring::digest::{Context, SHA256};
use url::Url;

use super::SourceMonth;
use crate::commit::TableSnapshot;
use crate::model::columns::{BILLING_MONTH_COLUMN, SOURCE_COLUMN};

/// Folder below the lake's that holds the results. No Delta table has this name.
pub const FOLDER: &str = "_rollups";

/// Bytes of a seal that stand in a file's name.
const SEAL_BYTES: usize = 8;

/// Where a lake keeps results.
#[derive(Clone)]
pub(crate) struct Place {
    pub(super) store_url: Url,
    store: Arc<dyn ObjectStore>,
    folder: Path,
}

/// The name of a result: what it is of, and a digest of all it depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ResultName {
    /// The view.
    pub view: String,
    /// The month.
    pub month: SourceMonth,
    /// Hexadecimal.
    pub digest: String,
}

/// A file of a result, as long as it says.
#[derive(Clone, Debug)]
pub(crate) struct ResultFile {
    /// Where, and how long.
    pub object: ObjectMeta,
    /// Rows, by its name.
    pub rows: u64,
    seal: String,
}

/// The files there are.
pub(crate) struct Listing {
    /// One per result; of several the first, so that all readers take the same.
    pub results: BTreeMap<ResultName, ResultFile>,
    /// The others: cut short, written beside another, or no results.
    pub others: Vec<ObjectMeta>,
}

impl Listing {
    /// The results for these months.
    pub(super) fn of_months(&self, months: &BTreeSet<SourceMonth>) -> Self {
        let results = self.results.iter().filter(|(name, _)| months.contains(&name.month));
        let results = results.map(|(name, file)| (name.clone(), file.clone())).collect();
        Self { results, others: Vec::new() }
    }
}

impl Place {
    /// Beside the tables; `None` where none of them exists.
    pub(super) fn beside(tables: &[TableSnapshot]) -> Option<Self> {
        tables.iter().find_map(|table| {
            let lake = table.folder.parts().count().checked_sub(1)?;
            Some(Self {
                store_url: table.store_url.clone()?,
                store: Arc::clone(table.store.as_ref()?),
                folder: table.folder.parts().take(lake).collect::<Path>().join(FOLDER),
            })
        })
    }

    /// Reads and writes [`ObjectMeta::location`].
    pub(crate) fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Where the results of a view for a month are.
    pub(crate) fn folder_of(&self, view: &str, month: &SourceMonth) -> Path {
        self.folder
            .clone()
            .join(view)
            .join(format!("{SOURCE_COLUMN}={}", month.source))
            .join(format!("{BILLING_MONTH_COLUMN}={}", month.billing_month))
    }

    /// Writes a result. The file appears whole or not at all.
    pub(crate) async fn write(
        &self,
        name: &ResultName,
        rows: u64,
        content: Vec<u8>,
    ) -> Result<ResultFile> {
        let (digest, seal, size) = (&name.digest, sealed(name, &content), content.len());
        let file = format!("{digest}-{rows}-{size}-{seal}.parquet");
        let location = self.folder_of(&name.view, &name.month).join(file);
        self.store.put(&location, PutPayload::from(content)).await?;
        let object = ObjectMeta {
            location,
            last_modified: Utc::now(),
            size: size as u64,
            e_tag: None,
            version: None,
        };
        Ok(ResultFile { object, rows, seal })
    }

    /// What the store has below the folder.
    pub(crate) async fn list(&self) -> Result<Listing> {
        let mut objects: Vec<ObjectMeta> =
            self.store.list(Some(&self.folder)).try_collect().await?;
        objects.sort_by(|left, right| left.location.cmp(&right.location));
        let mut listing = Listing { results: BTreeMap::new(), others: Vec::new() };
        for object in objects {
            match self.result_of(&object) {
                Some((name, file)) if !listing.results.contains_key(&name) => {
                    listing.results.insert(name, file);
                }
                _ => listing.others.push(object),
            }
        }
        Ok(listing)
    }

    /// What a file is by its path and length.
    fn result_of(&self, object: &ObjectMeta) -> Option<(ResultName, ResultFile)> {
        let parts: Vec<_> = object.location.prefix_match(&self.folder)?.collect();
        let [view, source, month, file] = parts.as_slice() else { return None };
        let value = |part: &str, column: &str| {
            Some(part.strip_prefix(column)?.strip_prefix('=')?.to_owned())
        };
        let month = SourceMonth {
            source: value(source.as_ref(), SOURCE_COLUMN)?,
            billing_month: value(month.as_ref(), BILLING_MONTH_COLUMN)?,
        };
        let words: Vec<&str> = file.as_ref().strip_suffix(".parquet")?.split('-').collect();
        let [digest, rows, bytes, seal] = words.as_slice() else { return None };
        if bytes.parse() != Ok(object.size) {
            return None;
        }
        let rows = rows.parse().ok()?;
        let name =
            ResultName { view: view.as_ref().to_owned(), month, digest: (*digest).to_owned() };
        Some((name, ResultFile { object: object.clone(), rows, seal: (*seal).to_owned() }))
    }

    /// The content of a result's file; `None` where that is not what was written.
    pub(crate) async fn read(&self, name: &ResultName, file: &ResultFile) -> Result<Option<Bytes>> {
        let content = self.store.get(&file.object.location).await?.bytes().await?;
        Ok((sealed(name, &content) == file.seal).then_some(content))
    }
}

/// Over name and content: another result's file under this name is known, too.
fn sealed(name: &ResultName, content: &[u8]) -> String {
    let SourceMonth { source, billing_month } = &name.month;
    let mut seal = Context::new(&SHA256);
    for text in [&name.view, source, billing_month, &name.digest] {
        add_text(&mut seal, text);
    }
    seal.update(content);
    hex(seal, SEAL_BYTES)
}

/// Adds a text, its length in front: what follows is not taken for its end.
pub(super) fn add_text(digest: &mut Context, text: &str) {
    digest.update(&(text.len() as u64).to_le_bytes());
    digest.update(text.as_bytes());
}

/// The first bytes of a digest, in hexadecimal.
pub(super) fn hex(digest: Context, bytes: usize) -> String {
    let digest = digest.finish();
    let bytes = digest.as_ref().iter().take(bytes);
    bytes.fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a String takes every text");
        hex
    })
}
