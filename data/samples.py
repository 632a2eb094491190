"""Builds the sample videos of the manifest, and finds those that are built."""

from __future__ import annotations

import argparse
import functools
import hashlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from data import clips, dialogue, film, prompts, recorded, reel
from data.manifest import HOME, Manifest, Sample, manifest
from data.narrator import Narrator
from data.packages import take
from data.picture import FPS, n_frames, title_card
from data.truth import Truth
from dubkit.audio import resample
from dubkit.backends.protocols import Compute
from dubkit.errors import BadInput, DubkitError

BUILT = HOME / "built"
RECIPE = "recipe"
_MODULES = {
    "video": ("recorded", "truth"),
    "recording": ("film", "picture", "recorded", "truth"),
    "dialogue": ("dialogue", "faces", "film", "music", "narrator", "picture", "truth"),
    "reel": ("clips", "crowd", "film", "narrator", "picture", "prompts", "reel", "truth"),
}
"""The modules whose code makes a sample of each kind: when one changes, it is built anew."""


@dataclass(frozen=True)
class Built:
    """A sample that is built: its folder holds NAME.mp4, audio.wav, and what is known about it.

    A dialogue's folder also holds its stems, speech.wav and music.wav.
    """

    sample: Sample
    folder: Path

    @property
    def video(self) -> Path:
        """The film."""
        return self.folder / f"{self.sample.id}.mp4"

    @property
    def audio(self) -> Path:
        """Its whole sound, uncompressed."""
        return self.folder / "audio.wav"

    @property
    def truth(self) -> Truth | None:
        """What is said in it, by whom and when; None where that is not known exactly."""
        return Truth.open(self.folder) if self.sample.truth else None

    @property
    def text(self) -> str:
        """All that is said, empty where that is not known."""
        return self.truth.text if self.truth else self.sample.text.strip()


def built(name: str) -> Built:
    """A sample, which is built first where that has not been done.

    Raises
    ------
    BadInput
        If no sample has this id.
    """
    sample = next((one for one in manifest().chosen([name]) if one.id == name), None)
    if sample is None:
        raise BadInput(f"{name!r} is a group of samples; name one of them.")
    found = Built(sample, BUILT / sample.id)
    return found if (found.folder / RECIPE).is_file() else build(sample)


def build(sample: Sample, music: Path | None = None, target: Path = BUILT) -> Built:
    """Build a sample, unless it is there and nothing that it is made from has changed.

    Parameters
    ----------
    sample : Sample
        What to build.
    music : Path, optional
        A sound file to put under a dialogue in place of the computed music.
    target : Path
        Folder for the results.
    """
    result = Built(sample, target / sample.id)
    recipe = _recipe(sample, music)
    if (result.folder / RECIPE).is_file() and (result.folder / RECIPE).read_text() == recipe:
        return result
    target.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".part-{sample.id}-", dir=target))
    try:
        _BUILDERS[sample.kind](sample, Built(sample, part), target / "sources", music)
        (part / RECIPE).write_text(recipe)
        part.chmod(0o755)
        if result.folder.exists():
            shutil.rmtree(result.folder)
        part.rename(result.folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return result


def _recipe(sample: Sample, music: Path | None) -> str:
    """A digest of everything that a sample is made from."""
    digest = hashlib.sha256(sample.model_dump_json().encode())
    for source in sample.made_of:
        digest.update(manifest().sources[source].sha256.encode())
    for module in _MODULES[sample.kind]:
        digest.update((HOME / f"{module}.py").read_bytes())
    if sample.kind == "dialogue":
        digest.update(_script(sample).read_bytes())
        if (translations := dialogue.translations_of(_script(sample))).is_file():
            digest.update(translations.read_bytes())
        digest.update(_narrator().fingerprint.encode())
        digest.update(music.read_bytes() if music else b"computed")
    if sample.kind == "reel":
        digest.update(prompts.TABLE.read_bytes())
    return digest.hexdigest()


def _script(sample: Sample) -> Path:
    return HOME / "dialogues" / f"{sample.language}.toml"


@functools.cache
def _narrator() -> Narrator:
    return Narrator(Compute())


def _build_video(sample: Sample, result: Built, cache: Path, music: Path | None) -> None:
    """Take a film as it is."""
    import ffmpeg

    from dubkit.media import ffmpeg_program

    shutil.copyfile(take(manifest().sources[sample.source], cache), result.video)
    sound = ffmpeg.input(f"file:{result.video.absolute()}").audio
    ffmpeg.output(
        sound,
        f"file:{result.audio.absolute()}",
        format="wav",
        acodec="pcm_s16le",
        fflags="+bitexact",
        flags="+bitexact",
    ).run(cmd=ffmpeg_program(), quiet=True)
    if sample.lines:
        recorded.reading(sample, soundfile.info(result.audio).duration).save(result.folder)


def _build_recording(sample: Sample, result: Built, cache: Path, music: Path | None) -> None:
    """Give a recording a picture."""
    known: Manifest = manifest()
    samples, rate = soundfile.read(take(known.sources[sample.source], cache), dtype="int16")
    # The film ends with a whole frame, and the sound with it.
    samples = np.pad(samples, (0, n_frames(len(samples) / rate) * rate // FPS - len(samples)))
    soundfile.write(result.audio, samples, rate, subtype="PCM_16")
    card = title_card(sample.title, "recorded speech", samples / 32768, rate)
    film.write(card, result.audio, result.video, sample.language, sample.title)
    if sample.lines:
        recorded.reading(sample, len(samples) / rate).save(result.folder)
    elif sample.truth:
        words, turns = (take(known.sources[name], cache) for name in (sample.words, sample.turns))
        recorded.truth(sample, len(samples) / rate, words, turns).save(result.folder)


def _build_reel(sample: Sample, result: Built, cache: Path, music: Path | None) -> None:
    """Join short recordings under a title card."""
    parts, pauses = clips.of(sample, manifest(), cache)
    truth, sound = reel.join(sample.id, sample.title, sample.language, parts, pauses)
    reel.write(truth, sound, "recorded speech", result.folder)


def _build_dialogue(sample: Sample, result: Built, cache: Path, music: Path | None) -> None:
    """Have a script spoken, and show who speaks."""
    script = dialogue.Script.open(_script(sample))
    recording = dialogue.record(
        sample.id, script, dialogue.speak(script, _narrator()), _read_music(music) if music else None
    )
    stems = {"audio": recording.mix, "speech": recording.speech, "music": recording.music}
    for name, stem in stems.items():
        soundfile.write(result.folder / f"{name}.wav", stem, dialogue.SAMPLE_RATE, subtype="PCM_16")
    recording.truth.save(result.folder)
    film.write(dialogue.frames(script, recording), result.audio, result.video, sample.language, sample.title)


def _read_music(path: Path) -> np.ndarray:
    """A sound file as stereo at the dialogue's sample rate."""
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return resample(np.broadcast_to(sound[:, :2], (len(sound), 2)), rate, dialogue.SAMPLE_RATE)


_BUILDERS: dict[str, Callable[[Sample, Built, Path, Path | None], None]] = {
    "video": _build_video,
    "recording": _build_recording,
    "dialogue": _build_dialogue,
    "reel": _build_reel,
}


def main() -> int:
    """Build the samples that the command line names, or all; the exit status. One that fails does not stop the others."""
    parser = argparse.ArgumentParser(description="Build the sample videos in data/built.")
    parser.add_argument("names", nargs="*", metavar="ID", help="samples or groups of samples; all without")
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--music", type=Path, help="a sound file to put under the dialogues, such as recorded music")
    asked = parser.parse_args()
    try:
        chosen = manifest().chosen(asked.names)
    except DubkitError as error:
        print(f"samples: {error}", file=sys.stderr)
        return error.exit_code
    if asked.list:
        for sample in chosen:
            print(f"{sample.id:14} {sample.language:3}  {sample.what}\n{'':19}{manifest().licence(sample)}")
        return 0
    return max(_built_and_told(sample, asked.music) for sample in chosen)


def _built_and_told(sample: Sample, music: Path | None) -> int:
    """Build a sample and say how long it took, or why it failed; the exit status."""
    began = time.monotonic()
    try:
        result = build(sample, music)
    except DubkitError as error:
        print(f"{sample.id:14} failed: {error}", file=sys.stderr, flush=True)
        return error.exit_code
    print(f"{sample.id:14} {time.monotonic() - began:5.1f} s  {result.video}", flush=True)
    return 0
