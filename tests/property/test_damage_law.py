"""The line law under fire: a clean file of any form, some of its lines damaged in any way.

Every record nobody touched is accepted with exactly what it said, in its line; every other line is what a naive reader
says of it, its values no others than its text's, or set aside with its bytes; and the counts add up.
"""

import io
import json
import os
import re
from dataclasses import dataclass, field

from hypothesis import example, given, settings
from hypothesis import strategies as st

from meterdrop.detect.encoding import Encoding, find_encoding
from meterdrop.detect.layout import find_layout
from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement, Column, Feed, Target, Type
from meterdrop.parse.cells import cast
from meterdrop.parse.lines import read_blocks
from meterdrop.tables import join_findings
from meterdrop.usecases.judging.judge import error_lines
from meterdrop.usecases.judging.records import RecordRules
from tests.property.clean_files import BLANKS, CleanFile, Piece, Value, clean_files
from tests.property.damages import DAMAGES_OF_ENCODING, DamagedFile, Whole, damaged
from tests.property.naive_values import NotOne, naive_value
from tests.unit.parse.naive_reader import DAMAGES, naive_read

FILES = 20_000 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 300
"""Ten times what the nightly profile tries of everything else."""

BLOCKS = st.sampled_from([4 * 1024 * 1024, 4 * 1024 * 1024, 64, 9])


@dataclass
class Outcome:
    """What became of each line of a file."""

    accepted: dict[int, dict[str, Value]] = field(default_factory=dict)
    set_aside: dict[int, bytes] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


def outcome_of(file: CleanFile, content: bytes, *, block_bytes: int) -> Outcome:
    """As the judging of a delivery goes about it, without a store."""
    result = Outcome(counts=dict.fromkeys(("physical", "header", "blank", "comment", "continuation"), 0))
    rules = RecordRules(file.agreement)
    for block in read_blocks(io.BytesIO(content), layout=file.layout, block_bytes=block_bytes):
        typed = cast(block, feed=file.agreement.feed, agreement=file.agreement, layout=file.layout)
        told = rules.check(typed, layout=file.layout)
        verdict = rules.judge(typed, told=told, layout=file.layout)
        bad = set(error_lines(join_findings([block.findings, typed.findings, verdict.findings])).tolist())
        for line, cells in zip(verdict.good["line"], verdict.good["cells"], strict=True):
            if line not in bad:
                result.accepted[int(line)] = json.loads(cells)
        raws = {**dict(zip(block.line.tolist(), block.raw.to_pylist(), strict=True))}
        raws.update(zip(block.broken["line"].tolist(), block.broken["raw"].tolist(), strict=True))
        result.set_aside.update({line: raw for line, raw in raws.items() if line in bad})
        assert set(block.broken["line"]) <= bad
        for name in result.counts:
            result.counts[name] += getattr(block, name)
    return result


def naive_outcome(file: CleanFile, content: bytes) -> Outcome:
    """One line after the other, one cell after the other."""
    told = naive_read(content, file.layout)
    columns = {column.name: column for column in file.agreement.feed.columns}
    damaged = {line for line, code in told.findings if code in DAMAGES}
    result = Outcome(set_aside=dict(told.broken), counts=dict(told.counts))
    for line, cells, raw in told.rows:
        if line in damaged:
            result.set_aside[line] = raw
            continue
        try:
            result.accepted[line] = {name: naive_value(text, columns[name]) for name, text in cells.items()}
        except NotOne:
            result.set_aside[line] = raw
    return result


def line_at(file: CleanFile, content: bytes, place: int) -> int:
    """The number of the line that begins at this place, as an editor shows it."""
    before = content[file.layout.bom : place].decode(file.layout.encoding, "replace")
    return 1 + len(re.findall("\r\n|\r|\n", before))


def texts_with(damage: bytes) -> tuple[CleanFile, DamagedFile]:
    """Two records of two texts; the first one with this in its first cell."""
    columns = (Column("Číslo", Type.TEXT), Column("Název", Type.TEXT))
    agreement = Agreement("acme", Feed("any", Target.RECORDS, columns), separator=";")
    pieces = (
        Piece("Číslo;Název", "\n", fixed=True),
        Piece("a;b", "\n", {"Číslo": "a", "Název": "b"}),
        Piece("c;d", "\n", {"Číslo": "c", "Název": "d"}),
    )
    content = "".join(piece.text + piece.end for piece in pieces).encode()
    _, layout = find_layout(
        content, encoding=Encoding("utf-8"), path="x.csv", agreements=[agreement], feed="any"
    )
    harmed = content.replace(b"a;b", b"a" + damage + b";b")
    whole = Whole(harmed.index(b"c;d"), pieces[2].text, {"Číslo": "c", "Název": "d"})
    return CleanFile(agreement, layout, pieces, b""), DamagedFile(harmed, (whole,))


@settings(max_examples=FILES)
@example(files=texts_with(b"\0"), block_bytes=64)
@example(files=texts_with(b"\xff"), block_bytes=64)
@example(files=texts_with(b"\xff;\0"), block_bytes=64)
@given(files=damaged(clean_files()), block_bytes=BLOCKS)
def test_damage_costs_its_own_lines_only(files: tuple[CleanFile, DamagedFile], block_bytes: int) -> None:
    file, harmed = files

    ours = outcome_of(file, harmed.content, block_bytes=block_bytes)

    naive = naive_outcome(file, harmed.content)
    assert ours.accepted == naive.accepted
    assert ours.set_aside == naive.set_aside
    assert ours.counts == {name: naive.counts.get(name, 0) for name in ours.counts}
    sums = sum(count for name, count in ours.counts.items() if name != "physical")
    assert ours.counts["physical"] == sums + len(ours.accepted) + len(ours.set_aside)
    if len(file.layout.headings) > 1 or not file.layout.max_continuation_lines:
        for whole in harmed.whole:
            assert ours.accepted[line_at(file, harmed.content, whole.begin)] == whole.values


def speaks(file: CleanFile) -> bool:
    """Does the first line tell the file's encoding? It is the header, or was declared to be no data."""
    first = next((piece for piece in file.pieces if piece.text.strip(BLANKS + ";,|")), None)
    return bool(file.mark) or (first is not None and first.fixed and not first.text.isascii())


def encoding_of(content: bytes) -> Encoding | None:
    """None if it is no text."""
    try:
        return find_encoding(iter([content]), declared=None)
    except CannotRead:
        return None


@given(files=damaged(clean_files().filter(speaks), damages=DAMAGES_OF_ENCODING))
def test_damage_does_not_change_in_which_encoding_the_other_lines_are_read(
    files: tuple[CleanFile, DamagedFile],
) -> None:
    file, harmed = files

    told = encoding_of(harmed.content)

    if told is None:  # nothing is left, or a line of UTF-16 made half of a small file NULs, which is no text
        nothing = (BLANKS + "\r\n;,|\0").encode()
        controls = sum(octet < 32 and octet not in b"\t\n\v\f\r\x1a" for octet in harmed.content)
        assert not harmed.content[len(file.mark) :].strip(nothing) or controls > 8
        return
    assert told.bom == file.layout.bom
    for text in [whole.text for whole in harmed.whole] + [each.text for each in file.pieces if each.fixed]:
        assert file.encoded(text).decode(told.name) == text


@given(file=clean_files(most=20), block_bytes=BLOCKS)
def test_nothing_of_a_clean_file_is_set_aside(file: CleanFile, block_bytes: int) -> None:
    content = file.mark + b"".join(file.encoded(piece.text + piece.end) for piece in file.pieces)

    ours = outcome_of(file, content, block_bytes=block_bytes)

    assert ours.set_aside == {}
    assert list(ours.accepted.values()) == [piece.values for piece in file.pieces if piece.values is not None]
