import json
from pathlib import Path
from typing import Any

import av
import pytest
from films import make_film
from PIL import Image
from service_desk import Desk

from dubkit.service.workers import outputs


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("outputs") / "home")


@pytest.fixture
def finished_job(desk: Desk, backends: Any, talk: Path) -> Any:
    """A dub with a difficult name, made once."""
    done = desk.jobs.list(None)
    return done[0] if done else desk.work(desk.add(talk, name="../Ein <Film>\u202e.v2.mkv").id)


def file(desk: Desk, job: Any, name: str) -> Any:
    found = next(o for o in job.outputs if o.place.endswith(f"/{name}"))
    return found, desk.read(found)


def test_downloads_have_the_film_s_name_made_safe(finished_job):
    assert [o.name for o in finished_job.outputs] == [
        f"Ein _Film_.v2.pt{ending}"
        for ending in (
            ".mp4",
            ".srt",
            ".vtt",
            ".en.srt",
            ".en.vtt",
            ".m4a",
            ".transcript.txt",
            ".transcript.json",
            ".timing.csv",
            ".timing.json",
            ".lines.json",
            ".jpg",
        )
    ]


def test_subtitles_say_their_language(finished_job):
    assert [(o.language, o.media_type) for o in finished_job.outputs if o.kind == "subtitles"] == [
        ("pt", "application/x-subrip"),
        ("pt", "text/vtt"),
        ("en", "application/x-subrip"),
        ("en", "text/vtt"),
    ]


def test_the_sound_is_the_film_s_to_the_last_sample(desk, finished_job, tmp_path):
    counts = []
    for name in ("video.mp4", "audio.m4a"):
        path = tmp_path / name
        path.write_bytes(file(desk, finished_job, name)[1])
        with av.open(str(path)) as container:
            assert len(container.streams.audio) == 1
            counts.append(sum(frame.samples for frame in container.decode(audio=0)))
    assert counts[0] == counts[1] == pytest.approx(6 * 48_000, abs=1024)


def test_the_transcript_has_both_languages(desk, finished_job):
    output, content = file(desk, finished_job, "transcript.json")
    found = json.loads(content)
    assert output.media_type == "application/json"
    assert (found["source"], found["target"], found["duration"]) == ("en", "pt", 6.0)
    first = found["lines"][0]
    assert first["source_text"] == "low1 low2 low3 low4 low5 low6 low7."
    assert first["text"] == "pt-low1 pt-low2 pt-low3 pt-low4 pt-low5 pt-low6 pt-low7."
    assert (first["id"], first["speaker"]) == ("u0001", "Speaker 1")
    placed = json.loads(file(desk, finished_job, "timing.json")[1])[0]
    assert (first["dub_start"], first["dub_end"]) == (placed["start"], placed["end"])
    assert (first["start"], first["end"]) == (placed["slot_start"], placed["slot_end"])
    _, text = file(desk, finished_job, "transcript.txt")
    assert text.decode().splitlines()[:4] == ["0:00.3 Speaker 1", first["source_text"], first["text"], ""]


def test_the_timing_report_has_a_row_for_each_line(desk, finished_job):
    table = file(desk, finished_job, "timing.csv")[1].decode().splitlines()
    assert table[0].startswith("id,speaker,flag") and [row.split(",")[0] for row in table[1:]] == [
        "u0001",
        "u0002",
        "u0003",
    ]
    assert [line["id"] for line in json.loads(file(desk, finished_job, "timing.json")[1])] == [
        "u0001",
        "u0002",
        "u0003",
    ]


def test_the_editor_s_document_can_be_read_back(desk, finished_job):
    from dubkit.service.lines.document import Document

    document = Document.from_json(file(desk, finished_job, "lines.json")[1].decode())
    assert [line.id for line in document.lines] == ["u0001", "u0002", "u0003"]
    assert document.target == "pt" and document.duration == 6.0


def test_the_still_is_a_picture_of_the_film_s_shape(desk, finished_job, tmp_path):
    (tmp_path / "poster.jpg").write_bytes(file(desk, finished_job, "poster.jpg")[1])
    with Image.open(tmp_path / "poster.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (64, 48))


def test_a_film_of_one_frame_has_a_still(tmp_path):
    film = make_film(tmp_path / "short.mp4", seconds=0.04, fps=25)
    assert outputs.poster(film, 10.0, tmp_path / "poster.jpg").stat().st_size > 0


def test_a_film_in_which_nobody_speaks_says_so(tmp_path, backends):
    desk = Desk(tmp_path / "home")
    quiet = make_film(tmp_path / "quiet.mp4", seconds=2, fps=10, size="64x48", sound="anullsrc=r=48000:cl=mono")
    job = desk.work(desk.add(quiet, length=2.0).id)
    assert (job.status, job.facts["spoken"], job.facts["lines"], job.source) == ("completed", False, 0, None)
    assert file(desk, job, "transcript.txt")[1] == b"Nobody speaks in this film.\n"
