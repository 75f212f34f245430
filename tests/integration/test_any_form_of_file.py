"""Any CSV contract can be written down in YAML: feeds of `target: records` of any form go the whole road."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, assume, given, settings

from meterdrop.bootstrap import House
from meterdrop.model.delivery import Delivery
from meterdrop.model.feed import Agreement, Column, Feed, Target, Type
from meterdrop.model.form import Form
from meterdrop.settings import read_settings
from meterdrop.usecases.reprocess import Selection
from tests.homes import POSTGRESQL, Homes
from tests.property.clean_files import CleanFile, clean_files
from tests.property.damages import DamagedFile, damaged

pytestmark = pytest.mark.by_night(POSTGRESQL)

FEW = max(15, settings().max_examples // 100)
few = settings(max_examples=FEW, suppress_health_check=list(HealthCheck))


def as_yaml(agreement: Agreement) -> dict[str, dict[str, object]]:
    """The feed's file and the partner's (JSON is YAML too)."""
    form = agreement.feed.form
    feed: dict[str, object] = {
        "feed": agreement.feed.name,
        "target": "records",
        "header": ("first" if not form.header_row else f"row {form.header_row}") if form.headed else "none",
        "preamble": form.preamble,
        "multiline": form.max_continuation_lines > 0,
        "max_continuation_lines": form.max_continuation_lines,
        "columns": {column.name: as_words(column) for column in agreement.feed.columns},
    }
    if form.footer is not None:
        words = {"starts_with": [*form.footer.words], "required": form.footer.required}
        feed["footer"] = {"lines": form.footer.lines, **words}
    separator = "tab" if agreement.separator == "\t" else agreement.separator
    partner: dict[str, object] = {
        "partner": "anyone",
        "name": "Anyone",
        "feeds": {agreement.feed.name: {"separator": separator}},
    }
    return {f"feeds/{agreement.feed.name}.yaml": feed, "partners/anyone.yaml": partner}


def as_words(column: Column) -> dict[str, object]:
    words: dict[str, object] = {"type": column.type.value}
    if column.type is Type.CHOICE:
        words |= {"choices": ["CW", "HT"], "words": {"voda": "CW", "teplo": "HT"}}
    return words


@contextmanager
def house_of(agreement: Agreement, *, furnished: Path, homes: Homes) -> Iterator[House]:
    """A house that knows this feed only by its YAML."""
    with TemporaryDirectory() as place:
        home = Path(place) / "home"
        homes.copy(furnished, home)
        for name, content in as_yaml(agreement).items():
            path = home / "schemas" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content), "utf-8")
        house = House(settings=read_settings(home), today_is=date(2026, 11, 24))
        try:
            yield house
        finally:
            house.database.close()
            homes.forget()


def loaded(house: House, content: bytes, *, name: str = "any.csv") -> Delivery:
    path = house.home / name
    path.write_bytes(content)
    [done] = house.take_files([path], partner="anyone", feed="any")
    return done


def stored(house: House) -> list[dict[str, object]]:
    """The records with their columns only, by delivery and line."""
    told = house.export.records(feed="any", partner="anyone")
    return [
        {name: value for name, value in row.items() if name not in ("partner", "delivery")} for row in told
    ]


def content_of(file: CleanFile) -> bytes:
    return file.mark + b"".join(file.encoded(piece.text + piece.end) for piece in file.pieces)


@few
@given(file=clean_files())
def test_every_record_of_a_clean_file_is_stored_as_it_was_sent(
    file: CleanFile, furnished_home: Path, homes: Homes
) -> None:
    records = [piece.values for piece in file.pieces if piece.values is not None]
    assume(records)
    with house_of(file.agreement, furnished=furnished_home, homes=homes) as house:
        done = loaded(house, content_of(file))

        rows = stored(house)

    assert done.state.value == "accepted"
    assert [
        {name: row[name] for name in values} for row, values in zip(rows, records, strict=True)
    ] == records
    assert (done.lines.accepted, done.lines.lawful()) == (len(records), True)


@few
@given(files=damaged(clean_files()))
def test_a_damaged_file_is_accounted_for_line_by_line(
    files: tuple[CleanFile, DamagedFile], furnished_home: Path, homes: Homes
) -> None:
    """Whatever it is taken for: nothing is lost, and rejects corrected by nobody change nothing."""
    file, harmed = files
    with house_of(file.agreement, furnished=furnished_home, homes=homes) as house:
        done = loaded(house, harmed.content)
        assert done.lines.lawful()
        before = stored(house)
        if done.state.value in ("accepted", "partly_accepted"):
            everything = Selection(delivery=done.id)
            house.reprocess(everything, dry_run=False, progress=lambda _done, _all: None)
            assert stored(house) == before


def agreed(*columns: Column, form: Form) -> Agreement:
    return Agreement("anyone", Feed("any", Target.RECORDS, columns, form=form), separator=";")


def test_one_column_has_no_separator_and_blank_lines_are_blank(furnished_home: Path, homes: Homes) -> None:
    one = agreed(Column("No", Type.INTEGER), form=Form(headed=False))
    with house_of(one, furnished=furnished_home, homes=homes) as house:
        done = loaded(house, b'1\n\n  \n"2"\n;\nx\n"3"')

        assert [row["No"] for row in stored(house)] == [1, 2, 3]
    assert (done.lines.blank, done.lines.quarantined, done.lines.physical) == (3, 1, 7)


@pytest.mark.parametrize("headed", [True, False])
def test_five_hundred_columns_keep_their_values(headed: bool, furnished_home: Path, homes: Homes) -> None:
    types = [Type.INTEGER, Type.TEXT, Type.DECIMAL, Type.DAY]
    columns = [Column(f'Sloupec; "{n}"', types[n % 4]) for n in range(500)]
    texts = [(str(n), f'"a;{n}"', f"{n},5", "24.11.2026")[n % 4] for n in range(500)]
    said = [(n, f"a;{n}", f"{n}.5", "2026-11-24")[n % 4] for n in range(500)]
    heading = ";".join('"' + column.name.replace('"', '""') + '"' for column in columns)
    lines = [*([heading] if headed else []), ";".join(texts), ";".join(texts[:-1]), ";".join(texts)]
    with house_of(agreed(*columns, form=Form(headed=headed)), furnished=furnished_home, homes=homes) as house:
        done = loaded(house, "\r\n".join(lines).encode())

        rows = stored(house)

    assert (done.lines.accepted, done.lines.quarantined) == (2, 1)
    assert [[row[column.name] for column in columns] for row in rows] == [said, said]


def test_rejects_of_a_file_without_header_can_be_edited_and_sent_again(
    furnished_home: Path, homes: Homes
) -> None:
    """They come with a header of our own names, and are read by it; the footer is asked of the first file only."""
    columns = (Column("No; Ž", Type.INTEGER, mandatory=True), Column("Note", Type.TEXT))
    form = Form(headed=False, in_order=(), preamble=1, max_continuation_lines=2)
    with house_of(agreed(*columns, form=form), furnished=furnished_home, homes=homes) as house:
        first = loaded(house, 'Výpis\n1;a\nx;"b\nc"\n3;d;\n'.encode("windows-1250"))
        house.send_receipts()
        [rejects] = (house.home / "receipts" / "anyone").glob("*.rejects.csv")
        text = rejects.read_bytes().decode("windows-1250")
        again = loaded(
            house, text.replace("x;", "2;").replace("3;d;;", "3;d;").encode("windows-1250"), name=rejects.name
        )

        assert [(row["No; Ž"], row["Note"]) for row in stored(house)] == [(1, "a"), (2, "b\nc"), (3, "d")]
    assert text.split("\n")[0] == '"No; Ž";Note;_line;_code;_column;_message'
    assert (first.lines.quarantined, first.lines.continuation) == (2, 1)
    assert (again.lines.header, again.lines.accepted, again.lines.quarantined) == (1, 2, 0)
    assert again.parent == first.id


def test_cell_of_several_lines_can_be_corrected_by_a_reviewer(furnished_home: Path, homes: Homes) -> None:
    columns = (Column("No", Type.INTEGER), Column("Note", Type.TEXT))
    several = agreed(*columns, form=Form(max_continuation_lines=2))
    with house_of(several, furnished=furnished_home, homes=homes) as house:
        done = loaded(house, b'No;Note\nx;"b\r\nc"\n4;d\n5;"e;f\n6;g\n')
        lines = {
            one.line.line: one
            for one in house.review.listed(
                partner=None, delivery=done.id, state="open", code=None, limit=None
            )
        }
        assert lines[2].cells == {"No": "x", "Note": "b\r\nc"}
        house.review.fix(lines[2].line.id, cells={"No": "3"}, who="me", reason="photo")
        house.review.fix(lines[5].line.id, cells={"No": "5", "Note": "e\nf"}, who="me", reason="photo")

        told = {row["No"]: row["Note"] for row in stored(house)}
    assert told == {3: "b\r\nc", 4: "d", 5: "e\nf", 6: "g"}


def test_excels_separator_is_known_when_lines_are_judged_again(furnished_home: Path, homes: Homes) -> None:
    plain = agreed(Column("No", Type.INTEGER), Column("Note", Type.TEXT), form=Form())
    with house_of(replace(plain, separator=None), furnished=furnished_home, homes=homes) as house:
        done = loaded(house, b"sep=|\nNo|Note\n1|a;b\nx|c;d\n")
        [line] = house.review.listed(partner=None, delivery=done.id, state="open", code=None, limit=None)
        assert line.cells == {"No": "x", "Note": "c;d"}
        house.review.fix(line.line.id, cells={"No": "2"}, who="me", reason="photo")

        assert [(row["line"], row["No"], row["Note"]) for row in stored(house)] == [
            (3, 1, "a;b"),
            (4, 2, "c;d"),
        ]
