"""What did each meter show last? Kept in columns of numbers, about forty bytes a meter, and told exactly or not at all."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.tables import DECIMAL, Lines, framed, only
from meterdrop.validate.arrays import ALWAYS, Mask, Numbers, arrow, days, distinct, halves, places, truth

_NOT_ASKED, _NONE, _KEPT, _NOT_KEPT = range(4)
"""What is known of a device: nothing yet; that it has no reading; its last one; only of which day its last one is."""

_TEXT: Final = 16
"""Bytes of a value as it was sent; a longer one is not kept."""
_MOST_WORDS: Final = 255
_AMOUNT: Final = DECIMAL.pyarrow_dtype


class LastReadings:
    """The last reading of each of some devices, as far as somebody asked for it.

    A reading whose cells don't fit (a value over 900 millions or written in more than 16 bytes, the 256th unit) is not
    kept: of its device the database is asked.
    """

    def __init__(self, devices: Lines) -> None:
        """`devices` are ids, ascending."""
        count = len(devices)
        self.devices = devices
        self._state = np.full(count, _NOT_ASKED, dtype=np.int8)
        self._day = np.zeros(count, dtype=np.int32)
        self._value = np.zeros(count, dtype=f"S{_TEXT}")
        self._amount = np.zeros(count, dtype=np.int64)
        """Canonical values in units of their last decimal place."""
        self._words: dict[str, _Words] = {name: _Words(count) for name in ("unit", "canonical_unit", "kind")}
        self._flags: dict[str, Mask] = {
            name: np.zeros(count, dtype=np.bool_) for name in ("estimated", "delta")
        }
        self._delivery = np.zeros(count, dtype=np.int64)

    @property
    def nbytes(self) -> int:
        """How much memory this takes once all devices were asked for."""
        numbers = self._amount.nbytes + self._delivery.nbytes + self._day.nbytes + self._state.nbytes
        texts = self._value.nbytes + sum(words.codes.nbytes for words in self._words.values())
        return numbers + texts + sum(flags.nbytes for flags in self._flags.values())

    def not_asked(self, devices: Lines) -> Lines:
        """Those of these devices of whose last reading nothing is known, each once."""
        at = distinct(self._places(devices))
        unknown: Lines = self.devices[at[self._state[at] == _NOT_ASKED]]
        return unknown

    def learn(self, devices: Lines, *, found: pd.DataFrame) -> None:
        """What is stored: of each of these devices the last reading, or no row if it has none."""
        self._state[self._places(devices)] = _NONE
        self._keep(found)

    def move_on(self, rows: pd.DataFrame) -> None:
        """These readings were stored now, in order of device and day: some are the last ones of their devices."""
        device = rows["device"].to_numpy(dtype=np.int64)
        last = np.append(device[1:] != device[:-1], True)[: len(device)]
        rows = only(rows, last)
        at, day = self._places(device[last]), _days(rows)
        state = self._state[at]
        is_last = (state == _NONE) | ((state != _NOT_ASKED) & (day >= self._day[at]))
        self._keep(only(rows, is_last))

    def newer(self, rows: pd.DataFrame, *, delta: bool) -> Mask:
        """The rows beside which nothing else is stored than what is known here.

        They are of devices all of whose rows come after the last reading, and that has the rows' own unit and is a
        delta, or a state, like them; or there is none.
        """
        at = self._places(rows["device"].to_numpy(dtype=np.int64))
        state, unit = self._state[at], self._words["canonical_unit"]
        alike = (unit.codes[at] == unit.known(arrow(rows["canonical_unit"]))) & (
            self._flags["delta"][at] == delta
        )
        good = (state == _NONE) | ((state == _KEPT) & alike & (_days(rows) > self._day[at]))
        asked = np.zeros(len(self.devices), dtype=np.bool_)
        asked[at[~good]] = True
        newer: Mask = ~asked[at]
        return newer

    def of(self, devices: Lines) -> pd.DataFrame:
        """The last readings of those of these devices that have one: what a reading stored has."""
        at = distinct(self._places(devices))
        at = at[self._state[at] == _KEPT]
        return framed(
            {
                "device": pa.array(self.devices[at]),
                "day": pa.array(self._day[at], pa.int32()).cast(pa.date32()),
                "value": _texts(self._value[at]),
                "unit": self._words["unit"].texts(at),
                "canonical_value": _decimals(self._amount[at]),
                "canonical_unit": self._words["canonical_unit"].texts(at),
                "kind": self._words["kind"].texts(at),
                "estimated": pa.array(self._flags["estimated"][at]),
                "delta": pa.array(self._flags["delta"][at]),
                "delivery": pa.array(self._delivery[at]),
            }
        )

    def _keep(self, rows: pd.DataFrame) -> None:
        """The last readings of these devices, each once."""
        if len(rows) == 0:
            return
        at = self._places(rows["device"].to_numpy(dtype=np.int64))
        value, pairs = arrow(rows["value"]), halves(arrow(rows["canonical_value"]).cast(_AMOUNT))
        amount = pairs[:, 0]
        fits = (pairs[:, 1] == amount >> 63) & (pc.binary_length(value).to_numpy() <= _TEXT)
        for name, words in self._words.items():
            fits &= words.put(at, arrow(rows[name]))
        for name, flags in self._flags.items():
            flags[at] = truth(rows[name])
        self._day[at] = _days(rows)
        self._value[at] = _padded(value)
        self._amount[at] = amount
        self._delivery[at] = rows["delivery"].to_numpy(dtype=np.int64)
        self._state[at] = np.where(fits, _KEPT, _NOT_KEPT)

    def _places(self, devices: Lines) -> Numbers:
        return places(devices, among=self.devices)


class _Words:
    """A column of few different texts, as a byte a device: their places in a list that grows; 0 is none."""

    def __init__(self, count: int) -> None:
        self.codes = np.zeros(count, dtype=np.uint8)
        self._texts: list[str | None] = [None]

    def put(self, at: Numbers, cells: pa.Array) -> Mask:
        """Sets these cells; False where the list has no room for a text."""
        codes = self._coded(cells, learns=True)
        self.codes[at] = np.maximum(codes, 0)
        fits: Mask = codes >= 0
        return fits

    def known(self, cells: pa.Array) -> Numbers:
        """The codes of these cells; -1 for a text that no device has."""
        return self._coded(cells, learns=False)

    def texts(self, at: Numbers) -> pa.Array:
        """The cells at these places."""
        return pa.array(self._texts, pa.string()).take(pa.array(self.codes[at]))

    def _coded(self, cells: pa.Array, *, learns: bool) -> Numbers:
        encoded = cells.dictionary_encode()
        codes = [self._code(text, learns=learns) for text in encoded.dictionary.to_pylist()]
        found: Numbers = np.array([*codes, 0], dtype=np.int64)[
            pc.fill_null(encoded.indices, len(codes)).to_numpy()
        ]
        return found

    def _code(self, text: str, *, learns: bool) -> int:
        if text not in self._texts:
            if not learns or len(self._texts) > _MOST_WORDS:
                return -1
            self._texts.append(text)
        return self._texts.index(text)


def _days(rows: pd.DataFrame) -> Numbers:
    return days(rows["day"], empty=ALWAYS)


def _padded(texts: pa.Array) -> npt.NDArray[np.bytes_]:
    """Texts in columns of the same width; what is too long is cut off."""
    cut = pc.binary_slice(texts.cast(pa.binary()), 0, _TEXT)
    width = pa.scalar(b"\0" * _TEXT)
    filled = pc.binary_slice(pc.binary_join_element_wise(cut, width, b""), 0, _TEXT)
    return np.frombuffer(filled.buffers()[2], dtype=f"S{_TEXT}", count=len(filled))


def _texts(padded: npt.NDArray[np.bytes_]) -> pa.Array:
    starts = np.arange(0, _TEXT * (len(padded) + 1), _TEXT, dtype=np.int32)
    filled = pa.StringArray.from_buffers(len(padded), pa.py_buffer(starts), pa.py_buffer(padded.tobytes()))
    return pc.utf8_rtrim(filled, "\0")


def _decimals(amounts: npt.NDArray[np.int64]) -> pa.Array:
    pairs = np.column_stack((amounts, amounts >> 63))
    return pa.Array.from_buffers(_AMOUNT, len(amounts), [None, pa.py_buffer(pairs.tobytes())])
