//! MCA reservation transactions 2023-05-01: 20 columns.
//!
//! Source: Microsoft's `reservation-transactions-mca` schema page.

use super::{Agreement, Dataset};
use crate::model::columns;

pub(super) static DATASET: Dataset = Dataset {
    columns: &columns::RESERVATION_TRANSACTIONS,
    agreement: Agreement::Partner,
    name: "MCA reservation transactions",
    version: "2023-05-01",
    renamed: &[],
    not_kept: &[],
    required: &["reservation_order_id", "event_date", "event_type", "term", "amount", "currency"],
};
