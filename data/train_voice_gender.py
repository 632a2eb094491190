"""Fits ``dubkit/backends/voice_gender.json`` on Kokoro's labelled voices: ``python data/train_voice_gender.py``.

Every voice says a few sentences; each clip is also heard through a telephone band and under noise, so that the
regression does not lean on studio sound. Accuracy is told for voices that were left out (ten folds by voice).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dubkit.audio import resample
from dubkit.backends import registry
from dubkit.backends.protocols import Request
from dubkit.backends.voice_gender import SAMPLE_RATE, VoiceGender

SENTENCES = {
    "en": [
        "I never thought that we would get this far, but here we are, standing at the edge of the river.",
        "Could you please tell me where the nearest station is? My train leaves in twenty minutes.",
    ],
    "es": ["Nunca pensé que llegaríamos tan lejos, pero aquí estamos, al borde del río."],
    "pt": ["Nunca pensei que chegaríamos tão longe, mas aqui estamos, à beira do rio."],
    "fr": ["Je n'aurais jamais pensé que nous irions si loin, mais nous voilà au bord de la rivière."],
    "it": ["Non avrei mai pensato che saremmo arrivati così lontano, ma eccoci qui, in riva al fiume."],
}
TARGET = Path(__file__).resolve().parents[1] / "dubkit" / "backends" / "voice_gender.json"
# Weak regularisation would be surer than a few dozen voices allow.
STRENGTH = 10.0


def clips() -> list[tuple[str, bool, np.ndarray]]:
    """(voice, is female, 16 kHz waveform) for every native voice and sentence; blends are left out."""
    synthesizer = registry.get("synthesizer", "kokoro")
    found = []
    for language, sentences in SENTENCES.items():
        voices = [v for v in synthesizer.voices(language) if "+" not in v.id]
        requests = [Request(text, voice) for voice in voices for text in sentences]
        for request, samples in zip(requests, synthesizer.synthesize(requests), strict=True):
            waveform = resample(samples, synthesizer.sample_rate, SAMPLE_RATE)
            found.append((request.voice.id, request.voice.gender == "female", waveform))
    return found


def heard(waveform: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """The clip as it is, through a telephone band, and with noise 15 dB below it."""
    from scipy.signal import butter, sosfilt

    band = sosfilt(butter(4, (300, 3400), "bandpass", fs=SAMPLE_RATE, output="sos"), waveform).astype(np.float32)
    noise = rng.normal(size=len(waveform)).astype(np.float32) * np.std(waveform) * 10 ** (-15 / 20)
    return [waveform, band, waveform + noise]


def main() -> None:
    """Fit, tell the accuracy, write."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    argparse.ArgumentParser(description=__doc__).parse_args()
    rng = np.random.default_rng(0)
    encoder = registry.get("gender_classifier", "voice-gender")
    assert isinstance(encoder, VoiceGender)
    rows = [(v, f, w) for v, f, clip in clips() for w in heard(clip, rng)]
    voices, female = np.array([v for v, _, _ in rows]), np.array([f for _, f, _ in rows])
    vectors = np.array(list(encoder.embed([w for _, _, w in rows])))
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=2000)
    odds = cross_val_predict(model, vectors, female, groups=voices, cv=GroupKFold(10), method="predict_proba")[:, 1]
    sure = (odds > 0.7) | (odds < 0.3)
    print(
        f"{len(set(voices))} voices, {len(rows)} clips; left-out voices: {np.mean((odds > 0.5) == female):.3f} right;"
    )
    print(f"{np.mean(sure):.3f} above 0.7 certainty, of which {np.mean(((odds > 0.5) == female)[sure]):.3f} right")
    model.fit(vectors, female)
    weights = [round(float(w), 4) for w in model.coef_[0]]
    fitted = {"bias": round(float(model.intercept_[0]), 4), "weights": weights}
    trained = hashlib.sha256(json.dumps(fitted).encode()).hexdigest()[:12]
    TARGET.write_text(json.dumps({"trained": trained, **fitted}) + "\n")


if __name__ == "__main__":
    main()
