-- What scopes are called: on the last day of a month that names them, and at last.
create table named as
select source, billing_month, date, scope_type, scope_id,
    case scope_type
        when 'billing_account' then billing_account_name
        when 'billing_profile' then billing_profile_name
        when 'customer_tenant' then customer_name
        else subscription_name
    end as scope_name
from typed_in_scopes
where scope_id is not null and scope_name is not null;

create table names_in_month as
select source, billing_month, scope_type, scope_id, max_by(scope_name, (date, scope_name)) as scope_name
from named group by all;

create table latest_names as
select source, scope_type, scope_id,
    max_by(scope_name, (billing_month, date, scope_name)) as scope_name
from named group by all;
