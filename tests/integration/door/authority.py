"""An authority of certificates for tests: ssh-keygen's own, with keys made on the spot."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


def keygen(*words: str) -> str:
    """Run ssh-keygen quietly; what it printed."""
    done = subprocess.run(
        ["ssh-keygen", "-q", *words], capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_key(file: Path, *, kind: str = "ed25519", bits: str | None = None) -> Path:
    """A key pair without passphrase; made once."""
    if not file.exists():
        keygen(
            "-t",
            kind,
            *(("-b", bits) if bits else ()),
            "-f",
            str(file),
            "-N",
            "",
            "-C",
            f"{file.name} at work",
        )
    return file


@dataclass(frozen=True)
class Authority:
    """A key that signs."""

    file: Path

    @property
    def line(self) -> str:
        """Its public key."""
        return Path(f"{self.file}.pub").read_text().strip()

    def sign(
        self, key: Path, *options: str, principals: str | None = "techem", valid: str = "-1m:+1h", id: str = "robot",
        serial: int = 7, name: str = "",
    ) -> Path:  # fmt: skip
        """A certificate for a key's public half; the file of it."""
        public = Path(f"{key}.pub")
        named = () if principals is None else ("-n", principals)
        keygen(
            "-s", str(self.file), "-I", id, "-z", str(serial), "-V", valid, *named, *options, str(public)
        )  # fmt: skip
        made = public.with_name(f"{key.name}-cert.pub")
        return made if not name else made.rename(made.with_name(f"{name}-cert.pub"))
