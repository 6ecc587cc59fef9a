//! The source stage against Azurite, Microsoft's storage emulator, and the
//! harness that starts it for any test of this crate.
//!
//! Needs Node 20 with `npx`. Without it these tests say so and pass, unless
//! `COSTLAKE_REQUIRE_AZURITE=1` is set, as continuous integration does.

use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use costlake_engine::discover::{
    ChooseOptions, ExportRun, MonthOutcome, candidates, choose, load_key,
};
use costlake_engine::error::{ErrorClass, Fault};
use costlake_engine::model::DatasetType;
use costlake_engine::source::{
    BlobReader, ReadOptions, SourceError, SourceUrl, Store, StoreOptions, fetch_manifests, list,
};
use futures::StreamExt;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

const AZURITE: &str = "azurite@3.35.0";

/// The first start may have to download Azurite.
const START_SECONDS_MAX: u64 = 180;

const POLL_MS: u64 = 50;

/// Published by Microsoft, the same in every emulator.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// object_store cannot create containers, so a signed request is made by hand.
const CREATE_CONTAINER: &str = r#"
const [port, account, key, container] = process.argv.slice(1);
const date = new Date().toUTCString(), version = "2021-12-02";
const text = "PUT" + "\n".repeat(12) + `x-ms-date:${date}\nx-ms-version:${version}\n`
  + `/${account}/${account}/${container}\nrestype:container`;
const signature = require("crypto").createHmac("sha256", Buffer.from(key, "base64"))
  .update(text, "utf8").digest("base64");
const headers = {"x-ms-date": date, "x-ms-version": version, "content-length": 0,
  authorization: `SharedKey ${account}:${signature}`};
const path = `/${account}/${container}?restype=container`;
require("http").request({host: "127.0.0.1", port, path, method: "PUT", headers}, answer => {
  answer.on("data", bytes => process.stderr.write(bytes));
  answer.on("end", () => process.exit(answer.statusCode === 201 ? 0 : 1));
}).end();
"#;

/// A running Azurite, holding its blobs in memory. Stops when dropped.
pub struct Azurite {
    process: Child,
    port: u16,
    /// Its working directory, where it leaves its configuration.
    _home: tempfile::TempDir,
}

impl Azurite {
    /// The Azurite all tests of this process share, started by the first and
    /// stopped with the last; `None`, with a line on standard error, where it
    /// cannot run. Give each test a container of its own.
    pub fn shared() -> Option<Arc<Self>> {
        static RUNNING: Mutex<Weak<Azurite>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(azurite) = running.upgrade() {
            return Some(azurite);
        }
        match Self::start() {
            Ok(azurite) => {
                let azurite = Arc::new(azurite);
                *running = Arc::downgrade(&azurite);
                Some(azurite)
            }
            Err(reason) => {
                let required = std::env::var("COSTLAKE_REQUIRE_AZURITE").is_ok_and(|v| v == "1");
                assert!(!required, "Azurite is required: {reason}");
                eprintln!("not run: {reason}; install Node.js 20 or newer with npx");
                None
            }
        }
    }

    fn start() -> Result<Self, String> {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(|error| format!("no free port: {error}"))?
            .port();
        let home = tempfile::tempdir().map_err(|error| error.to_string())?;
        let process = Command::new("npx")
            .args(["--yes", "--package", AZURITE, "azurite-blob", "--silent"])
            .args(["--disableTelemetry", "--inMemoryPersistence", "--skipApiVersionCheck"])
            .args(["--blobPort", &port.to_string()])
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A group of its own: npx starts the server as a grandchild.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("npx cannot be started ({error})"))?;
        let mut azurite = Self { process, port, _home: home };
        azurite.wait_until_it_listens()?;
        Ok(azurite)
    }

    fn wait_until_it_listens(&mut self) -> Result<(), String> {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(START_SECONDS_MAX) {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(format!("npx {AZURITE} ended with {status}"));
            }
            // Another process comes up: there is nothing to wait on but time.
            std::thread::sleep(Duration::from_millis(POLL_MS));
        }
        Err(format!("npx {AZURITE} does not listen after {START_SECONDS_MAX} s"))
    }

    /// Creates an empty container.
    pub fn create_container(&self, container: &str) {
        let created = Command::new("node")
            .args(["-e", CREATE_CONTAINER, "--"])
            .args([&self.port.to_string(), ACCOUNT, KEY, container])
            .output()
            .expect("node runs where npx runs");
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    }

    /// Storage options for stores built in this process.
    pub fn options(&self) -> Vec<(String, String)> {
        vec![
            ("azure_storage_use_emulator".to_owned(), "true".to_owned()),
            ("azure_storage_endpoint".to_owned(), self.endpoint()),
        ]
    }

    fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Opens `az://…` in this Azurite.
    pub fn open(&self, url: &str) -> Store {
        open(url, &self.options()).unwrap()
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
    }
}

fn open(url: &str, pairs: &[(String, String)]) -> Result<Store, SourceError> {
    let mut options = StoreOptions::default();
    for (key, value) in pairs {
        options.insert(key, value.as_str())?;
    }
    Store::open(&SourceUrl::parse(url)?, &options)
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
    let store = azurite.open("az://exports/partnerled/act");
    let csv = b"\xef\xbb\xbfdate,cost\n07/01/2026,1\n07/02/2026,2\n";
    run(async {
        put_export(&store, csv).await;
        let found = july(&store).await;
        assert_eq!(found.blobs[0].entry.path, "20260701-20260731/r-1/part_0_0001.csv");
        assert!(found.blobs[0].entry.etag.as_ref().is_some_and(|etag| !etag.contains('"')));
        assert_eq!(read(&store, &found).await.unwrap(), csv);

        for url in ["az://exports", "az://exports/partnerled/act/20260701-20260731/r-1"] {
            let same = july(&azurite.open(url)).await;
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
            let error = list(&azurite.open(url)).await.unwrap_err();
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

#[test]
fn listings_from_an_offset_work_on_the_emulator() {
    let Some(azurite) = Azurite::shared() else { return };
    azurite.create_container("offsets");
    let store = azurite.open("az://offsets");
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
