"""Which files are loaded? Any number of readings, all of them good or every one bad, written as a stream."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Final

TODAY: Final = date(2026, 11, 24)
METERS: Final = 20_000
_LAST_DAY: Final = date(2026, 10, 31)
_FIRST_SERIAL: Final = 10_000_000


def register(path: Path, *, lines: int) -> None:
    """A register of `METERS` cold-water meters, or of fewer where so many readings have not so many meters."""
    _write(path, _register(min(lines, METERS)))


def readings(path: Path, *, lines: int, kind: str) -> None:
    """So many readings, day by day, of a kind of `KINDS`, or one bad line in a hundred; the meters' values grow."""
    _write(path, _readings(lines, written=_ALL[kind]))


def _write(path: Path, rows: Iterator[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.writelines(rows)


def _register(meters: int) -> Iterator[str]:
    yield "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction\n"
    for meter in range(meters):
        yield f"2026-01-01;A{meter};m3;hall;CW;{_FIRST_SERIAL + meter};-;1;2024-01-01;1\n"


def _readings(lines: int, *, written: Callable[[int, int, str, str], str]) -> Iterator[str]:
    yield "SerialNum;Value;Unit;Date\n"
    days = -(-lines // METERS)
    for number in range(lines):
        nth_day, meter = divmod(number, METERS)
        day = (_LAST_DAY - timedelta(days=days - 1 - nth_day)).isoformat()
        value = f"{100 + meter % 900 + nth_day // 8},{nth_day % 8 * 125:03d}"
        yield written(number, _FIRST_SERIAL + meter, value, day)


def _good(_number: int, serial: int, value: str, day: str) -> str:
    return f"{serial};{value};m3;{day}\n"


def _not_a_number(number: int, serial: int, _value: str, day: str) -> str:
    return f"{serial};x{number};m3;{day}\n"


def _unit_unknown(_number: int, serial: int, value: str, day: str) -> str:
    return f"{serial};{value};bushel;{day}\n"


def _too_few_cells(_number: int, serial: int, value: str, _day: str) -> str:
    return f"{serial};{value};m3\n"


def _not_in_register(number: int, _serial: int, value: str, day: str) -> str:
    return f"{90_000_000 + number};{value};m3;{day}\n"


def _several(number: int, _serial: int, _value: str, _day: str) -> str:
    """Four findings in a line."""
    return f"{90_000_000 + number};x{number};bushel;31.2.{number % 9000}\n"


_BAD: Final = (_not_a_number, _unit_unknown, _too_few_cells, _not_in_register, _several)


def _mix(number: int, serial: int, value: str, day: str) -> str:
    """A fifth of each kind of badness, line by line."""
    return _BAD[number % len(_BAD)](number, serial, value, day)


def _hundredth(number: int, serial: int, value: str, day: str) -> str:
    """Of every hundredth line the value is no number."""
    return (_not_a_number if number % 100 == 99 else _good)(number, serial, value, day)


KINDS: Final[Mapping[str, Callable[[int, int, str, str], str]]] = {
    "good": _good,
    "mix": _mix,
    "number": _not_a_number,
    "unit": _unit_unknown,
    "cells": _too_few_cells,
    "register": _not_in_register,
    "several": _several,
}
"""Good, a mix of all badness, and each badness alone: every line is of the kind."""

ONE_IN_A_HUNDRED: Final = "hundredth"
_ALL: Final = {**KINDS, ONE_IN_A_HUNDRED: _hundredth}
