//! Rows of a result, written for people or for programs.
//!
//! Input: record batches of one result. Output: bytes in one [`Mode`]. Every
//! writer streams; only tables hold rows back, up to a constant, to learn how
//! wide columns are. Nothing here computes: decimals are spelled exactly,
//! without trailing zeros, never through `f64`.

pub mod cell;
pub mod csv;
pub mod json;
mod line;
pub mod markdown;
pub mod parquet;
mod plan;
mod table;
pub mod target;

use std::io::{IsTerminal as _, Write};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

pub use cell::type_name;

use crate::args::SqlFormat;
use crate::failure::Failure;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A box with names and types; fits the terminal.
    Table,
    /// A box with names; every row and column.
    Box,
    /// One line per cell.
    Line,
    /// RFC 4180, lines ended by LF; NULL is empty, an empty text is `""`.
    Csv,
    /// An array of objects.
    Json,
    /// One object per line.
    Ndjson,
    /// A Markdown table.
    Markdown,
    /// Parquet with zstd. Not a mode of the shell.
    Parquet,
}

impl Mode {
    /// The modes of the shell.
    pub const NAMES: [&str; 7] = ["table", "csv", "json", "ndjson", "markdown", "line", "box"];

    /// A mode of the shell by its name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "table" => Self::Table,
            "csv" => Self::Csv,
            "json" => Self::Json,
            "ndjson" | "jsonl" | "jsonlines" => Self::Ndjson,
            "markdown" | "md" => Self::Markdown,
            "line" => Self::Line,
            "box" => Self::Box,
            _ => return None,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Box => "box",
            Self::Line => "line",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Markdown => "markdown",
            Self::Parquet => "parquet",
        }
    }

    /// The mode a file's ending asks for.
    pub fn of_file(path: &std::path::Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "parquet" => Some(Self::Parquet),
            "txt" => Some(Self::Table),
            ending @ ("csv" | "json" | "ndjson" | "jsonl" | "md") => Self::named(ending),
            _ => None,
        }
    }

    /// Whether a second result in the same file leaves it readable.
    pub fn may_be_joined(self) -> bool {
        matches!(self, Self::Table | Self::Box | Self::Line | Self::Markdown | Self::Ndjson)
    }
}

impl From<SqlFormat> for Mode {
    fn from(format: SqlFormat) -> Self {
        match format {
            SqlFormat::Table => Self::Table,
            SqlFormat::Csv => Self::Csv,
            SqlFormat::Json => Self::Json,
            SqlFormat::Ndjson => Self::Ndjson,
            SqlFormat::Markdown => Self::Markdown,
            SqlFormat::Parquet => Self::Parquet,
        }
    }
}

/// What the place of output allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Columns of the terminal; none when output goes elsewhere: then nothing
    /// is ever left out.
    pub width: Option<usize>,
    /// Rows of a table on a terminal; 0 shows all.
    pub max_rows: usize,
    /// Whether NULL may be dimmed.
    pub colored: bool,
}

/// Columns assumed for a terminal that does not tell.
const WIDTH_DEFAULT: usize = 80;

impl Layout {
    /// Of stdout.
    pub fn of_stdout(max_rows: usize, no_color: bool) -> Self {
        if !std::io::stdout().is_terminal() {
            return Self::default();
        }
        let width = terminal_size::terminal_size()
            .map_or(WIDTH_DEFAULT, |(terminal_size::Width(width), _)| usize::from(width));
        Self { width: Some(width), max_rows, colored: !no_color }
    }
}

/// Why a result cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The place of output failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A value or type that the format cannot hold.
    #[error("{what}")]
    Value {
        /// Name of the format.
        format: &'static str,
        /// What it cannot hold.
        what: String,
    },
}

impl OutputError {
    pub fn value(format: &'static str, error: impl std::fmt::Display) -> Self {
        Self::Value { format, what: error.to_string() }
    }
}

/// Writes one result.
pub trait ResultWriter {
    /// Writes, or keeps, the rows of one batch.
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError>;

    /// Writes what is left. Call it once, after the last batch.
    fn finish(&mut self) -> Result<(), OutputError>;
}

/// The writer of a mode. `out` should be buffered.
pub fn result_writer<'a>(
    mode: Mode,
    schema: &SchemaRef,
    layout: Layout,
    out: &'a mut (dyn Write + Send),
) -> Result<Box<dyn ResultWriter + 'a>, OutputError> {
    Ok(match mode {
        Mode::Table | Mode::Box if plan::is_plan(schema) => Box::new(plan::PlanWriter::new(out)),
        Mode::Table => Box::new(table::TableWriter::new(schema, table::Style::Fitted, layout, out)),
        Mode::Box => Box::new(table::TableWriter::new(schema, table::Style::Whole, layout, out)),
        Mode::Line => Box::new(line::LineWriter::new(schema, layout, out)),
        Mode::Csv => Box::new(csv::CsvWriter::new(schema, out)?),
        Mode::Json => Box::new(json::JsonWriter::array(schema, out)),
        Mode::Ndjson => Box::new(json::JsonWriter::lines(schema, out)),
        Mode::Markdown => Box::new(markdown::MarkdownWriter::new(schema, out)?),
        Mode::Parquet => Box::new(parquet::ParquetResultWriter::new(schema, out)?),
    })
}

/// Rows and nothing else: for listings the shell makes itself.
pub fn write_whole(
    mode: Mode,
    batch: &RecordBatch,
    layout: Layout,
    target: &mut target::Target,
) -> Result<(), Failure> {
    let written = (|| {
        let mut writer = result_writer(mode, batch.schema_ref(), layout, target)?;
        writer.batch(batch)?;
        writer.finish()
    })();
    written.and_then(|()| Ok(target.flush()?)).map_err(|error| target.failure(error))
}

#[cfg(test)]
mod tests;
