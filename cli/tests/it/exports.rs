//! `costlake exports` against stand-ins for Entra and Azure Resource Manager.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use costlake_benches::generator::{GeneratorOptions, generate};
use costlake_benches::stub::{Entra, HttpStub, Reply};
use costlake_engine::model::BillingMonth;
use serde_json::{Value, json};

use crate::run::Run;

const SCOPE: &str = "/providers/Microsoft.Billing/billingAccounts/A:B_2019-05-31";
const STORAGE: &str = "/subscriptions/00000000-0000-0000-0000-000000000002/resourceGroups/rg\
                       /providers/Microsoft.Storage/storageAccounts/contoso";
const SAS: &str = "?sv=2024-11-04&ss=b&srt=sco&sp=rwdlac&se=2099-01-01&sig=U0VDUkVU%3D";

/// A command whose environment signs in at the stand-ins.
fn signed_in(stub: &HttpStub, entra: &Entra) -> Run {
    Run::new()
        .with("AZURE_AUTHORITY_HOST", &entra.authority_host())
        .with("AZURE_RESOURCE_MANAGER_ENDPOINT", &stub.url())
        .with("AZURE_TENANT_ID", "tenant")
        .with("AZURE_CLIENT_ID", "client")
        .with("AZURE_CLIENT_SECRET", "secret-of-the-client")
}

fn entra() -> Entra {
    Entra::with_secret("tenant", "client", "secret-of-the-client")
}

fn path(rest: &str) -> String {
    format!("{SCOPE}/providers/Microsoft.CostManagement/exports{rest}")
}

const CREATE: [&str; 8] =
    ["exports", "create", "--scope", SCOPE, "--name", "contoso", "--container", "exports"];

fn create<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&CREATE[..], &["--directory", "costlake"], more].concat()
}

/// Method, URL and body of each request of a dry run.
fn requests(stdout: &str) -> Vec<(String, Value)> {
    let mut requests: Vec<(String, String)> = Vec::new();
    for line in stdout.lines() {
        if ["GET ", "PUT ", "POST "].iter().any(|method| line.starts_with(method)) {
            requests.push((line.to_owned(), String::new()));
        } else {
            requests.last_mut().unwrap().1.push_str(line);
        }
    }
    let json = |text: &str| serde_json::from_str(text).unwrap_or_default();
    requests.into_iter().map(|(line, body)| (line, json(&body))).collect()
}

#[test]
fn a_dry_run_prints_the_requests_and_signs_in_nowhere() {
    let run = Run::new();
    run.write("sas", SAS);
    let ended = run.run(&create(&[
        "--sas-account",
        "contoso",
        "--sas-token-file",
        "sas",
        "--gzip",
        "--dry-run",
    ]));
    let stdout = ended.done();
    assert!(!stdout.contains("U0VDUkVU"), "{stdout}");
    let requests = requests(stdout);
    let lines: Vec<&str> = requests.iter().map(|(line, _)| line.as_str()).collect();
    let url = |name: &str| {
        format!("https://management.azure.com{}?api-version=2025-03-01", path(&format!("/{name}")))
    };
    let (actual, amortized) = (url("contoso-actual"), url("contoso-amortized"));
    assert_eq!(
        lines,
        [
            format!("GET {actual}"),
            format!("PUT {actual}"),
            format!("GET {amortized}"),
            format!("PUT {amortized}"),
        ]
    );
    let properties = &requests[3].1["properties"];
    assert_eq!(properties["definition"]["type"], "AmortizedCost");
    assert_eq!(properties["compressionMode"], "gzip");
    assert_eq!(
        properties["deliveryInfo"]["destination"],
        json!({
            "type": "AzureBlob", "storageAccount": "contoso", "sasToken": "<redacted>",
            "container": "exports", "rootFolderPath": "costlake",
        })
    );

    let arguments = ["exports", "run", "x", "--scope", SCOPE, "--dry-run", "--month"];
    run.run(&[&arguments[..], &["2026-02..2026-03,2026-02"]].concat())
        .is_snapshot("exports_run_dry");
}

#[test]
fn what_is_wrong_is_said_before_anything_is_sent() {
    let run = Run::new();
    run.write("sas", &SAS.replace("rwdlac", "rwl"));
    let by_sas = ["--sas-account", "contoso", "--sas-token-file", "sas", "--dry-run"];
    let ended = run.run(&create(&by_sas));
    assert!(!ended.stderr.contains("U0VDUkVU"), "{}", ended.stderr);
    ended.is_snapshot("exports_sas_lacks");
    run.run(&["exports", "list", "--scope", "/subscriptions/my-subscription"])
        .is_snapshot("exports_bad_scope");
    run.run(&["exports", "list"]).is_snapshot("exports_no_scope");
    let key = Run::new().with("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0");
    key.run(&["exports", "list", "--scope", SCOPE]).is_snapshot("exports_account_key");
}

#[test]
fn exports_are_made_once_and_said_to_be_there_again() {
    let (stub, entra) = (HttpStub::start(), entra());
    let run = signed_in(&stub, &entra);
    let missing = || Reply::error(404, "NotFound", "There is none.");
    for name in ["contoso-actual", "contoso-amortized"] {
        stub.on("GET", &path(&format!("/{name}")), [missing()]);
        stub.on("PUT", &path(&format!("/{name}")), [Reply::json(201, &json!({}))]);
    }
    let arguments = create(&["--storage-account", STORAGE]);
    let ended = run.run(&arguments);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, ""));
    assert_eq!(ended.stderr, "contoso-actual created\ncontoso-amortized created\n");

    for request in stub.received().into_iter().filter(|request| request.method == "PUT") {
        let mut there = request.json();
        there["name"] = json!(request.path.rsplit('/').next());
        there["eTag"] = json!("\"1\"");
        stub.on("GET", &request.path, [Reply::json(200, &there)]);
    }
    let ended = run.run(&arguments);
    assert_eq!(ended.stderr, "contoso-actual present\ncontoso-amortized present\n");
    let ended = run.run(&[&arguments[..], &["--gzip"]].concat());
    assert_eq!(ended.code, 1);
    let place = format!("at: {}{}", stub.url(), path("/contoso-actual"));
    assert!(ended.stderr.contains(&place), "{}", ended.stderr);
    assert!(ended.stderr.contains("compressionMode is none, not gzip"), "{}", ended.stderr);
    let ended = run.run(&[&arguments[..], &["--gzip", "--update"]].concat());
    assert_eq!(ended.stderr, "contoso-actual updated\ncontoso-amortized updated\n");
    assert_eq!(stub.received().last().unwrap().json()["eTag"], "\"1\"");

    stub.on("POST", &path("/contoso-actual/run"), [Reply::error(409, "Conflict", "It runs.")]);
    for name in ["contoso-actual", "contoso-amortized"] {
        let none = Reply::json(200, &json!({ "value": [] }));
        stub.on("GET", &path(&format!("/{name}/runHistory")), [none]);
    }
    let ended = run.run(&[&arguments[..], &["--backfill-from", "2026-01"]].concat());
    assert_eq!(ended.code, 1);
    let told = "runs are left, from contoso-actual over 2026-01-01 to 2026-01-31 on; run the \
                same command again to go on from there\n";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
}

/// The month some months before the present one.
fn months_ago(count: usize) -> BillingMonth {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let today = BillingMonth::of_day(i32::try_from(since.as_secs() / 86_400).unwrap()).unwrap();
    (0..count).fold(today, |month, _| month.previous())
}

#[test]
fn new_exports_of_a_source_are_run_from_its_first_month_on() {
    let (stub, entra) = (HttpStub::start(), entra());
    let run = signed_in(&stub, &entra);
    let first = months_ago(2);
    run.write(
        "costlake.toml",
        &format!(
            "[sources.contoso]\nscope = \"{SCOPE}\"\nactual = \"act\"\nfirst_month = \"{first}\"\n"
        ),
    );
    let of_source = ["exports", "create", "--source", "contoso", "--name", "contoso"];
    let more = ["--container", "exports", "--directory", "costlake", "--storage-account", STORAGE];
    let arguments = [&of_source[..], &more].concat();
    let runs = |more: &[&str]| {
        let ended = run.run(&[&arguments[..], &["--dry-run"], more].concat());
        requests(ended.done()).iter().filter(|(line, _)| line.starts_with("POST")).count()
    };
    assert_eq!(runs(&[]), 2 * 3);
    assert_eq!(runs(&["--no-backfill"]), 0);
    assert_eq!(runs(&["--backfill-from", &months_ago(0).to_string()]), 2);

    let missing = || Reply::error(404, "NotFound", "There is none.");
    let created = || Reply::json(201, &json!({}));
    for name in ["contoso-actual", "contoso-amortized"] {
        stub.on("GET", &path(&format!("/{name}")), [missing()]);
        stub.on("PUT", &path(&format!("/{name}")), [created()]);
        stub.on("POST", &path(&format!("/{name}/run")), [Reply::json(200, &json!({}))]);
    }
    let posts = || stub.received().iter().filter(|request| request.method == "POST").count();
    assert_eq!(run.run(&arguments).code, 0);
    assert_eq!(posts(), 2 * 3);
    // Broken off in between, by a run that the service does not take and one that
    // failed: the same command goes on from there, and does nothing twice.
    for request in stub.received().into_iter().filter(|request| request.method == "PUT") {
        let mut there = request.json();
        there["name"] = json!(request.path.rsplit('/').next());
        stub.on("GET", &request.path, [Reply::json(200, &there)]);
    }
    let history = |runs: &[(usize, &str)]| {
        let run = |(ago, status): &(usize, &str)| {
            let start = format!("{}-01T00:00:00Z", months_ago(*ago));
            json!({ "id": "x/Run/1", "properties": { "status": status, "startDate": start } })
        };
        Reply::json(200, &json!({ "value": runs.iter().map(run).collect::<Vec<_>>() }))
    };
    let of = |name: &str, rest: &str| path(&format!("/contoso-{name}/{rest}"));
    stub.on("GET", &of("actual", "runHistory"), [history(&[(2, "Completed"), (1, "Failed")])]);
    stub.on("GET", &of("amortized", "runHistory"), [history(&[(2, "Queued"), (1, "Completed")])]);
    stub.on("POST", &of("actual", "run"), [Reply::error(409, "Conflict", "It runs.")]);
    let ended = run.run(&arguments);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let told = format!("3 of 3 runs are left, from contoso-actual over {}-01 to", months_ago(1));
    assert!(ended.stderr.contains(&told), "{}", ended.stderr);
    stub.on("POST", &of("actual", "run"), [Reply::json(200, &json!({}))]);
    let before = posts();
    assert_eq!(run.run(&arguments).code, 0);
    assert_eq!(posts() - before, 3, "last month of one, the present one of both");
    let whole = history(&[(2, "Completed"), (1, "Completed"), (0, "InProgress")]);
    for name in ["actual", "amortized"] {
        stub.on("GET", &of(name, "runHistory"), [whole.clone()]);
    }
    let before = posts();
    assert_eq!(run.run(&arguments).code, 0);
    assert_eq!(posts() - before, 0);
    // The service keeps seven years.
    let old = run.run(&["exports", "run", "x", "--scope", SCOPE, "--month", "2010-01"]);
    assert_eq!(old.code, 2, "{}", old.stderr);
    assert!(old.stderr.contains("is more than 84 months back"), "{}", old.stderr);
    assert_eq!(posts() - before, 0);
}

#[test]
fn exports_and_runs_are_listed() {
    let (stub, entra) = (HttpStub::start(), entra());
    let run = signed_in(&stub, &entra);
    let history = json!({ "value": [{
        "id": "x/Run/11ac6811-dca3-46ad-b326-4704cf0c58ef", "properties": {
            "executionType": "OnDemand", "status": "Failed",
            "submittedTime": "2026-07-02T07:52:15.6016681Z",
            "processingEndTime": "2026-07-02T07:53:00Z",
            "startDate": "2026-06-01T00:00:00Z", "endDate": "2026-06-30T00:00:00Z",
            "error": { "code": "Storage", "message": "The account is closed." },
        },
    }] });
    stub.on("GET", &path("/x/runHistory"), [Reply::json(200, &history)]);
    let all = json!({ "value": [{ "name": "x", "properties": {
        "definition": { "type": "ActualCost" }, "runHistory": history,
        "schedule": { "status": "Active", "recurrence": "Daily" },
        "nextRunTimeEstimate": "2026-07-03T00:00:00Z",
        "deliveryInfo": { "destination": {
            "resourceId": STORAGE, "container": "exports", "rootFolderPath": "costlake",
        } },
    } }] });
    stub.on("GET", &path(""), [Reply::json(200, &all), Reply::json(200, &json!({ "value": [] }))]);
    run.run(&["exports", "list", "--scope", SCOPE]).is_snapshot("exports_list");
    run.run(&["exports", "list", "--scope", SCOPE]).is_snapshot("exports_list_empty");
    run.run(&["exports", "history", "x", "--scope", SCOPE]).is_snapshot("exports_history");
}

#[test]
fn a_run_is_waited_for_and_its_end_is_the_exit_code() {
    let (stub, entra) = (HttpStub::start(), entra());
    let run = signed_in(&stub, &entra);
    let history = |status: &str| {
        let run = json!({ "id": "x/Run/1", "properties": {
            "status": status, "startDate": "2026-02-01T00:00:00Z",
        } });
        Reply::json(200, &json!({ "value": [run] }))
    };
    let none = || Reply::json(200, &json!({ "value": [] }));
    let arguments = ["exports", "run", "x", "--scope", SCOPE, "--month", "2026-02", "--wait"];
    stub.on("POST", &path("/x/run"), [Reply::text(202, "")]);
    stub.on("GET", &path("/x/runHistory"), [none(), history("Completed")]);
    run.run(&arguments).is_snapshot("exports_run_completed");
    stub.on("GET", &path("/x/runHistory"), [none(), history("DataNotAvailable")]);
    let ended = run.run(&arguments);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("ended as DataNotAvailable"), "{}", ended.stderr);

    stub.on("POST", &path("/x/run"), [Reply::error(403, "RBACAccessDenied", "No access.")]);
    let ended = run.run(&arguments[..7]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(ended.stderr.contains("must be admin agent or billing admin"), "{}", ended.stderr);
    stub.on("POST", &path("/x/run"), [Reply::error(404, "NotFound", "No such export.")]);
    assert_eq!(run.run(&arguments[..7]).code, 2);
    entra.refuse("AADSTS7000215", "Invalid client secret provided.");
    let ended = run.run(&arguments[..7]);
    assert_eq!(ended.code, 3);
    assert!(ended.stderr.contains("give the secret's value"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("secret-of-the-client"), "{}", ended.stderr);
}

/// What the service answers, and what the command makes of it.
#[test]
fn every_status_has_its_exit_code() {
    for (status, code, exit) in [
        (200, "", 0),
        (400, "BadRequest", 2),
        (401, "InvalidAuthenticationToken", 3),
        (403, "RBACAccessDenied", 3),
        (404, "NotFound", 2),
        (409, "Conflict", 1),
        (412, "PreconditionFailed", 1),
        (429, "TooManyRequests", 3),
        (500, "InternalServerError", 3),
    ] {
        let (stub, entra) = (HttpStub::start(), entra());
        let reply = match status {
            200 => Reply::json(200, &json!({})),
            _ => Reply::error(status, code, "what the service says").header("retry-after", "0"),
        };
        stub.on("POST", &path("/contoso-actual/run"), [reply]);
        let ended =
            signed_in(&stub, &entra).run(&["exports", "run", "contoso-actual", "--scope", SCOPE]);
        assert_eq!(ended.code, exit, "{status}: {}", ended.stderr);
        if exit != 0 {
            assert!(ended.stderr.contains("hint:"), "{status}: {}", ended.stderr);
        }
        assert!(!ended.stderr.contains("secret-of-the-client"), "{}", ended.stderr);
    }
    let (stub, entra) = (HttpStub::start(), entra());
    for dataset in ["actual", "amortized"] {
        let name = path(&format!("/contoso-{dataset}"));
        stub.on("GET", &name, [Reply::error(404, "NotFound", "none")]);
        stub.on("PUT", &name, [Reply::json(201, &json!({}))]);
    }
    let ended = signed_in(&stub, &entra).run(&create(&["--storage-account", STORAGE]));
    assert_eq!(ended.code, 0, "201: {}", ended.stderr);
}

/// A service that repeats what it was sent, behind a proxy that must not see it.
#[test]
fn an_echo_gives_no_token_away_and_this_machine_is_behind_no_proxy() {
    let (stub, entra) = (HttpStub::start(), entra());
    stub.on_call("GET", &path(""), |request| {
        let sent = request.header("authorization").unwrap_or_default();
        assert!(sent.starts_with("Bearer eyJ"), "{sent}");
        Reply::error(400, "BadRequest", &format!("the header was {sent} and client_secret=hush"))
    });
    let run = signed_in(&stub, &entra)
        .with("HTTP_PROXY", "http://127.0.0.1:1")
        .with("HTTPS_PROXY", "http://127.0.0.1:1");
    let ended = run.run(&["exports", "list", "--scope", SCOPE]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("the header was Bearer <redacted>"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("eyJ") && !ended.stderr.contains("hush"), "{}", ended.stderr);
}

/// `ingest --refresh` asks for both runs, waits for both, and loads what they wrote.
#[test]
fn a_refresh_runs_both_exports_before_the_load() {
    for (status, code) in [("Completed", 0), ("NewDataNotAvailable", 0), ("Failed", 1)] {
        let (stub, entra) = (HttpStub::start(), entra());
        let run = signed_in(&stub, &entra);
        let generated = tempfile::tempdir().unwrap();
        let options = GeneratorOptions {
            months: vec!["2026-07".parse().unwrap()],
            rows_per_month: 100,
            open_month: None,
            ..GeneratorOptions::default()
        };
        generate(generated.path(), &options, &|_| {}).unwrap();
        for dataset in ["actual", "amortized"] {
            let export = run.path(&format!("contoso-{dataset}"));
            std::fs::create_dir(&export).unwrap();
            let started = Arc::new(AtomicBool::new(false));
            let (from, has_started) = (generated.path().join(dataset), Arc::clone(&started));
            let name = path(&format!("/contoso-{dataset}"));
            stub.on_call("POST", &format!("{name}/run"), move |request| {
                let period = &request.json()["timePeriod"];
                assert!(period["from"].as_str().unwrap().starts_with("2026-07-01"), "{period}");
                crate::run::copy(&from, &export);
                has_started.store(true, Ordering::SeqCst);
                Reply::text(200, "")
            });
            stub.on_call("GET", &format!("{name}/runHistory"), move |_| {
                let run = json!({ "id": format!("{status}-1"), "properties": {
                    "executionType": "OnDemand", "status": status,
                    "submittedTime": "2099-01-01T00:00:00Z",
                    "startDate": "2026-07-01T00:00:00Z", "endDate": "2026-07-31T00:00:00Z",
                    "error": { "code": "E", "message": "it broke" },
                } });
                let runs = if started.load(Ordering::SeqCst) { vec![run] } else { Vec::new() };
                Reply::json(200, &json!({ "value": runs }))
            });
        }
        let add = ["source", "add", "contoso", "--refresh", "--scope", SCOPE];
        let exports = ["--actual", "contoso-actual", "--amortized", "contoso-amortized"];
        assert_eq!(run.run(&[&add[..], &exports].concat()).code, 0);
        let ended = run.run(&["ingest", "--refresh", "--month", "2026-07"]);
        assert_eq!(ended.code, code, "{status}: {}", ended.stderr);
        // Loaded all the same, and both were waited for.
        assert_eq!(ended.stdout.matches("loaded").count(), 2, "{status}: {}", ended.stdout);
        let calls = stub.calls();
        for dataset in ["actual", "amortized"] {
            let history = format!("GET {}", path(&format!("/contoso-{dataset}/runHistory")));
            assert!(calls.iter().filter(|call| **call == history).count() >= 2, "{calls:?}");
        }
        let plain = run.run(&["ingest", "--month", "2026-07"]);
        assert_eq!((plain.code, stub.calls().len()), (0, calls.len()), "{}", plain.stderr);
    }
}
