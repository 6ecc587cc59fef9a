//! Reads a table snapshot as Parquet: the table provider of every session.
//!
//! Input: a [`TableSnapshot`]. Output: DataFusion scans of exactly its files,
//! those left out whose partition values or statistics rule a filter out. Statistics are
//! read by the scan that needs them, of the columns it looks at. Never lists a folder and
//! never looks at the Delta log.

mod logged;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Statistics;
use datafusion::common::{Column, DFSchema, ScalarValue, project_schema};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;
use url::Url;

use self::logged::LoggedRows;
use crate::commit::{LakeTable, TableSnapshot};

/// A snapshot as a table: the file columns, then the partition columns, with
/// text as `Utf8View`.
#[derive(Debug)]
pub struct SnapshotTable {
    columns: TableSchema,
    partition_columns: Vec<String>,
    /// Where the files' paths start; `None` for a table that does not exist yet.
    store_url: Option<Url>,
    /// The files with their partition values.
    files: Vec<PartitionedFile>,
    /// Says of them, in the same order, what the log says; `None` where the files come
    /// with their statistics.
    snapshot: Option<TableSnapshot>,
}

impl SnapshotTable {
    /// Prepares a snapshot for scans.
    pub fn new(snapshot: TableSnapshot) -> Self {
        let partition_count = snapshot.partition_columns.len();
        let file_schema = with_text_views(&snapshot.file_schema());
        let all = with_text_views(&snapshot.schema);
        let partition_fields: Vec<FieldRef> =
            all.fields()[all.fields().len() - partition_count..].to_vec();
        let columns = TableSchema::builder(file_schema)
            .with_table_partition_cols(partition_fields.clone())
            .build();
        let files = snapshot
            .files
            .iter()
            .map(|file| {
                let values = file
                    .partition_values
                    .iter()
                    .zip(&partition_fields)
                    .map(|(value, field)| partition_value(value.as_deref(), field))
                    .collect();
                PartitionedFile::new_from_meta(file.object.clone()).with_partition_values(values)
            })
            .collect();
        Self {
            columns,
            partition_columns: snapshot.partition_columns.clone(),
            store_url: snapshot.store_url.clone(),
            files,
            snapshot: Some(snapshot),
        }
    }

    /// A table of files that no Delta log names: every column is in the files, and has
    /// the type they say.
    pub(super) fn of_files(
        store_url: Url,
        schema: &SchemaRef,
        files: Vec<PartitionedFile>,
    ) -> Self {
        let columns = TableSchema::builder(Arc::clone(schema)).build();
        Self {
            columns,
            partition_columns: Vec::new(),
            store_url: Some(store_url),
            files,
            snapshot: None,
        }
    }

    /// Whether files mostly have one row, and the log tells what is in it.
    fn is_ledger(&self) -> bool {
        self.snapshot.as_ref().is_some_and(|snapshot| snapshot.table == LakeTable::IngestRuns)
    }

    fn partition_schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns.table_partition_cols().clone()))
    }

    /// Whether partition values alone decide a filter.
    fn is_partition_filter(&self, filter: &Expr) -> bool {
        let columns = filter.column_refs();
        !columns.is_empty()
            && !filter.is_volatile()
            && columns.iter().all(|column| self.partition_columns.contains(&column.name))
    }

    /// Positions of the files whose partition values pass the filters: exact.
    fn filter_by_partition(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<usize>> {
        let Some(filter) = conjunction(filters.iter().cloned()) else {
            return Ok((0..self.files.len()).collect());
        };
        if self.files.is_empty() {
            return Ok(Vec::new());
        }
        let schema = self.partition_schema();
        let predicate =
            state.create_physical_expr(filter, &DFSchema::try_from(Arc::clone(&schema))?)?;
        let columns = (0..schema.fields().len())
            .map(|index| {
                let values = self.files.iter().map(|file| file.partition_values[index].clone());
                ScalarValue::iter_to_array(values)
            })
            .collect::<Result<Vec<_>>>()?;
        let values = RecordBatch::try_new(schema, columns)?;
        let passes = predicate.evaluate(&values)?.into_array(self.files.len())?;
        let passes = passes.as_boolean().iter().map(|keep| keep == Some(true));
        Ok(kept((0..self.files.len()).collect(), passes))
    }

    /// Positions of file columns that a scan looks at.
    fn looked_at(&self, projection: Option<&Vec<usize>>, filters: &[Expr]) -> Vec<usize> {
        let schema = self.columns.table_schema();
        let mut columns: BTreeSet<usize> = match projection {
            Some(projection) => projection.iter().copied().collect(),
            None => (0..schema.fields().len()).collect(),
        };
        let named = filters.iter().flat_map(|filter| filter.column_refs());
        columns.extend(named.filter_map(|column| schema.index_of(&column.name).ok()));
        let file_columns = self.columns.file_schema().fields().len();
        columns.into_iter().filter(|&index| index < file_columns).collect()
    }

    /// The files at these positions, with the statistics of these columns.
    fn with_statistics(&self, positions: &[usize], columns: &[usize]) -> Vec<PartitionedFile> {
        let files = positions.iter().map(|&position| self.files[position].clone());
        let Some(snapshot) = &self.snapshot else { return files.collect() };
        let logged = positions.iter().map(|&position| &snapshot.files[position]);
        files
            .zip(snapshot.statistics(logged, columns))
            .map(|(file, statistics)| file.with_statistics(Arc::new(text_view_bounds(statistics))))
            .collect()
    }

    /// The files whose bounds do not rule the filters out: may keep too many.
    fn prune_by_bounds(
        &self,
        state: &dyn Session,
        files: Vec<PartitionedFile>,
        filters: &[Expr],
    ) -> Result<Vec<PartitionedFile>> {
        let Some(filter) = conjunction(filters.iter().cloned()) else {
            return Ok(files);
        };
        let schema = Arc::clone(self.columns.table_schema());
        let predicate =
            state.create_physical_expr(filter, &DFSchema::try_from(Arc::clone(&schema))?)?;
        let predicate = PruningPredicateBuilder::new()
            .with_file_schema(Arc::clone(&schema))
            .try_build(predicate)?;
        if predicate.always_true() {
            return Ok(files);
        }
        let keep = predicate.prune(&FileBounds { files: &files, schema })?;
        Ok(kept(files, keep.into_iter()))
    }
}

fn kept<T>(items: Vec<T>, keep: impl Iterator<Item = bool>) -> Vec<T> {
    items.into_iter().zip(keep).filter_map(|(item, keep)| keep.then_some(item)).collect()
}

/// The first files that hold at least `limit` rows between them.
fn first_rows(files: Vec<PartitionedFile>, limit: usize) -> Vec<PartitionedFile> {
    let mut rows = 0usize;
    let mut count = 0;
    for file in &files {
        if rows >= limit {
            break;
        }
        let known = file.statistics.as_ref().and_then(|statistics| statistics.num_rows.get_value());
        // A file of unknown length may be empty: it counts as nothing.
        rows = rows.saturating_add(known.copied().unwrap_or(0));
        count += 1;
    }
    files.into_iter().take(count).collect()
}

#[async_trait]
impl TableProvider for SnapshotTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.columns.table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let pushdown = |filter: &&Expr| {
            if self.is_partition_filter(filter) {
                TableProviderFilterPushDown::Exact
            } else {
                TableProviderFilterPushDown::Inexact
            }
        };
        Ok(filters.iter().map(pushdown).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (partition_filters, data_filters): (Vec<Expr>, Vec<Expr>) =
            filters.iter().cloned().partition(|filter| self.is_partition_filter(filter));
        let positions = self.filter_by_partition(state, &partition_filters)?;
        let mut files =
            self.with_statistics(&positions, &self.looked_at(projection, &data_filters));
        files = self.prune_by_bounds(state, files, &data_filters)?;
        if let (Some(limit), true) = (limit, data_filters.is_empty()) {
            files = first_rows(files, limit);
        }
        let logged_rows = match self.is_ledger() {
            true => LoggedRows::take(&mut files, self.columns.table_schema(), projection)?,
            false => None,
        };
        let logged_scan = logged_rows.map(LoggedRows::scan).transpose()?;
        let (Some(url), false) = (&self.store_url, files.is_empty()) else {
            let schema = project_schema(self.columns.table_schema(), projection)?;
            return Ok(logged_scan.unwrap_or_else(|| Arc::new(EmptyExec::new(schema))));
        };
        let schema = self.columns.table_schema();
        let merged = merged_statistics(&files, schema)?;
        let groups = FileGroup::new(files)
            .split_files(state.config().target_partitions())
            .into_iter()
            .map(|group| {
                let statistics = merged_statistics(group.files(), schema)?;
                Ok(group.with_statistics(Arc::new(statistics)))
            })
            .collect::<Result<Vec<_>>>()?;
        let format = ParquetFormat::default().with_options(state.default_table_options().parquet);
        let source = format.file_source(self.columns.clone());
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::parse(url)?, source)
            .with_file_groups(groups)
            .with_statistics(merged)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        let stored = format.create_physical_plan(state, config).await?;
        match logged_scan {
            Some(logged) => UnionExec::try_new(vec![logged, stored]),
            None => Ok(stored),
        }
    }
}

fn merged_statistics(files: &[PartitionedFile], schema: &Schema) -> Result<Statistics> {
    Statistics::try_merge_iter(files.iter().filter_map(|file| file.statistics.as_deref()), schema)
}

/// Text columns as views: fewer copies, and grouped faster.
fn with_text_views(schema: &Schema) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| match field.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 => {
                field.as_ref().clone().with_data_type(DataType::Utf8View)
            }
            _ => field.as_ref().clone(),
        })
        .collect();
    Arc::new(Schema::new(fields))
}

/// Partition columns are text in every table of the lake.
pub(super) fn partition_value(value: Option<&str>, field: &Field) -> ScalarValue {
    let text = ScalarValue::Utf8View(value.map(str::to_owned));
    text.cast_to(field.data_type()).unwrap_or(text)
}

fn text_view_bounds(mut statistics: Statistics) -> Statistics {
    let view = |value: ScalarValue| match value {
        ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) => ScalarValue::Utf8View(text),
        other => other,
    };
    for column in &mut statistics.column_statistics {
        column.min_value = std::mem::take(&mut column.min_value).map(view);
        column.max_value = std::mem::take(&mut column.max_value).map(view);
    }
    statistics
}

/// Bounds of files for pruning. Unlike DataFusion's own, it uses inexact
/// bounds too: texts are shortened to bounds that still enclose every value,
/// and decimals are widened by what a writer that went through floating point
/// may have lost.
struct FileBounds<'a> {
    files: &'a [PartitionedFile],
    schema: SchemaRef,
}

#[derive(Clone, Copy)]
enum Side {
    Low,
    High,
}

impl FileBounds<'_> {
    fn bounds(&self, column: &Column, side: Side) -> Option<ArrayRef> {
        let index = self.schema.index_of(column.name()).ok()?;
        let null = ScalarValue::try_from(self.schema.field(index).data_type()).ok()?;
        let values = self.files.iter().map(|file| {
            let columns = file.statistics.as_ref().map(|all| &all.column_statistics);
            let bound =
                columns.and_then(|columns| columns.get(index)).and_then(|column| match side {
                    Side::Low => column.min_value.get_value(),
                    Side::High => column.max_value.get_value(),
                });
            bound.map_or_else(|| null.clone(), |bound| widened(bound, side))
        });
        ScalarValue::iter_to_array(values).ok()
    }

    fn counts(&self, count: impl Fn(&Statistics) -> Option<usize>) -> Option<ArrayRef> {
        let counts: UInt64Array = self
            .files
            .iter()
            .map(|file| file.statistics.as_deref().and_then(&count).map(|count| count as u64))
            .collect();
        Some(Arc::new(counts))
    }
}

/// A decimal bound moved outwards by 2⁻⁵⁰ of itself: more than an `f64` loses.
fn widened(bound: &ScalarValue, side: Side) -> ScalarValue {
    match bound {
        ScalarValue::Decimal128(Some(raw), precision, scale) => {
            let margin = (raw.abs() >> 50) + i128::from(raw.abs() >= 1 << 50);
            let raw = match side {
                Side::Low => raw.saturating_sub(margin),
                Side::High => raw.saturating_add(margin),
            };
            ScalarValue::Decimal128(Some(raw), *precision, *scale)
        }
        other => other.clone(),
    }
}

impl PruningStatistics for FileBounds<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, Side::Low)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, Side::High)
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let index = self.schema.index_of(column.name()).ok()?;
        self.counts(|all| all.column_statistics.get(index)?.null_count.get_value().copied())
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        self.counts(|all| all.num_rows.get_value().copied())
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
