"""Which feed is this file, and which column is each heading?"""

import pytest

from meterdrop.detect.encoding import Encoding
from meterdrop.detect.headings import read_header, split_cells, unit_taken_out
from meterdrop.detect.layout import find_layout
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement, Column, Feed, Target, Type
from meterdrop.model.layout import Layout

UTF8 = Encoding("utf-8")


def column(name: str, *aliases: str, mandatory: bool = True) -> Column:
    return Column(name, Type.TEXT, mandatory=mandatory, aliases=aliases)


READINGS = Feed(
    "readings",
    Target.READINGS,
    (
        column("SerialNum", "SerialNumber", "Výrobní číslo", "Číslo měřiče"),
        column("Value", "Stav", "Odečet", "Hodnota"),
        column("Unit", "Jednotka", "Měrná jednotka"),
        column("Date", "Datum", "Datum odečtu"),
        column("Note", mandatory=False),
    ),
)
DEVICES = Feed(
    "devices",
    Target.DEVICES,
    (
        column("Date", "Datum"),
        column("Location", "Umístění"),
        column("SerialNumber", "SerialNum"),
        column("DateFrom", "Datum instalace"),
    ),
)


def agreement(
    feed: Feed = READINGS,
    *,
    files: tuple[str, ...] = (),
    folders: tuple[str, ...] = (),
    separator: str | None = None,
    ignored: tuple[str, ...] = (),
) -> Agreement:
    return Agreement("acme", feed, file_names=files, folders=folders, separator=separator, ignored=ignored)


def laid_out(
    head: str | bytes,
    *agreements: Agreement,
    path: str = "incoming/x.csv",
    encoding: Encoding = UTF8,
    feed: str | None = None,
) -> tuple[Agreement, Layout]:
    given = head.encode(encoding.name) if isinstance(head, str) else head
    return find_layout(
        given,
        encoding=encoding,
        path=path,
        agreements=agreements or (agreement(), agreement(DEVICES)),
        feed=feed,
    )


def refusal(
    head: str, *agreements: Agreement, path: str = "incoming/x.csv", feed: str | None = None
) -> CannotRead:
    with pytest.raises(CannotRead) as refused:
        laid_out(head, *agreements, path=path, feed=feed)
    return refused.value


def test_headings_are_matched_without_case_diacritics_spaces_and_signs() -> None:
    _, layout = laid_out("poznamka;VYROBNI_CISLO;  Stav ;jednotka.;Datum  odečtu\n1;2;3;4;5\n")

    assert layout.columns == (None, "SerialNum", "Value", "Unit", "Date")
    assert layout.headings == ("poznamka", "VYROBNI_CISLO", "Stav", "jednotka.", "Datum  odečtu")
    assert layout.extra == ("poznamka",)
    assert layout.heading_of("Date") == "Datum  odečtu"


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_the_header_tells_the_separator(separator: str) -> None:
    _, layout = laid_out(separator.join(["SerialNum", "Value", "Unit", "Date"]) + "\n1;1,5;a|b;\t\n")

    assert (layout.separator, len(layout.headings)) == (separator, 4)


def test_a_comma_inside_a_heading_does_not_tell_the_separator() -> None:
    _, layout = laid_out("SerialNum|Value|Unit|Date|a, b, c, d, e\n")

    assert layout.separator == "|"


def test_a_declared_separator_wins() -> None:
    header = read_header("SerialNum;Value,Unit", agreement=agreement(separator=","))

    assert (header.separator, header.headings) == (",", ("SerialNum;Value", "Unit"))


def test_excels_separator_line_before_the_header_is_believed() -> None:
    _, layout = laid_out("sep=|\r\nSerialNum|Value|Unit|Date\r\n")

    assert (layout.separator, layout.header_line) == ("|", 2)


@pytest.mark.parametrize(
    ("heading", "words", "unit"),
    [
        ("Stav [m3]", "Stav", "m3"),
        ("Stav (m³)", "Stav", "m³"),
        ("Stav[ kWh ]", "Stav", "kWh"),
        ("Datum (instalace)", "Datum (instalace)", None),
        ("[m3]", "[m3]", None),
    ],
)
def test_only_a_unit_in_brackets_is_taken_out(heading: str, words: str, unit: str | None) -> None:
    assert unit_taken_out(heading) == (words, unit)


def test_the_unit_of_a_heading_is_told() -> None:
    _, layout = laid_out("Datum;Stav [m3];Výrobní číslo;Jednotka\n")

    assert layout.heading_units == {"Value": "m3"}
    assert layout.columns[1] == "Value"


def test_an_installation_date_is_not_taken_for_the_reading_date() -> None:
    refused = refusal("SerialNum;Stav;Jednotka;Datum (instalace)\n", agreement())

    assert (refused.code, refused.column) == ("file.missing-column", "Date")


def test_quoted_headings_and_excels_text_are_undone() -> None:
    assert split_cells('"a;""b""";="c";d"e; "f" ;', separator=";") == ('a;"b"', "c", 'd"e', '"f"', "")
    assert split_cells('"a;b', separator=";") == ('"a', "b")
    assert split_cells("a", separator="|") == ("a",)


def test_empty_headings_are_kept_without_a_column() -> None:
    _, layout = laid_out("SerialNum;;Value;Unit;Date;;\n")

    assert layout.headings == ("SerialNum", "", "Value", "Unit", "Date", "", "")
    assert layout.columns == ("SerialNum", None, "Value", "Unit", "Date", None, None)
    assert layout.extra == ()


def test_lines_before_the_header_are_passed_over() -> None:
    head = b'\xef\xbb\xbf# export\r\r\n ;;\n# SerialNum;Value\n"SerialNum";Value;Unit;Date\r\n1;2;3;4'

    _, layout = laid_out(head, encoding=Encoding("utf-8", 3))

    assert layout.header_line == 5
    assert layout.header_raw == b'"SerialNum";Value;Unit;Date'
    assert layout.bom == 3


def test_a_header_of_utf16_keeps_its_own_bytes() -> None:
    header = "Výrobní číslo;Stav;Jednotka;Datum"
    encoding = Encoding("utf-16-be", 2)

    _, layout = laid_out(
        f"\ufeff\r\n{header}\r\n1;2;3;4"[:-1].encode("utf-16-be") + b"\x00", encoding=encoding
    )

    assert (layout.header_line, layout.header_raw) == (2, header.encode("utf-16-be"))
    assert laid_out(header, encoding=encoding)[1].header_line == 1


def test_our_own_columns_of_rejects_are_counted_and_not_extra() -> None:
    _, layout = laid_out("SerialNum;Value;Unit;Date;_line;_code;_column;_message\n")

    assert layout.rejects_cells == 4
    assert len(layout.headings) == len(layout.columns) == 8
    assert layout.columns[4:] == (None,) * 4
    assert layout.extra == ()


def test_unknown_headings_are_named_once_unless_ignored_by_name() -> None:
    _, layout = laid_out("SerialNum;X;Value;Šarže;Unit;X;Date\n", agreement(ignored=("sarze",)))

    assert layout.extra == ("X",)


def test_all_missing_columns_are_named_at_once() -> None:
    refused = refusal("\nSerialNum;Stav\n", agreement())

    assert (refused.code, refused.line, refused.column) == ("file.missing-column", 2, "Unit, Date")


def test_two_headings_of_one_column_are_refused() -> None:
    refused = refusal("SerialNum;Stav;Unit;Date;Hodnota\n", agreement())

    assert (refused.code, refused.column, refused.value) == (
        "file.duplicate-column",
        "Value",
        "Stav, Hodnota",
    )


@pytest.mark.parametrize("head", ["5143516;39,13;m3;2021-04-27\n", "# only\n\n# comments", "x\n" * 0])
def test_a_file_without_header_is_refused(head: str) -> None:
    assert refusal(head).code == "file.no-header"
    assert refusal(head, agreement(files=("*",))).code == "file.no-header"


def test_a_header_nobody_can_keep_is_refused() -> None:
    assert refusal("SerialNum;" * 10_000, agreement()).code == "file.no-header"


def test_a_file_of_other_headings_is_of_no_feed_of_ours() -> None:
    assert refusal("jméno;příjmení\n").code == "file.unknown-feed"
    assert refusal("SerialNum;jméno;příjmení\n", agreement()).code == "file.unknown-feed"
    assert refusal("SerialNum;Value;Unit;Date\n", feed="cards").code == "file.unknown-feed"


def test_the_file_name_decides_before_folder_and_header() -> None:
    by_name = agreement(DEVICES, files=("REGISTR*.csv",))
    by_folder = agreement(READINGS, folders=("odecty",))

    assert (
        laid_out(
            "Datum;Location;SerialNum;DateFrom\n",
            by_name,
            by_folder,
            path="incoming/Odecty/2026/registr-1.CSV",
        )[0]
        == by_name
    )
    assert (
        laid_out("SerialNum;Value;Unit;Date\n", by_name, by_folder, path="/incoming/Odecty/2026/x.csv")[0]
        == by_folder
    )
    assert laid_out("SerialNum;Value;Unit;Date\n", by_name, by_folder, path="odecty/x.csv")[0] == by_folder


def test_a_folder_is_matched_as_a_whole() -> None:
    by_folder = agreement(DEVICES, folders=("/odecty/nove/",))

    assert (
        laid_out("SerialNum;Value;Unit;Date\n", by_folder, agreement(), path="incoming/odecty/novejsi/x.csv")[
            0
        ]
        == agreement()
    )
    assert refusal("SerialNum;Value;Unit;Date\n", by_folder, agreement(), path="odecty/nove/x.csv").code == (
        "file.missing-column"
    )


def test_the_header_decides_when_nothing_else_does() -> None:
    assert laid_out("SerialNum;Value;Unit;Date\n")[0].feed is READINGS
    assert laid_out("Datum;Location;SerialNum;DateFrom\n")[0].feed is DEVICES


def test_a_file_that_fits_two_feeds_is_refused() -> None:
    both = "SerialNum;Value;Unit;Date;Location;DateFrom\n"

    refused = refusal(both)
    assert (refused.code, refused.value) == ("file.unknown-feed", "devices, readings")
    assert (
        refusal(both, agreement(files=("*",)), agreement(DEVICES, files=("x*",))).code == "file.unknown-feed"
    )
    assert laid_out(both, feed="devices")[0].feed is DEVICES


def test_the_nearest_feed_tells_what_is_missing() -> None:
    assert refusal("SerialNum;Value;Unit\n").column == "Date"
    assert refusal("SerialNum;Value;Location\n").code == "file.unknown-feed"


def test_a_feed_without_mandatory_columns_is_known_by_all_of_them() -> None:
    notes = Feed("notes", Target.RECORDS, (column("Date", mandatory=False), column("Text", mandatory=False)))

    assert laid_out("Date;Text\n", agreement(), agreement(notes))[0].feed is notes
    assert laid_out("SerialNum;Value;Unit;Date\n", agreement(), agreement(notes))[0].feed is READINGS
