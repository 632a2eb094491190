import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dubkit.artefacts import Dub
from dubkit.errors import BadInput, OutOfSpace
from dubkit.output import check_target, default_target, save
from dubkit.record import File


@pytest.fixture
def dub(tmp_path: Path) -> Dub:
    home = tmp_path / "store"
    home.mkdir()
    handles = []
    for name in ("dub.mp4", "subtitles.pt.srt", "subtitles.pt.vtt", "subtitles.en.srt", "subtitles.en.vtt"):
        (home / name).write_text(f"content of {name}")
        handles.append(File.of(home / name))
    return Dub(video=handles[0], duration=1.0, picture="copied", subtitles=tuple(handles[1:]))


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize(
    ("film", "target"),
    [
        ("talk.mkv", "talk.pt.mp4"),
        ("my.talk.v2.mp4", "my.talk.v2.pt.mp4"),
        ("-x", "-x.pt.mp4"),
        ("a\nb.mp4", "a\nb.pt.mp4"),
    ],
)
def test_a_dub_lies_beside_its_film(film: str, target: str) -> None:
    assert default_target(Path("/films") / film, "pt") == Path("/films") / target


def test_the_film_and_its_subtitles_are_copied(tmp_path: Path, dub: Dub) -> None:
    out = tmp_path / "new" / "sub" / "talk.pt.mp4"
    assert save(dub, out) == out
    assert names(out.parent) == ["talk.pt.en.srt", "talk.pt.en.vtt", "talk.pt.mp4", "talk.pt.srt", "talk.pt.vtt"]
    assert out.read_text() == "content of dub.mp4"
    assert (out.parent / "talk.pt.srt").read_text() == "content of subtitles.pt.srt"
    assert (out.parent / "talk.pt.en.vtt").read_text() == "content of subtitles.en.vtt"
    assert dub.video.path.exists()


def test_subtitles_in_both_languages_at_once_are_copied_too(tmp_path: Path, dub: Dub) -> None:
    both = []
    for suffix in ("srt", "vtt"):
        path = tmp_path / "store" / f"subtitles.pt+en.{suffix}"
        path.write_text(f"content of {path.name}")
        both.append(File.of(path))
    out = tmp_path / "out" / "talk.pt.mp4"
    save(dub.but(subtitles=(*dub.subtitles, *both)), out)
    assert (out.parent / "talk.pt.pt+en.srt").read_text() == "content of subtitles.pt+en.srt"
    assert (out.parent / "talk.pt.pt+en.vtt").read_text() == "content of subtitles.pt+en.vtt"
    assert len(names(out.parent)) == 7


def test_dots_in_names_are_kept(tmp_path: Path, dub: Dub) -> None:
    save(dub, tmp_path / "out" / "talk.v1.final.mp4")
    assert "talk.v1.final.en.srt" in names(tmp_path / "out")


def test_an_earlier_dub_is_replaced(tmp_path: Path, dub: Dub) -> None:
    out = tmp_path / "out" / "talk.pt.mp4"
    save(dub, out)
    out.write_text("an earlier dub")
    save(dub, out)
    assert out.read_text() == "content of dub.mp4"


def test_a_failure_while_copying_leaves_nothing_half_done(
    tmp_path: Path, dub: Dub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    out = tmp_path / "out" / "talk.pt.mp4"
    with pytest.raises(OutOfSpace, match="is full"):
        save(dub, out)
    assert names(out.parent) == []


def test_subtitles_of_other_people_are_never_replaced(tmp_path: Path, dub: Dub) -> None:
    # Beside talk.mkv many keep talk.en.srt; a dub saved as talk.mp4 would write the same name.
    (tmp_path / "talk.en.srt").write_text("hand-made")
    with pytest.raises(BadInput, match=r"talk.en.srt exists"):
        save(dub, tmp_path / "talk.mp4")
    assert (tmp_path / "talk.en.srt").read_text() == "hand-made"
    assert not (tmp_path / "talk.mp4").exists()


def test_the_film_itself_is_never_the_target(tmp_path: Path, tiny: Path) -> None:
    film = tmp_path / "talk.mp4"
    film.write_bytes(tiny.read_bytes())
    (tmp_path / "link.mp4").symlink_to(film)
    os.link(film, tmp_path / "hard.mp4")
    for name in ("talk.mp4", "link.mp4", "hard.mp4", "./talk.mp4"):
        with pytest.raises(BadInput, match="is the film itself"):
            check_target(tmp_path / name, film)


def test_what_dubkit_did_not_make_is_not_replaced(tmp_path: Path, tiny: Path) -> None:
    for name, content in (("other.mp4", tiny.read_bytes()), ("notes.txt", b"notes"), ("empty.mp4", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput, match="was not made by dubkit"):
            check_target(tmp_path / name, tiny)
        assert (tmp_path / name).read_bytes() == content


def test_what_dubkit_made_may_be_replaced(film: Callable[..., Path], tiny: Path) -> None:
    made = film("talk.pt.mp4", options=["-metadata", "comment=Speech machine-dubbed by dubkit."])
    made.with_suffix(".srt").write_text("its subtitles")
    check_target(made, tiny)


@pytest.mark.parametrize("suffix", [".srt", ".vtt"])
def test_subtitles_in_the_way_are_told(tmp_path: Path, tiny: Path, suffix: str) -> None:
    (tmp_path / f"talk.pt{suffix}").touch()
    with pytest.raises(BadInput, match=rf"talk.pt{suffix} exists and would be replaced"):
        check_target(tmp_path / "talk.pt.mp4", tiny)


@pytest.mark.parametrize("name", ["talk.srt", "talk.VTT"])
def test_a_film_is_not_called_like_subtitles(tmp_path: Path, tiny: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"Give the name of a video file, such as talk\.mp4"):
        check_target(tmp_path / name, tiny)


def test_a_folder_is_told_with_an_example(tmp_path: Path, tiny: Path) -> None:
    with pytest.raises(BadInput, match=r"is a folder. Give the name of a file, such as .*dub\.mp4"):
        check_target(tmp_path, tiny)


def test_a_new_folder_is_fine_and_not_made_yet(tmp_path: Path, tiny: Path) -> None:
    check_target(tmp_path / "a" / "b" / "talk.mp4", tiny)
    assert not (tmp_path / "a").exists()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, tiny: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutOfSpace, match="Choose a folder"):
        check_target(tmp_path / "file" / "talk.mp4", tiny)


def test_a_name_that_is_too_long_is_told(tmp_path: Path, tiny: Path) -> None:
    with pytest.raises(BadInput, match="too long"):
        check_target(tmp_path / ("x" * 252 + ".mp4"), tiny)
    # The subtitles' names are longer than the film's.
    with pytest.raises(BadInput, match="too long"):
        check_target(tmp_path / ("x" * 236 + ".mp4"), tiny)
    check_target(tmp_path / ("x" * 235 + ".mp4"), tiny)
