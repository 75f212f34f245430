"""A new partner in five minutes: propose, save, check, try, add, ingest; nothing is edited by hand."""

from pathlib import Path
from typing import Any

import pytest

from tests.homes import POSTGRESQL
from tests.integration.command_line import CommandLine

pytestmark = pytest.mark.by_night(POSTGRESQL)

READINGS = [
    "Č.měř.;Prostor;Druh média;Odečtený stav;MJ;Ke dni;Způsob;Pozn.",
    *(
        f"700000{number};byt {number};{('SV', 'TUV')[number % 2]};{number * 13},25;m3;31.10.2026;rádiově;"
        for number in range(1, 9)
    ),
]
REGISTER = [
    "Platnost;Jednotka č.;Místnost;Médium;Výr. č. přístroje;Č. rádiového modulu;Poř.;Montáž;Koeficient;MJ",
    *(
        f"1.10.2026;00{number}/1;WC;{('SV', 'TUV')[number % 2]};700000{number};8800000{number};1;5.3.2024;1,0;m3"
        for number in range(1, 9)
    ),
]
TITLED = [
    "Export odečtů – Bytové družstvo Slunečná",
    "Vytvořeno: 02.11.2026 08:15",
    "Sériové č.\tModul\tStav k datu\tJednotka\tDatum odečtu",
    *(f"700000{number}\t8800000{number}\t{number}.5\tm3\t2026-10-31" for number in range(1, 9)),
    "Celkem\t\t36\t\t",
]
HEADLESS = [f"700000{number};{number},5;m3;31.10.2026" for number in range(1, 9)]


def proposed(meterdrop: CommandLine, *files: Path, code: int = 0) -> None:
    """What the operator does: the proposal goes to a file as it is."""
    profile = meterdrop.home / "schemas" / "partners" / "acme.yaml"
    profile.touch()  # the shell makes it empty before the command runs
    answer = meterdrop.done("profile", "propose", "--partner", "acme", *map(str, files), code=code)
    profile.write_text(answer.out, encoding="utf-8")
    assert str(profile) in answer.err.replace("\n", "")
    assert meterdrop.document("check", "acme")["problems"] == []


def tried(meterdrop: CommandLine, file: Path, *, code: int = 0) -> Any:  # noqa: ANN401 - JSON
    return meterdrop.document("profile", "try", "acme", str(file), code=code)


def ingested(meterdrop: CommandLine, file: Path) -> Any:  # noqa: ANN401 - JSON
    [receipt] = meterdrop.document("ingest", "--partner", "acme", str(file))
    return receipt


def test_partner_who_sends_readings_and_the_register_is_taken_on(meterdrop: CommandLine) -> None:
    """windows-1250, own headings and words, days as 31.10.2026; the register comes first."""
    readings = meterdrop.write("odecty_rijen.csv", READINGS, encoding="windows-1250")
    register = meterdrop.write("pristroje_2026-10.csv", REGISTER, encoding="utf-8-sig")

    proposed(meterdrop, readings, register)
    told = tried(meterdrop, register)
    assert (told["verdict"], told["feed"], told["lines"]["accepted"]) == ("accepted", "devices", 8)
    told = tried(meterdrop, readings, code=1)
    assert told["findings_by_code"] == {"reading.device-not-in-register": 8}, "nothing is stored yet"

    meterdrop.done("partner", "add", "acme")
    assert ingested(meterdrop, register)["verdict"] == "accepted"
    receipt = ingested(meterdrop, readings)
    assert (receipt["verdict"], receipt["feed"], receipt["lines"]["accepted"]) == ("accepted", "readings", 8)
    assert "acme,7000003,2026-10-31,39.25,m3" in meterdrop.done("readings", "export").out


@pytest.mark.parametrize("lines", [TITLED, HEADLESS], ids=["titled", "headless"])
def test_partner_with_a_form_of_its_own_is_taken_on(meterdrop: CommandLine, lines: list[str]) -> None:
    """A title, the header in row 3 and a sum at the end; or no header at all."""
    file = meterdrop.write("export-2026-10.txt", lines)
    register = meterdrop.write("pristroje_2026-10.csv", REGISTER)
    proposed(meterdrop, file, register)
    meterdrop.done("partner", "add", "acme")
    ingested(meterdrop, register)

    told = tried(meterdrop, file)
    assert (told["verdict"], told["lines"]["accepted"]) == ("accepted", 8)
    receipt = ingested(meterdrop, meterdrop.write("export-2026-11.txt", lines))
    assert (receipt["verdict"], receipt["feed"], receipt["lines"]["accepted"]) == ("accepted", "readings", 8)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it holds nothing to look at"),
        (bytes(range(256)) * 20, "it is no text"),
        (b"x", "too few of its headings are known"),
        (b"a;b;c\n1;2;3\n", "too few of its headings are known"),
        (
            (";".join(f"c{n}" for n in range(500)) + "\n" + ";" * 499 + "\n").encode(),
            "too few of its headings",
        ),
        (b"\x00" * 1000, "it is no text"),
        (b'"' * 5000, "too few of its headings are known"),
        (b"1;2\n", "no line of it looks like headings"),
    ],
    ids=["empty", "binary", "letter", "unknown", "500 columns", "zeros", "quotes", "numbers"],
)
def test_sample_nobody_can_use_is_told_in_a_sentence(
    meterdrop: CommandLine, content: bytes, said: str
) -> None:
    file = meterdrop.files / "sample.csv"
    file.write_bytes(content)
    proposed(meterdrop, file, code=1)
    answer = meterdrop.done("profile", "propose", str(file), code=1)
    assert said in answer.err
    assert "Traceback" not in answer.err


def test_header_alone_is_proposed_with_what_it_tells(meterdrop: CommandLine) -> None:
    proposed(meterdrop, meterdrop.write("r.csv", ["SerialNum;Value;Unit;Date"]))


def test_name_no_account_can_have_is_refused(meterdrop: CommandLine) -> None:
    file = meterdrop.write("r.csv", READINGS)
    assert "can't be a partner's id" in meterdrop.refused("profile", "propose", "--partner", "A B", str(file))


def test_file_tried_as_nobody_we_know_is_tried_by_the_tolerant_default(meterdrop: CommandLine) -> None:
    file = meterdrop.write("r.csv", ["SerialNum;Value;Unit;Date", "10001;1;m3;2026-10-31"])
    answer = meterdrop.done("profile", "try", "nobody", str(file), code=1)
    assert "nobody has no profile" in answer.err
    assert "reading.device-not-in-register" in answer.out
