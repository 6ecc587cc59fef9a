//! Scopes of a bill and names of sources.

use std::fmt;
use std::str::FromStr;

/// The four scopes a partner's bill is read at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScopeType {
    /// The partner's whole billing account, every customer.
    BillingAccount,
    /// One billing profile: one currency, one invoice.
    BillingProfile,
    /// One customer's tenant.
    CustomerTenant,
    /// One subscription, as a tier-2 reseller sees it: retail prices only.
    Subscription,
}

impl ScopeType {
    /// Widest first: consolidated views prefer the earlier one.
    pub const ALL: [Self; 4] =
        [Self::BillingAccount, Self::BillingProfile, Self::CustomerTenant, Self::Subscription];

    /// Name in views and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BillingAccount => "billing_account",
            Self::BillingProfile => "billing_profile",
            Self::CustomerTenant => "customer_tenant",
            Self::Subscription => "subscription",
        }
    }
}

impl fmt::Display for ScopeType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A scope type, with the ARM path where it is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Which of the four it is.
    pub scope_type: ScopeType,
    /// ARM path as Azure spells it, e.g. `/providers/Microsoft.Billing/billingAccounts/…`.
    pub id: Option<String>,
}

impl Scope {
    /// A partner's billing account, by its id `GUID:GUID_YYYY-MM-DD`.
    pub fn billing_account(account: &str) -> Self {
        let id = format!("/providers/Microsoft.Billing/billingAccounts/{account}");
        Self { scope_type: ScopeType::BillingAccount, id: Some(id) }
    }

    /// A billing profile of an account.
    pub fn billing_profile(account: &str, profile: &str) -> Self {
        let account = Self::billing_account(account).id.unwrap_or_default();
        let id = format!("{account}/billingProfiles/{profile}");
        Self { scope_type: ScopeType::BillingProfile, id: Some(id) }
    }

    /// A customer of an account.
    pub fn customer_tenant(account: &str, customer: &str) -> Self {
        let account = Self::billing_account(account).id.unwrap_or_default();
        let id = format!("{account}/customers/{customer}");
        Self { scope_type: ScopeType::CustomerTenant, id: Some(id) }
    }

    /// A subscription.
    pub fn subscription(subscription: &str) -> Self {
        let id = format!("/subscriptions/{subscription}");
        Self { scope_type: ScopeType::Subscription, id: Some(id) }
    }
}

/// The text names no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a scope; expected billing_account, billing_profile, customer_tenant, \
     subscription, or an Azure path such as /subscriptions/<id>"
)]
pub struct InvalidScope(pub String);

impl From<ScopeType> for Scope {
    fn from(scope_type: ScopeType) -> Self {
        Self { scope_type, id: None }
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    /// Reads a scope type (`billing_account`, `Billing Account`, …) or an ARM
    /// path. An export's own path (`…/providers/Microsoft.CostManagement/exports/…`)
    /// is cut back to the scope it belongs to.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = text.trim().to_ascii_lowercase().replace([' ', '-'], "_");
        if let Some(scope_type) = ScopeType::ALL.into_iter().find(|scope| scope.name() == plain) {
            return Ok(scope_type.into());
        }
        let lower = text.trim().to_ascii_lowercase();
        let end = lower.find("/providers/microsoft.costmanagement").unwrap_or(lower.len());
        let path = lower[..end].trim_end_matches('/');
        let scope_type = if path.contains("/customers/") {
            ScopeType::CustomerTenant
        } else if path.contains("/billingprofiles/") {
            ScopeType::BillingProfile
        } else if path.contains("/billingaccounts/") {
            ScopeType::BillingAccount
        } else if path.starts_with("/subscriptions/") || path.starts_with("subscriptions/") {
            ScopeType::Subscription
        } else {
            return Err(InvalidScope(text.to_owned()));
        };
        Ok(Self { scope_type, id: Some(text.trim()[..path.len()].to_owned()) })
    }
}

/// Name of a source: one bill connect. Letters, digits, `_`, `-` and `.`,
/// at most 64, beginning with a letter or digit, so that it is safe as a
/// partition value, in a path and in a predicate.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceName(String);

/// The text is no source name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a source name; use up to 64 letters, digits, '_', '-' or '.', \
     beginning with a letter or digit"
)]
pub struct InvalidSourceName(pub String);

impl SourceName {
    /// Longest name.
    pub const LENGTH_MAX: usize = 64;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for SourceName {
    type Err = InvalidSourceName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = !text.is_empty()
            && text.len() <= Self::LENGTH_MAX
            && text.as_bytes()[0].is_ascii_alphanumeric()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidSourceName(text.to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_from_names_and_paths() {
        for (text, scope_type, id) in [
            ("billing_account", ScopeType::BillingAccount, None),
            ("Customer Tenant", ScopeType::CustomerTenant, None),
            (
                "/subscriptions/AAAA/providers/Microsoft.CostManagement/exports/x",
                ScopeType::Subscription,
                Some("/subscriptions/AAAA"),
            ),
            (
                "/providers/Microsoft.Billing/billingAccounts/A:B_2019-05-31/providers/Microsoft.CostManagement/exports/act",
                ScopeType::BillingAccount,
                Some("/providers/Microsoft.Billing/billingAccounts/A:B_2019-05-31"),
            ),
            (
                "/providers/Microsoft.Billing/billingAccounts/A/billingProfiles/P",
                ScopeType::BillingProfile,
                Some("/providers/Microsoft.Billing/billingAccounts/A/billingProfiles/P"),
            ),
            (
                "/providers/Microsoft.Billing/billingAccounts/A/customers/C",
                ScopeType::CustomerTenant,
                Some("/providers/Microsoft.Billing/billingAccounts/A/customers/C"),
            ),
        ] {
            let scope: Scope = text.parse().unwrap();
            assert_eq!((scope.scope_type, scope.id.as_deref()), (scope_type, id), "{text}");
        }
        for scope in [
            Scope::billing_account("A:B_2019-05-31"),
            Scope::billing_profile("A", "P"),
            Scope::customer_tenant("A", "C"),
            Scope::subscription("S"),
        ] {
            assert_eq!(scope.id.as_ref().unwrap().parse::<Scope>().unwrap(), scope);
        }
        assert!("tenant".parse::<Scope>().is_err());
    }

    #[test]
    fn source_names_cannot_escape_a_path_or_a_predicate() {
        assert!("contoso-2026.eu_1".parse::<SourceName>().is_ok());
        for bad in ["", ".hidden", "a/b", "a'b", "a b", "ü", "-x"] {
            assert!(bad.parse::<SourceName>().is_err(), "{bad}");
        }
    }
}
