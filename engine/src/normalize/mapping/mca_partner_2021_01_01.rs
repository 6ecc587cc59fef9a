//! MCA partner 2021-01-01: 67 columns; benefitId, benefitName and provider
//! did not exist yet.
//!
//! Source: Microsoft's `cost-usage-details-mca-partner` schema page.

use super::{Agreement, Dataset};
use crate::model::columns;

pub(super) static DATASET: Dataset = Dataset {
    columns: &columns::COST,
    agreement: Agreement::Partner,
    name: "MCA partner",
    version: "2021-01-01",
    renamed: &[],
    not_kept: &[],
    required: &["customer_tenant_id", "pricing_model"],
};
