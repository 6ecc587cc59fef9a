//! A file's header in, the place of every canonical column out.
//!
//! Columns are found by name, in any letter case and order. One file of this
//! folder describes one dataset and version; [`foreign`] knows the datasets
//! that are given by mistake. Never guesses: a file that lacks a column an
//! answer depends on is refused by that column's name.
//!
//! **Which columns are required.** Of every dataset: date, chargeType,
//! billingCurrency, costInBillingCurrency, quantity, effectivePrice, meterId
//! (no row can be placed, priced or added up without them), SubscriptionId
//! (scope key) and reservationId (without it commitments would silently be
//! absent). Partner datasets: customerTenantId (scope key). At billing
//! scopes: billingAccountId and billingProfileId (scope keys). Since
//! 2021-01-01: PricingModel; since 2021-10-01: benefitId (commitments). Every
//! other column is NULL where a file does not have it.

mod foreign;
mod mca_direct_2021_10_01;
mod mca_partner_2019_11_01;
mod mca_partner_2021_01_01;
mod mca_partner_2021_10_01;

use std::fmt;

use super::{NormalizeError, known_column};
use crate::decode::Header;
use crate::model::{COST_COLUMNS, ScopeType};

/// What this version loads, for people.
pub const SUPPORTED_DATASETS: [&str; 4] = [
    "MCA partner 2021-10-01 and 2023-12-01-preview (billing or subscription scope)",
    "MCA partner 2021-01-01",
    "MCA partner 2019-11-01",
    "MCA direct 2021-10-01",
];

/// Who sells Azure to the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// Microsoft Partner Agreement: a Cloud Solution Provider.
    Partner,
    /// Microsoft Customer Agreement with Microsoft itself.
    Direct,
}

/// Which scope columns a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeColumns {
    /// Billing account and billing profile ids: exported at a billing scope.
    Billing,
    /// None of them: exported at a subscription or resource group, at retail
    /// prices.
    Subscription,
}

/// One dataset and version, as its documentation describes it. Columns that
/// bear Azure's name of [`COST_COLUMNS`] are not listed.
#[derive(Debug)]
struct Dataset {
    agreement: Agreement,
    name: &'static str,
    version: &'static str,
    /// Names that differ: as in the file, then in the lake.
    renamed: &'static [(&'static str, &'static str)],
    /// Columns the file has and the lake does not keep.
    not_kept: &'static [&'static str],
    /// Columns required in addition to [`REQUIRED`], by their lake names.
    required: &'static [&'static str],
}

/// Required of every dataset, by lake name; see the module's header.
const REQUIRED: [&str; 9] = [
    "date",
    "charge_type",
    "billing_currency",
    "cost_in_billing_currency",
    "quantity",
    "effective_price",
    "meter_id",
    "subscription_id",
    "reservation_id",
];

/// Required of files with [`ScopeColumns::Billing`].
const REQUIRED_AT_BILLING_SCOPE: [&str; 2] = ["billing_account_id", "billing_profile_id"];

/// Any of these makes a file a billing scope's.
const BILLING_SCOPE_MARKS: [&str; 4] =
    ["billingAccountId", "billingProfileId", "invoiceSectionId", "paygCostInBillingCurrency"];

/// Any of these makes a file a partner's.
const PARTNER_MARKS: [&str; 6] = [
    "customerTenantId",
    "customerName",
    "partnerTenantId",
    "partnerName",
    "partnerEarnedCreditRate",
    "partnerEarnedCreditApplied",
];

/// More of [`REQUIRED`] missing than this: the file is no cost export at all.
const MISSING_COLUMNS_MAX: usize = 5;

/// Where each canonical column stands in a file.
#[derive(Clone, Debug)]
pub struct Mapping {
    dataset: &'static Dataset,
    scope_columns: ScopeColumns,
    /// The file's column names.
    names: Vec<String>,
    /// Position in the file of each of [`COST_COLUMNS`].
    fields: [Option<usize>; COST_COLUMNS.len()],
    unknown_columns: Vec<String>,
}

impl Mapping {
    /// Dataset name, e.g. `MCA partner`.
    pub fn dataset(&self) -> &'static str {
        self.dataset.name
    }

    /// Dataset version, e.g. `2021-10-01`.
    pub fn version(&self) -> &'static str {
        self.dataset.version
    }

    /// Who sells.
    pub fn agreement(&self) -> Agreement {
        self.dataset.agreement
    }

    /// Which scope columns the file has.
    pub fn scope_columns(&self) -> ScopeColumns {
        self.scope_columns
    }

    /// Whether list cost is in the file (`paygCostInBillingCurrency`).
    pub fn has_payg_cost(&self) -> bool {
        self.field(known_column("payg_cost_in_billing_currency")).is_some()
    }

    /// The scope the file was exported at, where its columns tell: a
    /// partner's file without billing scope columns comes from a
    /// subscription. Billing account, profile and customer look alike.
    pub fn suggested_scope_type(&self) -> Option<ScopeType> {
        let is_subscription = self.scope_columns == ScopeColumns::Subscription
            && self.dataset.agreement == Agreement::Partner;
        is_subscription.then_some(ScopeType::Subscription)
    }

    /// Columns of the file that no dataset documents and the lake does not
    /// keep, as the file spells them.
    pub fn unknown_columns(&self) -> &[String] {
        &self.unknown_columns
    }

    /// Number of fields every record must have.
    pub fn field_count(&self) -> usize {
        self.names.len()
    }

    /// Position in the file of the `column`-th of [`COST_COLUMNS`].
    pub fn field(&self, column: usize) -> Option<usize> {
        self.fields[column]
    }

    /// Name in the file of the `column`-th of [`COST_COLUMNS`]; Azure's name
    /// where the file lacks it.
    pub fn file_name(&self, column: usize) -> &str {
        self.field(column).map_or(COST_COLUMNS[column].azure_name, |field| &self.names[field])
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&described(self.dataset, self.scope_columns))
    }
}

fn described(dataset: &Dataset, scope_columns: ScopeColumns) -> String {
    let scope = match scope_columns {
        ScopeColumns::Billing => "",
        ScopeColumns::Subscription => ", subscription scope",
    };
    format!("{} {}{scope}", dataset.name, dataset.version)
}

/// Recognizes a cost export by its header.
///
/// # Errors
/// [`NormalizeError::OtherDataset`], [`NormalizeError::NotACostExport`],
/// [`NormalizeError::MissingColumns`].
pub fn resolve(header: &Header) -> Result<Mapping, NormalizeError> {
    let has_any = |names: &[&str]| names.iter().any(|name| header.contains(name));
    let is_partner = has_any(&PARTNER_MARKS);
    let is_partner_cost = is_partner && has_any(&["costInBillingCurrency"]);
    foreign::refuse(header, is_partner_cost)?;
    let dataset = choose_dataset(header, is_partner);
    let scope_columns = if has_any(&BILLING_SCOPE_MARKS) || !is_partner {
        ScopeColumns::Billing
    } else {
        ScopeColumns::Subscription
    };
    let (fields, unknown_columns) = place_columns(header, dataset);
    let is_missing = |name: &&&str| fields[known_column(name)].is_none();
    let azure_name = |name: &&str| file_spelling(dataset, name);
    let missing: Vec<&str> = REQUIRED.iter().filter(is_missing).map(azure_name).collect();
    if missing.len() > MISSING_COLUMNS_MAX {
        return Err(NormalizeError::NotACostExport { missing });
    }
    let at_scope: &[&str] = match scope_columns {
        ScopeColumns::Billing => &REQUIRED_AT_BILLING_SCOPE,
        ScopeColumns::Subscription => &[],
    };
    let required = REQUIRED.iter().chain(at_scope).chain(dataset.required);
    let missing: Vec<&str> = required.filter(is_missing).map(azure_name).collect();
    if !missing.is_empty() {
        let dataset = described(dataset, scope_columns);
        return Err(NormalizeError::MissingColumns { dataset, missing });
    }
    let names = header.columns().iter().map(|column| column.text.clone()).collect();
    Ok(Mapping { dataset, scope_columns, names, fields, unknown_columns })
}

fn choose_dataset(header: &Header, is_partner: bool) -> &'static Dataset {
    let lacks_all = |names: &[&str]| !names.iter().any(|name| header.contains(name));
    if !is_partner {
        &mca_direct_2021_10_01::DATASET
    } else if header.contains("InstanceName") && lacks_all(&["ResourceId"]) {
        &mca_partner_2019_11_01::DATASET
    } else if lacks_all(&["benefitId", "benefitName", "provider"]) {
        &mca_partner_2021_01_01::DATASET
    } else {
        &mca_partner_2021_10_01::DATASET
    }
}

/// Position of every canonical column, and the columns that are none.
fn place_columns(
    header: &Header,
    dataset: &Dataset,
) -> ([Option<usize>; COST_COLUMNS.len()], Vec<String>) {
    let fields = std::array::from_fn(|column| {
        header.position(file_spelling(dataset, COST_COLUMNS[column].name))
    });
    let is_unknown = |position: usize, canonical: &str| {
        !fields.contains(&Some(position))
            && !dataset.not_kept.iter().any(|name| name.eq_ignore_ascii_case(canonical))
    };
    let columns = header.columns().iter().enumerate();
    let unknown = columns
        .filter(|(position, column)| is_unknown(*position, &column.canonical))
        .map(|(_, column)| column.text.clone());
    (fields, unknown.collect())
}

/// How a dataset names a canonical column.
fn file_spelling(dataset: &Dataset, name: &str) -> &'static str {
    let renamed = dataset.renamed.iter().find(|(_, lake_name)| *lake_name == name);
    renamed.map_or(COST_COLUMNS[known_column(name)].azure_name, |(file_name, _)| file_name)
}

#[cfg(test)]
mod tests;
