//! As what somebody signs in to get tokens.

use std::path::PathBuf;
use std::sync::Arc;

use super::certificate::Certificate;
use super::secret::Secret;

/// Where a managed identity gets tokens unless the environment says otherwise.
pub const METADATA_ENDPOINT: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

/// A way to tokens. Secrets in it do not print.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A service principal with a secret.
    ClientSecret {
        /// Tenant the token is asked of.
        tenant_id: String,
        /// The app.
        client_id: String,
        /// Its secret's value.
        client_secret: Secret,
    },
    /// A service principal with a certificate.
    ClientCertificate {
        /// Tenant the token is asked of.
        tenant_id: String,
        /// The app.
        client_id: String,
        /// Certificate and key.
        certificate: Arc<Certificate>,
    },
    /// Workload identity federation: a token of somebody else's, in a file that
    /// is renewed from outside.
    FederatedToken {
        /// Tenant the token is asked of.
        tenant_id: String,
        /// The app.
        client_id: String,
        /// The file; read anew for every token.
        token_file: PathBuf,
    },
    /// The identity of the Azure machine this runs on.
    ManagedIdentity {
        /// Which of several: parameter (`client_id`, `object_id`, `msi_res_id`) and value.
        identity: Option<(&'static str, String)>,
        /// Where tokens are asked for; the metadata service when none.
        endpoint: Option<String>,
        /// What App Service wants in `X-IDENTITY-HEADER`.
        identity_header: Option<Secret>,
    },
    /// Whoever is signed in with the Azure CLI.
    AzureCli {
        /// Tenant, when not the CLI's own choice.
        tenant_id: Option<String>,
    },
}

impl Credential {
    /// What it is, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ClientSecret { .. } => "service principal with secret",
            Self::ClientCertificate { .. } => "service principal with certificate",
            Self::FederatedToken { .. } => "workload identity",
            Self::ManagedIdentity { .. } => "managed identity",
            Self::AzureCli { .. } => "Azure CLI",
        }
    }

    /// The same in another tenant: what a multi-tenant app needs where storage and
    /// bill belong to different ones. What knows no tenant stays as it is.
    #[must_use]
    pub fn in_tenant(mut self, tenant: &str) -> Self {
        match &mut self {
            Self::ClientSecret { tenant_id, .. }
            | Self::ClientCertificate { tenant_id, .. }
            | Self::FederatedToken { tenant_id, .. } => tenant.clone_into(tenant_id),
            Self::AzureCli { tenant_id } => *tenant_id = Some(tenant.to_owned()),
            Self::ManagedIdentity { .. } => {}
        }
        self
    }
}
