"""What was freed and is kept by the allocator goes back to the system."""

import json
import subprocess
import sys
from textwrap import dedent

_PROGRAM = """
import json
from meterdrop.dispatch.limits import GivingBack, held_mb

give_back = GivingBack()
begun = held_mb()
some = [str(number) * 20_000 for number in range(10_000, 13_000)]
last = str(13_000) * 20_000  # behind all others: what is before it can't be cut off by who frees
held = held_mb()
del some
freed = held_mb()
give_back()
print(json.dumps([begun, held, freed, held_mb()]))
"""


def test_much_is_given_back() -> None:
    told = subprocess.run([sys.executable, "-c", dedent(_PROGRAM)], capture_output=True, check=True).stdout
    begun, held, freed, after = json.loads(told)
    assert freed - begun > 200, "nothing was kept: this shows nothing"
    assert freed > held - 10
    assert after < begun + 50
