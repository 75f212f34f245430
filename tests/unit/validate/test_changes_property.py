"""Snapshots of any kind come to what a naive reader of the rules finds, and two of them in either order to the same."""

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from meterdrop.validate.turnover import missing
from tests.unit.validate import naive_register
from tests.unit.validate.snapshots import COLUMNS, Row, register_of, said, snapshot

DAYS = [f"2020-01-0{number}" for number in range(1, 7)]
SEEN = ["2026-01-01", "2026-02-01", "2026-03-01"]


@st.composite
def rows(draw: st.DrawFn) -> Row:
    since = draw(st.sampled_from(DAYS))
    until = draw(st.sampled_from(["", "", "", *DAYS]))
    return Row(
        serial=draw(st.sampled_from(["1", "01", "2", "3"])),
        since=since,
        until=until if until >= since else "",
        at=draw(st.sampled_from(["A", "a", "B", "C"])),
        replaces=draw(st.sampled_from(["", "", "", "1", "2", "3"])),
        maker=draw(st.sampled_from(["", "x"])),
        owner=draw(st.sampled_from(["techem", "techem", "techem", "ista"])),
    )


REGISTERS = settings().max_examples // 4
"""Each example is a register with the naive reader's answer, which takes its time."""

snapshots = st.lists(rows(), min_size=1, max_size=5)
columns = st.sampled_from(
    [COLUMNS, COLUMNS, COLUMNS - {"stated_to"}, COLUMNS - {"replaces", "replaces_key", "manufacturer"}]
)


@settings(max_examples=REGISTERS)
@given(
    files=st.lists(
        st.tuples(snapshots, st.sampled_from(SEEN), columns, st.lists(rows(), max_size=1)),
        min_size=1,
        max_size=4,
    ),
    mixed=st.booleans(),
)
def test_any_sequence_of_snapshots_comes_to_what_the_naive_reader_finds(
    files: list[tuple[list[Row], str, frozenset[str], list[Row]]], mixed: bool
) -> None:
    """Line by line, and the register after each; also where one file's rows have several dates."""
    known: list[Row] = []
    for told, seen, told_columns, also_named in files:
        dated = [replace(row, seen=SEEN[number % 2] if mixed else seen) for number, row in enumerate(told)]
        # A column that the file lacks has no cells in it.
        if "stated_to" not in told_columns:
            dated = [replace(row, until="") for row in dated]
        if "replaces" not in told_columns:
            dated = [replace(row, replaces="", maker="") for row in dated]
        found = snapshot(*dated, known=known, columns=told_columns, also_named=also_named)
        wanted = naive_register.settle(dated, known=known, columns=told_columns, also_named=also_named)
        assert {(line, code) for line, code, _ in said(found.wrong)} == wanted.wrong
        assert {line for line, _, _ in said(found.older)} == wanted.older
        assert set(found.duplicates.tolist()) == wanted.duplicates
        assert tuple(register_of(found)) == wanted.register
        assert tuple(sorted(str(one.value) for one in missing(found))) == wanted.missing
        known = register_of(found)


def test_two_snapshots_make_the_same_register_in_either_order() -> None:
    """Unless a line of theirs cannot stand beside what is known: then the one that came first stays."""
    compared: list[bool] = []

    @settings(max_examples=REGISTERS)
    @given(first=snapshots, second=snapshots)
    def law(first: list[Row], second: list[Row]) -> None:
        older = [replace(row, seen=SEEN[0]) for row in first]
        newer = [replace(row, seen=SEEN[1]) for row in second]
        registers = []
        for before, after in ((older, newer), (newer, older)):
            one = snapshot(*before)
            other = snapshot(*after, known=register_of(one))
            if len(one.wrong) or len(other.wrong):
                return
            registers.append(register_of(other))
        assert registers[0] == registers[1]
        compared.append(True)

    law()
    assert len(compared) > REGISTERS // 20, "hardly any two stood beside each other"


@settings(max_examples=REGISTERS)
@given(told=snapshots, known=snapshots)
def test_what_stands_after_a_snapshot_stands_if_it_comes_again(told: list[Row], known: list[Row]) -> None:
    """The lines that were taken change nothing the second time, and are right again; the bad ones name their meters."""
    before = register_of(snapshot(*known))
    found = snapshot(*(replace(row, seen=SEEN[1]) for row in told), known=before)
    untaken = {line for line, _, _ in said(found.wrong)} | set(found.duplicates.tolist())
    right = [replace(row, seen=SEEN[1]) for line, row in enumerate(told, start=2) if line not in untaken]
    assume(right)
    after = register_of(found)
    left_out = [row for line, row in enumerate(told, start=2) if line in untaken]
    again = snapshot(*right, known=after, also_named=left_out)
    assert len(again.wrong) == 0
    assert register_of(again) == after
