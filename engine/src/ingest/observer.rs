//! What an ingest tells while it works.

/// Number of a run within one call of `ingest`, from 0.
pub type RunNumber = u64;

/// Listens to an ingest. Called from several threads; must be quick.
pub trait Observer: Send + Sync {
    /// A run begins to be read. `bytes_total` are stored bytes.
    fn run_started(&self, run: RunNumber, label: &str, bytes_total: u64);
    /// More of a run was read: stored bytes and rows since the last call.
    fn advanced(&self, run: RunNumber, bytes_read: u64, rows: u64);
    /// A run is over, one way or another.
    fn run_finished(&self, run: RunNumber, outcome: &str);
    /// Something a person should know.
    fn note(&self, text: &str);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn run_started(&self, _: RunNumber, _: &str, _: u64) {}
    fn advanced(&self, _: RunNumber, _: u64, _: u64) {}
    fn run_finished(&self, _: RunNumber, _: &str) {}
    fn note(&self, _: &str) {}
}
