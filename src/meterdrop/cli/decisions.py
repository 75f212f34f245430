"""Commands that decide about a delivery as a whole: release, refuse, retry."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from meterdrop.bootstrap import House
from meterdrop.cli import said
from meterdrop.cli.words import DryRun, Json, Reason, given, house_of
from meterdrop.model.delivery import NEEDS_A_PERSON, Delivery, LineCounts, Release

if TYPE_CHECKING:
    from meterdrop.usecases.release import Foreseen

Id = Annotated[str, typer.Argument(metavar="ID", help="Number or upload id.")]


def release(
    context: typer.Context,
    id: Id,
    reason: Reason,
    good_lines: Annotated[
        bool,
        typer.Option("--good-lines", help="Only the good lines; not those that fail soft rules only."),
    ] = False,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Loads a held delivery: good lines are stored, also those that fail soft rules only; the rest is quarantined."""
    house = house_of(context)
    key = house.show_delivery.found(id).id
    how = Release.GOOD if good_lines else Release.WHOLE
    why = given(reason)
    with said.errors.status("judging"):
        if dry_run:
            _would(house.decide.would_release(key, how=how), json_=json_)
            return
        settled = house.decide.release(key, how=how, who=said.who(), reason=why)
    _tell(house, settled, json_=json_)


def refuse(context: typer.Context, id: Id, reason: Reason, json_: Json = False) -> None:
    """Gives a held delivery back to its partner, with the reason in the receipt."""
    house = house_of(context)
    key = house.show_delivery.found(id).id
    settled = house.decide.refuse(key, who=said.who(), reason=given(reason))
    _tell(house, settled, json_=json_)


def retry(
    context: typer.Context, id: Id, reason: Reason, dry_run: DryRun = False, json_: Json = False
) -> None:
    """Judges a held, refused or poisoned delivery as if it came now: after its rules or the program were mended."""
    house = house_of(context)
    key = house.show_delivery.found(id).id
    why = given(reason)
    with said.errors.status("judging"):
        if dry_run:
            _would(house.decide.would_retry(key), json_=json_)
            return
        settled = house.decide.retry(key, who=said.who(), reason=why)
    _tell(house, settled, json_=json_)


DECISIONS: Final[Mapping[str, Callable[..., Any]]] = {"release": release, "refuse": refuse, "retry": retry}
"""Command's name -> command."""


def _tell(house: House, settled: Delivery, *, json_: bool) -> None:
    house.deliver_receipts()
    if json_:
        said.as_json(house.show_delivery.receipt(settled))
    else:
        said.say(f"delivery {settled.number} is {settled.state.value}: {_counted(settled.lines)}")
    raise typer.Exit(said.NEEDS_A_PERSON if settled.state in NEEDS_A_PERSON else said.DONE)


def _would(foreseen: "Foreseen", *, json_: bool) -> None:
    if json_:
        said.as_json(
            {
                "dry_run": True,
                "verdict": foreseen.state.value,
                "lines": foreseen.lines.as_dict(),
                "findings_by_code": dict(foreseen.findings_by_code),
            }
        )
    else:
        said.say(f"it would be {foreseen.state.value}: {_counted(foreseen.lines)}")
        for code, count in sorted(foreseen.findings_by_code.items()):
            said.say(f"  {count:,} {code}")
    raise typer.Exit(said.NEEDS_A_PERSON if foreseen.state in NEEDS_A_PERSON else said.DONE)


def _counted(lines: LineCounts) -> str:
    return f"{lines.accepted:,} line(s) accepted, {lines.quarantined:,} quarantined, {lines.duplicate:,} duplicate"
