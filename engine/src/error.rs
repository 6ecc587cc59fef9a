//! What code may ask of any error: its class, its place, and a hint for people.

use std::fmt;

/// What a caller can do about an error. Code branches on this, never on text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Passing fault: the same call may go through later.
    Retryable,
    /// Somebody else changed the lake first; reload and plan again.
    Conflict,
    /// The data is refused.
    BadInput,
    /// A setting, path or argument is wrong.
    BadConfig,
    /// Not allowed, or out of reach.
    Denied,
    /// A broken promise of our own.
    Bug,
}

impl ErrorClass {
    /// The worst of several: what is broken or out of reach goes before what is
    /// wrong with the data, and that before what somebody else was quicker at.
    pub fn worst(classes: impl IntoIterator<Item = Self>) -> Option<Self> {
        classes.into_iter().max_by_key(|class| match class {
            Self::Bug => 5,
            Self::Denied => 4,
            Self::Retryable => 3,
            Self::BadInput => 2,
            Self::Conflict => 1,
            Self::BadConfig => 0,
        })
    }
}

/// Where it went wrong, as far as known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// Blob or file, as the user would name it.
    pub blob: Option<String>,
    /// Line, from 1.
    pub line: Option<u64>,
    /// Byte offset in the uncompressed file, from 0.
    pub byte_offset: Option<u64>,
    /// Column, as the file or the lake names it.
    pub column: Option<String>,
}

impl Location {
    /// A place that is a whole blob.
    pub fn blob(name: impl Into<String>) -> Self {
        Self { blob: Some(name.into()), ..Self::default() }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.blob.as_deref().unwrap_or("input"))?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        if let Some(byte_offset) = self.byte_offset {
            write!(formatter, " (byte {byte_offset})")?;
        }
        if let Some(column) = &self.column {
            write!(formatter, ", column {column}")?;
        }
        Ok(())
    }
}

/// Every stage's error answers these three questions.
pub trait Fault: std::error::Error + Send + Sync + 'static {
    /// What a caller can do about it.
    fn class(&self) -> ErrorClass;

    /// Where it went wrong.
    fn location(&self) -> Option<Location> {
        None
    }

    /// What a person should try next.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// An error and those beneath it.
#[cfg(feature = "lake")]
pub(crate) fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}
