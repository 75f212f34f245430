"""In which encoding is this file written? Or is it no text at all?"""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from meterdrop.model.codes import Code
from meterdrop.model.errors import CannotRead
from meterdrop.model.layout import LONGEST_LINE, SEPARATORS

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

HEAD_BYTES: Final = 64 * 1024
"""How much of a file tells whether it is text."""

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UTF32: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_NO_TEXT: Final = (
    b"PK\x03\x04",  # zip, xlsx, ods
    b"PK\x05\x06",
    b"\x1f\x8b",  # gzip
    b"BZh",
    b"\xfd7zXZ\x00",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\x28\xb5\x2f\xfd",  # zstd
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",  # OLE2: xls, doc
    b"%PDF",
    b"\x89PNG\r\n",
    b"\xff\xd8\xff",  # jpeg
    b"GIF8",
    b"\x7fELF",
    b"PAR1",
    b"SQLite format 3\x00",
)
_BLANK: Final = (" \t\v\f\r\n" + "".join(SEPARATORS)).encode()
_CONTROLS: Final = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a")) + b"\x7f"
_FEW_CONTROLS: Final = 8
_CONTROLS_SHARE: Final = 0.05
_UTF16_SHARE: Final = 0.4
_OUR_NAMES: Final = {"cp1250": "windows-1250", "utf-8-sig": "utf-8"}
_ALL_BYTES: Final = bytes(range(256))


@dataclass(frozen=True)
class Encoding:
    """`name` as Python knows it: utf-8, utf-16-le, utf-16-be, windows-1250, iso8859-2 or the partner's own.

    `bom` is the length of the byte-order mark in bytes.
    """

    name: str
    bom: int = 0


class _Evidence:
    """What the lines of a file say about its encoding, gathered chunk by chunk.

    A line in another encoding must not change how the others are read: the first line speaks for its file, it is
    the header; if it is plain ASCII, most lines do.
    """

    def __init__(self) -> None:
        self.ascii_only = True
        self.utf8_whole = True
        self._seen = np.zeros(256, dtype=np.bool_)
        self._utf8_lines = 0
        self._other_lines = 0
        self._first_came = False
        self._first_is_utf8: bool | None = None
        self._carried = b""

    def add(self, chunk: bytes) -> None:
        """Looks at the next bytes. A line cut by the chunk's end is finished with the next one, if it is no giant."""
        text = self._carried + chunk
        cut = max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
        if len(text) - cut > LONGEST_LINE:
            cut = len(text) - len(_unfinished(text))
        self._carried = text[cut:]
        self._judge(text[:cut])

    def finish(self) -> None:
        """The file ended here: an unfinished sequence is damage."""
        self._judge(self._carried)

    def _judge(self, text: bytes) -> None:
        if text.isascii():
            self._first_came = self._first_came or bool(text.translate(None, _BLANK))
            return
        self.ascii_only = False
        marked = _marked_damage(text)
        self.utf8_whole = self.utf8_whole and marked is None
        utf8, damaged = _lines_that_speak(text if marked is None else marked)
        self._utf8_lines += int(utf8.sum())
        self._other_lines += int((damaged & ~utf8).sum())
        self._hear_first(text, utf8=utf8, damaged=damaged)
        self._see(text, utf8=utf8)

    def _hear_first(self, text: bytes, *, utf8: Mask, damaged: Mask) -> None:
        """What the first line that is not blank says."""
        if self._first_came:
            return
        before = text[: len(text) - len(text.lstrip(_BLANK))]
        line = before.count(b"\n") + before.count(b"\r")
        self._first_came = True
        if utf8[line] or damaged[line]:
            self._first_is_utf8 = bool(utf8[line])

    def _see(self, text: bytes, *, utf8: Mask) -> None:
        """Remembers the bytes of the lines that are no UTF-8."""
        octets = np.frombuffer(text, dtype=np.uint8)
        if utf8.any():
            length = np.diff(_line_ends(octets), prepend=-1, append=len(octets) - 1)
            octets = octets[np.repeat(~utf8, length)]
        self._seen[octets] = True

    @property
    def is_utf8(self) -> bool:
        """Is it UTF-8, though some of it is damaged?"""
        if self._first_is_utf8 is not None:
            return self._first_is_utf8
        return self._utf8_lines > 0 and self._utf8_lines >= self._other_lines

    @property
    def single_byte(self) -> str:
        """Which of the two Central European encodings? windows-1250 unless only the other has these bytes."""
        has_c1 = self._seen[0x80:0xA0].any()
        latin2_letters = self._seen[[0xA9, 0xAB, 0xAE, 0xB9, 0xBB, 0xBE]].any()
        return "iso8859-2" if latin2_letters and not has_c1 else "windows-1250"


def known_encoding(declared: str) -> str | None:
    """Our name of an encoding in a profile; None if there is none such, or its ASCII letters are not one byte each.

    `utf-16` says that a byte-order mark will come.
    """
    try:
        name = codecs.lookup(declared).name
        if name in {"utf-16", "utf-16-le", "utf-16-be"}:
            return name
        one_byte_each = name.startswith("utf-8") or len(_ALL_BYTES.decode(name, "replace")) == len(_ALL_BYTES)
        ascii_based = _ALL_BYTES[:128].decode(name) == _ALL_BYTES[:128].decode("ascii")
    except (LookupError, UnicodeDecodeError):
        return None
    return _OUR_NAMES.get(name, name) if one_byte_each and ascii_based else None


def find_encoding(chunks: Iterable[bytes], *, declared: str | None) -> Encoding:
    """Reads the whole file once. `declared` is what the partner's profile says, one of `known_encoding`.

    A byte-order mark wins over all, then valid UTF-8 with at least one letter beyond ASCII, then the declared
    encoding, then damaged UTF-8 (as the first line has it, or else most lines), then windows-1250 or ISO 8859-2.
    CannotRead: `file.empty`, `file.binary`, `file.encoding` (UTF-16 or UTF-32 nobody announced).
    """
    stream = iter(chunks)
    head = _head(stream)
    rest = chain([head], stream)
    marked = _marked(head)
    if marked is not None:
        _refuse_empty(_without(rest, marked.bom), two_bytes=marked.name != "utf-8")
        return marked
    name = None if declared is None else _known(declared)
    if name in {"utf-16-le", "utf-16-be"}:
        _refuse_empty(rest, two_bytes=True)
        return Encoding(name)
    _refuse_what_is_no_text(head)
    return Encoding(_by_content(rest, declared=None if name == "utf-16" else name))


def _known(declared: str) -> str:
    name = known_encoding(declared)
    if name is None:
        raise LookupError(f"the catalog let the encoding {declared!r} through")
    return name


def _by_content(chunks: Iterable[bytes], *, declared: str | None) -> str:
    evidence = _Evidence()
    empty = True
    for chunk in chunks:
        evidence.add(chunk)
        empty = empty and not chunk.translate(None, _BLANK)
    evidence.finish()
    if empty:
        raise CannotRead(Code.FILE_EMPTY)
    if not evidence.ascii_only and evidence.utf8_whole:
        return "utf-8"
    if declared is not None:
        return declared
    if evidence.ascii_only or evidence.is_utf8:
        return "utf-8"
    return evidence.single_byte


def _head(stream: Iterator[bytes]) -> bytes:
    """The start of the file, at least `HEAD_BYTES` of it if it has so many."""
    parts: list[bytes] = []
    size = 0
    for chunk in stream:
        parts.append(chunk)
        size += len(chunk)
        if size >= HEAD_BYTES:
            break
    return b"".join(parts)


def _marked(head: bytes) -> Encoding | None:
    if head.startswith(_UTF32):
        raise CannotRead(Code.FILE_ENCODING, value="UTF-32")
    return encoding_by_mark(head)


def encoding_by_mark(head: bytes) -> Encoding | None:
    """The encoding that the byte-order mark of this start of a file tells, if it has one."""
    for bom, name in _BOMS:
        if head.startswith(bom):
            return Encoding(name, bom=len(bom))
    return None


def _without(chunks: Iterable[bytes], length: int) -> Iterator[bytes]:
    """The chunks without the file's first bytes, which are all in the first chunk."""
    stream = iter(chunks)
    yield next(stream)[length:]
    yield from stream


def _refuse_empty(chunks: Iterable[bytes], *, two_bytes: bool) -> None:
    blank = _BLANK + (b"\x00" if two_bytes else b"")
    if not any(chunk.translate(None, blank) for chunk in chunks):
        raise CannotRead(Code.FILE_EMPTY)


def _refuse_what_is_no_text(head: bytes) -> None:
    start = head[:HEAD_BYTES]
    if start.startswith(_NO_TEXT):
        raise CannotRead(Code.FILE_BINARY)
    if _looks_like_utf16(start):
        raise CannotRead(Code.FILE_ENCODING, value="UTF-16")
    controls = len(start) - len(start.translate(None, _CONTROLS))
    if controls > max(_FEW_CONTROLS, _CONTROLS_SHARE * len(start)):
        raise CannotRead(Code.FILE_BINARY)


def _looks_like_utf16(start: bytes) -> bool:
    """Is nearly every other byte a NUL, as in western text of two bytes a letter?"""
    pairs = len(start) // 2
    first, second = start[0 : pairs * 2 : 2].count(0), start[1 : pairs * 2 : 2].count(0)
    few, many = min(first, second), max(first, second)
    return many > max(1, _UTF16_SHARE * pairs) and few * 10 <= many


def _unfinished(text: bytes) -> bytes:
    """The start of a UTF-8 sequence at the very end of the text, if its rest may still come."""
    for back in range(1, min(4, len(text) + 1)):
        octet = text[-back]
        if octet >= 0xC0:
            length = 2 if octet < 0xE0 else 3 if octet < 0xF0 else 4
            return text[-back:] if length > back else b""
        if octet < 0x80:
            break
    return b""


def _marked_damage(text: bytes) -> bytes | None:
    """The text with each byte that is no UTF-8 as a lone surrogate (0xED, 0xA0 or more); None if all of it is UTF-8."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("utf-8", "surrogateescape").encode("utf-8", "surrogatepass")
    return None


def _lines_that_speak(marked: bytes) -> tuple[Mask, Mask]:
    """Which lines hold a letter or sign of Czech or Slovak text in UTF-8, and which hold bytes that are none?

    Not just any valid sequence: windows-1250 `PŘÍŠTÍ` has one by chance. But the bytes 0xC2-0xC5 and 0xE2 are
    Â Ă Ä Ĺ â there, which Czech has not, least of all before a sign of 0x80-0xBF.
    """
    octets = np.frombuffer(marked, dtype=np.uint8)
    following = np.append(octets[1:], 0).astype(np.uint8)
    letters = ((octets >= 0xC2) & (octets <= 0xC5)) | (octets == 0xE2)
    letters &= (following & 0xC0) == 0x80
    letters[:-2] &= (octets[:-2] != 0xE2) | ((octets[2:] & 0xC0) == 0x80)
    damage = (octets == 0xED) & (following >= 0xA0)
    ends = _line_ends(octets)
    return _lines_with(letters, ends=ends), _lines_with(damage, ends=ends)


def _lines_with(places: Mask, *, ends: Places) -> Mask:
    """Which lines have any of these places? One more than there are line ends."""
    found = np.zeros(len(ends) + 1, dtype=np.bool_)
    found[np.searchsorted(ends, np.flatnonzero(places))] = True
    return found


def _line_ends(octets: npt.NDArray[np.uint8]) -> Places:
    """Where the bytes are that end lines (between CR and LF is an empty line here)."""
    return np.flatnonzero((octets == 10) | (octets == 13))
