-- question: What was paid for each reservation and savings plan, by whom, and what of it was used?
-- grain: source, kind, order_id, commitment_id, billing_currency
-- sources: commitment_days
-- columns:
--   source: bill connect
--   kind: Reservation or SavingsPlan
--   order_id: order, lower-cased
--   commitment_id: reservation or savings plan, lower-cased; NULL for what only names the order
--   billing_currency: currency of the amounts; two are never added
--   name: latest name
--   product_name: product bought; where no purchase is loaded, the product last used; the same in every currency
--   region: region, likewise
--   term_months: term in months
--   frequency: OneTime or Recurring, in any currency; NULL where no purchase is loaded
--   first_purchase: day of the first purchase row
--   last_refund: day of the last refund row
--   purchased_amount: purchases less refunds, its own and its share of its order's, billing currency; NULL where none is loaded
--   refunded_amount: part of it that was paid back, negative, billing currency
--   purchased_amount_usd: purchased_amount, USD
--   purchase_basis: commitment: its purchase rows name it; order: they name its order, which holds nothing else; order_shared_by_cost: the order's purchase is shared by amortized cost; order_shared_equally: shared evenly, as nothing is amortized yet; unknown: no purchase is loaded
--   used_cost: amortized cost of what was used, billing currency
--   unused_cost: amortized cost of what was idle, billing currency
--   used_cost_usd: used_cost, USD
--   unused_cost_usd: unused_cost, USD
--   first_day: first day in the amortized file, in any currency
--   last_day: last day in the amortized file, in any currency
--   owner_billing_account_id: billing account it is billed to
--   owner_billing_profile_id: billing profile it is billed to
--   owner_customer_tenant_id: customer it is billed to
--   owner_customer_name: its name on the row that tells the owner
--   owner_subscription_id: subscription it is billed to; NULL where no row names one
--   owner_subscription_name: likewise
--   owner_basis: purchase: its own or its order's purchase row; unused: what rows of its idle share name; unknown: neither
with ranked as (
    select
        *,
        -- The latest row that tells an owner comes first, the fullest of them.
        row_number() over (
            partition by source, kind, order_id, commitment_id, billing_currency, tells_owner
            order by
                says_owner,
                subscription_id is null,
                customer_tenant_id is null,
                date desc,
                customer_tenant_id,
                subscription_id,
                customer_name,
                subscription_name,
                billing_profile_id,
                billing_account_id
        ) as owner_row
    from (
        select
            *,
            case part when 'purchase' then 1 when 'unused' then 2 else 3 end as says_owner,
            case part when 'purchase' then 1 when 'used' then 2 else 3 end as says_product,
            part = 'purchase'
            or (
                part = 'unused'
                and (customer_tenant_id is not null or billing_profile_id is not null)
            ) as tells_owner
        from commitment_days
    )
),

-- One pass over the rows; the order's own rows are those without a commitment.
named as (
    select
        source,
        kind,
        order_id,
        commitment_id,
        billing_currency,
        sum(cost) filter (where part in ('purchase', 'refund')) as own_amount,
        sum(cost) filter (where part = 'refund') as own_refunded,
        sum(cost_usd) filter (where part in ('purchase', 'refund')) as own_amount_usd,
        min(date) filter (where part = 'purchase') as own_first_purchase,
        max(date) filter (where part = 'refund') as own_last_refund,
        max(frequency) filter (where part = 'purchase') as own_frequency,
        max(term_months) as own_term_months,
        sum(cost) filter (where part = 'used') as used_cost,
        sum(cost) filter (where part = 'unused') as unused_cost,
        sum(cost_usd) filter (where part = 'used') as used_cost_usd,
        sum(cost_usd) filter (where part = 'unused') as unused_cost_usd,
        min(date) filter (where part in ('used', 'unused')) as first_day,
        max(date) filter (where part in ('used', 'unused')) as last_day,
        last_value(benefit_name order by date, benefit_name)
            filter (where benefit_name is not null) as own_name,
        -- Values of one order come from one row: where two rows tie, they agree.
        first_value(says_product order by says_product, date desc, product_name)
            filter (where product_name is not null) as own_product_preference,
        first_value(date order by says_product, date desc, product_name)
            filter (where product_name is not null) as own_product_date,
        first_value(product_name order by says_product, date desc, product_name)
            filter (where product_name is not null) as own_product,
        first_value(says_product order by says_product, date desc, region)
            filter (where region is not null) as own_region_preference,
        first_value(date order by says_product, date desc, region)
            filter (where region is not null) as own_region_date,
        first_value(region order by says_product, date desc, region)
            filter (where region is not null) as own_region,
        max(says_owner) filter (where owner_row = 1 and tells_owner) as own_owner_rank,
        max(billing_account_id) filter (where owner_row = 1 and tells_owner) as own_owner_billing_account_id,
        max(billing_profile_id) filter (where owner_row = 1 and tells_owner) as own_owner_billing_profile_id,
        max(customer_tenant_id) filter (where owner_row = 1 and tells_owner) as own_owner_customer_tenant_id,
        max(customer_name) filter (where owner_row = 1 and tells_owner) as own_owner_customer_name,
        max(subscription_id) filter (where owner_row = 1 and tells_owner) as own_owner_subscription_id,
        max(subscription_name) filter (where owner_row = 1 and tells_owner) as own_owner_subscription_name
    from ranked
    group by source, kind, order_id, commitment_id, billing_currency
),

-- What the order's rows say, beside each of its commitments.
ordered as (
    select
        *,
        coalesce(used_cost, 0) + coalesce(unused_cost, 0) as weight,
        count(commitment_id) over of_order as members,
        max(case when commitment_id is null then own_amount end) over of_order as order_amount,
        max(case when commitment_id is null then own_refunded end) over of_order as order_refunded,
        max(case when commitment_id is null then own_amount_usd end) over of_order as order_amount_usd,
        max(case when commitment_id is null then own_first_purchase end) over whole_order as order_first_purchase,
        max(case when commitment_id is null then own_last_refund end) over whole_order as order_last_refund,
        max(case when commitment_id is null then own_frequency end) over whole_order as order_frequency,
        max(case when commitment_id is null then own_term_months end) over whole_order as order_term_months,
        max(case when commitment_id is null then own_name end) over of_order as order_name,
        max(case when commitment_id is null and own_amount is not null then own_product end)
            over whole_order as order_product_name,
        max(case when commitment_id is null and own_amount is not null then own_region end)
            over whole_order as order_region,
        first_value(own_product) over by_product as commitment_product,
        first_value(own_product_preference) over by_product as commitment_product_preference,
        first_value(own_region) over by_region as commitment_region,
        first_value(own_region_preference) over by_region as commitment_region_preference,
        -- Who bought it and when is true of it in every currency it is used in.
        first_value(own_owner_rank) over by_owner as commitment_owner_rank,
        first_value(own_owner_billing_account_id) over by_owner as commitment_owner_billing_account_id,
        first_value(own_owner_billing_profile_id) over by_owner as commitment_owner_billing_profile_id,
        first_value(own_owner_customer_tenant_id) over by_owner as commitment_owner_customer_tenant_id,
        first_value(own_owner_customer_name) over by_owner as commitment_owner_customer_name,
        first_value(own_owner_subscription_id) over by_owner as commitment_owner_subscription_id,
        first_value(own_owner_subscription_name) over by_owner as commitment_owner_subscription_name,
        first_value(case when commitment_id is null then own_owner_rank end) over by_order_owner
            as order_owner_rank,
        first_value(case when commitment_id is null then own_owner_billing_account_id end) over by_order_owner
            as order_owner_billing_account_id,
        first_value(case when commitment_id is null then own_owner_billing_profile_id end) over by_order_owner
            as order_owner_billing_profile_id,
        first_value(case when commitment_id is null then own_owner_customer_tenant_id end) over by_order_owner
            as order_owner_customer_tenant_id,
        first_value(case when commitment_id is null then own_owner_customer_name end) over by_order_owner
            as order_owner_customer_name,
        first_value(case when commitment_id is null then own_owner_subscription_id end) over by_order_owner
            as order_owner_subscription_id,
        first_value(case when commitment_id is null then own_owner_subscription_name end) over by_order_owner
            as order_owner_subscription_name,
        min(own_first_purchase) over of_commitment as commitment_first_purchase,
        max(own_last_refund) over of_commitment as commitment_last_refund,
        max(own_frequency) over of_commitment as commitment_frequency,
        max(own_term_months) over of_commitment as commitment_term_months,
        min(first_day) over of_commitment as commitment_first_day,
        max(last_day) over of_commitment as commitment_last_day
    from named
    window
        of_order as (partition by source, kind, order_id, billing_currency),
        whole_order as (partition by source, kind, order_id),
        of_commitment as (partition by source, kind, order_id, commitment_id),
        by_product as (
            partition by source, kind, order_id, commitment_id
            order by
                own_product_preference asc nulls last,
                own_product_date desc nulls last,
                own_product,
                billing_currency
        ),
        by_region as (
            partition by source, kind, order_id, commitment_id
            order by
                own_region_preference asc nulls last,
                own_region_date desc nulls last,
                own_region,
                billing_currency
        ),
        by_owner as (
            partition by source, kind, order_id, commitment_id
            order by own_owner_rank asc nulls last, billing_currency
        ),
        by_order_owner as (
            partition by source, kind, order_id
            order by commitment_id asc nulls first, own_owner_rank asc nulls last, billing_currency
        )
),

-- Shares of an order are differences of running sums, so that they add up to its
-- purchase to the last decimal.
running as (
    select
        *,
        sum(weight) over of_order as order_weight,
        sum(weight) over (
            partition by source, kind, order_id, billing_currency
            order by commitment_id
            rows between unbounded preceding and current row
        ) as weight_through,
        row_number() over (
            partition by source, kind, order_id, billing_currency
            order by commitment_id
        ) as position,
        count(*) over of_order as sharers
    from ordered
    where
        commitment_id is not null
        or members = 0
        -- Amortized under the order alone: kept, so that nothing is lost.
        or used_cost is not null
        or unused_cost is not null
    window of_order as (partition by source, kind, order_id, billing_currency)
),

shared as (
    select
        *,
        case
            when sharers = 1 then 1.0
            when order_weight <> 0 then weight_through
            else position * 1.0
        end as share_through,
        case
            when sharers = 1 then 0.0
            when order_weight <> 0 then weight_through - weight
            else (position - 1) * 1.0
        end as share_before,
        case
            when sharers = 1 then 1.0
            when order_weight <> 0 then order_weight
            else sharers * 1.0
        end as share_of,
        case when commitment_id is not null then own_amount end as named_amount,
        case when commitment_id is not null then own_refunded end as named_refunded,
        case when commitment_id is not null then own_amount_usd end as named_amount_usd,
        -- An idle row tells its own owner only where no purchase does.
        coalesce(commitment_owner_rank <> 1, true) and coalesce(order_owner_rank = 1, false)
            as is_owner_of_order
    from running
)

select
    source,
    kind,
    order_id,
    commitment_id,
    billing_currency,
    coalesce(own_name, order_name) as name,
    -- What was bought: by its own purchase, else by its order's, else what was used.
    case
        when commitment_product_preference > 1 and order_product_name is not null
            then order_product_name
        else commitment_product
    end as product_name,
    case
        when commitment_region_preference > 1 and order_region is not null then order_region
        else commitment_region
    end as region,
    coalesce(commitment_term_months, order_term_months) as term_months,
    coalesce(commitment_frequency, order_frequency) as frequency,
    coalesce(commitment_first_purchase, order_first_purchase) as first_purchase,
    coalesce(commitment_last_refund, order_last_refund) as last_refund,
    case
        when order_amount is null then named_amount
        else
            coalesce(named_amount, 0)
            + case
                when share_through = share_of then order_amount
                else order_amount * share_through / share_of
            end
            - case
                when share_before = share_of then order_amount
                else order_amount * share_before / share_of
            end
    end as purchased_amount,
    case
        when order_refunded is null then named_refunded
        else
            coalesce(named_refunded, 0)
            + case
                when share_through = share_of then order_refunded
                else order_refunded * share_through / share_of
            end
            - case
                when share_before = share_of then order_refunded
                else order_refunded * share_before / share_of
            end
    end as refunded_amount,
    case
        when order_amount_usd is null then named_amount_usd
        else
            coalesce(named_amount_usd, 0)
            + case
                when share_through = share_of then order_amount_usd
                else order_amount_usd * share_through / share_of
            end
            - case
                when share_before = share_of then order_amount_usd
                else order_amount_usd * share_before / share_of
            end
    end as purchased_amount_usd,
    case
        when order_amount is not null and sharers = 1 then 'order'
        when order_amount is not null and order_weight <> 0 then 'order_shared_by_cost'
        when order_amount is not null then 'order_shared_equally'
        when named_amount is not null then 'commitment'
        else 'unknown'
    end as purchase_basis,
    used_cost,
    unused_cost,
    used_cost_usd,
    unused_cost_usd,
    commitment_first_day as first_day,
    commitment_last_day as last_day,
    case when is_owner_of_order then order_owner_billing_account_id else commitment_owner_billing_account_id end
        as owner_billing_account_id,
    case when is_owner_of_order then order_owner_billing_profile_id else commitment_owner_billing_profile_id end
        as owner_billing_profile_id,
    case when is_owner_of_order then order_owner_customer_tenant_id else commitment_owner_customer_tenant_id end
        as owner_customer_tenant_id,
    case when is_owner_of_order then order_owner_customer_name else commitment_owner_customer_name end
        as owner_customer_name,
    case when is_owner_of_order then order_owner_subscription_id else commitment_owner_subscription_id end
        as owner_subscription_id,
    case when is_owner_of_order then order_owner_subscription_name else commitment_owner_subscription_name end
        as owner_subscription_name,
    case
        when is_owner_of_order or commitment_owner_rank = 1 then 'purchase'
        when commitment_owner_rank = 2 then 'unused'
        else 'unknown'
    end as owner_basis
from shared
