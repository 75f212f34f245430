"""Commands about the door's host keys: list, add, promote, retire."""

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from meterdrop.bootstrap import host_keys
from meterdrop.cli import said
from meterdrop.cli.words import Json
from meterdrop.usecases.hostkeys import NEXT, RSA_BITS, HostKey


class Type(StrEnum):
    """Types of host keys."""

    ed25519 = "ed25519"
    rsa = "rsa"


def list_(context: typer.Context, json_: Json = False) -> None:
    """The host keys: which serves, which is announced; their fingerprints are what partners compare."""
    keys = host_keys(context.obj).listed()
    if json_:
        said.as_json([asdict(key) for key in keys])
        return
    rows = [(key.type, key.state, key.bits, key.fingerprint, f"{key.made_at:%Y-%m-%d}") for key in keys]
    said.table("Host keys", ("type", "state", "bits", "fingerprint", "made"), rows)


def add(
    context: typer.Context,
    type_: Annotated[Type, typer.Option("--type", help="rsa is for clients that do not know ed25519.")] = (
        Type.ed25519
    ),
    bits: Annotated[int, typer.Option(help="Of an RSA key.", min=RSA_BITS, max=8192)] = RSA_BITS,
    json_: Json = False,
) -> None:
    """Makes a key: announced to clients as the next one, or serving at once if there is none of its type."""
    key = host_keys(context.obj).add(type_.value, bits=bits)
    hint = (
        "; clients learn it when they log in, and `meterdrop hostkey promote` lets it serve"
        if key.state == NEXT
        else ""
    )
    _tell(key, f"{key.fingerprint} ({key.type}) is made: it is {key.state}{hint}", json_=json_)


def promote(
    context: typer.Context,
    type_: Annotated[
        Type | None, typer.Option("--type", help="Where keys of both types wait.", show_default=False)
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="Let the old key serve again.")] = False,
    json_: Json = False,
) -> None:
    """Lets the next key serve; the one that did is announced as the old one until it is retired."""
    key = host_keys(context.obj).promote(type_.value if type_ else None, back=back)
    _tell(key, f"{key.fingerprint} ({key.type}) serves", json_=json_)


def retire(
    context: typer.Context,
    fingerprint: Annotated[str, typer.Argument(help="As `hostkey list` shows it.")],
    json_: Json = False,
) -> None:
    """Removes a key that no longer serves; there is no way back."""
    key = host_keys(context.obj).retire(fingerprint)
    _tell(key, f"{key.fingerprint} ({key.type}, {key.state}) is removed", json_=json_)


def _tell(key: HostKey, sentence: str, *, json_: bool) -> None:
    if json_:
        said.as_json(asdict(key))
    else:
        said.say(sentence)


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    group = typer.Typer(
        help="By which keys clients know the door; the door follows within two seconds.", no_args_is_help=True
    )
    group.command("list")(list_)
    group.command("add")(add)
    group.command("promote")(promote)
    group.command("retire")(retire)
    app.add_typer(group, name="hostkey")
