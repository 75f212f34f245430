"""Files whose start or name is odd: each is settled with all of its lines counted, or refused at once."""

import os

import pytest

from meterdrop.bootstrap import House
from meterdrop.model.delivery import Delivery
from meterdrop.model.errors import OperatorMistake
from tests.homes import POSTGRESQL
from tests.integration.test_rejudging import HEADER, house, taken

pytestmark = pytest.mark.by_night(POSTGRESQL)

__all__ = ["house"]

ROW = "1;5;m3;2026-11-05\n"


def codes(done: Delivery) -> list[str]:
    return sorted(done.findings_by_code)


def test_half_a_letter_in_a_utf16_heading_is_just_an_unknown_heading(house: House) -> None:
    header = f"{HEADER};x".encode("utf-16-le") + b"\x00\xd8" + "\n".encode("utf-16-le")
    done = taken(house, b"\xff\xfe" + header + ROW.replace("\n", ";1\n").encode("utf-16-le"))

    assert done.state.value == "accepted"
    assert codes(done) == ["file.extra-column"]


@pytest.mark.parametrize("behind", [1, 12, 24])
def test_header_too_far_down_is_not_read_by_halves(house: House, behind: int) -> None:
    """Only the first 256 KiB are looked at; the header must be there whole."""
    comments = ("#" + "x" * 62 + "\n") * 4095
    comments += "#" + "x" * (256 * 1024 - len(comments) - behind - 2) + "\n"
    done = taken(house, comments + HEADER + "\n" + ROW)

    assert done.state.value == "refused"
    assert codes(done) == ["file.no-header"]
    assert done.lines.lawful()


@pytest.mark.parametrize(
    ("content", "physical"), [(b"\xff\xfe", 0), (b"\xff\xfe\r\x00\n\x00 \x00", 2), (b"\xfe\xff\x00\n", 1)]
)
def test_lines_of_an_empty_utf16_file_are_those_of_an_editor(
    house: House, content: bytes, physical: int
) -> None:
    done = taken(house, content)

    assert codes(done) == ["file.empty"]
    assert (done.lines.physical, done.lines.blank) == (physical, physical)


def test_heading_of_thousands_of_spaces_is_read_at_once(house: House) -> None:
    """It took a pattern hours to give up."""
    done = taken(house, f"{HEADER};Stav ({' ' * 60_000}x\n" + ROW.replace("\n", ";1\n"))

    assert done.state.value == "accepted"


@pytest.mark.by_day(POSTGRESQL)
def test_file_name_that_is_no_text_is_told_before_anything_is_kept(house: House) -> None:
    with pytest.raises(OperatorMistake, match="another name"):
        taken(house, f"{HEADER}\n{ROW}", name=os.fsdecode(b"\xff.csv"))
