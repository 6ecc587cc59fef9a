//! The verbs of the command line, one file each.

mod demo;
mod exports;
mod generate;
mod ingest;
mod lake;
mod management;
mod query;
mod report;
mod rollups;
mod source;
mod sql;

use crate::args::Command;
use crate::failure::Failure;
use crate::messages::Messages;
use crate::settings::Settings;

/// Runs one command.
pub async fn run(
    command: &Command,
    settings: &Settings,
    messages: &Messages,
) -> Result<(), Failure> {
    match command {
        Command::Demo(arguments) => demo::run(arguments, settings, messages).await,
        Command::Generate(arguments) => generate::run(arguments, settings, messages),
        Command::Source(arguments) => source::run(&arguments.command, settings, messages).await,
        Command::Ingest(arguments) => ingest::run(arguments, settings, messages).await,
        Command::Sql(arguments) => sql::run(arguments, settings, messages).await,
        Command::Report(arguments) => report::run(arguments, settings, messages).await,
        Command::Lake(arguments) => lake::run(&arguments.command, settings, messages).await,
        Command::Exports(arguments) => exports::run(arguments, settings, messages).await,
    }
}
