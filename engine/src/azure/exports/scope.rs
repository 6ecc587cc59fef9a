//! Scopes an export can be made at, as Azure Resource Manager's paths.
//!
//! In: text. Out: an [`ArmScope`], whose segments are known and safe in a URL.
//! Wider than [`Scope`]: resource groups, management groups and invoice sections
//! have exports too, though no bill is read at them. Pure.

use std::fmt;
use std::str::FromStr;

use super::error::ExportsError;
use crate::model::Scope;

/// What kind of scope a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArmScopeKind {
    /// `/subscriptions/{id}`
    Subscription,
    /// `/subscriptions/{id}/resourceGroups/{name}`
    ResourceGroup,
    /// `/providers/Microsoft.Management/managementGroups/{id}`
    ManagementGroup,
    /// `/providers/Microsoft.Billing/billingAccounts/{id}`
    BillingAccount,
    /// `…/billingAccounts/{id}/billingProfiles/{id}`
    BillingProfile,
    /// `…/billingProfiles/{id}/invoiceSections/{id}`
    InvoiceSection,
    /// `…/billingAccounts/{id}/customers/{id}`: partners only.
    Customer,
}

impl ArmScopeKind {
    /// Name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Subscription => "subscription",
            Self::ResourceGroup => "resource group",
            Self::ManagementGroup => "management group",
            Self::BillingAccount => "billing account",
            Self::BillingProfile => "billing profile",
            Self::InvoiceSection => "invoice section",
            Self::Customer => "customer",
        }
    }

    /// Whether billing roles count here instead of Azure roles.
    pub const fn is_billing(self) -> bool {
        matches!(
            self,
            Self::BillingAccount | Self::BillingProfile | Self::InvoiceSection | Self::Customer
        )
    }
}

/// A scope's path, e.g. `/subscriptions/00000000-0000-0000-0000-000000000000`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArmScope {
    path: String,
    kind: ArmScopeKind,
}

/// Longest id in a path.
const ID_LENGTH_MAX: usize = 128;

/// Where an export's own path leaves its scope.
const PROVIDER: &str = "/providers/microsoft.costmanagement";

const FORMS: &str = "write /subscriptions/<id>, /subscriptions/<id>/resourceGroups/<name>, \
                     /providers/Microsoft.Management/managementGroups/<id>, \
                     /providers/Microsoft.Billing/billingAccounts/<id>, or below the latter \
                     /billingProfiles/<id>, /billingProfiles/<id>/invoiceSections/<id> or \
                     /customers/<id>";

impl ArmScope {
    /// The path, with its leading slash.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What kind of scope it is.
    pub fn kind(&self) -> ArmScopeKind {
        self.kind
    }
}

impl fmt::Display for ArmScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.path)
    }
}

impl FromStr for ArmScope {
    type Err = ExportsError;

    /// Reads a path with or without its leading slash, names of types in any
    /// letter case; an export's own path is cut back to its scope.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |why: &str| ExportsError::BadDefinition {
            what: format!("{text:?} is no scope of an export{why}"),
            hint: FORMS.to_owned(),
        };
        let plain = text.trim();
        let end = plain.to_ascii_lowercase().find(PROVIDER).unwrap_or(plain.len());
        let plain = plain.get(..end).unwrap_or_default().trim_matches('/');
        let segments: Vec<&str> = plain.split('/').collect();
        let lower: Vec<String> = segments.iter().map(|part| part.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let (kind, ids) = match lower[..] {
            ["subscriptions", _] => (ArmScopeKind::Subscription, &segments[1..]),
            ["subscriptions", _, "resourcegroups", _] => {
                (ArmScopeKind::ResourceGroup, &segments[1..])
            }
            ["providers", "microsoft.management", "managementgroups", _] => {
                (ArmScopeKind::ManagementGroup, &segments[3..])
            }
            ["providers", "microsoft.billing", "billingaccounts", _] => {
                (ArmScopeKind::BillingAccount, &segments[3..])
            }
            ["providers", "microsoft.billing", "billingaccounts", _, "billingprofiles", _] => {
                (ArmScopeKind::BillingProfile, &segments[3..])
            }
            [
                "providers",
                "microsoft.billing",
                "billingaccounts",
                _,
                "billingprofiles",
                _,
                "invoicesections",
                _,
            ] => (ArmScopeKind::InvoiceSection, &segments[3..]),
            ["providers", "microsoft.billing", "billingaccounts", _, "customers", _] => {
                (ArmScopeKind::Customer, &segments[3..])
            }
            _ => return Err(refused("")),
        };
        if let Some(bad) = ids.iter().step_by(2).find(|id| !is_id(id)) {
            return Err(refused(&format!(": {bad:?} is no id")));
        }
        let is_of_subscription =
            matches!(kind, ArmScopeKind::Subscription | ArmScopeKind::ResourceGroup);
        if is_of_subscription && !is_guid(segments[1]) {
            return Err(refused(": a subscription is named by its id, not by its name"));
        }
        Ok(Self { path: format!("/{plain}"), kind })
    }
}

impl TryFrom<&Scope> for ArmScope {
    type Error = ExportsError;

    /// Errors when the scope is a type without a path.
    fn try_from(scope: &Scope) -> Result<Self, Self::Error> {
        match &scope.id {
            Some(path) => path.parse(),
            None => Err(ExportsError::BadDefinition {
                what: format!("{scope_type} names no one scope", scope_type = scope.scope_type),
                hint: FORMS.to_owned(),
            }),
        }
    }
}

/// Billing ids look like `GUID:GUID_2019-05-31`; resource groups may have `()`.
fn is_id(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:()".contains(&byte);
    !text.is_empty()
        && text.len() <= ID_LENGTH_MAX
        && text.bytes().all(known)
        && text.bytes().any(|byte| byte != b'.')
}

pub(super) fn is_guid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorClass, Fault as _};

    const ID: &str = "00000000-0000-0000-0000-000000000001";

    #[test]
    fn every_scope_of_the_api_is_read_in_any_letter_case() {
        let account = "/providers/Microsoft.Billing/billingAccounts/A:B_2019-05-31";
        for (path, kind) in [
            (format!("/subscriptions/{ID}"), ArmScopeKind::Subscription),
            (format!("/subscriptions/{ID}/resourceGroups/rg-(1)"), ArmScopeKind::ResourceGroup),
            (
                "/providers/Microsoft.Management/managementGroups/mg".to_owned(),
                ArmScopeKind::ManagementGroup,
            ),
            (account.to_owned(), ArmScopeKind::BillingAccount),
            (format!("{account}/billingProfiles/P"), ArmScopeKind::BillingProfile),
            (
                format!("{account}/billingProfiles/P/invoiceSections/S"),
                ArmScopeKind::InvoiceSection,
            ),
            (format!("{account}/customers/C"), ArmScopeKind::Customer),
        ] {
            let scope: ArmScope = path.parse().unwrap();
            assert_eq!((scope.path(), scope.kind()), (path.as_str(), kind));
            let export = format!("{path}/providers/Microsoft.CostManagement/exports/x");
            assert_eq!(export.parse::<ArmScope>().unwrap(), scope, "{export}");
            let sloppy = format!("{}/", &path.to_uppercase()[1..]);
            assert_eq!(sloppy.parse::<ArmScope>().unwrap().kind(), kind, "{sloppy}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "/",
            "billing_account",
            "/subscriptions",
            "/subscriptions/",
            "/subscriptions/my-subscription",
            "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups",
            "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/..",
            "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/a?b",
            "/providers/Microsoft.Billing/billingAccounts",
            "/providers/Microsoft.Billing/billingAccounts/a b",
            "/providers/Microsoft.Billing/billingAccounts/A/customers",
            "/providers/Microsoft.Billing/billingAccounts/A/invoiceSections/S",
            "/providers/Microsoft.Billing/billingAccounts/A%2F../customers/C",
            "https://management.azure.com/subscriptions/00000000-0000-0000-0000-000000000001",
            "/providers/Microsoft.CostManagement/exports/x",
        ] {
            let error = text.parse::<ArmScope>().unwrap_err();
            assert_eq!(error.class(), ErrorClass::BadConfig, "{text}");
            assert!(error.hint().unwrap().contains("/customers/<id>"), "{text}");
        }
        assert!(ArmScope::try_from(&Scope::from(crate::model::ScopeType::Subscription)).is_err());
    }
}
