//! Where a result goes: stdout, or a file.
//!
//! A complete file appears at once: it is written beside its name and renamed
//! ([`Target::complete_file`]). The shell's `.output` writes in place, so that
//! it can be followed.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};

use super::OutputError;
use crate::failure::Failure;

/// Bytes collected before a write.
const BUFFER_SIZE_BYTES: usize = 64 * 1024;

/// A place rows are written to.
pub struct Target {
    place: Place,
}

enum Place {
    Stdout(BufWriter<Stdout>),
    File {
        writer: BufWriter<File>,
        path: PathBuf,
        /// Renamed to `path` when complete; removed when dropped before.
        unfinished: Option<PathBuf>,
    },
}

impl Target {
    /// stdout.
    pub fn stdout() -> Self {
        let writer = BufWriter::with_capacity(BUFFER_SIZE_BYTES, std::io::stdout());
        Self { place: Place::Stdout(writer) }
    }

    /// A file written in place.
    pub fn file(path: &Path) -> Result<Self, Failure> {
        let file = File::create(path).map_err(|source| write_failure(path, source))?;
        Ok(Self::of_file(file, path, None))
    }

    /// A file that appears under its name when [`Target::finish`] is called. A
    /// device or pipe (`/dev/stdout`) is written in place.
    pub fn complete_file(path: &Path) -> Result<Self, Failure> {
        let in_place = std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
        if in_place {
            return Self::file(path);
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".unfinished-{}", std::process::id()));
        let unfinished = path.with_file_name(name);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&unfinished)
            .map_err(|source| write_failure(path, source))?;
        Ok(Self::of_file(file, path, Some(unfinished)))
    }

    fn of_file(file: File, path: &Path, unfinished: Option<PathBuf>) -> Self {
        let writer = BufWriter::with_capacity(BUFFER_SIZE_BYTES, file);
        Self { place: Place::File { writer, path: path.to_owned(), unfinished } }
    }

    /// Whether rows go to stdout.
    pub fn is_stdout(&self) -> bool {
        matches!(self.place, Place::Stdout(_))
    }

    /// Writes what is buffered; a complete file appears now.
    pub fn finish(&mut self) -> Result<(), Failure> {
        let finished = self.flush().and_then(|()| match &mut self.place {
            Place::File { path, unfinished: Some(unfinished), .. } => {
                std::fs::rename(&*unfinished, &*path)
            }
            _ => Ok(()),
        });
        finished.map_err(|error| self.failure(error.into()))?;
        if let Place::File { unfinished, .. } = &mut self.place {
            *unfinished = None;
        }
        Ok(())
    }

    /// What it means that writing here failed.
    pub fn failure(&self, error: OutputError) -> Failure {
        match (error, &self.place) {
            (OutputError::Io(error), Place::Stdout(_)) => Failure::stream(error),
            (OutputError::Io(source), Place::File { path, .. }) => write_failure(path, source),
            (OutputError::Value { format, what }, _) => Failure::Format { format, what },
        }
    }
}

fn write_failure(path: &Path, source: std::io::Error) -> Failure {
    Failure::Write { path: path.to_owned(), source }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.place {
            Place::Stdout(writer) => writer.write(bytes),
            Place::File { writer, .. } => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match &mut self.place {
            Place::Stdout(writer) => writer.flush(),
            Place::File { writer, .. } => writer.flush(),
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Place::File { unfinished: Some(unfinished), .. } = &self.place {
            // Nothing more can be done about a file that does not go away.
            let _ = std::fs::remove_file(unfinished);
        }
    }
}
