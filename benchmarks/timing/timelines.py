"""The films of the benchmark without their pictures: who says what when, exactly, and its translations.

Each timeline is a folder:

``source.wav``
    The source's speech alone, 24 kHz, 16 bits, mono; as long as the film.
``clips/ID.wav``
    The first candidate of each line at natural rate, in the voice that dubs its speaker.
``timeline.json``
    ``duration``, ``source`` and ``target`` languages, and ``lines`` in order of their starts, each with ``id``,
    ``speaker``, exact ``start`` and ``end``, ``phrases`` (the exact stretches of speech between pauses of 0.15 s or
    more), ``text``, ``words`` with times, ``candidates`` (texts; the first is the translator's own), ``how`` each of them came
    about, ``voice``, ``clip`` and its ``natural`` length. All times are seconds from the start of the film.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks.timing import recorded
from benchmarks.timing.speaker import SAMPLE_RATE, Said, Speaker, voice
from data.samples import BUILT
from dubkit.backends import registry
from dubkit.backends.protocols import Compute, Request
from evaluation.times.spans import Span

HERE = Path(__file__).parent
WORK = BUILT / "timing"
NAMES = ("reading", "two-cities", "dialogue", "longer")
SILENCE_AT_THE_END = 1.5
BY_HAND = "by hand"


@dataclass(frozen=True)
class Spoken:
    """A source line where it lies in the film; times in seconds, words as (text, start, end)."""

    speaker: str
    text: str
    phrases: tuple[Span, ...]
    words: tuple[tuple[str, float, float], ...]

    @property
    def start(self) -> float:
        """When it begins to sound."""
        return self.phrases[0][0]

    @property
    def end(self) -> float:
        """When it has sounded."""
        return self.phrases[-1][1]


def timeline(name: str, work: Path = WORK) -> Path:
    """The folder of a timeline, which is built first unless it is there and nothing that it is made from has changed.

    Parameters
    ----------
    name : str
        One of NAMES.
    work : Path
        Where timelines and clips are kept.
    """
    script = tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))
    speaker = Speaker(work / "spoken")
    recipe = _recipe(name, speaker)
    folder = work / "timelines" / name
    if (folder / "recipe").is_file() and (folder / "recipe").read_text() == recipe:
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".part-{name}-", dir=folder.parent))
    try:
        lines, samples = _recorded(script, work) if "recording" in script else _spoken(script, speaker)
        soundfile.write(part / "source.wav", samples, SAMPLE_RATE, subtype="PCM_16")
        described = _described(script, lines, speaker, part, len(samples) / SAMPLE_RATE)
        (part / "timeline.json").write_text(
            json.dumps({"name": name, **described}, indent=1, ensure_ascii=False) + "\n"
        )
        (part / "recipe").write_text(recipe)
        part.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def opened(folder: Path) -> dict[str, Any]:
    """A timeline's description."""
    found: dict[str, Any] = json.loads((folder / "timeline.json").read_text(encoding="utf-8"))
    return found


def _recipe(name: str, speaker: Speaker) -> str:
    digest = hashlib.sha256(speaker.fingerprint.encode())
    parts = [HERE / f"{name}.toml", *(HERE / f"{m}.py" for m in ("timelines", "speaker", "spans", "recorded"))]
    found = importlib.util.find_spec("dubkit.variants")
    for path in [*parts, *([Path(found.origin)] if found and found.origin else [])]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _spoken(script: dict[str, Any], speaker: Speaker) -> tuple[list[Spoken], np.ndarray]:
    """A scripted film: every line by its voice, one after another with the pauses of the script."""
    cast = {name: voice(one["voice"], script["source"]) for name, one in script["speakers"].items()}
    rate = script.get("rate", 1.0)
    said = speaker.said([Request(line["text"], cast[line["speaker"]], rate) for line in script["lines"]])
    lines: list[Spoken] = []
    starts: list[int] = []
    at = 0
    for line, one in zip(script["lines"], said, strict=True):
        # Whole frames, so that spans stay exact on the grid of 10 ms.
        frame = SAMPLE_RATE // 100
        start = max(0, round((at / SAMPLE_RATE + line["pause"]) * 100) * frame)
        at = start + round(one.duration * SAMPLE_RATE)
        starts.append(start)
        lines.append(_placed(line, one, start / SAMPLE_RATE))
    samples = np.zeros(at + round(SILENCE_AT_THE_END * SAMPLE_RATE), np.float32)
    samples = np.pad(samples, (0, -len(samples) % (SAMPLE_RATE // 100)))
    for start, one in zip(starts, said, strict=True):
        clip = one.samples
        samples[start : start + len(clip)] += clip
    return lines, samples


def _placed(line: dict[str, Any], said: Said, start: float) -> Spoken:
    return Spoken(
        line["speaker"],
        line["text"],
        tuple((round(start + a, 4), round(start + b, 4)) for a, b in said.phrases),
        tuple((t, round(start + a, 4), round(start + b, 4)) for t, a, b in said.words),
    )


def _recorded(script: dict[str, Any], work: Path) -> tuple[list[Spoken], np.ndarray]:
    """A real recording, whose lines and words are the embedded profile's, and whose phrases are its energy's."""
    samples = recorded.samples(script["recording"], SAMPLE_RATE)
    (name,) = script["speakers"]
    found = recorded.lines(script["recording"], work / "runs", samples, SAMPLE_RATE)
    return [Spoken(name, text, spans, words) for text, spans, words in found], samples


def _described(
    script: dict[str, Any], lines: Sequence[Spoken], speaker: Speaker, folder: Path, duration: float
) -> dict[str, Any]:
    """What timeline.json says; writes the clips, too."""
    (folder / "clips").mkdir()
    written = script.get("lines", [{}] * len(lines))
    candidates = _candidates([one.text for one in lines], script, [one.get("wordings", []) for one in written])
    voices = {name: voice(one["dub_voice"], script["target"]) for name, one in script["speakers"].items()}
    clips = speaker.said(
        [Request(texts[0][0], voices[line.speaker]) for line, texts in zip(lines, candidates, strict=True)]
    )
    described = []
    for number, (line, texts, clip) in enumerate(zip(lines, candidates, clips, strict=True), 1):
        name = f"u{number:03}"
        shutil.copyfile(clip.path, folder / "clips" / f"{name}.wav")
        described.append(
            {
                "id": name,
                "speaker": line.speaker,
                "start": line.start,
                "end": line.end,
                "phrases": line.phrases,
                "text": line.text,
                "words": [{"text": t, "start": a, "end": b} for t, a, b in line.words],
                "candidates": [text for text, _ in texts],
                "how": [how for _, how in texts],
                "voice": voices[line.speaker].id,
                "clip": f"clips/{name}.wav",
                "natural": clip.duration,
            }
        )
    return {
        "title": script["title"],
        "source": script["source"],
        "target": script["target"],
        "duration": duration,
        "longer": round(sum(c.duration for c in clips) / sum(line.end - line.start for line in lines), 3),
        "speakers": {name: {"voice": one.id} for name, one in voices.items()},
        "lines": described,
    }


def _candidates(
    texts: Sequence[str], script: dict[str, Any], by_hand: Sequence[Sequence[str]]
) -> list[list[tuple[str, str]]]:
    """Wordings of each line with how they came about: the translator's, its cheap variants, then those by hand."""
    translator = registry.get("translator", "pivot", Compute())
    found = translator.translate(texts, script["source"], script["target"])
    everything = []
    for translations, hands in zip(found, by_hand, strict=True):
        wordings = {one.text: one.how for one in translations}
        for text, how in _variants(translations[0].text, script["target"]) + [(hand, BY_HAND) for hand in hands]:
            wordings.setdefault(text, how)
        everything.append(list(wordings.items()))
    return everything


def _variants(text: str, language: str) -> list[tuple[str, str]]:
    """What dubkit itself makes of a translation without a stronger translator; nothing where it cannot yet."""
    if importlib.util.find_spec("dubkit.variants") is None:
        return []
    from dubkit.variants import variants

    return [(one.text, one.how) for one in variants(text, language)]
