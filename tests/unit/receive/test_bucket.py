"""In a bucket nothing is half, nothing is other than it was, and who is away is told without what must not be told."""

import hashlib
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import obstore
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from meterdrop.model.errors import TryAgain
from meterdrop.receive.bucket import PART, Bucket, Place
from meterdrop.receive.bucket_answers import BucketRefuses
from meterdrop.receive.originals import Originals
from tests.s3 import KEYS, Moto, Wire

SEVERAL_PARTS = bytes(range(256)) * 80_000
"""Over 16 MiB: three parts."""


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def written(path: Path, content: bytes) -> str:
    """A file of these bytes; their hash."""
    path.write_bytes(content)
    return sha256_of(content)


def named(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


@pytest.fixture
def content(tmp_path: Path) -> Path:
    return tmp_path / "content"


@pytest.fixture
def originals(bucket: Bucket) -> Originals:
    return Originals(where=bucket)


@pytest.fixture
def over_wire(place: Place, wire: Wire) -> Bucket:
    """The same bucket over a wire that can be cut, with nobody left alone for having been away."""
    return Bucket(
        replace(place, endpoint=wire.url, seconds=5.0, retries=1),
        keys=KEYS,
        passed=iter(range(0, 10**6, 10)).__next__,
    )


@settings(max_examples=15)
@given(block=st.binary(max_size=64), size=st.integers(0, 3 * PART))
@example(block=b"", size=0)
@example(block=b"ab", size=PART)
@example(block=b"ab", size=PART + 1)
@example(block=b"ab", size=2 * PART)
def test_any_bytes_come_back_as_they_were(
    block: bytes, size: int, originals: Originals, content: Path
) -> None:
    told = (block * (size // max(1, len(block)) + 1))[:size]
    sha256 = written(content, told)

    originals.keep(content=content, sha256=sha256)

    with originals.open(sha256) as stream:
        assert stream.read() == told
    assert b"".join(originals.chunks(sha256)) == told
    assert content.read_bytes() == told, "it is the caller's file"


def test_scratch_file_that_is_taken_is_gone(originals: Originals, content: Path) -> None:
    sha256 = written(content, b"x")
    originals.take(content=content, sha256=sha256)
    assert not content.exists()
    assert b"".join(originals.chunks(sha256)) == b"x"


@pytest.mark.parametrize("told", [b"x", SEVERAL_PARTS])
def test_what_is_there_is_not_sent_again(told: bytes, over_wire: Bucket, wire: Wire, content: Path) -> None:
    sha256 = written(content, told)
    over_wire.put(named(sha256), content=content, sha256=sha256)
    sent = wire.sent

    over_wire.put(named(sha256), content=content, sha256=sha256)

    assert wire.sent - sent < 2_000


def test_half_an_object_that_others_left_is_replaced(bucket: Bucket, content: Path) -> None:
    sha256 = written(content, b"whole")
    obstore.put(bucket.store, named(sha256), b"who")

    bucket.put(named(sha256), content=content, sha256=sha256)

    assert bucket.part(named(sha256), start=0) == (b"whole", 5)


@pytest.mark.parametrize("told", [b"y", SEVERAL_PARTS[1:]])
def test_file_that_changed_since_it_was_hashed_gets_no_name(
    told: bytes, bucket: Bucket, content: Path, s3: Moto, place: Place
) -> None:
    content.write_bytes(told)
    before = sha256_of(b"before it changed")

    with pytest.raises(TryAgain, match="changed"):
        bucket.put(named(before), content=content, sha256=before)

    assert bucket.size(named(before)) is None
    assert s3.unfinished(place.bucket) == 0


def test_missing_original_is_a_missing_file_as_in_a_folder(originals: Originals, tmp_path: Path) -> None:
    for where in (originals, Originals(where=tmp_path / "folder")):
        with pytest.raises(FileNotFoundError) as missing:
            where.open("ab" * 32)
        assert missing.value.errno == 2


@pytest.mark.parametrize("told", [b"x" * 1000, SEVERAL_PARTS])
def test_other_bytes_than_were_kept_are_never_read_to_their_end(
    told: bytes, bucket: Bucket, originals: Originals
) -> None:
    sha256 = sha256_of(told)
    obstore.put(bucket.store, named(sha256), told[:-1] + b"\x01")

    given = bytearray()
    with pytest.raises(OSError, match="not those that were kept"):
        read(originals, sha256, into=given)

    assert len(given) < len(told)


def read(originals: Originals, sha256: str, *, into: bytearray) -> None:
    """Little by little."""
    with originals.open(sha256) as stream:
        while block := stream.read(4096):
            into += block


def test_reading_goes_on_where_the_connection_broke(over_wire: Bucket, wire: Wire, content: Path) -> None:
    sha256 = written(content, SEVERAL_PARTS)
    over_wire.put(named(sha256), content=content, sha256=sha256)
    started = wire.received

    wire.break_when(lambda wire: wire.received > started + PART + PART // 2, times=2)

    assert b"".join(Originals(where=over_wire).chunks(sha256)) == SEVERAL_PARTS
    assert wire.received - started < len(SEVERAL_PARTS) + 2 * PART, "what had come was not fetched again"


def test_store_that_goes_away_in_mid_upload_has_all_of_it_when_it_is_back(
    over_wire: Bucket, wire: Wire, content: Path, bucket: Bucket
) -> None:
    sha256 = written(content, SEVERAL_PARTS)
    wire.break_when(lambda wire: wire.sent > PART)

    with pytest.raises(TryAgain) as away:
        over_wire.put(named(sha256), content=content, sha256=sha256)
    assert not isinstance(away.value, BucketRefuses)
    assert bucket.size(named(sha256)) is None, "half an object has no name"
    wire.mend()

    over_wire.put(named(sha256), content=content, sha256=sha256)
    assert b"".join(Originals(where=bucket).chunks(sha256)) == SEVERAL_PARTS


_SENDER = """
import sys
from pathlib import Path
from meterdrop.receive.bucket import Bucket, Keys, Place
endpoint, bucket, name, file = sys.argv[1:]
place = Place(bucket=bucket, prefix="kept/here", endpoint=endpoint, http=True)
Bucket(place, keys=Keys(id="a", secret="b")).put(name, content=Path(file), sha256=name[6:])
"""


def test_kill_in_mid_upload_leaves_nothing_under_the_name(
    place: Place, bucket: Bucket, wire: Wire, content: Path
) -> None:
    sha256 = written(content, SEVERAL_PARTS)
    words = [wire.url, place.bucket, named(sha256), str(content)]
    wire.hold(after=PART)
    sender = subprocess.Popen([sys.executable, "-c", _SENDER, *words])
    until = time.monotonic() + 30
    while wire.sent < PART and time.monotonic() < until:
        time.sleep(0.01)
    assert sender.poll() is None, "it is in the middle of it"

    sender.send_signal(signal.SIGKILL)
    sender.wait()

    assert bucket.size(named(sha256)) is None
    bucket.put(named(sha256), content=content, sha256=sha256)
    assert b"".join(Originals(where=bucket).chunks(sha256)) == SEVERAL_PARTS


def refused(bucket: Bucket) -> str:
    """What a bucket says that a person must mend; secrets are neither in it nor in its traceback."""
    with pytest.raises(BucketRefuses) as told:
        bucket.try_out()
    shown = "".join(traceback.format_exception(told.value))
    for secret in (KEYS.id, KEYS.secret, "AKIA", "<Error>", "Signature="):
        assert secret not in shown
    return str(told.value)


def test_keys_that_are_not_known_are_told(bucket: Bucket, s3: Moto) -> None:
    with s3.asking_for_keys():
        assert "does not know the access key" in refused(bucket)


def test_secret_that_does_not_fit_is_told(place: Place, s3: Moto) -> None:
    keys = s3.keys_without_rights()
    with s3.asking_for_keys():
        assert "secret does not fit" in refused(Bucket(place, keys=replace(keys, secret=KEYS.secret)))


def test_keys_without_the_right_are_told(place: Place, s3: Moto) -> None:
    keys = s3.keys_without_rights()
    with s3.asking_for_keys():
        assert "lack the right" in refused(Bucket(place, keys=keys))


def test_missing_bucket_is_told(place: Place) -> None:
    told = refused(Bucket(replace(place, bucket="not-there"), keys=KEYS))
    assert "there is no such bucket" in told
    assert "s3://not-there/kept/here at http://127.0.0.1" in told


def test_missing_bucket_is_not_taken_for_a_missing_original(place: Place) -> None:
    nowhere = Originals(where=Bucket(replace(place, bucket="not-there"), keys=KEYS))
    with pytest.raises(BucketRefuses, match="no such bucket"):
        nowhere.open("ab" * 32)


def test_server_that_is_no_store_is_told(place: Place, s3: Moto) -> None:
    elsewhere = Bucket(replace(place, endpoint=f"{s3.url}/moto-api/nothing"), keys=KEYS)
    assert "`originals_endpoint` right?" in refused(elsewhere)


def test_server_without_tls_is_told(place: Place, s3: Moto) -> None:
    secure = Bucket(replace(place, endpoint=s3.url.replace("http:", "https:"), retries=1), keys=KEYS)
    assert "speaks no TLS" in refused(secure)


def test_http_must_be_allowed(place: Place) -> None:
    assert "set `originals_http`" in refused(Bucket(replace(place, http=False), keys=KEYS))


def test_nobody_at_the_endpoint_is_worth_another_try(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nobody = Bucket(replace(place, endpoint=f"http://127.0.0.1:{port}", retries=1), keys=KEYS)

    with pytest.raises(TryAgain, match="nobody listens there") as away:
        nobody.look()

    assert not isinstance(away.value, BucketRefuses)


def test_endpoint_that_never_answers_holds_nobody_up(place: Place, wire: Wire) -> None:
    wire.hold()
    silent = Bucket(replace(place, endpoint=wire.url, seconds=0.2, retries=1), keys=KEYS)
    started = time.monotonic()

    with pytest.raises(TryAgain, match="did not answer in time"):
        silent.look()
    first = time.monotonic() - started
    with pytest.raises(TryAgain, match="did not answer in time"):
        silent.look()

    assert first < 15
    assert time.monotonic() - started - first < 0.1, "who was away a moment ago is not waited for"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"503 Slow Down", "busy or ill .503 SlowDown."),
        (b"500 Internal Server Error", "busy or ill .500 SlowDown."),
        (b"429 Too Many Requests", "busy or ill .429 SlowDown."),
    ],
)
def test_store_that_is_busy_is_worth_another_try(answer: bytes, told: str, place: Place) -> None:
    body = b"<Error><Code>SlowDown</Code><Secret>sesame</Secret></Error>"
    with answering(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (answer, len(body), body)) as url:
        busy = Bucket(replace(place, endpoint=url, retries=1), keys=KEYS)
        with pytest.raises(TryAgain, match=told) as away:
            busy.part("x", start=0)
    assert not isinstance(away.value, BucketRefuses)
    assert "sesame" not in "".join(traceback.format_exception(away.value))


@contextmanager
def answering(told: bytes) -> Iterator[str]:
    """A server that says the same to everybody; its endpoint."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_answer, args=(listener, told), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def _answer(listener: socket.socket, told: bytes) -> None:
    with suppress(OSError):
        while True:
            end, _ = listener.accept()
            with end:
                end.recv(65536)
                end.sendall(told)


def test_keys_are_not_shown() -> None:
    assert KEYS.secret not in repr(KEYS)
    assert KEYS.id not in repr(KEYS)


def test_store_is_named_by_its_host_where_that_is_asked_for(place: Place) -> None:
    hosted = replace(place, endpoint="https://s3.example.com", path_style=False, bucket="readings")
    assert hosted.address == "https://readings.s3.example.com"
    assert Bucket(hosted, keys=KEYS).store.config["virtual_hosted_style_request"]


def test_several_files_are_kept_together(originals: Originals, tmp_path: Path) -> None:
    told = [b"%d" % number * 1000 for number in range(20)] + [SEVERAL_PARTS]
    contents = {sha256_of(one): tmp_path / str(number) for number, one in enumerate(told)}
    for one, path in zip(told, contents.values(), strict=True):
        path.write_bytes(one)

    originals.put_all(contents)

    assert [b"".join(originals.chunks(sha256)) for sha256 in contents] == told


def test_one_of_several_that_cannot_be_kept_is_told(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    good, other = sha256_of(b"a"), sha256_of(b"b")
    with pytest.raises(TryAgain, match="changed"):
        Originals(where=bucket).put_all({other: tmp_path / "a", good: tmp_path / "a"})
    assert bucket.size(named(other)) is None


def test_what_is_forgotten_is_gone_and_may_be_forgotten_again(
    bucket: Bucket, originals: Originals, content: Path
) -> None:
    sha256 = written(content, b"x")
    originals.keep(content=content, sha256=sha256)
    assert b"".join(originals.chunks(sha256)) == b"x"
    for _ in range(2):
        bucket.forget(named(sha256))
    with pytest.raises(FileNotFoundError):
        originals.open(sha256)


def test_small_file_is_fetched_once_by_who_reads_it_again(
    over_wire: Bucket, wire: Wire, content: Path
) -> None:
    originals, told = Originals(where=over_wire), b"small" * 10_000
    sha256 = written(content, told)
    originals.keep(content=content, sha256=sha256)
    assert b"".join(originals.chunks(sha256)) == told
    received = wire.received

    assert b"".join(originals.chunks(sha256)) == told

    assert wire.received == received


def test_store_that_says_yes_and_keeps_nothing_is_not_believed(place: Place, content: Path) -> None:
    sha256 = written(content, b"whole")
    words = [
        "HTTP/1.1 200 OK",
        "Content-Length: 0",
        'ETag: "x"',
        "Last-Modified: Sun, 29 Nov 2026 07:00:00 GMT",
    ]
    with answering("\r\n".join([*words, "Connection: close", "", ""]).encode()) as url:
        forgetful = Bucket(replace(place, endpoint=url, retries=0), keys=KEYS)
        with pytest.raises(TryAgain, match="of 5 bytes sent 0 are there"):
            forgetful.put(named(sha256), content=content, sha256=sha256)
