"""What does a bucket's answer mean? Who is away comes back; what is refused needs a person. No answer is told as it came.

The words of a store quote keys, signatures and whole requests: nothing of them is passed on but codes that are known here.
"""

import re
from typing import Final

from meterdrop.model.errors import TryAgain

_STATUS: Final = re.compile(r"status code: (\d{3})")
_CODE: Final = re.compile(r"<Code>(\w{1,60})</Code>")
_ELSEWHERE: Final = "the bucket is in another region: set `originals_region`"
_KEYS: Final = "Mend the credentials (docs/operations.md, originals on S3)"
_REFUSALS: Final = {
    "NoSuchBucket": "there is no such bucket: make it, or mend `originals`",
    "InvalidBucketName": "no bucket can have this name: mend `originals`",
    "AccessDenied": "the credentials lack the right to do that: grant what docs/operations.md lists",
    "AllAccessDisabled": "the store has closed this account",
    "InvalidAccessKeyId": f"the store does not know the access key. {_KEYS}",
    "SignatureDoesNotMatch": f"the secret does not fit the access key. {_KEYS}",
    "ExpiredToken": f"the session token has expired. {_KEYS}",
    "InvalidToken": f"the session token is not valid. {_KEYS}",
    "RequestTimeTooSkewed": "the clock of this machine and the store's differ too much: set them right",
    "PermanentRedirect": _ELSEWHERE,
    "AuthorizationHeaderMalformed": _ELSEWHERE,
    "IllegalLocationConstraintException": _ELSEWHERE,
    "QuotaExceeded": "the store's quota is used up: make room, or have it raised",
}
_BY_STATUS: Final = {
    301: _ELSEWHERE,
    307: _ELSEWHERE,
    401: f"the store asks for other credentials. {_KEYS}",
    403: _REFUSALS["AccessDenied"],
}
_PASSING: Final = frozenset(
    {"SlowDown", "RequestTimeout", "ServiceUnavailable", "InternalError", "Throttling"}
)
_LEAST_OF_SERVER: Final = 500
_TOO_MANY: Final = 429
_TOO_LATE: Final = 408
_UNREACHED: Final = (
    (
        "Certificate",
        "its certificate is not trusted: name the file of its authority as `originals_authorities`",
        True,
    ),
    ("InvalidContentType", "it speaks no TLS: is `originals_endpoint` an http:// address?", True),
    ("BadScheme", "http:// is not allowed: use https://, or set `originals_http`", True),
    ("ConnectionRefused", "nobody listens there: is the store up, and `originals_endpoint` right?", False),
    ("dns error", "no such host: is `originals_endpoint` right, and the name server up?", False),
    ("TimedOut", "it did not answer in time", False),
)


class BucketRefuses(TryAgain):
    """The store will not do it before a person has mended something; the text says what."""


def understood(told: str, *, where: str, act: str) -> TryAgain:
    """What the words of a failed request come to; `where` is the bucket, `act` what was to be done there."""
    status = _STATUS.search(told)
    code = _CODE.search(told)
    known, lasts = (
        _unreached(told) if status is None else _answered(int(status[1]), code=code[1] if code else None)
    )
    kind = BucketRefuses if lasts else TryAgain
    return kind(f"the originals in {where}: can't {act}: {known}")


def is_missing(told: str) -> bool:
    """Whether the store says that there is no such object. The answer to HEAD has no words: the bucket may be missing, too."""
    status, code = _STATUS.search(told), _CODE.search(told)
    if status is None or status[1] != "404":
        return False
    return "performing HEAD" in told if code is None else code[1] == "NoSuchKey"


def is_past_the_end(told: str) -> bool:
    """Whether the range asked for begins where the object has ended: of an empty one each does."""
    status = _STATUS.search(told)
    return status is not None and status[1] == "416"


def _answered(status: int, *, code: str | None) -> tuple[str, bool]:
    if code in _REFUSALS:
        return _REFUSALS[code], True
    if code in _PASSING or status >= _LEAST_OF_SERVER or status in (_TOO_MANY, _TOO_LATE):
        return f"the store is busy or ill ({status}{_named(code)})", False
    if status in _BY_STATUS:
        return _BY_STATUS[status], True
    if code is None:
        return f"what answered ({status}) speaks no S3: is `originals_endpoint` right?", True
    return f"the store refuses it ({status}{_named(code)})", True


def _named(code: str | None) -> str:
    return "" if code is None else f" {code}"


def _unreached(told: str) -> tuple[str, bool]:
    for word, meaning, lasts in _UNREACHED:
        if word in told:
            return meaning, lasts
    return "the connection broke", False
