"""What was configured? Frozen settings from `<home>/meterdrop.toml` and METERDROP_… variables, read once."""

import os
import re
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from meterdrop.model.errors import StopAtStart

FILE: Final = "meterdrop.toml"
_PLACE_OF_ORIGINALS: Final = r"s3://[A-Za-z0-9][A-Za-z0-9._-]{1,254}(/(?!\.\.?(/|$))[\w!.*'()=-]+)*/?|/.*"
_ENDPOINT: Final = (
    r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,4}|:[1-5][0-9]{4}|:6[0-4][0-9]{3})?/?"
)
"""A narrower word than a URL may be: what is none makes obstore fall over, or speak to another host."""
_REGION: Final = r"[A-Za-z0-9-]+"
DATABASE_URL: Final = "database.url"
"""Where `init --database` keeps the URL: a file for its owner's eyes only."""
CREDENTIALS: Final = "originals.credentials"
"""Where the keys of the bucket are, in a home: as in AWS's files, and not for everybody's eyes."""
KEYS_OF_ORIGINALS: Final = (
    "originals_access_key_id",
    "originals_secret_access_key",
    "originals_session_token",
)


class _File(TomlConfigSettingsSource):
    """`meterdrop.toml`: everything but keys, for it is read by many, copied and kept in repositories."""

    def __call__(self) -> dict[str, Any]:  # what TOML holds; pydantic checks it
        """What it says. ValueError if there are keys in it."""
        told = super().__call__()
        if keys := [name for name in KEYS_OF_ORIGINALS if name in told]:
            raise ValueError(
                f"{', '.join(keys)}: no keys in this file. Put them into {CREDENTIALS}, or the environment"
            )
        return told


class Settings(BaseSettings):
    """Everything that can be set; see docs/operations.md."""

    model_config = SettingsConfigDict(env_prefix="METERDROP_", frozen=True, extra="forbid")

    home: Path
    database: SecretStr | None = None
    """A database URL with its password, if it has one; SQLite in the home when left out."""
    originals: str | None = None
    """`s3://bucket/folder` or the path of a folder; a folder of the home when left out."""
    originals_endpoint: str | None = None
    """The address of the S3-compatible store; that of AWS for the region when left out."""
    originals_region: str | None = None
    originals_path_style: bool = True
    """Whether the bucket is named in the path, not in the host."""
    originals_http: bool = False
    """Whether the store may be spoken to without TLS."""
    originals_authorities: Path | None = None
    """A PEM file of authorities to trust besides the machine's own."""
    originals_seconds: float = Field(default=60.0, gt=0)
    """So long may one request to the store take."""
    originals_credentials: Path | None = None
    """A file of credentials; `originals.credentials` of the home when left out."""
    originals_machine_role: bool = False
    """Whether the machine is one of AWS whose role opens the bucket."""
    originals_access_key_id: SecretStr | None = None
    originals_secret_access_key: SecretStr | None = None
    originals_session_token: SecretStr | None = None
    """These three by the environment only."""
    dispatch: Literal["embedded", "scaled"] = "embedded"
    """Who loads deliveries: the service's own workers, or `meterdrop worker` on any machine (on PostgreSQL)."""
    workers: int = Field(default=2, ge=1, le=64)
    max_attempts: int = Field(default=3, ge=1, le=100)
    """After so many attempts that killed their worker a delivery is poisoned."""
    delivery_seconds: float = Field(default=1800.0, gt=0)
    """So long may loading one delivery take; then its worker is killed, which counts as an attempt."""
    delivery_mb: int = Field(default=1024, ge=64)
    """So much memory may loading one delivery take, beyond what its worker holds anyway."""
    worker_memory_mb: int = Field(default=256, ge=0)
    """So much of partners' registers and last readings may each worker keep in memory between deliveries."""
    free_disk_mb: int = Field(default=256, ge=0)
    """So much of the disk stays free: what would need it waits."""
    sweep_seconds: float = Field(default=30.0, gt=0)
    silent_days: int = Field(default=40, ge=1)
    """A partner that sent nothing for so long is named by `status`."""
    watch: Path | None = None
    """A folder with a folder for each partner, which another SFTP server fills."""
    watch_quiet_seconds: float = Field(default=10.0, gt=0)
    """A file there is taken when it has not changed for so long."""
    watch_max_mb: int = Field(default=520, ge=1)
    watch_receipts: bool = False
    """Whether receipts go to `<watch>/<partner>/receipts`."""
    watch_leases: bool = True
    """Whether the kernel is asked who has a file open for writing."""
    watch_forget_days: int = Field(default=90, ge=1)
    """A file there that is gone for so long is forgotten."""
    watch_bell: bool = True
    """Whether the file system tells what happens in it; without it, one looks every two seconds."""
    retention_originals_days: int | None = Field(default=None, ge=1)
    """Originals go so long after the last that was done about their deliveries; None: never."""
    retention_receipts_days: int | None = Field(default=None, ge=1)
    """Receipts go so long after the last one of their delivery was written; None: never."""
    retention_daily_readings_months: int | None = Field(default=None, ge=1)
    """Readings are thinned to the last of the month when that is so many months ago; None: never."""
    retention_readings_months: int | None = Field(default=None, ge=12)
    """Months of readings go as a whole when they are so many months ago; None: never."""
    retention_audit_days: int | None = Field(default=None, ge=1)
    """Events of the database's audit go so long after they were told; None: never."""
    today: date | None = None
    """For tests and the demonstration: the day it is in Prague."""
    crash_at: str | None = None
    """For tests only: where on the road the pipeline is killed; the words are in usecases.checkpoint."""

    @field_validator("watch")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_absolute():
            raise ValueError("must be a path from the root (/srv/partners)")
        return value

    @model_validator(mode="after")
    def _scaled_needs_a_server(self) -> Self:
        if self.dispatch == "scaled" and not self.database_url.startswith("postgres"):
            raise ValueError(
                'dispatch = "scaled" needs PostgreSQL: `meterdrop init --database postgresql://…`'
            )
        return self

    @field_validator("originals")
    @classmethod
    def _place(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(_PLACE_OF_ORIGINALS, value):
            raise ValueError("must be s3://bucket/folder, or a path from the root (/srv/originals)")
        return value

    @field_validator("originals_region")
    @classmethod
    def _region(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(_REGION, value):
            raise ValueError("must be letters, digits and hyphens (eu-central-1)")
        return value

    @field_validator("originals_endpoint")
    @classmethod
    def _endpoint(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(_ENDPOINT, value):
            raise ValueError("must be https://host:port, without user, password, bucket or folder")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given on the command line wins over the environment, and that over the file."""
        home = Path(init_settings()["home"])
        return init_settings, env_settings, _File(settings_cls, home / FILE)

    @property
    def database_url(self) -> str:
        """Where the database is."""
        if self.database is None:
            return f"sqlite:///{self.home / 'meterdrop.db'}"
        return self.database.get_secret_value()

    @property
    def written_to(self) -> tuple[Path, ...]:
        """Folders on the disks that are written to: the home's, and those of a database or of originals in files elsewhere."""
        scheme, _, file = self.database_url.partition(":///")
        elsewhere = [Path(file).parent] if scheme.startswith("sqlite") else []
        if self.originals is not None and self.originals.startswith("/"):
            elsewhere.append(Path(self.originals))
        return self.home, *(one for one in elsewhere if one.is_dir() and one != self.home)


def read_settings(home: Path, *, database: str | None = None) -> Settings:
    """The settings of a home; `StopAtStart` names every problem at once, without the values.

    `database` is the URL that is about to be written into it.
    """
    given: dict[str, Any] = {"home": home.absolute()}  # pydantic checks the types
    url = home / DATABASE_URL
    if database is None and url.is_file():
        database = url.read_text(encoding="utf-8").strip()
    if database is not None and "METERDROP_DATABASE" not in os.environ:
        given["database"] = database
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = [f"{FILE}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise StopAtStart(problems) from None
    except ValueError as error:
        raise StopAtStart([f"{home / FILE}: {error}"]) from error
