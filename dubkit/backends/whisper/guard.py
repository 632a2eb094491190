"""Tells when Whisper's text is none: written on silence, or caught in a loop; and has what looks wrong read again.

The limits on no-speech probability, log-probability and compression are OpenAI's; the limits on word probability were
set on silence, noise, hum and music against 80 real prompts and half-second cuts of them, and drop none of the prompts.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from dubkit.spacing import spaced

if TYPE_CHECKING:
    import numpy as np

NO_SPEECH = 0.6
UNLIKELY = -1.0
VERY_UNLIKELY = -1.5
UNSURE = 0.35
REPETITIVE = 2.4
FASTEST = 30.0
"""Characters a second: the fastest talkers reach about 25."""
FAINT = 1e-4
"""Full scale is 1: a 16-bit file's three smallest steps."""
LONGEST_WORD = 1.5
"""Seconds; a longer one hides sound that was not read."""
MORE = 1.15
"""By so much more text a second reading must find, to be preferred."""
LEAD = 0.5
"""Seconds of silence before a second reading."""
_TOKENS_PER_SECOND = 40
_CUTS = 3
"""How often the parts of a waveform are cut again: no sound is read more than fifteen times."""


@dataclass(frozen=True)
class Draft:
    """A reading of a waveform, before it is believed.

    Parameters
    ----------
    words : tuple of (str, float, float, float)
        Text, start, end (seconds) and probability.
    seconds : float
        Length of the waveform.
    no_speech : float
        The model's probability that nobody speaks.
    log_probability : float
        Mean over the tokens.
    """

    words: tuple[tuple[str, float, float, float], ...]
    seconds: float
    no_speech: float
    log_probability: float

    @property
    def text(self) -> str:
        """The words as one text."""
        return spaced(word for word, *_ in self.words)

    @property
    def nothing_said(self) -> bool:
        """Whether this is what the model writes where nobody speaks."""
        if not any(c.isalnum() for c in self.text):
            return True
        sure = sum(p for *_, p in self.words) / len(self.words)
        if self.no_speech > NO_SPEECH and (self.log_probability < UNLIKELY or sure < UNSURE):
            return True
        return (self.log_probability < VERY_UNLIKELY and sure < UNSURE) or self._too_fast

    @property
    def looping(self) -> bool:
        """Whether it says the same over and over, more often than there is time for."""
        return self._repetitive and self._too_fast

    @property
    def doubtful(self) -> bool:
        """Whether it is worth reading again in another way."""
        unlikely = self.log_probability < UNLIKELY and self.no_speech <= NO_SPEECH
        return unlikely or self._repetitive or self._too_fast

    @property
    def _repetitive(self) -> bool:
        written = self.text.encode()
        return len(written) / len(zlib.compress(written)) > REPETITIVE

    @property
    def _too_fast(self) -> bool:
        # Half a second of grace: a clip may hold a whole word and just the middle of it.
        return len(self.text) > FASTEST * (self.seconds + 0.5)


class Reader(Protocol):
    """Reads one waveform alone."""

    def __call__(self, waveform: np.ndarray, /, *, otherwise: bool = False, **search: Any) -> Draft:
        """A reading: as usual, or otherwise than the first time; `search` are options of the search."""
        ...


def settled(draft: Draft, waveform: np.ndarray, sample_rate: int, read: Reader) -> Draft:
    """A first reading, or a better one where it looks wrong.

    Parameters
    ----------
    draft : Draft
        The first reading.
    waveform : np.ndarray, shape (n_samples,)
        What was read.
    sample_rate : int
        In Hz.
    read : Reader
        Reads it, or a part of it, again.
    """
    if draft.doubtful:
        again = read(waveform, otherwise=True)
        draft = again if not again.doubtful else max(draft, again, key=lambda d: d.log_probability)
    if draft.looping:
        draft = read(waveform, otherwise=True, no_repeat_ngram_size=3)
    return _whole(draft, waveform, sample_rate, read, _CUTS)


def _whole(draft: Draft, waveform: np.ndarray, sample_rate: int, read: Reader, n_cuts: int) -> Draft:
    """The reading, or one of both parts where a sentence was left out and that finds more."""
    at = skipped(draft, waveform, sample_rate) if n_cuts else None
    if at is None:
        return draft
    parts = (waveform[:at], waveform[at:])
    readings = (_whole(read(part), part, sample_rate, read, n_cuts - 1) for part in parts)
    # Joined, what was written where nobody speaks would pass for speech beside it.
    both = joined(*(replace(found, words=()) if found.nothing_said else found for found in readings))
    return both if len(both.text) > MORE * len(draft.text) and not both.doubtful else draft


def skipped(draft: Draft, waveform: np.ndarray, sample_rate: int) -> int | None:
    """Where to cut a waveform of which a part was not read; None where all seems to be.

    The model sometimes leaves out whole sentences, and the alignment then stretches a word over them. The cut is at the
    quietest moment under the stretched words.
    """
    import numpy as np

    spans = [(a, b) for _, a, b, _ in draft.words if b - a > LONGEST_WORD]
    if not spans:
        return None
    frame = sample_rate // 20
    first = round((spans[0][0] + 0.3) * sample_rate)
    last = min(round(spans[-1][1] * sample_rate), len(waveform) - sample_rate // 2)
    frames = waveform[first:last][: max(0, last - first) // frame * frame].reshape(-1, frame)
    if len(frames) < 5:
        return None
    power = np.convolve(np.mean(frames.astype(np.float64) ** 2, axis=1), np.ones(3), mode="valid")
    return first + int((int(np.argmin(power)) + 1.5) * frame)


def joined(before: Draft, after: Draft) -> Draft:
    """Two readings of neighbouring waveforms as one."""
    shift = before.seconds
    n_before, n_after = len(before.words), len(after.words)
    moved = tuple((text, a + shift, b + shift, p) for text, a, b, p in after.words)
    mean = (before.log_probability * n_before + after.log_probability * n_after) / max(1, n_before + n_after)
    return Draft(
        words=before.words + moved,
        seconds=shift + after.seconds,
        no_speech=min(before.no_speech, after.no_speech),
        log_probability=mean,
    )


def later(waveform: np.ndarray, sample_rate: int, longest: float) -> tuple[np.ndarray, float]:
    """A waveform after half a second of silence, or less where it would get too long; and how much, in seconds.

    The model is not the same at every place of its half minute: moved a little, the same sound gets another reading.
    """
    import numpy as np

    lead = max(0, min(round(LEAD * sample_rate), round(longest * sample_rate) - len(waveform)))
    return np.concatenate([np.zeros(lead, waveform.dtype), waveform]), lead / sample_rate


def earlier(draft: Draft, lead: float) -> Draft:
    """A reading without the first `lead` seconds of its waveform, in which nobody spoke."""
    moved = tuple((text, max(0.0, a - lead), max(0.0, b - lead), p) for text, a, b, p in draft.words)
    return replace(draft, words=moved, seconds=draft.seconds - lead)


def audible(waveform: np.ndarray, least: float) -> bool:
    """Whether there is anything to hear in it: at least that many samples, not all of them silence."""
    return len(waveform) >= least and bool(abs(waveform).max() > FAINT)


def longest_text(seconds: float, n_prompt: int, most: int) -> int:
    """Tokens, prompt included, that a waveform of this length can need: ends a loop early."""
    return min(most, n_prompt + 24 + round(_TOKENS_PER_SECOND * seconds))
