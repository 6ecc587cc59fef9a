//! Tokens for Azure's services, kept until shortly before they expire.
//!
//! In: a [`Credential`], an authority host. Out: bearer tokens by resource, to
//! callers and, as a credential provider, to object_store. One request at a
//! time per source of tokens: those who wait share its answer.
//!
//! Asks the clock: a token's life is counted from when it was given.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use http::{HeaderValue, Method};
use object_store::CredentialProvider;
use object_store::azure::AzureCredential;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::cloud::STORAGE_RESOURCE;
use super::credential::{Credential, METADATA_ENDPOINT};
use super::error::AzureError;
use super::http::{Answer, HttpOptions, HttpService, Request};
use super::secret::{Secret, Secrets};

/// A token is renewed when it has less than this left.
pub const TOKEN_LEFT_SECONDS_MIN: u64 = 300;

/// Life of a token whose service does not tell it.
const TOKEN_SECONDS_DEFAULT: u64 = 600;

/// How long a failure is the answer to whoever else asks: those who read many ranges
/// at once would else wait one after the other for the same.
const FAILURE_SECONDS: u64 = 15;

/// Longest time the Azure CLI may take; it starts slowly.
const AZURE_CLI_SECONDS_MAX: u64 = 60;

/// Longest time until a machine that has a managed identity says so.
const METADATA_CONNECT_TIMEOUT_MS: u64 = 2_000;

/// Times the metadata service is asked again.
const METADATA_RETRIES_MAX: u32 = 2;

const FORM: &str = "application/x-www-form-urlencoded";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Gives tokens.
#[derive(Debug)]
pub struct TokenSource {
    credential: Credential,
    authority_host: String,
    http: HttpService,
    kept: Mutex<Kept>,
}

/// What was answered, by resource.
#[derive(Debug, Default)]
struct Kept {
    tokens: BTreeMap<String, Token>,
    failures: BTreeMap<String, (Instant, AzureError)>,
}

#[derive(Clone, Debug)]
struct Token {
    secret: Secret,
    expires: Instant,
}

impl TokenSource {
    /// A source that has asked for nothing yet. `authority_host` as in
    /// [`super::AzureCloud::authority_host`].
    pub fn new(credential: Credential, authority_host: &str) -> Result<Self, AzureError> {
        let defaults = HttpOptions::default();
        let options = match credential {
            Credential::ManagedIdentity { .. } => HttpOptions {
                connect_timeout_ms: METADATA_CONNECT_TIMEOUT_MS,
                retries_max: METADATA_RETRIES_MAX,
                ..defaults
            },
            _ => defaults,
        };
        Ok(Self {
            credential,
            authority_host: authority_host.trim_end_matches('/').to_owned(),
            http: HttpService::new(options)?,
            kept: Mutex::default(),
        })
    }

    /// As what it signs in.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// A token for a resource such as `https://management.azure.com`, good for
    /// some minutes at least.
    pub async fn token(&self, resource: &str) -> Result<Secret, AzureError> {
        let mut kept = self.kept.lock().await;
        let enough = Instant::now() + Duration::from_secs(TOKEN_LEFT_SECONDS_MIN);
        if let Some(token) = kept.tokens.get(resource).filter(|token| token.expires > enough) {
            return Ok(token.secret.clone());
        }
        let failed = kept
            .failures
            .get(resource)
            .filter(|(at, _)| at.elapsed() < Duration::from_secs(FAILURE_SECONDS));
        let answer = match failed {
            Some((_, error)) => Err(error.clone()),
            None => self.fetch(resource).await,
        };
        match answer {
            Ok(fresh) => {
                let secret = fresh.secret.clone();
                kept.failures.remove(resource);
                kept.tokens.insert(resource.to_owned(), fresh);
                Ok(secret)
            }
            Err(error) => {
                let is_known = kept
                    .failures
                    .get(resource)
                    .is_some_and(|(at, _)| at.elapsed() < Duration::from_secs(FAILURE_SECONDS));
                // What is wrong on this machine costs no time to look at again, and
                // may have been mended.
                if !is_known && !matches!(error, AzureError::BadCredential { .. }) {
                    let failure = (Instant::now(), error.clone());
                    kept.failures.insert(resource.to_owned(), failure);
                }
                // The service may be away for a moment that the old token outlives.
                match kept.tokens.get(resource) {
                    Some(token) if token.expires > Instant::now() => Ok(token.secret.clone()),
                    _ => Err(error),
                }
            }
        }
    }

    async fn fetch(&self, resource: &str) -> Result<Token, AzureError> {
        match &self.credential {
            Credential::ClientSecret { tenant_id, client_id, client_secret } => {
                let proof = [("client_secret", client_secret.clone())];
                self.client_credentials(resource, tenant_id, client_id, &proof).await
            }
            Credential::ClientCertificate { tenant_id, client_id, certificate } => {
                let url = self.token_url(tenant_id)?;
                let assertion = certificate.assertion(client_id, url.as_str(), now_s())?;
                self.with_assertion(resource, tenant_id, client_id, assertion).await
            }
            Credential::FederatedToken { tenant_id, client_id, token_file } => {
                let assertion = std::fs::read_to_string(token_file).map_err(|error| {
                    AzureError::BadCredential {
                        what: format!("cannot read {}: {error}", token_file.display()),
                        hint: "AZURE_FEDERATED_TOKEN_FILE names the token's file".to_owned(),
                    }
                })?;
                let assertion = Secret::new(assertion.trim());
                self.with_assertion(resource, tenant_id, client_id, assertion).await
            }
            Credential::ManagedIdentity { identity, endpoint, identity_header } => {
                let endpoint = endpoint.as_deref().unwrap_or(METADATA_ENDPOINT);
                self.managed_identity(
                    resource,
                    endpoint,
                    identity.as_ref(),
                    identity_header.as_ref(),
                )
                .await
            }
            Credential::AzureCli { tenant_id } => azure_cli(resource, tenant_id.clone()).await,
        }
    }

    fn token_url(&self, tenant_id: &str) -> Result<Url, AzureError> {
        let text = format!("{}/{tenant_id}/oauth2/v2.0/token", self.authority_host);
        Url::parse(&text).map_err(|_| AzureError::BadCredential {
            what: format!("{text:?} is no URL to ask for tokens"),
            hint: "check the tenant id and AZURE_AUTHORITY_HOST".to_owned(),
        })
    }

    async fn with_assertion(
        &self,
        resource: &str,
        tenant_id: &str,
        client_id: &str,
        assertion: Secret,
    ) -> Result<Token, AzureError> {
        let proof = [
            ("client_assertion_type", Secret::new(ASSERTION_TYPE)),
            ("client_assertion", assertion),
        ];
        self.client_credentials(resource, tenant_id, client_id, &proof).await
    }

    /// OAuth's client credentials grant
    /// (learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
    async fn client_credentials(
        &self,
        resource: &str,
        tenant_id: &str,
        client_id: &str,
        proof: &[(&str, Secret)],
    ) -> Result<Token, AzureError> {
        let scope = format!("{resource}/.default");
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", client_id)
            .append_pair("scope", &scope)
            .extend_pairs(proof.iter().map(|(name, value)| (name, value.reveal())))
            .finish();
        let request = Request::new(Method::POST, self.token_url(tenant_id)?).body(FORM, form);
        let secrets = Secrets::new(proof.iter().map(|(_, secret)| secret.reveal().to_owned()));
        let answer = self.http.send(&request, &secrets).await?;
        read_token(resource, &request.place(), &answer, &secrets)
    }

    /// The metadata service of a virtual machine, or App Service's own
    /// (learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token).
    async fn managed_identity(
        &self,
        resource: &str,
        endpoint: &str,
        identity: Option<&(&'static str, String)>,
        identity_header: Option<&Secret>,
    ) -> Result<Token, AzureError> {
        let mut url = Url::parse(endpoint).map_err(|_| AzureError::BadCredential {
            what: format!("{endpoint:?} is no URL of a managed identity"),
            hint: "check IDENTITY_ENDPOINT, or MSI_ENDPOINT".to_owned(),
        })?;
        url.query_pairs_mut()
            .append_pair("api-version", "2019-08-01")
            .append_pair("resource", &format!("{resource}/"));
        if let Some((name, value)) = identity {
            url.query_pairs_mut().append_pair(name, value);
        }
        let mut request =
            Request::new(Method::GET, url).header("metadata", HeaderValue::from_static("true"));
        let secrets = Secrets::new(identity_header.iter().map(|header| header.reveal().to_owned()));
        if let Some(Ok(mut value)) =
            identity_header.map(|header| HeaderValue::from_str(header.reveal()))
        {
            value.set_sensitive(true);
            request = request.header("x-identity-header", value);
        }
        let place = request.place();
        let token = match self.http.send(&request, &secrets).await {
            Ok(answer) => read_token(resource, &place, &answer, &secrets),
            Err(error) => Err(error),
        };
        token.map_err(|error| match error {
            AzureError::TokenRefused { reason, .. }
            | AzureError::Unreachable { reason, .. }
            | AzureError::Passing { reason, .. } => AzureError::NoIdentity { place, reason },
            other => other,
        })
    }
}

/// Tokens for storage, as object_store asks for them.
#[async_trait]
impl CredentialProvider for TokenSource {
    type Credential = AzureCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AzureCredential>> {
        match self.token(STORAGE_RESOURCE).await {
            Ok(token) => Ok(Arc::new(AzureCredential::BearerToken(token.reveal().to_owned()))),
            Err(error) => {
                Err(object_store::Error::Generic { store: "Azure", source: Box::new(error) })
            }
        }
    }
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A token out of an answer, or why there is none.
fn read_token(
    resource: &str,
    place: &str,
    answer: &Answer,
    secrets: &Secrets,
) -> Result<Token, AzureError> {
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let text =
        |name: &str| json.as_ref().and_then(|json| json.get(name)?.as_str()).map(str::to_owned);
    match answer.status {
        200 => {}
        408 | 429 | 500..=599 => {
            return Err(AzureError::Passing {
                place: place.to_owned(),
                reason: format!("HTTP {}", answer.status),
            });
        }
        status => {
            let said = text("error_description")
                .or_else(|| text("error"))
                .unwrap_or_else(|| String::from_utf8_lossy(&answer.body).into_owned());
            let code = said.split(':').next().filter(|code| code.starts_with("AADSTS"));
            return Err(AzureError::TokenRefused {
                resource: resource.to_owned(),
                place: place.to_owned(),
                code: code.map(str::to_owned),
                reason: match secrets.scrub(first_sentence(&said)) {
                    said if said.is_empty() => format!("HTTP {status}"),
                    said => said,
                },
            });
        }
    }
    let Some(token) = text("access_token") else {
        return Err(AzureError::BadAnswer {
            place: place.to_owned(),
            reason: "there is no token in it".to_owned(),
        });
    };
    // Entra writes a number, the metadata service its digits.
    let seconds = json.as_ref().and_then(|json| {
        let value = json.get("expires_in")?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    });
    let seconds = seconds.or_else(|| {
        let at = json.as_ref()?.get("expires_on")?;
        let at = at.as_u64().or_else(|| at.as_str()?.parse().ok())?;
        Some(at.saturating_sub(now_s()))
    });
    let life = Duration::from_secs(seconds.unwrap_or(TOKEN_SECONDS_DEFAULT));
    Ok(Token { secret: Secret::new(token), expires: Instant::now() + life })
}

/// Entra's descriptions end in trace ids that help nobody here.
fn first_sentence(text: &str) -> &str {
    text.split(" Trace ID:").next().unwrap_or(text).split('\r').next().unwrap_or(text)
}

/// Asks `az account get-access-token`.
async fn azure_cli(resource: &str, tenant_id: Option<String>) -> Result<Token, AzureError> {
    let place = "az account get-access-token";
    let scope = format!("{resource}/.default");
    let asked = tokio::task::spawn_blocking(move || {
        // On Windows `az` is a batch file, which only the shell starts.
        let mut command = if cfg!(windows) {
            let mut command = std::process::Command::new("cmd");
            command.args(["/C", "az"]);
            command
        } else {
            std::process::Command::new("az")
        };
        command.args(["account", "get-access-token", "--output", "json", "--scope", &scope]);
        if let Some(tenant_id) = &tenant_id {
            command.args(["--tenant", tenant_id]);
        }
        bounded_output(&mut command, Duration::from_secs(AZURE_CLI_SECONDS_MAX))
    });
    let output =
        asked.await.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(|error| {
            AzureError::BadCredential {
                what: format!("the Azure CLI cannot be asked: {error}"),
                hint: "install the Azure CLI and run az login".to_owned(),
            }
        })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(AzureError::TokenRefused {
            resource: resource.to_owned(),
            place: place.to_owned(),
            code: said.split([' ', ':']).find(|word| word.starts_with("AADSTS")).map(str::to_owned),
            reason: Secrets::default().scrub(&said),
        });
    }
    let json: Option<Value> = serde_json::from_slice(&output.stdout).ok();
    let token = json.as_ref().and_then(|json| json.get("accessToken")?.as_str());
    // `expiresOn` is local time without an offset; newer versions add this one.
    let expires_on = json.as_ref().and_then(|json| json.get("expires_on")?.as_u64());
    let life = expires_on.map_or(TOKEN_SECONDS_DEFAULT, |at| at.saturating_sub(now_s()));
    match token {
        Some(token) => Ok(Token {
            secret: Secret::new(token),
            expires: Instant::now() + Duration::from_secs(life),
        }),
        None => Err(AzureError::BadAnswer {
            place: place.to_owned(),
            reason: "there is no token in it".to_owned(),
        }),
    }
}

/// What a command writes, if it ends in time; else it is ended.
fn bounded_output(
    command: &mut std::process::Command,
    longest: Duration,
) -> std::io::Result<std::process::Output> {
    use std::process::Stdio;
    const LOOK_MS: u64 = 50;
    let begun = Instant::now();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    // A token fits into a pipe: the command does not wait for anybody to read it.
    while child.try_wait()?.is_none() {
        if begun.elapsed() > longest {
            child.kill()?;
            child.wait()?;
            let text = format!("it does not end within {} s", longest.as_secs());
            return Err(std::io::Error::new(std::io::ErrorKind::TimedOut, text));
        }
        std::thread::sleep(Duration::from_millis(LOOK_MS));
    }
    child.wait_with_output()
}
