//! A column chunk: its pages, compressed, and what its footer says of them.
//!
//! In: pages before compression. Out: the chunk's bytes, the dictionary first, and
//! its metadata, as the `parquet` crate splices them into a row group. Data pages
//! come before the dictionary is complete: each has its own bit width.

use std::io::Write as _;

use bytes::{Buf as _, Bytes};
use parquet::basic::{Compression, Encoding, PageType, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

/// zstd's fastest regular level; more would cost more time than it saves space.
pub(super) const ZSTD_LEVEL: i32 = 1;

/// Compresses pages; its memory is used again for each.
pub(super) struct Zstd {
    compressor: zstd::bulk::Compressor<'static>,
    /// Room to put a page together before it is compressed, whatever its column.
    pub(super) page_body: Vec<u8>,
}

impl Zstd {
    pub(super) fn new() -> Result<Self> {
        let compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
        Ok(Self { compressor, page_body: Vec::new() })
    }

    /// Bytes that a page would take.
    pub(super) fn compressed_length(&mut self, bytes: &[u8]) -> Result<usize> {
        Ok(self.compress(bytes)?.len())
    }

    fn compress(&mut self, bytes: &[u8]) -> Result<Bytes> {
        Ok(self.compressor.compress(bytes)?.into())
    }
}

/// Smallest and largest value of a page, as Parquet's column index has them.
pub(super) struct Bounds {
    pub(super) minimum: Vec<u8>,
    pub(super) maximum: Vec<u8>,
}

/// Of values on a page.
pub(super) struct PageInfo {
    pub(super) rows: usize,
    pub(super) nulls: usize,
    pub(super) encoding: Encoding,
    /// `None` where there are none, or none that may be told.
    pub(super) bounds: Option<Bounds>,
}

/// Bytes of a finished chunk, and what is in them.
pub(super) type Finished = (ChunkBytes, ColumnCloseResult);

/// The pages of the row group at hand.
pub(super) struct ChunkBuilder {
    descriptor: ColumnDescPtr,
    has_statistics: bool,
    pages: TrackedWrite<Vec<u8>>,
    /// Each page as far as the offset index wants it: offset, size, rows.
    places: Vec<(u64, usize, usize)>,
    index: ColumnIndexBuilder,
    uncompressed_bytes: usize,
    rows: usize,
    nulls: usize,
    dictionary_pages: i32,
    plain_pages: i32,
}

impl ChunkBuilder {
    pub(super) fn new(descriptor: ColumnDescPtr, has_statistics: bool) -> Self {
        Self {
            has_statistics,
            pages: TrackedWrite::new(Vec::new()),
            places: Vec::new(),
            index: ColumnIndexBuilder::new(descriptor.physical_type()),
            descriptor,
            uncompressed_bytes: 0,
            rows: 0,
            nulls: 0,
            dictionary_pages: 0,
            plain_pages: 0,
        }
    }

    /// NULLs of closed pages.
    pub(super) fn nulls(&self) -> usize {
        self.nulls
    }

    /// Adds a data page: levels, then values.
    pub(super) fn add(&mut self, body: &[u8], info: PageInfo, zstd: &mut Zstd) -> Result<()> {
        let PageInfo { rows, nulls, encoding, bounds } = info;
        let page = Page::DataPage {
            buf: zstd.compress(body)?,
            num_values: rows as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let written = SerializedPageWriter::new(&mut self.pages)
            .write_page(CompressedPage::new(page, body.len()))?;
        self.uncompressed_bytes += written.uncompressed_size;
        self.places.push((written.offset, written.compressed_size, rows));
        self.rows += rows;
        self.nulls += nulls;
        match encoding {
            Encoding::PLAIN => self.plain_pages += 1,
            _ => self.dictionary_pages += 1,
        }
        match bounds {
            Some(Bounds { minimum, maximum }) => {
                self.index.append(false, minimum, maximum, nulls as i64);
            }
            None if nulls == rows => self.index.append(true, Vec::new(), Vec::new(), nulls as i64),
            // An index of which a page is missing is none.
            None => self.index.to_invalid(),
        }
        Ok(())
    }

    /// Ends the chunk and begins the next one. `dictionary` has its values in
    /// plain encoding, and how many there are.
    pub(super) fn finish(
        &mut self,
        dictionary: Option<(&[u8], usize)>,
        statistics: Option<Statistics>,
        zstd: &mut Zstd,
    ) -> Result<Finished> {
        let fresh = Self::new(self.descriptor.clone(), self.has_statistics);
        let chunk = std::mem::replace(self, fresh);
        let mut encodings = vec![Encoding::PLAIN, Encoding::RLE];
        let mut counts = Vec::new();
        let mut count = |page_type, encoding, count: i32| {
            if count > 0 {
                counts.push(PageEncodingStats { page_type, encoding, count });
            }
        };
        let mut head = Bytes::new();
        let mut uncompressed_bytes = chunk.uncompressed_bytes;
        if let Some((values, value_count)) = dictionary.filter(|_| chunk.dictionary_pages > 0) {
            let page = Page::DictionaryPage {
                buf: zstd.compress(values)?,
                num_values: value_count as u32,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            };
            let mut out = TrackedWrite::new(Vec::new());
            let written = SerializedPageWriter::new(&mut out)
                .write_page(CompressedPage::new(page, values.len()))?;
            uncompressed_bytes += written.uncompressed_size;
            head = out.into_inner()?.into();
            encodings.push(Encoding::RLE_DICTIONARY);
            count(PageType::DICTIONARY_PAGE, Encoding::PLAIN, 1);
        }
        count(PageType::DATA_PAGE, Encoding::RLE_DICTIONARY, chunk.dictionary_pages);
        count(PageType::DATA_PAGE, Encoding::PLAIN, chunk.plain_pages);
        let mut pages = chunk.pages;
        pages.flush()?;
        let bytes = ChunkBytes { head, pages: pages.into_inner()?.into() };
        let first_page = bytes.head.len() as i64;
        let mut offsets = OffsetIndexBuilder::new();
        for (offset, size, rows) in chunk.places {
            offsets.append_offset_and_size(first_page + offset as i64, size as i32);
            offsets.append_row_count(rows as i64);
        }
        let mut metadata = ColumnChunkMetaData::builder(chunk.descriptor)
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
            .set_encodings(encodings)
            .set_page_encoding_stats(counts)
            .set_total_compressed_size(bytes.len() as i64)
            .set_total_uncompressed_size(uncompressed_bytes as i64)
            .set_num_values(chunk.rows as i64)
            .set_data_page_offset(first_page)
            .set_dictionary_page_offset((first_page > 0).then_some(0));
        if let Some(statistics) = statistics.filter(|_| chunk.has_statistics) {
            metadata = metadata.set_statistics(statistics);
        }
        let has_index = chunk.has_statistics && chunk.index.valid();
        let close = ColumnCloseResult {
            bytes_written: bytes.len(),
            rows_written: chunk.rows as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: has_index.then(|| chunk.index.build()).transpose()?,
            offset_index: Some(offsets.build()),
        };
        Ok((bytes, close))
    }
}

/// The dictionary page, then the data pages.
pub(super) struct ChunkBytes {
    head: Bytes,
    pages: Bytes,
}

impl Length for ChunkBytes {
    fn len(&self) -> u64 {
        (self.head.len() + self.pages.len()) as u64
    }
}

impl ChunkReader for ChunkBytes {
    type T = bytes::buf::Reader<bytes::buf::Chain<Bytes, Bytes>>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        if start != 0 {
            return Err(ParquetError::General("a chunk is read from its beginning".to_owned()));
        }
        Ok(self.head.clone().chain(self.pages.clone()).reader())
    }

    fn get_bytes(&self, _: u64, _: usize) -> Result<Bytes> {
        Err(ParquetError::General("a chunk is read from its beginning".to_owned()))
    }
}
