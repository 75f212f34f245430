"""Which options do commands share?"""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from meterdrop.bootstrap import House
from meterdrop.bootstrap import house as build
from meterdrop.model.codes import Code
from meterdrop.model.errors import OperatorMistake

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
PartnerOption = Annotated[str | None, typer.Option("--partner", help="Only this partner.")]
FeedOption = Annotated[str | None, typer.Option("--feed", help="Only this feed.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would happen; change nothing.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept in the audit.")]
DeliveryOption = Annotated[str | None, typer.Option("--delivery", help="Only this delivery.")]
CodeOption = Annotated[str | None, typer.Option("--code", help="Only lines with this finding.")]
LineId = Annotated[str, typer.Argument(metavar="ID", help="The line's number, from `quarantine list`.")]
FromDay = Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD.")]
ToDay = Annotated[str | None, typer.Option("--to", help="Last day, YYYY-MM-DD.")]


def house_of(context: typer.Context, *, watch: Path | None = None) -> House:
    """The house of the home that the command line named, and of the watched folder if it named one."""
    home: Path = context.obj
    return build(home, watch=watch)


def day(text: str | None) -> date | None:
    """An option's day."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise OperatorMistake(f"{text!r} is not a day: write it as 2026-11-30") from error


def partner_of(house: House, id: str | None) -> str | None:
    """An option's partner: a name that nobody has is a slip, not an empty answer."""
    if id is not None and house.partners.find(id) is None:
        raise OperatorMistake(f"there is no partner {id!r}: see `meterdrop partner list`")
    return id


def feed_of(house: House, name: str | None) -> str | None:
    """An option's feed."""
    if name is not None:
        house.agreement_of("", name, house.today())  # refuses a feed that isn't there
    return name


def code_of(text: str | None) -> str | None:
    """An option's finding code."""
    if text is not None and text not in {code.value for code in Code}:
        raise OperatorMistake(f"there is no finding code {text!r}: see docs/codes.md or a receipt")
    return text


def key_of(text: str) -> int:
    """The number of a quarantined line."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise OperatorMistake(
            f"{text!r} is not the number of a quarantined line: see `meterdrop quarantine list`"
        )
    return int(text)


def delivery_of(house: House, name: str | None) -> int | None:
    """An option's delivery, by number or upload id."""
    return None if name is None else house.show_delivery.found(name).id


def given(reason: str) -> str:
    """A reason that says something."""
    if not reason.strip():
        raise OperatorMistake("give a reason: --reason 'read on site by our technician'")
    return reason.strip()
