-- Every row once per scope type; a row without the scope's key stands under NULL.
create macro in_scopes(rows_of) as table
    select unnest([
            {'scope_type': 'billing_account', 'scope_id': billing_account_id},
            {'scope_type': 'billing_profile', 'scope_id': billing_profile_id},
            {'scope_type': 'customer_tenant', 'scope_id': customer_tenant_id},
            {'scope_type': 'subscription', 'scope_id': subscription_id}
        ], recursive := true), *
    from query_table(rows_of);
create table typed_in_scopes as select * from in_scopes('typed');
create table priced_in_scopes as select * from in_scopes('priced');
