from collections.abc import Callable
from pathlib import Path

import odd_videos
import pytest

from dubkit.artefacts import Media, Video
from dubkit.errors import BadInput
from dubkit.progress import Event, Report
from dubkit.record import File
from dubkit.stages.validate import ValidateSettings, validate


@pytest.fixture
def check(report: Report) -> Callable[..., Media]:
    def run(path: Path, **settings: object) -> Media:
        return validate(Video(file=File.of(path)), settings=ValidateSettings(**settings), report=report)  # type: ignore[no-any-return, arg-type]

    return run


def test_a_good_film_passes_without_a_word(tiny: Path, check: Callable[..., Media], events: list[Event]) -> None:
    found = check(tiny)
    assert (found.container, found.video.codec, found.audio.codec) == ("mov", "h264", "aac")
    assert events == []


def test_an_empty_file_is_refused(tmp_path: Path, check: Callable[..., Media]) -> None:
    (tmp_path / "a.mp4").touch()
    with pytest.raises(BadInput, match=r"'a.mp4' is empty \(0 bytes\)"):
        check(tmp_path / "a.mp4")


def test_a_large_file_is_refused_with_the_setting_that_allows_it(tiny: Path, check: Callable[..., Media]) -> None:
    size = tiny.stat().st_size / 1e6
    with pytest.raises(BadInput, match=r"--set validate.max_megabytes=1$"):
        check(tiny, max_megabytes=size * 0.99)
    assert check(tiny, max_megabytes=size).duration > 0


def test_the_limit_is_200_megabytes() -> None:
    assert ValidateSettings().max_megabytes == 200


def test_the_default_track_is_taken_and_named(
    tone: Path, tmp_path: Path, check: Callable[..., Media], events: list[Event]
) -> None:
    path = odd_videos.two_audio_tracks(tone, tmp_path)
    assert check(path).audio.language == "eng"
    assert [e.status for e in events] == ["warning"]
    assert "has 2 audio tracks; track 2 is dubbed" in events[0].note
    assert "--set validate.audio_track=N" in events[0].note


def test_another_track_can_be_chosen(
    tone: Path, tmp_path: Path, check: Callable[..., Media], events: list[Event]
) -> None:
    path = odd_videos.two_audio_tracks(tone, tmp_path)
    assert check(path, audio_track=1).audio.language == "spa"
    assert check(path, audio_track=2).audio.language == "eng"
    assert events == []
    with pytest.raises(BadInput, match=r"There is no audio track 3: .* has 2"):
        check(path, audio_track=3)


def test_a_frame_rate_that_varies_is_told(
    tone: Path, tmp_path: Path, check: Callable[..., Media], events: list[Event]
) -> None:
    assert check(odd_videos.variable_frame_rate(tone, tmp_path)).video.variable_frame_rate
    assert [(e.status, e.note) for e in events] == [
        ("warning", "The picture's frame rate varies; its frames keep their own times.")
    ]


def test_a_single_frame_is_a_film(tone: Path, tmp_path: Path, check: Callable[..., Media]) -> None:
    assert 0 < check(odd_videos.one_frame(tone, tmp_path)).duration < 0.2


@pytest.mark.parametrize("kind", ["not_a_video", "truncated", "truncated_after_index", "no_audio", "no_picture"])
def test_bad_input_is_refused_by_name(kind: str, tone: Path, tmp_path: Path, check: Callable[..., Media]) -> None:
    path = odd_videos.KINDS[kind](tone, tmp_path)
    with pytest.raises(BadInput, match=f"'{path.name}'"):
        check(path)
