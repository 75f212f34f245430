"""Where do judged rows wait until they are published? In Arrow files of their own, not in memory."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa

from meterdrop.tables import LINE


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
        self._writers[name].write_table(table)
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

    def lines(self, name: str) -> pd.Series:
        """The line numbers of all rows of a name."""
        parts = [block["line"] for block in self.blocks(name)]
        return pd.concat(parts, ignore_index=True) if parts else pd.Series([], dtype=LINE)

    def close(self) -> None:
        """Removes the folder."""
        for writer in self._writers.values():
            writer.close()
        shutil.rmtree(self._folder, ignore_errors=True)
