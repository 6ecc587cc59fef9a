-- One row per commitment and currency, with its facts: names, dates, term, owner.
create table told_facts as
select source, kind, order_id, commitment_id,
    max_by(benefit_name, date) filter (where is_own) as own_name,
    max_by(benefit_name, date) as name,
    max_by(product_name, date) filter (where charge_type = 'Purchase') as bought_product,
    max_by(coalesce(location, meter_region, resource_location), date) filter (where charge_type = 'Purchase')
        as bought_region,
    max(term) as term_months,
    any_value(frequency) filter (where charge_type = 'Purchase') as billing_frequency,
    min(date) filter (where charge_type = 'Purchase') as first_purchase,
    max(date) filter (where charge_type = 'Refund') as last_refund,
    min(date) filter (where part <> 'bought') as first_day,
    max(date) filter (where part <> 'bought') as last_day
from facts group by all;

-- Of several products on the last day the first by name.
create table last_used as
select distinct on (source, kind, order_id, commitment_id)
    source, kind, order_id, commitment_id, product_name,
    coalesce(location, meter_region, resource_location) as region
from committed where part = 'used' and product_name is not null
order by source, kind, order_id, commitment_id, date desc, product_name, region;

create table inventory as
with loaded as (
    select source,
        list(billing_month) filter (where file = 'actual') as actual_months,
        list(billing_month) filter (where file = 'amortized') as amortized_months
    from runs group by all
),
dated as (
    select told_facts.*,
        case when billing_frequency = 'OneTime'
                or first_purchase <= coalesce(first_day, first_purchase)
                    and list_contains(amortized_months, strftime(first_purchase, '%Y-%m'))
                    and (day(first_purchase) > 1 or list_contains(
                        actual_months, strftime(first_purchase - interval 1 month, '%Y-%m')))
            then first_purchase end as purchase_date,
        greatest(last_refund, cancel_date) as given_back,
        case when given_back >= coalesce(last_day, given_back)
                and given_back < last_day((list_max(amortized_months) || '-01')::date)
            then given_back end as returned_date,
        transacted_orders.purchase_date as transacted_date,
        coalesce(transacted_orders.term_months, told_facts.term_months) as transacted_term,
        transacted_orders.frequency as transacted_frequency,
        transacted_orders.billing_profile_id as transacted_profile,
        transacted_orders.subscription_id as transacted_subscription,
        transacted_orders.subscription_name as transacted_subscription_name,
        transacted_orders.order_id is not null as is_transacted
    from told_facts join loaded using (source)
    left join transacted_orders using (order_id)
)
select bought.*, coalesce(own_name, name) as name,
    coalesce(bought_product, last_used.product_name) as product_name,
    case when bought_product is not null then bought_region else last_used.region end as region,
    case when transacted_date is not null then transacted_term
        else coalesce(term_months, transacted_term) end as term_months,
    coalesce(billing_frequency, transacted_frequency) as billing_frequency,
    coalesce(transacted_date, dated.purchase_date) as purchase_date, returned_date,
    first_day, last_day,
    coalesce(transacted_date + to_months(transacted_term),
        dated.purchase_date + to_months(term_months))::date as expiry_date,
    case when transacted_date + to_months(transacted_term) is not null then 'reservation_transactions'
        when dated.purchase_date + to_months(term_months) is not null then 'purchase_plus_term'
        else 'unknown' end as expiry_basis,
    case when owner_basis is not null then owner_basis
        when is_transacted then 'reservation_transactions' else 'unknown' end as owner_basis,
    owners.customer_tenant_id as owner_customer_tenant_id,
    case when owner_basis is null then transacted_profile else owners.billing_profile_id end
        as owner_billing_profile_id,
    case when owner_basis is null then transacted_subscription else owners.subscription_id end
        as owner_subscription_id
from bought
left join dated on bought.source = dated.source and bought.kind = dated.kind
    and bought.order_id = dated.order_id
    and bought.commitment_id is not distinct from dated.commitment_id
left join last_used on bought.source = last_used.source and bought.kind = last_used.kind
    and bought.order_id = last_used.order_id
    and bought.commitment_id is not distinct from last_used.commitment_id
left join owners on bought.source = owners.source and bought.kind = owners.kind
    and bought.order_id = owners.order_id
    and bought.commitment_id is not distinct from owners.commitment_id;
