//! Reports: queries with a title, for one scope or for each of thousands in one pass.
//!
//! Input: a session, a [`ReportDefinition`] (`sql/reports/`, or a user's own file) and
//! [`ReportParameters`]. Output: the rows of its sections, scope by scope, with totals;
//! and, for the files made of them, a [`set`] that is replaced whole. Every section is one
//! query, whatever the number of scopes: its rows come ordered by scope, and are taken
//! apart as they come. Never formats a cell and never knows a file format.
//!
//! In order of use: [`definition`] says what a report is, [`parse`] reads it from SQL,
//! [`params`] what is asked for, [`scopes`] which scopes there are and [`status`] what is
//! known of their months, [`plan`] makes queries of sections ([`cut`] says which limits it
//! cannot), [`run`] runs them with
//! [`totals`], and [`set`] keeps the files.

mod cut;
pub mod definition;
pub mod error;
pub mod params;
pub mod parse;
mod plan;
pub mod run;
pub mod scopes;
pub mod set;
pub mod status;
pub mod totals;

pub use definition::{
    ChartDefinition, ChartKind, IfEmpty, Need, ReportDefinition, SectionDefinition,
    TotalDefinition, reports,
};
pub use error::ReportError;
pub use params::{MonthRange, ReportParameters, ReportScope, ScopeSelection};
pub use parse::parse_report;
pub use run::{ReportEvent, ReportRun};
pub use scopes::{KnownScope, KnownScopes};
pub use status::{DataStatus, MonthState, Told, Untold};
pub use totals::SectionTotals;
