//! Rows that the log tells whole: the ledger has a file of one row for each load, and
//! opening one takes longer than all that is in the log.
//!
//! Input: files with the statistics of the columns that are looked at. Output: those of
//! one row whose every value is known, as rows. A value is known when both bounds are it,
//! or when it is NULL. That relies on Delta's protocol: a writer that cuts a highest text
//! raises it. Decimals are never known: some writers' bounds went through floating point.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::stats::{ColumnStatistics, Precision};
use datafusion::common::{ScalarValue, project_schema};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::Result;
use datafusion::physical_plan::ExecutionPlan;

/// Rows of files that need not be opened.
pub(super) struct LoggedRows {
    rows: RecordBatch,
}

impl LoggedRows {
    /// Takes the files whose rows are known in these columns; `None` where there are none.
    pub(super) fn take(
        files: &mut Vec<PartitionedFile>,
        table_schema: &SchemaRef,
        projection: Option<&Vec<usize>>,
    ) -> Result<Option<Self>> {
        let schema = project_schema(table_schema, projection)?;
        let columns = match projection {
            Some(projection) => projection.clone(),
            None => (0..table_schema.fields().len()).collect(),
        };
        let mut values: Vec<Vec<ScalarValue>> = vec![Vec::new(); columns.len()];
        let mut count = 0;
        files.retain(|file| {
            let Some(row) = row_of(file, table_schema, &columns) else { return true };
            values.iter_mut().zip(row).for_each(|(values, value)| values.push(value));
            count += 1;
            false
        });
        if count == 0 {
            return Ok(None);
        }
        let arrays: Vec<ArrayRef> =
            values.into_iter().map(ScalarValue::iter_to_array).collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(Some(Self { rows: RecordBatch::try_new_with_options(schema, arrays, &options)? }))
    }

    /// A scan that gives them.
    pub(super) fn scan(self) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.rows.schema();
        Ok(MemorySourceConfig::try_new_exec(&[vec![self.rows]], schema, None)?)
    }
}

/// The values of a file's only row; `None` where one of them is not known.
fn row_of(file: &PartitionedFile, schema: &Schema, columns: &[usize]) -> Option<Vec<ScalarValue>> {
    let statistics = file.statistics.as_ref()?;
    if statistics.num_rows != Precision::Exact(1) {
        return None;
    }
    let value = |&index: &usize| {
        let column = statistics.column_statistics.get(index)?;
        let value = only_value(column)?;
        if !value.is_null() {
            return (value.data_type() == *schema.field(index).data_type()).then_some(value);
        }
        let field = schema.field(index);
        field.is_nullable().then(|| ScalarValue::try_from(field.data_type()).ok())?
    };
    columns.iter().map(value).collect()
}

/// What stands in a column's only row.
fn only_value(column: &ColumnStatistics) -> Option<ScalarValue> {
    if column.null_count == Precision::Exact(1) {
        return Some(ScalarValue::Null);
    }
    let (low, high) = (column.min_value.get_value()?, column.max_value.get_value()?);
    let is_exact = matches!(
        low,
        ScalarValue::Utf8View(_) | ScalarValue::Int64(_) | ScalarValue::TimestampMicrosecond(..)
    );
    (column.null_count == Precision::Exact(0) && is_exact && low == high).then(|| low.clone())
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray as _;
    use arrow::datatypes::{DataType, Field, Int64Type, TimeUnit};
    use datafusion::common::stats::Statistics;

    use super::*;

    fn schema() -> SchemaRef {
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let fields = [
            ("name", DataType::Utf8View),
            ("rows", DataType::Int64),
            ("at", time),
            ("cost", DataType::Decimal128(38, 18)),
        ];
        let field = |(name, data_type): (&str, DataType)| Field::new(name, data_type, true);
        Arc::new(Schema::new(fields.into_iter().map(field).collect::<Vec<_>>()))
    }

    fn known(value: ScalarValue) -> ColumnStatistics {
        ColumnStatistics {
            null_count: Precision::Exact(0),
            min_value: Precision::Inexact(value.clone()),
            max_value: Precision::Inexact(value),
            ..ColumnStatistics::new_unknown()
        }
    }

    fn null() -> ColumnStatistics {
        ColumnStatistics { null_count: Precision::Exact(1), ..ColumnStatistics::new_unknown() }
    }

    fn text(text: &str) -> ColumnStatistics {
        known(ScalarValue::Utf8View(Some(text.to_owned())))
    }

    fn file(num_rows: usize, column_statistics: [ColumnStatistics; 4]) -> PartitionedFile {
        let statistics = Statistics {
            num_rows: Precision::Exact(num_rows),
            total_byte_size: Precision::Absent,
            column_statistics: column_statistics.to_vec(),
        };
        PartitionedFile::new("part", 1).with_statistics(Arc::new(statistics))
    }

    fn full(name: &str) -> [ColumnStatistics; 4] {
        let time = ScalarValue::TimestampMicrosecond(Some(1), Some("UTC".into()));
        let money = ScalarValue::Decimal128(Some(1), 38, 18);
        [text(name), known(ScalarValue::from(7_i64)), known(time), known(money)]
    }

    fn take(files: &mut Vec<PartitionedFile>, columns: &[usize]) -> Option<RecordBatch> {
        let rows = LoggedRows::take(files, &schema(), Some(&columns.to_vec())).unwrap();
        rows.map(|rows| rows.rows)
    }

    #[test]
    fn rows_of_known_values_need_no_file() {
        let mut nameless = full("");
        nameless[0] = null();
        let mut files = vec![file(1, full("a")), file(1, full("")), file(1, nameless)];
        let rows = take(&mut files, &[2, 0]).unwrap();
        assert!(files.is_empty());
        assert_eq!(rows.schema(), Arc::new(schema().project(&[2, 0]).unwrap()));
        let names: Vec<_> = rows.column(1).as_string_view().iter().collect();
        assert_eq!(names, [Some("a"), Some(""), None]);
        // Rows without columns are counted all the same.
        let mut files = vec![file(1, full("a")), file(1, full("b"))];
        assert_eq!(take(&mut files, &[]).unwrap().num_rows(), 2);
    }

    #[test]
    fn whatever_is_not_known_is_left_to_the_file() {
        let with = |index: usize, column: ColumnStatistics| {
            let mut columns = full("a");
            columns[index] = column;
            file(1, columns)
        };
        // As by a writer that cuts texts.
        let unequal = ColumnStatistics { max_value: text("b").max_value, ..text("a") };
        let uncounted = ColumnStatistics { null_count: Precision::Absent, ..text("a") };
        let wrong_type = known(ScalarValue::from(7_i64));
        let mut files = vec![
            with(0, unequal),
            with(0, uncounted),
            with(0, wrong_type),
            with(0, ColumnStatistics::new_unknown()),
            file(2, full("a")),
            PartitionedFile::new("unknown", 1),
            with(0, text("known")),
        ];
        let rows = take(&mut files, &[0, 1]).unwrap();
        assert_eq!(rows.num_rows(), 1);
        assert_eq!(rows.column(0).as_string_view().value(0), "known");
        assert_eq!(rows.column(1).as_primitive::<Int64Type>().value(0), 7);
        assert_eq!(files.len(), 6);
        // Bounds of decimals may have gone through floating point.
        let mut files = vec![file(1, full("a"))];
        assert!(take(&mut files, &[3]).is_none());
        assert_eq!(files.len(), 1);
    }
}
