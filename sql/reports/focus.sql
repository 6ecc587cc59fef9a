-- report: FOCUS 1.2
-- question: What do the months cost, row by row, in the columns of FOCUS 1.2?
-- scopes: source, billing_account, billing_profile, reseller, customer_tenant, subscription

-- section: cost_and_usage
-- title: Cost and usage
-- note: Every amortized row, and the purchases and refunds of commitments. FOCUS forbids an unknown ListCost: there x_ListCostBasis says unknown.
-- aside: AvailabilityZone, BillingAccountId, BillingAccountName, BillingAccountType,
--   BillingPeriodEnd, BillingPeriodStart, CapacityReservationId, CapacityReservationStatus,
--   ChargeClass, ChargeDescription, ChargeFrequency, ChargePeriodEnd,
--   CommitmentDiscountCategory, CommitmentDiscountId, CommitmentDiscountName,
--   CommitmentDiscountQuantity, CommitmentDiscountStatus, CommitmentDiscountType,
--   CommitmentDiscountUnit, ConsumedQuantity, ConsumedUnit, ContractedUnitPrice, InvoiceId,
--   InvoiceIssuerName, ListUnitPrice, PricingCategory, PricingCurrency,
--   PricingCurrencyContractedUnitPrice, PricingCurrencyEffectiveCost,
--   PricingCurrencyListUnitPrice, ProviderName, PublisherName, RegionId, RegionName, ResourceId,
--   ResourceType, ServiceCategory, ServiceSubcategory, SkuId, SkuMeter, SkuPriceDetails,
--   SkuPriceId, SubAccountId, SubAccountType, Tags, x_BillingAccountId, x_BillingMonth,
--   x_ChargeType, x_CustomerId, x_CustomerName, x_PartnerCreditApplied, x_PartnerCreditRate,
--   x_ResellerId, x_ResellerName
-- totals: BilledCost, EffectiveCost, ContractedCost, ListCost
select
    case $scope_type
        when 'source' then "x_Source"
        when 'billing_account' then "x_BillingAccountId"
        when 'billing_profile'
            then case when "BillingAccountType" = 'Billing Profile' then "BillingAccountId" end
        when 'reseller' then "x_ResellerId"
        when 'customer_tenant' then "x_CustomerId"
        else "SubAccountId"
    end as scope_id,
    "AvailabilityZone",
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "CapacityReservationId",
    "CapacityReservationStatus",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "CommitmentDiscountUnit",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
    "x_BillingAccountId",
    "x_BillingMonth",
    "x_ChargeType",
    "x_CustomerId",
    "x_CustomerName",
    "x_ListCostBasis",
    "x_PartnerCreditApplied",
    "x_PartnerCreditRate",
    "x_ResellerId",
    "x_ResellerName",
    "x_Source"
from focus_1_2
where "x_BillingMonth" between $first_month and $last_month
order by
    "x_BillingMonth",
    "ChargePeriodStart",
    "BillingCurrency",
    "SubAccountId",
    "ResourceId",
    "SkuPriceId",
    "ChargeCategory",
    "EffectiveCost",
    "BilledCost",
    "ConsumedQuantity"
