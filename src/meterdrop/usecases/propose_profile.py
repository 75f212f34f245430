"""What may a new partner's profile be? Read from sample files; a person decides what becomes of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from meterdrop.detect.propose import Statement, guess, sure
from meterdrop.model.errors import CannotRead, OperatorMistake
from meterdrop.model.feed import Feed, Target
from meterdrop.usecases.proposing.columns import Told, tell
from meterdrop.usecases.proposing.feeds import cells_by_column, propose_feed
from meterdrop.usecases.proposing.proposal import FeedProposal, Proposal, Unreadable
from meterdrop.usecases.proposing.sample import Cells, read_sample
from meterdrop.usecases.proposing.unreadable import unreadable_sample
from meterdrop.usecases.proposing.written import written

__all__ = ["FeedProposal", "Proposal", "Unreadable", "as_yaml", "propose"]

_PARTNER_COLUMN = "Partner"


def propose(
    files: Sequence[Path],
    *,
    feeds: Mapping[str, Feed],
    partner: str | None = None,
    name: str | None = None,
) -> Proposal:
    """A profile of the one partner who sent all these files, with what is sure and what is a guess.

    `partner` and `name` are the account's, if they are known already; no file tells them. A sample nobody can read is told with its reason, and the others are read all the same. OperatorMistake if a file
    can't be opened.
    """
    told: dict[str, list[Told]] = {}
    unreadable: list[Unreadable] = []
    for path in files:
        headings: tuple[str, ...] = ()
        try:
            read = read_sample(path, feeds=feeds)
            headings = next(iter(read.headers.values())).headings if read.headed else ()
            sample = tell(read, feeds=feeds)
        except CannotRead as problem:
            unreadable.append(unreadable_sample(path.name, problem, headings=headings, feeds=feeds))
        except OSError as problem:
            raise OperatorMistake(
                f"{path} can't be opened ({problem.strerror}); name files you may read"
            ) from problem
        else:
            told.setdefault(sample.candidate.feed.name, []).append(sample)
    register = _register(told)
    return Proposal(
        partner=_named(
            partner, guess("new-partner", "files do not tell; the account's name, and this file's")
        ),
        name=_named(name or partner, guess("New partner", "files do not tell")),
        kind=_kind(register),
        group=_group(register),
        feeds=tuple(
            propose_feed(samples, others=_others(told, feed=name), register=register)
            for name, samples in told.items()
        ),
        unreadable=tuple(unreadable),
    )


def as_yaml(proposal: Proposal) -> str:
    """The proposal as a partner's file in the format of schemas/README.md, with a reason on each line."""
    return written(proposal)


def _named(given: str | None, otherwise: Statement) -> Statement:
    return otherwise if given is None else sure(given, "you said so")


def _register(told: Mapping[str, Sequence[Told]]) -> Mapping[str, Cells]:
    """The cells of the register's samples by column; empty if there are none."""
    samples = [
        sample
        for several in told.values()
        for sample in several
        if sample.candidate.feed.target is Target.DEVICES
    ]
    return cells_by_column(samples)


def _kind(register: Mapping[str, Cells]) -> Statement:
    if _PARTNER_COLUMN in register and register[_PARTNER_COLUMN].filled:
        return guess("manager", f"the register's samples say in {_PARTNER_COLUMN} whose devices they are")
    return guess("metering", "the register of other partners is not among the samples")


def _group(register: Mapping[str, Cells]) -> Statement:
    if register:
        return guess(2, "the register is among the samples")
    return guess(1, "no register is among the samples")


def _others(told: Mapping[str, Sequence[Told]], *, feed: str) -> list[str]:
    return [sample.sample.file for name, samples in told.items() if name != feed for sample in samples]
