"""Which ways can the door say no?"""


class Refused(Exception):
    """Not allowed: the partner may not do this, whatever it tries. Answered as "permission denied", audited."""


class CannotTake(Exception):
    """Allowed, but impossible now: too large, holes in the file, taken over by another session. Audited."""


class StopAtStart(Exception):
    """The door cannot start as it is set up; the message says what to do."""


class Unusable(Exception):
    """A key, certificate, hash or date that cannot be used; says why, and never repeats a secret."""
