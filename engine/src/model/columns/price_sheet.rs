//! Azure's columns of the MCA price sheet (2023-05-01), in documented order: one row
//! per product, meter, tier and price type, valid for a billing profile and month.

use super::{Column, ColumnSet, ValueKind, column};

/// Rows of the price sheet file.
pub static PRICE_SHEET: ColumnSet = ColumnSet {
    columns: &COLUMNS,
    day: None,
    never_null: &["unit_price"],
    currency: Some("currency"),
    totals: None,
};

#[rustfmt::skip]
const COLUMNS: [Column; 26] = [
    column("billing_account_id", "BillingAccountId", ValueKind::Text, "Billing account"),
    column("billing_account_name", "BillingAccountName", ValueKind::Text, "Billing account name"),
    column("billing_profile_id", "BillingProfileId", ValueKind::LowercaseText, "Billing profile; lower-cased, Azure's spelling varies"),
    column("billing_profile_name", "BillingProfileName", ValueKind::Text, "Billing profile name"),
    column("service_family", "ServiceFamily", ValueKind::Text, "Service family"),
    column("product", "Product", ValueKind::Text, "Product name"),
    column("product_id", "ProductId", ValueKind::Text, "Product; in cost files the SKU id is joined to it"),
    column("product_order_name", "ProductOrderName", ValueKind::Text, "Product order, e.g. Azure plan"),
    column("sku_id", "SkuId", ValueKind::Text, "SKU of the product"),
    column("unit_of_measure", "UnitOfMeasure", ValueKind::Text, "Unit the prices are for, e.g. 1 Hour"),
    column("meter_id", "MeterId", ValueKind::Text, "Meter"),
    column("meter_name", "MeterName", ValueKind::Text, "Meter name"),
    column("meter_type", "MeterType", ValueKind::Text, "Meter type"),
    column("meter_category", "MeterCategory", ValueKind::Text, "Meter category"),
    column("meter_sub_category", "MeterSubCategory", ValueKind::Text, "Meter subcategory"),
    column("meter_region", "MeterRegion", ValueKind::Text, "Region the meter is priced for"),
    column("tier_minimum_units", "TierMinimumUnits", ValueKind::Decimal, "Units from which the tier of prices holds"),
    column("effective_start_date", "EffectiveStartDate", ValueKind::Date, "First day the price holds"),
    column("effective_end_date", "EffectiveEndDate", ValueKind::Date, "Last day the price holds, or the first it no longer does"),
    column("unit_price", "UnitPrice", ValueKind::Decimal, "Price after negotiated discounts, in currency; of a ReservedInstance for the whole term"),
    column("base_price", "BasePrice", ValueKind::Decimal, "Price when the agreement was signed, or when the meter came later; in currency; 0 where not given"),
    column("market_price", "MarketPrice", ValueKind::Decimal, "Retail price, in currency; of a ReservedInstance for the whole term; 0 where not given"),
    column("currency", "Currency", ValueKind::Text, "Currency of the prices"),
    column("billing_currency", "BillingCurrency", ValueKind::Text, "Currency of the bill"),
    column("term", "Term", ValueKind::Text, "Term of a reservation or savings plan price, e.g. P1Y; NULL on consumption"),
    column("price_type", "PriceType", ValueKind::Text, "Consumption, ReservedInstance or SavingsPlan"),
];
