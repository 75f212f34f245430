"""Commands about ways to log in: passwords, the last day, authorities of certificates, and what is called back."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from meterdrop.cli import said
from meterdrop.cli.known import tell
from meterdrop.cli.words import Json, Reason, day, given, house_of
from meterdrop.model.errors import OperatorMistake
from meterdrop.usecases.logins import CalledBack

Id = Annotated[str, typer.Argument(metavar="ID", help="The partner's id, for example techem.")]
Login = Annotated[
    str | None,
    typer.Option(help="What the account asks for: 'key', 'password', 'key or password', 'key and password'."),
]
KeyFile = Annotated[Path, typer.Argument(metavar="FILE", help="A file with the authority's public key.")]
Named = Annotated[
    str, typer.Argument(metavar="KEY", help="The key's comment, or a file with the public key.")
]


def password(
    context: typer.Context,
    id: Id,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read it from the first line of stdin.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take the password away.")] = False,
    login: Login = None,
    json_: Json = False,
) -> None:
    """Gives an account a password, or another one; it is asked for twice, and kept as a hash alone."""
    logins = house_of(context).logins
    if remove:
        if stdin or login:
            raise OperatorMistake("--remove goes with neither --stdin nor --login")
        tell(logins.remove_password(id, who=said.who()), json_=json_)
        return
    logins.partners.known(id)  # before anything is typed in vain
    told = logins.set_password(id, password=_typed(stdin=stdin), login=login, who=said.who())
    tell(told, json_=json_)


def _typed(*, stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise OperatorMistake("there is no terminal to ask for the password: give --stdin")
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return typed


def expire(
    context: typer.Context,
    id: Id,
    last: Annotated[str | None, typer.Argument(metavar="DAY", help="The last day, YYYY-MM-DD.")] = None,
    never: Annotated[bool, typer.Option("--never", help="Take the day away.")] = False,
    json_: Json = False,
) -> None:
    """Says until when a partner may log in: through that day, in Prague."""
    if never == (last is not None):
        raise OperatorMistake("give a day like 2027-01-31, or --never")
    tell(house_of(context).logins.expire(id, day=day(last), who=said.who()), json_=json_)


def authority_add(context: typer.Context, id: Id, key: KeyFile, json_: Json = False) -> None:
    """Lets certificates of this authority in, for this partner alone."""
    tell(house_of(context).logins.add_authority(id, key=key, who=said.who()), json_=json_)


def authority_remove(context: typer.Context, id: Id, key: Named, json_: Json = False) -> None:
    """Its certificates no longer open the door."""
    tell(house_of(context).logins.remove_authority(id, key=key, who=said.who()), json_=json_)


def house_add(context: typer.Context, key: KeyFile, json_: Json = False) -> None:
    """Lets certificates of this authority in, for every partner whose name they say."""
    _tell_lines(house_of(context).logins.add_house_authority(key=key, who=said.who()), json_=json_)


def house_remove(context: typer.Context, key: Named, json_: Json = False) -> None:
    """Its certificates no longer open the door."""
    _tell_lines(house_of(context).logins.remove_house_authority(key=key, who=said.who()), json_=json_)


def house_list(context: typer.Context, json_: Json = False) -> None:
    """The authorities whose certificates count for every partner."""
    _tell_lines(house_of(context).logins.house_authorities(), json_=json_)


def revoke(
    context: typer.Context,
    reason: Reason,
    file: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Public keys or certificates.")
    ] = None,
    serial: Annotated[list[str] | None, typer.Option(help="Of certificates: 7, or 7-9; repeatable.")] = None,
    key_id: Annotated[list[str] | None, typer.Option(help="Of certificates; repeatable.")] = None,
    fingerprint: Annotated[
        list[str] | None, typer.Option(help="Of a key: SHA256:…, as the audit shows it; repeatable.")
    ] = None,
    json_: Json = False,
) -> None:
    """Calls keys, certificates or authorities back, for all partners at once."""
    what = CalledBack(
        files=file or (), serials=serial or (), key_ids=key_id or (), fingerprints=fingerprint or ()
    )
    _tell_lines(house_of(context).logins.revoke(what, reason=given(reason), who=said.who()), json_=json_)


def revoked(context: typer.Context, json_: Json = False) -> None:
    """What was called back; to take a line back again, take it out of accounts/revoked."""
    _tell_lines(house_of(context).logins.revoked(), json_=json_)


def _tell_lines(lines: tuple[str, ...], *, json_: bool) -> None:
    if json_:
        said.as_json(list(lines))
        return
    for line in lines or ("none",):
        said.say(line)


def add_to(partner: typer.Typer, app: typer.Typer) -> None:
    """Adds these commands to those about partners, and `authority` for the house."""
    partner.command("password")(password)
    partner.command("expire")(expire)
    partner.command("revoke")(revoke)
    partner.command("revoked")(revoked)
    own = typer.Typer(help="Whose certificates let this partner in.", no_args_is_help=True)
    own.command("add")(authority_add)
    own.command("remove")(authority_remove)
    partner.add_typer(own, name="authority")
    house = typer.Typer(help="Whose certificates let every partner in.", no_args_is_help=True)
    house.command("add")(house_add)
    house.command("remove")(house_remove)
    house.command("list")(house_list)
    app.add_typer(house, name="authority")
