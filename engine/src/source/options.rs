//! Storage options: accounts, endpoints, and who asks, by name.
//!
//! In: names and values, from the environment or a source's settings. Out:
//! [`StoreOptions`], which tell how requests are to be signed. The names are
//! object_store's (`azure_storage_account_key`) and a few of our own for what
//! it does not know. Never prints a value.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use object_store::azure::AzureConfigKey;

use super::error::SourceError;
use super::sas::SasToken;
use crate::azure::secret::Secrets;
use crate::azure::{AzureCloud, AzureError, Certificate, Credential, Secret};

/// The PEM file of a service principal's certificate, named as Azure's own
/// libraries name its variable.
pub const CLIENT_CERTIFICATE_PATH: &str = "azure_client_certificate_path";

/// What App Service wants of whoever asks for its managed identity.
pub const IDENTITY_HEADER: &str = "identity_header";

/// Says that the managed identity is meant, which else is taken only where nothing
/// is said and the emulator is not.
pub const USE_MANAGED_IDENTITY: &str = "azure_use_managed_identity";

/// Options object_store does not know.
const OWN_KEYS: [&str; 3] = [CLIENT_CERTIFICATE_PATH, IDENTITY_HEADER, USE_MANAGED_IDENTITY];

/// Variables of a managed identity, which do not begin with `AZURE_`.
const OF_MANAGED_IDENTITY: [&str; 3] = ["identity_endpoint", "msi_endpoint", IDENTITY_HEADER];

/// object_store's options that say who asks.
const CREDENTIAL_KEYS: [AzureConfigKey; 10] = [
    AzureConfigKey::AccessKey,
    AzureConfigKey::AuthorityId,
    AzureConfigKey::ClientId,
    AzureConfigKey::ClientSecret,
    AzureConfigKey::FederatedTokenFile,
    AzureConfigKey::MsiResourceId,
    AzureConfigKey::ObjectId,
    AzureConfigKey::SasKey,
    AzureConfigKey::Token,
    AzureConfigKey::UseAzureCli,
];

/// How requests to storage are signed.
#[derive(Clone, Debug)]
pub enum StorageAccess {
    /// With tokens of a credential.
    Token(Credential),
    /// With the account's key, or the emulator's.
    AccountKey,
    /// With a SAS token.
    Sas,
    /// With one token that is there already and never renewed.
    BearerToken,
}

impl StorageAccess {
    /// What it is, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Token(credential) => credential.kind(),
            Self::AccountKey => "account key",
            Self::Sas => "SAS token",
            Self::BearerToken => "bearer token",
        }
    }
}

/// Options by the names of object_store's Azure configuration, e.g.
/// `azure_storage_account_key`. Prints names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StoreOptions {
    /// By canonical name, so that a later spelling replaces an earlier one.
    values: BTreeMap<String, String>,
}

impl StoreOptions {
    /// Takes from environment variables those that are options: `AZURE_…` ones
    /// it knows, and a managed identity's. Others are ignored.
    pub fn from_environment(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut options = Self::default();
        for (name, value) in variables {
            let name = name.to_ascii_lowercase();
            if name.starts_with("azure_") || OF_MANAGED_IDENTITY.contains(&name.as_str()) {
                // Many AZURE_… variables belong to other tools.
                let _ = options.insert(&name, value);
            }
        }
        options
    }

    /// Sets an option by any of its names, in any letter case. Errors when no
    /// option has that name.
    pub fn insert(&mut self, key: &str, value: impl Into<String>) -> Result<(), SourceError> {
        let known =
            canonical(key).ok_or_else(|| SourceError::UnknownOption { key: key.to_owned() })?;
        self.values.insert(known, value.into());
        Ok(())
    }

    /// The canonical name of an option, if there is one of that name.
    pub fn is_known(key: &str) -> bool {
        canonical(key).is_some()
    }

    /// The same without anything that says who asks, for a caller that says it
    /// otherwise. Accounts and endpoints stay, a managed identity's among them.
    #[must_use]
    pub fn without_credential(mut self) -> Self {
        self.values.retain(|key, _| {
            !CREDENTIAL_KEYS.iter().any(|known| known.as_ref() == key)
                && key != CLIENT_CERTIFICATE_PATH
                && key != USE_MANAGED_IDENTITY
        });
        self
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

    pub(super) fn get(&self, key: AzureConfigKey) -> Option<&str> {
        self.values.get(key.as_ref()).map(String::as_str)
    }

    fn is_set(&self, key: &str) -> bool {
        let value = self.values.get(key).map(String::as_str).unwrap_or_default();
        matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes" | "y")
    }

    pub(super) fn uses_emulator(&self) -> bool {
        self.is_set(AzureConfigKey::UseEmulator.as_ref())
    }

    /// The file of a federated token, if one is named.
    pub fn federated_token_file(&self) -> Option<&str> {
        self.get(AzureConfigKey::FederatedTokenFile)
    }

    /// How requests are signed, in object_store's own order of preference, so that
    /// the environment means what it means to other tools.
    pub fn access(&self) -> Result<StorageAccess, AzureError> {
        if self.is_set(USE_MANAGED_IDENTITY) {
            return Ok(StorageAccess::Token(self.managed_identity()));
        }
        if self.get(AzureConfigKey::Token).is_some() {
            return Ok(StorageAccess::BearerToken);
        }
        if self.get(AzureConfigKey::AccessKey).is_some() {
            return Ok(StorageAccess::AccountKey);
        }
        let client = self.get(AzureConfigKey::ClientId).zip(self.get(AzureConfigKey::AuthorityId));
        if let Some((client_id, tenant_id)) = client {
            let (client_id, tenant_id) = (client_id.to_owned(), tenant_id.to_owned());
            if let Some(file) = self.get(AzureConfigKey::FederatedTokenFile) {
                let token_file = file.into();
                let credential = Credential::FederatedToken { tenant_id, client_id, token_file };
                return Ok(StorageAccess::Token(credential));
            }
            if let Some(secret) = self.get(AzureConfigKey::ClientSecret) {
                let client_secret = Secret::new(secret);
                let credential = Credential::ClientSecret { tenant_id, client_id, client_secret };
                return Ok(StorageAccess::Token(credential));
            }
            if let Some(file) = self.values.get(CLIENT_CERTIFICATE_PATH) {
                let pem = std::fs::read(file).map_err(|error| AzureError::BadCredential {
                    what: format!("cannot read {file}: {error}"),
                    hint: "name the PEM file of the certificate and its key".to_owned(),
                })?;
                let certificate = Arc::new(Certificate::from_pem(file, &pem)?);
                let credential =
                    Credential::ClientCertificate { tenant_id, client_id, certificate };
                return Ok(StorageAccess::Token(credential));
            }
        }
        if self.get(AzureConfigKey::SasKey).is_some() {
            return Ok(StorageAccess::Sas);
        }
        if self.is_set(AzureConfigKey::UseAzureCli.as_ref()) {
            let tenant_id = self.get(AzureConfigKey::AuthorityId).map(str::to_owned);
            return Ok(StorageAccess::Token(Credential::AzureCli { tenant_id }));
        }
        if self.uses_emulator() {
            return Ok(StorageAccess::AccountKey);
        }
        Ok(StorageAccess::Token(self.managed_identity()))
    }

    fn managed_identity(&self) -> Credential {
        let identity = [
            (AzureConfigKey::ClientId, "client_id"),
            (AzureConfigKey::ObjectId, "object_id"),
            (AzureConfigKey::MsiResourceId, "msi_res_id"),
        ];
        let identity = identity
            .into_iter()
            .find_map(|(key, parameter)| Some((parameter, self.get(key)?.to_owned())));
        Credential::ManagedIdentity {
            identity,
            endpoint: self.get(AzureConfigKey::MsiEndpoint).map(str::to_owned),
            identity_header: self.values.get(IDENTITY_HEADER).map(Secret::new),
        }
    }

    /// Where tokens are asked for.
    pub fn authority_host(&self, cloud: AzureCloud) -> &str {
        self.get(AzureConfigKey::AuthorityHost).unwrap_or(cloud.authority_host())
    }

    /// What the SAS token says of itself, if there is one.
    pub fn sas(&self) -> Option<SasToken> {
        self.get(AzureConfigKey::SasKey).map(SasToken::parse)
    }

    pub(super) fn secrets(&self) -> Secrets {
        let secret = [
            AzureConfigKey::AccessKey,
            AzureConfigKey::SasKey,
            AzureConfigKey::Token,
            AzureConfigKey::ClientSecret,
            AzureConfigKey::FabricSessionToken,
        ];
        let of_sas = self.sas().and_then(|sas| sas.signature);
        let of_identity = self.values.get(IDENTITY_HEADER).cloned();
        let known = secret.into_iter().filter_map(|key| self.get(key).map(str::to_owned));
        Secrets::new(known.chain(of_sas).chain(of_identity))
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redacted = self.values.keys().map(|key| (key, "<redacted>"));
        formatter.debug_map().entries(redacted).finish()
    }
}

fn canonical(key: &str) -> Option<String> {
    let key = key.to_ascii_lowercase();
    if OWN_KEYS.contains(&key.as_str()) {
        return Some(key);
    }
    AzureConfigKey::from_str(&key).ok().map(|known| known.as_ref().to_owned())
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
    fn access_is_chosen_as_object_store_chooses_it() {
        let kind = |pairs: &[(&str, &str)]| options(pairs).access().unwrap().kind();
        let client = [("azure_client_id", "c"), ("azure_tenant_id", "t")];
        let with = |more: &[(&'static str, &'static str)]| kind(&[&client[..], more].concat());
        assert_eq!(
            with(&[("azure_client_secret", "s"), ("sas_token", "sig=x")]),
            "service principal with secret"
        );
        assert_eq!(with(&[("azure_federated_token_file", "/f")]), "workload identity");
        assert_eq!(with(&[("sas_token", "sig=x")]), "SAS token");
        assert_eq!(with(&[("account_key", "s"), ("azure_client_secret", "s")]), "account key");
        assert_eq!(with(&[]), "managed identity");
        assert_eq!(kind(&[("use_azure_cli", "true")]), "Azure CLI");
        assert_eq!(kind(&[("use_emulator", "true")]), "account key");
        let said = [("use_emulator", "true"), (USE_MANAGED_IDENTITY, "true")];
        assert_eq!(kind(&said), "managed identity");
        let missing = [&client[..], &[(CLIENT_CERTIFICATE_PATH, "/nowhere.pem")]].concat();
        let error = options(&missing).access().unwrap_err();
        assert_eq!(error.class(), ErrorClass::BadConfig);
        let bare = options(&[&missing[..], &[("endpoint", "e")]].concat()).without_credential();
        assert_eq!(bare.reveal().collect::<Vec<_>>(), [("azure_storage_endpoint", "e")]);
    }
}
