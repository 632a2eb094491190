"""The telephone prompts: which, how they are written, and how their sound is read."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import numpy as np
import pytest

from data import prompts
from data.manifest import manifest
from dubkit.errors import BadInput
from dubkit.media import ffmpeg_program


def test_there_are_48_of_whole_names():
    ids = prompts.prompts().ids
    assert len(ids) == len(set(ids)) == 48
    assert not any(one.startswith(("digits", "letters", "phonetic")) for one in ids)


def test_each_language_lies_in_the_folder_of_its_speaker():
    for language in prompts.LANGUAGES:
        source = manifest().sources[f"prompts-{language}"]
        edition = prompts.prompts().edition(language)
        assert source.deb == f"asterisk-core-sounds-{language}-g722"
        assert source.file.endswith(edition.folder)
        sample = next(one for one in manifest().samples if one.id == f"prompts-{language}")
        assert [(one.id, one.gender) for one in sample.cast] == [(edition.speaker.id, edition.speaker.gender)]


def test_no_language_but_these():
    with pytest.raises(BadInput, match="no prompts in 'pt'; there are in en, es, fr, it"):
        prompts.prompts().edition("pt")


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("the conference  has ended", "The conference has ended."),
        ("Which folder?", "Which folder?"),
        ("c’è una chiamata", "C'è una chiamata."),
        ("Marque el numero, numerosa", "Marque el número, numerosa."),
    ],
)
def test_texts_are_written_properly(given, written):
    assert prompts.tidy(given, {"numero": "número"}) == written


def test_g722_is_read_at_its_rate_and_level(tmp_path: Path):
    path = tmp_path / "tone.g722"
    tone = "sine=frequency=500:sample_rate=16000:duration=1"
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-f", "lavfi", "-i", tone, "-f", "g722", str(path)]
    subprocess.run(command, check=True)
    samples, rate = prompts.decoded(path)
    assert rate == 16_000
    assert len(samples) == pytest.approx(16_000, abs=400)
    assert np.argmax(np.abs(np.fft.rfft(samples[:16_000], 16_000))) == pytest.approx(500, abs=2)
    # ffmpeg's sine has an amplitude of 1/8.
    assert np.sqrt(2 * np.mean(samples[2000:14_000] ** 2)) == pytest.approx(1 / 8, rel=0.03)


def test_clips_carry_what_they_are_in_the_other_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ids = prompts.prompts().ids
    table = "; A comment: of no use\n" + "".join(f"{one}: {{}} says {one} numero\n" for one in ids)

    def take(source, cache: Path) -> Path:
        path = tmp_path / source.deb
        path.write_bytes(gzip.compress(table.format(*[source.deb[-2:]] * len(ids)).encode("utf-8-sig")))
        return path

    sound = tmp_path / "x.g722"
    sound.write_bytes(b"\x55" * 800)
    monkeypatch.setattr(prompts, "take", take)
    monkeypatch.setattr(prompts, "take_all", lambda source, names, cache: dict.fromkeys(names, sound))
    found = prompts.clips("es", manifest().sources, tmp_path)
    assert len(found) == 48
    assert found[0].text == f"Es says {ids[0]} número."
    assert found[0].translations == {code: f"{code.title()} says {ids[0]} numero." for code in ("en", "fr", "it")}
    assert (found[0].speaker.id, found[0].sample_rate, len(found[0].samples)) == ("allison", 16_000, 1600)
