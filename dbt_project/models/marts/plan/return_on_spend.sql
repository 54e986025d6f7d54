-- Spend is worth it while a dollar saves roi_low to roi_high. What a task saves is an assumption, and the first thing
-- to measure.

with

assumed as (

    select
        {{ assumption('minutes_saved_per_task') }}::double as minutes_saved_per_task,
        {{ assumption('developer_usd_per_hour') }}::double as developer_usd_per_hour,
        {{ assumption('roi_low') }}::double as roi_low,
        {{ assumption('roi_high') }}::double as roi_high

)

select
    demand.month,
    demand.scope,
    demand.scope_id,
    demand.task_unit,
    round(demand.demand_tokens / demand.tokens_per_task, 6) as tasks,
    demand.demand_usd as cost_usd,
    assumed.minutes_saved_per_task,
    assumed.developer_usd_per_hour,
    tasks * assumed.minutes_saved_per_task / 60 * assumed.developer_usd_per_hour as value_usd,
    value_usd / nullif(demand.demand_usd, 0) as return_ratio,
    assumed.roi_low,
    assumed.roi_high,
    case
        when return_ratio < assumed.roi_low then 'below'
        when return_ratio < assumed.roi_high then 'worth it'
        when return_ratio is not null then 'clearly worth it'
    end as verdict,
    value_usd / assumed.roi_low as worth_up_to_usd,
    round(worth_up_to_usd * 1000000 / nullif(demand.usd_per_mtok, 0))::bigint as worth_up_to_tokens,
    round(demand.demand_usd * 60 / nullif(tasks * assumed.developer_usd_per_hour, 0) * assumed.roi_low, 6)
        as minutes_saved_needed_per_task
from {{ ref('demand') }} as demand
cross join assumed
