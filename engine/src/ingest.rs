//! The conductor: the only module that joins the stages.
//!
//! Input: a source's export URLs and a lake. Output: an [`IngestReport`] that
//! says for every month what happened. A month is replaced as a whole or not at
//! all; what cannot be loaded is refused with the reason and leaves the month as
//! it was. Never prints and never reads the environment; the clock only to tell how
//! long a load took.

mod csv_blob;
mod handover;
mod load;
mod observer;
pub(crate) mod parquet_blob;
mod report;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use deltalake::DeltaTable;
use futures::future::join_all;
use tokio::runtime::Handle;

pub use load::REJECTED_ROWS_KEPT_MAX;
pub use observer::{Observer, RunNumber, Silent};
pub use parquet_blob::ParquetFault;
pub use report::{IngestError, IngestReport, LoadedMonth, MonthReport, Outcome, RunFault};

use crate::commit::ledger::{
    self, LedgerEntry, LedgerTotals, Rejections, append_entry, recover_entry,
};
use crate::commit::replace::{MonthReplacement, loaded_version, replace_month};
use crate::commit::{CommitError, Lake, LakeTable};
use crate::decode::SplitOptions;
use crate::discover::{
    ChooseOptions, DiscoverError, ExportRun, Listing, ManifestBody, MonthChoice, MonthOutcome,
    RunNote, candidates, choose, load_key, load_version, shows_runs,
};
use crate::model::date::DAY_US;
use crate::model::{BillingMonth, DatasetType, Scope, SourceName};
use crate::source::{Limits, SourceError, SourceUrl, Store, StoreOptions, fetch_manifests, list};
use crate::write::{Partition, WriteOptions, discard};
use load::{LoadFailure, LoadInput, LoadOutput, load};

/// When a month that holds the chosen run already is loaded again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reload {
    /// Only when the run or its blobs differ from what the month holds.
    #[default]
    IfChanged,
    /// Always.
    Always,
}

/// What to ingest.
#[derive(Clone, Debug)]
pub struct IngestRequest {
    /// Name of the bill connect.
    pub source: SourceName,
    /// Its scope, if it is to override what manifests and columns tell.
    pub scope: Option<Scope>,
    /// Export URLs by dataset type.
    pub exports: Vec<(DatasetType, SourceUrl)>,
    /// Only these months; else every month found.
    pub months: Option<BTreeSet<BillingMonth>>,
    /// Without `months`: earlier ones are left alone, and from it on every month is
    /// expected.
    pub first_month: Option<BillingMonth>,
    /// Whether to load what is loaded already.
    pub reload: Reload,
    /// A month with more rejected rows than this is not replaced.
    pub rejected_rows_max: u64,
    /// The present, microseconds since the epoch, UTC.
    pub now_us: i64,
}

/// How to do it.
#[derive(Clone, Debug, Default)]
pub struct IngestOptions {
    /// Threads that convert and write; the machine's cores by default.
    pub workers: Option<NonZeroUsize>,
    /// How CSV is split.
    pub split: SplitOptions,
    /// How files are written.
    pub write: WriteOptions,
    /// Object store options of the export URLs, named as `object_store` does.
    pub store: StoreOptions,
    /// What downloads may take of the network.
    pub limits: Limits,
}

/// Times a listing is made again because a run went away under it: an export that
/// overwrites deletes its last run when the next is there.
const LISTINGS_AGAIN_MAX: u32 = 2;

/// Ingests every month of the request. Months are independent: one that is
/// refused does not keep the others from being loaded.
///
/// # Errors
/// Before anything is changed: when an export URL cannot be listed or several
/// exports answer to it, or when the lake cannot be opened. What goes wrong with
/// a single month is in its [`MonthReport`].
pub async fn ingest(
    lake: &Lake,
    request: &IngestRequest,
    options: &IngestOptions,
    observer: Arc<dyn Observer>,
) -> Result<IngestReport, IngestError> {
    let mut plans = Vec::new();
    for (dataset, url) in &request.exports {
        plans.push(plan(*dataset, url, request, options).await?);
    }
    let asked = request.exports.iter().map(|(dataset, _)| LakeTable::from(*dataset));
    let tables: BTreeSet<LakeTable> = LakeTable::ALWAYS.into_iter().chain(asked).collect();
    // Of several faults, always the same one is told.
    let ensured = join_all(tables.into_iter().map(|table| lake.ensure_exists(table))).await;
    ensured.into_iter().collect::<Result<Vec<()>, _>>()?;
    let mut report = IngestReport::default();
    for plan in plans {
        report.unplaced.extend(plan.unplaced);
        for choice in plan.months {
            let conductor = Conductor { lake, request, options, observer: Arc::clone(&observer) };
            let number = report.months.len() as RunNumber;
            let month = conductor.newest(&plan.export, &plan.store, choice, number).await;
            report.months.push(month);
        }
    }
    Ok(report)
}

/// One export, listed and chosen from.
struct Plan {
    export: (DatasetType, SourceUrl),
    store: Store,
    months: Vec<MonthChoice>,
    unplaced: Vec<RunNote>,
}

async fn plan(
    dataset: DatasetType,
    url: &SourceUrl,
    request: &IngestRequest,
    options: &IngestOptions,
) -> Result<Plan, IngestError> {
    let store = Store::open(url, &options.store)?.within(options.limits.clone());
    let (listing, manifests) = look(&store, request).await?;
    let choose_options = ChooseOptions {
        months: request.months.clone(),
        first_month: request.first_month,
        today: Some(days_of(request.now_us)),
    };
    let chosen = choose(candidates(&listing, &manifests), dataset, &choose_options);
    let (months, unplaced) = match (chosen, &request.months) {
        (Ok(selection), _) => (selection.months, selection.unplaced),
        // The export is there, but has no run of any month asked for.
        (Err(DiscoverError::NoRun), Some(months)) if shows_runs(&listing) => {
            let missing =
                |&month| MonthChoice { month, outcome: MonthOutcome::Missing, notes: Vec::new() };
            (months.iter().map(missing).collect(), Vec::new())
        }
        (Err(source), _) => return Err(IngestError::Choose { url: url.to_string(), source }),
    };
    Ok(Plan { export: (dataset, url.clone()), store, months, unplaced })
}

/// Listing and manifests of one moment. A manifest that goes away in between shows
/// that the export is just being replaced: then both are looked at again.
async fn look(
    store: &Store,
    request: &IngestRequest,
) -> Result<(Listing, Vec<ManifestBody>), SourceError> {
    let mut again = 0;
    loop {
        let listing = list(store).await?;
        match fetch_manifests(store, &listing, request.months.as_ref()).await {
            Ok(manifests) => return Ok((listing, manifests)),
            Err(error) if is_replaced(&error) && again < LISTINGS_AGAIN_MAX => again += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Whether a blob is not what was listed any more.
fn is_replaced(error: &SourceError) -> bool {
    matches!(error, SourceError::BlobVanished { .. } | SourceError::BlobChanged { .. })
}

/// Whether the run of a month has a manifest.
fn is_vouched(outcome: &MonthOutcome) -> bool {
    matches!(outcome, MonthOutcome::Load(run) if run.manifest.is_some())
}

/// Days since 1970-01-01 of an instant.
fn days_of(now_us: i64) -> i32 {
    i32::try_from(now_us.div_euclid(DAY_US)).expect("the present lies within millions of years")
}

/// What every month of a request shares.
struct Conductor<'a> {
    lake: &'a Lake,
    request: &'a IngestRequest,
    options: &'a IngestOptions,
    observer: Arc<dyn Observer>,
}

impl Conductor<'_> {
    /// A month by its newest run. A run that is replaced while it is read is given up
    /// whole, and the one in its place is read instead: a daily export that overwrites
    /// would else refuse a load that happens to run beside it.
    async fn newest(
        &self,
        (dataset, url): &(DatasetType, SourceUrl),
        store: &Store,
        choice: MonthChoice,
        number: RunNumber,
    ) -> MonthReport {
        let month = choice.month;
        let was_vouched = is_vouched(&choice.outcome);
        let mut report = self.month(*dataset, store, choice, number).await;
        for _ in 0..LISTINGS_AGAIN_MAX {
            let replaced = match &report.outcome {
                Outcome::Failed(fault) => {
                    matches!(&**fault, IngestError::Source(error) if is_replaced(error))
                }
                _ => false,
            };
            if !replaced {
                break;
            }
            // What the listing cannot tell any more, the first report does. It is asked
            // for as before: one month alone would make files its own that are nobody's.
            let Ok(plan) = plan(*dataset, url, self.request, self.options).await else { break };
            let mut chosen = plan.months.into_iter();
            let Some(choice) = chosen.find(|choice| choice.month == month) else { break };
            // What nothing vouches for does not take the place of a run.
            if was_vouched && !is_vouched(&choice.outcome) {
                break;
            }
            let text =
                format!("{} {month}: replaced while it was read; read anew", dataset.table_name());
            self.observer.note(&text);
            report = self.month(*dataset, store, choice, number).await;
        }
        report
    }

    async fn month(
        &self,
        dataset: DatasetType,
        store: &Store,
        choice: MonthChoice,
        number: RunNumber,
    ) -> MonthReport {
        let MonthChoice { month, outcome, notes } = choice;
        let (run_id, outcome) = match outcome {
            MonthOutcome::Missing => (None, Outcome::Missing),
            MonthOutcome::Refused(note) => (Some(note.run_id.clone()), Outcome::Refused(note)),
            MonthOutcome::Load(run) => {
                let label = format!("{} {month}", dataset.table_name());
                self.observer.run_started(number, &label, run.size_bytes());
                let outcome = match self.apply(&run, store, number).await {
                    Ok(outcome) => outcome,
                    Err(fault) => Outcome::Failed(Box::new(fault)),
                };
                self.observer.run_finished(number, outcome.word());
                (Some(run.run_id.clone()), outcome)
            }
        };
        MonthReport { dataset, month, run_id, outcome, notes }
    }

    /// Brings one month of one cost table to what the run says.
    async fn apply(
        &self,
        run: &ExportRun,
        store: &Store,
        number: RunNumber,
    ) -> Result<Outcome, IngestError> {
        let table = LakeTable::from(run.dataset);
        let partition = Partition { source: self.request.source.clone(), billing_month: run.month };
        // The snapshot the month is planned on: whatever is committed to the
        // month after this line makes our own commit fail.
        let base = self.lake.ensure_table(table).await?;
        let holds = loaded_version(&base, table, &partition).await?;
        if let Some(held) = holds {
            self.repair_ledger(&base, run.dataset, &partition, held).await?;
            if self.request.reload == Reload::IfChanged
                && !self.replaces(&base, run, &partition, held).await?
            {
                return Ok(Outcome::Unchanged);
            }
        }
        let stem = format!("{}-{}", &load_key(run)[..16], uuid::Uuid::new_v4().simple());
        let started = std::time::Instant::now();
        let loaded = self.load(run, store, &base, &partition, &stem, number).await?;
        let output = match loaded {
            Ok(output) => output,
            Err(failure) => {
                let LoadFailure { fault, files, rejected } = *failure;
                discard(base.log_store().object_store(None).as_ref(), &files).await;
                self.keep_rejections(run, &partition, &rejected, holds).await?;
                return Err(fault);
            }
        };
        let files = output.files.clone();
        let duration_ms = started.elapsed().as_millis() as u64;
        let committed = match self.check(run, &output) {
            Ok(()) => self.commit(run, &base, &partition, &output, duration_ms).await,
            Err(fault) => Err(fault.into()),
        };
        if committed.is_err() && !self.is_ours(table, &partition, &stem).await {
            discard(base.log_store().object_store(None).as_ref(), &files).await;
        }
        // Also after a refusal: the rows are the reason, and must not vanish.
        if !matches!(&committed, Err(fault) if fault.is_conflict()) {
            let stands = if committed.is_ok() { None } else { holds };
            self.keep_rejections(run, &partition, &output.rejected, stands).await?;
        }
        let entry = match committed {
            Ok(entry) => entry,
            Err(fault) if fault.is_conflict() => {
                return self.after_conflict(run, &partition, fault).await;
            }
            Err(fault) => return Err(fault),
        };
        append_entry(self.lake, &partition, &entry, load_version(run), holds).await?;
        Ok(Outcome::Loaded(Box::new(LoadedMonth {
            rows: entry.rows,
            bytes: entry.bytes,
            rejected_rows: entry.rejected_rows,
            rows_outside_month: entry.rows_outside_month,
            unknown_columns: entry.unknown_columns,
            control_totals: output.totals,
            duration_ms,
            table_version: entry.table_version.expect("set by the commit"),
        })))
    }

    async fn load(
        &self,
        run: &ExportRun,
        store: &Store,
        base: &DeltaTable,
        partition: &Partition,
        stem: &str,
        number: RunNumber,
    ) -> Result<Result<LoadOutput, Box<LoadFailure>>, IngestError> {
        let run = run.clone();
        let store = store.clone();
        let table_store = base.log_store().object_store(None);
        let partition = partition.clone();
        let stem = stem.to_owned();
        let runtime = Handle::current();
        let workers = self.options.workers.unwrap_or_else(cores);
        let write_options = self.options.write;
        let split_options = self.options.split;
        let observer = Arc::clone(&self.observer);
        let task = tokio::task::spawn_blocking(move || {
            load(&LoadInput {
                run: &run,
                source: &store,
                table_store,
                partition,
                stem,
                runtime,
                workers,
                split_options,
                write_options,
                observer: observer.as_ref(),
                run_number: number,
            })
        });
        match task.await {
            Ok(loaded) => Ok(loaded),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// The last look before the commit: is it all there, and is it clean enough?
    fn check(&self, run: &ExportRun, output: &LoadOutput) -> Result<(), RunFault> {
        for (blob, read) in run.blobs.iter().zip(&output.blobs) {
            if let Some(expected) = blob.data_row_count
                && expected != read.rows
            {
                return Err(RunFault::RowCount {
                    blob: Some(read.name.clone()),
                    expected,
                    found: read.rows,
                });
            }
        }
        let found = output.blobs.iter().map(|blob| blob.rows).sum();
        if let Some(expected) = run.data_row_count()
            && expected != found
        {
            return Err(RunFault::RowCount { blob: None, expected, found });
        }
        let rejected = output.rejected.len() as u64;
        if rejected > self.request.rejected_rows_max {
            let (blob, first) = output.rejected[0].clone();
            return Err(RunFault::Rejected {
                rejected,
                allowed: self.request.rejected_rows_max,
                blob: blob.to_string(),
                first: Box::new(first),
            });
        }
        Ok(())
    }

    async fn commit(
        &self,
        run: &ExportRun,
        base: &DeltaTable,
        partition: &Partition,
        output: &LoadOutput,
        duration_ms: u64,
    ) -> Result<LedgerEntry, IngestError> {
        if run.dataset.is_cost() {
            let totals = ledger::LoadTotals {
                dataset: run.dataset,
                partition,
                load_key: &load_key(run),
                load_version: load_version(run),
                totals: &output.day_totals,
                now_us: self.request.now_us,
            };
            ledger::append_load_totals(self.lake, &totals).await?;
        }
        let mut entry = self.entry(run, partition, output, duration_ms);
        let load_info = serde_json::to_value(&entry).expect("an entry is plain data");
        let replacement = MonthReplacement {
            table: LakeTable::from(run.dataset),
            partition,
            files: &output.files,
            load_version: load_version(run),
            load_info,
            now_ms: self.request.now_us / 1_000,
        };
        entry.table_version = Some(replace_month(base, replacement).await?);
        Ok(entry)
    }

    fn entry(
        &self,
        run: &ExportRun,
        partition: &Partition,
        output: &LoadOutput,
        duration_ms: u64,
    ) -> LedgerEntry {
        let scope = self.request.scope.as_ref().or(run.scope.as_ref());
        let scope_type = scope.map(|scope| scope.scope_type).or(output.suggested_scope);
        LedgerEntry {
            source: partition.source.to_string(),
            dataset: run.dataset.table_name().to_owned(),
            billing_month: partition.billing_month.to_string(),
            run_id: run.run_id.clone(),
            load_key: load_key(run),
            scope_type: scope_type.map(|scope_type| scope_type.name().to_owned()),
            scope_id: scope.and_then(|scope| scope.id.clone()),
            data_version: run.data_version.clone().or_else(|| output.data_version.clone()),
            export_name: run.export_name.clone(),
            manifest: run.manifest_path.clone(),
            manifest_row_count: run.manifest.as_ref().and_then(|_| run.data_row_count()),
            blobs: output.blobs.clone(),
            rows: output.totals.rows(),
            rejected_rows: output.rejected.len() as u64,
            rows_outside_month: output.rows_outside_month,
            bytes: output.bytes,
            control_totals: LedgerTotals::of(run.dataset, &output.totals),
            unknown_columns: output.unknown_columns.clone(),
            submitted_at_us: run.submitted_at_ms.map(|submitted| submitted * 1_000),
            loaded_at_us: self.request.now_us,
            duration_ms,
            table_version: None,
            costlake_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Whether the run is to take the place of what the month holds.
    ///
    /// # Errors
    /// [`RunFault::OlderRun`] when the month holds a run that Azure submitted later:
    /// that one was complete, and the month keeps it.
    async fn replaces(
        &self,
        base: &DeltaTable,
        run: &ExportRun,
        partition: &Partition,
        held: i64,
    ) -> Result<bool, IngestError> {
        let same_run = held == load_version(run);
        if same_run && self.request.scope.is_none() {
            return Ok(false);
        }
        let Some(entry) = recover_entry(base, run.dataset, partition).await? else {
            return Ok(!same_run);
        };
        if same_run {
            // The ledger says at which scope the source sees the bill.
            let told = self.request.scope.as_ref().map(|scope| scope.scope_type.name());
            return Ok(entry.scope_type.as_deref() != told);
        }
        let Some(held_submitted_us) = entry.submitted_at_us else { return Ok(true) };
        let submitted_us = run.submitted_at_ms.map(|submitted| submitted * 1_000);
        if submitted_us.is_none_or(|submitted| submitted < held_submitted_us) {
            return Err(RunFault::OlderRun { held: entry.run_id }.into());
        }
        Ok(true)
    }

    /// Makes `rejected_rows` say what the latest attempt rejected; `stands` is the
    /// load that the month holds on to, whose rejected rows stay.
    async fn keep_rejections(
        &self,
        run: &ExportRun,
        partition: &Partition,
        rows: &[(Arc<str>, crate::normalize::RejectedRow)],
        stands: Option<i64>,
    ) -> Result<(), IngestError> {
        if stands == Some(load_version(run)) {
            // The same run, loaded before: what it rejected then is there.
            return Ok(());
        }
        let base = self.lake.ensure_table(LakeTable::RejectedRows).await?;
        let rejections = Rejections {
            dataset: run.dataset,
            partition,
            run_id: &run.run_id,
            load_key: &load_key(run),
            rows,
            stands,
            now_us: self.request.now_us,
        };
        Ok(ledger::replace_rejections(&base, &rejections).await?)
    }

    /// A crash may have come between a month's commit and its ledger row.
    async fn repair_ledger(
        &self,
        cost: &DeltaTable,
        dataset: DatasetType,
        partition: &Partition,
        held: i64,
    ) -> Result<(), IngestError> {
        let runs = self.lake.ensure_table(LakeTable::IngestRuns).await?;
        if ledger::has_entry(&runs, dataset, partition, held).await? {
            return Ok(());
        }
        if let Some(entry) = recover_entry(cost, dataset, partition).await? {
            append_entry(self.lake, partition, &entry, held, None).await?;
            self.observer.note(&format!(
                "{} {}: wrote the ledger row that an interrupted ingest left out",
                dataset.table_name(),
                partition.billing_month
            ));
        }
        Ok(())
    }

    /// Somebody else changed the month first. If it now holds the very run we
    /// wanted, there is nothing left to do; else it is for the user to decide.
    async fn after_conflict(
        &self,
        run: &ExportRun,
        partition: &Partition,
        fault: IngestError,
    ) -> Result<Outcome, IngestError> {
        let table = LakeTable::from(run.dataset);
        let now = self.lake.ensure_table(table).await?;
        let held = loaded_version(&now, table, partition).await?;
        if held == Some(load_version(run)) {
            self.repair_ledger(&now, run.dataset, partition, load_version(run)).await?;
            return Ok(Outcome::Unchanged);
        }
        Err(fault)
    }

    /// Whether the table names files of ours after all: the reply to a commit
    /// can get lost although the commit was made.
    async fn is_ours(&self, table: LakeTable, partition: &Partition, stem: &str) -> bool {
        let prefix = format!("{}/{stem}", partition.folder());
        let Ok(Some(now)) = self.lake.table(table).await else {
            // Unknown: leave the files to vacuum rather than risk a live one.
            return true;
        };
        let Ok(mut files) = now.get_file_uris() else { return true };
        files.any(|uri| uri.contains(&prefix))
    }
}

fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

impl From<CommitError> for IngestError {
    fn from(source: CommitError) -> Self {
        Self::Commit(source)
    }
}
