//! A tenant connected: the README's section word by word, against Azurite over
//! HTTPS with bearer tokens, an Entra and an Azure Resource Manager that stand in.
//! And every other way to sign in, with nothing secret left anywhere.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use costlake_benches::generator::{GeneratorOptions, generate};
use costlake_benches::stub::{Azurite, AzuriteOptions, Entra, HttpStub, Reply, access_token};
use object_store::azure::{AzureConfigKey, MicrosoftAzure, MicrosoftAzureBuilder};
use object_store::{Certificate, ClientOptions, ObjectStoreExt as _, PutPayload};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::run::Run;

const TENANT: &str = "1c8d2d4e-2f0b-4a57-9d0c-3b1d1f3a5a10";
const CLIENT: &str = "7b0f3a52-91f4-4f0e-8a5e-0d6c1f2e3b44";
const ACCOUNT: &str = "contosocosts";
/// A key that guards nothing.
const KEY: &str = "bm90IGEga2V5IG9mIGFueWJvZHksIG9ubHkgb2YgdGhpcyB0ZXN0";
const SECRET: &str = "hush.Of~the-app/1+2=";

/// An authority of this test, and a certificate of its for this machine.
struct Https {
    folder: tempfile::TempDir,
    authority: String,
}

impl Https {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let server = server.signed_by(&key, &issuer).unwrap();
        std::fs::write(folder.path().join("server.pem"), server.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
        let authority = issuer.pem();
        std::fs::write(folder.path().join("authority.pem"), &authority).unwrap();
        Self { folder, authority }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Azurite with the README's account, over HTTPS.
fn azurite(https: &Https) -> Option<Azurite> {
    Azurite::start(&AzuriteOptions {
        account: Some((ACCOUNT.to_owned(), KEY.to_owned())),
        https: Some((https.path("server.pem"), https.path("key.pem"))),
    })
}

fn store(azurite: &Azurite, https: &Https, container: &str) -> MicrosoftAzure {
    let trusted = Certificate::from_pem(https.authority.as_bytes()).unwrap();
    MicrosoftAzureBuilder::new()
        .with_config(AzureConfigKey::AccessKey, KEY)
        .with_account(ACCOUNT)
        .with_container_name(container)
        .with_endpoint(format!("{}/{ACCOUNT}", azurite.endpoint()))
        .with_client_options(ClientOptions::new().with_root_certificate(trusted))
        .build()
        .unwrap()
}

/// Puts every file below a folder under a path of the container.
fn upload(store: &MicrosoftAzure, folder: &Path, to: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for file in files(folder) {
        let rest = file.strip_prefix(folder).unwrap().to_str().unwrap();
        let bytes = std::fs::read(&file).unwrap();
        let path = object_store::path::Path::from(format!("{to}/{rest}"));
        runtime.block_on(store.put(&path, PutPayload::from(bytes))).unwrap();
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Two months of a synthetic tenant, in `exports` of a folder.
fn exports(folder: &Path) -> PathBuf {
    let options = GeneratorOptions {
        months: ["2026-07", "2026-08"].map(|month| month.parse().unwrap()).into(),
        rows_per_month: 300,
        open_month: None,
        ..GeneratorOptions::default()
    };
    let exports = folder.join("exports");
    generate(&exports, &options, &|_| {}).unwrap();
    exports
}

/// The commands of the README's section, as they stand there.
fn readme_commands() -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let section = readme.split("\n## Connect your tenant\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let commands: String = blocks.collect();
    assert!(commands.contains("costlake source add"), "{commands}");
    commands
}

/// An Azure Resource Manager that has no exports, takes new ones, and writes their
/// files when one is run.
fn resource_manager(write: impl Fn(&str) + Send + Sync + 'static) -> HttpStub {
    let manager = HttpStub::start();
    let scope = "/providers/Microsoft.Billing/billingAccounts/\
                 e68e6fc0-1df0-4360-b133-43a74ca4c27f:303878a2-d910-47f3-a5c8-118222708ec4_2019-05-31\
                 /providers/Microsoft.CostManagement/exports";
    let write = Arc::new(write);
    for dataset in ["actual", "amortized"] {
        let path = format!("{scope}/contoso-{dataset}");
        let body = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&body);
        manager.on_call("GET", &path, move |_| match &*kept.lock().unwrap() {
            Some(body) => Reply::json(200, body),
            None => Reply::error(404, "NotFound", "there is no such export"),
        });
        manager.on_call("PUT", &path, move |request| {
            *body.lock().unwrap() = Some(request.json());
            Reply::json(201, &request.json())
        });
        let write = Arc::clone(&write);
        manager.on_call("POST", &format!("{path}/run"), move |_| {
            write(dataset);
            Reply::text(200, "")
        });
    }
    manager
}

/// Whether a token as Entra ID gives it is in `bytes`: `eyJ` and the rest of its header.
/// The three bytes alone come up by chance in a megabyte of compressed Parquet once in
/// sixteen times; with twenty more of the token's alphabet, never.
fn holds_a_token(bytes: &[u8]) -> bool {
    let of_token = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    bytes.windows(23).any(|window| window.starts_with(b"eyJ") && window.iter().all(of_token))
}

/// Everything a command leaves behind that may hold a secret: nothing may. What was said
/// may not even begin a token.
fn assert_nothing_secret(run: &Run, said: &str, secrets: &[&str]) {
    let own = ["contoso.secret", "sas", "key"];
    let mut looked_at = 0;
    for file in files(&run.path("")) {
        if own.iter().any(|name| file.ends_with(name)) {
            continue;
        }
        looked_at += 1;
        let bytes = std::fs::read(&file).unwrap();
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds a secret", file.display());
        }
        assert!(!holds_a_token(&bytes), "{} holds a token", file.display());
    }
    assert!(looked_at > 0);
    assert!(holds_a_token(access_token("", "", 0, 0).as_bytes()));
    assert!(!said.contains("eyJ"), "a token was said:\n{said}");
    for secret in secrets {
        assert!(!said.contains(secret), "a secret was said:\n{said}");
    }
}

#[test]
fn the_readme_connects_a_tenant_word_by_word() {
    let https = Https::new();
    let Some(azurite) = azurite(&https) else { return };
    azurite.create_container("exports");
    let entra = Entra::with_secret(TENANT, CLIENT, SECRET);
    let run = Run::new();
    let generated = tempfile::tempdir().unwrap();
    let folder = exports(generated.path());
    let store = store(&azurite, &https, "exports");
    let written = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&written);
    let manager = resource_manager(move |dataset| {
        let mut seen = seen.lock().unwrap();
        if !seen.contains(&dataset.to_owned()) {
            upload(&store, &folder.join(dataset), &format!("daily/contoso-{dataset}"));
        }
        seen.push(dataset.to_owned());
    });
    run.write("contoso.secret", SECRET);
    run.write("connect.sh", &format!("set -eu\n{}", readme_commands()));
    let binary = Path::new(env!("CARGO_BIN_EXE_costlake")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let mut command = run.command(&[]);
    let mut shell = std::process::Command::new("bash");
    shell.arg("connect.sh").current_dir(run.path("")).env_clear().env("PATH", path);
    shell.env("HOME", run.path("")).envs([
        ("AZURE_STORAGE_USE_EMULATOR", "true".to_owned()),
        ("AZURE_STORAGE_ENDPOINT", azurite.endpoint()),
        ("AZURE_AUTHORITY_HOST", entra.authority_host()),
        ("AZURE_RESOURCE_MANAGER_ENDPOINT", manager.url()),
        ("SSL_CERT_FILE", https.path("authority.pem").to_str().unwrap().to_owned()),
    ]);
    let ended = shell.output().unwrap();
    let said = format!(
        "{}\n{}",
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
    assert!(ended.status.success(), "{said}");
    // Both exports were made, and run once for every month back to the first.
    let written = written.lock().unwrap();
    assert!(written.iter().filter(|dataset| *dataset == "actual").count() >= 2, "{written:?}");
    assert!(said.contains("token: given to the service principal with secret"), "{said}");
    assert!(said.contains("amortized months: present: 2026-07..2026-08"), "{said}");
    assert!(said.contains("rows are of billing_account_id"), "{said}");
    let sql = "select count(*) > 0 from savings where scope_type = 'customer_tenant'";
    let sql = command.args(["sql", "--format", "csv", "-c", sql]).output().unwrap();
    assert!(String::from_utf8_lossy(&sql.stdout).contains("true"), "{sql:?}");

    assert_nothing_secret(&run, &said, &[SECRET, KEY, "Bearer"]);
}

/// The same exports, by everything that opens a storage account, and what is said
/// when it does not.
#[test]
fn every_credential_opens_the_account_or_says_why_not() {
    let https = Https::new();
    let Some(azurite) = azurite(&https) else { return };
    azurite.create_container("exports");
    azurite.create_container("lake");
    let generated = tempfile::tempdir().unwrap();
    let folder = exports(generated.path());
    let store = store(&azurite, &https, "exports");
    for dataset in ["actual", "amortized"] {
        upload(&store, &folder.join(dataset), dataset);
    }
    let entra = Entra::with_secret(TENANT, CLIENT, SECRET);
    let assertions = Entra::with_assertions(TENANT, CLIENT);
    let sas = azurite.sas("rl", "2099-01-01T00:00:00Z");
    let old_sas = azurite.sas("rl", "2021-01-01T00:00:00Z");
    let ending = ending_sas(&azurite);
    let pem = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/azure/client.pem");

    let run = Run::new()
        .with("AZURE_STORAGE_USE_EMULATOR", "true")
        .with("AZURE_STORAGE_ENDPOINT", &azurite.endpoint())
        .with("SSL_CERT_FILE", https.path("authority.pem").to_str().unwrap())
        .with("THE_SECRET", SECRET)
        .with("THE_WRONG_SECRET", "hush.It-is-wrong")
        .with("THE_SAS", &sas)
        .with("THE_OLD_SAS", &old_sas)
        .with("THE_ENDING_SAS", &ending)
        .with("THE_KEY", KEY)
        .with("THE_WRONG_KEY", "d3JvbmcgYnV0IGEgc2VjcmV0")
        .with("THE_CUT_KEY", "hush cut short")
        .with("THE_CUT_SAS", &sas[..sas.len() - 6])
        .with("THE_SAS_URL", &format!("https://a.blob.core.windows.net/exports?{sas}"))
        .with("THE_QUEUE_SAS", "sv=2024-11-04&ss=q&srt=sco&sp=rl&sig=aHVzaC1vZi1xdWV1ZXM%3D");
    // The app's own tenant gives no tokens here: storage is in another one.
    let other = Entra::with_secret("tenant-of-the-storage", CLIENT, SECRET);
    let with_authority =
        |entra: &Entra| run.clone_with("AZURE_AUTHORITY_HOST", &entra.authority_host());
    let with_secret = || with_authority(&entra);
    let metadata = run
        .clone_with("IDENTITY_ENDPOINT", &entra.metadata_endpoint())
        .with("IDENTITY_HEADER", "hush.Of-the-machine");
    // What is signed in with the Azure CLI is whatever `az` says.
    let command_line = run.clone_with("PATH", &fake_az(&run));
    run.write("sas", &format!("?{sas}\n"));
    run.write("federated", "a.federated.token");

    let app = ["--tenant-id", TENANT, "--client-id", CLIENT];
    let url = |dataset: &str| format!("https://{ACCOUNT}.blob.core.windows.net/exports/{dataset}");
    let (actual, amortized) = (url("actual"), url("amortized"));
    let add = |run: &Run, name: &str, credential: &[&str]| {
        let add = ["source", "add", name, "--actual", &actual, "--amortized", &amortized];
        let ended = run.run(&[&add[..], &["--scope", "billing_account"], credential].concat());
        assert_eq!(ended.code, 0, "{name}: {}", ended.stderr);
    };
    let mut said = String::new();
    let pem = pem.to_str().unwrap();
    let secret_of =
        |more: &[&'static str]| [&app[..], &["--client-secret-env", "THE_SECRET"], more].concat();
    let good = [
        ("secret", secret_of(&[]), with_secret()),
        (
            "crosstenant",
            secret_of(&["--storage-tenant-id", "tenant-of-the-storage"]),
            with_authority(&other),
        ),
        ("certificate", [&app[..], &["--certificate", pem]].concat(), with_authority(&assertions)),
        (
            "workload",
            [&app[..], &["--workload-identity", "--token-file", "federated"]].concat(),
            with_authority(&assertions),
        ),
        ("identity", vec!["--managed-identity"], metadata),
        ("cli", vec!["--azure-cli"], command_line),
        ("sas", vec!["--sas-token-env", "THE_SAS"], with_secret()),
        ("sasfile", vec!["--sas-token-file", "sas"], with_secret()),
        ("ending", vec!["--sas-token-env", "THE_ENDING_SAS"], with_secret()),
        ("key", vec!["--account-key-env", "THE_KEY"], with_secret()),
    ];
    let good_count = good.len();
    for (name, credential, run) in good {
        add(&run, name, &credential);
        let check = run.run(&["source", "check", name]);
        said.push_str(&format!("{}{}", check.stdout, check.stderr));
        assert_eq!(check.code, 0, "{name}: {}{}", check.stdout, check.stderr);
        let load = run.run(&["ingest", name, "--month", "2026-07"]);
        said.push_str(&format!("{}{}", load.stdout, load.stderr));
        assert_eq!(load.code, 0, "{name}: {}", load.stderr);
        assert!(load.stdout.contains("loaded"), "{name}: {}", load.stdout);
        if name == "ending" {
            assert!(load.stderr.contains("the SAS token of ending expires in"), "{}", load.stderr);
        }
    }
    for (name, credential, code, what) in [
        (
            "wrongsecret",
            [&app[..], &["--client-secret-env", "THE_WRONG_SECRET"]].concat(),
            3,
            "give the secret's value, not its id",
        ),
        ("unset", [&app[..], &["--client-secret-env", "NOT_SET"]].concat(), 1, "NOT_SET"),
        ("oldsas", vec!["--sas-token-env", "THE_OLD_SAS"], 1, "the SAS token expired"),
        ("wrongkey", vec!["--account-key-env", "THE_WRONG_KEY"], 3, "is not accepted"),
        ("cutkey", vec!["--account-key-env", "THE_CUT_KEY"], 1, "Base64 text of 88 characters"),
        ("queuesas", vec!["--sas-token-env", "THE_QUEUE_SAS"], 1, "not for the blob service (ss)"),
        ("cutsas", vec!["--sas-token-env", "THE_CUT_SAS"], 3, "is not accepted: it may"),
        ("sasurl", vec!["--sas-token-env", "THE_SAS_URL"], 1, "has quotes, blanks or its URL"),
    ] {
        let run = with_secret();
        add(&run, name, &credential);
        let check = run.run(&["source", "check", name]);
        said.push_str(&format!("{}{}", check.stdout, check.stderr));
        assert_eq!(check.code, code, "{name}: {}{}", check.stdout, check.stderr);
        assert!(check.stdout.contains("FAILED") && check.stdout.contains(what), "{}", check.stdout);
        let load = run.run(&["ingest", name]);
        said.push_str(&format!("{}{}", load.stdout, load.stderr));
        assert_ne!(load.code, 0, "{name}: {}", load.stderr);
        let told = load.stderr.contains("the SAS token of oldsas expired");
        assert_eq!(told, name == "oldsas", "{name}: {}", load.stderr);
    }
    let sql = "select source, count(*) as rows from actual_cost group by 1 order by 1";
    let rows = run.run(&["sql", "--format", "csv", "-c", sql]);
    assert_eq!(rows.stdout.lines().count(), 1 + good_count, "{}", rows.stdout);

    // The lake itself in the account, opened by the app.
    let lake = with_secret();
    let text = lake.read("costlake.toml");
    let credential = format!(
        "lake = \"az://lake/prod\"\n[lake_credential]\nkind = \"service_principal\"\n\
         tenant_id = \"{TENANT}\"\nclient_id = \"{CLIENT}\"\n\
         client_secret = {{ env = \"THE_SECRET\" }}\n"
    );
    lake.write("costlake.toml", &format!("{credential}{text}"));
    let lake = lake.clone_with("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT);
    let load = lake.run(&["ingest", "secret", "sas", "--month", "2026-07,2026-08"]);
    said.push_str(&format!("{}{}", load.stdout, load.stderr));
    assert_eq!(load.code, 0, "{}", load.stderr);
    let again = lake.run(&["ingest", "secret", "sas", "--month", "2026-07,2026-08"]);
    assert_eq!(again.stdout.matches("unchanged").count(), 8, "{}", again.stdout);
    let verify = lake.run(&["lake", "verify"]);
    assert_eq!(verify.code, 0, "{}", verify.stderr);

    let signature = |sas: &str| sas.split("sig=").nth(1).unwrap().to_owned();
    let (sas, old_sas, ending) = (signature(&sas), signature(&old_sas), signature(&ending));
    let secrets = [
        SECRET,
        KEY,
        "hush.It-is-wrong",
        "d3JvbmcgYnV0IGEgc2VjcmV0",
        "hush cut short",
        "aHVzaC1vZi1xdWV1ZXM",
        &sas,
        &old_sas,
        &ending,
        "a.federated.token",
        "hush.Of-the-machine",
        "BEGIN PRIVATE KEY",
    ];
    // The federated token and the answer of `az` are the test's own files.
    std::fs::remove_file(run.path("federated")).unwrap();
    std::fs::remove_dir_all(run.path("az")).unwrap();
    assert_nothing_secret(&run, &said, &secrets);
    let listed = run.run(&["source", "list"]);
    assert_nothing_secret(&run, &format!("{}{}", listed.stdout, listed.stderr), &secrets);
}

/// An `az` that answers as the Azure CLI does; returns a `PATH` with it.
fn fake_az(run: &Run) -> String {
    use std::os::unix::fs::PermissionsExt;

    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let token = access_token("https://storage.azure.com", TENANT, now.as_secs(), 3_600);
    let expires_on = now.as_secs() + 3_600;
    let script = format!(
        "#!/bin/sh\n\
         [ \"$*\" = 'account get-access-token --output json --scope \
         https://storage.azure.com/.default' ] || exit 1\n\
         echo '{{\"accessToken\": \"{token}\", \"expires_on\": {expires_on}, \
         \"tokenType\": \"Bearer\"}}'\n"
    );
    std::fs::create_dir_all(run.path("az")).unwrap();
    std::fs::write(run.path("az/az"), script).unwrap();
    std::fs::set_permissions(run.path("az/az"), std::fs::Permissions::from_mode(0o755)).unwrap();
    run.path("az").to_str().unwrap().to_owned()
}

/// A token that ends within the days in which costlake warns, whenever this runs.
fn ending_sas(azurite: &Azurite) -> String {
    let today = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let day = i32::try_from(today.as_secs() / 86_400).unwrap() + 5;
    let date = costlake_engine::model::date::civil_from_days(day);
    let expiry = format!("{:04}-{:02}-{:02}T00:00:00Z", date.year, date.month, date.day);
    azurite.sas("rl", &expiry)
}

#[test]
fn a_bill_connect_becomes_a_source_or_every_fault_is_told() {
    let run = Run::new();
    run.take("connect", "connect");
    for scope in ["billing_account", "customer_tenant", "subscription"] {
        let file = format!("connect/{scope}.jsonc");
        let name = scope.replace('_', "-");
        let add = ["source", "add", &name, "--bill-connect", &file];
        // One of the files names no first month, which is then the current one.
        let first = if scope == "subscription" { &["--first-month", "2026-05"][..] } else { &[] };
        let ended = run.run(&[&add[..], first].concat());
        assert_eq!(ended.code, 0, "{scope}: {}", ended.stderr);
    }
    run.run(&["source", "add", "profile", "--bill-connect", "connect/billing_profile.jsonc"])
        .is_snapshot("source_add_without_exports");
    run.run(&["source", "list"]).is_snapshot("source_list");
    let wrong = run.read("connect/billing_account.jsonc");
    let wrong = wrong.replace("false", "\"no\"").replace("\"clientId\"", "\"clientID\"");
    run.write("wrong.jsonc", &wrong.replace("https://", "http://"));
    let ended = run.run(&["source", "add", "wrong", "--bill-connect", "wrong.jsonc"]);
    assert_eq!(ended.code, 2);
    assert!(!ended.stderr.contains("never.valid"), "{}", ended.stderr);
    ended.is_snapshot("source_add_wrong");
    let text = run.read("costlake.toml");
    assert!(!text.contains("never.valid") && text.contains("SUBSCRIPTION_CLIENT_SECRET"), "{text}");
    run.run(&["source", "remove", "subscription"]).is_snapshot("source_remove");
    let text = run.read("costlake.toml");
    assert!(!text.contains("SUBSCRIPTION_CLIENT_SECRET"), "{text}");
}

#[test]
fn a_source_of_local_folders_is_checked_and_loaded() {
    let run = Run::new();
    run.take("exports/partner", "good");
    run.write("costlake.toml", "# kept\nthreads = 2 # and this\n");
    let add =
        ["source", "add", "partner", "--actual", "good/actual", "--amortized", "good/amortized"];
    let scope = ["--scope", "billing_profile"];
    assert_eq!(run.run(&[&add[..], &scope].concat()).code, 0);
    let kept = run.read("costlake.toml");
    assert!(kept.starts_with("# kept\nthreads = 2 # and this\n"), "{kept}");
    // What the files are of is not what was configured.
    let check = run.run(&["source", "check"]);
    assert_eq!(check.code, 1, "{}", check.stdout);
    assert!(check.stdout.contains("FAILED   actual scope: the export is of"), "{}", check.stdout);
    let again = run.run(&[&add[..], &scope].concat());
    assert_eq!(again.code, 2, "{}", again.stderr);
    let replaced = run.run(&[&add[..], &["--scope", "billing_account", "--replace"]].concat());
    assert_eq!(replaced.code, 0, "{}", replaced.stderr);
    // The two exports swapped.
    let swapped =
        ["source", "add", "swapped", "--actual", "good/amortized", "--amortized", "good/actual"];
    assert_eq!(run.run(&swapped).code, 0);
    let check = run.run(&["source", "check", "swapped"]);
    assert_eq!(check.code, 1, "{}", check.stdout);
    assert!(check.stdout.contains("may be swapped"), "{}", check.stdout);
    // A folder that is not there, in a config file that is not there yet.
    let elsewhere = ["--config", "new.toml", "source"];
    let lost = ["add", "lost", "--actual", "nowhere", "--scope", "billing_account"];
    let added = run.run(&[&elsewhere[..], &lost].concat());
    assert_eq!(added.code, 0, "{}", added.stderr);
    let check = run.run(&[&elsewhere[..], &["check"]].concat());
    assert_eq!(check.code, 1, "{}", check.stdout);
    assert!(check.stdout.contains("FAILED   actual storage access: nothing"), "{}", check.stdout);
    assert!(check.stdout.contains("Fix: check the path"), "{}", check.stdout);
    assert_eq!(run.run(&["--config", "none.toml", "source", "list"]).code, 2);
    let nothing = run.run(&["ingest", "nobody"]);
    assert_eq!(nothing.code, 2, "{}", nothing.stderr);
    // One that cannot be loaded does not keep the other from being loaded.
    let ended = run.run(&["ingest", "--month", "2026-07"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stdout.contains("│ partner"), "{}", ended.stdout);
    assert!(ended.stdout.contains("loaded"), "{}", ended.stdout);
}
