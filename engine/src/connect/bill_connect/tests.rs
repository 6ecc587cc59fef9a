use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::connect::FieldError;
use crate::error::{ErrorClass, Fault};

const BILLING_ACCOUNT: &str = include_str!("../../../../testdata/connect/billing_account.jsonc");
const BILLING_PROFILE_FILE: &str =
    include_str!("../../../../testdata/connect/billing_profile.jsonc");
const CUSTOMER_TENANT: &str = include_str!("../../../../testdata/connect/customer_tenant.jsonc");
const SUBSCRIPTION: &str = include_str!("../../../../testdata/connect/subscription.jsonc");
const FILES: [&str; 4] = [BILLING_ACCOUNT, BILLING_PROFILE_FILE, CUSTOMER_TENANT, SUBSCRIPTION];

const ACCOUNT: &str =
    "0a1b2c3d-0000-4000-8000-00000000000a:0a1b2c3d-0000-4000-8000-00000000000b_2019-05-31";
const SECRET: &str = "made-up~never.valid/secret";

fn now() -> BillingMonth {
    "2026-07".parse().unwrap()
}

fn month(text: &str) -> BillingMonth {
    text.parse().unwrap()
}

fn parse(body: &Value) -> Result<BillConnect, BillConnectError> {
    BillConnect::parse(&body.to_string(), now())
}

fn field_errors(body: &Value) -> Vec<FieldError> {
    match parse(body) {
        Err(BillConnectError::Fields(errors)) => errors,
        other => panic!("{other:?} for {body}"),
    }
}

/// The one error of a body, printed.
fn error_of(body: &Value) -> String {
    let errors = field_errors(body);
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0].to_string()
}

fn body_of(text: &str) -> Value {
    serde_json::from_str(&crate::connect::json_comments::to_plain_json(text).unwrap()).unwrap()
}

/// A body with one field, by JSON pointer, set or (`Value::Null`) taken out.
fn with(text: &str, pointer: &str, value: Value) -> Value {
    let mut body = body_of(text);
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.remove(name).unwrap();
    } else {
        parent.insert(name.to_owned(), value);
    }
    body
}

fn set(pointer: &str, value: impl Into<Value>) -> Value {
    with(BILLING_ACCOUNT, pointer, value.into())
}

fn without(text: &str, pointer: &str) -> Value {
    with(text, pointer, Value::Null)
}

#[test]
fn a_billing_account_is_read() {
    let connect = BillConnect::parse(BILLING_ACCOUNT, now()).unwrap();
    let exports = "https://partnercosts.blob.core.windows.net/exports/csp";
    assert_eq!(
        connect,
        BillConnect {
            client_id: "0a1b2c3d-0000-4000-8000-000000000001".to_owned(),
            tenant_id: "0a1b2c3d-0000-4000-8000-000000000002".to_owned(),
            client_secret_given: true,
            billing_account_id: Some(ACCOUNT.to_owned()),
            start_billing_period: month("2026-01"),
            scope: ConnectScope::BillingAccount,
            actual_cost_export_url: Some(format!("{exports}/daily-actual")),
            amortized_cost_export_url: Some(format!("{exports}/daily-amortized")),
            enable_oob_exports: false,
            storage_tenant_id: None,
            proxy: None,
            unused: Vec::new(),
        }
    );
    assert!(!format!("{connect:?}").contains(SECRET));
}

#[test]
fn the_other_scopes_are_read() {
    let connect = BillConnect::parse(BILLING_PROFILE_FILE, now()).unwrap();
    let billing_profile_id = "ABCD-EFGH-IJK-LMN".to_owned();
    assert_eq!(connect.scope, ConnectScope::BillingProfile { billing_profile_id });
    assert_eq!(connect.scope.scope_type(), ScopeType::BillingProfile);
    assert_eq!(connect.start_billing_period, now());
    assert_eq!((connect.actual_cost_export_url, connect.amortized_cost_export_url), (None, None));

    let connect = BillConnect::parse(CUSTOMER_TENANT, now()).unwrap();
    let scope = ConnectScope::CustomerTenant {
        customer_tenant_id: "0a1b2c3d-0000-4000-8000-0000000000c1".to_owned(),
        billing_profile_id: Some("ABCD-EFGH-IJK-LMN".to_owned()),
    };
    assert_eq!(connect.scope, scope);
    assert!(connect.enable_oob_exports);
    assert_eq!(connect.proxy.as_deref(), Some("example_proxy"));

    let connect = BillConnect::parse(SUBSCRIPTION, now()).unwrap();
    let subscription_id = "0a1b2c3d-0000-4000-8000-0000000000d1".to_owned();
    assert_eq!(connect.scope, ConnectScope::Subscription { subscription_id });
    assert_eq!(connect.billing_account_id, None);
    let storage_tenant = "0a1b2c3d-0000-4000-8000-0000000000e1";
    assert_eq!(connect.storage_tenant_id.as_deref(), Some(storage_tenant));
}

#[test]
fn required_fields_are_missed() {
    for name in ["clientId", "clientSecret", "tenantId"] {
        let pointer = format!("/{name}");
        assert!(
            error_of(&without(BILLING_ACCOUNT, &pointer))
                .starts_with(&format!("{name}: is missing"))
        );
        for empty in ["", " \t"] {
            let error = error_of(&set(&pointer, empty));
            assert!(
                error.starts_with(&format!("{name}: ")) && error.contains("is empty"),
                "{error}"
            );
        }
        for wrong in [json!(5), json!(true), json!([]), json!({})] {
            let error = error_of(&set(&pointer, wrong));
            assert!(error.contains("not a text"), "{error}");
        }
        // One character is enough: the API asks for no more.
        assert!(parse(&set(&pointer, "x")).is_ok());
    }
}

#[test]
fn a_billing_account_id_has_its_form() {
    let guid = "0A1b2C3d-0000-4000-8000-00000000000f";
    for good in ["2019-05-31", "2999-12-01", "2000-01-30", "2024-10-29"] {
        assert!(
            parse(&set("/billingAccountId", format!("{guid}:{guid}_{good}"))).is_ok(),
            "{good}"
        );
    }
    for bad in ["2019-13-01", "2019-00-01", "2019-01-00", "2019-01-32", "1999-01-01", "2019-5-31"] {
        let id = format!("{guid}:{guid}_{bad}");
        assert!(error_of(&set("/billingAccountId", id.clone())).contains(&id), "{bad}");
    }
    for bad in [
        guid.to_owned(),
        format!("{guid}:{guid}"),
        format!("{guid}_{guid}_2019-05-31"),
        format!(" {guid}:{guid}_2019-05-31"),
        format!("{guid}:{guid}_2019-05-31\n"),
        format!("/providers/Microsoft.Billing/billingAccounts/{guid}:{guid}_2019-05-31"),
        format!("{}:{guid}_2019-05-31", guid.replace('f', "g")),
        format!("{}:{guid}_2019-05-31", &guid[1..]),
        format!("{}:{guid}_2019-05-31", guid.replace('-', "0")),
        "é".repeat(18),
    ] {
        let error = error_of(&set("/billingAccountId", bad));
        assert!(error.contains("is no id of a partner's billing account; write <GUID>"), "{error}");
    }
}

#[test]
fn every_scope_but_a_subscription_lies_in_a_billing_account() {
    for text in [BILLING_ACCOUNT, BILLING_PROFILE_FILE, CUSTOMER_TENANT] {
        let error = error_of(&without(text, "/billingAccountId"));
        assert!(error.starts_with("billingAccountId: is missing"), "{error}");
    }
    let error = error_of(&with(SUBSCRIPTION, "/billingAccountId", ACCOUNT.into()));
    assert!(error.starts_with("billingAccountId: is given with scope type"), "{error}");
}

#[test]
fn the_first_month_is_past_or_current() {
    for (text, read) in [("202607", "2026-07"), ("202606", "2026-06"), ("200001", "2000-01")] {
        let connect = parse(&set("/startBillingPeriod", text)).unwrap();
        assert_eq!(connect.start_billing_period, month(read));
    }
    for late in ["202608", "202701", "209912"] {
        assert_eq!(
            error_of(&set("/startBillingPeriod", late)),
            format!(
                "startBillingPeriod: {late:?} is after the current month; write YYYYMM in quotes, \
                 from \"200001\" through \"202607\""
            )
        );
    }
    for bad in
        ["2026-07", "202600", "202613", "199912", "20267", "2026070", "", "２02601", "+02601"]
    {
        let error = error_of(&set("/startBillingPeriod", bad));
        assert!(error.contains(&format!("{bad:?} is no month")), "{error}");
    }
    let error = error_of(&set("/startBillingPeriod", 202_601));
    assert!(error.contains("is the number 202601, not a text"), "{error}");
}

#[test]
fn the_scope_type_has_four_spellings() {
    assert!(parse(&set("/scopeDetails", json!({}))).is_ok());
    let explicit = parse(&set("/scopeDetails", json!({"scopeType": "Billing Account"}))).unwrap();
    assert_eq!(explicit.scope, ConnectScope::BillingAccount);
    for (typed, meant) in [
        ("billing account", "Billing Account"),
        ("BillingProfile", "Billing Profile"),
        ("customer_tenant", "Customer Tenant"),
        ("Subscriptions", "Subscription"),
        ("Subscription ", "Subscription"),
    ] {
        let error = error_of(&set("/scopeDetails", json!({"scopeType": typed})));
        let expected =
            format!("scopeDetails.scopeType: {typed:?} is no scope type; did you mean {meant:?}?");
        assert_eq!(error, expected);
    }
    let error = error_of(&set("/scopeDetails", json!({"scopeType": "Invoice Section"})));
    assert!(error.contains("write one of \"Billing Account\", \"Billing Profile\""), "{error}");
    let error = error_of(&set("/scopeDetails", json!({"scopeType": 1})));
    assert!(error.starts_with("scopeDetails.scopeType: is the number 1, not a text"), "{error}");
}

#[test]
fn a_scope_needs_its_details() {
    for (text, details, id) in [
        (BILLING_PROFILE_FILE, "billingProfileDetails", "billingProfileId"),
        (CUSTOMER_TENANT, "customerDetails", "customerTenantId"),
        (SUBSCRIPTION, "subscriptionDetails", "subscriptionId"),
    ] {
        let path = format!("scopeDetails.{details}");
        let error = error_of(&without(text, &format!("/scopeDetails/{details}")));
        assert!(error.starts_with(&format!("{path}: is missing")), "{error}");
        let error = error_of(&without(text, &format!("/scopeDetails/{details}/{id}")));
        assert!(error.starts_with(&format!("{path}.{id}: is missing")), "{error}");
        let error = error_of(&without(text, "/scopeDetails/scopeType"));
        assert!(error.starts_with("scopeDetails.scopeType: is missing beside"), "{error}");
        for wrong in [json!("x"), json!([]), json!(null)] {
            let mut body = body_of(text);
            body["scopeDetails"][details] = wrong;
            let error = error_of(&body);
            assert!(error.starts_with(&format!("{path}: is ")), "{error}");
            assert!(error.contains("not an object"), "{error}");
        }
    }
    // A customer is mostly found without a profile.
    let connect =
        parse(&without(CUSTOMER_TENANT, "/scopeDetails/customerDetails/billingProfileId"));
    let customer_tenant_id = "0a1b2c3d-0000-4000-8000-0000000000c1".to_owned();
    let scope = ConnectScope::CustomerTenant { customer_tenant_id, billing_profile_id: None };
    assert_eq!(connect.unwrap().scope, scope);
}

#[test]
fn ids_have_128_characters_at_most() {
    for (text, path) in [
        (BILLING_PROFILE_FILE, "scopeDetails.billingProfileDetails.billingProfileId"),
        (CUSTOMER_TENANT, "scopeDetails.customerDetails.customerTenantId"),
        (CUSTOMER_TENANT, "scopeDetails.customerDetails.billingProfileId"),
        (SUBSCRIPTION, "scopeDetails.subscriptionDetails.subscriptionId"),
        (SUBSCRIPTION, "exportDetails.storageTenantID"),
    ] {
        let pointer = format!("/{}", path.replace('.', "/"));
        for good in ["a", "-", "_", "aZ09-_", &"x".repeat(128)] {
            assert!(parse(&with(text, &pointer, good.into())).is_ok(), "{path} {good}");
        }
        for (bad, problem) in [
            ("", "is empty"),
            (&"x".repeat(129), "is longer than 128 characters"),
            ("a b", "holds other characters"),
            ("a.b", "holds other characters"),
            ("ä", "holds other characters"),
            ("a\n", "holds other characters"),
            ("/subscriptions/a", "holds other characters"),
        ] {
            let error = error_of(&with(text, &pointer, bad.into()));
            assert!(error.starts_with(&format!("{path}: {bad:?} {problem}")), "{error}");
        }
    }
}

#[test]
fn details_of_other_scopes_are_checked_and_named() {
    // The API's own example gives all of them beside "Billing Account".
    let details = json!({
        "scopeType": "Billing Account",
        "billingProfileDetails": {"billingProfileId": "p"},
        "customerDetails": {"customerTenantId": "c", "billingProfileId": "p"},
        "subscriptionDetails": {"subscriptionId": "s"},
    });
    let connect = parse(&set("/scopeDetails", details)).unwrap();
    assert_eq!(connect.scope, ConnectScope::BillingAccount);
    assert_eq!(
        connect.unused,
        [
            "scopeDetails.billingProfileDetails",
            "scopeDetails.customerDetails",
            "scopeDetails.subscriptionDetails"
        ]
    );
    let details = json!({"scopeType": "Billing Account", "customerDetails": {}});
    let error = error_of(&set("/scopeDetails", details));
    assert!(error.starts_with("scopeDetails.customerDetails.customerTenantId: is missing"));
}

#[test]
fn exports_are_a_pair() {
    assert!(parse(&without(BILLING_ACCOUNT, "/exportDetails")).is_ok());
    for name in ["actualCostExportURL", "amortizedCostExportURL"] {
        let error = error_of(&without(BILLING_ACCOUNT, &format!("/exportDetails/{name}")));
        assert!(error.starts_with(&format!("exportDetails.{name}: is missing")), "{error}");
    }
    assert_eq!(field_errors(&set("/exportDetails", json!({}))).len(), 2);
    let error = error_of(&set("/exportDetails", "https://"));
    assert!(error.starts_with("exportDetails: is the text \"https://\", not an object"), "{error}");
    let error = error_of(&without(SUBSCRIPTION, "/exportDetails"));
    assert!(error.starts_with("exportDetails: is missing"), "{error}");
}

#[test]
fn runs_beside_the_schedule_are_a_flag() {
    assert!(parse(&set("/exportDetails/enableOOBExports", true)).unwrap().enable_oob_exports);
    let absent = without(BILLING_ACCOUNT, "/exportDetails/enableOOBExports");
    assert!(!parse(&absent).unwrap().enable_oob_exports);
    for (wrong, shown) in [
        (json!("true"), "the text \"true\""),
        (json!(1), "the number 1"),
        (json!([true]), "a list"),
    ] {
        assert_eq!(
            error_of(&set("/exportDetails/enableOOBExports", wrong)),
            format!(
                "exportDetails.enableOOBExports: is {shown}; write true or false, without quotes"
            )
        );
    }
}

#[test]
fn export_urls_name_a_folder_of_a_container() {
    for name in ["actualCostExportURL", "amortizedCostExportURL"] {
        let pointer = format!("/exportDetails/{name}");
        for good in [
            "https://abc.blob.core.windows.net/exports",
            "https://abc.blob.core.windows.net/exports/a/b%20c",
            "https://a1b2c3d4e5f6g7h8i9j0k1l2.blob.core.windows.net/exports/a",
            "https://abc.blob.core.chinacloudapi.cn/exports/a",
        ] {
            assert!(parse(&set(&pointer, good)).is_ok(), "{good}");
        }
        for (bad, problem) in [
            ("http://abc.blob.core.windows.net/exports/a", "does not begin with https://"),
            ("HTTPS://abc.blob.core.windows.net/exports/a", "does not begin with https://"),
            ("abc.blob.core.windows.net/exports/a", "does not begin with https://"),
            ("", "does not begin with https://"),
            ("https://abc.dfs.core.windows.net/exports/a", "names no blob host"),
            ("https://abc.blob.core.usgovcloudapi.net/exports/a", "names no blob host"),
            ("https://abc.blob.core.windows.net.example.com/exports/a", "names no blob host"),
            ("https://abc.blob.core.windows.net:443/exports/a", "names no blob host"),
            ("https://example.com/abc.blob.core.windows.net/exports", "names no blob host"),
            ("https://blob.core.windows.net/exports/a", "names no blob host"),
            ("https://ab.blob.core.windows.net/exports/a", "names no storage account"),
            ("https://Abc.blob.core.windows.net/exports/a", "names no storage account"),
            ("https://a.b.c.blob.core.windows.net/exports/a", "names no storage account"),
            (
                "https://a1b2c3d4e5f6g7h8i9j0k1l2m.blob.core.windows.net/exp/a",
                "names no storage account",
            ),
            ("https://abc.blob.core.windows.net", "names no container"),
            ("https://abc.blob.core.windows.net/", "names no container"),
            ("https://abc.blob.core.windows.net//exports/a", "names no container"),
            ("https://abc.blob.core.windows.net/exports/", "ends in '/'"),
            ("https://abc.blob.core.windows.net/exports/a/", "ends in '/'"),
            ("https://abc.blob.core.windows.net/exports/a b", "has a blank in it"),
            (" https://abc.blob.core.windows.net/exports/a", "does not begin with https://"),
        ] {
            let error = error_of(&set(&pointer, bad));
            let expected = format!("exportDetails.{name}: {bad:?} {problem}");
            assert!(error.starts_with(&expected), "{error}");
        }
    }
}

#[test]
fn tokens_in_urls_are_refused_and_not_repeated() {
    for (bad, problem) in [
        ("https://abc.blob.core.windows.net/exports/a?sv=1&sig=TOKEN", "has a query"),
        ("https://abc.blob.core.windows.net/exports/a?TOKEN", "has a query"),
        ("https://abc.blob.core.windows.net/exports/a#TOKEN", "has a query"),
        ("https://abc.blob.core.windows.net/exports/a&sig=TOKEN", "looks as if it held a token"),
        ("https://abc.blob.core.windows.net/exports/a%3Fsv=1%26SIG%3dTOKEN", "looks as if"),
        ("https://user:TOKEN@abc.blob.core.windows.net/exports/a", "holds a user name"),
        ("https://user:TO/TOKEN@abc.blob.core.windows.net/exports/a", "names no blob host"),
        ("https://user:TOKEN?x@abc.blob.core.windows.net/exports/a", "has a query"),
        ("https://abc.blob.core.windows.net/exports/a?sig=x@TOKEN", "has a query"),
        ("AccountName=abc;AccountKey=TOKEN==", "looks as if it held a token"),
        ("SharedAccessSignature=TOKEN", "looks as if it held a token"),
    ] {
        let error = parse(&set("/exportDetails/actualCostExportURL", bad)).unwrap_err();
        let printed = format!("{error} {error:?} {:?}", error.hint());
        assert!(!printed.contains("TOKEN"), "{printed}");
        assert!(printed.contains(problem), "{printed}");
    }
    let error = error_of(&set(
        "/exportDetails/actualCostExportURL",
        "https://abc.blob.core.windows.net/exports/a?sv=1&sig=TOKEN",
    ));
    assert!(
        error.contains("\"https://abc.blob.core.windows.net/exports/a?…\" has a query"),
        "{error}"
    );
    // Nor where a URL does not belong.
    let error = error_of(&set("/scopeDetails", "https://abc/c?sig=TOKEN"));
    assert!(!error.contains("TOKEN"), "{error}");
}

#[test]
fn the_secret_is_not_repeated_wherever_it_stands() {
    let mut body = body_of(BILLING_ACCOUNT);
    body["billingAccountId"] = format!("x{SECRET}").into();
    body["startBillingPeriod"] = SECRET.into();
    body["scopeDetails"] = json!({"scopeType": SECRET, "customerDetails": SECRET});
    body["exportDetails"]["enableOOBExports"] = SECRET.into();
    body["exportDetails"]["storageTenantID"] = SECRET.into();
    body[SECRET] = 1.into();
    body[format!("clientSecret={SECRET}")] = 1.into();
    body["clientSecrets"] = SECRET.into();
    let error = parse(&body).unwrap_err();
    let printed = format!("{error} {error:?} {:?}", error.hint());
    assert!(!printed.contains(SECRET), "{printed}");
    assert!(printed.contains("clientSecrets: is no field"), "{printed}");

    let text = format!("{{\"clientSecret\": \"{SECRET}\" \"a\": 1}}");
    let error = BillConnect::parse(&text, now()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(SECRET));

    let text = BILLING_ACCOUNT.replacen(
        "\n{",
        "\n{\"clientSecret\": \"other-one\", \"a\": \"other-one\",",
        1,
    );
    let error = BillConnect::parse(&text, now()).unwrap_err();
    let printed = error.to_string();
    assert!(printed.contains("clientSecret: is given more than once"), "{printed}");
    assert!(!format!("{error} {error:?}").contains("other-one"));

    let mut body = body_of(BILLING_ACCOUNT);
    body["clientSecret"] = 12_345_678.into();
    body["startBillingPeriod"] = 12_345_678.into();
    assert!(!parse(&body).unwrap_err().to_string().contains("12345678"));
}

#[test]
fn what_is_kept_holds_no_secret() {
    for name in ["clientId", "tenantId", "proxy"] {
        let error = error_of(&set(&format!("/{name}"), format!(" {SECRET}\n")));
        assert!(
            error.starts_with(&format!("{name}: is the same as the client secret;")),
            "{error}"
        );
    }
    for bad in ["http://user:TOKEN@proxy", "SharedAccessKey=TOKEN"] {
        let error = error_of(&set("/proxy", bad));
        assert!(error.contains("may hold a secret") && !error.contains("TOKEN"), "{error}");
    }
}

#[test]
fn unknown_names_are_refused_with_what_was_meant() {
    for (name, hint) in [
        ("clientID", "did you mean \"clientId\"?"),
        ("client_secret", "did you mean \"clientSecret\"?"),
        ("tennantId", "did you mean \"tenantId\"?"),
        ("organization", "known are billingAccountId, clientId, clientSecret, "),
        ("customerTenantId", "it belongs to scopeDetails.customerDetails"),
        ("scopeType", "it belongs to scopeDetails"),
        ("onboardingOrigin", "it belongs to the API's answer"),
        ("azureCsp", "it belongs to the API's answer"),
        ("", "known are"),
    ] {
        let mut body = body_of(BILLING_ACCOUNT);
        body[name] = "x".into();
        let error = error_of(&body);
        assert!(error.contains(&format!(": is no field of a bill connect; {hint}")), "{error}");
    }
    let error = error_of(&set("/exportDetails/storageTenantId", "x"));
    assert_eq!(
        error,
        "exportDetails.storageTenantId: is no field of a bill connect; did you mean \
         \"storageTenantID\"?"
    );
    let error = error_of(&set("/exportDetails/tenantId", "x"));
    assert!(error.ends_with("it belongs to the body itself"), "{error}");
    let error =
        error_of(&with(CUSTOMER_TENANT, "/scopeDetails/customerDetails/customerId", "x".into()));
    assert!(
        error.starts_with("scopeDetails.customerDetails.customerId: is no field")
            && error.ends_with("known are billingProfileId, customerTenantId"),
        "{error}"
    );
}

#[test]
fn nulls_are_refused() {
    for name in BODY.names {
        let mut body = body_of(BILLING_ACCOUNT);
        body[name] = Value::Null;
        let error = error_of(&body);
        assert!(error.starts_with(&format!("{name}: is n")), "{error}");
    }
}

#[test]
fn duplicates_are_refused_once() {
    let twice = |text: &str, from: &str, to: &str| {
        let text = text.replacen(from, to, 1);
        assert!(text.contains(to));
        match BillConnect::parse(&text, now()) {
            Err(BillConnectError::Fields(errors)) => {
                assert_eq!(errors.len(), 1, "{errors:?}");
                errors[0].to_string()
            }
            other => panic!("{other:?}"),
        }
    };
    for (from, to, path) in [
        ("\n{", "\n{\"tenantId\": \"a\", \"tenantId\": \"b\",", "tenantId"),
        ("\n{", "\n{\"clientSecret\": \"a\",", "clientSecret"),
        (
            "\"enableOOB",
            "\"enableOOBExports\": true, \"enableOOB",
            "exportDetails.enableOOBExports",
        ),
        // An escape does not make it another name.
        ("\n{", "\n{\"\\u0074enantId\": \"a\",", "tenantId"),
    ] {
        let error = twice(BILLING_ACCOUNT, from, to);
        assert_eq!(error, format!("{path}: is given more than once; keep one of them"));
    }
}

#[test]
fn all_errors_are_told_at_once_one_to_a_line() {
    let body = json!({
        "clientId": "",
        "tenantId": 5,
        "billingAccountId": "x",
        "startBillingPeriod": "202613",
        "scopeDetails": {"scopeType": "Customer Tenant", "customerDetails": {"customerTenantId": "a b"}},
        "exportDetails": {"actualCostExportURL": "x", "enableOOBExports": "no"},
        "extra": 1,
    });
    let error = parse(&body).unwrap_err();
    assert_eq!(error.class(), ErrorClass::BadConfig);
    assert!(error.hint().unwrap().contains("azure-csp"));
    let BillConnectError::Fields(errors) = &error else { panic!("{error}") };
    let paths: Vec<&str> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "extra",
            "clientId",
            "clientSecret",
            "tenantId",
            "billingAccountId",
            "startBillingPeriod",
            "scopeDetails.customerDetails.customerTenantId",
            "exportDetails.actualCostExportURL",
            "exportDetails.amortizedCostExportURL",
            "exportDetails.enableOOBExports",
        ]
    );
    let printed = error.to_string();
    assert_eq!(printed.lines().count(), 1 + errors.len(), "{printed}");
    assert!(printed.starts_with("the bill connect breaks 10 rules:\n  extra: "), "{printed}");
}

#[test]
fn long_values_and_line_ends_stay_on_their_line() {
    let error = error_of(&set("/startBillingPeriod", "x\n".repeat(500)));
    assert_eq!(error.lines().count(), 1);
    assert!(error.len() < 600 && error.contains('…'), "{error}");
    let mut body = body_of(BILLING_ACCOUNT);
    body["a\nb"] = 1.into();
    body["n".repeat(10_000)] = 1.into();
    let printed = parse(&body).unwrap_err().to_string();
    assert_eq!(printed.lines().count(), 3, "{printed}");
    assert!(printed.len() < 2_000);
}

#[test]
fn what_is_no_object_is_refused() {
    for (text, shown) in [("[]", "a list"), ("\"x\"", "the text \"x\""), ("null", "null")] {
        let error = BillConnect::parse(text, now()).unwrap_err().to_string();
        assert!(error.contains(&format!("the body: is {shown}, not an object")), "{error}");
    }
}

#[test]
fn syntax_errors_name_line_and_column_of_the_original() {
    for (text, line, column) in [
        ("", 1, 0),
        ("// only a comment", 1, 17),
        ("{\n  // c\n  \"a\": 1 /* d */ \"b\": 2\n}", 3, 18),
        ("{\r\n  // c\r\n  \"a\": 1 /* d */ \"b\": 2\r\n}", 3, 18),
        ("\u{feff}{\"a\" 1}", 1, 6),
        ("{/* äöü */ \"a\" 1}", 1, 16),
        ("{\"ä\": tru}", 1, 10),
        ("{} // c\n x", 2, 2),
        ("{\n \"ä\": /* open", 2, 7),
        ("{\"a\": 1,,}", 1, 9),
        ("{\"a\": 'x'}", 1, 7),
    ] {
        let error = BillConnect::parse(text, now()).unwrap_err();
        let BillConnectError::Syntax { line: l, column: c, reason } = &error else {
            panic!("{text:?}: {error}")
        };
        assert_eq!((*l, *c), (line, column), "{text:?}: {error}");
        assert!(!reason.contains("line"), "{reason}");
        assert_eq!(error.class(), ErrorClass::BadConfig);
        assert_eq!(error.location().unwrap().line, Some(line));
        assert!(error.hint().is_some());
    }
    // As deep as a stack would not bear.
    assert!(BillConnect::parse(&"{\"a\":".repeat(100_000), now()).is_err());
    assert!(BillConnect::parse(&"[".repeat(100_000), now()).is_err());
}

#[test]
fn line_ends_and_byte_order_marks_do_not_matter() {
    for text in FILES {
        let read = BillConnect::parse(text, now()).unwrap();
        for other in [
            text.replace('\n', "\r\n"),
            text.replace('\n', "\r"),
            format!("\u{feff}{text}"),
            format!("{text}// last line without an end"),
        ] {
            assert_eq!(BillConnect::parse(&other, now()).as_ref(), Ok(&read));
        }
    }
}

#[test]
fn comments_may_stand_between_any_two_tokens() {
    for text in FILES {
        let read = BillConnect::parse(text, now()).unwrap();
        let plain = body_of(text).to_string();
        let mut in_string = false;
        for (at, letter) in plain.char_indices() {
            let in_word =
                letter.is_ascii_alphanumeric() && plain[..at].ends_with(char::is_alphabetic);
            if !in_string && !in_word {
                for comment in
                    ["// \"c\" {\n", "/* \", */", "//\r\n", "/**/", "/***/", "// https://\n"]
                {
                    let commented = format!("{}{comment}{}", &plain[..at], &plain[at..]);
                    assert_eq!(
                        BillConnect::parse(&commented, now()).as_ref(),
                        Ok(&read),
                        "{commented}"
                    );
                }
            }
            in_string ^= letter == '"';
        }
    }
}

/// JSON of any shape at the fields of a bill connect, often the secret.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!(SECRET)),
        any::<String>().prop_map(|text| json!(format!("{text}{SECRET}"))),
        Just(json!("Customer Tenant")),
        Just(json!("https://abc.blob.core.windows.net/exports/a")),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let name =
            prop::sample::select(SHAPES.iter().flat_map(|shape| shape.names).collect::<Vec<_>>());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..8).prop_map(|fields| {
                let fields = fields.into_iter().filter(|(name, _)| **name != CLIENT_SECRET);
                fields.map(|(name, value)| (name.to_string(), value)).collect::<Map<_, _>>().into()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = BillConnect::parse(&text, now());
    }

    #[test]
    fn no_damage_to_a_file_panics_or_prints_the_secret(
        file in prop::sample::select(&FILES[..]),
        start in any::<prop::sample::Index>(),
        length in 0_usize..60,
        piece in prop::sample::select(vec!["", "\"", "/*", "*/", "//", "\\", ",", "}", "{", "null", "ü"]),
    ) {
        let letters: Vec<char> = file.chars().collect();
        let start = start.index(letters.len());
        let end = (start + length).min(letters.len());
        let damaged: String = letters[..start].iter().copied()
            .chain(piece.chars())
            .chain(letters[end..].iter().copied())
            .collect();
        if let Err(error) = BillConnect::parse(&damaged, now()) {
            let printed = format!("{error} {error:?}");
            prop_assert!(!printed.contains("never.valid"), "{}", printed);
        }
    }

    #[test]
    fn no_error_prints_the_secret(
        values in prop::collection::vec(
            (prop::sample::select(BODY.names), any_value()), 0..8),
        name in any::<String>(),
    ) {
        let mut fields: Map<String, Value> =
            values.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        fields.insert(name, SECRET.into());
        fields.insert(CLIENT_SECRET.to_owned(), SECRET.into());
        if let Err(error) = parse(&fields.into()) {
            let printed = format!("{error} {error:?}");
            prop_assert!(!printed.contains(SECRET), "{}", printed);
        }
    }
}
