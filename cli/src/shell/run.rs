//! Carries out what the shell replies: runs statements, reads files, prints.
//!
//! Input: a session, a source of lines. Output: rows to a target, messages to
//! stderr. A script stops at its first failure; the prompt says it and goes on.

use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use costlake_engine::query::Session;

use super::execute::{Arrival, Running, Workers};
use super::source::{Origin, StatementPlace};
use super::{Reply, Shell, describe};
use crate::failure::Failure;
use crate::messages::Messages;
use crate::output::target::Target;
use crate::output::{Layout, OutputError, ResultWriter, result_writer, write_whole};

/// Files that may read files that may read files …
const READ_DEPTH_MAX: usize = 16;

/// Whether to go on after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Next line.
    Continue,
    /// `.quit`.
    Leave,
}

/// How many results a target takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Results {
    /// Any number.
    Many,
    /// One: a file of a format that holds one result.
    One,
}

/// A shell with its session and its place of output.
pub struct Runner<'a> {
    /// Settings and open statement.
    pub shell: Shell,
    /// Shared with the running statement.
    pub session: Arc<Session>,
    /// The lake as the user named it.
    pub lake: &'a str,
    /// Where people are told.
    pub messages: &'a Messages,
    /// `NO_COLOR`.
    pub no_color: bool,
    /// Worker threads of a query; one per core when none.
    pub threads: Option<usize>,
    workers: Workers,
    target: Target,
    results: Results,
    results_written: u64,
    read_depth: usize,
}

impl<'a> Runner<'a> {
    /// A runner that has written nothing.
    pub fn new(
        shell: Shell,
        session: Session,
        lake: &'a str,
        messages: &'a Messages,
        target: Target,
        results: Results,
    ) -> Self {
        Self {
            shell,
            session: Arc::new(session),
            lake,
            messages,
            no_color: false,
            threads: None,
            workers: Workers::default(),
            target,
            results,
            results_written: 0,
            read_depth: 0,
        }
    }

    /// Completes the output; a file appears under its name.
    pub fn finish(&mut self) -> Result<(), Failure> {
        self.target.finish()
    }

    /// Runs a text to its end or first failure.
    pub async fn script(&mut self, text: &str, origin: Origin) -> Result<Flow, Failure> {
        let position = self.shell.enter(origin);
        let outcome = self.script_lines(text).await;
        self.shell.leave(position);
        outcome
    }

    async fn script_lines(&mut self, text: &str) -> Result<Flow, Failure> {
        for line in text.lines() {
            if self.line(line).await? == Flow::Leave {
                return Ok(Flow::Leave);
            }
        }
        let reply = self.shell.end();
        self.carry_out(reply).await
    }

    /// Runs stdin line by line, as it arrives.
    pub async fn stdin(&mut self) -> Result<Flow, Failure> {
        let position = self.shell.enter(Origin::Stdin);
        let outcome = self.stdin_lines().await;
        self.shell.leave(position);
        outcome
    }

    async fn stdin_lines(&mut self) -> Result<Flow, Failure> {
        // The lock is not held across a statement: it is not Send.
        let mut line = String::new();
        loop {
            line.clear();
            let read = std::io::stdin().lock().read_line(&mut line);
            let bytes =
                read.map_err(|source| Failure::Read { path: "standard input".into(), source })?;
            if bytes == 0 {
                let reply = self.shell.end();
                return self.carry_out(reply).await;
            }
            if self.line(line.trim_end_matches(['\n', '\r'])).await? == Flow::Leave {
                return Ok(Flow::Leave);
            }
        }
    }

    /// Takes one line.
    pub async fn line(&mut self, line: &str) -> Result<Flow, Failure> {
        let reply = self.shell.feed(line);
        self.carry_out(reply).await
    }

    async fn carry_out(&mut self, reply: Reply) -> Result<Flow, Failure> {
        match reply {
            Reply::Nothing | Reply::More => {}
            Reply::Leave => return Ok(Flow::Leave),
            Reply::Refused(failure) => return Err(failure),
            Reply::Print(text) => self.print(&text)?,
            Reply::Note(text) => self.messages.note(&text),
            Reply::List(listing) => {
                self.session.open_tables().await.map_err(Failure::engine)?;
                let catalog = match listing.shows_types() {
                    true => &self.session.catalog_with_types().await.map_err(Failure::engine)?,
                    false => self.session.catalog(),
                };
                match describe::list(&listing, catalog, self.lake)? {
                    describe::Listed::Text(text) => self.print(&text)?,
                    describe::Listed::Rows(batch) => {
                        // A listing is shown whole, however long.
                        let layout = Layout { max_rows: 0, ..self.layout() };
                        let mode = self.shell.effective_mode();
                        write_whole(mode, &batch, layout, &mut self.target)?;
                    }
                }
            }
            Reply::Output(path) => self.redirect(path.as_deref())?,
            Reply::Read(path) => return self.read(&path).await,
            Reply::Statements(statements) => {
                for statement in statements {
                    self.statement(statement).await?;
                }
            }
        }
        Ok(Flow::Continue)
    }

    fn print(&mut self, text: &str) -> Result<(), Failure> {
        let written = self.target.write_all(text.as_bytes()).and_then(|()| self.target.flush());
        written.map_err(|error| self.target.failure(error.into()))
    }

    fn redirect(&mut self, path: Option<&Path>) -> Result<(), Failure> {
        self.target.finish()?;
        self.target = match path {
            Some(path) => Target::file(path)?,
            None => Target::stdout(),
        };
        self.results = Results::Many;
        Ok(())
    }

    async fn read(&mut self, path: &Path) -> Result<Flow, Failure> {
        if self.read_depth == READ_DEPTH_MAX {
            return Err(Failure::ShellCommand {
                what: format!("files read each other more than {READ_DEPTH_MAX} deep"),
                hint: Some(format!("does {} read itself?", path.display())),
            });
        }
        let text = std::fs::read_to_string(path)
            .map_err(|source| Failure::Read { path: path.to_owned(), source })?;
        self.read_depth += 1;
        let origin = Origin::File(path.display().to_string());
        // A file that reads a file: the future must be of known size.
        let outcome = Box::pin(self.script(&text, origin)).await;
        self.read_depth -= 1;
        outcome
    }

    fn layout(&self) -> Layout {
        if self.target.is_stdout() {
            Layout::of_stdout(self.shell.max_rows, self.no_color)
        } else {
            Layout::default()
        }
    }

    /// Runs one statement and writes its rows.
    async fn statement(&mut self, place: StatementPlace) -> Result<(), Failure> {
        let started = Instant::now();
        let mut running = Running::start(&self.workers, &self.session, place);
        let rows = match self.write_rows(&mut running).await {
            Err(Failure::Canceled) => {
                drop(running);
                self.workers.renew(self.threads)?;
                return Err(Failure::Canceled);
            }
            rows => rows?,
        };
        if self.shell.timer {
            let seconds = started.elapsed().as_secs_f64();
            let plural = if rows == 1 { "row" } else { "rows" };
            self.messages.timing(&format!("Time: {seconds:.3} s, {rows} {plural}"));
        }
        Ok(())
    }

    async fn write_rows(&mut self, running: &mut Running) -> Result<u64, Failure> {
        let schema = match running.next().await {
            Some(Ok(Arrival::Schema(schema))) => schema,
            Some(Ok(Arrival::Batch(_))) | None => return Ok(0),
            Some(Err(failure)) => return Err(failure),
        };
        // SET, CREATE VIEW and their like answer without columns.
        if schema.fields().is_empty() {
            return drain(running).await;
        }
        self.results_written += 1;
        if self.results == Results::One && self.results_written > 1 {
            return Err(Failure::Usage {
                what: "the output file holds one result, and this is the second".to_owned(),
                hint: "write one query per file, or choose --format ndjson, markdown or table"
                    .to_owned(),
            });
        }
        let (mode, layout) = (self.shell.effective_mode(), self.layout());
        let written = async {
            let mut rows = 0;
            let mut writer: Box<dyn ResultWriter + '_> =
                result_writer(mode, &schema, layout, &mut self.target)?;
            while let Some(arrival) = running.next().await {
                if let Arrival::Batch(batch) = arrival.map_err(Broken::Failure)? {
                    rows += batch.num_rows() as u64;
                    writer.batch(&batch)?;
                }
            }
            writer.finish()?;
            drop(writer);
            self.target.flush()?;
            Ok(rows)
        };
        written.await.map_err(|broken| match broken {
            Broken::Failure(failure) => failure,
            Broken::Output(error) => self.target.failure(error),
        })
    }
}

/// A result breaks off in the query or in its output.
enum Broken {
    Failure(Failure),
    Output(OutputError),
}

impl From<OutputError> for Broken {
    fn from(error: OutputError) -> Self {
        Self::Output(error)
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error.into())
    }
}

async fn drain(running: &mut Running) -> Result<u64, Failure> {
    while let Some(arrival) = running.next().await {
        arrival?;
    }
    Ok(0)
}
