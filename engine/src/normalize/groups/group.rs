//! The columns of one group, and the combinations of values that were seen.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::AsArray as _;

use super::column_at;
use crate::decode::FieldSpan;
use crate::model::ValueKind;
use crate::normalize::batch::BatchColumn;
use crate::normalize::convert::{ChunkCells, convert};
use crate::normalize::mapping::Mapping;
use crate::normalize::texts::{CodedTexts, TextCode, TextDictionary};
use crate::same::is_same;
use crate::slots::{Slots, hash_of_bytes};

/// Memory of a group, above which it begins anew: what is looked up should stay in the
/// processor's caches, and a file has some ten groups.
pub(in crate::normalize) const GROUP_BYTES_MAX: usize = 4 << 20;

/// Rows after which it is looked at whether a group still pays.
const WATCH_ROWS: usize = 16 << 10;

/// Columns side by side that are looked up at once.
#[derive(Debug)]
pub(in crate::normalize) struct Group {
    fields: RangeInclusive<usize>,
    columns: Vec<GroupColumn>,
    combinations: Combinations,
    /// Rows since it was last looked whether the group pays, and new combinations among them.
    rows: usize,
    new_rows: usize,
    pays: bool,
    bytes_max: usize,
    spans: Vec<FieldSpan>,
}

#[derive(Debug)]
struct GroupColumn {
    /// Position in the canonical schema.
    column: usize,
    field: usize,
    kind: ValueKind,
    dictionary: Arc<TextDictionary>,
}

impl Group {
    /// All of the fields are of text columns that are kept.
    pub(super) fn new(fields: RangeInclusive<usize>, mapping: &Mapping, bytes_max: usize) -> Self {
        let columns = fields.clone().map(|field| {
            let (column, kind) = column_at(mapping, field).expect("groups are of kept columns");
            GroupColumn { column, field, kind, dictionary: Arc::new(TextDictionary::new()) }
        });
        Self {
            columns: columns.collect(),
            fields,
            combinations: Combinations::new(),
            rows: 0,
            new_rows: 0,
            pays: true,
            bytes_max,
            spans: Vec::new(),
        }
    }

    /// Whether most rows have been seen before.
    pub(super) fn pays(&self) -> bool {
        self.pays
    }

    /// Converts all columns of the group, or none if a cell cannot be read.
    pub(super) fn convert(&mut self, cells: &ChunkCells<'_>, columns: &mut [Option<BatchColumn>]) {
        if self.size_bytes() > self.bytes_max {
            self.begin_anew();
        }
        let known = self.combinations.len();
        let ChunkCells { chunk, rows, field_count, .. } = *cells;
        chunk.column_spans(rows, field_count, self.fields.clone(), &mut self.spans);
        let (codes, new_rows) = self.combinations.codes(cells, &self.spans);
        if !new_rows.is_empty() && !self.read_new(cells, &new_rows) {
            self.combinations.truncate(known);
            return;
        }
        self.watch(rows.len(), new_rows.len());
        let codes: Arc<[TextCode]> = codes.into();
        for GroupColumn { column, dictionary, .. } in &self.columns {
            let texts = CodedTexts::new(Arc::clone(&codes), Arc::clone(dictionary));
            columns[*column] = Some(BatchColumn::Coded(texts));
        }
    }

    /// Reads the cells of new combinations into the dictionaries; `false` and nothing if one
    /// cannot be read.
    fn read_new(&mut self, cells: &ChunkCells<'_>, new_rows: &[u32]) -> bool {
        let records: Vec<u32> = new_rows.iter().map(|row| cells.rows[*row as usize]).collect();
        let mut faults = Vec::new();
        let read: Vec<_> = self
            .columns
            .iter()
            .map(|GroupColumn { column, field, kind, .. }| {
                let span = *field..=*field;
                cells.chunk.column_spans(&records, cells.field_count, span, &mut self.spans);
                convert(*kind, &cells.of_column(*column, &self.spans), &mut faults)
            })
            .collect();
        if faults.is_empty() {
            for (column, texts) in self.columns.iter_mut().zip(&read) {
                // Copies the dictionary only while a batch before is still held.
                Arc::make_mut(&mut column.dictionary).extend(texts.as_string_view());
            }
        }
        faults.is_empty()
    }

    /// Memory in use, here and by whoever translates the codes.
    fn size_bytes(&self) -> usize {
        let dictionaries = self.columns.iter().map(|column| column.dictionary.size_bytes());
        self.combinations.size_bytes() + dictionaries.sum::<usize>()
    }

    fn watch(&mut self, rows: usize, new_rows: usize) {
        self.rows += rows;
        self.new_rows += new_rows;
        if self.rows >= WATCH_ROWS {
            self.pays = self.new_rows * 2 <= self.rows;
            (self.rows, self.new_rows) = (0, 0);
        }
    }

    fn begin_anew(&mut self) {
        self.combinations = Combinations::new();
        for column in &mut self.columns {
            column.dictionary = Arc::new(TextDictionary::new());
        }
    }
}

/// Distinct stretches of bytes, by code.
#[derive(Debug)]
struct Combinations {
    slots: Slots,
    hashes: Vec<u64>,
    bytes: Vec<u8>,
    /// Where each ends in `bytes`.
    ends: Vec<u32>,
}

impl Combinations {
    fn new() -> Self {
        let (hashes, bytes, ends) = Default::default();
        Self { slots: Slots::new(), hashes, bytes, ends }
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn size_bytes(&self) -> usize {
        // Slots are at most half full.
        const BYTES_EACH: usize = size_of::<u64>() + size_of::<u32>() + 4 * size_of::<u64>();
        self.bytes.len() + self.len() * BYTES_EACH
    }

    fn start(&self, code: TextCode) -> usize {
        if code == 0 { 0 } else { self.ends[code as usize - 1] as usize }
    }

    fn get(&self, code: TextCode) -> &[u8] {
        &self.bytes[self.start(code)..self.ends[code as usize] as usize]
    }

    /// The code of each row, and the rows that are the first of theirs.
    fn codes(&mut self, cells: &ChunkCells<'_>, spans: &[FieldSpan]) -> (Vec<TextCode>, Vec<u32>) {
        let mut codes = Vec::with_capacity(spans.len());
        let mut new_rows = Vec::new();
        let mut last: Option<(&[u8], TextCode)> = None;
        for (row, span) in spans.iter().enumerate() {
            let raw = cells.bytes(*span);
            let code = match last {
                Some((last_raw, code)) if is_same(raw, last_raw) => code,
                _ => {
                    let (code, is_new) = self.code(raw);
                    if is_new {
                        new_rows.push(row as u32);
                    }
                    code
                }
            };
            last = Some((raw, code));
            codes.push(code);
        }
        (codes, new_rows)
    }

    #[inline(always)]
    fn code(&mut self, raw: &[u8]) -> (TextCode, bool) {
        let hash = hash_of_bytes(raw);
        match self.slots.find(hash, |code| self.get(code) == raw) {
            Ok(code) => (code, false),
            Err(at) => (self.add(at, hash, raw), true),
        }
    }

    #[cold]
    fn add(&mut self, at: usize, hash: u64, raw: &[u8]) -> TextCode {
        let code = self.len() as TextCode;
        self.bytes.extend_from_slice(raw);
        self.ends.push(self.bytes.len() as u32);
        self.hashes.push(hash);
        let hashes = &self.hashes;
        self.slots.fill(at, hash, code, |code| hashes[code as usize]);
        code
    }

    /// Forgets all but the first so many.
    fn truncate(&mut self, length: usize) {
        self.bytes.truncate(self.start(length as TextCode));
        self.ends.truncate(length);
        self.hashes.truncate(length);
        self.slots = Slots::new();
        let hashes = &self.hashes;
        for (code, hash) in hashes.iter().enumerate() {
            // All are distinct: what is looked for is a free place.
            if let Err(at) = self.slots.find(*hash, |_| false) {
                self.slots.fill(at, *hash, code as TextCode, |code| hashes[code as usize]);
            }
        }
    }
}
