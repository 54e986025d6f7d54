{# No two rows agree in all of `columns` (NULL is a value like any other there), and none of `not_null` is ever NULL.
   One test for both, for each test costs every run its time. #}
{% test grain(model, columns=[], not_null=[]) %}

{% if columns %}
select count(*) || ' rows' as wrong, cast(row({{ columns | join(', ') }}) as varchar) as found
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endif %}
{% if columns and not_null %}
union all
{% endif %}
{% if not_null %}
select 'NULL' as wrong, cast(row({{ not_null | join(', ') }}) as varchar) as found
from {{ model }}
where {{ not_null | join(' is null or ') }} is null
{% endif %}

{% endtest %}
