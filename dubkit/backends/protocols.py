"""What a model must offer to take part in the pipeline: one small Protocol per task.

Every back end is a class with ``from_spec(argument, compute)``. Constructing it is cheap: weights load at first use.
Sounds are float32 arrays in [-1, 1]; a waveform is mono with shape (n_samples,).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from pydantic import Field
from pydantic.dataclasses import dataclass as checked

from dubkit.artefacts import Candidate, Voice, Word
from dubkit.record import AudioFile, Seconds

if TYPE_CHECKING:
    import numpy as np


@checked(frozen=True)
class Compute:
    """How, not what: nothing here changes a result, so nothing here is part of a key.

    Parameters
    ----------
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    threads : int
        Threads per model; 0 takes every core.
    batch_size : int
        Items per model call on a GPU; halved where its memory is too small. A processor takes one per thread.
    memory : float
        Gigabytes that loaded models may fill together; 0 is four fifths of the GPU's memory, or of this machine's.
    """

    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    threads: int = Field(default=0, ge=0)
    batch_size: int = Field(default=8, ge=1)
    memory: float = Field(default=0.0, ge=0)

    @property
    def n_threads(self) -> int:
        """The number of threads to use, at least 1."""
        import os

        return self.threads or len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class ModelCard:
    """What a back end needs to run, readable without loading it.

    ``fetch`` is the command that brings it where ``present`` is false; ``size`` is in bytes on disk, ``memory`` in bytes on a
    GPU where that is another; ``optional`` models serve some
    languages only, and their absence stops no other run; those that ``copies_voices`` are needed where that was agreed to.
    """

    name: str
    licence: str
    size: int
    present: bool
    fetch: str
    note: str = ""
    optional: bool = False
    copies_voices: bool = False
    memory: int = 0


@runtime_checkable
class Backend(Protocol):
    """What every task's back end has."""

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it from what follows the colon in its spec (may be empty)."""
        ...

    @property
    def fingerprint(self) -> str:
        """Model id and revision; changes whenever results may. Readable without loading weights."""
        ...

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The models that it needs, present or not; for these languages (BCP-47) where they are given.

        A back end that can bring its models itself has a method ``fetch`` with the same parameters. One that relies on
        another host has a method ``check``, which asks whether that is there, and raises MissingModel if it is not.
        """
        ...


def takes(method: Callable[..., Any], keyword: str) -> bool:
    """Whether a back end's method has a keyword that its Protocol lets be left out."""
    parameters = inspect.signature(method).parameters.values()
    return any(p.name == keyword or p.kind is p.VAR_KEYWORD for p in parameters)


class Separator(Backend, Protocol):
    """Tells speech from everything else."""

    sample_rate: int

    def speech(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The speech in a stream of mono blocks at ``sample_rate``.

        Output blocks may be cut differently, but are aligned with the input and equal to it in total length.
        """
        ...


@dataclass(frozen=True)
class Diarization:
    """Who speaks when in one waveform: (start, end, label) and a voice embedding per label."""

    turns: tuple[tuple[Seconds, Seconds, str], ...]
    centroids: dict[str, np.ndarray] = field(default_factory=dict)


class Diarizer(Backend, Protocol):
    """Tells speakers apart."""

    def diarize(
        self,
        waveform: np.ndarray,
        *,
        n_speakers: int | None = None,
        min_speakers: int = 1,
        max_speakers: int | None = None,
        threshold: float | None = None,
    ) -> Diarization:
        """Turns in a 16 kHz waveform (overlaps kept) and unit-norm centroids per label.

        The threshold is the distance under which voices are joined to one speaker, in the back end's own measure. It is
        given only where somebody set it, so that a back end may lack the keyword.
        """
        ...


@dataclass(frozen=True)
class Heard:
    """One transcribed waveform; word times are relative to its start."""

    words: tuple[Word, ...]


class Transcriber(Backend, Protocol):
    """Turns speech into words with times."""

    def languages(self) -> frozenset[str]:
        """BCP-47 codes that it understands."""
        ...

    def detect_language(self, waveforms: Sequence[np.ndarray]) -> tuple[str, float]:
        """The language spoken in 16 kHz waveforms (each up to 30 s) and its probability."""
        ...

    def transcribe(self, waveforms: Sequence[np.ndarray], language: str, *, beam_size: int = 5) -> Iterator[Heard]:
        """What is said in each 16 kHz waveform (each up to 30 s), in order, as it is ready."""
        ...


class GenderClassifier(Backend, Protocol):
    """Hears whether a voice sounds female or male."""

    def female_probability(self, waveforms: Sequence[np.ndarray]) -> list[float]:
        """Per 16 kHz waveform of a single speaker, the probability in [0, 1] that the voice is female."""
        ...


@dataclass(frozen=True)
class Hint:
    """What there is to know about a text that is to be translated, besides the text.

    Parameters
    ----------
    before, after : tuple of str
        The lines around it in the source language, in film order.
    seconds : float or None
        Room for it when it is spoken.
    terms : tuple of str
        Words of the target language that must stand in the translation as they are.
    """

    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    seconds: Seconds | None = None
    terms: tuple[str, ...] = ()


class Translator(Backend, Protocol):
    """Turns sentences into another language.

    ``heeds`` names the fields of :class:`Hint` that change its translations; where it is absent, none does. One that may have to
    do with less than its best has an attribute ``provisional``: the texts of the last call that are worth another try.
    """

    def pairs(self) -> frozenset[tuple[str, str]]:
        """(source, target) BCP-47 codes that it can do here and now."""
        ...

    def route(self, source: str, target: str) -> tuple[str, ...]:
        """The languages that the text goes through, both ends included."""
        ...

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        """Candidates for each text, best first, in order, as they are ready; none where it could not be done.

        There is a hint for each text, or none at all.
        """
        ...


@dataclass(frozen=True)
class Request:
    """A line to speak: ``rate`` is the native speaking rate, 1 is natural, 1.2 is 20 % faster.

    ``reference`` is how the speaker of the film sounds, for voices that copy it.
    """

    text: str
    voice: Voice
    rate: float = 1.0
    reference: AudioFile | None = None


class Synthesizer(Backend, Protocol):
    """Speaks text.

    One that can copy a voice from a recording has a method ``own_voice(language)``, which gives the :class:`Voice` that
    stands for it, or None where it cannot do that language. One that has a model for each language leaves them out of its
    fingerprint, and has a method ``revision_of(language)`` that tells which model it is; ``Voice.model`` holds it, too.

    One that knows where its clips pause has a method ``marks(request)``: for each punctuation mark that it speaks as one, but
    not the last, when its silence begins and ends in the clip, in seconds.
    """

    sample_rate: int
    rates: tuple[float, float]
    """Slowest and fastest native rate that still sounds natural."""

    def voices(self, language: str) -> tuple[Voice, ...]:
        """The voices for a language, best first; empty where it cannot speak it."""
        ...

    def languages(self) -> frozenset[str]:
        """BCP-47 codes that it can speak."""
        ...

    def predict(self, request: Request) -> Seconds:
        """About how long the clip will be, without synthesizing it."""
        ...

    def synthesize(self, requests: Sequence[Request]) -> Iterator[np.ndarray]:
        """A mono clip at ``sample_rate`` per request, in order, with no silence at either end."""
        ...
