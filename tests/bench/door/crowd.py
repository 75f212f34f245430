"""Five hundred who do nothing: connections with an SFTP session each, held by a process of its own.

python -m tests.bench.door.crowd --port PORT --key FILE --users USER... --sessions 500
"""

import argparse
import asyncio
import sys

import asyncssh

from tests.bench.door.clients import AES, KEX
from tests.integration.door.house import HOST

_AT_ONCE = 20


async def _stay(told: argparse.Namespace) -> None:
    turn = asyncio.Semaphore(_AT_ONCE)
    held = []

    async def come(number: int) -> None:
        async with turn:
            connection = await asyncssh.connect(
                HOST, told.port, username=told.users[number % len(told.users)], client_keys=[told.key],
                known_hosts=None, config=None, agent_path=None, kex_algs=[KEX], encryption_algs=[AES],
            )  # fmt: skip
            client = await connection.start_sftp_client()
            await client.realpath(".")
            held.append((connection, client))

    await asyncio.gather(*(come(number) for number in range(told.sessions)))
    print("here", flush=True)
    await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    """Come, say so, and stay until standard input ends."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--port", type=int, required=True)
    words.add_argument("--key", required=True)
    words.add_argument("--users", nargs="+", required=True)
    words.add_argument("--sessions", type=int, default=500)
    asyncio.run(_stay(words.parse_args()))


if __name__ == "__main__":
    main()
