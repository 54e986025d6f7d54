"""Claude Code: the transcripts that it keeps of its sessions, one line per block of an answer.

Docs    https://docs.claude.com/en/docs/claude-code/settings (`cleanupPeriodDays`, 30 by default)
Needs   CLAUDE_CODE_LOGS, a folder or s3:// prefix with `~/.claude/projects`: of one developer, or of each below a
        folder of theirs (`<owner>/projects/...`), for a transcript does not say whose it is
Quirks  A call is one line per block of its answer, each with the usage of the whole; older versions wrote a placeholder
        with one output token first. `--fork-session` copies all lines to a file of a new session. `input_tokens` holds
        neither cache reads nor writes. Only the end of a block is timed: a call's own start is not observable.
        Claude Code also calls Bedrock, Vertex AI and whatever speaks Anthropic's protocol, and does not say which.
        Prompts, completions and attachments are never read.
"""

from connectors._contract import Field, LogFeed, Source

USAGE = "message.usage"

calls = LogFeed(
    source="claude_code",
    name="calls",
    variable="CLAUDE_CODE_LOGS",
    description="Model calls as Claude Code's transcripts hold them, one row per block: which model, how many tokens.",
    file_names=r"\.jsonl(\.gz)?$",
    grows=True,
    json_columns={
        "type": "VARCHAR",
        "timestamp": "VARCHAR",
        "sessionId": "VARCHAR",
        "requestId": "VARCHAR",
        "uuid": "VARCHAR",
        "gitBranch": "VARCHAR",
        "isSidechain": "VARCHAR",
        "isApiErrorMessage": "VARCHAR",
        "message": """STRUCT(
            id VARCHAR, model VARCHAR,
            usage STRUCT(
                input_tokens VARCHAR, cache_read_input_tokens VARCHAR, cache_creation_input_tokens VARCHAR,
                cache_creation STRUCT(ephemeral_1h_input_tokens VARCHAR), output_tokens VARCHAR,
                service_tier VARCHAR, speed VARCHAR))""",
    },
    records="type = 'assistant'",
    fields={
        # A few old lines have no message id; their own is copied with them.
        "message_id": Field("VARCHAR", "coalesce(message.id, uuid)", required=True),
        "request_id": Field("VARCHAR", "requestId"),
        "written_at": Field("ISO", "timestamp", required=True),
        "session_id": Field("VARCHAR", "sessionId"),
        "git_branch": Field("VARCHAR", "gitBranch"),
        "is_sidechain": Field("BOOLEAN", "isSidechain"),
        "is_error": Field("BOOLEAN", "isApiErrorMessage"),
        # Who sold the call, where the id of the answer says so; else the model's name does.
        "provider": Field(
            "VARCHAR",
            "case when starts_with(message.id, 'msg_bdrk_') then 'bedrock'"
            " when starts_with(message.id, 'msg_vrtx_') then 'vertex_ai' end",
        ),
        "model": Field("VARCHAR", "message.model", required=True),
        "service_tier": Field("VARCHAR", f"{USAGE}.service_tier"),
        "speed": Field("VARCHAR", f"{USAGE}.speed"),
        "fresh_input_tokens": Field("BIGINT", f"{USAGE}.input_tokens", required=True),
        "cache_read_tokens": Field("BIGINT", f"{USAGE}.cache_read_input_tokens"),
        "cache_write_tokens": Field("BIGINT", f"{USAGE}.cache_creation_input_tokens"),
        "cache_write_1h_tokens": Field("BIGINT", f"{USAGE}.cache_creation.ephemeral_1h_input_tokens"),
        "output_tokens": Field("BIGINT", f"{USAGE}.output_tokens", required=True),
    },
    # All blocks of a call stand on the day of its first.
    in_file={
        "started_at": Field("EPOCH", "min(written_at) over (partition by _file, message_id, request_id)"),
        "ended_at": Field("EPOCH", "max(written_at) over (partition by _file, message_id, request_id)"),
    },
    recorded_at="started_at",
    record_id="message_id",
    model_names=("provider", "model"),
    rules=(
        (
            "cache_write_1h_tokens > coalesce(cache_write_tokens, 0)",
            "format('1-hour cache writes {} are more than all {}', cache_write_1h_tokens,"
            " coalesce(cache_write_tokens, 0))",
        ),
    ),
)

source = Source(name="claude_code", title="Claude Code transcripts", feeds=(calls,))
