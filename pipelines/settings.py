"""What a deployment decides, from the environment and `.env`. Names and meanings: `.env.example`.

Variables of sources (LITELLM_LOGS ...) belong to `connectors/`; here is what the pipeline itself needs.
"""

import os
import re
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import load_dotenv
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors import discover
from connectors._files import is_remote

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
DBT_PROJECT = ROOT / "dbt_project"
FIRST_LOAD_DAYS = 90  # how far back the first load of a report reaches


class Settings(BaseSettings):
    """The environment of one run. Empty variables count as not set."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", populate_by_name=True)

    data_dir: Path = Field(ROOT / "data", alias="PACELINE_DATA_DIR")
    lake_root: str | None = Field(None, alias="PACELINE_LAKE")
    org_dir_given: Path | None = Field(None, alias="PACELINE_ORG_DIR")
    timezone: str = Field("UTC", alias="PACELINE_TIMEZONE")
    as_of_given: date | None = Field(None, alias="PACELINE_AS_OF")
    ledger_url_given: SecretStr | None = Field(None, alias="PACELINE_LEDGER_URL")
    dagster_url: SecretStr | None = Field(None, alias="PACELINE_DAGSTER_URL")
    slack_token: SecretStr | None = Field(None, alias="SLACK_BOT_TOKEN")
    slack_api_url: str | None = Field(None, alias="SLACK_API_URL")
    slack_org_channel: str | None = Field(None, alias="SLACK_ORG_CHANNEL")
    slack_ops_channel: str | None = Field(None, alias="SLACK_OPS_CHANNEL")
    slack_app_token: SecretStr | None = Field(None, alias="SLACK_APP_TOKEN")
    slack_org_owners_given: str = Field("", alias="SLACK_ORG_OWNERS")
    keep_months: int | None = Field(None, alias="PACELINE_KEEP_MONTHS", ge=1)
    spark_master: str | None = Field(None, alias="PACELINE_SPARK_MASTER")
    spark_python: Path = Field(ROOT / ".venv-spark" / "bin" / "python", alias="PACELINE_SPARK_PYTHON")
    push_budgets: bool = Field(False, alias="LITELLM_PUSH_BUDGETS")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"'{zone}' is no time zone; expected a name like Europe/Berlin") from error
        return zone

    @field_validator("as_of_given")
    @classmethod
    def _has_begun(cls, day: date | None) -> date | None:
        if day and not has_begun(day):
            raise ValueError(f"{day} has not begun yet")
        return day

    @field_validator("ledger_url_given", "dagster_url")
    @classmethod
    def _usable(cls, url: SecretStr | None) -> SecretStr | None:
        """Of the address nothing is said, for it has a password in it."""
        if url:
            from sqlalchemy import make_url
            from sqlalchemy.exc import ArgumentError

            try:
                make_url(url.get_secret_value()).get_dialect().import_dbapi()
            except (ArgumentError, ValueError) as error:
                raise ValueError("expected an address like postgresql+psycopg://user:password@host/database") from error
            except ModuleNotFoundError as error:
                raise ValueError(f"its driver is not installed: pip install {error.name}") from error
        return url

    @field_validator("dagster_url")
    @classmethod
    def _of_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url and not url.get_secret_value().startswith("postgresql"):
            raise ValueError(
                "Dagster's runs can be in PostgreSQL only: postgresql+psycopg2://user:password@host/database"
            )
        return url

    @field_validator("slack_org_owners_given")
    @classmethod
    def _member_ids(cls, owners: str) -> str:
        for one in re.split(r"[,\s]+", owners.strip()) if owners.strip() else []:
            if not re.fullmatch(r"[UW][A-Z0-9]+", one):
                raise ValueError(f"'{one}' is no Slack member id; expected ids like U012AB3CD with commas between")
        return owners

    @field_validator("data_dir", "spark_python")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        return folder.absolute()

    @field_validator("data_dir", "lake_root")
    @classmethod
    def _plain(cls, place: Path | str | None) -> Path | str | None:
        # DuckDB takes the first three for a pattern, the fourth for a slash; addresses of databases end at the others.
        if place and (sign := re.search(r"[*?\[\\#%]", str(place))):
            raise ValueError(f"'{place}' has a '{sign[0]}' in it; rename the folder, or choose another one")
        return place

    @cached_property
    def uses_examples(self) -> bool:
        """True when no source is configured at all: the example company is shown instead."""
        return not any(source.is_configured(os.environ) for source in discover())

    @property
    def environ(self) -> dict[str, str]:
        """The variables that configure sources: the process's own, or those of the example company."""
        return dict(os.environ) | ({"LITELLM_LOGS": str(EXAMPLES / "gateway")} if self.uses_examples else {})

    @property
    def lake(self) -> str:
        """Root of the lake: an absolute folder or s3://bucket/prefix."""
        root = self.lake_root or str(self.data_dir / "lake")
        return root.rstrip("/") if is_remote(root) else os.path.abspath(root)

    @property
    def lake_copies(self) -> Path:
        """What a run has copied of a lake on S3; made anew at will."""
        return self.build_file.parent / "lake"

    @property
    def org_dir(self) -> Path:
        """Folder of the org CSVs; the examples' own only when nothing else is configured."""
        if self.org_dir_given:
            return self.org_dir_given
        return EXAMPLES / "org" if self.uses_examples else ROOT / "org"

    @property
    def as_of(self) -> date:
        """The last day included: as given, else the examples' last day, else the last completed day."""
        if self.as_of_given:
            return self.as_of_given
        if self.uses_examples:
            return date.fromisoformat((EXAMPLES / "last_day.txt").read_text().strip())
        return datetime.now(ZoneInfo(self.timezone)).date() - timedelta(days=1)

    @property
    def slack_org_owners(self) -> tuple[str, ...]:
        """Slack member ids of those who decide for the organisation."""
        return tuple(re.findall(r"[UW][A-Z0-9]+", self.slack_org_owners_given))

    @property
    def build_file(self) -> Path:
        """The DuckDB file that only dbt writes."""
        return self.data_dir / "build" / "warehouse.duckdb"

    @property
    def warehouse_file(self) -> Path:
        """The published DuckDB file that everybody reads."""
        return self.data_dir / "warehouse.duckdb"

    @property
    def report_file(self) -> Path:
        """The page of the published warehouse."""
        return self.data_dir / "report.html"

    @property
    def ledger_url(self) -> str:
        """SQLAlchemy URL of the delivery ledger."""
        given = self.ledger_url_given
        return given.get_secret_value() if given else f"sqlite:///{self.data_dir / 'ledger.sqlite'}"


def load_settings(**given: Any) -> Settings:
    """Settings of this process; `.env` of the working directory, then of the project, fill what it does not say."""
    load_dotenv(Path.cwd() / ".env")
    load_dotenv(ROOT / ".env")
    return Settings(**given)


def has_begun(day: date) -> bool:
    """Whether a day has begun somewhere on Earth."""
    return day <= utc_now().date() + timedelta(days=1)


def utc_now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)
