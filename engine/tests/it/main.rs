//! The engine from outside: whole pipelines on real files and a real store.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without")]

mod adjustments;
mod azurite;
mod datasets;
mod exports;
mod faults;
mod inspect;
mod ledger;
mod parquet;
mod pipeline;
mod report;
mod restatements;
mod rollups;
mod slt;
mod tenant;
mod tokens;
