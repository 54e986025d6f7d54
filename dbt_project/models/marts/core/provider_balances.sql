select
    'deepseek' as provider,
    balances.day as usage_date,
    balances.currency,
    balances.balance,
    balances.granted as granted_balance,
    balances.topped_up as topped_up_balance,
    balances.known_at
from {{ source('raw', 'deepseek__balance') }} as balances
cross join {{ source('raw', 'paceline__run') }} as run
where balances.day <= run.as_of_date
qualify balances.known_at = max(balances.known_at) over (partition by balances.day)
