"""What was configured? Frozen settings from `<home>/meterdrop.toml` and METERDROP_… variables, read once."""

import os
from datetime import date
from pathlib import Path
from typing import Any, Final

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from meterdrop.model.errors import StopAtStart

FILE: Final = "meterdrop.toml"
DATABASE_URL: Final = "database.url"
"""Where `init --database` keeps the URL: a file for its owner's eyes only."""


class Settings(BaseSettings):
    """Everything that can be set; see docs/operations.md."""

    model_config = SettingsConfigDict(env_prefix="METERDROP_", frozen=True, extra="forbid")

    home: Path
    database: SecretStr | None = None
    """A database URL with its password, if it has one; SQLite in the home when left out."""
    originals: str | None = None
    """An obstore URL (`s3://…`); a folder of the home when left out."""
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
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, home / FILE)

    @property
    def database_url(self) -> str:
        """Where the database is."""
        if self.database is None:
            return f"sqlite:///{self.home / 'meterdrop.db'}"
        return self.database.get_secret_value()

    @property
    def written_to(self) -> tuple[Path, ...]:
        """Folders on the disks that are written to: the home's, and that of a database in a file elsewhere."""
        scheme, _, file = self.database_url.partition(":///")
        elsewhere = Path(file).parent
        if scheme.startswith("sqlite") and elsewhere.is_dir() and elsewhere != self.home:
            return self.home, elsewhere
        return (self.home,)

    @property
    def originals_at(self) -> Path | str:
        """Where originals are kept."""
        return self.originals or self.home / "originals"


def read_settings(home: Path) -> Settings:
    """The settings of a home; `StopAtStart` names every problem at once, without the values."""
    given: dict[str, Any] = {"home": home.absolute()}  # pydantic checks the types
    url = home / DATABASE_URL
    if url.is_file() and "METERDROP_DATABASE" not in os.environ:
        given["database"] = url.read_text(encoding="utf-8").strip()
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = [f"{FILE}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise StopAtStart(problems) from None
    except ValueError as error:
        raise StopAtStart([f"{home / FILE}: {error}"]) from error
