//! The schema SQL sees: the lake's tables, and views that are planned when a query
//! first names them. Most sessions name a few of the many views; planning them all
//! would take longer than most queries.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::catalog::SchemaProvider;
use datafusion::datasource::{TableProvider, TableType, ViewTable};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::prelude::SessionContext;

use super::catalog::{self, ColumnDescription, TableDescription, TableKind};
use super::error::QueryError;
use super::rollups::Rollups;
use crate::views::ViewDefinition;

/// The state of the session a schema belongs to; `None` once that is gone.
type StateOf = Box<dyn Fn() -> Option<SessionState> + Send + Sync>;

/// Tables and views by name.
pub(super) struct LakeSchema {
    tables: HashMap<String, Arc<dyn TableProvider>>,
    views: HashMap<String, ViewDefinition>,
    /// Everything, as headers and table definitions describe it.
    described: Vec<TableDescription>,
    planned: Mutex<HashMap<String, Arc<dyn TableProvider>>>,
    /// Results that may stand for a view; `None` computes all.
    rollups: Option<Rollups>,
    state: StateOf,
}

impl LakeSchema {
    /// Tables with their descriptions and views, for this session's context.
    pub(super) fn new(
        context: &SessionContext,
        tables: Vec<(TableDescription, Arc<dyn TableProvider>)>,
        views: Vec<ViewDefinition>,
        rollups: Option<Rollups>,
    ) -> Self {
        // The session owns the schema: a strong reference back would keep both for ever.
        let state = context.state_weak_ref();
        let mut described: Vec<TableDescription> =
            tables.iter().map(|(description, _)| description.clone()).collect();
        described.extend(views.iter().map(describe_view));
        described.extend(catalog::own_descriptions());
        Self {
            tables: tables
                .into_iter()
                .map(|(description, provider)| (description.name, provider))
                .collect(),
            views: views.into_iter().map(|view| (view.name.clone(), view)).collect(),
            described,
            planned: Mutex::default(),
            rollups,
            state: Box::new(move || state.upgrade().map(|state| state.read().clone())),
        }
    }

    /// Every table and view. Types of a view's columns are unknown here.
    pub(super) fn described(&self) -> &[TableDescription] {
        &self.described
    }

    /// The same with the types of all columns, which plans every view.
    pub(super) async fn described_with_types(&self) -> Result<Vec<TableDescription>> {
        let mut described = self.described.clone();
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
        let Some(rollups) = self.rollups.as_ref().filter(|rollups| rollups.keeps(name)) else {
            return Ok(None);
        };
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
            catalog::TABLES => catalog::tables_view(&self.described)?,
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
        self.described.iter().map(|table| table.name.clone()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some(table) = self.tables.get(name) {
            return Ok(Some(Arc::clone(table)));
        }
        match self.known(name) {
            Some(view) => Ok(Some(view)),
            None => self.plan(name).await,
        }
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        let known = self.described.iter().find(|table| table.name == name);
        Ok(known.map(|table| match table.kind {
            TableKind::Table => TableType::Base,
            TableKind::View => TableType::View,
        }))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.described.iter().any(|table| table.name == name)
    }
}

impl fmt::Debug for LakeSchema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LakeSchema").field("tables", &self.table_names()).finish()
    }
}

/// A view as its file's header describes it.
fn describe_view(view: &ViewDefinition) -> TableDescription {
    let column = |column: &crate::views::ViewColumn| ColumnDescription {
        name: column.name.clone(),
        data_type: None,
        description: column.description.clone(),
    };
    TableDescription {
        name: view.name.clone(),
        kind: TableKind::View,
        description: view.question.clone(),
        grain: view.grain.clone(),
        columns: view.columns.iter().map(column).collect(),
    }
}
