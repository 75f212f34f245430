"""How is the door set up? Read once, from door.toml and the command line, and never changed."""

import ipaddress
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from sftp_server.refusals import StopAtStart

MIB = 1024 * 1024


@dataclass(frozen=True)
class Settings:
    """Every field but `home` and `crash_at` may be set in <home>/door.toml; times are in seconds, if not said otherwise."""

    home: Path
    host: str = "0.0.0.0"  # noqa: S104 - partners come from outside; `--host` narrows it
    port: int = 2222
    login_timeout: float = 30
    idle_timeout: float = 15 * 60
    keepalive: float = 30
    tries_per_connection: int = 6
    password_checks_at_once: int = 2
    connections_per_partner: int = 20
    handles_per_partner: int = 100
    names_per_partner: int = 250_000
    """Names in folders that are open for listing, all together."""
    channels_per_connection: int = 10
    channels_per_partner: int = 40
    connections_before_login: int = 100
    connections_before_login_per_address: int = 25
    connections_per_second: float = 10
    ban_score: int = 30
    ban_window: float = 30 * 60
    ban_time: float = 30 * 60
    never_banned: tuple[str, ...] = ()
    max_file_bytes: int = 520 * MIB
    bytes_per_partner: int = 20 * 1024 * MIB
    files_per_partner: int = 100_000
    free_disk_floor: int = 256 * MIB
    part_expires: float = 24 * 60 * 60
    sweep_every: float = 60
    keep_files: float = 90
    """Days that finished files stay listed; 0 is for ever."""
    tidy_every: float = 10 * 60
    reload_every: float = 1
    drain: float = 30
    wait_for_home: float = 45
    metrics: bool = False
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9722
    legacy_macs: bool = False
    crash_at: str | None = None
    """Tests only: the named point of finishing at which the process kills itself."""


_NOT_IN_FILE = {"home", "crash_at"}


def read_settings(home: Path, *, host: str | None, port: int | None, crash_at: str | None) -> Settings:
    """Defaults, then <home>/door.toml, then the command line; raises `StopAtStart` with every problem at once."""
    chosen: dict[str, object] = {}
    file = home / "door.toml"
    if file.exists():
        try:
            chosen = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise StopAtStart(
                f"{file} is not TOML: {error}. Correct it, or remove it for the defaults."
            ) from error
    kinds = {field.name: field.type for field in fields(Settings) if field.name not in _NOT_IN_FILE}
    problems = [problem for key, value in chosen.items() if (problem := _problem(key, value, kinds))]
    if problems:
        raise StopAtStart(f"{file}: " + "; ".join(problems))
    chosen = {key: tuple(value) if isinstance(value, list) else value for key, value in chosen.items()}
    if host is not None:
        chosen["host"] = host
    if port is not None:
        chosen["port"] = port
    return Settings(home=home, crash_at=crash_at, **chosen)  # type: ignore[arg-type]  # kinds are checked above


def _problem(key: str, value: object, kinds: dict[str, object]) -> str | None:
    """What is wrong with one line of door.toml, or None."""
    if key not in kinds:
        return f"'{key}' is not a setting (known: {', '.join(sorted(kinds))})"
    kind = kinds[key]
    if kind is bool or kind is str:
        fits = isinstance(value, bool if kind is bool else str)
        return None if fits else f"'{key}' must be {'true or false' if kind is bool else 'a text'}"
    if kind == tuple[str, ...]:
        return _problem_of_networks(key, value)
    allowed = (int,) if kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, allowed) or value < 0:
        return f"'{key}' must be a number, zero or more"
    return None


def _problem_of_networks(key: str, value: object) -> str | None:
    if not isinstance(value, list) or not all(isinstance(network, str) for network in value):
        return f"'{key}' must be a list of networks, such as [\"192.0.2.0/24\"]"
    try:
        for network in value:
            ipaddress.ip_network(network)
    except ValueError as error:
        return f"'{key}': {error}"
    return None
