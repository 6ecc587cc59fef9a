//! What was meant: flag, then environment, then `costlake.toml`, then default.
//!
//! Input: typed arguments, the environment, the config file. Output: one
//! [`Settings`]. Secrets come from the environment or files of their own; this
//! file has no key for them.
//!
//! ```toml
//! lake = "az://lake/prod"      # relative paths count from this file's folder
//! memory_limit = "8GiB"        # most memory queries may take
//! threads = 8                  # worker threads; default: one per core
//!
//! [shell]
//! mode = "table"               # table csv json ndjson markdown line box
//! max_rows = 40                # rows of a table shown on a terminal
//! timer = false                # rows and seconds after every statement
//! history = "~/.sql_history"   # "" for none
//!
//! [billing]
//! prices = "list"              # what customers are billed: list or cost
//!
//! [[adjustments]]              # markups and markdowns; see the README
//! name = "markup"
//! effective_month = "2026-07"
//! rules = [{ percent = 5, when = { equals = { provider = "Azure" } } }]
//!
//! [sources.contoso]            # a bill connect; see `sources`
//! actual = "https://…"
//!
//! [lake_credential]            # as who the lake is opened, where not as the
//! kind = "managed_identity"    # environment says; the kinds of a source's
//! ```

pub mod edit;
pub mod sources;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use costlake_engine::commit::Lake;
use costlake_engine::near::nearest;
use costlake_engine::query::SessionOptions;
use costlake_engine::views::{Adjustment, AdjustmentError, Adjustments, BilledPrice};
use serde::Deserialize;

use crate::args::{GlobalArguments, LogFormat};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::Mode;
use sources::{CredentialSettings, FileSource, SourceSettings};

/// Where the lake is unless somebody says otherwise.
const LAKE_DEFAULT: &str = "./lake";
/// The config file that is read if it is there.
const CONFIG_DEFAULT: &str = "costlake.toml";
/// Rows of a table shown on a terminal, as duckdb has it.
pub const MAX_ROWS_DEFAULT: usize = 40;
/// A thread more than this is a typing error.
const THREADS_MAX: usize = 1024;

/// What a command works with.
#[derive(Clone)]
pub struct Settings {
    /// URL or folder of the lake.
    pub lake: String,
    /// As who the lake is opened.
    pub lake_credential: CredentialSettings,
    /// The bill connects, by name.
    pub sources: Vec<SourceSettings>,
    /// The config file, whether it is there or not.
    pub config: PathBuf,
    /// What secrets are looked up in: no `Debug` here.
    pub environment: Environment,
    /// Most memory queries may take.
    pub memory_limit_bytes: Option<usize>,
    /// Worker threads.
    pub threads: Option<usize>,
    /// Of the SQL shell.
    pub shell: ShellSettings,
    /// `NO_COLOR` is set.
    pub no_color: bool,
    /// What `current_date` is in queries, days since 1970-01-01; today when none.
    pub as_of: Option<i32>,
    /// How the partner bills on.
    pub adjustments: Adjustments,
}

/// What a config file that is named and not there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingConfig {
    /// A fault: its settings are wanted.
    IsRefused,
    /// Empty: it is about to be made.
    IsEmpty,
}

/// How the SQL shell starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellSettings {
    /// How rows are written.
    pub mode: Mode,
    /// Rows of a table shown on a terminal; 0 shows all.
    pub max_rows: usize,
    /// Whether rows and seconds follow every statement.
    pub timer: bool,
    /// File of earlier input; none keeps no history.
    pub history: Option<PathBuf>,
}

/// Why the settings are refused.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A value that does not read.
    #[error("{name}: {what}")]
    Value {
        /// Flag, variable or key, as the user wrote it.
        name: String,
        /// What is wrong with it.
        what: String,
        /// What to write instead.
        hint: String,
    },
    /// The config file that was named is not there, or cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The config file is not TOML, or has a key or value that is not ours.
    #[error("{what}")]
    File {
        /// The file.
        path: PathBuf,
        /// Line and column, from 1.
        position: Option<(usize, usize)>,
        /// What is wrong.
        what: String,
        /// A near name.
        hint: Option<String>,
    },
}

impl SettingsError {
    /// File, line and column.
    pub fn place(&self) -> Option<String> {
        let Self::File { path, position, .. } = self else { return None };
        Some(match position {
            Some((line, column)) => format!("{}:{line}:{column}", path.display()),
            None => path.display().to_string(),
        })
    }

    /// What to write instead.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Value { hint, .. } => Some(hint.clone()),
            Self::Unreadable { .. } => {
                Some("--config and COSTLAKE_CONFIG name a file that must exist".to_owned())
            }
            Self::File { hint, .. } => hint.clone(),
        }
    }
}

/// `costlake.toml`, key by key.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSettings {
    lake: Option<String>,
    memory_limit: Option<String>,
    threads: Option<usize>,
    #[serde(default)]
    shell: FileShellSettings,
    #[serde(default)]
    billing: FileBillingSettings,
    #[serde(default)]
    sources: BTreeMap<String, FileSource>,
    #[serde(default)]
    lake_credential: CredentialSettings,
    #[serde(default)]
    adjustments: Vec<toml::Spanned<Adjustment>>,
}

/// The config file, read and checked.
#[derive(Debug, Default)]
struct Config {
    file: FileSettings,
    adjustments: Adjustments,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileBillingSettings {
    #[serde(default)]
    prices: BilledPrice,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileShellSettings {
    mode: Option<String>,
    max_rows: Option<usize>,
    timer: Option<bool>,
    history: Option<String>,
}

impl Settings {
    /// Settles flag > environment > file > default.
    pub fn resolve(
        global: &GlobalArguments,
        environment: &Environment,
        missing: MissingConfig,
    ) -> Result<Self, SettingsError> {
        check_log_format(environment)?;
        let (path, config) = read_config(global, environment, missing)?;
        Self::combine(global, environment, config, path)
    }

    fn combine(
        global: &GlobalArguments,
        environment: &Environment,
        Config { file, adjustments }: Config,
        path: PathBuf,
    ) -> Result<Self, SettingsError> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let lake = global
            .lake
            .clone()
            .or_else(|| environment.lake.clone())
            .or_else(|| file.lake.map(|lake| beside(folder, lake)))
            .unwrap_or_else(|| LAKE_DEFAULT.to_owned());
        let memory_limit_bytes = match (&environment.memory_limit, &file.memory_limit) {
            (Some(text), _) => Some(byte_size("COSTLAKE_MEMORY_LIMIT", text)?),
            (None, Some(text)) => Some(byte_size("memory_limit", text)?),
            (None, None) => None,
        };
        let threads = match (&environment.threads, file.threads) {
            (Some(text), _) => Some(thread_count("COSTLAKE_THREADS", text)?),
            (None, Some(count)) => Some(thread_count("threads", &count.to_string())?),
            (None, None) => None,
        };
        Ok(Self {
            lake,
            lake_credential: file.lake_credential,
            sources: sources::sources(file.sources, folder)?,
            environment: environment.clone(),
            memory_limit_bytes,
            threads,
            shell: shell_settings(environment, file.shell, folder)?,
            no_color: environment.no_color,
            as_of: global.as_of.map(|day| day.0),
            adjustments,
            config: path,
        })
    }

    /// The lake these settings name, there or not.
    pub fn open_lake(&self) -> Result<Lake, Failure> {
        Lake::at(&self.lake, self.lake_options()?).map_err(Failure::engine)
    }

    /// The lake these settings name, which must be there.
    pub async fn open_existing_lake(&self) -> Result<Lake, Failure> {
        Lake::open_existing(&self.lake, self.lake_options()?).await.map_err(Failure::engine)
    }

    fn lake_options(&self) -> Result<HashMap<String, String>, Failure> {
        let options = self.lake_credential.storage_options(&self.environment, self.folder())?;
        Ok(options.reveal().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    /// The folder that relative paths of the config file count from.
    pub fn folder(&self) -> &Path {
        self.config.parent().unwrap_or(Path::new(""))
    }

    /// A source by name. Errors name those there are.
    pub fn source(&self, name: &str) -> Result<&SourceSettings, Failure> {
        self.sources.iter().find(|source| source.name.as_str() == name).ok_or_else(|| {
            let names = || self.sources.iter().map(|source| source.name.as_str());
            Failure::Usage {
                what: format!("no source {name:?} is configured"),
                hint: match nearest(name, names()) {
                    Some(near) => format!("did you mean {near:?}?"),
                    None if self.sources.is_empty() => "costlake source add".to_owned(),
                    None => format!("there are {}", names().collect::<Vec<_>>().join(", ")),
                },
            }
        })
    }

    /// How a SQL session runs.
    pub fn session_options(&self) -> SessionOptions {
        SessionOptions {
            memory_limit_bytes: self.memory_limit_bytes,
            threads: self.threads,
            as_of: self.as_of,
            adjustments: self.adjustments.clone(),
            ..SessionOptions::default()
        }
    }
}

fn shell_settings(
    environment: &Environment,
    file: FileShellSettings,
    folder: &Path,
) -> Result<ShellSettings, SettingsError> {
    let mode = match &file.mode {
        Some(name) => Mode::named(name).ok_or_else(|| SettingsError::Value {
            name: "shell.mode".to_owned(),
            what: format!("{name:?} is no mode"),
            hint: format!("one of {}", Mode::NAMES.join(", ")),
        })?,
        None => Mode::Table,
    };
    let from_file = file.history.map(|text| match text.as_str() {
        "" => PathBuf::new(),
        _ => home_expanded(&text, environment).unwrap_or_else(|| folder.join(&text)),
    });
    let history = environment
        .history
        .clone()
        .or(from_file)
        .or_else(|| {
            environment.state_directory.as_ref().map(|state| state.join("costlake").join("history"))
        })
        .filter(|path| !path.as_os_str().is_empty());
    Ok(ShellSettings {
        mode,
        max_rows: file.max_rows.unwrap_or(MAX_ROWS_DEFAULT),
        timer: file.timer.unwrap_or(false),
        history,
    })
}

/// `~/…` below the user's home.
fn home_expanded(text: &str, environment: &Environment) -> Option<PathBuf> {
    let rest = text.strip_prefix("~/")?;
    Some(environment.home.as_ref()?.join(rest))
}

/// A relative folder in the config file counts from that file's folder.
fn beside(folder: &Path, lake: String) -> String {
    if lake.contains("://") || Path::new(&lake).is_absolute() || folder.as_os_str().is_empty() {
        return lake;
    }
    folder.join(&lake).to_string_lossy().into_owned()
}

fn check_log_format(environment: &Environment) -> Result<(), SettingsError> {
    match &environment.log_format {
        Some(text) if LogFormat::named(text).is_none() => Err(SettingsError::Value {
            name: "COSTLAKE_LOG_FORMAT".to_owned(),
            what: format!("{text:?} is no log format"),
            hint: "text or json".to_owned(),
        }),
        _ => Ok(()),
    }
}

fn read_config(
    global: &GlobalArguments,
    environment: &Environment,
    missing: MissingConfig,
) -> Result<(PathBuf, Config), SettingsError> {
    let named = global.config.clone().or_else(|| environment.config.clone());
    let path = named.clone().unwrap_or_else(|| PathBuf::from(CONFIG_DEFAULT));
    match std::fs::read_to_string(&path) {
        Ok(text) => parse_config(&path, &text).map(|config| (path, config)),
        Err(error)
            if (named.is_none() || missing == MissingConfig::IsEmpty)
                && error.kind() == std::io::ErrorKind::NotFound =>
        {
            Ok((path, Config::default()))
        }
        Err(source) => Err(SettingsError::Unreadable { path, source }),
    }
}

/// Takes the adjustments out of the file, once they are found to be consistent.
fn adjustments(
    file: &mut FileSettings,
    path: &Path,
    text: &str,
) -> Result<Adjustments, SettingsError> {
    let spanned = std::mem::take(&mut file.adjustments);
    let starts: Vec<usize> = spanned.iter().map(|adjustment| adjustment.span().start).collect();
    let adjustments = spanned.into_iter().map(toml::Spanned::into_inner).collect();
    Adjustments::new(file.billing.prices, adjustments).map_err(|error| {
        let AdjustmentError { index, unknown, .. } = &error;
        let near = unknown.as_ref().and_then(|(word, known)| {
            nearest(word, known.iter().map(String::as_str)).map(str::to_owned)
        });
        SettingsError::File {
            path: path.to_owned(),
            position: Some(line_and_column(text, starts[*index])),
            what: error.to_string(),
            hint: match (near, unknown) {
                (Some(near), _) => Some(format!("did you mean {near:?}?")),
                (None, Some((_, known))) if !known.is_empty() => {
                    Some(format!("one of {}", known.join(", ")))
                }
                _ => None,
            },
        }
    })
}

fn parse_config(path: &Path, text: &str) -> Result<Config, SettingsError> {
    let mut file: FileSettings = toml::from_str(text).map_err(|error| {
        let what = without_values(error.message().lines().next().unwrap_or("not readable"));
        SettingsError::File {
            path: path.to_owned(),
            position: error.span().map(|span| line_and_column(text, span.start)),
            hint: unknown_key_hint(&what),
            what,
        }
    })?;
    let adjustments = adjustments(&mut file, path, text)?;
    Ok(Config { file, adjustments })
}

/// Line and column (in characters) of a byte, both from 1.
fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..byte.min(text.len())];
    let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
    (line, column)
}

/// serde repeats values that it cannot take, and one of them might be a secret that
/// was put in the wrong place: only what comes near to a known word is told.
fn without_values(what: &str) -> String {
    if what.starts_with("unknown variant ") && unknown_key_hint(what).is_none() {
        let expected = what.split_once("`, expected ").map_or("", |(_, expected)| expected);
        return format!("a value that is not known stands where there should be {expected}");
    }
    let Some(rest) = what.strip_prefix("invalid type: string \"") else { return what.to_owned() };
    match rest.rsplit_once("\", expected ") {
        Some((_, expected)) => format!("a text stands where there should be {expected}"),
        None => "a text stands where there should be another value".to_owned(),
    }
}

/// serde says "unknown field `x`, expected one of `a`, `b`": the names in it
/// are all there is to suggest from. For people only; nothing branches on it.
fn unknown_key_hint(what: &str) -> Option<String> {
    let mut quoted = what
        .strip_prefix("unknown field ")
        .or_else(|| what.strip_prefix("unknown variant "))?
        .split('`')
        .skip(1)
        .step_by(2);
    let key = quoted.next()?;
    nearest(key, quoted).map(|near| format!("did you mean `{near}`?"))
}

/// Bytes from `8GiB`, `512MB`, `1.5g`, `1048576`.
pub fn byte_size(name: &str, text: &str) -> Result<usize, SettingsError> {
    let refused = || SettingsError::Value {
        name: name.to_owned(),
        what: format!("{text:?} is no size"),
        hint: "write it as 8GiB, 512MB or a number of bytes".to_owned(),
    };
    let trimmed = text.trim();
    let split = trimmed.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(trimmed.len());
    let number: usize = trimmed[..split].parse().map_err(|_| refused())?;
    let unit: usize = match trimmed[split..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err(refused()),
    };
    number.checked_mul(unit).filter(|bytes| *bytes > 0).ok_or_else(refused)
}

fn thread_count(name: &str, text: &str) -> Result<usize, SettingsError> {
    match text.trim().parse() {
        Ok(count) if (1..=THREADS_MAX).contains(&count) => Ok(count),
        _ => Err(SettingsError::Value {
            name: name.to_owned(),
            what: format!("{text:?} is no number of threads"),
            hint: format!("write a number from 1 to {THREADS_MAX}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(
        flag: Option<&str>,
        variable: Option<&str>,
        file: &str,
    ) -> Result<Settings, SettingsError> {
        let global = GlobalArguments { lake: flag.map(str::to_owned), ..Default::default() };
        let environment = Environment { lake: variable.map(str::to_owned), ..Default::default() };
        let path = Path::new("/etc/costlake.toml");
        Settings::combine(&global, &environment, parse_config(path, file)?, path.to_owned())
    }

    #[test]
    fn flag_beats_environment_beats_file_beats_default() {
        let file = "lake = 'az://file'";
        let lake = |flag, variable, file| settle(flag, variable, file).unwrap().lake;
        assert_eq!(lake(Some("flag"), Some("env"), file), "flag");
        assert_eq!(lake(None, Some("env"), file), "env");
        assert_eq!(lake(None, None, file), "az://file");
        assert_eq!(lake(None, None, ""), "./lake");
    }

    #[test]
    fn a_relative_lake_counts_from_the_file_that_names_it() {
        assert_eq!(settle(None, None, "lake = 'l'").unwrap().lake, "/etc/l");
        assert_eq!(settle(None, None, "lake = '/l'").unwrap().lake, "/l");
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_a_near_name() {
        let error = settle(None, None, "lake = 'x'\n\n[shell]\nmax_row = 3\n").err().unwrap();
        assert_eq!(error.place().as_deref(), Some("/etc/costlake.toml:4:1"));
        assert_eq!(error.hint().as_deref(), Some("did you mean `max_rows`?"));
        let error = settle(None, None, "threads = 'many'").err().unwrap();
        assert_eq!(error.place().as_deref(), Some("/etc/costlake.toml:1:11"));
    }

    #[test]
    fn adjustments_are_read_and_refused_by_their_place() {
        let good = "[billing]\nprices = 'cost'\n\n[[adjustments]]\nname = 'markup'\n\
            effective_month = '2026-07'\n\n[[adjustments.rules]]\npercent = 12.5\n\
            when = { and = [{ equals = { customer_name = ['A', 'B'] } }, \
            { not = { contains = { tags = 'internal' } } }] }\n\n\
            [[adjustments.rules]]\npercent = -3\n";
        assert_ne!(settle(None, None, good).unwrap().adjustments, Adjustments::default());
        for (bad, place, what, hint) in [
            (
                good.replace("customer_name", "customer_nam"),
                Some("/etc/costlake.toml:4:1"),
                "adjustment \"markup\": rule 1: there is no dimension \"customer_nam\"",
                Some("did you mean \"customer_name\"?"),
            ),
            (
                good.replace("2026-07", "July"),
                Some("/etc/costlake.toml:4:1"),
                "adjustment \"markup\": effective_month \"July\" is no month YYYY-MM",
                None,
            ),
            (good.replace("12.5", "'lots'"), None, "\"lots\" is no percentage", None),
            (
                good.replace("contains", "contain"),
                None,
                "unknown variant `contain`",
                Some("did you mean `contains`?"),
            ),
            (good.replace("'cost'", "'costs'"), None, "unknown variant `costs`", None),
        ] {
            let error = settle(None, None, &bad).err().unwrap();
            assert!(error.to_string().starts_with(what), "{error}");
            assert!(place.is_none() || error.place().as_deref() == place, "{:?}", error.place());
            assert!(hint.is_none() || error.hint().as_deref() == hint, "{:?}", error.hint());
        }
    }

    #[test]
    fn sources_are_read_and_refused_by_their_key() {
        let good = "[sources.contoso]\nscope = '/subscriptions/s'\nactual = 'exports/actual'\n\
            first_month = '2026-01'\n\n[sources.contoso.credential]\n\
            kind = 'service_principal'\ntenant_id = 't'\nclient_id = 'c'\n\
            client_secret = { env = 'SECRET_NAME' }\nstorage_tenant_id = 's'\n";
        let settings = settle(None, None, good).unwrap();
        let source = settings.source("contoso").unwrap();
        assert_eq!(source.exports[0].1.to_string(), "/etc/exports/actual");
        let missing = source.credential.storage_options(&settings.environment, settings.folder());
        assert!(missing.err().unwrap().to_string().contains("SECRET_NAME"));
        let variables = [("SECRET_NAME", "hush"), ("AZURE_STORAGE_SAS_TOKEN", "sig=other")];
        let environment =
            Environment::from_variables(variables.map(|(name, value)| (name.into(), value.into())));
        let folder = settings.folder();
        let options = source.credential.storage_options(&environment, folder).unwrap();
        let pairs: Vec<_> = options.reveal().collect();
        assert_eq!(
            pairs,
            [
                ("azure_storage_client_id", "c"),
                ("azure_storage_client_secret", "hush"),
                ("azure_storage_tenant_id", "s"),
            ]
        );
        let management = source.credential.management(&environment, folder).unwrap();
        assert!(format!("{management:?}").contains("tenant_id: \"t\""), "{management:?}");
        assert!(settings.source("contso").err().unwrap().hint().unwrap().contains("contoso"));
        for (bad, what) in [
            (good.replace("'/subscriptions/s'", "'everything'"), "is not a scope"),
            (good.replace("2026-01", "January"), "is not a month"),
            (good.replace("exports/actual", "s3://x/y"), "is not an export URL"),
            (good.replace("{ env = 'SECRET_NAME' }", "'hush-hush'"), "a secret is not written"),
            (good.replace("env = 'S", "evn = 'S"), "a secret is not written"),
            (good.replace("client_secret", "client_secrt"), "unknown field `client_secrt`"),
            (good.replace("service_principal", "service_principle"), "unknown variant `service_pr"),
            (
                good.replace("service_principal", "hush"),
                "there should be one of `environment`, `se",
            ),
            (
                good.replace("scope = '/subscriptions/s'\n", "credential = 'hush'\n")
                    .split("\n\n")
                    .next()
                    .unwrap()
                    .to_owned(),
                "a text stands where there should be",
            ),
            (
                good.replace("exports/actual", "DefaultEndpointsProtocol=https;AccountKey=hush"),
                "is a connection string",
            ),
            (good.replace("exports/actual", "?sv=2024-11-04&sp=rl&sig=hush"), "hold secrets"),
            (good.replace("client_secret = { env = 'SECRET_NAME' }\n", ""), "has one of"),
            (good.replace("contoso", "\"con toso\""), "is not a source name"),
            (good.replace("actual = 'exports/actual'\n", ""), "names no export"),
        ] {
            let error = settle(None, None, &bad).err().unwrap();
            assert!(error.to_string().contains(what), "{error}");
            assert!(!error.to_string().contains("hush"), "{error}");
        }
    }

    #[test]
    fn sizes_read_in_both_systems() {
        for (text, bytes) in
            [("8GiB", 8 << 30), ("512 MB", 512_000_000), ("1048576", 1 << 20), ("2g", 2 << 30)]
        {
            assert_eq!(byte_size("x", text).unwrap(), bytes, "{text}");
        }
        for bad in ["", "0", "eight", "8X", "99999999999TiB", "-1"] {
            assert!(byte_size("x", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn threads_and_memory_of_the_environment_beat_the_file() {
        let environment = Environment {
            threads: Some("3".to_owned()),
            memory_limit: Some("1k".to_owned()),
            ..Default::default()
        };
        let file = parse_config(Path::new("f"), "threads = 9\nmemory_limit = '1g'").unwrap();
        let settings =
            Settings::combine(&GlobalArguments::default(), &environment, file, PathBuf::new())
                .unwrap();
        assert_eq!((settings.threads, settings.memory_limit_bytes), (Some(3), Some(1024)));
        let zero = Environment { threads: Some("0".to_owned()), ..Default::default() };
        let refused = Settings::combine(
            &GlobalArguments::default(),
            &zero,
            Config::default(),
            PathBuf::new(),
        );
        assert!(refused.is_err());
    }

    #[test]
    fn history_can_be_switched_off() {
        let with = |variable: Option<&str>, file: &str| {
            let environment = Environment {
                history: variable.map(PathBuf::from),
                state_directory: Some(PathBuf::from("/s")),
                home: Some(PathBuf::from("/h")),
                ..Default::default()
            };
            let file = parse_config(Path::new("f"), file).unwrap();
            let path = PathBuf::from("/etc/costlake.toml");
            Settings::combine(&GlobalArguments::default(), &environment, file, path)
                .unwrap()
                .shell
                .history
        };
        assert_eq!(with(None, ""), Some(PathBuf::from("/s/costlake/history")));
        assert_eq!(with(None, "[shell]\nhistory = ''"), None);
        assert_eq!(with(None, "[shell]\nhistory = '~/x'"), Some(PathBuf::from("/h/x")));
        assert_eq!(with(Some(""), "[shell]\nhistory = 'x'"), None);
        assert_eq!(with(Some("/v"), "[shell]\nhistory = 'x'"), Some(PathBuf::from("/v")));
    }
}
