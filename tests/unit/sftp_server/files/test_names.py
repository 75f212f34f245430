"""Which names and places does the door take?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftp_server.files.names import (
    VirtualPath,
    canonical_path,
    check_place_for_file,
    check_place_for_folder,
    is_temporary,
    parse_path,
    path_of,
)
from sftp_server.refusals import Refused


def hostile_paths() -> st.SearchStrategy[bytes]:
    """Paths made of what has broken other servers, and of anything at all."""
    piece = st.sampled_from(
        [b"..", b".", b"", b"/", b"//", b"...", b"\x00", b"\n", b"incoming", b"receipts", b".staging", b"files", b"a" * 256,
         b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xae", b"a\\..\\b", b"%2e%2e", "‮csv".encode(), b"~", b"C:", b"x\r"]
    )  # fmt: skip
    return st.one_of(
        st.lists(st.one_of(piece, st.binary(max_size=8)), max_size=9).map(b"/".join),
        st.binary(max_size=60),
        st.just(b"/" * 4096),
        st.just(b"a/" * 2048),
    )


@given(hostile_paths())
def test_whatever_is_asked_for_is_a_clean_path_or_refused(raw: bytes) -> None:
    try:
        path = parse_path(raw)
    except Refused:
        return
    for part in path.parts:
        assert part not in ("", ".", "..")
        assert "/" not in part
        assert part.isprintable() or not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in part)
        assert len(part.encode()) <= 255
    assert parse_path(b"/" + path.text.encode()) == path


@given(hostile_paths())
def test_realpath_never_leads_above_the_root(raw: bytes) -> None:
    try:
        answer = canonical_path(raw)
    except Refused:
        return
    assert answer.startswith(b"/")
    assert b"/../" not in answer + b"/"
    assert canonical_path(answer) == answer


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (b"", b"/"),
        (b".", b"/"),
        (b"/incoming/..", b"/"),
        (b"../../etc", b"/etc"),
        (b"//incoming//x/.", b"/incoming/x"),
    ],
)
def test_realpath_works_out_dots(raw: bytes, answer: bytes) -> None:
    assert canonical_path(raw) == answer


@pytest.mark.parametrize(
    "raw",
    [b"/incoming/..", b"..", b"/a\x00b", b"/a\nb", b"/\x7f", b"/\xff", b"/" + b"a" * 256, "/\u202ecsv.exe".encode(),
     "/a\u2028b".encode(), "/\x85".encode(), b"/incoming/1/2/3/4/5/a"],
)  # fmt: skip
def test_unsafe_paths_are_refused(raw: bytes) -> None:
    with pytest.raises(Refused):
        parse_path(raw)


@pytest.mark.parametrize(
    "raw", ["/incoming/odečet č. 3 – žluťoučký.csv", "/a b;c.csv", "/incoming/" + "ž" * 127]
)
def test_ordinary_names_in_any_language_are_taken(raw: str) -> None:
    assert parse_path(raw.encode()).text == raw.strip("/")


@pytest.mark.parametrize("text", ["a.csv", "incoming/a.csv", "incoming/1/2/3/4/a.csv"])
def test_files_may_be_put_into_the_root_and_four_deep_into_incoming(text: str) -> None:
    path = path_of(text)

    check_place_for_file(path)  # raises Refused where it may not

    assert path.text == text


@pytest.mark.parametrize("text", ["incoming", "receipts", "receipts/a", "other/a", "incoming/1/2/3/4/5/a"])
def test_files_may_not_be_put_elsewhere(text: str) -> None:
    with pytest.raises(Refused):
        check_place_for_file(path_of(text))


def test_the_root_is_no_place_for_a_file_or_a_new_folder() -> None:
    for check in (check_place_for_file, check_place_for_folder):
        with pytest.raises(Refused):
            check(VirtualPath(()))


@pytest.mark.parametrize(("text", "allowed"), [
    ("incoming/1", True), ("incoming/1/2/3/4", True), ("incoming/1/2/3/4/5", False), ("a", False), ("receipts/a", False),
])  # fmt: skip
def test_folders_are_made_inside_incoming_only(text: str, allowed: bool) -> None:
    if allowed:
        check_place_for_folder(path_of(text))
    else:
        with pytest.raises(Refused):
            check_place_for_folder(path_of(text))


@pytest.mark.parametrize(
    "name",
    [
        "a.csv.part",
        "a.FILEPART",
        "a.partial",
        "a.tmp",
        "a.uploading",
        ".in.a.csv",
        ".x.partial",
        ".a.csv.Ab12Cd",
        ".giosaveK3J1X2",
        "._a.csv",
        ".DS_Store",
    ],
)
def test_temporary_names_are_known(name: str) -> None:
    assert is_temporary(path_of(f"incoming/{name}"))
    assert is_temporary(path_of(name))


@pytest.mark.parametrize("name", ["a.csv", "part", "apart.csv", "in.a.csv", "a.part.csv", "tmp.csv"])
def test_final_names_are_not_taken_for_temporary_ones(name: str) -> None:
    assert not is_temporary(path_of(f"x.part/{name}"))


def test_our_own_folder_is_out_of_reach_by_name() -> None:
    for raw in (b"/.staging", b".staging/x.part", b"/incoming/.staging/x", b"/receipts/.staging"):
        with pytest.raises(Refused):
            parse_path(raw)
