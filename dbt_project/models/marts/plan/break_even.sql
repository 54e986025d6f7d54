-- Own GPUs against the measured API mix. Staff and the GPUs that hold the model are paid whatever the use; beyond
-- them a token costs its share of a GPU that is busy for a part of its hours. A line, not a number: one row for each
-- combination of what decides it.

with

sized as (select * from {{ ref('self_hosted_sizing') }} where gpus_needed is not null),

utilizations as (

    select 'low' as utilization, {{ assumption('gpu_utilization_low') }}::double as utilization_ratio
    union all
    select 'mid' as utilization, {{ assumption('gpu_utilization_mid') }}::double as utilization_ratio
    union all
    select 'high' as utilization, {{ assumption('gpu_utilization_high') }}::double as utilization_ratio

),

staff as (

    select 'without' as staff, 0::double as staff_hours, 0::double as staff_usd
    union all
    select
        'with' as staff,
        {{ assumption('self_hosted_staff_hours') }}::double as staff_hours,
        {{ assumption('self_hosted_staff_hours') }}::double * {{ assumption('developer_usd_per_hour') }}::double
            as staff_usd

),

cases as (

    select
        sized.*,
        round(demand.usd_per_mtok, 6) as api_usd_per_mtok,
        prices.gpu_price,
        case when prices.gpu_price = 'low' then sized.usd_per_hour_low else sized.usd_per_hour_high end
            as usd_per_gpu_hour,
        utilizations.utilization,
        utilizations.utilization_ratio as assumed_utilization_ratio,
        staff.staff,
        staff.staff_hours,
        staff.staff_usd
    from sized
    inner join {{ ref('demand') }} as demand using (month, scope, scope_id)
    cross join (values ('low'), ('high')) as prices (gpu_price)
    cross join utilizations
    cross join staff

),

costs as (

    select
        *,
        round(gpu_usd(gpus_per_replica, gpu_hours_per_day, working_days, usd_per_gpu_hour), 6) as least_gpu_usd,
        round(
            1000000 * gpu_usd(1, gpu_hours_per_day, working_days, usd_per_gpu_hour)
            / (most_tokens_per_gpu * assumed_utilization_ratio),
            6
        ) as gpu_usd_per_mtok
    from cases

)

select
    month,
    scope,
    scope_id,
    model,
    gpu,
    gpu_price,
    utilization,
    staff,
    round(break_even_tokens(staff_usd, least_gpu_usd, gpu_usd_per_mtok, api_usd_per_mtok))::bigint
        as break_even_tokens,
    gpu_demand_tokens,
    round(gpu_demand_tokens / break_even_tokens, 6) as reached_ratio,
    case
        when break_even_tokens is null then 'API at any volume'
        when gpu_demand_tokens < break_even_tokens then 'API'
        else 'own GPUs'
    end as verdict,
    api_usd_per_mtok,
    round(gpu_demand_tokens * api_usd_per_mtok / 1000000, 6) as api_usd,
    round(staff_usd + greatest(least_gpu_usd, gpu_demand_tokens * gpu_usd_per_mtok / 1000000), 6) as own_usd,
    gpu_usd_per_mtok,
    usd_per_gpu_hour,
    gpu_hours_per_day,
    working_days,
    gpus_per_replica as least_gpus,
    least_gpu_usd,
    most_tokens_per_gpu,
    assumed_utilization_ratio as utilization_ratio,
    staff_hours,
    staff_usd
from costs
