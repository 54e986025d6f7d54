{# Whose a transcript is: the first folder of its path, where the agent's own folder comes below it; else NULL. #}
{% macro owner_of(agents_folder) -%}
    nullif(regexp_extract(_file, '^([^/.][^/]*)/(.*/)?({{ agents_folder }})/', 1), '')
{%- endmacro %}
