//! Results of views that are kept beside the lake's tables, and read in their place.
//!
//! Input: table snapshots and view definitions. Output: for a view and the months the
//! tables hold, which results are kept and in which files; the view as their union with
//! what is computed for the other months. Never writes: [`crate::rollup`] does.
//!
//! A result lies at `_rollups/VIEW/source=…/billing_month=…/DIGEST-ROWS.parquet`. Its
//! digest is of everything the result depends on: the SQL of the view and of all views
//! below it, and the names of the data files that hold its month. Data files never
//! change, so a result under the digest of a snapshot is that snapshot's: whoever reads
//! an older version, has other adjustments, or comes between a commit and its rollups
//! looks for another name, and computes. Nothing is ever stale, and nothing has to be
//! invalidated.

mod inputs;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use datafusion::arrow::datatypes::{FieldRef, Schema, SchemaRef};
use datafusion::common::stats::{ColumnStatistics, Precision, Statistics};
use datafusion::datasource::file_format::FileFormat as _;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::{TableProvider, ViewTable, provider_as_source};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident};
use datafusion::scalar::ScalarValue;
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use tokio::sync::OnceCell;
use url::Url;

use self::inputs::Inputs;
use super::scan::SnapshotTable;
use super::session::{Session, SessionOptions};
use crate::commit::TableSnapshot;
use crate::model::columns::{BILLING_MONTH_COLUMN, SOURCE_COLUMN};
use crate::views::ViewDefinition;

/// Folder below the lake's that holds the results. No Delta table has this name.
pub const FOLDER: &str = "_rollups";

/// Whether kept results are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RollupUse {
    /// Where they are what would be computed.
    #[default]
    WhereKept,
    /// Never: everything is computed from the rows.
    Never,
}

/// A month of a source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SourceMonth {
    /// The bill connect.
    pub source: String,
    /// The month, `YYYY-MM`.
    pub billing_month: String,
}

/// A result that is kept.
#[derive(Clone, Debug)]
pub(crate) struct KeptFile {
    /// Where.
    pub object: ObjectMeta,
    rows: u64,
    month: SourceMonth,
}

impl KeptFile {
    /// Whose result it is.
    pub(crate) fn month(&self) -> &SourceMonth {
        &self.month
    }
}

/// Which months of a view are kept.
pub(crate) struct Cover {
    /// The results there are.
    pub kept: Vec<KeptFile>,
    /// The other months, and the name of the result of each.
    pub missing: BTreeMap<SourceMonth, String>,
}

/// Where a lake keeps results.
pub(crate) struct Place {
    store_url: Url,
    store: Arc<dyn ObjectStore>,
    folder: Path,
}

/// The results kept for these tables and views.
pub(crate) struct Rollups {
    place: Option<Place>,
    tables: Vec<TableSnapshot>,
    views: BTreeMap<String, ViewDefinition>,
    /// Most sessions never ask.
    inputs: OnceLock<Inputs>,
    /// Listed when a query first asks.
    listed: OnceCell<HashMap<String, (ObjectMeta, u64)>>,
}

impl Rollups {
    /// Of a lake's tables, and views as they are run: with their adjustments.
    pub(crate) fn new(tables: Vec<TableSnapshot>, views: &[ViewDefinition]) -> Self {
        let place = tables.iter().find_map(|table| {
            let lake = table.folder.parts().count().checked_sub(1)?;
            Some(Place {
                store_url: table.store_url.clone()?,
                store: Arc::clone(table.store.as_ref()?),
                folder: table.folder.parts().take(lake).collect::<Path>().join(FOLDER),
            })
        });
        let views = views.iter().map(|view| (view.name.clone(), view.clone())).collect();
        Self { place, tables, views, inputs: OnceLock::new(), listed: OnceCell::new() }
    }

    fn inputs(&self) -> &Inputs {
        self.inputs.get_or_init(|| Inputs::of(&self.tables))
    }

    /// Where results are kept; none where no table exists.
    pub(crate) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// The views whose results are kept, those that others read before them.
    pub(crate) fn views(&self) -> Vec<&ViewDefinition> {
        let mut views: Vec<_> = self.views.values().filter(|view| view.is_rollup).collect();
        views.sort_by_cached_key(|view| self.below(&view.name).len());
        views
    }

    /// Whether this is a view whose results may be kept.
    pub(super) fn keeps(&self, view: &str) -> bool {
        self.place.is_some() && self.views.get(view).is_some_and(|view| view.is_rollup)
    }

    /// The view and all views below it.
    fn below(&self, name: &str) -> BTreeSet<&str> {
        let mut below = BTreeSet::new();
        let mut waiting = vec![name];
        while let Some(name) = waiting.pop() {
            let Some((name, view)) = self.views.get_key_value(name) else { continue };
            if below.insert(name.as_str()) {
                waiting.extend(view.sources.iter().map(String::as_str));
            }
        }
        below
    }

    /// Tables that the view reads, itself or through others.
    pub(crate) fn tables_below(&self, name: &str) -> BTreeSet<&str> {
        let below = self.below(name);
        let sources = below.iter().flat_map(|name| &self.views[*name].sources);
        sources.map(String::as_str).filter(|source| !self.views.contains_key(*source)).collect()
    }

    /// The name of the view's result for each month, `VIEW/DIGEST`.
    fn names(&self, view: &str) -> BTreeMap<&SourceMonth, String> {
        let statements: Vec<(&str, &str)> = self
            .below(view)
            .into_iter()
            .map(|name| (name, self.views[name].sql.as_str()))
            .collect();
        let tables = self.tables_below(view);
        let tables: Vec<(usize, &TableSnapshot)> = self
            .tables
            .iter()
            .enumerate()
            .filter(|(_, snapshot)| tables.contains(snapshot.table.name()))
            .collect();
        let inputs = self.inputs();
        let name = |month| format!("{view}/{}", inputs.digest(&statements, &tables, month));
        inputs.months.iter().map(|month| (month, name(month))).collect()
    }

    async fn listed(&self) -> Result<&HashMap<String, (ObjectMeta, u64)>> {
        let list = async || {
            let Some(place) = &self.place else { return Ok(HashMap::new()) };
            let mut listed = HashMap::new();
            for object in place.list().await? {
                if let Some((name, rows)) = place.name_of(&object.location) {
                    listed.insert(name, (object, rows));
                }
            }
            Ok(listed)
        };
        self.listed.get_or_try_init(list).await
    }

    /// Which of the months that cost tables hold are kept.
    pub(crate) async fn cover(&self, view: &str) -> Result<Cover> {
        let listed = self.listed().await?;
        let mut cover = Cover { kept: Vec::new(), missing: BTreeMap::new() };
        for (month, name) in self.names(view) {
            match listed.get(&name) {
                Some((object, rows)) => cover.kept.push(KeptFile {
                    object: object.clone(),
                    rows: *rows,
                    month: month.clone(),
                }),
                None => {
                    cover.missing.insert(month.clone(), name);
                }
            }
        }
        Ok(cover)
    }

    /// Files below [`FOLDER`] that hold no result of these tables and views.
    pub(crate) async fn superseded(&self) -> Result<Vec<ObjectMeta>> {
        let Some(place) = &self.place else { return Ok(Vec::new()) };
        let views = self.views();
        let names: BTreeSet<String> =
            views.iter().flat_map(|view| self.names(&view.name).into_values()).collect();
        let is_current =
            |path: &Path| place.name_of(path).is_some_and(|(name, _)| names.contains(&name));
        let mut listed = place.list().await?;
        listed.retain(|object| !is_current(&object.location));
        Ok(listed)
    }

    /// The tables with only the files that a result of these months can come from.
    pub(crate) fn tables_of(&self, months: &BTreeSet<SourceMonth>) -> Vec<TableSnapshot> {
        let tables = self.tables.iter().enumerate();
        let inputs = self.inputs();
        tables.map(|(index, table)| inputs.restrict(index, table, months)).collect()
    }

    /// The views as they are run.
    pub(crate) fn definitions(&self) -> Vec<ViewDefinition> {
        self.views.values().cloned().collect()
    }

    /// The view, from kept results where there are any; `None` where there are none.
    pub(super) async fn in_place_of(
        &self,
        view: &str,
        state: &SessionState,
    ) -> Result<Option<Arc<dyn TableProvider>>> {
        let cover = self.cover(view).await?;
        let (Some(place), Some(first)) = (&self.place, cover.kept.first()) else { return Ok(None) };
        // Of one statement and one version of ours, all have the columns of the first.
        let format = ParquetFormat::default().with_options(state.default_table_options().parquet);
        let objects = std::slice::from_ref(&first.object);
        let schema = format.infer_schema(state, &place.store, objects).await?;
        let files = cover.kept.iter().map(|file| scanned(file, &schema)).collect();
        let kept = SnapshotTable::of_files(place.store_url.clone(), &schema, files);
        if cover.missing.is_empty() {
            return Ok(Some(Arc::new(kept)));
        }
        // A plan that is not analyzed yet may be wrong about its types; files are not.
        let types = kept.schema();
        let computed = self.computed(view, &cover.missing.into_keys().collect()).await?;
        let computed = LogicalPlanBuilder::from(computed).project(as_in(&types))?.build()?;
        let both = LogicalPlanBuilder::scan(view, provider_as_source(Arc::new(kept)), None)?
            .union(computed)?
            .build()?;
        Ok(Some(Arc::new(ViewTable::new(both, None))))
    }

    /// The view over the rows of these months only. Reading the rows of all months and
    /// dropping those of the others would be right, too, but few filters get through
    /// grouping sets and windows.
    async fn computed(&self, view: &str, months: &BTreeSet<SourceMonth>) -> Result<LogicalPlan> {
        let options = SessionOptions { rollups: RollupUse::Never, ..SessionOptions::default() };
        let tables = self.tables_of(months);
        // Boxed, as sessions plan views and these open sessions.
        let session = Box::pin(Session::over(tables, self.definitions(), &options))
            .await
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        let state = session.context().state();
        state.create_logical_plan(&format!("select * from {view}")).await
    }
}

impl Place {
    /// Reads and writes [`ObjectMeta::location`].
    pub(crate) fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The file of a result, from its name and rows.
    pub(crate) fn path(&self, name: &str, month: &SourceMonth, rows: u64) -> Path {
        let (view, digest) = name.split_once('/').unwrap_or((name, ""));
        self.folder
            .clone()
            .join(view)
            .join(format!("{SOURCE_COLUMN}={}", month.source))
            .join(format!("{BILLING_MONTH_COLUMN}={}", month.billing_month))
            .join(format!("{digest}-{rows}.parquet"))
    }

    /// The name and rows of a result, from its file; `None` for other files.
    fn name_of(&self, path: &Path) -> Option<(String, u64)> {
        let parts: Vec<_> = path.prefix_match(&self.folder)?.collect();
        let [view, _, _, file] = parts.as_slice() else { return None };
        let (digest, rows) = file.as_ref().strip_suffix(".parquet")?.split_once('-')?;
        Some((format!("{}/{digest}", view.as_ref()), rows.parse().ok()?))
    }

    async fn list(&self) -> Result<Vec<ObjectMeta>> {
        Ok(self.store.list(Some(&self.folder)).try_collect().await?)
    }
}

/// A kept file with what its name and place say of it. The values are marked inexact:
/// they serve to leave files out, never to answer.
fn scanned(file: &KeptFile, schema: &SchemaRef) -> PartitionedFile {
    let bound = |name: &str| {
        let value = match name {
            SOURCE_COLUMN => &file.month.source,
            BILLING_MONTH_COLUMN => &file.month.billing_month,
            _ => return ColumnStatistics::new_unknown(),
        };
        let value = Precision::Inexact(ScalarValue::Utf8View(Some(value.clone())));
        ColumnStatistics::new_unknown().with_min_value(value.clone()).with_max_value(value)
    };
    let columns = schema.fields().iter().map(|field| bound(field.name())).collect();
    let rows = usize::try_from(file.rows).map_or(Precision::Absent, Precision::Exact);
    PartitionedFile::new_from_meta(file.object.clone()).with_statistics(Arc::new(Statistics {
        num_rows: rows,
        total_byte_size: Precision::Absent,
        column_statistics: columns,
    }))
}

/// Columns by the names and types of a schema.
fn as_in(schema: &Schema) -> Vec<Expr> {
    let column =
        |field: &FieldRef| cast(ident(field.name()), field.data_type().clone()).alias(field.name());
    schema.fields().iter().map(column).collect()
}

#[cfg(test)]
mod tests;
