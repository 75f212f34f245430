"""Which words of the partner do we not know, and what may they mean?"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from meterdrop.model.feed import Column, Feed, Type
from meterdrop.model.spelling import fold
from meterdrop.usecases.proposing.looks import alike_words, failures
from meterdrop.usecases.proposing.proposal import WordProposal
from meterdrop.usecases.proposing.sample import Cells, distinct

MOST_WORDS: Final = 40
"""A column that is no column of words has a different one in each cell."""

_WITH_WORDS: Final = frozenset({Type.UNIT, Type.CHOICE, Type.CHOICES, Type.FLAG})


def propose_words(feed: Feed, columns: Mapping[str, Cells]) -> tuple[tuple[WordProposal, ...], int]:
    """The unknown words of all columns, the commonest first, and how many more there are."""
    found = [
        word
        for column in feed.columns
        if column.type in _WITH_WORDS and column.name in columns and not column.kept_in_original
        for word in _unknown(column, columns[column.name])
    ]
    return tuple(found[:MOST_WORDS]), max(0, len(found) - MOST_WORDS)


def _unknown(column: Column, cells: Cells) -> list[WordProposal]:
    if column.type is Type.CHOICES:
        column, cells = replace(column, type=Type.CHOICE), distinct(cells, split="|")
    counts: Counter[str] = Counter()
    spelling: dict[str, str] = {}
    for mask in failures(cells, column=column).values():
        for text, count in zip(cells.text.filter(mask).to_pylist(), cells.count[mask].tolist(), strict=True):
            key = text if column.type is Type.UNIT else fold(text)
            counts[key] += count
            spelling.setdefault(key, text)
    return [
        _proposed(spelling[key], column=column, cells=count) for key, count in counts.most_common() if key
    ]


def _proposed(word: str, *, column: Column, cells: int) -> WordProposal:
    alike = {} if column.type is Type.UNIT else alike_words(word, column=column)
    meanings = set(alike.values())
    if len(meanings) != 1:
        return WordProposal(
            column=column.name, word=word, means=None, cells=cells, reason="unknown; say what it means"
        )
    known, ours = next(iter(alike.items()))
    return WordProposal(
        column=column.name, word=word, means=ours, cells=cells, reason=f"begins as {known} does"
    )
