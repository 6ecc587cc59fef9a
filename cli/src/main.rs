//! The `costlake` binary: from arguments to an exit code.
//!
//! Input: the command line, the environment, `costlake.toml`, stdin. Output:
//! data on stdout, everything else on stderr, and an exit code. It never
//! computes money; the engine does.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | done (also when the reader of stdout went away) |
//! | 1 | data or a statement refused, or a check failed |
//! | 2 | usage or configuration |
//! | 3 | cannot reach, or not allowed |
//! | 130 | stopped by Ctrl-C |

mod args;
mod clock;
mod commands;
mod environment;
mod failure;
mod interrupt;
mod memory;
mod messages;
mod output;
mod panic;
mod progress;
mod report;
mod settings;
mod shell;
mod sql_text;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Arguments, Command, SourceArguments, SourceCommand};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::messages::Messages;
use crate::settings::{MissingConfig, Settings};

fn main() -> ExitCode {
    panic::install();
    memory::limit_arenas();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(refused) => {
            // Help and version arrive here too. A reader that went away while
            // they are printed is no fault.
            let _ = refused.print();
            return ExitCode::from(if refused.use_stderr() { 2 } else { 0 });
        }
    };
    let environment = Environment::of_process();
    let messages = Messages::new(&arguments.global, &environment);
    let outcome = Settings::resolve(&arguments.global, &environment, missing(&arguments.command))
        .map_err(Failure::from)
        .and_then(|settings| run(&arguments, &settings, &messages));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::ReaderGone) => ExitCode::SUCCESS,
        Err(failure) => {
            messages.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// A named config file must be there, but for the command that makes it.
fn missing(command: &Command) -> MissingConfig {
    match command {
        Command::Source(SourceArguments { command: SourceCommand::Add(_) }) => {
            MissingConfig::IsEmpty
        }
        _ => MissingConfig::IsRefused,
    }
}

/// Runs the command on a runtime of its own.
///
/// The command's future runs on this thread, not on a worker: it may block,
/// as the prompt does. Queries run on the workers.
fn run(arguments: &Arguments, settings: &Settings, messages: &Messages) -> Result<(), Failure> {
    // Two crypto providers are linked; rustls panics unless one is chosen. A
    // second installation is refused, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = new_runtime(settings.threads)?;
    let outcome = runtime.block_on(commands::run(&arguments.command, settings, messages));
    // A cancelled query may still hold a worker; do not wait for it.
    runtime.shutdown_background();
    outcome
}

/// Stack of a worker: queries over views upon views poll streams within streams.
/// Only what is used of it is ever taken from memory.
const WORKER_STACK_BYTES: usize = 16 << 20;

/// A runtime of so many worker threads; one per core when none.
fn new_runtime(threads: Option<usize>) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = threads {
        builder.worker_threads(threads);
    }
    builder.thread_stack_size(WORKER_STACK_BYTES);
    builder.enable_all().build().map_err(|source| Failure::Runtime { source })
}
