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


def greatest_overlap(spans: Iterable[Timed], labelled: Sequence[tuple[Seconds, Seconds, str]]) -> str | None:
    """The label that spans share most time with; the nearest one where they share none; None where there are no labels.

    Parameters
    ----------
    spans : iterable
        Things with ``start`` and ``end``.
    labelled : sequence of (start, end, label)
    """
    shared: dict[str, float] = defaultdict(float)
    nearest: tuple[float, str] | None = None
    for one in spans:
        for start, end, label in labelled:
            together = min(one.end, end) - max(one.start, start)
            if together > 0:
                shared[label] += together
            elif nearest is None or -together < nearest[0]:
                nearest = (-together, label)
    if shared:
        return max(shared, key=lambda label: shared[label])
    return nearest[1] if nearest else None
