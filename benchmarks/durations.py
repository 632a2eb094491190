"""How well Kokoro's predicted lengths, and the rates asked for, are kept: docs/durations.md.

    python benchmarks/durations.py

Sentences on which the offsets in dubkit/backends/kokoro/offsets.json were not fitted, by native voices and mixtures,
at several rates; whisper-base reads back what was spoken, to see at which rates it stays intelligible.
"""

import tomllib
from pathlib import Path

import jiwer
import numpy as np
from faster_whisper import WhisperModel
from voices import words

from dubkit.artefacts import Voice
from dubkit.audio import resample
from dubkit.backends import weights
from dubkit.backends.kokoro.synthesizer import Kokoro
from dubkit.backends.protocols import Compute, Request

HERE = Path(__file__).parent
SENTENCES = (0, 2, 10)
RATES = (0.8, 1.0, 1.15, 1.3, 1.45)
VOICES = {
    "en": ("af_heart",),
    "es": ("em_alex",),
    "fr": ("ff_siwis",),
    "it": ("if_sara",),
    "pt": ("pf_dora", "pm_alex+am_michael"),
}


def main() -> None:
    """Speak, compare, and write the table."""
    synthesizer = Kokoro.from_spec("", Compute())
    whisper = WhisperModel(str(weights.folder("whisper-base")), device="cpu", compute_type="int8", cpu_threads=2)
    texts = tomllib.loads((HERE / "sentences.toml").read_text(encoding="utf-8"))
    predicted, kept = ({rate: [] for rate in RATES} for _ in range(2))
    read = {rate: ([], []) for rate in RATES}
    for language, styles in VOICES.items():
        for style in styles:
            voice = Voice(id=f"kokoro:{style}", language=language, gender="unknown", name=style)
            said = [texts[language][n] for n in SENTENCES]
            lengths = {}
            for rate in sorted(RATES, key=lambda r: r != 1.0):
                requests = [Request(text, voice, rate) for text in said]
                clips = list(synthesizer.synthesize(requests))
                lengths[rate] = np.array([len(c) / synthesizer.sample_rate for c in clips])
                foretold = np.array([synthesizer.predict(r) for r in requests])
                predicted[rate] += list(np.abs(foretold / lengths[rate] - 1))
                kept[rate] += list(lengths[1.0] / lengths[rate] / rate)
                for text, clip in zip(said, clips, strict=True):
                    heard = whisper.transcribe(resample(np.pad(clip, 4800), 24000, 16000), language=language)[0]
                    read[rate][0].append(words(text))
                    read[rate][1].append(words(" ".join(s.text for s in heard)))
            print(language, style, flush=True)
    lines = [
        "# Lengths and rates of Kokoro's speech",
        "",
        f"`benchmarks/durations.py`: {len(SENTENCES)} sentences by {sum(map(len, VOICES.values()))} voices in "
        f"{len(VOICES)} languages at each rate. Prediction error: of `predict` against the clip, absolute. Rate kept: "
        "natural length over length, over the rate asked for (1 is exact). WER: whisper-base on the clips.",
        "",
        "| rate | prediction error, median | 90th percentile | rate kept, median | 5th to 95th percentile | WER |",
        "|---|---|---|---|---|---|",
    ]
    for rate in RATES:
        middle, high = np.percentile(predicted[rate], [50, 90])
        least, usual, most = np.percentile(kept[rate], [5, 50, 95])
        wer = jiwer.wer(*read[rate])
        lines.append(f"| {rate} | {middle:.1%} | {high:.1%} | {usual:.3f} | {least:.3f} to {most:.3f} | {wer:.3f} |")
    (HERE.parent / "docs" / "durations.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
