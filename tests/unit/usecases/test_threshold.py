"""When is a file held? Above the share, and only from so many bad lines on."""

from dataclasses import replace

import pytest

from meterdrop.model.delivery import LineCounts, State
from meterdrop.model.feed import Agreement, Feed, Target
from meterdrop.usecases.judging.judge import Judged

AGREEMENT = Agreement(
    partner="anyone",
    feed=Feed(name="readings", target=Target.READINGS, columns=(), hold_above_share=0.2, hold_above_lines=20),
)


def verdict(*, bad: int, of: int, released: bool = False, agreement: Agreement = AGREEMENT) -> State:
    lines = LineCounts(physical=of, accepted=of - bad, quarantined=bad)
    judged = Judged(lines=lines, findings_by_code={}, bad_lines=bad, ends=())
    return judged.state(agreement=agreement, released=released)


@pytest.mark.parametrize(
    ("bad", "of", "state"),
    [
        (0, 100, State.ACCEPTED),
        (20, 100, State.PARTLY_ACCEPTED),
        (21, 100, State.HELD),
        (19, 19, State.PARTLY_ACCEPTED),
        (20, 20, State.HELD),
        (20, 99, State.HELD),
        (2_000, 10_000, State.PARTLY_ACCEPTED),
        (2_001, 10_000, State.HELD),
    ],
)
def test_default_threshold_is_a_fifth_and_at_least_twenty_lines(bad: int, of: int, state: State) -> None:
    assert verdict(bad=bad, of=of) is state


def test_released_delivery_is_not_held_again() -> None:
    assert verdict(bad=100, of=100, released=True) is State.PARTLY_ACCEPTED
    assert verdict(bad=0, of=100, released=True) is State.ACCEPTED


def test_partner_of_its_own_threshold_is_held_by_it() -> None:
    strict = replace(AGREEMENT, feed=replace(AGREEMENT.feed, hold_above_share=0.0, hold_above_lines=1))
    assert verdict(bad=1, of=1_000_000, agreement=strict) is State.HELD
    never = replace(AGREEMENT, feed=replace(AGREEMENT.feed, hold_above_share=1.0))
    assert verdict(bad=100, of=100, agreement=never) is State.PARTLY_ACCEPTED
