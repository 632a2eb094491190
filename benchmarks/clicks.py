"""How well evaluation/metrics/clicks.py finds planted clicks, and what it takes for one: the table in its docstring.

    python benchmarks/clicks.py

Speech is brought to -20 dBFS. A step jumps and fades over 0.1 s; a cut is silence for 0.1 s in the middle of a voiced sound.
False alarms are looked for at random moments.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

# The builders of the samples are no part of the installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data.samples import built
from dubkit.audio import resample, speech_level
from dubkit.media import SAMPLE_RATE, ffmpeg_program
from dubkit.stages.combine import AUDIO_BITRATE
from evaluation.metrics import clicks

SOUNDS = {
    "synthetic speech": ("dialogue-pt", "speech.wav"),
    "with music": ("dialogue-pt", "audio.wav"),
    "music": ("dialogue-pt", "music.wav"),
    "read speech": ("two-cities", "audio.wav"),
    "speech, noisy": ("talking-head", "audio.wav"),
}
DAMAGES = {"step of 0.05": 0.05, "step of 0.1": 0.1, "cut": 0.0}
N_MOMENTS, ROUNDS = 500, 4
APART, LASTS, FRAME = round(0.25 * SAMPLE_RATE), round(0.1 * SAMPLE_RATE), round(0.02 * SAMPLE_RATE)
# A join is known to within the rounding of a phrase's times and the fades around it.
MISSED_BY = 0.005


def sounds() -> Iterator[tuple[str, np.ndarray]]:
    """Each sound at 48 kHz, mono, speech at -20 dBFS."""
    level = 0.1
    for name, (sample, file) in SOUNDS.items():
        samples, rate = soundfile.read(built(sample).folder / file, dtype="float32")
        mono = resample(samples if samples.ndim == 1 else samples[:, 0], rate, SAMPLE_RATE)
        # Music keeps its distance to the speech that it lies under.
        gain = level / speech_level(mono, SAMPLE_RATE) if name != "music" else 1.0
        yield name, mono * np.float32(gain)


def damaged(samples: np.ndarray, height: float, rng: np.random.Generator) -> tuple[np.ndarray, list[float]]:
    """The sound with clicks in its loud parts, and when they are."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    loud = np.flatnonzero(np.sqrt((frames**2).mean(axis=1)) > 0.5 * speech_level(samples, SAMPLE_RATE)) * FRAME
    moments = np.sort(loud + rng.integers(0, FRAME, len(loud)))
    moments = moments[rng.random(len(moments)) < 0.3]
    out, times, last = samples.copy(), [], -APART
    for at in moments[moments < len(samples) - APART]:
        if at - last >= APART:
            stretch = out[at : at + LASTS]
            stretch[:] = stretch + rng.choice([-1, 1]) * height * np.linspace(1, 0, LASTS) if height else 0
            times.append(at / SAMPLE_RATE)
            last = at
    return out, times


def coded(samples: np.ndarray) -> np.ndarray:
    """What comes out of the dub's AAC."""
    with tempfile.TemporaryDirectory() as folder:
        before, film, after = (str(Path(folder) / name) for name in ("a.wav", "b.m4a", "c.wav"))
        soundfile.write(before, np.clip(samples, -1, 1), SAMPLE_RATE)
        for source, target, codec in ((before, film, ["aac", "-b:a", AUDIO_BITRATE]), (film, after, ["pcm_f32le"])):
            subprocess.run([ffmpeg_program(), "-v", "error", "-i", source, "-c:a", *codec, target], check=True)
        return soundfile.read(after, dtype="float32")[0][: len(samples)]


def found(samples: np.ndarray, times: list[float], rng: np.random.Generator) -> float:
    """Share of moments that are said to click."""
    joins = [(str(n), float(t + rng.uniform(-MISSED_BY, MISSED_BY))) for n, t in enumerate(times)]
    return clicks.score(samples, joins, SAMPLE_RATE).share


def main() -> None:
    """Print the table."""
    print("sound, as mixed / as AAC", "false alarms", *DAMAGES, sep=" | ")
    for name, samples in sounds():
        rng = np.random.default_rng(1)
        row = []
        for height in (None, *DAMAGES.values()):
            shares = []
            for change in (lambda x: x, coded):
                if height is None:
                    moments = rng.uniform(0.1, len(samples) / SAMPLE_RATE - 0.1, N_MOMENTS).tolist()
                    shares.append(found(change(samples), moments, rng))
                else:
                    plants = [damaged(samples, height, rng) for _ in range(ROUNDS)]
                    shares.append(np.mean([found(change(sound), times, rng) for sound, times in plants]))
            row.append(" / ".join(f"{share:.3f}" for share in shares))
        print(name, *row, sep=" | ", flush=True)


if __name__ == "__main__":
    main()
