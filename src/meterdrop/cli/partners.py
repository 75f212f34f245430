"""Commands about partners: add, list, disable, keys."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from meterdrop.cli import said
from meterdrop.cli.words import Json, house_of
from meterdrop.usecases.partners import KnownPartner

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
    json_: Json = False,
) -> None:
    """Adds a partner, or more keys for one we have."""
    house = house_of(context)
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
    _tell(known, json_=json_)


def list_(context: typer.Context, json_: Json = False) -> None:
    """All partners with their accounts."""
    known = house_of(context).partners.listed()
    if json_:
        said.as_json([_document(one) for one in known])
        return
    rows = [
        (
            one.partner.id,
            one.partner.name,
            one.partner.group,
            "active" if one.partner.active else "disabled",
            len(one.account.keys) if one.account else 0,
            ", ".join(one.account.networks) if one.account and one.account.networks else "anywhere",
        )
        for one in known
    ]
    said.table("Partners", ("id", "name", "group", "state", "keys", "from"), rows)


def disable(context: typer.Context, id: Id, json_: Json = False) -> None:
    """Nobody logs in as this partner any more; all that came stays."""
    disabled = house_of(context).partners.disable(id, who=said.who())
    if json_:
        said.as_json(_document(disabled))
        return
    said.say(f"{id} is disabled; `meterdrop partner add {id}` takes it back")


def key_add(
    context: typer.Context,
    id: Id,
    key: Annotated[Path, typer.Argument(help="A file with the public key.")],
    json_: Json = False,
) -> None:
    """One more key."""
    _tell(house_of(context).partners.add_key(id, key=key, who=said.who()), json_=json_)


def key_remove(
    context: typer.Context,
    id: Id,
    key: Annotated[str, typer.Argument(help="The key's comment, or a file with the public key.")],
    json_: Json = False,
) -> None:
    """Takes a key away."""
    _tell(house_of(context).partners.remove_key(id, key=key, who=said.who()), json_=json_)


def _tell(known: KnownPartner, *, json_: bool) -> None:
    if json_:
        said.as_json(_document(known))
        return
    count = len(known.account.keys) if known.account else 0
    said.say(f"{known.partner.id}: {known.partner.name}, group {known.partner.group}, {count} key(s)")
    if count == 0:
        said.say(f"Nobody can log in yet: meterdrop partner key add {known.partner.id} FILE.pub")


def _document(known: KnownPartner) -> dict[str, object]:
    account = asdict(known.account) if known.account else {"keys": [], "networks": [], "disabled": True}
    return asdict(known.partner) | {name: account[name] for name in ("keys", "networks", "disabled")}


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
    app.add_typer(partner, name="partner")
