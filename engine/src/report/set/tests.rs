use std::sync::Arc;

use futures::TryStreamExt as _;
use object_store::memory::InMemory;
use object_store::path::Path as BlobPath;
use object_store::{ObjectStore, ObjectStoreExt as _};

use super::*;
use crate::source::Store;

/// A store in memory stands for Blob storage; Azurite has a test of its own.
fn store() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

async fn begin(objects: &Arc<dyn ObjectStore>) -> Result<ReportSet, ReportError> {
    let store = Store::from_parts(Arc::clone(objects), BlobPath::from("monthly"));
    let place = Place::Blobs(Box::new(Blobs::begin(store).await?));
    Ok(ReportSet::at(place))
}

async fn add(set: &mut ReportSet, path: &str, text: &str) {
    std::fs::write(set.file(path).unwrap(), text).unwrap();
    set.add(path, Map::new()).await.unwrap();
}

async fn paths(objects: &Arc<dyn ObjectStore>) -> Vec<String> {
    let listed: Vec<_> = objects.list(None).try_collect().await.unwrap();
    let mut paths: Vec<String> = listed.iter().map(|blob| blob.location.to_string()).collect();
    paths.sort();
    paths
}

async fn manifest(objects: &Arc<dyn ObjectStore>) -> Value {
    let got = objects.get(&BlobPath::from("monthly/manifest.json")).await.unwrap();
    serde_json::from_slice(&got.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn the_manifest_names_the_files_of_the_new_set_alone() {
    let objects = store();
    let mut first = begin(&objects).await.unwrap();
    add(&mut first, "x/savings.html", "first").await;
    add(&mut first, "gone.html", "first").await;
    let published = first.publish(Map::new()).await.unwrap();
    assert_eq!((published.files, published.bytes), (2, 10));
    assert!(published.manifest.ends_with("monthly/manifest.json"), "{}", published.manifest);

    let mut second = begin(&objects).await.unwrap();
    add(&mut second, "x/savings.html", "second").await;
    assert_eq!(manifest(&objects).await["files"].as_array().unwrap().len(), 2, "not yet");
    second.publish(Map::new()).await.unwrap();
    let manifest = manifest(&objects).await;
    let [file] = &manifest["files"].as_array().unwrap()[..] else { panic!("{manifest}") };
    let path = file["path"].as_str().unwrap();
    assert!(path.starts_with("set-") && path.ends_with("/x/savings.html"), "{path}");
    // Of "second", by sha256sum.
    assert_eq!(file["sha256"], "16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4");
    assert_eq!(file["bytes"], 6);
    assert_eq!(
        paths(&objects).await,
        ["monthly/manifest.json".to_owned(), format!("monthly/{path}")]
    );
}

#[tokio::test]
async fn whoever_comes_second_of_two_is_told() {
    let objects = store();
    let mut one = begin(&objects).await.unwrap();
    let mut two = begin(&objects).await.unwrap();
    add(&mut one, "a.csv", "1").await;
    add(&mut two, "a.csv", "2").await;
    one.publish(Map::new()).await.unwrap();
    let error = two.publish(Map::new()).await.unwrap_err();
    assert!(matches!(error, ReportError::Conflict { .. }), "{error}");
    let path = manifest(&objects).await["files"][0]["path"].as_str().unwrap().to_owned();
    let kept = objects.get(&BlobPath::from(format!("monthly/{path}"))).await.unwrap();
    assert_eq!(&kept.bytes().await.unwrap()[..], b"1");
}

#[tokio::test]
async fn a_container_of_something_else_is_refused() {
    let objects = store();
    objects.put(&BlobPath::from("monthly/thesis.txt"), "years".into()).await.unwrap();
    let error = begin(&objects).await.err().unwrap();
    assert!(matches!(&error, ReportError::Foreign { file, .. } if file == "monthly/thesis.txt"));
    objects.put(&BlobPath::from("monthly/manifest.json"), "{}".into()).await.unwrap();
    assert!(matches!(begin(&objects).await, Err(ReportError::Manifest { .. })));
}

#[tokio::test]
async fn a_large_file_goes_in_parts_and_a_dropped_set_is_no_set() {
    let objects = store();
    let mut set = begin(&objects).await.unwrap();
    let text = "0123456789abcdef".repeat(1_300_000);
    add(&mut set, "focus.csv", &text).await;
    let unfinished = set.unfinished().to_owned();
    set.publish(Map::new()).await.unwrap();
    let path = manifest(&objects).await["files"][0]["path"].as_str().unwrap().to_owned();
    let got = objects.get(&BlobPath::from(format!("monthly/{path}"))).await.unwrap();
    assert!(got.bytes().await.unwrap() == text.as_bytes());
    assert!(!unfinished.exists());

    let mut dropped = begin(&objects).await.unwrap();
    add(&mut dropped, "focus.csv", "new").await;
    drop(dropped);
    assert_eq!(manifest(&objects).await["files"][0]["path"], path);
    // The next one begins all the same.
    begin(&objects).await.unwrap();
}

#[tokio::test]
async fn a_path_is_taken_once() {
    let objects = store();
    let mut set = begin(&objects).await.unwrap();
    add(&mut set, "a.md", "1").await;
    for path in ["a.md", "A.md", "manifest.json"] {
        std::fs::write(set.file(path).unwrap(), "2").unwrap();
        let error = set.add(path, Map::new()).await.unwrap_err();
        assert!(matches!(error, ReportError::Twice { .. }), "{path}: {error}");
    }
}

#[tokio::test]
async fn a_folder_has_a_manifest_with_checksums() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("reports");
    let mut set = ReportSet::begin(out.to_str().unwrap(), &StoreOptions::default()).await.unwrap();
    add(&mut set, "a/savings.csv", "second").await;
    let about = Map::from_iter([("made_on".to_owned(), json!("2026-09-07"))]);
    set.publish(about).await.unwrap();
    let text = std::fs::read_to_string(out.join(MANIFEST_NAME)).unwrap();
    let manifest: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(manifest["kind"], "costlake reports");
    assert_eq!(manifest["made_on"], "2026-09-07");
    assert_eq!(manifest["files"][0]["path"], "a/savings.csv");
    assert_eq!(
        manifest["files"][0]["sha256"],
        "16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4"
    );
}
