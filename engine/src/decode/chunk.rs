//! Whole records with their structure: what the splitter hands on.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use bytes::Bytes;
use memchr::memchr_iter;

use super::scan::RecordStart;

/// A run of whole records of one blob, with the place of every field.
///
/// Owns its bytes in a shareable buffer, so that arrays can point into it
/// without a copy. Records may have differing numbers of fields.
#[derive(Clone)]
pub struct RecordChunk {
    bytes: Bytes,
    /// Position of the separator (or line end, or end of input) that ends
    /// each field, all records in a row.
    ends: Vec<u32>,
    /// Where each record begins; one more entry marks the end.
    records: Vec<RecordStart>,
    origin: Origin,
    first_line: u64,
    is_ascii: bool,
}

/// What the bytes of a chunk are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// A stretch of the file, from this offset: line feeds count its lines.
    Text { byte_offset: u64 },
    /// Rows of a file that is not text, rendered: each row is one line, and
    /// none has a place in bytes.
    Rows,
}

/// Where a field stands in [`RecordChunk::bytes`], quotes included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldSpan {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl RecordChunk {
    /// `records` has one entry more than there are records; `is_ascii` is whether all
    /// of their bytes are known to be.
    pub(super) fn new(
        bytes: Bytes,
        ends: Vec<u32>,
        records: Vec<RecordStart>,
        byte_offset: u64,
        first_line: u64,
        is_ascii: bool,
    ) -> Self {
        debug_assert!(records.len() > 1, "a chunk holds at least one record");
        debug_assert_eq!(records.last().map(|end| end.field as usize), Some(ends.len()));
        Self { bytes, ends, records, origin: Origin::Text { byte_offset }, first_line, is_ascii }
    }

    /// As [`Self::new`], of rows that were rendered: the first is line
    /// `first_line` of its file, each further one the next line, whatever line
    /// feeds stand in its cells.
    pub(super) fn of_rows(
        bytes: Bytes,
        ends: Vec<u32>,
        records: Vec<RecordStart>,
        first_line: u64,
    ) -> Self {
        Self { origin: Origin::Rows, ..Self::new(bytes, ends, records, 0, first_line, false) }
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.records.len() - 1
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text of the records, blank lines between them included. The first
    /// record need not begin at 0.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Offset of [`Self::bytes`] in the uncompressed blob; `None` of rows that
    /// were rendered.
    pub fn byte_offset(&self) -> Option<u64> {
        match self.origin {
            Origin::Text { byte_offset } => Some(byte_offset),
            Origin::Rows => None,
        }
    }

    /// Whether every field is valid UTF-8. As far as the splitter has not seen that all
    /// is ASCII, the bytes are looked at.
    pub fn is_utf8(&self) -> bool {
        self.is_ascii || simdutf8::basic::from_utf8(&self.bytes).is_ok()
    }

    /// Line, from 1, on which [`Self::bytes`] begins.
    pub fn first_line(&self) -> u64 {
        self.first_line
    }

    /// The `index`-th record.
    ///
    /// # Panics
    /// When there is no such record.
    pub fn record(&self, index: usize) -> RecordRef<'_> {
        assert!(index < self.len(), "record {index} of {}", self.len());
        RecordRef { chunk: self, index }
    }

    /// All records in order.
    pub fn records(&self) -> impl ExactSizeIterator<Item = RecordRef<'_>> {
        (0..self.len()).map(|index| RecordRef { chunk: self, index })
    }

    /// Number of fields of the `index`-th record.
    pub fn field_count(&self, index: usize) -> usize {
        (self.records[index + 1].field - self.records[index].field) as usize
    }

    /// Number of fields of every record, if all have the same.
    pub fn uniform_field_count(&self) -> Option<usize> {
        let first = self.records[1].field - self.records[0].field;
        let uniform = self.records.windows(2).all(|pair| pair[1].field - pair[0].field == first);
        uniform.then_some(first as usize)
    }

    /// Takes the first record off.
    pub fn drop_first_record(&mut self) {
        self.records.remove(0);
    }

    /// Where adjacent fields of each record in `rows` stand, from the first one's
    /// beginning to the last one's end. Every one of these records has exactly
    /// `field_count` fields, `fields` among them.
    pub fn column_spans(
        &self,
        rows: &[u32],
        field_count: usize,
        fields: RangeInclusive<usize>,
        spans: &mut Vec<FieldSpan>,
    ) {
        debug_assert!(rows.iter().all(|row| self.field_count(*row as usize) == field_count));
        let (first, last) = fields.into_inner();
        spans.clear();
        if first == 0 {
            spans.extend(rows.iter().map(|row| {
                let record = self.records[*row as usize];
                FieldSpan { start: record.byte, end: self.ends[record.field as usize + last] }
            }));
        } else {
            spans.extend(rows.iter().map(|row| {
                let at = self.records[*row as usize].field as usize;
                FieldSpan { start: self.ends[at + first - 1] + 1, end: self.ends[at + last] }
            }));
        }
        if last + 1 == field_count {
            spans.iter_mut().for_each(|span| self.cut_carriage_return(span));
        }
    }

    /// A cursor that tells lines of records asked for in ascending order.
    pub fn line_counter(&self) -> LineCounter<'_> {
        LineCounter { chunk: self, byte: 0, line: self.first_line }
    }

    fn span(&self, record: usize, field: usize) -> FieldSpan {
        let start = self.records[record];
        let at = start.field as usize + field;
        let begin = if field == 0 { start.byte } else { self.ends[at - 1] + 1 };
        let mut span = FieldSpan { start: begin, end: self.ends[at] };
        if at + 1 == self.records[record + 1].field as usize {
            self.cut_carriage_return(&mut span);
        }
        span
    }

    /// The last field of a record ends before the line end, which may have
    /// two bytes.
    fn cut_carriage_return(&self, span: &mut FieldSpan) {
        if span.end > span.start && self.bytes[span.end as usize - 1] == b'\r' {
            span.end -= 1;
        }
    }
}

impl fmt::Debug for RecordChunk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RecordChunk")
            .field("records", &self.len())
            .field("bytes", &self.bytes.len())
            .field("origin", &self.origin)
            .field("first_line", &self.first_line)
            .finish_non_exhaustive()
    }
}

/// One record of a chunk.
#[derive(Clone, Copy, Debug)]
pub struct RecordRef<'a> {
    chunk: &'a RecordChunk,
    index: usize,
}

impl<'a> RecordRef<'a> {
    /// Number of fields, at least 1.
    pub fn field_count(&self) -> usize {
        self.chunk.field_count(self.index)
    }

    /// The `field`-th field.
    ///
    /// # Panics
    /// When there is no such field.
    pub fn field(&self, field: usize) -> FieldRef<'a> {
        assert!(field < self.field_count(), "field {field} of {}", self.field_count());
        let span = self.chunk.span(self.index, field);
        FieldRef { raw: &self.chunk.bytes[span.start as usize..span.end as usize] }
    }

    /// All fields in order.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = FieldRef<'a>> + use<'a> {
        let record = *self;
        (0..self.field_count()).map(move |field| record.field(field))
    }

    /// The text of the record without its line end.
    pub fn raw(&self) -> &'a [u8] {
        let last = self.chunk.span(self.index, self.field_count() - 1);
        &self.chunk.bytes[self.start()..last.end as usize]
    }

    /// Offset in the uncompressed blob; `None` of a row that was rendered.
    pub fn byte_offset(&self) -> Option<u64> {
        self.chunk.byte_offset().map(|byte_offset| byte_offset + self.start() as u64)
    }

    /// Line the record begins on, from 1. Counts line feeds from the start of
    /// the chunk: for many records use [`RecordChunk::line_counter`].
    pub fn line(&self) -> u64 {
        self.chunk.line_counter().line(self.index)
    }

    fn start(&self) -> usize {
        self.chunk.records[self.index].byte as usize
    }
}

/// One field as it stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldRef<'a> {
    raw: &'a [u8],
}

impl<'a> FieldRef<'a> {
    /// The bytes in the file, quotes included.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether the field begins with a quote.
    pub fn is_quoted(&self) -> bool {
        self.raw.first() == Some(&b'"')
    }

    /// What the field says: quotes taken off, doubled quotes made single.
    pub fn text(&self) -> Cow<'a, [u8]> {
        if !self.is_quoted() {
            return Cow::Borrowed(self.raw);
        }
        let mut text = Vec::with_capacity(self.raw.len());
        unescape(self.raw, &mut text);
        Cow::Owned(text)
    }
}

/// Appends what a quoted field says to `text`. `raw` begins with a quote;
/// what stands behind the closing quote is taken as it is.
pub fn unescape(raw: &[u8], text: &mut Vec<u8>) {
    debug_assert_eq!(raw.first(), Some(&b'"'));
    let mut rest = &raw[1..];
    while let Some(quote) = memchr::memchr(b'"', rest) {
        text.extend_from_slice(&rest[..quote]);
        rest = &rest[quote + 1..];
        if rest.first() != Some(&b'"') {
            break;
        }
        text.push(b'"');
        rest = &rest[1..];
    }
    text.extend_from_slice(rest);
}

/// Tells the lines of records, counting each line feed once.
#[derive(Clone, Debug)]
pub struct LineCounter<'a> {
    chunk: &'a RecordChunk,
    byte: usize,
    line: u64,
}

impl LineCounter<'_> {
    /// Line the `record`-th record begins on, from 1.
    ///
    /// # Panics
    /// When an earlier call named a later record.
    pub fn line(&mut self, record: usize) -> u64 {
        if self.chunk.origin == Origin::Rows {
            return self.chunk.first_line + record as u64;
        }
        let start = self.chunk.records[record].byte as usize;
        self.line += memchr_iter(b'\n', &self.chunk.bytes[self.byte..start]).count() as u64;
        self.byte = start;
        self.line
    }
}
