"""What is known about a part, whatever happens to the process? One small JSON file beside it."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sftp_server.audit import timestamp

WRITING = "writing"
FINISHING = "finishing"
GIVING_UP = "giving up"


@dataclass(frozen=True)
class Journal:
    """`bytes` is how much is surely there without a hole; `rested_at` when the last writer was lost.

    The states `finishing` and `giving up`, once on disk, are decisions: from there the steps only go forward.
    `source` is the temporary name that a rename to the final one takes away.
    """

    upload: str
    partner: str
    name: str
    state: str
    bytes: int
    opened_at: datetime
    rested_at: datetime | None = None
    finished_at: datetime | None = None
    sha256: str | None = None
    key: str | None = None
    address: str | None = None
    client: str | None = None
    source: str | None = None
    connection: int | None = None
    """The number of the connection in the audit, of the run of the door in which it was made."""


def journal_file(staging: Path, upload: str) -> Path:
    """Where the journal of a part lies."""
    return staging / f"{upload}.json"


def part_file(staging: Path, upload: str) -> Path:
    """Where the bytes of a part lie."""
    return staging / f"{upload}.part"


def write_beside(staging: Path, journal: Journal) -> Path:
    """Write a journal that does not count yet; `put_in_place` makes it count."""
    facts = {
        name: timestamp(value) if isinstance(value, datetime) else value
        for name, value in vars(journal).items()
    }
    new = staging / f"{journal.upload}.json.tmp"
    new.write_text(json.dumps(facts), "utf-8")
    return new


def put_in_place(new: Path) -> None:
    """Let it replace the earlier journal, in one step."""
    new.rename(new.with_suffix(""))


def save_journal(staging: Path, journal: Journal) -> None:
    """Replace the journal in one step; it outlives the process, not a power cut."""
    put_in_place(write_beside(staging, journal))


def load_journal(file: Path) -> Journal:
    """Read one back; `ValueError`, `KeyError` or `TypeError` if it is not one of ours."""
    facts = json.loads(file.read_text("utf-8"))
    for name in ("opened_at", "rested_at", "finished_at"):
        if facts[name] is not None:
            facts[name] = datetime.fromisoformat(facts[name])
    journal = Journal(**facts)
    undecided = journal.sha256 is None or journal.finished_at is None
    if journal.upload != file.stem or journal.state not in (
        (WRITING,) if undecided else (WRITING, FINISHING, GIVING_UP)
    ):
        raise ValueError(f"{file.name} does not belong to this part")
    return journal
