"""Which commands are there? The whole list, each in the file that is named after it."""

import os
from pathlib import Path
from typing import Annotated

import typer

from meterdrop.cli import (
    bans,
    deliveries,
    exports,
    hostkeys,
    house,
    later,
    partners,
    profiles,
    quarantine,
    reports,
    reprocess,
    retention,
    workers,
)
from meterdrop.logs import to_stderr

app = typer.Typer(
    help="Meter readings over SFTP: every line accounted for, every reject handed back with its reason.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def at_home(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option(help="Where everything is kept; $METERDROP_HOME, then ./var.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log what happens, as JSON on stderr.")] = False,
) -> None:
    """Reads the words that all commands share."""
    to_stderr(verbose=verbose)
    context.obj = (home or Path(os.environ.get("METERDROP_HOME") or "var")).absolute()


house.add_to(app)
partners.add_to(app)
hostkeys.add_to(app)
bans.add_to(app)
deliveries.add_to(app)
reprocess.add_to(app)
quarantine.add_to(app)
exports.add_to(app)
reports.add_to(app)
profiles.add_to(app)
retention.add_to(app)
workers.add_to(app)
later.add_to(app)
