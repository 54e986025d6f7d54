{# The step `rounds`: round by round, pairs are taken in which each is the closest to the other, and with them goes what
   they were part of. is_taken is NULL while a pair is undecided. A recursion on DuckDB; Spark has no windows in one, so
   there each round is a query. #}
{% macro rounds_of_closest(pairs) -%}
    {%- set columns = 'one_source, other_source, one_call, other_call, microseconds_apart' -%}
    {%- if not on_spark() -%}
    rounds as (

        select {{ columns }}, cast(null as boolean) as is_taken from {{ pairs }}

        union all

        {{ next_round('(from rounds where is_taken is null)', columns) }}

    ),
    {%- elif execute -%}
    {{ make_step('rounds', 'select ' ~ columns ~ ', true as is_taken from ' ~ pairs ~ ' where false') }}
    {{ make_step('undecided', 'select ' ~ columns ~ ', cast(null as boolean) as is_taken from ' ~ pairs) }}
    {%- set open = namespace(pairs=true) -%}
    {%- for _ in range(1000) if open.pairs -%}
    {{ make_step('next_round', next_round('(select * from undecided where is_taken is null)', columns)) }}
    {%- set _ = run_query('insert into rounds select * from next_round where is_taken') -%}
    {{ make_step('undecided', 'select * from next_round where is_taken is null') }}
    {%- set open.pairs = run_query('select 1 from undecided limit 1') | length > 0 -%}
    {%- endfor -%}
    {%- if open.pairs -%}
    {{ exceptions.raise_compiler_error('rounds_of_closest: pairs are undecided after 1,000 rounds; raise its limit') }}
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# What is taken of undecided pairs in one round, and what stays undecided. #}
{% macro next_round(undecided, columns) -%}
    select {{ columns }}, case when is_closest then true end as is_taken
        from (
            select
                *,
                bool_or(is_closest) over (partition by one_source, other_source, one_call)
                or bool_or(is_closest) over (partition by one_source, other_source, other_call) as is_decided
            from (
                select
                    *,
                    row_number() over (
                        partition by one_source, other_source, one_call
                        order by microseconds_apart, one_call, other_call
                    )
                    = 1
                    and row_number() over (
                        partition by one_source, other_source, other_call
                        order by microseconds_apart, one_call, other_call
                    )
                    = 1 as is_closest
                from {{ undecided }} as pairs_of_round
            ) as seen
        ) as decided
        where is_closest or not is_decided
{%- endmacro %}
