//! SQL over the lake: sessions with exact money.
//!
//! Input: table snapshots, view definitions, statements. Output: result
//! streams, the catalog, errors with position and hint. Never writes.
//!
//! In order of use: [`scan`] reads a snapshot, [`decimal`] makes arithmetic
//! exact, `extremes` finds the largest text of a group, `lookup` joins without copying, `hashed` and
//! `cooperate` correct plans, [`rollups`] finds results that are kept,
//! `tables` are opened and views planned when `schema` is first asked for them,
//! [`session`] puts them together, [`statements`] and [`error`] face the user.

pub mod catalog;
mod cooperate;
mod dates;
pub mod decimal;
pub mod error;
mod extremes;
mod hashed;
mod lookup;
mod memory;
pub mod rollups;
pub mod scan;
mod schema;
pub mod session;
pub mod statements;
mod tables;
#[cfg(test)]
pub(crate) mod test_lake;

pub use catalog::{ColumnDescription, TableDescription, TableKind};
pub use error::{QueryError, SourcePosition};
pub use rollups::RollupUse;
pub use session::{MemorySharing, Session, SessionOptions};
pub use statements::{StatementText, split_statements};
