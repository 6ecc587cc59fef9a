//! Every way a command can end without being done, and its exit code.
//!
//! Input: errors of settings, output, shell and engine. Output: one type that
//! answers what, where and hint. It never prints.

use std::path::PathBuf;

use costlake_engine::connect::BillConnectError;
use costlake_engine::error::{ErrorClass, Fault};
use costlake_engine::model::SourceName;
use costlake_engine::query::QueryError;

use crate::settings::SettingsError;
use crate::shell::source::StatementPlace;

/// Why a command is not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Arguments that clap accepts but that do not go together.
    #[error("{what}")]
    Usage {
        /// What does not fit.
        what: String,
        /// What to type instead.
        hint: String,
    },
    /// Flags, environment or `costlake.toml`.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A statement failed.
    #[error("{}", source.as_ref())]
    Statement {
        /// Boxed: the engine's error is large.
        source: Box<QueryError>,
        /// Where the statement stands, with its text.
        place: StatementPlace,
    },
    /// A result breaks off: the engine failed while rows were on their way.
    #[error("{}", .source.strip_backtrace())]
    Rows {
        /// What the engine says.
        source: Box<datafusion::error::DataFusionError>,
    },
    /// Another fault of the engine.
    #[error("{0}")]
    Engine(Box<dyn Fault>),
    /// A dot or backslash command is wrong.
    #[error("{what}")]
    ShellCommand {
        /// What is wrong.
        what: String,
        /// What to type instead.
        hint: Option<String>,
    },
    /// A file of the user's cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the user's cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// stdout or stdin failed for another reason than a reader gone.
    #[error("cannot write the result: {0}")]
    Stream(std::io::Error),
    /// A batch cannot be written in the chosen format.
    #[error("cannot write the result as {format}: {what}")]
    Format {
        /// Name of the format.
        format: &'static str,
        /// Why.
        what: String,
    },
    /// The runtime does not start.
    #[error("cannot start worker threads: {source}")]
    Runtime {
        /// Why.
        source: std::io::Error,
    },
    /// Ctrl-C while a query ran.
    #[error("canceled")]
    Canceled,
    /// The reader of stdout went away: not a failure, see `main`.
    #[error("the reader of stdout went away")]
    ReaderGone,
    /// One month of an ingest is not loaded.
    #[error("{label}: {what}")]
    Month {
        /// Table and month.
        label: String,
        /// Why.
        what: String,
        /// Where.
        place: Option<String>,
        /// What to try next.
        hint: Option<String>,
        /// What can be done about it.
        class: ErrorClass,
    },
    /// An ingest did not load everything.
    #[error("{what}")]
    Months {
        /// How much.
        what: String,
        /// Of the worst month.
        class: ErrorClass,
    },
    /// A bill connect breaks its rules.
    #[error("{}: {error}", path.display())]
    BillConnect {
        /// The file.
        path: PathBuf,
        /// Every rule it breaks.
        error: BillConnectError,
    },
    /// Nothing of one source of several can be looked at.
    #[error("{source_name}: {failure}")]
    Source {
        /// The source.
        source_name: SourceName,
        /// Why.
        failure: Box<Failure>,
    },
    /// Sources do not work as configured.
    #[error("{findings} step{} failed", if *findings == 1 { "" } else { "s" })]
    Sources {
        /// Steps that failed.
        findings: usize,
        /// Of the worst.
        class: ErrorClass,
    },
    /// There is nothing to make reports of.
    #[error("{what}")]
    Nothing {
        /// What there is none of.
        what: String,
        /// What to look at.
        hint: String,
    },
    /// Checks of the lake found something.
    #[error("the checks have {findings} findings")]
    Checks {
        /// Rows and files found.
        findings: usize,
    },
}

impl Failure {
    /// Wraps a fault of an engine stage.
    pub fn engine(fault: impl Fault) -> Self {
        Self::Engine(Box::new(fault))
    }

    /// From writing to stdout: a reader that went away is not a failure.
    pub fn stream(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::ReaderGone
        } else {
            Self::Stream(error)
        }
    }

    /// What `main` returns to the system.
    ///
    /// A statement that cannot be run is refused data (1), and sources that do not
    /// work are a failed check (1), whatever the engine calls it, unless something
    /// cannot be reached (3).
    pub fn exit_code(&self) -> u8 {
        match (self, self.class()) {
            (Self::Canceled, _) => 130,
            (Self::ReaderGone, _) => 0,
            (_, ErrorClass::Denied | ErrorClass::Retryable) => 3,
            (Self::Statement { .. } | Self::Rows { .. } | Self::Sources { .. }, _) => 1,
            (_, ErrorClass::BadConfig) => 2,
            (_, ErrorClass::BadInput | ErrorClass::Conflict | ErrorClass::Bug) => 1,
        }
    }

    /// What code may ask.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Usage { .. } | Self::Settings(_) | Self::Read { .. } => ErrorClass::BadConfig,
            Self::Month { class, .. }
            | Self::Months { class, .. }
            | Self::Sources { class, .. } => *class,
            Self::BillConnect { error, .. } => error.class(),
            Self::Source { failure, .. } => failure.class(),
            Self::Checks { .. } | Self::Nothing { .. } => ErrorClass::BadInput,
            Self::Write { .. } | Self::Stream(_) | Self::Runtime { .. } => ErrorClass::Denied,
            Self::Statement { source, .. } => source.class(),
            Self::Engine(fault) => fault.class(),
            Self::Rows { .. }
            | Self::ShellCommand { .. }
            | Self::Format { .. }
            | Self::Canceled
            | Self::ReaderGone => ErrorClass::BadInput,
        }
    }

    /// Where, as a line of text.
    pub fn place(&self) -> Option<String> {
        match self {
            Self::Settings(error) => error.place(),
            Self::Statement { source, place } => match source.position() {
                Some(position) => Some(place.at(position.line, position.column)),
                None => source.location().map(|location| location.to_string()),
            },
            Self::Engine(fault) => fault.location().map(|location| location.to_string()),
            Self::Month { place, .. } => place.clone(),
            Self::Source { failure, .. } => failure.place(),
            _ => None,
        }
    }

    /// The offending line of a statement with a caret under the column.
    pub fn excerpt(&self) -> Option<String> {
        let Self::Statement { source, place } = self else { return None };
        let position = source.position()?;
        place.excerpt(position.line, position.column)
    }

    /// What to try next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } | Self::Nothing { hint, .. } => Some(hint.clone()),
            Self::Settings(error) => error.hint(),
            Self::Statement { source, .. } => source.hint(),
            Self::Engine(fault) => fault.hint(),
            Self::BillConnect { error, .. } => error.hint(),
            Self::Source { failure, .. } => failure.hint(),
            Self::ShellCommand { hint, .. } | Self::Month { hint, .. } => hint.clone(),
            Self::Format { format, .. } => Some(format!(
                "choose another --format than {format}, or cast the column to varchar"
            )),
            _ => None,
        }
    }
}
