//! Azure's 70 columns of the MCA partner cost dataset (2021-10-01, billing scope),
//! in documented order.

use super::{Column, ColumnSet, ValueKind, column};

/// Rows of the actual and of the amortized cost file.
pub static COST: ColumnSet = ColumnSet {
    columns: &COLUMNS,
    day: Some("date"),
    // Without a day or a cost a row cannot be placed or added up.
    never_null: &["date", "cost_in_billing_currency"],
    currency: Some("billing_currency"),
    totals: Some(["cost_in_billing_currency", "payg_cost_in_billing_currency", "cost_in_usd"]),
};

#[rustfmt::skip]
const COLUMNS: [Column; 70] = [
    column("invoice_id", "invoiceId", ValueKind::Text, "Invoice id; filled only after the invoice exists"),
    column("previous_invoice_id", "previousInvoiceId", ValueKind::Text, "Original invoice of a refund or adjustment"),
    column("billing_account_id", "billingAccountId", ValueKind::Text, "Billing account; a bare GUID or GUID:GUID_YYYY-MM-DD"),
    column("billing_account_name", "billingAccountName", ValueKind::Text, "Billing account name"),
    column("billing_profile_id", "billingProfileId", ValueKind::LowercaseText, "Billing profile, e.g. nf5v-bi6b-bg7-pgb; lower-cased, Azure's spelling varies"),
    column("billing_profile_name", "billingProfileName", ValueKind::Text, "Billing profile name"),
    column("invoice_section_id", "invoiceSectionId", ValueKind::Text, "Invoice section; not used by partners"),
    column("invoice_section_name", "invoiceSectionName", ValueKind::Text, "Invoice section name; not used by partners"),
    column("partner_tenant_id", "partnerTenantId", ValueKind::Text, "Tenant of the partner"),
    column("partner_name", "partnerName", ValueKind::Text, "Partner name; the issuer of the invoice"),
    column("reseller_name", "resellerName", ValueKind::Text, "Tier-2 reseller; NULL for direct bill"),
    column("reseller_mpn_id", "resellerMpnId", ValueKind::Text, "Partner network id of the tier-2 reseller"),
    column("customer_tenant_id", "customerTenantId", ValueKind::Text, "Tenant of the customer; the customer scope key"),
    column("customer_name", "customerName", ValueKind::Text, "Customer name"),
    column("cost_center", "costCenter", ValueKind::Text, "Cost center"),
    column("billing_period_end_date", "billingPeriodEndDate", ValueKind::Date, "Last day of the billing period; NULL until invoiced"),
    column("billing_period_start_date", "billingPeriodStartDate", ValueKind::Date, "First day of the billing period; NULL until invoiced"),
    column("service_period_end_date", "servicePeriodEndDate", ValueKind::Date, "End of the service period; the last day or the next month's first"),
    column("service_period_start_date", "servicePeriodStartDate", ValueKind::Date, "Start of the service period"),
    column("date", "date", ValueKind::Date, "UTC day of usage; for a purchase, the purchase day"),
    column("service_family", "serviceFamily", ValueKind::Text, "Service family"),
    column("product_order_id", "productOrderId", ValueKind::Text, "Product order: Azure plan on consumption, the commitment's order on commitments"),
    column("product_order_name", "productOrderName", ValueKind::Text, "Product order name"),
    column("consumed_service", "consumedService", ValueKind::Text, "Resource provider namespace, e.g. Microsoft.Compute; letter case varies"),
    column("meter_id", "meterId", ValueKind::Text, "Meter"),
    column("meter_name", "meterName", ValueKind::Text, "Meter name"),
    column("meter_category", "meterCategory", ValueKind::Text, "Meter category, e.g. Virtual Machines"),
    column("meter_sub_category", "meterSubCategory", ValueKind::Text, "Meter subcategory"),
    column("meter_region", "meterRegion", ValueKind::Text, "Region the meter is priced for"),
    column("product_id", "ProductId", ValueKind::Text, "Product id and SKU id joined"),
    column("product_name", "ProductName", ValueKind::Text, "Product name"),
    column("subscription_id", "SubscriptionId", ValueKind::Text, "Subscription; NULL where Azure writes nothing or the zero GUID (unused commitments)"),
    column("subscription_name", "subscriptionName", ValueKind::Text, "Subscription name"),
    column("publisher_type", "publisherType", ValueKind::Text, "Microsoft, Marketplace, Azure, firstParty, thirdPartyReseller, thirdPartyAgency"),
    column("publisher_id", "publisherId", ValueKind::Text, "Publisher id"),
    column("publisher_name", "publisherName", ValueKind::Text, "Publisher name"),
    column("resource_group_name", "resourceGroupName", ValueKind::LowercaseText, "Resource group; lower-cased, Azure's spelling varies"),
    column("resource_id", "ResourceId", ValueKind::LowercaseText, "ARM resource id; lower-cased, Azure's spelling varies"),
    column("resource_location", "resourceLocation", ValueKind::Text, "Location of the resource, e.g. eastus"),
    column("location", "location", ValueKind::Text, "Normalized location, e.g. US East"),
    column("effective_price", "effectivePrice", ValueKind::Decimal, "Unit price after discounts and earned credit, pricing currency; amortized rate in the amortized file"),
    column("quantity", "quantity", ValueKind::Decimal, "Quantity in units of unit_of_measure (never divide by a block size)"),
    column("unit_of_measure", "unitOfMeasure", ValueKind::Text, "Unit of measure, e.g. 1 Hour, 10K, 1 GB/Month"),
    column("charge_type", "chargeType", ValueKind::Text, "Usage, Purchase, Refund, Tax, UnusedReservation, UnusedSavingsPlan, RoundingAdjustment, Adjustment, Credit"),
    column("billing_currency", "billingCurrency", ValueKind::Text, "Currency of cost_in_billing_currency"),
    column("pricing_currency", "pricingCurrency", ValueKind::Text, "Currency of prices"),
    column("cost_in_billing_currency", "costInBillingCurrency", ValueKind::Decimal, "Cost in billing currency, before tax and Azure credits"),
    column("cost_in_pricing_currency", "costInPricingCurrency", ValueKind::Decimal, "Cost in pricing currency"),
    column("cost_in_usd", "costInUsd", ValueKind::Decimal, "Cost in US dollars"),
    column("payg_cost_in_billing_currency", "paygCostInBillingCurrency", ValueKind::Decimal, "Retail (list) cost in billing currency; 0 on reservation usage means not given, not free"),
    column("payg_cost_in_usd", "paygCostInUsd", ValueKind::Decimal, "Retail (list) cost in US dollars; 0 on reservation usage means not given, not free"),
    column("exchange_rate_pricing_to_billing", "exchangeRatePricingToBilling", ValueKind::Decimal, "Rate from pricing to billing currency"),
    column("exchange_rate_date", "exchangeRateDate", ValueKind::Date, "Day of the exchange rate"),
    column("is_azure_credit_eligible", "isAzureCreditEligible", ValueKind::Boolean, "Whether Azure credits may pay the charge"),
    column("service_info1", "serviceInfo1", ValueKind::Text, "Service metadata"),
    column("service_info2", "serviceInfo2", ValueKind::Text, "Service metadata"),
    column("additional_info", "additionalInfo", ValueKind::Text, "JSON with service specific details, verbatim"),
    column("tags", "tags", ValueKind::Text, "JSON of resource tags, verbatim (with or without outer braces)"),
    column("partner_earned_credit_rate", "partnerEarnedCreditRate", ValueKind::Rate, "Partner earned credit rate as a fraction (0.15 = 15 %)"),
    column("partner_earned_credit_applied", "partnerEarnedCreditApplied", ValueKind::Boolean, "Whether partner earned credit is applied"),
    column("payg_price", "PayGPrice", ValueKind::Decimal, "Retail unit price, pricing currency; 0 on reservation usage means not given, not free"),
    column("frequency", "frequency", ValueKind::Text, "OneTime, Recurring, UsageBased"),
    column("term", "term", ValueKind::Integer, "Term in months: 12, 36, 60; 1 for SaaS and support; NULL on consumption"),
    column("reservation_id", "reservationId", ValueKind::Text, "Reservation; on some purchase rows the order id"),
    column("reservation_name", "reservationName", ValueKind::Text, "Reservation name"),
    column("pricing_model", "PricingModel", ValueKind::Text, "OnDemand, Reservation, SavingsPlan, Spot as Azure wrote it"),
    column("unit_price", "unitPrice", ValueKind::Decimal, "Negotiated unit price, pricing currency; not filled on reservation usage"),
    column("benefit_id", "benefitId", ValueKind::Text, "ARM path of the reservation or savings plan"),
    column("benefit_name", "benefitName", ValueKind::Text, "Name of the reservation or savings plan"),
    column("provider", "provider", ValueKind::Text, "Azure, Microsoft 365, Dynamics 365, …"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_names_stand_where_azure_documents_them() {
        for (position, name) in [
            (3, "billing_account_id"),
            (12, "reseller_mpn_id"),
            (13, "customer_tenant_id"),
            (20, "date"),
            (47, "cost_in_billing_currency"),
            (49, "cost_in_usd"),
            (50, "payg_cost_in_billing_currency"),
            (51, "payg_cost_in_usd"),
            (61, "payg_price"),
            (64, "reservation_id"),
            (66, "pricing_model"),
            (70, "provider"),
        ] {
            assert_eq!(COLUMNS[position - 1].name, name);
        }
    }
}
