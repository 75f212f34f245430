"""The bench loads its files, and its clocks are around stages that the road still has."""

import json

import pytest

from tests.bench.files import KINDS
from tests.bench.load import load_one
from tests.bench.stages import STAGES

OF_GOOD = {"settle", "store rows", "store new"}
OF_BAD = {"rejects file", "quarantine", "findings"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_goes_through_its_stages(kind: str) -> None:
    told = json.loads(load_one(kind, lines=700))
    passed = set(told["peak"]) - {"all", "before"}
    assert passed <= set(STAGES)
    left_out = OF_BAD if kind == "good" else OF_GOOD
    assert set(STAGES) - passed <= left_out
    assert all(told["wall"][stage] > 0 for stage in passed)
    assert told["wall"]["all"] >= sum(told["wall"][stage] for stage in passed) * 0.9
