//! Builds the object store an export URL leads to.
//!
//! In: a [`SourceUrl`] and [`StoreOptions`]. Out: a [`Store`]. The only place
//! that builds one for sources. Never reads the environment itself: the caller
//! hands the variables in. No request is made before the first listing.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};

use super::emulator::EmulatorStore;
use super::error::{Secrets, SourceError};
use super::url::{AzureAccount, AzureCloud, SourcePlace, SourceUrl};

/// Retries of one request by object_store, on top of which [`super::read`]
/// retries a range.
pub const REQUEST_RETRIES_MAX: usize = 6;

/// Longest time one request is retried.
pub const REQUEST_RETRY_TIMEOUT_SECONDS: u64 = 60;

/// Longest pause between two retries of a request.
pub const REQUEST_RETRY_PAUSE_SECONDS_MAX: u64 = 8;

/// Account of the emulator, the same everywhere.
const EMULATOR_ACCOUNT: &str = "devstoreaccount1";

/// Key of the emulator's account: published by Microsoft, guards nothing.
const EMULATOR_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Options by the names of object_store's Azure configuration, e.g.
/// `azure_storage_account_key`. Prints names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StoreOptions {
    /// By canonical name, so that a later spelling replaces an earlier one.
    values: BTreeMap<String, String>,
}

impl StoreOptions {
    /// Takes from environment variables those that object_store reads:
    /// `AZURE_…` ones it knows, and `IDENTITY_ENDPOINT`. Others are ignored.
    pub fn from_environment(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut options = Self::default();
        for (name, value) in variables {
            let name = name.to_ascii_lowercase();
            if name.starts_with("azure_") || name == "identity_endpoint" {
                // Many AZURE_… variables belong to other tools.
                let _ = options.insert(&name, value);
            }
        }
        options
    }

    /// Sets an option by any of its names, in any letter case. Errors when no
    /// option has that name.
    pub fn insert(&mut self, key: &str, value: impl Into<String>) -> Result<(), SourceError> {
        let known = AzureConfigKey::from_str(&key.to_ascii_lowercase())
            .map_err(|_| SourceError::UnknownOption { key: key.to_owned() })?;
        self.values.insert(known.as_ref().to_owned(), value.into());
        Ok(())
    }

    /// Puts `other` over these options; its values win.
    #[must_use]
    pub fn overlaid(mut self, other: Self) -> Self {
        self.values.extend(other.values);
        self
    }

    /// Names and values in clear, for another builder of stores. Values are
    /// secrets: never print them.
    pub fn reveal(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    fn get(&self, key: AzureConfigKey) -> Option<&str> {
        self.values.get(key.as_ref()).map(String::as_str)
    }

    fn uses_emulator(&self) -> bool {
        let value = self.get(AzureConfigKey::UseEmulator).unwrap_or_default();
        matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes" | "y")
    }

    fn has_credential(&self) -> bool {
        [
            AzureConfigKey::AccessKey,
            AzureConfigKey::SasKey,
            AzureConfigKey::Token,
            AzureConfigKey::ClientSecret,
        ]
        .into_iter()
        .any(|key| self.get(key).is_some())
    }

    fn secrets(&self) -> Secrets {
        let secret = [
            AzureConfigKey::AccessKey,
            AzureConfigKey::SasKey,
            AzureConfigKey::Token,
            AzureConfigKey::ClientSecret,
            AzureConfigKey::FabricSessionToken,
        ];
        Secrets::new(secret.into_iter().filter_map(|key| self.get(key).map(str::to_owned)))
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redacted = self.values.keys().map(|key| (key, "<redacted>"));
        formatter.debug_map().entries(redacted).finish()
    }
}

/// Where a store's blobs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StoreKind {
    /// Files of this machine.
    Local,
    /// A container.
    Azure,
    /// Brought along by the caller.
    Given,
}

/// An object store and the path an export URL has in it.
#[derive(Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Name of the whole in messages.
    place: String,
    kind: StoreKind,
    secrets: Secrets,
}

impl Store {
    /// Opens the store a URL leads to. Errors when options are missing or bad.
    pub fn open(url: &SourceUrl, options: &StoreOptions) -> Result<Self, SourceError> {
        let place = url.to_string();
        let secrets = options.secrets();
        let (objects, kind): (Arc<dyn ObjectStore>, _) = match &url.place {
            SourcePlace::Local => (Arc::new(LocalFileSystem::new()), StoreKind::Local),
            SourcePlace::Azure { account, container } => {
                let objects = azure(account.as_ref(), container, options).map_err(|error| {
                    SourceError::BadOptions {
                        place: place.clone(),
                        reason: secrets.scrub(&error.to_string()),
                    }
                })?;
                (objects, StoreKind::Azure)
            }
        };
        Ok(Self { objects, prefix: url.path.clone(), place, kind, secrets })
    }

    /// A store that is already there, e.g. one in memory.
    pub fn from_parts(objects: Arc<dyn ObjectStore>, prefix: Path) -> Self {
        let place = format!("{objects}/{prefix}");
        Self { objects, prefix, place, kind: StoreKind::Given, secrets: Secrets::default() }
    }

    /// The store itself; its paths are relative to the container.
    pub fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.objects
    }

    /// The URL's path in the store.
    pub fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// The URL, as messages and the ledger name it. Holds no secret.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// A blob's path as people write it: absolute on disk, else within the container.
    pub(super) fn blob_name(&self, location: &Path) -> String {
        match self.kind {
            StoreKind::Local => format!("/{location}"),
            StoreKind::Azure | StoreKind::Given => location.to_string(),
        }
    }

    /// An ETag as listed, in the form this store compares.
    pub(super) fn etag_to_match(&self, etag: &str) -> String {
        match self.kind {
            StoreKind::Local | StoreKind::Given => etag.to_owned(),
            // Azure lists them without quotes and compares them with.
            StoreKind::Azure => format!("\"{etag}\""),
        }
    }

    /// Our error for one of object_store's, about a path or the whole.
    pub(super) fn error(&self, place: &str, error: &object_store::Error) -> SourceError {
        self.secrets.error(place, error)
    }

    pub(super) fn with_prefix(&self, prefix: Path) -> Self {
        Self { prefix, ..self.clone() }
    }
}

impl fmt::Debug for Store {
    /// The store's own form may print credentials, so it is left out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").field("place", &self.place).finish_non_exhaustive()
    }
}

/// The form in which ETags are kept and compared: without quotes.
pub(super) fn plain_etag(etag: &str) -> &str {
    etag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(etag)
}

fn azure(
    account: Option<&AzureAccount>,
    container: &str,
    options: &StoreOptions,
) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
    let mut builder = MicrosoftAzureBuilder::new().with_retry(retry_config());
    for (key, value) in options.reveal() {
        builder = builder.with_config(AzureConfigKey::from_str(key)?, value);
    }
    builder = builder.with_container_name(container);
    if let Some(account) = account {
        builder = in_cloud(builder.with_account(&account.name), account, options);
    }
    match options.get(AzureConfigKey::Endpoint) {
        Some(endpoint) if options.uses_emulator() => {
            let emulated = emulator_at(builder, endpoint, account, options);
            Ok(Arc::new(EmulatorStore(Arc::new(emulated.build()?))))
        }
        _ => Ok(Arc::new(builder.build()?)),
    }
}

fn retry_config() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            max_backoff: Duration::from_secs(REQUEST_RETRY_PAUSE_SECONDS_MAX),
            ..BackoffConfig::default()
        },
        max_retries: REQUEST_RETRIES_MAX,
        retry_timeout: Duration::from_secs(REQUEST_RETRY_TIMEOUT_SECONDS),
    }
}

/// Hosts of clouds other than the public one, where options do not name them.
fn in_cloud(
    mut builder: MicrosoftAzureBuilder,
    account: &AzureAccount,
    options: &StoreOptions,
) -> MicrosoftAzureBuilder {
    if account.cloud == AzureCloud::Public {
        return builder;
    }
    if options.get(AzureConfigKey::Endpoint).is_none() {
        let endpoint = format!("https://{}.blob.{}", account.name, account.cloud.suffix());
        builder = builder.with_endpoint(endpoint);
    }
    if options.get(AzureConfigKey::AuthorityHost).is_none() {
        builder = builder.with_authority_host(account.cloud.authority_host());
    }
    builder
}

/// The emulator at an endpoint of its own. Its paths begin with the account.
fn emulator_at(
    builder: MicrosoftAzureBuilder,
    endpoint: &str,
    account: Option<&AzureAccount>,
    options: &StoreOptions,
) -> MicrosoftAzureBuilder {
    let account = account
        .map(|account| account.name.as_str())
        .or(options.get(AzureConfigKey::AccountName))
        .unwrap_or(EMULATOR_ACCOUNT);
    let base = endpoint.trim_end_matches('/');
    let endpoint = match base.rsplit_once('/') {
        Some((_, last)) if last == account => base.to_owned(),
        _ => format!("{base}/{account}"),
    };
    let builder = builder
        .with_use_emulator(false)
        .with_account(account)
        .with_endpoint(endpoint)
        .with_allow_http(true);
    if options.has_credential() { builder } else { builder.with_access_key(EMULATOR_KEY) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorClass, Fault};

    fn options(pairs: &[(&str, &str)]) -> StoreOptions {
        let mut options = StoreOptions::default();
        for (key, value) in pairs {
            options.insert(key, *value).unwrap();
        }
        options
    }

    fn open(url: &str, pairs: &[(&str, &str)]) -> Result<Store, SourceError> {
        Store::open(&SourceUrl::parse(url).unwrap(), &options(pairs))
    }

    #[test]
    fn options_know_their_names_and_hide_their_values() {
        let mut set = options(&[("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0")]);
        set.insert("account_key", "b3RoZXI=").unwrap();
        assert_eq!(set.reveal().collect::<Vec<_>>(), [("azure_storage_account_key", "b3RoZXI=")]);
        let printed = format!("{set:?}");
        assert!(printed.contains("azure_storage_account_key") && !printed.contains("b3Ro"));
        let error = set.insert("azure_storage_acount_key", "x").unwrap_err();
        assert_eq!(error.class(), ErrorClass::BadConfig);

        let pairs = [("AZURE_CONFIG_DIR", "/x"), ("PATH", "/bin"), ("AZURE_TENANT_ID", "t")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let set = StoreOptions::from_environment(pairs);
        assert_eq!(set.reveal().collect::<Vec<_>>(), [("azure_storage_tenant_id", "t")]);
    }

    #[test]
    fn an_account_must_be_known_and_errors_hide_secrets() {
        let error = open("az://c/x", &[("azure_storage_sas_key", "sig=TOPSECRET")]).unwrap_err();
        assert!(matches!(error, SourceError::BadOptions { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("TOPSECRET"));
        let bad_key = [("azure_storage_account_key", "not base64 !TOPSECRET")];
        let error = open("https://a.blob.core.windows.net/c/x", &bad_key).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("TOPSECRET"));
    }

    #[test]
    fn an_open_store_prints_no_secret() {
        let key = [("azure_storage_account_key", "VE9QU0VDUkVU")];
        let store = open("https://a.blob.core.windows.net/c/x", &key).unwrap();
        assert_eq!(store.place(), "https://a.blob.core.windows.net/c/x");
        assert!(!format!("{store:?}").contains("VE9Q"));
        assert_eq!(store.prefix().as_ref(), "x");
        assert_eq!(store.etag_to_match("0x8D"), "\"0x8D\"");
        assert!(open("https://a.blob.core.chinacloudapi.cn/c/x", &key).is_ok());
    }

    #[test]
    fn the_emulator_needs_no_account_and_no_key() {
        let flag = ("azure_storage_use_emulator", "true");
        assert!(open("az://c/x", &[flag]).is_ok());
        for endpoint in ["http://127.0.0.1:10007", "http://127.0.0.1:10007/devstoreaccount1/"] {
            let store = open("az://c/x", &[flag, ("azure_storage_endpoint", endpoint)]).unwrap();
            assert!(store.objects().to_string().starts_with("emulated"));
        }
    }
}
