//! A file's header in, the place of every canonical column out.
//!
//! Columns are found by name, in any letter case and order. One file of this
//! folder describes one dataset and version; [`foreign`] knows the datasets
//! that are given by mistake. Never guesses: a file that lacks a column an
//! answer depends on is refused by that column's name.
//!
//! **Which columns are required.** Of every cost dataset: date, chargeType,
//! billingCurrency, costInBillingCurrency, quantity, effectivePrice, meterId
//! (no row can be placed, priced or added up without them), SubscriptionId
//! (scope key) and reservationId (without it commitments would silently be
//! absent). Partner datasets: customerTenantId (scope key). At billing
//! scopes: billingAccountId and billingProfileId (scope keys). Since
//! 2021-01-01: PricingModel; since 2021-10-01: benefitId (commitments). Of the
//! other datasets: what prices, hours and purchases are looked up by, and they
//! themselves. Every other column is NULL where a file does not have it.

mod foreign;
mod mca_direct_2021_10_01;
mod mca_partner_2019_11_01;
mod mca_partner_2021_01_01;
mod mca_partner_2021_10_01;
mod price_sheet_2023_05_01;
mod reservation_details_2023_03_01;
mod reservation_recommendations_2023_05_01;
mod reservation_transactions_2023_05_01;

use std::collections::BTreeSet;
use std::fmt;

use super::{NormalizeError, known_column};
use crate::decode::Header;
use crate::model::{ColumnSet, DatasetType, ScopeType, columns};

/// What a file of a dataset is called in a sentence.
pub(super) const fn called(dataset: DatasetType) -> &'static str {
    match dataset {
        DatasetType::ActualCost | DatasetType::AmortizedCost => "cost export of a partner",
        DatasetType::PriceSheet => "price sheet",
        DatasetType::ReservationDetails => "reservation details export",
        DatasetType::ReservationTransactions => "reservation transactions export",
        DatasetType::ReservationRecommendations => "reservation recommendations export",
    }
}

/// The versions of a dataset that this version loads, for people.
pub const fn supported(dataset: DatasetType) -> &'static str {
    match dataset {
        DatasetType::ActualCost | DatasetType::AmortizedCost => {
            "an export of type ActualCost or AmortizedCost: \
             MCA partner 2021-10-01 and 2023-12-01-preview (billing or subscription scope); \
             MCA partner 2021-01-01; MCA partner 2019-11-01; MCA direct 2021-10-01"
        }
        DatasetType::PriceSheet => "an export of type PriceSheet: MCA 2023-05-01",
        DatasetType::ReservationDetails => "an export of type ReservationDetails: MCA 2023-03-01",
        DatasetType::ReservationTransactions => {
            "an export of type ReservationTransactions: MCA 2023-05-01"
        }
        DatasetType::ReservationRecommendations => {
            "an export of type ReservationRecommendations: MCA 2023-05-01"
        }
    }
}

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
/// bear Azure's name in the [`ColumnSet`] are not listed.
#[derive(Debug)]
struct Dataset {
    columns: &'static ColumnSet,
    agreement: Agreement,
    name: &'static str,
    version: &'static str,
    /// Names that differ: as in the file, then in the lake. The first of
    /// several for one column is the documented one.
    renamed: &'static [(&'static str, &'static str)],
    /// Columns the file has and the lake does not keep.
    not_kept: &'static [&'static str],
    /// Columns required, by their lake names; of a cost dataset in addition to
    /// [`REQUIRED_OF_COST`].
    required: &'static [&'static str],
}

/// Required of every cost dataset, by lake name; see the module's header.
const REQUIRED_OF_COST: [&str; 9] = [
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

/// More of [`REQUIRED_OF_COST`] missing than this: the file is no cost export at all.
const MISSING_COLUMNS_MAX: usize = 5;

/// Where each canonical column stands in a file.
#[derive(Clone, Debug)]
pub struct Mapping {
    dataset: &'static Dataset,
    scope_columns: ScopeColumns,
    /// The file's column names.
    names: Vec<String>,
    /// Position in the file of each column of the set.
    fields: Vec<Option<usize>>,
    unknown_columns: Vec<String>,
}

impl Mapping {
    /// The columns the file's rows have in the lake.
    pub fn column_set(&self) -> &'static ColumnSet {
        self.dataset.columns
    }

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
        let position = self.column_set().position("payg_cost_in_billing_currency");
        position.is_some_and(|column| self.field(column).is_some())
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

    /// Position in the file of the `column`-th of the set.
    pub fn field(&self, column: usize) -> Option<usize> {
        self.fields[column]
    }

    /// Positions of the file's columns that are kept.
    pub fn kept_fields(&self) -> BTreeSet<usize> {
        self.fields.iter().copied().flatten().collect()
    }

    /// Where each field of a record is when only `kept` of them are read, in order.
    pub fn places_among(&self, kept: &BTreeSet<usize>) -> Vec<Option<usize>> {
        let place = |field: usize| kept.iter().position(|kept| *kept == field);
        (0..self.field_count()).map(place).collect()
    }

    /// Name in the file of the `column`-th of the set; Azure's name
    /// where the file lacks it.
    pub fn file_name(&self, column: usize) -> &str {
        let azure_name = self.column_set().columns[column].azure_name;
        self.field(column).map_or(azure_name, |field| &self.names[field])
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

/// Recognizes a file of the wanted dataset by its header.
///
/// # Errors
/// [`NormalizeError::OtherDataset`], [`NormalizeError::Unrecognized`],
/// [`NormalizeError::MissingColumns`].
pub fn resolve(header: &Header, wanted: DatasetType) -> Result<Mapping, NormalizeError> {
    let has_any = |names: &[&str]| names.iter().any(|name| header.contains(name));
    let is_partner = has_any(&PARTNER_MARKS);
    let is_partner_cost = is_partner && has_any(&["costInBillingCurrency"]);
    foreign::refuse(header, wanted, is_partner_cost)?;
    let is_at_subscription = wanted.is_cost() && is_partner && !has_any(&BILLING_SCOPE_MARKS);
    let scope_columns =
        if is_at_subscription { ScopeColumns::Subscription } else { ScopeColumns::Billing };
    let (dataset, identifying, missing_max): (_, &[&str], _) = match wanted {
        DatasetType::ActualCost | DatasetType::AmortizedCost => {
            (cost_dataset(header, is_partner), &REQUIRED_OF_COST, MISSING_COLUMNS_MAX)
        }
        DatasetType::PriceSheet => sole_dataset(&price_sheet_2023_05_01::DATASET),
        DatasetType::ReservationDetails => sole_dataset(&reservation_details_2023_03_01::DATASET),
        DatasetType::ReservationTransactions => {
            sole_dataset(&reservation_transactions_2023_05_01::DATASET)
        }
        DatasetType::ReservationRecommendations => {
            sole_dataset(&reservation_recommendations_2023_05_01::DATASET)
        }
    };
    let (fields, unknown_columns) = place_columns(header, dataset);
    let is_missing = |name: &&&str| fields[known_column(dataset.columns, name)].is_none();
    let azure_name = |name: &&str| documented_name(dataset, name);
    let missing: Vec<&str> = identifying.iter().filter(is_missing).map(azure_name).collect();
    if missing.len() > missing_max {
        return Err(NormalizeError::Unrecognized { wanted, missing });
    }
    let at_scope: &[&str] = match scope_columns {
        ScopeColumns::Billing if wanted.is_cost() => &REQUIRED_AT_BILLING_SCOPE,
        _ => &[],
    };
    let of_all: &[&str] = if wanted.is_cost() { &REQUIRED_OF_COST } else { &[] };
    let required = of_all.iter().chain(at_scope).chain(dataset.required);
    let missing: Vec<&str> = required.filter(is_missing).map(azure_name).collect();
    if !missing.is_empty() {
        let dataset = described(dataset, scope_columns);
        return Err(NormalizeError::MissingColumns { dataset, missing });
    }
    let names = header.columns().iter().map(|column| column.text.clone()).collect();
    Ok(Mapping { dataset, scope_columns, names, fields, unknown_columns })
}

/// A dataset of which there is one version, what identifies it, and how much of that
/// may be missing before the file must be something else.
fn sole_dataset(dataset: &'static Dataset) -> (&'static Dataset, &'static [&'static str], usize) {
    (dataset, dataset.required, dataset.required.len() / 2)
}

fn cost_dataset(header: &Header, is_partner: bool) -> &'static Dataset {
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
fn place_columns(header: &Header, dataset: &Dataset) -> (Vec<Option<usize>>, Vec<String>) {
    let position = |column: &columns::Column| {
        spellings(dataset, column.name).find_map(|spelling| header.position(spelling))
    };
    let fields: Vec<_> = dataset.columns.columns.iter().map(position).collect();
    let is_unknown = |position: usize, canonical: &str| {
        !fields.contains(&Some(position))
            && !dataset.not_kept.iter().any(|name| name.eq_ignore_ascii_case(canonical))
    };
    let columns = header.columns().iter().enumerate();
    let unknown = columns
        .filter(|(position, column)| is_unknown(*position, &column.canonical))
        .map(|(_, column)| column.text.clone())
        .collect();
    (fields, unknown)
}

/// How files of a dataset name a canonical column, the documented name first.
fn spellings<'a>(dataset: &'a Dataset, name: &'a str) -> impl Iterator<Item = &'static str> + 'a {
    let azure_name = dataset.columns.columns[known_column(dataset.columns, name)].azure_name;
    let renamed = dataset.renamed.iter().filter(move |(_, lake_name)| *lake_name == name);
    let is_renamed = dataset.renamed.iter().any(|(_, lake_name)| *lake_name == name);
    renamed.map(|(file_name, _)| *file_name).chain((!is_renamed).then_some(azure_name))
}

fn documented_name(dataset: &Dataset, name: &str) -> &'static str {
    spellings(dataset, name).next().expect("a column has its own name at least")
}

#[cfg(test)]
mod tests;
