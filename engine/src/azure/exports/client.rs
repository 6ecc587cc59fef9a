//! The calls.
//!
//! In: an [`ExportsAddress`], a source of tokens. Out: exports and runs, or an
//! [`ExportsError`]. A create never overwrites: what is there is looked at first,
//! and a change names the eTag it is based on. Never sends a token to another
//! host, and never a run twice unless the first was certainly refused.

use std::fmt;
use std::sync::Arc;

use http::Method;
use serde_json::Value;
use url::Url;

use super::address::ExportsAddress;
use super::definition::{ExportDefinition, ExportName, ExportSettings};
use super::error::{Call, ExportsError, Refusal};
use super::export::Export;
use super::history::ExportRun;
use super::period::TimePeriod;
use crate::azure::http::{Answer, HttpOptions, HttpService, Repeat, Request, retry_after_s};
use crate::azure::secret::Secrets;
use crate::azure::{Credential, TokenSource};
use crate::model::DatasetType;

/// Pages of a list that are read at most.
pub const PAGES_MAX: usize = 100;

const JSON: &str = "application/json";

/// Codes of a 404 that tell of the export, not of its scope.
const EXPORT_NOT_FOUND: [&str; 3] = ["NotFound", "ExportNotFound", "ResourceNotFound"];

/// What becomes of an export that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExisting {
    /// It stays; an error when it is another one.
    Keep,
    /// It is changed to what is asked for.
    Update,
}

/// What came of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// A new export.
    Created,
    /// It was there, the same.
    Present,
    /// It was there and is changed.
    Updated,
}

impl fmt::Display for PutOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Created => "created",
            Self::Present => "present",
            Self::Updated => "updated",
        })
    }
}

/// The exports of one scope.
#[derive(Clone, Debug)]
pub struct ExportsClient {
    address: ExportsAddress,
    /// What tokens are asked for.
    audience: String,
    tokens: Arc<TokenSource>,
    http: HttpService,
}

impl ExportsClient {
    /// A client that has asked for nothing yet. `audience` is the cloud's own
    /// endpoint of Azure Resource Manager, whatever `address` says.
    pub fn new(
        address: ExportsAddress,
        audience: &str,
        tokens: Arc<TokenSource>,
        options: HttpOptions,
    ) -> Result<Self, ExportsError> {
        let audience = audience.trim_end_matches('/').to_owned();
        Ok(Self { address, audience, tokens, http: HttpService::new(options)? })
    }

    /// Where it asks.
    pub fn address(&self) -> &ExportsAddress {
        &self.address
    }

    /// All exports of the scope, each with its last run.
    pub async fn list(&self) -> Result<Vec<Export>, ExportsError> {
        let call = Call::List;
        let mut exports = Vec::new();
        let mut next = Some(self.address.list());
        for _ in 0..PAGES_MAX {
            let Some(url) = next else { return Ok(exports) };
            let request = Request::new(Method::GET, url);
            let json = self.send(&call, &request, &Secrets::default()).await?;
            let page = json.get("value").and_then(Value::as_array);
            let page = page.ok_or_else(|| bad_answer(&call, &request, "there is no list in it"))?;
            exports.extend(page.iter().filter_map(Export::read));
            next = self.next_page(&call, &request, &json)?;
        }
        match next {
            None => Ok(exports),
            Some(url) => {
                let request = Request::new(Method::GET, url);
                Err(bad_answer(&call, &request, &format!("more than {PAGES_MAX} pages")))
            }
        }
    }

    /// One export, with its eTag; none when there is none of that name.
    pub async fn get(&self, name: &ExportName) -> Result<Option<Export>, ExportsError> {
        let call = Call::Get(name.to_string());
        let request = Request::new(Method::GET, self.address.export(name));
        match self.send(&call, &request, &Secrets::default()).await {
            Ok(json) => {
                let export = Export::read(&json);
                let export = export.ok_or_else(|| bad_answer(&call, &request, "it has no name"))?;
                Ok(Some(export))
            }
            Err(ExportsError::NotFound { refusal, .. })
                if refusal.code.as_ref().is_none_or(|code| {
                    EXPORT_NOT_FOUND.iter().any(|known| known.eq_ignore_ascii_case(code))
                }) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Makes an export, or finds that it is there. Errors with
    /// [`ExportsError::ExportExists`] when another one has its name, unless that
    /// is to be changed.
    pub async fn put(
        &self,
        definition: &ExportDefinition,
        on_existing: OnExisting,
    ) -> Result<PutOutcome, ExportsError> {
        let name = definition.name();
        match (self.get(name).await?, on_existing) {
            (None, _) => {
                let call = Call::Create(name.to_string());
                match self.send_definition(call, definition, None).await {
                    Ok(()) => Ok(PutOutcome::Created),
                    // Somebody else was faster, or an answer was lost and the
                    // request sent again.
                    Err(error) if is_conflict(&error) => match self.get(name).await? {
                        Some(existing) => self.keep(definition, &existing),
                        None => Err(error),
                    },
                    Err(error) => Err(error),
                }
            }
            (Some(existing), OnExisting::Keep) => self.keep(definition, &existing),
            (Some(existing), OnExisting::Update) => {
                let call = Call::Update(name.to_string());
                let Some(etag) = &existing.etag else {
                    let request = Request::new(Method::GET, self.address.export(name));
                    return Err(bad_answer(&call, &request, "the export has no eTag"));
                };
                match self.send_definition(call, definition, Some(etag)).await {
                    Ok(()) => Ok(PutOutcome::Updated),
                    // As above; a SAS token cannot be seen to be the new one.
                    Err(error) if is_conflict(&error) && !definition.has_secrets() => {
                        match self.get(name).await? {
                            Some(found) if definition.differences(&found).is_empty() => {
                                Ok(PutOutcome::Updated)
                            }
                            _ => Err(error),
                        }
                    }
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// Makes one export per dataset below one root folder, named after one base.
    /// What is there already is left as it is, so that it can be called again
    /// after [`ExportsError::Partly`]. `on_done` is told of each as it is done.
    pub async fn put_all(
        &self,
        definitions: &[ExportDefinition],
        on_existing: OnExisting,
        mut on_done: impl FnMut(&ExportDefinition, PutOutcome),
    ) -> Result<Vec<PutOutcome>, ExportsError> {
        let mut outcomes = Vec::new();
        for definition in definitions {
            match self.put(definition, on_existing).await {
                Ok(outcome) => {
                    on_done(definition, outcome);
                    outcomes.push(outcome);
                }
                Err(error) if outcomes.is_empty() => return Err(error),
                Err(error) => {
                    let done = definitions.iter().zip(&outcomes);
                    let done = done
                        .map(|(definition, outcome)| format!("{} {outcome}", definition.name()));
                    return Err(ExportsError::Partly {
                        done: done.collect(),
                        source: Box::new(error),
                    });
                }
            }
        }
        Ok(outcomes)
    }

    /// Tells an export to run now: over its own time frame, or over a period.
    pub async fn run(
        &self,
        name: &ExportName,
        period: Option<TimePeriod>,
    ) -> Result<(), ExportsError> {
        let mut request = Request::new(Method::POST, self.address.run(name));
        if let Some(period) = period {
            request = request.body(JSON, period.body().to_string());
        }
        request.repeat = Repeat::OnlyIfRefused;
        let call = Call::Run(name.to_string());
        self.answer(&call, &request, &Secrets::default()).await.map(|_| ())
    }

    /// The runs of an export, the newest first.
    pub async fn run_history(&self, name: &ExportName) -> Result<Vec<ExportRun>, ExportsError> {
        let call = Call::History(name.to_string());
        let request = Request::new(Method::GET, self.address.run_history(name));
        let json = self.send(&call, &request, &Secrets::default()).await?;
        ExportRun::read_all(&json)
            .ok_or_else(|| bad_answer(&call, &request, "there are no runs in it"))
    }

    fn keep(
        &self,
        definition: &ExportDefinition,
        existing: &Export,
    ) -> Result<PutOutcome, ExportsError> {
        let differences = definition.differences(existing);
        if differences.is_empty() {
            return Ok(PutOutcome::Present);
        }
        let request = Request::new(Method::GET, self.address.export(definition.name()));
        Err(ExportsError::ExportExists {
            place: request.place(),
            name: definition.name().to_string(),
            differences,
        })
    }

    async fn send_definition(
        &self,
        call: Call,
        definition: &ExportDefinition,
        etag: Option<&str>,
    ) -> Result<(), ExportsError> {
        let url = self.address.export(definition.name());
        let request = Request::new(Method::PUT, url).body(JSON, definition.body(etag));
        self.answer(&call, &request, &definition.secrets()).await.map(|_| ())
    }

    /// Another page, if there is one, of the same host.
    fn next_page(
        &self,
        call: &Call,
        request: &Request,
        json: &Value,
    ) -> Result<Option<Url>, ExportsError> {
        let Some(text) = json.get("nextLink").and_then(Value::as_str).filter(|s| !s.is_empty())
        else {
            return Ok(None);
        };
        match Url::parse(text) {
            Ok(url) if self.address.is_ours(&url) => Ok(Some(url)),
            _ => Err(bad_answer(call, request, "its next page is of another host")),
        }
    }

    async fn send(
        &self,
        call: &Call,
        request: &Request,
        secrets: &Secrets,
    ) -> Result<Value, ExportsError> {
        let answer = self.answer(call, request, secrets).await?;
        serde_json::from_slice(&answer.body).map_err(|_| bad_answer(call, request, "it is no JSON"))
    }

    async fn answer(
        &self,
        call: &Call,
        request: &Request,
        secrets: &Secrets,
    ) -> Result<Answer, ExportsError> {
        let token = self.tokens.token(&self.audience).await?;
        let signed = request.clone().bearer(&token)?;
        let answer = self.http.send(&signed, secrets).await?;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        Err(self.refused(call, request, &answer, secrets))
    }

    fn refused(
        &self,
        call: &Call,
        request: &Request,
        answer: &Answer,
        secrets: &Secrets,
    ) -> ExportsError {
        let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let error = json.as_ref().and_then(|json| json.get("error"));
        let part = |name: &str| {
            let text = error?.get(name)?.as_str()?;
            (!text.is_empty()).then(|| secrets.scrub(text))
        };
        let refusal = Box::new(Refusal {
            place: request.place(),
            call: call.clone(),
            status: answer.status,
            code: part("code"),
            message: part("message").unwrap_or_default(),
        });
        let scope = self.address.scope().clone();
        match answer.status {
            400 => ExportsError::Refused(refusal),
            401 => ExportsError::NotSignedIn(refusal),
            403 => ExportsError::Forbidden {
                refusal,
                scope,
                managed_identity: matches!(
                    self.tokens.credential(),
                    Credential::ManagedIdentity { .. }
                ),
            },
            404 => ExportsError::NotFound { refusal, scope },
            409 => ExportsError::Busy(refusal),
            412 => ExportsError::Changed(refusal),
            429 => {
                ExportsError::Throttled { refusal, retry_after_s: retry_after_s(&answer.headers) }
            }
            408 | 500..=599 => ExportsError::Failing(refusal),
            status => bad_answer(call, request, &format!("HTTP {status}")),
        }
    }
}

/// One definition per dataset, named after one base.
pub fn definitions(
    address: &ExportsAddress,
    base: &ExportName,
    datasets: &[DatasetType],
    settings: &ExportSettings,
) -> Result<Vec<ExportDefinition>, ExportsError> {
    let definition = |dataset: &DatasetType| {
        let name = base.for_dataset(*dataset)?;
        ExportDefinition::new(address.scope(), name, *dataset, settings.clone())
    };
    datasets.iter().map(definition).collect()
}

fn is_conflict(error: &ExportsError) -> bool {
    matches!(error, ExportsError::Busy(_) | ExportsError::Changed(_))
}

fn bad_answer(call: &Call, request: &Request, reason: &str) -> ExportsError {
    ExportsError::BadAnswer {
        place: request.place(),
        call: call.clone(),
        reason: reason.to_owned(),
    }
}
