"""What the editor's server side tells, takes and refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from dubbed_films import a_document, dub_again, dubbed
from page_films import opened, running

from dubkit.page.editor import editor, lines_table
from dubkit.service.jobs.job import Job
from dubkit.service.service import Service
from dubkit.service.storage import StorageAway


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = opened(tmp_path / "home")
    yield made
    made.close()


class Talk:
    """The editor as its script talks to it, in the name of one owner."""

    def __init__(self, service: Service, owner: str = "local") -> None:
        with gr.Blocks():
            self.editor = editor.build(service, lambda request: owner)

    def ask(self, what: str, job: Job, **fields: Any) -> dict[str, Any]:
        event = gr.EventData(None, {"n": 7, "what": what, "job": job.id, **fields})
        reply: dict[str, Any] = json.loads(self.editor.answer(event, gr.Request()))
        assert reply["n"] == 7
        return reply


def test_it_opens_with_all_that_is_shown(service: Service) -> None:
    job = dubbed(service)
    reply = json.loads(Talk(service).editor.shown(job.id, gr.Request()))
    line = reply["lines"][1]
    assert (line["source_text"], line["text"], line["flag"], line["rate"]) == (
        "That smells wonderful.", "Isso cheira maravilhoso.", "too long", 1.1,
    )  # fmt: skip
    assert line["wordings"] == ["Isso cheira maravilhoso. ou não"]
    assert line["dub"] == [1.1, 1.95]
    assert [speaker["voice"] for speaker in reply["speakers"]] == ["stand-in:dora", "stand-in:alex", "stand-in:alex"]
    assert [track["label"] for track in reply["tracks"]] == ["Portuguese", "English"]
    assert [file["title"] for file in reply["files"]][:3] == ["Dubbed film", "Sound of the dub", "Subtitles"]
    assert reply["film"]["start"] == 0.0
    assert reply["source"] == {"code": "en", "name": "English"}
    assert reply["work"]["once"] > lines_table.BEGINNING
    assert reply["film"]["kind"] == "MP4"


def test_a_line_takes_as_long_as_its_share_of_what_is_spoken(service: Service) -> None:
    job, paces = dubbed(service), {"synthesize": 0.5, "assemble": 0.25, "translate": 1.0, "diarize": 9.0}
    document = a_document()
    told = lines_table.work(job, document, paces)
    assert told["once"] == lines_table.BEGINNING + 0.25 * job.length
    assert told["heard"] == job.length
    # Each of the four seconds has 0.8 s of speech.
    assert told["per_second"] == pytest.approx(0.5 / 0.8)
    assert lines_table.work(job, replace(document, lines=()), paces)["per_second"] == 0.0


def test_without_a_job_it_closes(service: Service) -> None:
    assert json.loads(Talk(service).editor.shown(None, gr.Request())) == {"n": 0, "close": True}


def test_a_reply_is_no_markup_and_reads_the_same() -> None:
    told = editor.written({"text": "</script><img src=x>"})
    assert "<" not in told
    assert json.loads(told) == {"text": "</script><img src=x>"}


def test_changes_are_saved_dubbed_and_undone(service: Service) -> None:
    job, talk = dubbed(service), Talk(service)
    reply = talk.ask("save", job, revision=0, changes={"lines": {"u0001": {"text": "Olá."}}, "speakers": {}})
    assert (reply["lines"][0]["text"], reply["lines"][0]["pending"], reply["job"]["revision"]) == ("Olá.", ["text"], 1)
    assert reply["job"]["edited"]
    assert talk.ask("again", job)["told"] == "Yours is next."
    assert dub_again(service).status == "completed"
    assert talk.ask("status", job)["status"] == "completed"
    line = talk.ask("open", job)["lines"][0]
    assert (line["text"], line["pending"], line["corrected"]) == ("Olá.", [], True)
    reply = talk.ask("save", job, revision=1, changes={"reset": ["u0001"]})
    assert (reply["lines"][0]["text"], reply["lines"][0]["pending"]) == ("Bom dia.", ["text"])


def test_changes_to_what_has_changed_since_are_a_conflict(service: Service) -> None:
    job, talk = dubbed(service), Talk(service)
    changes = {"lines": {"u0001": {"text": "Olá."}}}
    talk.ask("save", job, revision=0, changes=changes)
    reply = talk.ask("save", job, revision=0, changes=changes)
    assert reply["conflict"]
    assert reply["error"]


def test_a_preview_is_cut_from_the_dub_or_made_with_the_changes(service: Service) -> None:
    job, talk = dubbed(service), Talk(service)
    cut = talk.ask("preview", job, start=0.5, end=2.0)
    assert (cut["url"].startswith("/api/v1/files/"), cut["shown"]) == (True, [0.5, 2.0])
    talk.ask("save", job, revision=0, changes={"lines": {"u0001": {"text": "Olá."}}})
    made = talk.ask("preview", job, start=0.5, end=2.0)
    assert (made["status"], "url" in made) == ("queued", False)
    preview = service.jobs.find(made["job"])
    assert (preview.kind, preview.start, preview.duration) == ("preview", 0.5, 1.5)
    dub_again(service, begin=0.1, end=2.9)
    made = talk.ask("status", preview)
    assert (made["url"].startswith("/api/v1/files/"), made["shown"]) == (True, [0.1, 2.9])
    assert talk.ask("preview", job, start=0.5, end=2.0)["shown"] == [0.1, 2.9]


def test_a_voice_is_heard_without_a_change_of_the_film(service: Service) -> None:
    job, talk = dubbed(service), Talk(service)
    now = talk.ask("audition", job, speaker="S2", voice="stand-in:alex")
    assert now["url"].startswith("/api/v1/files/")
    other = talk.ask("audition", job, speaker="S2", voice="stand-in:santa")
    preview = service.jobs.find(other["job"])
    voice = preview.edits["assign_voices"]["S2"]["fields"]["voice"]["id"]
    assert (voice, preview.start) == ("stand-in:santa", 1.1)
    assert service.jobs.find(job.id).edits == {}
    assert talk.ask("audition", job, speaker="S2", voice="stand-in:santa")["job"] == preview.id


def test_a_voice_is_heard_with_a_line_that_is_spoken(service: Service) -> None:
    job, talk = dubbed(service), Talk(service)
    talk.ask("save", job, revision=0, changes={"lines": {"u0002": None}})
    reply = talk.ask("audition", job, speaker="S2", voice="stand-in:santa")
    assert reply["error"] == "This speaker has no line that the voice could say."


def test_errors_of_the_machine_are_told_without_its_innards(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    job = dubbed(service)

    def away(owner: str, id: str) -> None:
        raise StorageAway("S3 could not be reached for s3://bucket/dubs")

    monkeypatch.setattr(service, "status", away)
    assert "bucket" not in Talk(service).ask("status", job)["error"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Job]]:
    """A service with a film that is only looked at."""
    made = opened(tmp_path_factory.mktemp("kept") / "home")
    yield made, dubbed(made)
    made.close()


@pytest.mark.parametrize("what", ["open", "save", "again", "stop", "status", "preview", "audition", "archive", "links"])
def test_another_owner_gets_nothing(kept: tuple[Service, Job], what: str) -> None:
    service, job = kept
    reply = Talk(service, "somebody").ask(what, job, end=1.0, speaker="S1", voice="stand-in:alex", changes={})
    assert set(reply) == {"n", "what", "id", "error", "conflict"}
    assert service.jobs.find(job.id).revision == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"what": "delete"},
        {"start": float("nan")},
        {"start": -1},
        {"job": "x" * 101},
        {"changes": {"lines": {"u0001": {"id": "u0002"}}}},
        {"changes": {"lines": {"u0001": {"text": "x" * 3000}}}},
    ],
)
def test_what_no_script_of_ours_asks_is_refused(kept: tuple[Service, Job], wrong: dict[str, Any]) -> None:
    service, job = kept
    asked = {"n": 7, "what": "save", "job": job.id, **wrong}
    reply = json.loads(Talk(service).editor.answer(gr.EventData(None, asked), gr.Request()))
    assert reply["error"].startswith("This cannot be: ")


def test_an_ask_that_is_none_is_refused(service: Service) -> None:
    reply = json.loads(Talk(service).editor.answer(gr.EventData(None, "open"), gr.Request()))
    assert reply["n"] == -1


def test_what_nobody_foresaw_is_told_without_details(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    job = dubbed(service)

    def broken(owner: str, id: str) -> None:
        raise RuntimeError("the secret is xyzzy")

    monkeypatch.setattr(service, "status", broken)
    reply = Talk(service).ask("status", job)
    assert "xyzzy" not in reply["error"]


def test_a_running_dub_is_told_in_plain_words(service: Service) -> None:
    claim = running(service)
    reply = Talk(service).ask("status", claim.job)
    assert reply["status"] == "running"
    assert reply["told"].startswith("Translating the lines, ")
    assert 0 < reply["percent"] < 100


def test_a_film_that_is_no_longer_kept_is_left_out(service: Service) -> None:
    job = dubbed(service)
    service.storage.delete(job.film.place)
    assert Talk(service).ask("links", job)["film"] is None


def test_lines_over_time_are_drawn_where_there_are_not_too_many() -> None:
    document = a_document()
    drawn = lines_table.drawn(document)
    assert drawn.count('data-line="u0002"') == 1
    assert "<img src=x" not in drawn
    assert lines_table.drawn(a_document(lines_table.MOST_DRAWN + 1)) == ""
    assert lines_table.drawn(replace(document, lines=())) == ""


def test_what_a_slowed_picture_moves_is_where_it_sounds() -> None:
    document = replace(a_document(), knots=((0.0, 0.0), (4.0, 8.0)))
    silent = replace(document.lines[0], dub_start=None, dub_end=None)
    table = lines_table.table(replace(document, lines=(silent, *document.lines[1:])))
    assert table["lines"][0]["dub"] == pytest.approx((0.2, 1.8))
    assert table["knots"] == ((0.0, 0.0), (4.0, 8.0))
    assert 'data-duration="8.000"' in lines_table.drawn(document)
