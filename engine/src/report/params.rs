//! What a report is made of: scope, months, currency, source.
//!
//! Input: what was asked for. Output: [`ReportParameters`], and the values of the
//! placeholders that sections may name ([`PLACEHOLDERS`]). Never reads the lake.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use datafusion::common::ScalarValue;

use crate::model::period::BillingMonth;

/// What sections may ask for, with what it is. Months are `YYYY-MM`.
pub const PLACEHOLDERS: [(&str, &str); 7] = [
    ("scope_type", "what the report is made by: source, customer_tenant, ..."),
    ("scope_id", "the one scope asked for; NULL where there are several"),
    ("first_month", "first month, YYYY-MM"),
    ("last_month", "last month, YYYY-MM"),
    ("previous_month", "month before the last one, YYYY-MM"),
    ("currency", "the billing currency asked for; NULL for all"),
    ("source", "the source asked for; NULL for all"),
];

/// What a report can be made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReportScope {
    /// One bill connect, all of it.
    Source,
    /// A billing account.
    BillingAccount,
    /// A billing profile.
    BillingProfile,
    /// A tier-2 reseller, by its MPN id.
    Reseller,
    /// A customer's tenant.
    CustomerTenant,
    /// A subscription.
    Subscription,
}

impl ReportScope {
    /// Widest first.
    pub const ALL: [Self; 6] = [
        Self::Source,
        Self::BillingAccount,
        Self::BillingProfile,
        Self::Reseller,
        Self::CustomerTenant,
        Self::Subscription,
    ];

    /// The column of cost rows that holds its id.
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::BillingAccount => "billing_account_id",
            Self::BillingProfile => "billing_profile_id",
            Self::Reseller => "reseller_mpn_id",
            Self::CustomerTenant => "customer_tenant_id",
            Self::Subscription => "subscription_id",
        }
    }

    /// Name in views and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::BillingAccount => "billing_account",
            Self::BillingProfile => "billing_profile",
            Self::Reseller => "reseller",
            Self::CustomerTenant => "customer_tenant",
            Self::Subscription => "subscription",
        }
    }

    /// What people call one.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Source => "Source",
            Self::BillingAccount => "Billing account",
            Self::BillingProfile => "Billing profile",
            Self::Reseller => "Reseller",
            Self::CustomerTenant => "Customer",
            Self::Subscription => "Subscription",
        }
    }
}

impl fmt::Display for ReportScope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A scope reports are not made by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no scope of a report: there are source, billing_account, billing_profile, reseller, customer_tenant and subscription"
)]
pub struct InvalidReportScope(pub String);

impl FromStr for ReportScope {
    type Err = InvalidReportScope;

    /// `_` and `-` are the same; `customer` and `account` are understood.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.trim().to_ascii_lowercase().replace('-', "_");
        let full = match name.as_str() {
            "customer" => "customer_tenant",
            "account" => "billing_account",
            "profile" => "billing_profile",
            other => other,
        };
        let known = Self::ALL.into_iter().find(|scope| scope.name() == full);
        known.ok_or_else(|| InvalidReportScope(text.to_owned()))
    }
}

/// Months, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthRange {
    first: BillingMonth,
    last: BillingMonth,
}

impl MonthRange {
    /// From one month through another; nothing where they are the wrong way round.
    pub fn new(first: BillingMonth, last: BillingMonth) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    /// The first month.
    pub fn first(&self) -> BillingMonth {
        self.first
    }

    /// The last month.
    pub fn last(&self) -> BillingMonth {
        self.last
    }

    /// Every month of it.
    pub fn months(&self) -> impl Iterator<Item = BillingMonth> {
        BillingMonth::range(self.first, self.last)
    }
}

impl fmt::Display for MonthRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => self.first.fmt(formatter),
            false => write!(formatter, "{} to {}", self.first, self.last),
        }
    }
}

/// Which scopes a report is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeSelection {
    /// Everything, in one: sources stand beside each other.
    All,
    /// One.
    One {
        /// Its type.
        scope_type: ReportScope,
        /// Its id, as the lake spells it.
        scope_id: String,
    },
    /// Each of a type on its own, also what belongs to none.
    Each(ReportScope),
}

impl ScopeSelection {
    /// The type rows are placed by.
    pub fn scope_type(&self) -> ReportScope {
        match self {
            Self::All => ReportScope::Source,
            Self::One { scope_type, .. } | Self::Each(scope_type) => *scope_type,
        }
    }
}

/// What a report is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportParameters {
    /// Which scopes.
    pub scopes: ScopeSelection,
    /// Which months.
    pub months: MonthRange,
    /// Only this billing currency.
    pub currency: Option<String>,
    /// Only this source.
    pub source: Option<String>,
}

impl ReportParameters {
    /// A value for each of [`PLACEHOLDERS`].
    pub(super) fn values(&self) -> HashMap<String, ScalarValue> {
        let text = |text: Option<String>| ScalarValue::Utf8(text);
        let scope_id = match &self.scopes {
            ScopeSelection::One { scope_id, .. } => Some(scope_id.clone()),
            _ => None,
        };
        let value = |name: &str| match name {
            "scope_type" => text(Some(self.scopes.scope_type().name().to_owned())),
            "scope_id" => text(scope_id.clone()),
            "first_month" => text(Some(self.months.first.to_string())),
            "last_month" => text(Some(self.months.last.to_string())),
            "previous_month" => text(Some(self.months.last.previous().to_string())),
            "currency" => text(self.currency.clone()),
            _ => text(self.source.clone()),
        };
        PLACEHOLDERS.iter().map(|(name, _)| ((*name).to_owned(), value(name))).collect()
    }
}
