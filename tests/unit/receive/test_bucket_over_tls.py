"""A store of one's own has a certificate of one's own: it is trusted when its authority is named, and told if not."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from meterdrop.receive.bucket import Bucket, Place
from meterdrop.receive.bucket_answers import BucketRefuses
from tests.s3 import KEYS

EMPTY = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: x\r\nLast-Modified: Sun, 29 Nov 2026 07:00:00 GMT\r\n"
    b"Connection: close\r\n\r\n"
)
"""What a store says of an empty object."""
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Authority of the tests")])


def signed(
    key: ec.EllipticCurvePrivateKey, *, by: ec.EllipticCurvePrivateKey, name: x509.Name
) -> x509.Certificate:
    """A certificate of a key; that of the authority itself if it is signed by the same."""
    authority = key is by
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(NAME, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(here, critical=False)
        .sign(by, SHA256())
    )


@contextmanager
def secure(folder: Path) -> Iterator[tuple[str, bytes]]:
    """A store behind TLS: its endpoint, and its authority (PEM)."""
    ours, theirs = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    server = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "store")])
    pem = theirs.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = folder / "server.pem"
    chain.write_bytes(pem + signed(theirs, by=ours, name=server).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_answer, args=(listener, context), daemon=True).start()
        authority = signed(ours, by=ours, name=NAME).public_bytes(Encoding.PEM)
        yield f"https://127.0.0.1:{listener.getsockname()[1]}", authority
        listener.shutdown(socket.SHUT_RDWR)


def _answer(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            end, _ = listener.accept()
        except OSError:
            return
        with end, suppress(OSError), context.wrap_socket(end, server_side=True) as talk:
            talk.recv(65536)
            talk.sendall(EMPTY)


def test_authority_of_ones_own_is_trusted_when_it_is_named_only(tmp_path: Path) -> None:
    with secure(tmp_path) as (endpoint, authority):
        place = Place(bucket="kept", endpoint=endpoint, authorities=authority, retries=0)
        assert Bucket(place, keys=KEYS).size("x") == 0

        with pytest.raises(BucketRefuses, match="`originals_authorities`"):
            Bucket(replace(place, authorities=None), keys=KEYS).size("x")
