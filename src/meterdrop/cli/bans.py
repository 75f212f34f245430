"""Commands about banned addresses: list, lift, add. The door keeps the list; it follows within two seconds."""

import re
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Final

import typer

from meterdrop.bootstrap import bans_of
from meterdrop.cli import said
from meterdrop.cli.words import Json, Reason, given
from meterdrop.model.errors import OperatorMistake

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LATER: Final = "the door is not running or busy: it does so as soon as it can, at the latest when it starts"


def list_(context: typer.Context, json_: Json = False) -> None:
    """The addresses that may not connect now: until when, why, and who said so."""
    banned = bans_of(context.obj).listed()
    if json_:
        said.as_json([asdict(ban) for ban in banned])
        return
    rows = [(ban.address, f"{ban.until:%Y-%m-%d %H:%M:%S} UTC", ban.by, ban.reason) for ban in banned]
    said.table("Banned", ("address", "until", "by", "reason"), rows)


def lift(
    context: typer.Context,
    address: Annotated[str | None, typer.Argument(help="As `bans list` shows it.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All there are.")] = False,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the door's audit.")] = "",
    json_: Json = False,
) -> None:
    """Lets an address connect again, and forgets what was counted against it."""
    if (address is None) == (not all_):
        raise OperatorMistake("name an address, or say --all: `meterdrop bans list` shows them")
    done = bans_of(context.obj).lift(address, who=said.who(), reason=reason.strip())
    _tell(
        "every ban is lifted" if all_ else f"{address} may connect", address=address, done=done, json_=json_
    )


def add(
    context: typer.Context,
    address: Annotated[str, typer.Argument(help="An IPv4 or IPv6 address; of IPv6 its /64 is banned.")],
    reason: Reason,
    for_: Annotated[str, typer.Option("--for", help="How long: 45m, 12h, 30d.")] = "24h",
    json_: Json = False,
) -> None:
    """Bans an address; whoever is connected from there must go."""
    bans = bans_of(context.obj)
    done = bans.add(address, who=said.who(), reason=given(reason), length=_length(for_))
    if done and bans.find(address) is None:
        raise OperatorMistake(f"{address} is not banned: `never_banned` in door.toml says it never is")
    _tell(f"{address} is banned for {for_}", address=address, done=done, json_=json_)


def _length(text: str) -> timedelta:
    told = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if told is None:
        raise OperatorMistake(f"{text!r} is no length of time: write 45m, 12h or 30d")
    return timedelta(**{_UNITS[told[2]]: int(told[1])})


def _tell(sentence: str, *, address: str | None, done: bool, json_: bool) -> None:
    if json_:
        said.as_json({"address": address, "done": done})
    else:
        said.say(sentence if done else f"asked for; {_LATER}")


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    group = typer.Typer(
        help="Addresses that knocked too often; the door follows within two seconds.", no_args_is_help=True
    )
    group.command("list")(list_)
    group.command("lift")(lift)
    group.command("add")(add)
    app.add_typer(group, name="bans")
