"""Short recordings joined to one sound, as everything that is dubbed is a film: a reel, with its exact truth.

Each clip is cut to where it sounds, and all are made equally loud. Between them is digital silence.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from data import film
from data.narrator import sounding
from data.picture import FPS, n_frames, title_card
from data.truth import CastMember, SpokenLine, Truth, turns_of
from dubkit.audio import faded, resample, speech_level
from dubkit.errors import BadInput

SAMPLE_RATE = 48_000
LEVEL = 0.07
"""RMS of the sounding parts of every clip: -23 dBFS, as in the dialogues."""
LEAD, GAP, TAIL = 0.5, 0.8, 1.0
"""Seconds of silence before the first clip, between two, and after the last."""
QUIET = 35.0
"""dB under the loudest 5 ms of a clip: what is below at its ends is no part of it. Real rooms are not silent."""
MARGIN = 0.1
"""Seconds kept around where a clip sounds, faded, so that no onset is cut off."""


@dataclass(frozen=True)
class Clip:
    """A short recording of one person.

    Parameters
    ----------
    samples : np.ndarray, shape (n_samples,)
        Mono, float32 in [-1, 1].
    sample_rate : int
        Hz.
    text : str
        What is said.
    speaker : CastMember
        Who says it.
    translations : mapping of str to str
        What it is in other languages.
    """

    samples: np.ndarray
    sample_rate: int
    text: str
    speaker: CastMember
    translations: Mapping[str, str] = field(default_factory=dict)


def even(n_clips: int) -> list[float]:
    """The silence before each clip of a plain reel, in seconds."""
    return [LEAD, *[GAP] * (n_clips - 1)]


def join(
    name: str, title: str, language: str, clips: Sequence[Clip], pauses: Sequence[float]
) -> tuple[Truth, np.ndarray]:
    """Put clips one after another.

    Parameters
    ----------
    name : str
        The sample's id.
    title : str
        What the film is called.
    language : str
        BCP-47 code; ``und`` where the clips are in several.
    clips : sequence of Clip
        In order. Translations are kept for languages that all clips have.
    pauses : sequence of float
        Seconds of silence before each; a negative one begins before the clip above has ended, and takes another speaker.

    Returns
    -------
    Truth
        One utterance per clip, whose times are those at which it sounds.
    np.ndarray, shape (n_samples,)
        int16 at ``SAMPLE_RATE``, as long as a whole number of frames.

    Raises
    ------
    BadInput
        If there are no clips, not as many pauses, one of them is silent, or a speaker would talk over themselves.
    """
    validate(clips, pauses)
    parts = [_prepared(clip) for clip in clips]
    utterances: list[SpokenLine] = []
    at = 0.0
    for clip, part, pause in zip(clips, parts, pauses, strict=True):
        start = round((at + pause) * SAMPLE_RATE) / SAMPLE_RATE
        at = start + part.duration
        utterances.append(
            SpokenLine(
                id=f"u{len(utterances) + 1:03}",
                speaker=clip.speaker.id,
                gender=clip.speaker.gender,
                start=start,
                end=at,
                text=clip.text,
            )
        )
    _refuse_talking_over_oneself(utterances)
    frames = n_frames(max(one.end for one in utterances) + TAIL)
    truth = _truth(name, title, language, frames / FPS, clips, tuple(utterances))
    return truth, _mixed(parts, utterances, frames * SAMPLE_RATE // FPS)


def write(truth: Truth, sound: np.ndarray, subtitle: str, folder: Path) -> None:
    """Write a reel as a film under a title card, with ``audio.wav`` and its truth; the folder is there already."""
    audio = folder / "audio.wav"
    soundfile.write(audio, sound, SAMPLE_RATE, subtype="PCM_16")
    truth.save(folder)
    card = title_card(truth.title, subtitle, sound / 32768, SAMPLE_RATE)
    film.write(card, audio, folder / f"{truth.id}.mp4", truth.language, truth.title)


def validate(clips: Sequence[Clip], pauses: Sequence[float]) -> None:
    """Refuse what makes no reel; see :func:`join`."""
    if not clips or len(clips) != len(pauses):
        raise BadInput(
            f"A reel was asked for of {len(clips)} clips with {len(pauses)} pauses: give as many, at least one."
        )
    for n, clip in enumerate(clips, 1):
        if clip.samples.ndim != 1 or speech_level(clip.samples, clip.sample_rate) == 0:
            raise BadInput(f"Clip {n} ({clip.text!r}) is silent or not mono; leave it out.")
    if pauses[0] < 0:
        raise BadInput(f"The first clip would begin {-pauses[0]} s before the film; give a pause of 0 or more.")


def _refuse_talking_over_oneself(utterances: Sequence[SpokenLine]) -> None:
    ends: dict[str, float] = {}
    for one in utterances:
        if one.start < ends.get(one.speaker, 0.0):
            raise BadInput(
                f"{one.speaker!r} would begin {one.text!r} before having ended the clip before; give a longer pause."
            )
        ends[one.speaker] = one.end


@dataclass(frozen=True)
class _Part:
    """A clip at SAMPLE_RATE; it sounds from ``before`` samples on, for ``n_samples``."""

    samples: np.ndarray
    before: int
    n_samples: int

    @property
    def duration(self) -> float:
        return self.n_samples / SAMPLE_RATE


def _prepared(clip: Clip) -> _Part:
    rate = clip.sample_rate
    start, end = sounding(clip.samples, rate, (0.0, len(clip.samples) / rate), QUIET)
    first, last = max(0.0, start - MARGIN), min(len(clip.samples) / rate, end + MARGIN)
    cut = clip.samples[round(first * rate) : round(last * rate)]
    gain = LEVEL / speech_level(clip.samples, rate)
    before, n_samples = round((start - first) * SAMPLE_RATE), round((end - start) * SAMPLE_RATE)
    return _Part(faded(resample(cut * gain, rate, SAMPLE_RATE), SAMPLE_RATE, 0.02), before, n_samples)


def _mixed(parts: Sequence[_Part], utterances: Sequence[SpokenLine], n_samples: int) -> np.ndarray:
    sound = np.zeros(n_samples, np.float32)
    for part, one in zip(parts, utterances, strict=True):
        first = round(one.start * SAMPLE_RATE) - part.before
        piece = part.samples[max(0, -first) : n_samples - first]
        sound[max(0, first) : max(0, first) + len(piece)] += piece
    return np.clip(np.round(sound * 32767), -32768, 32767).astype(np.int16)


def _truth(
    name: str, title: str, language: str, duration: float, clips: Sequence[Clip], utterances: tuple[SpokenLine, ...]
) -> Truth:
    turns = turns_of(utterances)
    languages = set.intersection(*(set(clip.translations) for clip in clips)) - {language}
    return Truth(
        id=name,
        title=title,
        language=language,
        duration=duration,
        may_overlap=any(b.start < a.end for a, b in itertools.pairwise(turns)),
        speakers=tuple({clip.speaker.id: clip.speaker for clip in clips}.values()),
        turns=turns,
        utterances=utterances,
        translations={each: tuple(clip.translations[each] for clip in clips) for each in sorted(languages)},
    )
