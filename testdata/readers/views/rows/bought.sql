-- Reservations and savings plans: what was paid for each, by whom, and what was used.
create table amortized_parts as
select source, kind, order_id, commitment_id, billing_currency,
    coalesce(sum(cost) filter (where part = 'used'), 0) as used_cost,
    coalesce(sum(cost) filter (where part = 'unused'), 0) as unused_cost,
    coalesce(sum(cost_usd) filter (where part = 'used'), 0) as used_cost_usd,
    coalesce(sum(cost_usd) filter (where part = 'unused'), 0) as unused_cost_usd
from committed where part <> 'bought' group by all;

create table payments as
select source, kind, order_id, commitment_id, billing_currency,
    sum(cost) as amount, sum(cost_usd) as amount_usd,
    sum(cost) filter (where charge_type = 'Refund') as refunded
from committed where part = 'bought' group by all;

-- What an order holds, per currency; an order of which nothing is named stands for itself.
create table held as
with named as (
    select source, kind, order_id, commitment_id, billing_currency from amortized_parts
    where commitment_id is not null
    union
    select source, kind, order_id, commitment_id, billing_currency from payments
    where commitment_id is not null
),
alone as (
    select source, kind, order_id, null::text as commitment_id, billing_currency from amortized_parts
    union
    select source, kind, order_id, null, billing_currency from payments
)
select * from named
union all
select * from alone anti join named using (source, kind, order_id, billing_currency);

create table bought as
with weighed as (
    select held.*, parts.* exclude (source, kind, order_id, commitment_id, billing_currency),
        own.amount as own_amount, own.amount_usd as own_amount_usd, own.refunded as own_refunded,
        whole.amount as order_amount, whole.amount_usd as order_amount_usd,
        whole.refunded as order_refunded,
        coalesce(used_cost + unused_cost, 0) as weight,
        sum(coalesce(used_cost + unused_cost, 0)) over members as total_weight,
        count(*) over members as members
    from held
    left join amortized_parts parts on held.source = parts.source and held.kind = parts.kind
        and held.order_id = parts.order_id
        and held.commitment_id is not distinct from parts.commitment_id
        and held.billing_currency = parts.billing_currency
    left join payments own on held.source = own.source and held.kind = own.kind
        and held.order_id = own.order_id and held.commitment_id = own.commitment_id
        and held.billing_currency = own.billing_currency
    left join payments whole on held.source = whole.source and held.kind = whole.kind
        and held.order_id = whole.order_id and whole.commitment_id is null
        and held.billing_currency = whole.billing_currency
    window members as (partition by held.source, held.kind, held.order_id, held.billing_currency)
),
shared as (
    select *,
        case when total_weight <> 0 then weight / total_weight else 1.0 / members end as share
    from weighed
)
select * exclude (members, share, weight, total_weight),
    case when own_amount is null and order_amount is null then null
        else coalesce(own_amount, 0) + coalesce(share * order_amount, 0) end as purchased_amount,
    case when own_amount is null and order_amount is null then null
        else coalesce(own_amount_usd, 0) + coalesce(share * order_amount_usd, 0)
        end as purchased_amount_usd,
    case when own_refunded is null and order_refunded is null then null
        else coalesce(own_refunded, 0) + coalesce(share * order_refunded, 0) end as refunded_amount,
    case when own_amount is null and order_amount is null then 'unknown'
        when order_amount is null then 'commitment'
        when members = 1 then 'order'
        when total_weight <> 0 then 'order_shared_by_cost'
        else 'order_shared_equally' end as purchase_basis
from shared;

-- The rows that tell a commitment's facts, in any currency: its own and its order's.
create table facts as
select members.*, row.* exclude (source, kind, order_id, commitment_id),
    row.commitment_id is not distinct from members.commitment_id as is_own
from (select distinct source, kind, order_id, commitment_id from bought) members
join committed row on row.source = members.source and row.kind = members.kind
    and row.order_id = members.order_id
    and (row.commitment_id is not distinct from members.commitment_id
        or row.commitment_id is null and row.part = 'bought');

create table owners as
with ranked as (
    select *,
        case part when 'bought' then 'purchase' else 'unused' end as owner_basis,
        row_number() over (
            partition by source, kind, order_id, commitment_id
            order by part, is_own desc, subscription_id is null, date desc
        ) as place
    from facts
    where part = 'unused' or charge_type = 'Purchase'
)
select source, kind, order_id, commitment_id, owner_basis,
    billing_account_id, billing_profile_id, customer_tenant_id, subscription_id
from ranked where place = 1;
