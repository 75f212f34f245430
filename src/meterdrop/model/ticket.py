"""What does the door hand over? A finished upload and its ticket."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from meterdrop.model.codes import Code
from meterdrop.model.watched import Watched


class Outcome(StrEnum):
    """How an upload ended."""

    FINISHED = "finished"
    INCOMPLETE = "incomplete"
    TOO_LARGE = "too-large"
    """Of watched folders only: the door refuses the bytes as they come."""

    @property
    def why_not_loaded(self) -> Code:
        """What is found in an upload that did not end well."""
        return Code.FILE_TOO_LARGE if self is Outcome.TOO_LARGE else Code.FILE_INCOMPLETE


@dataclass(frozen=True)
class Ticket:
    """`ticket.json` beside `content` in `landing/<upload>/`; written by the door, read by the pipeline.

    `name` is the path the partner sees, without a leading slash (`incoming/2026/readings.csv`); `bytes` and
    `sha256` are of the content as handed over (for an incomplete upload: of the part that came; no content; for one that
    is too large, `sha256` is that of nothing).
    """

    upload: str
    partner: str
    name: str
    outcome: Outcome
    bytes: int
    sha256: str
    opened_at: datetime
    finished_at: datetime
    key: str | None = None
    address: str | None = None
    client: str | None = None
    watched: Watched | None = None
    """Where it lay, if no door handed it over but a watched folder."""
    continues: str | None = None
    """The upload whose bytes it begins with: what was taken of a watched file that grew afterwards."""

    @property
    def file(self) -> str:
        """The file's own name, without folders."""
        return self.name.rsplit("/", 1)[-1]
