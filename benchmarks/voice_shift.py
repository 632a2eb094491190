"""How voices sound that are made of others: pitch, heard gender and word errors of Kokoro's, moved as MMS's are.

    python benchmarks/voice_shift.py

A man's and a woman's voice of Kokoro stand in for an MMS voice, whose gender is not known beforehand. Pitch is the
median F0; female is the probability of dubkit's own classifier; the word error rate (WER) is whisper-base's reading.
"""

from __future__ import annotations

import re

import jiwer
import numpy as np

from dubkit.audio import resample
from dubkit.backends import registry
from dubkit.backends.mms.voice_shift import VARIANTS, Shift, median_pitch, shift, shifted
from dubkit.backends.protocols import Compute, Request

RATE = 16_000
STYLES = ("am_michael", "af_heart")
SENTENCES = (
    "The weather was lovely this morning, so we walked along the river.",
    "Could you tell me where the nearest station is?",
    "My brother bought seven large boxes of old books.",
    "Nobody believed him when he said that the window was open.",
)


def words(text: str) -> str:
    """Lower case without punctuation."""
    return " ".join(re.sub(r"[^\w\s]", " ", text.lower()).split())


def spoken(style: str) -> list[np.ndarray]:
    """The sentences in one of Kokoro's voices at 16 kHz."""
    kokoro = registry.get("synthesizer", "kokoro", Compute())
    (voice,) = (v for v in kokoro.voices("en") if v.id == f"kokoro:{style}")
    return [resample(c, kokoro.sample_rate, RATE) for c in kokoro.synthesize([Request(s, voice) for s in SENTENCES])]


def main() -> None:
    """Measure and print a table in Markdown."""
    gender = registry.get("gender_classifier", "voice-gender", Compute())
    whisper = registry.get("transcriber", "faster-whisper:packaged-base", Compute())
    print("| voice | as | pitch by | formants by | wanted Hz | heard Hz | female | WER |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for style in STYLES:
        clips = spoken(style)
        base = median_pitch(clips, RATE)
        for name, by in {"itself": Shift(), **{n: shift(v, base) for n, v in VARIANTS.items()}}.items():
            moved = [shifted(clip, RATE, by) for clip in clips]
            (female,) = gender.female_probability([np.concatenate(moved)])
            heard = whisper.transcribe([np.pad(clip, RATE // 5) for clip in moved], "en")
            read = [words(" ".join(word.text for word in h.words)) for h in heard]
            error = jiwer.wer([words(s) for s in SENTENCES], read)
            pitch = median_pitch(moved, RATE)
            row = f"| {style} | {name} | {by.pitch:.2f} | {by.formant:.2f} | {base * by.pitch:.0f} | {pitch:.0f} "
            print(f"{row}| {female:.2f} | {error:.3f} |", flush=True)


if __name__ == "__main__":
    main()
