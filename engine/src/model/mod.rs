//! The words of the domain as types: what every stage may import.
//!
//! Pure data and parsing of single values. Never does IO, never knows Arrow's
//! heavier relatives (Parquet, DataFusion) or a command line.

pub mod columns;
pub mod compression;
pub mod dataset;
pub mod date;
pub mod money;
pub mod period;
pub mod scope;
pub mod totals;

pub use columns::{Column, ColumnSet, ValueKind};
pub use compression::Compression;
pub use dataset::DatasetType;
pub use money::{DECIMAL_PRECISION, DECIMAL_SCALE};
pub use period::BillingMonth;
pub use scope::{Scope, ScopeType, SourceName};
pub use totals::{ControlTotals, CurrencyTotals};
