"""x."""

from datetime import datetime


def main(*, started: datetime) -> int:
    """X."""
    return 0
