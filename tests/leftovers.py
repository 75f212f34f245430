"""What a test started and did not stop, because it failed, ends with it."""

import subprocess
from collections.abc import Iterator
from typing import Final

import pytest

_STARTED: Final["list[subprocess.Popen[bytes]]"] = []


def noted(process: "subprocess.Popen[bytes]") -> "subprocess.Popen[bytes]":
    """This process, which is not to outlive the test that runs."""
    _STARTED.append(process)
    return process


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    while _STARTED:
        process = _STARTED.pop()
        if process.poll() is None:
            process.kill()
            process.wait()
