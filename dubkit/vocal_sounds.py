"""Laughs, breaths and songs: what the original's voices do besides speaking, kept in the dub.

:func:`passages` finds where the separated voice (the whole sound less the background) sounds and nobody was heard to say
a word; :func:`kept` cuts that out of the film, to be added to the background. The times of recognised words are off by
up to 0.2 s, so a sound that begins or goes on within that distance of a word is taken for a part of the word, up to
where it dips clearly or, if it lasts, from a little after the word on: a held note.

Only words keep a sound out. Whatever is not in the transcript stays as it was: utterances that were removed by hand,
and speech that the recogniser missed. So does any other sound that the separator took for a voice; that too belongs to the
film. What the separator took for no voice is in the background and stays, too: DeepFilterNet3 leaves breaths, and
much of what is sung, there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic.dataclasses import dataclass

from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np

    from dubkit.artefacts import Tracks, Transcript

Span = tuple[Seconds, Seconds]

FRAME = 0.01
BLOCK = 30.0
"""Seconds of film in memory at a time."""
SMOOTHING = 5
"""Frames: with fewer the fall of a single pitch period, or a chance hole in noise, counts as a dip."""
DIP = 10.0
"""dB by which the level must fall and rise again where one sound ends and another begins."""
LONG = 0.6
"""Seconds for which a sound goes on behind a word before it is more than the word's end."""
HELD = 15.0
"""dB under the speech's level at which such a sound still counts; echoes are lower by then."""
JOIN = 0.3
"""Seconds between the bursts of one laugh, at most."""
EDGE = 0.04
"""Seconds added at both ends, since sounds begin and end softly; the fades lie within."""
FADE = 0.025


@dataclass(frozen=True)
class VocalSoundSettings:
    """Which sounds of the original's voices are kept.

    Parameters
    ----------
    keep : bool
        Whether any are.
    quietest : float
        How far under the level of the film's speech a sound may lie, in dB.
    over_background : float
        How far over the background it must lie, in dB; below, the background holds the greater part of it anyway.
    margin : float
        How far the times of a recognised word may be off, in seconds.
    shortest : float
        Seconds.
    """

    keep: bool = True
    quietest: float = Field(default=30.0, ge=0, le=60)
    over_background: float = Field(default=0.0, ge=-20, le=60)
    margin: Seconds = Field(default=0.2, ge=0, le=2)
    shortest: Seconds = Field(default=0.2, gt=0)


@dataclass(frozen=True)
class Passage:
    """A stretch of the original's voice that is kept, in seconds of the film."""

    start: Seconds
    end: Seconds


def passages(
    tracks: Tracks, transcript: Transcript, settings: VocalSoundSettings, busy: Iterable[Span] = ()
) -> tuple[Passage, ...]:
    """Where the original's voices sound without speaking.

    Parameters
    ----------
    tracks : Tracks
        The film's sound.
    transcript : Transcript
        Its words keep sounds out; an utterance without words does so with its whole span.
    settings : VocalSoundSettings
        See there.
    busy : iterable of (start, end)
        Where the dub speaks, in seconds of the film: nothing is kept there, so that no two voices collide.

    Returns
    -------
    tuple of Passage
        In time order, apart from each other; none in a film without words, of which nothing is dubbed.
    """
    import numpy as np

    words = _words(transcript)
    if not settings.keep or not words:
        return ()
    voice, background = _powers(tracks)
    n_frames = len(voice)
    speaking, near = _marked(words, 0.0, n_frames), _marked(words, settings.margin, n_frames)
    usual = _level(voice[speaking])
    level = 10 * np.log10(_smooth(voice) + 1e-12)
    beside = 10 * np.log10(_smooth(background) + 1e-12) + settings.over_background
    wanted = np.zeros(n_frames, bool)
    for first, last in _sounds(level >= np.maximum(usual - settings.quietest, beside), level):
        wanted[first:last] = _own(near[first:last], level[first:last], usual)
    closed = near | _marked(busy, EDGE, n_frames)
    return tuple(
        Passage(round(first * FRAME, 3), round(min(last * FRAME, tracks.full.duration), 3))
        for first, last in _widened(_joined(wanted & ~closed, closed), closed, settings.shortest)
    )


def kept(tracks: Tracks, passages: Sequence[Passage], first: int, last: int) -> np.ndarray:
    """The passages' sound within a block of the film, silence elsewhere; blocks may be cut anywhere.

    Parameters
    ----------
    tracks : Tracks
        The film's sound.
    passages : sequence of Passage
        In time order.
    first, last : int
        Samples of the block, at the rate of ``tracks.full``.

    Returns
    -------
    np.ndarray, shape (last - first,) for mono or (last - first, n_channels)
        float32, to be added to the background.
    """
    import numpy as np

    rate, n_channels = tracks.full.sample_rate, tracks.full.n_channels
    block = np.zeros((last - first, n_channels) if n_channels > 1 else last - first, np.float32)
    for passage in passages:
        start, end = round(passage.start * rate), min(round(passage.end * rate), tracks.full.n_samples)
        a, b = max(first, start), min(last, end)
        if a < b:
            voice = tracks.full.load(a / rate, b / rate) - tracks.background.load(a / rate, b / rate)
            at = np.arange(a, b)
            inside = np.minimum(at - start + 1, end - at) / (FADE * rate)
            gate = (0.5 - 0.5 * np.cos(np.pi * np.clip(inside, 0, 1))).astype(np.float32)
            block[a - first : b - first] = voice * (gate if n_channels == 1 else gate[:, None])
    return block


def _words(transcript: Transcript) -> list[Span]:
    return [(w.start, w.end) for u in transcript.utterances for w in (u.words or (u,))]


def _powers(tracks: Tracks) -> tuple[np.ndarray, np.ndarray]:
    """Mean power per frame of 10 ms of the voice and of the background, over the whole film."""
    import numpy as np

    frame = round(FRAME * tracks.full.sample_rate)
    voices, backgrounds = [np.zeros(0)], [np.zeros(0)]
    n_blocks = -(-tracks.full.n_samples // round(BLOCK * tracks.full.sample_rate))
    for n in range(n_blocks):
        full, bed = (sound.load(n * BLOCK, (n + 1) * BLOCK) for sound in (tracks.full, tracks.background))
        voices.append(_frames(full - bed, frame))
        backgrounds.append(_frames(bed, frame))
    return np.concatenate(voices), np.concatenate(backgrounds)


def _frames(samples: np.ndarray, frame: int) -> np.ndarray:
    import numpy as np

    power = samples.astype(np.float64) ** 2
    power = power if power.ndim == 1 else power.mean(axis=1)
    means: np.ndarray = power[: len(power) // frame * frame].reshape(-1, frame).mean(axis=1)
    return means


def _level(power: np.ndarray) -> float:
    """Of the speech, in dB: the mean over the frames within 30 dB of the loud ones."""
    import numpy as np

    if not len(power):
        return 0.0
    sounding = power[power > np.percentile(power, 95) * 1e-3]
    return float(10 * np.log10(sounding.mean() + 1e-12)) if len(sounding) else 0.0


def _smooth(power: np.ndarray) -> np.ndarray:
    import numpy as np

    side = SMOOTHING // 2
    return np.convolve(np.pad(power, side, mode="edge"), np.full(SMOOTHING, 1 / SMOOTHING), "valid")


def _marked(spans: Iterable[Span], margin: Seconds, n_frames: int) -> np.ndarray:
    """The frames that lie in a span or within a margin of it."""
    import numpy as np

    marked = np.zeros(n_frames, bool)
    for start, end in spans:
        marked[max(0, round((start - margin) / FRAME)) : max(0, round((end + margin) / FRAME))] = True
    return marked


def _runs(marked: np.ndarray) -> np.ndarray:
    """First frame and the one behind the last of each run, shape (n_runs, 2)."""
    import numpy as np

    return np.flatnonzero(np.diff(np.concatenate([[0], marked.astype(np.int8), [0]]))).reshape(-1, 2)


def _sounds(heard: np.ndarray, level: np.ndarray) -> Iterator[tuple[int, int]]:
    """What is heard, cut at clear dips."""
    for first, last in _runs(heard):
        cuts = [int(first)]
        peak = lowest = int(first)
        for n in range(int(first), int(last)):
            if level[n] < level[lowest]:
                lowest = n
            if level[n] > level[lowest] + DIP and level[peak] > level[lowest] + DIP:
                cuts.append(lowest)
                peak = lowest = n
            if level[n] > level[peak]:
                peak = lowest = n
        cuts.append(int(last))
        yield from itertools.pairwise(cuts)


def _own(near: np.ndarray, level: np.ndarray, usual: float) -> np.ndarray:
    """Which frames of a sound are no part of a word: all, if its body is near none, or what goes on for long."""
    own = ~near
    # Where it has hardly begun, in the dip behind a word, it may well be near that.
    if (near & (level > level.max() - DIP)).any():
        for first, last in _runs(own):
            if (last - first) * FRAME < LONG or _median(level[first:last]) < usual - HELD:
                own[first:last] = False
    return own


def _median(level: np.ndarray) -> float:
    import numpy as np

    return float(np.median(level))


def _joined(wanted: np.ndarray, closed: np.ndarray) -> np.ndarray:
    """Runs that are close to each other made one, unless something speaks between them."""
    joined = wanted.copy()
    runs = _runs(wanted)
    for (_, end), (start, _) in itertools.pairwise(runs):
        if (start - end) * FRAME <= JOIN and not closed[end:start].any():
            joined[end:start] = True
    return joined


def _widened(wanted: np.ndarray, closed: np.ndarray, shortest: Seconds) -> Iterator[tuple[int, int]]:
    """The runs that last, a little longer at both ends where nothing speaks."""
    side = round(EDGE / FRAME)
    for first, last in _runs(wanted):
        if (last - first) * FRAME >= shortest:
            before, after = closed[max(0, first - side) : first], closed[last : last + side]
            yield int(first) - len(before) * (not before.any()), int(last) + len(after) * (not after.any())
