"""Which bytes of a file have come? Writes may arrive in any order and leave holes."""


class Ranges:
    """Half-open stretches [start, end), sorted, never touching each other."""

    def __init__(self, *, upto: int = 0) -> None:
        """Start with nothing, or with all bytes before `upto`."""
        self._stretches: list[tuple[int, int]] = [(0, upto)] if upto else []

    def add(self, start: int, end: int) -> None:
        """Note that the bytes from `start` up to, not including, `end` have come."""
        if end <= start:
            return
        last = self._stretches[-1] if self._stretches else None
        if last is not None and last[0] <= start <= last[1]:  # the common case: the next bytes in order
            self._stretches[-1] = (last[0], max(last[1], end))
            return
        apart = [old for old in self._stretches if old[1] < start or old[0] > end]
        touching = [old for old in self._stretches if old[1] >= start and old[0] <= end]
        low = min([start, *(old[0] for old in touching)])
        high = max([end, *(old[1] for old in touching)])
        self._stretches = sorted([*apart, (low, high)])

    def cut(self, size: int) -> None:
        """Forget everything from `size` on."""
        self._stretches = [(low, min(high, size)) for low, high in self._stretches if low < size]

    @property
    def prefix(self) -> int:
        """How many bytes from the start are there without a hole."""
        return self._stretches[0][1] if self._stretches and self._stretches[0][0] == 0 else 0

    @property
    def end(self) -> int:
        """Where the last byte that came ends."""
        return self._stretches[-1][1] if self._stretches else 0

    @property
    def pieces(self) -> int:
        """How many separate stretches there are."""
        return len(self._stretches)

    def gaps(self, upto: int) -> list[tuple[int, int]]:
        """The holes before `upto`."""
        found, place = [], 0
        for low, high in self._stretches:
            if low >= upto:
                break
            if low > place:
                found.append((place, low))
            place = high
        if place < upto:
            found.append((place, upto))
        return found
