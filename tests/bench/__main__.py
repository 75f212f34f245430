"""How fast is the road, and how much memory does it take? Ratios of one run, medians; nothing is asserted.

python -m tests.bench [--lines 1000000] [--runs 3] [--bad KIND]...
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from statistics import median
from typing import Any, Final

from tests.bench.files import KINDS
from tests.bench.load import load_one
from tests.bench.stages import STAGES

_ALL: Final = "all"
_TELLING: Final = 0.01
"""Fewer seconds tell nothing."""

Taken = Mapping[str, Any]
"""What one load took, see `load_one`."""


def main() -> None:
    """Good and bad files in turn, each loaded in a process of its own, so that peaks of memory can be told apart."""
    bad = [kind for kind in KINDS if kind != "good"]
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--lines", type=int, default=1_000_000)
    words.add_argument("--runs", type=int, default=3)
    words.add_argument("--bad", action="append", choices=bad, help="kinds of badness (default: mix)")
    words.add_argument(
        "--clock", choices=["wall", "cpu"], default="wall", help="what the stages' table tells"
    )
    words.add_argument("--one", choices=list(KINDS), help="load one file in this process; tell it as JSON")
    told = words.parse_args()
    if told.one:
        print(load_one(told.one, lines=told.lines))
        return
    kinds = ["good", *(told.bad or ["mix"])]
    taken: dict[str, list[Taken]] = {kind: [] for kind in kinds}
    for _ in range(told.runs):
        for kind in kinds:
            taken[kind].append(_load(kind, lines=told.lines))
    for kind in kinds[1:]:
        _print_stages(taken["good"], taken[kind], kind=kind, lines=told.lines, clock=told.clock)
    _print_whole(taken, lines=told.lines)


def _load(kind: str, *, lines: int) -> Taken:
    one = [sys.executable, "-m", "tests.bench", "--one", kind, "--lines", str(lines)]
    told: Taken = json.loads(subprocess.run(one, stdout=subprocess.PIPE, text=True, check=True).stdout)
    return told


def _print_stages(good: list[Taken], bad: list[Taken], *, kind: str, lines: int, clock: str) -> None:
    """Seconds, lines a second and peak memory by stage; the ratio where both have the stage."""
    head = f"{'lines/s':>13}{'peak MB':>9}"
    print(f"{f'{clock} clock':<14}{'good s':>10}{head}{f'{kind} s':>12}{head}{'bad/good':>10}")
    for stage in (*STAGES, _ALL):
        ours, theirs = (_middle(runs, clock, stage) for runs in (good, bad))
        ratio = f"{theirs / ours:.2f}" if min(ours, theirs) >= _TELLING else ""
        told = [_pace(runs, stage, clock=clock, lines=lines) for runs in (good, bad)]
        print(f"{stage:<14}{told[0]}  {told[1]}{ratio:>10}")
    print()


def _pace(runs: list[Taken], stage: str, *, clock: str, lines: int) -> str:
    seconds, peak = _middle(runs, clock, stage), _most(runs, stage)
    if not peak:
        return " " * 32
    pace = f"{lines / seconds:,.0f}" if seconds >= _TELLING else ""
    return f"{seconds:10.2f}{pace:>13}{peak:9.0f}"


def _print_whole(taken: Mapping[str, list[Taken]], *, lines: int) -> None:
    """For each kind: seconds, lines a second, CPU seconds, memory; and its ratios to good, run by run."""
    memory = f"{'before MB':>11}{'peak MB':>9}"
    print(f"{'file':<10}{'s':>8}{'lines/s':>12}{'CPU s':>8}{memory}{'bad/good':>10}{'of CPU':>8}")
    for kind, runs in taken.items():
        seconds, worked = (_middle(runs, clock, _ALL) for clock in ("wall", "cpu"))
        pace = f"{seconds:8.2f}{lines / seconds:12,.0f}{worked:8.2f}"
        ratios = "".join(
            f"{_ratio(taken['good'], runs, clock=clock):{width}.2f}"
            for clock, width in (("wall", 10), ("cpu", 8))
        )
        print(f"{kind:<10}{pace}{_most(runs, 'before'):11.0f}{_most(runs, _ALL):9.0f}{ratios}")


def _middle(runs: list[Taken], clock: str, stage: str) -> float:
    return float(median(run[clock].get(stage, 0.0) for run in runs))


def _most(runs: list[Taken], stage: str) -> float:
    return float(max(run["peak"].get(stage, 0.0) for run in runs))


def _ratio(good: list[Taken], bad: list[Taken], *, clock: str) -> float:
    """The median of the ratios of neighbouring runs: what disturbs one disturbs the other, too."""
    ratios = (theirs[clock][_ALL] / ours[clock][_ALL] for ours, theirs in zip(good, bad, strict=True))
    return float(median(ratios))


if __name__ == "__main__":
    main()
