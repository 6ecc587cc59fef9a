//! Small requests to Azure's services, with retries.
//!
//! In: a [`Request`]. Out: an [`Answer`], whatever its status. Passing faults
//! (429, 408, 500, 502, 503, 504, no connection, dropped connections) are asked
//! again with growing pauses, or after as long as the service says. Plain HTTP
//! goes to this machine and the metadata service only. Bodies are bounded.
//! Never follows a redirect, never judges what an answer means.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method};
use object_store::client::{HttpClient, HttpErrorKind, HttpRequest, HttpRequestBody};
use url::Url;

use super::error::AzureError;
use super::secret::{Secret, Secrets};

/// Largest answer read.
pub const ANSWER_SIZE_BYTES_MAX: usize = 16 << 20;

/// How requests are sent.
#[derive(Clone, Copy, Debug)]
pub struct HttpOptions {
    /// Times a request is sent again.
    pub retries_max: u32,
    /// Pause before the first retry; it doubles with each.
    pub retry_delay_ms: u64,
    /// Longest time until a connection stands.
    pub connect_timeout_ms: u64,
    /// Longest time until an answer is complete.
    pub timeout_ms: u64,
    /// Time after which nothing is sent again.
    pub patience_ms: u64,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            retries_max: 5,
            retry_delay_ms: 500,
            connect_timeout_ms: 10_000,
            timeout_ms: 30_000,
            patience_ms: 60_000,
        }
    }
}

/// Whether a request may be sent again when nobody knows if it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Sent twice it does what it does once.
    Harmless,
    /// Only when it certainly did nothing: no connection, or refused by throttling.
    OnlyIfRefused,
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// URL; its query is never printed.
    pub url: Url,
    /// Headers; marked sensitive where their values are secrets.
    pub headers: HeaderMap,
    /// Body and its type.
    pub body: Option<(&'static str, Secret)>,
    /// Whether it may be sent again.
    pub repeat: Repeat,
}

impl Request {
    /// A request without headers and body, safe to repeat.
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: None, repeat: Repeat::Harmless }
    }

    /// With `Authorization: Bearer …`. Errors when the token is no header value.
    pub fn bearer(mut self, token: &Secret) -> Result<Self, AzureError> {
        let value = HeaderValue::from_str(&format!("Bearer {}", token.reveal()));
        let mut value = value.map_err(|_| AzureError::BadAnswer {
            place: "the token service".to_owned(),
            reason: "its token cannot be put into a header".to_owned(),
        })?;
        value.set_sensitive(true);
        self.headers.insert(http::header::AUTHORIZATION, value);
        Ok(self)
    }

    /// With a header.
    pub fn header(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// With a body.
    pub fn body(mut self, content_type: &'static str, body: impl Into<String>) -> Self {
        self.body = Some((content_type, Secret::new(body)));
        self
    }

    /// The URL as it may be printed.
    pub fn place(&self) -> String {
        let mut plain = self.url.clone();
        plain.set_query(None);
        // Neither fails on a URL that has a host.
        let _ = plain.set_username("");
        let _ = plain.set_password(None);
        plain.to_string()
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Whole body.
    pub body: Bytes,
}

/// Sends requests.
#[derive(Clone, Debug)]
pub struct HttpService {
    client: HttpClient,
    /// Past every proxy: the metadata service is behind none, and what goes out in
    /// clear must not leave this machine.
    direct: HttpClient,
    options: HttpOptions,
}

/// Address of the metadata service, which knows no TLS.
const METADATA_HOST: &str = "169.254.169.254";

impl HttpService {
    /// A client; connects to nothing yet.
    pub fn new(options: HttpOptions) -> Result<Self, AzureError> {
        let unbuildable = |error: &dyn std::error::Error| AzureError::BadCredential {
            what: format!("no HTTP client: {}", Secrets::default().scrub(&error.to_string())),
            hint: "check the proxy and certificate settings of the environment".to_owned(),
        };
        let builder = || {
            reqwest::Client::builder()
                // A redirect would take secrets in bodies to wherever it points, and
                // none of these services sends one.
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(Duration::from_millis(options.connect_timeout_ms))
                .timeout(Duration::from_millis(options.timeout_ms))
                .user_agent(crate::USER_AGENT)
        };
        let client = builder().build().map_err(|error| unbuildable(&error))?;
        let direct = builder().no_proxy().build().map_err(|error| unbuildable(&error))?;
        Ok(Self { client: HttpClient::new(client), direct: HttpClient::new(direct), options })
    }

    /// Sends a request until it is answered for good. An answer is whatever has a
    /// status that will not pass, or the last one after all retries, or when the
    /// next would come too late. Errors when there is none.
    pub async fn send(&self, request: &Request, secrets: &Secrets) -> Result<Answer, AzureError> {
        check_encrypted(request)?;
        let begun = Instant::now();
        let mut retries = 0;
        loop {
            let outcome = self.send_once(request, secrets).await;
            let again = match &outcome {
                Ok(answer) => match answer.status {
                    429 => true,
                    408 | 500 | 502 | 503 | 504 => request.repeat == Repeat::Harmless,
                    _ => false,
                },
                Err(Lost { certain, .. }) => *certain || request.repeat == Repeat::Harmless,
            };
            let pause = self.pause(retries, outcome.as_ref().ok());
            let too_late =
                begun.elapsed() + pause > Duration::from_millis(self.options.patience_ms);
            if !again || too_late || retries == self.options.retries_max {
                return outcome.map_err(|lost| lost.error);
            }
            tokio::time::sleep(pause).await;
            retries += 1;
        }
    }

    fn pause(&self, retries: u32, answer: Option<&Answer>) -> Duration {
        let asked = answer.and_then(|answer| retry_after_s(&answer.headers));
        match asked {
            Some(seconds) => Duration::from_secs(seconds),
            // The cap keeps any setting from overflowing.
            None => Duration::from_millis(self.options.retry_delay_ms << retries.min(10)),
        }
    }

    async fn send_once(&self, request: &Request, secrets: &Secrets) -> Result<Answer, Lost> {
        let place = request.place();
        let bug = |reason: String| Lost {
            certain: false,
            error: AzureError::BadAnswer { place: request.place(), reason },
        };
        let mut sent = http::Request::builder().method(&request.method).uri(request.url.as_str());
        if let Some(headers) = sent.headers_mut() {
            headers.clone_from(&request.headers);
            if let Some((content_type, _)) = &request.body {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            } else if request.method == Method::POST {
                // The client leaves it out, and Azure answers 411 without it.
                headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
        }
        let body = request.body.as_ref().map_or(HttpRequestBody::empty(), |(_, body)| {
            HttpRequestBody::from(body.reveal().to_owned())
        });
        let sent: HttpRequest = sent.body(body).map_err(|error| bug(error.to_string()))?;
        let lost = |error: object_store::client::HttpError| {
            let reason = secrets.scrub(&with_sources(&error));
            match error.kind() {
                HttpErrorKind::Connect => Lost {
                    certain: true,
                    error: AzureError::Unreachable { place: place.clone(), reason },
                },
                _ => Lost {
                    certain: false,
                    error: AzureError::Passing { place: place.clone(), reason },
                },
            }
        };
        let client = if is_local(&request.url) { &self.direct } else { &self.client };
        let (parts, body) = client.execute(sent).await.map_err(lost)?.into_parts();
        let mut pieces = body.bytes_stream();
        let mut body = Vec::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(lost)?;
            if body.len() + piece.len() > ANSWER_SIZE_BYTES_MAX {
                return Err(bug(format!("more than {ANSWER_SIZE_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&piece);
        }
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.into() })
    }
}

/// Seconds a service wants to be left alone. Cost Management throttles in several
/// ways at once, with a header for each (`…-qpu-retry-after`, `…-entity-…`,
/// `…-tenant-…`); the longest counts.
pub fn retry_after_s(headers: &HeaderMap) -> Option<u64> {
    let asked = headers.iter().filter(|(name, _)| {
        let name = name.as_str();
        name == RETRY_AFTER.as_str()
            || name.starts_with("x-ms-ratelimit-microsoft.costmanagement")
                && name.ends_with("-retry-after")
    });
    asked.filter_map(|(_, value)| value.to_str().ok()?.trim().parse().ok()).max()
}

/// No answer, and whether the request certainly did nothing.
struct Lost {
    certain: bool,
    error: AzureError,
}

/// Secrets go out encrypted, except to this machine and the metadata service.
fn check_encrypted(request: &Request) -> Result<(), AzureError> {
    if request.url.scheme() == "https" || is_local(&request.url) {
        return Ok(());
    }
    Err(AzureError::BadCredential {
        what: format!("{} is not encrypted", request.place()),
        hint: "write https://; plain http is for this machine only".to_owned(),
    })
}

/// Whether a URL leads to this machine or its metadata service.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback() || ip.to_string() == METADATA_HOST,
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// The error and those beneath it, leaving out what a text above contains.
pub(crate) fn with_sources(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    for source in crate::error::chain(error).skip(1) {
        let source = source.to_string();
        if !text.contains(&source) {
            text = format!("{text}: {source}");
        }
    }
    text
}
