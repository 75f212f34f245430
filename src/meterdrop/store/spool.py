"""Where do judged rows wait until they are published? In Arrow files of their own, not in memory."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa


class Spool:
    """A folder of frames by name, appended block by block and read back block by block."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._folder = folder
        self._writers: dict[str, pa.ipc.RecordBatchStreamWriter] = {}
        self._rows: dict[str, int] = {}

    def add(self, name: str, frame: pd.DataFrame) -> None:
        """Appends a frame; all frames of a name have the same columns and types."""
        if len(frame) == 0:
            return
        table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
        if name not in self._writers:
            self._writers[name] = pa.ipc.new_stream(str(self._folder / name), table.schema)
        self._writers[name].write_table(table.combine_chunks())
        self._rows[name] = self._rows.get(name, 0) + len(frame)

    def count(self, name: str) -> int:
        """How many rows were added under a name."""
        return self._rows.get(name, 0)

    def blocks(self, name: str) -> Iterator[pd.DataFrame]:
        """The frames of a name in the order added; nothing may be added to it afterwards."""
        writer = self._writers.get(name)
        if writer is None:
            return
        writer.close()
        with pa.memory_map(str(self._folder / name)) as source:
            for batch in pa.ipc.open_stream(source):
                yield pa.Table.from_batches([batch]).to_pandas(types_mapper=pd.ArrowDtype)

    def in_line_order(self, *names: str) -> "LineOrder":
        """Rows of several names with the same columns, to be read up to one line number after another."""
        return LineOrder([self.blocks(name) for name in names])

    def close(self) -> None:
        """Removes the folder."""
        for writer in self._writers.values():
            writer.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class LineOrder:
    """Several streams of blocks, each in order of `line`, read together as one."""

    def __init__(self, streams: list[Iterator[pd.DataFrame]]) -> None:
        self._streams = [_Stream(stream) for stream in streams]

    def upto(self, line: int) -> pd.DataFrame | None:
        """All rows not read yet with a line of at most this; None if there are none."""
        parts = [part for stream in self._streams for part in stream.upto(line)]
        if not parts:
            return None
        return pd.concat(parts, ignore_index=True).sort_values("line", kind="stable", ignore_index=True)


class _Stream:
    def __init__(self, blocks: Iterator[pd.DataFrame]) -> None:
        self._blocks = blocks
        self._rest: pd.DataFrame | None = next(blocks, None)

    def upto(self, line: int) -> Iterator[pd.DataFrame]:
        while self._rest is not None:
            within = int(self._rest["line"].searchsorted(line, side="right"))
            if within:
                yield self._rest.iloc[:within]
            if within < len(self._rest):
                self._rest = self._rest.iloc[within:]
                return
            self._rest = next(self._blocks, None)
