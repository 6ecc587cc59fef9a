//! What can go wrong between a URL and the last byte of a blob.
//!
//! In: object_store's errors. Out: [`SourceError`]s with a class and a hint.
//! They hold scrubbed text instead of the original error, because that may
//! print request URLs with tokens in them.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use object_store::client::{HttpError, HttpErrorKind};

use crate::error::{ErrorClass, Fault, Location};

/// An error of the source stage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The text is no URL of an export.
    #[error("{url:?} is not an export URL: {reason}")]
    InvalidUrl {
        /// As given, without query.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
        /// What to write instead.
        hint: &'static str,
    },
    /// A storage option nobody knows.
    #[error("{key:?} is not a storage option")]
    UnknownOption {
        /// Name of the option.
        key: String,
    },
    /// The options do not suffice to open the store, or one has a bad value.
    #[error("cannot open {place}: {reason}")]
    BadOptions {
        /// The URL.
        place: String,
        /// What is missing or wrong.
        reason: String,
    },
    /// Nothing at the URL: no container, folder, file.
    #[error("nothing found at {place}")]
    NotFound {
        /// The URL.
        place: String,
    },
    /// Credentials refused, or not enough rights.
    #[error("not allowed to read {place}: {reason}")]
    Denied {
        /// URL or blob.
        place: String,
        /// What the store said.
        reason: String,
    },
    /// The store, or the service that hands out tokens, cannot be reached.
    #[error("cannot reach {place}: {reason}")]
    Unreachable {
        /// URL or blob.
        place: String,
        /// What went wrong.
        reason: String,
    },
    /// A passing fault that outlasted all retries.
    #[error("reading {place} failed: {reason}")]
    Passing {
        /// URL or blob.
        place: String,
        /// What went wrong.
        reason: String,
    },
    /// The store refuses the request itself.
    #[error("the store refuses to read {place}: {reason}")]
    Refused {
        /// URL or blob.
        place: String,
        /// What the store said.
        reason: String,
    },
    /// More objects below the URL than a listing may hold.
    #[error("more than {blobs_max} objects below {place}")]
    TooManyBlobs {
        /// The URL.
        place: String,
        /// The bound.
        blobs_max: usize,
    },
    /// More manifests below the URL than are read at a time.
    #[error("{manifests} manifests below {place}; at most {manifests_max} are read")]
    TooManyManifests {
        /// The URL.
        place: String,
        /// How many there are.
        manifests: usize,
        /// The bound.
        manifests_max: usize,
    },
    /// A manifest far larger than any manifest is.
    #[error("manifest {blob} has {size_bytes} bytes; at most {size_bytes_max} are read")]
    ManifestTooLarge {
        /// The manifest.
        blob: String,
        /// Its size.
        size_bytes: u64,
        /// The bound.
        size_bytes_max: u64,
    },
    /// A blob was rewritten since it was listed.
    #[error("blob {blob} changed while it was read")]
    BlobChanged {
        /// The blob.
        blob: String,
    },
    /// A blob was deleted since it was listed.
    #[error("blob {blob} vanished while it was read")]
    BlobVanished {
        /// The blob.
        blob: String,
    },
    /// A blob ended before its listed size.
    #[error("blob {blob} ended after {found_bytes} of {listed_bytes} bytes")]
    Truncated {
        /// The blob.
        blob: String,
        /// Size as listed.
        listed_bytes: u64,
        /// Bytes there.
        found_bytes: u64,
    },
}

impl Fault for SourceError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::InvalidUrl { .. }
            | Self::UnknownOption { .. }
            | Self::BadOptions { .. }
            | Self::Refused { .. }
            | Self::TooManyBlobs { .. }
            | Self::TooManyManifests { .. } => ErrorClass::BadConfig,
            Self::Denied { .. } | Self::Unreachable { .. } => ErrorClass::Denied,
            Self::Passing { .. } => ErrorClass::Retryable,
            Self::NotFound { .. }
            | Self::ManifestTooLarge { .. }
            | Self::BlobChanged { .. }
            | Self::BlobVanished { .. }
            | Self::Truncated { .. } => ErrorClass::BadInput,
        }
    }

    fn location(&self) -> Option<Location> {
        let place = match self {
            Self::UnknownOption { .. } => return None,
            Self::InvalidUrl { url, .. } => url,
            Self::BadOptions { place, .. }
            | Self::NotFound { place }
            | Self::Denied { place, .. }
            | Self::Unreachable { place, .. }
            | Self::Passing { place, .. }
            | Self::Refused { place, .. }
            | Self::TooManyBlobs { place, .. }
            | Self::TooManyManifests { place, .. } => place,
            Self::ManifestTooLarge { blob, .. }
            | Self::BlobChanged { blob }
            | Self::BlobVanished { blob }
            | Self::Truncated { blob, .. } => blob,
        };
        Some(Location::blob(place))
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::InvalidUrl { hint, .. } => hint,
            Self::UnknownOption { .. } => {
                "use a name of object_store's Azure configuration, e.g. azure_storage_account_key"
            }
            Self::BadOptions { .. } => {
                "give the https:// URL the portal shows, or set AZURE_STORAGE_ACCOUNT_NAME and \
                 credentials"
            }
            Self::NotFound { .. } => {
                "check container and folder; an export's first run may take a day"
            }
            Self::Denied { .. } => {
                "check the credentials: reading needs Storage Blob Data Reader on the container, \
                 or a SAS token that may read and list"
            }
            Self::Unreachable { .. } => {
                "check the account name, the network, the storage account's firewall and any proxy"
            }
            Self::Passing { .. } => "try again later",
            Self::Refused { .. } => "check the names of account, container and folder",
            Self::TooManyBlobs { .. } | Self::TooManyManifests { .. } => {
                "give the URL of one export, or of one month's folder"
            }
            Self::ManifestTooLarge { .. } => "check whether the file is an export's manifest",
            Self::BlobChanged { .. } | Self::BlobVanished { .. } | Self::Truncated { .. } => {
                "the export was being written; run again when it has finished"
            }
        };
        Some(hint.to_owned())
    }
}

/// Texts that must not appear in any error.
#[derive(Clone, Default)]
pub(super) struct Secrets(Arc<[String]>);

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Secrets({} redacted)", self.0.len())
    }
}

/// Shorter values are not secrets, and cutting them out would garble texts.
const SECRET_LENGTH_MIN: usize = 6;

/// Longest reason kept of a store's answer, in characters.
const REASON_LENGTH_MAX: usize = 400;

impl Secrets {
    pub(super) fn new(values: impl IntoIterator<Item = String>) -> Self {
        let values = values.into_iter().filter(|value| value.len() >= SECRET_LENGTH_MIN);
        Self(values.collect())
    }

    /// The text on one line, bounded, without secrets and signatures.
    pub(super) fn scrub(&self, text: &str) -> String {
        let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for secret in self.0.iter() {
            text = text.replace(secret.as_str(), "<redacted>");
        }
        for name in ["sig=", "client_secret=", "client_assertion=", "access_token="] {
            text = cut_parameter(&text, name);
        }
        match text.char_indices().nth(REASON_LENGTH_MAX) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }

    /// Our error for one of object_store's, about a URL or blob.
    pub(super) fn error(&self, place: &str, error: &object_store::Error) -> SourceError {
        let place = place.to_owned();
        let reason = self.scrub(&with_sources(error));
        match kind(error) {
            Kind::NotFound => SourceError::NotFound { place },
            Kind::Denied => SourceError::Denied { place, reason },
            Kind::Unreachable => SourceError::Unreachable { place, reason },
            Kind::Passing => SourceError::Passing { place, reason },
            Kind::Refused => SourceError::Refused { place, reason },
        }
    }
}

/// Blanks the value of each `name` in a text of query parameters.
fn cut_parameter(text: &str, name: &str) -> String {
    let mut pieces = text.split(name);
    let mut cut = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(['&', ' ', '"', '\'', ')', '<']).unwrap_or(piece.len());
        cut.push_str(name);
        cut.push_str("<redacted>");
        cut.push_str(&piece[end..]);
    }
    cut
}

/// The error and those beneath it, leaving out what a text above contains.
fn with_sources(error: &object_store::Error) -> String {
    let mut text = error.to_string();
    for source in chain(error).skip(1) {
        let source = source.to_string();
        if !text.contains(&source) {
            text = format!("{text}: {source}");
        }
    }
    text
}

fn chain(error: &object_store::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first: &(dyn Error + 'static) = error;
    std::iter::successors(Some(first), |error: &&(dyn Error + 'static)| {
        let error: &(dyn Error + 'static) = *error;
        error.source()
    })
}

enum Kind {
    NotFound,
    Denied,
    Unreachable,
    Passing,
    Refused,
}

/// object_store tells apart only the faults of single objects; for listings
/// and token requests the HTTP status or the transport's fault says more.
fn kind(error: &object_store::Error) -> Kind {
    use object_store::Error as Store;
    match error {
        Store::NotFound { .. } => return Kind::NotFound,
        Store::PermissionDenied { .. } | Store::Unauthenticated { .. } => return Kind::Denied,
        Store::NotSupported { .. }
        | Store::NotImplemented { .. }
        | Store::InvalidPath { .. }
        | Store::UnknownConfigurationKey { .. } => return Kind::Refused,
        _ => {}
    }
    for source in chain(error) {
        if let Some(error) = source.downcast_ref::<HttpError>() {
            return match error.kind() {
                HttpErrorKind::Connect => Kind::Unreachable,
                _ => Kind::Passing,
            };
        }
        if let Some(error) = source.downcast_ref::<std::io::Error>() {
            return match error.kind() {
                std::io::ErrorKind::NotFound => Kind::NotFound,
                std::io::ErrorKind::PermissionDenied => Kind::Denied,
                _ => Kind::Passing,
            };
        }
    }
    let text = with_sources(error);
    let token_request = text.contains("performing token request");
    match status(&text) {
        // The token service answers bad credentials with 400 or 401.
        Some(400..=499) if token_request => Kind::Denied,
        Some(401 | 403) => Kind::Denied,
        Some(404) => Kind::NotFound,
        Some(408 | 429 | 500..=599) => Kind::Passing,
        Some(_) => Kind::Refused,
        None if text.contains("az account get-access-token") => Kind::Denied,
        None => Kind::Refused,
    }
}

/// The HTTP status in the text of an error. object_store keeps the type that
/// holds it private, so its text is the only way to it.
fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> object_store::Error {
        object_store::Error::Generic { store: "MicrosoftAzure", source: text.into() }
    }

    #[test]
    fn statuses_become_classes() {
        let class = |text: &str| Secrets::default().error("az://c/p", &generic(text)).class();
        let status =
            |code: u16| class(&format!("Server returned non-2xx status code: {code} X: y"));
        assert_eq!(status(403), ErrorClass::Denied);
        assert_eq!(status(404), ErrorClass::BadInput);
        assert_eq!(status(400), ErrorClass::BadConfig);
        assert_eq!(status(503), ErrorClass::Retryable);
        let token = "Error performing token request: Server returned non-2xx status code: 400";
        assert_eq!(class(token), ErrorClass::Denied);
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let local = object_store::Error::Generic { store: "Local", source: Box::new(denied) };
        assert_eq!(Secrets::default().error("/x", &local).class(), ErrorClass::Denied);
    }

    #[test]
    fn secrets_and_signatures_are_scrubbed() {
        let secrets = Secrets::new(["topsecretkey".to_owned(), "true".to_owned()]);
        let text = "GET https://a/b?se=1&sig=abc%3D&x=1 with topsecretkey\n is true";
        let scrubbed = secrets.scrub(text);
        assert_eq!(scrubbed, "GET https://a/b?se=1&sig=<redacted>&x=1 with <redacted> is true");
        assert!(!format!("{secrets:?}").contains("topsecret"));
        assert_eq!(secrets.scrub(&"ä".repeat(500)).chars().count(), REASON_LENGTH_MAX + 1);
    }
}
