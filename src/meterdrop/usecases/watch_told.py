"""What was seen in the watched folders, written down for `status`, which is another process."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from meterdrop.model.watched import LeftOut, PartnerFolder, WatchedFolders
from meterdrop.receive import tree

RECEIPTS: Final = "receipts"
_LATE: Final = timedelta(minutes=10)
_LONG_OPEN: Final = timedelta(hours=1)


def write(file: Path, told: WatchedFolders) -> None:
    """Whole or not at all; it is scratch, so it need not outlive a power cut."""
    temporary = file.with_name(f".{file.name}.tmp")
    temporary.write_text(json.dumps(asdict(told), default=datetime.isoformat), encoding="utf-8")
    temporary.replace(file)


def read(file: Path) -> WatchedFolders | None:
    """What was written last; None if nobody watches, or has not looked yet."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return WatchedFolders(
        at=datetime.fromisoformat(told["at"]),
        folder=told["folder"],
        partners={name: _partner(one) for name, one in told["partners"].items()},
        unknown=tuple(told["unknown"]),
    )


def _partner(told: Mapping[str, Any]) -> PartnerFolder:  # Any: our own JSON
    since = told["waiting_since"]
    plain = {name: told[name] for name in ("files", "waiting", "open", "left_out", "cut")}
    return replace(
        PartnerFolder(**plain),
        hindered=told.get("hindered"),
        waiting_since=None if since is None else datetime.fromisoformat(since),
        first_left_out=tuple(LeftOut(**one) for one in told["first_left_out"]),
    )


def problems_of(told: WatchedFolders | None, *, now: datetime) -> tuple[str, ...]:
    """What a person should look at, with what to do next."""
    if told is None:
        return ()
    problems = []
    if now - told.at > _LATE:
        problems.append(
            f"nobody has looked into {told.folder} since {told.at:%Y-%m-%d %H:%M} UTC: is the pipeline running?"
        )
    if told.unknown:
        problems.append(
            f"folders in {told.folder} that are no active partner's: {', '.join(told.unknown[:10])}. "
            "Add the partner (`meterdrop partner add`), or move the folder away"
        )
    for partner, folder in told.partners.items():
        problems.extend(_problems_of_one(partner, folder, now=now))
    return tuple(problems)


def _problems_of_one(partner: str, folder: PartnerFolder, *, now: datetime) -> list[str]:
    problems = []
    if folder.hindered:
        problems.append(f"{partner}: no file of the watched folder can be taken: {folder.hindered}")
    if folder.left_out:
        first = "; ".join(f"{one.path}: {one.why}" for one in folder.first_left_out)
        problems.append(f"{partner}: {folder.left_out} names in the watched folder are not taken ({first})")
    if folder.cut:
        problems.append(
            f"{partner}: too many names in the watched folder, not all were looked at: move old ones away"
        )
    since = folder.waiting_since
    if folder.open and since is not None and now - since > _LONG_OPEN:
        problems.append(
            f"{partner}: files in the watched folder are open for writing since {since:%Y-%m-%d %H:%M} UTC: does an "
            "upload hang? If the file system says so of every file, set watch_leases = false"
        )
    return problems


def receipts_steps(folder: Path, partner: str) -> tuple[str, ...] | None:
    """The steps from a watched folder to this partner's receipts; None if it has no folder there."""
    with suppress(OSError), tree.open_folder(folder, partner):
        return (partner, RECEIPTS)
    return None
