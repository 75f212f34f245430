"""Who writes to the tables of readings and devices? Workers remember both: whoever changes them must raise the partner's version."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import meterdrop

_SOURCE: Final = Path(meterdrop.__file__).parent
_WRITES: Final = frozenset({"insert", "update", "delete", "insert_frame", "insert_frames", "copy_frames"})
_TABLES: Final = frozenset({"reading", "device"})
_WRITERS: Final = {
    "store/readings.py",
    "store/following.py",
    "store/devices.py",
    "store/stretches.py",
    "store/thinning.py",
}
_ACTS: Final = {
    ("readings", "store_new"),
    ("readings", "supersede"),
    ("devices", "add"),
    ("devices", "change"),
    ("following", "follow"),
    ("stretches", "drop"),
    ("thinning", "thin"),
    ("old_months", "put_aside"),
}
_ACTORS: Final = {
    "usecases/judging/readings.py",
    "usecases/judging/register_changes.py",
    "usecases/retention/daily_readings.py",
    "usecases/retention/whole_months.py",
}
"""They do so in the publishing transactions of `ReadingRules` and `DeviceRules`, and in those of retention (stretch by stretch: `ByStretch`):
all raise the version."""

_ADVICE: Final = (
    "raise the partner's version in the transaction that changes readings or devices (store.partners), with its row locked: "
    "workers remember both at one version. Then name the module here"
)


def test_readings_and_devices_are_written_where_the_version_is_raised() -> None:
    writers = {name for name, tree in _modules() if _written(tree) & _TABLES}
    assert writers == _WRITERS, _ADVICE
    actors = {name for name, tree in _modules() if _acts(tree) & _ACTS}
    assert actors == _ACTORS, _ADVICE


def test_no_statement_in_words_writes_to_them() -> None:
    said = {
        name
        for name, tree in _modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _writes(node.value)
    }
    assert said == set(), _ADVICE


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(_SOURCE.rglob("*.py")):
        name = path.relative_to(_SOURCE).as_posix()
        if not name.startswith("store/migrations/"):
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def _written(tree: ast.Module) -> set[str]:
    """The tables of ours that are written to, by their own names or one after another in a loop."""
    imported = {
        alias.asname or alias.name: {alias.name}
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "meterdrop.store.schema"
        for alias in node.names
    }
    for loop in ast.walk(tree):
        if isinstance(loop, ast.For) and isinstance(loop.target, ast.Name):
            among = (node.id for node in ast.walk(loop.iter) if isinstance(node, ast.Name))
            imported[loop.target.id] = {table for name in among for table in imported.get(name, ())}
    return {
        table
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _name(node.func) in _WRITES
        for given in [*node.args[:1], *(word.value for word in node.keywords if word.arg == "table")]
        for table in imported.get(_name(given), {_name(given)})
    }


def _acts(tree: ast.Module) -> set[tuple[str, str]]:
    """What is called, or given to another who calls it."""
    return {(_name(node.value), node.attr) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _writes(text: str) -> bool:
    return (
        re.search(rf'(INSERT INTO|UPDATE|DELETE FROM)\s+"?({"|".join(_TABLES)})\b', text, re.IGNORECASE)
        is not None
    )
