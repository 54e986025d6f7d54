"""Days whose calls were removed: what the lake keeps of them is what the event half had made of them, row by row.

`raw/kept__<table>/day=YYYY-MM-DD/rows.parquet` holds the day's rows of `intermediate.int_<table>`. `usage_daily` is
written last: where it is, the day is kept, and calls of that day that are (still, or again) in the lake do not count.
A cluster puts its days there, too (`pipelines/cluster.py`), and again when their calls change.
"""

from datetime import date

from pipelines.lake import Lake
from pipelines.loading import KEPT_DAYS, lake_days

USAGE = "usage_daily"
# Parquet has no HUGEINT; what one caller uses on one day fits a BIGINT.
KEPT = {
    "usage_hourly": {
        "utc_date": "DATE", "usage_date": "DATE", "usage_hour": "BIGINT", "identity_key": "VARCHAR",
        "requests": "BIGINT", "input_tokens": "BIGINT", "output_tokens": "BIGINT", "total_tokens": "BIGINT",
    },
    "sessions_daily": {
        "utc_date": "DATE", "usage_date": "DATE", "session_id": "VARCHAR", "task_id": "VARCHAR",
        "identity_key": "VARCHAR", "requests": "BIGINT",
    },
    "concurrency_daily": {
        "utc_date": "DATE", "usage_date": "DATE", "usage_hour": "INTEGER", "in_flight": "INTEGER",
        "requests": "BIGINT", "seconds": "DECIMAL(18,6)",
    },
    "suspected_daily": {
        "utc_date": "DATE", "usage_date": "DATE", "provider": "VARCHAR", "model": "VARCHAR", "source": "VARCHAR",
        "identity_key": "VARCHAR", "like_source": "VARCHAR", "like_identity_key": "VARCHAR",
        "is_same_session": "BOOLEAN", "requests": "BIGINT", "total_tokens": "BIGINT",
    },
    USAGE: {
        "utc_date": "DATE", "usage_date": "DATE", "source": "VARCHAR", "observers": "VARCHAR",
        "observer_layers": "VARCHAR", "route": "VARCHAR", "provider": "VARCHAR", "model": "VARCHAR",
        "price_provider": "VARCHAR", "price_model": "VARCHAR", "is_unpriced": "BOOLEAN", "identity_key": "VARCHAR",
        "user_email": "VARCHAR", "user_id": "VARCHAR", "key_alias": "VARCHAR", "key_hash": "VARCHAR",
        "gateway_team_id": "VARCHAR", "agent_user": "VARCHAR", "device": "VARCHAR", "task_id": "VARCHAR",
        "task_source": "VARCHAR", "task_type": "VARCHAR", "requests": "BIGINT", "failed_requests": "BIGINT",
        "cache_hit_requests": "BIGINT", "input_tokens": "BIGINT", "cache_read_tokens": "BIGINT",
        "cache_write_tokens": "BIGINT", "cache_write_1h_tokens": "BIGINT", "output_tokens": "BIGINT",
        "reasoning_tokens": "BIGINT", "total_tokens": "BIGINT", "estimated_tokens": "BIGINT",
        "fresh_input_list_usd": "DECIMAL(38,12)", "cache_read_list_usd": "DECIMAL(38,12)",
        "cache_write_5m_list_usd": "DECIMAL(38,12)", "cache_write_1h_list_usd": "DECIMAL(38,12)",
        "output_list_usd": "DECIMAL(38,12)", "request_list_usd": "DECIMAL(38,12)", "reported_usd": "DECIMAL(38,9)",
        "first_used_at": "TIMESTAMP", "last_used_at": "TIMESTAMP",
    },
}  # fmt: skip


def kept_path(table: str, day: date) -> str:
    """Where the lake keeps the rows of a day."""
    return f"raw/kept__{table}/day={day}/rows.parquet"


def kept_days(lake: Lake) -> dict[date, list[str]]:
    """UTC day -> stamps of its kept rows."""
    days = lake_days(lake, KEPT_DAYS)
    for table in KEPT.keys() - {USAGE}:
        for day, stamps in lake_days(lake, f"kept__{table}").items():
            if day in days:
                days[day] = sorted([*days[day], *stamps])
    return days
