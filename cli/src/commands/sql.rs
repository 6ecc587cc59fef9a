//! `costlake sql`: statements from the command line, a file, a pipe, or the
//! shell.

use std::io::IsTerminal as _;
use std::path::Path;

use costlake_engine::query::{RollupUse, Session};

use crate::args::SqlArguments;
use crate::failure::Failure;
use crate::messages::Messages;
use crate::output::Mode;
use crate::output::target::Target;
use crate::settings::{Settings, ShellSettings};
use crate::shell::run::{Flow, Results, Runner};
use crate::shell::source::Origin;
use crate::shell::{Shell, interact};

/// Opens the lake and runs what was asked for.
pub async fn run(
    arguments: &SqlArguments,
    settings: &Settings,
    messages: &Messages,
) -> Result<(), Failure> {
    let interactive = arguments.command.is_empty()
        && arguments.file.is_none()
        && std::io::stdin().is_terminal()
        && std::io::stdout().is_terminal();
    let mode = mode(arguments, settings, interactive)?;
    // A file that cannot be read is said before a lake is opened.
    let script = arguments.file.as_deref().map(read_script).transpose()?;

    let session = session(arguments, settings, interactive).await?;
    let (target, results) = match &arguments.output {
        None => (Target::stdout(), results(mode, true)),
        Some(path) => (Target::complete_file(path)?, results(mode, false)),
    };
    let shell_settings = ShellSettings { mode, ..settings.shell.clone() };
    let shell = Shell::new(&shell_settings, Origin::Prompt);
    let mut runner = Runner::new(shell, session, &settings.lake, messages, target, results);
    runner.no_color = settings.no_color;
    runner.threads = settings.threads;

    if interactive {
        return interact(&mut runner, settings.shell.history.as_deref()).await;
    }
    if let Some((text, origin)) = script {
        runner.script(&text, origin).await?;
    } else if arguments.command.is_empty() {
        runner.stdin().await?;
    }
    for text in &arguments.command {
        if runner.script(text, Origin::Argument).await? == Flow::Leave {
            break;
        }
    }
    runner.finish()
}

/// A session on the lake of the settings. The prompt completes names of columns, which
/// only opened tables tell; a statement that names no table needs none.
async fn session(
    arguments: &SqlArguments,
    settings: &Settings,
    interactive: bool,
) -> Result<Session, Failure> {
    let lake = settings.open_lake()?;
    let mut options = settings.session_options();
    if arguments.no_rollups {
        options.rollups = RollupUse::Never;
    }
    let session = match interactive {
        true => Session::open(&lake, &options).await,
        false => Session::on_demand(&lake, &options),
    };
    session.map_err(Failure::engine)
}

/// By --format, then the ending of --output, then the shell's own setting at
/// the prompt, else a table.
fn mode(arguments: &SqlArguments, settings: &Settings, interactive: bool) -> Result<Mode, Failure> {
    let mode = match (arguments.format, &arguments.output) {
        (Some(format), _) => format.into(),
        (None, Some(path)) => Mode::of_file(path).ok_or_else(|| Failure::Usage {
            what: format!("the ending of {} names no format", path.display()),
            hint: "add --format table, csv, json, ndjson, markdown or parquet".to_owned(),
        })?,
        (None, None) if interactive => settings.shell.mode,
        (None, None) => Mode::Table,
    };
    let on_terminal = arguments.output.is_none() && std::io::stdout().is_terminal();
    if mode == Mode::Parquet && (on_terminal || interactive) {
        return Err(Failure::Usage {
            what: "Parquet is not written to a terminal".to_owned(),
            hint: "add --output FILE.parquet and -c or -f, or send stdout to a file".to_owned(),
        });
    }
    Ok(mode)
}

fn results(mode: Mode, stdout: bool) -> Results {
    if mode == Mode::Parquet || (!stdout && !mode.may_be_joined()) {
        Results::One
    } else {
        Results::Many
    }
}

fn read_script(path: &Path) -> Result<(String, Origin), Failure> {
    let failure = |source| Failure::Read { path: path.to_owned(), source };
    if path == Path::new("-") {
        return std::io::read_to_string(std::io::stdin())
            .map(|text| (text, Origin::Stdin))
            .map_err(failure);
    }
    let text = std::fs::read_to_string(path).map_err(failure)?;
    Ok((text, Origin::File(path.display().to_string())))
}
