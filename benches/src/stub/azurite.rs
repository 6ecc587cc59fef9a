//! Azurite, Microsoft's storage emulator, started for tests.
//!
//! In: how it is to run. Out: a server on this machine that holds its blobs in
//! memory and stops when dropped. Needs Node 20 with `npx`: where that is not to
//! be had, [`Azurite::start`] says so on standard error and gives nothing, unless
//! `COSTLAKE_REQUIRE_AZURITE=1` is set, as continuous integration does.

use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

const AZURITE: &str = "azurite@3.35.0";

/// The first start may have to download Azurite.
const START_SECONDS_MAX: u64 = 180;

const POLL_MS: u64 = 50;

/// Account of every emulator unless told otherwise.
pub const EMULATOR_ACCOUNT: &str = "devstoreaccount1";

/// Its key: published by Microsoft, guards nothing.
pub const EMULATOR_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// object_store cannot create containers, so a signed request is made by hand.
const CREATE_CONTAINER: &str = r#"
const [scheme, port, account, key, container] = process.argv.slice(1);
const date = new Date().toUTCString(), version = "2021-12-02";
const text = "PUT" + "\n".repeat(12) + `x-ms-date:${date}\nx-ms-version:${version}\n`
  + `/${account}/${account}/${container}\nrestype:container`;
const signature = require("crypto").createHmac("sha256", Buffer.from(key, "base64"))
  .update(text, "utf8").digest("base64");
const headers = {"x-ms-date": date, "x-ms-version": version, "content-length": 0,
  authorization: `SharedKey ${account}:${signature}`};
const path = `/${account}/${container}?restype=container`;
const options = {host: "127.0.0.1", port, path, method: "PUT", headers, rejectUnauthorized: false};
require(scheme).request(options, answer => {
  answer.on("data", bytes => process.stderr.write(bytes));
  answer.on("end", () => process.exit(answer.statusCode === 201 ? 0 : 1));
}).end();
"#;

/// An account SAS, signed as
/// learn.microsoft.com/rest/api/storageservices/create-account-sas says.
const SIGN_SAS: &str = r#"
const [account, key, permissions, start, expiry] = process.argv.slice(1);
const version = "2021-12-02";
const text = [account, permissions, "b", "sco", start, expiry, "", "", version, "", ""].join("\n");
const signature = require("crypto").createHmac("sha256", Buffer.from(key, "base64"))
  .update(text, "utf8").digest("base64");
const pairs = {sv: version, ss: "b", srt: "sco", sp: permissions, st: start, se: expiry,
  sig: signature};
process.stdout.write(new URLSearchParams(Object.entries(pairs).filter(([, v]) => v)).toString());
"#;

/// How an Azurite is to run.
#[derive(Clone, Debug, Default)]
pub struct AzuriteOptions {
    /// Account and key; the emulator's own when none.
    pub account: Option<(String, String)>,
    /// PEM files of certificate and key; then it speaks HTTPS and takes bearer tokens.
    pub https: Option<(PathBuf, PathBuf)>,
}

/// A running Azurite.
pub struct Azurite {
    process: Child,
    port: u16,
    account: String,
    key: String,
    scheme: &'static str,
    /// Its working directory, where it leaves its configuration.
    _home: tempfile::TempDir,
}

impl Azurite {
    /// The Azurite all tests of this process share, started by the first and stopped
    /// with the last. Give each test a container of its own.
    pub fn shared() -> Option<Arc<Self>> {
        static RUNNING: Mutex<Weak<Azurite>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(azurite) = running.upgrade() {
            return Some(azurite);
        }
        let azurite = Arc::new(Self::start(&AzuriteOptions::default())?);
        *running = Arc::downgrade(&azurite);
        Some(azurite)
    }

    /// Starts one. `None`, with a line on standard error, where it cannot run.
    pub fn start(options: &AzuriteOptions) -> Option<Self> {
        match Self::try_start(options) {
            Ok(azurite) => Some(azurite),
            Err(reason) => {
                let required = std::env::var("COSTLAKE_REQUIRE_AZURITE").is_ok_and(|v| v == "1");
                assert!(!required, "Azurite is required: {reason}");
                eprintln!("not run: {reason}; install Node.js 20 or newer with npx");
                None
            }
        }
    }

    fn try_start(options: &AzuriteOptions) -> Result<Self, String> {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(|error| format!("no free port: {error}"))?
            .port();
        let home = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut command = Command::new("npx");
        command
            .args(["--yes", "--package", AZURITE, "azurite-blob", "--silent"])
            .args(["--disableTelemetry", "--inMemoryPersistence", "--skipApiVersionCheck"])
            .args(["--blobPort", &port.to_string()]);
        if let Some((certificate, key)) = &options.https {
            let path = |file: &Path| file.to_string_lossy().into_owned();
            command.args(["--oauth", "basic", "--cert", &path(certificate), "--key", &path(key)]);
        }
        let (account, key) = match &options.account {
            Some((account, key)) => {
                command.env("AZURITE_ACCOUNTS", format!("{account}:{key}"));
                (account.clone(), key.clone())
            }
            None => (EMULATOR_ACCOUNT.to_owned(), EMULATOR_KEY.to_owned()),
        };
        let process = command
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A group of its own: npx starts the server as a grandchild.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("npx cannot be started ({error})"))?;
        let scheme = if options.https.is_some() { "https" } else { "http" };
        let mut azurite = Self { process, port, account, key, scheme, _home: home };
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
        let port = self.port.to_string();
        node(CREATE_CONTAINER, &[self.scheme, &port, &self.account, &self.key, container]);
    }

    /// An account SAS with these permissions, until an ISO time.
    pub fn sas(&self, permissions: &str, expiry: &str) -> String {
        node(SIGN_SAS, &[&self.account, &self.key, permissions, "2020-01-01T00:00:00Z", expiry])
    }

    /// Its account's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Its port on this machine.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// As `AZURE_STORAGE_ENDPOINT` names it.
    pub fn endpoint(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    /// Storage options for stores built in this process.
    pub fn options(&self) -> Vec<(String, String)> {
        vec![
            ("azure_storage_use_emulator".to_owned(), "true".to_owned()),
            ("azure_storage_endpoint".to_owned(), self.endpoint()),
        ]
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
    }
}

/// Runs a script; panics with what it says when it fails.
fn node(script: &str, arguments: &[&str]) -> String {
    let ran = Command::new("node").args(["-e", script, "--"]).args(arguments).output();
    let ran = ran.expect("node runs where npx runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).into_owned()
}
