//! HTML: one page that needs nothing else, to read, print and send.
//!
//! No script and nothing from elsewhere: style and charts are inside. It follows the
//! reader's choice of light or dark, and prints on white.

mod page;

use std::io::Write as _;
use std::path::PathBuf;

use arrow::record_batch::RecordBatch;
use costlake_engine::report::SectionTotals;

use super::document::Document;
use super::kept::KeptSection;
use super::section::SectionView;
use super::writer::{DocumentWriter, Place, WrittenFile, create, failure};
use crate::failure::Failure;

const FORMAT: &str = "html";

/// Keeps a page until it is complete.
pub struct HtmlDocument {
    path: String,
    local: PathBuf,
    document: Document,
    sections: Vec<KeptSection>,
}

impl HtmlDocument {
    pub fn new(place: &Place, document: &Document) -> Self {
        let (path, local) = place.file("html");
        Self { path, local, document: document.clone(), sections: Vec::new() }
    }
}

impl DocumentWriter for HtmlDocument {
    fn section(&mut self, section: &SectionView) -> Result<(), Failure> {
        self.sections.push(KeptSection::new(section, &self.document));
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let section = self.sections.last_mut().expect("rows come in a section");
        section.keep(batch, FORMAT).map_err(|error| failure(&self.local, error))
    }

    fn section_end(&mut self, totals: &SectionTotals) -> Result<(), Failure> {
        let section = self.sections.last_mut().expect("a section ends once");
        section.end(totals, FORMAT).map_err(|error| failure(&self.local, error))?;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<WrittenFile>, Failure> {
        let page = page::page(&self.document, &self.sections);
        let mut out = create(&self.local)?;
        let written = out.write_all(page.as_bytes()).and_then(|()| out.flush());
        written.map_err(|error| failure(&self.local, error.into()))?;
        Ok(vec![WrittenFile { path: self.path, section: None }])
    }
}
