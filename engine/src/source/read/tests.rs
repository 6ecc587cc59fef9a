use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::{
    CopyOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};

use super::super::listing::{fetch_manifests, list};
use super::super::url::SourceUrl;
use super::super::{Limits, Store, StoreOptions};
use super::*;
use crate::discover::ListingRoot;
use crate::error::Fault;

/// Small ranges, so that every test crosses boundaries; no pauses.
const SMALL: ReadOptions = ReadOptions {
    range_size_bytes: 7,
    ranges_in_flight: 3,
    range_retries_max: 2,
    retry_delay_ms: 0,
    stall_ms_max: 60_000,
};

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// What a faulty store does to reads.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fails {
    /// Requests fail with this status, this many times.
    Status(u16, u32),
    /// Neither ETags nor conditions.
    NoEtags,
    /// Half of the range is sent.
    Short,
    /// It takes several looks until a request is answered, as with a network.
    Slow,
}

/// A store in memory that fails on purpose.
#[derive(Debug)]
struct Faulty {
    inner: Arc<InMemory>,
    fault: Fails,
    gets: AtomicU32,
    /// Requests that are answered.
    answered: Arc<tokio::sync::Semaphore>,
}

impl std::fmt::Display for Faulty {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(
        &self,
        location: &Path,
        mut options: GetOptions,
    ) -> object_store::Result<GetResult> {
        let get = self.gets.fetch_add(1, Ordering::Relaxed);
        match self.fault {
            Fails::Status(status, times) if get < times => {
                let text = format!("Server returned non-2xx status code: {status}: sig=SECRET");
                return Err(object_store::Error::Generic { store: "Faulty", source: text.into() });
            }
            Fails::Short => {
                if let Some(object_store::GetRange::Bounded(range)) = &mut options.range {
                    range.end = range.start + (range.end - range.start) / 2;
                }
            }
            Fails::NoEtags => options.if_match = None,
            Fails::Slow => {
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
            }
            Fails::Status(..) => {}
        }
        let mut found = self.inner.get_opts(location, options).await?;
        self.answered.add_permits(1);
        if self.fault == Fails::NoEtags {
            found.meta.e_tag = None;
        }
        Ok(found)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        let no_etags = self.fault == Fails::NoEtags;
        let listed = self.inner.list(prefix).map(move |meta| {
            meta.map(|meta| if no_etags { ObjectMeta { e_tag: None, ..meta } } else { meta })
        });
        listed.boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(
        &self,
        from: &Path,
        to: &Path,
        options: CopyOptions,
    ) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251) as u8).collect()
}

/// One blob of a store in memory with a fault, listed before `change` is made.
fn listed_then(fault: Fails, length: usize) -> (Arc<InMemory>, Store, BlobEntry) {
    counted(fault, length, Arc::new(tokio::sync::Semaphore::new(0)))
}

/// The same, with a permit for every answered request.
fn counted(
    fault: Fails,
    length: usize,
    answered: Arc<tokio::sync::Semaphore>,
) -> (Arc<InMemory>, Store, BlobEntry) {
    let inner = Arc::new(InMemory::new());
    let faulty = Faulty { inner: Arc::clone(&inner), fault, gets: AtomicU32::new(0), answered };
    let store = Store::from_parts(Arc::new(faulty), Path::from("dir"));
    put(&inner, &content(length));
    let listing = run(list(&store)).unwrap();
    assert_eq!(listing.root, ListingRoot::Directory);
    let blob = listing.entries[0].clone();
    assert_eq!((blob.path.as_str(), blob.full_path.as_str()), ("a.csv", "dir/a.csv"));
    (inner, store, blob)
}

fn put(inner: &InMemory, bytes: &[u8]) {
    let path = Path::from("dir/a.csv");
    run(inner.put(&path, PutPayload::from(bytes.to_vec()))).unwrap();
}

fn read(store: &Store, blob: &BlobEntry) -> Result<Vec<u8>, SourceError> {
    let reader = BlobReader::new(store, blob, SMALL).unwrap();
    let chunks: Vec<_> = run(reader.stream().collect());
    let mut bytes = Vec::new();
    for chunk in chunks {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

#[test]
fn blobs_of_every_length_around_the_range_are_read_in_order() {
    for length in [0, 1, 6, 7, 8, 13, 14, 15, 100] {
        let (_, store, blob) = listed_then(Fails::Status(0, 0), length);
        assert_eq!(read(&store, &blob).unwrap(), content(length), "{length}");
    }
}

#[test]
fn the_channel_serves_a_plain_thread() {
    let (_, store, blob) = listed_then(Fails::Status(0, 0), 100);
    let reader = BlobReader::new(&store, &blob, SMALL).unwrap();
    let (sink, mut chunks) = tokio::sync::mpsc::channel::<Result<Bytes, SourceError>>(1);
    let receiver = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.blocking_recv() {
            bytes.extend_from_slice(&chunk.unwrap());
        }
        bytes
    });
    assert_eq!(run(reader.send(0, sink)), Some(100));
    assert_eq!(receiver.join().unwrap(), content(100));

    let (sink, chunks) = tokio::sync::mpsc::channel(1);
    drop(chunks);
    assert_eq!(run(BlobReader::new(&store, &blob, SMALL).unwrap().send(0, sink)), None);
}

/// A file on disk, and its blob as listed.
struct OnDisk {
    folder: tempfile::TempDir,
    store: Store,
    blob: BlobEntry,
}

impl OnDisk {
    fn new(content: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.csv"), content).unwrap();
        let store = local(folder.path()).unwrap();
        let blob = run(list(&store)).unwrap().entries[0].clone();
        Self { folder, store, blob }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("a.csv")
    }

    fn open(&self) -> Option<LocalFile> {
        run(BlobReader::new(&self.store, &self.blob, SMALL).unwrap().open_file())
    }

    /// What [`BlobReader::send`] has to say after so many bytes: the rest, or the fault.
    fn rest(&self, from: u64) -> Result<Vec<u8>, SourceError> {
        let (sink, mut chunks) = tokio::sync::mpsc::channel(100);
        let sent = run(BlobReader::new(&self.store, &self.blob, SMALL).unwrap().send(from, sink));
        let mut rest = Vec::new();
        let mut fault = None;
        while let Ok(chunk) = chunks.try_recv() {
            match chunk {
                Ok(chunk) => rest.extend_from_slice(&chunk),
                Err(error) => fault = Some(error),
            }
        }
        assert_eq!(sent, fault.is_none().then_some(rest.len() as u64));
        fault.map_or(Ok(rest), Err)
    }
}

/// Reads at most `step` bytes at a time until there are none.
fn read_file(file: &mut LocalFile, step: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let before = bytes.len();
        let read = file.read(&mut bytes, step);
        assert!(read <= step && read == bytes.len() - before);
        assert_eq!(file.position(), bytes.len() as u64);
        if read == 0 {
            return bytes;
        }
    }
}

#[test]
fn a_file_on_disk_is_read_in_order_to_its_end() {
    for length in [0, 1, 6, 7, 8, 13, 14, 15, 100] {
        let on_disk = OnDisk::new(&content(length));
        let mut file = on_disk.open().unwrap();
        assert_eq!(read_file(&mut file, 7), content(length), "{length}");
        assert_eq!(on_disk.rest(length as u64), Ok(Vec::new()), "{length}");
    }
}

#[test]
fn ranges_go_on_where_a_file_on_disk_was_left() {
    let on_disk = OnDisk::new(&content(100));
    let mut file = on_disk.open().unwrap();
    let mut bytes = Vec::new();
    file.read(&mut bytes, 30);
    bytes.extend(on_disk.rest(file.position()).unwrap());
    assert_eq!(bytes, content(100));
}

#[test]
fn a_file_on_disk_counts_in_its_listed_version_only() {
    for (length, read) in [(60, 60), (101, 100)] {
        let on_disk = OnDisk::new(&content(100));
        let mut opened = on_disk.open().unwrap();
        std::fs::write(on_disk.path(), content(length)).unwrap();
        // Another version is not opened; where it came later, the end tells.
        assert!(on_disk.open().is_none());
        assert_eq!(read_file(&mut opened, 7).len(), read);
        for from in [0, read as u64] {
            let fault = on_disk.rest(from).unwrap_err();
            let is_told = matches!(fault, SourceError::BlobChanged { .. })
                || length < 100 && matches!(fault, SourceError::Truncated { .. });
            assert!(is_told, "{from} of {length}: {fault:?}");
        }
    }
}

/// It is read from one handle, so what takes its name meanwhile is not mixed into it.
#[test]
fn a_file_on_disk_that_is_deleted_is_read_to_its_end_and_refused() {
    let on_disk = OnDisk::new(&content(100));
    let mut file = on_disk.open().unwrap();
    let mut bytes = Vec::new();
    file.read(&mut bytes, 7);
    std::fs::remove_file(on_disk.path()).unwrap();
    while file.read(&mut bytes, 7) > 0 {}
    assert_eq!(bytes, content(100));
    assert!(matches!(on_disk.rest(100), Err(SourceError::BlobVanished { .. })));
}

/// One whose listing told another length, as if it shrank while it was read: it is read
/// as far as it goes, then refused.
#[test]
fn a_file_on_disk_that_ends_too_early_is_refused() {
    let mut on_disk = OnDisk::new(&content(50));
    on_disk.blob.size_bytes = 60;
    let mut file = on_disk.open().unwrap();
    assert_eq!(read_file(&mut file, 100), content(50));
    let fault = on_disk.rest(file.position());
    assert!(matches!(fault, Err(SourceError::Truncated { found_bytes: 50, .. })), "{fault:?}");
}

/// A mounted share is a network, too, and to be spared as one.
#[test]
fn a_file_on_disk_is_booked_where_a_bandwidth_is_given() {
    let on_disk = OnDisk::new(&content(100));
    let limits = Limits::new(None, std::num::NonZeroU64::new(1 << 40));
    let store = on_disk.store.clone().within(limits.clone());
    let reader = BlobReader::new(&store, &on_disk.blob, SMALL).unwrap();
    assert!(run(reader.open_file()).is_none());
    assert!(!limits.are_used());
    assert_eq!(read(&store, &on_disk.blob).unwrap(), content(100));
    assert!(limits.are_used());
}

/// Whoever decodes for a while finds the next ranges there.
#[test]
fn ranges_come_in_while_nobody_asks_for_them() {
    let answered = Arc::new(tokio::sync::Semaphore::new(0));
    let (_, store, blob) = counted(Fails::Slow, 70, Arc::clone(&answered));
    let reader = BlobReader::new(&store, &blob, SMALL).unwrap();
    run(async {
        let mut chunks = std::pin::pin!(reader.stream());
        chunks.next().await.unwrap().unwrap();
        // The three in flight, of which one is taken; and no more than that.
        let all = answered.acquire_many(3);
        let all = tokio::time::timeout(std::time::Duration::from_secs(10), all).await;
        all.expect("ranges wait to be asked for").unwrap().forget();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(answered.available_permits() <= 1, "{}", answered.available_permits());
    });
}

#[test]
fn a_change_since_the_listing_is_detected() {
    let changed = |blob: &BlobEntry| SourceError::BlobChanged { blob: blob.full_path.clone() };
    let (inner, store, blob) = listed_then(Fails::Status(0, 0), 20);
    put(&inner, &[b'x'; 20]);
    assert_eq!(read(&store, &blob), Err(changed(&blob)));
    let (inner, store, blob) = listed_then(Fails::NoEtags, 20);
    put(&inner, &content(30));
    assert_eq!(read(&store, &blob), Err(changed(&blob)));
}

#[test]
fn a_change_between_the_ranges_and_after_the_last_is_detected() {
    for ranges_read in [1, 3] {
        let (inner, store, blob) = listed_then(Fails::Status(0, 0), 20);
        let options = ReadOptions { ranges_in_flight: 1, ..SMALL };
        let reader = BlobReader::new(&store, &blob, options).unwrap();
        let last = run(async {
            let mut chunks = std::pin::pin!(reader.stream());
            for _ in 0..ranges_read {
                chunks.next().await.unwrap().unwrap();
            }
            inner.put(&Path::from("dir/a.csv"), PutPayload::from(content(20))).await.unwrap();
            let last = chunks.next().await.unwrap();
            assert!(chunks.next().await.is_none());
            last
        });
        let expected = SourceError::BlobChanged { blob: blob.full_path };
        assert_eq!(last, Err(expected), "{ranges_read}");
    }
}

#[test]
fn a_blob_that_vanished_or_shrank_is_told_apart() {
    let (inner, store, blob) = listed_then(Fails::Status(0, 0), 20);
    run(inner.delete(&Path::from("dir/a.csv"))).unwrap();
    let expected = SourceError::BlobVanished { blob: blob.full_path.clone() };
    assert_eq!(read(&store, &blob), Err(expected));

    let shrunk = |found_bytes| SourceError::Truncated {
        blob: "dir/a.csv".to_owned(),
        listed_bytes: 20,
        found_bytes,
    };
    for length in [12, 3, 0] {
        let (inner, store, blob) = listed_then(Fails::NoEtags, 20);
        put(&inner, &content(length));
        assert_eq!(read(&store, &blob), Err(shrunk(length as u64)));
    }
    let (_, store, blob) = listed_then(Fails::Short, 20);
    assert_eq!(read(&store, &blob), Err(shrunk(3)));
}

#[test]
fn passing_faults_are_retried_a_bounded_number_of_times() {
    let (_, store, blob) = listed_then(Fails::Status(503, 2), 5);
    assert_eq!(read(&store, &blob).unwrap(), content(5));
    let (_, store, blob) = listed_then(Fails::Status(503, u32::MAX), 5);
    let error = read(&store, &blob).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Retryable);
    assert!(!format!("{error} {error:?}").contains("SECRET"));
    // Two retries, no look afterwards.
    assert_eq!(store.objects().to_string(), "faulty");
    let (_, store, blob) = listed_then(Fails::Status(403, 1), 5);
    assert_eq!(read(&store, &blob).unwrap_err().class(), ErrorClass::Denied);
}

fn local(path: &std::path::Path) -> Result<Store, SourceError> {
    let url = SourceUrl::parse(path.to_str().unwrap())?;
    Store::open(&url, &StoreOptions::default())
}

#[test]
fn local_folders_files_and_manifests_are_listed() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("my export ü#1%2/20260701-20260731/r");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("part_0_0001.csv"), content(20)).unwrap();
    std::fs::write(folder.join("manifest.json"), b"{}").unwrap();

    let export = local(&home.path().join("my export ü#1%2")).unwrap();
    let mut listing = run(list(&export)).unwrap();
    listing.entries.sort_by(|left, right| left.path.cmp(&right.path));
    let paths: Vec<_> = listing.entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["20260701-20260731/r/manifest.json", "20260701-20260731/r/part_0_0001.csv"]);
    let blob = &listing.entries[1];
    assert!(blob.full_path.ends_with(&format!("my export ü#1%2/{}", blob.path)));
    assert_eq!((blob.size_bytes, blob.etag.is_some()), (20, true));
    assert_eq!(read(&export, blob).unwrap(), content(20));
    let manifests = run(fetch_manifests(&export, &listing, None)).unwrap();
    assert_eq!(manifests.len(), 1);
    assert_eq!(manifests[0].body, b"{}");

    let file = run(list(&local(&folder.join("part_0_0001.csv")).unwrap())).unwrap();
    assert_eq!((file.root, file.entries.len()), (ListingRoot::File, 2));
    let manifest = run(list(&local(&folder.join("manifest.json")).unwrap())).unwrap();
    assert_eq!((manifest.root, manifest.entries.len()), (ListingRoot::Directory, 2));

    let nothing = run(list(&local(&home.path().join("nothing")).unwrap())).unwrap_err();
    assert!(matches!(nothing, SourceError::NotFound { .. }), "{nothing:?}");
    assert_eq!(nothing.class(), ErrorClass::BadInput);
}

#[test]
fn a_local_file_that_changes_is_detected() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("a.csv");
    std::fs::write(&file, content(20)).unwrap();
    let store = local(home.path()).unwrap();
    let blob = run(list(&store)).unwrap().entries[0].clone();
    assert_eq!(read(&store, &blob).unwrap(), content(20));
    std::fs::write(&file, content(21)).unwrap();
    let expected = SourceError::BlobChanged { blob: blob.full_path.clone() };
    assert_eq!(read(&store, &blob), Err(expected));
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(read(&store, &blob), Err(SourceError::BlobVanished { .. })));
}

#[test]
fn an_oversized_manifest_is_refused_before_it_is_read() {
    let (_, store, mut blob) = listed_then(Fails::Status(0, 0), 1);
    blob.full_path = "dir/manifest.json".to_owned();
    blob.size_bytes = super::super::listing::MANIFEST_SIZE_BYTES_MAX + 1;
    let listing = crate::discover::Listing { root: ListingRoot::Directory, entries: vec![blob] };
    let error = run(fetch_manifests(&store, &listing, None)).unwrap_err();
    assert!(matches!(error, SourceError::ManifestTooLarge { .. }));
}
