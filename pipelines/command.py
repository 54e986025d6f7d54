"""What every command of this project does with errors: settings and databases are told in one readable paragraph."""

import sys
from collections.abc import Callable

import click

from pipelines.console import visible


def run_command(command: Callable[[], object]) -> None:
    """Run it. Exits with 1 where it failed for what a person can mend, with 2 where the settings are wrong."""
    import duckdb
    from pydantic import ValidationError
    from sqlalchemy.exc import DBAPIError

    from pipelines.dbt import BuildFailed
    from pipelines.versions import LakeTooNew

    try:
        command()
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        say(f"paceline: the environment is not right: {wrong}. Correct it in the environment or in .env.")
        sys.exit(2)
    except (BuildFailed, LakeTooNew, duckdb.Error, DBAPIError, OSError) as error:
        from pipelines.running import with_advice

        say(f"paceline: {with_advice(str(error))}")
        sys.exit(1)
    except Exception as error:
        from pipelines.running import lost_database

        lost = lost_database(error)
        if not lost:
            raise
        say(f"paceline: {lost}")
        sys.exit(1)


def say(text: str) -> None:
    """Print it to stderr."""
    click.echo(visible(text), err=True)
