"""Clean files of any form, and what each of their records says: written by a writer of our own, cell by cell."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from hypothesis import assume
from hypothesis import strategies as st

from meterdrop.detect.encoding import Encoding
from meterdrop.detect.layout import find_layout
from meterdrop.model.feed import Agreement, Column, Feed, Target, Type
from meterdrop.model.form import Footer, Form
from meterdrop.model.layout import Layout

ENCODINGS: Final = {
    "utf-8": Encoding("utf-8"),
    "utf-8-sig": Encoding("utf-8", 3),
    "windows-1250": Encoding("windows-1250"),
    "utf-16-le": Encoding("utf-16-le", 2),
    "utf-16-be": Encoding("utf-16-be", 2),
}
SEPARATORS: Final = (";", ",", "|", "\t")
HEADINGS: Final = ("Číslo", "Název", "Dne", "Kolik", "Poznámka", "a;b", 'x "y"', "k,l|m", "Ž\tŽ", "=1", "N°")
WORDS: Final = {
    Type.CHOICE: {"voda": "CW", "teplo": "HT", "CW": "CW", "HT": "HT"},
    Type.FLAG: {"0": "0", "1": "1"},
}
LETTERS: Final = ' aZ07éřŽß;,|\t"#-+@\xa0\v'
BLANKS: Final = " \t\v\f"

Value = str | int | bool | None


@dataclass(frozen=True)
class Piece:
    """Some lines of a file with the line end behind them. `values` are those of a record, by column."""

    text: str
    end: str
    values: dict[str, Value] | None = None
    fixed: bool = False
    """Not to be damaged: header, preamble or footer."""


@dataclass(frozen=True)
class CleanFile:
    """A file whose every record is right."""

    agreement: Agreement
    layout: Layout
    pieces: tuple[Piece, ...]
    mark: bytes

    def encoded(self, text: str) -> bytes:
        """Text in the file's encoding."""
        return text.encode(self.layout.encoding)


def _texts(words: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, Value]]:
    return words.map(lambda text: (text, text.strip() or None))


def _grouped(whole: str, mark: str) -> str:
    return re.sub(r"(?<=[0-9])(?=(?:[0-9]{3})+$)", mark, whole)


@st.composite
def _decimals(draw: st.DrawFn) -> tuple[str, Value]:
    sign = draw(st.sampled_from(["", "", "-"]))
    whole = draw(st.from_regex(r"[0-9]{1,9}", fullmatch=True))
    part = draw(st.from_regex(r"([.,][0-9]{1,6})?", fullmatch=True))
    mark = draw(st.sampled_from(["", "", " ", "\xa0"]))
    return sign + _grouped(whole, mark) + part, sign + whole + part.replace(",", ".")


@st.composite
def _integers(draw: st.DrawFn) -> tuple[str, Value]:
    number = draw(st.integers(-(10**17), 10**17))
    text = str(number) if number < 0 else _grouped(str(number), draw(st.sampled_from(["", " "])))
    return draw(st.sampled_from(["", " "])) + text, number


@st.composite
def _days(draw: st.DrawFn) -> tuple[str, Value]:
    day = draw(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
    forms = [
        day.isoformat(),
        f"{day.day}.{day.month}.{day.year}",
        f"{day.day:02}. {day.month:02}. {day.year}",
    ]
    return draw(st.sampled_from(forms)), day.isoformat()


EMPTY: Final = st.just(("", None))
CELLS: Final[dict[Type, st.SearchStrategy[tuple[str, Value]]]] = {
    Type.TEXT: _texts(st.text(alphabet=LETTERS, max_size=8)),
    Type.DECIMAL: st.one_of(EMPTY, _decimals()),
    Type.INTEGER: st.one_of(EMPTY, _integers()),
    Type.DAY: st.one_of(EMPTY, _days()),
    Type.FLAG: st.sampled_from([("0", False), ("1", True), (" 1", True), ("", None)]),
    Type.CHOICE: st.sampled_from([("Voda", "CW"), ("TEPLO ", "HT"), ("cw", "CW"), ("", None)]),
}
_MORE: Final = st.tuples(st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["řádek", "konec.", "# x"]))
SEVERAL_LINES: Final = _texts(
    st.sampled_from([1, 2, 3]).flatmap(
        lambda more: st.lists(_MORE, min_size=more, max_size=more).map(
            lambda lines: "První" + "".join(end + word for end, word in lines)
        )
    )
)
"""Of three lines more at most; none of its lines looks like a record or like the end of a cell."""


@st.composite
def _columns(draw: st.DrawFn, *, form: Form) -> tuple[Column, ...]:
    many = draw(st.sampled_from([1, 2, 3, 3, 4, 5, 6, 12]))
    names = draw(
        st.lists(
            st.sampled_from((*HEADINGS, *(f"S{n}" for n in range(20)))),
            min_size=many,
            max_size=many,
            unique=True,
        )
    )
    # Texts above all: they hide damage that any other type would show.
    types = draw(
        st.lists(st.sampled_from([*CELLS, Type.TEXT, Type.TEXT, Type.TEXT]), min_size=many, max_size=many)
    )
    if form.max_continuation_lines:
        types[-1] = Type.TEXT
    return tuple(
        Column(name, kind, words=WORDS.get(kind, {})) for name, kind in zip(names, types, strict=True)
    )


@st.composite
def _forms(draw: st.DrawFn) -> Form:
    footers = [
        None,
        None,
        Footer(lines=2),
        Footer(words=("celkem",)),
        Footer(words=("celkem",), required=True),
    ]
    preamble = draw(st.sampled_from([0, 0, 0, 2, 3]))
    header_row = draw(st.sampled_from([0, 0, 5]))
    return Form(
        headed=draw(st.sampled_from([True, True, False])) or header_row > 0,
        header_row=header_row,
        preamble=preamble,
        footer=draw(st.sampled_from(footers)),
        max_continuation_lines=draw(st.sampled_from([0, 0, 3, 6])),
    )


def _written(cells: list[str], *, separator: str, all_quoted: bool, heading: str) -> str:
    """The record as a line: quotes where they must be, and where they are liked."""
    line = separator.join(_cell(cell, separator=separator, quoted=all_quoted) for cell in cells)
    if line.startswith("#") or not line.strip(BLANKS + separator) or line == heading:
        line = separator.join(_cell(cell, separator=separator, quoted=True) for cell in cells)
    assume(line != heading)  # which nobody can send
    return line


def _cell(text: str, *, separator: str, quoted: bool) -> str:
    if quoted or any(sign in text for sign in (separator, '"', "\r", "\n")):
        return '"' + text.replace('"', '""') + '"'
    return text


@st.composite
def _records(draw: st.DrawFn, *, columns: Sequence[Column], form: Form) -> list[tuple[str, Value]]:
    """The cells of one record; some of several lines, if there may be any."""
    left = form.max_continuation_lines
    cells: list[tuple[str, Value]] = []
    for column in columns:
        several = column.type is Type.TEXT and left >= 3 and draw(st.booleans())
        left -= 3 * several
        cells.append(draw(SEVERAL_LINES if several else CELLS[column.type]))
    return cells


@st.composite
def clean_files(draw: st.DrawFn, most: int = 8) -> CleanFile:
    """Any columns, encoding, separator, form and line ends; with blank lines and comments among the records."""
    form = draw(_forms())
    columns = draw(_columns(form=form))
    encoding = ENCODINGS[draw(st.sampled_from(list(ENCODINGS)))]
    separator = draw(st.sampled_from(SEPARATORS))
    all_quoted = draw(st.integers(0, 3)) == 0
    ends = st.sampled_from(draw(st.sampled_from([["\n"], ["\r\n"], ["\r"], ["\n", "\r\n", "\r"]])))
    heading = separator.join(_cell(each.name, separator=separator, quoted=False) for each in columns)
    top = form.header_row - 1 if form.header_row else form.preamble
    others = st.sampled_from([" ", separator * 2, '# poznámka; "', "#"])
    pieces = [
        Piece(draw(st.sampled_from(["Výpis", " ", '"', "S;"])), draw(ends), fixed=True) for _ in range(top)
    ]
    if form.headed:
        pieces.append(Piece(heading, draw(ends), fixed=True))
    for _ in range(draw(st.sampled_from([most, 5, 3, 2, most, 5, 3, 0]))):
        if draw(st.integers(0, 5)) == 0:
            pieces.append(Piece(draw(others), draw(ends)))
            continue
        cells = draw(_records(columns=columns, form=form))
        text = _written(
            [cell for cell, _ in cells], separator=separator, all_quoted=all_quoted, heading=heading
        )
        values = {each.name: value for each, (_, value) in zip(columns, cells, strict=True)}
        pieces.append(Piece(text, draw(ends), values))
    if form.footer is not None:
        pieces += [Piece(text, draw(ends), fixed=True) for text in ("Celkem: 7", f"Celkem{separator}8")]
    ended: bool = draw(st.booleans())
    if pieces and not ended:
        pieces[-1] = replace(pieces[-1], end="")
    agreement = Agreement("acme", Feed("any", Target.RECORDS, columns, form=form), separator=separator)
    mark = "\ufeff".encode(encoding.name) if encoding.bom else b""
    content = mark + "".join(each.text + each.end for each in pieces).encode(encoding.name)
    _, layout = find_layout(content, encoding=encoding, path="x.csv", agreements=[agreement], feed="any")
    return CleanFile(agreement, layout, tuple(pieces), mark)
