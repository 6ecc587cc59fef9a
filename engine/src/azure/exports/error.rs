//! What the Exports API may refuse, and what to do about it.
//!
//! In: an answer's status and body. Out: one [`ExportsError`], with the service's
//! code and its scrubbed message. Never quotes a secret.

use std::fmt;

use super::scope::{ArmScope, ArmScopeKind};
use crate::azure::AzureError;
use crate::error::{ErrorClass, Fault, Location};

/// What the service said when it refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// URL without query.
    pub place: String,
    /// What was asked for, e.g. `create export x`.
    pub call: Call,
    /// HTTP status.
    pub status: u16,
    /// The service's code, e.g. `RBACAccessDenied`.
    pub code: Option<String>,
    /// Its message, scrubbed; empty when there was none.
    pub message: String,
}

/// A call, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// All exports of a scope.
    List,
    /// One export.
    Get(String),
    /// A new export.
    Create(String),
    /// A changed export.
    Update(String),
    /// A run now.
    Run(String),
    /// The runs so far.
    History(String),
}

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List => formatter.write_str("list exports"),
            Self::Get(name) => write!(formatter, "read export {name}"),
            Self::Create(name) => write!(formatter, "create export {name}"),
            Self::Update(name) => write!(formatter, "update export {name}"),
            Self::Run(name) => write!(formatter, "run export {name}"),
            Self::History(name) => write!(formatter, "read the runs of export {name}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "cannot {}: ", self.call)?;
        if !self.message.is_empty() {
            write!(formatter, "{} ", self.message)?;
        }
        match &self.code {
            Some(code) => write!(formatter, "(HTTP {} {code})", self.status),
            None => write!(formatter, "(HTTP {})", self.status),
        }
    }
}

/// Why exports cannot be listed, made or run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportsError {
    /// Something asked for breaks a rule of the service; nothing was sent.
    #[error("{what}")]
    BadDefinition {
        /// What is wrong.
        what: String,
        /// What to write instead.
        hint: String,
    },
    /// 400: the service does not take the request as it is.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// 401: the token is not accepted.
    #[error("{0}")]
    NotSignedIn(Box<Refusal>),
    /// 403: a role is missing.
    #[error("{refusal}")]
    Forbidden {
        /// What the service said.
        refusal: Box<Refusal>,
        /// Where the role is missing.
        scope: ArmScope,
        /// Whether a managed identity asked, which billing scopes refuse.
        managed_identity: bool,
    },
    /// 404: no such scope, or no such export.
    #[error("{refusal}")]
    NotFound {
        /// What the service said.
        refusal: Box<Refusal>,
        /// Where it was looked for.
        scope: ArmScope,
    },
    /// There is an export of that name, and it is another one.
    #[error("export {name} exists and differs: {}", differences.join("; "))]
    ExportExists {
        /// URL without query.
        place: String,
        /// The export.
        name: String,
        /// What differs, e.g. `compressionMode is none, not gzip`.
        differences: Vec<String>,
    },
    /// 409: something else is going on, such as another run.
    #[error("{0}")]
    Busy(Box<Refusal>),
    /// 412: somebody else changed the export meanwhile.
    #[error("{0}")]
    Changed(Box<Refusal>),
    /// 429, after all retries.
    #[error("{refusal}")]
    Throttled {
        /// What the service said.
        refusal: Box<Refusal>,
        /// Seconds after which the service wants to be asked again, if it says so.
        retry_after_s: Option<u64>,
    },
    /// 408 or 5xx, after all retries.
    #[error("{0}")]
    Failing(Box<Refusal>),
    /// An answer that cannot be read, or a status nobody expects.
    #[error("cannot {call}: the service answers with something unexpected: {reason}")]
    BadAnswer {
        /// URL without query.
        place: String,
        /// What was asked for.
        call: Call,
        /// What is wrong with the answer.
        reason: String,
    },
    /// Some exports were made, then one was not.
    #[error("{source}; done before it: {}", done.join(", "))]
    Partly {
        /// What is there now, e.g. `contoso-actual created`.
        done: Vec<String>,
        /// Why the next one is not.
        source: Box<ExportsError>,
    },
    /// A run that was waited for ended without files.
    #[error("the run of export {name} ended as {status}{}", said(message))]
    RunFailed {
        /// URL without query.
        place: String,
        /// The export.
        name: String,
        /// `Failed`, `Timeout`, `DataNotAvailable`, …
        status: String,
        /// The service's words, if any.
        message: Option<String>,
    },
    /// A run did not end in the time given.
    #[error("the run of export {name} {state} after {waited_s} s")]
    StillRunning {
        /// URL without query.
        place: String,
        /// The export.
        name: String,
        /// `is Queued`, `is InProgress`, `is not in the history`.
        state: String,
        /// How long it was waited for.
        waited_s: u64,
    },
    /// No token, no connection.
    #[error(transparent)]
    Azure(#[from] AzureError),
}

fn said(message: &Option<String>) -> String {
    message.as_ref().map(|message| format!(": {message}")).unwrap_or_default()
}

impl ExportsError {
    /// What the service said, if it did.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal)
            | Self::NotSignedIn(refusal)
            | Self::Busy(refusal)
            | Self::Changed(refusal)
            | Self::Failing(refusal)
            | Self::Forbidden { refusal, .. }
            | Self::NotFound { refusal, .. }
            | Self::Throttled { refusal, .. } => Some(refusal),
            Self::Partly { source, .. } => source.refusal(),
            _ => None,
        }
    }
}

impl Fault for ExportsError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::BadDefinition { .. } | Self::Refused(_) | Self::NotFound { .. } => {
                ErrorClass::BadConfig
            }
            Self::NotSignedIn(_) | Self::Forbidden { .. } => ErrorClass::Denied,
            Self::ExportExists { .. } | Self::Busy(_) | Self::Changed(_) => ErrorClass::Conflict,
            Self::Throttled { .. }
            | Self::Failing(_)
            | Self::BadAnswer { .. }
            | Self::StillRunning { .. } => ErrorClass::Retryable,
            Self::RunFailed { .. } => ErrorClass::BadInput,
            Self::Partly { source, .. } => source.class(),
            Self::Azure(error) => error.class(),
        }
    }

    fn location(&self) -> Option<Location> {
        match self {
            Self::BadDefinition { .. } => None,
            Self::ExportExists { place, .. }
            | Self::BadAnswer { place, .. }
            | Self::RunFailed { place, .. }
            | Self::StillRunning { place, .. } => Some(Location::blob(place)),
            Self::Partly { source, .. } => source.location(),
            Self::Azure(error) => error.location(),
            _ => self.refusal().map(|refusal| Location::blob(&refusal.place)),
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::BadDefinition { hint, .. } => hint.as_str(),
            Self::Refused(refusal) => refused_hint(refusal),
            Self::NotSignedIn(_) => {
                "the token is not accepted here: check that tenant and cloud are those of the \
                 scope, and that AZURE_AUTHORITY_HOST and AZURE_RESOURCE_MANAGER_ENDPOINT belong \
                 to one cloud"
            }
            Self::Forbidden { refusal, scope, managed_identity } => {
                return Some(forbidden_hint(&refusal.call, scope.kind(), *managed_identity));
            }
            Self::NotFound { refusal, scope } => return Some(not_found_hint(&refusal.call, scope)),
            Self::ExportExists { .. } => {
                "choose another name, or replace that export with --update"
            }
            Self::Busy(_) => "wait until what is going on has ended, see the export's history",
            Self::Changed(_) => "somebody else changed the export meanwhile: look at it, try again",
            Self::Throttled { retry_after_s: Some(seconds), .. } => {
                return Some(format!("try again in {seconds} s"));
            }
            Self::Throttled { retry_after_s: None, .. } => "try again in some minutes",
            Self::Failing(refusal) => match refusal.call {
                Call::Run(_) => "it may have begun: see the export's history before trying again",
                _ => "try again later",
            },
            Self::BadAnswer { .. } => "check the endpoint and any proxy in between",
            Self::Partly { source, .. } => {
                let first = source.hint().map(|hint| format!("{hint}; then ")).unwrap_or_default();
                return Some(format!(
                    "{first}run the same command again: what is there already is left as it is"
                ));
            }
            Self::RunFailed { status, .. } => match status.as_str() {
                "DataNotAvailable" | "NewDataNotAvailable" => {
                    "the service has no data for the period: check the scope, or try again later"
                }
                _ => {
                    "check that the storage account takes the export: its firewall, the container, \
                     and the end of any SAS token"
                }
            },
            Self::StillRunning { .. } => "it goes on without anybody waiting; see its history",
            Self::Azure(error) => return error.hint(),
        };
        Some(hint.to_owned())
    }
}

/// What to do about a 400. The service has few codes and tells the rest in words,
/// so this looks at both; nothing but the hint hangs on it.
fn refused_hint(refusal: &Refusal) -> &'static str {
    let code = refusal.code.as_deref().unwrap_or_default().to_ascii_lowercase();
    let message = refusal.message.to_ascii_lowercase();
    let says = |word: &str| code.contains(word) || message.contains(word);
    if says("costmanagementexports") || says("notregistered") || says("subscriptionregistration") {
        "register the provider in the subscription of the storage account: az provider register \
         --namespace Microsoft.CostManagementExports"
    } else if says("definition type") {
        "this scope does not offer that dataset; take another scope or another --dataset"
    } else if says("recurrenceperiod") {
        "the schedule begins tomorrow, UTC: check this machine's clock"
    } else if says("timeperiod") || says("time period") {
        "a run takes one calendar month at most and no day in the future"
    } else if says("sastoken") || says("sas token") {
        "SAS destinations are for partners at their billing account; make an account SAS for \
         blob; service, container, object; read, write, delete, list, add, create"
    } else if says("storage") || says("container") || says("destination") {
        "check the storage account's resource id, its firewall, and the container's name"
    } else {
        match refusal.call {
            Call::Create(_) | Call::Update(_) | Call::Run(_) => {
                "see the whole request with --dry-run"
            }
            _ => "check that the scope is one that has exports, and is spelled in full",
        }
    }
}

/// Which roles are missing
/// (learn.microsoft.com/azure/cost-management-billing/costs/get-started-partners).
fn forbidden_hint(call: &Call, kind: ArmScopeKind, managed_identity: bool) -> String {
    let role = match kind {
        _ if managed_identity && kind.is_billing() => {
            return format!(
                "a managed identity is refused at a {}: sign in as a service principal with a \
                 billing role (AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET)",
                kind.name()
            );
        }
        _ if kind.is_billing() => "be admin agent or billing admin of the partner",
        _ => "be Owner, Contributor or Cost Management Contributor",
    };
    let storage = match call {
        Call::Create(_) | Call::Update(_) => ", and Contributor at the storage account",
        _ => "",
    };
    format!("whoever is signed in must {role} at the {}{storage}", kind.name())
}

fn not_found_hint(call: &Call, scope: &ArmScope) -> String {
    let seen = "and that whoever is signed in sees it";
    match call {
        Call::Get(name) | Call::Run(name) | Call::History(name) => format!(
            "check the name {name:?} with `costlake exports list`, the scope {scope}, {seen}"
        ),
        _ => format!("check the scope {scope}, {seen}"),
    }
}
