"""The methods of every task as a remote back end calls them: their parameters, results, and errors.

How the values go over the wire, and the protocol as a whole, is told in :mod:`dubkit.backends.remote.wire`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, TypeAdapter

from dubkit import errors
from dubkit.artefacts import Candidate, Voice
from dubkit.backends.protocols import Diarization, Heard, Hint, ModelCard, Request
from dubkit.backends.remote.wire import WireError
from dubkit.errors import DubkitError
from dubkit.record import AudioFile

ATTRIBUTES = ("sample_rate", "rates", "heeds")
"""What a back end may have besides methods."""


def _array(value: Any) -> Any:
    import numpy as np

    if not isinstance(value, np.ndarray):
        raise ValueError("an array is wanted here")
    return value


def _diarization(value: Any) -> Diarization:
    if isinstance(value, Diarization):
        return value
    turns = _adapter(tuple[tuple[float, float, str], ...]).validate_python(value["turns"])
    return Diarization(turns, {str(label): _array(c) for label, c in value["centroids"].items()})


def _with_sound_sent(value: Any) -> Any:
    # The fields of a file handle would do for pydantic: whoever asks could have any file of the server opened.
    reference = value.get("reference") if isinstance(value, Mapping) else None
    if reference is not None and not isinstance(reference, AudioFile):
        raise ValueError("a reference has to be sent as a sound, never as the name of a file")
    return value


Waveform = Annotated[Any, AfterValidator(_array)]
Spoken = Annotated[Request, BeforeValidator(_with_sound_sent)]
"""A line to speak; its reference is a sound that came in the same parcel."""


@dataclass(frozen=True)
class Method:
    """How one method of a Protocol is called.

    Parameters
    ----------
    takes : dict
        The types of its parameters by name, in order.
    gives : type
        Of its result; of one item's result where it has ``items``.
    items : tuple of str
        Parameters that hold an entry per item; the first always does, others may be empty.
    keywords : tuple of str
        Parameters that are given by keyword, and may be left out.
    loads : bool
        Whether it works with the model: such calls are done one at a time.
    light : bool
        Whether its items are so small that many go in one request.
    optional : bool
        Whether a back end may lack it.
    fixed : bool
        Whether its results change with the model only: they are asked for once.
    """

    takes: dict[str, Any]
    gives: Any
    items: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    loads: bool = False
    light: bool = False
    optional: bool = False
    fixed: bool = False


_PAIR: dict[str, Any] = {"source": str, "target": str}
_BACKEND = {"models": Method({"source": str | None, "target": str | None}, list[ModelCard])}
_LANGUAGES = Method({}, frozenset[str], fixed=True)

METHODS: dict[str, dict[str, Method]] = {
    "separator": _BACKEND,
    "diarizer": {
        **_BACKEND,
        "diarize": Method(
            {
                "waveform": Waveform,
                "n_speakers": int | None,
                "min_speakers": int,
                "max_speakers": int | None,
                "threshold": float | None,
            },
            Annotated[Any, AfterValidator(_diarization)],
            keywords=("n_speakers", "min_speakers", "max_speakers", "threshold"),
            loads=True,
        ),
    },
    "transcriber": {
        **_BACKEND,
        "languages": _LANGUAGES,
        "detect_language": Method({"waveforms": list[Waveform]}, tuple[str, float], loads=True),
        "transcribe": Method(
            {"waveforms": list[Waveform], "language": str, "beam_size": int},
            Heard,
            items=("waveforms",),
            keywords=("beam_size",),
            loads=True,
        ),
    },
    "gender_classifier": {
        **_BACKEND,
        "female_probability": Method({"waveforms": list[Waveform]}, float, items=("waveforms",), loads=True),
    },
    "translator": {
        **_BACKEND,
        "pairs": Method({}, frozenset[tuple[str, str]]),
        "route": Method(_PAIR, tuple[str, ...]),
        "quality": Method(_PAIR, str, optional=True),
        "missing": Method(_PAIR, str, optional=True),
        "translate": Method(
            {"texts": list[str], **_PAIR, "hints": list[Hint]},
            tuple[Candidate, ...],
            items=("texts", "hints"),
            light=True,
            loads=True,
        ),
    },
    "synthesizer": {
        **_BACKEND,
        "languages": _LANGUAGES,
        "voices": Method({"language": str}, tuple[Voice, ...], fixed=True),
        "own_voice": Method({"language": str}, Voice | None, optional=True, fixed=True),
        "revision_of": Method({"language": str}, str, optional=True),
        "predict": Method({"request": Spoken}, float, loads=True),
        "marks": Method({"request": Spoken}, tuple[tuple[float, float], ...], optional=True, loads=True),
        "synthesize": Method({"requests": list[Spoken]}, Waveform, items=("requests",), loads=True),
    },
}


def read(kind: Any, value: Any) -> Any:
    """A plain value from a parcel as the type that it stands for.

    Raises
    ------
    WireError
        If it does not fit.
    """
    try:
        return _adapter(kind).validate_python(value)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WireError(f"{getattr(kind, '__name__', kind)} was expected: {error}") from error


def described_error(error: DubkitError) -> dict[str, str]:
    """An error as it is sent: the nearest class in :mod:`dubkit.errors` and the message."""
    name = next(c.__name__ for c in type(error).__mro__ if c.__module__ == errors.__name__)
    return {"class": name, "message": str(error)}


def error_of(described: Mapping[str, Any]) -> DubkitError | None:
    """The error that was sent; None where it is none of dubkit's."""
    cls = getattr(errors, str(described.get("class")), None)
    known = isinstance(cls, type) and issubclass(cls, DubkitError)
    return cls(str(described.get("message", ""))) if cls is not None and known else None


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
