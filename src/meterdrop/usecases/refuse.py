"""A file that is unusable as a whole: its lines are counted all the same, and its reason is told."""

from meterdrop.detect.encoding import encoding_by_mark, find_encoding
from meterdrop.model.codes import Code, severity_of
from meterdrop.model.delivery import LineCounts, State
from meterdrop.model.errors import CannotRead
from meterdrop.model.finding import Finding
from meterdrop.parse.lines import count_lines
from meterdrop.receive.originals import Originals
from meterdrop.store.deliveries import Judgement

_HEADER_WAS_FOUND = frozenset(
    {Code.FILE_MISSING_COLUMN, Code.FILE_DUPLICATE_COLUMN, Code.DEVICE_MAY_NOT_REGISTER}
)


def refusal(sha256: str, *, problem: CannotRead, originals: Originals) -> tuple[Judgement, Finding]:
    """The judgement on a file that can't be read: nothing accepted, every line counted."""
    code = Code(problem.code)
    finding = Finding(
        code=code, severity=severity_of(code), line=problem.line, column=problem.column, value=problem.value
    )
    judgement = Judgement(
        state=State.REFUSED,
        lines=_counted(
            sha256, originals=originals, has_header=problem.header_found or code in _HEADER_WAS_FOUND
        ),
        findings_by_code={code.value: 1},
        feed=problem.feed,
        layout=problem.layout,
    )
    return judgement, finding


def _encoding(sha256: str, *, originals: Originals) -> str:
    """In which bytes its line ends are to be looked for, even if it holds nothing else."""
    try:
        return find_encoding(originals.chunks(sha256), declared=None).name
    except CannotRead:
        marked = encoding_by_mark(next(originals.chunks(sha256), b""))
        return "utf-8" if marked is None else marked.name


def _counted(sha256: str, *, originals: Originals, has_header: bool) -> LineCounts:
    encoding = _encoding(sha256, originals=originals)
    with originals.open(sha256) as stream:
        counts = count_lines(stream, encoding=encoding)
    header = 1 if has_header else 0
    return LineCounts(
        physical=counts.physical,
        header=header,
        quarantined=counts.physical - counts.blank - counts.comment - header,
        blank=counts.blank,
        comment=counts.comment,
    )
