//! What Azure's services may answer other than what was asked for.

use crate::error::{ErrorClass, Fault, Location};

/// An error of identity or management.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AzureError {
    /// The credential cannot be used as it is.
    #[error("{what}")]
    BadCredential {
        /// What is wrong with it.
        what: String,
        /// What to do.
        hint: String,
    },
    /// The service that hands out tokens refuses.
    #[error("no token for {resource}: {reason}")]
    TokenRefused {
        /// What the token was asked for.
        resource: String,
        /// Where it was asked for.
        place: String,
        /// `AADSTS…`, where the service gave one.
        code: Option<String>,
        /// What it said.
        reason: String,
    },
    /// A managed identity was asked for a token, and gave none.
    #[error("this machine has no managed identity that gives a token: {reason}")]
    NoIdentity {
        /// Where it was asked.
        place: String,
        /// What went wrong.
        reason: String,
    },
    /// A service cannot be reached.
    #[error("cannot reach {place}: {reason}")]
    Unreachable {
        /// URL without query.
        place: String,
        /// What went wrong.
        reason: String,
    },
    /// A passing fault that outlasted all retries.
    #[error("{place} does not answer: {reason}")]
    Passing {
        /// URL without query.
        place: String,
        /// What went wrong.
        reason: String,
    },
    /// An answer that cannot be read.
    #[error("{place} answers with something unexpected: {reason}")]
    BadAnswer {
        /// URL without query.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Fault for AzureError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::BadCredential { .. } => ErrorClass::BadConfig,
            Self::TokenRefused { .. } | Self::Unreachable { .. } | Self::NoIdentity { .. } => {
                ErrorClass::Denied
            }
            Self::Passing { .. } | Self::BadAnswer { .. } => ErrorClass::Retryable,
        }
    }

    fn location(&self) -> Option<Location> {
        match self {
            Self::BadCredential { .. } => None,
            Self::TokenRefused { place, .. }
            | Self::Unreachable { place, .. }
            | Self::NoIdentity { place, .. }
            | Self::Passing { place, .. }
            | Self::BadAnswer { place, .. } => Some(Location::blob(place)),
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::BadCredential { hint, .. } => hint.as_str(),
            Self::TokenRefused { code, .. } => token_hint(code.as_deref().unwrap_or_default()),
            Self::NoIdentity { .. } => {
                "it is what is tried when no credential is given: give the source one (costlake \
                 source add --help), or set AZURE_TENANT_ID, AZURE_CLIENT_ID and \
                 AZURE_CLIENT_SECRET, AZURE_STORAGE_SAS_TOKEN, AZURE_STORAGE_ACCOUNT_KEY or \
                 AZURE_USE_AZURE_CLI"
            }
            Self::Unreachable { .. } => "check the network and any proxy (HTTPS_PROXY)",
            Self::Passing { .. } => "try again later",
            Self::BadAnswer { .. } => "check the endpoint and any proxy in between",
        };
        Some(hint.to_owned())
    }
}

/// What to do about Entra's error codes
/// (learn.microsoft.com/entra/identity-platform/reference-error-codes).
fn token_hint(code: &str) -> &'static str {
    match code {
        "AADSTS7000215" => {
            "the client secret is wrong: give the secret's value, not its id, and check that it \
             belongs to this client id"
        }
        "AADSTS7000222" => {
            "the client secret has expired: make a new one under Certificates & secrets"
        }
        "AADSTS700016" | "AADSTS7000229" => {
            "the app is not known in that tenant: check client id and tenant id; for storage of \
             another tenant the app must be multi-tenant and consented to there"
        }
        "AADSTS90002" | "AADSTS900023" | "AADSTS900021" => {
            "there is no such tenant: check the tenant id"
        }
        "AADSTS700027" | "AADSTS7000214" | "AADSTS700024" => {
            "the certificate is not accepted: upload its public part to the app, and check that \
             key and certificate belong together and that this machine's clock is right"
        }
        "AADSTS70021" | "AADSTS700211" | "AADSTS700212" | "AADSTS700213" => {
            "no federated credential of the app matches: check its issuer, subject and audience"
        }
        "AADSTS500011" => "the resource is not known in that tenant: check the cloud and tenant",
        _ => "check tenant id, client id and secret, and that the app may sign in",
    }
}
