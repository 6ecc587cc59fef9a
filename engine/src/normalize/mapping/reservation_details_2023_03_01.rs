//! MCA reservation details 2023-03-01: 11 columns. Some files name the used hours
//! `RIUsedHours`, or have them under both names.
//!
//! Source: Microsoft's `reservation-details-mca` schema page.

use super::{Agreement, Dataset};
use crate::model::columns;

pub(super) static DATASET: Dataset = Dataset {
    columns: &columns::RESERVATION_DETAILS,
    agreement: Agreement::Partner,
    name: "MCA reservation details",
    version: "2023-03-01",
    renamed: &[("UsedHours", "used_hours"), ("RIUsedHours", "used_hours")],
    not_kept: &["RIUsedHours"],
    required: &[
        "reservation_order_id",
        "reservation_id",
        "usage_date",
        "used_hours",
        "reserved_hours",
    ],
};
