"""Is a partner told of an upload that never finished? From the cut to the receipt in its own folder."""

import json
from pathlib import Path

import pytest

from tests.homes import Homes
from tests.road.pipeline_rig import wait_for
from tests.road.up_rig import Up, readings
from tests.tables import NoteRow

pytestmark = pytest.mark.road


def test_uploads_that_never_finish_are_told_in_receipts(
    homes: Homes, tmp_path: Path, note_row: NoteRow
) -> None:
    """One was cut, one was never given its final name; the latter is taken when it gets it after all."""
    up = Up(tmp_path / "home", homes=homes)
    (up.home / "door.toml").write_text("part_expires = 0.3\nsweep_every = 0.1\ntidy_every = 0.1\n")
    key = up.add_partner("gamma")
    content = readings(["90001", "90002"])
    with up.running():
        with up.paramiko("gamma", key) as sftp:
            handle = sftp.open("/incoming/cut.csv", "wb")  # named, for paramiko closes what nobody holds
            handle.write(content[:40])
            sftp.stat("/incoming/cut.csv")
            channel = sftp.get_channel()
            assert channel is not None
            channel.get_transport().sock.close()
        with up.paramiko("gamma", key) as sftp:
            with sftp.open("/incoming/named.csv.part", "wb") as stream:
                stream.write(content)
            told = {name: up.result("gamma", name) for name in ("cut.csv", "named.csv.part")}
            for receipt in told.values():
                assert (receipt["verdict"], receipt["findings_by_code"]) == (
                    "incomplete",
                    {"file.incomplete": 1},
                )
            assert told["cut.csv"]["bytes"] == 40
            seen = [name for name in sftp.listdir("/receipts") if name.endswith(".result.json")]
            assert len(seen) == 2
            with sftp.open(f"/receipts/{seen[0]}") as stream:
                assert json.loads(stream.read())["verdict"] == "incomplete"
            assert sftp.listdir("/incoming") == ["named.csv.part"]
            sftp.posix_rename("/incoming/named.csv.part", "/incoming/named.csv")
            taken = wait_for(lambda: up.results("gamma", "named.csv") or None, what="the result of named.csv")
    assert [one["bytes"] for one in taken] == [len(content)]
    for what, end in (("cut and never resumed", "receipt: incomplete"), ("never renamed from .part", "receipt: incomplete; taken when renamed")):  # fmt: skip
        note_row(
            "interruptions",
            **{"what happened": what, "handed over": "nothing", "kept for resume": "for part_expires", "resumed by": "-", "in the end": end},
        )  # fmt: skip
