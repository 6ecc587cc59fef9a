//! The source stage against Azurite, Microsoft's storage emulator, also through a
//! network that fails.

use std::net::TcpListener;
use std::sync::Arc;

use costlake_benches::stub::{Azurite, Disturbance, Proxy};
use costlake_engine::discover::{
    ChooseOptions, ExportRun, MonthOutcome, candidates, choose, load_key,
};
use costlake_engine::error::{ErrorClass, Fault};
use costlake_engine::ingest::{IngestOptions, IngestReport, IngestRequest, Silent, ingest};
use costlake_engine::model::DatasetType;
use costlake_engine::report::ReportError;
use costlake_engine::report::set::ReportSet;
use costlake_engine::source::{
    BlobReader, Limits, ReadOptions, SourceError, SourceUrl, Store, StoreOptions, fetch_manifests,
    list,
};
use futures::StreamExt;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use crate::tenant::{Tenant, month, outcome, small, words};

fn open(url: &str, pairs: &[(String, String)]) -> Result<Store, SourceError> {
    let mut options = StoreOptions::default();
    for (key, value) in pairs {
        options.insert(key, value.as_str())?;
    }
    Store::open(&SourceUrl::parse(url)?, &options)
}

/// Opens `az://…` in an Azurite.
pub fn open_at(azurite: &Azurite, url: &str) -> Store {
    open(url, &azurite.options()).unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

const BLOB: &str = "partnerled/act/20260701-20260731/r-1/part_0_0001.csv";

pub async fn put(store: &Store, path: &str, bytes: &[u8]) {
    store.objects().put(&Path::from(path), PutPayload::from(bytes.to_vec())).await.unwrap();
}

async fn put_export(store: &Store, csv: &[u8]) {
    put(store, BLOB, csv).await;
    let manifest = serde_json::json!({
        "manifestVersion": "2024-04-01", "blobCount": 1, "dataRowCount": 2,
        "exportConfig": {"exportName": "act", "type": "ActualCost", "dataVersion": "2021-10-01",
            "resourceId": "/subscriptions/s/providers/Microsoft.CostManagement/exports/act"},
        "runInfo": {"runId": "r-1", "submittedTime": "2026-07-16T01:00:00Z",
            "startDate": "2026-07-01T00:00:00"},
        "blobs": [{"blobName": BLOB, "byteCount": csv.len(), "dataRowCount": 2}],
    });
    let path = "partnerled/act/20260701-20260731/r-1/manifest.json";
    put(store, path, manifest.to_string().as_bytes()).await;
}

async fn july(store: &Store) -> ExportRun {
    let listing = list(store).await.unwrap();
    let manifests = fetch_manifests(store, &listing, None).await.unwrap();
    let found = candidates(&listing, &manifests);
    let selection = choose(found, DatasetType::ActualCost, &ChooseOptions::default()).unwrap();
    match selection.months.into_iter().next().unwrap().outcome {
        MonthOutcome::Load(run) => *run,
        other => panic!("{other:?}"),
    }
}

async fn read(store: &Store, run: &ExportRun) -> Result<Vec<u8>, SourceError> {
    let options = ReadOptions { range_size_bytes: 5, ..ReadOptions::default() };
    let mut chunks =
        std::pin::pin!(BlobReader::new(store, &run.blobs[0].entry, options).unwrap().stream());
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

#[test]
fn an_export_is_found_read_and_watched_for_changes() {
    let Some(azurite) = Azurite::shared() else { return };
    azurite.create_container("exports");
    let store = open_at(&azurite, "az://exports/partnerled/act");
    let csv = b"\xef\xbb\xbfdate,cost\n07/01/2026,1\n07/02/2026,2\n";
    run(async {
        put_export(&store, csv).await;
        let found = july(&store).await;
        assert_eq!(found.blobs[0].entry.path, "20260701-20260731/r-1/part_0_0001.csv");
        assert!(found.blobs[0].entry.etag.as_ref().is_some_and(|etag| !etag.contains('"')));
        assert_eq!(read(&store, &found).await.unwrap(), csv);

        for url in ["az://exports", "az://exports/partnerled/act/20260701-20260731/r-1"] {
            let same = july(&open_at(&azurite, url)).await;
            assert_eq!(load_key(&same), load_key(&found), "{url}");
        }

        // Same bytes, new version.
        put(&store, BLOB, csv).await;
        let changed = SourceError::BlobChanged { blob: BLOB.to_owned() };
        assert_eq!(read(&store, &found).await, Err(changed));
        assert_ne!(load_key(&july(&store).await), load_key(&found));

        store.objects().delete(&Path::from(BLOB)).await.unwrap();
        // The emulator answers a conditional read of a blob that is gone with
        // 412, not 404: either way the run is refused.
        let gone = read(&store, &found).await.unwrap_err();
        assert!(
            matches!(gone, SourceError::BlobVanished { .. } | SourceError::BlobChanged { .. }),
            "{gone:?}"
        );
    });
}

#[test]
fn refusals_of_the_store_are_told_apart() {
    let Some(azurite) = Azurite::shared() else { return };
    azurite.create_container("empty");
    run(async {
        for url in ["az://nocontainer/x", "az://empty/x", "az://empty"] {
            let error = list(&open_at(&azurite, url)).await.unwrap_err();
            assert!(matches!(error, SourceError::NotFound { .. }), "{url}: {error:?}");
        }
        let mut options = azurite.options();
        options
            .push(("azure_storage_account_key".to_owned(), "d3JvbmcgYnV0IHNlY3JldA==".to_owned()));
        let error = list(&open("az://empty/x", &options).unwrap()).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Denied, "{error:?}");
        let sas = ("azure_storage_sas_key".to_owned(), "sv=2021&sig=U0VDUkVU".to_owned());
        let options = [&azurite.options()[..], &[sas]].concat();
        let error = list(&open("az://empty/x", &options).unwrap()).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("U0VDUkVU"), "{error}");
        assert_eq!(error.class(), ErrorClass::Denied, "{error:?}");
    });
}

/// Every fault a network has, before and in the middle of a body.
#[test]
fn a_blob_comes_whole_through_a_network_that_fails() {
    let Some(azurite) = Azurite::shared() else { return };
    azurite.create_container("faulty");
    let proxy = Proxy::before(azurite.port());
    let options = [
        ("azure_storage_use_emulator".to_owned(), "true".to_owned()),
        ("azure_storage_endpoint".to_owned(), proxy.endpoint()),
    ];
    let store = open("az://faulty/act", &options).unwrap();
    let content: Vec<u8> = (0..200_000_u32).map(|index| (index % 251) as u8).collect();
    let read_options = ReadOptions {
        range_size_bytes: 60_000,
        retry_delay_ms: 1,
        stall_ms_max: 300,
        ..ReadOptions::default()
    };
    run(async {
        put(&store, "act/a.csv", &content).await;
        let listing = list(&store).await.unwrap();
        for disturbance in [
            Disturbance::Status(429),
            Disturbance::Status(500),
            Disturbance::Status(503),
            Disturbance::HangUp,
            Disturbance::BreakOff(0),
            Disturbance::BreakOff(1_000),
            Disturbance::Stall(0),
            Disturbance::Stall(1_000),
        ] {
            proxy.disturb("GET /devstoreaccount1/faulty/act/a.csv", 2, disturbance);
            let reader = BlobReader::new(&store, &listing.entries[0], read_options).unwrap();
            let mut bytes = Vec::new();
            let mut chunks = std::pin::pin!(reader.stream());
            while let Some(chunk) = chunks.next().await {
                bytes.extend_from_slice(&chunk.unwrap());
            }
            assert!(bytes == content && proxy.is_calm());
        }
        // What came before the break is not asked for again, and everything is
        // asked for in the listed version.
        let asked = proxy.take_asked();
        let reads = || asked.iter().filter(|asked| asked.range.is_some());
        assert!(reads().all(|asked| asked.if_match.is_some()));
        let resumed = |first: u64| {
            let from = format!("bytes={first}-");
            reads().any(|asked| asked.range.as_ref().is_some_and(|range| range.starts_with(&from)))
        };
        assert!(resumed(1_000) || resumed(61_000) || resumed(121_000), "{asked:?}");
    });
}

#[test]
fn a_network_that_stays_away_is_given_up() {
    let Some(azurite) = Azurite::shared() else { return };
    azurite.create_container("away");
    let proxy = Proxy::before(azurite.port());
    let options = [
        ("azure_storage_use_emulator".to_owned(), "true".to_owned()),
        ("azure_storage_endpoint".to_owned(), proxy.endpoint()),
    ];
    let store = open("az://away/act", &options).unwrap();
    let options = ReadOptions { retry_delay_ms: 1, stall_ms_max: 50, ..ReadOptions::default() };
    run(async {
        put(&store, "act/a.csv", b"some bytes").await;
        let listing = list(&store).await.unwrap();
        proxy.disturb("GET /devstoreaccount1/away/act/a.csv", u32::MAX, Disturbance::Stall(0));
        let reader = BlobReader::new(&store, &listing.entries[0], options).unwrap();
        let error = reader.read(0..10).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Retryable, "{error:?}");
        assert!(error.to_string().contains("nothing came in"), "{error}");
    });
}

/// The blob is rewritten between two ranges of one read.
#[test]
fn two_versions_of_a_blob_are_never_mixed() {
    let Some(azurite) = Azurite::shared() else { return };
    azurite.create_container("rewritten");
    let direct = Arc::new(open_at(&azurite, "az://rewritten/act"));
    let proxy = Proxy::before(azurite.port());
    let options = [
        ("azure_storage_use_emulator".to_owned(), "true".to_owned()),
        ("azure_storage_endpoint".to_owned(), proxy.endpoint()),
    ];
    let store = open("az://rewritten/act", &options).unwrap();
    let options =
        ReadOptions { range_size_bytes: 4, ranges_in_flight: 1, ..ReadOptions::default() };
    run(async {
        put(&direct, "act/a.csv", b"aaaaaaaaaaaa").await;
        let blob = list(&store).await.unwrap().entries[0].clone();
        let reader = BlobReader::new(&store, &blob, options).unwrap();
        assert_eq!(&reader.read(0..4).await.unwrap()[..], b"aaaa");
        let rewrite = Arc::new(move || {
            let direct = Arc::clone(&direct);
            let rewritten =
                std::thread::spawn(move || run(put(&direct, "act/a.csv", b"bbbbbbbbbbbb")));
            rewritten.join().unwrap();
        });
        proxy.disturb("GET /devstoreaccount1/rewritten/act/a.csv", 1, Disturbance::First(rewrite));
        let chunks: Vec<_> = reader.stream().collect().await;
        let last = chunks.last().unwrap().clone();
        assert_eq!(last, Err(SourceError::BlobChanged { blob: "act/a.csv".to_owned() }));
        let came: Vec<u8> = chunks.into_iter().flatten().flatten().collect();
        assert!(!came.contains(&b'b'), "{came:?}");
    });
}

#[test]
fn a_sas_token_opens_what_it_says_with_or_without_its_mark() {
    let Some(azurite) = Azurite::shared() else { return };
    azurite.create_container("signed");
    let full = open_at(&azurite, "az://signed/act");
    run(async {
        put(&full, "act/a.csv", b"content").await;
        let good = azurite.sas("rl", "2099-01-01T00:00:00Z");
        let at = |sas: &str| {
            let token = ("azure_storage_sas_token".to_owned(), sas.to_owned());
            open("az://signed/act", &[&azurite.options()[..], &[token]].concat()).unwrap()
        };
        for sas in [good.clone(), format!("?{good}")] {
            assert_eq!(list(&at(&sas)).await.unwrap().entries.len(), 1, "{sas}");
        }
        for (bad, code) in [
            (azurite.sas("rl", "2021-01-01T00:00:00Z"), "AuthenticationFailed"),
            (azurite.sas("r", "2099-01-01T00:00:00Z"), "AuthorizationPermissionMismatch"),
            (good.replace("sig=", "sig=A"), "AuthenticationFailed"),
        ] {
            let error = list(&at(&bad)).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Denied, "{error:?}");
            let refused = error.to_string().contains(code)
                || error.to_string().contains("AuthorizationFailure");
            assert!(refused, "{code}: {error}");
            assert!(error.hint().is_some());
        }
    });
}

#[test]
fn listings_from_an_offset_work_on_the_emulator() {
    let Some(azurite) = Azurite::shared() else { return };
    azurite.create_container("offsets");
    let store = open_at(&azurite, "az://offsets");
    run(async {
        for name in ["a", "b", "c"] {
            put(&store, name, b"x").await;
        }
        let listed = store.objects().list_with_offset(None, &Path::from("a"));
        let names: Vec<String> =
            listed.map(|object| object.unwrap().location.to_string()).collect().await;
        assert_eq!(names, ["b", "c"]);
    });
}

#[test]
fn a_store_nobody_listens_at_is_out_of_reach() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let options = [
        ("azure_storage_use_emulator".to_owned(), "true".to_owned()),
        ("azure_storage_endpoint".to_owned(), format!("http://127.0.0.1:{port}")),
    ];
    let error = run(list(&open("az://exports/x", &options).unwrap())).unwrap_err();
    assert!(matches!(error, SourceError::Unreachable { .. }), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Denied);
}

/// A month's export in a container: its folder on disk, put below `act`.
async fn put_folder(store: &Store, folder: &std::path::Path, to: &str) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let to = format!("{to}/{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            Box::pin(put_folder(store, &path, &to)).await;
        } else {
            put(store, &to, &std::fs::read(&path).unwrap()).await;
        }
    }
}

/// A generated tenant's actual export in a container of Azurite, its lake on disk,
/// and a proxy between them.
struct Remote {
    tenant: Tenant,
    direct: Arc<Store>,
    proxy: Proxy,
    request: IngestRequest,
    options: IngestOptions,
}

impl Remote {
    fn new(azurite: &Azurite, container: &str) -> Self {
        azurite.create_container(container);
        let (tenant, _) = Tenant::generated(&small());
        let direct = Arc::new(open_at(azurite, &format!("az://{container}")));
        let folder = tenant.export(DatasetType::ActualCost);
        run(put_folder(&direct, &folder, "act"));
        let proxy = Proxy::before(azurite.port());
        let mut store = StoreOptions::default();
        store.insert("azure_storage_use_emulator", "true").unwrap();
        store.insert("azure_storage_endpoint", proxy.endpoint()).unwrap();
        let url = SourceUrl::parse(&format!("az://{container}/act")).unwrap();
        let request = IngestRequest {
            exports: vec![(DatasetType::ActualCost, url)],
            ..tenant.actual_request()
        };
        let options = IngestOptions { store, ..IngestOptions::default() };
        Self { tenant, direct, proxy, request, options }
    }

    async fn ingest(&self) -> IngestReport {
        let silent = Arc::new(Silent);
        ingest(&self.tenant.lake, &self.request, &self.options, silent).await.unwrap()
    }

    /// The data blobs that were read since the last call.
    fn blobs_read(&self) -> Vec<String> {
        let asked = self.proxy.take_asked().into_iter();
        let mut read: Vec<String> = asked
            .filter(|asked| asked.range.is_some() && asked.line.contains(".csv"))
            .map(|asked| asked.line.rsplit('/').nth(2).unwrap().to_owned())
            .collect();
        read.dedup();
        read
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_runs_with_a_new_etag_are_read_again() {
    let Some(azurite) = Azurite::shared() else { return };
    let remote =
        std::thread::scope(|scope| scope.spawn(|| Remote::new(&azurite, "etags")).join().unwrap());
    assert_eq!(words(&remote.ingest().await), ["loaded", "loaded"]);
    assert_eq!(remote.blobs_read(), ["20260701-20260731", "20260801-20260831"]);
    assert_eq!(words(&remote.ingest().await), ["unchanged", "unchanged"]);
    assert_eq!(remote.blobs_read(), [""; 0]);
    // The same bytes again are another version.
    let (part, _) = remote.tenant.part_and_manifest(DatasetType::ActualCost, month("2026-08"));
    let folder = remote.tenant.export(DatasetType::ActualCost);
    let rest = part.strip_prefix(&folder).unwrap().to_str().unwrap();
    put(&remote.direct, &format!("act/{rest}"), &std::fs::read(&part).unwrap()).await;
    assert_eq!(words(&remote.ingest().await), ["unchanged", "loaded"]);
    assert_eq!(remote.blobs_read(), ["20260801-20260831"]);
}

/// A run is replaced between the listing and the reading of its manifest, and the
/// next one again while its blob is read: what is loaded is one whole run.
#[tokio::test(flavor = "multi_thread")]
async fn runs_may_come_and_go_while_they_are_looked_at() {
    let Some(azurite) = Azurite::shared() else { return };
    let remote =
        std::thread::scope(|scope| scope.spawn(|| Remote::new(&azurite, "coming")).join().unwrap());
    let (part, manifest) =
        remote.tenant.part_and_manifest(DatasetType::ActualCost, month("2026-07"));
    let run_folder = part.parent().unwrap().to_owned();
    let name = run_folder.file_name().unwrap().to_str().unwrap().to_owned();
    let replace = |old: String, new: &'static str| {
        let (direct, from) = (Arc::clone(&remote.direct), run_folder.clone());
        let (manifest, name) = (manifest.clone(), name.clone());
        Arc::new(move || {
            let text = std::fs::read_to_string(&manifest).unwrap().replace(&name, new);
            let (direct, from, old) = (Arc::clone(&direct), from.clone(), old.clone());
            let month = "act/20260701-20260731";
            std::thread::spawn(move || {
                run(async {
                    put_folder(&direct, &from, &format!("{month}/{new}")).await;
                    put(&direct, &format!("{month}/{new}/manifest.json"), text.as_bytes()).await;
                    let gone = Path::from(format!("{month}/{old}"));
                    let mut listed = direct.objects().list(Some(&gone));
                    while let Some(object) = listed.next().await {
                        direct.objects().delete(&object.unwrap().location).await.unwrap();
                    }
                });
            })
            .join()
            .unwrap();
        })
    };
    const SECOND: &str = "22222222-0000-4000-8000-000000000001";
    const THIRD: &str = "33333333-0000-4000-8000-000000000001";
    remote.proxy.disturb(
        "20260701-20260731/",
        1,
        Disturbance::First(replace(name.clone(), SECOND)),
    );
    remote.proxy.disturb(
        &format!("{SECOND}/part_0_0001.csv"),
        1,
        Disturbance::First(replace(SECOND.to_owned(), THIRD)),
    );
    let report = remote.ingest().await;
    assert_eq!(words(&report), ["loaded", "loaded"], "{report:?}");
    assert!(remote.proxy.is_calm());
    let july = outcome(&report, DatasetType::ActualCost, month("2026-07"));
    assert_eq!(july.run_id.as_deref(), Some(THIRD));
    let sql = "select count(*) from actual_cost where billing_month = '2026-07'";
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
    assert_eq!(remote.tenant.query(sql).await, [[manifest["dataRowCount"].to_string()]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_slow_a_load_and_change_nothing_else() {
    let Some(azurite) = Azurite::shared() else { return };
    let mut remote = std::thread::scope(|scope| {
        scope.spawn(|| Remote::new(&azurite, "limited")).join().unwrap()
    });
    let bandwidth = std::num::NonZeroU64::new(20 << 20);
    remote.options.limits = Limits::new(std::num::NonZeroUsize::new(1), bandwidth);
    assert_eq!(words(&remote.ingest().await), ["loaded", "loaded"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_of_reports_is_named_by_its_manifest() {
    let Some(azurite) = Azurite::shared() else { return };
    azurite.create_container("reports");
    let address = "az://reports/monthly/contoso";
    let mut options = StoreOptions::default();
    for (key, value) in azurite.options() {
        options.insert(&key, value.as_str()).unwrap();
    }
    let manifest = || async {
        let store = open_at(&azurite, address);
        let path = Path::from("monthly/contoso/manifest.json");
        let text = store.objects().get(&path).await.unwrap().bytes().await.unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&text).unwrap();
        manifest["files"].as_array().unwrap().clone()
    };
    let large = "0123456789abcdef".repeat(600_000);
    for round in ["first", "second"] {
        let mut set = ReportSet::begin(address, &options).await.unwrap();
        for (path, text) in [("a b/savings.html", round), ("focus.csv", large.as_str())] {
            std::fs::write(set.file(path).unwrap(), text).unwrap();
            set.add(path, Default::default()).await.unwrap();
        }
        // Until it is published, the manifest names the set before.
        if round == "second" {
            let path = manifest().await[0]["path"].as_str().unwrap().to_owned();
            assert_eq!(got(&azurite, address, &path).await, b"first");
        }
        let published = set.publish(Default::default()).await.unwrap();
        assert_eq!(published.manifest, "az://reports/monthly/contoso/manifest.json");
        let files = manifest().await;
        assert_eq!(files.len(), 2);
        let page = files[0]["path"].as_str().unwrap();
        assert_eq!(got(&azurite, address, page).await, round.as_bytes());
        assert!(
            got(&azurite, address, files[1]["path"].as_str().unwrap()).await == large.as_bytes()
        );
    }
    let store = open_at(&azurite, address);
    let left: Vec<_> = store.objects().list(Some(store.prefix())).collect().await;
    assert_eq!(left.len(), 3, "the set before is deleted: {left:?}");

    let (mut one, mut two) = (
        ReportSet::begin(address, &options).await.unwrap(),
        ReportSet::begin(address, &options).await.unwrap(),
    );
    for set in [&mut one, &mut two] {
        std::fs::write(set.file("savings.md").unwrap(), "# Savings").unwrap();
        set.add("savings.md", Default::default()).await.unwrap();
    }
    one.publish(Default::default()).await.unwrap();
    let error = two.publish(Default::default()).await.unwrap_err();
    assert!(matches!(error, ReportError::Conflict { .. }), "{error}");
    let error = ReportSet::begin("az://nowhere/x", &options).await.err().unwrap();
    assert!(error.to_string().contains("az://nowhere/x"), "{error}");
}

async fn got(azurite: &Azurite, address: &str, path: &str) -> Vec<u8> {
    let store = open_at(azurite, address);
    let path = store.prefix().parts().chain(Path::from(path).parts()).collect::<Path>();
    store.objects().get(&path).await.unwrap().bytes().await.unwrap().to_vec()
}
