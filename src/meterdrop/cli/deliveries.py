"""Commands about deliveries: ingest files by hand, list them, show one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from meterdrop.bootstrap import House
from meterdrop.cli import said
from meterdrop.cli.decisions import DECISIONS
from meterdrop.cli.words import Json, PartnerOption, feed_of, house_of, partner_of
from meterdrop.model.delivery import NEEDS_A_PERSON, Delivery, State
from meterdrop.model.errors import OperatorMistake


def ingest(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV files.")],
    partner: Annotated[str, typer.Option(help="Whose files they are.")],
    feed: Annotated[
        str | None, typer.Option(help="Which feed; told by name, folder or header when left out.")
    ] = None,
    json_: Json = False,
) -> None:
    """The same road without SFTP, in the foreground."""
    house = house_of(context)
    feed_of(house, feed)
    with said.errors.status(f"{len(files)} file(s)"):
        settled = house.take_files(files, partner=partner, feed=feed)
    if json_:
        said.as_json([house.show_delivery.receipt(one) for one in settled])
    else:
        _table("Loaded", settled)
        for one in settled:
            _tell_findings(house, one)
    raise typer.Exit(said.NEEDS_A_PERSON if _needs_a_person(settled) else said.DONE)


def deliveries(
    context: typer.Context,
    partner: PartnerOption = None,
    state: Annotated[str | None, typer.Option(help="Only in this state.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest.", min=1)] = 200,
    json_: Json = False,
) -> None:
    """What came and what became of it, the newest first."""
    if state is not None and state not in {one.value for one in State}:
        raise OperatorMistake(f"{state!r} is no state. States: {', '.join(one.value for one in State)}")
    house = house_of(context)
    listed = house.show_delivery.listed(
        partner=partner_of(house, partner), state=None if state is None else State(state), limit=limit
    )
    if json_:
        said.as_json([summary(one) for one in listed])
    else:
        _table("Deliveries", listed)


def show(
    context: typer.Context,
    id: Annotated[str, typer.Argument(metavar="ID", help="Number or upload id.")],
    json_: Json = False,
) -> None:
    """One delivery: its receipt and all that was done to it."""
    house = house_of(context)
    shown = house.show_delivery(id)
    if json_:
        said.as_json(
            {
                "receipt": shown.receipt,
                "released": shown.delivery.released,
                "quarantine": shown.quarantine,
                "events": shown.events,
                "events_total": shown.events_total,
                "original_removed_at": shown.original_removed_at,
            }
        )
        return
    _table(f"Delivery {shown.delivery.number}", [shown.delivery])
    _tell_findings(house, shown.delivery)
    if shown.original_removed_at is not None:
        said.say(
            f"Its original is no longer kept: its retention ended on {shown.original_removed_at:%Y-%m-%d}. "
            "It can't be judged again; for that the partner must send the file again"
        )
    rows = [(one["at"], one["who"], one["what"], one["line"], one["why"]) for one in shown.events]
    if shown.quarantine:
        told = ", ".join(f"{count:,} {state}" for state, count in shown.quarantine.items())
        said.say(f"Its quarantined lines: {told}")
    more = shown.events_total - len(rows)
    title = "What was done" if not more else f"What was done ({more:,} more to its lines)"
    said.table(title, ("at", "who", "what", "line", "why"), rows)


def summary(delivery: Delivery) -> dict[str, object]:
    """A delivery as listings have it."""
    return {
        "delivery": delivery.number,
        "upload": delivery.upload,
        "partner": delivery.partner,
        "feed": delivery.feed,
        "file": delivery.file,
        "bytes": delivery.bytes,
        "sha256": delivery.sha256,
        "state": delivery.state.value,
        "received_at": delivery.received_at,
        "finished_at": delivery.finished_at,
        "attempts": delivery.attempts,
        "lines": delivery.lines.as_dict(),
        "findings_by_code": dict(delivery.findings_by_code),
        "duplicate_of": delivery.duplicate_of,
        "parent": delivery.parent,
        "released": delivery.released,
    }


def _table(title: str, listed: Sequence[Delivery]) -> None:
    rows = [
        (
            one.number,
            one.partner,
            one.feed,
            one.file,
            one.state.value,
            one.lines.physical,
            one.lines.accepted,
            one.lines.quarantined,
            one.lines.duplicate,
        )
        for one in listed
    ]
    headings = (
        "delivery",
        "partner",
        "feed",
        "file",
        "state",
        "lines",
        "accepted",
        "quarantined",
        "duplicate",
    )
    said.table(title, headings, rows)


def _tell_findings(house: House, delivery: Delivery) -> None:
    found = house.show_delivery.findings(delivery, limit=20)
    if not found:
        return
    rows = [(one["line"], one["column"], one["code"], one["value"], one["message"]) for one in found]
    said.table(
        f"Findings of {delivery.file} (the first {len(rows)})",
        ("line", "column", "code", "value", "what"),
        rows,
    )


def _needs_a_person(settled: Sequence[Delivery]) -> bool:
    return any(one.state in NEEDS_A_PERSON for one in settled)


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    delivery = typer.Typer(
        help="One delivery: show it, and decide about it as a whole.", no_args_is_help=True
    )
    delivery.command("show")(show)
    for name, decision in DECISIONS.items():
        delivery.command(name)(decision)
    app.command()(ingest)
    app.command()(deliveries)
    app.add_typer(delivery, name="delivery")
