"""Fixtures: command lines at homes of their own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from meterdrop.bootstrap import House, make_home
from meterdrop.settings import read_settings
from tests.integration.command_line import CommandLine
from tests.integration.watched_rig import Rig


@pytest.fixture(scope="session")
def furnished_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one partner, `anyone`, who may register; to be copied."""
    home = tmp_path_factory.mktemp("furnished") / "home"
    make_home(home, database=None)
    house = House(settings=read_settings(home))
    house.partners.add("anyone", name="Anyone", group=2, keys=[], networks=[], who="test")
    house.database.close()
    return home


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
def meterdrop(bare: CommandLine, furnished_home: Path) -> CommandLine:
    """A command line at a home with the partner `anyone`."""
    shutil.copytree(furnished_home, bare.home)
    return bare


@pytest.fixture
def rig(furnished_home: Path, tmp_path: Path) -> Iterator[Rig]:
    shutil.copytree(furnished_home, tmp_path / "home")
    with structlog.testing.capture_logs():
        made = Rig(tmp_path / "home", folder=tmp_path / "partners")
        yield made
    made.house.database.close()
