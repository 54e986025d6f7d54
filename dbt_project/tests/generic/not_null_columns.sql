{# None of these columns is ever NULL. One test for all of them, for each test costs every run its time. #}
{% test not_null_columns(model, columns) %}

select {{ columns | join(', ') }}
from {{ model }}
where {{ columns | join(' is null or ') }} is null

{% endtest %}
