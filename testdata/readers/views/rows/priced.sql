-- The amortized rows at list price and at the negotiated price.
create table priced as
with retail as (
    select source, billing_month, meter_key, product_key, pricing_currency,
        min(payg_price) as retail_rate
    from typed
    where file = 'amortized' and charge_type = 'Usage' and pricing_model = 'OnDemand'
        and payg_price > 0
    group by all
),
sheet as (
    select lower(billingprofileid) as billing_profile_id, billing_month,
        lower(meterid) as meter_key, lower(productid) || lower(coalesce(skuid, '')) as product_and_sku,
        lower(unitofmeasure) as unit, currency as pricing_currency,
        min(marketprice::double) as sheet_rate
    from price_sheet where pricetype = 'Consumption' and marketprice::double > 0
    group by all
),
listed as (
    select typed.*, retail_rate, sheet_rate,
        case
            when charge_type <> 'Usage' or is_marketplace then 'not_applicable'
            when payg_price is not null and payg_cost is not null then 'export'
            when payg_price * quantity * exchange_rate is not null then 'payg_price'
            when payg_price is null and sheet_rate * quantity * exchange_rate is not null
                then 'price_sheet'
            when payg_price is null and retail_rate * quantity * exchange_rate is not null
                then 'on_demand_rate'
            else 'unknown'
        end as list_cost_basis
    from typed
    left join retail using (source, billing_month, meter_key, product_key, pricing_currency)
    left join sheet on sheet.billing_profile_id = typed.billing_profile_id
        and sheet.billing_month = typed.billing_month and sheet.meter_key = typed.meter_key
        and sheet.product_and_sku = typed.product_and_sku
        and sheet.unit = lower(unit_of_measure)
        and sheet.pricing_currency = typed.pricing_currency
    where file = 'amortized'
),
with_list as (
    select *,
        case list_cost_basis
            when 'export' then payg_cost
            when 'payg_price' then payg_price * quantity * exchange_rate
            when 'price_sheet' then sheet_rate * quantity * exchange_rate
            when 'on_demand_rate' then retail_rate * quantity * exchange_rate
        end as list_cost,
        case
            when list_cost_basis = 'export' and payg_cost_usd is not null then payg_cost_usd
            when list_cost_basis in ('export', 'payg_price') then payg_price * quantity * rate_to_usd
            when list_cost_basis = 'price_sheet' then sheet_rate * quantity * rate_to_usd
            when list_cost_basis = 'on_demand_rate' then retail_rate * quantity * rate_to_usd
        end as list_cost_usd
    from listed
)
select *,
    list_cost_basis <> 'not_applicable' as is_usage,
    list_cost_basis = 'unknown' as is_unpriced,
    list_cost_basis <> 'not_applicable' and list_cost_usd is null as is_unpriced_usd,
    case list_cost_basis when 'price_sheet' then sheet_rate when 'on_demand_rate' then retail_rate
        end as list_rate,
    coalesce(unit_price * quantity * exchange_rate, list_cost) as contracted_cost,
    coalesce(unit_price * quantity * rate_to_usd, list_cost_usd) as contracted_cost_usd,
    case
        when pricing_model = 'Reservation' or charge_type = 'UnusedReservation' then 'Reservation'
        when pricing_model = 'SavingsPlan' or charge_type = 'UnusedSavingsPlan' then 'SavingsPlan'
        when pricing_model = 'Spot' then 'Spot'
    end as own_rate_type
from with_list;

-- A sum that is 0 where there is nothing to add, and NULL where what there is has no amount.
create macro zero_or_unknown(amount, is_of_it) as
    case when count(*) filter (where is_of_it) = 0 then 0 else sum(amount) filter (where is_of_it) end;
