//! The rows of one Parquet blob, read from its end backwards and then by row groups.
//!
//! In: a [`BlobReader`]. Out: the names of the columns, then batches of the columns
//! that are kept, in the file's order. Every range is read under the listed ETag,
//! and after the last one the blob is looked at once more. Never knows what a
//! column means, never renders a value.
//!
//! Requests are of at most [`RANGE_SIZE_BYTES`], however large a column chunk is;
//! chunks that lie together are read together. In memory are one row group as
//! stored and the pages being decoded: row groups above [`ROW_GROUP_BYTES_MAX`] or
//! [`ROW_GROUP_PLAIN_BYTES_MAX`] are refused. The file's own claims are checked
//! before anything is asked for on their strength. Bytes are decoded on the calling
//! thread; the runtime's threads do IO only.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Once};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use parquet::DecodeResult;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::push_decoder::{ParquetPushDecoder, ParquetPushDecoderBuilder};
use parquet::basic::Type as PhysicalType;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, FooterTail, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use tokio::runtime::Handle;

use crate::decode::can_render;
use crate::error::{ErrorClass, Fault, Location};
use crate::source::SourceError;
use crate::source::read::{BlobReader, RANGE_SIZE_BYTES, RANGES_IN_FLIGHT};

/// Bytes of a row group as stored, of the columns that are kept. Writers aim at
/// 128 MiB or at a million rows; a row of a cost export has some 100 bytes compressed.
pub const ROW_GROUP_BYTES_MAX: u64 = 512 << 20;
/// The same before compression. A writer may put a whole column chunk into one page,
/// which then is in memory at once.
pub const ROW_GROUP_PLAIN_BYTES_MAX: u64 = 4 << 30;
/// Bytes of a footer: that of a hundred row groups of 70 columns has about 1 MB.
pub const FOOTER_BYTES_MAX: u64 = 64 << 20;
/// Bytes first read from the end: mostly the whole footer.
const TAIL_BYTES: u64 = 256 << 10;
/// Length of the footer's length, and the magic behind it.
const FOOTER_END_BYTES: u64 = 8;
/// The magic that a file begins with; no column lies before its end.
const MAGIC_BYTES: u64 = 4;
/// Bytes between two column chunks that are rather read than asked around.
const GAP_BYTES_MAX: u64 = 512 << 10;
/// Rows decoded at a time: two or three chunks of text for a worker.
const BATCH_ROWS: usize = 1024;
/// Longest part of a reason given by the Parquet library, in characters.
const REASON_LENGTH_MAX: usize = 300;

/// A Parquet blob that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ParquetFault {
    /// The blob itself could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Not the end of a Parquet file.
    #[error("this is not a whole Parquet file: it does not end with a footer")]
    NoFooter,
    /// The footer can only be read with a key.
    #[error("the Parquet file is encrypted")]
    Encrypted,
    /// The footer is longer than the file, or than any footer is.
    #[error(
        "the footer of the Parquet file claims {footer_bytes} bytes, in a file of {size_bytes}; \
         at most {FOOTER_BYTES_MAX} are read"
    )]
    FooterSize {
        /// What it claims.
        footer_bytes: u64,
        /// Size of the file.
        size_bytes: u64,
    },
    /// The footer says what cannot be.
    #[error("the footer of the Parquet file is damaged: {what}")]
    Footer {
        /// What it says.
        what: String,
    },
    /// A row group that does not fit memory.
    #[error(
        "row group {row_group} of the Parquet file has {bytes} bytes {form}; at most {bytes_max} \
         are read"
    )]
    RowGroupTooLarge {
        /// Its number, from 0.
        row_group: usize,
        /// Its bytes.
        bytes: u64,
        /// Stored, or before compression.
        form: &'static str,
        /// The bound.
        bytes_max: u64,
    },
    /// A column that is kept has a type without a text.
    #[error("column {column} of the Parquet file is of type {data_type}, which no cell can be")]
    UnsupportedColumn {
        /// As the file spells it.
        column: String,
        /// Its Arrow type.
        data_type: String,
    },
    /// What the Parquet library cannot make sense of.
    #[error("the Parquet file cannot be read: {reason}")]
    Unreadable {
        /// What it says.
        reason: String,
    },
    /// Fewer or more rows than the footer counts.
    #[error("the Parquet file has {found} rows, its footer states {expected}")]
    RowCount {
        /// What the footer states.
        expected: u64,
        /// What was read.
        found: u64,
    },
}

impl ParquetFault {
    fn unreadable(error: &ParquetError) -> Self {
        Self::Unreadable { reason: shortened(&error.to_string()) }
    }
}

impl Fault for ParquetFault {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Source(fault) => fault.class(),
            _ => ErrorClass::BadInput,
        }
    }

    fn location(&self) -> Option<Location> {
        match self {
            Self::Source(fault) => fault.location(),
            Self::UnsupportedColumn { column, .. } => {
                Some(Location { column: Some(column.clone()), ..Location::default() })
            }
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Source(fault) => return fault.hint(),
            Self::Encrypted => "cost exports are not encrypted inside; export it again",
            Self::UnsupportedColumn { .. } => {
                "write the column as plain text, number or date, without nesting"
            }
            Self::RowGroupTooLarge { .. } => {
                "Azure writes smaller ones; write the file again with row groups of 128 MB"
            }
            _ => "the blob is damaged or incomplete; copy it or run the export again",
        };
        Some(hint.to_owned())
    }
}

/// A text on one line, of bounded length.
fn shortened(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(REASON_LENGTH_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

thread_local! {
    /// Whether the thread is in a call whose panic is caught and told as an error.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Calls into the Parquet library, which may panic over a damaged file: that is the
/// file's fault as any other. What was lent to the call must not be used after an error.
fn guarded<T>(call: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetFault> {
    static HOOK: Once = Once::new();
    // The process's hook prints a panic before anybody can catch it. Ours keeps silent
    // about those caught here and hands on every other.
    HOOK.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                others(panic);
            }
        }));
    });
    GUARDED.set(true);
    let result = catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(false);
    match result {
        Ok(result) => result.map_err(|error| ParquetFault::unreadable(&error)),
        Err(panic) => {
            let told = panic.downcast_ref::<String>().map(String::as_str);
            let told = told.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(ParquetFault::Unreadable { reason: shortened(told.unwrap_or("damaged")) })
        }
    }
}

/// Reads ranges of the blob and tells how many bytes came.
struct Ranges<'a> {
    reader: &'a BlobReader,
    runtime: &'a Handle,
    advanced: &'a dyn Fn(u64),
}

impl Ranges<'_> {
    /// The bytes of each range.
    fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, SourceError> {
        let reads = pieces(ranges, RANGE_SIZE_BYTES).map(|piece| async move {
            let bytes = self.reader.read(piece.clone()).await?;
            Ok::<_, SourceError>((piece, bytes))
        });
        let mut parts = Parts::new(ranges);
        self.runtime.block_on(async {
            let mut pieces = futures::stream::iter(reads).buffered(RANGES_IN_FLIGHT);
            while let Some((piece, bytes)) = pieces.try_next().await? {
                (self.advanced)(bytes.len() as u64);
                parts.add(&piece, &bytes);
            }
            Ok(parts.finish())
        })
    }

    fn read_one(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        Ok(self.read(&[range])?.remove(0))
    }
}

/// What to ask for, in order, each of at most `step` bytes, to have all of `ranges`.
fn pieces(ranges: &[Range<u64>], step: u64) -> impl Iterator<Item = Range<u64>> + use<> {
    let mut sorted: Vec<Range<u64>> =
        ranges.iter().filter(|range| !range.is_empty()).cloned().collect();
    sorted.sort_by_key(|range| range.start);
    let mut spans: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        match spans.last_mut() {
            Some(span) if range.start <= span.end.saturating_add(GAP_BYTES_MAX) => {
                span.end = span.end.max(range.end);
            }
            _ => spans.push(range),
        }
    }
    spans.into_iter().flat_map(move |span| {
        let count = (span.end - span.start).div_ceil(step);
        let starts = (0..count).map(move |index| span.start + index * step);
        starts.map(move |start| start..span.end.min(start + step))
    })
}

/// Puts ranges together from the pieces that were read, given in order. What lies
/// in one piece is a slice of it.
struct Parts<'a> {
    ranges: &'a [Range<u64>],
    whole: Vec<Option<Bytes>>,
    growing: Vec<Vec<u8>>,
}

impl<'a> Parts<'a> {
    fn new(ranges: &'a [Range<u64>]) -> Self {
        let growing = vec![Vec::new(); ranges.len()];
        Self { ranges, whole: vec![None; ranges.len()], growing }
    }

    fn add(&mut self, piece: &Range<u64>, bytes: &Bytes) {
        for (index, range) in self.ranges.iter().enumerate() {
            let (start, end) = (range.start.max(piece.start), range.end.min(piece.end));
            if start >= end {
                continue;
            }
            let part = bytes.slice((start - piece.start) as usize..(end - piece.start) as usize);
            if (start, end) == (range.start, range.end) {
                self.whole[index] = Some(part);
            } else {
                let growing = &mut self.growing[index];
                if growing.is_empty() {
                    growing.reserve_exact((range.end - range.start) as usize);
                }
                growing.extend_from_slice(&part);
            }
        }
    }

    fn finish(self) -> Vec<Bytes> {
        let parts = self.whole.into_iter().zip(self.growing);
        parts.map(|(whole, growing)| whole.unwrap_or_else(|| Bytes::from(growing))).collect()
    }
}

/// A Parquet blob whose footer was read.
pub(crate) struct ParquetBlob<'a> {
    ranges: Ranges<'a>,
    metadata: ArrowReaderMetadata,
    rows: u64,
}

impl<'a> ParquetBlob<'a> {
    /// Reads the footer and checks what it claims. Must not be called on an IO
    /// thread of `runtime`, here and below. `advanced` is told of bytes that were
    /// read.
    pub(crate) fn open(
        reader: &'a BlobReader,
        size_bytes: u64,
        runtime: &'a Handle,
        advanced: &'a dyn Fn(u64),
    ) -> Result<Self, ParquetFault> {
        let ranges = Ranges { reader, runtime, advanced };
        let (footer, data_end) = read_footer(&ranges, size_bytes)?;
        let metadata = guarded(|| ParquetMetaDataReader::decode_metadata(&footer))?;
        let rows = check_claims(&metadata, MAGIC_BYTES..data_end)?;
        let metadata = arrow_metadata(Arc::new(metadata))?;
        Ok(Self { ranges, metadata, rows })
    }

    /// The columns in the file's order.
    pub(crate) fn column_names(&self) -> impl Iterator<Item = &str> {
        self.metadata.schema().fields().iter().map(|field| field.name().as_str())
    }

    /// The rows, of the columns at the given positions alone.
    pub(crate) fn rows(self, kept: &BTreeSet<usize>) -> Result<ParquetRows<'a>, ParquetFault> {
        let Self { ranges, metadata, rows } = self;
        for position in kept {
            let field = metadata.schema().field(*position);
            if !can_render(field.data_type()) {
                return Err(ParquetFault::UnsupportedColumn {
                    column: field.name().clone(),
                    data_type: shortened(&field.data_type().to_string()),
                });
            }
        }
        let mask = ProjectionMask::roots(metadata.parquet_schema(), kept.iter().copied());
        let row_groups = metadata.metadata().row_groups();
        for (row_group, group) in row_groups.iter().enumerate() {
            check_size(row_group, group, &mask)?;
        }
        let filled = |index: &usize| row_groups[*index].num_rows() > 0;
        let filled = (0..row_groups.len()).filter(filled).collect();
        let decoder = guarded(|| {
            ParquetPushDecoderBuilder::new_with_metadata(metadata.clone())
                .with_projection(mask)
                .with_row_groups(filled)
                .with_batch_size(BATCH_ROWS)
                .build()
        })?;
        Ok(ParquetRows { ranges, decoder, expected: rows, found: 0 })
    }
}

/// The footer's bytes, and where it begins.
fn read_footer(ranges: &Ranges<'_>, size_bytes: u64) -> Result<(Bytes, u64), ParquetFault> {
    if size_bytes < MAGIC_BYTES + FOOTER_END_BYTES {
        return Err(ParquetFault::NoFooter);
    }
    let tail_start = size_bytes.saturating_sub(TAIL_BYTES);
    let tail = ranges.read_one(tail_start..size_bytes)?;
    let end: &[u8; FOOTER_END_BYTES as usize] = tail.last_chunk().ok_or(ParquetFault::NoFooter)?;
    let end = FooterTail::try_new(end).map_err(|_| ParquetFault::NoFooter)?;
    if end.is_encrypted_footer() {
        return Err(ParquetFault::Encrypted);
    }
    let footer_bytes = end.metadata_length() as u64;
    let footer_end = size_bytes - FOOTER_END_BYTES;
    if footer_bytes > FOOTER_BYTES_MAX || footer_bytes > footer_end - MAGIC_BYTES {
        return Err(ParquetFault::FooterSize { footer_bytes, size_bytes });
    }
    let start = footer_end - footer_bytes;
    let footer = match start.checked_sub(tail_start) {
        Some(in_tail) => tail.slice(in_tail as usize..(footer_end - tail_start) as usize),
        None => ranges.read_one(start..footer_end)?,
    };
    Ok((footer, start))
}

/// Whether the footer's numbers can be; returns the rows it counts. What is read
/// and how much memory is reserved later follows from them.
fn check_claims(metadata: &ParquetMetaData, data: Range<u64>) -> Result<u64, ParquetFault> {
    let damaged = |what: String| ParquetFault::Footer { what };
    let mut rows = 0u64;
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let group_rows = u64::try_from(group.num_rows())
            .map_err(|_| damaged(format!("row group {index} has {} rows", group.num_rows())))?;
        rows = rows
            .checked_add(group_rows)
            .ok_or_else(|| damaged("more rows than can be counted".to_owned()))?;
        for chunk in group.columns() {
            let lies = place(chunk).is_some_and(|place| {
                data.start <= place.start && place.end <= data.end && !place.is_empty()
            });
            if group_rows > 0 && !lies {
                let column = shortened(&chunk.column_path().string());
                let what = format!("row group {index} places column {column} outside of the file");
                return Err(damaged(what));
            }
        }
    }
    let stated = metadata.file_metadata().num_rows();
    if u64::try_from(stated) != Ok(rows) {
        return Err(damaged(format!("it states {stated} rows and lists {rows}")));
    }
    Ok(rows)
}

/// Where a column chunk claims to lie, if that makes sense.
fn place(chunk: &ColumnChunkMetaData) -> Option<Range<u64>> {
    let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
    let start = u64::try_from(start).ok()?;
    let length = u64::try_from(chunk.compressed_size()).ok()?;
    Some(start..start.checked_add(length)?)
}

/// Whether the columns of a row group that are to be read fit memory.
fn check_size(
    row_group: usize,
    group: &RowGroupMetaData,
    mask: &ProjectionMask,
) -> Result<(), ParquetFault> {
    let sum = |size: fn(&ColumnChunkMetaData) -> i64| {
        let kept = group.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
        kept.map(|(_, chunk)| u64::try_from(size(chunk)).unwrap_or(u64::MAX))
            .fold(0, u64::saturating_add)
    };
    for (bytes, form, bytes_max) in [
        (sum(ColumnChunkMetaData::compressed_size), "stored", ROW_GROUP_BYTES_MAX),
        (
            sum(ColumnChunkMetaData::uncompressed_size),
            "before compression",
            ROW_GROUP_PLAIN_BYTES_MAX,
        ),
    ] {
        if bytes > bytes_max {
            return Err(ParquetFault::RowGroupTooLarge { row_group, bytes, form, bytes_max });
        }
    }
    Ok(())
}

/// The metadata with the Arrow types to read as, which are the file's own but for
/// texts, read as views that share their page, and the old 96-bit instants, which
/// by nanoseconds would silently wrap beyond the year 2262.
fn arrow_metadata(metadata: Arc<ParquetMetaData>) -> Result<ArrowReaderMetadata, ParquetFault> {
    guarded(|| {
        let own = ArrowReaderMetadata::try_new(Arc::clone(&metadata), ArrowReaderOptions::new())?;
        let roots = own.parquet_schema().root_schema().get_fields();
        let is_int96 = |position: usize| {
            roots.get(position).is_some_and(|root| {
                root.is_primitive() && root.get_physical_type() == PhysicalType::INT96
            })
        };
        let fields = own.schema().fields().iter().enumerate().map(|(position, field)| {
            let data_type = match field.data_type() {
                DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
                DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
                DataType::Timestamp(TimeUnit::Nanosecond, zone) if is_int96(position) => {
                    DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
                }
                other => other.clone(),
            };
            Arc::new(Field::clone(field).with_data_type(data_type))
        });
        let fields: Vec<Arc<Field>> = fields.collect();
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let options = ArrowReaderOptions::new().with_schema(schema);
        ArrowReaderMetadata::try_new(metadata, options)
    })
}

/// The rows of a blob, batch by batch.
pub(crate) struct ParquetRows<'a> {
    ranges: Ranges<'a>,
    decoder: ParquetPushDecoder,
    expected: u64,
    found: u64,
}

impl ParquetRows<'_> {
    /// The next batch and the number of rows before it. `None` once all rows of the
    /// footer were read and the blob was seen to be unchanged. Must not be called
    /// after an error.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, RecordBatch)>, ParquetFault> {
        loop {
            match guarded(|| self.decoder.try_decode())? {
                DecodeResult::NeedsData(wanted) => {
                    let data = self.ranges.read(&wanted)?;
                    guarded(|| self.decoder.push_ranges(wanted, data))?;
                }
                DecodeResult::Data(batch) => {
                    let before = self.found;
                    self.found += batch.num_rows() as u64;
                    return Ok(Some((before, batch)));
                }
                DecodeResult::Finished => break,
            }
        }
        if self.found != self.expected {
            return Err(ParquetFault::RowCount { expected: self.expected, found: self.found });
        }
        self.ranges.runtime.block_on(self.ranges.reader.verify())?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
