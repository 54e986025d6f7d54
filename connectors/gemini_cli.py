"""Gemini CLI: the chats that it keeps of its sessions.

Docs    https://github.com/google-gemini/gemini-cli/blob/main/docs/cli/session-management.md
Needs   GEMINI_LOGS, a folder or s3:// prefix with `~/.gemini/tmp`: of one developer, or of each below a folder of
        theirs (`<owner>/tmp/...`), for a chat does not say whose it is
Quirks  Messages come as lines of their own and within `$set` lines, which say again what is known; one that changes is
        said again under its id. `input` holds the cached tokens but not those of tool use, `output` not the thoughts.
        Versions before 0.50 wrote one JSON document per session (session-*.json): those are told as unreadable. Only
        the end of a call is timed. Prompts and completions are never read.
"""

from connectors._contract import Field, LogFeed, Source

TOKENS = ("input", "output", "cached", "thoughts", "tool", "total")
MESSAGE = {
    "id": "VARCHAR",
    "timestamp": "VARCHAR",
    "type": "VARCHAR",
    "model": "VARCHAR",
    "tokens": f"STRUCT({', '.join(f'{name} VARCHAR' for name in TOKENS)})",
}
DECLARED = ", ".join(f'"{name}" {kind}' for name, kind in MESSAGE.items())
PACKED = ", ".join(f'"{name}" := "{name}"' for name in MESSAGE)

calls = LogFeed(
    source="gemini_cli",
    name="calls",
    variable="GEMINI_LOGS",
    description="Model calls as Gemini CLI's chats hold them: which model, how many tokens.",
    file_names=r"(^|/)chats/.*\.jsonl?(\.gz)?$",
    endings=(".jsonl", ".jsonl.gz"),
    grows=True,
    json_columns={
        **MESSAGE,
        "sessionId": "VARCHAR",
        "$set": f"STRUCT(lastUpdated VARCHAR, messages STRUCT({DECLARED})[])",
    },
    unnested={"said": f"""list_concat([struct_pack({PACKED})], "$set".messages)"""},
    records="sessionId is not null or (said.type = 'gemini' and said.tokens is not null)",
    fields={
        "message_id": Field("VARCHAR", "said.id"),
        "ended_at": Field("ISO", "said.timestamp"),
        "own_session_id": Field("VARCHAR", "sessionId", kept=False),
        "provider": Field("VARCHAR", "'gemini'"),
        "model": Field("VARCHAR", "said.model"),
        "prompt_tokens": Field("BIGINT", "said.tokens.input"),
        "cached_tokens": Field("BIGINT", "said.tokens.cached"),
        "tool_tokens": Field("BIGINT", "said.tokens.tool"),
        "candidates_tokens": Field("BIGINT", "said.tokens.output"),
        "thoughts_tokens": Field("BIGINT", "said.tokens.thoughts"),
    },
    in_file={"session_id": Field("VARCHAR", "first_value(own_session_id ignore nulls) over in_file")},
    kept_if="message_id is not null",
    recorded_at="ended_at",
    record_id="message_id",
    model_names=("provider", "model"),
    shapes=tuple(
        (f"said.type = 'gemini' and said.tokens is not null and said.{name} is null", f"'said.{name} is missing'")
        for name in ("id", "timestamp", "model", "tokens.input", "tokens.output")
    ),
    rules=(
        (
            "cached_tokens > prompt_tokens + coalesce(tool_tokens, 0)",
            "format('cached {} is more than input {} and tool use {}', cached_tokens, prompt_tokens,"
            " coalesce(tool_tokens, 0))",
        ),
    ),
)

source = Source(name="gemini_cli", title="Gemini CLI chats", feeds=(calls,))
