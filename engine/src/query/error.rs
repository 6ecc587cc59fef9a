//! Why a query has no answer, said for people.
//!
//! Input: DataFusion's errors. Output: [`QueryError`] with class, position and
//! hint. Never prints and never shows a backtrace.

use std::fmt;

use datafusion::common::{DataFusionError, SchemaError};
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::TokenizerError;

use crate::commit::{CommitError, store_class, store_error_inside};
use crate::error::{ErrorClass, Fault, Location};
use crate::near::near;

/// A place in a statement's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourcePosition {
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

impl fmt::Display for SourcePosition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}, column {}", self.line, self.column)
    }
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The text is no SQL.
    #[error("{message}")]
    Syntax {
        /// What was found and what was expected.
        message: String,
        /// Where.
        position: Option<SourcePosition>,
    },
    /// The SQL asks for what is not there or does not fit.
    #[error("{message}")]
    Planning {
        /// What is wrong.
        message: String,
        /// Where.
        position: Option<SourcePosition>,
        /// Names that are near the one asked for.
        hint: Option<String>,
    },
    /// The statement would change something.
    #[error("{statement} is refused: queries only read the lake")]
    ReadOnly {
        /// Kind of statement, e.g. `CREATE TABLE`.
        statement: String,
    },
    /// Not exactly one statement.
    #[error("expected one statement, found {found}")]
    StatementCount {
        /// How many there are.
        found: usize,
    },
    /// Memory or spill space ran out.
    #[error("the query needs more memory than it may use: {message}")]
    Resources {
        /// Which operator asked for how much.
        message: String,
    },
    /// The query failed while running, e.g. on a division by zero.
    #[error("{message}")]
    Execution {
        /// What happened.
        message: String,
    },
    /// The lake's files could not be read.
    #[error("reading the lake failed: {message}")]
    Storage {
        /// What the store said.
        message: String,
        /// What can be done about it.
        class: ErrorClass,
    },
    /// The lake's tables could not be opened.
    #[error(transparent)]
    Lake(#[from] CommitError),
    /// A broken promise of ours or of the query engine's.
    #[error("internal error: {message}")]
    Internal {
        /// What was found.
        message: String,
    },
}

impl QueryError {
    /// Where in the statement's text.
    pub fn position(&self) -> Option<SourcePosition> {
        match self {
            Self::Syntax { position, .. } | Self::Planning { position, .. } => *position,
            _ => None,
        }
    }

    pub(crate) fn map_position(
        mut self,
        map: impl FnOnce(SourcePosition) -> SourcePosition,
    ) -> Self {
        if let Self::Syntax { position, .. } | Self::Planning { position, .. } = &mut self {
            *position = position.map(map);
        }
        self
    }

    /// A syntax error that has no place stands at the end of the text: the parser
    /// tells none when it runs out of words.
    pub(crate) fn or_at_end(mut self, text: &str) -> Self {
        if let Self::Syntax { position: position @ None, .. } = &mut self {
            let end = text.trim_end();
            let last = end.rsplit('\n').next().unwrap_or(end);
            *position = Some(SourcePosition {
                line: end.matches('\n').count() as u64 + 1,
                column: last.chars().count() as u64 + 1,
            });
        }
        self
    }

    /// A planning error; `tables` are the names a missing table is compared with.
    pub(crate) fn planning<'a>(
        error: &DataFusionError,
        tables: impl Iterator<Item = &'a str>,
    ) -> Self {
        match Self::of(error) {
            Self::Planning { message, position, hint: None } => match missing_table(&message) {
                Some(name) => Self::Planning {
                    message: format!("there is no table or view {name:?}"),
                    position,
                    hint: Some(near_names(&name, tables).map_or_else(
                        || "select table_name from catalog_tables lists them".to_owned(),
                        |near| format!("did you mean {near}?"),
                    )),
                },
                None => Self::Planning { message, position, hint: None },
            },
            other => other,
        }
    }

    fn of(error: &DataFusionError) -> Self {
        if let Some(store) = store_error_inside(error) {
            return Self::Storage { message: store.to_string(), class: store_class(store) };
        }
        let position = error
            .diagnostic()
            .and_then(|diagnostic| diagnostic.span)
            .map(|span| SourcePosition { line: span.start.line, column: span.start.column });
        let planning = |message: String| Self::Planning { message, position, hint: None };
        match first(error).find_root() {
            DataFusionError::SQL(parser, _) => syntax(parser),
            DataFusionError::SchemaError(schema, _) => schema_error(schema, position),
            DataFusionError::Plan(message) | DataFusionError::Configuration(message) => {
                planning(without_prefixes(message))
            }
            DataFusionError::NotImplemented(message) => {
                planning(format!("not supported: {}", without_prefixes(message)))
            }
            DataFusionError::ResourcesExhausted(message) => {
                Self::Resources { message: without_prefixes(message) }
            }
            DataFusionError::Execution(message) => {
                Self::Execution { message: without_prefixes(message) }
            }
            DataFusionError::ArrowError(arrow, _) => {
                Self::Execution { message: without_prefixes(&arrow.to_string()) }
            }
            DataFusionError::ParquetError(parquet) => Self::Storage {
                message: without_prefixes(&parquet.to_string()),
                class: ErrorClass::BadInput,
            },
            DataFusionError::IoError(io) => {
                Self::Storage { message: io.to_string(), class: ErrorClass::Retryable }
            }
            DataFusionError::Internal(message) => {
                Self::Internal { message: without_prefixes(message) }
            }
            other => Self::Execution { message: without_prefixes(&other.strip_backtrace()) },
        }
    }
}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        Self::of(&error)
    }
}

impl From<TokenizerError> for QueryError {
    fn from(error: TokenizerError) -> Self {
        let position = SourcePosition { line: error.location.line, column: error.location.column };
        Self::Syntax { message: error.message, position: Some(position) }
    }
}

impl Fault for QueryError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Syntax { .. } | Self::Planning { .. } | Self::StatementCount { .. } => {
                ErrorClass::BadConfig
            }
            Self::ReadOnly { .. } => ErrorClass::Denied,
            Self::Resources { .. } => ErrorClass::BadConfig,
            Self::Execution { .. } => ErrorClass::BadInput,
            Self::Storage { class, .. } => *class,
            Self::Lake(error) => error.class(),
            Self::Internal { .. } => ErrorClass::Bug,
        }
    }

    fn location(&self) -> Option<Location> {
        match self {
            Self::Lake(error) => error.location(),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Planning { hint, .. } => hint.clone(),
            Self::ReadOnly { .. } => {
                Some("SELECT, EXPLAIN, SHOW, DESCRIBE and SET are possible".to_owned())
            }
            Self::StatementCount { .. } => Some("separate statements with ;".to_owned()),
            Self::Resources { .. } => Some(
                "raise the memory limit, or ask for fewer months, columns or groups".to_owned(),
            ),
            Self::Execution { message } if message.contains("division by zero") => {
                Some("write x / nullif(y, 0) to get NULL there".to_owned())
            }
            Self::Storage { class: ErrorClass::BadInput, .. } => Some(
                "costlake lake verify names damaged files; costlake lake optimize writes damaged \
                 rollups anew"
                    .to_owned(),
            ),
            Self::Lake(error) => error.hint(),
            _ => None,
        }
    }
}

/// The first of several errors: later ones mostly follow from it.
fn first(error: &DataFusionError) -> &DataFusionError {
    match error {
        DataFusionError::Collection(errors) => errors.first().map_or(error, first),
        DataFusionError::Diagnostic(_, inner) | DataFusionError::Context(_, inner) => first(inner),
        DataFusionError::Shared(inner) => first(inner),
        other => other,
    }
}

fn syntax(error: &ParserError) -> QueryError {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.as_str(),
        ParserError::RecursionLimitExceeded => "the statement is nested too deeply",
    };
    // sqlparser gives the place only at the end of its text.
    match text.rsplit_once(" at Line: ") {
        Some((message, place)) => {
            let position = place.split_once(", Column: ").and_then(|(line, column)| {
                Some(SourcePosition {
                    line: line.trim().parse().ok()?,
                    column: column.trim().parse().ok()?,
                })
            });
            QueryError::Syntax { message: message.to_owned(), position }
        }
        None => QueryError::Syntax { message: text.to_owned(), position: None },
    }
}

fn schema_error(error: &SchemaError, position: Option<SourcePosition>) -> QueryError {
    let planning =
        |message: String, hint: Option<String>| QueryError::Planning { message, position, hint };
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let names = valid_fields.iter().map(|field| field.name());
            let hint = near_names(field.name(), names).map(|near| format!("did you mean {near}?"));
            planning(format!("there is no column {:?}", field.flat_name()), hint)
        }
        SchemaError::AmbiguousReference { field } => planning(
            format!("column {:?} is in more than one table", field.flat_name()),
            Some(format!("write table.{}", field.name())),
        ),
        SchemaError::DuplicateUnqualifiedField { name }
        | SchemaError::DuplicateQualifiedField { name, .. } => planning(
            format!("two columns are named {name:?}"),
            Some("rename one with as".to_owned()),
        ),
    }
}

/// The name in DataFusion's "table 'catalog.schema.name' not found".
fn missing_table(message: &str) -> Option<String> {
    let name = message.strip_prefix("table '")?.strip_suffix("' not found")?;
    let own = name.strip_prefix("costlake.public.");
    Some(own.unwrap_or(name).to_owned())
}

/// Drops what the layers put in front of a message.
fn without_prefixes(message: &str) -> String {
    const PREFIXES: &[&str] = &[
        "Arrow error: ",
        "Compute error: ",
        "Error during planning: ",
        "Execution error: ",
        "External error: ",
        "Invalid argument error: ",
        "Optimizer rule 'simplify_expressions' failed",
        "Parquet error: ",
        "Resources exhausted: ",
        "caused by",
        "\n",
    ];
    let message = message.split(DataFusionError::BACK_TRACE_SEP).next().unwrap_or_default();
    let mut rest = message.trim();
    while let Some(shorter) = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = shorter.trim_start_matches(' ');
    }
    rest.to_owned()
}

/// How many near names a hint gives.
const NEAR_NAMES_MAX: usize = 3;

/// The names nearest to one that does not exist.
fn near_names<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let name = name.rsplit('.').next().unwrap_or(name);
    let mut names = near(name, candidates);
    names.truncate(NEAR_NAMES_MAX);
    (!names.is_empty()).then(|| names.join(" or "))
}
