"""Does nothing lead out of a partner's folder, even links that were planted there behind our back?"""

import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sftp_server.files.jail import Jail
from sftp_server.files.names import VirtualPath, parse_path, path_of
from sftp_server.refusals import Refused


def furnish(home: Path) -> Jail:
    """Two partners, a secret outside, and links of every kind planted in the first one's tree."""
    files = home / "partners" / "techem" / "files"
    (files / "incoming" / "2026").mkdir(parents=True)
    (files / "incoming" / "a.csv").write_text("mine")
    (home / "receipts" / "techem").mkdir(parents=True)
    (home / "partners" / "techem" / ".staging").mkdir()
    (home / "partners" / "techem" / ".staging" / "x.part").write_text("SECRET")
    other = home / "partners" / "ista" / "files"
    other.mkdir(parents=True)
    (other / "b.csv").write_text("SECRET")
    (home / "secret").write_text("SECRET")
    for folder in (files, files / "incoming", home / "receipts" / "techem"):
        (folder / "up").symlink_to("..")
        (folder / "root").symlink_to("/")
        (folder / "other").symlink_to(other)
        (folder / "secret").symlink_to(home / "secret")
        (folder / "relative").symlink_to("../../../../secret")
        (folder / "loop").symlink_to("loop")
        (folder / "nowhere").symlink_to("nothing-here")
    return Jail(home=home, partner="techem")


@pytest.fixture
def jail(tmp_path: Path) -> Jail:
    """The furnished jail."""
    return furnish(tmp_path)


LINKS = ["up", "root", "other", "secret", "relative", "loop", "nowhere"]


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("folder", ["incoming/", "receipts/", ""])
def test_a_planted_link_is_not_there_to_read_list_or_go_through(jail: Jail, folder: str, link: str) -> None:
    path = path_of(f"{folder}{link}")
    acts: list[Callable[[], object]] = [
        lambda: jail.entry(path),
        lambda: jail.find(path),
        lambda: jail.open_file(path),
        lambda: jail.listing(path),
        lambda: jail.entry(VirtualPath((*path.parts, "b.csv"))),
        lambda: jail.open_file(VirtualPath((*path.parts, "b.csv"))),
        lambda: jail.make_folder(VirtualPath((*path.parts, "new"))),
        lambda: jail.remove_file(VirtualPath((*path.parts, "b.csv"))),
        lambda: jail.move(VirtualPath((*path.parts, "b.csv")), path_of("incoming/stolen.csv")),
        lambda: jail.move(path_of("incoming/a.csv"), VirtualPath((*path.parts, "sent-away.csv"))),
    ]
    for act in acts:
        with pytest.raises((Refused, FileNotFoundError)):
            act()


def test_links_and_other_strange_things_are_not_listed(jail: Jail, tmp_path: Path) -> None:
    incoming = tmp_path / "partners" / "techem" / "files" / "incoming"
    os.mkfifo(incoming / "pipe")
    (incoming / os.fsdecode(b"\xff.csv")).write_text("not UTF-8")
    (incoming / "line\nbreak.csv").write_text("control character")
    assert [entry.name for entry in jail.listing(path_of("incoming"))] == ["2026", "a.csv"]


def test_pipes_and_sockets_are_refused_and_do_not_block(
    jail: Jail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    incoming = tmp_path / "partners" / "techem" / "files" / "incoming"
    os.mkfifo(incoming / "pipe")
    monkeypatch.chdir(incoming)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind("plug")
        for name in ("pipe", "plug"):
            with pytest.raises(Refused):
                jail.open_file(path_of(f"incoming/{name}"))


def test_removing_or_renaming_a_link_itself_touches_nothing_behind_it(jail: Jail, tmp_path: Path) -> None:
    jail.remove_file(path_of("incoming/secret"))
    jail.move(path_of("incoming/other"), path_of("incoming/moved"))
    with pytest.raises(Refused):
        jail.entry(path_of("incoming/moved"))
    assert (tmp_path / "secret").read_text() == "SECRET"
    assert (tmp_path / "partners" / "ista" / "files" / "b.csv").read_text() == "SECRET"


def test_a_partner_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "partners").mkdir()
    (tmp_path / "partners" / "techem").symlink_to("/")
    with pytest.raises((Refused, FileNotFoundError)):
        Jail(home=tmp_path, partner="techem").listing(VirtualPath(()))


_STEPS = st.sampled_from(
    [b"..", b".", b"", b"incoming", b"receipts", b"2026", b"a.csv", b".staging", b"files", b"b.csv", b"x.part", b"partners",
     b"ista", *(link.encode() for link in LINKS), b"etc", b"passwd", b"\xff", b"\x00", b"secret\x00.csv"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(_STEPS, min_size=1, max_size=6).map(b"/".join), min_size=1, max_size=12))
def test_no_path_ever_reads_what_is_outside(paths: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        jail = furnish(Path(folder))
        for raw in paths:
            try:
                descriptor = jail.open_file(parse_path(raw))
            except (Refused, OSError):
                continue
            with os.fdopen(descriptor) as opened:
                assert opened.read() == "mine"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(_STEPS, max_size=5).map(b"/".join), st.lists(_STEPS, max_size=5).map(b"/".join)),
        max_size=8,
    )
)
def test_no_sequence_of_changes_ever_touches_what_is_outside(moves: list[tuple[bytes, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        jail = furnish(home)
        for old, new in moves:
            for act in (
                lambda o=old, n=new: jail.move(parse_path(o), parse_path(n)),
                lambda o=old: jail.make_folder(parse_path(o)),
                lambda n=new: jail.remove_file(parse_path(n)),
                lambda n=new: jail.set_times(parse_path(n), (1, 1)),
            ):
                try:
                    act()  # type: ignore[no-untyped-call]  # lambdas with defaults have no types
                except (Refused, OSError):
                    continue
        assert (home / "secret").read_text() == "SECRET"
        assert (home / "secret").stat().st_mtime != 1
        assert sorted(entry.name for entry in home.iterdir()) == ["partners", "receipts", "secret"]
        assert [entry.name for entry in (home / "partners" / "ista" / "files").iterdir()] == ["b.csv"]
        assert [entry.name for entry in (home / "partners" / "techem" / ".staging").iterdir()] == ["x.part"]
