//! Azure's own services: identity and the management API, over HTTPS.
//!
//! In: what somebody is allowed as ([`Credential`]) and a cloud. Out: tokens
//! for its services. Knows nothing of blobs, months or money. Never reads the
//! environment, and never lets a secret into a text: secrets are
//! [`Secret`]s, and whatever a service says is scrubbed before it is kept.
//!
//! HTTP is object_store's client, so that proxies, certificate authorities and
//! TLS are settled in one way for blobs, tokens and the management API.

pub mod certificate;
pub mod cloud;
pub mod credential;
pub mod error;
pub mod exports;
pub mod http;
pub mod secret;
pub mod token;

pub use certificate::Certificate;
pub use cloud::AzureCloud;
pub use credential::Credential;
pub use error::AzureError;
pub use http::{HttpOptions, HttpService};
pub use secret::{Secret, redact};
pub use token::TokenSource;
