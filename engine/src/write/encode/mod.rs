//! Rows in, Parquet out: pages are encoded straight from a batch's columns.
//!
//! In: columns of rows. Out: a Parquet file, read by every engine: data pages of
//! version 1, dictionaries, zstd, a page index. Each column has an encoder of its
//! kind, which keeps its dictionary from one row group to the next, and finds out
//! by the first rows of a row group whether a dictionary pays. Never looks at two
//! columns at once, never changes a value.
//!
//! The general writer of the `parquet` crate is the plain twin that the tests
//! compare with. It compares every value with the minimum and maximum so far and
//! looks every row up anew; here that happens once per distinct value and page.

mod chunk;
mod coded;
mod flags;
mod hybrid;
mod levels;
mod numbers;
mod page;
mod pool;
mod texts;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::sync::Arc;

use arrow::array::AsArray as _;
use arrow::datatypes::{Date32Type, Decimal128Type, Int32Type};
use parquet::arrow::ArrowSchemaConverter;
use parquet::errors::Result;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnDescPtr;

use self::chunk::Zstd;
use self::flags::FlagEncoder;
use self::numbers::NumberEncoder;
use self::texts::TextEncoder;
use super::parquet::{
    PAGE_BYTES_TARGET, PAGE_ROWS_MAX, ROW_GROUP_ROWS_MAX, has_statistics, writer_properties,
};
use crate::model::{ColumnSet, ValueKind};
use crate::normalize::BatchColumn;

/// One file of one partition.
pub(super) struct FileEncoder<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<ColumnEncoder>,
    /// Rows of the row group at hand.
    rows: usize,
    row_group_rows_max: usize,
    zstd: Zstd,
}

/// The encoder of a column's kind.
enum ColumnEncoder {
    Text(Box<TextEncoder>),
    Number(Box<NumberEncoder>),
    Flag(Box<FlagEncoder>),
}

impl<W: Write + Send> FileEncoder<W> {
    /// Begins a file.
    pub(super) fn new(out: W, column_set: &ColumnSet) -> Result<Self> {
        Self::with_row_groups(out, column_set, ROW_GROUP_ROWS_MAX)
    }

    /// As [`Self::new`], with row groups of another size.
    fn with_row_groups(out: W, column_set: &ColumnSet, row_group_rows_max: usize) -> Result<Self> {
        let schema = ArrowSchemaConverter::new().convert(&column_set.file_schema())?;
        let columns = column_set.columns.iter().zip(schema.columns());
        let columns = columns
            .map(|(column, descriptor)| {
                let has_statistics = has_statistics(column.name);
                ColumnEncoder::new(column.kind, Arc::clone(descriptor), has_statistics)
            })
            .collect();
        let properties = Arc::new(writer_properties(column_set.columns));
        let writer = SerializedFileWriter::new(out, schema.root_schema_ptr(), properties)?;
        Ok(Self { writer, columns, rows: 0, row_group_rows_max, zstd: Zstd::new()? })
    }

    /// Appends rows: a column each, as [`view_schema`](crate::normalize::view_schema)
    /// has them.
    pub(super) fn write(&mut self, columns: &[BatchColumn]) -> Result<()> {
        let rows_given = columns.first().map_or(0, BatchColumn::len);
        let mut from = 0;
        while from < rows_given {
            let rows = (rows_given - from).min(self.row_group_rows_max - self.rows);
            for (encoder, column) in self.columns.iter_mut().zip(columns) {
                encoder.push(column, from, rows, &mut self.zstd)?;
            }
            self.rows += rows;
            from += rows;
            if self.rows == self.row_group_rows_max {
                self.close_row_group()?;
            }
        }
        Ok(())
    }

    /// Bytes handed on: those of closed row groups.
    pub(super) fn bytes_written(&self) -> usize {
        self.writer.bytes_written()
    }

    /// Ends the file; returns its footer.
    pub(super) fn finish(&mut self) -> Result<ParquetMetaData> {
        if self.rows > 0 {
            self.close_row_group()?;
        }
        self.writer.finish()
    }

    /// Where the bytes go.
    pub(super) fn inner_mut(&mut self) -> &mut W {
        self.writer.inner_mut()
    }

    fn close_row_group(&mut self) -> Result<()> {
        let mut row_group = self.writer.next_row_group()?;
        for encoder in &mut self.columns {
            let (bytes, close) = encoder.finish(&mut self.zstd)?;
            row_group.append_column(&bytes, close)?;
        }
        row_group.close()?;
        self.rows = 0;
        Ok(())
    }
}

impl ColumnEncoder {
    fn new(kind: ValueKind, descriptor: ColumnDescPtr, has_statistics: bool) -> Self {
        match kind {
            ValueKind::Text | ValueKind::LowercaseText => {
                Self::Text(Box::new(TextEncoder::new(descriptor, has_statistics)))
            }
            ValueKind::Decimal | ValueKind::Rate | ValueKind::Date | ValueKind::Integer => {
                Self::Number(Box::new(NumberEncoder::new(descriptor)))
            }
            ValueKind::Boolean => Self::Flag(Box::new(FlagEncoder::new(descriptor))),
        }
    }

    fn push(
        &mut self,
        column: &BatchColumn,
        from: usize,
        rows: usize,
        zstd: &mut Zstd,
    ) -> Result<()> {
        match (self, column) {
            (Self::Text(encoder), BatchColumn::Coded(texts)) => {
                encoder.push_coded(texts, from, rows, zstd)
            }
            (Self::Text(encoder), BatchColumn::Array(texts)) => {
                encoder.push(texts.as_string_view(), from, rows, zstd)
            }
            (Self::Number(encoder), BatchColumn::Array(numbers)) => {
                match numbers.as_primitive_opt::<Decimal128Type>() {
                    Some(decimals) => encoder.push(decimals, from, rows, zstd),
                    None => match numbers.as_primitive_opt::<Date32Type>() {
                        Some(days) => encoder.push(days, from, rows, zstd),
                        None => encoder.push(numbers.as_primitive::<Int32Type>(), from, rows, zstd),
                    },
                }
            }
            (Self::Flag(encoder), BatchColumn::Array(flags)) => {
                encoder.push(flags.as_boolean(), from, rows, zstd)
            }
            (Self::Number(_) | Self::Flag(_), BatchColumn::Coded(_)) => {
                unreachable!("codes stand for texts")
            }
        }
    }

    fn finish(&mut self, zstd: &mut Zstd) -> Result<chunk::Finished> {
        match self {
            Self::Text(encoder) => encoder.finish(zstd),
            Self::Number(encoder) => encoder.finish(zstd),
            Self::Flag(encoder) => encoder.finish(zstd),
        }
    }
}
