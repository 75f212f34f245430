"""Does the partner call its meters by the numbers of their radio modules?"""

from collections.abc import Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from meterdrop.detect.propose import Statement, guess, sure
from meterdrop.model.feed import Feed, Target
from meterdrop.model.spelling import fold
from meterdrop.parse.cells_cast import matches
from meterdrop.parse.cells_words import serial_key
from meterdrop.usecases.proposing.sample import Cells

SERIAL: Final = "SerialNum"
RADIO: Final = "RadioNumber"
_REGISTER_SERIAL: Final = "SerialNumber"
_STEMS: Final = ("modul", "radi")
_EIGHT_DIGITS: Final = "[0-9]{8}"
_NEARLY: Final = 0.9


def propose_radio_is_name(
    feed: Feed, columns: Mapping[str, Cells], *, heading: str, register: Mapping[str, Cells]
) -> Statement | None:
    """What the samples of the register say, else the heading, else the numbers' look; None for other feeds.

    wM-Bus modules have numbers of eight digits (EN 13757-7), but so have many meters.
    """
    if feed.target is not Target.READINGS or SERIAL not in columns:
        return None
    told = _by_register(columns[SERIAL], register=register)
    if told is not None:
        return told
    if RADIO in columns:
        return guess(False, f"the radio numbers have their own column, {RADIO}")
    if any(word.startswith(_STEMS) for word in fold(heading).split()):
        return guess(True, f"the meters' numbers stand under {heading}")
    serials = columns[SERIAL]
    eight = serials.how_many(matches(serials.text, _EIGHT_DIGITS))
    if serials.filled and eight >= _NEARLY * serials.filled:
        return guess(False, f"{eight} numbers have eight digits as radio modules do, but many meters do too")
    return guess(False, "the meters' numbers do not look like those of radio modules")


def _by_register(serials: Cells, *, register: Mapping[str, Cells]) -> Statement | None:
    if not {_REGISTER_SERIAL, RADIO} <= register.keys():
        return None
    keys = serial_key(serials.text)
    as_serial = _among(keys, register[_REGISTER_SERIAL])
    as_radio = _among(keys, register[RADIO])
    by_radio = serials.how_many(pc.and_(as_radio, pc.invert(as_serial)).to_numpy(zero_copy_only=False))
    by_serial = serials.how_many(as_serial.to_numpy(zero_copy_only=False))
    if by_radio and by_serial:
        return guess(
            True, f"{by_radio} of {serials.filled} numbers are radio numbers of the register's sample"
        )
    if by_radio:
        return sure(
            True, f"{by_radio} of {serials.filled} numbers are radio numbers of the register's sample"
        )
    if by_serial:
        return sure(
            False, f"{by_serial} of {serials.filled} numbers are serial numbers of the register's sample"
        )
    return None


def _among(keys: pa.StringArray, cells: Cells) -> pa.BooleanArray:
    return pc.is_in(keys, serial_key(cells.text))
