//! Azure's columns of the MCA reservation recommendations (2023-05-01): one row per
//! SKU, term, scope and look-back period that a reservation would save money on.

use super::{Column, ColumnSet, ValueKind, column};

/// Rows of the reservation recommendations file.
pub static RESERVATION_RECOMMENDATIONS: ColumnSet =
    ColumnSet { columns: &COLUMNS, day: None, never_null: &[], currency: None, totals: None };

#[rustfmt::skip]
const COLUMNS: [Column; 18] = [
    column("cost_with_no_reserved_instances", "Cost With No ReservedInstances", ValueKind::Decimal, "Cost of the look-back period without reservations, in the currency of the bill"),
    column("first_usage_date", "First UsageDate", ValueKind::Date, "First day of the usage looked at"),
    column("instance_flexibility_ratio", "Instance Flexibility Ratio", ValueKind::Decimal, "Ratio of the instance size within its group"),
    column("instance_flexibility_group", "Instance Flexibility Group", ValueKind::Text, "Instance size flexibility group"),
    column("location", "Location", ValueKind::Text, "Normalized location, e.g. US East"),
    column("look_back_period", "LookBackPeriod", ValueKind::Text, "Days of usage looked at, e.g. Last30Days"),
    column("meter_id", "MeterID", ValueKind::Text, "Meter"),
    column("net_savings", "Net Savings", ValueKind::Decimal, "Estimated savings over the look-back period, in the currency of the bill"),
    column("normalized_size", "Normalized Size", ValueKind::Text, "Smallest SKU of the flexibility group"),
    column("recommended_quantity", "Recommended Quantity", ValueKind::Decimal, "Units to reserve"),
    column("recommended_quantity_normalized", "Recommended Quantity Normalized", ValueKind::Decimal, "Units of the normalized size to reserve"),
    column("resource_type", "ResourceType", ValueKind::Text, "Resource type, e.g. virtualMachines"),
    column("scope", "scope", ValueKind::Text, "Shared or Single"),
    column("sku_name", "SkuName", ValueKind::Text, "SKU to reserve, e.g. Standard_D4s_v5"),
    column("sku_properties", "Sku Properties", ValueKind::Text, "Properties of the SKU, JSON"),
    column("subscription_id", "SubscriptionId", ValueKind::Text, "Subscription of a single recommendation; NULL where shared"),
    column("term", "Term", ValueKind::Text, "Term to reserve for, as ISO 8601 duration: P1Y or P3Y"),
    column("total_cost_with_reserved_instances", "Total Cost With ReservedInstances", ValueKind::Decimal, "Cost of the look-back period with the reservations, in the currency of the bill"),
];
