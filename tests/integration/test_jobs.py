"""Jobs in the queue: asked for once, done once, and given back when nobody is at them any more."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from procrastinate import App, PsycopgConnector
from procrastinate.job_context import JobContext

from meterdrop.dispatch.jobs import DRAIN, Jobs, lock_of
from meterdrop.dispatch.stalled import Reaper, Running
from meterdrop.model.working import WorkerSeen
from meterdrop.store import workers
from meterdrop.store.database import Database
from tests.homes import POSTGRESQL, Homes, change, rows

pytestmark = pytest.mark.only_on(POSTGRESQL)


@pytest.fixture
def home(homes: Homes, tmp_path: Path) -> Path:
    return homes.make(tmp_path / "home")


@pytest.fixture
def database(home: Path) -> Database:
    return Database((home / "database.url").read_text().strip())


def _jobs(home: Path) -> list[tuple[str, str]]:
    return [
        (row[0], row[1])
        for row in rows(home, "SELECT args->>'partner', status::text FROM procrastinate_jobs ORDER BY id")
    ]


def _with_app(database: Database, act: Callable[[App], Awaitable[None]]) -> None:
    async def acted() -> None:
        app = App(connector=PsycopgConnector(conninfo=database.address(), min_size=1, max_size=2))
        async with app.open_async():
            await act(app)

    asyncio.run(acted())


async def _begun(app: App) -> JobContext:
    """A worker that fetched a job and is at it."""
    worker = await app.job_manager.register_worker()
    job = await app.job_manager.fetch_job(queues=[DRAIN], worker_id=worker)
    assert job is not None
    return JobContext(app=app, job=job, abort_reason=lambda: None, start_timestamp=0)


def test_what_waits_is_not_asked_for_twice(home: Path, database: Database) -> None:
    jobs = Jobs(lend=database.lent)
    for partner in ("techem", "ista", "techem", "techem"):
        jobs.wake(partner)
    jobs.ring("techem")

    assert _jobs(home) == [("techem", "todo"), ("ista", "todo"), ("techem", "todo")]
    database.close()


def test_what_comes_while_a_partner_is_drained_is_asked_for_once_more_and_waits(
    home: Path, database: Database
) -> None:
    jobs = Jobs(lend=database.lent)
    jobs.wake("techem")

    async def act(app: App) -> None:
        await _begun(app)
        await asyncio.to_thread(jobs.wake, "techem")
        worker = await app.job_manager.register_worker()
        assert await app.job_manager.fetch_job(queues=[DRAIN], worker_id=worker) is None

    _with_app(database, act)
    assert _jobs(home) == [("techem", "doing"), ("techem", "todo")]
    database.close()


@pytest.mark.parametrize("waits", [False, True], ids=["alone", "another-waits"])
def test_the_job_of_a_worker_that_is_gone_is_given_back(home: Path, database: Database, waits: bool) -> None:
    jobs = Jobs(lend=database.lent)
    jobs.wake("techem")

    async def act(app: App) -> None:
        await _begun(app)
        if waits:
            await asyncio.to_thread(jobs.wake, "techem")
        reaper = Reaper(app, Running(), queues=[DRAIN])
        await reaper.look()
        assert ("techem", "doing") in _jobs(home), "it was heard of just now"
        change(home, "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '21 seconds'")
        await reaper.look()
        await _begun(app)

    _with_app(database, act)
    assert _jobs(home) == [("techem", "doing")]
    database.close()


def test_a_job_whose_end_could_not_be_written_down_is_given_back_at_the_second_look(
    home: Path, database: Database
) -> None:
    Jobs(lend=database.lent).wake("techem")

    async def act(app: App) -> None:
        running, context = Running(), await _begun(app)
        reaper = Reaper(app, running, queues=[DRAIN])
        with running.at(context):
            await reaper.look()
            await reaper.look()
            assert _jobs(home) == [("techem", "doing")]
        await reaper.look()
        assert _jobs(home) == [("techem", "doing")]
        await reaper.look()
        assert _jobs(home) == [("techem", "todo")]

    _with_app(database, act)
    database.close()


def test_jobs_of_one_kind_and_partner_share_a_lock() -> None:
    assert lock_of(DRAIN, "techem") == lock_of(DRAIN, "techem") != lock_of("receipts", "techem")


def test_worker_whose_clock_is_wrong_is_seen_all_the_same(database: Database) -> None:
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    seen = WorkerSeen(name="w", host="h", pid=1, concurrency=2, since=moment, seen_at=moment)
    for _ in range(2):
        with database.writing() as store:
            workers.note(store, seen)
            workers.forget_gone(store)
    with database.reading() as store:
        [told] = workers.seen_lately(store)
    assert (told.name, told.since) == ("w", moment)
    assert told.seen_at > moment
    database.close()
