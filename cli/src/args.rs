//! What was typed: the command line, by clap alone.
//!
//! Input: arguments. Output: [`Arguments`]. What they mean together with the
//! environment and the config file is settled in `settings`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use costlake_engine::model::date::parse_date;
use costlake_engine::model::period::{BillingMonth, InvalidMonth};
use costlake_engine::model::scope::{Scope, ScopeType, SourceName};

const EXAMPLES: &str = "\
Examples:
  costlake demo
  costlake ingest --source contoso --actual ./exports/actual --amortized ./exports/amortized
  costlake sql -c \"select * from savings order by savings desc limit 10\"
  costlake sql                        SQL shell on ./lake
  costlake --lake az://lake/prod sql  the same on Azure storage

Exit codes: 0 done, 1 data refused or a check failed, 2 usage or configuration,
3 cannot reach or not allowed.";

/// Azure cost exports of a CSP partner in, answers in SQL out.
///
/// costlake reads the actual and amortized cost exports that Azure Cost
/// Management writes, keeps them in a Delta lake, and answers list price vs
/// cost price, commitments, savings and utilization in SQL.
#[derive(Debug, Parser)]
#[command(name = "costlake", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Arguments {
    #[command(flatten)]
    pub global: GlobalArguments,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArguments {
    /// The lake: a folder, file:///…, or az://container/path [default: ./lake]
    #[arg(long, global = true, value_name = "URL")]
    pub lake: Option<String>,
    /// Config file [default: ./costlake.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Day that current_date is in queries, and expiry counts from [default: today, UTC]
    #[arg(long, global = true, value_name = "DATE")]
    pub as_of: Option<Day>,
    /// Say nothing but warnings and errors; no progress bars
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// How messages on stderr are written [default: text]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
}

/// How messages on stderr are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

impl LogFormat {
    /// By its name on the command line.
    pub fn named(name: &str) -> Option<Self> {
        Self::from_str(name, true).ok()
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    Demo(DemoArguments),
    Generate(GenerateArguments),
    Ingest(IngestArguments),
    Sql(SqlArguments),
    Lake(LakeArguments),
}

/// Build a synthetic partner tenant, its lake, and a first report
///
/// Needs nothing: no Azure, no config. Writes exports and a lake below one
/// folder and prints what to try next.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  costlake demo --dir /tmp/demo && costlake --lake /tmp/demo/lake sql"
)]
pub struct DemoArguments {
    /// Folder for the exports and the lake
    #[arg(long, value_name = "DIR", default_value = "demo")]
    pub dir: PathBuf,
}

/// Write synthetic cost exports, laid out as Azure lays them out
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  costlake generate --out exports --months 2026-07..2026-09 --rows 100000 --gzip"
)]
pub struct GenerateArguments {
    /// Folder to write to; each export goes below it
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Months, both ends included
    #[arg(long, value_name = "A..B")]
    pub months: Months,
    /// Rows per month and dataset, about
    #[arg(long, value_name = "N")]
    pub rows: u64,
    /// The same seed writes the same bytes
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Scope the exports are made at; narrower scopes lack columns and rows
    #[arg(long, value_name = "SCOPE", default_value = "billing_account", value_parser = scope_type)]
    pub scope: ScopeType,
    /// Compress the files (.csv.gz)
    #[arg(long)]
    pub gzip: bool,
    /// Version of Azure's cost dataset, e.g. 2021-10-01 or 2019-11-01
    #[arg(long, value_name = "VERSION", default_value = "2021-10-01")]
    pub data_version: String,
}

/// Load cost exports into the lake, whole months at a time
///
/// Picks the newest complete run of every month, and replaces a month in one
/// commit. A run that is in the lake already is skipped. A month with
/// unreadable rows keeps its old content unless --max-rejected allows them.
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("exports").required(true).multiple(true).args([
        "actual", "amortized", "price_sheet", "reservation_details", "reservation_transactions",
        "reservation_recommendations",
    ]),
    after_help = "Examples:
  costlake ingest --source contoso --actual ./exports/actual --amortized ./exports/amortized
  costlake ingest --source contoso --month 2026-07..2026-09 \\
    --actual https://contoso.blob.core.windows.net/exports/daily/actual
  AZURE_STORAGE_USE_EMULATOR=true costlake ingest --source test --amortized az://exports/amortized

Credentials come from the AZURE_STORAGE_… and AZURE_… environment variables."
)]
pub struct IngestArguments {
    /// Export of actual cost: the folder that holds the month folders
    #[arg(long, value_name = "URL")]
    pub actual: Option<String>,
    /// Export of amortized cost, likewise
    #[arg(long, value_name = "URL")]
    pub amortized: Option<String>,
    /// Export of the price sheet, likewise
    #[arg(long, value_name = "URL")]
    pub price_sheet: Option<String>,
    /// Export of reservation details, likewise
    #[arg(long, value_name = "URL")]
    pub reservation_details: Option<String>,
    /// Export of reservation transactions, likewise
    #[arg(long, value_name = "URL")]
    pub reservation_transactions: Option<String>,
    /// Export of reservation recommendations, likewise
    #[arg(long, value_name = "URL")]
    pub reservation_recommendations: Option<String>,
    /// Name of the bill connect these exports belong to
    #[arg(long, value_name = "NAME")]
    pub source: SourceName,
    /// Scope of the exports, as a type or an Azure path [default: as the manifest says]
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<Scope>,
    /// Only these months: YYYY-MM or A..B; may be repeated [default: all]
    #[arg(long, value_name = "MONTH", num_args = 1..)]
    pub month: Vec<Months>,
    /// Load again what the lake has already
    #[arg(long)]
    pub force: bool,
    /// Rows that may be unreadable before a month is refused
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub max_rejected: u64,
}

/// Ask the lake in SQL: one text, a file, a pipe, or a shell
///
/// Without -c and -f, a terminal gets the SQL shell, and a pipe is read as a
/// script. Scripts may hold dot commands (.mode csv) and \d, \dt, \x as the
/// shell does. Rows go to stdout, everything else to stderr.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  costlake sql
  costlake sql -c \"select source, billing_month, sum(cost_in_usd) from actual_cost group by 1, 2\"
  costlake sql -f monthly.sql --format csv --output monthly.csv
  echo \"select * from savings\" | costlake sql --format ndjson | jq .scope_name

A statement that fails ends the script with exit code 1; an unreachable lake with 3.")]
pub struct SqlArguments {
    /// Run these statements and leave; may be repeated
    // A statement may begin with a comment.
    #[arg(long, short, value_name = "SQL", conflicts_with = "file", allow_hyphen_values = true)]
    pub command: Vec<String>,
    /// Run the statements of a file and leave; - is stdin
    #[arg(long, short, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// How rows are written [default: by the ending of --output, else table]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<SqlFormat>,
    /// Write the rows of the one query to a file, which appears when it is complete
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// How `costlake sql` writes rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SqlFormat {
    /// A table for people, with types
    Table,
    /// RFC 4180 with a header; NULL is empty
    Csv,
    /// An array of objects; decimals are exact numbers
    Json,
    /// One object per line
    #[value(alias = "jsonl", alias = "jsonlines")]
    Ndjson,
    /// A Markdown table
    #[value(alias = "md")]
    Markdown,
    /// Parquet, zstd-compressed; to a file or a pipe
    Parquet,
}

/// Look after the lake
#[derive(Debug, Args)]
pub struct LakeArguments {
    #[command(subcommand)]
    pub command: LakeCommand,
}

/// What `costlake lake` does.
#[derive(Debug, Subcommand)]
pub enum LakeCommand {
    /// Show sources, datasets, months, rows and bytes in the lake
    Status,
    /// Show the commits of the tables, newest first
    History {
        /// Only this table [default: all]
        #[arg(long, value_name = "NAME")]
        table: Option<String>,
        /// Most commits shown
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: usize,
    },
    /// Check files against the log and rows against the control totals
    Verify,
    /// Rewrite small files of a month into few
    Optimize {
        /// Only these months: YYYY-MM or A..B; may be repeated [default: all]
        #[arg(long, value_name = "MONTH", num_args = 1..)]
        month: Vec<Months>,
    },
    /// Delete files that no version within the retention needs
    ///
    /// History older than the retention can no longer be read afterwards. Files that
    /// interrupted loads left behind go too: half-written ones after a day, whole ones
    /// after the retention, but not before a day.
    Vacuum {
        /// Days of history to keep
        #[arg(long, value_name = "DAYS", default_value_t = 90)]
        retain_days: u32,
        /// Only list what would be deleted
        #[arg(long)]
        dry_run: bool,
    },
}

/// A day, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day(pub i32);

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_date(text.as_bytes())
            .map(Self)
            .ok_or_else(|| "a day is written YYYY-MM-DD, e.g. 2026-07-31".to_owned())
    }
}

/// One month or a range of months, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Months(pub Vec<BillingMonth>);

impl FromStr for Months {
    type Err = InvalidMonth;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        BillingMonth::parse_range(text).map(Self)
    }
}

fn scope_type(text: &str) -> Result<ScopeType, String> {
    text.parse::<Scope>().map(|scope| scope.scope_type).map_err(|invalid| invalid.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn months_may_be_repeated_and_ranges() {
        let parsed = Arguments::try_parse_from([
            "costlake",
            "ingest",
            "--source",
            "a",
            "--actual",
            "x",
            "--month",
            "2026-01",
            "2026-03..2026-04",
            "--month",
            "2026-06",
        ])
        .unwrap();
        let Command::Ingest(ingest) = parsed.command else { panic!("ingest") };
        let months: Vec<String> =
            ingest.month.iter().flat_map(|months| &months.0).map(ToString::to_string).collect();
        assert_eq!(months, ["2026-01", "2026-03", "2026-04", "2026-06"]);
    }

    #[test]
    fn one_export_is_enough_and_none_is_not() {
        let parse = |more: &[&str]| {
            Arguments::try_parse_from(
                ["costlake", "ingest", "--source", "a"].iter().chain(more).copied(),
            )
        };
        assert!(parse(&["--amortized", "x"]).is_ok());
        assert!(parse(&[]).is_err());
    }

    #[test]
    fn global_options_stand_before_or_after_the_verb() {
        for arguments in [
            ["costlake", "--lake", "x", "lake", "status"],
            ["costlake", "lake", "status", "--lake", "x"],
        ] {
            let parsed = Arguments::try_parse_from(arguments).unwrap();
            assert_eq!(parsed.global.lake.as_deref(), Some("x"));
        }
    }
}
