-- Tokens and cost per month, and how they grow. The running month is not complete and is compared with nothing.
select
    if(scope = 'org', null, scope_id) as team_id, month, total_tokens, month_over_month_ratio,
    fitted_monthly_growth_ratio, fitted_months, band, is_complete
from plan.growth_trends
where scope in ('org', 'team')
qualify row_number() over (partition by scope, scope_id order by is_complete desc, month desc) = 1;

select
    if(scope = 'org', null, scope_id) as team_id, month, total_tokens, cost_usd, working_days, is_complete,
    month_over_month_ratio, fitted_monthly_growth_ratio, fitted_monthly_growth_ratio_p10,
    fitted_monthly_growth_ratio_p90, band
from plan.growth_trends
where scope in ('org', 'team')
order by team_id nulls first, month;
