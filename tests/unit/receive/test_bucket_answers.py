"""What a store answers is told in words of ours, which name settings that there are."""

import re
from pathlib import Path

import pytest

from meterdrop.receive import bucket_answers
from meterdrop.receive.bucket_answers import BucketRefuses, is_missing, is_past_the_end, understood
from meterdrop.settings import Settings


def answer(status: str, code: str | None = None, *, method: str = "GET") -> str:
    """As obstore tells it."""
    body = "" if code is None else f"<Error><Code>{code}</Code><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>"
    return f"Generic S3 error: Error performing {method} http://x/y in 1ms - Server returned non-2xx status code: {status}: {body}"


def test_settings_that_are_named_are_there() -> None:
    source = Path(bucket_answers.__file__).read_text(encoding="utf-8")
    assert set(re.findall("`(originals[a-z_]*)`", source)) <= Settings.model_fields.keys()


@pytest.mark.parametrize(
    ("told", "word"),
    [
        (answer("403 Forbidden", "AccessDenied"), "lack the right"),
        (answer("403 Forbidden", method="HEAD"), "lack the right"),
        (answer("403 Forbidden", "RequestTimeTooSkewed"), "clock"),
        (answer("400 Bad Request", "ExpiredToken"), "expired"),
        (answer("400 Bad Request", "AuthorizationHeaderMalformed"), "`originals_region`"),
        (answer("301 Moved Permanently", method="HEAD"), "`originals_region`"),
        (answer("404 Not Found", "NoSuchBucket"), "no such bucket"),
        (answer("404 Not Found"), "speaks no S3"),
        (answer("400 Bad Request", "SomethingNew"), "refuses it (400 SomethingNew)"),
    ],
)
def test_what_a_person_must_mend_is_told(told: str, word: str) -> None:
    failure = understood(told, where="s3://b", act="keep a file")
    assert isinstance(failure, BucketRefuses)
    assert word in str(failure)
    assert "AKIA" not in str(failure)


@pytest.mark.parametrize(
    "told",
    [
        answer("503 Service Unavailable", "SlowDown"),
        answer("500 Internal Server Error"),
        answer("429 Too Many Requests"),
        answer("408 Request Timeout"),
        answer("400 Bad Request", "RequestTimeout"),
        "HTTP error: error sending request TimedOut",
        "HTTP error: error decoding response body",
        "words that nobody knows",
    ],
)
def test_what_passes_is_worth_another_try(told: str) -> None:
    assert not isinstance(understood(told, where="s3://b", act="keep a file"), BucketRefuses)


def test_object_that_is_missing_is_told_from_a_bucket_that_is() -> None:
    assert is_missing(answer("404 Not Found", "NoSuchKey"))
    assert is_missing(answer("404 Not Found", method="HEAD"))
    assert not is_missing(answer("404 Not Found", "NoSuchBucket"))
    assert not is_missing(answer("403 Forbidden", "NoSuchKey"))
    assert not is_missing(answer("404 Not Found"))
    assert is_past_the_end(answer("416 Range Not Satisfiable", "InvalidRange"))
