-- question: By which scopes is cost told, and by what within them?
-- grain: scope_type, member_type
-- sources: none
-- columns:
--   scope_type: source, billing_account, billing_profile, reseller, customer_tenant or subscription
--   member_type: whole: the scope as one; customer_tenant or subscription: each of those in it
select
    column1 as scope_type,
    column2 as member_type
from (
    values
    ('source', 'whole'),
    ('source', 'customer_tenant'),
    ('source', 'subscription'),
    ('billing_account', 'whole'),
    ('billing_account', 'customer_tenant'),
    ('billing_account', 'subscription'),
    ('billing_profile', 'whole'),
    ('billing_profile', 'customer_tenant'),
    ('billing_profile', 'subscription'),
    ('reseller', 'whole'),
    ('reseller', 'customer_tenant'),
    ('reseller', 'subscription'),
    ('customer_tenant', 'whole'),
    ('customer_tenant', 'customer_tenant'),
    ('customer_tenant', 'subscription'),
    ('subscription', 'whole'),
    ('subscription', 'customer_tenant'),
    ('subscription', 'subscription')
)
