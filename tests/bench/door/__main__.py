"""Is the door as fast as OpenSSH's sshd? The same machine, client, cipher and key exchange; nothing is asserted.

python -m tests.bench.door [--runs 5] [--only WORD]...
"""

import argparse
import platform
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from statistics import median

import asyncssh
import cryptography

from tests.bench.door import scenes
from tests.bench.door.scenes import Files, Scene, Took
from tests.bench.door.servers import SSHD, DoorServer, Key, Server, SshServer

_WIDTH = 26


def main() -> None:
    """Both servers in turn, run by run, so that what disturbs one disturbs the other, too."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--runs", type=int, default=5)
    words.add_argument("--only", action="append", help="scenes whose title holds this (also: idle, together)")
    words.add_argument(
        "--place", help="where homes and files are made (default: the folder for temporary files)"
    )
    told = words.parse_args()
    if not Path(SSHD).exists():
        sys.exit(f"{SSHD} is not there. Install OpenSSH's server (Debian: openssh-server); it need not run.")
    with tempfile.TemporaryDirectory(prefix="meterdrop-bench-", dir=told.place) as folder:
        _compare(Path(folder), runs=told.runs, only=told.only)


def _compare(place: Path, *, runs: int, only: list[str] | None) -> None:
    key, files = Key(place), Files(place)
    files.make()
    print(_versions())

    def wanted(title: str) -> bool:
        return only is None or any(word in title for word in only)

    with closing(_Both(place, key)) as both:
        _print_head()
        for scene in scenes.scenes(files, key):
            if wanted(scene.title):
                _measure(scene, both, runs=runs)
        if wanted("together"):
            _measure_together(both, key, files)
        if wanted("idle"):
            _measure_idle(both, key)


class _Both:
    """The two servers."""

    def __init__(self, place: Path, key: Key) -> None:
        self.door = DoorServer(place, key)
        self.sshd = SshServer(place, key)

    def close(self) -> None:
        """End both."""
        self.door.stop()
        self.sshd.stop()


def _measure(scene: Scene, both: _Both, *, runs: int) -> None:
    door: list[Took] = []
    sshd: list[Took] = []
    synced: list[Took] = []
    for run in range(runs):
        _progress(f"{scene.title}: run {run + 1} of {runs}")
        door.append(scenes.timed(both.door, scene.act, files=scene.files))
        sshd.append(scenes.timed(both.sshd, scene.act, files=scene.files))
        if scene.synced is not None:
            synced.append(scenes.timed(both.sshd, scene.synced, files=scene.files))
    _progress("")
    print(_row(scene.title, door, sshd, synced), flush=True)


def _measure_together(both: _Both, key: Key, files: Files) -> None:
    title = f"{scenes.TOGETHER} × 300 MB together"
    _progress(title)
    sshd, _ = scenes.together(both.sshd, key, files)
    synced, _ = scenes.together(both.sshd, key, files, sync=True)
    door, seen = scenes.together(both.door, key, files)
    _progress("")
    print(_row(title, [door], [sshd], [synced]))
    print(
        f"  the door meanwhile: {seen[0]:.0f} MB at the start, at most {max(seen):.0f} MB, "
        f"{median(seen):.0f} MB in the middle ({len(seen)} looks)",
        flush=True,
    )


def _measure_idle(both: _Both, key: Key) -> None:
    _progress("idle sessions")
    told = []
    servers: tuple[Server, ...] = (both.door, both.sshd)
    for server in servers:
        before, held = scenes.held_by_idle(server, key)
        told.append(f"{server.name} {held:.0f} MB ({before:.0f} MB before)")
    _progress("")
    print(f"{scenes.IDLE} idle sessions: {', '.join(told)}", flush=True)


def _print_head() -> None:
    print(
        f"{'':<{_WIDTH}}{'door s':>9}{'sshd s':>9}{'sshd/door':>11}{'sshd fsync s':>14}{'/door':>7}"
        f"{'door CPU':>10}{'sshd CPU':>10}{'sshd/door':>11}"
    )


def _row(title: str, door: list[Took], sshd: list[Took], synced: list[Took]) -> str:
    """Medians, and the medians of the ratios of neighbouring runs: over 1 the door is the quicker one."""
    wall = [median(took.wall for took in runs) for runs in (door, sshd)]
    cpu = [median(took.cpu for took in runs) for runs in (door, sshd)]
    quicker = median(theirs.wall / ours.wall for ours, theirs in zip(door, sshd, strict=True))
    leaner = cpu[1] / cpu[0]
    fair = " " * 21
    if synced:
        ratio = median(theirs.wall / ours.wall for ours, theirs in zip(door, synced, strict=True))
        fair = f"{median(took.wall for took in synced):14.2f}{ratio:7.2f}"
    return f"{title:<{_WIDTH}}{wall[0]:9.2f}{wall[1]:9.2f}{quicker:11.2f}{fair}{cpu[0]:10.2f}{cpu[1]:10.2f}{leaner:11.2f}"


def _versions() -> str:
    told = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=True).stderr
    return (
        f"{told.split(',')[0].strip()}, asyncssh {asyncssh.__version__}, cryptography {cryptography.__version__}, "
        f"Python {platform.python_version()}"
    )


def _progress(text: str) -> None:
    """What is going on, on one line of a terminal's stderr (a line each elsewhere)."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
