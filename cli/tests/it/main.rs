//! Whole commands, as a user types them.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without")]

mod command_line;
mod connect;
mod exports;
mod ingest;
mod report;
mod run;
mod shell;
mod sql;
