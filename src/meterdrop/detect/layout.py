"""How is this file laid out? Its header line, separator, and which column each heading is."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from meterdrop.detect.encoding import Encoding
from meterdrop.detect.feed import choose_agreement, forced_agreement
from meterdrop.detect.headings import Header, read_header
from meterdrop.model.codes import Code
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement
from meterdrop.model.layout import LONGEST_LINE, SEPARATORS, Layout
from meterdrop.model.spelling import heading_key

_LINE: Final = re.compile(rb"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
_BLANK: Final = (" \t\v\f" + "".join(SEPARATORS)).encode()
_EXCEL_SEPARATOR: Final = re.compile(rb'"?sep=([;,|\t])"?[;,|\t]*', re.IGNORECASE)


@dataclass(frozen=True)
class HeaderLine:
    """The first line that is neither blank nor a comment; `separator` if Excel's `sep=;` came before it."""

    number: int
    text: str
    raw: bytes
    separator: str | None


def find_layout(
    head: bytes,
    *,
    encoding: Encoding,
    path: str,
    agreements: Sequence[Agreement],
    feed: str | None = None,
) -> tuple[Agreement, Layout]:
    """Under which agreement was the file sent, and how is it laid out?

    `head` is the start of the file (256 KiB), with its byte-order mark or without; the header must be in it. `feed` forces the
    feed of that name. CannotRead: `file.no-header`, `file.unknown-feed`, `file.missing-column` (all missing ones,
    comma-joined, in `column`), `file.duplicate-column` (our name in `column`, the headings in `value`).
    """
    line = header_line(head, encoding)

    def headings(agreement: Agreement) -> Header:
        return read_header(line.text, agreement=agreement, separator=line.separator)

    agreement = (
        forced_agreement(agreements, feed=feed)
        if feed is not None
        else choose_agreement(agreements, path=path, headings=headings)
    )
    header = headings(agreement)
    _refuse_unusable(header, agreement=agreement, line=line.number)
    return agreement, Layout(
        encoding=encoding.name,
        bom=encoding.bom,
        separator=header.separator,
        header_line=line.number,
        header_raw=line.raw,
        headings=header.headings,
        columns=header.columns,
        heading_units=header.units,
        extra=_extra(header, agreement),
        rejects_cells=header.rejects_cells,
    )


def header_line(head: bytes, encoding: Encoding) -> HeaderLine:
    """The header line of the file that begins with `head`; CannotRead `file.no-header` if there is none."""
    text = _as_ascii_based(head, encoding).removeprefix(codecs.BOM_UTF8)
    separator: str | None = None
    for number, found in enumerate(_LINE.finditer(text), start=1):
        line = found[1]
        if line.startswith(b"#") or not line.translate(None, _BLANK):
            continue
        excel = _EXCEL_SEPARATOR.fullmatch(line)
        if excel and separator is None:
            separator = excel[1].decode()
            continue
        if len(line) > LONGEST_LINE:
            break
        return HeaderLine(number, *_decoded(line, encoding), separator=separator)
    raise CannotRead(Code.FILE_NO_HEADER)


def _as_ascii_based(text: bytes, encoding: Encoding) -> bytes:
    """Bytes in which line ends are single bytes: UTF-16 as UTF-8, the others as they are."""
    if not encoding.name.startswith("utf-16"):
        return text
    whole = text[: len(text) - len(text) % 2]
    return whole.decode(encoding.name, "surrogatepass").encode("utf-8", "surrogatepass")


def _decoded(line: bytes, encoding: Encoding) -> tuple[str, bytes]:
    """The line as text, and as the file has it."""
    if encoding.name.startswith("utf-16"):
        # A lone surrogate is no letter of a heading, but one of its bytes.
        whole = line.decode("utf-8", "surrogatepass")
        return line.decode("utf-8", "replace"), whole.encode(encoding.name, "surrogatepass")
    return line.decode(encoding.name, "replace"), line


def _refuse_unusable(header: Header, *, agreement: Agreement, line: int) -> None:
    if not header.recognised:
        raise CannotRead(Code.FILE_NO_HEADER, line=line, feed=agreement.feed.name)
    missing = header.missing(agreement)
    if missing:
        raise CannotRead(
            Code.FILE_MISSING_COLUMN, line=line, column=", ".join(missing), feed=agreement.feed.name
        )
    for name in sorted(header.recognised):
        same = [
            heading for heading, column in zip(header.headings, header.columns, strict=True) if column == name
        ]
        if len(same) > 1:
            raise CannotRead(
                Code.FILE_DUPLICATE_COLUMN,
                line=line,
                column=name,
                value=", ".join(same),
                feed=agreement.feed.name,
            )


def _extra(header: Header, agreement: Agreement) -> tuple[str, ...]:
    """Headings we do not know and were not told to ignore, each once."""
    ignored = {heading_key(heading) for heading in agreement.ignored}
    own = len(header.headings) - header.rejects_cells
    unknown = [
        heading
        for heading, column in zip(header.headings[:own], header.columns[:own], strict=True)
        if column is None and heading and heading_key(heading) not in ignored
    ]
    return tuple(dict.fromkeys(unknown))
