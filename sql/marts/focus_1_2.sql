-- question: What do both files say as FOCUS 1.2 cost and usage?
-- grain: one row per amortized row, and one per purchase or refund of a commitment in the actual file
-- sources: priced_cost, cost_rows, service_categories
-- columns:
--   AvailabilityZone: availability zone; Azure's cost files give none
--   BilledCost: cost as invoiced, BillingCurrency; 0 on commitment usage and idle commitments, whose purchase is billed
--   BillingAccountId: billing profile: the one that is invoiced; where the file has none, the widest scope it has
--   BillingAccountName: its name
--   BillingAccountType: what BillingAccountId is
--   BillingCurrency: currency of BilledCost, ListCost, ContractedCost and EffectiveCost; two are never added
--   BillingPeriodEnd: first instant after the month
--   BillingPeriodStart: first instant of the month
--   CapacityReservationId: capacity reservation; not in Azure's cost files as such
--   CapacityReservationStatus: status of the capacity reservation
--   ChargeCategory: Usage, Purchase, Credit, Tax or Adjustment
--   ChargeClass: Correction on refunds, else NULL
--   ChargeDescription: product, else meter
--   ChargeFrequency: One-Time, Recurring or Usage-Based
--   ChargePeriodEnd: first instant after the day
--   ChargePeriodStart: first instant of the day, UTC
--   CommitmentDiscountCategory: Usage for reservations, Spend for savings plans
--   CommitmentDiscountId: ARM path of the reservation or savings plan
--   CommitmentDiscountName: its name
--   CommitmentDiscountQuantity: reservations: hours in normalized units; savings plans: PricingCurrency; of purchases, what they entitle to
--   CommitmentDiscountStatus: Used or Unused
--   CommitmentDiscountType: Reservation or Savings Plan
--   CommitmentDiscountUnit: unit of CommitmentDiscountQuantity
--   ConsumedQuantity: quantity in ConsumedUnit
--   ConsumedUnit: unit without its block size
--   ContractedCost: cost at the negotiated price, BillingCurrency
--   ContractedUnitPrice: ContractedCost of one PricingUnit, BillingCurrency
--   EffectiveCost: amortized cost, BillingCurrency; 0 on purchases and refunds of commitments
--   InvoiceId: invoice; NULL until there is one
--   InvoiceIssuerName: the partner, else Microsoft
--   ListCost: cost at list price, BillingCurrency; where unknown the contracted, then the effective cost, as x_ListCostBasis says
--   ListUnitPrice: ListCost of one PricingUnit, BillingCurrency
--   PricingCategory: Standard, Dynamic, Committed or Other
--   PricingCurrency: currency of prices
--   PricingCurrencyContractedUnitPrice: ContractedUnitPrice in PricingCurrency
--   PricingCurrencyEffectiveCost: EffectiveCost in PricingCurrency
--   PricingCurrencyListUnitPrice: ListUnitPrice in PricingCurrency
--   PricingQuantity: quantity in PricingUnit
--   PricingUnit: unit of measure, spelled as FOCUS asks
--   ProviderName: Microsoft
--   PublisherName: publisher
--   RegionId: region
--   RegionName: its name
--   ResourceId: ARM resource id, lower-cased
--   ResourceName: last part of it
--   ResourceType: resource provider and type
--   ServiceCategory: FOCUS service category of the meter category
--   ServiceName: meter category
--   ServiceSubcategory: FOCUS service subcategory of the meter category
--   SkuId: product and SKU
--   SkuMeter: meter
--   SkuPriceDetails: properties of the SKU price; not in Azure's cost files
--   SkuPriceId: SKU, meter, pricing model and term joined
--   SubAccountId: subscription
--   SubAccountName: its name
--   SubAccountType: Subscription
--   Tags: resource tags, a JSON object
--   x_BillingAccountId: MCA billing account
--   x_BillingMonth: month, YYYY-MM
--   x_ChargeType: Azure's charge type
--   x_CustomerId: tenant of the customer
--   x_CustomerName: its name
--   x_ListCostBasis: how ListCost is known: export, payg_price, price_sheet, on_demand_rate; not_applicable or unknown where it is the fallback
--   x_PartnerCreditApplied: whether partner earned credit is applied
--   x_PartnerCreditRate: partner earned credit as a fraction
--   x_ResellerId: tier-2 reseller
--   x_ResellerName: its name
--   x_Source: bill connect
with both_files as (
    select
        source,
        billing_month,
        date,
        invoice_id,
        billing_account_id,
        billing_account_name,
        billing_profile_id,
        billing_profile_name,
        partner_name,
        reseller_mpn_id,
        reseller_name,
        customer_tenant_id,
        customer_name,
        subscription_id,
        subscription_name,
        resource_id,
        resource_location,
        location,
        meter_id,
        meter_name,
        meter_category,
        product_id,
        product_name,
        product_order_id,
        charge_type,
        pricing_model,
        publisher_name,
        is_commitment,
        frequency,
        term,
        reservation_id,
        reservation_name,
        benefit_id,
        benefit_name,
        billing_currency,
        pricing_currency,
        exchange_rate,
        quantity,
        unit_of_measure,
        payg_price,
        list_rate,
        unit_price,
        cost,
        cost_in_pricing_currency,
        partner_earned_credit_rate,
        partner_earned_credit_applied,
        additional_info,
        tags,
        provider,
        list_cost,
        contracted_cost,
        list_cost_basis,
        false as is_commitment_payment
    from priced_cost
    union all
    select
        source,
        billing_month,
        date,
        invoice_id,
        billing_account_id,
        billing_account_name,
        billing_profile_id,
        billing_profile_name,
        partner_name,
        reseller_mpn_id,
        reseller_name,
        customer_tenant_id,
        customer_name,
        subscription_id,
        subscription_name,
        resource_id,
        resource_location,
        location,
        meter_id,
        meter_name,
        meter_category,
        product_id,
        product_name,
        product_order_id,
        charge_type,
        pricing_model,
        publisher_name,
        is_commitment,
        frequency,
        term,
        reservation_id,
        reservation_name,
        benefit_id,
        benefit_name,
        billing_currency,
        pricing_currency,
        exchange_rate,
        quantity,
        unit_of_measure,
        payg_price,
        null as list_rate,
        unit_price,
        cost,
        cost_in_pricing_currency,
        partner_earned_credit_rate,
        partner_earned_credit_applied,
        additional_info,
        tags,
        provider,
        null as list_cost,
        unit_price * quantity * exchange_rate as contracted_cost,
        'not_applicable' as list_cost_basis,
        true as is_commitment_payment
    from cost_rows
    where
        dataset = 'actual_cost'
        and charge_type in ('Purchase', 'Refund')
        and (is_commitment or benefit_id is not null or reservation_id is not null)
),

-- 1 Hour, 10K, 100 GB, 1 GB/Month, 1/Day: a block size, a unit, a time. Rows have few
-- different ones a month, so each is taken apart once.
measured as (
    select
        source,
        billing_month,
        unit_of_measure,
        coalesce(nullif(regexp_replace(unit_of_measure, '^([0-9]*).*$', '\1'), ''), '1')
        || case
            when regexp_like(unit_of_measure, '^[0-9]+K') then '000'
            when regexp_like(unit_of_measure, '^[0-9]+M( |/|$)') then '000000'
            else ''
        end as block_text,
        trim(regexp_replace(unit_of_measure, '^[0-9]*(K|M)?( |/|$)', '\3')) as unit_text
    from (
        select distinct
            source,
            billing_month,
            unit_of_measure
        from cost_rows
        where unit_of_measure is not null
    )
),

units as (
    select
        source,
        billing_month,
        unit_of_measure,
        block_text,
        cast(block_text as decimal(38, 18)) as block_size,
        case
            when unit_text = '' then 'Units'
            when unit_text in ('Hour', 'Hours') then 'Hours'
            when unit_text in ('Day', 'Days') then 'Days'
            when unit_text in ('Month', 'Months') then 'Months'
            when unit_text like '/%' then 'Units' || unit_text
            when regexp_like(unit_text, '^[A-Za-z][A-Za-z0-9 ]*(/(Hour|Day|Month|Year))?$')
                then unit_text
            else coalesce(
                nullif(trim(regexp_replace(unit_text, '[^A-Za-z]+', ' ', 'g')), ''),
                'Units'
            )
        end as single_unit
    from measured
),

united as (
    select
        both_files.*,
        coalesce(units.block_text, '1') as block_text,
        coalesce(units.block_size, 1) as block_size,
        coalesce(units.single_unit, 'Units') as single_unit
    from both_files
    left join units
        on
            both_files.source = units.source
            and both_files.billing_month = units.billing_month
            and both_files.unit_of_measure = units.unit_of_measure
),

categorized as (
    select
        united.*,
        categories.service_category,
        categories.service_subcategory,
        cast(billing_month || '-01' as date) as month_start,
        coalesce(united.meter_category, united.provider, 'Azure') as service_name,
        case
            when charge_type in ('Usage', 'UnusedReservation', 'UnusedSavingsPlan') then 'Usage'
            when charge_type in ('Purchase', 'Refund') then 'Purchase'
            when charge_type in ('Credit', 'Tax') then charge_type
            else 'Adjustment'
        end as charge_category,
        case when charge_type = 'Refund' then 'Correction' end as charge_class,
        charge_type in ('UnusedReservation', 'UnusedSavingsPlan') as is_unused,
        not is_commitment_payment and is_commitment as is_covered,
        coalesce(nullif(exchange_rate, 0), 1) as rate,
        case when block_size = 1 then single_unit
            else block_text || ' ' || replace(single_unit, '/', ' ') end as pricing_unit,
        case
            when lower(benefit_id) like '%/reservationorders/%' then 'Reservation'
            when lower(benefit_id) like '%/savingsplanorders/%' then 'SavingsPlan'
            when is_commitment or is_commitment_payment
                then case when pricing_model = 'SavingsPlan' then 'SavingsPlan' else 'Reservation' end
        end as commitment_kind
    from united
    left join service_categories as categories
        on lower(coalesce(united.meter_category, united.provider)) = categories.meter_category
),

identified as (
    select
        *,
        case when commitment_kind is not null
            then coalesce(benefit_id, reservation_id, product_order_id) end
            as commitment_discount_id,
        case when charge_category <> 'Tax'
            then coalesce(product_id, meter_id, product_order_id, charge_type) end as sku_id,
        charge_category in ('Usage', 'Purchase') and charge_class is null as has_unit_price,
        case when is_commitment_payment then cast(0 as decimal(38, 18)) else cost end as effective,
        coalesce(contracted_cost, cost) as contracted,
        coalesce(list_cost, contracted_cost, cost) as list,
        -- Instance size flexibility: hours of the smallest size of the group.
        case
            when commitment_kind is not null and additional_info like '%"RINormalizationRatio"%'
                then
                    coalesce(
                        try_cast(
                            nullif(
                                regexp_replace(
                                    additional_info,
                                    '(?s)^.*"RINormalizationRatio"\s*:\s*"?([0-9.]+).*$',
                                    '\1'
                                ),
                                additional_info
                            ) as decimal(38, 18)
                        ),
                        1
                    )
            else 1
        end as normalization_ratio
    from categorized
),

counted as (
    select
        *,
        case
            when commitment_discount_id is null or charge_class = 'Correction' then null
            when commitment_kind = 'SavingsPlan' then cost / rate
            when charge_category = 'Usage' then quantity * normalization_ratio
            -- An average month has 730 hours.
            when frequency = 'Recurring' then quantity * 730
            else quantity * 730 * coalesce(term, 1)
        end as commitment_quantity
    from identified
)

select
    cast(null as varchar) as "AvailabilityZone",
    case when is_covered then cast(0 as decimal(38, 18)) else cost end as "BilledCost",
    coalesce(billing_profile_id, billing_account_id, customer_tenant_id, subscription_id, source) as "BillingAccountId",
    case when billing_profile_id is not null then billing_profile_name when billing_account_id is not null then billing_account_name when customer_tenant_id is not null then customer_name else subscription_name end as "BillingAccountName",
    case when billing_profile_id is not null then 'Billing Profile' when billing_account_id is not null then 'Billing Account' when customer_tenant_id is not null then 'Customer Tenant' else 'Subscription' end as "BillingAccountType",
    billing_currency as "BillingCurrency",
    arrow_cast(month_start + interval '1 month', 'Timestamp(Microsecond, Some("UTC"))') as "BillingPeriodEnd",
    arrow_cast(month_start, 'Timestamp(Microsecond, Some("UTC"))') as "BillingPeriodStart",
    cast(null as varchar) as "CapacityReservationId",
    cast(null as varchar) as "CapacityReservationStatus",
    charge_category as "ChargeCategory",
    charge_class as "ChargeClass",
    coalesce(product_name, meter_name, charge_type) as "ChargeDescription",
    case when frequency = 'Recurring' then 'Recurring' when frequency = 'UsageBased' and charge_category = 'Usage' then 'Usage-Based' when frequency is null and charge_category = 'Usage' then 'Usage-Based' else 'One-Time' end as "ChargeFrequency",
    arrow_cast(date + interval '1 day', 'Timestamp(Microsecond, Some("UTC"))') as "ChargePeriodEnd",
    arrow_cast(date, 'Timestamp(Microsecond, Some("UTC"))') as "ChargePeriodStart",
    case commitment_kind when 'Reservation' then 'Usage' when 'SavingsPlan' then 'Spend' end as "CommitmentDiscountCategory",
    commitment_discount_id as "CommitmentDiscountId",
    case when commitment_discount_id is not null then coalesce(benefit_name, reservation_name) end as "CommitmentDiscountName",
    commitment_quantity as "CommitmentDiscountQuantity",
    case when commitment_discount_id is null or charge_category <> 'Usage' then null when is_unused then 'Unused' else 'Used' end as "CommitmentDiscountStatus",
    case commitment_kind when 'Reservation' then 'Reservation' when 'SavingsPlan' then 'Savings Plan' end as "CommitmentDiscountType",
    case when commitment_quantity is null then null when commitment_kind = 'SavingsPlan' then pricing_currency else 'Normalized Hours' end as "CommitmentDiscountUnit",
    case when charge_category = 'Usage' and not is_unused then quantity * block_size end as "ConsumedQuantity",
    case when charge_category = 'Usage' and not is_unused and quantity is not null then single_unit end as "ConsumedUnit",
    contracted as "ContractedCost",
    case when has_unit_price then coalesce(contracted / nullif(quantity, 0), unit_price * exchange_rate, coalesce(payg_price, list_rate) * exchange_rate, 0) end as "ContractedUnitPrice",
    effective as "EffectiveCost",
    invoice_id as "InvoiceId",
    coalesce(partner_name, 'Microsoft') as "InvoiceIssuerName",
    list as "ListCost",
    case when has_unit_price then coalesce(list / nullif(quantity, 0), coalesce(payg_price, list_rate) * exchange_rate, 0) end as "ListUnitPrice",
    case when charge_category not in ('Usage', 'Purchase') then null when charge_category = 'Purchase' then 'Standard' when pricing_model in ('Reservation', 'SavingsPlan') then 'Committed' when pricing_model = 'Spot' then 'Dynamic' when pricing_model = 'OnDemand' then 'Standard' else 'Other' end as "PricingCategory",
    coalesce(pricing_currency, billing_currency) as "PricingCurrency",
    case when has_unit_price then coalesce(contracted / nullif(quantity, 0) / rate, unit_price, coalesce(payg_price, list_rate), 0) end as "PricingCurrencyContractedUnitPrice",
    case
        when is_commitment_payment then cast(0 as decimal(38, 18))
        else coalesce(cost_in_pricing_currency, cost / rate)
    end as "PricingCurrencyEffectiveCost",
    case when has_unit_price then coalesce(list / nullif(quantity, 0) / rate, coalesce(payg_price, list_rate), 0) end as "PricingCurrencyListUnitPrice",
    case when charge_category <> 'Tax' then quantity end as "PricingQuantity",
    case when charge_category <> 'Tax' and quantity is not null then pricing_unit end as "PricingUnit",
    'Microsoft' as "ProviderName",
    coalesce(publisher_name, 'Microsoft') as "PublisherName",
    case when resource_location is not null then replace(lower(resource_location), ' ', '') end as "RegionId",
    case when resource_location is not null then coalesce(location, resource_location) end as "RegionName",
    resource_id as "ResourceId",
    case when resource_id is not null then split_part(resource_id, '/', -1) end as "ResourceName",
    case when resource_id is not null then coalesce(nullif(split_part(split_part(resource_id, '/providers/', -1), '/', 1) || '/' || split_part(split_part(resource_id, '/providers/', -1), '/', 2), '/'), 'unknown') end as "ResourceType",
    coalesce(service_category, 'Other') as "ServiceCategory",
    service_name as "ServiceName",
    coalesce(service_subcategory, 'Other (Other)') as "ServiceSubcategory",
    sku_id as "SkuId",
    case when sku_id is not null then meter_name end as "SkuMeter",
    cast(null as varchar) as "SkuPriceDetails",
    case when sku_id is not null then sku_id || '/' || coalesce(meter_id, '') || '/' || coalesce(pricing_model, '') || '/' || coalesce(cast(term as varchar), '') end as "SkuPriceId",
    subscription_id as "SubAccountId",
    case when subscription_id is not null then coalesce(subscription_name, subscription_id) end as "SubAccountName",
    case when subscription_id is not null then 'Subscription' end as "SubAccountType",
    case when tags is null then null when trim(tags) like '{%' then tags else '{' || tags || '}' end as "Tags",
    billing_account_id as "x_BillingAccountId",
    billing_month as "x_BillingMonth",
    charge_type as "x_ChargeType",
    customer_tenant_id as "x_CustomerId",
    customer_name as "x_CustomerName",
    list_cost_basis as "x_ListCostBasis",
    partner_earned_credit_applied as "x_PartnerCreditApplied",
    partner_earned_credit_rate as "x_PartnerCreditRate",
    reseller_mpn_id as "x_ResellerId",
    reseller_name as "x_ResellerName",
    source as "x_Source"
from counted
