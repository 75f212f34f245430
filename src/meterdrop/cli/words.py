"""Which options do commands share?"""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from meterdrop.bootstrap import House
from meterdrop.bootstrap import house as build
from meterdrop.model.errors import OperatorMistake

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
PartnerOption = Annotated[str | None, typer.Option("--partner", help="Only this partner.")]
FeedOption = Annotated[str | None, typer.Option("--feed", help="Only this feed.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would happen; change nothing.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept in the audit.")]
FromDay = Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD.")]
ToDay = Annotated[str | None, typer.Option("--to", help="Last day, YYYY-MM-DD.")]


def house_of(context: typer.Context) -> House:
    """The house of the home that the command line named."""
    home: Path = context.obj
    return build(home)


def day(text: str | None) -> date | None:
    """An option's day."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise OperatorMistake(f"{text!r} is not a day: write it as 2026-11-30") from error


def key_of(text: str) -> int:
    """The number of a quarantined line."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise OperatorMistake(
            f"{text!r} is not the number of a quarantined line: see `meterdrop quarantine list`"
        )
    return int(text)
