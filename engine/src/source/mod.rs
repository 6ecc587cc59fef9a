//! Where exports come from: URLs, object stores, listings, and bytes in order.
//!
//! In: the text of an export URL and storage options. Out: a
//! [`Listing`](crate::discover::Listing), manifest bodies, and blobs as
//! ordered chunks that are known to be of one version from first to last.
//!
//! Never reads the environment, never writes, never looks inside a blob. No
//! secret leaves it: options print only their names, and error texts are
//! scrubbed.

mod emulator;
pub mod error;
pub mod limits;
pub mod listing;
pub mod options;
pub mod read;
pub mod sas;
pub mod store;
pub mod url;

pub use error::SourceError;
pub use limits::Limits;
pub use listing::{fetch_manifests, list};
pub use options::{StorageAccess, StoreOptions};
pub use read::{BlobReader, LocalFile, ReadOptions};
pub use sas::SasToken;
pub use store::Store;
pub use url::SourceUrl;
