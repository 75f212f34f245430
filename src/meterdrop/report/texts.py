"""Which texts of a column need a closer look? Told from their bytes at once, so that most need none."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_SPACE: Final = 0x20
_DELETE: Final = 0x7F


def in_one_piece(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column in one array; frames that were put together have theirs in several."""
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts


def have_controls(texts: pa.StringArray) -> bool:
    """Whether there is a control character of ASCII in any of the texts."""
    octets = _octets(texts)
    return bool((octets < _SPACE).any() or (octets == _DELETE).any())


def have(texts: pa.StringArray, *, character: str) -> bool:
    """Whether this ASCII character is in any of the texts."""
    return bool((_octets(texts) == ord(character)).any())


def _octets(texts: pa.StringArray) -> npt.NDArray[np.uint8]:
    _, ends, characters = texts.buffers()
    if characters is None:
        return np.zeros(0, dtype=np.uint8)
    offsets = np.frombuffer(ends, dtype=np.int32)
    first, last = offsets[texts.offset], offsets[texts.offset + len(texts)]
    return np.frombuffer(characters, dtype=np.uint8)[first:last]


def longest(texts: pa.StringArray) -> int:
    """How many bytes the longest text has; 0 if there is none."""
    return int(pc.max(pc.binary_length(texts)).as_py() or 0)
