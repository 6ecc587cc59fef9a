//! The Exports API of Cost Management: exports listed, made, run and watched.
//!
//! In: a scope, a source of tokens, what an export is to be. Out: what the
//! service has and did. `definition`, `address`, `period`, `export` and
//! `history` are pure; `client` and `wait` make the calls. Never reads a blob,
//! never deletes an export, never lets a SAS token into a text.
//!
//! Source: Azure/azure-rest-api-specs,
//! `specification/cost-management/…/stable/2025-03-01/costmanagement.exports.json`.

pub mod address;
pub mod client;
pub mod definition;
pub mod error;
pub mod export;
pub mod history;
pub mod period;
pub mod scope;
pub mod wait;

pub use address::ExportsAddress;
pub use client::{ExportsClient, OnExisting, PutOutcome, definitions};
pub use definition::{
    Compression, Destination, ExportDefinition, ExportName, ExportSettings, SasDestinationToken,
};
pub use error::ExportsError;
pub use export::Export;
pub use history::{ExportRun, RunStatus};
pub use period::{TimePeriod, backfill_periods};
pub use scope::{ArmScope, ArmScopeKind};
pub use wait::{RunMark, WaitOptions};
