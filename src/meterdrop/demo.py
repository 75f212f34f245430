"""What does it look like? The whole road on sample files: two processes, real SFTP, receipts, one reprocess."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from pathlib import Path, PurePosixPath
from typing import Any, Final

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from meterdrop.bootstrap import House, make_home, shipped
from meterdrop.model.errors import TryAgain
from meterdrop.settings import read_settings

_RECEIPT_WAIT: Final = 30.0
_LOOK_EVERY: Final = 0.05
_STOP_WAIT: Final = 30.0
_SHOWN: Final = 12

Told = Mapping[str, Any]
"""JSON of the plan or of a receipt."""


@dataclass(frozen=True)
class Login:
    """Who logs in, and with which key made for this demonstration."""

    partner: str
    key: paramiko.PKey


@dataclass(frozen=True)
class Came:
    """One upload and what came back."""

    step: Told
    receipt: Told
    rejects: bytes


def main(*, started: datetime) -> int:
    """Runs the demonstration; 0 if all came out as the plan says."""
    out = Console(highlight=False)
    folder = shipped("demo")
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    out.print(f"[bold]meterdrop demo[/bold] · {plan['title']}")
    with tempfile.TemporaryDirectory(prefix="meterdrop-demo-") as place:
        home = Path(place) / "home"
        logins = _prepare(home, plan=plan)
        with _running(home, today=plan["today"]) as port:
            out.print(f"door and pipeline run as two processes; SFTP on 127.0.0.1:{port}")
            came, reprocessed = _walk(
                plan["steps"], folder=folder, home=home, logins=logins, port=port, out=out
            )
    _show(out, came=came, reprocessed=reprocessed)
    wrong = _differences(came, plan=plan, reprocessed=reprocessed)
    for problem in wrong:
        out.print(f"[red]not as planned:[/red] {problem}")
    seconds = (datetime.now(started.tzinfo) - started).total_seconds()
    out.print(f"stopped; {len(came)} uploads, {len(came)} receipts, {seconds:.0f} s in all")
    return 1 if wrong else 0


def _prepare(home: Path, *, plan: Told) -> dict[str, Login]:
    """A home with the plan's partners and keys made on the spot."""
    make_home(home, database=None)
    house = House(settings=read_settings(home))
    logins = {}
    for partner in plan["partners"]:
        private = Ed25519PrivateKey.generate()
        text = private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
        key = paramiko.Ed25519Key.from_private_key(StringIO(text))
        public = home / "work" / f"{partner['id']}.pub"
        public.write_text(f"{key.get_name()} {key.get_base64()} demo\n", encoding="utf-8")
        house.partners.add(
            partner["id"],
            name=partner["name"],
            group=partner["group"],
            keys=[public],
            networks=[],
            who="demo",
        )
        logins[partner["id"]] = Login(partner=partner["id"], key=key)
    house.database.close()
    return logins


@contextmanager
def _running(home: Path, *, today: str) -> Iterator[int]:
    """`meterdrop up` on a free port, stopped with SIGTERM at the end."""
    log = home / "work" / "up.log"
    with log.open("wb") as errors:
        up = subprocess.Popen(  # noqa: S603 - our own program
            _meterdrop(home, "up", "--sftp-host", "127.0.0.1", "--sftp-port", "0"),
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "METERDROP_TODAY": today},
        )
        try:
            ready = up.stdout.readline() if up.stdout is not None else b""
            if not ready:
                raise TryAgain(f"meterdrop did not start: {log.read_text(errors='replace')[-2000:]}")
            yield int(json.loads(ready)["sftp_port"])
            up.send_signal(signal.SIGTERM)
            if up.wait(_STOP_WAIT) != 0:
                raise TryAgain(f"meterdrop did not stop well: {log.read_text(errors='replace')[-2000:]}")
        finally:
            if up.poll() is None:
                up.terminate()
                up.wait(_STOP_WAIT)


def _meterdrop(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "meterdrop", "--home", str(home), *words]


def _walk(
    steps: Sequence[Told], *, folder: Path, home: Path, logins: Mapping[str, Login], port: int, out: Console
) -> tuple[list[Came], Told]:
    came: list[Came] = []
    reprocessed: Told = {}
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task("starting", total=len(steps))
        for step in steps:
            bar.update(task, description=step["say"])
            if step.get("reprocess"):
                reprocessed = _reprocess(home)
            else:
                came.append(_upload(step, folder=folder, login=logins[step["partner"]], port=port))
            bar.advance(task)
    return came, reprocessed


def _upload(step: Told, *, folder: Path, login: Login, port: int) -> Came:
    """Uploads as the partner would, waits for the result and reads it back."""
    with _sftp(login, port=port) as sftp:
        target = PurePosixPath("/") / step["as"]
        if str(target.parent) not in ("/", "/incoming"):
            sftp.mkdir(str(target.parent))
        before = set(sftp.listdir("/receipts"))
        sftp.put(str(folder / step["file"]), str(target), confirm=True)
        result = _awaited(sftp, before=before, name=target.name)
        receipt = json.loads(_read(sftp, result))
        rejects = _read(sftp, receipt["rejects_file"]) if receipt["rejects_file"] else b""
    return Came(step=step, receipt=receipt, rejects=rejects)


@contextmanager
def _sftp(login: Login, *, port: int) -> Iterator[paramiko.SFTPClient]:
    transport = paramiko.Transport(("127.0.0.1", port))
    try:
        transport.connect(username=login.partner, pkey=login.key)
        sftp = paramiko.SFTPClient.from_transport(transport)
        if sftp is None:
            raise TryAgain("the door opened no SFTP session")
        yield sftp
    finally:
        transport.close()


def _awaited(sftp: paramiko.SFTPClient, *, before: set[str], name: str) -> str:
    until = time.monotonic() + _RECEIPT_WAIT
    while time.monotonic() < until:
        for found in set(sftp.listdir("/receipts")) - before:
            if found.startswith(f"{name}.") and found.endswith(".result.json"):
                return found
        time.sleep(_LOOK_EVERY)
    raise TryAgain(f"no receipt for {name} after {_RECEIPT_WAIT:.0f} s")


def _read(sftp: paramiko.SFTPClient, name: str) -> bytes:
    with sftp.open(f"/receipts/{name}", "rb") as stream:
        return stream.read()


def _reprocess(home: Path) -> Told:
    done = subprocess.run(  # noqa: S603 - our own program
        _meterdrop(home, "reprocess", "--json"), capture_output=True, check=False
    )
    if not done.stdout:
        raise TryAgain(f"reprocess failed: {done.stderr.decode(errors='replace')}")
    told: Told = json.loads(done.stdout)
    return told


def _show(out: Console, *, came: Sequence[Came], reprocessed: Told) -> None:
    table = Table(
        "partner",
        "file",
        "what it is",
        "verdict",
        "accepted",
        "quarantined",
        "duplicate",
        header_style="bold",
    )
    for one in came:
        lines = one.receipt["lines"]
        table.add_row(
            one.receipt["partner"],
            one.receipt["file"],
            one.step["say"],
            one.receipt["verdict"],
            str(lines["accepted"]),
            str(lines["quarantined"]),
            str(lines["duplicate"]),
        )
    out.print(table)
    for one in came:
        _show_findings(out, one)
    if reprocessed:
        out.print(
            f"[bold]reprocess[/bold], after the register has grown: {reprocessed['accepted']} more lines accepted, "
            f"{reprocessed['still_failing']} still fail"
        )


def _show_findings(out: Console, one: Came) -> None:
    errors = [finding for finding in one.receipt["findings"] if finding["severity"] == "error"]
    if not errors:
        return
    table = Table("line", "column", "code", "what and what to do", header_style="bold")
    table.title = f"{one.receipt['file']}: why lines were set aside"
    table.title_justify = "left"
    for finding in errors[:_SHOWN]:
        words = f"{finding['message']} {finding['fix']}".replace("[", r"\[")
        table.add_row(str(finding["line"] or ""), finding["column"] or "", finding["code"], words)
    out.print(table)
    if one.rejects:
        out.print(f"{len(one.rejects.splitlines()) - 1} lines went back in {one.receipt['rejects_file']}")


def _differences(came: Sequence[Came], *, plan: Told, reprocessed: Told) -> list[str]:
    problems = []
    for one in came:
        for name, wanted in one.step.get("expected", {}).items():
            if one.receipt[name] != wanted:
                problems.append(f"{one.receipt['file']}: {name} is {one.receipt[name]}, not {wanted}")
    for step in plan["steps"]:
        if step.get("reprocess"):
            for name, wanted in step.get("expected", {}).items():
                if reprocessed.get(name) != wanted:
                    problems.append(f"reprocess: {name} is {reprocessed.get(name)}, not {wanted}")
    return problems
