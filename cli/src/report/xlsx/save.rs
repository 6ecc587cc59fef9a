//! What the disk and the workbook's library refuse, told apart.

use arrow::error::ArrowError;
use rust_xlsxwriter::XlsxError;

use super::FORMAT;
use crate::failure::Failure;

/// What a workbook or Arrow refuses, and what the disk does.
pub(super) trait Refusal: std::fmt::Display + Sized {
    /// The disk's own words, where it is the disk.
    fn of_disk(self) -> Result<std::io::Error, Self>;
}

impl Refusal for ArrowError {
    fn of_disk(self) -> Result<std::io::Error, Self> {
        Err(self)
    }
}

impl Refusal for XlsxError {
    fn of_disk(self) -> Result<std::io::Error, Self> {
        match self {
            // Rows wait for the end in files of the system's folder for them.
            Self::IoError(error) => Ok(error),
            error => Err(error),
        }
    }
}

pub(super) fn refused(error: impl Refusal) -> Failure {
    match error.of_disk() {
        Ok(source) => Failure::Write { path: std::env::temp_dir(), source },
        Err(error) => Failure::Format { format: FORMAT, what: error.to_string() },
    }
}

/// A file that takes what comes after an error for written, and keeps the error: the
/// archive, dropped unfinished, would print one of its own.
pub(super) struct Written<'a> {
    pub(super) file: std::io::BufWriter<std::fs::File>,
    pub(super) failed: &'a mut Option<std::io::Error>,
}

impl Written<'_> {
    fn keep<T>(&mut self, done: std::io::Result<T>, instead: T) -> T {
        done.unwrap_or_else(|error| {
            self.failed.get_or_insert(error);
            instead
        })
    }
}

impl std::io::Write for Written<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.failed.is_some() {
            return Ok(bytes.len());
        }
        let written = self.file.write(bytes);
        Ok(self.keep(written, bytes.len()))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let flushed = self.file.flush();
        self.keep(flushed, ());
        Ok(())
    }
}
