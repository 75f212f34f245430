"""Where do judged rows wait until they are published? In Arrow files of their own; those of a small file in memory."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from meterdrop.store.room import Room
from meterdrop.tables import Lines, as_frame, as_table

PORTION: Final = 20_000
"""So many rows of a name are in memory at the same time where many names are read together."""

_PACKED: Final = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
"""Rows and findings repeat themselves: packed they take half of the disk. `zstd` takes a quarter, and five times as long to unpack."""


HELD: Final = 4 * 1024 * 1024
"""Bytes of all frames that stay in memory: a small file's never become files."""


class Spool:
    """A folder of frames by name, appended block by block and read back in blocks.

    A name may have parts (`part`), each a name of its own; `parts` and `in_line_order` go through all of them.
    With a `room` nothing is added that the disk has no room for. Frames of up to `held` bytes in all stay in memory.
    A name to which nothing is added any more can be read in another thread than the one that adds to others.

    What a killed process left in the folder is removed. While another one that lives is at it (it lost its lock on the delivery
    when the database was restarted, say, and does not know it yet), a folder beside it is taken.
    """

    def __init__(self, folder: Path, *, room: Room | None = None, held: int = HELD) -> None:
        self._folder, self._lock = _ours(folder)
        self._room = room
        self._held: dict[str, list[pa.RecordBatch]] | None = {}
        """What is in memory; None once it was too much."""
        self._most = held
        self._bytes = 0
        self._writers: dict[str, pa.ipc.RecordBatchStreamWriter] = {}
        self._schemas: dict[str, pa.Schema] = {}
        self._rows: dict[str, int] = {}
        self._moving = Lock()
        """Held by who adds, finishes or begins to read: meanwhile what is in memory may become files."""

    def add(self, name: str, frame: pd.DataFrame, *, portion: int | None = None) -> None:
        """Appends a frame, or portions of at most so many rows; all frames of a name have the same columns and types.

        `TryAgain` if the disk is nearly full.
        """
        if len(frame) == 0:
            return
        if self._room is not None:
            self._room.check()
        batches = as_table(frame).combine_chunks().to_batches(max_chunksize=portion)
        self._rows[name] = self._rows.get(name, 0) + len(frame)
        with self._moving:
            self._keep(name, batches)

    def _keep(self, name: str, batches: list[pa.RecordBatch]) -> None:
        self._bytes += sum(batch.nbytes for batch in batches)
        if self._held is not None and self._bytes > self._most:
            held, self._held = self._held, None
            for each, waiting in held.items():
                self._write(each, waiting)
        if self._held is not None:
            self._held.setdefault(name, []).extend(batches)
        else:
            self._write(name, batches)

    def _write(self, name: str, batches: list[pa.RecordBatch]) -> None:
        if name not in self._writers:
            schema = batches[0].schema
            self._writers[name] = pa.ipc.new_stream(str(self._folder / name), schema, options=_PACKED)
            self._schemas[name] = schema
        for batch in batches:
            self._writers[name].write_batch(batch)

    def count(self, name: str) -> int:
        """How many rows were added under a name."""
        return self._rows.get(name, 0)

    def blocks(
        self, name: str, *, columns: list[str] | None = None, together: int = 1
    ) -> Iterator[pd.DataFrame]:
        """The frames of a name in the order added, all columns or some; nothing may be added to it afterwards.

        Frames are put together until they have `together` rows.
        """
        waiting: list[pa.Table] = []
        for table in self._tables(name, columns=columns):
            waiting.append(table if columns is None else table.select(columns))
            if sum(map(len, waiting)) >= together:
                yield as_frame(pa.concat_tables(waiting).combine_chunks())
                waiting = []
        if waiting:
            yield as_frame(pa.concat_tables(waiting).combine_chunks())

    def _tables(self, name: str, *, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """At least these columns; others need not be unpacked."""
        with self._moving:
            held = None if self._held is None else self._held.get(name, [])
            self._close(name)
        if held is not None:
            yield from (pa.Table.from_batches([batch]) for batch in held)
            return
        if name not in self._writers:
            return
        # Read, not mapped: pages of a mapped file would count as this process's memory.
        with pa.OSFile(str(self._folder / name)) as source:
            for batch in pa.ipc.open_stream(source, options=self._unpacking(name, columns)):
                yield pa.Table.from_batches([batch])

    def _unpacking(self, name: str, columns: list[str] | None) -> pa.ipc.IpcReadOptions:
        if columns is None:
            return pa.ipc.IpcReadOptions(use_threads=False)
        wanted = [self._schemas[name].get_field_index(column) for column in columns]
        return pa.ipc.IpcReadOptions(included_fields=sorted(wanted), use_threads=False)

    def finish(self, *names: str) -> None:
        """Nothing more is added to these names: their files are closed."""
        with self._moving:
            for name in names:
                self._close(name)

    def _close(self, name: str) -> None:
        if name in self._writers:
            self._writers[name].close()

    def forget(self, name: str) -> None:
        """Removes what was added to a name."""
        self.finish(name)
        if self._held is not None:
            self._held.pop(name, None)
        if self._writers.pop(name, None) is not None:
            (self._folder / name).unlink()
        self._rows.pop(name, None)

    def parts(self, name: str) -> list[str]:
        """The parts of a name that something was added to, in order."""
        return sorted(known for known in self._rows if _is_part(known, of=name))

    def in_line_order(self, *names: str) -> "LineOrder":
        """Rows of several names and of their parts, to be read up to one line number after another.

        Each is in order of `line`; columns that one lacks are null.
        """
        every = [each for name in names for each in (name, *self.parts(name))]
        return LineOrder([self._tables(name) for name in every])

    def close(self) -> None:
        """Removes the folder."""
        self.finish(*self._writers)
        self._held = {}
        if self._lock is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._lock)
            self._lock = None


def _ours(folder: Path) -> tuple[Path, int | None]:
    """An empty folder of this name, or of one like it, and the lock on it, which ends with this process."""
    for number in count():
        candidate = folder.with_name(f"{folder.name}.{number}") if number else folder
        lock = _locked(candidate)
        if lock is not None:
            for left in candidate.iterdir():
                left.unlink()
            return candidate, lock
    raise AssertionError("there is always another number")


def _locked(folder: Path) -> int | None:
    """None if somebody else has it, or has removed it just now."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock), folder.stat()):
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(lock)
    return None


def part(name: str, number: int) -> str:
    """One of the parts of a name; their order is that of the numbers."""
    return f"{name}-{number:04}"


def _is_part(known: str, *, of: str) -> bool:
    name, _, number = known.rpartition("-")
    return name == of and number.isdecimal()


class LineOrder:
    """Several streams of blocks, each in order of `line`, read together as one."""

    def __init__(self, streams: list[Iterator[pa.Table]]) -> None:
        self._streams = [_Stream(stream) for stream in streams]

    def upto(self, line: int) -> pd.DataFrame | None:
        """All rows not read yet with a line of at most this; None if there are none."""
        parts = [part for stream in self._streams for part in stream.upto(line)]
        if not parts:
            return None
        table = pa.concat_tables(parts, promote_options="default").combine_chunks()
        lines = _lines(table)
        if (lines[1:] < lines[:-1]).any():
            table = table.take(pa.array(np.argsort(lines, kind="stable")))
        return as_frame(table)


class _Stream:
    def __init__(self, blocks: Iterator[pa.Table]) -> None:
        self._blocks = blocks
        self._rest = next(blocks, None)

    def upto(self, line: int) -> Iterator[pa.Table]:
        while self._rest is not None:
            within = int(np.searchsorted(_lines(self._rest), line, side="right"))
            if within:
                yield self._rest.slice(0, within)
            if within < len(self._rest):
                self._rest = self._rest.slice(within)
                return
            self._rest = next(self._blocks, None)


def _lines(table: pa.Table) -> Lines:
    lines: Lines = table["line"].combine_chunks().to_numpy()
    return lines
