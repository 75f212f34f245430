"""Jobs whose worker is gone, or has lost sight of them, are given back to the queue."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from procrastinate import App
    from procrastinate.job_context import JobContext
    from procrastinate.jobs import Job

log = structlog.get_logger()

_STALLED: Final = 20.0
"""A worker that was not heard of for so many seconds is gone: four of its heartbeats."""


class Running:
    """The jobs that this process is at, and the names under which it fetched jobs."""

    def __init__(self) -> None:
        self._jobs: set[int] = set()
        self._names: set[int] = set()

    @contextmanager
    def at(self, context: "JobContext") -> Iterator[None]:
        """This job is being done."""
        job = context.job.id
        if context.job.worker_id is not None:
            self._names.add(context.job.worker_id)
        self._jobs.add(job or 0)
        try:
            yield
        finally:
            self._jobs.discard(job or 0)

    def has_lost(self, job: "Job") -> bool:
        """Whether this process fetched it and is not at it: its end could not be written down."""
        return job.worker_id in self._names and job.id not in self._jobs


class Reaper:
    """Looks for jobs that nobody is at; safe beside others that do the same."""

    def __init__(self, app: "App", running: Running, *, queues: Sequence[str]) -> None:
        self._app = app
        self._running = running
        self._queues = queues
        self._missed: set[int] = set()
        """Jobs that seemed lost at the last look: their end may have been just about to be written down."""

    async def look(self) -> None:
        """Gives back what workers that are gone were at, and what this process has lost."""
        manager = self._app.job_manager
        stalled = list(await manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED))
        for job in (*stalled, *await self._lost()):
            await self._give_back(job)
        await manager.prune_stalled_workers(3 * _STALLED)

    async def _lost(self) -> "list[Job]":
        lost: list[Job] = []
        for queue in self._queues:
            doing = await self._app.job_manager.list_jobs_async(queue=queue, status="doing")
            lost += [job for job in doing if self._running.has_lost(job)]
        again = [job for job in lost if job.id in self._missed]
        self._missed = {job.id for job in lost if job.id is not None}
        return again

    async def _give_back(self, job: "Job") -> None:
        """To be done now; or ended, if another one of the same kind waits already."""
        from procrastinate.exceptions import ConnectorException, UniqueViolation
        from procrastinate.jobs import Status

        if job.id is None:
            return
        manager = self._app.job_manager
        log.warning("job.given-back", job=job.id, task=job.task_name, lock=job.lock)
        try:
            await manager.retry_job_by_id_async(job_id=job.id, retry_at=datetime.now(UTC))
        except UniqueViolation:
            await manager.finish_job_by_id_async(job_id=job.id, status=Status.FAILED, delete_job=True)
        except ConnectorException as error:
            # Another worker was quicker: it is "doing" no longer.
            log.info("job.not-given-back", job=job.id, why=type(error.__cause__).__name__)
