"""A home and its commands, run in this process just as the program `meterdrop` runs them."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from meterdrop.bootstrap import House
from meterdrop.cli import main
from meterdrop.settings import read_settings

REGISTER_HEADER = "Date;Location;TypeUnit;Room;Media;SerialNumber;RadioNumber;Seq;DateFrom;Correction"
READINGS_HEADER = "SerialNum;Value;Unit;Date"


@dataclass(frozen=True)
class Answer:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class CommandLine:
    """Types commands at one home. A traceback of a command fails the test as what it is."""

    home: Path
    files: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: str) -> Answer:
        """Runs one command to its end."""
        self.monkeypatch.setattr(sys, "argv", ["meterdrop", "--home", str(self.home), *words])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = self.capsys.readouterr()
        code = ended.value.code
        return Answer(code=code if isinstance(code, int) else 0, out=said.out, err=said.err)

    def done(self, *words: str, code: int = 0) -> Answer:
        """Runs a command that must end with this code."""
        answer = self(*words)
        assert answer.code == code, answer
        return answer

    def document(self, *words: str, code: int = 0) -> Any:  # noqa: ANN401 - JSON
        """The one JSON document that a command with `--json` puts on stdout."""
        return json.loads(self.done(*words, "--json", code=code).out)

    def refused(self, *words: str, code: int = 2) -> str:
        """What a command that can't be carried out says on stderr; it says nothing on stdout."""
        answer = self.done(*words, code=code)
        assert answer.out == ""
        assert "Traceback" not in answer.err
        return " ".join(answer.err.split())

    def write(self, name: str, lines: Sequence[str], *, encoding: str = "utf-8") -> Path:
        """A file to ingest."""
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
        return path

    def register(self, *serials: str, name: str = "register.csv", partner: str = "anyone") -> None:
        """Registers water meters, each at a place of its own, in service since 2024."""
        rows = [f"2026-01-01;A-{serial};m3;hall;CW;{serial};-;1;2024-01-01;1" for serial in serials]
        path = self.write(name, [REGISTER_HEADER, *rows])
        self.done("ingest", "--partner", partner, str(path))

    def ingest(self, name: str, *rows: str, partner: str = "anyone", code: int = 0) -> Any:  # noqa: ANN401 - JSON
        """Ingests readings; the receipt."""
        path = self.write(name, [READINGS_HEADER, *rows])
        [receipt] = self.document("ingest", "--partner", partner, str(path), code=code)
        return receipt

    def house(self) -> House:
        """A look behind the commands."""
        return House(settings=read_settings(self.home))

    def receipts(self, ending: str, *, partner: str = "anyone") -> list[Path]:
        """The partner's receipts of one kind."""
        return sorted((self.home / "receipts" / partner).glob(f"*{ending}"))
