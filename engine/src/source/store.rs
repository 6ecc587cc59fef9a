//! Builds the object store an export URL leads to.
//!
//! In: a [`SourceUrl`] and [`StoreOptions`]. Out: a [`Store`]. The only place
//! that builds one, for sources and lakes. Never reads the environment itself: the caller
//! hands the variables in. No request is made before the first listing.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::emulator::EmulatorStore;
use super::error::{SourceError, from_store};
use super::limits::Limits;
use super::options::{StorageAccess, StoreOptions};
use super::url::{AzureAccount, SourcePlace, SourceUrl};
use crate::azure::secret::Secrets;
use crate::azure::{AzureCloud, AzureError, TokenSource};

/// Retries of one request by object_store, on top of which [`super::read`]
/// retries a range.
pub const REQUEST_RETRIES_MAX: usize = 6;

/// Longest time one request is retried.
pub const REQUEST_RETRY_TIMEOUT_SECONDS: u64 = 60;

/// Pause before the first retry of a request; it doubles with each, more or less.
pub const REQUEST_RETRY_PAUSE_MS: u64 = 500;

/// Longest pause between two retries of a request.
pub const REQUEST_RETRY_PAUSE_SECONDS_MAX: u64 = 8;

/// Longest time one request may take. A body that stands still is given up sooner,
/// and one that is cut by this goes on where it was (see [`super::read`]).
pub const REQUEST_TIMEOUT_SECONDS: u64 = 120;

/// Longest time until a connection stands.
pub const CONNECT_TIMEOUT_SECONDS: u64 = 10;

/// Account of the emulator, the same everywhere.
const EMULATOR_ACCOUNT: &str = "devstoreaccount1";

/// Key of the emulator's account: published by Microsoft, guards nothing.
const EMULATOR_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

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
    limits: Limits,
}

impl Store {
    /// Opens the store a URL leads to. Errors when options are missing or bad.
    pub fn open(url: &SourceUrl, options: &StoreOptions) -> Result<Self, SourceError> {
        let place = url.to_string();
        let secrets = options.secrets();
        let (objects, kind): (Arc<dyn ObjectStore>, _) = match &url.place {
            SourcePlace::Local => (Arc::new(LocalFileSystem::new()), StoreKind::Local),
            SourcePlace::Azure { account, container } => {
                let objects = azure(account.as_ref(), container, options);
                let objects = objects.map_err(|error| error.about(&place, &secrets))?;
                (objects, StoreKind::Azure)
            }
        };
        let limits = Limits::default();
        Ok(Self { objects, prefix: url.path.clone(), place, kind, secrets, limits })
    }

    /// A store that is already there, e.g. one in memory.
    pub fn from_parts(objects: Arc<dyn ObjectStore>, prefix: Path) -> Self {
        let place = format!("{objects}/{prefix}");
        let (secrets, limits) = Default::default();
        Self { objects, prefix, place, kind: StoreKind::Given, secrets, limits }
    }

    /// The same store, kept within limits. Stores that share limits share what
    /// they allow.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// What keeps this store from taking the whole network.
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The store itself; its paths are relative to the container.
    pub fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.objects
    }

    /// Whether its blobs are files on disk.
    pub fn is_local(&self) -> bool {
        matches!(self.kind, StoreKind::Local)
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
    pub(crate) fn error(&self, place: &str, error: &object_store::Error) -> SourceError {
        from_store(place, error, &self.secrets)
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

/// Why a store cannot be built.
enum Unbuildable {
    Store(object_store::Error),
    Access(AzureError),
}

impl Unbuildable {
    fn about(self, place: &str, secrets: &Secrets) -> SourceError {
        let place = place.to_owned();
        match self {
            Self::Store(error) => {
                SourceError::BadOptions { place, reason: secrets.scrub(&error.to_string()) }
            }
            Self::Access(source) => SourceError::Token { place, source: Box::new(source) },
        }
    }
}

impl From<object_store::Error> for Unbuildable {
    fn from(error: object_store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<AzureError> for Unbuildable {
    fn from(error: AzureError) -> Self {
        Self::Access(error)
    }
}

fn azure(
    account: Option<&AzureAccount>,
    container: &str,
    options: &StoreOptions,
) -> Result<Arc<dyn ObjectStore>, Unbuildable> {
    let client_options = ClientOptions::new()
        .with_timeout(Duration::from_secs(REQUEST_TIMEOUT_SECONDS))
        .with_connect_timeout(Duration::from_secs(CONNECT_TIMEOUT_SECONDS))
        .with_user_agent(HeaderValue::from_static(crate::USER_AGENT));
    let mut builder =
        MicrosoftAzureBuilder::new().with_retry(retry_config()).with_client_options(client_options);
    for (key, value) in options.reveal() {
        // Options of our own are none of its.
        if let Ok(key) = AzureConfigKey::from_str(key) {
            builder = builder.with_config(key, value);
        }
    }
    builder = builder.with_container_name(container);
    let cloud = account.map_or(AzureCloud::Public, |account| account.cloud);
    if let Some(account) = account {
        builder = in_cloud(builder.with_account(&account.name), account, options);
    }
    if let StorageAccess::Token(credential) = options.access()? {
        let tokens = TokenSource::new(credential, options.authority_host(cloud))?;
        builder = builder.with_credentials(Arc::new(tokens));
    }
    match options.get(AzureConfigKey::Endpoint) {
        Some(endpoint) if options.uses_emulator() => {
            let emulated = emulator_at(builder, endpoint, account, options)?;
            Ok(Arc::new(EmulatorStore(Arc::new(emulated.build()?))))
        }
        _ => Ok(Arc::new(builder.build()?)),
    }
}

fn retry_config() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(REQUEST_RETRY_PAUSE_MS),
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
    builder
}

/// The emulator at an endpoint of its own. Its paths begin with the account.
fn emulator_at(
    builder: MicrosoftAzureBuilder,
    endpoint: &str,
    account: Option<&AzureAccount>,
    options: &StoreOptions,
) -> Result<MicrosoftAzureBuilder, AzureError> {
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
    let has_key = options.get(AzureConfigKey::AccessKey).is_some();
    Ok(match options.access()? {
        StorageAccess::AccountKey if !has_key => builder.with_access_key(EMULATOR_KEY),
        _ => builder,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Fault as _;

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
    fn an_account_must_be_known_and_errors_hide_secrets() {
        let error = open("az://c/x", &[("azure_storage_sas_key", "sig=TOPSECRET")]).unwrap_err();
        assert!(matches!(error, SourceError::BadOptions { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("TOPSECRET"));
        let bad_key = [("azure_storage_account_key", "not base64 !TOPSECRET")];
        let error = open("https://a.blob.core.windows.net/c/x", &bad_key).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("TOPSECRET"));
        assert!(error.hint().is_some_and(|hint| hint.contains("88 characters")), "{error}");
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
    fn every_cloud_has_its_own_hosts() {
        for (url, endpoint, authority) in [
            ("https://a.blob.core.windows.net/c", None, "https://login.microsoftonline.com"),
            (
                "https://a.blob.core.chinacloudapi.cn/c",
                Some("https://a.blob.core.chinacloudapi.cn"),
                "https://login.partner.microsoftonline.cn",
            ),
            (
                "https://a.dfs.core.usgovcloudapi.net/c",
                Some("https://a.blob.core.usgovcloudapi.net"),
                "https://login.microsoftonline.us",
            ),
        ] {
            let url = SourceUrl::parse(url).unwrap();
            let SourcePlace::Azure { account: Some(account), .. } = &url.place else {
                panic!("{url}");
            };
            let set = |pairs: &[(&str, &str)]| {
                let builder = MicrosoftAzureBuilder::new();
                in_cloud(builder, account, &options(pairs))
                    .get_config_value(&AzureConfigKey::Endpoint)
            };
            assert_eq!(set(&[]).as_deref(), endpoint);
            let named = set(&[("endpoint", "https://proxy")]);
            assert!(named.is_none(), "the option is set by whoever gave it: {named:?}");
            assert_eq!(options(&[]).authority_host(account.cloud), authority);
            let own = options(&[("authority_host", "https://own")]);
            assert_eq!(own.authority_host(account.cloud), "https://own");
        }
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
