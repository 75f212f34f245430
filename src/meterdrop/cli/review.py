"""The reviewer's commands on quarantined lines: fix, accept, dismiss, return."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from meterdrop.bootstrap import House
from meterdrop.cli import said
from meterdrop.cli.reviewed import document_of
from meterdrop.cli.words import (
    CodeOption,
    DeliveryOption,
    DryRun,
    Json,
    LineId,
    Reason,
    code_of,
    delivery_of,
    given,
    house_of,
    key_of,
)
from meterdrop.model.errors import OperatorMistake
from meterdrop.model.line_state import LineState
from meterdrop.report.receipt import told

if TYPE_CHECKING:
    from meterdrop.usecases.review import Choice, Ended

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID...]", help="Numbers from `quarantine list`.")]
Cells = Annotated[list[str] | None, typer.Argument(metavar="[HEADING=CELL...]", help="New cells.")]
STILL_FAILING: Final = "still-failing"


def fix(
    context: typer.Context,
    id: LineId,
    reason: Reason,
    cells: Cells = None,
    cell: Annotated[
        list[str] | None, typer.Option("--set", help="HEADING=CELL, the same; repeatable.")
    ] = None,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """New cells for a line, by heading or our column; judged by all rules, stored if nothing fails any more."""
    from meterdrop.usecases.review import Choice, Ended

    pairs = [_pair(one) for one in (*(cells or ()), *(cell or ()))]
    if not pairs:
        raise OperatorMistake("name the new cells: HEADING=CELL, for example Stav=39,13")
    cells_by_name = dict(pairs)
    if len(cells_by_name) < len(pairs):
        raise OperatorMistake("a cell is given twice: say once what it is")
    house = house_of(context)
    outcome = house.review.fix(
        key_of(id), cells=cells_by_name, who=said.who(), reason=given(reason), dry_run=dry_run
    )
    ended = Ended(lines=outcome.accepted + outcome.duplicate, still=outcome.still, findings=outcome.findings)
    _tell(house, Choice(ids=(key_of(id),)), ended, state=LineState.CORRECTED, dry_run=dry_run, json_=json_)


def accept(
    context: typer.Context,
    reason: Reason,
    ids: Ids = None,
    delivery: DeliveryOption = None,
    code: CodeOption = None,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Accepts lines in spite of soft rules; of a delivery, those that nothing else is wrong with."""
    house = house_of(context)
    choice = _choice(house, ids, delivery=delivery, code=code)
    with said.errors.status(f"{house.review.count(choice):,} line(s)"):
        ended = house.review.accept(choice, who=said.who(), reason=given(reason), dry_run=dry_run)
    _tell(house, choice, ended, state=LineState.ACCEPTED, dry_run=dry_run, json_=json_)


def dismiss(
    context: typer.Context,
    reason: Reason,
    ids: Ids = None,
    delivery: DeliveryOption = None,
    code: CodeOption = None,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Closes lines that are not wanted."""
    house = house_of(context)
    choice = _choice(house, ids, delivery=delivery, code=code)
    with said.errors.status(f"{house.review.count(choice):,} line(s)"):
        ended = house.review.dismiss(choice, who=said.who(), reason=given(reason), dry_run=dry_run)
    _tell(house, choice, ended, state=LineState.DISMISSED, dry_run=dry_run, json_=json_)


def give_back(
    context: typer.Context,
    reason: Reason,
    ids: Ids = None,
    delivery: DeliveryOption = None,
    code: CodeOption = None,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Leaves lines to the partner to correct and send again."""
    house = house_of(context)
    choice = _choice(house, ids, delivery=delivery, code=code)
    with said.errors.status(f"{house.review.count(choice):,} line(s)"):
        ended = house.review.give_back(choice, who=said.who(), reason=given(reason), dry_run=dry_run)
    _tell(house, choice, ended, state=LineState.RETURNED, dry_run=dry_run, json_=json_)


ACTS: Final[Mapping[str, Callable[..., Any]]] = {
    "fix": fix,
    "accept": accept,
    "dismiss": dismiss,
    "return": give_back,
}
"""Command's name -> command."""


def _choice(house: House, ids: Sequence[str] | None, *, delivery: str | None, code: str | None) -> "Choice":
    """Lines by number, or those of a delivery: one of the two."""
    from meterdrop.usecases.review import Choice

    if bool(ids) == (delivery is not None):
        raise OperatorMistake("name lines by their numbers, or those of a delivery with --delivery")
    if ids and code is not None:
        raise OperatorMistake("--code goes with --delivery; lines named by their numbers need none")
    keys = dict.fromkeys(key_of(one) for one in ids or ())
    return Choice(ids=tuple(keys), delivery=delivery_of(house, delivery), code=code_of(code))


def _pair(text: str) -> tuple[str, str]:
    heading, equals, cell = text.partition("=")
    if not equals or not heading:
        raise OperatorMistake(f"{text!r}: write HEADING=CELL, for example Stav=39,13")
    return heading, cell


def _tell(
    house: House, choice: "Choice", ended: "Ended", *, state: LineState, dry_run: bool, json_: bool
) -> None:
    house.deliver_receipts()
    alone = choice.ids[0] if len(choice.ids) == 1 else None
    language = _language(house, choice)
    words = [told(finding, language=language) for finding in ended.findings]
    if json_:
        document = {
            "dry_run": dry_run,
            "outcome": STILL_FAILING if alone is not None and ended.still else state.value,
            "lines": ended.lines,
            "still_failing": ended.still,
            "findings": words,
        }
        line = {} if alone is None else {"line": document_of(house.review.shown(alone), house)}
        said.as_json(document | line)
    elif alone is None:
        would = "would be" if dry_run else "are"
        said.say(f"{ended.lines:,} line(s) {would} {state.value}" + _rest(ended))
    elif not ended.still:
        said.say(f"line {alone} {'would be' if dry_run else 'is'} {state.value}")
    else:
        said.say(f"line {alone} still fails and stays in quarantine; nothing was stored:")
        for one in words:
            said.say(f"  {one['code']}: {one['message']} {one['fix']}")
    if ended.still:
        raise typer.Exit(said.NEEDS_A_PERSON)


def _rest(ended: "Ended") -> str:
    if not ended.still:
        return ""
    return f"; {ended.still:,} can't be, because of rules that are no matter of judgement, and stay open"


def _language(house: House, choice: "Choice") -> str:
    """The language of the lines' partner."""
    if choice.delivery is None:
        return house.language_of(house.review.shown(choice.ids[0]).line.partner)
    return house.language_of(house.show_delivery.found(str(choice.delivery)).partner)
