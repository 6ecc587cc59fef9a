//! The schema SQL sees: the lake's tables, opened together when a statement first needs
//! one, and views that are planned when a query first names them. Most sessions name a
//! few of the many views; planning them all would take longer than most queries.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use datafusion::catalog::SchemaProvider;
use datafusion::datasource::{TableProvider, TableType, ViewTable};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::SessionContext;
use tokio::sync::OnceCell;

use super::catalog::{self, Catalog, TableDescription, TableKind};
use super::error::QueryError;
use super::rollups::{RollupUse, Rollups};
use super::tables::LakeTables;
use crate::commit::{Lake, TableSnapshot};
use crate::views::ViewDefinition;

/// The state of the session a schema belongs to; `None` once that is gone.
type StateOf = Box<dyn Fn() -> Option<SessionState> + Send + Sync>;

/// Tables and views by name.
pub(super) struct LakeSchema {
    /// What is opened; where it is `None`, all tables are empty.
    lake: Option<Lake>,
    opened: OnceCell<LakeTables>,
    looked_at: OnceCell<()>,
    /// What there is before the tables are opened.
    expected: OnceLock<Catalog>,
    views: BTreeMap<String, ViewDefinition>,
    planned: Mutex<HashMap<String, Arc<dyn TableProvider>>>,
    /// Whether results that are kept may stand for a view.
    rollups: RollupUse,
    runtime: Arc<RuntimeEnv>,
    state: StateOf,
}

impl LakeSchema {
    /// A lake that is not opened yet and views, for this session's context.
    pub(super) fn of_lake(
        context: &SessionContext,
        lake: Option<Lake>,
        views: Vec<ViewDefinition>,
        rollups: RollupUse,
    ) -> Self {
        // The session owns the schema: a strong reference back would keep both for ever.
        let state = context.state_weak_ref();
        Self {
            lake,
            opened: OnceCell::new(),
            looked_at: OnceCell::new(),
            expected: OnceLock::new(),
            views: views.into_iter().map(|view| (view.name.clone(), view)).collect(),
            planned: Mutex::default(),
            rollups,
            runtime: context.runtime_env(),
            state: Box::new(move || state.upgrade().map(|state| state.read().clone())),
        }
    }

    /// The tables and views of these rollups.
    pub(super) fn of_rollups(context: &SessionContext, rollups: Rollups, used: RollupUse) -> Self {
        let schema = Self::of_lake(context, None, rollups.definitions(), used);
        let opened = LakeTables::new(rollups, &schema.runtime);
        Self { opened: OnceCell::new_with(Some(opened)), ..schema }
    }

    /// The tables, opened now unless they are. All at once: what statements read is what
    /// the lake held at one moment.
    pub(super) async fn open(&self) -> Result<&LakeTables, QueryError> {
        self.opened
            .get_or_try_init(async || {
                let tables = match &self.lake {
                    Some(lake) => TableSnapshot::of_lake(lake).await?,
                    None => Vec::new(),
                };
                Ok(LakeTables::new(Rollups::new(tables, &self.definitions()), &self.runtime))
            })
            .await
    }

    /// Looks whether a lake is there, unless its tables are opened.
    pub(super) async fn look(&self) -> Result<(), QueryError> {
        let Some(lake) = self.lake.as_ref().filter(|_| !self.opened.initialized()) else {
            return Ok(());
        };
        self.looked_at.get_or_try_init(async || lake.look().await).await?;
        Ok(())
    }

    /// [`Self::open`], for where DataFusion asks.
    async fn tables(&self) -> Result<&LakeTables> {
        self.open().await.map_err(|error| DataFusionError::External(Box::new(error)))
    }

    fn definitions(&self) -> Vec<ViewDefinition> {
        self.views.values().cloned().collect()
    }

    /// Every table and view. Types of a view's columns are unknown here; until tables are
    /// opened, theirs are those of a new lake.
    pub(super) fn catalog(&self) -> &Catalog {
        match self.opened.get() {
            Some(opened) => opened.catalog(),
            None => self.expected.get_or_init(|| Catalog::expected(&self.definitions())),
        }
    }

    /// The same with the types of all columns, which plans every view.
    pub(super) async fn described_with_types(&self) -> Result<Vec<TableDescription>> {
        let mut described = self.tables().await?.catalog().described().to_vec();
        for table in described.iter_mut().filter(|table| self.views.contains_key(&table.name)) {
            let Some(planned) = self.table(&table.name).await? else { continue };
            for column in &mut table.columns {
                let schema = planned.schema();
                let field = schema.field_with_name(&column.name).ok();
                column.data_type = field.map(|field| field.data_type().clone());
            }
        }
        Ok(described)
    }

    /// The view and the views it reads, each behind those that it reads: planned in this
    /// order, none has to plan another while it is planned itself, which would go as
    /// deep into the stack as views stand upon one another. A view with results that are
    /// kept comes with them and without those it reads; one that is planned is left out.
    async fn in_order<'a>(
        &'a self,
        name: &'a str,
    ) -> Result<Vec<(&'a ViewDefinition, Option<Arc<dyn TableProvider>>)>> {
        let mut ordered = Vec::new();
        let mut entered: HashSet<&str> = HashSet::new();
        let mut waiting = vec![(name, false)];
        while let Some((name, is_ready)) = waiting.pop() {
            let Some(view) = self.views.get(name) else { continue };
            if is_ready {
                ordered.push((view, None));
            } else if entered.insert(name) && self.known(name).is_none() {
                if let Some(kept) = self.view_of_kept(name).await? {
                    ordered.push((view, Some(kept)));
                    continue;
                }
                waiting.push((name, true));
                waiting.extend(view.sources.iter().map(|source| (source.as_str(), false)));
            }
        }
        Ok(ordered)
    }

    /// A view that stands on results that are kept, if there are any.
    async fn view_of_kept(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let rollups = self.tables().await?.rollups();
        if self.rollups == RollupUse::Never || !rollups.keeps(name) {
            return Ok(None);
        }
        rollups.in_place_of(name, &self.state()?).await
    }

    fn state(&self) -> Result<SessionState> {
        (self.state)()
            .ok_or_else(|| DataFusionError::Internal("the session of a view is gone".to_owned()))
    }

    fn known(&self, name: &str) -> Option<Arc<dyn TableProvider>> {
        let planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        planned.get(name).cloned()
    }

    fn keep(&self, name: &str, view: Arc<dyn TableProvider>) {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        planned.insert(name.to_owned(), view);
    }

    async fn plan(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let state = self.state()?;
        for (view, kept) in self.in_order(name).await? {
            if let Some(kept) = kept {
                self.keep(&view.name, kept);
                continue;
            }
            let plan = state.create_logical_plan(&view.sql).await.map_err(|error| {
                DataFusionError::Plan(format!("view {}: {}", view.name, QueryError::from(error)))
            })?;
            self.keep(&view.name, Arc::new(ViewTable::new(plan, Some(view.sql.clone()))));
        }
        let constant = match name {
            catalog::TABLES => catalog::tables_view(self.tables().await?.catalog().described())?,
            catalog::COLUMNS => catalog::columns_view(&self.described_with_types().await?)?,
            _ => return Ok(self.known(name)),
        };
        self.keep(name, Arc::new(constant));
        Ok(self.known(name))
    }
}

#[async_trait]
impl SchemaProvider for LakeSchema {
    fn table_names(&self) -> Vec<String> {
        self.catalog().names().map(str::to_owned).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some(table) = self.tables().await?.get(name) {
            return Ok(Some(table));
        }
        match self.known(name) {
            Some(view) => Ok(Some(view)),
            None => self.plan(name).await,
        }
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        Ok(self.catalog().get(name).map(|table| match table.kind {
            TableKind::Table => TableType::Base,
            TableKind::View => TableType::View,
        }))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.catalog().get(name).is_some()
    }
}

impl fmt::Debug for LakeSchema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LakeSchema").field("tables", &self.table_names()).finish()
    }
}
