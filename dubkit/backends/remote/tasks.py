"""Back ends of every task whose models live on another machine: ``remote:http://host:8001``.

There, ``dubkit serve-backend TASK SPEC`` (or any server that speaks the protocol told in
:mod:`dubkit.backends.remote.wire`) runs the model; here, nothing is loaded. The fingerprint is that of the back end
over there, so that its results are found again wherever it runs. Texts, sounds and results travel as they are: use
https, a tunnel or a network of your own where others could listen.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import MethodType
from typing import TYPE_CHECKING, Any, ClassVar, Self

from dubkit.artefacts import Candidate, Voice
from dubkit.backends.protocols import Compute, Diarization, Heard, Hint, ModelCard, Request
from dubkit.backends.remote.calls import Calls
from dubkit.backends.remote.client import Line
from dubkit.backends.remote.methods import METHODS
from dubkit.backends.remote.served import address, strange
from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np


class _Remote:
    """What the back ends of all tasks have in common.

    Parameters
    ----------
    url : str
        Of the server.
    compute : Compute
        Of it, the batch size: how many sounds go in one request.
    sleep : callable
        Waits for so many seconds, between tries.
    """

    task: ClassVar[str]

    def __init__(self, url: str, compute: Compute, sleep: Callable[[float], None] = time.sleep) -> None:
        self.compute = compute
        self._line = Line(address(url, self.task), self.task, sleep)
        self._calls = Calls(self._line, compute.batch_size)

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it from a URL; nothing is asked of the server yet.

        Raises
        ------
        BadInput
            If it is no http or https URL, or holds a password.
        """
        return cls(argument, compute)

    @property
    def fingerprint(self) -> str:
        """The remote back end's own.

        Raises
        ------
        Unreachable
            If the server cannot be reached.
        """
        return self._line.served.fingerprint

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The remote back end's, marked with the host; their size is 0, as they take no room on this machine."""
        host = self._line.host
        cards: list[ModelCard] = self._calls.known("models", source=source, target=target)
        return [
            dataclasses.replace(
                card,
                name=f"{card.name} at {host}",
                size=0,
                fetch=f"on {host}: {card.fetch}",
                note=f"{card.note} ({card.size / 1e6:.0f} MB at {host})".strip(),
            )
            for card in cards
        ]

    def __getattr__(self, name: str) -> Any:
        """What only some back ends have: it is here where the remote one has it."""
        known = METHODS[self.task].get(name)
        if known is not None and known.optional:
            served = self._line.served
            if name in served.methods:
                return MethodType(_optional(name, tuple(known.takes)), self)
        elif name == "usage" and self._line.served.counts_usage:
            return self._line.usage
        elif name == "heeds" and name in self._line.served.attributes:
            return frozenset(self._line.served.attributes[name])
        raise AttributeError(f"The remote {self.task} has no {name!r}.")

    def _attribute(self, name: str) -> Any:
        try:
            return self._line.served.attributes[name]
        except KeyError as error:
            raise strange(self._line.url, self.task, f"without saying its {name}") from error


def _optional(name: str, parameters: tuple[str, ...]) -> Callable[..., Any]:
    """A method that only some back ends have."""

    def method(self: _Remote, *given: Any, **named: Any) -> Any:
        arguments = {**dict(zip(parameters, given, strict=False)), **named}
        if METHODS[self.task][name].loads:
            return self._calls.one(name, **{k: _without_reference(v) for k, v in arguments.items()})
        return self._calls.known(name, **arguments)

    return method


def _without_reference(value: Any) -> Any:
    """A request without its sound, which would go with every line: no back end heeds it but to speak."""
    return dataclasses.replace(value, reference=None) if isinstance(value, Request) else value


class RemoteSeparator(_Remote):
    """Separator ``remote``."""

    task = "separator"

    @property
    def sample_rate(self) -> int:
        """The remote one's, in Hz."""
        return int(self._attribute("sample_rate"))

    def speech(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The speech in a stream of mono blocks; see :func:`dubkit.backends.remote.speech.speech`."""
        from dubkit.backends.remote import speech as remote_speech

        yield from remote_speech.speech(self._line, blocks)


class RemoteDiarizer(_Remote):
    """Diarizer ``remote``."""

    task = "diarizer"

    def diarize(
        self,
        waveform: np.ndarray,
        *,
        n_speakers: int | None = None,
        min_speakers: int = 1,
        max_speakers: int | None = None,
        threshold: float | None = None,
    ) -> Diarization:
        """Turns in a 16 kHz waveform and centroids per label."""
        limits = {"n_speakers": n_speakers, "min_speakers": min_speakers, "max_speakers": max_speakers}
        # Not every back end over there has a threshold, and not every server knows of it.
        more = {} if threshold is None else {"threshold": threshold}
        found: Diarization = self._calls.one("diarize", waveform=waveform, **limits, **more)
        return found


class RemoteTranscriber(_Remote):
    """Transcriber ``remote``."""

    task = "transcriber"

    def languages(self) -> frozenset[str]:
        """BCP-47 codes that it understands."""
        return frozenset(self._calls.known("languages"))

    def detect_language(self, waveforms: Sequence[np.ndarray]) -> tuple[str, float]:
        """The language spoken in 16 kHz waveforms and its probability."""
        language, probability = self._calls.one("detect_language", waveforms=list(waveforms))
        return language, probability

    def transcribe(self, waveforms: Sequence[np.ndarray], language: str, *, beam_size: int = 5) -> Iterator[Heard]:
        """What is said in each 16 kHz waveform, in order, as it is ready."""
        return self._calls.each("transcribe", {"waveforms": waveforms}, language=language, beam_size=beam_size)


class RemoteGenderClassifier(_Remote):
    """GenderClassifier ``remote``."""

    task = "gender_classifier"

    def female_probability(self, waveforms: Sequence[np.ndarray]) -> list[float]:
        """Probability per 16 kHz waveform that its voice sounds female."""
        return list(self._calls.each("female_probability", {"waveforms": waveforms}))


class RemoteTranslator(_Remote):
    """Translator ``remote``; ``heeds``, ``quality``, ``missing`` and ``usage`` are there where the remote one has them."""

    task = "translator"

    def pairs(self) -> frozenset[tuple[str, str]]:
        """(source, target) that it can do."""
        return frozenset(self._calls.known("pairs"))

    def route(self, source: str, target: str) -> tuple[str, ...]:
        """The languages that the text goes through."""
        return tuple(self._calls.known("route", source=source, target=target))

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        """Candidates for each text, best first."""
        return self._calls.each("translate", {"texts": texts, "hints": hints}, source=source, target=target)


class RemoteSynthesizer(_Remote):
    """Synthesizer ``remote``; ``own_voice``, ``revision_of`` and ``marks`` are there where the remote one has them."""

    task = "synthesizer"

    @property
    def sample_rate(self) -> int:
        """The remote one's, in Hz."""
        return int(self._attribute("sample_rate"))

    @property
    def rates(self) -> tuple[float, float]:
        """Slowest and fastest native rate of the remote one."""
        slowest, fastest = self._attribute("rates")
        return slowest, fastest

    def languages(self) -> frozenset[str]:
        """BCP-47 codes that it can speak."""
        return frozenset(self._calls.known("languages"))

    def voices(self, language: str) -> tuple[Voice, ...]:
        """The remote one's voices for a language."""
        return tuple(self._calls.known("voices", language=language))

    def predict(self, request: Request) -> Seconds:
        """About how long the clip will be; the reference stays here."""
        return float(self._calls.one("predict", request=_without_reference(request)))

    def synthesize(self, requests: Sequence[Request]) -> Iterator[np.ndarray]:
        """A mono clip at :attr:`sample_rate` per request, in order."""
        return self._calls.each("synthesize", {"requests": requests})
