"""Dagster assets, in the order in which data flows: feeds, choices, models, outcome. Each is thin; the work is in
plain functions beside this package."""
