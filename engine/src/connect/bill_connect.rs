//! A bill connect, and the rules of its fields.
//!
//! In: the JSON body of `POST …/bill-connects/azure-csp` and the current month.
//! Out: a [`BillConnect`], or all broken rules at once.
//!
//! The rules are those of Flexera's published description of the API,
//! `generator/sources/flexera/finops_onboarding/v1/openapi.json` in
//! `flexera-public/unified-openapi`: schemas `CreateRequestBody2` (the body of
//! `Bill Connect - Azure CSP#create`), `AzureCspScopeDetailsWithScopeType`,
//! `AzureMcaBillingProfileDetails`, `CustomerDetails`, `SubscriptionDetails`
//! and `AzureCspExportDetails`. Some stand there as sentences, not as patterns,
//! and are checked as well: which ids a scope needs, and that exports are
//! mandatory at subscription scope.
//!
//! Stricter than the description, each time because the looser form would do
//! something else than its writer meant:
//! - an unknown name, a duplicate or a `null` is an error, not ignored;
//! - details without a `scopeType` are refused: the default, the billing
//!   account, would leave them out;
//! - blanks alone are no id and no secret, and no other field may hold the
//!   secret;
//! - export URLs have no query (SAS tokens stand there) and a container; a
//!   storage account has 3 to 24 letters and digits, as in Azure.
//!
//! Details of another scope than `scopeType` names are checked but without
//! effect, as in the description's own example; [`BillConnect::unused`] names
//! them.

use crate::model::{BillingMonth, ScopeType};
use crate::near::nearest;

use super::document::{self, Node};
use super::error::BillConnectError;
use super::fields::{Checks, Section, Shape, any_text, holds_token};

/// What a bill is read at, with the ids Azure knows it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectScope {
    /// The whole billing account.
    BillingAccount,
    /// One billing profile of it.
    BillingProfile {
        /// Id of the profile.
        billing_profile_id: String,
    },
    /// One customer of it.
    CustomerTenant {
        /// Id of the customer's tenant.
        customer_tenant_id: String,
        /// Id of the profile, where Azure finds the customer only with it.
        billing_profile_id: Option<String>,
    },
    /// One subscription, as a tier-2 partner has it.
    Subscription {
        /// Id of the subscription.
        subscription_id: String,
    },
}

impl ConnectScope {
    /// Which of the four it is.
    pub fn scope_type(&self) -> ScopeType {
        match self {
            Self::BillingAccount => ScopeType::BillingAccount,
            Self::BillingProfile { .. } => ScopeType::BillingProfile,
            Self::CustomerTenant { .. } => ScopeType::CustomerTenant,
            Self::Subscription { .. } => ScopeType::Subscription,
        }
    }
}

/// A checked bill connect. Holds no secret; all of it may be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillConnect {
    /// Client id of the app registration.
    pub client_id: String,
    /// Tenant of the app registration.
    pub tenant_id: String,
    /// That the body held a client secret. Its value is never kept.
    pub client_secret_given: bool,
    /// Billing account, `GUID:GUID_YYYY-MM-DD`; none at subscription scope,
    /// always there at the others.
    pub billing_account_id: Option<String>,
    /// First month to load; the current one where the body names none.
    pub start_billing_period: BillingMonth,
    /// What the bill is read at.
    pub scope: ConnectScope,
    /// Folder of the `ActualCost` export. Either both URLs are there or
    /// neither; at subscription scope both are.
    pub actual_cost_export_url: Option<String>,
    /// Folder of the `AmortizedCost` export.
    pub amortized_cost_export_url: Option<String>,
    /// Whether the exports may be run more often than their schedule says.
    pub enable_oob_exports: bool,
    /// Tenant of the storage account, where the body names one.
    pub storage_tenant_id: Option<String>,
    /// Term for the routing of a partner's integration; of no use here.
    pub proxy: Option<String>,
    /// Paths of fields that were given and have no effect at this scope.
    pub unused: Vec<&'static str>,
}

const CLIENT_SECRET: &str = "clientSecret";

const BODY: Shape = Shape {
    path: "",
    names: &[
        "billingAccountId",
        "clientId",
        CLIENT_SECRET,
        "exportDetails",
        "proxy",
        "scopeDetails",
        "startBillingPeriod",
        "tenantId",
    ],
};

const SCOPE_DETAILS: Shape = Shape {
    path: "scopeDetails",
    names: &["billingProfileDetails", "customerDetails", "scopeType", "subscriptionDetails"],
};

const BILLING_PROFILE_DETAILS: Shape =
    Shape { path: "scopeDetails.billingProfileDetails", names: &["billingProfileId"] };

const CUSTOMER_DETAILS: Shape = Shape {
    path: "scopeDetails.customerDetails",
    names: &["billingProfileId", "customerTenantId"],
};

const SUBSCRIPTION_DETAILS: Shape =
    Shape { path: "scopeDetails.subscriptionDetails", names: &["subscriptionId"] };

const EXPORT_DETAILS: Shape = Shape {
    path: "exportDetails",
    names: &[
        "actualCostExportURL",
        "amortizedCostExportURL",
        "enableOOBExports",
        "storageTenantID",
    ],
};

const SHAPES: &[Shape] = &[
    BODY,
    SCOPE_DETAILS,
    BILLING_PROFILE_DETAILS,
    CUSTOMER_DETAILS,
    SUBSCRIPTION_DETAILS,
    EXPORT_DETAILS,
];

/// The values of `scopeType`; where it and all details are absent, the first.
const SCOPE_TYPES: [(&str, ScopeType); 4] = [
    ("Billing Account", ScopeType::BillingAccount),
    ("Billing Profile", ScopeType::BillingProfile),
    ("Customer Tenant", ScopeType::CustomerTenant),
    ("Subscription", ScopeType::Subscription),
];

/// The details objects, and the scope each is for.
const DETAILS: [(Shape, ScopeType); 3] = [
    (BILLING_PROFILE_DETAILS, ScopeType::BillingProfile),
    (CUSTOMER_DETAILS, ScopeType::CustomerTenant),
    (SUBSCRIPTION_DETAILS, ScopeType::Subscription),
];

const ID_LENGTH_MAX: usize = 128;

const ID_HINT: &str = "write 1 to 128 letters, digits, '-' or '_'";

const URL_HINT: &str = "write https://<account>.blob.core.windows.net/<container>/<folder> (in \
                        China .blob.core.chinacloudapi.cn), without query and without a '/' at \
                        the end; a SAS token does not belong here";

const ACCOUNT_HINT: &str = "write <GUID>:<GUID>_<YYYY-MM-DD>, the billing account's id as the \
                            portal shows it";

impl BillConnect {
    /// Reads and checks the body of a bill connect. Comments (`//`, `/* */`),
    /// trailing commas and a byte order mark are allowed.
    ///
    /// # Errors
    ///
    /// [`BillConnectError::Syntax`] if the text is no JSON, else
    /// [`BillConnectError::Fields`] with every field that breaks a rule.
    pub fn parse(text: &str, current_month: BillingMonth) -> Result<Self, BillConnectError> {
        let document = document::read(text)?;
        let mut checks = Checks::new(&document, CLIENT_SECRET, SHAPES);
        let connect = read_body(&mut checks, &document, current_month);
        let errors = checks.into_errors();
        match connect {
            Some(connect) if errors.is_empty() => Ok(connect),
            _ => Err(BillConnectError::Fields(errors)),
        }
    }
}

/// `None` only beside an error.
fn read_body(checks: &mut Checks, document: &Node, month: BillingMonth) -> Option<BillConnect> {
    const REGISTRATION_HINT: &str = "copy it from the app registration";
    let body = checks.body(document, &BODY)?;
    let client_id = checks.required_text(body, "clientId", not_blank, REGISTRATION_HINT);
    let client_secret_given =
        checks.secret_given(body, CLIENT_SECRET, "write the value of the client secret in quotes");
    let tenant_id = checks.required_text(body, "tenantId", not_blank, REGISTRATION_HINT);
    let billing_account_id = checks.text(body, "billingAccountId", billing_account, ACCOUNT_HINT);
    let start_billing_period = read_start(checks, body, month);
    let details = checks.object(body, &SCOPE_DETAILS);
    let scope_type = match details {
        Some(details) => read_scope_type(checks, details),
        // What is no object has been refused: nobody knows which scope it meant.
        None => (!body.has(SCOPE_DETAILS.path)).then_some(ScopeType::BillingAccount),
    };
    let scope = read_scope(checks, details, scope_type);
    if let Some(scope_type) = scope_type {
        check_billing_account_for(checks, body, scope_type);
    }
    let exports = read_exports(checks, body, scope_type);
    let proxy = checks.text(body, "proxy", proxy_term, "write the term, or leave the field out");
    Some(BillConnect {
        client_id: client_id?,
        tenant_id: tenant_id?,
        client_secret_given,
        billing_account_id,
        start_billing_period: start_billing_period?,
        scope: scope?,
        actual_cost_export_url: exports.actual_cost_url,
        amortized_cost_export_url: exports.amortized_cost_url,
        enable_oob_exports: exports.enable_oob,
        storage_tenant_id: exports.storage_tenant_id,
        proxy,
        unused: unused_details(details, scope_type),
    })
}

fn read_start(
    checks: &mut Checks,
    body: Section<'_>,
    current_month: BillingMonth,
) -> Option<BillingMonth> {
    const NAME: &str = "startBillingPeriod";
    if !body.has(NAME) {
        return Some(current_month);
    }
    let now = format!("{:04}{:02}", current_month.year(), current_month.month());
    let hint = format!("write YYYYMM in quotes, from \"200001\" through \"{now}\"");
    let text = checks.text(body, NAME, billing_period, &hint)?;
    let start = compact_month(&text)?;
    if start > current_month {
        let problem = format!("{} is after the current month", checks.shown(&text));
        checks.refuse(body, NAME, problem, hint);
        return None;
    }
    Some(start)
}

/// The scope type, or `None` if the text names none, which is an error.
fn read_scope_type(checks: &mut Checks, details: Section<'_>) -> Option<ScopeType> {
    const NAME: &str = "scopeType";
    let names = SCOPE_TYPES.map(|(name, _)| name);
    let known = format!("write one of \"{}\"", names.join("\", \""));
    if !details.has(NAME) {
        if DETAILS.iter().any(|(shape, _)| details.has(shape.name())) {
            checks.refuse(details, NAME, "is missing beside the details of a scope", known);
            return None;
        }
        return Some(ScopeType::BillingAccount);
    }
    let text = checks.text(details, NAME, any_text, &known)?;
    if let Some((_, scope_type)) = SCOPE_TYPES.iter().find(|(name, _)| *name == text) {
        return Some(*scope_type);
    }
    let hint = nearest(&text, names).map_or(known, |near| format!("did you mean {near:?}?"));
    let problem = format!("{} is no scope type", checks.shown(&text));
    checks.refuse(details, NAME, problem, hint);
    None
}

/// The scope with its ids. Details of other scopes are checked, too: a wrong
/// one would be refused by the API as well.
fn read_scope(
    checks: &mut Checks,
    details: Option<Section<'_>>,
    scope_type: Option<ScopeType>,
) -> Option<ConnectScope> {
    let Some(details) = details else {
        return (scope_type == Some(ScopeType::BillingAccount))
            .then_some(ConnectScope::BillingAccount);
    };
    for (shape, needed_by) in &DETAILS {
        if scope_type == Some(*needed_by) && !details.has(shape.name()) {
            let hint = "write { … } with the id of the scope that scopeType names";
            checks.refuse(details, shape.name(), "is missing", hint);
        }
    }
    let profile = checks.object(details, &BILLING_PROFILE_DETAILS);
    let profile_id =
        profile.and_then(|profile| checks.required_text(profile, "billingProfileId", id, ID_HINT));
    let customer = checks.object(details, &CUSTOMER_DETAILS);
    let customer_id = customer
        .and_then(|customer| checks.required_text(customer, "customerTenantId", id, ID_HINT));
    let customer_profile_id =
        customer.and_then(|customer| checks.text(customer, "billingProfileId", id, ID_HINT));
    let subscription = checks.object(details, &SUBSCRIPTION_DETAILS);
    let subscription_id = subscription
        .and_then(|subscription| checks.required_text(subscription, "subscriptionId", id, ID_HINT));
    Some(match scope_type? {
        ScopeType::BillingAccount => ConnectScope::BillingAccount,
        ScopeType::BillingProfile => {
            ConnectScope::BillingProfile { billing_profile_id: profile_id? }
        }
        ScopeType::CustomerTenant => ConnectScope::CustomerTenant {
            customer_tenant_id: customer_id?,
            billing_profile_id: customer_profile_id,
        },
        ScopeType::Subscription => ConnectScope::Subscription { subscription_id: subscription_id? },
    })
}

fn unused_details(
    details: Option<Section<'_>>,
    scope_type: Option<ScopeType>,
) -> Vec<&'static str> {
    let Some(details) = details else { return Vec::new() };
    DETAILS
        .iter()
        .filter(|(shape, used_by)| details.has(shape.name()) && scope_type != Some(*used_by))
        .map(|(shape, _)| shape.path)
        .collect()
}

/// A subscription's reseller has no billing account; every other scope lies
/// in one.
fn check_billing_account_for(checks: &mut Checks, body: Section<'_>, scope_type: ScopeType) {
    const NAME: &str = "billingAccountId";
    match (scope_type, body.has(NAME)) {
        (ScopeType::Subscription, true) => checks.refuse(
            body,
            NAME,
            "is given with scope type \"Subscription\"",
            "leave it out: a tier-2 partner has no billing account, the subscription's id is enough",
        ),
        (ScopeType::Subscription, false) | (_, true) => {}
        (_, false) => checks.refuse(body, NAME, "is missing", ACCOUNT_HINT),
    }
}

#[derive(Default)]
struct Exports {
    actual_cost_url: Option<String>,
    amortized_cost_url: Option<String>,
    enable_oob: bool,
    storage_tenant_id: Option<String>,
}

fn read_exports(checks: &mut Checks, body: Section<'_>, scope_type: Option<ScopeType>) -> Exports {
    if scope_type == Some(ScopeType::Subscription) && !body.has(EXPORT_DETAILS.path) {
        let hint =
            "write { … } with the URLs of both exports: scope type \"Subscription\" needs them";
        checks.refuse(body, EXPORT_DETAILS.path, "is missing", hint);
    }
    let Some(exports) = checks.object(body, &EXPORT_DETAILS) else {
        return Exports::default();
    };
    Exports {
        actual_cost_url: checks.required_text(exports, "actualCostExportURL", export_url, URL_HINT),
        amortized_cost_url: checks.required_text(
            exports,
            "amortizedCostExportURL",
            export_url,
            URL_HINT,
        ),
        enable_oob: checks.flag(exports, "enableOOBExports", false),
        storage_tenant_id: checks.text(exports, "storageTenantID", id, ID_HINT),
    }
}

/// `minLength: 1`. The description calls both ids GUIDs, but its pattern does
/// not ask for one and its example is none.
fn not_blank(text: &str) -> Result<(), &'static str> {
    if text.trim().is_empty() { Err("is empty") } else { Ok(()) }
}

/// `^[a-zA-Z\d-_]{1,128}$`
fn id(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        Err("is empty")
    } else if text.len() > ID_LENGTH_MAX {
        Err("is longer than 128 characters")
    } else if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        Err("holds other characters than letters, digits, '-' and '_'")
    } else {
        Ok(())
    }
}

/// `GUID:GUID_2YYY-MM-DD`, the whole text. As in the description's pattern,
/// any month has a day 31.
fn billing_account(text: &str) -> Result<(), &'static str> {
    let parts = text.split_once(':').and_then(|(account, rest)| {
        let (organization, date) = rest.split_once('_')?;
        Some(is_guid(account) && is_guid(organization) && is_account_date(date.as_bytes()))
    });
    if parts == Some(true) { Ok(()) } else { Err("is no id of a partner's billing account") }
}

fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_account_date(date: &[u8]) -> bool {
    let &[b'2', y1, y2, y3, b'-', m1, m2, b'-', d1, d2] = date else { return false };
    [y1, y2, y3, m1, m2, d1, d2].iter().all(u8::is_ascii_digit)
        && matches!([m1, m2], [b'0', b'1'..=b'9'] | [b'1', b'0'..=b'2'])
        && matches!([d1, d2], [b'0', b'1'..=b'9'] | [b'1' | b'2', _] | [b'3', b'0' | b'1'])
}

/// `^20\d{2}(0[1-9]|1[012])$`
fn billing_period(text: &str) -> Result<(), &'static str> {
    compact_month(text).map(|_| ()).ok_or("is no month")
}

fn compact_month(text: &str) -> Option<BillingMonth> {
    if text.len() != 6 || !text.starts_with("20") || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    BillingMonth::new(text[..4].parse().ok()?, text[4..].parse().ok()?)
}

/// Any text that can be kept and printed.
fn proxy_term(text: &str) -> Result<(), &'static str> {
    let credentials = text.contains("://") && text.contains('@');
    if credentials || holds_token(text) { Err("may hold a secret") } else { Ok(()) }
}

/// `^https://[a-z0-9]{3,24}.blob.core.(windows.net|chinacloudapi.cn)/…[^/]$`,
/// and what must not stand in it.
fn export_url(text: &str) -> Result<(), &'static str> {
    if text.contains(['?', '#']) {
        return Err("has a query, which may hold a secret");
    }
    if holds_token(text) {
        return Err("looks as if it held a token");
    }
    let rest = text.strip_prefix("https://").ok_or("does not begin with https://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if host.contains('@') {
        return Err("holds a user name or a password");
    }
    let account = ["windows.net", "chinacloudapi.cn"]
        .iter()
        .find_map(|cloud| host.strip_suffix(cloud)?.strip_suffix(".blob.core."))
        .ok_or("names no blob host of Azure or Azure China")?;
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !(3..=24).contains(&account.len()) || !account.bytes().all(lower) {
        return Err("names no storage account: 3 to 24 small letters and digits");
    }
    if text.contains(char::is_whitespace) {
        return Err("has a blank in it");
    }
    // Azure's shortest name of a container has three letters.
    if path.split('/').next().is_none_or(|container| container.len() < 3) {
        return Err("names no container");
    }
    if path.ends_with('/') { Err("ends in '/'") } else { Ok(()) }
}

#[cfg(test)]
mod tests;
