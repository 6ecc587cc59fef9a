//! Parquet: a file per section, with the columns and types of the lake.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use arrow::record_batch::RecordBatch;
use costlake_engine::report::SectionTotals;

use super::section::SectionView;
use super::writer::{DocumentWriter, Place, WrittenFile, create, failure};
use crate::failure::Failure;
use crate::output::parquet::{properties, refused};

/// Writes a file per section.
pub struct ParquetDocument {
    place: Place,
    open: Option<(PathBuf, ArrowWriter<BufWriter<File>>)>,
    written: Vec<WrittenFile>,
}

impl ParquetDocument {
    pub fn new(place: Place) -> Self {
        Self { place, open: None, written: Vec::new() }
    }
}

impl DocumentWriter for ParquetDocument {
    fn section(&mut self, section: &SectionView) -> Result<(), Failure> {
        let name = &section.definition.name;
        let (path, local) = self.place.file(&format!("{name}.parquet"));
        let schema = Arc::clone(&section.schema);
        let writer = ArrowWriter::try_new(create(&local)?, schema, Some(properties()))
            .map_err(|error| failure(&local, refused(error)))?;
        self.written.push(WrittenFile { path, section: Some(name.clone()) });
        self.open = Some((local, writer));
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let (path, writer) = self.open.as_mut().expect("rows come in a section");
        writer.write(batch).map_err(|error| failure(path, refused(error)))
    }

    fn section_end(&mut self, _: &SectionTotals) -> Result<(), Failure> {
        let (path, writer) = self.open.take().expect("a section ends once");
        writer.close().map(drop).map_err(|error| failure(&path, refused(error)))
    }

    fn finish(self: Box<Self>) -> Result<Vec<WrittenFile>, Failure> {
        Ok(self.written)
    }
}
