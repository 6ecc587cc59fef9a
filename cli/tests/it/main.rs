//! Whole commands, as a user types them.

mod command_line;
mod run;
mod shell;
mod sql;
