//! Progress on stderr: of an ingest one bar per export run, of a wait a spinner.
//!
//! Input: what the ingest observes. Output: bars with rows, bytes, rate and
//! time left, if stderr is a terminal and nobody asked for quiet; else nothing
//! but notes. Calls may come from several threads.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use costlake_engine::ingest::Observer;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::messages::Messages;

/// Bars at once; further runs go without.
const BARS_MAX: usize = 64;
/// Letters of a label shown.
const LABEL_WIDTH: usize = 32;

const BAR: &str = "{prefix:32!} {bar:24.cyan/dim} {percent:>3}%  {bytes:>10}/{total_bytes:<10} \
                   {binary_bytes_per_sec:>12}  {msg:>16}  {eta:>4} left";

/// Shows how far an ingest has come.
pub struct IngestProgress {
    messages: Messages,
    bars: MultiProgress,
    runs: Mutex<HashMap<u64, Run>>,
}

struct Run {
    label: String,
    bar: ProgressBar,
    rows: u64,
}

impl IngestProgress {
    /// Bars on a terminal, else none.
    pub fn new(messages: &Messages) -> Self {
        let bars = MultiProgress::new();
        if !messages.shows_progress() {
            bars.set_draw_target(indicatif::ProgressDrawTarget::hidden());
        }
        Self { messages: messages.clone(), bars, runs: Mutex::new(HashMap::new()) }
    }
}

impl Observer for IngestProgress {
    fn run_started(&self, run: u64, label: &str, bytes_total: u64) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = if runs.len() < BARS_MAX {
            self.bars.add(ProgressBar::new(bytes_total))
        } else {
            ProgressBar::hidden()
        };
        let style = ProgressStyle::with_template(BAR).expect("the template is constant");
        bar.set_style(style.progress_chars("━━╌"));
        bar.set_prefix(label.chars().take(LABEL_WIDTH).collect::<String>());
        runs.insert(run, Run { label: label.to_owned(), bar, rows: 0 });
    }

    fn advanced(&self, run: u64, bytes_read: u64, rows: u64) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(run) = runs.get_mut(&run) {
            run.rows += rows;
            run.bar.inc(bytes_read);
            run.bar.set_message(format!("{} rows", run.rows));
        }
    }

    fn run_finished(&self, run: u64, outcome: &str) {
        let run = self.runs.lock().unwrap_or_else(PoisonError::into_inner).remove(&run);
        if let Some(Run { label, bar, rows }) = run {
            bar.finish_and_clear();
            // Rows that were read and not kept would only mislead.
            match (outcome, rows) {
                ("loaded", 1) => self.note(&format!("{label}: loaded (1 row)")),
                ("loaded", _) => self.note(&format!("{label}: loaded ({rows} rows)")),
                _ => self.note(&format!("{label}: {outcome}")),
            }
        }
    }

    fn note(&self, text: &str) {
        self.bars.suspend(|| self.messages.note(text));
    }
}

/// How often a spinner turns.
const SPINNER_TICK_MS: u64 = 120;

/// Shows that something far away is being waited for. Goes when dropped.
pub struct WaitProgress {
    spinner: ProgressBar,
}

impl WaitProgress {
    /// A spinner on a terminal, else nothing.
    pub fn new(messages: &Messages, label: &str) -> Self {
        if !messages.shows_progress() {
            return Self { spinner: ProgressBar::hidden() };
        }
        let style = ProgressStyle::with_template("{spinner:.cyan} {prefix}  {msg}  {elapsed}");
        let spinner = ProgressBar::new_spinner()
            .with_style(style.expect("the template is constant"))
            .with_prefix(label.to_owned());
        spinner.enable_steady_tick(Duration::from_millis(SPINNER_TICK_MS));
        Self { spinner }
    }

    /// Says where it stands.
    pub fn stands(&self, text: &str) {
        self.spinner.set_message(text.to_owned());
    }
}

impl Drop for WaitProgress {
    fn drop(&mut self) {
        self.spinner.finish_and_clear();
    }
}

const REPORTS: &str =
    "{spinner:.cyan} {prefix:24!} {bar:24.cyan/dim} {pos:>7}/{len:<7} {eta:>5} left";

/// Shows how far reports are: documents made of those expected. Goes when dropped.
pub struct ReportProgress {
    bar: ProgressBar,
    /// Documents of one report.
    of_each: u64,
    reports_done: Cell<u64>,
}

impl ReportProgress {
    /// A bar on a terminal, else nothing.
    pub fn new(messages: &Messages, reports: usize, of_each: usize) -> Self {
        let of_each = of_each.max(1) as u64;
        if !messages.shows_progress() {
            return Self { bar: ProgressBar::hidden(), of_each, reports_done: Cell::new(0) };
        }
        let style = ProgressStyle::with_template(REPORTS).expect("the template is constant");
        let bar =
            ProgressBar::new(reports as u64 * of_each).with_style(style.progress_chars("━━╌"));
        bar.enable_steady_tick(Duration::from_millis(SPINNER_TICK_MS));
        Self { bar, of_each, reports_done: Cell::new(0) }
    }

    /// A report begins.
    pub fn report(&self, name: &str) {
        self.bar.set_prefix(name.to_owned());
    }

    /// A document of it begins. What belongs to no scope is one more than are expected.
    pub fn scope(&self) {
        let report_end = (self.reports_done.get() + 1) * self.of_each;
        self.bar.set_position((self.bar.position() + 1).min(report_end));
    }

    /// The report is made, of however many scopes had rows.
    pub fn report_done(&self) {
        self.reports_done.set(self.reports_done.get() + 1);
        self.bar.set_position(self.reports_done.get() * self.of_each);
    }

    /// The set takes its place.
    pub fn publishing(&self) {
        self.bar.set_prefix("publishing");
    }
}

impl Drop for ReportProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_forgotten_when_it_ends_and_unknown_runs_are_ignored() {
        let progress = IngestProgress::new(&Messages::silent());
        progress.run_started(1, "contoso 2026-07 ActualCost", 100);
        progress.advanced(1, 50, 7);
        progress.advanced(2, 50, 7);
        progress.run_finished(1, "loaded");
        progress.run_finished(1, "loaded");
        assert!(progress.runs.lock().unwrap().is_empty());
    }
}
