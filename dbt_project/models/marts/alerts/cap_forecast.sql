-- The month will probably reach its cap. Once most of it is used cap_level says so, and this only holds.

with

findings as (

    select
        'cap_forecast' as kind,
        0 as level,
        'digest' as urgency,
        probability_over >= {{ assumption('breach_call_probability') }}
        and used_ratio < {{ assumption('alert_level_near') }} as is_firing,
        strftime(month, '%Y-%m') as period,
        * exclude (is_as_of_month),
        {{ assumption('breach_call_probability') }}::double as limit_probability,
        format(
            'select usage_date, is_past, projected_tokens, projected_usd from plan.month_end_path '
            || 'where scope = ''{}'' and scope_id = ''{}'' order by usage_date',
            scope,
            replace(scope_id, '''', '''''')
        ) as query
    from {{ ref('caps_watched') }}
    where
        is_as_of_month
        and scope != 'pool'
        and day(as_of_date) >= {{ assumption('forecast_alert_from_day') }}
        and probability_over >= {{ assumption('forecast_clear_probability') }}

)

{{ addressed('findings') }}
