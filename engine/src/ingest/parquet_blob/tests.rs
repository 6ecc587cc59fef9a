use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Date32Array, Decimal128Array, Int64Array, ListArray,
    StringArray,
};
use arrow::datatypes::{Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::data_type::{Int96, Int96Type};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::*;
use crate::source::{ReadOptions, Store, list};

/// A blob in memory, and a runtime to read it with.
struct Place {
    runtime: tokio::runtime::Runtime,
    inner: Arc<InMemory>,
    reader: BlobReader,
    size_bytes: u64,
}

const PATH: &str = "dir/a.parquet";

fn place_of(bytes: Vec<u8>) -> Place {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let inner = Arc::new(InMemory::new());
    let store = Store::from_parts(inner.clone(), Path::from("dir"));
    let size_bytes = bytes.len() as u64;
    runtime.block_on(inner.put(&Path::from(PATH), PutPayload::from(bytes))).unwrap();
    let blob = runtime.block_on(list(&store)).unwrap().entries.remove(0);
    let options = ReadOptions { retry_delay_ms: 0, ..ReadOptions::default() };
    let reader = BlobReader::new(&store, &blob, options).unwrap();
    Place { runtime, inner, reader, size_bytes }
}

impl Place {
    /// The batches of the columns at `kept`; all of them where it is empty.
    fn read(&self, kept: &[usize]) -> Result<Vec<RecordBatch>, ParquetFault> {
        self.read_then(kept, || {})
    }

    fn read_then(
        &self,
        kept: &[usize],
        after_footer: impl FnOnce(),
    ) -> Result<Vec<RecordBatch>, ParquetFault> {
        let read_bytes = AtomicU64::new(0);
        let advanced = |bytes| {
            read_bytes.fetch_add(bytes, Ordering::Relaxed);
        };
        let handle = self.runtime.handle();
        let blob = ParquetBlob::open(&self.reader, self.size_bytes, handle, &advanced)?;
        let all = 0..blob.column_names().count();
        let kept = if kept.is_empty() { all.collect() } else { kept.iter().copied().collect() };
        after_footer();
        let mut rows = blob.rows(&kept)?;
        let (mut batches, mut count) = (Vec::new(), 0);
        while let Some((before, batch)) = rows.next()? {
            assert_eq!(before, count);
            count += batch.num_rows() as u64;
            batches.push(batch);
        }
        assert!(read_bytes.into_inner() > 0);
        Ok(batches)
    }
}

fn written(columns: Vec<(&str, ArrayRef)>, properties: WriterProperties) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

const ROWS: usize = 3_000;

/// A text, a decimal, a date and a number, in three row groups.
fn sample(version: WriterVersion) -> Vec<u8> {
    let texts = (0..ROWS).map(|row| (row % 7 > 0).then(|| format!("text {}", row % 100)));
    let amounts = (0..ROWS as i128).map(|row| row * 1_234_567_890_123);
    let amounts = Decimal128Array::from_iter_values(amounts);
    let days = Date32Array::from_iter_values((0..ROWS as i32).map(|row| 20_000 + row / 100));
    let properties = WriterProperties::builder()
        .set_writer_version(version)
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(1_200))
        .build();
    written(
        vec![
            ("text", Arc::new(texts.collect::<StringArray>())),
            ("amount", Arc::new(amounts.with_precision_and_scale(38, 18).unwrap())),
            ("day", Arc::new(days)),
            ("number", Arc::new(Int64Array::from_iter_values(0..ROWS as i64))),
        ],
        properties,
    )
}

#[test]
fn rows_come_in_order_of_the_columns_that_are_kept() {
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        let batches = place_of(sample(version)).read(&[3, 1]).unwrap();
        assert!(batches.len() > 3, "row groups and batches");
        let mut row = 0;
        for batch in batches {
            assert_eq!(batch.num_columns(), 2, "in the file's order");
            let amounts = batch.column(0).as_primitive::<Decimal128Type>();
            let numbers = batch.column(1).as_primitive::<Int64Type>();
            for at in 0..batch.num_rows() {
                assert_eq!(numbers.value(at), row);
                assert_eq!(amounts.value(at), i128::from(row) * 1_234_567_890_123);
                row += 1;
            }
        }
        assert_eq!(row, ROWS as i64);
    }
    let empty = written(
        vec![("a", Arc::new(StringArray::from(Vec::<&str>::new())))],
        WriterProperties::new(),
    );
    assert!(place_of(empty).read(&[]).unwrap().is_empty());
}

#[test]
fn requests_cover_what_is_wanted_in_bounded_pieces() {
    let content: Vec<u8> = (0..200u8).collect();
    // Overlapping, unordered, empty, and far apart.
    let far = GAP_BYTES_MAX + 201;
    let near = [50..60, 0..33, 30..45, 7..7, 60..60, 61..200];
    let wanted: Vec<_> = near.iter().cloned().chain(std::iter::once(far..far + 3)).collect();
    for step in [1, 7, 10, 1_000] {
        let mut parts = Parts::new(&wanted);
        let mut end = 0;
        for piece in pieces(&wanted, step) {
            assert!(piece.start >= end && piece.end - piece.start <= step, "{piece:?}");
            assert!(piece.end <= 200 || piece.start >= far, "the gap is not read");
            end = piece.end;
            let byte = |at| content[(at % far) as usize];
            parts.add(&piece, &piece.clone().map(byte).collect::<Vec<u8>>().into());
        }
        let found = parts.finish();
        for (range, bytes) in near.iter().zip(&found) {
            assert_eq!(bytes[..], content[range.start as usize..range.end as usize], "{range:?}");
        }
        assert_eq!(found.last().unwrap()[..], [0, 1, 2]);
    }
}

#[test]
fn instants_of_96_bits_do_not_wrap() {
    // 9999-12-31 and 2026-07-01 as Julian days, noon of the latter.
    let schema = parse_message_type("message m { required int96 at; }").unwrap();
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, Arc::new(schema), Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let noon_ns = 12 * 3_600 * 1_000_000_000u64;
    let instants = [(0, 5_373_484), (noon_ns, 2_461_223)].map(|(ns, day)| {
        let mut instant = Int96::new();
        instant.set_data(ns as u32, (ns >> 32) as u32, day);
        instant
    });
    column.typed::<Int96Type>().write_batch(&instants, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let batches = place_of(bytes).read(&[]).unwrap();
    let instants = batches[0].column(0).as_primitive::<TimestampMicrosecondType>();
    let day_us = 86_400_000_000;
    assert_eq!(instants.values()[..], [2_932_896 * day_us, 20_635 * day_us + day_us / 2]);
}

#[test]
fn texts_keep_what_they_say_whatever_the_file_calls_them() {
    use arrow::array::{BinaryArray, DictionaryArray, LargeStringArray, StringViewArray};
    let texts = vec!["a", "", "a text of more than twelve bytes"];
    let dictionary: DictionaryArray<Int32Type> = texts.iter().copied().collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("a", Arc::new(LargeStringArray::from(texts.clone()))),
        ("b", Arc::new(StringViewArray::from(texts.clone()))),
        ("c", Arc::new(dictionary)),
        ("d", Arc::new(BinaryArray::from(texts.iter().map(|t| t.as_bytes()).collect::<Vec<_>>()))),
    ];
    let batches = place_of(written(columns, WriterProperties::new())).read(&[]).unwrap();
    let batch = &batches[0];
    for column in [0, 1] {
        let column = batch.column(column).as_string_view();
        assert_eq!(column.iter().map(Option::unwrap).collect::<Vec<_>>(), texts);
    }
    assert!(can_render(batch.column(2).data_type()), "{}", batch.column(2).data_type());
    assert_eq!(batch.column(3).as_binary_view().value(2), texts[2].as_bytes());
}

#[test]
fn a_nested_column_is_refused_by_name_or_left_alone() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)]), None]);
    let columns: Vec<(&str, ArrayRef)> =
        vec![("nested", Arc::new(list)), ("number", Arc::new(Int64Array::from(vec![1, 2])))];
    let place = place_of(written(columns, WriterProperties::new()));
    let fault = place.read(&[]).unwrap_err();
    assert_eq!(fault.location().unwrap().column.as_deref(), Some("nested"));
    assert_eq!(
        place.read(&[1]).unwrap()[0].column(0).as_primitive::<Int64Type>().values()[..],
        [1, 2]
    );
}

#[test]
fn a_blob_that_changes_while_it_is_read_is_refused() {
    let place = place_of(sample(WriterVersion::PARQUET_1_0));
    let same = sample(WriterVersion::PARQUET_1_0);
    let overwrite = || {
        let path = Path::from(PATH);
        place.runtime.block_on(place.inner.put(&path, PutPayload::from(same))).unwrap();
    };
    let fault = place.read_then(&[], overwrite).unwrap_err();
    assert!(matches!(fault, ParquetFault::Source(SourceError::BlobChanged { .. })), "{fault}");
}

#[test]
fn what_is_no_parquet_file_is_said_to_be_none() {
    let whole = sample(WriterVersion::PARQUET_1_0);
    let footer_at = whole.len() - 8;
    let with_footer_length = |length: u32| {
        let mut bytes = whole.clone();
        bytes[footer_at..footer_at + 4].copy_from_slice(&length.to_le_bytes());
        bytes
    };
    let mut encrypted = whole.clone();
    encrypted[footer_at + 7] = b'E';
    let mut magic = whole.clone();
    magic[footer_at + 5] = b'?';
    for (bytes, says) in [
        (b"".to_vec(), "does not end with a footer"),
        (b"PAR1PAR1".to_vec(), "does not end with a footer"),
        (vec![0; 4096], "does not end with a footer"),
        (b"a,b\n1,2\n3,4\n".repeat(10), "does not end with a footer"),
        (whole[..whole.len() / 2].to_vec(), "does not end with a footer"),
        (whole[1..].to_vec(), "cannot be read"),
        (magic, "does not end with a footer"),
        (encrypted, "encrypted"),
        (with_footer_length(u32::MAX), "claims 4294967295 bytes"),
        (with_footer_length(whole.len() as u32), "claims"),
        (with_footer_length(0), "cannot be read"),
        (with_footer_length(7), "cannot be read"),
    ] {
        let fault = place_of(bytes).read(&[]).unwrap_err();
        assert_eq!(fault.class(), ErrorClass::BadInput);
        assert!(fault.to_string().contains(says), "{says:?} is not in: {fault}");
        assert!(fault.hint().is_some());
    }
}

/// Any damage is refused or read as rows of the right number: a file without
/// checksums cannot tell more. Nothing panics, hangs or takes the machine's memory.
#[test]
fn damage_anywhere_is_an_error_or_other_values() {
    let (mut refused, mut read) = (0, 0);
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        let whole = sample(version);
        let footer = whole.len() - 1_800;
        let positions = (0..footer).step_by(97).chain(footer..whole.len());
        for position in positions {
            for flip in [0xff, 0x80, 0x01] {
                let mut bytes = whole.clone();
                bytes[position] ^= flip;
                match place_of(bytes).read(&[]) {
                    Ok(batches) => {
                        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
                        assert_eq!(rows, ROWS, "byte {position} ^ {flip}");
                        read += 1;
                    }
                    Err(fault) => {
                        assert_eq!(fault.class(), ErrorClass::BadInput, "{position}: {fault}");
                        refused += 1;
                    }
                }
            }
        }
    }
    println!("{refused} refused, {read} read");
    assert!(refused > 500 && read > 100, "{refused} refused, {read} read");
}

#[test]
fn absurd_row_groups_are_refused_before_they_are_read() {
    let schema = parse_message_type("message m { required int64 n; }").unwrap();
    let column = Arc::new(schema);
    let descriptor = Arc::new(parquet::schema::types::SchemaDescriptor::new(column));
    let group = |stored: i64, plain: i64| {
        let chunk = ColumnChunkMetaData::builder(descriptor.column(0))
            .set_total_compressed_size(stored)
            .set_total_uncompressed_size(plain)
            .set_data_page_offset(4)
            .build()
            .unwrap();
        RowGroupMetaData::builder(Arc::clone(&descriptor))
            .set_num_rows(1)
            .set_column_metadata(vec![chunk])
            .build()
            .unwrap()
    };
    let check = |stored, plain| check_size(0, &group(stored, plain), &ProjectionMask::all());
    let (stored_max, plain_max) = (ROW_GROUP_BYTES_MAX as i64, ROW_GROUP_PLAIN_BYTES_MAX as i64);
    assert!(check(stored_max, plain_max).is_ok());
    for (stored, plain, says) in [
        (stored_max + 1, 0, "536870913 bytes stored"),
        (0, plain_max + 1, "before compression"),
        (-1, 0, "stored"),
    ] {
        let fault = check(stored, plain).unwrap_err();
        assert!(fault.to_string().contains(says), "{fault}");
    }
    assert_eq!(group(5, 5).columns()[0].compressed_size(), 5);
}
