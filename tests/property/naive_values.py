"""What does a cell say? The rules of schemas/README.md a second time, cell by cell in plain Python."""

import re
from datetime import date

from meterdrop.model.feed import Column, Type
from meterdrop.model.spelling import fold
from tests.property.clean_files import Value

SPACE = "[ \xa0\u2007\u2009\u202f]"
NO_CONTROL = r"[^\S\v\x1c-\x1f\x85]"
"""White space that people write within a date."""


class NotOne(ValueError):
    """The cell is none of its type."""


def naive_value(text: str, column: Column) -> Value:
    """What the cell says, None if it is empty; NotOne if it says nothing of its type."""
    cell = text.strip()
    if len(cell) > 2 and cell.startswith('="') and cell.endswith('"'):
        cell = cell[2:-1].strip()
    if not cell:
        return None
    if len(cell) > 255:
        raise NotOne(cell)
    if column.type is Type.TEXT:
        return cell
    if column.type is Type.DECIMAL:
        return _decimal(cell)
    if column.type is Type.INTEGER:
        return _integer(cell)
    if column.type is Type.DAY:
        return _day(cell)
    ours = {fold(word): ours for word, ours in column.words.items()}.get(fold(cell))
    if ours is None:
        raise NotOne(cell)
    return ours == "1" if column.type is Type.FLAG else ours


def _decimal(cell: str) -> str:
    signs = [sign for sign in cell if sign in ".,"]
    if re.fullmatch(rf"-?[0-9]{{1,3}}(?:{SPACE}[0-9]{{3}})+(?:[.,][0-9]+)?", cell):
        cell = re.sub(SPACE, "", cell)
    elif len(set(signs)) == 2 and signs.count(signs[-1]) == 1:
        group, mark = re.escape(signs[0]), re.escape(signs[-1])
        if not re.fullmatch(rf"-?[0-9]{{1,3}}(?:{group}[0-9]{{3}})+{mark}[0-9]+", cell):
            raise NotOne(cell)
        cell = cell.replace(signs[0], "")
    found = re.fullmatch(r"-?([0-9]+)(?:[.,]([0-9]+))?", cell)
    if found is None:
        raise NotOne(cell)
    whole, part = found[1], found[2] or ""
    if len((whole + part).lstrip("0")) > 15 or len(part) > 6:
        raise NotOne(cell)
    return cell.replace(",", ".")


def _integer(cell: str) -> int:
    if re.fullmatch(rf"-?[0-9]{{1,3}}(?:{SPACE}[0-9]{{3}})+", cell):
        cell = re.sub(SPACE, "", cell)
    if not re.fullmatch(r"-?[0-9]{1,18}", cell):
        raise NotOne(cell)
    return int(cell)


def _day(cell: str) -> str:
    iso = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", cell)
    ours = re.fullmatch(rf"([0-9]{{1,2}})[.]{NO_CONTROL}*([0-9]{{1,2}})[.]{NO_CONTROL}*([0-9]{{4}})", cell)
    if not iso and not ours:
        raise NotOne(cell)
    year, month, day = iso.groups() if iso else reversed(ours.groups() if ours else ())
    try:
        told = date(int(year), int(month), int(day))
    except ValueError as problem:
        raise NotOne(cell) from problem
    if told.year < 1000:
        raise NotOne(cell)
    return told.isoformat()
