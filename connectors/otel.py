"""OpenTelemetry: what agents send of their calls, as JSON lines of a collector's file exporter.

Docs    https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/fileexporter
        https://opentelemetry.io/docs/specs/semconv/gen-ai/ (spans)
        https://docs.claude.com/en/docs/claude-code/monitoring-usage (claude_code.api_request)
        https://github.com/google-gemini/gemini-cli/blob/main/docs/cli/telemetry.md (gemini_cli.api_response)
Needs   OTEL_LOGS, the folder or s3:// prefix with the exporter's files (`format: json`, no compression but gzip)
Quirks  A line holds many records below resource and scope. Counts are numbers or strings, of any of the value types.
        Codex's `timeUnixNano` is "0". Claude Code's input holds neither cache reads nor writes; Gemini's output not the
        thoughts. The same call may come again as a `gen_ai` event, as a span of the agent's run and in metrics: of each
        agent one event is read, of others the spans of single calls. Prompts and completions are never read.
"""

from connectors._contract import Field, LogFeed, Source

ATTRIBUTES = """
    STRUCT("key" VARCHAR, "value" STRUCT(
        stringValue VARCHAR, intValue VARCHAR, doubleValue VARCHAR, boolValue VARCHAR))[]"""
# A count that came as a double (120.0, 1.2E2), as counts are written.
DOUBLE = "try_cast(a.value.doubleValue as decimal(38,9))"
WHOLE = f"case when {DOUBLE} % 1 = 0 then try_cast({DOUBLE} as bigint)::varchar end"
# A log record or a span: what the other has not is NULL.
RECORD = f"""
    STRUCT(
        attributes {ATTRIBUTES}, eventName VARCHAR, timeUnixNano VARCHAR, observedTimeUnixNano VARCHAR,
        traceId VARCHAR, spanId VARCHAR, startTimeUnixNano VARCHAR, endTimeUnixNano VARCHAR)"""
SCOPE = f"STRUCT(logRecords {RECORD}[], spans {RECORD}[])"
RESOURCE = f"STRUCT(resource STRUCT(attributes {ATTRIBUTES}), scopeLogs {SCOPE}[], scopeSpans {SCOPE}[])"

# What a span of the semantic conventions may be to be one call; runs of agents and tools repeat what is below them.
ONE_CALL = ("chat", "generate_content", "text_completion", "embeddings")


def value(*names: str) -> str:
    """The first of these attributes that is there: the record's own, then its resource's."""
    found = [f"attribute_values[list_position(attribute_keys, '{name}')]" for name in names]
    return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"


def moment(*nanos: str) -> str:
    """The first of these times, in nanoseconds since 1970, that is not 0, as text."""
    first = ", ".join(f"nullif(try_cast({name} as bigint), 0)" for name in nanos)
    return f"make_timestamp_ns(coalesce({first}))::varchar"


calls = LogFeed(
    source="otel",
    name="calls",
    variable="OTEL_LOGS",
    description="Model calls as agents report them through OpenTelemetry: which model, how many tokens, what for.",
    grows=True,
    json_columns={
        "resourceLogs": f"{RESOURCE}[]",
        "resourceSpans": f"{RESOURCE}[]",
        # Only so that a line of metrics is not taken for a broken one.
        "resourceMetrics": "STRUCT(schemaUrl VARCHAR)[]",
    },
    unnested={
        "of_resource": "list_concat(resourceLogs, resourceSpans)",
        "of_scope": "list_concat(of_resource.scopeLogs, of_resource.scopeSpans)",
        "record": "list_concat(of_scope.logRecords, of_scope.spans)",
    },
    parsed={
        "attributes": "list_concat(record.attributes, of_resource.resource.attributes)",
        "attribute_keys": "list_transform(attributes, lambda a: a.key)",
        "attribute_values": "list_transform(attributes, lambda a: coalesce("
        f"a.value.stringValue, a.value.intValue, {WHOLE}, a.value.doubleValue, a.value.boolValue))",
        "service": f"coalesce({value('service.name')}, '')",
        "event": f"""case
            when record.endTimeUnixNano is not null then
                case
                    when service not in ('claude-code', 'gemini-cli') and not starts_with(service, 'codex')
                    and coalesce({value("gen_ai.operation.name")}, 'chat') in {ONE_CALL}
                    and {value("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")} is not null
                        then 'gen_ai.span'
                end
            when coalesce({value("event.name")}, record.eventName) in ('api_request', 'claude_code.api_request')
                then 'claude_code.api_request'
            when {value("event.name")} = 'codex.sse_event'
                and {value("event.kind")} = 'response.completed' and {value("input_token_count")} is not null
                then 'codex.sse_event'
            when coalesce({value("event.name")}, record.eventName) = 'gemini_cli.api_response'
                then 'gemini_cli.api_response'
        end""",
        "ended": f"""case
            when record.endTimeUnixNano is not null then {moment("record.endTimeUnixNano")}
            else coalesce({value("event.timestamp")}, {moment("record.timeUnixNano", "record.observedTimeUnixNano")})
        end""",
    },
    records="event is not null",
    fields={
        "event": Field("VARCHAR", "event"),
        "request_id": Field("VARCHAR", value("request_id")),
        "response_id": Field("VARCHAR", value("gen_ai.response.id")),
        "span_id": Field("VARCHAR", "concat_ws('/', record.traceId, nullif(record.spanId, ''))"),
        "started_at": Field(
            "ISO",
            f"""case
                when record.startTimeUnixNano is not null then {moment("record.startTimeUnixNano")}
                else coalesce(
                    (
                        try_cast(ended as timestamptz)
                        - try(to_milliseconds(try_cast({value("duration_ms")} as bigint)))
                    )::varchar,
                    ended
                )
            end""",
            required=True,
        ),
        "ended_at": Field("ISO", "ended", required=True),
        "session_id": Field("VARCHAR", value("session.id", "conversation.id", "gen_ai.conversation.id")),
        "sequence": Field("VARCHAR", value("event.sequence", "prompt_id")),
        "user_email": Field("VARCHAR", value("user.email")),
        # What agents call the user's id is a hash of the device.
        "developer_id": Field(
            "VARCHAR",
            f"""coalesce(
                {value("developer.id", "enduser.id")}, case event when 'gen_ai.span' then {value("user.id")} end
            )""",
        ),
        "device": Field(
            "VARCHAR", f"case when event != 'gen_ai.span' then {value('user.id', 'installation.id')} end"
        ),
        "team_id": Field("VARCHAR", value("team.id")),
        "task_id": Field("VARCHAR", value("task.id")),
        "task_type": Field("VARCHAR", value("task.type")),
        "agent": Field("VARCHAR", value("gen_ai.agent.name", "service.name")),
        "provider": Field(
            "VARCHAR",
            f"""case event
                -- It may be another seller's; the model's name says it.
                when 'claude_code.api_request' then null
                when 'codex.sse_event' then 'openai'
                when 'gemini_cli.api_response' then 'gemini'
                else {value("gen_ai.provider.name", "gen_ai.system")}
            end""",
        ),
        "model": Field("VARCHAR", value("gen_ai.response.model", "gen_ai.request.model", "model"), required=True),
        "service_tier": Field("VARCHAR", value("openai.response.service_tier", "gen_ai.openai.response.service_tier")),
        "speed": Field("VARCHAR", value("speed")),
        "input_tokens": Field(
            "BIGINT",
            value("input_tokens", "input_token_count", "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
            required=True,
        ),
        "cache_read_tokens": Field(
            "BIGINT",
            value(
                "cache_read_tokens", "cached_token_count", "cached_content_token_count",
                "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens",
            ),
        ),
        "cache_write_tokens": Field(
            "BIGINT",
            value(
                "cache_creation_tokens", "cache_write_token_count", "gen_ai.usage.cache_write.input_tokens",
                "gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens",
            ),
        ),
        "output_tokens": Field(
            "BIGINT",
            value(
                "output_tokens", "output_token_count", "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens",
            ),
            required=True,
        ),
        "reasoning_tokens": Field(
            "BIGINT",
            value(
                "reasoning_token_count", "thoughts_token_count", "gen_ai.usage.reasoning.output_tokens",
                "gen_ai.usage.reasoning_tokens",
            ),
        ),
        # Codex gives the name to the total.
        "tool_use_tokens": Field(
            "BIGINT", f"case event when 'gemini_cli.api_response' then {value('tool_token_count')} end"
        ),
        "reported_usd": Field("DECIMAL(18,9)", value("cost_usd")),
    },
    recorded_at="started_at",
    record_id="session_id",
    model_names=("provider", "model"),
    rules=(
        (
            "event = 'codex.sse_event' and reasoning_tokens > output_tokens",
            "format('reasoning tokens {} are more than output tokens {}', reasoning_tokens, output_tokens)",
        ),
        (
            "event in ('codex.sse_event', 'gemini_cli.api_response')"
            " and coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)"
            " > input_tokens + coalesce(tool_use_tokens, 0)",
            "format('cache reads {} and writes {} are more than input tokens {}',"
            " coalesce(cache_read_tokens, 0), coalesce(cache_write_tokens, 0), input_tokens)",
        ),
    ),
)  # fmt: skip

source = Source(name="otel", title="OpenTelemetry of agents", feeds=(calls,))
