"""Which meter and day is a line about, and which line does it correct? So that quarantined lines find their end."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code
from meterdrop.model.feed import Target
from meterdrop.model.layout import REJECTS_HEADINGS, Layout
from meterdrop.store.quarantine import line_id
from meterdrop.store.spool import Spool
from meterdrop.tables import DAY, LINE, TEXT, Lines, TextBlock, framed
from meterdrop.usecases.judging.rules import Rules
from meterdrop.validate.arrays import ALWAYS, arrow, codes, days
from meterdrop.validate.repeats import ACTUAL, rank

REJECTED_LINE: Final = REJECTS_HEADINGS[0]
"""The column by which a line of a rejects file names the line it corrects."""

_ABOUT: Final[Mapping[Target, tuple[str, str]]] = {
    Target.READINGS: ("SerialNum_key", "Date"),
    Target.DEVICES: ("SerialNumber_key", "DateFrom"),
}
"""The typed columns of meter and day."""

ABOUT: Final = "about"
NAMED: Final = "named"
"""Under these names the traces of good lines, and of lines of a rejects file, wait in the spool."""

_OWNER: Final = "Partner"
"""The typed column in which a manager says whose a device is."""

_NUMBER: Final = "^[0-9]{1,15}$"
_OWN_CELLS: Final = r'^(?s:.*){mark}"?(?P<number>[0-9]{{1,15}})"?{mark}"?{code}(?: \| {code})*"?{mark}'
"""Our cells at the end of a line: its number, then its codes."""
_FEW: Final = 1000
"""So many meters can be named in a question to the database."""
_DAY_BITS: Final = 24
_FIRST_DAY: Final = 1 << (_DAY_BITS - 1)
_CODE: Final = "[a-z]+\\.[a-z-]+"


def about(frame: pd.DataFrame, *, target: Target) -> pd.DataFrame:
    """Meter and day of typed rows: line, serial_key and day; null where the cells don't tell, or the target has none.

    Devices have `owner`, too: the partner that their row names. Readings have `kind_rank`: see `rank`.
    """
    told = {"line": arrow(frame["line"])}
    if target not in _ABOUT:
        told |= {"serial_key": pa.nulls(len(frame), pa.string()), "day": pa.nulls(len(frame), pa.date32())}
        return framed(told)
    meter, day = _ABOUT[target]
    told |= {"serial_key": arrow(frame[meter].astype(TEXT)), "day": arrow(frame[day].astype(DAY))}
    if target is Target.DEVICES:
        return framed(told | {"owner": pc.utf8_lower(arrow(frame[_OWNER]))})
    return framed(told | {"kind_rank": arrow(kind_rank(frame["Kind"], frame["Estimated"]))})


def kind_rank(kind: pd.Series, estimated: pd.Series) -> pd.Series:
    """How good each reading is among those of its day, to be kept with a line that is set aside."""
    ranks = rank(pd.DataFrame({"kind": kind, "estimated": estimated}))
    return pd.Series(ranks, dtype=LINE, index=kind.index)


def corrects(block: TextBlock, *, layout: Layout) -> pd.DataFrame:
    """Lines of a rejects file sent again, each with the line that it says it corrects (`line`, `parent_line`).

    A well-formed line says so in its cell `_line`. Of a broken one that cell is looked for before our own codes at
    its end. What is no number says nothing.
    """
    named = [_numbered(block.line, arrow(block.cells[REJECTED_LINE]))]
    if len(block.broken) and not layout.encoding.startswith("utf-16"):
        raw = arrow(block.broken["raw"])
        pattern = _OWN_CELLS.format(mark=re.escape(layout.separator), code=_CODE)
        cells = pc.struct_field(pc.extract_regex(raw, pattern), "number").cast(pa.string())
        named.append(_numbered(block.broken["line"].to_numpy(dtype=np.int64), cells))
    return pd.concat(named, ignore_index=True)


def _numbered(line: Lines, cells: Any) -> pd.DataFrame:  # noqa: ANN401 - pyarrow has no types
    text = pc.utf8_trim_whitespace(cells)
    there = pc.fill_null(pc.match_substring_regex(text, _NUMBER), False)
    return pd.DataFrame(
        {
            "line": pd.Series(pa.array(line).filter(there), dtype=LINE),
            "parent_line": pd.Series(text.filter(there).cast(pa.int64()), dtype=LINE),
        }
    )


def corrected_by_line(spool: Spool, *, parent: int) -> pd.DataFrame:
    """Which line came in place of which (`id` of the quarantined line, `line`), as a rejects file says it.

    A line that is named twice is named by mistake: nobody knows which of the two came in its place.
    """
    blocks = list(spool.blocks(NAMED))
    if not blocks:
        return _pairs(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    told = pd.concat(blocks, ignore_index=True)
    once = told.loc[~told["parent_line"].duplicated(keep=False)]
    first, end = line_id(delivery=parent, line=0), line_id(delivery=parent + 1, line=0)
    ours = once.loc[once["parent_line"].between(1, end - first - 1)]
    ids = ours["parent_line"].to_numpy(dtype=np.int64) + first
    return _pairs(ids, ours["line"].to_numpy(dtype=np.int64))


def corrected_by_key(spool: Spool, *, waiting: Iterator[pd.DataFrame], sender: str) -> pd.DataFrame:
    """Which good line came in place of which (`id`, `line`), because it tells the same meter and day.

    `waiting` has the keys of quarantined lines (id, serial_key, day, owner, kind_rank) in portions; each is looked for
    among all good lines at once, so memory follows the portion; the `kind_rank` of the line that waits is told, too.
    What names no owner is the sender's. An estimate that came in no reading's place came in no line's place either.
    """
    bad = np.concatenate([set_aside_later(spool), _of_worse_kind(spool)])
    found = [_first_with(portion, spool=spool, bad=bad, sender=sender) for portion in waiting]
    none = _pairs(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    return pd.concat([none.assign(kind_rank=none["id"]), *found], ignore_index=True)


def meters_of(spool: Spool) -> list[str] | None:
    """The numbers of the meters that good lines are about, or None if they are many."""
    if spool.count(ABOUT) > _FEW:
        return None
    blocks = [block["serial_key"] for block in spool.blocks(ABOUT, columns=["serial_key"])]
    found: list[str] = pc.unique(arrow(pd.concat(blocks)).drop_null()).to_pylist() if blocks else []
    return found


def ranks_of(spool: Spool, *, lines: Lines) -> Lines:
    """How good the kind of each of these good lines of a file of readings is, as `rank` has it."""
    found = np.full(len(lines), ACTUAL, dtype=np.int64)
    for block in spool.blocks("good", columns=["line", "kind", "estimated"]):
        numbers = block["line"].to_numpy(dtype=np.int64)
        at = np.minimum(np.searchsorted(numbers, lines), len(numbers) - 1)
        here = numbers[at] == lines
        found[here] = rank(block)[at[here]]
    return found


def set_aside_later(spool: Spool) -> Lines:
    """The lines that were good by themselves, but not together with others."""
    aside = [block["line"].to_numpy(dtype=np.int64) for block in spool.blocks("aside")]
    return np.concatenate([np.zeros(0, dtype=np.int64), *aside])


def _of_worse_kind(spool: Spool) -> Lines:
    """The lines that are good, and count for nothing beside the actual reading that is stored."""
    told = (block for name in spool.parts("told") for block in spool.blocks(name))
    worse = (block.loc[block["code"] == Code.READING_WORSE_KIND.value, "line"] for block in told)
    return np.concatenate([np.zeros(0, dtype=np.int64), *(line.to_numpy(dtype=np.int64) for line in worse)])


def linked(rules: Rules, spool: Spool, *, lines: Lines) -> pd.DataFrame:
    """The readings (line, device, day) that these lines tell, whether they were stored now or known already."""
    none = pd.DataFrame(
        {
            "line": pd.Series([], dtype=LINE),
            "device": pd.Series([], dtype=LINE),
            "day": pd.Series([], dtype=DAY),
        }
    )
    stored = np.setdiff1d(lines, set_aside_later(spool))
    blocks = (
        block.loc[np.isin(block["line"].to_numpy(dtype=np.int64), stored)] for block in rules.links(spool)
    )
    return pd.concat([none, *(block for block in blocks if len(block))], ignore_index=True)


def _first_with(waiting: pd.DataFrame, *, spool: Spool, bad: Lines, sender: str) -> pd.DataFrame:
    """The first good line of each key that is waited for."""
    whose = _meters(waiting, sender=sender)
    meters = pc.unique(arrow(whose))
    key = _keys(whose, day=waiting["day"], meters=meters)
    order = np.argsort(key, kind="stable")
    ordered, line = key[order], np.zeros(len(key), dtype=np.int64)
    for block in spool.blocks(ABOUT):
        theirs = _keys(_meters(block, sender=sender), day=block["day"], meters=meters)
        numbers = block["line"].to_numpy(dtype=np.int64)
        chosen = (theirs >= 0) & ~np.isin(numbers, bad)
        theirs, first = np.unique(theirs[chosen], return_index=True)
        start, stop = (np.searchsorted(ordered, theirs, side=side) for side in ("left", "right"))
        of_key = np.repeat(np.arange(len(theirs)), stop - start)
        within = np.arange(len(of_key)) - np.repeat(np.cumsum(stop - start) - (stop - start), stop - start)
        at = order[start[of_key] + within]
        fresh = line[at] == 0
        line[at[fresh]] = numbers[chosen][first][of_key[fresh]]
    ids = waiting["id"].to_numpy(dtype=np.int64)
    told = _pairs(ids[line > 0], line[line > 0])
    return told.assign(kind_rank=waiting.loc[line > 0, "kind_rank"].reset_index(drop=True))


def _meters(frame: pd.DataFrame, *, sender: str) -> pd.Series:
    """Whose meter each row is about, and its number: two partners may have one number."""
    owner = pc.fill_null(arrow(frame["owner"]), sender) if "owner" in frame.columns else sender
    named = pc.binary_join_element_wise(owner, arrow(frame["serial_key"]), " ")
    return pd.Series(pd.arrays.ArrowExtensionArray(named), dtype=TEXT)


def _keys(meters_of: pd.Series, *, day: pd.Series, meters: Any) -> Lines:  # noqa: ANN401 - pyarrow has no types
    """Meter and day as one number; -1 where the meter is none of these or the day is not known."""
    meter, number = codes(meters_of, among=meters), days(day, empty=ALWAYS)
    known = (meter >= 0) & day.notna().to_numpy()
    return np.where(known, (meter << _DAY_BITS) | (number + _FIRST_DAY), -1)


def _pairs(ids: Lines, line: Lines) -> pd.DataFrame:
    return framed({"id": pa.array(ids, pa.int64()), "line": pa.array(line, pa.int64())})
