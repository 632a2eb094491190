"""Kokoro-82M: natural speech in English, Spanish, French, Italian and Portuguese on an ordinary processor.

The model's weights come out of packages (``packaged.toml``), its voice styles out of another
(:mod:`dubkit.backends.kokoro.voices`); :mod:`dubkit.backends.kokoro.styles` names the voices.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from dubkit.artefacts import Voice
from dubkit.backends import weights
from dubkit.backends.espeak import library as espeak_library
from dubkit.backends.in_order import in_order
from dubkit.backends.kokoro import graph as kokoro_graph
from dubkit.backends.kokoro import phonemes as kokoro_phonemes
from dubkit.backends.kokoro import styles as kokoro_styles
from dubkit.backends.kokoro import voices as kokoro_voices
from dubkit.backends.kokoro.timing import FASTEST, SLOWEST, paced, pause_after, pauses, predicted, symbol_rate
from dubkit.backends.protocols import Compute, ModelCard, Request
from dubkit.backends.silence import nothing, trim
from dubkit.durations import natural_duration
from dubkit.errors import BadInput, MissingModel, listed
from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np

SHORT_LINE = 1.2
_REVISION = "2"


@dataclass(frozen=True)
class _Part:
    """Symbols that are spoken in one go.

    Parameters
    ----------
    written : str
        The symbols.
    inputs : dict
        ``tokens``, shape (1, n + 2), and ``style``, shape (1, 256), of both halves of the model.
    frames : np.ndarray, shape (n + 2,)
        Whole frames for each symbol and the pad at each end, at natural rate.
    features : np.ndarray
        What the sound half takes from the prosody half.
    """

    written: str
    inputs: dict[str, np.ndarray]
    frames: np.ndarray
    features: np.ndarray


class Kokoro:
    """Synthesizer of five languages; constructing it loads nothing.

    Each clip is made by one thread, several clips at a time: a second of speech takes 0.65 s of processor time so, 1.0 s
    where two threads share a clip; and a clip does not depend on the number of threads.
    """

    sample_rate = 24000
    rates = (0.8, 1.3)
    """Where a recogniser still reads it about as well as at natural rate (``docs/durations.md``)."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute
        self._lock = threading.Lock()
        self._in_memory: dict[str, Any] = {}

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it; the spec ``kokoro`` takes no argument.

        Raises
        ------
        BadInput
            If there is one.
        """
        if argument:
            raise BadInput(f"The synthesizer 'kokoro' takes no argument, but got {argument!r}. Write: kokoro")
        return cls(compute)

    @property
    def fingerprint(self) -> str:
        """Model, styles, phonemes and the revision of what is done around them."""
        parts = [weights.fingerprint("kokoro"), kokoro_voices.fingerprint(), f"espeak-ng-{espeak_library.version()}"]
        return f"kokoro-{_REVISION}:" + ",".join(parts)

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        """Bring the voice styles into the cache where they are not there."""
        kokoro_voices.fetch()

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The model and its voice styles."""
        return [weights.card("kokoro"), kokoro_voices.card()]

    def languages(self) -> frozenset[str]:
        """The languages whose speech was read back without trouble by a recogniser; see ``docs/voices.md``."""
        return frozenset(kokoro_styles.STYLES)

    def voices(self, language: str) -> tuple[Voice, ...]:
        """The voices for a language, best first; empty where it cannot speak it."""
        return kokoro_styles.voices(language)

    def predict(self, request: Request) -> Seconds:
        """How long the clip will be: the model's own durations, without the sound (4 % of the work).

        Of a line of a word or three they foretell half (``docs/durations.md``); such a line takes at least as long as lines of
        that text usually do.
        """
        parts = list(self._parts(request))
        if not parts:
            return len(nothing(self.sample_rate)) / self.sample_rate
        style, rate = _style_name(request.voice), _rate(request)
        total = 0.0
        for index, part in enumerate(parts):
            total += predicted(part.written, _frames(part, style, rate), style)
            total += pause_after(part.written) / rate if index < len(parts) - 1 else 0.0
        if total * rate < SHORT_LINE:
            total = max(total, natural_duration(request.text, request.voice.language, request.voice.id) / rate)
        return total

    def marks(self, request: Request) -> tuple[tuple[Seconds, Seconds], ...]:
        """Where the clip pauses: the model's own durations of the punctuation marks inside the text."""
        style, rate = _style_name(request.voice), _rate(request)
        found: list[tuple[Seconds, Seconds]] = []
        start = pause = 0.0
        for part in self._parts(request):
            if start:
                found.append((start - pause, start))
            frames = _frames(part, style, rate)
            found += [(start + a, start + b) for a, b in pauses(part.written, frames)]
            pause = pause_after(part.written) / rate
            start += predicted(part.written, frames, style) + pause
        return tuple(found)

    def synthesize(self, requests: Sequence[Request]) -> Iterator[np.ndarray]:
        """A clip for each request, in order; a tenth of a second of silence where there is nothing to say.

        Raises
        ------
        BadInput
            If a voice is none of Kokoro's.
        MissingModel
            If the model or its voices are not here.
        """
        for request in requests:
            _style_name(request.voice)
        yield from in_order(self._speak, requests, min(self._compute.n_threads, self._compute.batch_size))

    def _speak(self, request: Request) -> np.ndarray:
        import numpy as np

        spoken: list[np.ndarray] = []
        style, rate, pause = _style_name(request.voice), _rate(request), 0.0
        for part in self._parts(request):
            if spoken:
                spoken.append(np.zeros(round(pause / rate * self.sample_rate), np.float32))
            frames = _frames(part, style, rate)[None]
            inputs = {**part.inputs, kokoro_graph.FEATURES: part.features, kokoro_graph.FRAMES: frames}
            audio = self._loaded("sound").run(["audio"], inputs)[0]
            spoken.append(trim(np.clip(audio, -1.0, 1.0), self.sample_rate))
            pause = pause_after(part.written)
        clip = np.concatenate(spoken) if spoken else np.zeros(0, np.float32)
        return clip if len(clip) else nothing(self.sample_rate)

    def _parts(self, request: Request) -> Iterator[_Part]:
        import numpy as np

        style = _style_name(request.voice)
        written = kokoro_phonemes.symbols(request.text, kokoro_styles.accent(style))
        for chunk in kokoro_phonemes.chunks(written):
            numbers = kokoro_phonemes.tokens(chunk)
            # The style's row is chosen by the text's length.
            inputs = {"tokens": np.array([[0, *numbers, 0]], np.int64), "style": self._style(style)[len(numbers) - 1]}
            natural, features = self._loaded("prosody").run([kokoro_graph.DURATIONS, kokoro_graph.FEATURES], inputs)
            yield _Part(chunk, inputs, np.maximum(np.round(natural[0]), 1.0), features)

    def _loaded(self, name: str) -> Any:
        """A part of the model, loaded at first use, once for all threads."""
        with self._lock:
            if name not in self._in_memory:
                self._in_memory[name] = _LOADERS[name]()
            return self._in_memory[name]

    def _style(self, style: str) -> np.ndarray:
        """A voice's style vectors, shape (510, 1, 256), float32."""
        import numpy as np

        parts = np.stack([self._loaded("styles")[name] for name in style.split("+")])
        mixed: np.ndarray = parts.mean(axis=0, dtype=np.float32)
        return mixed


def _style_name(voice: Voice) -> str:
    """The style or mixture that a voice names."""
    member, _, style = voice.id.partition(":")
    if member != "kokoro" or not kokoro_styles.known(style):
        names = [v.id for v in kokoro_styles.voices(voice.language)]
        raise BadInput(f"{voice.id!r} is not a voice of Kokoro. For {voice.language!r} it has: {listed(names)}.")
    return style


def _frames(part: _Part, style: str, rate: float) -> np.ndarray:
    """The durations of a part's symbols at a rate."""
    return paced(part.frames, symbol_rate(part.written, part.frames, style, rate))


def _rate(request: Request) -> float:
    return min(max(request.rate, SLOWEST), FASTEST)


def _styles() -> dict[str, np.ndarray]:
    """The model's styles, each of shape (510, 1, 256), by name."""
    import numpy as np

    if not kokoro_voices.archive().exists():
        raise MissingModel(f"Kokoro's voices are not here. Get them with: {kokoro_voices.FETCH}, or: {weights.MEND}")
    with np.load(kokoro_voices.archive(), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


_LOADERS: dict[str, Callable[[], Any]] = {
    "prosody": kokoro_graph.prosody,
    "sound": kokoro_graph.sound,
    "styles": _styles,
}
