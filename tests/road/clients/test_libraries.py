"""Do the libraries that partners write programs with get what they expect? paramiko and asyncssh."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from tests.road.clients.conftest import Seen
from tests.road.clients.rig import HOST, PARTNER, SERIALS, Road
from tests.road.up_rig import readings

pytestmark = pytest.mark.road


@asynccontextmanager
async def asyncssh_client(road: Road) -> AsyncIterator[asyncssh.SFTPClient]:
    """asyncssh's SFTP client."""
    async with (
        asyncssh.connect(
            HOST, road.up.port, username=PARTNER, client_keys=[str(road.key)], known_hosts=None, config=None,
            agent_path=None,
        ) as connection,
        connection.start_sftp_client() as client,
    ):  # fmt: skip
        yield client


@pytest.mark.table("clients", client="paramiko", does="put with confirm, listdir_attr, get of the receipt")
def test_paramiko_puts_with_confirm_and_fetches_the_receipt(road: Road, seen: Seen, tmp_path: Path) -> None:
    file = road.file(tmp_path, "odečty říjen paramiko.csv", large=True)

    with road.up.paramiko(PARTNER, road.key) as sftp:
        status = sftp.put(str(file), f"/incoming/{file.name}", confirm=True)
        sizes = {entry.filename: entry.st_size for entry in sftp.listdir_attr("/incoming")}
        result = road.arrived(f"incoming/{file.name}", file.read_bytes())
        sftp.get(f"/receipts/{road.receipt(result)}", str(tmp_path / "r.json"), prefetch=True)

    assert status.st_size == sizes[file.name] == file.stat().st_size
    assert json.loads((tmp_path / "r.json").read_bytes()) == result
    seen("no error", result)


@pytest.mark.table("clients", client="paramiko", does="chdir, normalize, putfo as .part, posix_rename")
def test_paramiko_works_in_a_folder_and_renames(road: Road, seen: Seen) -> None:
    content = road.content()

    with road.up.paramiko(PARTNER, road.key) as sftp:
        sftp.mkdir("/incoming/paramiko")
        sftp.chdir("/incoming/paramiko")
        assert sftp.normalize(".") == sftp.getcwd() == "/incoming/paramiko"
        assert sftp.normalize("../../receipts") == "/receipts"
        sftp.putfo(io.BytesIO(content), "renamed-paramiko.csv.part")
        assert road.hand_overs("incoming/paramiko/renamed-paramiko.csv.part") == 0
        sftp.posix_rename("renamed-paramiko.csv.part", "renamed-paramiko.csv")
        assert sftp.listdir() == ["renamed-paramiko.csv"]

    seen("no error", road.arrived("incoming/paramiko/renamed-paramiko.csv", content))


@pytest.mark.table("clients", client="paramiko", does="open(…, 'a') after a cut")
def test_paramiko_appends_to_a_cut_upload(road: Road, seen: Seen) -> None:
    content = road.content(large=True)
    road.cut("incoming/appended-paramiko.csv", content)

    with road.up.paramiko(PARTNER, road.key) as sftp:
        part = sftp.stat("/incoming/appended-paramiko.csv").st_size
        assert part is not None
        assert 0 < part <= len(content) // 2
        with sftp.open("/incoming/appended-paramiko.csv", "ab") as rest:
            rest.write(content[part:])

    seen("no error", road.arrived("incoming/appended-paramiko.csv", content))


@pytest.mark.table("clients", client="paramiko", does="put over a file: both versions are loaded")
def test_paramiko_overwrites_and_both_versions_are_loaded(road: Road, seen: Seen) -> None:
    # Before all days that other tests tell of: neither version may fall or leap beside theirs.
    first = readings(SERIALS, day="2025-10-04")
    second = readings(SERIALS, day="2025-10-04", first=0)

    with road.up.paramiko(PARTNER, road.key) as sftp:
        for content in (first, second):
            sftp.putfo(io.BytesIO(content), "/incoming/overwritten.csv")
            times = 1 if content is first else 2
            result = road.arrived("incoming/overwritten.csv", content, times=times)

    assert result["findings_by_code"]["reading.correction"] == 20
    seen("no error", result, 2)


@pytest.mark.table("clients", client="asyncssh", does="put in 64 parallel blocks, get of the receipt")
def test_asyncssh_puts_in_parallel_blocks_and_fetches_the_receipt(
    road: Road, seen: Seen, tmp_path: Path
) -> None:
    file = road.file(tmp_path, "odečty říjen asyncssh.csv", large=True)

    async def put() -> None:
        async with asyncssh_client(road) as sftp:
            await sftp.put(
                str(file), f"/incoming/{file.name}", block_size=4096, max_requests=64, preserve=True
            )

    async def get(receipt: str) -> None:
        async with asyncssh_client(road) as sftp:
            await sftp.mget(f"/receipts/{receipt}", str(tmp_path))

    asyncio.run(put())

    result = road.arrived(f"incoming/{file.name}", file.read_bytes())
    asyncio.run(get(road.receipt(result)))
    assert json.loads((tmp_path / road.receipt(result)).read_bytes()) == result
    seen("no error", result)


@pytest.mark.table("clients", client="asyncssh", does="writes at offsets after a cut, without append")
def test_asyncssh_resumes_at_the_offset_where_it_was_cut(road: Road, seen: Seen) -> None:
    content = road.content(large=True)
    road.cut("incoming/resumed-asyncssh.csv", content)

    async def resume() -> None:
        async with (
            asyncssh_client(road) as sftp,
            sftp.open("/incoming/resumed-asyncssh.csv", "r+b") as stream,
        ):
            part = (await stream.stat()).size
            await stream.write(content[part:], offset=part)

    asyncio.run(resume())

    seen("no error", road.arrived("incoming/resumed-asyncssh.csv", content))
