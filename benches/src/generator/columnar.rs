//! Rows as Parquet, typed as Azure types them: numbers as decimals, the day of a
//! charge as an instant, other days as dates, the rest as text.
//!
//! In: rows of CSV, as the generator renders them for every format. Out: a Parquet
//! file compressed with snappy. Empty cells are NULL. Numbers of more than 18
//! decimals are rounded half to even, as a reader of the CSV does, so that the
//! totals told are those of the file. Never holds more than a row group.

use std::fs::File;
use std::io::BufWriter;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Builder, Decimal128Builder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use costlake_engine::model::date::parse_date;
use costlake_engine::model::money::{DECIMAL_PRECISION, DECIMAL_SCALE, parse_decimal};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

/// Rows handed to the Parquet library at a time.
const BATCH_ROWS: usize = 4_096;
/// Rows of a row group: a part of the usual size has several.
const ROW_GROUP_ROWS: usize = 32_768;
const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

const NUMBERS: [&str; 14] = [
    "effectivePrice",
    "quantity",
    "costInBillingCurrency",
    "costInPricingCurrency",
    "costInUsd",
    "paygCostInBillingCurrency",
    "paygCostInUsd",
    "exchangeRatePricingToBilling",
    "partnerEarnedCreditRate",
    "PayGPrice",
    "unitPrice",
    "TierMinimumUnits",
    "BasePrice",
    "MarketPrice",
];
const INSTANTS: [&str; 3] = ["date", "EffectiveStartDate", "EffectiveEndDate"];
const DAYS: [&str; 5] = [
    "billingPeriodEndDate",
    "billingPeriodStartDate",
    "servicePeriodEndDate",
    "servicePeriodStartDate",
    "exchangeRateDate",
];

/// A column under construction.
enum Column {
    Text(StringBuilder),
    Number(Decimal128Builder),
    Instant(TimestampMicrosecondBuilder),
    Day(Date32Builder),
}

impl Column {
    fn new(name: &str) -> Self {
        let is_one_of = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        if is_one_of(&NUMBERS) {
            let builder = Decimal128Builder::new()
                .with_precision_and_scale(DECIMAL_PRECISION, DECIMAL_SCALE)
                .expect("precision and scale of the lake are legal");
            Self::Number(builder)
        } else if is_one_of(&INSTANTS) {
            Self::Instant(TimestampMicrosecondBuilder::new().with_timezone("UTC"))
        } else if is_one_of(&DAYS) {
            Self::Day(Date32Builder::new())
        } else {
            Self::Text(StringBuilder::new())
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Text(_) => DataType::Utf8,
            Self::Number(_) => DataType::Decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
            Self::Instant(_) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Day(_) => DataType::Date32,
        }
    }

    fn push(&mut self, cell: &[u8]) {
        let some = (!cell.is_empty()).then_some(cell);
        let day = |cell| parse_date(cell).expect("days are written as dates");
        match self {
            Self::Text(texts) => {
                let text = |cell| std::str::from_utf8(cell).expect("cells are written as UTF-8");
                texts.append_option(some.map(text));
            }
            Self::Number(numbers) => {
                let number = |cell| parse_decimal(cell).expect("numbers are written as decimals");
                numbers.append_option(some.map(number));
            }
            Self::Instant(instants) => {
                instants.append_option(some.map(|cell| i64::from(day(cell)) * DAY_US));
            }
            Self::Day(days) => days.append_option(some.map(day)),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(texts) => Arc::new(texts.finish()),
            Self::Number(numbers) => Arc::new(numbers.finish()),
            Self::Instant(instants) => Arc::new(instants.finish()),
            Self::Day(days) => Arc::new(days.finish()),
        }
    }
}

/// A Parquet file being written.
pub(super) struct ParquetSink {
    writer: ArrowWriter<BufWriter<File>>,
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
    cell: Vec<u8>,
}

impl ParquetSink {
    /// A file with the named columns.
    pub(super) fn new(file: BufWriter<File>, names: &[String]) -> std::io::Result<Self> {
        let columns: Vec<Column> = names.iter().map(|name| Column::new(name)).collect();
        let fields = names.iter().zip(&columns);
        let fields = fields.map(|(name, column)| Field::new(name, column.data_type(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties));
        Ok(Self { writer: writer.map_err(io_error)?, schema, columns, rows: 0, cell: Vec::new() })
    }

    /// Adds a row of CSV, without line end.
    pub(super) fn push(&mut self, row: &[u8]) -> std::io::Result<()> {
        let mut rest = Some(row);
        for column in &mut self.columns {
            let row = rest.expect("a row has a cell per column");
            self.cell.clear();
            rest = take_cell(row, &mut self.cell);
            column.push(&self.cell);
        }
        debug_assert!(rest.is_none(), "a row has a column per cell");
        self.rows += 1;
        if self.rows == BATCH_ROWS { self.write_batch() } else { Ok(()) }
    }

    /// Completes the file.
    pub(super) fn finish(mut self) -> std::io::Result<BufWriter<File>> {
        if self.rows > 0 {
            self.write_batch()?;
        }
        self.writer.into_inner().map_err(io_error)
    }

    fn write_batch(&mut self) -> std::io::Result<()> {
        self.rows = 0;
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .expect("columns are built in the schema's order and types");
        self.writer.write(&batch).map_err(io_error)
    }
}

/// Appends what the first cell of a row says; returns the cells behind it.
fn take_cell<'a>(row: &'a [u8], cell: &mut Vec<u8>) -> Option<&'a [u8]> {
    let Some(mut quoted) = row.strip_prefix(b"\"") else {
        let end = row.iter().position(|byte| *byte == b',');
        cell.extend_from_slice(&row[..end.unwrap_or(row.len())]);
        return end.map(|end| &row[end + 1..]);
    };
    loop {
        let end = quoted.iter().position(|byte| *byte == b'"').expect("quotes are closed");
        cell.extend_from_slice(&quoted[..end]);
        match &quoted[end + 1..] {
            [b'"', rest @ ..] => {
                cell.push(b'"');
                quoted = rest;
            }
            [_, rest @ ..] => return Some(rest),
            [] => return None,
        }
    }
}

fn io_error(error: ParquetError) -> std::io::Error {
    std::io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_taken_as_a_reader_of_csv_takes_them() {
        for row in ["a,b", ",", "", "\"a,\"\"b\"\"\n\",c", "\"\",\"\"", "x,\"\"\"\""] {
            let mut cells = Vec::new();
            let mut rest = Some(row.as_bytes());
            while let Some(row) = rest {
                let mut cell = Vec::new();
                rest = take_cell(row, &mut cell);
                cells.push(String::from_utf8(cell).unwrap());
            }
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).from_reader(row.as_bytes());
            let expected = reader.records().next().map(Result::unwrap).unwrap_or_default();
            let expected: Vec<&str> = expected.iter().collect();
            assert_eq!(cells, if row.is_empty() { vec![""] } else { expected }, "{row:?}");
        }
    }
}
