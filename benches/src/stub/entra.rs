//! A stand-in for Entra and for the metadata service of a managed identity.
//!
//! In: one tenant and one app. Out: tokens that look like Entra's, to whoever
//! asks as Entra wants to be asked, and refusals in its words. The tokens have
//! the claims that Azurite's `--oauth basic` looks at (aud, iss, nbf, exp) and a
//! signature that is none. Times are of this machine's clock, as Azurite's are.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::http::{HttpStub, Received, Reply};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What the app proves itself with.
#[derive(Clone, Debug)]
enum Proof {
    Secret(String),
    /// Any assertion; a test looks at it in [`Entra::stub`]'s requests.
    Assertion,
}

/// One tenant with one app.
pub struct Entra {
    /// The server, for scripts and for what it was asked.
    pub stub: HttpStub,
    lifetime_s: Arc<Mutex<u64>>,
    tenant_id: String,
}

impl Entra {
    /// A tenant whose app has a secret.
    pub fn with_secret(tenant_id: &str, client_id: &str, secret: &str) -> Self {
        Self::start(tenant_id, client_id, Proof::Secret(secret.to_owned()))
    }

    /// A tenant whose app proves itself with assertions: of a certificate, or of
    /// a federated identity.
    pub fn with_assertions(tenant_id: &str, client_id: &str) -> Self {
        Self::start(tenant_id, client_id, Proof::Assertion)
    }

    fn start(tenant_id: &str, client_id: &str, proof: Proof) -> Self {
        let stub = HttpStub::start();
        let lifetime_s = Arc::new(Mutex::new(3_599));
        let entra = Self { stub, lifetime_s, tenant_id: tenant_id.to_owned() };
        let (tenant, client) = (tenant_id.to_owned(), client_id.to_owned());
        let lifetime = Arc::clone(&entra.lifetime_s);
        entra.stub.on_call("POST", &entra.token_path(), move |request| {
            let lifetime_s = *lifetime.lock().unwrap_or_else(PoisonError::into_inner);
            give(request, &tenant, &client, &proof, lifetime_s)
        });
        let (tenant, lifetime) = (tenant_id.to_owned(), Arc::clone(&entra.lifetime_s));
        entra.stub.on_call("GET", METADATA_PATH, move |request| {
            let lifetime_s = *lifetime.lock().unwrap_or_else(PoisonError::into_inner);
            give_identity(request, &tenant, lifetime_s)
        });
        entra
    }

    /// As in the environment's `AZURE_AUTHORITY_HOST`.
    pub fn authority_host(&self) -> String {
        self.stub.url()
    }

    /// Where a managed identity asks.
    pub fn metadata_endpoint(&self) -> String {
        format!("{}{METADATA_PATH}", self.stub.url())
    }

    /// Path of the tenant's token endpoint.
    pub fn token_path(&self) -> String {
        format!("/{}/oauth2/v2.0/token", self.tenant_id)
    }

    /// How long further tokens count.
    pub fn set_lifetime_s(&self, seconds: u64) {
        *self.lifetime_s.lock().unwrap_or_else(PoisonError::into_inner) = seconds;
    }

    /// From now on refuses in Entra's words, e.g. `AADSTS7000215`.
    pub fn refuse(&self, code: &str, what: &str) {
        self.stub.on("POST", &self.token_path(), [refusal(401, "invalid_client", code, what)]);
    }
}

const METADATA_PATH: &str = "/metadata/identity/oauth2/token";

/// A token as Entra makes them: three parts, base64url. `now_s` counts from 1970
/// UTC.
pub fn access_token(audience: &str, tenant_id: &str, now_s: u64, lifetime_s: u64) -> String {
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "stub" });
    let claims = json!({
        "aud": audience, "iss": format!("https://sts.windows.net/{tenant_id}/"),
        "iat": now_s, "nbf": now_s, "exp": now_s + lifetime_s,
        "tid": tenant_id, "oid": "11111111-1111-1111-1111-111111111111",
        "sub": "11111111-1111-1111-1111-111111111111", "idtyp": "app", "ver": "1.0",
    });
    let encoded = |text: String| URL_SAFE_NO_PAD.encode(text);
    let signature = URL_SAFE_NO_PAD.encode([7; 256]);
    format!("{}.{}.{signature}", encoded(header.to_string()), encoded(claims.to_string()))
}

fn give(
    request: &Received,
    tenant_id: &str,
    client_id: &str,
    proof: &Proof,
    lifetime_s: u64,
) -> Reply {
    let form = request.form();
    let value = |name: &str| {
        let found = form.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    if value("grant_type") != "client_credentials" {
        let what = "The app requested an unsupported grant type.";
        return refusal(400, "unsupported_grant_type", "AADSTS70003", what);
    }
    if value("client_id") != client_id {
        let what = "Application with identifier was not found in the directory.";
        return refusal(400, "unauthorized_client", "AADSTS700016", what);
    }
    let Some(audience) = value("scope").strip_suffix("/.default").filter(|aud| !aud.is_empty())
    else {
        let what = "The provided value for the input parameter 'scope' is not valid.";
        return refusal(400, "invalid_scope", "AADSTS70011", what);
    };
    match proof {
        Proof::Secret(secret) if value("client_secret") != secret => {
            let what = "Invalid client secret provided.";
            return refusal(401, "invalid_client", "AADSTS7000215", what);
        }
        Proof::Assertion
            if value("client_assertion_type") != ASSERTION_TYPE
                || value("client_assertion").is_empty() =>
        {
            let what = "The client assertion is missing.";
            return refusal(401, "invalid_client", "AADSTS7000214", what);
        }
        _ => {}
    }
    let body = json!({
        "token_type": "Bearer", "expires_in": lifetime_s, "ext_expires_in": lifetime_s,
        "access_token": access_token(audience, tenant_id, now_s(), lifetime_s),
    });
    Reply::json(200, &body)
}

/// The metadata service writes numbers as texts.
fn give_identity(request: &Received, tenant_id: &str, lifetime_s: u64) -> Reply {
    let resource = request.parameter("resource").unwrap_or_default().trim_end_matches('/');
    if request.header("metadata") != Some("true") || resource.is_empty() {
        let body = json!({
            "error": "invalid_request", "error_description": "Required metadata header not specified",
        });
        return Reply::json(400, &body);
    }
    let now_s = now_s();
    let body = json!({
        "access_token": access_token(resource, tenant_id, now_s, lifetime_s),
        "expires_in": lifetime_s.to_string(), "expires_on": (now_s + lifetime_s).to_string(),
        "resource": resource, "token_type": "Bearer",
    });
    Reply::json(200, &body)
}

fn refusal(status: u16, error: &str, code: &str, what: &str) -> Reply {
    let body = json!({
        "error": error,
        "error_description": format!(
            "{code}: {what} Trace ID: 00000000-0000-0000-0000-00000000000a Correlation ID: \
             00000000-0000-0000-0000-00000000000b Timestamp: 2026-01-01 00:00:00Z"
        ),
        "trace_id": "00000000-0000-0000-0000-00000000000a",
    });
    Reply::json(status, &body)
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
