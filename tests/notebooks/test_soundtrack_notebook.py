"""The notebook about the mix and the finished film."""

import base64
import re
from collections.abc import Callable
from pathlib import Path

from dubkit import Run, media
from dubkit.audio import open_audio


def test_it_shows_the_mix_and_plays_original_dub_and_film(
    execute: Callable, dialogue: Path, dubbed: Run, shared_store: Path, tmp_path: Path
) -> None:
    done = execute("soundtrack", video=str(dialogue), target="en", store=str(shared_store))
    assert done.stderr == "" and len(done.figures) == 2
    heard = next(page for page in done.pages if page.count("<audio") == 2)
    assert [">original" in heard, ">dub" in heard] == [True, True]
    for n, sound in enumerate(re.findall('data:audio/mpeg;base64,([^"]+)', heard)):
        path = tmp_path / f"{n}.mp3"
        path.write_bytes(base64.b64decode(sound))
        assert abs(open_audio(path).duration - 10) < 0.2
    film = tmp_path / "film.mp4"
    film.write_bytes(base64.b64decode(re.findall('data:video/mp4;base64,([^"]+)', "".join(done.pages))[-1]))
    assert abs(media.probe(film).duration - dubbed.dub.duration) < 0.2
