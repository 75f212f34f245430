"""A quarantined line ends once: the table of its moves."""

import pytest

from meterdrop.model.line_state import LINE_MOVES, WITH_PARTNER, LineState, may_end


def test_every_state_has_its_moves() -> None:
    assert set(LINE_MOVES) == set(LineState)


@pytest.mark.parametrize("state", [state for state in LineState if state is not LineState.OPEN])
def test_open_line_may_end_in_every_way(state: LineState) -> None:
    assert may_end(old=LineState.OPEN, new=state)


@pytest.mark.parametrize(
    "ended",
    [LineState.CORRECTED, LineState.ACCEPTED, LineState.DISMISSED, LineState.SUPERSEDED],
)
def test_what_ended_stays_so(ended: LineState) -> None:
    assert not any(may_end(old=ended, new=state) for state in LineState)


def test_returned_line_is_moved_by_the_partner_or_with_its_delivery_only() -> None:
    assert LINE_MOVES[LineState.RETURNED] == {LineState.SUPERSEDED, LineState.OPEN}


def test_partner_has_the_lines_that_a_corrected_upload_may_end() -> None:
    assert {LineState.OPEN, LineState.RETURNED} == WITH_PARTNER
