//! Azure's columns of the MCA reservation transactions (2023-05-01): one row per
//! purchase, refund or cancellation of a reservation order.

use super::{Column, ColumnSet, ValueKind, column};

/// Rows of the reservation transactions file.
pub static RESERVATION_TRANSACTIONS: ColumnSet = ColumnSet {
    columns: &COLUMNS,
    day: Some("event_date"),
    never_null: &["event_date"],
    currency: Some("currency"),
    totals: None,
};

#[rustfmt::skip]
const COLUMNS: [Column; 20] = [
    column("amount", "Amount", ValueKind::Decimal, "Amount charged, negative where paid back, in currency"),
    column("arm_sku_name", "ArmSkuName", ValueKind::Text, "SKU bought, e.g. Standard_D4s_v5"),
    column("billing_frequency", "BillingFrequency", ValueKind::Text, "OneTime or Recurring"),
    column("billing_profile_id", "BillingProfileId", ValueKind::LowercaseText, "Billing profile; lower-cased, Azure's spelling varies"),
    column("billing_profile_name", "BillingProfileName", ValueKind::Text, "Billing profile name"),
    column("currency", "Currency", ValueKind::Text, "Currency of amount"),
    column("description", "Description", ValueKind::Text, "What was bought"),
    column("event_date", "EventDate", ValueKind::Date, "UTC day of the transaction"),
    column("event_type", "EventType", ValueKind::Text, "Purchase, Cancel or Refund"),
    column("invoice", "Invoice", ValueKind::Text, "Invoice"),
    column("invoice_id", "InvoiceId", ValueKind::Text, "Invoice id"),
    column("invoice_section_id", "InvoiceSectionId", ValueKind::Text, "Invoice section; not used by partners"),
    column("invoice_section_name", "InvoiceSectionName", ValueKind::Text, "Invoice section name; not used by partners"),
    column("purchasing_subscription_guid", "PurchasingSubscriptionGuid", ValueKind::Text, "Subscription that bought"),
    column("purchasing_subscription_name", "PurchasingSubscriptionName", ValueKind::Text, "Its name"),
    column("quantity", "Quantity", ValueKind::Decimal, "Units bought"),
    column("region", "Region", ValueKind::Text, "Region of the reservation"),
    column("reservation_order_id", "ReservationOrderId", ValueKind::LowercaseText, "Order; lower-cased"),
    column("reservation_order_name", "ReservationOrderName", ValueKind::Text, "Its name"),
    column("term", "Term", ValueKind::Text, "Term as ISO 8601 duration: P1Y, P3Y, P5Y, or P1M"),
];
