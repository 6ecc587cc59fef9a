//! Why there is no report.

use super::definition::{ReportDefinition, SectionDefinition};
use crate::error::{ErrorClass, Fault, Location};
use crate::query::QueryError;
use crate::source::SourceError;
use crate::views::HeaderError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The file of a report cannot be read.
    #[error(transparent)]
    Definition(#[from] HeaderError),
    /// A section's query fails.
    #[error("section {section} of {report}: {source}")]
    Section {
        /// The report.
        report: String,
        /// The section.
        section: String,
        /// Where its query begins.
        place: Box<QueryPlace>,
        /// Its query.
        sql: String,
        /// Why; boxed, as it is large.
        source: Box<QueryError>,
    },
    /// What is known of scopes and months cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A section does not fit what is said of it.
    #[error("section {section} of {report}: {reason}")]
    Misfit {
        /// The report.
        report: String,
        /// The section.
        section: String,
        /// Where its query begins.
        place: Box<QueryPlace>,
        /// What does not fit.
        reason: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// A total has more than 20 digits before its point.
    #[error("section {section} of {report}: the total of {column} is too large")]
    Overflow {
        /// The report.
        report: String,
        /// The section.
        section: String,
        /// The column.
        column: String,
    },
    /// No scope is called that.
    #[error("no {scope_type} of the lake is called \"{asked}\"")]
    UnknownScope {
        /// Its type.
        scope_type: &'static str,
        /// What was asked for.
        asked: String,
        /// Near ones, as `name (id)`.
        near: Vec<String>,
    },
    /// Several scopes are called that.
    #[error("several {scope_type}s of the lake are called \"{asked}\"")]
    AmbiguousScope {
        /// Their type.
        scope_type: &'static str,
        /// What was asked for.
        asked: String,
        /// Some of them, as `name (id)`.
        among: Vec<String>,
    },
    /// A file of the set cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The folder holds what is not of a set of reports.
    #[error("{folder} holds {file}, which is no file of a set of reports")]
    Foreign {
        /// The folder.
        folder: String,
        /// One of the files.
        file: String,
    },
    /// The manifest of the set that is there cannot be read.
    #[error("{path} is not the manifest of a set of reports: {reason}")]
    Manifest {
        /// The manifest.
        path: String,
        /// Why.
        reason: String,
    },
    /// Two documents of a set would be one file.
    #[error("two files of the set would both be {path}")]
    Twice {
        /// The path in the set.
        path: String,
    },
    /// A report would take the place of a file that is not of the set.
    #[error("{file} is no file of the set, and a report would take its place")]
    InTheWay {
        /// The file.
        file: String,
    },
    /// What shall be the folder of a set is something else.
    #[error("{path} is no folder")]
    NoFolder {
        /// What is there.
        path: String,
    },
    /// No folder can be made beside the one of the set.
    #[error("cannot make a folder beside {folder}: {source}")]
    Beside {
        /// The folder of the set.
        folder: String,
        /// Why.
        source: std::io::Error,
    },
    /// The folder of the set is the one this runs in, or around it.
    #[error("{folder} is where this runs, and would be replaced while it does")]
    WorkingFolder {
        /// The folder.
        folder: String,
    },
    /// Another process replaced the same set.
    #[error("{place} was replaced by somebody else meanwhile")]
    Conflict {
        /// The set.
        place: String,
    },
    /// A folder that cannot be exchanged for another.
    #[error("{folder} is where a disk is mounted and cannot be replaced whole")]
    MountPoint {
        /// The folder.
        folder: String,
    },
    /// The store of the set cannot be opened or written.
    #[error(transparent)]
    Store(#[from] Box<SourceError>),
}

/// Where the query of a section begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryPlace {
    /// The file, as a user would name it.
    pub file: String,
    /// Its line, from 1.
    pub line: u64,
}

impl QueryPlace {
    fn of(section: &SectionDefinition) -> Box<Self> {
        Box::new(Self { file: section.file.clone(), line: section.sql_line as u64 })
    }

    fn location(&self) -> Location {
        Location { line: Some(self.line), ..Location::blob(&self.file) }
    }
}

impl ReportError {
    pub(super) fn section(
        report: &ReportDefinition,
        section: &SectionDefinition,
        source: QueryError,
    ) -> Self {
        Self::Section {
            report: report.name.clone(),
            section: section.name.clone(),
            place: QueryPlace::of(section),
            sql: section.sql.clone(),
            source: Box::new(source),
        }
    }

    pub(super) fn misfit(
        report: &ReportDefinition,
        section: &SectionDefinition,
        reason: &str,
        hint: &str,
    ) -> Self {
        Self::Misfit {
            report: report.name.clone(),
            section: section.name.clone(),
            place: QueryPlace::of(section),
            reason: reason.to_owned(),
            hint: Some(hint.to_owned()),
        }
    }
}

impl Fault for ReportError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Definition(_)
            | Self::Misfit { .. }
            | Self::UnknownScope { .. }
            | Self::AmbiguousScope { .. } => ErrorClass::BadConfig,
            Self::Section { source, .. } => source.class(),
            Self::Query(error) => error.class(),
            Self::Overflow { .. } => ErrorClass::BadInput,
            Self::Write { .. } | Self::Beside { .. } => ErrorClass::Denied,
            Self::Foreign { .. }
            | Self::InTheWay { .. }
            | Self::Manifest { .. }
            | Self::MountPoint { .. }
            | Self::NoFolder { .. }
            | Self::WorkingFolder { .. }
            | Self::Twice { .. } => ErrorClass::BadConfig,
            Self::Conflict { .. } => ErrorClass::Conflict,
            Self::Store(error) => error.class(),
        }
    }

    fn location(&self) -> Option<Location> {
        match self {
            Self::Query(error) => error.location(),
            // What the engine refuses while rows are on their way, it refuses without a place.
            Self::Section { source, place, .. } => {
                Some(source.location().unwrap_or_else(|| place.location()))
            }
            Self::Misfit { place, .. } => Some(place.location()),
            Self::Store(error) => error.location(),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Section { source, .. } => source.hint(),
            Self::Query(error) => error.hint(),
            Self::Misfit { hint, .. } => hint.clone(),
            Self::UnknownScope { scope_type, near, .. } => Some(match near.is_empty() {
                true => format!(
                    "costlake sql -c \"select * from scope_names where scope_type = '{scope_type}'\" \
                     lists them"
                ),
                false => format!("is one of these meant: {}", near.join(", ")),
            }),
            Self::AmbiguousScope { among, .. } => {
                Some(format!("give the id of one of them: {}", among.join(", ")))
            }
            Self::Foreign { .. } => Some(
                "name a folder of its own, a new one or one that reports are in; nothing was changed"
                    .to_owned(),
            ),
            Self::Manifest { .. } => {
                Some("name another folder, or move that file away; nothing was changed".to_owned())
            }
            Self::MountPoint { folder } => {
                Some(format!("name a folder in it, e.g. {}/reports", folder.trim_end_matches('/')))
            }
            Self::Beside { .. } => Some(
                "a set is made beside its folder and then takes its place: the folder around it must \
                 be writable"
                    .to_owned(),
            ),
            Self::WorkingFolder { folder } => Some(format!(
                "name a folder in it, e.g. {}/reports, or start from another one",
                folder.trim_end_matches('/')
            )),
            Self::InTheWay { .. } => {
                Some("move it away, or name another folder; nothing was changed".to_owned())
            }
            Self::NoFolder { .. } => Some("name a folder; it need not be there yet".to_owned()),
            Self::Twice { .. } => Some(
                "name reports and sections differently; scopes whose ids differ in marks alone are \
                 one folder"
                    .to_owned(),
            ),
            Self::Conflict { .. } => Some("run the command again".to_owned()),
            Self::Store(error) => error.hint(),
            _ => None,
        }
    }
}
