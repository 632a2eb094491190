"""The small talking film as an item of a suite: a truth made by hand, and stems of tones.

Two people talk, a man with a low tone and a woman with a high one. Texts are what the stand-in transcriber hears.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from builders import silence, sine

from data.truth import CastMember, SpokenLine, Truth, turns_of
from dubkit.artefacts import Word
from dubkit.run import PIPELINE
from evaluation.suites import Item

RATE = 48_000
SAID = (
    ("u001", "bob", 0.5, 2.0, "low1 low2 low3 low4 low5 low6."),
    ("u002", "ann", 2.5, 4.0, "high1 high2 high3 high4 high5 high6."),
    ("u003", "bob", 4.5, 5.5, "low1 low2 low3 low4."),
)
INTO = {"pt": ("Uma primeira linha baixa.", "Essa segunda linha alta.", "Aquela terceira linha baixa.")}


def line(name: str, who: str, start: float, end: float, text: str, **more: Any) -> SpokenLine:
    """A sentence that is really said."""
    return SpokenLine(
        id=name, speaker=who, gender="female" if who == "ann" else "male", start=start, end=end, text=text, **more
    )


def spoken(name: str, who: str, start: float, end: float, text: str) -> SpokenLine:
    """A sentence whose words share its time evenly."""
    words = text.split()
    step = (end - start) / len(words)
    timed = tuple(Word(text=w, start=start + n * step, end=start + (n + 1) * step) for n, w in enumerate(words))
    return line(name, who, start, end, text, words=timed)


def truth(*lines: SpokenLine, **changes: Any) -> Truth:
    """Who says what and when; by default all that the film has."""
    said = lines or tuple(spoken(*one) for one in SAID)
    facts: dict[str, Any] = {
        "id": "talk",
        "title": "Talk",
        "language": "en",
        "duration": 6.0,
        "may_overlap": False,
        "speakers": (
            CastMember(id="bob", name="Bob", gender="male"),
            CastMember(id="ann", name="Ann", gender="female"),
        ),
        "turns": turns_of(said),
        "utterances": said,
        "translations": {} if lines else INTO,
    }
    return Truth(**{**facts, **changes})


def item(video: Path, folder: Path | None = None, *, target: str = "pt", known: Truth | None = None) -> Item:
    """The film as an item; `folder` holds its stems."""
    return Item.of_film("talk", video, target, truth=known or truth(), folder=folder)


class Deadly(Item):
    """An item that ends the process that it is handed to."""

    def __reduce__(self) -> tuple[Any, tuple[int]]:
        return os._exit, (9,)


def write_stems(folder: Path, *, seconds: float = 6.0, rate: int = RATE, n_channels: int = 1) -> Path:
    """``audio.wav``, ``speech.wav`` and ``music.wav``; the music is a soft hum throughout."""
    folder.mkdir(parents=True, exist_ok=True)
    low, high, pause = sine(1.5, hz=200, rate=rate), sine(1.5, hz=500, rate=rate), silence(0.5, rate)
    said = np.concatenate([pause, low, pause, high, pause, low[:rate], pause])
    speech = np.zeros(round(seconds * rate), np.float32)
    speech[: len(said)] = said[: len(speech)]
    music = sine(seconds, hz=100, level=0.05, rate=rate)
    for name, samples in {"speech": speech, "music": music, "audio": speech + music}.items():
        soundfile.write(folder / f"{name}.wav", np.stack([samples] * n_channels, axis=1), rate)
    return folder


def before(stage: str) -> list[str]:
    """The stages before one."""
    names = [s.name for s in PIPELINE]
    return names[: names.index(stage)]
