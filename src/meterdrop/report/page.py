"""How is a page made that needs nothing but itself? Style and script are inside, and nothing else may run or be loaded."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from meterdrop.model.delivery import PRAGUE
from meterdrop.report.for_people import cut, visible
from meterdrop.report.page_words import WORDS, delivery_state, line_state

_PAGES: Final = "pages"
_LONGEST: Final = 200


def render(name: str, *, language: str, script: str | None, content: Mapping[str, object]) -> Iterator[str]:
    """The page in pieces. Everything in `content` is escaped where it is put in; `script` names a file beside the page."""
    style = _file("page.css")
    code = "" if script is None else _file(script)
    yield from (
        _templates()
        .get_template(name)
        .generate(
            **content,
            language=language,
            words=WORDS[language],
            policy=_policy(style=style, script=code),
            style=style,
            script=code,
            number=lambda count: number(count, language=language),
            moment=lambda at: moment(at, language=language),
            line_state=lambda state: line_state(state, language=language),
            delivery_state=lambda state: delivery_state(state, language=language),
        )
    )


def number(count: int, *, language: str) -> str:
    """A count with its digits in groups of three."""
    return f"{count:,}".replace(",", "\u00a0" if language == "cs" else ",")


def moment(at: datetime, *, language: str) -> str:
    """A time in Prague, as a person writes it."""
    local = at.astimezone(PRAGUE)
    if language == "cs":
        return f"{local.day}. {local.month}. {local.year} {local:%H:%M}"
    return f"{local:%Y-%m-%d %H:%M}"


def _policy(*, style: str, script: str) -> str:
    """Only our own style and script, told by their hashes: whatever else got into the page stays dead text."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script) if script else _NONE}; "
        f"base-uri {_NONE}; form-action {_NONE}"
    )


_NONE: Final = "'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _shown(text: object, longest: int = _LONGEST) -> str:
    return cut(visible(str(text)), longest=longest)


@cache
def _file(name: str) -> str:
    return files("meterdrop.report").joinpath(_PAGES, name).read_text(encoding="utf-8")


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("meterdrop.report", _PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["shown"] = _shown
    return made
