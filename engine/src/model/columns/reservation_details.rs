//! Azure's columns of the MCA reservation details (2023-03-01): one row per
//! reservation, resource and day.

use super::{Column, ColumnSet, ValueKind, column};

/// Rows of the reservation details file.
pub static RESERVATION_DETAILS: ColumnSet = ColumnSet {
    columns: &COLUMNS,
    day: Some("usage_date"),
    never_null: &["usage_date", "used_hours"],
    currency: None,
    totals: None,
};

#[rustfmt::skip]
const COLUMNS: [Column; 11] = [
    column("instance_flexibility_group", "InstanceFlexibilityGroup", ValueKind::Text, "Instance size flexibility group"),
    column("instance_flexibility_ratio", "InstanceFlexibilityRatio", ValueKind::Decimal, "Ratio of the instance size within its group"),
    column("instance_id", "InstanceId", ValueKind::LowercaseText, "Resource that used the reservation; lower-cased, Azure's spelling varies"),
    column("kind", "Kind", ValueKind::Text, "Kind of the reservation, e.g. Reservation"),
    column("reservation_order_id", "ReservationOrderId", ValueKind::LowercaseText, "Order of the reservation; lower-cased"),
    column("reservation_id", "ReservationId", ValueKind::LowercaseText, "Reservation; lower-cased"),
    column("reserved_hours", "ReservedHours", ValueKind::Decimal, "Hours reserved on the day; on the rows of unused hours, or on every row"),
    column("sku_name", "SkuName", ValueKind::Text, "SKU of the reservation, e.g. Standard_D4s_v5"),
    column("total_reserved_quantity", "TotalReservedQuantity", ValueKind::Decimal, "Units reserved on the day"),
    column("usage_date", "UsageDate", ValueKind::Date, "UTC day"),
    column("used_hours", "UsedHours", ValueKind::Decimal, "Hours of the reservation that the resource used"),
];
