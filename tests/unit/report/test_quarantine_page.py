"""The report as a page: whatever a partner sends is text in it, and nothing else."""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from typing import Final, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterdrop.model.codes import Code
from meterdrop.model.reported import ReportedLine
from meterdrop.report.for_people import visible
from meterdrop.report.quarantine_page import MOST_LINES, MOST_OTHERS, as_page, bar, kinds
from meterdrop.report.quarantine_report import QuarantineReport
from tests.unit.report.reports import NOW, aside, found, report

HOSTILE: Final = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=1">',
    "</style><script>1</script>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "\u202e</td></tr>\x00",
)
_EMPTY: Final = {"meta", "rect", "br"}


class Read(HTMLParser):
    """What a browser would see: tags, attributes, and the text of each line of the table."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.lines: list[str] = []
        self.text: list[str] = []
        self.inside: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in _EMPTY:
            self.inside.append(tag)
        if tag == "code" and ("class", "raw") in attrs:
            self.lines.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in _EMPTY:
            assert self.inside.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if "code" in self.inside and self.lines and "section" in self.inside:
            self.lines[-1] += data


def read(one: QuarantineReport) -> Read:
    return Read("".join(as_page(one)))


def bad(value: str, *, column: str = "Stav") -> ReportedLine:
    return aside(
        4,
        f"10001;{value};m3;2026-10-31".encode(),
        found(Code.VALUE_NOT_A_NUMBER, line=4, column=column, value=value),
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_changes_nothing_of_the_page_but_its_text(text: str) -> None:
    """In the cell, the heading, the file's name, the reason and the reviewer's name."""

    def page(text: str) -> Read:
        line = aside(
            4,
            text.encode(),
            found(Code.VALUE_NOT_A_NUMBER, line=4, column=text, value=text),
            state="dismissed",
            resolved_by=text,
            resolved_at=NOW,
            reason=text,
            serial=text,
            day=date(2026, 10, 31),
        )
        return read(report([line], headings=(text,), separator="|", file=f"{text}.csv"))

    hostile, plain = page(text), page("plain")
    assert hostile.tags == plain.tags
    assert [name for name, _ in hostile.attributes] == [name for name, _ in plain.attributes]
    assert hostile.lines == [visible(text)]


@given(st.binary(max_size=60), st.text(st.characters(codec="utf-8"), max_size=30))
@settings(max_examples=100)
def test_whatever_a_line_holds_it_is_read_as_it_came(raw: bytes, heading: str) -> None:
    one = report(
        [aside(4, raw, found(Code.VALUE_NOT_A_NUMBER, line=4, column=heading, value=heading))],
        headings=(heading, *(f"C{number}" for number in range(80))),
    )
    page = read(one)
    assert page.lines == [visible(raw.decode("utf-8", errors="replace"))]
    assert page.tags.count("script") == 1
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "style"]


def test_the_bad_cell_is_marked() -> None:
    page = "".join(as_page(report([bad("CHYBA")])))
    assert '<mark title="Stav">CHYBA</mark>' in page
    assert page.count("<mark") == 1


def test_only_our_own_style_and_script_may_run() -> None:
    """The policy names their hashes, nothing is fetched, and there is neither inline style nor handler."""
    page = "".join(as_page(report([bad(text) for text in HOSTILE])))
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    for tag in ("style", "script"):
        [text] = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in policy
    assert policy.startswith("default-src &#39;none&#39;;")
    read_ = Read(page)
    assert not {name for name, _ in read_.attributes} & {"src", "style", "onclick", "action"}
    assert {value for name, value in read_.attributes if name == "href"} == {"#lines"}


def test_the_page_says_its_language_and_speaks_it() -> None:
    czech, english = (read(report([bad("x")], language=language)) for language in ("cs", "en"))
    assert ("lang", "cs") in czech.attributes
    assert ("lang", "en") in english.attributes
    assert "Řádky v karanténě" in czech.text
    assert "Quarantined lines" in english.text
    assert czech.tags == english.tags


def test_a_page_of_many_lines_shows_the_first_and_names_where_the_rest_is() -> None:
    """No more than the first are even looked at."""
    looked_at = 0

    def lines() -> Iterator[ReportedLine]:
        nonlocal looked_at
        for number in range(2, MOST_LINES + 52):
            looked_at += 1
            yield aside(number, b"1;x;m3;d", found(Code.CELL_MISSING, line=number, column="Stav"))

    every = [aside(number, b"x") for number in range(2, MOST_LINES + 52)]
    page = read(replace(report(every), lines=lines()))
    text = " ".join(page.text)

    assert len(page.lines) == looked_at == MOST_LINES
    assert "Here are the first 1,000 of 1,050." in text
    assert "meterdrop report delivery 000000000002 --format csv" in text
    assert "readings.csv.01M85NE16NB7Q7S2VSG3XJ82BT.rejects.csv" in text


@pytest.mark.parametrize(
    ("lines", "listed", "said"),
    [
        ([aside(4, b"1;x;m3;d")], "Quarantined lines", "count as quarantined, too: 1,163."),
        ([], "The lines of this file are not listed here.", "count as quarantined, too: 1,164."),
    ],
)
def test_a_page_of_a_file_of_which_nothing_was_stored_says_why_lines_are_missing(
    lines: list[ReportedLine], listed: str, said: str
) -> None:
    """Held: its good lines count as quarantined. Refused: all do, and none has a row."""
    one = report(lines, accepted=0)
    counts = {"physical": 1165, "header": 1, "accepted": 0, "quarantined": 1164}
    head = {**one.head, "verdict": "held", "lines": {**cast(dict[str, int], one.head["lines"]), **counts}}
    page = "".join(as_page(replace(one, head=head)))
    assert listed in page
    assert said in page
    assert "No line is in quarantine." not in page
    assert "count as quarantined" not in "".join(as_page(report(lines)))


def test_findings_of_other_lines_are_cut_and_say_so() -> None:
    many = [found(Code.READING_CORRECTION, line=number) for number in range(2, MOST_OTHERS + 52)]
    text = " ".join(read(report(of_others=many)).text)
    assert text.count("reading.correction") == MOST_OTHERS + 1  # and once among the kinds
    assert "… and more" in text


def test_the_worst_and_commonest_kind_comes_first() -> None:
    counts = {"reading.correction": 900, "unit.unknown": 30, "cell.missing": 2, "status.unknown": 5}
    made = kinds(counts, language="en")
    assert [kind.code for kind in made] == [
        "unit.unknown",
        "cell.missing",
        "status.unknown",
        "reading.correction",
    ]
    assert [kind.count for kind in made] == [30, 2, 5, 900]


def test_the_bar_is_as_long_as_the_file() -> None:
    lines = {"physical": 8, "header": 1, "accepted": 3, "quarantined": 2, "duplicate": 1, "blank": 1}
    parts = bar({**lines, "comment": 0, "continuation": 0})
    assert [(part.name, part.count) for part in parts] == [
        ("accepted", 3),
        ("quarantined", 2),
        ("duplicate", 1),
        ("header", 1),
        ("blank", 1),
    ]
    assert parts[-1].start == "87.500"
    assert sum(float(part.width) for part in parts) == pytest.approx(100)


def test_a_file_without_lines_has_no_bar() -> None:
    nothing = dict.fromkeys(
        ("physical", "header", "accepted", "quarantined", "duplicate", "blank", "comment", "continuation"), 0
    )
    assert bar(nothing) == []
