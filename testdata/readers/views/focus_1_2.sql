-- key: x_Source x_BillingMonth ChargePeriodStart ChargePeriodEnd BillingPeriodStart BillingPeriodEnd
-- key: BillingAccountId BillingAccountType BillingCurrency SubAccountId SubAccountName
-- key: ChargeCategory ChargeClass ChargeFrequency PricingCategory PricingCurrency
-- key: CommitmentDiscountCategory CommitmentDiscountId CommitmentDiscountName CommitmentDiscountStatus
-- key: CommitmentDiscountType CommitmentDiscountUnit InvoiceId InvoiceIssuerName ProviderName
-- key: PublisherName ResourceId SkuMeter PricingUnit ConsumedUnit
-- key: x_BillingAccountId x_ChargeType x_CustomerId x_CustomerName x_ListCostBasis
-- key: x_PartnerCreditApplied x_ResellerId x_ResellerName
-- sums: count(*) BilledCost EffectiveCost ListCost ContractedCost PricingQuantity ConsumedQuantity
-- sums: CommitmentDiscountQuantity ListUnitPrice ContractedUnitPrice PricingCurrencyEffectiveCost
-- sums: PricingCurrencyListUnitPrice PricingCurrencyContractedUnitPrice x_PartnerCreditRate
-- sums: max(BillingAccountName)
with rows as (
    from priced
    union all by name
    select *, 'not_applicable' as list_cost_basis,
        unit_price * quantity * exchange_rate as contracted_cost,
    from typed
    where file = 'actual' and charge_type in ('Purchase', 'Refund')
        and pricing_model in ('Reservation', 'SavingsPlan')
),
units as (
    select *,
        case
            when charge_type in ('Purchase', 'Refund') and is_commitment then 'Purchase'
            when is_commitment then 'Covered'
        end as part,
        try_cast(regexp_extract(unit_of_measure, '^([0-9]+)', 1) as double)
            * case when regexp_matches(unit_of_measure, '^[0-9]+K') then 1000 else 1 end as block,
        regexp_extract(unit_of_measure, '^[0-9]+K?[ /]*(.*)$', 1) as unit
    from rows
),
spelled as (
    select *,
        case unit when '' then 'Units' when 'Hour' then 'Hours' when 'Month' then 'Months' else unit end
            as unit_name,
        coalesce(contracted_cost, list_cost, cost) as contracted,
        coalesce(list_cost, contracted_cost, cost) as listed,
        charge_type in ('Usage', 'Purchase', 'UnusedReservation', 'UnusedSavingsPlan') as has_price
    from units
),
by_unit as (
    select *,
        case when not has_price then null when quantity <> 0 then listed / quantity
            else coalesce(payg_price, list_rate, unit_price, 0) * exchange_rate end as list_price,
        case when not has_price then null when quantity <> 0 then contracted / quantity
            else coalesce(unit_price, payg_price, list_rate, 0) * exchange_rate
            end as contracted_price
    from spelled
),
told as (
    select
        source as x_Source, billing_month as x_BillingMonth,
        strftime(date, '%Y-%m-%dT00:00:00Z') as ChargePeriodStart,
        strftime(date + 1, '%Y-%m-%dT00:00:00Z') as ChargePeriodEnd,
        billing_month || '-01T00:00:00Z' as BillingPeriodStart,
        strftime(strptime(billing_month, '%Y-%m') + interval 1 month, '%Y-%m-%dT00:00:00Z')
            as BillingPeriodEnd,
        coalesce(billing_profile_id, billing_account_id, customer_tenant_id) as BillingAccountId,
        case when billing_profile_id is not null then billing_profile_name
            when billing_account_id is not null then billing_account_name
            else customer_name end as BillingAccountName,
        case when billing_profile_id is not null then 'Billing Profile'
            when billing_account_id is not null then 'Billing Account'
            else 'Customer Tenant' end as BillingAccountType,
        billing_currency as BillingCurrency,
        subscription_id as SubAccountId, subscription_name as SubAccountName,
        case charge_type when 'UnusedReservation' then 'Usage' when 'UnusedSavingsPlan' then 'Usage'
            when 'Refund' then 'Purchase' when 'Usage' then 'Usage' when 'Purchase' then 'Purchase'
            when 'Credit' then 'Credit' when 'Tax' then 'Tax' else 'Adjustment' end as ChargeCategory,
        case when charge_type = 'Refund' then 'Correction' end as ChargeClass,
        case frequency when 'OneTime' then 'One-Time' when 'UsageBased' then 'Usage-Based'
            else frequency end as ChargeFrequency,
        case when part = 'Covered' then 'Committed' when pricing_model = 'Spot' then 'Dynamic'
            when charge_type in ('Usage', 'Purchase', 'Refund') then 'Standard' end as PricingCategory,
        pricing_currency as PricingCurrency,
        case when benefit_path like '/providers/microsoft.capacity/%' then 'Usage'
            when benefit_path like '/providers/microsoft.billingbenefits/%' then 'Spend'
            end as CommitmentDiscountCategory,
        benefit_id as CommitmentDiscountId,
        case when benefit_id is not null then benefit_name end as CommitmentDiscountName,
        case when charge_type like 'Unused%' then 'Unused' when part = 'Covered' then 'Used'
            end as CommitmentDiscountStatus,
        case when benefit_path like '/providers/microsoft.capacity/%' then 'Reservation'
            when benefit_path like '/providers/microsoft.billingbenefits/%' then 'Savings Plan'
            end as CommitmentDiscountType,
        case when charge_type = 'Refund' then null when part is null then null
            when pricing_model = 'SavingsPlan' then pricing_currency
            else 'Normalized Hours' end as CommitmentDiscountUnit,
        invoice_id as InvoiceId, coalesce(partner_name, 'Microsoft') as InvoiceIssuerName,
        'Microsoft' as ProviderName, coalesce(publisher_name, 'Microsoft') as PublisherName,
        resource_id as ResourceId,
        meter_name as SkuMeter,
        case when charge_type = 'Tax' then null when block = 1 then unit_name
            else format('{:.0f} {}', block, unit_name) end as PricingUnit,
        case when charge_type = 'Usage' then unit_name end as ConsumedUnit,
        billing_account_id as x_BillingAccountId, charge_type as x_ChargeType,
        customer_tenant_id as x_CustomerId, customer_name as x_CustomerName,
        list_cost_basis as x_ListCostBasis, credit_applied as x_PartnerCreditApplied,
        reseller_mpn_id as x_ResellerId, reseller_name as x_ResellerName,
        credit_rate as x_PartnerCreditRate,
        case when part = 'Covered' then 0 else cost end as BilledCost,
        case when part = 'Purchase' then 0 else cost end as EffectiveCost,
        listed as ListCost, contracted as ContractedCost,
        case when charge_type <> 'Tax' then quantity end as PricingQuantity,
        case when charge_type = 'Usage' then quantity * block end as ConsumedQuantity,
        case when charge_type = 'Refund' then null when part is null then null
            when pricing_model = 'SavingsPlan' then cost / exchange_rate
            when part = 'Covered' then quantity * coalesce(
                json_extract_string(additional_info, '$.RINormalizationRatio')::double, 1)
            else quantity * 730 * case frequency when 'OneTime' then term else 1 end
            end as CommitmentDiscountQuantity,
        list_price as ListUnitPrice, contracted_price as ContractedUnitPrice,
        case when part = 'Purchase' then 0 else cost / exchange_rate end
            as PricingCurrencyEffectiveCost,
        list_price / exchange_rate as PricingCurrencyListUnitPrice,
        contracted_price / exchange_rate as PricingCurrencyContractedUnitPrice
    from by_unit
)
select * from told
