//! Bytes of one blob in, the header and chunks of whole records out; likewise the
//! rows of a columnar file ([`render()`]).
//!
//! Push decoders without IO: the caller hands over bytes as they arrive, cut
//! anywhere, and gets [`RecordChunk`]s through a callback. Never reads a
//! file, never knows what a column means, never converts a value.
//!
//! [`Decoder`] joins the three steps: [`Decompressor`] (gzip or not),
//! [`Splitter`] (RFC 4180 structure, found once) and [`Header`] (column
//! names). Text that breaks RFC 4180 is read as leniently as the `csv` crate
//! reads it, with two deliberate differences: a quote that is still open at
//! the end of the blob is an error (the blob is truncated), and a carriage
//! return that does not stand before a line feed is data, not a line end.

mod chunk;
mod decompress;
mod header;
mod render;
mod scan;
mod split;

use std::sync::Arc;

use bytes::Bytes;

use crate::buffers::Buffers;
use crate::error::{ErrorClass, Fault, Location};
use crate::model::Compression;

pub use chunk::{FieldRef, FieldSpan, LineCounter, RecordChunk, RecordRef, unescape};
pub use decompress::{Decompressor, PIECE_BYTES_MAX};
pub use header::{ColumnName, Header};
pub use render::{RenderOptions, can_render, render};
pub use scan::Kernel;
pub use split::{CHUNK_BYTES_TARGET, RECORD_BYTES_MAX, SplitOptions, Splitter};

/// Bytes taken at a time from a source that appends compressed ones.
const INPUT_BYTES: usize = CHUNK_BYTES_TARGET;

/// A blob that cannot be decoded. Byte offsets count from 0, lines from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not one record, not even a header.
    #[error("the file is empty: it has no header line")]
    EmptyFile,
    /// The input ends inside a quoted field.
    #[error(
        "the file ends inside the quoted field that begins on line {line} (byte {byte_offset})"
    )]
    UnterminatedQuote {
        /// Line of the opening quote.
        line: u64,
        /// Offset of the opening quote in the uncompressed file.
        byte_offset: u64,
    },
    /// One record is longer than the bound.
    #[error(
        "the record that begins on line {line} (byte {byte_offset}) is longer than {bytes_max} bytes"
    )]
    RecordTooLarge {
        /// Line the record begins on.
        line: u64,
        /// Offset of the record in the uncompressed file.
        byte_offset: u64,
        /// The bound.
        bytes_max: usize,
    },
    /// One row of a file that is not text is longer than the bound.
    #[error("row {row} has more than {bytes_max} bytes as text", row = line - 1)]
    RowTooLarge {
        /// The row's line: its number + 1.
        line: u64,
        /// The bound.
        bytes_max: usize,
    },
    /// The gzip stream stops before its end.
    #[error("the gzip stream is cut off after {byte_offset} compressed bytes")]
    TruncatedGzip {
        /// Length of the compressed input.
        byte_offset: u64,
    },
    /// The gzip stream is damaged: bad header, bad data or bad checksum.
    #[error("the gzip stream is damaged near compressed byte {byte_offset}: {reason}")]
    CorruptGzip {
        /// Offset in the compressed input.
        byte_offset: u64,
        /// What the decompressor said.
        reason: String,
    },
    /// Bytes after the end of the gzip stream that begin no further member.
    #[error("the gzip stream is followed by other data at compressed byte {byte_offset}")]
    TrailingGarbage {
        /// Offset in the compressed input.
        byte_offset: u64,
    },
    /// A column name is not UTF-8.
    #[error("the name of column {position} in the header is not UTF-8")]
    HeaderNotUtf8 {
        /// Position of the column, from 1.
        position: usize,
    },
    /// Columns without a name: the first line is no header.
    #[error("{columns} columns of the first line have no name")]
    UnnamedColumns {
        /// How many.
        columns: usize,
    },
    /// Two columns bear the same name.
    #[error("the header names column {name:?} twice")]
    DuplicateColumn {
        /// The name, as the file spells it the second time.
        name: String,
    },
}

impl Fault for DecodeError {
    fn class(&self) -> ErrorClass {
        ErrorClass::BadInput
    }

    fn location(&self) -> Option<Location> {
        let place = |line, byte_offset| {
            Some(Location { line, byte_offset: Some(byte_offset), ..Location::default() })
        };
        match self {
            Self::EmptyFile => None,
            Self::UnterminatedQuote { line, byte_offset }
            | Self::RecordTooLarge { line, byte_offset, .. } => place(Some(*line), *byte_offset),
            Self::TruncatedGzip { byte_offset }
            | Self::CorruptGzip { byte_offset, .. }
            | Self::TrailingGarbage { byte_offset } => place(None, *byte_offset),
            Self::RowTooLarge { line, .. } => {
                Some(Location { line: Some(*line), ..Location::default() })
            }
            Self::HeaderNotUtf8 { .. } | Self::UnnamedColumns { .. } => {
                Some(Location { line: Some(1), ..Location::default() })
            }
            Self::DuplicateColumn { name } => {
                Some(Location { line: Some(1), column: Some(name.clone()), ..Location::default() })
            }
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::EmptyFile => "an export without data still has a header; run the export again",
            Self::UnterminatedQuote { .. } | Self::TruncatedGzip { .. } => {
                "the blob is probably incomplete; compare its size with the manifest and copy or export it again"
            }
            Self::RecordTooLarge { .. } => {
                "a quote that is never closed swallows the rest of a file; look at that line"
            }
            Self::RowTooLarge { .. } => {
                "no row of a cost export is that long; the blob is damaged or another dataset"
            }
            Self::CorruptGzip { .. } | Self::TrailingGarbage { .. } => {
                "the blob is damaged or not gzip; copy or export it again"
            }
            Self::HeaderNotUtf8 { .. } => "cost exports are UTF-8; was the file saved by Excel?",
            Self::UnnamedColumns { .. } => {
                "does the file begin with a header, and end its lines with LF or CR LF?"
            }
            Self::DuplicateColumn { .. } => "was the file edited, or joined from two exports?",
        };
        Some(hint.to_owned())
    }
}

/// One blob from bytes to header and record chunks.
#[derive(Debug)]
pub struct Decoder {
    decompressor: Decompressor,
    splitter: Splitter,
    header: Option<Arc<Header>>,
    /// Bytes for the decompressor, of a source that appends.
    input: Vec<u8>,
    buffers: Buffers,
}

/// What a blob turned out to be, once it has been read to its end.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// Its header.
    pub header: Arc<Header>,
    /// Its size in bytes, uncompressed.
    pub bytes: u64,
}

impl Decoder {
    /// A decoder for one blob.
    pub fn new(compression: Compression) -> Self {
        Self::with_options(compression, SplitOptions::default())
    }

    /// As [`Self::new`], with other chunk sizes.
    pub fn with_options(compression: Compression, options: SplitOptions) -> Self {
        Self {
            decompressor: Decompressor::new(compression),
            splitter: Splitter::with_options(options),
            header: None,
            input: Vec::new(),
            buffers: Buffers::default(),
        }
    }

    /// The header, as soon as it has been read.
    pub fn header(&self) -> Option<&Arc<Header>> {
        self.header.as_ref()
    }

    /// Takes the next bytes of the blob; calls `out` for every chunk of data
    /// records that is complete. The header line is in no chunk.
    ///
    /// # Errors
    /// See [`DecodeError`]; the decoder must not be used afterwards.
    pub fn push(
        &mut self,
        bytes: Bytes,
        out: &mut impl FnMut(&Arc<Header>, RecordChunk),
    ) -> Result<(), DecodeError> {
        let Self { decompressor, splitter, header, .. } = self;
        let mut split = Ok(());
        decompressor.push(bytes, &mut |piece| {
            if split.is_ok() {
                split = split_piece(splitter, header, piece, out);
            }
        })?;
        split
    }

    /// Where the next bytes of the blob may be appended, and how many of them at most,
    /// instead of being pushed: plain text is not copied then. To be told by
    /// [`Self::take_appended`].
    pub fn room(&mut self) -> (&mut Vec<u8>, usize) {
        if self.decompressor.passes_through() {
            return self.splitter.room();
        }
        if self.input.capacity() == 0 {
            self.input = self.buffers.take(INPUT_BYTES);
        }
        (&mut self.input, INPUT_BYTES)
    }

    /// Takes what was appended to [`Self::room`], as [`Self::push`] does.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn take_appended(
        &mut self,
        out: &mut impl FnMut(&Arc<Header>, RecordChunk),
    ) -> Result<(), DecodeError> {
        if !self.decompressor.passes_through() {
            let input = std::mem::take(&mut self.input);
            return self.push(self.buffers.lend(input, INPUT_BYTES), out);
        }
        let Self { splitter, header, .. } = self;
        let mut parsed = Ok(());
        splitter.take_appended(&mut |chunk| deliver(header, chunk, out, &mut parsed))?;
        parsed
    }

    /// Ends the blob: emits what is left and tells what the blob was.
    ///
    /// # Errors
    /// [`DecodeError::EmptyFile`] when there was no record at all; else as
    /// [`Self::push`].
    pub fn finish(
        mut self,
        out: &mut impl FnMut(&Arc<Header>, RecordChunk),
    ) -> Result<Decoded, DecodeError> {
        let Self { decompressor, splitter, header, .. } = &mut self;
        let mut split = Ok(());
        decompressor.finish(&mut |piece| {
            if split.is_ok() {
                split = split_piece(splitter, header, piece, out);
            }
        })?;
        split?;
        let bytes = splitter.bytes_taken();
        let mut parsed = Ok(());
        splitter.finish(&mut |chunk| deliver(header, chunk, out, &mut parsed))?;
        parsed?;
        let header = self.header.ok_or(DecodeError::EmptyFile)?;
        Ok(Decoded { header, bytes })
    }
}

fn split_piece(
    splitter: &mut Splitter,
    header: &mut Option<Arc<Header>>,
    piece: Bytes,
    out: &mut impl FnMut(&Arc<Header>, RecordChunk),
) -> Result<(), DecodeError> {
    let mut parsed = Ok(());
    splitter.push(piece, &mut |chunk| deliver(header, chunk, out, &mut parsed))?;
    parsed
}

/// Takes the header off the first chunk and hands on the rest.
fn deliver(
    header: &mut Option<Arc<Header>>,
    mut chunk: RecordChunk,
    out: &mut impl FnMut(&Arc<Header>, RecordChunk),
    parsed: &mut Result<(), DecodeError>,
) {
    if parsed.is_err() {
        return;
    }
    let names = match header {
        Some(names) => names,
        None => match Header::parse(chunk.record(0)) {
            Ok(names) => {
                chunk.drop_first_record();
                header.insert(Arc::new(names))
            }
            Err(error) => {
                *parsed = Err(error);
                return;
            }
        },
    };
    if !chunk.is_empty() {
        out(names, chunk);
    }
}

#[cfg(test)]
mod tests;
