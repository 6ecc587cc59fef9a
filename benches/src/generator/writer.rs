//! Parts of an export run: rows of CSV in, files of bounded size out: CSV, each
//! with the header, plain or gzip; or Parquet.
//!
//! Parts are written under temporary names and named when their number is
//! known, because several threads write one run. Never knows what a row means.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression as Level;
use flate2::write::GzEncoder;

use super::columnar::ParquetSink;
use super::{FileFormat, GeneratorError};

/// Bytes handed to the system at once.
const BUFFER_BYTES: usize = 1 << 20;

/// Which run is written, and how.
pub(super) struct PartFormat {
    /// Directory of the run.
    pub(super) directory: PathBuf,
    /// Byte order mark and header, with its line end.
    pub(super) header: Vec<u8>,
    /// `\n` or `\r\n`.
    pub(super) line_end: &'static [u8],
    /// Column names, as the header spells them.
    pub(super) columns: Vec<String>,
    pub(super) file_format: FileFormat,
    /// Most bytes of CSV in a part.
    pub(super) part_bytes_max: u64,
}

/// A finished part under its temporary name.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) path: PathBuf,
    pub(super) rows: u64,
    pub(super) csv_bytes: u64,
    pub(super) stored_bytes: u64,
}

/// Writes the rows of one thread into one or more parts.
pub(super) struct PartWriter<'a> {
    format: &'a PartFormat,
    /// Distinguishes the temporary names of threads.
    stem: String,
    current: Option<(Sink, Part)>,
    finished: Vec<Part>,
}

enum Sink {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
    Parquet(Box<ParquetSink>),
}

impl Sink {
    fn header(&mut self, header: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(file) => file.write_all(header),
            Self::Gzip(encoder) => encoder.write_all(header),
            Self::Parquet(_) => Ok(()),
        }
    }

    fn row(&mut self, row: &[u8], line_end: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Plain(file) => file.write_all(row).and_then(|()| file.write_all(line_end)),
            Self::Gzip(encoder) => {
                encoder.write_all(row).and_then(|()| encoder.write_all(line_end))
            }
            Self::Parquet(sink) => sink.push(row),
        }
    }

    fn finish(self) -> std::io::Result<File> {
        let buffer = match self {
            Self::Plain(file) => file,
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Parquet(sink) => sink.finish()?,
        };
        buffer.into_inner().map_err(std::io::IntoInnerError::into_error)
    }
}

impl<'a> PartWriter<'a> {
    /// Writes into the run's directory; `unit` must be its own among threads.
    pub(super) fn new(format: &'a PartFormat, unit: usize) -> Self {
        Self { format, stem: format!(".{unit:08}"), current: None, finished: Vec::new() }
    }

    /// Adds a row, given without line end.
    pub(super) fn push(&mut self, row: &[u8]) -> Result<(), GeneratorError> {
        let bytes = (row.len() + self.format.line_end.len()) as u64;
        let full = |part: &Part| part.csv_bytes + bytes > self.format.part_bytes_max;
        if self.current.as_ref().is_some_and(|(_, part)| part.rows > 0 && full(part)) {
            self.close()?;
        }
        let (sink, part) = match &mut self.current {
            Some(current) => current,
            None => self.current.insert(open(self.format, &self.stem, self.finished.len())?),
        };
        sink.row(row, self.format.line_end)
            .map_err(|source| GeneratorError::io(&part.path, source))?;
        part.rows += 1;
        part.csv_bytes += bytes;
        Ok(())
    }

    /// Bytes of CSV written so far.
    pub(super) fn csv_bytes(&self) -> u64 {
        let current = self.current.as_ref().map_or(0, |(_, part)| part.csv_bytes);
        self.finished.iter().map(|part| part.csv_bytes).sum::<u64>() + current
    }

    /// Closes the last part and returns all, in order.
    pub(super) fn finish(mut self) -> Result<Vec<Part>, GeneratorError> {
        self.close()?;
        Ok(self.finished)
    }

    /// Likewise; a run without rows still has a part with the header.
    pub(super) fn finish_with_header(mut self) -> Result<Vec<Part>, GeneratorError> {
        if self.current.is_none() && self.finished.is_empty() {
            self.current = Some(open(self.format, &self.stem, 0)?);
        }
        self.finish()
    }

    fn close(&mut self) -> Result<(), GeneratorError> {
        if let Some((sink, mut part)) = self.current.take() {
            part.stored_bytes = sink
                .finish()
                .and_then(|file| file.metadata())
                .map_err(|source| GeneratorError::io(&part.path, source))?
                .len();
            self.finished.push(part);
        }
        Ok(())
    }
}

fn open(format: &PartFormat, stem: &str, number: usize) -> Result<(Sink, Part), GeneratorError> {
    let path = format.directory.join(format!("{stem}-{number:06}.part"));
    let created = |source| GeneratorError::io(&path, source);
    let file = BufWriter::with_capacity(BUFFER_BYTES, File::create(&path).map_err(created)?);
    let mut sink = match format.file_format {
        FileFormat::Csv => Sink::Plain(file),
        FileFormat::CsvGzip => Sink::Gzip(Box::new(GzEncoder::new(file, Level::fast()))),
        FileFormat::Parquet => {
            let sink = ParquetSink::new(file, &format.columns).map_err(created)?;
            Sink::Parquet(Box::new(sink))
        }
    };
    sink.header(&format.header).map_err(created)?;
    let csv_bytes = format.header.len() as u64;
    Ok((sink, Part { path, rows: 0, csv_bytes, stored_bytes: 0 }))
}

/// Gives the parts of a run their names, `part_0_0001.csv` and on; returns the
/// names in order.
pub(super) fn name_parts(
    format: &PartFormat,
    parts: &[Part],
) -> Result<Vec<String>, GeneratorError> {
    let extension = match format.file_format {
        FileFormat::Csv => "csv",
        FileFormat::CsvGzip => "csv.gz",
        FileFormat::Parquet => "snappy.parquet",
    };
    let mut names = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        let name = format!("part_0_{:04}.{extension}", index + 1);
        std::fs::rename(&part.path, format.directory.join(&name))
            .map_err(|source| GeneratorError::io(&part.path, source))?;
        names.push(name);
    }
    Ok(names)
}

/// Writes a file so that it is there whole or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), GeneratorError> {
    let temporary = path.with_extension("json.tmp");
    std::fs::write(&temporary, bytes)
        .and_then(|()| std::fs::rename(&temporary, path))
        .map_err(|source| GeneratorError::io(path, source))
}
