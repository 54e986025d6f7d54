"""Orchestration: Dagster definitions, the lake, the warehouse and the `paceline` command."""
