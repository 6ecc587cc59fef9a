//! The Exports API, as a stand-in for Azure Resource Manager answers it.

use std::sync::Arc;
use std::time::Duration;

use costlake_benches::stub::{Entra, HttpStub, Reply};
use costlake_engine::azure::exports::{
    ArmScope, Compression, Destination, ExportDefinition, ExportName, ExportRun, ExportSettings,
    ExportsAddress, ExportsClient, ExportsError, OnExisting, PutOutcome, RunMark, RunStatus,
    SasDestinationToken, TimePeriod, WaitOptions, backfill_periods, definitions,
};
use costlake_engine::azure::{Credential, HttpOptions, Secret, TokenSource};
use costlake_engine::error::{ErrorClass, Fault as _};
use costlake_engine::model::{BillingMonth, DatasetType};
use serde_json::{Value, json};

const MANAGEMENT: &str = "https://management.azure.com";
const TENANT: &str = "22222222-2222-2222-2222-222222222222";
const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000001";
const ACCOUNT: &str = "/providers/Microsoft.Billing/billingAccounts/A:B_2019-05-31";
const STORAGE: &str = "/subscriptions/00000000-0000-0000-0000-000000000002/resourceGroups/rg\
                       /providers/Microsoft.Storage/storageAccounts/contoso";
const SAS: &str = "sv=2024-11-04&ss=b&srt=sco&sp=rwdlac&se=2030-01-01T00:00:00Z&sig=U0VDUkVU%3D";

/// 2026-07-10, as days since 1970-01-01.
const TODAY: i32 = 20_644;

/// Azure, as far as exports go.
struct Service {
    entra: Entra,
    stub: HttpStub,
    scope: ArmScope,
}

impl Service {
    fn at(scope: &str) -> Self {
        let entra = Entra::with_secret(TENANT, "client", "secret-of-the-client");
        Self { entra, stub: HttpStub::start(), scope: scope.parse().unwrap() }
    }

    fn client(&self) -> ExportsClient {
        self.client_as(Credential::ClientSecret {
            tenant_id: TENANT.to_owned(),
            client_id: "client".to_owned(),
            client_secret: Secret::new("secret-of-the-client"),
        })
    }

    fn client_as(&self, credential: Credential) -> ExportsClient {
        let tokens = TokenSource::new(credential, &self.entra.authority_host()).unwrap();
        let address = ExportsAddress::new(&self.stub.url(), self.scope.clone()).unwrap();
        let options = HttpOptions { retries_max: 2, retry_delay_ms: 1, ..HttpOptions::default() };
        ExportsClient::new(address, MANAGEMENT, Arc::new(tokens), options).unwrap()
    }

    /// Path of the exports, and below it.
    fn path(&self, rest: &str) -> String {
        format!("{}/providers/Microsoft.CostManagement/exports{rest}", self.scope)
    }

    fn definition(&self, name: &str, dataset: DatasetType) -> ExportDefinition {
        let settings = settings(by_resource());
        ExportDefinition::new(&self.scope, name.parse().unwrap(), dataset, settings).unwrap()
    }

    /// The body of the last PUT.
    fn put_body(&self) -> Value {
        let received = self.stub.received();
        received.iter().rfind(|request| request.method == "PUT").unwrap().json()
    }
}

fn by_resource() -> Destination {
    Destination::resource(STORAGE, "exports", "costlake/contoso").unwrap()
}

fn by_sas() -> Destination {
    let token = SasDestinationToken::new(SAS, i64::from(TODAY) * 86_400_000).unwrap();
    Destination::sas("contoso", token, "exports", "costlake/contoso").unwrap()
}

fn settings(destination: Destination) -> ExportSettings {
    ExportSettings {
        destination,
        compression: Compression::Gzip,
        identity_location: None,
        today: TODAY,
    }
}

fn not_found() -> Reply {
    Reply::error(404, "NotFound", "The requested export could not be found.")
}

/// An export as the service gives it back for a definition.
fn stored(definition: &ExportDefinition, etag: &str) -> Value {
    let mut json: Value = serde_json::from_str(&definition.body(Some(etag))).unwrap();
    json["name"] = json!(definition.name().as_str());
    json
}

fn name(text: &str) -> ExportName {
    text.parse().unwrap()
}

#[tokio::test]
async fn every_field_rule_holds_in_the_body_that_arrives() {
    let daily = json!({ "granularity": "Daily" });
    let with = |version: &str, granularity: Option<&Value>| {
        let mut json = json!({ "configuration": { "dataVersion": version } });
        if let Some(daily) = granularity {
            json["granularity"] = daily["granularity"].clone();
        }
        json
    };
    let version = |version: &str| with(version, Some(&daily));
    let mut recommended = with("2023-05-01", None);
    recommended["configuration"]["filters"] = json!([
        { "name": "ReservationScope", "value": "Shared" },
        { "name": "ResourceType", "value": "VirtualMachines" },
        { "name": "LookBackPeriod", "value": "Last60Days" },
    ]);
    let resource = json!({
        "type": "AzureBlob", "resourceId": STORAGE, "container": "exports",
        "rootFolderPath": "costlake/contoso",
    });
    let sas = json!({
        "type": "AzureBlob", "storageAccount": "contoso", "sasToken": SAS, "container": "exports",
        "rootFolderPath": "costlake/contoso",
    });
    let with_identity = |settings: ExportSettings| ExportSettings {
        identity_location: Some("westeurope".to_owned()),
        ..settings
    };
    let plain =
        |settings: ExportSettings| ExportSettings { compression: Compression::None, ..settings };
    let base = || settings(by_resource());
    let (cost, price) = (DatasetType::ActualCost, DatasetType::PriceSheet);
    for (scope, dataset, settings, rules) in [
        (
            SUBSCRIPTION,
            cost,
            base(),
            vec![
                ("/properties/format", json!("Csv")),
                ("/properties/compressionMode", json!("gzip")),
                ("/properties/dataOverwriteBehavior", json!("OverwritePreviousReport")),
                ("/properties/partitionData", json!(true)),
                ("/properties/definition/type", json!("ActualCost")),
                ("/properties/definition/timeframe", json!("MonthToDate")),
                ("/properties/definition/timePeriod", Value::Null),
                ("/properties/definition/dataSet", version("2021-10-01")),
                ("/properties/deliveryInfo/destination", resource.clone()),
                ("/properties/schedule/status", json!("Active")),
                ("/properties/schedule/recurrence", json!("Daily")),
                ("/properties/schedule/recurrencePeriod/from", json!("2026-07-11T00:00:00Z")),
                ("/properties/schedule/recurrencePeriod/to", json!("2036-07-10T00:00:00Z")),
                ("/identity", Value::Null),
                ("/location", Value::Null),
                ("/eTag", Value::Null),
            ],
        ),
        (
            ACCOUNT,
            DatasetType::AmortizedCost,
            settings(by_sas()),
            vec![
                ("/properties/definition/type", json!("AmortizedCost")),
                ("/properties/definition/dataSet", version("2021-10-01")),
                ("/properties/deliveryInfo/destination", sas),
            ],
        ),
        (SUBSCRIPTION, cost, plain(base()), vec![("/properties/compressionMode", json!("none"))]),
        (
            SUBSCRIPTION,
            cost,
            with_identity(base()),
            vec![
                ("/identity", json!({ "type": "SystemAssigned" })),
                ("/location", json!("westeurope")),
                ("/properties/deliveryInfo/destination", resource),
            ],
        ),
        (
            ACCOUNT,
            price,
            base(),
            vec![
                ("/properties/definition/type", json!("PriceSheet")),
                ("/properties/definition/timeframe", json!("TheCurrentMonth")),
                ("/properties/definition/dataSet", version("2023-05-01")),
            ],
        ),
        (
            ACCOUNT,
            DatasetType::ReservationDetails,
            plain(base()),
            vec![("/properties/definition/dataSet", version("2023-03-01"))],
        ),
        (
            ACCOUNT,
            DatasetType::ReservationTransactions,
            plain(base()),
            vec![("/properties/definition/dataSet", with("2023-05-01", None))],
        ),
        (
            ACCOUNT,
            DatasetType::ReservationRecommendations,
            plain(base()),
            vec![("/properties/definition/dataSet", recommended)],
        ),
    ] {
        let service = Service::at(scope);
        let definition =
            ExportDefinition::new(&service.scope, name("x"), dataset, settings).unwrap();
        service.stub.on("GET", &service.path("/x"), [not_found()]);
        service.stub.on("PUT", &service.path("/x"), [Reply::json(201, &json!({ "name": "x" }))]);
        let outcome = service.client().put(&definition, OnExisting::Keep).await.unwrap();
        assert_eq!(outcome, PutOutcome::Created);
        let received = service.stub.received();
        let put = received.last().unwrap();
        assert_eq!(put.parameter("api-version"), Some("2025-03-01"));
        assert_eq!(put.header("content-type"), Some("application/json"));
        assert!(put.header("authorization").unwrap().starts_with("Bearer ey"));
        for (pointer, value) in rules {
            let found = put.json().pointer(pointer).cloned().unwrap_or_default();
            assert_eq!(found, value, "{dataset} {pointer}");
        }
        let shown = definition.redacted().to_string() + &format!("{definition:?}");
        assert!(!shown.contains("U0VDUkVU"), "{shown}");
    }
}

#[tokio::test]
async fn exports_are_made_at_every_scope() {
    for scope in [
        SUBSCRIPTION.to_owned(),
        format!("{SUBSCRIPTION}/resourceGroups/rg"),
        "/providers/Microsoft.Management/managementGroups/mg".to_owned(),
        ACCOUNT.to_owned(),
        format!("{ACCOUNT}/billingProfiles/P"),
        format!("{ACCOUNT}/billingProfiles/P/invoiceSections/S"),
        format!("{ACCOUNT}/customers/C"),
    ] {
        let service = Service::at(&scope);
        service.stub.on("GET", &service.path("/x"), [not_found()]);
        service.stub.on("PUT", &service.path("/x"), [Reply::json(201, &json!({}))]);
        let definition = service.definition("x", DatasetType::ActualCost);
        service.client().put(&definition, OnExisting::Keep).await.unwrap();
        let path = format!("{scope}/providers/Microsoft.CostManagement/exports/x");
        assert_eq!(service.stub.calls(), [format!("GET {path}"), format!("PUT {path}")]);
    }
}

#[tokio::test]
async fn a_create_overwrites_nothing_and_an_update_names_what_it_saw() {
    let service = Service::at(SUBSCRIPTION);
    let definition = service.definition("x", DatasetType::ActualCost);
    let client = service.client();
    let path = service.path("/x");
    let same = stored(&definition, "\"1\"");
    service.stub.on("GET", &path, [Reply::json(200, &same)]);
    let outcome = client.put(&definition, OnExisting::Keep).await.unwrap();
    assert_eq!(outcome, PutOutcome::Present);

    let mut other = same.clone();
    other["properties"]["compressionMode"] = json!("none");
    other["properties"]["deliveryInfo"]["destination"]["container"] = json!("elsewhere");
    service.stub.on("GET", &path, [Reply::json(200, &other)]);
    let error = client.put(&definition, OnExisting::Keep).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "export x exists and differs: compressionMode is none, not gzip; container is elsewhere, \
         not exports"
    );
    assert_eq!(error.class(), ErrorClass::Conflict);
    assert!(error.hint().unwrap().contains("--update"));
    assert!(service.stub.received().iter().all(|request| request.method == "GET"));

    service.stub.on("PUT", &path, [Reply::json(200, &same)]);
    let outcome = client.put(&definition, OnExisting::Update).await.unwrap();
    assert_eq!(outcome, PutOutcome::Updated);
    assert_eq!(service.put_body()["eTag"], "\"1\"");

    // Somebody else's edit in between.
    service.stub.on("PUT", &path, [Reply::error(412, "PreconditionFailed", "eTag is stale.")]);
    let error = client.put(&definition, OnExisting::Update).await.unwrap_err();
    assert!(matches!(error, ExportsError::Changed(_)), "{error:?}");
}

#[tokio::test]
async fn a_lost_answer_to_a_create_or_an_update_does_not_make_it_fail() {
    let service = Service::at(SUBSCRIPTION);
    let definition = service.definition("x", DatasetType::ActualCost);
    let path = service.path("/x");
    let same = Reply::json(200, &stored(&definition, "\"1\""));
    service.stub.on("GET", &path, [not_found(), same.clone()]);
    let conflict = Reply::error(409, "Conflict", "It exists.");
    service.stub.on("PUT", &path, [Reply::hang_up(), conflict]);
    let outcome = service.client().put(&definition, OnExisting::Keep).await.unwrap();
    assert_eq!(outcome, PutOutcome::Present);

    let mut older = stored(&definition, "\"0\"");
    older["properties"]["partitionData"] = json!(false);
    service.stub.on("GET", &path, [Reply::json(200, &older), same]);
    let stale = Reply::error(412, "PreconditionFailed", "eTag is stale.");
    service.stub.on("PUT", &path, [Reply::hang_up(), stale]);
    let outcome = service.client().put(&definition, OnExisting::Update).await.unwrap();
    assert_eq!(outcome, PutOutcome::Updated);
}

#[tokio::test]
async fn two_exports_of_one_base_can_be_made_again_after_half_of_them() {
    let service = Service::at(ACCOUNT);
    let client = service.client();
    let both = definitions(
        client.address(),
        &name("contoso"),
        &DatasetType::COST,
        &settings(by_resource()),
    )
    .unwrap();
    let (actual, amortized) = (service.path("/contoso-actual"), service.path("/contoso-amortized"));
    service.stub.on("GET", &actual, [not_found()]);
    service.stub.on("GET", &amortized, [not_found()]);
    service.stub.on("PUT", &actual, [Reply::json(201, &json!({}))]);
    service.stub.on("PUT", &amortized, [Reply::error(403, "RBACAccessDenied", "No.")]);
    let mut told = Vec::new();
    let mut tell = |definition: &ExportDefinition, outcome: PutOutcome| {
        told.push(format!("{} {outcome}", definition.name()));
    };
    let error = client.put_all(&both, OnExisting::Keep, &mut tell).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot create export contoso-amortized: No. (HTTP 403 RBACAccessDenied); done before it: \
         contoso-actual created"
    );
    assert_eq!(error.class(), ErrorClass::Denied);
    assert!(
        error
            .hint()
            .unwrap()
            .ends_with("; then run the same command again: what is there already is left as it is")
    );

    service.stub.on("GET", &actual, [Reply::json(200, &stored(&both[0], "\"1\""))]);
    service.stub.on("PUT", &amortized, [Reply::json(201, &json!({}))]);
    let outcomes = client.put_all(&both, OnExisting::Keep, &mut tell).await.unwrap();
    assert_eq!(outcomes, [PutOutcome::Present, PutOutcome::Created]);
    assert_eq!(
        told,
        ["contoso-actual created", "contoso-actual present", "contoso-amortized created"]
    );
}

/// The calls, to be refused.
#[derive(Clone, Copy, Debug)]
enum Asked {
    List,
    Get,
    Create,
    Update,
    Run,
    History,
}

async fn refused(
    service: &Service,
    client: &ExportsClient,
    asked: Asked,
    reply: Reply,
) -> ExportsError {
    let definition = service.definition("x", DatasetType::ActualCost);
    let (all, path) = (service.path(""), service.path("/x"));
    let mut older = stored(&definition, "\"0\"");
    older["properties"]["partitionData"] = json!(false);
    let older = Reply::json(200, &older);
    match asked {
        Asked::List => {
            service.stub.on("GET", &all, [reply]);
            client.list().await.unwrap_err()
        }
        Asked::Get => {
            service.stub.on("GET", &path, [reply]);
            client.get(&name("x")).await.unwrap_err()
        }
        Asked::Create => {
            service.stub.on("GET", &path, [not_found()]);
            service.stub.on("PUT", &path, [reply]);
            client.put(&definition, OnExisting::Keep).await.unwrap_err()
        }
        Asked::Update => {
            service.stub.on("GET", &path, [older]);
            service.stub.on("PUT", &path, [reply]);
            client.put(&definition, OnExisting::Update).await.unwrap_err()
        }
        Asked::Run => {
            service.stub.on("POST", &service.path("/x/run"), [reply]);
            client.run(&name("x"), None).await.unwrap_err()
        }
        Asked::History => {
            service.stub.on("GET", &service.path("/x/runHistory"), [reply]);
            client.run_history(&name("x")).await.unwrap_err()
        }
    }
}

#[tokio::test]
async fn every_status_has_its_words_class_and_hint() {
    let again = "try again in 0 s";
    let busy = "wait until what is going on has ended, see the export's history";
    for (asked, scope, status, code, message, says, class, hint) in [
        (
            Asked::Create,
            SUBSCRIPTION,
            400,
            "BadRequest",
            "Invalid definition type 'AmortizedCost'; valid values: 'Usage'",
            "cannot create export x: Invalid definition type 'AmortizedCost'; valid values: \
             'Usage' (HTTP 400 BadRequest)",
            ErrorClass::BadConfig,
            "this scope does not offer that dataset; take another scope or another --dataset",
        ),
        (
            Asked::Create,
            SUBSCRIPTION,
            400,
            "MissingSubscriptionRegistration",
            "Not registered.",
            "cannot create export x: Not registered. (HTTP 400 MissingSubscriptionRegistration)",
            ErrorClass::BadConfig,
            "register the provider in the subscription of the storage account: az provider \
             register --namespace Microsoft.CostManagementExports",
        ),
        (
            Asked::Run,
            SUBSCRIPTION,
            400,
            "BadRequest",
            "Invalid definition timePeriod; 'to' value cannot be in the future.",
            "cannot run export x: Invalid definition timePeriod; 'to' value cannot be in the \
             future. (HTTP 400 BadRequest)",
            ErrorClass::BadConfig,
            "a run takes one calendar month at most and no day in the future",
        ),
        (
            Asked::Update,
            SUBSCRIPTION,
            400,
            "400",
            "Missing.",
            "cannot update export x: Missing. (HTTP 400 400)",
            ErrorClass::BadConfig,
            "see the whole request with --dry-run",
        ),
        (
            Asked::List,
            SUBSCRIPTION,
            401,
            "InvalidAuthenticationTokenTenant",
            "The access token is from the wrong issuer.",
            "cannot list exports: The access token is from the wrong issuer. (HTTP 401 \
             InvalidAuthenticationTokenTenant)",
            ErrorClass::Denied,
            "the token is not accepted here: check that tenant and cloud are those of the scope, \
             and that AZURE_AUTHORITY_HOST and AZURE_RESOURCE_MANAGER_ENDPOINT belong to one cloud",
        ),
        (
            Asked::Run,
            SUBSCRIPTION,
            403,
            "RBACAccessDenied",
            "No access.",
            "cannot run export x: No access. (HTTP 403 RBACAccessDenied)",
            ErrorClass::Denied,
            "whoever is signed in must be Owner, Contributor or Cost Management Contributor at \
             the subscription",
        ),
        (
            Asked::Create,
            ACCOUNT,
            403,
            "RBACAccessDenied",
            "No access.",
            "cannot create export x: No access. (HTTP 403 RBACAccessDenied)",
            ErrorClass::Denied,
            "whoever is signed in must be admin agent or billing admin of the partner at the \
             billing account, and Contributor at the storage account",
        ),
        (
            Asked::List,
            SUBSCRIPTION,
            404,
            "SubscriptionNotFound",
            "The subscription could not be found.",
            "cannot list exports: The subscription could not be found. (HTTP 404 \
             SubscriptionNotFound)",
            ErrorClass::BadConfig,
            "check the scope /subscriptions/00000000-0000-0000-0000-000000000001, and that \
             whoever is signed in sees it",
        ),
        (
            Asked::Get,
            SUBSCRIPTION,
            404,
            "SubscriptionNotFound",
            "",
            "cannot read export x: (HTTP 404 SubscriptionNotFound)",
            ErrorClass::BadConfig,
            "check the name \"x\" with `costlake exports list`, the scope \
             /subscriptions/00000000-0000-0000-0000-000000000001, and that whoever is signed in \
             sees it",
        ),
        (
            Asked::Run,
            SUBSCRIPTION,
            404,
            "NotFound",
            "No such export.",
            "cannot run export x: No such export. (HTTP 404 NotFound)",
            ErrorClass::BadConfig,
            "check the name \"x\" with `costlake exports list`, the scope \
             /subscriptions/00000000-0000-0000-0000-000000000001, and that whoever is signed in \
             sees it",
        ),
        (
            Asked::Create,
            SUBSCRIPTION,
            409,
            "Conflict",
            "Another operation is in progress.",
            "cannot create export x: Another operation is in progress. (HTTP 409 Conflict)",
            ErrorClass::Conflict,
            busy,
        ),
        (
            Asked::Run,
            SUBSCRIPTION,
            409,
            "Conflict",
            "A run is in progress.",
            "cannot run export x: A run is in progress. (HTTP 409 Conflict)",
            ErrorClass::Conflict,
            busy,
        ),
        (
            Asked::Update,
            SUBSCRIPTION,
            412,
            "PreconditionFailed",
            "The eTag does not match.",
            "cannot update export x: The eTag does not match. (HTTP 412 PreconditionFailed)",
            ErrorClass::Conflict,
            "somebody else changed the export meanwhile: look at it, try again",
        ),
        (
            Asked::History,
            SUBSCRIPTION,
            429,
            "429",
            "Too many requests. Please retry.",
            "cannot read the runs of export x: Too many requests. Please retry. (HTTP 429 429)",
            ErrorClass::Retryable,
            again,
        ),
        (
            Asked::Run,
            SUBSCRIPTION,
            429,
            "TooManyRequests",
            "",
            "cannot run export x: (HTTP 429 TooManyRequests)",
            ErrorClass::Retryable,
            again,
        ),
        (
            Asked::List,
            SUBSCRIPTION,
            500,
            "InternalServerError",
            "Sorry.",
            "cannot list exports: Sorry. (HTTP 500 InternalServerError)",
            ErrorClass::Retryable,
            "try again later",
        ),
        (
            Asked::Create,
            SUBSCRIPTION,
            503,
            "ServiceUnavailable",
            "Sorry.",
            "cannot create export x: Sorry. (HTTP 503 ServiceUnavailable)",
            ErrorClass::Retryable,
            "try again later",
        ),
        (
            Asked::Run,
            SUBSCRIPTION,
            504,
            "GatewayTimeout",
            "Sorry.",
            "cannot run export x: Sorry. (HTTP 504 GatewayTimeout)",
            ErrorClass::Retryable,
            "it may have begun: see the export's history before trying again",
        ),
    ] {
        let service = Service::at(scope);
        let reply = Reply::error(status, code, message).header("retry-after", "0");
        let error = refused(&service, &service.client(), asked, reply).await;
        assert_eq!(error.to_string(), says);
        assert_eq!(error.class(), class, "{says}");
        assert_eq!(error.hint().as_deref(), Some(hint), "{says}");
        let refusal = error.refusal().unwrap();
        assert_eq!((refusal.status, refusal.code.as_deref()), (status, Some(code)));
        let place = error.location().unwrap().blob.unwrap();
        assert!(place.starts_with(&service.stub.url()) && !place.contains('?'), "{place}");
        // Passing faults were tried again, but a run of unknown fate was not.
        let calls = service.stub.calls();
        let last = calls.iter().filter(|call| Some(*call) == calls.last()).count();
        let tried = match (status, asked) {
            (429, _) | (500.., Asked::List | Asked::Create | Asked::History) => 3,
            // Looked for once more, in case it was made.
            (409, Asked::Create) => 2,
            (412, Asked::Update) => 2,
            _ => 1,
        };
        assert_eq!(last, tried, "{says}: {calls:?}");
    }
}

#[tokio::test]
async fn a_managed_identity_is_told_what_billing_scopes_refuse() {
    let service = Service::at(ACCOUNT);
    let client = service.client_as(Credential::ManagedIdentity {
        identity: None,
        endpoint: Some(service.entra.metadata_endpoint()),
        identity_header: None,
    });
    let reply = Reply::error(403, "RBACAccessDenied", "No access.");
    let error = refused(&service, &client, Asked::Run, reply).await;
    assert_eq!(
        error.hint().unwrap(),
        "a managed identity is refused at a billing account: sign in as a service principal with \
         a billing role (AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET)"
    );
}

#[tokio::test]
async fn throttling_says_how_long_and_takes_cost_managements_own_word() {
    let service = Service::at(SUBSCRIPTION);
    let throttled =
        |header: &str, seconds: &str| Reply::error(429, "429", "").header(header, seconds);
    let own = "x-ms-ratelimit-microsoft.costmanagement-entity-retry-after";
    let path = service.path("/x/run");
    service.stub.on(
        "POST",
        &path,
        [throttled(own, "0"), throttled("retry-after", "0"), Reply::text(202, "")],
    );
    service.client().run(&name("x"), None).await.unwrap();
    assert_eq!(service.stub.received().len(), 3);
    // The last answer of all is the one that is told.
    service.stub.on(
        "POST",
        &path,
        [throttled(own, "0"), throttled(own, "0"), throttled(own, "37")],
    );
    let error = service.client().run(&name("x"), None).await.unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("try again in 37 s"));
}

#[tokio::test]
async fn unreadable_and_unreachable_services_are_told_apart() {
    let service = Service::at(SUBSCRIPTION);
    let client = service.client();
    let bad = "the service answers with something unexpected";
    for (asked, reply, says) in [
        (
            Asked::List,
            Reply::text(200, "<html>"),
            format!("cannot list exports: {bad}: it is no JSON"),
        ),
        (
            Asked::List,
            Reply::json(200, &json!({})),
            format!("cannot list exports: {bad}: there is no list in it"),
        ),
        (
            Asked::Get,
            Reply::json(200, &json!({})),
            format!("cannot read export x: {bad}: it has no name"),
        ),
        (
            Asked::History,
            Reply::json(200, &json!([])),
            format!("cannot read the runs of export x: {bad}: there are no runs in it"),
        ),
        (Asked::Run, Reply::text(418, ""), format!("cannot run export x: {bad}: HTTP 418")),
        // A proxy's page instead of Azure's words.
        (Asked::Run, Reply::text(403, "<html>no</html>"), "cannot run export x: (HTTP 403)".into()),
    ] {
        let error = refused(&service, &client, asked, reply).await;
        assert_eq!(error.to_string(), says);
    }
    let lost = refused(&service, &client, Asked::Run, Reply::hang_up()).await;
    assert_eq!(lost.class(), ErrorClass::Retryable, "{lost}");

    let gone = Service::at(SUBSCRIPTION);
    let client = gone.client();
    let Service { stub, entra: _entra, .. } = gone;
    drop(stub);
    let error = client.list().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Denied, "{error}");
    assert!(error.to_string().starts_with("cannot reach http://127.0.0.1:"), "{error}");

    let unsigned = Service::at(SUBSCRIPTION);
    unsigned.entra.refuse("AADSTS7000215", "Invalid client secret provided.");
    let error = unsigned.client().list().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("no token for {MANAGEMENT}: AADSTS7000215: Invalid client secret provided.")
    );
    assert!(unsigned.stub.received().is_empty());
}

#[tokio::test]
async fn a_sas_token_is_in_no_error() {
    let service = Service::at(ACCOUNT);
    let definition = ExportDefinition::new(
        &service.scope,
        name("x"),
        DatasetType::ActualCost,
        settings(by_sas()),
    )
    .unwrap();
    let path = service.path("/x");
    service.stub.on("GET", &path, [not_found()]);
    let message = format!("no access with {SAS} or U0VDUkVU=");
    service.stub.on("PUT", &path, [Reply::error(400, "BadRequest", &message)]);
    let error = service.client().put(&definition, OnExisting::Keep).await.unwrap_err();
    assert!(service.put_body().to_string().contains(SAS));
    assert_eq!(
        error.to_string(),
        "cannot create export x: no access with <redacted> or <redacted> (HTTP 400 BadRequest)"
    );
    assert!(!format!("{error:?} {definition:?}").contains("U0VDUkVU"));
}

#[tokio::test]
async fn pages_are_followed_on_one_host_and_not_for_ever() {
    let service = Service::at(SUBSCRIPTION);
    let client = service.client();
    let all = service.path("");
    let page = |export: &str, next: &str| {
        let next = (!next.is_empty()).then(|| next.to_owned());
        Reply::json(200, &json!({ "value": [{ "name": export }], "nextLink": next }))
    };
    let second = format!("{}{all}?api-version=2025-03-01&$skiptoken=2", service.stub.url());
    service.stub.on("GET", &all, [page("a", &second), page("b", "")]);
    let names: Vec<String> =
        client.list().await.unwrap().into_iter().map(|export| export.name).collect();
    assert_eq!(names, ["a", "b"]);
    let received = service.stub.received();
    assert_eq!(received[0].parameter("$expand"), Some("runHistory"));
    assert_eq!(received[1].parameter("$skiptoken"), Some("2"));

    let before = received.len();
    let elsewhere = HttpStub::start();
    for foreign in [format!("{}{all}", elsewhere.url()), "https://evil.example/x".into()] {
        service.stub.on("GET", &all, [page("a", &foreign)]);
        let error = client.list().await.unwrap_err();
        assert!(error.to_string().ends_with("its next page is of another host"), "{error}");
    }
    assert!(elsewhere.received().is_empty());
    assert_eq!(service.stub.received().len(), before + 2);

    service.stub.on("GET", &all, [page("a", &second)]);
    let error = client.list().await.unwrap_err();
    assert!(error.to_string().ends_with("more than 100 pages"), "{error}");
    assert_eq!(service.stub.received().len(), before + 2 + 100);
}

#[tokio::test]
async fn a_run_says_its_period_or_nothing() {
    let service = Service::at(SUBSCRIPTION);
    let client = service.client();
    service.stub.on("POST", &service.path("/x/run"), [Reply::text(200, ""), Reply::text(202, "")]);
    client.run(&name("x"), None).await.unwrap();
    for period in backfill_periods("2026-06".parse().unwrap(), TODAY).unwrap() {
        client.run(&name("x"), Some(period)).await.unwrap();
    }
    let received = service.stub.received();
    assert_eq!((received[0].body.len(), received[0].header("content-length")), (0, Some("0")));
    let periods: Vec<Value> =
        received[1..].iter().map(|run| run.json()["timePeriod"].clone()).collect();
    assert_eq!(
        periods,
        [
            json!({ "from": "2026-06-01T00:00:00Z", "to": "2026-06-30T00:00:00Z" }),
            json!({ "from": "2026-07-01T00:00:00Z", "to": "2026-07-10T00:00:00Z" }),
        ]
    );
}

fn run(id: &str, status: &str, submitted: &str, month: &str) -> Value {
    json!({ "id": format!("x/Run/{id}"), "properties": {
        "executionType": "OnDemand", "status": status, "submittedTime": submitted,
        "startDate": format!("{month}-01T00:00:00Z"), "endDate": format!("{month}-28T00:00:00Z"),
    } })
}

fn history(runs: &[Value]) -> Reply {
    Reply::json(200, &json!({ "value": runs }))
}

#[tokio::test]
async fn a_run_is_waited_for_until_it_ends() {
    const NOW_MS: i64 = TODAY as i64 * 86_400_000;
    let service = Service::at(SUBSCRIPTION);
    let client = service.client();
    let path = service.path("/x/runHistory");
    let june: BillingMonth = "2026-06".parse().unwrap();
    let period = Some(TimePeriod::of_month(june, TODAY).unwrap());
    let old = run("old", "Completed", "2026-07-09T00:00:00Z", "2026-06");
    let at = "2026-07-10T00:00:01Z";
    let other = run("other", "Completed", at, "2026-05");
    let ours = |status: &str| run("ours", status, at, "2026-06");
    service.stub.on("GET", &path, [history(std::slice::from_ref(&old))]);
    let mark = client.mark(&name("x"), NOW_MS).await.unwrap();
    let seen = |status: &str| history(&[other.clone(), ours(status), old.clone()]);
    let wait =
        WaitOptions { poll_interval: Duration::from_millis(1), longest: Duration::from_secs(60) };

    let begun = history(&[old.clone(), other.clone()]);
    let throttled = Reply::error(429, "429", "").header("retry-after", "0");
    let looks =
        [begun, seen("Queued"), throttled, seen("InProgress"), seen("Paused"), seen("Completed")];
    service.stub.on("GET", &path, looks);
    let mut told = Vec::new();
    let tell = |run: Option<&ExportRun>| {
        told.push(run.map_or("-".to_owned(), |run| run.status.to_string()));
    };
    let done = client.wait_for_run(&name("x"), &mark, period, &wait, tell).await.unwrap();
    assert_eq!((done.id.as_str(), &done.status), ("ours", &RunStatus::Completed));
    assert_eq!(told, ["-", "Queued", "InProgress", "Paused", "Completed"]);

    for status in ["Failed", "Timeout", "NewDataNotAvailable", "DataNotAvailable"] {
        let mut failed = ours(status);
        failed["properties"]["error"] = json!({ "code": "Storage", "message": "is closed" });
        service.stub.on("GET", &path, [history(&[failed])]);
        let error =
            client.wait_for_run(&name("x"), &mark, period, &wait, |_| {}).await.unwrap_err();
        let says = format!("the run of export x ended as {status}: Storage: is closed");
        assert_eq!((error.to_string(), error.class()), (says, ErrorClass::BadInput));
        assert!(error.hint().is_some() && error.location().is_some());
    }

    let once = WaitOptions { longest: Duration::ZERO, ..wait };
    for (look, says) in [
        (seen("InProgress"), "the run of export x is InProgress after 0 s"),
        (history(&[]), "the run of export x is not in the history after 0 s"),
    ] {
        service.stub.on("GET", &path, [look]);
        let error =
            client.wait_for_run(&name("x"), &mark, period, &once, |_| {}).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.class()), (says, ErrorClass::Retryable));
    }
    let runs = ExportRun::read_all(&json!({ "value": [old] })).unwrap();
    assert_eq!(mark, RunMark::new(&runs, NOW_MS));
}
