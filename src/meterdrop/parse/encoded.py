"""How do a file's bytes become bytes we can split, and back again?

Lines are split in bytes in which line ends, separators and quotes are single ASCII bytes: the file's own for
UTF-8 and the single-byte encodings, and UTF-8 for UTF-16. Nothing is lost on the way: a lone surrogate travels as
the three bytes UTF-8 would give it (which no valid UTF-8 has), half a unit at the file's end behind a 0xFF.
"""

import codecs
from functools import cache
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from meterdrop.tables import DAMAGE, Lines

Mask = npt.NDArray[np.bool_]

_BOMS: Final = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}
_HALF: Final = b"\xff"
_HALF_LENGTH: Final = 3
_HALF_BASE: Final = 0x100
_AFTER_ESCAPE: Final = 0xA0
_ESCAPE: Final = 0xED


class Readable(Protocol):
    """What we need of a stream: `read` gives at most so many bytes, none at the end."""

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        ...


def is_utf16(encoding: str) -> bool:
    """Is every character of this encoding two or four bytes?"""
    return encoding.startswith("utf-16")


def is_utf8(encoding: str) -> bool:
    """Are the bytes we split UTF-8? (True for UTF-16, which is transcoded.)"""
    return encoding == "utf-8" or is_utf16(encoding)


def to_split(sent: bytes, *, encoding: str) -> bytes:
    """Whole characters of the file as the bytes we split."""
    if is_utf16(encoding):
        return sent.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")
    return sent


def opened(stream: Readable, *, encoding: str) -> Readable:
    """The stream without its byte-order mark, as the bytes we split."""
    bom = _BOMS.get(encoding, b"")
    start = stream.read(len(bom)) if bom else b""
    rest = _Pushed(b"" if start == bom else start, stream)
    return _FromUtf16(rest, encoding) if is_utf16(encoding) else rest


class _Pushed:
    """A stream with some bytes put back in front of it."""

    def __init__(self, start: bytes, stream: Readable) -> None:
        self._start = start
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        start, self._start = self._start, b""
        return start or self._stream.read(size)


class _FromUtf16:
    """A UTF-16 stream as UTF-8, piece by piece."""

    def __init__(self, stream: Readable, encoding: str) -> None:
        self._stream = stream
        self._encoding = encoding
        self._held = b""

    def read(self, size: int, /) -> bytes:
        while fresh := self._stream.read(size):
            held = self._held + fresh
            whole = len(held) - len(held) % 2
            whole -= 2 * self._ends_inside_a_pair(held[:whole])
            self._held = held[whole:]
            if whole:
                return to_split(held[:whole], encoding=self._encoding)
        held, self._held = self._held, b""
        whole = len(held) - len(held) % 2
        half = _HALF + chr(_HALF_BASE + held[-1]).encode() if len(held) % 2 else b""
        return to_split(held[:whole], encoding=self._encoding) + half

    def _ends_inside_a_pair(self, units: bytes) -> bool:
        high_byte = units[-1:] if self._encoding == "utf-16-le" else units[-2:-1]
        return b"\xd8" <= high_byte <= b"\xdb"


def as_sent(lines: pa.LargeBinaryArray, *, encoding: str) -> pa.LargeBinaryArray:
    """Split lines of one stretch of the file, back in the file's own bytes."""
    if not is_utf16(encoding) or len(lines) == 0:
        return lines
    _, ends, characters = lines.buffers()
    offsets = np.frombuffer(ends, dtype=np.int64)[: len(lines) + 1]
    text = characters.to_pybytes()[: int(offsets[-1])]
    half = b""
    if text[-_HALF_LENGTH:-2] == _HALF:
        half = bytes([ord(text[-2:].decode()) - _HALF_BASE])
        text = text[:-_HALF_LENGTH]
    sent = text.decode("utf-8", "surrogatepass").encode(encoding, "surrogatepass") + half
    moved = _utf16_length_before(text)[np.minimum(offsets, len(text))]
    moved[-1] = len(sent)
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(lines), [None, pa.py_buffer(moved), pa.py_buffer(sent)]
    )


def _utf16_length_before(text: bytes) -> Lines:
    """For each byte of UTF-8 text, and its end: how many bytes of UTF-16 come before it."""
    octets = np.frombuffer(text, dtype=np.uint8)
    units = ((octets & 0xC0) != 0x80).astype(np.int64) + (octets >= 0xF0)
    before = np.zeros(len(text) + 1, dtype=np.int64)
    np.cumsum(units * 2, out=before[1:])
    return before


def mended(text: bytes, *, encoding: str) -> bytes:
    """The bytes we split as UTF-8, with DAMAGE for each NUL and for what breaks the encoding: no cell or line more."""
    if is_utf8(encoding):
        letters = text.decode("utf-8", "replace")
    else:
        octets = np.frombuffer(text, dtype=np.uint8).copy()
        octets[undecodable(text, encoding=encoding)[1]] = 0
        letters = octets.tobytes().decode(encoding, "replace")
    return letters.replace("\0", DAMAGE).encode()


def shortened(text: bytes, *, start: int, length: int, encoding: str) -> int:
    """Where to cut a line so that `length` bytes stay, or a little more: UTF-16 is cut between characters."""
    cut = start + length
    while is_utf16(encoding) and cut < len(text) and text[cut] & 0xC0 == 0x80:
        cut += 1
    return cut


def undecodable(text: bytes, *, encoding: str) -> tuple[bytes, Lines]:
    """Where does text break its encoding? Gives the places, and the text they are places of.

    That text has the same lines, but damaged UTF-8 takes more bytes in it.
    """
    nowhere = np.empty(0, dtype=np.int64)
    if text.isascii():
        return text, nowhere
    if not is_utf8(encoding):
        octets = np.frombuffer(text, dtype=np.uint8)
        return text, np.flatnonzero(_not_in(encoding)[octets] | _is_utf8_letter(octets))
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        # Damaged bytes become lone surrogates, written as 0xED and 0xA0 or more: set-based, whatever their number.
        marked = text.decode("utf-8", "surrogateescape").encode("utf-8", "surrogatepass")
        octets = np.frombuffer(marked, dtype=np.uint8)
        return marked, np.flatnonzero((octets[:-1] == _ESCAPE) & (octets[1:] >= _AFTER_ESCAPE))
    return text, nowhere


def _is_utf8_letter(octets: npt.NDArray[np.uint8]) -> Mask:
    """Where does a letter or sign of Czech or Slovak text in UTF-8 begin? In text of one byte a letter it is damage.

    There the bytes are Â Ă Ä Ĺ â before a sign of 0x80-0xBF (`Å¾`): no word of ours has that.
    """
    first: Mask = ((octets >= 0xC2) & (octets <= 0xC5)) | (octets == 0xE2)
    if not first.any():
        return first
    continues = np.concatenate([(octets & 0xC0) == 0x80, [False, False]])
    begins: Mask = first & continues[1:-1] & ((octets != 0xE2) | continues[2:])
    return begins


@cache
def _not_in(encoding: str) -> Mask:
    """Which bytes mean nothing in a single-byte encoding? C1 controls are no text: the encoding told is wrong."""

    def means_nothing(octet: int) -> bool:
        character = bytes([octet]).decode(encoding, "replace")
        return character == "\ufffd" or "\x80" <= character <= "\x9f"

    return np.array([means_nothing(octet) for octet in range(256)], dtype=np.bool_)
