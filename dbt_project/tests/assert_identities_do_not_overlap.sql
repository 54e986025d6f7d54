-- No name stands for two developers, and no developer is in two teams, on the same day: all of its tokens would be
-- counted twice. (Two rows of developers.csv with one email address overlap, too.)

{{ config(meta={'dagster': {'ref': {'name': 'int_identities_dated'}}}) }}

with

spans as (

    select kind, value, developer_id as stands_for, valid_from, valid_to
    from {{ ref('int_identities_dated') }}

    union all

    select 'developer_id' as kind, developer_id as value, team_id as stands_for, valid_from, valid_to
    from {{ ref('int_developers_dated') }}

),

numbered as (select *, row_number() over (order by kind, value, valid_from, valid_to, stands_for) as n from spans)

select
    one.kind,
    one.value,
    one.stands_for,
    other.stands_for as stands_for_also,
    greatest(one.valid_from, other.valid_from) as from_date,
    least(one.valid_to, other.valid_to) as to_date
from numbered as one
inner join numbered as other
    on one.kind = other.kind
    and one.value = other.value
    and one.n < other.n
    and one.valid_from <= other.valid_to
    and other.valid_from <= one.valid_to
