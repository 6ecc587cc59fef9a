-- Cells as values, with Azure's spellings made one: of all loads, and of what the lake holds.
create macro day_of(cell) as
    coalesce(try_strptime(cell, '%m/%d/%Y'), strptime(cell[:10], '%Y-%m-%d'))::date;

create table typed_in_loads as
with ids as (
    select
        * exclude (subscriptionid, customertenantid, date),
        nullif(subscriptionid, '00000000-0000-0000-0000-000000000000') as subscription_id,
        nullif(customertenantid, '00000000-0000-0000-0000-000000000000') as customer_tenant_id,
        day_of(date) as date,
        replace(pricingmodel, ' ', '') as model,
        lower(benefitid) as benefit_path
    from cells
)
select
    source, file, billing_month, run_id, date,
    invoiceid as invoice_id, previousinvoiceid as previous_invoice_id,
    billingaccountid as billing_account_id, billingaccountname as billing_account_name,
    lower(billingprofileid) as billing_profile_id, billingprofilename as billing_profile_name,
    partnername as partner_name, resellermpnid as reseller_mpn_id, resellername as reseller_name,
    customer_tenant_id, customername as customer_name,
    subscription_id, subscriptionname as subscription_name,
    lower(resourceid) as resource_id, resourcelocation as resource_location, location,
    meterregion as meter_region,
    meterid as meter_id, lower(meterid) as meter_key, metername as meter_name,
    metercategory as meter_category, productid as product_id, lower(productid) as product_key,
    replace(lower(productid), '/', '') as product_and_sku, productname as product_name,
    lower(productorderid) as product_order_id, productordername as product_order_name,
    case when chargetype <> 'UnusedBenefit' then chargetype
        when model = 'SavingsPlan' then 'UnusedSavingsPlan'
        else 'UnusedReservation' end as charge_type,
    model as pricing_model,
    lower(publishertype) = 'marketplace' as is_marketplace, publishername as publisher_name,
    coalesce(model, '') in ('Reservation', 'SavingsPlan') or chargetype like 'Unused%'
        as is_commitment,
    frequency, term::int as term,
    lower(reservationid) as reservation_id, benefit_path, benefitid as benefit_id,
    coalesce(benefitname, reservationname) as benefit_name,
    billingcurrency as billing_currency, pricingcurrency as pricing_currency,
    case when pricingcurrency = 'USD' then 1.0 end as rate_to_usd,
    coalesce(nullif(exchangeratepricingtobilling::double, 0),
        case when billingcurrency = pricingcurrency then 1.0 end) as exchange_rate,
    quantity::double as quantity, unitofmeasure as unit_of_measure,
    nullif(paygprice::double, 0) as payg_price,
    case when model in ('Reservation', 'SavingsPlan') then nullif(unitprice::double, 0)
        else unitprice::double end as unit_price,
    effectiveprice::double as effective_price,
    costinbillingcurrency::double as cost, costinusd::double as cost_usd,
    costinpricingcurrency::double as cost_in_pricing_currency,
    paygcostinbillingcurrency::double as payg_cost, paygcostinusd::double as payg_cost_usd,
    partnerearnedcreditrate::double as credit_rate,
    lower(partnerearnedcreditapplied) = 'true' as credit_applied,
    costinbillingcurrency::decimal(38, 18) as exact_cost, costinusd::decimal(38, 18) as exact_cost_usd,
    additionalinfo as additional_info, provider
from ids;

create table typed as
select * exclude (run_id) from typed_in_loads semi join runs using (source, file, billing_month, run_id);
