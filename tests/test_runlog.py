import json
import os
from pathlib import Path

import pytest

from dubkit.artefacts import Video
from dubkit.errors import BadInput
from dubkit.record import File
from dubkit.runlog import RunLog
from dubkit.settings import Settings


def video(path: Path, content: bytes = b"film") -> Video:
    path.write_bytes(content)
    return Video(file=File.of(path))


def settings(target: str = "pt") -> Settings:
    return Settings().but({"translate.target": target})


def log(root: Path, name: str = "talk.mp4", content: bytes = b"film", target: str = "pt") -> RunLog:
    found = RunLog.of(root / "store", video(root / name, content), settings(target))
    found.write()
    return found


def test_a_run_is_named_after_its_film_and_target(tmp_path: Path) -> None:
    assert log(tmp_path, "My Talk (2).mp4").id.startswith("my-talk-2-pt-")
    assert log(tmp_path, "日本語.mp4", b"other").id.startswith("film-pt-")


def test_the_name_stays_when_the_film_is_renamed_or_copied(tmp_path: Path) -> None:
    first = log(tmp_path, "talk.mp4")
    second = log(tmp_path, "renamed.mp4")
    assert second.id == first.id
    assert second.path == first.path
    assert json.loads(second.path.read_text())["video"] == str(tmp_path / "renamed.mp4")


def test_another_film_or_target_is_another_run(tmp_path: Path) -> None:
    ids = {
        log(tmp_path).id,
        log(tmp_path, target="es").id,
        log(tmp_path, content=b"another film").id,
        log(tmp_path, target="zh-Hant").id,
        log(tmp_path, target="zh").id,
    }
    assert len(ids) == 5


def test_what_is_noted_is_read_again(tmp_path: Path) -> None:
    first = log(tmp_path)
    first.edits["translate"] = {"u0001": {"of": "x", "fields": {"text": "Olá"}}}
    first.note("validate", "k1", reused=False)
    first.note("validate", "k2", reused=True)
    again = log(tmp_path)
    assert again.results == {"validate": {"key": "k2", "reused": True}}
    assert again.edits == first.edits
    assert again.settings["translate"] == {"target": "pt", "glossary": {}}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"film": 1}', '{"video": "x"}'])
def test_a_log_that_cannot_be_read_counts_as_new(tmp_path: Path, content: str) -> None:
    first = log(tmp_path)
    first.path.write_text(content)
    again = log(tmp_path)
    assert again.path == first.path
    assert (again.edits, again.results) == ({}, {})
    assert again.video == str(tmp_path / "talk.mp4")


def test_runs_are_found_by_the_beginning_of_their_name(tmp_path: Path) -> None:
    talk, lecture = log(tmp_path, "talk.mp4"), log(tmp_path, "lecture.mp4", b"lecture")
    os.utime(talk.path, (1, 1))
    root = tmp_path / "store"
    assert RunLog.find(root, talk.id).id == talk.id
    assert RunLog.find(root, "ta").id == talk.id
    assert RunLog.find(root, "last").id == lecture.id


def test_what_is_not_found_is_told(tmp_path: Path) -> None:
    root = tmp_path / "store"
    with pytest.raises(BadInput, match=r"No run begins with 'last'.*Runs: none"):
        RunLog.find(root, "last")
    one, other = log(tmp_path, "talk one.mp4"), log(tmp_path, "talk two.mp4", b"two")
    with pytest.raises(BadInput, match=f"No run begins with 'x'.*{one.id}, {other.id}"):
        RunLog.find(root, "x")
    with pytest.raises(BadInput, match=f"Several runs begin with 'talk'.*{one.id}, {other.id}"):
        RunLog.find(root, "talk")


def test_a_log_is_replaced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = log(tmp_path)
    before = first.path.read_text()

    def killed(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "replace", killed)
        first.note("validate", "k1", reused=False)
    assert first.path.read_text() == before
    assert RunLog.find(tmp_path / "store", "last").id == first.id
