"""What does it come to? The verdict on a file whose lines were judged, and what is told of it as a whole."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from meterdrop.model.codes import Code, severity_of
from meterdrop.model.delivery import Delivery, LineCounts, State
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement
from meterdrop.model.finding import Finding
from meterdrop.model.layout import Layout
from meterdrop.store.deliveries import Judgement
from meterdrop.usecases.judging.judge import Judged


def judgement_of(
    judged: Judged,
    *,
    agreement: Agreement,
    layout: Layout,
    file_findings: Sequence[Finding],
    parent: int | None,
    released: bool = False,
) -> tuple[Judgement, list[Finding]]:
    """The judgement, and the findings of the file as a whole. Raises CannotRead if no line holds a record.

    What a reviewer `released` is not held again, however many bad lines it has.
    """
    if judged.lines.data() == 0:
        raise CannotRead(Code.FILE_EMPTY, feed=agreement.feed.name, layout=layout)
    state = judged.state(agreement=agreement, released=released)
    told = [*_told_of_the_file(layout, held=state is State.HELD), *file_findings]
    by_code = Counter(judged.findings_by_code) + Counter(finding.code.value for finding in told)
    judgement = Judgement(
        state=state,
        lines=_held_back(judged.lines) if state is State.HELD else judged.lines,
        findings_by_code=by_code,
        feed=agreement.feed.name,
        rules=agreement.fingerprint,
        layout=layout,
        parent=parent,
    )
    return judgement, told


def duplicate_of(earlier: Delivery, *, agreement: Agreement) -> tuple[Judgement, Finding]:
    """The judgement on a file whose bytes were taken with an earlier delivery: all its records are known."""
    finding = of_the_file(Code.FILE_DUPLICATE, value=earlier.number)
    judgement = Judgement(
        state=State.DUPLICATE,
        lines=replace(earlier.lines, accepted=0, quarantined=0, duplicate=earlier.lines.data()),
        findings_by_code={finding.code.value: 1},
        feed=agreement.feed.name,
        rules=agreement.fingerprint,
        duplicate_of=earlier.id,
    )
    return judgement, finding


def _told_of_the_file(layout: Layout, *, held: bool) -> list[Finding]:
    extra = extra_columns(layout)
    return [*extra, of_the_file(Code.FILE_TOO_MANY_BAD_LINES)] if held else extra


def extra_columns(layout: Layout) -> list[Finding]:
    """The headings we ignore because we don't know them."""
    return [
        of_the_file(Code.FILE_EXTRA_COLUMN, line=layout.header_line, column=heading)
        for heading in layout.extra
    ]


def of_the_file(
    code: Code, *, line: int | None = None, column: str | None = None, value: str | None = None
) -> Finding:
    """A finding about a file as a whole."""
    return Finding(code=code, severity=severity_of(code), line=line, column=column, value=value)


def _held_back(lines: LineCounts) -> LineCounts:
    """Of a held file nothing is stored: all of its records are set aside with it."""
    return replace(lines, accepted=0, duplicate=0, quarantined=lines.data())
