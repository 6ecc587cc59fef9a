//! Files of reports: one document per report, scope and format.
//!
//! Input: the events of the engine's report runs. Output: files in a set. A document is
//! written as its rows come: for programs (CSV, JSON, Parquet) every row goes straight to
//! the file; for people (HTML, Markdown) so many are kept as a person reads, and the file
//! says how many more there are. Nothing here computes money: sums come from the engine.
//!
//! In order of use: [`document`] says what a file is about, [`columns`] what its columns
//! are and [`number`] how a number is shown; [`kept`] holds rows for people; then a module
//! per format, and [`make`] joins them.

mod chart;
mod columns;
mod csv;
pub mod document;
mod html;
mod json;
mod kept;
pub mod make;
mod markdown;
mod number;
mod parquet;
mod section;
mod writer;
mod xlsx;
