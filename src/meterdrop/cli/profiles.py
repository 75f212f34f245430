"""Commands for a new partner: propose a profile from sample files, try one on a file."""

from pathlib import Path
from typing import Annotated

import typer

from meterdrop.cli import said
from meterdrop.cli.words import Json, house_of
from meterdrop.model.errors import OperatorMistake
from meterdrop.usecases.propose_profile import as_yaml, propose


def propose_(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Sample files of one partner.")],
    json_: Json = False,
) -> None:
    """Reads sample files and prints a partner's profile: what is sure, and what is a guess."""
    _must_exist(files)
    house = house_of(context)
    proposal = propose(files, feeds=house.catalog.feeds)
    if json_:
        said.as_json(proposal)
    else:
        typer.echo(as_yaml(proposal), nl=False)


def try_(
    context: typer.Context,
    partner: Annotated[str, typer.Argument(help="As whom.")],
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    json_: Json = False,
) -> None:
    """Judges a file without storing anything and shows the receipt it would get."""
    _must_exist([file])
    receipt = house_of(context).try_profile(partner, file)
    if json_:
        said.as_json(receipt)
    else:
        lines = receipt["lines"]
        said.say(f"{file.name}: {receipt['verdict']}")
        said.table("Lines", ("what", "how many"), list(lines.items()) if isinstance(lines, dict) else [])
        findings = receipt["findings"]
        rows = [
            (one["line"], one["column"], one["code"], one["value"], one["message"])
            for one in (findings if isinstance(findings, list) else [])
        ]
        said.table("Findings", ("line", "column", "code", "value", "what"), rows)
    raise typer.Exit(said.DONE if receipt["verdict"] == "accepted" else said.NEEDS_A_PERSON)


def _must_exist(files: list[Path]) -> None:
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise OperatorMistake(f"no such file: {', '.join(missing)}")


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    profile = typer.Typer(help="How a partner writes its files.", no_args_is_help=True)
    profile.command("propose")(propose_)
    profile.command("try")(try_)
    app.add_typer(profile, name="profile")
