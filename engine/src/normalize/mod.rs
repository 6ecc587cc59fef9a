//! Record chunks in, typed batches and rejected rows out.
//!
//! [`resolve`] looks at a file's header once and says which dataset it is and
//! where each canonical column stands; a [`Normalizer`] then turns every
//! chunk into a [`RowBatch`] in the order of its [`ColumnSet`], with control
//! totals and the rows it could not read. A bad row is data, never an error, and
//! never vanishes. Never does IO, never drops a row in silence, never rounds
//! except beyond 18 decimals.
//!
//! Work goes column by column within a chunk: slice, then convert. A chunk
//! with a bad cell is converted again without the bad rows, so that the loops
//! over good cells need not step around holes.

mod batch;
mod convert;
mod day_totals;
mod groups;
mod mapping;
mod reject;
mod texts;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;

use crate::decode::{FieldSpan, RecordChunk};
use crate::error::{ErrorClass, Fault, Location};
use crate::model::totals::TotalOverflow;
use crate::model::{BillingMonth, ColumnSet, ControlTotals, CurrencyTotals, DatasetType};

pub use batch::{BatchColumn, RowBatch, view_schema};
pub use day_totals::{DayTotal, DayTotals, SCOPE_COLUMNS};
pub use mapping::{Agreement, Mapping, ScopeColumns, resolve, supported};
pub use reject::{RAW_TEXT_BYTES_MAX, RejectedRow};
pub use texts::{CodedTexts, TextCode, TextDictionary, Texts};

use batch::AbsentColumns;
use convert::{CellFault, ChunkCells};
use groups::{GROUP_BYTES_MAX, Groups};
use mapping::called;

/// A file whose rows cannot be normalized.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NormalizeError {
    /// The file is another dataset.
    #[error("this is not a {}: it is {found} (column {mark})", called(*.wanted))]
    OtherDataset {
        /// What it was taken for.
        wanted: DatasetType,
        /// What it is.
        found: &'static str,
        /// The column that gives it away, as the file spells it.
        mark: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// Hardly any column of such an export is there.
    #[error("this is not a {}: of the columns that every one has, {} are missing", called(*.wanted), .missing.join(", "))]
    Unrecognized {
        /// What it was taken for.
        wanted: DatasetType,
        /// Azure's names of the missing columns.
        missing: Vec<&'static str>,
    },
    /// Columns that answers depend on are missing.
    #[error("the {dataset} file lacks {}", .missing.join(", "))]
    MissingColumns {
        /// Dataset and version the file was taken for.
        dataset: String,
        /// Azure's names of the missing columns.
        missing: Vec<&'static str>,
    },
    /// A sum of a chunk left the range of the money type.
    #[error(transparent)]
    TotalOverflow(#[from] TotalOverflow),
}

impl Fault for NormalizeError {
    fn class(&self) -> ErrorClass {
        ErrorClass::BadInput
    }

    fn location(&self) -> Option<Location> {
        let column = match self {
            Self::OtherDataset { mark, .. } => Some(mark.clone()),
            Self::MissingColumns { missing, .. } => missing.first().map(ToString::to_string),
            Self::Unrecognized { .. } | Self::TotalOverflow(_) => return None,
        };
        Some(Location { line: Some(1), column, ..Location::default() })
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::OtherDataset { hint, .. } => Some((*hint).to_owned()),
            Self::Unrecognized { wanted, .. } => Some(format!("expected {}", supported(*wanted))),
            Self::MissingColumns { .. } => Some(
                "export all columns: leave dataSet.configuration.columns of the export empty"
                    .to_owned(),
            ),
            Self::TotalOverflow(_) => None,
        }
    }
}

/// How rows are normalized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NormalizeOptions {
    /// The month the file is loaded as; rows of other days are counted.
    pub month: Option<BillingMonth>,
    /// Longest raw text of a rejected row; see [`RAW_TEXT_BYTES_MAX`].
    pub rejected_raw_text_bytes_max: usize,
    /// Memory of a group of columns that are looked up at once; other values than the
    /// default are for tests.
    pub group_bytes_max: usize,
}

impl Default for NormalizeOptions {
    fn default() -> Self {
        Self {
            month: None,
            rejected_raw_text_bytes_max: RAW_TEXT_BYTES_MAX,
            group_bytes_max: GROUP_BYTES_MAX,
        }
    }
}

/// What became of one chunk.
#[derive(Clone, Debug)]
pub struct Normalized {
    /// The good rows, in the file's order.
    pub batch: RowBatch,
    /// The bad rows, in the file's order.
    pub rejected: Vec<RejectedRow>,
    /// Totals of the good rows.
    pub totals: ControlTotals,
    /// Good rows whose `date` lies outside the month; 0 without a month.
    pub rows_outside_month: u64,
}

/// Turns the chunks of one file into batches.
#[derive(Debug)]
pub struct Normalizer {
    mapping: Arc<Mapping>,
    schema: SchemaRef,
    options: NormalizeOptions,
    absent: AbsentColumns,
    groups: Groups,
    /// Records of the chunk at hand that are kept.
    rows: Vec<u32>,
    spans: Vec<FieldSpan>,
}

impl Normalizer {
    /// A normalizer for a file with this mapping.
    pub fn new(mapping: Arc<Mapping>, options: NormalizeOptions) -> Self {
        let schema = view_schema(mapping.column_set());
        let absent = AbsentColumns::default();
        let groups = Groups::of(&mapping, options.group_bytes_max);
        let (rows, spans) = Default::default();
        Self { mapping, schema, options, absent, groups, rows, spans }
    }

    /// The mapping given to [`Self::new`].
    pub fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    /// Converts the records of a chunk. The header must not be among them.
    ///
    /// # Errors
    /// [`NormalizeError::TotalOverflow`] only; bad rows are returned.
    pub fn normalize(&mut self, chunk: &RecordChunk) -> Result<Normalized, NormalizeError> {
        let mut rejections = self.choose_rows(chunk);
        let mut faults = Vec::new();
        let mut columns = self.convert(chunk, &mut faults);
        if !faults.is_empty() {
            self.reject_faults(faults, &mut rejections);
            let mut none = Vec::new();
            columns = self.convert(chunk, &mut none);
            debug_assert!(none.is_empty(), "the rows that are left were converted before");
        }
        let column_set = self.mapping.column_set();
        let batch = RowBatch::new(column_set, Arc::clone(&self.schema), self.rows.len(), columns);
        let mut lines = chunk.line_counter();
        let raw_text_bytes_max = self.options.rejected_raw_text_bytes_max;
        let rejected = rejections.into_iter().map(|(record, rejection)| {
            let Rejection { column, reason } = rejection;
            let column = column.map(|column| self.mapping.file_name(column).to_owned());
            let record = record as usize;
            let line = lines.line(record);
            RejectedRow::new(chunk.record(record), line, column, reason, raw_text_bytes_max)
        });
        Ok(Normalized {
            rejected: rejected.collect(),
            totals: control_totals(column_set, &batch)?,
            rows_outside_month: self.rows_outside_month(&batch),
            batch,
        })
    }

    /// Keeps the records with as many fields as the header; the others are
    /// the first rejections.
    fn choose_rows(&mut self, chunk: &RecordChunk) -> BTreeMap<u32, Rejection> {
        let expected = self.mapping.field_count();
        let records = 0..chunk.len() as u32;
        self.rows.clear();
        if chunk.uniform_field_count() == Some(expected) {
            self.rows.extend(records);
            return BTreeMap::new();
        }
        let mut rejections = BTreeMap::new();
        for record in records {
            let found = chunk.field_count(record as usize);
            if found == expected {
                self.rows.push(record);
            } else {
                let reason = format!("expected {expected} fields, found {found}");
                rejections.insert(record, Rejection { column: None, reason });
            }
        }
        rejections
    }

    /// Moves rows with faults from the kept ones to the rejections; of
    /// several faults in a row the first column's counts.
    fn reject_faults(&mut self, faults: Vec<CellFault>, rejections: &mut BTreeMap<u32, Rejection>) {
        for CellFault { row, column, reason } in faults {
            rejections.entry(self.rows[row]).or_insert(Rejection { column: Some(column), reason });
        }
        self.rows.retain(|record| !rejections.contains_key(record));
    }

    fn convert(&mut self, chunk: &RecordChunk, faults: &mut Vec<CellFault>) -> Vec<BatchColumn> {
        let Self { mapping, absent, groups, rows, spans, .. } = self;
        let (field_count, column_set) = (mapping.field_count(), mapping.column_set());
        let buffer = Buffer::from(chunk.bytes().clone());
        let cells = ChunkCells::new(chunk, &buffer, rows, field_count, column_set);
        let mut grouped = vec![None; column_set.columns.len()];
        groups.convert(&cells, mapping, &mut grouped);
        let columns = grouped.into_iter().zip(column_set.columns).enumerate();
        let columns = columns.map(|(index, (grouped, column))| match mapping.field(index) {
            _ if let Some(column) = grouped => column,
            Some(field) => {
                chunk.column_spans(rows, field_count, field..=field, spans);
                let cells = cells.of_column(index, spans);
                BatchColumn::Array(convert::convert(column.kind, &cells, faults))
            }
            None => BatchColumn::Array(absent.column(column.kind, rows.len())),
        });
        columns.collect()
    }

    fn rows_outside_month(&self, batch: &RowBatch) -> u64 {
        let Some(month) = self.options.month else { return 0 };
        let Some(day) = self.mapping.column_set().day else { return 0 };
        let (first, last) = (month.first_day(), month.last_day());
        let days = batch.dates(day).values();
        days.iter().filter(|day| !(first..=last).contains(*day)).count() as u64
    }
}

struct Rejection {
    column: Option<usize>,
    reason: String,
}

/// Rows and sums per currency. Rows of one currency mostly stand together: each run
/// is summed on its own, then added to its currency.
fn control_totals(
    column_set: &ColumnSet,
    batch: &RowBatch,
) -> Result<ControlTotals, TotalOverflow> {
    let mut totals = ControlTotals::default();
    let Some(currency) = column_set.currency else {
        let rows = batch.num_rows() as u64;
        totals.add("", &CurrencyTotals { rows, ..CurrencyTotals::default() })?;
        return Ok(totals);
    };
    let currencies = batch.texts(currency);
    let summed = column_set.totals.map(|columns| columns.map(|column| batch.decimals(column)));
    let mut start = 0;
    while start < batch.num_rows() {
        let same = |row: &usize| currencies.is_same(*row, start);
        let end = (start..batch.num_rows()).take_while(same).last().map_or(start, |row| row) + 1;
        let sum = |column: usize| {
            let Some(columns) = &summed else { return Ok(0) };
            // A NULL's raw value is 0: it counts as nothing.
            let values = &columns[column].values()[start..end];
            values.iter().try_fold(0i128, |sum, value| sum.checked_add(*value)).ok_or(TotalOverflow)
        };
        let run = CurrencyTotals {
            rows: (end - start) as u64,
            cost_in_billing_currency: sum(0)?,
            payg_cost_in_billing_currency: sum(1)?,
            cost_in_usd: sum(2)?,
        };
        totals.add(currencies.get(start).unwrap_or_default(), &run)?;
        start = end;
    }
    Ok(totals)
}

/// Position of a canonical column that code names.
fn known_column(column_set: &ColumnSet, name: &str) -> usize {
    column_set.position(name).expect("code names columns of the canonical schema only")
}

#[cfg(test)]
mod tests;
