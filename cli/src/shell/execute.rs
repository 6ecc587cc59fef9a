//! One statement, from text to written rows; Ctrl-C cancels it.
//!
//! Planning and execution run on the runtime's workers; rows come back through
//! a bounded channel and are written by the caller's thread, so that a slow
//! reader slows the query down instead of filling memory.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use costlake_engine::query::{QueryError, Session};
use futures::StreamExt as _;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::source::StatementPlace;
use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// Batches on their way between the query and the writer.
const BATCHES_IN_FLIGHT_MAX: usize = 2;

/// Where statements run: the command's own runtime, until one is canceled.
#[derive(Debug, Default)]
pub struct Workers {
    fresh: Option<Runtime>,
}

impl Workers {
    fn handle(&self) -> Handle {
        self.fresh.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
    }

    /// Leaves a canceled query behind: it may compute for long before it looks up,
    /// and the next statement must not wait for its workers.
    pub fn renew(&mut self, threads: Option<usize>) -> Result<(), Failure> {
        let fresh = crate::new_runtime(threads)?;
        self.leave();
        self.fresh = Some(fresh);
        Ok(())
    }

    fn leave(&mut self) {
        if let Some(runtime) = self.fresh.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // A runtime dropped within another would wait for its workers.
        self.leave();
    }
}

/// What a running statement sends.
pub enum Arrival {
    /// First, once planned.
    Schema(SchemaRef),
    /// Then rows.
    Batch(RecordBatch),
}

/// A statement on the workers. Dropping it cancels the query.
pub struct Running {
    arrivals: mpsc::Receiver<Result<Arrival, Failure>>,
    task: JoinHandle<()>,
    /// One listener for the whole statement: Ctrl-C pressed while rows are
    /// written, between two arrivals, must count too.
    interrupt: Interrupt,
}

impl Running {
    /// Starts a statement.
    pub fn start(workers: &Workers, session: &Arc<Session>, place: StatementPlace) -> Self {
        let interrupt = Interrupt::from_now();
        let (sender, arrivals) = mpsc::channel(BATCHES_IN_FLIGHT_MAX);
        let session = Arc::clone(session);
        let task = workers.handle().spawn(async move {
            if let Err(failure) = stream(&session, place, &sender).await {
                // Nobody listens any more: canceled.
                let _ = sender.send(Err(failure)).await;
            }
        });
        Self { arrivals, task, interrupt }
    }

    /// The next arrival; none at the end. Ctrl-C ends it with
    /// [`Failure::Canceled`], after which nothing more may be asked for.
    pub async fn next(&mut self) -> Option<Result<Arrival, Failure>> {
        tokio::select! {
            biased;
            () = self.interrupt.next() => {
                self.task.abort();
                Some(Err(Failure::Canceled))
            }
            arrival = self.arrivals.recv() => arrival,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn stream(
    session: &Session,
    place: StatementPlace,
    sender: &mpsc::Sender<Result<Arrival, Failure>>,
) -> Result<(), Failure> {
    let mut rows = match session.execute(&place.text).await {
        Ok(rows) => rows,
        // No fault of the statement's: it was the first to need the tables.
        Err(lake @ QueryError::Lake(_)) => return Err(Failure::engine(lake)),
        Err(source) => return Err(Failure::Statement { source: Box::new(source), place }),
    };
    if sender.send(Ok(Arrival::Schema(rows.schema()))).await.is_err() {
        return Ok(());
    }
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(|source| Failure::Rows { source: Box::new(source) })?;
        if sender.send(Ok(Arrival::Batch(batch))).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}
