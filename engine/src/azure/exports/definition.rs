//! What an export is to be.
//!
//! In: dataset, destination, compression, the present. Out: an
//! [`ExportDefinition`] that keeps the service's rules, its JSON body, and how an
//! existing export differs from it. Pure; a SAS token leaves it in the body of
//! the request only.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use super::error::ExportsError;
use super::export::Export;
use super::period::{day, midnight};
use super::scope::{ArmScope, ArmScopeKind, is_guid};
use crate::azure::Secret;
use crate::azure::secret::Secrets;
use crate::discover::manifest::parse_instant_ms;
use crate::model::DatasetType;
use crate::model::date::{CivilDate, DAY_MS, civil_from_days, days_from_civil};
use crate::source::SasToken;

/// Version of the cost datasets asked for: the latest documented for partners.
pub const COST_DATA_VERSION: &str = "2021-10-01";

/// How long the daily schedule goes on. The service documents no longest time
/// (the portal writes an end in 2050); ten years outlive any SAS token and still
/// end by themselves.
pub const SCHEDULE_YEARS: i32 = 10;

/// Permissions a SAS destination needs: read, write, delete, list, add, create.
pub const SAS_PERMISSIONS: &str = "rwdlac";

/// Resource types it needs: service, container, object.
pub const SAS_RESOURCE_TYPES: &str = "sco";

/// Services it needs: blob.
pub const SAS_SERVICES: &str = "b";

/// What stands where a secret is.
const REDACTED: &str = "<redacted>";

/// Name of an export: letters, digits, `-` and `_`. The API documents no rule;
/// this is what the portal takes, in the length of Azure's resource names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExportName(String);

impl ExportName {
    /// Longest name.
    pub const LENGTH_MAX: usize = 64;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of one of several exports of one base, e.g. `contoso-actual`.
    /// Errors when it grows too long.
    pub fn for_dataset(&self, dataset: DatasetType) -> Result<Self, ExportsError> {
        format!("{self}-{}", dataset.flag().trim_start_matches('-')).parse()
    }
}

impl fmt::Display for ExportName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for ExportName {
    type Err = ExportsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let valid = !text.is_empty() && text.len() <= Self::LENGTH_MAX && text.bytes().all(known);
        if valid { Ok(Self(text.to_owned())) } else { Err(bad_name(text)) }
    }
}

fn bad_name(text: &str) -> ExportsError {
    ExportsError::BadDefinition {
        what: format!("{text:?} is no name of an export"),
        hint: format!(
            "use 1 to {} letters, digits, '-' or '_'; the dataset's name is added to a base name",
            ExportName::LENGTH_MAX
        ),
    }
}

/// A SAS token that was found to allow what exports need.
#[derive(Clone, PartialEq, Eq)]
pub struct SasDestinationToken {
    token: Secret,
    expires_at_ms: Option<i64>,
}

impl fmt::Debug for SasDestinationToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SasDestinationToken({REDACTED})")
    }
}

impl SasDestinationToken {
    /// Reads an account SAS, with or without its `?`, and checks what it allows
    /// (learn.microsoft.com/azure/cost-management-billing/costs/export-cost-data-storage-account-sas-key).
    /// `now_ms` counts from 1970 UTC. Errors say which letter is missing and never
    /// quote the token.
    pub fn new(text: &str, now_ms: i64) -> Result<Self, ExportsError> {
        let text = text.trim().trim_start_matches('?');
        let sas = SasToken::parse(text);
        let bad = |what: String| ExportsError::BadDefinition {
            what: format!("the SAS token of the destination {what}"),
            hint: "make an account SAS: allowed services Blob; resource types Service, Container, \
                   Object; permissions Read, Write, Delete, List, Add, Create; no IP addresses"
                .to_owned(),
        };
        if !sas.is_signed() {
            return Err(bad("has no signature (sig)".to_owned()));
        }
        for (name, what, given, missing) in [
            ("ss", "services", &sas.services, sas.lacks_services(SAS_SERVICES)),
            (
                "srt",
                "resource types",
                &sas.resource_types,
                sas.lacks_resource_types(SAS_RESOURCE_TYPES),
            ),
            ("sp", "permissions", &sas.permissions, sas.lacks(SAS_PERMISSIONS)),
        ] {
            if given.is_none() {
                return Err(bad(format!("is no account SAS: it has no {what} ({name})")));
            }
            if !missing.is_empty() {
                return Err(bad(format!("lacks {missing:?} in its {what} ({name})")));
            }
        }
        if sas.addresses.is_some() {
            return Err(
                bad("is limited to IP addresses (sip), which shuts the service out".into()),
            );
        }
        let expires_at_ms = sas.expires_at_ms;
        if let Some(end) = expires_at_ms.filter(|end| *end <= now_ms) {
            let end = i32::try_from(end.div_euclid(DAY_MS)).unwrap_or_default();
            return Err(bad(format!("has expired on {}", day(end))));
        }
        Ok(Self { token: Secret::new(text), expires_at_ms })
    }

    /// When it ends, milliseconds since 1970 UTC, if it says so.
    pub fn expires_at_ms(&self) -> Option<i64> {
        self.expires_at_ms
    }

    /// The token and the signature in it.
    fn secrets(&self) -> Secrets {
        let text = self.token.reveal();
        let signatures = url::form_urlencoded::parse(text.as_bytes())
            .filter(|(name, _)| name == "sig")
            .map(|(_, value)| value.into_owned());
        Secrets::new(signatures.chain([text.to_owned()]))
    }
}

/// The storage account files go to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Account {
    /// By its ARM path: in the tenant of the export.
    Resource(String),
    /// By name and SAS token: in any tenant, for partners.
    Sas(String, SasDestinationToken),
}

/// Where files go: account, container, folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    account: Account,
    container: String,
    folder: String,
}

impl Destination {
    /// A storage account by its resource id.
    pub fn resource(
        resource_id: &str,
        container: &str,
        folder: &str,
    ) -> Result<Self, ExportsError> {
        let plain = resource_id.trim().trim_matches('/');
        let segments: Vec<&str> = plain.split('/').collect();
        let lower = plain.to_ascii_lowercase();
        let lower: Vec<&str> = lower.split('/').collect();
        let known = matches!(
            lower[..],
            [
                "subscriptions",
                id,
                "resourcegroups",
                group,
                "providers",
                "microsoft.storage",
                "storageaccounts",
                name
            ] if is_guid(id) && !group.is_empty() && is_account(name) && segments[7] == name
        );
        if !known {
            return Err(ExportsError::BadDefinition {
                what: format!("{resource_id:?} is no resource id of a storage account"),
                hint: "write /subscriptions/<id>/resourceGroups/<name>/providers/\
                       Microsoft.Storage/storageAccounts/<name>"
                    .to_owned(),
            });
        }
        Self::new(Account::Resource(format!("/{plain}")), container, folder)
    }

    /// A storage account by its name, with a SAS token.
    pub fn sas(
        account: &str,
        token: SasDestinationToken,
        container: &str,
        folder: &str,
    ) -> Result<Self, ExportsError> {
        if !is_account(account) {
            return Err(ExportsError::BadDefinition {
                what: format!("{account:?} is no name of a storage account"),
                hint: "write its name only: 3 to 24 lower-case letters and digits".to_owned(),
            });
        }
        Self::new(Account::Sas(account.to_owned(), token), container, folder)
    }

    fn new(account: Account, container: &str, folder: &str) -> Result<Self, ExportsError> {
        if !is_container(container) {
            return Err(ExportsError::BadDefinition {
                what: format!("{container:?} is no name of a container"),
                hint: "use 3 to 63 lower-case letters, digits and single '-', beginning and \
                       ending with a letter or digit"
                    .to_owned(),
            });
        }
        let plain = folder.trim_matches('/');
        if !is_folder(plain) {
            return Err(ExportsError::BadDefinition {
                what: format!("{folder:?} is no folder of a container"),
                hint: "write a path such as costlake/contoso, without '..', '\\', '?' and '#'"
                    .to_owned(),
            });
        }
        Ok(Self { account, container: container.to_owned(), folder: plain.to_owned() })
    }

    /// When its SAS token ends, milliseconds since 1970 UTC.
    pub fn sas_expires_at_ms(&self) -> Option<i64> {
        match &self.account {
            Account::Sas(_, token) => token.expires_at_ms(),
            Account::Resource(_) => None,
        }
    }

    fn json(&self, reveal: Reveal) -> Value {
        let mut json = json!({
            "type": "AzureBlob", "container": self.container, "rootFolderPath": self.folder,
        });
        match &self.account {
            Account::Resource(id) => json["resourceId"] = json!(id),
            Account::Sas(name, token) => {
                json["storageAccount"] = json!(name);
                json["sasToken"] = match reveal {
                    Reveal::Yes => json!(token.token.reveal()),
                    Reveal::No => json!(REDACTED),
                };
            }
        }
        json
    }
}

fn is_account(text: &str) -> bool {
    (3..=24).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn is_container(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (3..=63).contains(&text.len())
        && text.bytes().all(known)
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

/// Longest path of a folder; a blob's whole name may have 1,024 letters.
const FOLDER_LENGTH_MAX: usize = 512;

fn is_folder(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= FOLDER_LENGTH_MAX
        && text.split('/').all(|part| !part.is_empty() && part.bytes().any(|byte| byte != b'.'))
        && !text.chars().any(|letter| letter.is_control() || "\\?#".contains(letter))
}

/// How files are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// `.csv`
    #[default]
    None,
    /// `.csv.gz`
    Gzip,
}

impl Compression {
    const fn azure_name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
        }
    }
}

/// What several exports of one scope share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportSettings {
    /// Where files go.
    pub destination: Destination,
    /// How they are compressed.
    pub compression: Compression,
    /// Region of the export's own managed identity; none where it needs none, as
    /// with most storage accounts. Wanted for storage behind a firewall.
    pub identity_location: Option<String>,
    /// The present day, days since 1970-01-01: the schedule begins on the next.
    pub today: i32,
}

/// What an export is to be: daily, month to date, CSV, partitioned, each run in
/// place of the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportDefinition {
    name: ExportName,
    dataset: DatasetType,
    settings: ExportSettings,
}

/// Whether secrets stand in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reveal {
    Yes,
    No,
}

impl ExportDefinition {
    /// An export of a scope. Errors when the service would refuse it.
    pub fn new(
        scope: &ArmScope,
        name: ExportName,
        dataset: DatasetType,
        settings: ExportSettings,
    ) -> Result<Self, ExportsError> {
        let bad = |what: String, hint: &str| {
            Err(ExportsError::BadDefinition { what, hint: hint.to_owned() })
        };
        let by_sas = matches!(settings.destination.account, Account::Sas(..));
        if by_sas && scope.kind() != ArmScopeKind::BillingAccount {
            return bad(
                format!("a SAS destination is not for a {}", scope.kind().name()),
                "SAS destinations are for partners at their billing account; name the storage \
                 account by its resource id",
            );
        }
        if by_sas && settings.identity_location.is_some() {
            return bad(
                "a SAS destination needs no managed identity".to_owned(),
                "leave out either the SAS token or the identity's location",
            );
        }
        let is_location =
            |text: &String| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if let Some(location) = settings.identity_location.as_ref().filter(|at| !is_location(at)) {
            return bad(
                format!("{location:?} is no region"),
                "write it without spaces, e.g. westeurope",
            );
        }
        // The portal offers no more for these, and the docs say CSV uncompressed.
        let is_reservation = !dataset.is_cost() && dataset != DatasetType::PriceSheet;
        if is_reservation && settings.compression == Compression::Gzip {
            return bad(format!("{dataset} is exported uncompressed only"), "leave out --gzip");
        }
        Ok(Self { name, dataset, settings })
    }

    /// Its name.
    pub fn name(&self) -> &ExportName {
        &self.name
    }

    /// What it exports.
    pub fn dataset(&self) -> DatasetType {
        self.dataset
    }

    /// The body that makes it, or changes the export that has this eTag. Secrets
    /// are in it in clear: for a request only.
    pub fn body(&self, etag: Option<&str>) -> String {
        self.json(etag, Reveal::Yes).to_string()
    }

    /// The same for people.
    pub fn redacted(&self) -> Value {
        self.json(None, Reveal::No)
    }

    /// What must not appear in any text.
    pub fn secrets(&self) -> Secrets {
        match &self.settings.destination.account {
            Account::Sas(_, token) => token.secrets(),
            Account::Resource(_) => Secrets::default(),
        }
    }

    /// Whether a part of it cannot be seen in an existing export.
    pub fn has_secrets(&self) -> bool {
        matches!(self.settings.destination.account, Account::Sas(..))
    }

    fn json(&self, etag: Option<&str>, reveal: Reveal) -> Value {
        let ExportSettings { destination, compression, identity_location, today } = &self.settings;
        let mut json = json!({
            "properties": {
                "format": "Csv",
                "compressionMode": compression.azure_name(),
                "dataOverwriteBehavior": "OverwritePreviousReport",
                "partitionData": true,
                "definition": {
                    "type": self.dataset.azure_name(),
                    "timeframe": timeframe(self.dataset),
                    "dataSet": data_set(self.dataset),
                },
                "deliveryInfo": { "destination": destination.json(reveal) },
                "schedule": {
                    "status": "Active",
                    "recurrence": "Daily",
                    "recurrencePeriod": {
                        // The service wants a beginning in the future.
                        "from": midnight(today + 1),
                        "to": midnight(years_later(*today, SCHEDULE_YEARS)),
                    },
                },
            },
        });
        if let Some(location) = identity_location {
            json["identity"] = json!({ "type": "SystemAssigned" });
            json["location"] = json!(location);
        }
        if let Some(etag) = etag {
            json["eTag"] = json!(etag);
        }
        json
    }

    /// How an existing export differs, field by field; empty when it does the
    /// same. Its SAS token cannot be seen, and when it began does not matter.
    pub fn differences(&self, existing: &Export) -> Vec<String> {
        let wanted = self.json(None, Reveal::No);
        let mut differences = Vec::new();
        for field in FIELDS {
            let wanted = field_of(&wanted, &field).unwrap_or(field.default);
            let found = field_of(&existing.json, &field).unwrap_or(field.default);
            let path = |text: &str| text.trim_matches('/').to_owned();
            let same = match field.name {
                "rootFolderPath" => path(wanted) == path(found),
                "resourceId" => path(wanted).eq_ignore_ascii_case(&path(found)),
                // The portal gives every export one, and it changes no file.
                "identity" => wanted.is_empty() || wanted.eq_ignore_ascii_case(found),
                _ => wanted.eq_ignore_ascii_case(found),
            };
            if !same {
                let shown = |text: &str| if text.is_empty() { "none" } else { text }.to_owned();
                let (found, wanted) = (shown(found), shown(wanted));
                differences.push(format!("{} is {found}, not {wanted}", field.name));
            }
        }
        let partitioned = existing.json.pointer("/properties/partitionData");
        if partitioned.and_then(Value::as_bool) != Some(true) {
            differences.push("partitionData is false, not true".to_owned());
        }
        // An empty list is what the service writes for none.
        let listed = |json: &Value, list: &str| {
            let pointer = format!("/properties/definition/dataSet/configuration/{list}");
            json.pointer(&pointer).and_then(Value::as_array).cloned().unwrap_or_default()
        };
        for list in ["columns", "filters"] {
            if listed(&existing.json, list) != listed(&wanted, list) {
                differences.push(format!("{list} are others"));
            }
        }
        let end = existing.text("/properties/schedule/recurrencePeriod/to");
        if let Some(end_ms) = end.and_then(parse_instant_ms)
            && end_ms <= i64::from(self.settings.today + 1) * DAY_MS
        {
            differences.push(format!("its schedule ends {}", end.unwrap_or_default()));
        }
        differences
    }
}

/// A field that tells two exports apart.
struct Field {
    name: &'static str,
    pointer: &'static str,
    /// What the service takes where the field is not there.
    default: &'static str,
}

const fn field(name: &'static str, pointer: &'static str, default: &'static str) -> Field {
    Field { name, pointer, default }
}

const FIELDS: [Field; 14] = [
    field("type", "/properties/definition/type", ""),
    field("timeframe", "/properties/definition/timeframe", ""),
    field("granularity", "/properties/definition/dataSet/granularity", ""),
    field("dataVersion", "/properties/definition/dataSet/configuration/dataVersion", ""),
    field("format", "/properties/format", "Csv"),
    field("compressionMode", "/properties/compressionMode", "none"),
    field("dataOverwriteBehavior", "/properties/dataOverwriteBehavior", "CreateNewReport"),
    field("resourceId", "/properties/deliveryInfo/destination/resourceId", ""),
    field("storageAccount", "/properties/deliveryInfo/destination/storageAccount", ""),
    field("container", "/properties/deliveryInfo/destination/container", ""),
    field("rootFolderPath", "/properties/deliveryInfo/destination/rootFolderPath", ""),
    field("status", "/properties/schedule/status", "Inactive"),
    field("recurrence", "/properties/schedule/recurrence", ""),
    field("identity", "/identity/type", ""),
];

fn field_of<'a>(json: &'a Value, field: &Field) -> Option<&'a str> {
    json.pointer(field.pointer)?.as_str()
}

/// A price sheet is of a whole month; the rest grows by the day.
const fn timeframe(dataset: DatasetType) -> &'static str {
    match dataset {
        DatasetType::PriceSheet => "TheCurrentMonth",
        _ => "MonthToDate",
    }
}

/// Versions, granularities and filters as in the examples of the specification.
fn data_set(dataset: DatasetType) -> Value {
    match dataset {
        DatasetType::ActualCost | DatasetType::AmortizedCost => json!({
            "granularity": "Daily", "configuration": { "dataVersion": COST_DATA_VERSION },
        }),
        DatasetType::PriceSheet => json!({
            "granularity": "Daily", "configuration": { "dataVersion": "2023-05-01" },
        }),
        DatasetType::ReservationDetails => json!({
            "granularity": "Daily", "configuration": { "dataVersion": "2023-03-01" },
        }),
        DatasetType::ReservationTransactions => json!({
            "configuration": { "dataVersion": "2023-05-01" },
        }),
        // One export per scope, look-back and resource type; the widest of each.
        DatasetType::ReservationRecommendations => json!({
            "configuration": {
                "dataVersion": "2023-05-01",
                "filters": [
                    { "name": "ReservationScope", "value": "Shared" },
                    { "name": "ResourceType", "value": "VirtualMachines" },
                    { "name": "LookBackPeriod", "value": "Last60Days" },
                ],
            },
        }),
    }
}

/// The same day of a later year; the 29th of February becomes the 1st of March.
fn years_later(days: i32, years: i32) -> i32 {
    let date = civil_from_days(days);
    days_from_civil(CivilDate { year: date.year + years, ..date })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorClass, Fault as _};
    use crate::model::date::parse_date;

    const SAS: &str = "sv=2024-11-04&ss=bf&srt=sco&sp=rwdlacup&se=2027-01-01T00:00:00Z&spr=https\
                       &sig=U0VDUkVUU0lH%3D";
    const STORAGE: &str = "/subscriptions/00000000-0000-0000-0000-000000000002/resourceGroups/rg\
                           /providers/Microsoft.Storage/storageAccounts/contoso";

    fn now_ms() -> i64 {
        parse_instant_ms("2026-07-10T12:00:00Z").unwrap()
    }

    #[test]
    fn a_sas_token_must_allow_what_exports_need() {
        let told = |text: &str| match SasDestinationToken::new(text, now_ms()) {
            Ok(_) => String::new(),
            Err(error) => {
                assert_eq!(error.class(), ErrorClass::BadConfig);
                let text = error.to_string();
                assert!(!text.contains("U0VDU") && !format!("{error:?}").contains("U0VDU"));
                text.strip_prefix("the SAS token of the destination ").unwrap().to_owned()
            }
        };
        assert_eq!(told(SAS), "");
        assert_eq!(told(&format!("?{SAS}\n")), "");
        for letter in SAS_PERMISSIONS.chars() {
            let given = "rwdlacup".replace(letter, "");
            assert_eq!(
                told(&SAS.replace("rwdlacup", &given)),
                format!("lacks \"{letter}\" in its permissions (sp)")
            );
        }
        for letter in SAS_RESOURCE_TYPES.chars() {
            let given = "srt=sco".replace(&format!("={}", "sco"), "=") + &"sco".replace(letter, "");
            assert_eq!(
                told(&SAS.replace("srt=sco", &given)),
                format!("lacks \"{letter}\" in its resource types (srt)")
            );
        }
        for (from, to, what) in [
            ("ss=bf", "ss=f", "lacks \"b\" in its services (ss)"),
            ("ss=bf&srt=sco", "sr=c", "is no account SAS: it has no services (ss)"),
            ("sp=rwdlacup", "sp=rl", "lacks \"wdac\" in its permissions (sp)"),
            ("2027-01-01T00:00:00Z", "2026-07-10T12:00:00Z", "has expired on 2026-07-10"),
            ("&sig=U0VDUkVUU0lH%3D", "", "has no signature (sig)"),
            (
                "&spr=https",
                "&sip=1.2.3.4",
                "is limited to IP addresses (sip), which shuts the service out",
            ),
        ] {
            assert_eq!(told(&SAS.replace(from, to)), what, "{to}");
        }
    }

    #[test]
    fn names_and_destinations_keep_the_services_rules() {
        for good in ["a", "contoso_2026-eu", &"x".repeat(64)] {
            assert!(good.parse::<ExportName>().is_ok(), "{good}");
        }
        for bad in ["", "a b", "a/b", "ü", "a.b", &"x".repeat(65)] {
            assert!(bad.parse::<ExportName>().is_err(), "{bad}");
        }
        let base: ExportName = "contoso".parse().unwrap();
        let named = DatasetType::ALL.map(|dataset| base.for_dataset(dataset).unwrap().to_string());
        assert_eq!(named[..2], ["contoso-actual", "contoso-amortized"]);
        assert_eq!(named[5], "contoso-reservation-recommendations");
        assert!(
            "x".repeat(60)
                .parse::<ExportName>()
                .unwrap()
                .for_dataset(DatasetType::ActualCost)
                .is_err()
        );

        let at = |id: &str, container: &str, folder: &str| {
            Destination::resource(id, container, folder).map(|_| ()).map_err(|e| e.to_string())
        };
        assert_eq!(at(STORAGE, "exports", "/a/b/"), Ok(()));
        for (id, container, folder) in [
            ("contoso", "exports", "a"),
            (&STORAGE.replace("contoso", "Contoso"), "exports", "a"),
            (&STORAGE.replace("Microsoft.Storage", "Microsoft.Compute"), "exports", "a"),
            (&format!("{STORAGE}/blobServices/default"), "exports", "a"),
            (STORAGE, "Exports", "a"),
            (STORAGE, "ex", "a"),
            (STORAGE, "a--b", "a"),
            (STORAGE, "exports", ""),
            (STORAGE, "exports", "a//b"),
            (STORAGE, "exports", "a/../b"),
            (STORAGE, "exports", "a?b"),
        ] {
            assert!(at(id, container, folder).is_err(), "{id} {container} {folder}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let subscription: ArmScope =
            "/subscriptions/00000000-0000-0000-0000-000000000001".parse().unwrap();
        let account: ArmScope =
            "/providers/Microsoft.Billing/billingAccounts/A:B_2019-05-31".parse().unwrap();
        let token = SasDestinationToken::new(SAS, now_ms()).unwrap();
        let sas = Destination::sas("contoso", token.clone(), "exports", "a").unwrap();
        let resource = Destination::resource(STORAGE, "exports", "a").unwrap();
        let told =
            |scope: &ArmScope, destination: &Destination, gzip, location: Option<&str>, dataset| {
                let settings = ExportSettings {
                    destination: destination.clone(),
                    compression: if gzip { Compression::Gzip } else { Compression::None },
                    identity_location: location.map(str::to_owned),
                    today: parse_date(b"2026-07-10").unwrap(),
                };
                ExportDefinition::new(scope, "x".parse().unwrap(), dataset, settings)
                    .err()
                    .map_or(String::new(), |error| error.to_string())
            };
        let cost = DatasetType::ActualCost;
        assert_eq!(told(&account, &sas, true, None, cost), "");
        assert_eq!(told(&subscription, &resource, true, Some("westeurope"), cost), "");
        assert_eq!(
            told(&subscription, &sas, false, None, cost),
            "a SAS destination is not for a subscription"
        );
        assert_eq!(
            told(&account, &sas, false, Some("westeurope"), cost),
            "a SAS destination needs no managed identity"
        );
        assert_eq!(
            told(&account, &resource, false, Some("West Europe"), cost),
            "\"West Europe\" is no region"
        );
        assert_eq!(
            told(&account, &resource, true, None, DatasetType::ReservationDetails),
            "ReservationDetails is exported uncompressed only"
        );
        assert_eq!(told(&account, &resource, true, None, DatasetType::PriceSheet), "");
        assert!(Destination::sas("Contoso", token, "exports", "a").is_err());
    }

    #[test]
    fn an_existing_export_is_told_apart_field_by_field() {
        let scope = "/subscriptions/00000000-0000-0000-0000-000000000001".parse().unwrap();
        let definition = ExportDefinition::new(
            &scope,
            "x".parse().unwrap(),
            DatasetType::AmortizedCost,
            ExportSettings {
                destination: Destination::resource(STORAGE, "exports", "a/b").unwrap(),
                compression: Compression::Gzip,
                identity_location: None,
                today: parse_date(b"2026-07-10").unwrap(),
            },
        )
        .unwrap();
        let mut json: Value = serde_json::from_str(&definition.body(None)).unwrap();
        json["name"] = json!("x");
        let differences = |json: &Value| definition.differences(&Export::read(json).unwrap());
        assert_eq!(differences(&json), Vec::<String>::new());
        // What the service may write otherwise, and when another month began.
        json["properties"]["deliveryInfo"]["destination"]["resourceId"] =
            json!(STORAGE.to_uppercase());
        json["properties"]["deliveryInfo"]["destination"]["rootFolderPath"] = json!("/a/b");
        json["properties"]["compressionMode"] = json!("GZIP");
        json["properties"]["schedule"]["recurrencePeriod"]["from"] = json!("2020-01-01T00:00:00Z");
        json["properties"]["definition"]["dataSet"]["configuration"]["columns"] = json!([]);
        json["identity"] = json!({ "type": "SystemAssigned" });
        assert_eq!(differences(&json), Vec::<String>::new());
        json["properties"]["definition"]["dataSet"]["configuration"]["columns"] = json!(["Date"]);
        assert_eq!(differences(&json), ["columns are others"]);
        json["properties"]["definition"]["dataSet"]["configuration"]["columns"] = Value::Null;
        json["properties"]["definition"]["type"] = json!("ActualCost");
        json["properties"]["compressionMode"] = Value::Null;
        json["properties"]["partitionData"] = json!(false);
        json["properties"]["schedule"]["status"] = json!("Inactive");
        json["properties"]["schedule"]["recurrencePeriod"]["to"] = json!("2026-07-11T00:00:00Z");
        assert_eq!(
            differences(&json),
            [
                "type is ActualCost, not AmortizedCost",
                "compressionMode is none, not gzip",
                "status is Inactive, not Active",
                "partitionData is false, not true",
                "its schedule ends 2026-07-11T00:00:00Z",
            ]
        );
    }
}
