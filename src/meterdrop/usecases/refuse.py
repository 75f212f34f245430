"""A file that is unusable as a whole: its lines are counted all the same, and every reason is told."""

from collections import Counter

from meterdrop.detect.encoding import encoding_by_mark, find_encoding
from meterdrop.model.codes import Code
from meterdrop.model.delivery import LineCounts, State
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement
from meterdrop.model.finding import Finding
from meterdrop.model.layout import Layout
from meterdrop.parse.lines import count_lines
from meterdrop.receive.originals import Originals
from meterdrop.store.deliveries import Judgement
from meterdrop.usecases.judging.judgement import extra_columns, of_the_file


def refusal(
    sha256: str,
    *,
    problem: CannotRead,
    originals: Originals,
    agreement: Agreement | None,
    layout: Layout | None,
) -> tuple[Judgement, list[Finding]]:
    """The judgement on a file that can't be read: nothing accepted, every line counted, every reason told.

    `agreement` and `layout` are what was found of it before it was refused, None if nothing was.
    """
    read = layout or problem.layout
    told = [
        of_the_file(Code(reason.code), line=reason.line, column=reason.column, value=reason.value)
        for reason in problem.reasons
    ]
    told += [] if read is None else extra_columns(read)
    judgement = Judgement(
        state=State.REFUSED,
        lines=_counted(sha256, originals=originals, layout=read),
        findings_by_code=Counter(finding.code.value for finding in told),
        feed=problem.feed if agreement is None else agreement.feed.name,
        layout=read or problem.strange,
    )
    return judgement, told


def _encoding(sha256: str, *, originals: Originals) -> str:
    """In which bytes its line ends are to be looked for, even if it holds nothing else."""
    try:
        return find_encoding(originals.chunks(sha256), declared=None).name
    except CannotRead:
        marked = encoding_by_mark(next(originals.chunks(sha256), b""))
        return "utf-8" if marked is None else marked.name


def _counted(sha256: str, *, originals: Originals, layout: Layout | None) -> LineCounts:
    encoding = _encoding(sha256, originals=originals) if layout is None else layout.encoding
    with originals.open(sha256) as stream:
        counts = count_lines(stream, encoding=encoding, layout=layout)
    return LineCounts(
        physical=counts.physical,
        header=counts.header,
        quarantined=counts.physical - counts.blank - counts.comment - counts.header,
        blank=counts.blank,
        comment=counts.comment,
    )
