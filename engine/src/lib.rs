//! costlake's engine: Azure cost exports in, a Delta lake and SQL answers out.
//!
//! Modules stand in the order data flows. `model`, `connect`, `discover`,
//! `decode` and `normalize` are pure and build without the `lake` feature; see
//! `ARCHITECTURE.md`.

mod buffers;
pub mod error;
pub mod model;
pub mod near;
mod same;
mod slots;

pub mod connect;

#[cfg(feature = "lake")]
pub mod azure;

#[cfg(feature = "lake")]
pub mod source;

pub mod discover;

pub mod decode;
pub mod normalize;

#[cfg(feature = "lake")]
pub mod write;

#[cfg(feature = "lake")]
pub mod commit;

#[cfg(feature = "lake")]
pub mod ingest;

#[cfg(feature = "lake")]
pub mod inspect;

#[cfg(feature = "lake")]
pub mod views;

#[cfg(feature = "lake")]
pub mod query;

#[cfg(feature = "lake")]
pub mod rollup;

#[cfg(feature = "lake")]
pub mod report;

/// What services are told of who asks.
#[cfg(feature = "lake")]
pub(crate) const USER_AGENT: &str = concat!("costlake/", env!("CARGO_PKG_VERSION"));
