//! MCA partner 2019-11-01: 66 columns; as 2021-01-01 without PricingModel,
//! and two columns under older names.
//!
//! Source: Microsoft's `cost-usage-details-mca-partner` schema page.

use super::{Agreement, Dataset};
use crate::model::columns;

pub(super) static DATASET: Dataset = Dataset {
    columns: &columns::COST,
    agreement: Agreement::Partner,
    name: "MCA partner",
    version: "2019-11-01",
    renamed: &[("product", "product_name"), ("InstanceName", "resource_id")],
    not_kept: &[],
    required: &["customer_tenant_id"],
};
