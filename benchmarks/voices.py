"""Hears every Kokoro voice and mixture that is offered, and others that might be: docs/voices.md and the offsets.

    python benchmarks/voices.py [LANGUAGE ...]

Each reads two sentences, which whisper-base reads back (word error rate), and one short one. Resemblyzer tells how
near it is to the nearest voice of its gender before it in the list. Measurements gather in benchmarks/voices.json, and
what is there is not measured again;
docs/voices.md and dubkit/backends/kokoro/offsets.json (seconds to add to the predicted length) are written from them.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dubkit.artefacts import Voice
from dubkit.audio import resample
from dubkit.backends import weights
from dubkit.backends.kokoro import styles as kokoro_styles
from dubkit.backends.kokoro import timing as kokoro_timing
from dubkit.backends.kokoro.synthesizer import Kokoro
from dubkit.backends.protocols import Compute, Request

HERE = Path(__file__).parent
RESULTS = HERE / "voices.json"
READ_BACK, SHORT = (1, 5), 4
TRIED = {
    "es": {
        "ef_dora": ("af_heart", "af_bella", "bf_emma", "af_kore", "af_nova"),
        "em_alex": ("am_michael", "bm_george", "am_fenrir", "am_puck"),
    },
    "fr": {
        "ff_siwis": (
            *("af_heart", "af_bella", "bf_emma", "af_kore", "af_nova"),
            *("im_nicola", "am_michael", "bm_george", "am_fenrir", "em_alex", "pm_alex"),
            *("im_nicola+am_michael", "im_nicola+bm_george", "im_nicola+am_fenrir"),
            *("im_nicola+am_onyx", "am_michael+bm_george"),
        ),
    },
    "it": {
        "if_sara": ("af_heart", "bf_emma", "af_kore", "af_nova"),
        "im_nicola": ("am_michael", "bm_george", "am_fenrir"),
    },
    "pt": {
        "pf_dora": ("af_heart", "af_bella", "bf_emma", "af_kore", "af_nova"),
        "pm_alex": ("am_michael", "bm_george", "am_fenrir", "am_puck"),
    },
}


def candidates(language: str) -> list[str]:
    """What is offered, in its order, then what was tried besides."""
    tried = [f"{base}+{other}" for base, others in TRIED.get(language, {}).items() for other in others]
    return list(dict.fromkeys([*kokoro_styles.STYLES[language], *tried]))


def words(text: str) -> str:
    """Lower case without punctuation."""
    return " ".join(re.sub(r"[^\w\s]", " ", text.lower().replace("’", "'")).split())


def measure(language: str, known: dict[str, dict], synthesizer: Kokoro) -> Iterator[tuple[str, dict]]:
    """Word errors, pitch, voice embedding and length offset of each candidate that is not known."""
    import jiwer
    import librosa
    from faster_whisper import WhisperModel
    from resemblyzer import VoiceEncoder

    whisper = WhisperModel(str(weights.folder("whisper-base")), device="cpu", compute_type="int8", cpu_threads=2)
    encoder = VoiceEncoder("cpu", verbose=False)
    sentences = tomllib.loads((HERE / "sentences.toml").read_text(encoding="utf-8"))[language]
    for style in candidates(language):
        if style in known:
            continue
        voice = Voice(id=f"kokoro:{style}", language=language, gender="unknown", name=style)
        requests = [Request(sentences[n], voice) for n in (*READ_BACK, SHORT)]
        clips = list(synthesizer.synthesize(requests))
        heard = [resample(np.pad(c, 4800), 24000, 16000) for c in clips]
        said = [" ".join(s.text for s in whisper.transcribe(x, language=language)[0]) for x in heard[: len(READ_BACK)]]
        pitch = librosa.yin(np.concatenate(heard), fmin=60, fmax=400, sr=16000)
        loud = librosa.feature.rms(y=np.concatenate(heard))[0]
        offsets = [
            len(c) / 24000 - synthesizer.predict(r) + kokoro_timing.offset(style)
            for c, r in zip(clips, requests, strict=True)
        ]
        facts = {
            "wer": round(jiwer.wer([words(sentences[n]) for n in READ_BACK], [words(s) for s in said]), 3),
            "pitch": round(float(np.median(pitch[: len(loud)][loud > 0.3 * loud.max()]))),
            "offset": round(float(np.median(offsets)), 3),
            "embedding": [round(float(x), 4) for x in encoder.embed_utterance(np.concatenate(heard))],
        }
        print(language, style, {k: v for k, v in facts.items() if k != "embedding"}, flush=True)
        yield style, facts


def table(language: str, found: dict[str, dict]) -> str:
    """One language's table: what is offered and what was not taken."""
    offered = [s for s in kokoro_styles.STYLES[language] if s in found]
    lines = ["| voice | gender | WER | pitch, Hz | nearest before it | offered |", "|---|---|---|---|---|---|"]
    for style in dict.fromkeys([*offered, *found]):
        facts = found[style]
        gender = kokoro_styles.gender(style)
        before = offered[: offered.index(style)] if style in offered else offered
        alike = {
            s: np.dot(found[s]["embedding"], facts["embedding"]) for s in before if kokoro_styles.gender(s) == gender
        }
        near = max(alike, key=alike.get) if alike else ""
        nearest = f"{near} {alike[near]:.2f}" if near else "-"
        taken = "yes" if style in offered else "no"
        lines.append(f"| {style} | {gender} | {facts['wer']:.3f} | {facts['pitch']} | {nearest} | {taken} |")
    return "\n".join(lines)


def main() -> None:
    """Measure what is new in the languages named, and write what all measurements say."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    synthesizer = Kokoro.from_spec("", Compute())
    for language in sys.argv[1:]:
        known = results.setdefault(language, {})
        for style, facts in measure(language, dict(known), synthesizer):
            known[style] = facts
            RESULTS.write_text(json.dumps(results, sort_keys=True) + "\n")
    offsets = {s: facts["offset"] for found in results.values() for s, facts in found.items()}
    target = HERE.parent / "dubkit" / "backends" / "offsets.json"
    target.write_text(json.dumps(dict(sorted(offsets.items())), indent=1) + "\n")
    introduction = (HERE / "voices_head.md").read_text(encoding="utf-8")
    tables = [f"## {language}\n\n{table(language, found)}\n" for language, found in sorted(results.items())]
    (HERE.parent / "docs" / "voices.md").write_text(introduction + "\n" + "\n".join(tables), encoding="utf-8")


if __name__ == "__main__":
    main()
