//! MCA price sheet 2023-05-01: 26 columns; some files still have two that are no
//! longer filled. 2024-08-01 has the same columns.
//!
//! Source: Microsoft's `price-sheet-mca` schema page.

use super::{Agreement, Dataset};
use crate::model::columns;

pub(super) static DATASET: Dataset = Dataset {
    columns: &columns::PRICE_SHEET,
    agreement: Agreement::Partner,
    name: "MCA price sheet",
    version: "2023-05-01",
    renamed: &[],
    not_kept: &["Discount", "IncludedQuantity"],
    required: &[
        "billing_profile_id",
        "product_id",
        "meter_id",
        "unit_of_measure",
        "unit_price",
        "market_price",
        "currency",
        "price_type",
    ],
};
