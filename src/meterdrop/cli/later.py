"""Commands of the contract that come with a later version: they say so, plainly."""

from typing import Annotated

import typer

from meterdrop.model.errors import OperatorMistake

_WORDS = {"allow_extra_args": True, "ignore_unknown_options": True}


def pull(words: Annotated[list[str] | None, typer.Argument(hidden=True)] = None) -> None:
    """Fetches from partners' REST APIs (comes later)."""
    raise OperatorMistake("`pull` comes with a later version: until then partners deliver over SFTP")


def operator(words: Annotated[list[str] | None, typer.Argument(hidden=True)] = None) -> None:
    """Logins for the operator page (comes later)."""
    raise OperatorMistake(
        "`operator` comes with a later version: until then review with `meterdrop quarantine`"
    )


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    for command in (pull, operator):
        app.command(context_settings=_WORDS)(command)
