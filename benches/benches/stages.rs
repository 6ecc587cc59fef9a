//! One thread's speed of each stage of an ingest, by itself, over one generated file.
//!
//! `cargo bench -p costlake-benches --bench stages`. Figures are bytes of CSV per second,
//! also of the stages that no longer see CSV. Reading, Delta commits and the overlap of
//! stages are measured by `benches/bench`.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use bytes::Bytes;
use costlake_benches::generator::{GeneratorOptions, export_folder, generate};
use costlake_engine::decode::{
    Decoder, Decompressor, Header, Kernel, PIECE_BYTES_MAX, RecordChunk, RenderOptions,
    SplitOptions, Splitter, render,
};
use costlake_engine::model::{BillingMonth, Compression, DatasetType};
use costlake_engine::normalize::{NormalizeOptions, Normalizer, RowBatch, resolve};
use costlake_engine::write::{Partition, PartitionWriter, WriteOptions};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use object_store::memory::InMemory;

const DATASET: DatasetType = DatasetType::AmortizedCost;
const ROWS: u64 = 60_000;

fn month() -> BillingMonth {
    "2026-07".parse().expect("a month")
}

/// The first file of a generated month.
fn export() -> Bytes {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = GeneratorOptions {
        months: vec![month()],
        rows_per_month: ROWS,
        open_month: None,
        ..GeneratorOptions::default()
    };
    generate(folder.path(), &options, &|_| {}).expect("the generator writes to a new folder");
    let file = first_csv(&folder.path().join(export_folder(DATASET))).expect("a file of rows");
    std::fs::read(file).expect("the generated file").into()
}

fn first_csv(folder: &Path) -> Option<std::path::PathBuf> {
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries.into_iter().find_map(|path| match path.extension() {
        Some(ending) if ending == "csv" => Some(path),
        _ => first_csv(&path),
    })
}

/// As blobs arrive: in pieces.
fn pieces(bytes: &Bytes) -> impl Iterator<Item = Bytes> {
    let starts = (0..bytes.len()).step_by(PIECE_BYTES_MAX);
    starts.map(|start| bytes.slice(start..(start + PIECE_BYTES_MAX).min(bytes.len())))
}

fn decoded(bytes: &Bytes) -> (Arc<Header>, Vec<RecordChunk>) {
    let mut chunks = Vec::new();
    let mut known = None;
    let mut take = |header: &Arc<Header>, chunk: RecordChunk| {
        known = Some(Arc::clone(header));
        chunks.push(chunk);
    };
    let mut decoder = Decoder::new(Compression::None);
    pieces(bytes).for_each(|piece| decoder.push(piece, &mut take).expect("a valid export"));
    decoder.finish(&mut take).expect("a valid export");
    (known.expect("a header"), chunks)
}

/// The records as a Parquet blob would have them, were all of its columns texts.
fn as_columns(header: &Header, chunks: &[RecordChunk]) -> Vec<RecordBatch> {
    let of_chunk = |chunk: &RecordChunk| {
        let column = |field: usize| {
            let texts = chunk.records().map(|record| {
                String::from_utf8(record.field(field).text().into_owned()).expect("UTF-8")
            });
            let texts: StringArray = texts.map(Some).collect();
            (format!("column_{field}"), Arc::new(texts) as ArrayRef)
        };
        RecordBatch::try_from_iter((0..header.len()).map(column)).expect("columns of one length")
    };
    chunks.iter().map(of_chunk).collect()
}

fn normalizer(header: &Header) -> Normalizer {
    let mapping = resolve(header, DATASET).expect("a known header");
    Normalizer::new(Arc::new(mapping), NormalizeOptions::default())
}

fn stages(criterion: &mut Criterion) {
    let csv = export();
    let mut group = criterion.benchmark_group("stages");
    group.throughput(Throughput::Bytes(csv.len() as u64)).sample_size(10);

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&csv).expect("memory");
    let gzip = Bytes::from(gzip.finish().expect("memory"));
    group.bench_function("inflate", |bencher| {
        bencher.iter(|| {
            let mut bytes = 0;
            let mut decompressor = Decompressor::new(Compression::Gzip);
            let mut take = |piece: Bytes| bytes += piece.len();
            pieces(&gzip).for_each(|piece| decompressor.push(piece, &mut take).expect("gzip"));
            decompressor.finish(&mut take).expect("gzip");
            assert_eq!(bytes, csv.len());
        });
    });

    let kernels = Kernel::ALL.into_iter().filter(|kernel| *kernel != Kernel::Plain);
    for kernel in kernels.filter(|kernel| kernel.is_available()) {
        group.bench_function(format!("split, {kernel:?}"), |bencher| {
            bencher.iter(|| {
                let mut records = 0;
                let mut count = |chunk: RecordChunk| records += chunk.len();
                let options = SplitOptions { kernel, ..SplitOptions::default() };
                let mut splitter = Splitter::with_options(options);
                pieces(&csv).for_each(|piece| splitter.push(piece, &mut count).expect("CSV"));
                splitter.finish(&mut count).expect("CSV");
                records
            });
        });
    }

    let (header, chunks) = decoded(&csv);
    group.bench_function("normalize", |bencher| {
        bencher.iter(|| {
            let mut normalizer = normalizer(&header);
            let rows = |chunk| normalizer.normalize(chunk).expect("valid rows").batch.num_rows();
            chunks.iter().map(rows).sum::<usize>()
        });
    });

    let columns = as_columns(&header, &chunks);
    let fields: Vec<Option<usize>> = (0..header.len()).map(Some).collect();
    group.bench_function("render", |bencher| {
        bencher.iter(|| {
            let mut records = 0;
            for batch in &columns {
                let mut count = |chunk: RecordChunk| records += chunk.len();
                render(batch, &fields, 2, RenderOptions::default(), &mut count).expect("texts");
            }
            records
        });
    });

    let mut normalizer = normalizer(&header);
    let batches: Vec<RowBatch> =
        chunks.iter().map(|chunk| normalizer.normalize(chunk).expect("valid rows").batch).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    group.bench_function("encode", |bencher| {
        bencher.iter(|| {
            let partition =
                Partition { source: "bench".parse().expect("a name"), billing_month: month() };
            let mut writer = PartitionWriter::new(
                Arc::new(InMemory::new()),
                DATASET.column_set(),
                partition,
                "part".to_owned(),
                runtime.handle().clone(),
                WriteOptions::default(),
            );
            for batch in &batches {
                writer.write(batch).expect("memory");
            }
            writer.finish().expect("memory")
        });
    });
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
