//! Queries that other commands make of the lake.

use costlake_engine::query::Session;
use futures::TryStreamExt as _;

use crate::failure::Failure;
use crate::messages::Messages;
use crate::output::Mode;
use crate::output::target::Target;
use crate::settings::{Settings, ShellSettings};
use crate::shell::Shell;
use crate::shell::run::{Results, Runner};
use crate::shell::source::Origin;

/// Writes the rows of a query to stdout as a table.
pub async fn print_query(
    session: &Session,
    sql: &str,
    settings: &Settings,
    messages: &Messages,
) -> Result<(), Failure> {
    let shell = ShellSettings { mode: Mode::Box, timer: false, ..settings.shell.clone() };
    let shell = Shell::new(&shell, Origin::Argument);
    let target = Target::stdout();
    let mut runner =
        Runner::new(shell, session.clone(), &settings.lake, messages, target, Results::Many);
    runner.no_color = settings.no_color;
    runner.script(sql, Origin::Argument).await?;
    runner.finish()
}

/// Number of rows a query returns.
pub async fn count_rows(session: &Session, sql: &str) -> Result<usize, Failure> {
    let mut rows = session.execute(sql).await.map_err(Failure::engine)?;
    let mut count = 0;
    while let Some(batch) =
        rows.try_next().await.map_err(|source| Failure::Rows { source: Box::new(source) })?
    {
        count += batch.num_rows();
    }
    Ok(count)
}
