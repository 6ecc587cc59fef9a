//! The table that rows are looked up in.
//!
//! Input: its rows and their keys, then batches whose rows look for theirs. Output: for
//! each batch the columns that were found, NULL where nothing was. Where no two rows of
//! the table have one hash, which is what a table of rates or names is like, a batch is
//! answered by whole columns; else candidate by candidate.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DynComparator, RecordBatch, UInt32Array,
    make_comparator, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::kernels::cmp::eq;
use arrow::compute::{
    SortOptions, and, concat_batches, prep_null_mask_filter, take, take_record_batch,
};
use arrow::datatypes::SchemaRef;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use datafusion::common::utils::memory::get_record_batch_memory_size;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_expr::PhysicalExpr;

use crate::slots::{Entry, Slots};

const RANDOM_STATE: RandomState = RandomState::with_seed(0);

/// No further row of the table has the hash.
const END: Entry = Entry::MAX;

/// Rows by their keys. Those with a NULL among their keys are not found.
pub(super) struct LookupTable {
    rows: RecordBatch,
    keys: Vec<ArrayRef>,
    slots: Slots,
    hashes: Vec<u64>,
    /// The next row of the same hash, by row; empty where no two have one.
    next: Vec<Entry>,
    /// Given back with the table.
    _reservation: MemoryReservation,
}

/// Rows that looked for theirs, with the columns that were found for them.
pub(super) type Found = (RecordBatch, Vec<ArrayRef>);

impl LookupTable {
    /// # Errors
    /// When memory does not suffice, or there are more rows than a `u32` counts.
    pub(super) fn new(
        schema: &SchemaRef,
        batches: Vec<RecordBatch>,
        keys: &[Arc<dyn PhysicalExpr>],
        reservation: MemoryReservation,
    ) -> Result<Self> {
        let count: usize = batches.iter().map(RecordBatch::num_rows).sum();
        if count >= END as usize {
            return Err(DataFusionError::ResourcesExhausted(format!(
                "{count} rows are more than a lookup join holds"
            )));
        }
        // Hashes, and slots at most half full; for a moment the rows are there twice.
        let index_bytes = count * (size_of::<u64>() * 5 + size_of::<Entry>());
        reservation.try_grow(reservation.size() + index_bytes)?;
        let rows = compacted(&concat_batches(schema, &batches)?)?;
        drop(batches);
        let keys = evaluated(keys, &rows)?;
        reservation.try_resize(get_record_batch_memory_size(&rows) + index_bytes)?;
        let hashes = hashes(&keys, count)?;
        let nulls = any_null(&keys);
        let mut table = Self {
            rows,
            keys,
            slots: Slots::new(),
            hashes,
            next: Vec::new(),
            _reservation: reservation,
        };
        for row in (0..count).filter(|row| is_valid(nulls.as_ref(), *row)) {
            table.insert(row as Entry);
        }
        Ok(table)
    }

    fn insert(&mut self, row: Entry) {
        let hashes = &self.hashes;
        let hash = hashes[row as usize];
        match self.slots.find(hash, |other| hashes[other as usize] == hash) {
            Err(at) => self.slots.fill(at, hash, row, |row| hashes[row as usize]),
            Ok(other) => {
                if self.next.is_empty() {
                    self.next = vec![END; hashes.len()];
                }
                // The entry in the slots stays the first of its hash.
                self.next[row as usize] = self.next[other as usize];
                self.next[other as usize] = row;
            }
        }
    }

    /// The first row with the hash.
    #[inline(always)]
    fn first(&self, hash: u64) -> Option<Entry> {
        self.slots.find(hash, |row| self.hashes[row as usize] == hash).ok()
    }

    /// Finds rows for those of a batch, whose keys are these. Batches have as many rows as
    /// the one that is asked for, or about `rows_max` where rows find several.
    pub(super) fn look_up(
        self: Arc<Self>,
        batch: RecordBatch,
        keys: &[Arc<dyn PhysicalExpr>],
        rows_max: usize,
    ) -> Result<impl Iterator<Item = Result<Found>> + Send + use<>> {
        let keys = evaluated(keys, &batch)?;
        let (one, several) = if self.next.is_empty() {
            let found = self.one_each(&keys, batch.num_rows())?;
            (Some(Ok((batch, self.values(&found)?))), None)
        } else {
            (None, Some(Several::new(self, batch, &keys, rows_max)?))
        };
        Ok(one.into_iter().chain(several.into_iter().flatten()))
    }

    /// The row of the table for each row of these keys, where no two have one hash.
    fn one_each(&self, keys: &[ArrayRef], count: usize) -> Result<UInt32Array> {
        let nulls = any_null(keys);
        let nothing = || UInt32Array::new_null(count);
        if self.rows.num_rows() == 0
            || nulls.as_ref().is_some_and(|nulls| nulls.null_count() == count)
        {
            return Ok(nothing());
        }
        let hashes = hashes(keys, count)?;
        let candidates: UInt32Array = (0..count)
            .map(|row| self.first(hashes[row]).filter(|_| is_valid(nulls.as_ref(), row)))
            .collect();
        if candidates.null_count() == count {
            return Ok(nothing());
        }
        let mut is_same: Option<BooleanArray> = None;
        for (key, of_table) in keys.iter().zip(&self.keys) {
            let same = eq(key, &take(of_table, &candidates, None)?)?;
            is_same = Some(match is_same {
                Some(before) => and(&before, &same)?,
                None => same,
            });
        }
        let Some(is_same) = is_same else { return Ok(candidates) };
        // Where there is no candidate the comparison gave NULL.
        let found = match is_same.null_count() {
            0 => is_same,
            _ => prep_null_mask_filter(&is_same),
        };
        let (_, rows, _) = candidates.into_parts();
        Ok(UInt32Array::new(rows, Some(NullBuffer::new(found.values().clone()))))
    }

    /// The columns of these rows.
    fn values(&self, found: &UInt32Array) -> Result<Vec<ArrayRef>> {
        let columns = self.rows.columns().iter();
        columns
            .map(|column| match found.null_count() == found.len() {
                true => Ok(new_null_array(column.data_type(), found.len())),
                false => Ok(take(column, found, None)?),
            })
            .collect()
    }
}

/// Rows that may find several each, a batch at a time.
struct Several {
    table: Arc<LookupTable>,
    batch: RecordBatch,
    /// A row of the table beside one of the batch.
    comparators: Vec<DynComparator>,
    hashes: Vec<u64>,
    nulls: Option<NullBuffer>,
    rows_max: usize,
    /// The row that looks.
    row: usize,
    /// The candidate it looks at next; `None` before the first.
    candidate: Option<Entry>,
    /// Whether the row found one already.
    has_found: bool,
}

impl Several {
    fn new(
        table: Arc<LookupTable>,
        batch: RecordBatch,
        keys: &[ArrayRef],
        rows_max: usize,
    ) -> Result<Self> {
        let compare = |(of_table, key): (&ArrayRef, &ArrayRef)| {
            make_comparator(of_table, key, SortOptions::default())
        };
        let comparators = table.keys.iter().zip(keys).map(compare).collect::<Result<_, _>>()?;
        Ok(Self {
            comparators,
            hashes: hashes(keys, batch.num_rows())?,
            nulls: any_null(keys),
            table,
            batch,
            rows_max,
            row: 0,
            candidate: None,
            has_found: false,
        })
    }

    /// What the row at hand finds next.
    fn next_match(&mut self) -> Option<Entry> {
        let row = self.row;
        let mut candidate = match self.candidate {
            Some(candidate) => candidate,
            None if is_valid(self.nulls.as_ref(), row) => {
                self.table.first(self.hashes[row]).unwrap_or(END)
            }
            None => END,
        };
        let mut found = None;
        while candidate != END && found.is_none() {
            let at = candidate as usize;
            let mut keys = self.comparators.iter();
            found = keys.all(|compare| compare(at, row) == Ordering::Equal).then_some(candidate);
            candidate = self.table.next[at];
        }
        self.candidate = Some(candidate);
        found
    }
}

impl Iterator for Several {
    type Item = Result<Found>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut rows, mut found) = (Vec::new(), Vec::new());
        while self.row < self.hashes.len() && rows.len() < self.rows_max {
            let next = self.next_match();
            if next.is_some() || !self.has_found {
                rows.push(self.row as u32);
                found.push(next);
            }
            self.has_found = next.is_some();
            if next.is_none() {
                self.row += 1;
                self.candidate = None;
            }
        }
        if rows.is_empty() {
            return None;
        }
        let batch = take_record_batch(&self.batch, &UInt32Array::from(rows));
        let joined = batch
            .map_err(DataFusionError::from)
            .and_then(|batch| Ok((batch, self.table.values(&UInt32Array::from(found))?)));
        Some(joined)
    }
}

/// The rows with only those texts behind them that they have: each batch that is made of
/// them holds on to all.
fn compacted(rows: &RecordBatch) -> Result<RecordBatch> {
    let columns = rows.columns().iter().map(|column| match column.as_string_view_opt() {
        Some(texts) => Arc::new(texts.gc()) as ArrayRef,
        None => Arc::clone(column),
    });
    Ok(RecordBatch::try_new(rows.schema(), columns.collect())?)
}

fn evaluated(keys: &[Arc<dyn PhysicalExpr>], batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
    keys.iter().map(|key| key.evaluate(batch)?.into_array(batch.num_rows())).collect()
}

fn hashes(keys: &[ArrayRef], count: usize) -> Result<Vec<u64>> {
    let mut hashes = vec![0; count];
    create_hashes(keys, &RANDOM_STATE, &mut hashes)?;
    Ok(hashes)
}

/// Valid where no key is NULL; `None` where none is anywhere.
fn any_null(keys: &[ArrayRef]) -> Option<NullBuffer> {
    keys.iter().fold(None, |nulls, key| NullBuffer::union(nulls.as_ref(), key.nulls()))
}

fn is_valid(nulls: Option<&NullBuffer>, row: usize) -> bool {
    nulls.is_none_or(|nulls| nulls.is_valid(row))
}
