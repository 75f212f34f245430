"""What is right in this file, and what is not? Every line in one pass, nothing stored yet."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa

from meterdrop.model.codes import Code, Severity
from meterdrop.model.delivery import LineCounts, State
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement
from meterdrop.model.layout import Layout
from meterdrop.parse.cells import cast
from meterdrop.parse.lines import read_blocks
from meterdrop.store.spool import Spool
from meterdrop.tables import RAW, Lines, TextBlock, join_findings
from meterdrop.usecases.judging.rules import Rules


@dataclass(frozen=True)
class Judged:
    """What judging came to. `ends` are the last lines of the blocks read, to go through the spool in order."""

    lines: LineCounts
    findings_by_code: Mapping[str, int]
    bad_lines: int
    """Lines set aside for what is wrong with them; a meter that isn't registered yet doesn't count here."""
    ends: Sequence[int]

    def state(self, *, agreement: Agreement) -> State:
        """The verdict, by the agreement's threshold."""
        feed = agreement.feed
        above = self.bad_lines > feed.hold_above_share * self.lines.data()
        if above and self.bad_lines >= feed.hold_above_lines:
            return State.HELD
        return State.PARTLY_ACCEPTED if self.lines.quarantined else State.ACCEPTED


def judge(
    stream: BinaryIO,
    *,
    agreement: Agreement,
    layout: Layout,
    rules: Rules,
    spool: Spool,
    numbers: Sequence[int] | None = None,
    waived: frozenset[Code] = frozenset(),
    came_with: int | None = None,
) -> Judged:
    """Judges every line. `numbers` are the true line numbers when the stream is an excerpt; findings of `waived`
    codes are kept as warnings; nothing that deliveries after `came_with` told is corrected.

    The spool then holds what `rules` will publish, and in line order: lines set aside under `quarantine` and `aside`,
    findings under `findings`, `aside-findings` and `told`. Raises CannotRead if the file has too many lines.
    """
    tally = _Tally()
    for block in read_blocks(stream, layout=layout, numbers=numbers):
        tally.add(block, most=agreement.max_lines)
        typed = cast(block, feed=agreement.feed, agreement=agreement, layout=layout)
        verdict = rules.judge(typed, layout=layout)
        findings = join_findings([block.findings, typed.findings, verdict.findings])
        _spool_block(
            block,
            good=verdict.good,
            findings=_softened(findings, waived=waived),
            spool=spool,
        )
    duplicates = rules.settle(spool, came_with=came_with)
    return tally.judged(spool, duplicates=duplicates)


def _spool_block(block: TextBlock, *, good: pd.DataFrame, findings: pd.DataFrame, spool: Spool) -> None:
    bad = error_lines(findings)
    is_bad = np.isin(block.line, bad)
    set_aside = pd.DataFrame({"line": block.line[is_bad], "raw": _raw(block, is_bad)})
    spool.add("quarantine", _by_line([block.broken, set_aside]))
    spool.add("findings", findings)
    good_lines = good["line"].to_numpy(dtype=np.int64)
    kept = good.loc[~np.isin(good_lines, bad)].reset_index(drop=True)
    kept["raw"] = _raw(block, np.isin(block.line, kept["line"].to_numpy(dtype=np.int64)))
    spool.add("good", kept)


def _softened(findings: pd.DataFrame, *, waived: frozenset[Code]) -> pd.DataFrame:
    if not waived:
        return findings
    soft = findings["code"].isin([code.value for code in waived])
    return findings.assign(severity=findings["severity"].mask(soft, Severity.WARNING.value))


def _raw(block: TextBlock, chosen: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> pd.Series:
    return pd.Series(pd.arrays.ArrowExtensionArray(block.raw.filter(pa.array(chosen))), dtype=RAW)


def _by_line(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    rows = pd.concat([part for part in parts if len(part)] or [parts[0]], ignore_index=True)
    rows = rows.astype({"line": pd.ArrowDtype(pa.int64()), "raw": RAW})
    return rows.sort_values("line", ignore_index=True)


def error_lines(findings: pd.DataFrame) -> Lines:
    """The lines that errors set aside, each once."""
    errors = findings.loc[findings["severity"] == Severity.ERROR.value, "line"]
    return np.unique(errors.to_numpy(dtype=np.int64))


class _Tally:
    """Counts lines as they go by."""

    def __init__(self) -> None:
        self._physical = self._header = self._blank = self._comment = self._continuation = 0
        self._ends: list[int] = []

    def add(self, block: TextBlock, *, most: int) -> None:
        self._physical += block.physical
        self._header += block.header
        self._blank += block.blank
        self._comment += block.comment
        self._continuation += block.continuation
        told = [lines[-1] for lines in (block.line, block.broken["line"].to_numpy()) if len(lines)]
        if len(block.findings):
            told.append(block.findings["line"].max())
        if told:
            self._ends.append(int(max(told)))
        if self._physical > most:
            raise CannotRead(Code.FILE_TOO_LARGE, value=f"> {most}")

    def judged(self, spool: Spool, *, duplicates: int) -> Judged:
        quarantined = spool.count("quarantine") + spool.count("aside")
        rest = self._physical - self._header - self._blank - self._comment - self._continuation
        by_code, bad = _findings_summary(spool, ends=self._ends)
        return Judged(
            lines=LineCounts(
                physical=self._physical,
                header=self._header,
                accepted=rest - quarantined - duplicates,
                quarantined=quarantined,
                duplicate=duplicates,
                blank=self._blank,
                comment=self._comment,
                continuation=self._continuation,
            ),
            findings_by_code=by_code,
            bad_lines=bad,
            ends=tuple(self._ends),
        )


def _findings_summary(spool: Spool, *, ends: Sequence[int]) -> tuple[dict[str, int], int]:
    by_code: Counter[str] = Counter()
    bad = 0
    for findings in findings_in_order(spool, ends=ends):
        by_code.update({str(code): int(count) for code, count in findings["code"].value_counts().items()})
        wrong = findings.loc[findings["code"] != Code.READING_NOT_IN_REGISTER.value]
        bad += len(error_lines(wrong))
    return dict(sorted(by_code.items())), bad


def findings_in_order(spool: Spool, *, ends: Sequence[int]) -> Iterator[pd.DataFrame]:
    """All findings of lines, block by block."""
    reader = spool.in_line_order("findings", "aside-findings", "told")
    return (block for end in ends if (block := reader.upto(end)) is not None)


def set_aside_in_order(spool: Spool, *, ends: Sequence[int]) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """All lines set aside (line, raw) with the findings of the same stretch, block by block."""
    lines = spool.in_line_order("quarantine", "aside")
    findings = spool.in_line_order("findings", "aside-findings", "told")
    for end in ends:
        found = findings.upto(end)
        rows = lines.upto(end)
        if rows is not None and found is not None:
            yield rows, found
