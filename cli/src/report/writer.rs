//! What every format does with a document.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use costlake_engine::report::SectionTotals;

use super::section::SectionView;
use crate::failure::Failure;
use crate::output::OutputError;

/// Bytes collected before a write.
const BUFFER_SIZE_BYTES: usize = 64 * 1024;

/// Writes one document. Calls come in this order: for each section `section`, `rows` any
/// number of times and `section_end`; at last `finish`.
pub trait DocumentWriter {
    /// Begins a section.
    fn section(&mut self, section: &SectionView) -> Result<(), Failure>;

    /// Rows of it.
    fn rows(&mut self, batch: &RecordBatch) -> Result<(), Failure>;

    /// What it adds up to.
    fn section_end(&mut self, totals: &SectionTotals) -> Result<(), Failure>;

    /// Writes what is left. The files are complete then.
    fn finish(self: Box<Self>) -> Result<Vec<WrittenFile>, Failure>;
}

/// A file of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFile {
    /// Its path in the set.
    pub path: String,
    /// The only section in it, where it is not all of the document.
    pub section: Option<String>,
}

/// A place for files of one document.
#[derive(Clone, Debug)]
pub struct Place {
    /// Folder of the unfinished set on disk.
    pub root: PathBuf,
    /// Path in the set without ending, e.g. `contoso-1c8d/savings`.
    pub stem: String,
}

impl Place {
    /// A file by its ending: the path in the set, and on disk.
    pub fn file(&self, ending: &str) -> (String, PathBuf) {
        let path = format!("{}.{ending}", self.stem);
        let local = self.root.join(&path);
        (path, local)
    }
}

/// A buffered file on disk.
pub fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    let file =
        File::create(path).map_err(|source| Failure::Write { path: path.to_owned(), source })?;
    Ok(BufWriter::with_capacity(BUFFER_SIZE_BYTES, file))
}

/// What it means that writing a file failed.
pub fn failure(path: &Path, error: OutputError) -> Failure {
    match error {
        OutputError::Io(source) => Failure::Write { path: path.to_owned(), source },
        OutputError::Value { format, what } => Failure::Format { format, what },
    }
}
