"""Can the README be pasted? Its commands are run, its output and its folder map are compared with the truth."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.rules.page import LEFT_OUT, ROOT, Block, Step, blocks, difference, steps

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = blocks(README)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TODAY = "2026-11-24"
WIDTH = "120"
BY_HAND = ("console run", "console up")
_LISTED_BELOW = ("docs", "schemas", "src/meterdrop", "tests")
_DOOR = "sftp_server"
"""Its rooms are listed, its own files are not."""
_NO_ENTRY = {"__init__.py", "__main__.py", "conftest.py", "__pycache__", "src"}


def _marked(info: str) -> Block:
    (found,) = [block for block in BLOCKS if block.info == info]
    return found


def _words(command: str, *, directory: Path) -> "subprocess.Popen[str]":
    own = {name: value for name, value in os.environ.items() if not name.startswith("METERDROP_")}
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    settings = {"PATH": programs, "COLUMNS": WIDTH, "METERDROP_TODAY": TODAY, "PYTHONUTF8": "1"}
    return subprocess.Popen(
        ["sh", "-c", command], cwd=directory, env=own | settings, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder in which everything of the checkout is, but no home yet; and the keys that partners sent."""
    for entry in ROOT.iterdir():
        if entry.name != "var" and not entry.name.startswith("."):
            (tmp_path / entry.name).symlink_to(entry)
    for partner in ("techem", "vodar"):
        public = Ed25519PrivateKey.generate().public_key()
        text = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        (tmp_path / f"{partner}.pub").write_text(f"{text} {partner}\n", encoding="utf-8")
    return tmp_path


@pytest.mark.road
def test_the_commands_do_what_the_page_shows(checkout: Path) -> None:
    """In order, in one home; YAML shown with a path is saved there; a command that fails must show its exit code."""
    wrong: list[str] = []
    for block in BLOCKS:
        kind, _, path = block.info.partition(" ")
        if kind == "yaml":
            (checkout / path).parent.mkdir(parents=True, exist_ok=True)
            (checkout / path).write_text(block.text, encoding="utf-8")
        elif block.info == "console up":
            wrong += [_up(step, directory=checkout) for step in steps(block)]
        elif block.info == "console run":
            wrong += _run(block, directory=checkout)
    assert not [each for each in wrong if each], "\n\n".join(each for each in wrong if each)


def _run(block: Block, *, directory: Path) -> Iterator[str]:
    """What is not as shown; `$?` is the exit code of the command before."""
    code = 0
    for step in steps(block):
        if code and step.command != "echo $?":
            yield f"before $ {step.command}: exit code {code} is not shown"
        process = _words(f"(exit {code}); {step.command}", directory=directory)
        actual, errors = process.communicate(timeout=60)
        code = process.returncode
        if told := difference(shown=step.shown, actual=actual):
            yield f"$ {step.command}\n{told}\n{errors}"
    if code:
        yield f"after the block of {block.text.splitlines()[0]}: exit code {code} is not shown"


def _up(step: Step, *, directory: Path) -> str:
    """Starts it, reads its first line, stops it with SIGTERM as the page says."""
    process = _words(f"exec {step.command}", directory=directory)
    try:
        first = process.stdout.readline() if process.stdout is not None else ""
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    told = difference(shown=step.shown, actual=first)
    return f"$ {step.command}\n{told}\n{errors}" if told or process.returncode else ""


@pytest.mark.road
def test_the_demonstration_prints_what_the_page_shows(checkout: Path) -> None:
    """make says the command it runs, then the demonstration speaks."""
    (step,) = steps(_marked("console demo"))
    assert step.command == "make demo"

    process = _words(_recipe("demo")[0], directory=checkout)
    actual, errors = process.communicate(timeout=120)

    assert process.returncode == 0, errors
    assert difference(shown=step.shown, actual=f".venv/bin/meterdrop demo\n{actual}") == ""


def _recipe(target: str) -> list[str]:
    """The commands of a make target, as they can be run with the programs on the path."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert found is not None, f"the Makefile has no recipe for {target}"
    return [line.strip().removeprefix("$(BIN)/") for line in found[1].splitlines()]


def test_make_test_runs_what_the_page_shows() -> None:
    """The commands that make prints, in order; the rest of its output is the tests' own."""
    (step,) = steps(_marked("console make"))
    said = [line for line in step.shown.splitlines() if line.startswith(".venv/bin/")]

    assert step.command == "make test"
    assert said == [f".venv/bin/{command}" for command in (*_recipe("check"), *_recipe("test"))]
    contracts = (ROOT / "pyproject.toml").read_text(encoding="utf-8").count("[[tool.importlinter.contracts]]")
    assert f"Contracts: {contracts} kept, 0 broken." in step.shown


def test_every_make_target_named_on_the_page_exists() -> None:
    """In the text, in the folder map, and none left out."""
    listed = re.search(r"^Makefile +(.+)$", _marked("text map").text, re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert listed is not None
    assert phony is not None

    assert listed[1].split(", ") == phony[1].split()
    assert set(re.findall(r"`make ([a-z-]+)`", README)) <= set(phony[1].split())


def test_the_folder_map_is_the_tree() -> None:
    """Everything at the top, and below docs, schemas, the pipeline and the tests."""
    shown = [line.split()[0].rstrip("/") for line in _marked("text map").text.splitlines()]
    parts = [ROOT, *(ROOT / name for name in _LISTED_BELOW)]
    there = {str(entry.relative_to(ROOT)) for part in parts for entry in part.iterdir() if _is_shown(entry)}
    there |= {
        f"{_DOOR}/{room.name}" for room in (ROOT / _DOOR).iterdir() if room.is_dir() and _is_shown(room)
    }

    assert len(shown) == len(set(shown))
    assert set(shown) == (there | {".ci", "src/meterdrop"}) - {"docs", "schemas", "tests"}


def _is_shown(entry: Path) -> bool:
    return entry.name not in _NO_ENTRY and not entry.name.startswith(".") and not _is_ignored(entry)


def _is_ignored(entry: Path) -> bool:
    words = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    return any(entry.match(word.rstrip("/")) for word in words)


def test_every_link_of_the_page_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)

    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_console_block_is_run_but_the_one_that_sets_the_path() -> None:
    """A block that nobody runs would rot."""
    kinds = [block.info for block in BLOCKS if block.info.startswith("console")]

    assert kinds.count("console") == 1
    assert {kind for kind in kinds if kind != "console"} == {*BY_HAND, "console demo", "console make"}


@pytest.mark.parametrize(
    ("shown", "actual"),
    [
        ("accepted 2 lines\n", "accepted 3 lines\n"),
        ("first\nsecond\n", "first\n"),
        ("first\n", "first\nsecond\n"),
        (f"{LEFT_OUT}\nlast\n", "first\nanother\n"),
        (f"a {LEFT_OUT} b\n", "a\nb\n"),
    ],
)
def test_an_output_that_differs_is_noticed(shown: str, actual: str) -> None:
    assert difference(shown=shown, actual=actual)


@pytest.mark.parametrize(
    ("shown", "actual"),
    [
        ("one\n", "one   \n"),
        (f"{LEFT_OUT}\nlast\n", "first\nsecond\nlast\n"),
        (f"{LEFT_OUT}/var: made\n", "/anywhere/var: made\n"),
        ("at 2026-11-24 02:15:24 UTC\n", "at 2027-01-01 00:00:00 UTC\n"),
        ("SFTP on 127.0.0.1:1\n", "SFTP on 127.0.0.1:65535\n"),
    ],
)
def test_what_is_new_at_every_run_is_no_difference(shown: str, actual: str) -> None:
    assert not difference(shown=shown, actual=actual)
