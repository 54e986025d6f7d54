{# A branch that is made for a piece of work names it; NULL for the branches that everybody works on. #}
{% macro task_of_branch() -%}
    case when git_branch not in ('main', 'master', 'HEAD') then git_branch end
{%- endmacro %}
