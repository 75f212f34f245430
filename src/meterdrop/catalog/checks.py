"""Which pandera checks may a column have, and with which arguments?

The names and arguments are pandera's; a test holds this table against the library.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from meterdrop.model.codes import Code
from meterdrop.model.feed import Type

_NUMBERS: Final = frozenset({Type.DECIMAL, Type.INTEGER})
_ORDERED: Final = _NUMBERS | {Type.DAY}
_TEXTS: Final = frozenset({Type.TEXT, Type.SERIAL, Type.UNIT, Type.CHOICE, Type.CHOICES})
_ALL: Final = frozenset(Type)


class BadArgument(ValueError):
    """An argument of a check can't be used; the text says why."""


@dataclass(frozen=True)
class Shape:
    """What a check takes: which types of column, which arguments must and which may be given."""

    types: frozenset[Type]
    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


SHAPES: Final[Mapping[str, Shape]] = {
    "equal_to": Shape(_ALL, ("value",)),
    "not_equal_to": Shape(_ALL, ("value",)),
    "isin": Shape(_ALL, ("allowed_values",)),
    "notin": Shape(_ALL, ("forbidden_values",)),
    "greater_than": Shape(_ORDERED, ("min_value",)),
    "greater_than_or_equal_to": Shape(_ORDERED, ("min_value",)),
    "less_than": Shape(_ORDERED, ("max_value",)),
    "less_than_or_equal_to": Shape(_ORDERED, ("max_value",)),
    "in_range": Shape(_ORDERED, ("min_value", "max_value"), ("include_min", "include_max")),
    "str_matches": Shape(_TEXTS, ("pattern",)),
    "str_contains": Shape(_TEXTS, ("pattern",)),
    "str_startswith": Shape(_TEXTS, ("string",)),
    "str_endswith": Shape(_TEXTS, ("string",)),
    "str_length": Shape(_TEXTS, (), ("min_value", "max_value", "exact_value")),
}


def default_code(kind: Type) -> Code:
    """What a failed check of a column of this type is called unless the YAML says otherwise."""
    return Code.VALUE_OUT_OF_RANGE if kind in _NUMBERS else Code.CELL_NOT_ALLOWED


def problems_of(name: str, *, kind: Type, given: Mapping[str, object]) -> Iterator[str]:
    """Why this check can't be built; nothing if it can."""
    shape = SHAPES.get(name)
    if shape is None:
        yield f"there is no check {name!r}; the checks are {', '.join(sorted(SHAPES))}"
        return
    if kind not in shape.types:
        yield f"{name} is not for columns of type {kind.value}"
        return
    for missing in sorted(set(shape.must) - set(given)):
        yield f"{name} needs {missing}"
    for unknown in sorted(set(given) - set(shape.must) - set(shape.may)):
        yield f"{name} knows no {unknown}; it takes {', '.join((*shape.must, *shape.may))}"
    if not given:
        yield f"{name} needs at least one of {', '.join((*shape.must, *shape.may))}"
    for argument in sorted(set(given) & {*shape.must, *shape.may}):
        try:
            argument_of(name, argument=argument, kind=kind, given=given[argument])
        except BadArgument as problem:
            yield f"{argument}: {problem}"


def arguments_of(name: str, *, kind: Type, given: Mapping[str, object]) -> dict[str, object]:
    """The arguments in the column's own type: exact decimals, days, texts."""
    return {
        argument: argument_of(name, argument=argument, kind=kind, given=value)
        for argument, value in given.items()
    }


def argument_of(name: str, *, argument: str, kind: Type, given: object) -> object:
    """One argument as the check wants it. Raises BadArgument."""
    if argument == "pattern":
        return _pattern(given)
    if argument in ("include_min", "include_max"):
        return _exactly(bool, given)
    if name == "str_length":
        return _length(given)
    if argument in ("allowed_values", "forbidden_values"):
        if not isinstance(given, list) or not given:
            raise BadArgument(f"must be a list of values, not {given!r}")
        return [_READ[kind](each) for each in given]
    return _READ[kind](given)


def _pattern(given: object) -> str:
    """A pattern both of Python (pandera compiles it) and of RE2 (Arrow runs it), from the start of the cell."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = _text(given)
    try:
        re.compile(text)
        pc.match_substring_regex(pa.nulls(1, pa.string()), text)  # for pa.array it would import pandas
    except (re.error, pa.ArrowInvalid) as problem:
        raise BadArgument(f"{text!r} is no pattern: {problem}") from problem
    return text


def _length(given: object) -> int:
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        return given
    raise BadArgument(f"must be a whole number from 0, not {given!r}")


def _exactly(kind: type, given: object) -> object:
    if type(given) is kind:
        return given
    raise BadArgument(f"must be a {kind.__name__}, not {given!r}")


def _text(given: object) -> str:
    if isinstance(given, str):
        return given
    raise BadArgument(f"must be a text, not {given!r}; put it in quotes")


def _decimal(given: object) -> Decimal:
    """A float's shortest text is what was written in the YAML, so 0.1 stays 0.1."""
    if isinstance(given, bool) or not isinstance(given, (int, float, str)):
        raise BadArgument(f"must be a number, not {given!r}")
    try:
        number = Decimal(str(given))
        return number.quantize(Decimal("1e-10")).normalize() + 0
    except InvalidOperation as problem:
        raise BadArgument(f"must be a number, not {given!r}") from problem


def _integer(given: object) -> int:
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    raise BadArgument(f"must be a whole number, not {given!r}")


def _day(given: object) -> date:
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    raise BadArgument(f"must be a day like 2026-01-31, not {given!r}")


_READ: Final[Mapping[Type, Callable[[object], object]]] = {
    **dict.fromkeys(_TEXTS, _text),
    Type.DECIMAL: _decimal,
    Type.INTEGER: _integer,
    Type.DAY: _day,
    Type.FLAG: lambda given: _exactly(bool, given),
}
