"""Conversations of real recorded voices that never met: who speaks when is exact, so diarization can be scored.

Clips of several readers follow each other in drawn order and with drawn pauses, some of them negative. What is said
makes no sense, and is in several languages; nothing but the voices and the times is of use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from data.reel import LEAD, Clip
from dubkit.errors import BadInput

LONG_ENOUGH = 64.0
"""Seconds of speech after which no further turn begins."""
MOST_CLIPS = 3
BETWEEN_TURNS = (-0.6, 0.9)
WITHIN_A_TURN = (0.15, 0.4)
"""Seconds of silence are drawn evenly from these."""


def draw(voices: Mapping[str, Sequence[Clip]], seed: int) -> tuple[list[Clip], list[float]]:
    """Clips in the order of a conversation, and the silence before each in seconds.

    Parameters
    ----------
    voices : mapping of str to sequence of Clip
        What each speaker can say, by speaker id; no clip is said twice.
    seed : int
        The same seed gives the same conversation.

    Returns
    -------
    clips : list of Clip
    pauses : list of float

    Raises
    ------
    BadInput
        If there are fewer than two speakers, or all but one run out of clips.
    """
    if len(voices) < 2:
        raise BadInput(f"A conversation takes two speakers, and there are: {', '.join(voices) or 'none'}.")
    rng = np.random.default_rng(seed)
    left = {who: [own[i] for i in rng.permutation(len(own))] for who, own in voices.items()}
    clips: list[Clip] = []
    pauses: list[float] = []
    for who in _order(list(voices), rng):
        if sum(len(clip.samples) / clip.sample_rate for clip in clips) > LONG_ENOUGH:
            return clips, pauses
        if sum(map(bool, left.values())) < 2:
            raise BadInput(
                f"There are too few clips for a conversation of {LONG_ENOUGH:.0f} s: give more, or more speakers."
            )
        if not left[who] or (clips and clips[-1].speaker.id == who):
            continue
        turn = [left[who].pop() for _ in range(min(int(rng.integers(1, MOST_CLIPS + 1)), len(left[who])))]
        first = float(rng.uniform(*BETWEEN_TURNS)) if clips else LEAD
        pauses += [first, *(float(rng.uniform(*WITHIN_A_TURN)) for _ in turn[1:])]
        clips += turn
    raise AssertionError("the order of turns has no end")


def _order(people: list[str], rng: np.random.Generator) -> Iterator[str]:
    """Everybody once in each round, in drawn order."""
    while True:
        yield from (str(one) for one in rng.permutation(people))
