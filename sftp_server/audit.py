"""Who did what at the door? One JSON line for each login, upload and refusal."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time now, aware, in UTC."""
    return datetime.now(tz=UTC)


def timestamp(moment: datetime) -> str:
    """`2026-11-24T01:02:03.123456Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def warn(event: str, **facts: object) -> None:
    """One JSON line on stderr, for the operator: something is wrong with the door or its set-up."""
    print(json.dumps({"level": "warning", "event": event, **facts}), file=sys.stderr, flush=True)


class Audit:
    """Appends to <home>/audit/door.jsonl; opens it anew for each line, so it may be rotated at any time."""

    def __init__(self, file: Path, *, clock: Clock = utc_now) -> None:
        self._file = file
        self._clock = clock

    def note(self, event: str, **facts: str | int | float | bool | None) -> None:
        """One line; an audit that cannot be written is warned about and never stops an upload."""
        line = json.dumps({"at": timestamp(self._clock()), "event": event, **facts})
        try:
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")
        except OSError as error:
            warn("audit.not-written", reason=error.strerror or "", lost=event)
