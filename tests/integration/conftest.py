"""Fixtures: command lines at homes of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.homes import Homes, house_in
from tests.integration.command_line import CommandLine
from tests.integration.watched_rig import Rig


@pytest.fixture
def furnished_home(homes: Homes) -> Path:
    """A home with one partner, `anyone`, who may register; to be copied by `homes`."""

    def furnish(home: Path) -> None:
        house = house_in(homes.make(home))
        house.partners.add("anyone", name="Anyone", group=2, keys=[], networks=[], who="test")
        house.database.close()

    return homes.kept("furnished", furnish)


@pytest.fixture
def bare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    """A command line whose home isn't there yet."""
    monkeypatch.setenv("METERDROP_TODAY", "2026-11-24")
    monkeypatch.delenv("COLUMNS", raising=False)
    files = tmp_path / "files"
    files.mkdir()
    yield CommandLine(home=tmp_path / "home", files=files, monkeypatch=monkeypatch, capsys=capsys)
    structlog.reset_defaults()  # the commands log to the stderr of their own time


@pytest.fixture
def meterdrop(bare: CommandLine, homes: Homes, furnished_home: Path) -> CommandLine:
    """A command line at a home with the partner `anyone`."""
    homes.copy(furnished_home, bare.home)
    return bare


@pytest.fixture
def rig(homes: Homes, furnished_home: Path, tmp_path: Path) -> Iterator[Rig]:
    homes.copy(furnished_home, tmp_path / "home")
    with structlog.testing.capture_logs():
        made = Rig(tmp_path / "home", folder=tmp_path / "partners")
        yield made
    made.house.database.close()
