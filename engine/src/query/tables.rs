//! The lake's tables as SQL reads them, all of one moment.
//!
//! Input: table snapshots and the views over them. Output: table providers by name, and
//! what the catalog says of them. A table that does not exist yet is empty.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::datasource::TableProvider;
use datafusion::execution::runtime_env::RuntimeEnv;

use super::catalog::Catalog;
use super::rollups::Rollups;
use super::scan::SnapshotTable;
use crate::commit::{LakeTable, TableSnapshot};

/// The tables of a lake, with the results that are kept beside them.
pub(super) struct LakeTables {
    providers: HashMap<&'static str, Arc<dyn TableProvider>>,
    catalog: Catalog,
    rollups: Rollups,
}

impl LakeTables {
    /// The tables of these rollups; their stores are made known to the runtime.
    pub(super) fn new(rollups: Rollups, runtime: &RuntimeEnv) -> Self {
        let opened = |table| rollups.tables().iter().find(|snapshot| snapshot.table == table);
        let snapshots = LakeTable::ALL
            .map(|table| opened(table).cloned().unwrap_or_else(|| TableSnapshot::empty(table)));
        for snapshot in &snapshots {
            if let (Some(url), Some(store)) = (&snapshot.store_url, &snapshot.store) {
                runtime.register_object_store(url, Arc::clone(store));
            }
        }
        let tables = snapshots.map(|snapshot| (snapshot.table, SnapshotTable::new(snapshot)));
        let schemas = tables.iter().map(|(table, provider)| (*table, provider.schema()));
        let catalog = Catalog::new(schemas, &rollups.definitions());
        let providers = tables
            .into_iter()
            .map(|(table, provider)| (table.name(), Arc::new(provider) as Arc<dyn TableProvider>))
            .collect();
        Self { providers, catalog, rollups }
    }

    /// A table; `None` for the name of something else.
    pub(super) fn get(&self, name: &str) -> Option<Arc<dyn TableProvider>> {
        self.providers.get(name).cloned()
    }

    /// These tables and the views.
    pub(super) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Results that may stand for a view.
    pub(super) fn rollups(&self) -> &Rollups {
        &self.rollups
    }
}
