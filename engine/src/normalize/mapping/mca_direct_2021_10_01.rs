//! MCA direct 2021-10-01: 65 columns; no partner, customer and partner earned
//! credit columns. 2023-12-01-preview has the same columns.
//!
//! Source: Microsoft's `cost-usage-details-mca` schema page.

use super::{Agreement, Dataset};
use crate::model::columns;

pub(super) static DATASET: Dataset = Dataset {
    columns: &columns::COST,
    agreement: Agreement::Direct,
    name: "MCA direct",
    version: "2021-10-01",
    renamed: &[],
    not_kept: &["costAllocationRuleName"],
    required: &["pricing_model", "benefit_id"],
};
