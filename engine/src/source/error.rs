//! What can go wrong between a URL and the last byte of a blob.
//!
//! In: object_store's errors. Out: [`SourceError`]s with a class and a hint.
//! They hold scrubbed text instead of the original error, because that may
//! print request URLs with tokens in them.

use object_store::client::{HttpError, HttpErrorKind};

use crate::azure::AzureError;
use crate::azure::http::with_sources;
use crate::azure::secret::Secrets;
use crate::error::{ErrorClass, Fault, Location, chain};

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
    /// There is no token to read with.
    #[error("not allowed to read {place}: {source}")]
    Token {
        /// URL or blob.
        place: String,
        /// Why.
        source: Box<AzureError>,
    },
    /// The store cannot be reached.
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
            Self::Token { source, .. } => source.class(),
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
            | Self::Token { place, .. }
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
            Self::BadOptions { reason, .. } if reason.contains("Invalid Access Key") => {
                "an account key is Base64 text of 88 characters: copy it again, whole, from the \
                 account's access keys"
            }
            Self::BadOptions { .. } => {
                "give the https:// URL the portal shows, or set AZURE_STORAGE_ACCOUNT_NAME and \
                 credentials"
            }
            Self::NotFound { place } if is_local(place) => {
                "check the path; it counts from the folder of costlake.toml, or from here when \
                 typed"
            }
            Self::NotFound { .. } => {
                "check container and folder; an export's first run may take a day"
            }
            Self::Denied { place, .. } if is_local(place) => {
                "let the user who runs costlake list the folder and read its files"
            }
            Self::Denied { reason, .. } => denied_hint(reason),
            Self::Token { source, .. } => return source.hint(),
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

/// Whether a place is on disk, as [`Store::blob_name`](super::Store) writes it.
fn is_local(place: &str) -> bool {
    place.starts_with('/')
}

/// Our error for one of object_store's, about a URL or blob.
pub(super) fn from_store(
    place: &str,
    error: &object_store::Error,
    secrets: &Secrets,
) -> SourceError {
    let place = place.to_owned();
    if let Some(source) = chain(error).find_map(|error| error.downcast_ref::<AzureError>()) {
        return SourceError::Token { place, source: Box::new(source.clone()) };
    }
    let text = with_sources(error);
    let reason = secrets.scrub(&answer(&text).unwrap_or(text));
    match kind(error) {
        Kind::NotFound => SourceError::NotFound { place },
        Kind::Denied => SourceError::Denied { place, reason },
        Kind::Unreachable => SourceError::Unreachable { place, reason },
        Kind::Passing => SourceError::Passing { place, reason },
        Kind::Refused => SourceError::Refused { place, reason },
    }
}

/// `Code: Message` out of the XML that Blob storage answers with.
fn answer(text: &str) -> Option<String> {
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0)
    };
    let code = element("Code")?;
    // Request id and time follow on lines of their own.
    let message = element("Message").and_then(|message| message.lines().next());
    Some(format!("{code}: {}", message.unwrap_or_default()))
}

/// What to do about a refusal, by Blob storage's error code
/// (learn.microsoft.com/rest/api/storageservices/blob-service-error-codes).
fn denied_hint(reason: &str) -> &'static str {
    // Of a signature that does not fit, whatever the code beside it.
    if reason.contains("failed to authenticate") {
        return "the key, SAS token or bearer token is not accepted: it may have expired, belong \
                to another account, or be cut short";
    }
    match reason.split(':').next().unwrap_or_default() {
        "AuthorizationPermissionMismatch" => {
            "assign the role Storage Blob Data Reader on the container (the lake's own needs \
             Storage Blob Data Contributor), or use a SAS token that may read and list; a new \
             assignment takes some minutes"
        }
        "AuthorizationFailure" => {
            "the storage account's firewall may not admit this machine; a SAS token may be limited \
             to other addresses"
        }
        "AuthenticationFailed" | "InvalidAuthenticationInfo" => {
            "the key, SAS token or bearer token is not accepted: it may have expired, belong to \
             another account, or be cut short"
        }
        "AuthorizationProtocolMismatch" => "the SAS token is for another protocol",
        "AuthorizationResourceTypeMismatch" | "AuthorizationServiceMismatch" => {
            "the SAS token must be for the blob service, and for containers and objects"
        }
        "KeyBasedAuthenticationNotPermitted" => {
            "the account takes no keys: use a service principal or a managed identity"
        }
        "AccountIsDisabled" => "the storage account is disabled",
        _ => {
            "check the credentials: reading needs Storage Blob Data Reader on the container, or a \
             SAS token that may read and list"
        }
    }
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
    match status(&text) {
        // A key or token that is none is answered as a bad request.
        Some(400) if text.contains("<Code>InvalidAuthenticationInfo</Code>") => Kind::Denied,
        Some(401 | 403) => Kind::Denied,
        Some(404) => Kind::NotFound,
        Some(408 | 429 | 500..=599) => Kind::Passing,
        Some(_) => Kind::Refused,
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
        let error =
            |error: &object_store::Error| from_store("az://c/p", error, &Secrets::default());
        let class = |text: &str| error(&generic(text)).class();
        let status =
            |code: u16| class(&format!("Server returned non-2xx status code: {code} X: y"));
        assert_eq!(status(403), ErrorClass::Denied);
        assert_eq!(status(404), ErrorClass::BadInput);
        assert_eq!(status(400), ErrorClass::BadConfig);
        let code = "<Code>InvalidAuthenticationInfo</Code>";
        assert_eq!(class(&format!("status code: 400 X: {code}")), ErrorClass::Denied);
        assert_eq!(status(503), ErrorClass::Retryable);
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let local = object_store::Error::Generic { store: "Local", source: Box::new(denied) };
        assert_eq!(error(&local).class(), ErrorClass::Denied);
        let local = from_store("/srv/exports", &local, &Secrets::default());
        assert!(local.hint().is_some_and(|hint| hint.contains("the user who runs")), "{local:?}");
        let refused = AzureError::TokenRefused {
            resource: "r".to_owned(),
            place: "p".to_owned(),
            code: Some("AADSTS7000222".to_owned()),
            reason: "expired".to_owned(),
        };
        let refused = Box::new(refused);
        let refused = error(&object_store::Error::Generic { store: "Azure", source: refused });
        assert_eq!(refused.class(), ErrorClass::Denied);
        assert!(refused.hint().is_some_and(|hint| hint.contains("expired")), "{refused:?}");
    }

    #[test]
    fn blob_storage_is_quoted_by_code_and_message() {
        let text = "Server returned non-2xx status code: 403 Forbidden: <?xml?><Error>\
            <Code>AuthorizationPermissionMismatch</Code><Message>This request is not \
            authorized.\nRequestId:1\nTime:2</Message></Error>";
        let error = from_store("az://c/p", &generic(text), &Secrets::default());
        assert_eq!(
            error.to_string(),
            "not allowed to read az://c/p: AuthorizationPermissionMismatch: This request is not \
             authorized."
        );
        assert!(error.hint().is_some_and(|hint| hint.contains("Storage Blob Data Reader")));
    }
}
