//! What was typed: the command line, by clap alone.
//!
//! Input: arguments. Output: [`Arguments`]. What they mean together with the
//! environment and the config file is settled in `settings`.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use costlake_engine::azure::exports::{ArmScope, ExportName, ExportsError};
use costlake_engine::error::Fault as _;
use costlake_engine::model::DatasetType;
use costlake_engine::model::date::parse_date;
use costlake_engine::model::period::{BillingMonth, InvalidMonth};
use costlake_engine::model::scope::{Scope, ScopeType, SourceName};
use costlake_engine::report::ReportScope;
use costlake_engine::source::{SourceError, SourceUrl};

use crate::settings::sources::is_variable_name;

const EXAMPLES: &str = "\
Examples:
  costlake demo
  costlake source add contoso         say where a bill's exports are
  costlake ingest                     load every source
  costlake ingest --source contoso --actual ./exports/actual --amortized ./exports/amortized
  costlake sql -c \"select * from savings order by savings desc limit 10\"
  costlake sql                        SQL shell on ./lake
  costlake report savings --out reports
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
    Source(SourceArguments),
    Ingest(IngestArguments),
    Sql(SqlArguments),
    Report(ReportArguments),
    Lake(LakeArguments),
    Exports(ExportsArguments),
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
    /// Customers of the tenant, at least 12 [default: as many as the rows suggest]
    #[arg(long, value_name = "N")]
    pub customers: Option<u64>,
    /// The same seed writes the same bytes
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Scope the exports are made at; narrower scopes lack columns and rows
    #[arg(long, value_name = "SCOPE", default_value = "billing_account", value_parser = scope_type)]
    pub scope: ScopeType,
    /// How the files are written
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    pub format: ExportFormat,
    /// Compress the files (.csv.gz)
    #[arg(long)]
    pub gzip: bool,
    /// Version of Azure's cost dataset, e.g. 2021-10-01 or 2019-11-01
    #[arg(long, value_name = "VERSION", default_value = "2021-10-01")]
    pub data_version: String,
}

/// How `costlake generate` writes files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Comma-separated text
    Csv,
    /// Parquet, snappy-compressed; the reservation files stay CSV, as Azure's do
    Parquet,
}

/// Load cost exports into the lake, whole months at a time
///
/// Picks the newest complete run of every month, and replaces a month in one
/// commit. A run that is in the lake already is skipped. A month with
/// unreadable rows keeps its old content unless --max-rejected allows them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  costlake ingest                     every source of costlake.toml
  costlake ingest contoso fabrikam --month 2026-07..2026-09
  costlake ingest --source contoso --actual ./exports/actual --amortized ./exports/amortized
  AZURE_STORAGE_USE_EMULATOR=true costlake ingest --source test --amortized az://exports/amortized

Without a configured source, credentials come from the AZURE_STORAGE_… and AZURE_…
environment variables.")]
pub struct IngestArguments {
    /// Configured sources to load [default: all]
    #[arg(value_name = "SOURCE", conflicts_with_all = ["source", "scope"])]
    pub sources: Vec<String>,
    #[command(flatten)]
    pub exports: ExportArguments,
    /// Name of the bill connect these exports belong to
    #[arg(long, value_name = "NAME")]
    pub source: Option<SourceName>,
    /// Scope of the exports, as a type or an Azure path [default: as the manifest says]
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<Scope>,
    /// Only these months: YYYY-MM or A..B; several by comma or repeated [default: all]
    #[arg(long, value_name = "MONTH", value_delimiter = ',')]
    pub month: Vec<Months>,
    /// Load again what the lake has already
    #[arg(long)]
    pub force: bool,
    /// Rows that may be unreadable before a month is refused
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub max_rejected: u64,
    /// First ask Azure for a run out of schedule, and wait for it: of sources that allow it
    #[arg(long, conflicts_with = "source")]
    pub refresh: bool,
    /// Most bytes per second that downloads take: 100MB, 12MiB [default: no limit]
    #[arg(long, value_name = "BYTES")]
    pub max_bandwidth: Option<String>,
    /// Most requests to storage at a time [default: no limit]
    #[arg(long, value_name = "N")]
    pub max_requests: Option<NonZeroUsize>,
    /// Split CSV without AVX, as on processors that lack it; slower, for comparison
    #[arg(long, hide = true)]
    pub portable: bool,
    /// Leave rollups to costlake lake optimize: queries compute until then
    #[arg(long)]
    pub no_rollups: bool,
}

const EXPORTS: &str = "Exports: URL of the folder that holds the month folders, of";

/// Export URLs, by dataset.
#[derive(Clone, Debug, Default, Args)]
pub struct ExportArguments {
    /// Actual cost
    #[arg(long, value_name = "URL", help_heading = EXPORTS)]
    pub actual: Option<String>,
    /// Amortized cost
    #[arg(long, value_name = "URL", help_heading = EXPORTS)]
    pub amortized: Option<String>,
    /// The price sheet
    #[arg(long, value_name = "URL", help_heading = EXPORTS)]
    pub price_sheet: Option<String>,
    /// Reservation details
    #[arg(long, value_name = "URL", help_heading = EXPORTS)]
    pub reservation_details: Option<String>,
    /// Reservation transactions
    #[arg(long, value_name = "URL", help_heading = EXPORTS)]
    pub reservation_transactions: Option<String>,
    /// Reservation recommendations
    #[arg(long, value_name = "URL", help_heading = EXPORTS)]
    pub reservation_recommendations: Option<String>,
}

impl ExportArguments {
    /// Those given, in the order they are loaded.
    pub fn urls(&self) -> Result<Vec<(DatasetType, SourceUrl)>, SourceError> {
        let url = |dataset| match dataset {
            DatasetType::ActualCost => self.actual.as_ref(),
            DatasetType::AmortizedCost => self.amortized.as_ref(),
            DatasetType::PriceSheet => self.price_sheet.as_ref(),
            DatasetType::ReservationDetails => self.reservation_details.as_ref(),
            DatasetType::ReservationTransactions => self.reservation_transactions.as_ref(),
            DatasetType::ReservationRecommendations => self.reservation_recommendations.as_ref(),
        };
        let given =
            DatasetType::ALL.into_iter().filter_map(|dataset| Some((dataset, url(dataset)?)));
        given.map(|(dataset, url)| Ok((dataset, SourceUrl::parse(url)?))).collect()
    }
}

/// Say where a bill's exports are, and as who they are read
///
/// A source is one bill connect: its scope, its exports, its credential. It is kept in
/// costlake.toml, which never holds a secret: an environment variable or a file does.
#[derive(Debug, Args)]
pub struct SourceArguments {
    #[command(subcommand)]
    pub command: SourceCommand,
}

/// What `costlake source` does.
#[derive(Debug, Subcommand)]
pub enum SourceCommand {
    /// Add a source; asks for what is not given, on a terminal
    #[command(after_help = "Examples:
  costlake source add contoso                          answers questions, on a terminal
  costlake source add contoso --bill-connect contoso.json
  costlake source add contoso --scope /providers/Microsoft.Billing/billingAccounts/… \\
    --actual https://contoso.blob.core.windows.net/exports/daily/contoso-actual \\
    --amortized https://contoso.blob.core.windows.net/exports/daily/contoso-amortized \\
    --tenant-id … --client-id … --client-secret-env CONTOSO_CLIENT_SECRET")]
    Add(Box<SourceAddArguments>),
    /// Show the sources
    List,
    /// Prove sources step by step: credential, access, exports, months, scope
    Check {
        /// Sources to check [default: all]
        #[arg(value_name = "SOURCE")]
        names: Vec<String>,
    },
    /// Take a source out of costlake.toml; the lake keeps what it holds
    Remove {
        /// The source
        #[arg(value_name = "SOURCE")]
        name: String,
    },
}

/// A source, as typed.
#[derive(Clone, Debug, Args)]
#[command(
    group = clap::ArgGroup::new("client_proof").args([
        "client_secret_env", "client_secret_file", "certificate",
    ]),
    group = clap::ArgGroup::new("other_credential").args([
        "sas_token_env", "sas_token_file", "account_key_env", "account_key_file",
        "managed_identity", "azure_cli",
    ]),
)]
pub struct SourceAddArguments {
    /// Name of the source, of letters, digits, '-', '_' and '.'
    #[arg(value_name = "NAME")]
    pub name: SourceName,
    /// JSON body of a bill connect as Flexera's azure-csp API takes it; // comments allowed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["scope", "actual", "amortized", "tenant_id", "client_id", "storage_tenant_id", "other_credential"])]
    pub bill_connect: Option<PathBuf>,
    /// Scope of the exports: its Azure path, or its type
    #[arg(long, value_name = "SCOPE")]
    pub scope: Option<Scope>,
    /// First month that is loaded [default: the first one found]
    #[arg(long, value_name = "YYYY-MM")]
    pub first_month: Option<BillingMonth>,
    /// `ingest --refresh` may ask Azure for a run out of schedule
    #[arg(long)]
    pub refresh: bool,
    /// Take the place of a source of that name
    #[arg(long)]
    pub replace: bool,
    #[command(flatten)]
    pub exports: ExportArguments,
    #[command(flatten)]
    pub credential: CredentialArguments,
}

/// As who a source is read, as typed.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Credential [default: as the AZURE_… environment variables say]")]
pub struct CredentialArguments {
    /// Tenant of the app
    #[arg(long, value_name = "GUID", requires = "client_id", conflicts_with = "other_credential")]
    pub tenant_id: Option<String>,
    /// The app
    #[arg(long, value_name = "GUID", requires = "tenant_id", conflicts_with = "other_credential")]
    pub client_id: Option<String>,
    /// Environment variable that has the app's secret
    #[arg(long, value_name = "NAME", value_parser = variable_name)]
    pub client_secret_env: Option<String>,
    /// File that has the app's secret
    #[arg(long, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
    /// PEM file of the app's certificate and key
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// Sign the app in by workload identity federation
    #[arg(long, conflicts_with_all = ["client_proof", "other_credential"])]
    pub workload_identity: bool,
    /// File of the federated token [default: $AZURE_FEDERATED_TOKEN_FILE]
    #[arg(long, value_name = "FILE", requires = "workload_identity")]
    pub token_file: Option<PathBuf>,
    /// Tenant of the storage account, where it is another one
    #[arg(long, value_name = "GUID", requires = "client_id")]
    pub storage_tenant_id: Option<String>,
    /// Environment variable that has a SAS token
    #[arg(long, value_name = "NAME", value_parser = variable_name)]
    pub sas_token_env: Option<String>,
    /// File that has a SAS token
    #[arg(long, value_name = "FILE")]
    pub sas_token_file: Option<PathBuf>,
    /// Environment variable that has the account's key
    #[arg(long, value_name = "NAME", value_parser = variable_name)]
    pub account_key_env: Option<String>,
    /// File that has the account's key
    #[arg(long, value_name = "FILE")]
    pub account_key_file: Option<PathBuf>,
    /// Identity of this machine on Azure; a client id where it has several
    #[arg(long, value_name = "CLIENT_ID", num_args = 0..=1, require_equals = true)]
    pub managed_identity: Option<Option<String>>,
    /// Whoever is signed in with the Azure CLI
    #[arg(long)]
    pub azure_cli: bool,
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
    /// Compute every view from the rows, as if no rollup were kept
    #[arg(long)]
    pub no_rollups: bool,
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

/// Make reports: files for customers, or for the books
///
/// For everything in the lake, for one scope, or one set of files for each customer,
/// billing profile, reseller or subscription, in one pass. A set replaces the one that is
/// there as a whole, or leaves it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  costlake report --list              what there is
  costlake report savings --out reports
  costlake report all --month 2026-07 --per customer_tenant --format html,xlsx --out reports
  costlake report savings --scope-type customer_tenant --scope-id 'Contoso Ltd' --out contoso
  costlake report --file my.sql --per subscription --format csv --out az://reports/monthly

A file of your own is SQL with $first_month, $last_month, $scope_type and others; with a
column scope_id it can be kept to a scope, or told apart by --per.")]
pub struct ReportArguments {
    /// Reports by name, or all [default: all]
    #[arg(value_name = "NAME", conflicts_with = "file")]
    pub names: Vec<String>,
    /// Show the reports and what they answer
    #[arg(long, exclusive = true)]
    pub list: bool,
    /// A report of your own: SQL statements, each a section
    #[arg(long, short, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Months: YYYY-MM or A..B [default: the newest twelve that are loaded]
    #[arg(long, value_name = "MONTH")]
    pub month: Option<Months>,
    /// Type of the one scope to report on: customer_tenant, subscription, reseller, …
    #[arg(long, value_name = "TYPE", requires = "scope_id")]
    pub scope_type: Option<ReportScope>,
    /// The one scope to report on, by id or name
    #[arg(long, value_name = "ID", requires = "scope_type")]
    pub scope_id: Option<String>,
    /// A set of files for each scope of a type, in a folder of its own
    #[arg(long, value_name = "TYPE", conflicts_with = "scope_type")]
    pub per: Option<ReportScope>,
    /// Only this billing currency
    #[arg(long, value_name = "CODE")]
    pub currency: Option<String>,
    /// Only this source
    #[arg(long, value_name = "NAME")]
    pub source: Option<SourceName>,
    /// Formats, several by comma
    #[arg(long, value_name = "FORMAT", value_delimiter = ',', default_value = "html")]
    pub format: Vec<ReportFormat>,
    /// Folder of the set, or az://container/path; its files are replaced together
    #[arg(long, short, value_name = "DIR")]
    pub out: Option<String>,
    /// Compute every view from the rows, as if no rollup were kept
    #[arg(long)]
    pub no_rollups: bool,
}

/// How `costlake report` writes files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// A page to read, print and send
    Html,
    /// A workbook with a sheet per section and charts
    Xlsx,
    /// A file per section; formulas are neutralized
    Csv,
    /// One object, decimals with every digit
    Json,
    /// A file per section
    Parquet,
    /// Markdown tables
    #[value(alias = "md")]
    Markdown,
}

impl ReportFormat {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Parquet => "parquet",
            Self::Markdown => "markdown",
        }
    }
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
    /// Rewrite small files of a month into few, and keep rollups that are missing
    Optimize {
        /// Only these months: YYYY-MM or A..B; several by comma or repeated [default: all]
        #[arg(long, value_name = "MONTH", value_delimiter = ',')]
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

/// Make, list and run the exports of a scope, through Azure's own API
///
/// Who signs in comes from the AZURE_… environment variables, as for storage. At
/// a partner's billing account, billing profile or customer it needs to be admin
/// agent or billing admin, and no managed identity; at a subscription Owner,
/// Contributor or Cost Management Contributor.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  costlake exports list --scope /subscriptions/<id>
  costlake exports create --scope /providers/Microsoft.Billing/billingAccounts/<id> --name contoso \\
    --storage-account <resource id> --container exports --directory contoso --gzip --dry-run
  costlake exports run contoso-actual --scope /subscriptions/<id> --month 2026-01..2026-06 --wait
  costlake exports history contoso-actual --scope /subscriptions/<id>")]
pub struct ExportsArguments {
    /// Azure path of the scope: /subscriptions/<id>, a resource group or management group, or
    /// /providers/Microsoft.Billing/billingAccounts/<id> and what is below it
    #[arg(long, global = true, value_name = "PATH", value_parser = arm_scope)]
    pub scope: Option<ArmScope>,
    /// Configured source whose scope and credential are taken instead
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "scope")]
    pub source: Option<String>,
    #[command(subcommand)]
    pub command: ExportsCommand,
}

/// What `costlake exports` does.
#[derive(Debug, Subcommand)]
pub enum ExportsCommand {
    /// Show the exports, their schedule and their last run
    List,
    Create(CreateExportsArguments),
    Run(RunExportArguments),
    /// Show the runs of an export, newest first
    History {
        /// The export
        #[arg(value_name = "NAME", value_parser = export_name)]
        name: ExportName,
    },
}

/// Make the exports that costlake reads: daily, month to date, partitioned
///
/// One export per dataset, named NAME-actual, NAME-amortized, and so on. What is
/// there already and the same is left as it is, so the command may be repeated.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("account").required(true).args(["storage_account", "sas_account"]))]
pub struct CreateExportsArguments {
    /// First part of the names
    #[arg(long, value_name = "NAME", value_parser = export_name)]
    pub name: ExportName,
    /// What to export; may be repeated [default: ActualCost and AmortizedCost]
    #[arg(long, value_name = "DATASET")]
    pub dataset: Vec<DatasetType>,
    /// Resource id of the storage account to write to
    #[arg(long, value_name = "ID")]
    pub storage_account: Option<String>,
    /// Name of the storage account to write to with a SAS token, in whatever tenant
    #[arg(long, value_name = "NAME", requires = "sas_token_file")]
    pub sas_account: Option<String>,
    /// File with the account SAS; - is stdin
    #[arg(long, value_name = "FILE", requires = "sas_account")]
    pub sas_token_file: Option<PathBuf>,
    /// Container to write to; made if it is not there
    #[arg(long, value_name = "NAME")]
    pub container: String,
    /// Folder in it; each export goes below it
    #[arg(long, value_name = "PATH")]
    pub directory: String,
    /// Region for a managed identity of the exports, for storage behind a firewall
    #[arg(long, value_name = "REGION")]
    pub identity_location: Option<String>,
    /// Compress the files (.csv.gz)
    #[arg(long)]
    pub gzip: bool,
    /// Also run each export over every month from this one on that it has no run of
    /// [default: the first month of the source]
    #[arg(long, value_name = "MONTH")]
    pub backfill_from: Option<BillingMonth>,
    /// Run no export over the past
    #[arg(long, conflicts_with = "backfill_from")]
    pub no_backfill: bool,
    /// Change exports of these names that are there and differ, or renew their SAS token
    #[arg(long)]
    pub update: bool,
    /// Only print the requests; nothing is sent
    #[arg(long)]
    pub dry_run: bool,
}

/// Run an export now, over its own time frame or over months of the past
#[derive(Debug, Args)]
pub struct RunExportArguments {
    /// The export
    #[arg(value_name = "NAME", value_parser = export_name)]
    pub name: ExportName,
    /// Months, each in a run of its own: YYYY-MM or A..B; several by comma or repeated
    #[arg(long, value_name = "MONTH", value_delimiter = ',')]
    pub month: Vec<Months>,
    /// Wait until every run has ended
    #[arg(long)]
    pub wait: bool,
    /// Longest time to wait for a run
    #[arg(long, value_name = "MINUTES", default_value_t = 120, requires = "wait")]
    pub wait_minutes: u32,
    /// Only print the requests; nothing is sent
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
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

/// The months of all ranges, each once; `None` where none was typed.
pub fn months(typed: &[Months]) -> Option<BTreeSet<BillingMonth>> {
    (!typed.is_empty()).then(|| typed.iter().flat_map(|months| months.0.iter().copied()).collect())
}

fn arm_scope(text: &str) -> Result<ArmScope, String> {
    text.parse().map_err(|error| with_hint(&error))
}

fn export_name(text: &str) -> Result<ExportName, String> {
    text.parse().map_err(|error| with_hint(&error))
}

fn with_hint(error: &ExportsError) -> String {
    match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}

/// A variable's name; a secret in its place is not repeated.
fn variable_name(text: &str) -> Result<String, String> {
    if is_variable_name(text) {
        Ok(text.to_owned())
    } else {
        Err("give the name of a variable, not what it holds".to_owned())
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
            "2026-03..2026-04,2026-01",
            "--month",
            "2026-06",
        ])
        .unwrap();
        let Command::Ingest(ingest) = parsed.command else { panic!("ingest") };
        let months: Vec<String> =
            months(&ingest.month).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(months, ["2026-01", "2026-03", "2026-04", "2026-06"]);
    }

    #[test]
    fn a_month_does_not_take_what_comes_after_it() {
        let line = ["costlake", "ingest", "--month", "2026-07", "contoso"];
        let Command::Ingest(ingest) = Arguments::try_parse_from(line).unwrap().command else {
            panic!("ingest")
        };
        assert_eq!(ingest.sources, ["contoso"]);
    }

    #[test]
    fn configured_sources_and_typed_exports_do_not_mix() {
        let parse = |more: &[&str]| {
            Arguments::try_parse_from(["costlake", "ingest"].iter().chain(more).copied())
        };
        for good in [&["--source", "a", "--amortized", "x"][..], &["contoso", "fabrikam"], &[]] {
            assert!(parse(good).is_ok(), "{good:?}");
        }
        assert!(parse(&["contoso", "--source", "a"]).is_err());
        assert!(parse(&["contoso", "--scope", "subscription"]).is_err());
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
