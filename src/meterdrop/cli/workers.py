"""The command `meterdrop worker`, and what `status` shows of workers."""

from typing import Annotated

import typer

from meterdrop.cli import said
from meterdrop.logs import to_stderr
from meterdrop.usecases.status import Status


def worker(
    context: typer.Context,
    concurrency: Annotated[
        int,
        typer.Option(
            help="How many partners to load at once, each in a process of its own; of several, one is kept for small files.",
            min=1,
            max=64,
        ),
    ] = 2,
) -> None:
    """One more worker, on this machine or another (dispatch = "scaled", PostgreSQL); SIGTERM finishes what it is at."""
    from meterdrop.service import worker as service  # what it needs, no other command does

    to_stderr(verbose=True)
    service.main(context.obj, concurrency=concurrency)


def tell(told: Status) -> None:
    """Tables of workers and of queues, where there are any."""
    if told.workers is None:
        return
    said.table(
        "Workers seen in the last minute",
        ("host", "process", "partners at once", "since (UTC)", "seen (UTC)"),
        [
            (one.host, one.pid, one.concurrency, f"{one.since:%Y-%m-%d %H:%M}", f"{one.seen_at:%H:%M:%S}")
            for one in told.workers
        ],
    )
    said.table(
        "Queues of jobs",
        ("queue", "waiting", "being done", "failed"),
        [(one.name, one.waiting, one.doing, one.failed) for one in told.queues],
    )


def add_to(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(worker)
