"""Codex CLI: the rollouts that it keeps of its sessions.

Docs    https://github.com/openai/codex/blob/main/docs/config.md (`CODEX_HOME`)
Needs   CODEX_LOGS, a folder or s3:// prefix with `~/.codex/sessions` and `archived_sessions`: of one developer,
        or of each below a folder of theirs (`<owner>/sessions/...`), for a rollout does not say whose it is
Quirks  A call is a `token_usage_record` with an id of its own (seen in 0.169). Older files have only the session's
        totals so far (`token_count`), which repeat and begin again from zero; newer ones have them beside the records.
        A fork repeats the lines of the session that it came from, under the time of the fork.
        The model and the branch stand in earlier lines. A session that is resumed goes on in its file, whose folder
        keeps the date of its beginning. `input_tokens` holds the cached ones, `output_tokens` the reasoning. Only the
        end of a call is timed. Prompts and completions are never read.
"""

from connectors._contract import Field, LogFeed, Source

COUNTS = {
    "input_tokens": "input_tokens",
    "cache_read_tokens": "cached_input_tokens",
    "cache_write_tokens": "cache_write_input_tokens",
    "output_tokens": "output_tokens",
    "reasoning_tokens": "reasoning_output_tokens",
}
USAGE = f"STRUCT({', '.join(f'{name} VARCHAR' for name in (*COUNTS.values(), 'total_tokens'))})"

# What the session had used when a line was written. It falls when the counter began again.
SO_FAR = "coalesce(payload.thread_token_usage, payload.info.total_token_usage)"
BEFORE = "lag(all_tokens_so_far, 1, 0 ignore nulls) over in_file"
BEGAN_AGAIN = f"all_tokens_so_far < {BEFORE}"


# A fork begins with its own first line and what it takes over: the other session's first line and all that followed. It
# is written in one go, under the time of the fork.
IS_TAKEN_OVER = """
    last_value(own_thread_id ignore nulls) over in_file != first_value(own_thread_id ignore nulls) over in_file
    and ended_at < first_value(ended_at) over in_file + interval 1 second"""
# From the first record on every call has one, so a total beside it is no other call; nor is one just before it.
IS_RECORDED = """
    count(response_id) over in_file > 0
    or all_tokens_so_far = first_value(case when response_id is not null then all_tokens_so_far end ignore nulls)
        over (in_file rows between current row and unbounded following)"""


def used(name: str) -> str:
    """Tokens of one call: as recorded, else by how much the session's total grew."""
    grown = f"{name}_so_far - lag({name}_so_far, 1, 0 ignore nulls) over in_file"
    return f"coalesce({name}_recorded, case when {BEGAN_AGAIN} then {name}_so_far else greatest({grown}, 0) end)"


calls = LogFeed(
    source="codex",
    name="calls",
    variable="CODEX_LOGS",
    description="Model calls as Codex's rollouts hold them: which model, how many tokens.",
    file_names=r"rollout-[^/]*\.jsonl(\.gz)?$",
    grows=True,
    json_columns={
        "type": "VARCHAR",
        "timestamp": "VARCHAR",
        "payload": f"""STRUCT(
            "type" VARCHAR, id VARCHAR, session_id VARCHAR, thread_id VARCHAR, model VARCHAR,
            git STRUCT(branch VARCHAR), response_id VARCHAR, usage {USAGE}, thread_token_usage {USAGE},
            info STRUCT(total_token_usage {USAGE}))""",
    },
    records="""
        type in ('session_meta', 'turn_context', 'token_usage_record')
        or (payload."type" = 'token_count' and payload.info.total_token_usage is not null)""",
    fields={
        "kind": Field("VARCHAR", "type", kept=False),
        "ended_at": Field("ISO", "timestamp", required=True),
        "response_id": Field("VARCHAR", "payload.response_id"),
        "record_thread_id": Field("VARCHAR", "payload.thread_id", kept=False),
        "provider": Field("VARCHAR", "'openai'"),
        "own_thread_id": Field("VARCHAR", "case when type = 'session_meta' then payload.id end", kept=False),
        "own_session_id": Field("VARCHAR", "case when type = 'session_meta' then payload.session_id end", kept=False),
        "own_branch": Field("VARCHAR", "case when type = 'session_meta' then payload.git.branch end", kept=False),
        "own_model": Field("VARCHAR", "case when type = 'turn_context' then payload.model end", kept=False),
        "all_tokens_so_far": Field("BIGINT", f"({SO_FAR}).total_tokens"),
        **{f"{name}_so_far": Field("BIGINT", f"({SO_FAR}).{theirs}", kept=False) for name, theirs in COUNTS.items()},
        **{
            f"{name}_recorded": Field("BIGINT", f"payload.usage.{theirs}", kept=False)
            for name, theirs in COUNTS.items()
        },
    },
    in_file={
        # Lines of the session that this one was forked from may follow its own first line.
        "thread_id": Field(
            "VARCHAR",
            "coalesce(first_value(own_thread_id ignore nulls) over in_file,"
            r" nullif(regexp_extract(_file, '([0-9a-f-]{36})\.jsonl', 1), ''))",
        ),
        "session_id": Field("VARCHAR", "first_value(own_session_id ignore nulls) over in_file"),
        "git_branch": Field("VARCHAR", "first_value(own_branch ignore nulls) over in_file"),
        "model": Field("VARCHAR", "coalesce(last_value(own_model ignore nulls) over in_file, 'unknown')"),
        **{name: Field("BIGINT", used(name)) for name in COUNTS},
    },
    # A total that did not grow was said before.
    kept_if=f"""
        case
            when response_id is not null then coalesce(record_thread_id = thread_id, not ({IS_TAKEN_OVER}), true)
            else kind = 'event_msg' and all_tokens_so_far != {BEFORE}
                and not coalesce({IS_RECORDED}, false) and not coalesce({IS_TAKEN_OVER}, false)
        end""",
    recorded_at="ended_at",
    record_id="response_id",
    model_names=("provider", "model"),
    shapes=(
        (
            "type = 'token_usage_record' and payload.response_id is null",
            "'payload.response_id is missing'",
        ),
        (
            "type = 'token_usage_record' and payload.usage.input_tokens is null",
            "'payload.usage.input_tokens is missing'",
        ),
        (
            "type = 'token_usage_record' and payload.usage.output_tokens is null",
            "'payload.usage.output_tokens is missing'",
        ),
        (
            "payload.info.total_token_usage is not null and payload.info.total_token_usage.total_tokens is null",
            "'payload.info.total_token_usage.total_tokens is missing'",
        ),
    ),
    rules=(
        (
            "cache_read_tokens_recorded + coalesce(cache_write_tokens_recorded, 0) > input_tokens_recorded",
            "format('cache reads {} and writes {} are more than input_tokens {}', cache_read_tokens_recorded,"
            " coalesce(cache_write_tokens_recorded, 0), input_tokens_recorded)",
        ),
        (
            "reasoning_tokens_recorded > output_tokens_recorded",
            "format('reasoning tokens {} are more than output_tokens {}', reasoning_tokens_recorded,"
            " output_tokens_recorded)",
        ),
    ),
)

source = Source(name="codex", title="Codex CLI rollouts", feeds=(calls,))
