//! Every environment variable costlake reads.
//!
//! | variable | meaning |
//! |---|---|
//! | `COSTLAKE_LAKE` | as `--lake` |
//! | `COSTLAKE_CONFIG` | as `--config` |
//! | `COSTLAKE_QUIET` | as `--quiet`, when not empty, `0` or `false` |
//! | `COSTLAKE_LOG_FORMAT` | as `--log-format`: `text` or `json` |
//! | `COSTLAKE_MEMORY_LIMIT` | most memory queries may take: `8GiB`, `512MB`, bytes |
//! | `COSTLAKE_THREADS` | worker threads; default: one per core |
//! | `COSTLAKE_HISTORY` | file of the SQL shell's history; empty: none |
//! | `AZURE_STORAGE_…`, `AZURE_…` | what object_store reads: account, key, SAS, client id, secret, tenant, emulator, … |
//! | `AZURE_USE_MANAGED_IDENTITY`, `AZURE_USE_AZURE_CLI` | as who, where nothing else says |
//! | `AZURE_CLIENT_CERTIFICATE_PATH` | PEM file of a service principal's certificate and key |
//! | `IDENTITY_ENDPOINT`, `IDENTITY_HEADER`, `MSI_ENDPOINT` | the managed identity's |
//! | what a source's credential names | its secret |
//! | `AZURE_RESOURCE_MANAGER_ENDPOINT` | where exports are made and run, instead of the cloud's own |
//! | `NO_COLOR` | no colors, when not empty |
//! | `XDG_STATE_HOME`, `HOME` | where the shell's history goes by default |
//!
//! Output: an [`Environment`], taken once in `main`. No other module reads the
//! environment.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

use costlake_engine::source::StoreOptions;

/// Prefix of the variables that are storage options.
const AZURE_PREFIX: &str = "AZURE_";

/// Storage options without that prefix.
const OF_MANAGED_IDENTITY: [&str; 3] = ["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT"];

/// The environment, as far as costlake reads it. Secrets are in
/// `storage_options`, so there is no `Debug`.
#[derive(Clone, Default)]
pub struct Environment {
    /// `COSTLAKE_LAKE`.
    pub lake: Option<String>,
    /// `COSTLAKE_CONFIG`.
    pub config: Option<PathBuf>,
    /// `COSTLAKE_QUIET`.
    pub quiet: bool,
    /// `COSTLAKE_LOG_FORMAT`.
    pub log_format: Option<String>,
    /// `COSTLAKE_MEMORY_LIMIT`.
    pub memory_limit: Option<String>,
    /// `COSTLAKE_THREADS`.
    pub threads: Option<String>,
    /// `COSTLAKE_HISTORY`; empty text means no history.
    pub history: Option<PathBuf>,
    /// `NO_COLOR`.
    pub no_color: bool,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `XDG_STATE_HOME`, or `HOME` and `.local/state`.
    pub state_directory: Option<PathBuf>,
    /// `AZURE_RESOURCE_MANAGER_ENDPOINT`.
    pub resource_manager_endpoint: Option<String>,
    /// Azure's variables: lower-cased names, as `AzureConfigKey` reads them.
    pub storage_options: HashMap<String, String>,
    /// Every other variable: one of them may be a secret that a source names.
    pub others: HashMap<String, String>,
}

impl Environment {
    /// Reads the process' environment.
    pub fn of_process() -> Self {
        Self::from_variables(std::env::vars_os())
    }

    /// From pairs of name and value. Variables that are not UTF-8 count only
    /// where a path is meant.
    pub fn from_variables(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        let mut state_home = None;
        for (name, value) in variables {
            let Some(name) = name.to_str() else { continue };
            let text = value.to_str().map(str::to_owned).filter(|text| !text.is_empty());
            match name {
                "COSTLAKE_LAKE" => environment.lake = text,
                "COSTLAKE_CONFIG" if !value.is_empty() => environment.config = Some(value.into()),
                "COSTLAKE_QUIET" => {
                    environment.quiet =
                        text.is_some_and(|text| text != "0" && !text.eq_ignore_ascii_case("false"));
                }
                "COSTLAKE_LOG_FORMAT" => environment.log_format = text,
                "COSTLAKE_MEMORY_LIMIT" => environment.memory_limit = text,
                "COSTLAKE_THREADS" => environment.threads = text,
                "AZURE_RESOURCE_MANAGER_ENDPOINT" => environment.resource_manager_endpoint = text,
                "COSTLAKE_HISTORY" => environment.history = Some(value.into()),
                "NO_COLOR" => environment.no_color = !value.is_empty(),
                "XDG_STATE_HOME" if !value.is_empty() => state_home = Some(PathBuf::from(value)),
                "HOME" if !value.is_empty() => environment.home = Some(PathBuf::from(value)),
                _ => {
                    let Some(text) = text else { continue };
                    if let Some(key) = storage_key(name) {
                        environment.storage_options.insert(key, text.clone());
                    }
                    environment.others.insert(name.to_owned(), text);
                }
            }
        }
        let home_state = environment.home.as_ref().map(|home| home.join(".local").join("state"));
        environment.state_directory = state_home.or(home_state);
        environment
    }

    /// The secret in a variable that a source names.
    pub fn secret(&self, name: &str) -> Option<String> {
        self.others.get(name).cloned()
    }
}

/// The storage option an environment variable sets, if it is one.
fn storage_key(name: &str) -> Option<String> {
    let key = name.to_ascii_lowercase();
    let is_ours = name.starts_with(AZURE_PREFIX) || OF_MANAGED_IDENTITY.contains(&name);
    (is_ours && StoreOptions::is_known(&key)).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Environment {
        Environment::from_variables(
            pairs.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))),
        )
    }

    #[test]
    fn azure_variables_become_options_that_object_store_knows() {
        let environment = read(&[
            ("AZURE_STORAGE_ACCOUNT_NAME", "contoso"),
            ("AZURE_STORAGE_USE_EMULATOR", "true"),
            ("AZURE_CLIENT_SECRET", "s"),
            ("AZURE_DEVOPS_TOKEN", "not ours"),
            ("AZURE_STORAGE_SAS_TOKEN", ""),
            ("MSI_ENDPOINT", "http://169.254.169.254/"),
        ]);
        let mut keys: Vec<&str> = environment.storage_options.keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(
            keys,
            [
                "azure_client_secret",
                "azure_storage_account_name",
                "azure_storage_use_emulator",
                "msi_endpoint"
            ]
        );
        assert!(keys.iter().all(|key| StoreOptions::is_known(key)));
        assert_eq!(environment.secret("AZURE_CLIENT_SECRET").as_deref(), Some("s"));
    }

    #[test]
    fn empty_variables_count_as_unset_except_the_history() {
        let environment =
            read(&[("COSTLAKE_LAKE", ""), ("COSTLAKE_QUIET", "0"), ("COSTLAKE_HISTORY", "")]);
        assert_eq!(environment.lake, None);
        assert!(!environment.quiet);
        assert_eq!(environment.history, Some(PathBuf::new()));
        let environment = read(&[("HOME", "/home/x"), ("XDG_STATE_HOME", "")]);
        assert_eq!(environment.state_directory, Some(PathBuf::from("/home/x/.local/state")));
    }
}
