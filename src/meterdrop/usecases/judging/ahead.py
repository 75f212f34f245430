"""Settled rows are stored while the next are settled: all in one transaction, which who publishes ends."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from queue import SimpleQueue
from threading import Thread
from types import TracebackType

from meterdrop.store.database import Database, Store
from meterdrop.usecases.checkpoint import Checkpoint
from meterdrop.usecases.judging.publication import Publication

Storing = Callable[[Store, Iterator[str]], None]
"""Stores the rows of one name in the spool after another, inside a transaction."""


class Ahead:
    """A transaction in which a thread stores rows while more are made. A context: at its end all is taken back,
    unless `transaction` was left without an error.

    From `begin` to `transaction` it is the thread's alone.
    """

    def __init__(self, database: Database, *, publication: Publication, at: Checkpoint) -> None:
        self.publication = publication
        self._database = database
        self._at = at
        self._open = ExitStack()
        self._store: Store | None = None
        self._thread: Thread | None = None
        self._names: SimpleQueue[str | None] = SimpleQueue()
        self._failed: BaseException | None = None
        self._given_up = False

    def __enter__(self) -> "Ahead":
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._take_back()

    @property
    def begun(self) -> bool:
        """Whether anything is stored ahead."""
        return self._thread is not None

    def begin(self, storing: Storing, *, prepare: Callable[[Store], None]) -> None:
        """Opens the transaction, calls `prepare` in it at once, and `storing`, in a thread, with the names that are `put`.

        `TryAgain` if the database is away, and what `prepare` raises.
        """
        self._store = self._open.enter_context(self._database.writing())
        prepare(self._store)
        self._thread = Thread(target=self._run, args=(storing, self._store), daemon=True, name="ahead")
        self._thread.start()

    def put(self, name: str) -> None:
        """These rows are ready, and stay as they are. What storing failed with is raised here."""
        if self._failed is not None:
            self._end_with(self._failed)
        self._names.put(name)
        self._at("publish:ahead")

    @contextmanager
    def transaction(self, *, keep: bool) -> Iterator[Store]:
        """The transaction with all that was put; or a new one, if nothing was stored ahead or it is not to be kept."""
        if not keep:
            self._take_back()
        store = self._store
        if store is None:
            with self._database.writing() as store:
                yield store
            return
        self._join()
        if self._failed is not None:
            self._end_with(self._failed)
        self._store = None
        with self._open.pop_all():
            yield store

    def _run(self, storing: Storing, store: Store) -> None:
        try:
            storing(store, self._until_told())
        except BaseException as error:
            self._failed = error

    def _until_told(self) -> Iterator[str]:
        while (name := self._names.get()) is not None:
            if self._given_up:
                break
            yield name
        if self._given_up:
            raise _GivenUp

    def _join(self) -> None:
        self._names.put(None)
        if self._thread is not None:
            self._thread.join()

    def _take_back(self) -> None:
        if self._store is not None:
            self._given_up = True
            self._join()
            with suppress(_GivenUp):
                self._end_with(_GivenUp())

    def _end_with(self, error: BaseException) -> None:
        """Takes all back; the error is told as the database tells those in its transactions."""
        self._store = None
        with self._open.pop_all():
            raise error


class _GivenUp(Exception):
    """Nobody wants what was stored ahead."""
