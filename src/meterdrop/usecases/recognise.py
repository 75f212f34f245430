"""Which feed is this file, and how is it written?"""

from collections.abc import Sequence
from itertools import chain
from typing import Final

from meterdrop.detect.encoding import Encoding, find_encoding
from meterdrop.detect.header_line import holds_nothing
from meterdrop.detect.layout import find_layout, layout_of_header
from meterdrop.model.codes import Code
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement
from meterdrop.model.layout import Layout
from meterdrop.receive.originals import Originals

_HEAD: Final = 256 * 1024


def recognise(
    originals: Originals,
    *,
    sha256: str,
    size: int,
    path: str,
    agreements: Sequence[Agreement],
    feed: str | None,
) -> tuple[Agreement, Layout]:
    """The agreement and layout of a kept file. Raises CannotRead with the reason if it has none."""
    if size > max((agreement.max_bytes for agreement in agreements), default=0):
        raise CannotRead(Code.FILE_TOO_LARGE, value=str(size))
    head = head_of(originals, sha256)
    declared = {agreement.encoding for agreement in agreements if agreement.encoding}
    encoding = find_encoding(
        originals.chunks(sha256), declared=declared.pop() if len(declared) == 1 else None
    )
    try:
        agreement, layout = find_layout(head, encoding=encoding, path=path, agreements=agreements, feed=feed)
    except CannotRead as problem:
        if problem.code == Code.FILE_NO_HEADER and len(head) == size and holds_nothing(head, encoding):
            raise CannotRead(Code.FILE_EMPTY, feed=problem.feed) from problem
        raise
    if agreement.encoding is not None and len(declared) > 0:
        encoding = find_encoding(originals.chunks(sha256), declared=agreement.encoding)
        return find_layout(
            head,
            encoding=encoding,
            path=path,
            agreements=[agreement],
            feed=agreement.feed.name,
        )
    return agreement, layout


def head_of(originals: Originals, sha256: str) -> bytes:
    """The start of a kept file, up to the end of a line: half a header would be read as one."""
    start = next(chain(originals.chunks(sha256), [b""]))
    if len(start) <= _HEAD:
        return start
    return start[: max(start.rfind(b"\n", 0, _HEAD), start.rfind(b"\r", 0, _HEAD)) + 1 or _HEAD]


def recognise_excerpt(
    header_raw: bytes, *, encoding: str, bom: int, separator: str, header_line: int, agreement: Agreement
) -> Layout:
    """The layout of some lines of a file of which this was found when it came; `header_line` 0: it had no header.

    Raises CannotRead if the header isn't one by what is agreed now. Lines are judged without footer: they are none.
    """
    return layout_of_header(
        header_raw,
        encoding=Encoding(name=encoding, bom=bom),
        separator=separator,
        header_line=header_line,
        agreement=agreement,
    )
