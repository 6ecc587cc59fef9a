//! A session: the lake's tables and views, ready for SQL.
//!
//! Input: table snapshots and options. Output: result streams of single
//! statements, and the catalog. Reads only: statements that would change,
//! create or copy anything are refused. Dropping a stream cancels its query.

use std::sync::Arc;

use datafusion::catalog::SchemaProvider;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;

use super::catalog::TableDescription;
use super::cooperate::CooperativeJoins;
use super::error::QueryError;
use super::hashed::HashedGroups;
use super::memory::FirstComePool;
use super::rollups::{RollupUse, Rollups};
use super::schema::LakeSchema;
use super::statements::split_statements;
use super::{dates, decimal, extremes, lookup};
use crate::commit::{Lake, TableSnapshot};
use crate::views::{self, Adjustments, ViewDefinition};

/// Catalog and schema the tables are in.
pub const CATALOG_NAME: &str = "costlake";
/// See [`CATALOG_NAME`].
pub const SCHEMA_NAME: &str = "public";

/// How many of the largest memory users an out-of-memory message names.
const MEMORY_CONSUMERS_NAMED: std::num::NonZeroUsize = std::num::NonZeroUsize::new(3).unwrap();

/// Bytes each sort sets aside for merging what it spilled, where memory goes to who comes
/// first: many sorts are open then, and most of them are small.
const SORT_RESERVATION_BYTES: usize = 1024 * 1024;

/// How operators share the memory a session may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemorySharing {
    /// Every sort and group gets the same part: for one query at a time.
    #[default]
    Fair,
    /// Who comes first is served, and what can spill leaves room for merging: for many
    /// queries side by side, the parts of which would be too small to sort a batch.
    FirstCome,
}

/// Limits and settings of a session.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// Memory for sorts, joins and groups; beyond it they spill to disk. No
    /// limit when `None`.
    pub memory_limit_bytes: Option<usize>,
    /// How that memory is shared.
    pub memory_sharing: MemorySharing,
    /// Threads a query is split over; one per processor when `None`.
    pub threads: Option<usize>,
    /// What `current_date` is, in days since 1970-01-01; today when `None`.
    pub as_of: Option<i32>,
    /// How the partner bills on.
    pub adjustments: Adjustments,
    /// Whether results that are kept are read in place of the rows.
    pub rollups: RollupUse,
}

impl SessionOptions {
    /// The views as the partner's adjustments have them.
    pub(crate) fn adjusted(&self, views: &[ViewDefinition]) -> Vec<ViewDefinition> {
        views.iter().map(|view| self.adjustments.apply(view)).collect()
    }
}

/// The lake's tables and views at the moment the tables were opened.
#[derive(Clone)]
pub struct Session {
    context: SessionContext,
    schema: Arc<LakeSchema>,
}

impl Session {
    /// Opens every table of the lake at its newest version. A
    /// table that does not exist yet is empty; where none exists is no lake.
    pub async fn open(lake: &Lake, options: &SessionOptions) -> Result<Self, QueryError> {
        let session = Self::on_demand(lake, options)?;
        session.open_tables().await?;
        Ok(session)
    }

    /// As [`Session::open`], but the tables are opened, all together, by the first
    /// statement that names one, a view, a setting or a function that gives rows. Before a
    /// statement that names none, the lake is looked at once, as [`Lake::look`] does.
    pub fn on_demand(lake: &Lake, options: &SessionOptions) -> Result<Self, QueryError> {
        let views = options.adjusted(views::views());
        Self::with_schema(options, |context| {
            LakeSchema::of_lake(context, Some(lake.clone()), views, options.rollups)
        })
    }

    /// A session over these snapshots; tables not among them are empty.
    pub async fn from_tables(
        tables: Vec<TableSnapshot>,
        options: &SessionOptions,
    ) -> Result<Self, QueryError> {
        Self::with_views(tables, views::views(), options).await
    }

    /// As [`Session::from_tables`], with these views instead of the catalog's.
    pub async fn with_views(
        tables: Vec<TableSnapshot>,
        views: &[ViewDefinition],
        options: &SessionOptions,
    ) -> Result<Self, QueryError> {
        Self::over(Rollups::new(tables, &options.adjusted(views)), options)
    }

    /// A session over the tables and views, as they are, of these rollups.
    pub(crate) fn over(rollups: Rollups, options: &SessionOptions) -> Result<Self, QueryError> {
        Self::with_schema(options, |context| {
            LakeSchema::of_rollups(context, rollups, options.rollups)
        })
    }

    fn with_schema(
        options: &SessionOptions,
        schema: impl FnOnce(&SessionContext) -> LakeSchema,
    ) -> Result<Self, QueryError> {
        let context = new_context(options)?;
        let schema = Arc::new(schema(&context));
        context
            .catalog(CATALOG_NAME)
            .expect("the default catalog is made with the context")
            .register_schema(SCHEMA_NAME, Arc::clone(&schema) as Arc<dyn SchemaProvider>)?;
        Ok(Self { context, schema })
    }

    /// Opens the tables, unless they are. Until then [`Session::catalog`] and
    /// [`Session::resolve_names`] take it that they have the columns of a new lake.
    pub async fn open_tables(&self) -> Result<(), QueryError> {
        self.schema.open().await?;
        Ok(())
    }

    /// Runs one statement: a query, EXPLAIN, SHOW, DESCRIBE or SET. The query
    /// runs as the stream is read, and stops when the stream is dropped; its
    /// errors turn into [`QueryError`] with `From`.
    pub async fn execute(&self, statement: &str) -> Result<SendableRecordBatchStream, QueryError> {
        let plan = self.plan(statement).await?;
        self.run(plan).await
    }

    /// Runs a plan of [`Session::plan`], as [`Session::execute`] does.
    pub(crate) async fn run(
        &self,
        plan: LogicalPlan,
    ) -> Result<SendableRecordBatchStream, QueryError> {
        let frame = self.context.execute_logical_plan(plan).await?;
        Ok(frame.execute_stream().await?)
    }

    /// Every table and view, with its columns; types of a view's columns are told by
    /// [`Session::catalog_with_types`].
    pub fn catalog(&self) -> &[TableDescription] {
        self.schema.catalog().described()
    }

    /// As [`Session::catalog`], with the types of all columns; plans every view.
    pub async fn catalog_with_types(&self) -> Result<Vec<TableDescription>, QueryError> {
        self.open_tables().await?;
        Ok(self.schema.described_with_types().await?)
    }

    /// DataFusion's context, for protocols that need it. What is run through
    /// it directly is not checked to be read-only.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// The text with unquoted names of mixed-case columns in their own case,
    /// as [`Session::execute`] does it, for those who plan through
    /// [`Session::context`].
    pub fn resolve_names(&self, statement: &str) -> Result<String, QueryError> {
        Ok(self.schema.catalog().mixed_case().quote(statement)?.text)
    }

    /// The plan of one statement that only reads. Placeholders stay.
    pub(crate) async fn plan(&self, statement: &str) -> Result<LogicalPlan, QueryError> {
        let found = split_statements(statement)?.len();
        if found != 1 {
            return Err(QueryError::StatementCount { found });
        }
        let state = self.context.state();
        let parsed = parse(&state, statement).map_err(|error| error.or_at_end(statement))?;
        // Names are quoted as the tables have them.
        match state.resolve_table_references(&parsed)?.is_empty() {
            true => self.schema.look().await?,
            false => self.open_tables().await?,
        }
        let rewritten = self.schema.catalog().mixed_case().quote(statement)?;
        let plan = self.plan_text(&state, &rewritten.text).await;
        plan.map_err(|error| {
            error.map_position(|position| rewritten.source_position(position)).or_at_end(statement)
        })
    }

    async fn plan_text(&self, state: &SessionState, text: &str) -> Result<LogicalPlan, QueryError> {
        let plan = state
            .statement_to_plan(parse(state, text)?)
            .await
            .map_err(|error| QueryError::planning(&error, self.schema.catalog().names()))?;
        read_only()
            .verify_plan(&plan)
            .map_err(|_| QueryError::ReadOnly { statement: plan_kind(&plan) })?;
        Ok(plan)
    }
}

/// A statement that only reads, by its syntax.
fn parse(state: &SessionState, text: &str) -> Result<Statement, QueryError> {
    let dialect = state.config().options().sql_parser.dialect;
    let parsed = state.sql_to_statement(text, &dialect)?;
    refuse_changes(&parsed)?;
    Ok(parsed)
}

fn new_context(options: &SessionOptions) -> Result<SessionContext, QueryError> {
    let mut config = SessionConfig::new()
        .with_information_schema(true)
        .with_default_catalog_and_schema(CATALOG_NAME, SCHEMA_NAME);
    if let Some(threads) = options.threads {
        config = config.with_target_partitions(threads.max(1));
    }
    let settings = config.options_mut();
    // A literal with a point is a decimal: money never passes through f64.
    settings.sql_parser.parse_float_as_decimal = true;
    settings.sql_parser.collect_spans = true;
    // Rows a filter drops are never decoded in full; halves selective scans.
    settings.execution.parquet.pushdown_filters = true;
    if options.memory_sharing == MemorySharing::FirstCome {
        settings.execution.sort_spill_reservation_bytes = SORT_RESERVATION_BYTES;
    }
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(Arc::new(new_runtime(options)?))
        .with_default_features()
        .with_physical_optimizer_rules(lookup::physical_rules())
        .with_physical_optimizer_rule(Arc::new(HashedGroups))
        .with_physical_optimizer_rule(Arc::new(CooperativeJoins))
        .build();
    let mut context = SessionContext::new_with_state(state);
    decimal::install(&mut context)?;
    extremes::install(&mut context)?;
    if let Some(day) = options.as_of {
        context.register_udf(dates::fixed_current_date(day));
    }
    Ok(context)
}

fn new_runtime(options: &SessionOptions) -> Result<RuntimeEnv, QueryError> {
    let mut builder = RuntimeEnvBuilder::new();
    if let Some(limit) = options.memory_limit_bytes {
        let pool: Arc<dyn MemoryPool> = match options.memory_sharing {
            MemorySharing::Fair => {
                let pool = FairSpillPool::new(limit);
                Arc::new(TrackConsumersPool::new(pool, MEMORY_CONSUMERS_NAMED))
            }
            MemorySharing::FirstCome => {
                let pool = FirstComePool::new(limit);
                Arc::new(TrackConsumersPool::new(pool, MEMORY_CONSUMERS_NAMED))
            }
        };
        builder = builder.with_memory_pool(pool);
    }
    Ok(builder.build()?)
}

fn read_only() -> SQLOptions {
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(true)
}

/// Lets through what only reads, by its syntax: an allow-list, so that a new
/// kind of statement is refused until it is looked at.
fn refuse_changes(statement: &Statement) -> Result<(), QueryError> {
    let refused = |statement: &dyn std::fmt::Display| {
        let text = statement.to_string();
        let words: Vec<&str> = text.split_whitespace().take(2).collect();
        Err(QueryError::ReadOnly { statement: words.join(" ").to_uppercase() })
    };
    match statement {
        Statement::Explain(explain) => refuse_changes(&explain.statement),
        Statement::Reset(_) => Ok(()),
        Statement::Statement(sql) => match sql.as_ref() {
            SqlStatement::Query(_)
            | SqlStatement::Explain { .. }
            | SqlStatement::ExplainTable { .. }
            | SqlStatement::Set(_)
            | SqlStatement::ShowVariable { .. }
            | SqlStatement::ShowVariables { .. }
            | SqlStatement::ShowTables { .. }
            | SqlStatement::ShowColumns { .. }
            | SqlStatement::ShowFunctions { .. }
            | SqlStatement::ShowCreate { .. } => Ok(()),
            other => refused(other),
        },
        Statement::CopyTo(_) => Err(QueryError::ReadOnly { statement: "COPY".to_owned() }),
        other @ Statement::CreateExternalTable(_) => refused(other),
    }
}

fn plan_kind(plan: &LogicalPlan) -> String {
    match plan {
        LogicalPlan::Ddl(ddl) => ddl.name().to_owned(),
        LogicalPlan::Dml(dml) => dml.op.to_string(),
        LogicalPlan::Copy(_) => "COPY".to_owned(),
        _ => "a statement that changes data".to_owned(),
    }
}

#[cfg(test)]
mod tests;
