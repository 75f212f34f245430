"""Where is the header, if a profile says, and what is a file's layout without one?"""

from dataclasses import replace

import pytest

from meterdrop.detect.encoding import Encoding
from meterdrop.detect.layout import find_layout, layout_of_header
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement, Column, Feed, Target, Type
from meterdrop.model.form import Footer, Form
from meterdrop.model.layout import Layout

UTF8 = Encoding("utf-8")
COLUMNS = (
    Column("SerialNum", Type.TEXT, mandatory=True, aliases=("Číslo",)),
    Column("Value", Type.TEXT, mandatory=True, aliases=("Stav",)),
    Column("Note", Type.TEXT),
)
PLAIN = Form()
HEADERLESS = Form(headed=False)


def agreement(form: Form = PLAIN, *, files: tuple[str, ...] = (), separator: str | None = None) -> Agreement:
    feed = Feed("readings", Target.RECORDS, COLUMNS, form=form)
    return Agreement("acme", feed, file_names=files, separator=separator)


def laid_out(head: str, *agreements: Agreement, feed: str | None = "readings") -> Layout:
    return find_layout(head.encode(), encoding=UTF8, path="incoming/x.csv", agreements=agreements, feed=feed)[
        1
    ]


def refusal(head: str, *agreements: Agreement, feed: str | None = "readings") -> CannotRead:
    with pytest.raises(CannotRead) as refused:
        laid_out(head, *agreements, feed=feed)
    return refused.value


def test_header_is_in_the_row_declared_whatever_stands_above() -> None:
    layout = laid_out(
        "Export;z;X\n\nČíslo;Stav\n#Číslo;Stav;Cena\n1;2;3\n", agreement(Form(header_row=4, preamble=2))
    )
    assert (layout.header_line, layout.first_line, layout.preamble) == (4, 4, 2)
    assert layout.header_raw == "#Číslo;Stav;Cena".encode()
    assert layout.columns == ("SerialNum", "Value", None)


@pytest.mark.parametrize("head", ["a\n \nČíslo;Stav\n", "a\n", "a\n" + "x" * 70_000 + "\nČíslo;Stav\n"])
def test_row_that_holds_no_header_is_refused_by_its_number(head: str) -> None:
    refused = refusal(head, agreement(Form(header_row=2)), feed=None)
    assert refused.code == "file.no-header"


def test_preamble_is_passed_over_before_the_header_is_looked_for() -> None:
    layout = laid_out("Číslo;Stav\nodečty\n\n# pozn.\nČíslo;Stav\n", agreement(Form(preamble=2)))
    assert (layout.header_line, layout.first_line) == (5, 5)


def test_columns_of_a_file_without_header_come_in_the_feed_s_order() -> None:
    layout = laid_out("1|2,5|x\n", agreement(HEADERLESS))
    assert (layout.header_line, layout.header_raw, layout.separator) == (0, b"", "|")
    assert layout.headings == layout.columns == ("SerialNum", "Value", "Note")
    assert layout.first_line == 1


def test_columns_come_in_the_order_agreed_and_may_be_ignored() -> None:
    form = replace(HEADERLESS, in_order=("Value", None, "SerialNum"), preamble=2)
    layout = laid_out("a;b;c;d\n\n1;2;3\n", agreement(form))
    assert layout.headings == ("Value", "-", "SerialNum")
    assert layout.columns == ("Value", None, "SerialNum")
    assert (layout.preamble, layout.first_line, layout.extra) == (2, 3, ())


@pytest.mark.parametrize(
    ("head", "separator", "first"),
    [
        ("1;2,5;a,b\n1,5;2;3\n", ";", 1),
        ("1\t2\t3\n# ;;\n\n", "\t", 1),
        ("sep=|\n1;2;3\n", "|", 2),
        ('"1;2";"3,4";5\n', ";", 1),
        ("nothing fits\n", ";", 1),
    ],
)
def test_lines_tell_the_separator_of_a_file_without_header(head: str, separator: str, first: int) -> None:
    layout = laid_out(head, agreement(HEADERLESS))
    assert (layout.separator, layout.first_line) == (separator, first)


def test_declared_separator_of_a_file_without_header_wins() -> None:
    assert laid_out("1;2;3\n", agreement(HEADERLESS, separator=",")).separator == ","


def test_file_without_header_is_told_by_name_or_folder_only() -> None:
    """Headings that happen to be there are data."""
    assert refusal("1;2;3\n", agreement(HEADERLESS), feed=None).code == "file.unknown-feed"
    assert refusal("SerialNum;Value;Note\n", agreement(HEADERLESS), feed=None).code == "file.unknown-feed"
    assert laid_out("1;2;3\n", agreement(HEADERLESS, files=("x*",)), feed=None).header_line == 0


@pytest.mark.parametrize(
    "form",
    [
        HEADERLESS,
        Form(header_row=7),
        Form(preamble=3, footer=Footer(words=("celkem",), required=True)),
        Form(headed=False, in_order=("Value", None, "SerialNum")),
    ],
)
def test_rejects_file_sent_back_has_its_header_first_whatever_the_form(form: Form) -> None:
    """And neither preamble nor footer: we wrote it."""
    form = replace(form, max_continuation_lines=3)
    layout = laid_out(
        "Value;-;SerialNum;_line;_code;_column;_message\n1;2;3;4;5;6;7\n", agreement(form), feed=None
    )
    assert (layout.header_line, layout.preamble, layout.footer) == (1, 0, None)
    assert (layout.rejects_cells, layout.max_continuation_lines) == (4, 3)
    assert layout.columns[:3] == ("Value", None, "SerialNum")
    assert layout.extra == (() if not form.headed else ("-",))


def test_our_four_headings_tell_the_separator_of_a_rejects_file() -> None:
    """Even where another one would make more cells of theirs."""
    head = "Stav,Číslo,a,b,c|Číslo|Stav|_line|_code|_column|_message\n"
    assert laid_out(head, agreement()).separator == "|"


def test_form_of_the_agreement_goes_into_the_layout() -> None:
    footer = Footer(lines=1)
    layout = laid_out("Číslo;Stav\n", agreement(Form(footer=footer, max_continuation_lines=4)))
    assert (layout.footer, layout.max_continuation_lines) == (footer, 4)


@pytest.mark.parametrize("feed", ["readings", None])
@pytest.mark.parametrize("title", ["Export odečtů 11/2026", "Export;odečtů;11/2026", "1;2;3"])
def test_header_below_lines_nobody_declared_is_pointed_at(title: str, feed: str | None) -> None:
    """Refused all the same: ingest never guesses. The finding says where the header stands."""
    refused = refusal(f"{title}\n\nPartner: Acme\nČíslo;Stav\n1;2\n", agreement(), feed=feed)
    assert (refused.code, refused.line, refused.value) == ("file.no-header", 4, "Číslo;Stav")


def test_two_feeds_that_fit_alike_are_no_missing_header() -> None:
    other = Agreement("acme", Feed("other", Target.RECORDS, COLUMNS))
    refused = refusal("Číslo;Stav\n", agreement(), other, feed=None)
    assert (refused.code, refused.value) == ("file.unknown-feed", "other, readings")


@pytest.mark.parametrize(
    ("head", "heading"),
    [
        ('Číslo;"Stav\nměřidla";Note\n1;2;3\n', "Stav"),
        ('Číslo;Stav;"Dlouhá\r\n\r\npoznámka; ""x"""\r\n1;2;3', "Dlouhá"),
        ('"Číslo\n";Stav\n', "Číslo"),
    ],
)
def test_heading_that_goes_on_in_the_next_line_is_refused(head: str, heading: str) -> None:
    refused = refusal(head, agreement())
    assert (refused.code, refused.line, refused.value) == ("file.bad-header", 1, heading)


@pytest.mark.parametrize(
    "head", ['"Číslo;Stav\n1;2\n', 'Číslo;Stav"\n1;"2"\n3;"4\n', 'Číslo;Stav;"x\n1;y"z;2\n']
)
def test_stray_quote_in_a_header_is_a_letter(head: str) -> None:
    """No line after it closes a cell that it would open."""
    assert laid_out(head, agreement()).header_line == 1


def test_heading_in_quotes_may_hold_separators_and_quotes() -> None:
    columns = (Column('a;"b"', Type.TEXT, mandatory=True), Column("c,d", Type.TEXT, mandatory=True))
    quoted = Agreement("acme", Feed("readings", Target.RECORDS, columns))
    assert laid_out('"a;""b""";"c,d"\n', quoted).columns == ('a;"b"', "c,d")


def test_layout_of_lines_taken_out_is_that_of_their_file() -> None:
    """With the separator found then: a `sep=` line is not among them."""
    separator = "|"
    told = laid_out(f"sep={separator}\nČíslo|Stav|a;b;c;d\n", agreement(Form(footer=Footer(lines=1))))
    again = layout_of_header(
        told.header_raw,
        encoding=UTF8,
        separator=told.separator,
        header_line=told.header_line,
        agreement=agreement(Form(footer=Footer(lines=1))),
    )
    assert again == replace(told, footer=None)


def test_layout_of_lines_of_a_file_without_header_needs_none() -> None:
    headless = agreement(HEADERLESS)
    told = laid_out("1|2|3\n", headless)
    again = layout_of_header(b"", encoding=UTF8, separator="|", header_line=0, agreement=headless)
    assert again == told
