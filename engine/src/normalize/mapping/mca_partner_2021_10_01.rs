//! MCA partner 2021-10-01: 70 columns at billing scopes, 56 at subscription
//! and resource group scope. 2023-12-01-preview has the same columns in the
//! same order.
//!
//! Source: Microsoft's `cost-usage-details-mca-partner` and
//! `cost-usage-details-mca-partner-subscription` schema pages.

use super::{Agreement, Dataset};
use crate::model::columns;

pub(super) static DATASET: Dataset = Dataset {
    columns: &columns::COST,
    agreement: Agreement::Partner,
    name: "MCA partner",
    version: "2021-10-01",
    renamed: &[],
    not_kept: &[],
    required: &["customer_tenant_id", "pricing_model", "benefit_id"],
};
