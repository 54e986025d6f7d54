"""What makes Spark count as DuckDB does: its session, its types and the functions that models call by DuckDB's name.

With another of them a day is built again, as with another model (`pipelines.raw.event_half_digest`).
"""

# How Spark has to count; everything else (memory, shuffle partitions ...) is the cluster's own spark-defaults.conf.
SESSION = {
    "spark.sql.session.timeZone": "UTC",
    # As DuckDB: a product that does not fit is an error, never fewer digits.
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.cteRecursionLevelLimit": "-1",
    "spark.sql.cteRecursionRowLimit": "-1",
    "spark.ui.showConsoleProgress": "false",
}
TYPES = {"VARCHAR": "string", "VARCHAR[]": "array<string>", "TIMESTAMP": "timestamp_ntz"}

# What models call by DuckDB's name and Spark has under another one.
FUNCTIONS = {
    "starts_with(whole string, start string) returns boolean": "startswith(whole, start)",
    "list_value(one string) returns array<string>": "array(one)",
    "list_has_any(one array<string>, other array<string>) returns boolean": "arrays_overlap(one, other)",
    "string_split(whole string, separator string) returns array<string>": "split(whole, separator)",
    "epoch_us(at timestamp_ntz) returns bigint": "unix_micros(cast(at as timestamp))",
    "to_microseconds(n bigint) returns interval day to second": (
        "make_dt_interval(0, 0, 0, cast(n as decimal(18, 6)) * 0.000001)"
    ),
}
