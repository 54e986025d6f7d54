-- What prompt caching saved at list prices, per month.
select
    if(scope = 'org', null, scope_id) as team_id, month, cache_read_ratio, saved_usd, saved_of_bill_ratio, target_ratio
from plan.cache_effect
qualify row_number() over (partition by scope, scope_id order by month desc) = 1;

select
    if(scope = 'org', null, scope_id) as team_id, month, cache_read_ratio, target_ratio, saved_usd, saved_of_bill_ratio,
    input_usd, input_without_cache_usd, target_saves_of_bill_ratio, input_tokens, cache_read_tokens, cache_write_tokens
from plan.cache_effect
order by team_id nulls first, month;
