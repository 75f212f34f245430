"""Who did what at the door? One JSON line for each connection, login, upload, refusal, and whatever else a partner does."""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from sftp_server.floods import Floods
from sftp_server.networks import source_of

Clock = Callable[[], datetime]
Fact = str | int | float | bool | None
Facts = Mapping[str, Fact]


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
    """Appends to <home>/audit/door.jsonl; opens it anew for each line, so it may be rotated at any time.

    `watch` is told of every event, those too whose lines are left out because there were too many (`floods.py`).
    """

    def __init__(
        self, file: Path, *, clock: Clock = utc_now, watch: Callable[[str, Facts], None] | None = None
    ) -> None:
        self._file = file
        self._clock = clock
        self._watch = watch
        self._floods = Floods()

    def note(self, event: str, **facts: Fact) -> None:
        """One line; an audit that cannot be written is warned about and never stops an upload."""
        if self._watch is not None:
            self._watch(event, facts)
        now = self._clock()
        source = facts.get("partner") or source_of(str(facts.get("address") or ""))
        left_out = self._floods.admit(event, str(source), now=now)
        if left_out is None:
            return
        self._write(event, {**facts, "left_out": left_out} if left_out else facts, now=now)

    def tell_left_out(self) -> None:
        """A line for what was left out and not told yet: a flood that is over must show in full."""
        for event, source, count in self._floods.take_left_out():
            self._write(event, {"source": source, "left_out": count}, now=self._clock())

    def _write(self, event: str, facts: Facts, *, now: datetime) -> None:
        line = json.dumps({"at": timestamp(now), "event": event, **facts})
        try:
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")
        except OSError as error:
            warn("audit.not-written", reason=error.strerror or "", lost=event)
