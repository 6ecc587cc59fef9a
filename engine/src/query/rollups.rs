//! Results of views that are kept beside the lake's tables, and read in their place.
//!
//! Input: table snapshots and view definitions. Output: for a view and the months the
//! tables hold, which results are kept and in which files; the view as their union with
//! what is computed for the other months. Never writes: [`crate::rollup`] does.
//!
//! The name of a result carries a digest of everything it depends on: the SQL of the view
//! and of all views below it, the data files that hold its month, and the version of what
//! runs the one over the other. Data files never change, so a result under the digest of
//! a snapshot is that snapshot's: whoever reads an older version, has other adjustments,
//! or comes between a commit and its rollups looks for another name, and computes.
//! Nothing is ever stale, and nothing has to be invalidated.

mod inputs;
mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use datafusion::arrow::datatypes::{FieldRef, Schema, SchemaRef};
use datafusion::common::stats::{ColumnStatistics, Precision, Statistics};
use datafusion::datasource::file_format::FileFormat as _;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::{TableProvider, ViewTable, provider_as_source};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident};
use object_store::ObjectMeta;
use object_store::path::Path;
use tokio::sync::OnceCell;

use self::inputs::Inputs;
pub use self::place::FOLDER;
use self::place::Listing;
pub(crate) use self::place::{Place, ResultFile, ResultName};
use super::scan::{SnapshotTable, partition_value};
use super::session::{Session, SessionOptions};
use crate::commit::TableSnapshot;
use crate::model::columns::{BILLING_MONTH_COLUMN, SOURCE_COLUMN};
use crate::views::ViewDefinition;

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

/// Which months of a view are kept.
pub(crate) struct Cover {
    /// The results there are.
    pub kept: BTreeMap<ResultName, ResultFile>,
    /// The names of those there are not.
    pub missing: BTreeSet<ResultName>,
}

/// A file that no session would read.
pub(crate) struct Superseded {
    /// The file.
    pub object: ObjectMeta,
    /// No session that began later can read it, as far as the lake shows. The month's
    /// own files are newer than what was kept of those before.
    pub since: DateTime<Utc>,
}

/// The results kept for these tables and views.
pub(crate) struct Rollups {
    place: Option<Place>,
    tables: Vec<TableSnapshot>,
    views: BTreeMap<String, ViewDefinition>,
    /// Most sessions never ask.
    inputs: OnceLock<Inputs>,
    /// Listed when a query first asks.
    listed: OnceCell<Listing>,
}

impl Rollups {
    /// Of a lake's tables, and views as they are run: with their adjustments.
    pub(crate) fn new(tables: Vec<TableSnapshot>, views: &[ViewDefinition]) -> Self {
        let place = Place::beside(&tables);
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

    /// The name of the view's result for each month.
    fn names(&self, view: &str) -> impl Iterator<Item = ResultName> {
        let statements: Vec<(&str, &str)> = self
            .below(view)
            .into_iter()
            .map(|name| (name, self.views[name].sql.as_str()))
            .collect();
        let tables = self.read_by(view);
        let inputs = self.inputs();
        inputs.months(&tables).into_iter().map(move |month| ResultName {
            view: view.to_owned(),
            digest: inputs.digest(&statements, &tables, &month),
            month,
        })
    }

    /// The tables that the view reads, with their positions.
    fn read_by(&self, view: &str) -> Vec<(usize, &TableSnapshot)> {
        let read = self.tables_below(view);
        let tables = self.tables.iter().enumerate();
        tables.filter(|(_, snapshot)| read.contains(snapshot.table.name())).collect()
    }

    async fn listed(&self) -> Result<Option<&Listing>> {
        let Some(place) = &self.place else { return Ok(None) };
        let listed = self.listed.get_or_try_init(async || place.list().await).await?;
        Ok(Some(listed))
    }

    /// Which of the months that the view has rows of are kept.
    pub(crate) async fn cover(&self, view: &str) -> Result<Cover> {
        let listed = self.listed().await?;
        let mut cover = Cover { kept: BTreeMap::new(), missing: BTreeSet::new() };
        for name in self.names(view) {
            match listed.and_then(|listed| listed.results.get(&name)) {
                Some(file) => {
                    cover.kept.insert(name, file.clone());
                }
                None => {
                    cover.missing.insert(name);
                }
            }
        }
        Ok(cover)
    }

    /// Takes note of a file that was written, or of one that is gone.
    pub(crate) fn note(&mut self, name: &ResultName, file: Option<ResultFile>) {
        let Some(listed) = self.listed.get_mut() else { return };
        match file {
            Some(file) => listed.results.insert(name.clone(), file),
            None => listed.results.remove(name),
        };
    }

    /// Files below [`FOLDER`] that hold no result of these tables and views.
    pub(crate) async fn superseded(&self) -> Result<Vec<Superseded>> {
        let (Some(place), Some(listed)) = (&self.place, self.listed().await?) else {
            return Ok(Vec::new());
        };
        let mut current = BTreeSet::new();
        let mut written: BTreeMap<Path, DateTime<Utc>> = BTreeMap::new();
        for view in self.views() {
            let tables = self.read_by(&view.name);
            for name in self.names(&view.name) {
                let file = listed.results.get(&name).map(|file| &file.object);
                let inputs = self.inputs().files(&tables, &name.month).map(|file| &file.object);
                let newest = inputs.chain(file).map(|object| object.last_modified).max();
                let folder = place.folder_of(&name.view, &name.month);
                written.extend(newest.map(|newest| (folder, newest)));
                current.insert(name);
            }
        }
        let results = listed.results.iter().filter(|(name, _)| !current.contains(*name));
        let files = results.map(|(_, file)| &file.object).chain(&listed.others);
        let since = |object: &ObjectMeta| {
            let mut parts: Vec<_> = object.location.parts().collect();
            parts.pop();
            let newest = written.get(&parts.into_iter().collect::<Path>());
            newest.map_or(object.last_modified, |newest| object.last_modified.max(*newest))
        };
        Ok(files
            .map(|object| Superseded { object: object.clone(), since: since(object) })
            .collect())
    }

    /// The tables with only the files that a result of these months can come from, and
    /// the results that are listed already.
    pub(crate) fn of_months(&self, months: &BTreeSet<SourceMonth>) -> Self {
        let listed = self.listed.get().map(|listed| listed.of_months(months));
        let inputs = self.inputs();
        let tables = self.tables.iter().enumerate();
        Self {
            place: self.place.clone(),
            tables: tables.map(|(index, table)| inputs.restrict(index, table, months)).collect(),
            views: self.views.clone(),
            inputs: OnceLock::new(),
            listed: OnceCell::new_with(listed),
        }
    }

    /// What a session is opened over.
    pub(super) fn tables(&self) -> &[TableSnapshot] {
        &self.tables
    }

    /// The views as they are run.
    pub(super) fn definitions(&self) -> Vec<ViewDefinition> {
        self.views.values().cloned().collect()
    }

    /// The view, from kept results where there are any; `None` where there are none.
    pub(super) async fn in_place_of(
        &self,
        view: &str,
        state: &SessionState,
    ) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(place) = &self.place else { return Ok(None) };
        let mut cover = self.cover(view).await?;
        let format = ParquetFormat::default()
            .with_options(state.default_table_options().parquet)
            // The types the view has where nothing is kept.
            .with_force_view_types(false);
        // Of one statement and one version of ours, all have the columns of the first.
        // What cannot be opened is computed; lake verify tells of it.
        let schema = loop {
            let Some((name, file)) = cover.kept.first_key_value() else { return Ok(None) };
            let objects = std::slice::from_ref(&file.object);
            match format.infer_schema(state, place.store(), objects).await {
                Ok(schema) => break schema,
                Err(DataFusionError::ObjectStore(error)) if !is_gone(&error) => {
                    return Err(DataFusionError::ObjectStore(error));
                }
                Err(_) => {
                    let name = name.clone();
                    cover.kept.remove(&name);
                    cover.missing.insert(name);
                }
            }
        };
        let files = cover.kept.iter().map(|(name, file)| scanned(name, file, &schema)).collect();
        let kept = SnapshotTable::of_files(place.store_url.clone(), &schema, files);
        if cover.missing.is_empty() {
            return Ok(Some(Arc::new(kept)));
        }
        // A plan that is not analyzed yet may be wrong about its types; files are not.
        let types = kept.schema();
        let missing = cover.missing.into_iter().map(|name| name.month).collect();
        let computed = self.computed(view, &missing).await?;
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
        let session = Session::over(self.of_months(months), &options)
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        let state = session.context().state();
        state.create_logical_plan(&format!("select * from {view}")).await
    }
}

/// A kept file with what its name and place say of it. All of it is marked inexact: it
/// serves to leave files out and to plan, never to answer.
fn scanned(name: &ResultName, file: &ResultFile, schema: &SchemaRef) -> PartitionedFile {
    let bound = |field: &FieldRef| {
        let value = match field.name().as_str() {
            SOURCE_COLUMN => &name.month.source,
            BILLING_MONTH_COLUMN => &name.month.billing_month,
            _ => return ColumnStatistics::new_unknown(),
        };
        let value = Precision::Inexact(partition_value(Some(value), field));
        ColumnStatistics::new_unknown().with_min_value(value.clone()).with_max_value(value)
    };
    let rows = usize::try_from(file.rows).map_or(Precision::Absent, Precision::Inexact);
    PartitionedFile::new_from_meta(file.object.clone()).with_statistics(Arc::new(Statistics {
        num_rows: rows,
        total_byte_size: Precision::Absent,
        column_statistics: schema.fields().iter().map(bound).collect(),
    }))
}

fn is_gone(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotFound { .. })
}

/// Columns by the names and types of a schema.
fn as_in(schema: &Schema) -> Vec<Expr> {
    let column =
        |field: &FieldRef| cast(ident(field.name()), field.data_type().clone()).alias(field.name());
    schema.fields().iter().map(column).collect()
}

#[cfg(test)]
mod tests;
