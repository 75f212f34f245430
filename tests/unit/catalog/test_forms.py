"""What may a feed and a partner say about the form of files, and what comes of it?"""

from datetime import date
from pathlib import Path

import pytest

from meterdrop.catalog import problems_in, read_catalog
from meterdrop.model.feed import Agreement
from meterdrop.model.form import Footer, Form

FEED = """
feed: visits
target: records
{form}
columns:
  No: {{type: serial, mandatory: true}}
  Done: {{type: text, mandatory: true}}
  Price: {{type: decimal}}
"""
PARTNER = """
partner: acme
name: Acme
feeds:
  visits:
    file_names: ["v*"]
{habits}
"""
DAY = date(2026, 11, 24)


def written(folder: Path, *, form: str = "", habits: str = "") -> Path:
    for kind, name, text in (
        ("feeds", "visits", FEED.format(form=form)),
        ("partners", "acme", PARTNER.format(habits="\n".join(f"    {line}" for line in habits.split("\n")))),
    ):
        (folder / kind).mkdir(exist_ok=True)
        (folder / kind / f"{name}.yaml").write_text(text, "utf-8")
    return folder


def agreed(folder: Path, *, form: str = "", habits: str = "") -> Agreement:
    return read_catalog([written(folder, form=form, habits=habits)]).agreement("acme", "visits", on=DAY)


def form_of(folder: Path, *, form: str = "", habits: str = "") -> Form:
    return agreed(folder, form=form, habits=habits).feed.form


def test_form_that_nobody_speaks_of_is_the_common_one(tmp_path: Path) -> None:
    assert form_of(tmp_path) == Form()
    assert form_of(tmp_path, form="header: first\npreamble: 0\nmultiline: false") == Form()


def test_feed_says_the_form_of_its_files(tmp_path: Path) -> None:
    form = """header: row 12
preamble: 3
footer: {lines: 2, starts_with: [Celkem, Součet za dům], required: true}
multiline: true
max_continuation_lines: 8"""
    assert form_of(tmp_path, form=form) == Form(
        header_row=12,
        preamble=3,
        footer=Footer(lines=2, words=("celkem", "soucetzadum"), required=True),
        max_continuation_lines=8,
    )


def test_partner_s_words_go_over_the_feed_s_one_by_one(tmp_path: Path) -> None:
    form = "header: row 12\npreamble: 3\nmultiline: true\nmax_continuation_lines: 8"
    said = "header: none\nfooter: {lines: 1}\ncolumns_in_order: [Done, -, No, '']"
    assert form_of(tmp_path, form=form, habits=said) == Form(
        headed=False,
        preamble=3,
        footer=Footer(lines=1),
        in_order=("Done", None, "No", None),
        max_continuation_lines=8,
    )


@pytest.mark.parametrize(
    ("form", "habits"),
    [
        ("header: none", "header: first"),
        ("header: row 3", "header: first"),
        ("footer: {lines: 1}", "footer: none"),
        ("multiline: true\nmax_continuation_lines: 2", "multiline: false"),
        ("preamble: 4", "preamble: 0"),
    ],
)
def test_partner_can_take_back_what_the_feed_says(tmp_path: Path, form: str, habits: str) -> None:
    assert form_of(tmp_path, form=form, habits=habits) == Form()


def test_partner_s_records_may_be_longer_than_the_feed_s(tmp_path: Path) -> None:
    several = "multiline: true\nmax_continuation_lines: 2"
    assert form_of(tmp_path, form=several, habits="max_continuation_lines: 9").max_continuation_lines == 9
    assert form_of(tmp_path, habits=several).max_continuation_lines == 2


def test_form_is_part_of_what_a_delivery_was_judged_by(tmp_path: Path) -> None:
    assert agreed(tmp_path).fingerprint != agreed(tmp_path, habits="preamble: 1").fingerprint


def test_form_may_change_from_a_day_on(tmp_path: Path) -> None:
    said = "preamble: 1\nchanges:\n  - {valid_from: 2026-06-01, header: none, preamble: 2}"
    catalog = read_catalog([written(tmp_path, habits=said)])
    before, after = (
        catalog.agreement("acme", "visits", on=date(2026, month, 1)).feed.form for month in (5, 6)
    )
    assert (before, after) == (Form(preamble=1), Form(headed=False, preamble=2))


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ("header: second", "header:"),
        ("header: row 0", "header:"),
        ("header: row 3\npreamble: 3", "header: row 3 is in the preamble of 3 lines"),
        ("preamble: -1", "preamble:"),
        ("preamble: 1001", "preamble:"),
        ("footer: {}", "footer: say `lines`, `starts_with` or both"),
        ("footer: {lines: 101}", "footer"),
        ("footer: {lines: 1, required: true}", "footer.required: is for `starts_with`"),
        ("footer: {starts_with: ['--']}", "footer.starts_with: '--' has neither letter nor digit"),
        ("footer: {ends_with: [x]}", "unknown key"),
        ("multiline: true", "max_continuation_lines: must be above 0"),
        ("max_continuation_lines: 3", "max_continuation_lines: must be above 0 with `multiline: true`"),
        ("multiline: false\nmax_continuation_lines: 3", "max_continuation_lines: must be above 0"),
        ("columns_in_order: [No]", "columns_in_order: unknown key"),
    ],
)
def test_form_that_makes_no_sense_is_told(tmp_path: Path, form: str, problem: str) -> None:
    told = problems_in([written(tmp_path, form=form)])
    assert any(problem in each for each in told), told


@pytest.mark.parametrize(
    ("habits", "problem"),
    [
        ("columns_in_order: [No, Done]", "columns_in_order: is for files without header"),
        ("header: none\ncolumns_in_order: [No, Don]", "visits has no column 'Don'"),
        ("header: none\ncolumns_in_order: [No, Done, No]", "'No' stands in it twice"),
        ("header: none\ncolumns_in_order: [Done, '-']", "the mandatory columns No are missing"),
        ("header: none\ncolumns_in_order: []", "columns_in_order"),
        ("multiline: true", "max_continuation_lines: must be above 0"),
        ("header: row 2\npreamble: 5", "row 2 is in the preamble"),
        ('aliases: {No: ["Nu\\nmber"]}', "has a line end in it"),
    ],
)
def test_habit_of_form_that_makes_no_sense_is_told(tmp_path: Path, habits: str, problem: str) -> None:
    told = problems_in([written(tmp_path, habits=habits)])
    assert any(problem in each and "feeds.visits" in each for each in told), told


def test_heading_of_a_feed_has_no_line_end(tmp_path: Path) -> None:
    folder = written(tmp_path)
    file = folder / "feeds" / "visits.yaml"
    file.write_text(
        file.read_text("utf-8").replace("mandatory: true}", 'mandatory: true, aliases: ["a\\r\\nb"]}', 1),
        "utf-8",
    )
    assert any("'a\\r\\nb' has a line end in it: no heading may" in each for each in problems_in([folder]))
