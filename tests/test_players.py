"""Players: what is in the clips, and what their captions say."""

import base64
import io
import re

import av
import numpy as np
import pytest
import soundfile
from builders import silence, sine, sound
from films import make_film

from dubkit.errors import BadInput
from dubkit.players import gallery, listen, small_copy, watch


def clip(page: str, kind: str) -> bytes:
    return base64.b64decode(re.search(f'src="data:{kind};base64,([^"]+)"', page).group(1))


def heard(page: str) -> tuple[np.ndarray, int]:
    return soundfile.read(io.BytesIO(clip(page, "audio/mpeg")))


@pytest.fixture
def beep(tmp_path):
    """A second of silence, one of a tone, 38 of silence."""
    return sound(tmp_path / "beep.flac", np.concatenate([silence(1), sine(1, level=0.5), silence(38)]))


def test_a_clip_holds_just_the_stretch_asked_for(beep):
    samples, rate = heard(listen(beep, 1.1, 1.9).page)
    # MP3 pads to whole frames.
    assert rate == 24_000 and len(samples) / rate == pytest.approx(0.8, abs=0.1)
    middle = samples[rate // 4 : rate // 2]
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(0.5, abs=0.02)


def test_a_long_sound_is_cut_and_its_caption_says_so(beep):
    page = listen(beep, label="a beep").page
    assert len(heard(page)[0]) / 24_000 == pytest.approx(30, abs=0.1)
    assert '<figcaption style="font-size:0.9em">a beep (the first 30 of 40 s)</figcaption>' in page
    assert "(the first" not in listen(beep, 10, 40, "x").page


def test_captions_are_escaped_in_text_and_in_attributes(beep):
    page = listen(beep, 0, 1, '"><script>alert(1)</script>').page
    assert "<script" not in page
    assert 'aria-label="&quot;&gt;&lt;script' in page


def test_times_beyond_the_end_give_an_empty_clip(beep):
    assert len(heard(listen(beep, 50, 60).page)[0]) < 5000


def test_a_gallery_holds_all_players_in_order(beep):
    page = gallery([listen(beep, 0, 1, "first"), listen(beep, 1, 2, "second")]).page
    assert page.count("<audio") == 2 and page.index("first") < page.index("second")


def test_a_gallery_of_nothing_says_so():
    assert "nothing to hear" in gallery([]).page


def test_a_film_becomes_a_small_clip_with_its_sound(tmp_path):
    film = make_film(tmp_path / "film.mp4", seconds=4, size="640x360")
    page = watch(film, 1, 3, label="two seconds", width=320).page
    assert "max-width:min(100%,320px)" in page and "two seconds" in page
    with av.open(io.BytesIO(clip(page, "video/mp4"))) as found:
        picture, audio = found.streams.video[0], found.streams.audio[0]
        assert (picture.codec_context.name, picture.width, picture.height) == ("h264", 320, 180)
        assert audio.codec_context.name == "aac"
        assert found.duration / av.time_base == pytest.approx(2, abs=0.1)


def test_a_small_film_is_not_made_larger_and_has_even_sides(tmp_path):
    film = make_film(tmp_path / "film.mp4", seconds=1, size="64x48")
    with av.open(str(small_copy(film, 0, 1, tmp_path / "clip.mp4"))) as found:
        assert (found.streams.video[0].width, found.streams.video[0].height) == (64, 48)


def test_what_is_no_film_is_refused(tmp_path):
    (tmp_path / "notes.mp4").write_text("not a film")
    with pytest.raises(BadInput):
        watch(tmp_path / "notes.mp4")
