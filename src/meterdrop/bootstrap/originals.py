"""Where are originals kept, and what opens it? A folder needs nothing; a bucket needs keys, which are never told."""

import os
import ssl
import stat
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog
from pydantic import SecretStr

from meterdrop.model.errors import StopAtStart, TryAgain
from meterdrop.receive.bucket import Bucket, Keys, Place
from meterdrop.receive.bucket_answers import BucketRefuses
from meterdrop.receive.originals import Originals
from meterdrop.settings import CREDENTIALS, Settings

log = structlog.get_logger()

_S3: Final = "s3://"
_PROFILE: Final = "default"
_QUICK_SECONDS: Final = 5.0
_WAYS_OF_AWS: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""One of these is set where obstore finds credentials by itself, without asking the machine for its role."""
_NOT_FOR_ALL: Final = stat.S_IRWXO | stat.S_IWGRP


def originals_of(settings: Settings) -> Originals:
    """The store of originals that the settings name; `StopAtStart` if they can't mean any."""
    bucket = bucket_of(settings)
    if bucket is not None:
        return Originals(where=bucket)
    return Originals(where=Path(settings.originals or settings.home / "originals"))


def bucket_of(settings: Settings) -> Bucket | None:
    """The bucket that the settings name; None if originals are in a folder."""
    place = _place(settings)
    return None if place is None else Bucket(place, keys=_checked(_keys(settings)))


def _quick(settings: Settings) -> Bucket | None:
    """The same, asked once and not for long: a start, or a person, is not to wait for who never answers."""
    place = _place(settings)
    if place is None:
        return None
    place = replace(place, seconds=min(place.seconds, _QUICK_SECONDS), retries=0)
    return Bucket(place, keys=_checked(_keys(settings)))


def _place(settings: Settings) -> Place | None:
    if settings.originals is None or not settings.originals.startswith(_S3):
        return None
    name, _, prefix = settings.originals.removeprefix(_S3).partition("/")
    endpoint = settings.originals_endpoint
    return Place(
        bucket=name,
        prefix=prefix.strip("/") or None,
        endpoint=None if endpoint is None else endpoint.rstrip("/"),
        region=settings.originals_region,
        path_style=settings.originals_path_style,
        http=settings.originals_http,
        authorities=_authorities(settings.originals_authorities),
        seconds=settings.originals_seconds,
    )


def problems_of_originals(settings: Settings) -> list[str]:
    """Why originals can't be kept where the settings say: something small is written there and read back.

    A folder is not tried. `TryAgain` if the store is only away; that is waited for no longer than some seconds.
    """
    try:
        bucket = _quick(settings)
        if bucket is not None:
            bucket.try_out()
    except StopAtStart as error:
        return list(error.problems)
    except BucketRefuses as refused:
        return [str(refused)]
    return []


def check_originals(settings: Settings) -> None:
    """Before the service starts: `StopAtStart` with what a person must mend. A store that is away is waited for later."""
    try:
        problems = problems_of_originals(settings)
    except TryAgain as away:
        log.warning("originals.away", why=str(away))
        return
    if problems:
        raise StopAtStart(problems)


def trouble_with_originals(settings: Settings) -> tuple[str, ...]:
    """Why originals can't be got at just now, for `status`; nothing if they can."""
    try:
        bucket = _quick(settings)
        if bucket is not None:
            bucket.look()
    except StopAtStart as error:
        return error.problems
    except TryAgain as error:
        return (str(error),)
    return ()


def _authorities(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        told = path.read_bytes()
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=told.decode("ascii"))
    except (ssl.SSLError, ValueError):
        raise StopAtStart([f"originals_authorities: {path} holds no certificates (PEM)"]) from None
    except OSError as error:
        raise StopAtStart([f"originals_authorities: {path} can't be read: {error.strerror}"]) from error
    return told


def _keys(settings: Settings) -> Keys | None:
    """Ours from the environment, then those of the file; None: obstore finds some in the ways of AWS."""
    given = (settings.originals_access_key_id, settings.originals_secret_access_key)
    if any(given):
        return _given(*given, token=settings.originals_session_token)
    file = settings.originals_credentials or settings.home / CREDENTIALS
    if settings.originals_credentials is not None or file.exists():
        return _kept(file)
    if settings.originals_machine_role or any(name in os.environ for name in _WAYS_OF_AWS):
        return None
    raise StopAtStart(
        [
            f"originals: there are no credentials for {settings.originals}: put them into {file} (mode 0600), or into the "
            "environment (METERDROP_ORIGINALS_ACCESS_KEY_ID and METERDROP_ORIGINALS_SECRET_ACCESS_KEY, or AWS_…); on a "
            "machine of AWS with a role set originals_machine_role = true"
        ]
    )


def _checked(keys: Keys | None) -> Keys | None:
    """Keys that can be sent in the words of a request: with others obstore falls over."""
    for word in () if keys is None else (keys.id, keys.secret, keys.token or "-"):
        if not word or not all("!" <= letter <= "~" for letter in word):
            raise StopAtStart(["originals: a key is empty, or holds letters that no key has: copy it again"])
    return keys


def _given(id: SecretStr | None, secret: SecretStr | None, *, token: SecretStr | None) -> Keys:
    if id is None or secret is None:
        raise StopAtStart(
            [
                "originals: METERDROP_ORIGINALS_ACCESS_KEY_ID and METERDROP_ORIGINALS_SECRET_ACCESS_KEY: set both, or neither"
            ]
        )
    return Keys(
        id=id.get_secret_value(),
        secret=secret.get_secret_value(),
        token=None if token is None else token.get_secret_value(),
    )


def _kept(file: Path) -> Keys:
    """The keys of a file as AWS's tools write them, section `default`."""
    import configparser  # only where there is such a file

    told = configparser.ConfigParser(interpolation=None, default_section="nothing is a default")
    try:
        with file.open(encoding="utf-8") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if mode & _NOT_FOR_ALL:
                raise StopAtStart(
                    [
                        f"{file} can be read by everybody or written by its group ({stat.filemode(mode)}): chmod 600 {file}"
                    ]
                )
            told.read_file(stream)
        found = told[_PROFILE]
        return Keys(
            id=found["aws_access_key_id"],
            secret=found["aws_secret_access_key"],
            token=found.get("aws_session_token"),
        )
    except OSError as error:
        raise StopAtStart([f"{file} can't be read: {error.strerror}"]) from error
    except (KeyError, ValueError, configparser.Error):
        problem = f"{file} must have a section [{_PROFILE}] with aws_access_key_id and aws_secret_access_key"
    raise StopAtStart([problem])
