"""Commands for a new partner: propose a profile from sample files, try one on a file."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meterdrop.bootstrap import feeds_of
from meterdrop.cli import said
from meterdrop.cli.words import Json, day, house_of
from meterdrop.model.errors import OperatorMistake
from meterdrop.usecases.partners import refuse_impossible_id

if TYPE_CHECKING:
    from meterdrop.usecases.propose_profile import Proposal


def propose_(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Sample files of one partner.")],
    partner: Annotated[
        str | None, typer.Option(help="The account they will have; files do not tell.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The partner's name; files do not tell.")] = None,
    json_: Json = False,
) -> None:
    """Reads sample files and prints a partner's profile: what is sure, and what is a guess.

    The profile goes to stdout, what to do next to stderr. Exit 1 if a sample could not be read, or a mandatory
    column is left to fill in.
    """
    from meterdrop.usecases.propose_profile import as_yaml, propose

    _must_exist(files)
    if partner is not None:
        refuse_impossible_id(partner)
    proposal = propose(files, feeds=feeds_of(context.obj), partner=partner, name=name)
    if json_:
        said.as_json(proposal)
    else:
        typer.echo(as_yaml(proposal), nl=False)
        typer.echo(_next_steps(context.obj, proposal, sample=files[0]), err=True)
    raise typer.Exit(said.DONE if proposal.is_whole else said.NEEDS_A_PERSON)


def _next_steps(home: Path, proposal: "Proposal", *, sample: Path) -> str:
    """What comes after the proposal, as commands that can be pasted."""
    partner = proposal.partner.value
    meterdrop = f"meterdrop --home {shlex.quote(str(home))}"
    steps = [
        f"1. save the profile as {home / 'schemas' / 'partners' / f'{partner}.yaml'}, with what is to fill in",
        f"2. {meterdrop} check {partner}",
        f"3. {meterdrop} profile try {partner} {shlex.quote(str(sample))}",
        f"4. {meterdrop} partner add {partner} --key FILE.pub",
    ]
    unread = [f"not read: {said.visible(one.file)}: {said.visible(one.words)}" for one in proposal.unreadable]
    return "\n".join([*unread, "next:", *steps])


def try_(
    context: typer.Context,
    partner: Annotated[str, typer.Argument(help="As whom.")],
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    on: Annotated[
        str | None, typer.Option("--on", help="The day whose rules and habits are tried; today if left out.")
    ] = None,
    json_: Json = False,
) -> None:
    """Judges a file without storing anything and shows the receipt it would get."""
    _must_exist([file])
    house = house_of(context)
    receipt = house.try_profile(partner, file, on=day(on))
    if json_:
        said.as_json(receipt)
    else:
        if partner not in house.catalog.profiles:
            typer.echo(f"{partner} has no profile: tried by the tolerant default", err=True)
        _show(file, receipt)
    raise typer.Exit(said.DONE if receipt["verdict"] == "accepted" else said.NEEDS_A_PERSON)


def _show(file: Path, receipt: Mapping[str, object]) -> None:
    said.say(f"{file.name}: {receipt['verdict']}, feed: {receipt['feed'] or 'not told'}")
    lines, findings = receipt["lines"], receipt["findings"]
    said.table("Lines", ("what", "how many"), list(lines.items()) if isinstance(lines, Mapping) else [])
    told: Sequence[Mapping[str, object]] = findings if isinstance(findings, list) else []
    rows = [[one[key] for key in ("line", "column", "code", "value", "message")] for one in told]
    fixes = dict.fromkeys((str(one["code"]), str(one["fix"])) for one in told)
    if rows:
        said.table("Findings", ("line", "column", "code", "value", "what"), rows)
        said.table("What to do", ("code", "what to do"), list(fixes))


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
