"""Jobs of some queues of Procrastinate are run here, for as long as this process lives, whatever happens to the database."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import structlog

from meterdrop.dispatch.stalled import Reaper, Running

if TYPE_CHECKING:
    from procrastinate import App

log = structlog.get_logger()

_HEARTBEAT: Final = 5.0
_POLL: Final = 5.0
_LOOK_FOR_STALLED: Final = 5.0
_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 10.0
_GONE: Final = 60.0
_ANSWER_WAIT: Final = 5.0
_SPARE_THREADS: Final = 4


@dataclass(frozen=True)
class Queues:
    """Which jobs are run: how many at once of which queues, and what each task is.

    `add_tasks` puts the tasks into an app; a task that blocks does so in a thread. `stop_wait`: so many seconds have jobs
    to end when we are asked to stop.
    """

    at_once: Mapping[tuple[str, ...], int]
    add_tasks: "Callable[[App, Running], None]"
    beat: Callable[[], None] = lambda: None
    """Called every few seconds while the database answers, in a thread; TryAgain is passed over."""
    stop_wait: float = 60.0


@dataclass
class QueueRunner:
    """Runs jobs until `stop`. `address` is where the database is, with its password."""

    address: str = field(repr=False)
    queues: Queues
    _stopping: threading.Event = field(default_factory=threading.Event)
    _ready: threading.Event = field(default_factory=threading.Event)
    _loop: asyncio.AbstractEventLoop | None = None
    _stop: asyncio.Event | None = None

    def run(self) -> None:
        """Until `stop`. If the database goes away, jobs begun go on, and new ones are fetched when it is back."""
        asyncio.run(self._run())

    def stop(self) -> None:
        """No new jobs; from any thread."""
        self._stopping.set()
        if self._loop is not None and self._stop is not None:
            with suppress(RuntimeError):  # it has ended just now
                self._loop.call_soon_threadsafe(self._stop.set)

    def is_ready(self, *, wait: float) -> bool:
        """Whether the database answered within `wait` seconds."""
        return self._ready.wait(wait)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        threads = sum(self.queues.at_once.values()) + _SPARE_THREADS
        self._loop.set_default_executor(ThreadPoolExecutor(threads, thread_name_prefix="jobs"))
        if self._stopping.is_set():
            self._stop.set()
        pause = _PAUSE
        while not self._stop.is_set():
            why = await self._connected(self._stop)
            if why is None:
                pause = _PAUSE
                continue
            log.warning("queue.away", why=why, again_in=pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _connected(self, stop: asyncio.Event) -> str | None:
        """Runs jobs until `stop`, or until the database is away: then why, in a word without addresses."""
        import psycopg
        from procrastinate import App, PsycopgConnector
        from procrastinate.exceptions import ConnectorException

        running = Running()
        app = App(
            connector=PsycopgConnector(conninfo=self.address, min_size=1, max_size=8, timeout=_ANSWER_WAIT)
        )
        self.queues.add_tasks(app, running)
        try:
            async with app.open_async():
                self._ready.set()
                return await self._fetching(app, running, stop=stop)
        except (ConnectorException, psycopg.Error, OSError) as error:
            return _kind(error)

    async def _fetching(self, app: "App", running: Running, *, stop: asyncio.Event) -> str | None:
        fetchers = [
            asyncio.create_task(
                app.run_worker_async(
                    queues=list(queues),
                    concurrency=at_once,
                    install_signal_handlers=False,
                    delete_jobs="successful",
                    fetch_job_polling_interval=_POLL,
                    update_heartbeat_interval=_HEARTBEAT,
                    stalled_worker_timeout=_GONE,
                    shutdown_graceful_timeout=self.queues.stop_wait,
                )
            )
            for queues, at_once in self.queues.at_once.items()
        ]
        every = sorted({queue for queues in self.queues.at_once for queue in queues})
        reaper = asyncio.create_task(self._reap(Reaper(app, running, queues=every)))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([*fetchers, reaper, stopped], return_when=asyncio.FIRST_COMPLETED)
        for task in (*fetchers, reaper, stopped):
            task.cancel()
        ended = await asyncio.gather(*fetchers, reaper, stopped, return_exceptions=True)
        if stop.is_set():
            return None
        failures = [one for one in ended if isinstance(one, Exception)]
        return _kind(failures[0]) if failures else "a connection was lost"

    async def _reap(self, reaper: Reaper) -> None:
        while True:
            await asyncio.to_thread(self._beat)
            await reaper.look()
            await asyncio.sleep(_LOOK_FOR_STALLED)

    def _beat(self) -> None:
        with suppress(Exception):
            self.queues.beat()


def _kind(error: BaseException) -> str:
    cause = error.__cause__ or error
    return type(cause).__name__
