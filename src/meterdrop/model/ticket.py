"""What does the door hand over? A finished upload and its ticket."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """How an upload ended."""

    FINISHED = "finished"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True)
class Ticket:
    """`ticket.json` beside `content` in `landing/<upload>/`; written by the door, read by the pipeline.

    `name` is the path the partner sees, without a leading slash (`incoming/2026/readings.csv`); `bytes` and
    `sha256` are of the content as handed over (for an incomplete upload: of the part that came; no content).
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

    @property
    def file(self) -> str:
        """The file's own name, without folders."""
        return self.name.rsplit("/", 1)[-1]
