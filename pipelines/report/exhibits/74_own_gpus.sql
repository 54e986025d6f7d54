-- From how many tokens a month on own GPUs cost no more than the API: the earliest price first, staff counted.
with running as (
    from plan.break_even where month = (select max(month) from plan.cap_utilization)
)
select
    null as team_id, gpu_demand_tokens, break_even_tokens, reached_ratio, verdict, model, gpu, api_usd, own_usd,
    staff_hours
from running
where staff = 'with'
qualify row_number() over (order by break_even_tokens nulls last, own_usd) = 1;

select
    model as open_model, gpu, gpu_price, utilization, break_even_tokens, gpu_demand_tokens, reached_ratio, verdict,
    api_usd, own_usd, api_usd_per_mtok, gpu_usd_per_mtok, least_gpus, usd_per_gpu_hour as gpu_hour_usd, staff_usd
from plan.break_even
where month = (select max(month) from plan.cap_utilization) and staff = 'with'
order by break_even_tokens nulls last, own_usd, open_model, gpu, gpu_price, utilization;
