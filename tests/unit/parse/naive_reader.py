"""The rules of lines said a second time, in plain Python and character by character, to judge the fast reader."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from meterdrop.model.layout import Layout
from meterdrop.model.spelling import heading_key

LONGEST = 65536
UNREADABLE = "\ufffd"
"""All that is said of a cell with damage in it."""
DAMAGES = ("line.nul", "line.encoding")
BLANKS = " \t\v\f"


@dataclass
class NaiveFile:
    """What a file holds: rows, broken lines and findings with their physical lines, and the law's counts.

    A line with one of the DAMAGES may be a row or broken.
    """

    rows: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    broken: list[tuple[int, bytes]] = field(default_factory=list)
    findings: Counter[tuple[int, str]] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)


def naive_read(content: bytes, layout: Layout) -> NaiveFile:
    """The whole file at once."""
    result = NaiveFile()
    records = list(_records(list(_physical_lines(content, layout)), layout))
    footer = _footer(records, layout)
    for place, (number, raw, more) in enumerate(records):
        result.counts["continuation"] += more
        result.counts["physical"] += 1 + more
        if place in footer:
            result.counts["comment"] += 1
        else:
            _judge(number, raw, layout, result)
    return result


def kind_of(number: int, raw: bytes, layout: Layout) -> str:
    """What is this line: header, repeated, comment, blank, too-long or data?"""
    text, _ = _text_of(raw, layout.encoding)
    before = number < layout.header_line or number <= layout.preamble
    separators = ";,|\t" if before else layout.separator
    if number == layout.header_line:
        return "header"
    if text.startswith("#"):
        return "comment"
    if _size(raw, layout) <= LONGEST and not text.strip(BLANKS + separators):
        return "blank"
    if before:
        return "comment"
    if layout.header_raw and raw in (layout.header_raw, "\ufeff".encode(_codec(layout)) + layout.header_raw):
        return "repeated"
    return "too-long" if _size(raw, layout) > LONGEST else "data"


def _size(raw: bytes, layout: Layout) -> int:
    """So many bytes has the line (UTF-16: as UTF-8)."""
    return (
        len(_text_of(raw, layout.encoding)[0].encode("utf-8", "surrogatepass"))
        if _utf16(layout)
        else len(raw)
    )


def _records(lines: list[tuple[bytes, bytes]], layout: Layout) -> Iterator[tuple[int, bytes, int]]:
    """Number, bytes and further lines of each record. `lines` are the physical ones, each with its end."""
    place = 0
    while place < len(lines):
        more = _more_lines(lines, place, layout)
        swallowed = lines[place : place + more]
        yield place + 1, b"".join(raw + end for raw, end in swallowed) + lines[place + more][0], more
        place += more + 1


def _more_lines(lines: list[tuple[bytes, bytes]], place: int, layout: Layout) -> int:
    """Tries one line more at a time, until the record is whole or can't be one."""
    text = raw = lines[place][0]
    if kind_of(place + 1, raw, layout) != "data" or not _left_open(_text_of(raw, layout.encoding)[0], layout):
        return 0
    for more in range(1, layout.max_continuation_lines + 1):
        if place + more >= len(lines):
            return 0
        following = lines[place + more][0]
        text += lines[place + more - 1][1] + following
        if _size(following, layout) > LONGEST or _size(text, layout) > LONGEST:
            return 0
        if len(layout.headings) > 1 and _is_whole(following, layout):
            return 0
        if _is_whole(text, layout):
            return more
    return 0


def _is_whole(raw: bytes, layout: Layout) -> bool:
    cells = naive_cells(_text_of(raw, layout.encoding)[0], layout.separator)
    return cells is not None and len(cells) == len(layout.headings)


def _left_open(text: str, layout: Layout) -> bool:
    """Is it right but for a quoted cell that isn't closed?"""
    rest = text
    while True:
        if rest.startswith('"'):
            cell, after = _quoted(rest)
            if cell is None:
                return True
            rest = after
        else:
            cell, rest = _unquoted(rest, layout.separator)
            if cell is None:
                return False
        if not rest.startswith(layout.separator):
            return False
        rest = rest[len(layout.separator) :]


def _footer(records: list[tuple[int, bytes, int]], layout: Layout) -> frozenset[int]:
    """The places of the lines that are the footer. It is there, or need not be."""
    footer = layout.footer
    if footer is None:
        return frozenset()
    kinds = [kind_of(number, raw, layout) for number, raw, _ in records]
    last = [place for place, kind in enumerate(kinds) if kind not in ("blank", "comment")]
    if footer.lines:
        told = last[-footer.lines :]
        first = records[told[0]][1] if told else b""
        whole = len(told) == footer.lines and all(kinds[place] in ("data", "too-long") for place in told)
        return frozenset(told if whole and (not footer.words or _begins(first, layout)) else ())
    ending: set[int] = set()
    for place in reversed(last):
        if kinds[place] not in ("data", "too-long") or not _begins(records[place][1], layout):
            break
        ending.add(place)
    return frozenset(ending)


def _begins(raw: bytes, layout: Layout) -> bool:
    footer = layout.footer
    assert footer is not None
    text = _text_of(raw, layout.encoding)[0].lstrip("\ufeff \v\f").removeprefix("=")
    cell: str | None = text.split(layout.separator)[0]
    if text.startswith('"'):
        cell = _quoted(text)[0]
    return any(heading_key(text if cell is None else cell).startswith(word) for word in footer.words)


def _judge(number: int, raw: bytes, layout: Layout, result: NaiveFile) -> None:
    text, damaged = _text_of(raw, layout.encoding)
    kind = kind_of(number, raw, layout)
    if kind == "repeated":
        result.counts["header"] += 1
        result.findings[number, "line.repeated-header"] += 1
    elif kind == "too-long":
        result.findings[number, "line.too-long"] += 1
        result.broken.append((number, raw[:LONGEST]))
    elif kind == "data":
        _judge_data(number, raw, text, damaged, layout, result)
    else:
        result.counts[kind] += 1


def _judge_data(number: int, raw: bytes, text: str, damaged: bool, layout: Layout, result: NaiveFile) -> None:
    found: list[str] = []
    if "\0" in text:
        found.append("line.nul")
    if damaged:
        found.append("line.encoding")
    cells = naive_cells(text, layout.separator)
    if cells is None:
        found.append("line.bad-quoting")
    elif len(cells) < len(layout.headings):
        found.append("line.too-few-cells")
    elif len(cells) > len(layout.headings) or any(
        cell.strip(BLANKS) for cell, heading in zip(cells, layout.headings, strict=True) if not heading
    ):
        found.append("line.too-many-cells")
    result.findings.update((number, code) for code in found)
    if cells is None or not set(found) <= set(DAMAGES):
        result.broken.append((number, raw))
        return
    if found:
        told = naive_cells(_marked(raw, layout.encoding), layout.separator) or []
        cells = [UNREADABLE if UNREADABLE in cell else cell for cell in told]
    named = {name: cell for name, cell in zip(layout.columns, cells, strict=True) if name is not None}
    result.rows.append((number, named, raw))


def naive_cells(text: str, separator: str) -> list[str] | None:
    """The cells, or None if the line's quotes are wrong."""
    cells: list[str] = []
    rest = text
    while True:
        cell, rest = _quoted(rest) if rest.startswith('"') else _unquoted(rest, separator)
        if cell is None:
            return None
        cells.append(cell)
        if not rest:
            return cells
        if not rest.startswith(separator):
            return None
        rest = rest[1:]


def _unquoted(rest: str, separator: str) -> tuple[str | None, str]:
    end = rest.find(separator)
    cell, rest = (rest, "") if end < 0 else (rest[:end], rest[end:])
    inner = cell[2:-1] if cell.startswith('="') and cell.endswith('"') and len(cell) > 2 else cell
    return (None if any(sign in inner for sign in '"\r\n') else cell), rest


def _quoted(rest: str) -> tuple[str | None, str]:
    cell, at = "", 1
    while at < len(rest):
        if rest[at] != '"':
            cell += rest[at]
            at += 1
        elif rest[at + 1 : at + 2] == '"':
            cell += '"'
            at += 2
        else:
            return cell, rest[at + 1 :]
    return None, ""


def _physical_lines(content: bytes, layout: Layout) -> Iterator[tuple[bytes, bytes]]:
    """Each line and its end."""
    width = 2 if _utf16(layout) else 1
    order: Literal["big", "little"] = "big" if layout.encoding == "utf-16-be" else "little"
    units = [content[at : at + width] for at in range(layout.bom, len(content), width)]
    signs = [int.from_bytes(unit, order) if len(unit) == width else -1 for unit in units]
    begin = at = 0
    while at < len(units):
        if signs[at] in (10, 13):
            ended = at + (2 if signs[at : at + 2] == [13, 10] else 1)
            yield b"".join(units[begin:at]), b"".join(units[at:ended])
            begin = at = ended
        else:
            at += 1
    if begin < len(units):
        yield b"".join(units[begin:]), b""


def _text_of(raw: bytes, encoding: str) -> tuple[str, bool]:
    """The line as text with something harmless for damage, and whether there is damage."""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        whole = len(raw) - len(raw) % 2 if encoding.startswith("utf-16") else len(raw)
        how = "surrogatepass" if encoding.startswith("utf-16") else "replace"
        return raw[:whole].decode(encoding, how) + "?" * (len(raw) - whole), True
    if encoding.startswith("utf"):
        return text, False
    other = re.search(rb"[\xc2-\xc5][\x80-\xbf]|\xe2[\x80-\xbf][\x80-\xbf]", raw)
    return text, other is not None or any("\x80" <= letter <= "\x9f" for letter in text)


def _marked(raw: bytes, encoding: str) -> str:
    """A damaged line as text, with U+FFFD somewhere in every stretch of damage."""
    if encoding.startswith("utf-16"):
        whole = len(raw) - len(raw) % 2
        text = raw[:whole].decode(encoding, "surrogatepass") + UNREADABLE * (len(raw) - whole)
        return re.sub("[\0\ud800-\udfff]", UNREADABLE, text)
    if encoding == "utf-8":
        return raw.decode(encoding, "replace").replace("\0", UNREADABLE)
    foreign = re.sub(rb"[\xc2-\xc5](?=[\x80-\xbf])|\xe2(?=[\x80-\xbf]{2})", b"\0", raw)
    return re.sub("[\0\x80-\x9f]", UNREADABLE, foreign.decode(encoding, "replace"))


def _utf16(layout: Layout) -> bool:
    return layout.encoding.startswith("utf-16")


def _codec(layout: Layout) -> str:
    return layout.encoding if layout.encoding.startswith("utf") else "utf-8"
