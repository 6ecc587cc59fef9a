//! MCA reservation recommendations 2023-05-01: 18 columns, named with spaces; some
//! files leave the spaces out.
//!
//! Source: Microsoft's `reservation-recommendations-mca` schema page.

use super::{Agreement, Dataset};
use crate::model::columns;

pub(super) static DATASET: Dataset = Dataset {
    columns: &columns::RESERVATION_RECOMMENDATIONS,
    agreement: Agreement::Partner,
    name: "MCA reservation recommendations",
    version: "2023-05-01",
    renamed: &[
        ("Cost With No ReservedInstances", "cost_with_no_reserved_instances"),
        ("CostWithNoReservedInstances", "cost_with_no_reserved_instances"),
        ("First UsageDate", "first_usage_date"),
        ("FirstUsageDate", "first_usage_date"),
        ("Instance Flexibility Ratio", "instance_flexibility_ratio"),
        ("InstanceFlexibilityRatio", "instance_flexibility_ratio"),
        ("Instance Flexibility Group", "instance_flexibility_group"),
        ("InstanceFlexibilityGroup", "instance_flexibility_group"),
        ("Net Savings", "net_savings"),
        ("NetSavings", "net_savings"),
        ("Normalized Size", "normalized_size"),
        ("NormalizedSize", "normalized_size"),
        ("Recommended Quantity", "recommended_quantity"),
        ("RecommendedQuantity", "recommended_quantity"),
        ("Recommended Quantity Normalized", "recommended_quantity_normalized"),
        ("RecommendedQuantityNormalized", "recommended_quantity_normalized"),
        ("Sku Properties", "sku_properties"),
        ("SkuProperties", "sku_properties"),
        ("Total Cost With ReservedInstances", "total_cost_with_reserved_instances"),
        ("TotalCostWithReservedInstances", "total_cost_with_reserved_instances"),
    ],
    not_kept: &[],
    required: &["meter_id", "recommended_quantity", "net_savings", "term", "scope"],
};
