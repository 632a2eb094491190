"""Which span of a reference something lies in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

from dubkit.record import Seconds


class Timed(Protocol):
    """Anything with times."""

    @property
    def start(self) -> Seconds:
        """When it begins."""
        ...

    @property
    def end(self) -> Seconds:
        """When it ends."""
        ...


def spans_of(things: Iterable[Timed]) -> list[tuple[Seconds, Seconds]]:
    """Their times."""
    return [(one.start, one.end) for one in things]


def greatest_overlap(
    spans: Iterable[tuple[Seconds, Seconds]], labelled: Sequence[tuple[Seconds, Seconds, str]]
) -> str | None:
    """The label that spans share most time with; the nearest one where they share none; None where there are no labels.

    Parameters
    ----------
    spans : iterable of (start, end)
    labelled : sequence of (start, end, label)
    """
    shared: dict[str, float] = defaultdict(float)
    nearest: tuple[float, str] | None = None
    for begin, stop in spans:
        for start, end, label in labelled:
            together = min(stop, end) - max(begin, start)
            if together > 0:
                shared[label] += together
            elif nearest is None or -together < nearest[0]:
                nearest = (-together, label)
    if shared:
        return max(shared, key=lambda label: shared[label])
    return nearest[1] if nearest else None
