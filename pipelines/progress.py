"""What the command line shows of a run: what its steps say, not what Dagster says about them."""

import logging

import click
import dagster as dg

from pipelines.console import visible


class _StepMessages(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", {})
        said = meta.get("orig_message", record.getMessage())
        if not meta.get("dagster_event") and not said.startswith("Dependencies for step"):
            click.echo(f"  {visible(said)}", err=True)


@dg.logger(description="Prints what steps say to stderr, one line each.")
def progress_logger(context: dg.InitLoggerContext) -> logging.Logger:
    """The logger of `paceline run`."""
    logger = logging.Logger("paceline.progress", level=logging.INFO)
    logger.addHandler(_StepMessages())
    return logger
