"""OpenAI: usage and costs of an organisation's API platform, and who owns which key.

Docs    https://platform.openai.com/docs/api-reference/usage
Needs   OPENAI_ADMIN_KEY, an Admin key (sk-admin-...); ordinary keys are refused
Quirks  Amounts are dollars, as JSON numbers. Input includes cached and cache-write tokens. Costs and usage share no
        key but day, project, key and model: a cost's `line_item` is "model, meter" or the bare name of a tool.
        Costs cannot be grouped by key before 2025-12-06. A page token is refused when its `=` is escaped.
"""

from datetime import date

from connectors._contract import Api, ApiFeed, Column, Source, Window

API = Api(
    base_url_variable="OPENAI_BASE_URL",
    base_url="https://api.openai.com/v1",
    key_variable="OPENAI_ADMIN_KEY",
    headers={"Authorization": "Bearer {key}"},
    key_hint="an Admin key (sk-admin-...), made by an owner of the organisation under Settings, Admin keys",
)
BY_DAY = Window("start_time", "end_time", "epoch", 31, "start_time")
WHO = {
    "account_id": Column("VARCHAR", "project_id"),
    "provider_api_key_id": Column("VARCHAR", "api_key_id"),
    "user_id": Column("VARCHAR", "user_id"),
    "model": Column("VARCHAR", "model"),
}
BY_WHO = ["project_id", "user_id", "api_key_id", "model"]
CALLS = {"requests": Column("BIGINT", "num_model_requests")}
INPUT = {"input_tokens": Column("BIGINT", "input_tokens", required=True)}
# Stream -> what it counts, and what it can be grouped by. Money of all of them is in `costs`.
STREAMS = {
    "completions": (
        WHO
        | {"service_tier": Column("VARCHAR", "service_tier"), "batch": Column("BOOLEAN", "batch")}
        | INPUT
        | {
            "cache_read_tokens": Column("BIGINT", "input_cached_tokens"),
            "cache_write_tokens": Column("BIGINT", "input_cache_write_tokens"),
            "output_tokens": Column("BIGINT", "output_tokens", required=True),
        }
        | CALLS,
        [*BY_WHO, "service_tier", "batch"],
    ),
    "embeddings": (WHO | INPUT | CALLS, BY_WHO),
    "moderations": (WHO | INPUT | CALLS, BY_WHO),
    "images": (WHO | {"images": Column("BIGINT", "images", required=True)} | CALLS, BY_WHO),
    "audio_speeches": (WHO | {"characters": Column("BIGINT", "characters", required=True)} | CALLS, BY_WHO),
    "audio_transcriptions": (WHO | {"seconds": Column("BIGINT", "seconds", required=True)} | CALLS, BY_WHO),
    "code_interpreter_sessions": (
        {"account_id": WHO["account_id"], "sessions": Column("BIGINT", "num_sessions")},
        ["project_id"],
    ),
    "vector_stores": (
        {"account_id": WHO["account_id"], "bytes": Column("BIGINT", "usage_bytes", required=True)},
        ["project_id"],
    ),
}

usage = tuple(
    ApiFeed(
        source="openai", name=stream, api=API, window=BY_DAY, rows="results", restated_days=3,
        description=f"Use of {stream.replace('_', ' ')} per day, {', '.join(grouping)}, as OpenAI bills it.",
        path=f"/organization/usage/{stream}", params={"bucket_width": "1d", "limit": 31, "group_by": grouping},
        columns=columns, model_name="model" if "model" in columns else None,
    )
    for stream, (columns, grouping) in STREAMS.items()
)  # fmt: skip
costs = ApiFeed(
    source="openai", name="costs", api=API, rows="results", restated_days=14,
    description="Dollars per day, project, key and line item.",
    window=Window("start_time", "end_time", "epoch", 180, "start_time", oldest=date(2025, 12, 6)),
    path="/organization/costs",
    params={"bucket_width": "1d", "limit": 180, "group_by": ["project_id", "api_key_id", "line_item"]},
    columns={
        "account_id": Column("VARCHAR", "project_id"),
        "provider_api_key_id": Column("VARCHAR", "api_key_id"),
        "line_item": Column("VARCHAR", "line_item"),
        "billed_usd": Column("USD", "amount.value", required=True),
        "currency": Column("VARCHAR", "amount.currency", required=True),
    },
)  # fmt: skip
users = ApiFeed(
    source="openai", name="users", api=API, path="/organization/users", params={"limit": 100},
    cursor=("after", "last_id"), description="Members of the organisation.",
    columns={"id": Column("VARCHAR", "id", required=True), "email": Column("VARCHAR", "email")},
)  # fmt: skip
projects = ApiFeed(
    source="openai", name="projects", api=API, path="/organization/projects",
    params={"limit": 100, "include_archived": "true"}, cursor=("after", "last_id"),
    description="Projects, archived ones too, for their names.",
    columns={"id": Column("VARCHAR", "id", required=True), "name": Column("VARCHAR", "name")},
)  # fmt: skip
api_keys = ApiFeed(
    source="openai", name="api_keys", api=API, path="/organization/projects/{id}/api_keys", parent=projects,
    params={"limit": 100, "owner_project_access": "any"}, cursor=("after", "last_id"),
    description="API keys of every project and whose they are.",
    columns={
        "id": Column("VARCHAR", "id", required=True),
        "name": Column("VARCHAR", "name"),
        "owner_id": Column("VARCHAR", "owner.user.id"),
        "owner_email": Column("VARCHAR", "owner.user.email"),
    },
)  # fmt: skip

source = Source(
    name="openai",
    title="OpenAI",
    feeds=(*usage, costs, users, projects, api_keys),
)
