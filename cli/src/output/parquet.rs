//! Parquet, compressed with zstd, the result's own types.

use std::io::Write;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::{OutputError, ResultWriter};

/// How result files are written.
pub fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(concat!("costlake ", env!("CARGO_PKG_VERSION")).to_owned())
        .build()
}

pub struct ParquetResultWriter<'a> {
    /// Gone once the footer is written.
    writer: Option<ArrowWriter<&'a mut (dyn Write + Send)>>,
}

impl<'a> ParquetResultWriter<'a> {
    pub fn new(schema: &SchemaRef, out: &'a mut (dyn Write + Send)) -> Result<Self, OutputError> {
        let writer =
            ArrowWriter::try_new(out, Arc::clone(schema), Some(properties())).map_err(refused)?;
        Ok(Self { writer: Some(writer) })
    }
}

impl ResultWriter for ParquetResultWriter<'_> {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        self.writer.as_mut().map_or(Ok(()), |writer| writer.write(batch).map_err(refused))
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        self.writer.take().map_or(Ok(()), |writer| writer.close().map(drop).map_err(refused))
    }
}

/// An IO error inside keeps its kind, so that a broken pipe is seen as one.
pub fn refused(error: ParquetError) -> OutputError {
    match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(io) => OutputError::Io(*io),
            Err(source) => OutputError::value("parquet", source),
        },
        error => OutputError::value("parquet", error),
    }
}
