"""Read one YAML file strictly: unknown keys, double keys and wrong types are problems, and all are told."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

Shape = TypeVar("Shape", bound="Strict")


class Strict(BaseModel):
    """The base of every shape of a YAML file: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


@dataclass
class Problems:
    """What is wrong with the schemas, in the order it was met; each with its file and key."""

    told: list[str] = field(default_factory=list)

    def tell(self, *, file: Path, key: str, problem: str) -> None:
        """Remember one problem."""
        self.told.append(f"{file}: {key}: {problem}" if key else f"{file}: {problem}")


def files_of(folders: Sequence[Path], *, kind: str, problems: Problems) -> dict[str, Path]:
    """The YAML files of `<folder>/<kind>/` by name; one in a later folder takes the place of an earlier one."""
    found: dict[str, Path] = {}
    for folder in folders:
        for file in sorted((folder / kind).glob("*")):
            if file.suffix == ".yaml":
                found[file.stem] = file
            elif file.suffix in (".yml", ".json", ".toml"):
                problems.tell(file=file, key="", problem=f"is not read: name it {file.stem}.yaml")
    return found


def read(file: Path, *, shape: type[Shape], problems: Problems) -> Shape | None:
    """The file as that shape, or None with its problems told."""
    try:
        content = _parsed(file.read_text("utf-8"))
    except DuplicateKeyError as problem:
        problems.tell(file=file, key="", problem=_marked(problem))
    except (YAMLError, UnicodeDecodeError) as problem:
        text = _marked(problem) if isinstance(problem, MarkedYAMLError) else str(problem)
        problems.tell(file=file, key="", problem=f"is not YAML: {text}")
    else:
        return shaped(content, shape=shape, file=file, key="", problems=problems)
    return None


@cache
def _parsed(text: str) -> object:
    """A text is parsed once in a process: two thirds of the time that building a house takes. Read it, don't change it."""
    return YAML(typ="safe", pure=True).load(text)


def shaped(content: object, *, shape: type[Shape], file: Path, key: str, problems: Problems) -> Shape | None:
    """The content as that shape, or None with its problems told under that key."""
    try:
        return shape.model_validate(content)
    except ValidationError as invalid:
        for error in invalid.errors(include_url=False):
            where = ".".join(str(part) for part in (key, *error["loc"]) if part != "")
            problems.tell(file=file, key=where, problem=_sentence(error["type"], error["msg"]))
    return None


def _sentence(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "unknown key"
    return "is missing" if kind == "missing" else message


def _marked(problem: MarkedYAMLError) -> str:
    """What is wrong and in which line; not the whole excerpt."""
    line = f" (line {problem.problem_mark.line + 1})" if problem.problem_mark else ""
    first = (problem.problem or "cannot be read").splitlines()[0]
    return f"{first}{line}"
