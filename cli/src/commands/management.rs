//! How Azure Resource Manager is reached: where, about what, and as who.
//!
//! Input: a configured source, or a scope and the environment. Output: a client
//! of the Exports API. It sends nothing itself.

use std::sync::Arc;

use costlake_engine::azure::exports::{ArmScope, ExportsAddress, ExportsClient};
use costlake_engine::azure::{AzureCloud, HttpOptions, TokenSource};
use costlake_engine::error::Fault as _;
use costlake_engine::source::{StorageAccess, StoreOptions};

use crate::failure::Failure;
use crate::settings::Settings;
use crate::settings::sources::{CredentialSettings, SourceSettings};

/// Whether a command sends anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    Yes,
    /// Requests are printed: nobody needs to be signed in.
    No,
}

/// What the management API is reached with.
pub struct ManagementAccess {
    /// Where Azure Resource Manager is.
    endpoint: String,
    /// What its tokens are asked for.
    audience: &'static str,
    /// Who asks; none when nothing is sent.
    tokens: Option<Arc<TokenSource>>,
    /// Of which scope.
    scope: ArmScope,
}

impl ManagementAccess {
    /// As the environment says.
    pub fn of_scope(
        scope: ArmScope,
        settings: &Settings,
        sending: Sending,
    ) -> Result<Self, Failure> {
        Self::new(scope, &CredentialSettings::Environment, None, settings, sending)
    }

    /// As a source says.
    pub fn of_source(
        source: &SourceSettings,
        settings: &Settings,
        sending: Sending,
    ) -> Result<Self, Failure> {
        let path = source.scope.as_ref().and_then(|scope| scope.id.as_ref());
        let path = path.ok_or_else(|| Failure::Usage {
            what: format!("the source {} has no Azure path as its scope", source.name),
            hint: "set scope to /providers/Microsoft.Billing/billingAccounts/… or \
                   /subscriptions/…"
                .to_owned(),
        })?;
        let scope = path.parse::<ArmScope>().map_err(|error| Failure::Usage {
            what: format!("sources.{}.scope: {error}", source.name),
            hint: error.hint().unwrap_or_default(),
        })?;
        Self::new(scope, &source.credential, source.cloud(), settings, sending)
    }

    fn new(
        scope: ArmScope,
        credential: &CredentialSettings,
        cloud: Option<AzureCloud>,
        settings: &Settings,
        sending: Sending,
    ) -> Result<Self, Failure> {
        let environment = &settings.environment;
        let options = StoreOptions::from_environment(environment.storage_options.clone());
        let cloud =
            cloud.unwrap_or_else(|| cloud_of(options.authority_host(AzureCloud::default())));
        let tokens = match sending {
            Sending::No => None,
            Sending::Yes => {
                let signed_in = credential.management(environment, settings.folder())?;
                Some(Arc::new(sign_in(signed_in, options.authority_host(cloud))?))
            }
        };
        let endpoint = environment.resource_manager_endpoint.as_deref();
        Ok(Self {
            endpoint: endpoint.unwrap_or(cloud.resource_manager()).to_owned(),
            audience: cloud.resource_manager(),
            tokens,
            scope,
        })
    }

    /// Where the scope's exports are.
    pub fn address(&self) -> Result<ExportsAddress, Failure> {
        ExportsAddress::new(&self.endpoint, self.scope.clone()).map_err(Failure::engine)
    }

    /// A client; none when nothing is to be sent.
    pub fn client(self) -> Result<Option<ExportsClient>, Failure> {
        let address = self.address()?;
        let client = self.tokens.map(|tokens| {
            ExportsClient::new(address, self.audience, tokens, HttpOptions::default())
        });
        client.transpose().map_err(Failure::engine)
    }
}

fn sign_in(access: StorageAccess, authority_host: &str) -> Result<TokenSource, Failure> {
    match access {
        StorageAccess::Token(credential) => {
            TokenSource::new(credential, authority_host).map_err(Failure::engine)
        }
        other => Err(Failure::Usage {
            what: format!("the {} in the environment does not sign in for exports", other.kind()),
            hint: "sign in as a service principal (AZURE_TENANT_ID, AZURE_CLIENT_ID, \
                   AZURE_CLIENT_SECRET) or with AZURE_USE_AZURE_CLI=true, and unset what is for \
                   storage only"
                .to_owned(),
        }),
    }
}

/// The cloud that asks for tokens there; the public one for any other host.
fn cloud_of(authority_host: &str) -> AzureCloud {
    let host = authority_host.trim_end_matches('/');
    let known = AzureCloud::ALL.into_iter().find(|cloud| cloud.authority_host() == host);
    known.unwrap_or_default()
}
