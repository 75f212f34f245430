"""What shape does a feed have, and what did we agree about it with one partner?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from meterdrop.model.codes import Code, Severity
from meterdrop.model.form import Form


class Target(StrEnum):
    """Where a feed's accepted rows go."""

    READINGS = "readings"
    DEVICES = "devices"
    RECORDS = "records"


class Type(StrEnum):
    """What a column's text means; each is cast cell by cell in `parse.cells`."""

    TEXT = "text"
    SERIAL = "serial"
    DECIMAL = "decimal"
    INTEGER = "integer"
    DAY = "day"
    UNIT = "unit"
    CHOICE = "choice"
    CHOICES = "choices"
    FLAG = "flag"


class DateMeans(StrEnum):
    """Which moment of the stamped day a partner's reading shows."""

    END_OF_DAY = "end_of_day"
    START_OF_DAY = "start_of_day"


class ValueKind(StrEnum):
    """What a partner's value is: the register's state, or what was used since the last reading."""

    STATE = "state"
    DELTA = "delta"


@dataclass(frozen=True)
class Check:
    """A pandera check of a column by its pandera name, and the code of the finding when it fails."""

    name: str
    arguments: Mapping[str, object]
    code: Code
    severity: Severity = Severity.ERROR


@dataclass(frozen=True)
class Column:
    """One column of a feed. `aliases` are other headings that mean it (any case, with or without diacritics)."""

    name: str
    type: Type
    mandatory: bool = False
    """The heading must be there; without it the whole file is refused."""
    filled: bool = False
    """The cell must not be empty (`cell.missing`)."""
    aliases: tuple[str, ...] = ()
    max_length: int = 255
    words: Mapping[str, str] = field(default_factory=dict)
    """For choices: word as sent (compared without case and diacritics) -> our word."""
    word_code: Code = Code.CELL_NOT_ALLOWED
    """What an unknown word is called."""
    default: str | None = None
    """For choices, flags and units: what an empty cell means (said in the YAML, never assumed)."""
    checks: tuple[Check, ...] = ()
    kept_in_original: bool = False
    """Known and ignored by name: its cells stay in the original only."""


@dataclass(frozen=True)
class Feed:
    """Our shape of a feed, from `schemas/feeds/<name>.yaml`."""

    name: str
    target: Target
    columns: tuple[Column, ...]
    hold_above_share: float = 0.2
    hold_above_lines: int = 20
    form: Form = field(default_factory=Form)
    rules: Mapping[str, object] = field(default_factory=dict)
    """Parameters of the metering rules (see schemas/README.md)."""

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if the feed has none."""
        return {column.name: column for column in self.columns}[name]

    @property
    def in_order(self) -> tuple[str | None, ...]:
        """The columns of a file without header, in its order; None for one that is ignored."""
        return self.form.in_order or tuple(column.name for column in self.columns)

    @property
    def mandatory(self) -> tuple[str, ...]:
        """Names of the columns a file must have."""
        return tuple(column.name for column in self.columns if column.mandatory)


@dataclass(frozen=True)
class Agreement:
    """One feed as one partner sends it: the feed's shape with the partner's habits laid over it."""

    partner: str
    feed: Feed
    language: str = "cs"
    kind: str = "metering"
    """`metering` or `manager` (may deliver the register for others)."""
    file_names: tuple[str, ...] = ()
    """Glob patterns of file names (any case)."""
    folders: tuple[str, ...] = ()
    """Folders under /incoming, without slashes at the ends."""
    encoding: str | None = None
    separator: str | None = None
    date_forms: tuple[str, ...] = ("iso", "dmy")
    date_means: DateMeans = DateMeans.END_OF_DAY
    value_kind: ValueKind = ValueKind.STATE
    radio_is_name: bool = False
    """The radio number is another name of the device."""
    ignored: tuple[str, ...] = ()
    """Headings this partner sends that we ignore by name."""
    max_bytes: int = 512 * 1024 * 1024
    max_lines: int = 20_000_000
    valid_from: date | None = None
    fingerprint: str = ""
    """sha256 of the rule set a delivery was judged by."""
