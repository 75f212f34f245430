"""A real browser that opens a page and says what it made of it."""

import shutil
import subprocess
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_EMPTY = {"meta", "rect", "br", "img", "input", "link"}


@dataclass(frozen=True)
class Browser:
    """Chromium without a window. `folder` is its own; it has no network to speak of."""

    program: str
    folder: Path

    def opened(self, page: Path) -> "Dom":
        """The page's document after its scripts ran."""
        words = [
            self.program,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={self.folder}",
            "--virtual-time-budget=2000",
            "--enable-logging=stderr",
            "--dump-dom",
            page.as_uri(),
        ]
        ended = subprocess.run(words, capture_output=True, timeout=120, check=True)
        return Dom(ended.stdout.decode("utf-8"), said=ended.stderr.decode("utf-8", errors="replace"))


def browser(folder: Path) -> Browser:
    """The machine's Chromium; the test is skipped where there is none."""
    program = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("chromium is not installed")
    return Browser(program=program, folder=folder)


class Dom(HTMLParser):
    """What the browser made of a page: its elements, their attributes, and the text in some of them."""

    def __init__(self, document: str, *, said: str) -> None:
        super().__init__(convert_charrefs=True)
        self.console = [line for line in said.splitlines() if "CONSOLE" in line]
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: dict[str, list[str]] = {"title": [], "mark": [], "code": [], "h1": [], "output": []}
        self._inside: list[str] = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element."""
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _EMPTY:
            self._inside.append(tag)
            if tag in self.texts:
                self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        """Its end; the browser closes all it opened."""
        if tag not in _EMPTY:
            assert self._inside.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text, told to every element around it."""
        for tag in set(self._inside) & set(self.texts):
            self.texts[tag][-1] += data
