//! Lets delta-rs reach Azure through the same stores as exports are read from.
//!
//! Input: a table's URL and storage options. Output: the container's store and
//! the table's path in it. delta-rs has a builder of its own, but it finds the
//! emulator only at its default port, lists its logs wrongly there, and knows
//! neither the other clouds nor how to keep a secret out of an error.

use std::sync::Arc;

use deltalake::logstore::{
    LogStore, LogStoreFactory, ObjectStoreFactory, ObjectStoreRef, StorageConfig, default_logstore,
    logstore_factories, object_store_factories,
};
use deltalake::{DeltaResult, DeltaTableError, Path};
use url::Url;

use crate::source::{SourceError, SourceUrl, Store, StoreOptions};

/// Schemes of lakes in Blob storage.
pub(super) const AZURE_SCHEMES: [&str; 5] = ["az", "adl", "azure", "abfs", "abfss"];

#[derive(Clone, Debug)]
struct AzureStores;

/// Makes delta-rs build Azure stores here. Called again, it changes nothing.
pub(super) fn register() {
    let factory = Arc::new(AzureStores);
    for scheme in AZURE_SCHEMES {
        let scheme = Url::parse(&format!("{scheme}://")).expect("a scheme is a URL");
        object_store_factories().insert(scheme.clone(), factory.clone());
        logstore_factories().insert(scheme, factory.clone());
    }
}

impl ObjectStoreFactory for AzureStores {
    fn parse_url_opts(
        &self,
        url: &Url,
        config: &StorageConfig,
    ) -> DeltaResult<(ObjectStoreRef, Path)> {
        let options = StoreOptions::from_environment(config.raw.clone());
        let store = SourceUrl::parse(url.as_str())
            .and_then(|url| Store::open(&url, &options))
            .map_err(|source| DeltaTableError::GenericError { source: Box::new(source) })?;
        Ok((Arc::clone(store.objects()), store.prefix().clone()))
    }
}

impl LogStoreFactory for AzureStores {
    fn with_options(
        &self,
        prefixed_store: ObjectStoreRef,
        root_store: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(prefixed_store, root_store, location, options))
    }
}

/// What [`AzureStores`] complained about, inside an error of delta-rs.
pub(super) fn source_error_inside(error: &DeltaTableError) -> Option<&SourceError> {
    match error {
        DeltaTableError::GenericError { source } => source.downcast_ref(),
        _ => None,
    }
}
