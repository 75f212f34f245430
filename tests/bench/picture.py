"""A curve as a picture: how long the first file took, and the ones after it."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

_WIDTH: Final = 720
_HEIGHT: Final = 320
_LEFT: Final = 56
_BELOW: Final = 40
_ABOVE: Final = 36


def curve(seconds: Sequence[float], *, title: str) -> str:
    """An SVG: a dot for each file, from 0 seconds up, and a line where 1.1 times the first one is."""
    top = max(*seconds, 1.1 * seconds[0]) * 1.15
    dots = [_dot(number, one, of=len(seconds), top=top) for number, one in enumerate(seconds)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in dots)
    level = _dot(0, 1.1 * seconds[0], of=1, top=top)[1]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">',
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
            f'<text x="{_LEFT}" y="20" font-size="14">{escape(title)}</text>',
            *_seconds(top),
            f'<line x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{level:.1f}" y2="{level:.1f}" stroke="#b45309" stroke-dasharray="6 4"/>',
            f'<text x="{_WIDTH - 20}" y="{level - 5:.1f}" text-anchor="end" fill="#b45309">1.1 times the first</text>',
            f'<polyline points="{line}" fill="none" stroke="#1d4ed8" stroke-width="2"/>',
            *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#1d4ed8"/>' for x, y in dots),
            f'<text x="{_LEFT}" y="{_HEIGHT - 12}">file 1</text>',
            f'<text x="{_WIDTH - 20}" y="{_HEIGHT - 12}" text-anchor="end">file {len(seconds)}</text>',
            "</svg>",
            "",
        ]
    )


def _seconds(top: float) -> Iterator[str]:
    """Four lines across, with what they stand for."""
    for part in range(5):
        shown = top * part / 4
        y = _dot(0, shown, of=1, top=top)[1]
        yield f'<line x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e5e7eb"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{shown:.1f} s</text>'


def _dot(number: int, seconds: float, *, of: int, top: float) -> tuple[float, float]:
    across = _WIDTH - 20 - _LEFT
    x = _LEFT + (across * number / (of - 1) if of > 1 else 0)
    y = _HEIGHT - _BELOW - (_HEIGHT - _BELOW - _ABOVE) * seconds / top
    return x, y
