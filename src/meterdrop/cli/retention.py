"""`retention`: what is past its time goes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import typer
from rich.progress import Progress

from meterdrop.bootstrap import retention_of
from meterdrop.cli import said
from meterdrop.cli.words import DryRun, Json, house_of

if TYPE_CHECKING:
    from meterdrop.model.retention import Ended
    from meterdrop.usecases.retention.run import Retention

_HEADINGS: Final = ("what", "how many", "bytes", "from", "to")


def retention(context: typer.Context, dry_run: DryRun = False, json_: Json = False) -> None:
    """Takes away what is past its time by the settings (`retention_…`); none is set by default. Never twice at once (exit 3)."""
    todo = retention_of(house_of(context))
    ended = _foreseen(todo) if dry_run else _run(todo)
    if json_:
        said.as_json({"dry_run": dry_run, "ended": ended})
    elif not todo.parts:
        said.say(
            "Everything is kept for ever: no `retention_…` is set in meterdrop.toml. See docs/operations.md"
        )
    else:
        _table(ended, dry_run=dry_run)


def _foreseen(todo: "Retention") -> "Sequence[Ended]":
    with said.errors.status("what is past its time is counted"):
        return todo.foreseen()


def _run(todo: "Retention") -> "Sequence[Ended]":
    with Progress(console=said.errors, transient=True) as bar:
        task = bar.add_task("past their time", total=None)
        return todo(who=said.who(), did=lambda one: bar.update(task, advance=one.count))


def _table(ended: "Sequence[Ended]", *, dry_run: bool) -> None:
    rows = [
        (one.what.value, f"{one.count:,}", "" if one.bytes is None else f"{one.bytes:,}", one.first, one.last)
        for one in ended
    ]
    said.table("Would go" if dry_run else "Gone", _HEADINGS, rows)


def add_to(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(retention)
