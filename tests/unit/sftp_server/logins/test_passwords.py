"""Are passwords checked rightly, dearly enough, and not too dearly?"""

import asyncio
import itertools
import threading

import argon2
import bcrypt
import pytest
from argon2.exceptions import VerifyMismatchError
from argon2.low_level import Type, hash_secret

from sftp_server.logins.passwords import Decoys, PasswordChecks, PasswordHash, read_hash
from sftp_server.refusals import Unusable

ARGON2 = argon2.PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1).hash("žluťoučký kůň")
BCRYPT = bcrypt.hashpw("žluťoučký kůň".encode(), bcrypt.gensalt(10)).decode()


@pytest.mark.parametrize(
    "text", [ARGON2, BCRYPT, "$2y$" + BCRYPT[4:]], ids=["argon2id", "bcrypt", "bcrypt 2y"]
)
def test_only_the_password_itself_fits(text: str) -> None:
    stored = read_hash(text)
    assert stored.fits("žluťoučký kůň")
    for wrong in ("žluťoučký kun", "", "žluťoučký kůň ", "\0", "x" * 5000):
        assert not stored.fits(wrong)
    assert text not in repr(stored)


def test_bcrypt_never_takes_the_beginning_of_a_password_for_the_whole() -> None:
    stored = read_hash(bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(10)).decode())
    assert stored.fits("x" * 72)
    assert not stored.fits("x" * 73)


def argon2_hash(memory: int, rounds: int, lanes: int = 1, kind: str = "argon2id") -> str:
    return ARGON2.replace("m=19456,t=2,p=1", f"m={memory},t={rounds},p={lanes}").replace("argon2id", kind)


@pytest.mark.parametrize(
    "text",
    [argon2_hash(4 * 1024 * 1024, 1), argon2_hash(65536, 1000), argon2_hash(65536, 3, 200), argon2_hash(65536, 3, 0),
     argon2_hash(8, 1), argon2_hash(19456, 1), argon2_hash(65536, 3, kind="argon2i"), argon2_hash(65536, 3, kind="argon2d"),
     "$2b$31$" + BCRYPT[7:], "$2b$04$" + BCRYPT[7:], BCRYPT[:-1], ARGON2 + "=", ARGON2 + "\n", "", "secret", "$1$abc$def", "{PLAIN}x"],
    ids=itertools.count(1),
)  # fmt: skip
def test_hashes_that_are_too_weak_too_dear_or_none_are_refused_and_never_repeated(text: str) -> None:
    with pytest.raises(Unusable) as refused:
        read_hash(text)
    assert len(text) < 8 or text not in str(refused.value)


def test_a_decoy_is_as_dear_as_a_partners_hash_and_nothing_fits_it() -> None:
    decoys = Decoys(b"secret")
    decoys.take_after([PasswordHash(ARGON2), PasswordHash(BCRYPT)])
    found = {name: decoys.for_name(name) for name in map(str, range(20))}
    shapes = {text.text[:30] if text.text.startswith("$argon2") else text.text[:7] for text in found.values()}
    assert shapes == {ARGON2[:30], "$2b$10$"}
    assert found == {name: decoys.for_name(name) for name in found}
    assert not found["0"].fits("x")
    for one in found.values():
        assert read_hash(one.text) == one
        if one.text.startswith("$argon2"):  # the whole work is done, and only then is it found to be another
            with pytest.raises(VerifyMismatchError):
                argon2.PasswordHasher().verify(one.text, "x")


def test_no_more_passwords_are_checked_at_once_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most = 0, 0
    lock, meeting = threading.Lock(), threading.Barrier(2)

    def fits(_: PasswordHash, password: str) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        meeting.wait(timeout=5)  # two come together, or this fails
        with lock:
            running -= 1
        return True

    monkeypatch.setattr(PasswordHash, "fits", fits)
    checks = PasswordChecks(at_once=2)

    async def check_six() -> None:
        await asyncio.gather(
            *(checks.fits(PasswordHash(ARGON2), "x", source=str(place)) for place in range(6))
        )

    asyncio.run(check_six())
    checks.close()
    assert most == 2


def test_who_guesses_much_holds_up_others_for_one_check_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if it does not wait for its answers: a check that was broken off keeps its source's turn until it ends."""
    checked: list[str] = []
    gate = threading.Event()

    def fits(_: PasswordHash, password: str) -> bool:
        checked.append(password)
        return gate.wait(timeout=5)

    monkeypatch.setattr(PasswordHash, "fits", fits)
    checks = PasswordChecks(at_once=2)

    async def begun(password: str) -> None:
        while password not in checked:
            await asyncio.sleep(0.005)

    async def guess_and_come() -> None:
        guesses = [
            asyncio.create_task(checks.fits(PasswordHash(ARGON2), f"guess {number}", source="192.0.2.1"))
            for number in range(50)
        ]
        await begun("guess 0")
        for guess in guesses[:5]:
            guess.cancel()
        partner = asyncio.create_task(checks.fits(PasswordHash(ARGON2), "partner", source="192.0.2.2"))
        await begun("partner")
        assert checked == ["guess 0", "partner"]
        gate.set()
        assert await partner
        await asyncio.gather(*guesses, return_exceptions=True)

    asyncio.run(asyncio.wait_for(guess_and_come(), timeout=10))
    checks.close()
    assert checked == ["guess 0", "partner", *(f"guess {number}" for number in range(5, 50))]


def test_a_hash_of_the_least_allowed_work_is_taken() -> None:
    text = hash_secret(
        b"x", b"0123456789abcdef", time_cost=5, memory_cost=7 * 1024, parallelism=1, hash_len=16, type=Type.ID
    )
    assert read_hash(text.decode()).fits("x")
