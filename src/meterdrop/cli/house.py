"""Commands about the house itself: init, up, status, check, demo."""

import json
import signal
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import typer

from meterdrop.bootstrap import (
    House,
    check_originals,
    make_home,
    now,
    problems_of,
    problems_of_watched,
    rule_sets_of,
    schema_folders,
    warnings_of,
)
from meterdrop.cli import headers, said, workers
from meterdrop.cli.words import Json, house_of, partner_of
from meterdrop.logs import to_stderr
from meterdrop.model.errors import OperatorMistake, StopAtStart
from meterdrop.model.feed import Agreement
from meterdrop.usecases.status import Status
from meterdrop.usecases.supervise import Supervisor, door, pipeline

_SHOWN: Final = 12
"""So many letters of a rule set's fingerprint tell it from all others."""


def init(
    context: typer.Context,
    database: Annotated[
        str | None, typer.Option(help="A database URL; SQLite in the home when left out.")
    ] = None,
    json_: Json = False,
) -> None:
    """Makes the home, the host key and the database; safe to repeat."""
    made = make_home(context.obj, database=database)
    if json_:
        said.as_json({"home": str(context.obj), "made": made})
    else:
        said.say(f"{context.obj}: {', '.join(made) + ' made' if made else 'all was there already'}")


WatchOnly = Annotated[
    bool, typer.Option("--watch-only", help="No door: another SFTP server fills the watched folder.")
]
Watch = Annotated[
    Path | None,
    typer.Argument(
        metavar="[DIR]", help="Folder with a folder for each partner that another SFTP server fills."
    ),
]


def up(
    context: typer.Context,
    watch: Watch = None,
    watch_only: WatchOnly = False,
    sftp_host: Annotated[str, typer.Option(help="Address to listen on.")] = "0.0.0.0",  # noqa: S104 - partners are outside
    sftp_port: Annotated[
        int, typer.Option(help="Port to listen on; 0 finds a free one.", min=0, max=65535)
    ] = 2222,
    web_port: Annotated[
        int, typer.Option(help="Port of the operator page (comes later).", min=0, max=65535)
    ] = 0,
    no_web: Annotated[bool, typer.Option("--no-web", help="Without the operator page.")] = False,
) -> None:
    """Starts the door and the pipeline; says in one JSON line when both accept work. SIGTERM drains and exits 0.

    With --watch-only DIR there is no door: files that OpenSSH, SFTPGo or others put into DIR/<partner>/incoming are taken.
    DIR alone: both.
    """
    to_stderr(verbose=True)
    house = house_of(context, watch=watch)
    _check_watch(house, watch_only=watch_only)
    house.database.close()
    house.catalog.agreements("", on=house.today())  # bad schemas are told here, once
    check_originals(house.settings)
    supervisor = Supervisor(
        door=None if watch_only else door(house.home, host=sftp_host, port=sftp_port),
        pipeline=pipeline(house.home, watch=house.settings.watch),
    )

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        supervisor.stop()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    ready = supervisor.start()
    told = {"event": "ready", "sftp_port": None, "web_port": None, "home": str(house.home)} | ready
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    try:
        supervisor.watch()
    finally:
        code = supervisor.stop_all()
    raise typer.Exit(code)


def _check_watch(house: House, *, watch_only: bool) -> None:
    if watch_only and house.settings.watch is None:
        raise OperatorMistake(
            'which folder is to be watched? Name it: `--watch-only DIR`, or watch = "DIR" in meterdrop.toml'
        )
    if problems := problems_of_watched(house.settings):
        raise StopAtStart(problems)


def run_pipeline(
    context: typer.Context,
    watch: Watch = None,
    watch_only: WatchOnly = False,
    stop_with_stdin: Annotated[
        bool, typer.Option("--stop-with-stdin", help="Stop when stdin closes.")
    ] = False,
) -> None:
    """The pipeline alone, without the door (for its own service and user)."""
    from meterdrop.service import pipeline as service  # what it needs, no other command does

    to_stderr(verbose=True)
    _check_watch(house_of(context, watch=watch), watch_only=watch_only)
    service.main(context.obj, stop_with_stdin=stop_with_stdin, watch=watch)


def status(
    context: typer.Context,
    partner: Annotated[
        str | None,
        typer.Option("--partner", help="Every change of this partner's headers, not only the last ones."),
    ] = None,
    json_: Json = False,
) -> None:
    """Counts, oldest unfinished work, silent partners, changed headers, health; exit 1 if something is wrong."""
    house = house_of(context)
    told = house.look_around(partner=partner_of(house, partner))
    if json_:
        said.as_json(asdict(told))
    else:
        rows: list[tuple[str, object]] = [
            (f"deliveries {state}", count) for state, count in sorted(told.deliveries.items())
        ]
        rows += [(f"quarantined lines {state}", count) for state, count in sorted(told.quarantine.items())]
        rows += [
            ("devices in the register", told.devices),
            ("receipts waiting to be written", told.receipts_waiting),
            ("oldest unfinished delivery", told.oldest_unfinished or "none"),
            ("silent partners", ", ".join(told.silent_partners) or "none"),
        ]
        said.table(f"Status at {told.at:%Y-%m-%d %H:%M:%S} UTC", ("what", "how many"), rows)
        if told.header_changes:
            title = "Changed headers (last of each feed, 90 days)" if partner is None else "Changed headers"
            said.table(title, headers.HEADINGS, [headers.row_of(drift) for drift in told.header_changes])
        elif partner is not None:
            said.say(f"the headers of {partner} have never changed")
        if told.watched is not None:
            said.table(
                f"Watched folders in {told.watched.folder}, seen at {told.watched.at:%Y-%m-%d %H:%M:%S} UTC",
                ("partner", "names", "waiting", "open for writing", "not taken"),
                [
                    (partner, one.files, one.waiting, one.open, one.left_out)
                    for partner, one in sorted(told.watched.partners.items())
                ],
            )
        _table_of_waiting(told)
        workers.tell(told)
        for problem in told.problems:
            said.say(f"problem: {problem}")
    raise typer.Exit(said.NEEDS_A_PERSON if told.problems else said.DONE)


def _table_of_waiting(told: Status) -> None:
    rows = [
        (f"delivery {one.delivery}", one.partner, "room on the disk", _minute(one.since), "the next sweep")
        for one in told.waiting
    ] + [
        (
            f"{one.receipts} receipts",
            one.partner,
            f"{one.name or 'their folder'} ({one.error})",
            _minute(one.since),
            _minute(one.again_at),
        )
        for one in told.receipts_in_trouble
    ]
    if rows:
        said.table("What waits", ("what", "partner", "for what", "since (UTC)", "tried again at (UTC)"), rows)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def check(
    context: typer.Context,
    partner: Annotated[str | None, typer.Argument(help="Only this partner's profile.")] = None,
    json_: Json = False,
) -> None:
    """Validates settings, schemas and profiles, every problem at once; names the rule sets there are."""
    problems = problems_of(context.obj, partner=partner)
    agreements = () if problems else rule_sets_of(context.obj, partner=partner)
    warnings = [] if problems else warnings_of(context.obj)
    if json_:
        said.as_json(
            {
                "problems": problems,
                "warnings": warnings,
                "folders": [str(one) for one in schema_folders(context.obj)],
                "rules": [_rule_set(one) for one in agreements],
            }
        )
        raise typer.Exit(said.MISTAKE if problems else said.DONE)
    if problems:
        raise StopAtStart(problems)
    rows = [
        (one.partner or "(any other)", one.feed.name, one.valid_from or "", one.fingerprint[:_SHOWN])
        for one in agreements
    ]
    said.table("Rule sets", ("partner", "feed", "valid from", "rules"), rows)
    for warning in warnings:
        said.say(f"warning: {warning}")
    said.say("settings, schemas and profiles are well")


def _rule_set(agreement: Agreement) -> dict[str, object]:
    """`partner` is null for those without a profile, `valid_from` for a first version that says none."""
    return {
        "partner": agreement.partner or None,
        "feed": agreement.feed.name,
        "valid_from": agreement.valid_from,
        "rules": agreement.fingerprint,
    }


def demo(context: typer.Context) -> None:
    """Shows the whole road on sample files: two partners, a real SFTP client, receipts, one reprocess."""
    from meterdrop import demo as demonstration  # it brings an SFTP client, which no other command needs

    raise typer.Exit(demonstration.main(started=now()))


def add_to(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(init)
    app.command()(up)
    app.command("pipeline")(run_pipeline)
    app.command()(status)
    app.command()(check)
    app.command()(demo)
