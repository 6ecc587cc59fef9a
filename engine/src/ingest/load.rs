//! One export run from blobs to finished, uncommitted files.
//!
//! ```text
//! IO tasks      one per open blob that is not read where it is decoded: ranges, in order
//!    │ bounded queue of bytes
//! threads       one per core, each with a file of its own. Those that have a CSV blob
//!               decompress and split it, and normalize and write what comes of it at
//!               once; the others do so with what these leave to them. A Parquet blob,
//!               whose row groups are fetched whole, has a thread besides that only
//!               decodes it
//! ```
//! Every queue is bounded, so memory does not grow with the size of a month.
//! The first error stops everything; nothing that was written is committed.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use object_store::ObjectStore;
use tokio::runtime::Handle;

use super::csv_blob::CsvBlob;
use super::handover::{Handover, Maker};
use super::observer::{Observer, RunNumber};
use super::parquet_blob::{ParquetBlob, ParquetFault};
use super::{IngestError, RunFault};
use crate::commit::ledger::LedgerBlob;
use crate::decode::{Decoder, Header, RecordChunk, RenderOptions, SplitOptions, render};
use crate::discover::{ByteCheck, ExportRun, FileFormat, RunBlob};
use crate::model::{ControlTotals, ScopeType};
use crate::normalize::{DayTotals, Mapping, NormalizeOptions, Normalizer, RejectedRow, resolve};
use crate::source::{BlobReader, ReadOptions, Store};
use crate::write::{Partition, PartitionWriter, WriteOptions, WrittenFile};

/// Blobs read side by side.
const BLOBS_OPEN_MAX: usize = 4;
/// Rejected rows kept of one run. A file that yields more is the wrong file.
pub const REJECTED_ROWS_KEPT_MAX: u64 = 100_000;
/// Bytes of their text, likewise: they are in memory until the run ends.
pub const REJECTED_BYTES_KEPT_MAX: u64 = 64 << 20;

/// What a load needs.
pub(super) struct LoadInput<'a> {
    pub(super) run: &'a ExportRun,
    pub(super) source: &'a Store,
    /// Rooted at the dataset's table.
    pub(super) table_store: Arc<dyn ObjectStore>,
    pub(super) partition: Partition,
    /// Begins the name of every file; new to the table.
    pub(super) stem: String,
    pub(super) runtime: Handle,
    pub(super) workers: NonZeroUsize,
    pub(super) split_options: SplitOptions,
    pub(super) write_options: WriteOptions,
    pub(super) observer: &'a dyn Observer,
    pub(super) run_number: RunNumber,
}

/// What a load found and wrote.
#[derive(Debug, Default)]
pub(super) struct LoadOutput {
    pub(super) files: Vec<WrittenFile>,
    pub(super) totals: ControlTotals,
    /// Of the cost datasets only.
    pub(super) day_totals: DayTotals,
    pub(super) rejected: Vec<(Arc<str>, RejectedRow)>,
    pub(super) rows_outside_month: u64,
    pub(super) bytes: u64,
    pub(super) blobs: Vec<LedgerBlob>,
    pub(super) unknown_columns: Vec<String>,
    pub(super) data_version: Option<String>,
    pub(super) suggested_scope: Option<ScopeType>,
}

/// A load that did not work out: why, and what it left in the table's folder.
pub(super) struct LoadFailure {
    pub(super) fault: IngestError,
    pub(super) files: Vec<WrittenFile>,
    pub(super) rejected: Vec<(Arc<str>, RejectedRow)>,
}

/// Reads, converts and writes all blobs of a run. Blocks; call it on a thread
/// that may.
pub(super) fn load(input: &LoadInput<'_>) -> Result<LoadOutput, Box<LoadFailure>> {
    let workers = input.workers.get();
    let scanners = input.run.blobs.len().min(BLOBS_OPEN_MAX).min(workers);
    let is_parquet = |blob: &RunBlob| blob.format == FileFormat::Parquet;
    let apart = if input.run.blobs.iter().any(is_parquet) { scanners } else { 0 };
    let threads = workers + apart;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("costlake-load-{index}"))
        .build();
    let pool = match pool {
        Ok(pool) => pool,
        Err(source) => {
            let fault = IngestError::Threads { source };
            return Err(Box::new(LoadFailure { fault, files: Vec::new(), rejected: Vec::new() }));
        }
    };
    let state = State::new(input, Handover::new(threads));
    let mut makers = state.handover.makers(scanners);
    pool.in_place_scope(|scope| {
        let state = &state;
        for maker in makers.drain(..apart) {
            scope.spawn(move |_| state.scan_blobs(&mut Scanner { maker, worker: None }));
        }
        let mut makers = makers.into_iter();
        for index in 0..workers {
            let maker = makers.next();
            scope.spawn(move |_| state.work(index, maker));
        }
    });
    state.finish()
}

/// Rows on their way to a worker.
struct Work {
    blob: usize,
    mapping: Arc<Mapping>,
    rows: Rows,
}

/// Rows as a scanner finds them.
enum Rows {
    /// Of a CSV blob.
    Text(RecordChunk),
    /// Of a Parquet blob.
    Columns {
        batch: RecordBatch,
        /// Where each field of a record stands in the batch; see [`render`].
        fields: Arc<[Option<usize>]>,
        first_line: u64,
    },
}

/// What one thread of a load has of its own.
struct Worker {
    writer: PartitionWriter,
    normalizer: Option<(Arc<Mapping>, Normalizer)>,
    found: LoadOutput,
}

/// A thread that reads blobs. Without a worker it converts nothing itself.
struct Scanner<'a> {
    maker: Maker<'a, Work>,
    worker: Option<&'a mut Worker>,
}

/// Closes the handover when its thread panics: who puts work there would wait for ever.
struct Closer<'a>(&'a Handover<Work>);

impl Drop for Closer<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
    }
}

/// What the threads of one load share.
struct State<'a> {
    input: &'a LoadInput<'a>,
    handover: Handover<Work>,
    next_blob: AtomicUsize,
    rows_by_blob: Vec<AtomicU64>,
    rejected_rows: AtomicU64,
    rejected_bytes: AtomicU64,
    stopped: AtomicBool,
    fault: Mutex<Option<IngestError>>,
    mappings: Mutex<Vec<(Arc<Header>, Arc<Mapping>)>>,
    output: Mutex<LoadOutput>,
}

impl<'a> State<'a> {
    fn new(input: &'a LoadInput<'a>, handover: Handover<Work>) -> Self {
        Self {
            input,
            handover,
            next_blob: AtomicUsize::new(0),
            rows_by_blob: input.run.blobs.iter().map(|_| AtomicU64::new(0)).collect(),
            rejected_rows: AtomicU64::new(0),
            rejected_bytes: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            fault: Mutex::new(None),
            mappings: Mutex::new(Vec::new()),
            output: Mutex::new(LoadOutput::default()),
        }
    }

    /// Keeps the first fault and tells every thread to stop.
    fn fail(&self, fault: impl Into<IngestError>) {
        lock(&self.fault).get_or_insert(fault.into());
        self.stopped.store(true, Ordering::Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn scan_blobs(&self, scanner: &mut Scanner<'_>) {
        while !self.is_stopped() {
            let index = self.next_blob.fetch_add(1, Ordering::Relaxed);
            let Some(blob) = self.input.run.blobs.get(index) else { return };
            let scanned = match blob.format {
                FileFormat::Csv => self.scan_csv(index, blob, scanner),
                FileFormat::Parquet => self.scan_parquet(index, blob, scanner),
            };
            match scanned {
                Ok(bytes) => lock(&self.output).bytes += bytes,
                Err(fault) => return self.fail(fault),
            }
        }
    }

    /// Reads one blob and converts it, or leaves chunks of it to others; returns its
    /// uncompressed bytes.
    fn scan_csv(
        &self,
        index: usize,
        blob: &RunBlob,
        scanner: &mut Scanner<'_>,
    ) -> Result<u64, IngestError> {
        let name = &blob.entry.full_path;
        let mut bytes = CsvBlob::open(self.input.source, &blob.entry, &self.input.runtime)?;
        let mut decoder = Decoder::with_options(blob.compression, self.input.split_options);
        let mut mapped: Result<Option<Arc<Mapping>>, IngestError> = Ok(None);
        let mut deliver = |header: &Arc<Header>, chunk: RecordChunk| {
            let mapping = match &mapped {
                Ok(Some(mapping)) => Arc::clone(mapping),
                Ok(None) => match self.mapping(name, header) {
                    Ok(mapping) => {
                        mapped = Ok(Some(Arc::clone(&mapping)));
                        mapping
                    }
                    Err(fault) => {
                        mapped = Err(fault);
                        return;
                    }
                },
                Err(_) => return,
            };
            self.hand_on(Work { blob: index, mapping, rows: Rows::Text(chunk) }, scanner);
        };
        let mut read_bytes = 0;
        loop {
            let read = bytes.decode_next(&mut decoder, &mut deliver)?;
            if read == 0 {
                break;
            }
            read_bytes += read;
            self.input.observer.advanced(self.input.run_number, read, 0);
            if self.is_stopped() {
                return Ok(0);
            }
        }
        let end = decoder
            .finish(&mut deliver)
            .map_err(|source| IngestError::Decode { blob: name.clone(), source })?;
        if read_bytes != blob.entry.size_bytes {
            return Err(RunFault::BlobCutShort {
                blob: name.clone(),
                expected: blob.entry.size_bytes,
                found: read_bytes,
            }
            .into());
        }
        if mapped?.is_none() {
            // A file of a header alone: its columns are checked all the same.
            self.mapping(name, &end.header)?;
        }
        match blob.byte_check {
            ByteCheck::Uncompressed(expected) if expected != end.bytes => {
                Err(RunFault::UncompressedSize { blob: name.clone(), expected, found: end.bytes }
                    .into())
            }
            _ => Ok(end.bytes),
        }
    }

    /// As [`Self::scan_csv`], of a Parquet blob; returns its bytes.
    fn scan_parquet(
        &self,
        index: usize,
        blob: &RunBlob,
        scanner: &mut Scanner<'_>,
    ) -> Result<u64, IngestError> {
        let name = &blob.entry.full_path;
        let size_bytes = blob.entry.size_bytes;
        let parquet_error = |source: ParquetFault| match source {
            ParquetFault::Source(source) => IngestError::Source(source),
            source => IngestError::Parquet { blob: name.clone(), source },
        };
        // Ranges may overlap, and columns that are not kept are not read: the
        // progress of the blob ends at its size all the same.
        let left = AtomicU64::new(size_bytes);
        let advanced = |bytes: u64| {
            let before = left.load(Ordering::Relaxed);
            let bytes = bytes.min(before);
            left.store(before - bytes, Ordering::Relaxed);
            self.input.observer.advanced(self.input.run_number, bytes, 0);
        };
        let reader = BlobReader::new(self.input.source, &blob.entry, ReadOptions::default())?;
        let file = ParquetBlob::open(&reader, size_bytes, &self.input.runtime, &advanced)
            .map_err(parquet_error)?;
        let header = Header::from_names(file.column_names())
            .map_err(|source| IngestError::Decode { blob: name.clone(), source })?;
        let mapping = self.mapping(name, &Arc::new(header))?;
        let kept = mapping.kept_fields();
        let mut rows = file.rows(&kept).map_err(parquet_error)?;
        let fields: Arc<[Option<usize>]> = mapping.places_among(&kept).into();
        while let Some((rows_before, batch)) = rows.next().map_err(parquet_error)? {
            let rows = Rows::Columns {
                batch,
                fields: Arc::clone(&fields),
                // As if a header were line 1.
                first_line: rows_before + 2,
            };
            self.hand_on(Work { blob: index, mapping: Arc::clone(&mapping), rows }, scanner);
            if self.is_stopped() {
                return Ok(0);
            }
        }
        advanced(size_bytes);
        Ok(size_bytes)
    }

    /// Has work done, by another thread or here.
    fn hand_on(&self, work: Work, scanner: &mut Scanner<'_>) {
        let Scanner { maker, worker } = scanner;
        match worker {
            Some(worker) => {
                if let Some(work) = maker.offer(work) {
                    self.do_work(work, worker);
                }
            }
            None => maker.put(work),
        }
    }

    fn do_work(&self, work: Work, worker: &mut Worker) {
        // After a fault nothing is converted any more.
        if self.is_stopped() {
            return;
        }
        if let Err(fault) = self.convert(work, worker) {
            self.fail(fault);
        }
    }

    /// The mapping of a header; parts of one export share it.
    fn mapping(&self, blob: &str, header: &Arc<Header>) -> Result<Arc<Mapping>, IngestError> {
        let mut mappings = lock(&self.mappings);
        if let Some((_, mapping)) = mappings.iter().find(|(known, _)| known == header) {
            return Ok(Arc::clone(mapping));
        }
        let mapping = resolve(header, self.input.run.dataset)
            .map_err(|source| IngestError::Normalize { blob: blob.to_owned(), source })?;
        let mapping = Arc::new(mapping);
        mappings.push((Arc::clone(header), Arc::clone(&mapping)));
        Ok(mapping)
    }

    /// One thread that converts, and scans blobs before if it is a maker.
    fn work(&self, index: usize, maker: Option<Maker<'_, Work>>) {
        let _closer = Closer(&self.handover);
        let input = self.input;
        let mut worker = Worker {
            writer: PartitionWriter::new(
                Arc::clone(&input.table_store),
                input.run.dataset.column_set(),
                input.partition.clone(),
                format!("{}-{index}", input.stem),
                input.runtime.clone(),
                input.write_options,
            ),
            normalizer: None,
            found: LoadOutput::default(),
        };
        if let Some(maker) = maker {
            self.scan_blobs(&mut Scanner { maker, worker: Some(&mut worker) });
        }
        while let Some(work) = self.handover.take() {
            self.do_work(work, &mut worker);
        }
        let Worker { writer, mut found, .. } = worker;
        let finished = if self.is_stopped() { Ok(writer.abandon()) } else { writer.finish() };
        match finished {
            Ok(files) => found.files = files,
            Err(fault) => self.fail(fault),
        }
        let mut output = lock(&self.output);
        output.files.append(&mut found.files);
        output.rejected.append(&mut found.rejected);
        output.rows_outside_month += found.rows_outside_month;
        let merged = output.totals.merge(&found.totals);
        if merged.and_then(|()| output.day_totals.merge(&found.day_totals)).is_err() {
            drop(output);
            self.fail(RunFault::TotalsOverflow);
        }
    }

    fn convert(&self, work: Work, worker: &mut Worker) -> Result<(), IngestError> {
        let Worker { writer, normalizer, found } = worker;
        let (_, normalizer) = match normalizer {
            Some(current) if Arc::ptr_eq(&current.0, &work.mapping) => current,
            slot => {
                let options = NormalizeOptions {
                    month: Some(self.input.partition.billing_month),
                    ..NormalizeOptions::default()
                };
                let fresh = Normalizer::new(Arc::clone(&work.mapping), options);
                slot.insert((Arc::clone(&work.mapping), fresh))
            }
        };
        match work.rows {
            Rows::Text(chunk) => self.convert_chunk(work.blob, &chunk, normalizer, writer, found),
            Rows::Columns { batch, fields, first_line } => {
                let mut converted = Ok(());
                let options = RenderOptions::default();
                render(&batch, &fields, first_line, options, &mut |chunk| {
                    if converted.is_ok() {
                        converted =
                            self.convert_chunk(work.blob, &chunk, normalizer, writer, found);
                    }
                })
                .map_err(|source| IngestError::Decode {
                    blob: self.input.run.blobs[work.blob].entry.full_path.clone(),
                    source,
                })?;
                converted
            }
        }
    }

    fn convert_chunk(
        &self,
        index: usize,
        chunk: &RecordChunk,
        normalizer: &mut Normalizer,
        writer: &mut PartitionWriter,
        found: &mut LoadOutput,
    ) -> Result<(), IngestError> {
        let blob = &self.input.run.blobs[index].entry.full_path;
        let normalized = normalizer
            .normalize(chunk)
            .map_err(|source| IngestError::Normalize { blob: blob.clone(), source })?;
        let rejected = normalized.rejected.len() as u64;
        let rows = normalized.batch.num_rows() as u64;
        self.rows_by_blob[index].fetch_add(rows + rejected, Ordering::Relaxed);
        let texts = normalized.rejected.iter().map(|row| row.raw_text.len() as u64);
        let bytes: u64 = texts.sum();
        let kept = self.rejected_rows.fetch_add(rejected, Ordering::Relaxed) + rejected;
        let bytes = self.rejected_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if kept > REJECTED_ROWS_KEPT_MAX || bytes > REJECTED_BYTES_KEPT_MAX {
            return Err(RunFault::RejectedBeyondCounting { kept, bytes }.into());
        }
        if rejected > 0 {
            let name: Arc<str> = Arc::from(blob.as_str());
            let rows = normalized.rejected.into_iter().map(|row| (Arc::clone(&name), row));
            found.rejected.extend(rows);
        }
        found.rows_outside_month += normalized.rows_outside_month;
        found.totals.merge(&normalized.totals).map_err(|_| RunFault::TotalsOverflow)?;
        if self.input.run.dataset.is_cost() {
            found.day_totals.add(&normalized.batch).map_err(|_| RunFault::TotalsOverflow)?;
        }
        writer.write(&normalized.batch)?;
        self.input.observer.advanced(self.input.run_number, 0, rows);
        Ok(())
    }

    fn finish(self) -> Result<LoadOutput, Box<LoadFailure>> {
        let mut output = self.output.into_inner().unwrap_or_else(PoisonError::into_inner);
        output.rejected.sort_by(|(left, left_row), (right, right_row)| {
            (left, left_row.line).cmp(&(right, right_row.line))
        });
        if let Some(fault) = self.fault.into_inner().unwrap_or_else(PoisonError::into_inner) {
            let LoadOutput { files, rejected, .. } = output;
            return Err(Box::new(LoadFailure { fault, files, rejected }));
        }
        output.files.sort_by(|left, right| left.path.cmp(&right.path));
        output.blobs = self
            .input
            .run
            .blobs
            .iter()
            .zip(self.rows_by_blob)
            .map(|(blob, rows)| LedgerBlob {
                name: blob.entry.full_path.clone(),
                etag: blob.entry.etag.clone(),
                size_bytes: blob.entry.size_bytes,
                rows: rows.into_inner(),
            })
            .collect();
        for (_, mapping) in self.mappings.into_inner().unwrap_or_else(PoisonError::into_inner) {
            output.unknown_columns.extend(mapping.unknown_columns().iter().cloned());
            output.data_version = Some(mapping.version().to_owned());
            output.suggested_scope = mapping.suggested_scope_type();
        }
        output.unknown_columns.sort();
        output.unknown_columns.dedup();
        Ok(output)
    }
}

/// A poisoned lock means that a thread of this load panicked; rayon passes the
/// panic on when the scope ends, so the value is never used afterwards.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
