-- Every row, token and dollar of the daily bill stands once in FOCUS, and its kinds of tokens add up.

{{ config(meta={'dagster': {'ref': {'name': 'focus_cost_and_usage'}}}) }}

with

bill as (

    select count(*) as lines, sum(total_tokens) as tokens, sum(billed_usd) as usd
    from {{ ref('fct_billed_daily') }}

),

focus as (

    select
        count(*) as lines,
        sum("ConsumedQuantity") as tokens,
        sum("x_InputUncachedTokens" + "x_InputReadTokens" + "x_InputWriteTokens" + "x_OutputTokens") as parts_tokens,
        sum("BilledCost") as usd
    from {{ ref('focus_cost_and_usage') }}

)

select *
from bill
cross join focus
where
    bill.lines != focus.lines
    or coalesce(bill.tokens, 0) != coalesce(focus.tokens, 0)
    or coalesce(bill.tokens, 0) != coalesce(focus.parts_tokens, 0)
    or coalesce(bill.usd, 0) != coalesce(focus.usd, 0)
