//! CSV: a file per section, with the columns of the lake and every digit.
//!
//! Texts that a spreadsheet would run as a formula begin with an apostrophe.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use arrow::record_batch::RecordBatch;
use costlake_engine::report::SectionTotals;

use super::section::SectionView;
use super::writer::{DocumentWriter, Place, WrittenFile, create, failure};
use crate::failure::Failure;
use crate::output::csv::{CsvRows, Formulas};

/// Writes a file per section.
pub struct CsvDocument {
    place: Place,
    rows: CsvRows,
    open: Option<(PathBuf, BufWriter<File>)>,
    written: Vec<WrittenFile>,
}

impl CsvDocument {
    pub fn new(place: Place) -> Self {
        let rows = CsvRows::new(Formulas::Neutralized);
        Self { place, rows, open: None, written: Vec::new() }
    }
}

impl DocumentWriter for CsvDocument {
    fn section(&mut self, section: &SectionView) -> Result<(), Failure> {
        let name = &section.definition.name;
        let (path, local) = self.place.file(&format!("{name}.csv"));
        let mut out = create(&local)?;
        let written = self.rows.header(&section.schema, &mut out);
        written.map_err(|error| failure(&local, error))?;
        self.written.push(WrittenFile { path, section: Some(name.clone()) });
        self.open = Some((local, out));
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let (path, out) = self.open.as_mut().expect("rows come in a section");
        self.rows.batch(batch, out).map_err(|error| failure(path, error))
    }

    fn section_end(&mut self, _: &SectionTotals) -> Result<(), Failure> {
        let (path, mut out) = self.open.take().expect("a section ends once");
        out.flush().map_err(|error| failure(&path, error.into()))
    }

    fn finish(self: Box<Self>) -> Result<Vec<WrittenFile>, Failure> {
        Ok(self.written)
    }
}
