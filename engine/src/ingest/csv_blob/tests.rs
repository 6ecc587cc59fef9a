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

/// More than several reads of a file, and than the queue of pieces.
fn rows() -> Vec<String> {
    (0..200_000).map(|row| format!("{row},\"a text of some length, row {row}\"")).collect()
}

fn csv(rows: &[String]) -> Vec<u8> {
    format!("number,text\n{}\n", rows.join("\n")).into_bytes()
}

#[test]
fn plain_and_compressed_files_are_decoded_whole() {
    let rows = rows();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&csv(&rows)).unwrap();
    for content in [csv(&rows), gzip.finish().unwrap()] {
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

/// The change is the fault, not what it looks like to a decoder.
#[test]
fn a_file_that_is_written_over_while_it_is_decoded_is_told() {
    let content = csv(&rows());
    let on_disk = OnDisk::new(&content);
    let written_over = on_disk.decode_and(|| {
        // In place: the open file sees it, as a quote that nobody closes.
        let mut file = std::fs::File::options().write(true).open(on_disk.path()).unwrap();
        file.write_all(b"\"").unwrap();
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(1 << 20)).unwrap();
        file.write_all(&vec![b'x'; content.len() - (1 << 20)]).unwrap();
    });
    let error = written_over.unwrap_err();
    assert!(matches!(error, IngestError::Source(SourceError::BlobChanged { .. })), "{error:?}");
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
