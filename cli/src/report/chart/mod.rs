//! Charts: what is drawn of a section, and how.
//!
//! [`data`] turns kept rows into series, [`svg`] draws them for pages. Workbooks draw the
//! same series with their own charts.

pub mod data;
pub mod svg;
