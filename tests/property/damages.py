"""Ways to damage some lines of a clean file, and what it then holds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hypothesis import strategies as st

from tests.property.clean_files import SEPARATORS, CleanFile, Piece, Value

OTHER_ENCODINGS: Final = ("utf-8", "windows-1250", "utf-16-le", "cp852")


@dataclass(frozen=True)
class Whole:
    """A record nobody damaged: where its bytes begin in the file, and what they say."""

    begin: int
    text: str
    values: dict[str, Value]


@dataclass(frozen=True)
class DamagedFile:
    """The bytes of a file, and its records that are still whole."""

    content: bytes
    whole: tuple[Whole, ...]


BITING: Final = (b"\xff", b"\x9e", b"\x81", b"\xc5", "ž".encode(), b"\xd8", b"\xdc")
"""Bytes that are none in some encoding, or no text; twice they are half of a surrogate pair in UTF-16."""

Draw = st.DrawFn
Damage = Callable[[Draw, CleanFile, bytes], bytes]


def _places(draw: Draw, file: CleanFile, line: bytes) -> int:
    """Anywhere between two characters of the line (between two bytes, where characters are bytes)."""
    step = 2 if file.layout.encoding.startswith("utf-16") else 1
    return step * draw(st.integers(0, len(line) // step))


def _into(what: st.SearchStrategy[str]) -> Damage:
    def damage(draw: Draw, file: CleanFile, line: bytes) -> bytes:
        place = _places(draw, file, line)
        return line[:place] + draw(what).encode(file.layout.encoding, "ignore") + line[place:]

    return damage


def _quote_at_a_cell(opens: bool, place: int | None = None) -> Damage:
    """Just behind a separator it opens a cell, just before one it closes one."""

    def damage(draw: Draw, file: CleanFile, line: bytes) -> bytes:
        quote, separator = file.encoded('"'), file.encoded(file.layout.separator)
        cells = line.split(separator)
        at = draw(st.integers(0, len(cells) - 1)) if place is None else place % len(cells)
        cells[at] = quote + cells[at] if opens else cells[at] + quote
        return separator.join(cells)

    return damage


def _without_a_separator(draw: Draw, file: CleanFile, line: bytes) -> bytes:
    separator = file.encoded(file.layout.separator)
    pieces = line.split(separator)
    if len(pieces) < 2:
        return line
    place = draw(st.integers(1, len(pieces) - 1))
    return separator.join(pieces[:place]) + separator.join(pieces[place:])


def _other_separators(draw: Draw, file: CleanFile, line: bytes) -> bytes:
    return line.replace(file.encoded(file.layout.separator), file.encoded(draw(st.sampled_from(SEPARATORS))))


def _random_bytes(draw: Draw, file: CleanFile, line: bytes) -> bytes:
    """Of UTF-16 whole units: a byte more would shift every line that follows."""
    place = _places(draw, file, line)
    many = 2 if file.layout.encoding.startswith("utf-16") else 1
    noise = draw(st.one_of(st.sampled_from(BITING), st.binary(min_size=1, max_size=3))) * many
    over = draw(st.sampled_from([0, len(noise)]))
    return line[:place] + noise + line[place + over :]


def _cut(draw: Draw, file: CleanFile, line: bytes) -> bytes:
    place = _places(draw, file, line)
    return draw(st.sampled_from([line[:place], line[place:]]))


def _other_encoding(draw: Draw, file: CleanFile, line: bytes) -> bytes:
    """With a letter at least that is another one there."""
    text = line.decode(file.layout.encoding)
    text = text if not text.isascii() else text + draw(st.sampled_from(["ž", "Á", "ř"]))
    other = text.encode(draw(st.sampled_from(OTHER_ENCODINGS)), "replace")
    odd = len(other) % 2 and file.layout.encoding.startswith("utf-16")
    return other + b" " if odd else other


DAMAGES: Final[tuple[Damage, ...]] = (
    _into(st.sampled_from(SEPARATORS)),
    _into(st.sampled_from(['"', '""', '"', "'", '="', '";"'])),
    _into(st.sampled_from(["\n", "\r\n", "\r", "\n\n"])),  # split
    _into(st.sampled_from(["#", "x", " ", "\ufeff", "\x85"])),
    _into(st.just("\0")),
    _quote_at_a_cell(True),
    _quote_at_a_cell(False),
    _without_a_separator,
    _other_separators,
    _random_bytes,
    _random_bytes,
    _cut,
    _other_encoding,
)

DAMAGES_OF_ENCODING: Final[tuple[Damage, ...]] = (_other_encoding, _random_bytes)


@st.composite
def damaged(
    draw: st.DrawFn, clean: st.SearchStrategy[CleanFile], *, damages: tuple[Damage, ...] = DAMAGES
) -> tuple[CleanFile, DamagedFile]:
    """A clean file, and the same with some lines damaged: at least one, if it has any that may be."""
    file = draw(clean)
    possible = [place for place, piece in enumerate(file.pieces) if not piece.fixed]
    chosen = dict(draw(_chosen(possible, damages=damages))) if possible else {}
    content = file.mark
    whole: list[Whole] = []
    joined = False
    for place, piece in enumerate(file.pieces):
        begin = len(content)
        line = file.encoded(piece.text)
        end = piece.end
        hurt = place in chosen
        if hurt and _may_join(file, place) and draw(st.integers(0, 8)) == 0:
            end = ""
        elif hurt:
            line = chosen[place](draw, file, line)
        content += line + file.encoded(end)
        if piece.values is not None and not hurt and not joined:
            whole.append(Whole(begin, piece.text, piece.values))
        joined = hurt and not end
    return file, DamagedFile(content, tuple(whole))


@st.composite
def _chosen(draw: st.DrawFn, places: list[int], *, damages: tuple[Damage, ...]) -> list[tuple[int, Damage]]:
    """Which lines are damaged, and how. A cell opened here and closed there tries to swallow what is between."""
    if damages is DAMAGES and len(places) > 1 and draw(st.integers(0, 2)) == 0:
        first, last = sorted(draw(st.lists(st.sampled_from(places), min_size=2, max_size=2, unique=True)))
        cell = draw(st.integers(0, 3))
        return [(first, _quote_at_a_cell(True, cell)), (last, _quote_at_a_cell(False, cell))]
    one = st.tuples(st.sampled_from(places), st.sampled_from(damages))
    return draw(st.lists(one, min_size=1, max_size=5))


def _may_join(file: CleanFile, place: int) -> bool:
    following: tuple[Piece, ...] = file.pieces[place + 1 : place + 2]
    return bool(following) and not following[0].fixed
