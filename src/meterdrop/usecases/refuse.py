"""A file that is unusable as a whole: its lines are counted all the same, and its reason is told."""

from meterdrop.detect.encoding import find_encoding
from meterdrop.model.codes import Code, severity_of
from meterdrop.model.delivery import Delivery, LineCounts, State
from meterdrop.model.errors import CannotRead
from meterdrop.model.finding import Finding
from meterdrop.parse.lines import count_lines
from meterdrop.receive.originals import Originals
from meterdrop.store.deliveries import Judgement

_HEADER_WAS_FOUND = frozenset(
    {Code.FILE_MISSING_COLUMN, Code.FILE_DUPLICATE_COLUMN, Code.DEVICE_MAY_NOT_REGISTER}
)


def refusal(delivery: Delivery, *, problem: CannotRead, originals: Originals) -> tuple[Judgement, Finding]:
    """The judgement on a file that can't be read: nothing accepted, every line counted."""
    code = Code(problem.code)
    finding = Finding(
        code=code, severity=severity_of(code), line=problem.line, column=problem.column, value=problem.value
    )
    judgement = Judgement(
        state=State.REFUSED,
        lines=_counted(
            delivery, originals=originals, has_header=problem.header_found or code in _HEADER_WAS_FOUND
        ),
        findings_by_code={code.value: 1},
        feed=problem.feed,
    )
    return judgement, finding


def _counted(delivery: Delivery, *, originals: Originals, has_header: bool) -> LineCounts:
    try:
        encoding = find_encoding(originals.chunks(delivery.sha256), declared=None).name
    except CannotRead:
        encoding = "utf-8"
    with originals.open(delivery.sha256) as stream:
        counts = count_lines(stream, encoding=encoding)
    header = 1 if has_header else 0
    return LineCounts(
        physical=counts.physical,
        header=header,
        quarantined=counts.physical - counts.blank - counts.comment - header,
        blank=counts.blank,
        comment=counts.comment,
    )
