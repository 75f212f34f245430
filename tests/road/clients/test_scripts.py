"""Do old Perl scripts and PHP programs get what they expect? Net::SFTP::Foreign and phpseclib."""

from pathlib import Path

import pytest

from tests.road.clients.conftest import Seen
from tests.road.clients.rig import PARTNER, Road, run

pytestmark = pytest.mark.road

_HERE = Path(__file__).parent


@pytest.mark.table("clients", client="Net::SFTP::Foreign", does="put, atomic, resume, rput, rename, rremove")
def test_perl_script_sends_resumes_and_renames(road: Road, seen: Seen, tmp_path: Path) -> None:
    file = road.file(tmp_path, "perl.csv", large=True)
    inner = road.file(tmp_path / "folder", "inner-perl.csv")
    road.cut("incoming/cut-perl.csv", file.read_bytes())

    done = run(
        "perl", str(_HERE / "send.pl"), str(road.up.port), str(file), "perl.csv", "cut-perl.csv",
        str(inner.parent), *road.ssh_options(),
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1:4] == [PARTNER, PARTNER, str(file.stat().st_size)]
    names = ("perl.csv", "atomic-perl.csv", "best-perl.csv", "perl/2026/inner-perl.csv")
    assert [road.hand_overs(f"incoming/{name}") for name in names] == [1, 1, 1, 1]
    road.arrived("incoming/perl/2026/inner-perl.csv", inner.read_bytes())
    first = road.audit("upload.finished", "incoming/cut-perl.csv")
    lost = road.audit("upload.lost", "incoming/cut-perl.csv")
    assert [line["upload"] for line in first] == [line["upload"] for line in lost]
    seen(done.returncode, road.arrived("incoming/perl.csv", file.read_bytes()), 5)


@pytest.mark.table("clients", client="phpseclib", does="put, resume, rename from .part, touch, delete")
def test_php_program_sends_resumes_and_renames(road: Road, seen: Seen, tmp_path: Path) -> None:
    file = road.file(tmp_path, "odečty říjen php.csv", large=True)
    road.cut("incoming/cut-php.csv", file.read_bytes())

    done = run(
        "php", str(_HERE / "send.php"), str(road.up.port), str(road.key), str(file), file.name, "cut-php.csv"
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == f"{file.stat().st_size}\n"
    names = (file.name, "cut-php.csv", f"php/2026/renamed-{file.name}")
    assert [road.hand_overs(f"incoming/{name}") for name in names] == [1, 1, 1]
    seen(done.returncode, road.arrived(f"incoming/{file.name}", file.read_bytes()), 3)
