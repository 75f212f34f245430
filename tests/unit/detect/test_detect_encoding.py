"""In which encoding is this file written, and when is it no text?"""

import gzip
import random
import zipfile
from collections.abc import Iterator
from io import BytesIO

import pytest

from meterdrop.detect.encoding import Encoding, find_encoding, known_encoding
from meterdrop.model.errors import CannotRead

CZECH = "Výrobní číslo;Stav;Umístění\n00010206;1,5;Příbor ž\n"


def chunked(content: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


def found(content: bytes, declared: str | None = None, size: int = 100_000) -> str:
    return find_encoding(chunked(content, size), declared=declared).name


@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")]
)
@pytest.mark.parametrize("declared", [None, "windows-1250", "utf-16", "utf-16-be"])
def test_a_byte_order_mark_wins_over_all(encoding: str, mark: bytes, declared: str | None) -> None:
    content = mark + CZECH.encode(encoding)

    assert find_encoding([content], declared=declared) == Encoding(encoding, bom=len(mark))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100_000])
@pytest.mark.parametrize("declared", [None, "windows-1250", "utf-8"])
def test_valid_utf8_wins_over_a_declared_single_byte_encoding(size: int, declared: str | None) -> None:
    filler = "x" * 70_000 if size > 7 else ""

    assert found((filler + CZECH + "😀€").encode(), declared, size) == "utf-8"


@pytest.mark.parametrize("damage", [b"\xff", b"\x9e", b"\xc5", b"\xe2\x80"])
@pytest.mark.parametrize("size", [1, 5, 100_000])
def test_damaged_utf8_is_still_utf8(damage: bytes, size: int) -> None:
    assert found(CZECH.encode() + damage + b"\n1;2;3\n", size=size) == "utf-8"
    assert found(CZECH.encode() + damage, size=size) == "utf-8"


@pytest.mark.parametrize("size", [1, 2, 100_000])
def test_czech_in_windows_1250_is_found(size: int) -> None:
    assert found(CZECH.encode("windows-1250"), size=size) == "windows-1250"
    assert found("Příbor\n".encode("windows-1250"), size=size) == "windows-1250"


def test_a_chance_pair_of_letters_does_not_make_windows_1250_utf8() -> None:
    content = "ULICE;PŘÍŠTÍ ŽĎÁR\n".encode("windows-1250")
    assert b"\xcd\x8a" in content

    assert found(content) == "windows-1250"


def test_iso_8859_2_is_told_by_letters_only_it_has() -> None:
    assert found("Žižkov\n".encode("iso8859-2")) == "iso8859-2"
    assert found("Příbor\n".encode("iso8859-2")) == "windows-1250"
    assert found("Žižkov\n".encode("iso8859-2") + b"\x80\n") == "windows-1250"


def test_a_declared_encoding_wins_where_the_file_does_not_say_otherwise() -> None:
    assert found("Žižkov\n".encode("iso8859-2"), "windows-1250") == "windows-1250"
    assert found("Příbor\n".encode("windows-1250"), "utf-8") == "utf-8"
    assert found("Příbor\n".encode("cp852"), "CP852") == "cp852"
    assert found(b"1;2\n", "windows-1250") == "windows-1250"
    assert found("Příbor\n".encode("utf-16-le"), "utf-16-le") == "utf-16-le"


def test_plain_ascii_is_utf8() -> None:
    assert found(b"a;b\n1;2\n") == "utf-8"
    assert found(b"a;b\n1;2\n", "utf-16") == "utf-8"


def zipped() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", "<a/>")
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        zipped(),
        gzip.compress(b"a;b\n1;2\n", mtime=0),
        b"%PDF-1.7\n",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 xls",
        b"\x89PNG\r\n\x1a\n",
        random.Random(1).randbytes(5000),  # noqa: S311 - just rubbish
        b"a;b\n" + bytes(1000),
    ],
)
@pytest.mark.parametrize("declared", [None, "windows-1250"])
def test_what_is_no_text_is_refused(content: bytes, declared: str | None) -> None:
    with pytest.raises(CannotRead, match=r"^file\.binary$"):
        found(content, declared)


def test_a_few_nuls_do_not_make_a_file_binary() -> None:
    assert found(b"a;b\n\x001;2\n3\x00;4\n") == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32"])
def test_utf16_without_a_mark_is_refused(encoding: str) -> None:
    with pytest.raises(CannotRead, match=r"^file\.encoding$"):
        found(CZECH.encode(encoding))


@pytest.mark.parametrize(
    ("content", "declared"),
    [
        (b"", None),
        (b"", "windows-1250"),
        (b"\xef\xbb\xbf", None),
        (b"\xff\xfe", None),
        (b" \t\r\n\r;;;\n", None),
        ("\ufeff \r\n;;\n".encode("utf-16-be"), None),
        ("\r\n".encode("utf-16-le"), "utf-16-le"),
    ],
)
def test_nothing_but_blanks_is_an_empty_file(content: bytes, declared: str | None) -> None:
    with pytest.raises(CannotRead, match=r"^file\.empty$"):
        found(content, declared)


def test_only_encodings_with_one_byte_a_letter_are_known() -> None:
    assert known_encoding("CP1250") == "windows-1250"
    assert known_encoding("latin2") == "iso8859-2"
    assert known_encoding("utf-8-sig") == "utf-8"
    assert known_encoding("utf-16") == "utf-16"
    assert [
        known_encoding(name) for name in ("utf-32", "utf-7", "cp037", "gb18030", "rot13", "hex", "x")
    ] == [None] * 7
    with pytest.raises(LookupError, match="klingon"):
        found(b"a", "klingon")


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("header", ["Číslo;Místo\n", "No;Note\n"])
@pytest.mark.parametrize("encoding", ["windows-1250", "iso8859-2", "utf-8"])
def test_a_line_in_another_encoding_does_not_change_how_the_others_are_read(
    encoding: str, header: str, size: int
) -> None:
    """The first line decides, or where it is ASCII most lines do; the bytes of the odd line tell nothing."""
    other = "utf-8" if encoding != "utf-8" else "windows-1250"
    lines = [(header + "1;Kuchyň\r\n2;Špíž\r\n").encode(encoding), "3;Žluťoučký kůň\r\n".encode(other)]
    for content in (b"".join([*lines, lines[0]]), b"\n;;\n" + b"".join(lines), b"# x\n" + b"".join(lines)):
        assert found(content, size=size) == encoding


def test_the_header_speaks_for_its_file_though_more_lines_are_damaged() -> None:
    damaged = "1;Žluť\n2;Kůň\n".encode("windows-1250")
    assert found("Číslo;Místo\n".encode() + damaged) == "utf-8"
    assert found("Číslo;Místo\n".encode("windows-1250") + "1;ž\n2;ů\n".encode()) == "windows-1250"


@pytest.mark.parametrize("size", [1000, 70_000])
def test_a_giant_line_is_looked_at_in_parts(size: int) -> None:
    giant = ("ž" * 100_000).encode()
    assert found(b"No;Note\n1;" + giant + b"\xff", size=size) == "utf-8"
