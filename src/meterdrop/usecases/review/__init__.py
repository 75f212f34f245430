"""Quarantined lines before a reviewer: to look at, to correct, to accept, to close."""

from meterdrop.usecases.review.acts import Choice, Ended, Review
from meterdrop.usecases.review.looking import ReviewedLine

__all__ = ["Choice", "Ended", "Review", "ReviewedLine"]
