use std::io::Write as _;
use std::num::NonZeroU64;

use super::*;
use crate::model::Compression;
use crate::source::{Limits, SourceUrl, StoreOptions, list};

/// A folder with one blob, and a runtime beside the thread that decodes.
struct OnDisk {
    folder: tempfile::TempDir,
    store: Store,
    blob: BlobEntry,
    runtime: tokio::runtime::Runtime,
}

impl OnDisk {
    fn new(content: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.csv"), content).unwrap();
        let url: SourceUrl = folder.path().to_str().unwrap().parse().unwrap();
        let store = Store::open(&url, &StoreOptions::default()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let blob = runtime.block_on(list(&store)).unwrap().entries[0].clone();
        Self { folder, store, blob, runtime }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("a.csv")
    }

    fn open(&self) -> CsvBlob {
        CsvBlob::open(&self.store, &self.blob, self.runtime.handle()).unwrap()
    }

    /// Records, after something was done when the first bytes were decoded.
    fn decode_and(&self, meddle: impl Fn()) -> Result<Vec<String>, IngestError> {
        let mut blob = self.open();
        let mut decoder = Decoder::new(Compression::None);
        let mut records = Vec::new();
        let mut take = |_: &Arc<Header>, chunk: RecordChunk| {
            let text = |raw: &[u8]| String::from_utf8(raw.to_vec()).unwrap();
            records.extend(chunk.records().map(|record| text(record.raw())));
        };
        let mut bytes = 0;
        loop {
            let read = blob.decode_next(&mut decoder, &mut take)?;
            if read == 0 {
                break;
            }
            if bytes == 0 {
                meddle();
            }
            bytes += read;
        }
        assert_eq!(bytes, self.blob.size_bytes);
        decoder.finish(&mut take).unwrap();
        Ok(records)
    }
}

/// More than several reads of a file, also when it is compressed.
fn rows() -> Vec<String> {
    let text = |row: u64| format!("{row},\"{:016x}\"", row.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    (0..200_000).map(text).collect()
}

fn csv(rows: &[String]) -> Vec<u8> {
    format!("number,text\n{}\n", rows.join("\n")).into_bytes()
}

#[test]
fn plain_and_compressed_files_are_decoded_whole() {
    let rows = rows();
    for content in [csv(&rows), gzip(&csv(&rows))] {
        let mut on_disk = OnDisk::new(&content);
        assert!(matches!(on_disk.open().bytes, BytesFrom::File(_)));
        assert!(on_disk.decode_and(|| ()).unwrap() == rows);
        // The same by the task that reads what must not come too fast.
        on_disk.store = on_disk.store.within(Limits::new(None, NonZeroU64::new(1 << 40)));
        assert!(matches!(on_disk.open().bytes, BytesFrom::Task(_)));
        assert!(on_disk.decode_and(|| ()).unwrap() == rows);
    }
}

#[test]
fn a_file_that_is_replaced_while_it_is_decoded_is_told() {
    let on_disk = OnDisk::new(&csv(&rows()));
    let other = on_disk.path().with_extension("other");
    let replaced = on_disk.decode_and(|| {
        std::fs::write(&other, csv(&rows())).unwrap();
        std::fs::rename(&other, on_disk.path()).unwrap();
    });
    let error = replaced.unwrap_err();
    assert!(matches!(error, IngestError::Source(SourceError::BlobChanged { .. })), "{error:?}");
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

/// The change is the fault, not what it looks like to a decoder: here damaged gzip.
#[test]
fn a_file_that_is_written_over_while_it_is_decoded_is_told() {
    let mut content = gzip(&csv(&rows()));
    let middle = content.len() / 2;
    assert!(middle > 600 << 10, "it is to be read in more than one piece: {middle}");
    let on_disk = OnDisk::new(&content);
    let written_over = on_disk.decode_and(|| {
        // In place: the open file sees it.
        let mut file = std::fs::File::options().write(true).open(on_disk.path()).unwrap();
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(middle as u64)).unwrap();
        file.write_all(&[0; 10_000]).unwrap();
    });
    let error = written_over.unwrap_err();
    assert!(matches!(error, IngestError::Source(SourceError::BlobChanged { .. })), "{error:?}");

    // One that was listed so is damaged.
    content[middle..middle + 10_000].fill(0);
    let error = OnDisk::new(&content).decode_and(|| ()).unwrap_err();
    let is_damage =
        matches!(error, IngestError::Decode { source: DecodeError::CorruptGzip { .. }, .. });
    assert!(is_damage, "{error:?}");
}

/// Its queue closes as that of a task that has read everything does.
#[test]
fn a_task_that_is_cut_off_is_no_end() {
    let mut on_disk = OnDisk::new(&csv(&rows()));
    on_disk.store = on_disk.store.within(Limits::new(None, NonZeroU64::new(1 << 40)));
    let mut blob = on_disk.open();
    let BytesFrom::Task(fetch) = &blob.bytes else { panic!("a paced file is read by a task") };
    fetch.task.abort();
    let mut decoder = Decoder::new(Compression::None);
    let error = loop {
        match blob.decode_next(&mut decoder, &mut |_, _| ()) {
            Ok(0) => panic!("not all was read"),
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(error, IngestError::Source(SourceError::Passing { .. })), "{error:?}");
}

#[test]
fn a_file_that_shrinks_while_it_is_decoded_is_told() {
    let on_disk = OnDisk::new(&csv(&rows()));
    let shrunk = on_disk.decode_and(|| {
        std::fs::File::options()
            .write(true)
            .open(on_disk.path())
            .unwrap()
            .set_len(700_000)
            .unwrap();
    });
    let error = shrunk.unwrap_err();
    assert!(
        matches!(
            error,
            IngestError::Source(SourceError::BlobChanged { .. } | SourceError::Truncated { .. })
        ),
        "{error:?}"
    );
}
