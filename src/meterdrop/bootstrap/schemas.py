"""Where are schemas read from, and what is wrong with them?"""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from meterdrop.bootstrap.originals import problems_of_originals
from meterdrop.bootstrap.watching import problems_of_watched
from meterdrop.catalog import problems_in, read_feeds, read_what_is_well
from meterdrop.model.errors import OperatorMistake, StopAtStart, TryAgain
from meterdrop.model.feed import Agreement, Feed
from meterdrop.settings import read_settings


def schema_folders(home: Path) -> list[Path]:
    """Where schemas are read from: the shipped ones, then the site's own."""
    site = home / "schemas"
    return [shipped("schemas"), *([site] if site.is_dir() else [])]


def shipped(what: str) -> Path:
    """A folder that comes with meterdrop: of the checkout, or of the installed package."""
    checkout = Path(__file__).parents[3]
    if (checkout / "pyproject.toml").is_file():
        return checkout / {"schemas": "schemas", "demo": "samples/demo"}[what]
    return Path(str(files("meterdrop") / "shipped" / what))


def problems_of(home: Path, *, partner: str | None) -> list[str]:
    """Every problem of settings, schemas and profiles; only of this partner's profile if one is named."""
    problems: list[str] = []
    try:
        settings = read_settings(home)
        problems.extend(problems_of_watched(settings))
        problems.extend(problems_of_originals(settings) if partner is None else ())
    except StopAtStart as error:
        problems.extend(error.problems)
    except TryAgain as away:
        problems.append(str(away))
    problems.extend(problems_in(schema_folders(home)))
    if partner is None:
        return problems
    if not any((folder / "partners" / f"{partner}.yaml").is_file() for folder in schema_folders(home)):
        raise OperatorMistake(f"{partner} has no profile: it is read by the tolerant default")
    return [problem for problem in problems if f"partners/{partner}.yaml" in problem]


def warnings_of(home: Path) -> list[str]:
    """What may be meant as it is set, and may not. `StopAtStart` if the settings are no good."""
    settings = read_settings(home)
    if settings.dispatch == "scaled" and settings.originals is None:
        return [
            f'dispatch = "scaled", and originals are in {home / "originals"}: workers on other machines do not find them. Set '
            "`originals` to a bucket (s3://…), or to one folder that is mounted on each machine"
        ]
    return []


def feeds_of(home: Path) -> Mapping[str, Feed]:
    """The feeds alone: a profile that is just being written into the home must not stop its own proposal."""
    return read_feeds(schema_folders(home))


def rule_sets_of(home: Path, *, partner: str | None) -> tuple[Agreement, ...]:
    """Every version of every agreement, or of this partner's; those with partners without a profile name nobody."""
    catalog, _ = read_what_is_well(schema_folders(home))
    known = [*sorted(catalog.profiles), ""] if partner is None else [partner]
    return tuple(version for each in known for version in catalog.versions(each))
