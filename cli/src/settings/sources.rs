//! Sources: what each bill connect is, and as who it is read.
//!
//! Input: the `[sources.…]` tables of `costlake.toml`. Output: one
//! [`SourceSettings`] each, checked, and storage options once it is used.
//! Secrets are named here, never held: an environment variable or a file has
//! them. It never connects to anything.
//!
//! ```toml
//! [sources.contoso]
//! scope = "/providers/Microsoft.Billing/billingAccounts/…"
//! actual = "https://account.blob.core.windows.net/exports/daily/contoso-actual"
//! amortized = "https://account.blob.core.windows.net/exports/daily/contoso-amortized"
//! first_month = "2026-01"      # months before it are left alone
//! refresh = true               # `ingest --refresh` may ask Azure for a new run
//!
//! [sources.contoso.credential]
//! kind = "service_principal"
//! tenant_id = "…"
//! client_id = "…"
//! client_secret = { env = "CONTOSO_CLIENT_SECRET" }   # or { file = "PATH" }
//! storage_tenant_id = "…"      # where the storage account is another tenant's
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use costlake_engine::azure::AzureCloud;
use costlake_engine::model::DatasetType;
use costlake_engine::model::period::BillingMonth;
use costlake_engine::model::scope::{Scope, SourceName};
use costlake_engine::source::options::{CLIENT_CERTIFICATE_PATH, USE_MANAGED_IDENTITY};
use costlake_engine::source::url::SourcePlace;
use costlake_engine::source::{SourceUrl, StorageAccess, StoreOptions};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{SettingsError, beside};
use crate::environment::Environment;
use crate::failure::Failure;

/// One bill connect.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Its name.
    pub name: SourceName,
    /// Its scope; without one, as manifests say.
    pub scope: Option<Scope>,
    /// Export URLs, in the order they are loaded.
    pub exports: Vec<(DatasetType, SourceUrl)>,
    /// Months before it are left alone.
    pub first_month: Option<BillingMonth>,
    /// Whether Azure may be asked for runs out of its schedule.
    pub refresh: bool,
    /// As who it is read.
    pub credential: CredentialSettings,
}

/// As who a source is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CredentialSettings {
    /// As the environment's `AZURE_…` variables say.
    #[default]
    Environment,
    /// An app with a secret or a certificate.
    ServicePrincipal {
        tenant_id: String,
        client_id: String,
        client_secret: Option<SecretReference>,
        /// PEM file of certificate and key.
        certificate: Option<PathBuf>,
        /// Where the storage account belongs to another tenant than the bill.
        storage_tenant_id: Option<String>,
    },
    /// An app by workload identity federation.
    WorkloadIdentity {
        tenant_id: String,
        client_id: String,
        /// File of the federated token; `AZURE_FEDERATED_TOKEN_FILE` when none.
        token_file: Option<PathBuf>,
        storage_tenant_id: Option<String>,
    },
    /// The identity of this machine on Azure.
    ManagedIdentity {
        /// Of a user-assigned identity.
        client_id: Option<String>,
    },
    /// Whoever is signed in with `az login`.
    AzureCli { tenant_id: Option<String> },
    /// A SAS token.
    SasToken { sas_token: SecretReference },
    /// The storage account's key.
    AccountKey { account_key: SecretReference },
}

impl CredentialSettings {
    /// What it is, for people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::ServicePrincipal { certificate: Some(_), .. } => "certificate",
            Self::ServicePrincipal { .. } => "client secret",
            Self::WorkloadIdentity { .. } => "workload identity",
            Self::ManagedIdentity { .. } => "managed identity",
            Self::AzureCli { .. } => "Azure CLI",
            Self::SasToken { .. } => "SAS token",
            Self::AccountKey { .. } => "account key",
        }
    }

    /// The secret it names.
    pub fn secret(&self) -> Option<&SecretReference> {
        match self {
            Self::ServicePrincipal { client_secret, .. } => client_secret.as_ref(),
            Self::SasToken { sas_token } => Some(sas_token),
            Self::AccountKey { account_key } => Some(account_key),
            _ => None,
        }
    }
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretReference {
    /// In an environment variable.
    Environment(String),
    /// In a file, whose last line feed does not count.
    File(PathBuf),
}

/// Whether a text can be the name of an environment variable.
pub fn is_variable_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

impl SecretReference {
    /// Reads it. Errors when there is nothing there.
    fn reveal(&self, environment: &Environment, folder: &Path) -> Result<String, Failure> {
        let missing = |what: String, hint: String| Failure::Usage { what, hint };
        match self {
            Self::Environment(name) => environment.secret(name).ok_or_else(|| {
                missing(
                    format!("the environment variable {name} is not set"),
                    "the source's credential names it; export it before the command".to_owned(),
                )
            }),
            Self::File(path) => {
                let path = folder.join(path);
                let text = std::fs::read_to_string(&path)
                    .map_err(|source| Failure::Read { path: path.clone(), source })?;
                let text = text.trim().to_owned();
                if text.is_empty() {
                    return Err(missing(
                        format!("{} is empty", path.display()),
                        "the source's credential names it as the file of a secret".to_owned(),
                    ));
                }
                Ok(text)
            }
        }
    }
}

impl fmt::Display for SecretReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(formatter, "${name}"),
            Self::File(path) => write!(formatter, "{}", path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for SecretReference {
    /// `{ env = "NAME" }` or `{ file = "PATH" }`. A secret written in its place is
    /// refused without being repeated, which a derived reader would do.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reference;
        const FORMS: &str = "a secret is not written here: name where it is, as \
                             { env = \"NAME\" } or { file = \"PATH\" }";

        impl<'de> Visitor<'de> for Reference {
            type Value = SecretReference;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("{ env = \"NAME\" } or { file = \"PATH\" }")
            }

            fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<SecretReference, E> {
                Err(E::custom(FORMS))
            }

            fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<SecretReference, E> {
                Err(E::custom(FORMS))
            }

            fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<SecretReference, E> {
                Err(E::custom(FORMS))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretReference, A::Error> {
                let reference = match map.next_entry::<String, String>() {
                    Ok(Some((key, name))) if key == "env" && is_variable_name(&name) => {
                        SecretReference::Environment(name)
                    }
                    Ok(Some((key, path))) if key == "file" => SecretReference::File(path.into()),
                    _ => return Err(A::Error::custom(FORMS)),
                };
                match map.next_key::<String>() {
                    Ok(None) => Ok(reference),
                    _ => Err(A::Error::custom(FORMS)),
                }
            }
        }
        deserializer.deserialize_any(Reference)
    }
}

/// `[sources.NAME]`, key by key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileSource {
    scope: Option<String>,
    actual: Option<String>,
    amortized: Option<String>,
    price_sheet: Option<String>,
    reservation_details: Option<String>,
    reservation_transactions: Option<String>,
    reservation_recommendations: Option<String>,
    first_month: Option<String>,
    #[serde(default)]
    refresh: bool,
    #[serde(default)]
    credential: CredentialSettings,
}

impl FileSource {
    fn url(&self, dataset: DatasetType) -> Option<&String> {
        match dataset {
            DatasetType::ActualCost => self.actual.as_ref(),
            DatasetType::AmortizedCost => self.amortized.as_ref(),
            DatasetType::PriceSheet => self.price_sheet.as_ref(),
            DatasetType::ReservationDetails => self.reservation_details.as_ref(),
            DatasetType::ReservationTransactions => self.reservation_transactions.as_ref(),
            DatasetType::ReservationRecommendations => self.reservation_recommendations.as_ref(),
        }
    }
}

/// Checks every source of the file; local paths count from its folder.
pub(super) fn sources(
    file: BTreeMap<String, FileSource>,
    folder: &Path,
) -> Result<Vec<SourceSettings>, SettingsError> {
    file.into_iter().map(|(name, source)| checked(name, source, folder)).collect()
}

fn checked(name: String, file: FileSource, folder: &Path) -> Result<SourceSettings, SettingsError> {
    let refused = |key: &str, what: String, hint: &str| SettingsError::Value {
        name: format!("sources.{name}{}{key}", if key.is_empty() { "" } else { "." }),
        what,
        hint: hint.to_owned(),
    };
    let source_name: SourceName =
        name.parse().map_err(|error: costlake_engine::model::scope::InvalidSourceName| {
            refused("", error.to_string(), "name it as [sources.contoso]")
        })?;
    let scope = file.scope.as_ref().map(|text| text.parse::<Scope>()).transpose();
    let scope = scope.map_err(|error| {
        refused("scope", error.to_string(), "write the scope's Azure path, or its type")
    })?;
    let first_month = file.first_month.as_ref().map(|text| text.parse::<BillingMonth>());
    let first_month = first_month
        .transpose()
        .map_err(|error| refused("first_month", error.to_string(), "e.g. 2026-01"))?;
    let mut exports = Vec::new();
    for dataset in DatasetType::ALL {
        if let Some(text) = file.url(dataset) {
            let url = SourceUrl::parse(&beside(folder, text.clone())).map_err(|error| {
                let hint = costlake_engine::error::Fault::hint(&error).unwrap_or_default();
                refused(key_of(dataset), error.to_string(), &hint)
            })?;
            exports.push((dataset, url));
        }
    }
    if exports.is_empty() {
        return Err(refused(
            "",
            "it names no export".to_owned(),
            "give actual, amortized, or both",
        ));
    }
    if let CredentialSettings::ServicePrincipal { client_secret, certificate, .. } =
        &file.credential
        && client_secret.is_some() == certificate.is_some()
    {
        return Err(refused(
            "credential",
            "a service principal has one of client_secret and certificate".to_owned(),
            "e.g. client_secret = { env = \"NAME\" }",
        ));
    }
    let FileSource { refresh, credential, .. } = file;
    Ok(SourceSettings { name: source_name, scope, exports, first_month, refresh, credential })
}

/// The key of an export in the file: its flag without dashes before it.
pub fn key_of(dataset: DatasetType) -> &'static str {
    match dataset {
        DatasetType::ActualCost => "actual",
        DatasetType::AmortizedCost => "amortized",
        other => other.table_name(),
    }
}

impl SourceSettings {
    /// The export of a dataset.
    pub fn export(&self, dataset: DatasetType) -> Option<&SourceUrl> {
        self.exports.iter().find(|(known, _)| *known == dataset).map(|(_, url)| url)
    }

    /// The cloud its storage account is in, where a URL tells.
    pub fn cloud(&self) -> Option<AzureCloud> {
        self.exports.iter().find_map(|(_, url)| match &url.place {
            SourcePlace::Azure { account: Some(account), .. } => Some(account.cloud),
            _ => None,
        })
    }
}

impl CredentialSettings {
    /// Options for storage. Errors when the secret is not where it should be.
    pub fn storage_options(
        &self,
        environment: &Environment,
        folder: &Path,
    ) -> Result<StoreOptions, Failure> {
        self.options(environment, folder, Tenant::OfStorage)
    }

    /// What signs in at Azure's management API, which takes no keys and no SAS tokens.
    pub fn management(
        &self,
        environment: &Environment,
        folder: &Path,
    ) -> Result<StorageAccess, Failure> {
        // Keys open storage only: what manages the bill is the environment's to say.
        let options = match self {
            Self::SasToken { .. } | Self::AccountKey { .. } => {
                Self::Environment.options(environment, folder, Tenant::OfBill)?
            }
            other => other.options(environment, folder, Tenant::OfBill)?,
        };
        options.access().map_err(Failure::engine)
    }

    fn options(
        &self,
        environment: &Environment,
        folder: &Path,
        tenant: Tenant,
    ) -> Result<StoreOptions, Failure> {
        let base = StoreOptions::from_environment(environment.storage_options.clone());
        if *self == Self::Environment {
            return Ok(base);
        }
        let token_file = base.federated_token_file().map(PathBuf::from);
        let mut options = base.without_credential();
        let mut set = |key: &str, value: &str| {
            options.insert(key, value).expect("the keys below are options");
        };
        let of = |tenant_id: &str, storage_tenant_id: &Option<String>| match tenant {
            Tenant::OfStorage => storage_tenant_id.clone().unwrap_or_else(|| tenant_id.to_owned()),
            Tenant::OfBill => tenant_id.to_owned(),
        };
        match self {
            Self::Environment => {}
            Self::ServicePrincipal {
                tenant_id,
                client_id,
                client_secret,
                certificate,
                storage_tenant_id,
            } => {
                set("azure_tenant_id", &of(tenant_id, storage_tenant_id));
                set("azure_client_id", client_id);
                if let Some(secret) = client_secret {
                    set("azure_client_secret", &secret.reveal(environment, folder)?);
                }
                if let Some(certificate) = certificate {
                    let path = folder.join(certificate);
                    set(CLIENT_CERTIFICATE_PATH, &path.to_string_lossy());
                }
            }
            Self::WorkloadIdentity {
                tenant_id,
                client_id,
                token_file: named,
                storage_tenant_id,
            } => {
                set("azure_tenant_id", &of(tenant_id, storage_tenant_id));
                set("azure_client_id", client_id);
                let file = named.as_ref().map(|file| folder.join(file)).or(token_file);
                let file = file.ok_or_else(|| Failure::Usage {
                    what: "no file of a federated token is named".to_owned(),
                    hint: "set AZURE_FEDERATED_TOKEN_FILE, or token_file in the credential"
                        .to_owned(),
                })?;
                set("azure_federated_token_file", &file.to_string_lossy());
            }
            Self::ManagedIdentity { client_id } => {
                set(USE_MANAGED_IDENTITY, "true");
                if let Some(client_id) = client_id {
                    set("azure_client_id", client_id);
                }
            }
            Self::AzureCli { tenant_id } => {
                set("azure_use_azure_cli", "true");
                if let Some(tenant_id) = tenant_id {
                    set("azure_tenant_id", tenant_id);
                }
            }
            Self::SasToken { sas_token } => {
                set("azure_storage_sas_token", &sas_token.reveal(environment, folder)?);
            }
            Self::AccountKey { account_key } => {
                set("azure_storage_account_key", &account_key.reveal(environment, folder)?);
            }
        }
        Ok(options)
    }
}

/// Whose tokens are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tenant {
    OfStorage,
    OfBill,
}
