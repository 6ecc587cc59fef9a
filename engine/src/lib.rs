//! costlake's engine: Azure cost exports in, a Delta lake and SQL answers out.
//!
//! Modules stand in the order data flows. `model`, `discover`, `decode` and
//! `normalize` are pure and build without the `lake` feature; see
//! `ARCHITECTURE.md`.

pub mod error;
pub mod model;
