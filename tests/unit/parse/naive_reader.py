"""The rules of lines said a second time, in plain Python and character by character, to judge the fast reader."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from meterdrop.model.layout import Layout

LONGEST = 65536
BLANKS = " \t\v\f"


@dataclass
class NaiveFile:
    """What a file holds: rows, broken lines and findings with their physical lines, and the law's counts."""

    rows: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    broken: list[tuple[int, bytes]] = field(default_factory=list)
    findings: Counter[tuple[int, str]] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)


def naive_read(content: bytes, layout: Layout) -> NaiveFile:
    """The whole file at once."""
    result = NaiveFile()
    for number, raw in enumerate(_physical_lines(content, layout), start=1):
        _judge(number, raw, layout, result)
    return result


def _judge(number: int, raw: bytes, layout: Layout, result: NaiveFile) -> None:
    text, damaged = _text_of(raw, layout.encoding)
    result.counts["physical"] += 1
    size = len(raw) if not _utf16(layout) else len(text.encode("utf-8", "surrogatepass"))
    separators = ";,|\t" if number < layout.header_line else layout.separator
    if number == layout.header_line:
        result.counts["header"] += 1
    elif text.startswith("#"):
        result.counts["comment"] += 1
    elif size <= LONGEST and not text.strip(BLANKS + separators):
        result.counts["blank"] += 1
    elif number < layout.header_line:
        result.counts["comment"] += 1
    elif raw == layout.header_raw or raw == "\ufeff".encode(_codec(layout)) + layout.header_raw:
        result.counts["header"] += 1
        result.findings[number, "line.repeated-header"] += 1
    elif size > LONGEST:
        result.findings[number, "line.too-long"] += 1
        result.broken.append((number, raw[:LONGEST]))
    else:
        _judge_data(number, raw, text, damaged, layout, result)


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
    if found or cells is None:
        result.findings.update((number, code) for code in found)
        result.broken.append((number, raw))
    else:
        named = {name: cell for name, cell in zip(layout.columns, cells, strict=True) if name is not None}
        result.rows.append((number, named, raw))


def naive_cells(text: str, separator: str) -> list[str] | None:
    """The cells, or None if the line's quotes are wrong."""
    cells: list[str] = []
    rest = text
    while True:
        if rest.startswith('"'):
            cell, rest = _quoted(rest)
            if cell is None:
                return None
        else:
            end = rest.find(separator)
            cell, rest = (rest, "") if end < 0 else (rest[:end], rest[end:])
            inner = cell[2:-1] if cell.startswith('="') and cell.endswith('"') and len(cell) > 2 else cell
            if '"' in inner:
                return None
        cells.append(cell)
        if not rest:
            return cells
        if not rest.startswith(separator):
            return None
        rest = rest[1:]


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


def _physical_lines(content: bytes, layout: Layout) -> Iterator[bytes]:
    width = 2 if _utf16(layout) else 1
    order = "big" if layout.encoding == "utf-16-be" else "little"
    units = [content[at : at + width] for at in range(layout.bom, len(content), width)]
    line = b""
    open_line = False
    previous_was_return = False
    for unit in units:
        sign = int.from_bytes(unit, order) if len(unit) == width else -1  # type: ignore[arg-type]  # a str to mypy
        if sign == 10 and previous_was_return:
            previous_was_return = False
            continue
        previous_was_return = sign == 13
        if sign in (10, 13):
            yield line
            line, open_line = b"", False
        else:
            line += unit
            open_line = True
    if open_line:
        yield line


def _text_of(raw: bytes, encoding: str) -> tuple[str, bool]:
    """The line as text with something harmless for damage, and whether there is damage."""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        whole = len(raw) - len(raw) % 2 if encoding.startswith("utf-16") else len(raw)
        how = "surrogatepass" if encoding.startswith("utf-16") else "replace"
        return raw[:whole].decode(encoding, how) + "?" * (len(raw) - whole), True
    single_byte = not encoding.startswith("utf")
    return text, single_byte and any("\x80" <= letter <= "\x9f" for letter in text)


def _utf16(layout: Layout) -> bool:
    return layout.encoding.startswith("utf-16")


def _codec(layout: Layout) -> str:
    return layout.encoding if layout.encoding.startswith("utf") else "utf-8"
