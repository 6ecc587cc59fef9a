-- key: source order_id benefit_id date billing_currency
select * exclude (commitment_id), coalesce(commitment_id, order_id) as benefit_id
from utilization_of('utilized_day')
