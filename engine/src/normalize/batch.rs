//! Normalized rows as columns.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Int32Array, RecordBatch,
    RecordBatchOptions, new_null_array,
};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Field, Int32Type, Schema, SchemaRef};

use super::known_column;
use super::texts::{CodedTexts, Texts};
use crate::model::{ColumnSet, ValueKind};

/// A file schema with its text columns as views, which is how a batch holds
/// them: the same names, order and nullability.
pub fn view_schema(columns: &ColumnSet) -> SchemaRef {
    let schema = columns.file_schema();
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => Arc::new(Field::clone(field).with_data_type(DataType::Utf8View)),
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A column of a batch.
#[derive(Clone, Debug)]
pub enum BatchColumn {
    /// A value per row, as [`view_schema`] has it.
    Array(ArrayRef),
    /// Text by code.
    Coded(CodedTexts),
}

impl BatchColumn {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Array(values) => values.len(),
            Self::Coded(texts) => texts.codes().len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Good rows of one chunk, column by column, in the order of their [`ColumnSet`].
///
/// Text points into the chunk's bytes where it could be taken as it stands,
/// so a batch keeps its chunk's buffer alive. Columns the file does not have
/// are NULL throughout.
#[derive(Clone, Debug)]
pub struct RowBatch {
    column_set: &'static ColumnSet,
    schema: SchemaRef,
    rows: usize,
    columns: Vec<BatchColumn>,
}

impl RowBatch {
    /// `schema` is the [`view_schema`] of `column_set`.
    pub(super) fn new(
        column_set: &'static ColumnSet,
        schema: SchemaRef,
        rows: usize,
        columns: Vec<BatchColumn>,
    ) -> Self {
        debug_assert_eq!(columns.len(), schema.fields().len());
        Self { column_set, schema, rows, columns }
    }

    /// Number of rows.
    pub fn num_rows(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The columns, in the order of [`view_schema`].
    pub fn columns(&self) -> &[BatchColumn] {
        &self.columns
    }

    fn named(&self, name: &str) -> &BatchColumn {
        &self.columns[known_column(self.column_set, name)]
    }

    fn array(&self, name: &str) -> &ArrayRef {
        match self.named(name) {
            BatchColumn::Array(values) => values,
            BatchColumn::Coded(_) => panic!("{name} is text"),
        }
    }

    /// A text column by its name in the lake.
    ///
    /// # Panics
    /// Here and below: when there is no such column of that kind.
    pub fn texts(&self, name: &str) -> Texts<'_> {
        match self.named(name) {
            BatchColumn::Array(texts) => Texts::Array(texts.as_string_view()),
            BatchColumn::Coded(texts) => Texts::Coded(texts),
        }
    }

    /// A money, price, quantity or rate column; raw units of 10⁻¹⁸, 0 where
    /// NULL.
    pub fn decimals(&self, name: &str) -> &Decimal128Array {
        self.array(name).as_primitive::<Decimal128Type>()
    }

    /// A date column; days since 1970-01-01.
    pub fn dates(&self, name: &str) -> &Date32Array {
        self.array(name).as_primitive::<Date32Type>()
    }

    /// A yes-or-no column.
    pub fn booleans(&self, name: &str) -> &BooleanArray {
        self.array(name).as_boolean()
    }

    /// A whole-number column.
    pub fn integers(&self, name: &str) -> &Int32Array {
        self.array(name).as_primitive::<Int32Type>()
    }

    /// The batch as Arrow knows it, in [`view_schema`]; copies texts that are coded.
    pub fn record_batch(&self) -> RecordBatch {
        let columns = self.columns.iter().map(|column| match column {
            BatchColumn::Array(values) => Arc::clone(values),
            BatchColumn::Coded(texts) => Arc::new(texts.to_array()),
        });
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let schema = Arc::clone(&self.schema);
        RecordBatch::try_new_with_options(schema, columns.collect(), &options)
            .expect("columns are built in the schema's order and types")
    }
}

impl From<RowBatch> for RecordBatch {
    fn from(batch: RowBatch) -> Self {
        batch.record_batch()
    }
}

/// Columns of NULL, one of each type, grown to the longest batch and cut to
/// size: columns a file lacks cost nothing per batch.
#[derive(Debug, Default)]
pub(super) struct AbsentColumns {
    columns: Vec<ArrayRef>,
}

impl AbsentColumns {
    pub(super) fn column(&mut self, kind: ValueKind, rows: usize) -> ArrayRef {
        let data_type = match kind.data_type() {
            DataType::Utf8 => DataType::Utf8View,
            other => other,
        };
        let known = self.columns.iter().position(|column| column.data_type() == &data_type);
        let index = match known {
            Some(index) => {
                if self.columns[index].len() < rows {
                    self.columns[index] = new_null_array(&data_type, rows);
                }
                index
            }
            None => {
                self.columns.push(new_null_array(&data_type, rows));
                self.columns.len() - 1
            }
        };
        self.columns[index].slice(0, rows)
    }
}
