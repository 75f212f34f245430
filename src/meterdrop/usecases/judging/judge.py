"""What is right in this file, and what is not? Every line in one pass, nothing stored yet."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.model.codes import Code, Severity
from meterdrop.model.delivery import LineCounts, State
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement
from meterdrop.model.layout import Layout
from meterdrop.parse.cells import cast
from meterdrop.parse.damage import of_readable_cells
from meterdrop.parse.lines import read_blocks
from meterdrop.store.spool import Spool
from meterdrop.tables import RAW, Lines, TextBlock, TypedRows, as_frame, as_table, join_findings, only
from meterdrop.usecases.judging.ahead import Ahead
from meterdrop.usecases.judging.one_ahead import one_ahead
from meterdrop.usecases.judging.rules import AS_IT_CAME, Occasion, Rules
from meterdrop.usecases.judging.traces import ABOUT, NAMED, about, corrects
from meterdrop.validate.arrays import arrow, is_word

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Judged:
    """What judging came to. `ends` are the last lines of the blocks read, to go through the spool in order."""

    lines: LineCounts
    findings_by_code: Mapping[str, int]
    bad_lines: int
    """Lines set aside for what is wrong with them; a meter that isn't registered yet doesn't count here."""
    ends: Sequence[int]

    def state(self, *, agreement: Agreement, released: bool) -> State:
        """The verdict, by the agreement's threshold unless a reviewer released the delivery."""
        feed = agreement.feed
        above = self.bad_lines > feed.hold_above_share * self.lines.data()
        if above and self.bad_lines >= feed.hold_above_lines and not released:
            return State.HELD
        return State.PARTLY_ACCEPTED if self.lines.quarantined else State.ACCEPTED


def judge(
    stream: BinaryIO,
    *,
    agreement: Agreement,
    layout: Layout,
    rules: Rules,
    spool: Spool,
    numbers: Sequence[int] | Lines | None = None,
    occasion: Occasion = AS_IT_CAME,
    ahead: Ahead | None = None,
) -> Judged:
    """Judges every line. `numbers` are the true line numbers when the stream is an excerpt.

    `ahead` is where rows may be stored before the last is judged. The spool then holds what `rules` will publish, and in line order: lines set aside under `quarantine` and `aside`,
    findings under `findings`, `aside-findings` and `told`. Raises CannotRead if the file has too many lines.
    """
    tally = _Tally()
    blocks = _cast(stream, agreement=agreement, layout=layout, rules=rules, numbers=numbers)
    for block, typed, checked in one_ahead(blocks):
        tally.add(block)
        if tally.physical > agreement.max_lines:
            raise CannotRead(
                Code.FILE_TOO_LARGE,
                value=f"> {agreement.max_lines}",
                feed=agreement.feed.name,
                layout=layout,
            )
        _judge_block(
            block,
            typed,
            checked,
            agreement=agreement,
            layout=layout,
            rules=rules,
            spool=spool,
            occasion=occasion,
        )
        del block, typed, checked  # or two would be held while the next one is waited for
    duplicates = rules.settle(spool, occasion=occasion, ahead=ahead)
    return tally.judged(spool, duplicates=duplicates)


def _cast(
    stream: BinaryIO,
    *,
    agreement: Agreement,
    layout: Layout,
    rules: Rules,
    numbers: Sequence[int] | Lines | None,
) -> Iterator[tuple[TextBlock, TypedRows, Sequence[pd.DataFrame]]]:
    """The lines in blocks, what their cells say, and what is wrong with them by themselves."""
    for block in read_blocks(stream, layout=layout, numbers=numbers):
        typed = cast(block, feed=agreement.feed, agreement=agreement, layout=layout)
        yield block, typed, rules.check(typed, layout=layout)
        del block, typed


def _judge_block(
    block: TextBlock,
    typed: TypedRows,
    checked: Sequence[pd.DataFrame],
    *,
    agreement: Agreement,
    layout: Layout,
    rules: Rules,
    spool: Spool,
    occasion: Occasion,
) -> None:
    verdict = rules.judge(typed, told=checked, layout=layout)
    of_rows = [
        of_readable_cells(told, block=block, layout=layout) for told in (typed.findings, verdict.findings)
    ]
    findings = join_findings([block.findings, *of_rows])
    _spool_block(
        block,
        good=verdict.good,
        findings=occasion.softened(findings),
        told=about(typed.frame, target=agreement.feed.target),
        spool=spool,
        occasion=occasion,
    )
    if layout.rejects_cells:
        spool.add(NAMED, corrects(block, layout=layout))


def _spool_block(
    block: TextBlock,
    *,
    good: pd.DataFrame,
    findings: pd.DataFrame,
    told: pd.DataFrame,
    spool: Spool,
    occasion: Occasion,
) -> None:
    bad = error_lines(findings)
    is_bad = _among(block.line, bad)
    spool.add("quarantine", _set_aside(block, told=told, is_bad=is_bad))
    if occasion.traces:
        spool.add(ABOUT, only(told, ~is_bad))
    spool.add("findings", findings)
    lines = good["line"].to_numpy(dtype=np.int64)
    stays = ~(_among(lines, bad) | _among(lines, occasion.left_out))
    kept = only(good, stays)
    spool.add("good", kept.assign(raw=_raw(block, _among(block.line, kept["line"].to_numpy(dtype=np.int64)))))


def _set_aside(block: TextBlock, *, told: pd.DataFrame, is_bad: Mask) -> pd.DataFrame:
    """Broken lines and those with bad cells, by line."""
    bad = only(told, is_bad).assign(raw=_raw(block, is_bad))
    if len(block.broken) == 0:
        return bad
    tables = [as_table(bad), as_table(block.broken)]
    together = pa.concat_tables(tables, promote_options="default").combine_chunks()
    return as_frame(together.take(pa.array(np.argsort(together["line"].to_numpy(), kind="stable"))))


def _among(lines: Lines, some: Lines) -> Mask:
    """Which of these lines are among some others, given in order?"""
    if len(some) == 0:
        return np.zeros(len(lines), dtype=np.bool_)
    found: Mask = some[np.minimum(np.searchsorted(some, lines), len(some) - 1)] == lines
    return found


def _raw(block: TextBlock, chosen: Mask) -> pd.Series:
    raw = block.raw if chosen.all() else block.raw.filter(pa.array(chosen))
    return pd.Series(pd.arrays.ArrowExtensionArray(raw), dtype=RAW)


def error_lines(findings: pd.DataFrame, *, but: Code | None = None) -> Lines:
    """The lines that errors set aside, each once; errors with the code `but` are not looked at."""
    wrong = is_word(findings["severity"], Severity.ERROR.value)
    if but is not None:
        wrong &= ~is_word(findings["code"], but.value)
    lines = findings["line"].to_numpy(dtype=np.int64)[wrong]
    return lines[np.diff(lines, prepend=-1) > 0] if (lines[1:] >= lines[:-1]).all() else np.unique(lines)


class _Tally:
    """Counts lines as they go by."""

    def __init__(self) -> None:
        self.physical = self._header = self._blank = self._comment = self._continuation = 0
        self._ends: list[int] = []

    def add(self, block: TextBlock) -> None:
        self.physical += block.physical
        self._header += block.header
        self._blank += block.blank
        self._comment += block.comment
        self._continuation += block.continuation
        told = [lines[-1] for lines in (block.line, block.broken["line"].to_numpy()) if len(lines)]
        if len(block.findings):
            told.append(block.findings["line"].max())
        if told:
            self._ends.append(int(max(told)))

    def judged(self, spool: Spool, *, duplicates: int) -> Judged:
        quarantined = spool.count("quarantine") + spool.count("aside")
        rest = self.physical - self._header - self._blank - self._comment - self._continuation
        by_code, bad = _findings_summary(spool, ends=self._ends)
        return Judged(
            lines=LineCounts(
                physical=self.physical,
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
        counts = pc.value_counts(arrow(findings["code"]))
        by_code.update(dict(zip(*(counts.field(part).to_pylist() for part in (0, 1)), strict=True)))
        bad += len(error_lines(findings, but=Code.READING_NOT_IN_REGISTER))
    return dict(sorted(by_code.items())), bad


def findings_in_order(spool: Spool, *, ends: Sequence[int]) -> Iterator[pd.DataFrame]:
    """All findings of lines, block by block."""
    reader = spool.in_line_order("findings", "aside-findings", "told")
    return (block for end in ends if (block := reader.upto(end)) is not None)


def set_aside_in_order(spool: Spool, *, ends: Sequence[int]) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """All lines set aside (line, raw) with the findings of the same stretch, block by block."""
    for rows, found in both_in_order(spool, ends=ends):
        if rows is not None and found is not None:
            yield rows, found


def both_in_order(
    spool: Spool, *, ends: Sequence[int]
) -> Iterator[tuple[pd.DataFrame | None, pd.DataFrame | None]]:
    """All lines set aside and all findings, stretch by stretch; None where a stretch has none."""
    lines = spool.in_line_order("quarantine", "aside")
    findings = spool.in_line_order("findings", "aside-findings", "told")
    return ((lines.upto(end), findings.upto(end)) for end in ends)
