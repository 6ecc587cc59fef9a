//! The operator: the looked-up side is read once, the kept one streams through.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::utils::memory::RecordBatchMemoryCounter;
use datafusion::common::{JoinSide, Statistics};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::filter_pushdown::{
    ChildFilterDescription, ChildPushdownResult, FilterDescription, FilterPushdownPhase,
    FilterPushdownPropagation,
};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, ExecutionPlanProperties as _,
    PlanProperties,
};
use futures::future::{BoxFuture, FutureExt as _, Shared};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::table::{Found, LookupTable};

/// Pairs of keys, of the left and the right side.
type On = Vec<(Arc<dyn PhysicalExpr>, Arc<dyn PhysicalExpr>)>;

/// The table as all partitions wait for it; whoever polls first makes it.
type SharedTable = Shared<BoxFuture<'static, Result<Arc<LookupTable>, Arc<DataFusionError>>>>;

/// A left or right join of which one side is kept as it comes, in its partitions and in
/// its order, and the other is read into a table. NULL keys find nothing.
#[derive(Debug)]
pub(super) struct LookupJoinExec {
    left: Arc<dyn ExecutionPlan>,
    right: Arc<dyn ExecutionPlan>,
    on: On,
    kept: JoinSide,
    /// Columns of the left side, then of the right.
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
    table: Mutex<Option<SharedTable>>,
}

impl LookupJoinExec {
    /// `kept` is a side, and not both.
    pub(super) fn new(
        left: Arc<dyn ExecutionPlan>,
        right: Arc<dyn ExecutionPlan>,
        on: On,
        kept: JoinSide,
        schema: SchemaRef,
    ) -> Self {
        let streamed = if kept == JoinSide::Left { &left } else { &right };
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(streamed.output_partitioning().partition_count()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            left,
            right,
            on,
            kept,
            schema,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
            table: Mutex::new(None),
        }
    }

    /// The kept side, then the other.
    fn sides(&self) -> (&Arc<dyn ExecutionPlan>, &Arc<dyn ExecutionPlan>) {
        match self.kept {
            JoinSide::Left => (&self.left, &self.right),
            _ => (&self.right, &self.left),
        }
    }

    /// What is of the kept side and of the other, in the order of the inputs.
    fn in_order<T>(&self, kept: T, other: T) -> Vec<T> {
        match self.kept {
            JoinSide::Left => vec![kept, other],
            _ => vec![other, kept],
        }
    }

    fn keys(&self, side: JoinSide) -> Vec<Arc<dyn PhysicalExpr>> {
        let key = |(left, right): &(Arc<dyn PhysicalExpr>, Arc<dyn PhysicalExpr>)| {
            Arc::clone(if side == JoinSide::Left { left } else { right })
        };
        self.on.iter().map(key).collect()
    }

    fn table(&self, context: &Arc<TaskContext>) -> Result<SharedTable> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = table.as_ref() {
            return Ok(table.clone());
        }
        let rows = self.sides().1.execute(0, Arc::clone(context))?;
        let keys = self.keys(self.kept.negate());
        let reservation = MemoryConsumer::new("LookupJoin").register(context.memory_pool());
        let made = read_table(rows, keys, reservation)
            .map(|made| made.map(Arc::new).map_err(Arc::new))
            .boxed()
            .shared();
        Ok(table.insert(made).clone())
    }
}

async fn read_table(
    mut rows: SendableRecordBatchStream,
    keys: Vec<Arc<dyn PhysicalExpr>>,
    reservation: MemoryReservation,
) -> Result<LookupTable> {
    let schema = rows.schema();
    let mut batches = Vec::new();
    // Slices of one batch share its memory.
    let mut memory = RecordBatchMemoryCounter::new();
    while let Some(batch) = rows.try_next().await? {
        reservation.try_grow(memory.count_batch(&batch))?;
        batches.push(batch);
    }
    LookupTable::new(&schema, batches, &keys, reservation)
}

impl DisplayAs for LookupJoinExec {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on: Vec<String> =
            self.on.iter().map(|(left, right)| format!("({left}, {right})")).collect();
        write!(formatter, "LookupJoinExec: kept={}, on=[{}]", self.kept, on.join(", "))
    }
}

impl ExecutionPlan for LookupJoinExec {
    fn name(&self) -> &str {
        "LookupJoinExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        self.in_order(Distribution::UnspecifiedDistribution, Distribution::SinglePartition)
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.left, &self.right]
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for key in self.on.iter().flat_map(|(left, right)| [left, right]) {
            if visit(key)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let [left, right] = <[_; 2]>::try_from(children)
            .map_err(|_| DataFusionError::Internal("a lookup join has two inputs".to_owned()))?;
        let schema = Arc::clone(&self.schema);
        Ok(Arc::new(Self::new(left, right, self.on.clone(), self.kept, schema)))
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        self.in_order(ChildStats::At(partition), ChildStats::Skip)
    }

    /// Mostly each row finds one at most.
    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let kept = &inputs[if self.kept == JoinSide::Left { 0 } else { 1 }];
        Ok(Arc::new(Statistics {
            num_rows: kept.num_rows.to_inexact(),
            total_byte_size: kept.total_byte_size.to_inexact(),
            ..Statistics::new_unknown(&self.schema)
        }))
    }

    /// A filter on the kept side's columns alone may be asked before.
    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        let left_columns = self.left.schema().fields().len();
        let kept_columns = match self.kept {
            JoinSide::Left => (0..left_columns).collect(),
            _ => (left_columns..self.schema.fields().len()).collect(),
        };
        let kept = ChildFilterDescription::from_child_with_allowed_indices(
            &filters,
            kept_columns,
            self.sides().0,
        )?;
        let other = ChildFilterDescription::all_unsupported(&filters);
        let sides = self.in_order(kept, other).into_iter();
        Ok(sides.fold(FilterDescription::new(), FilterDescription::with_child))
    }

    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        pushed: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        Ok(FilterPushdownPropagation::if_any(pushed))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let table = self.table(&context)?;
        let rows = self.sides().0.execute(partition, Arc::clone(&context))?;
        let keys = self.keys(self.kept);
        let metrics = Arc::new(BaselineMetrics::new(&self.metrics, partition));
        let (kept, schema) = (self.kept, Arc::clone(&self.schema));
        let rows_max = context.session_config().batch_size().max(1);
        let joined = async move {
            let table = table.await.map_err(DataFusionError::Shared)?;
            let found = rows.map(move |batch| {
                let _timer = metrics.elapsed_compute().timer();
                let found = Arc::clone(&table).look_up(batch?, &keys, rows_max)?;
                let (schema, metrics) = (Arc::clone(&schema), Arc::clone(&metrics));
                let joined = found.map(move |found| joined(found?, kept, &schema, &metrics));
                Ok::<_, DataFusionError>(stream::iter(joined))
            });
            Ok::<_, DataFusionError>(found.try_flatten())
        };
        let joined = stream::once(joined).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), joined)))
    }
}

fn joined(
    (batch, values): Found,
    kept: JoinSide,
    schema: &SchemaRef,
    metrics: &BaselineMetrics,
) -> Result<RecordBatch> {
    let columns = batch.columns().iter().cloned();
    let columns = match kept {
        JoinSide::Left => columns.chain(values).collect(),
        _ => values.into_iter().chain(columns).collect(),
    };
    let joined = RecordBatch::try_new(Arc::clone(schema), columns)?;
    metrics.record_output(joined.num_rows());
    Ok(joined)
}
