"""Which line of a file is its header?"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from meterdrop.detect.encoding import Encoding
from meterdrop.model.codes import Code
from meterdrop.model.errors import CannotRead
from meterdrop.model.form import Form
from meterdrop.model.layout import LONGEST_LINE, SEPARATORS

_LINE: Final = re.compile(rb"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
_BLANK: Final = (" \t\v\f" + "".join(SEPARATORS)).encode()
_EXCEL_SEPARATOR: Final = re.compile(rb'"?sep=([;,|\t])"?[;,|\t]*', re.IGNORECASE)


@dataclass(frozen=True)
class HeaderLine:
    """One line of a file; `separator` if Excel's `sep=;` came before it, in the line `separator_line`."""

    number: int
    text: str
    raw: bytes
    separator: str | None = None
    separator_line: int = 0
    too_long: bool = False
    passed_over: bool = False
    """Blank or a comment."""


def lines_of(head: bytes, encoding: Encoding) -> Iterator[HeaderLine]:
    """The lines of the file that begins with `head`, but for the first that is Excel's `sep=;`."""
    separator: str | None = None
    separator_line = 0
    for number, found in enumerate(_LINE.finditer(_as_ascii_based(head, encoding)), start=1):
        line = found[1]
        excel = _EXCEL_SEPARATOR.fullmatch(line)
        if excel and separator is None:
            separator, separator_line = excel[1].decode(), number
            continue
        text, raw = _decoded(line, encoding)
        yield HeaderLine(
            number=number,
            text=text,
            raw=raw,
            separator=separator,
            separator_line=separator_line,
            too_long=len(line) > LONGEST_LINE,
            passed_over=line.startswith(b"#") or not line.translate(None, _BLANK),
        )


def holds_nothing(head: bytes, encoding: Encoding) -> bool:
    """Are all these lines blank or comments?"""
    return all(line.passed_over for line in lines_of(head, encoding))


def header_line(head: bytes, encoding: Encoding, *, form: Form | None = None) -> HeaderLine:
    """The header line of the file that begins with `head`, where the form has it (the default: the first line after
    the preamble that is neither blank nor a comment). CannotRead `file.no-header` if there is none.
    """
    form = form or Form()
    for line in lines_of(head, encoding):
        if line.number <= form.preamble or line.number < form.header_row:
            continue
        # A declared row may begin with `#`: some programs write their headings so.
        wanted = bool(line.text.strip()) if form.header_row else not line.passed_over
        if wanted and not line.too_long:
            return line
        if wanted or form.header_row:
            break
    raise CannotRead(Code.FILE_NO_HEADER, line=form.header_row or None)


def first_line(head: bytes, encoding: Encoding) -> HeaderLine | None:
    """The first line that is neither blank nor a comment; None if there is none, or nobody can keep it."""
    try:
        return header_line(head, encoding)
    except CannotRead:
        return None


def _as_ascii_based(head: bytes, encoding: Encoding) -> bytes:
    """Bytes in which line ends are single bytes, without the byte-order mark: UTF-16 as UTF-8, the others as is."""
    text = head
    if encoding.name.startswith("utf-16"):
        whole = head[: len(head) - len(head) % 2]
        text = whole.decode(encoding.name, "surrogatepass").encode("utf-8", "surrogatepass")
    return text.removeprefix(codecs.BOM_UTF8)


def _decoded(line: bytes, encoding: Encoding) -> tuple[str, bytes]:
    """The line as text, and as the file has it."""
    if encoding.name.startswith("utf-16"):
        # A lone surrogate is no letter of a heading, but one of its bytes.
        whole = line.decode("utf-8", "surrogatepass")
        return line.decode("utf-8", "replace"), whole.encode(encoding.name, "surrogatepass")
    return line.decode(encoding.name, "replace"), line
