{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'reported_costs'}}}) }}

select * from {{ ref('reported_costs') }}
