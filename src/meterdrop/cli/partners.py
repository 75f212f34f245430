"""Commands about partners: add, list, disable, keys."""

from pathlib import Path
from typing import Annotated

import typer

from meterdrop.cli import logins, said
from meterdrop.cli.known import HEADINGS, document, row, tell
from meterdrop.cli.logins import Login
from meterdrop.cli.words import Json, house_of

Id = Annotated[str, typer.Argument(metavar="ID", help="The partner's id, for example techem.")]


def add(
    context: typer.Context,
    id: Id,
    name: Annotated[str | None, typer.Option(help="The company's name.")] = None,
    group: Annotated[
        int | None, typer.Option(min=1, max=2, help="1 sends readings only, 2 the register as well.")
    ] = None,
    key: Annotated[list[Path] | None, typer.Option(help="A file with their public key; repeatable.")] = None,
    from_: Annotated[
        list[str] | None, typer.Option("--from", help="A network they come from; repeatable.")
    ] = None,
    login: Login = None,
    json_: Json = False,
) -> None:
    """Adds a partner, or more keys for one we have."""
    house = house_of(context)
    if login is not None:
        house.logins.check_login(id, login)
    # One we have stays as it is where nothing else is said; a new one is as its profile says.
    old = house.partners.find(id) or house.catalog.profiles.get(id)
    known = house.partners.add(
        id,
        name=name or (old.name if old else id),
        group=group or (old.group if old else 1),
        keys=key or [],
        networks=from_ or [],
        who=said.who(),
    )
    if login is not None:
        known = house.logins.choose(id, login=login, who=said.who())
    tell(known, json_=json_)


def list_(context: typer.Context, json_: Json = False) -> None:
    """All partners with their accounts."""
    known = house_of(context).partners.listed()
    if json_:
        said.as_json([document(one) for one in known])
        return
    said.table("Partners", HEADINGS, [row(one) for one in known])


def disable(context: typer.Context, id: Id, json_: Json = False) -> None:
    """Nobody logs in as this partner any more; all that came stays."""
    disabled = house_of(context).partners.disable(id, who=said.who())
    if json_:
        said.as_json(document(disabled))
        return
    said.say(f"{id} is disabled; `meterdrop partner add {id}` takes it back")


def key_add(
    context: typer.Context,
    id: Id,
    key: Annotated[Path, typer.Argument(help="A file with the public key.")],
    json_: Json = False,
) -> None:
    """One more key."""
    tell(house_of(context).partners.add_key(id, key=key, who=said.who()), json_=json_)


def key_remove(
    context: typer.Context,
    id: Id,
    key: Annotated[str, typer.Argument(help="The key's comment, or a file with the public key.")],
    json_: Json = False,
) -> None:
    """Takes a key away."""
    tell(house_of(context).partners.remove_key(id, key=key, who=said.who()), json_=json_)


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    partner = typer.Typer(help="Who may send: accounts and keys.", no_args_is_help=True)
    key = typer.Typer(help="A partner's public keys.", no_args_is_help=True)
    partner.command("add")(add)
    partner.command("list")(list_)
    partner.command("disable")(disable)
    key.command("add")(key_add)
    key.command("remove")(key_remove)
    partner.add_typer(key, name="key")
    logins.add_to(partner, app)
    app.add_typer(partner, name="partner")
