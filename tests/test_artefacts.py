import hashlib
from pathlib import Path

import numpy as np
import pytest
from builders import silence, sine, sound, transcript, turns
from pydantic import ValidationError

from dubkit.artefacts import Dub, Turn, Utterance, Word
from dubkit.record import File


def test_a_file_handle_holds_what_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc" * 1000)
    file = File.of(path)
    assert file.size == 3000
    assert file.sha256 == hashlib.sha256(b"abc" * 1000).hexdigest()
    assert file.path == path


def test_a_digest_depends_on_content_and_not_on_place(tmp_path: Path) -> None:
    for name, content in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        (tmp_path / name).write_bytes(content)
    dubs = [
        Dub(video=File.of(tmp_path / name), duration=1.0, picture="copied", subtitles=()).digest() for name in "abc"
    ]
    assert dubs[0] == dubs[1] != dubs[2]


def test_paths_are_kept_relative_to_a_folder_and_found_again_in_another(tmp_path: Path) -> None:
    (tmp_path / "old" / "sub").mkdir(parents=True)
    (tmp_path / "old" / "sub" / "x.mp4").write_bytes(b"film")
    dub = Dub(video=File.of(tmp_path / "old" / "sub" / "x.mp4"), duration=1.0, picture="copied", subtitles=())
    written = dub.model_dump_json(context={"folder": tmp_path / "old"})
    assert str(tmp_path) not in written
    (tmp_path / "old").rename(tmp_path / "new")
    found = Dub.model_validate_json(written, context={"folder": tmp_path / "new"})
    assert found.video.path == tmp_path / "new" / "sub" / "x.mp4"
    assert found.digest() == dub.digest()


def test_records_cannot_be_changed_but_give_changed_copies() -> None:
    turn = Turn(id="t0001", speaker="S1", start=0.0, end=1.0)
    with pytest.raises(ValidationError):
        turn.speaker = "S2"  # type: ignore[misc]
    assert turn.but(speaker="S2") == Turn(id="t0001", speaker="S2", start=0.0, end=1.0)
    assert turn.speaker == "S1"


@pytest.mark.parametrize("change", [{"speeker": "S2"}, {"start": "soon"}, {"end": None}])
def test_a_changed_copy_is_checked(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Turn(id="t0001", speaker="S1", start=0.0, end=1.0).but(**change)


def test_equal_artefacts_have_equal_digests_whatever_they_went_through() -> None:
    made = transcript(("S1", 0.1, 0.30000000000000004, "Olá — “tudo bem”?"))
    again = type(made).model_validate_json(made.model_dump_json())
    assert again == made
    assert again.digest() == made.digest()
    assert made.but(language="es").digest() != made.digest()


def test_sound_is_read_between_two_times(tmp_path: Path) -> None:
    file = sound(tmp_path / "a.flac", np.concatenate([silence(0.5), sine(0.5, level=0.5)]))
    assert (file.duration, file.sample_rate, file.n_channels) == (1.0, 48_000, 1)
    assert np.abs(file.load(0, 0.5)).max() == 0
    assert np.abs(file.load(0.5, 1.0)).max() == pytest.approx(0.5, abs=1e-3)
    assert len(file.load(0.25)) == 36_000
    assert len(file.load(0.9, 7.0)) == 4800
    assert len(file.load(3.0, 4.0)) == 0


def test_speakers_come_in_order_of_appearance() -> None:
    assert turns(("S2", 0, 1), ("S1", 1, 2), ("S2", 2, 3)).speakers == ("S2", "S1")


def test_words_keep_their_order_and_defaults() -> None:
    words = tuple(Word(text=t, start=n, end=n + 1) for n, t in enumerate("abc"))
    said = Utterance(id="u0001", speaker="S1", start=0, end=3, text="a b c", words=words)
    assert [w.text for w in said.words] == ["a", "b", "c"]
    assert said.words[0].confidence == 1.0
