"""Jobs over the API: handed in, watched, corrected, dubbed again, fetched and removed."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from api_served import Served
from runs import OwnBackends

from dubkit.run import PIPELINE
from dubkit.service.access.signing import FileLink
from dubkit.service.api import desk, jobs
from dubkit.service.api.schemas import FilesAnswer, JobAnswer, JobsAnswer, StatusAnswer


def test_a_film_becomes_a_job(served: Served, tiny: Path) -> None:
    with tiny.open("rb") as film:
        answer = served.post(
            "/api/v1/upload", data={"target_language": "Portuguese"}, files={"file": ("a b.mp4", film)}
        )
    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}/status"
    assert (job["status"], job["target_language"], job["film"]["name"]) == ("queued", "pt", "a b.mp4")
    assert job["film"]["bytes"] == tiny.stat().st_size
    assert JobAnswer.model_validate(job)
    assert served.get(f"/api/v1/jobs/{job['id']}").json() == job
    assert served.service.jobs.find(job["id"]).correlation == answer.headers["x-request-id"]


def test_status_tells_stages_and_place(served: Served, tiny: Path) -> None:
    first, second = served.submit(tiny), served.submit(tiny)
    found = served.get(f"/api/v1/jobs/{second['id']}/status").json()
    status = StatusAnswer.model_validate(found)
    assert [row.stage for row in status.stages] == [step.name for step in PIPELINE]
    assert (status.place, status.percentage, status.status) == (2, 0.0, "queued")
    assert status.seconds_left is not None and status.seconds_left > 0
    assert status.estimated_completion is not None and status.estimated_completion > status.created
    assert served.get(f"/api/v1/jobs/{first['id']}/status").json()["place"] == 1


def test_the_list_goes_on(served: Served, tiny: Path) -> None:
    ids = [served.submit(tiny)["id"] for _ in range(5)]
    seen, where = [], "/api/v1/jobs?limit=2&status=queued"
    while where:
        answer = served.get(where)
        page = JobsAnswer.model_validate(answer.json())
        seen += [job.id for job in page.jobs]
        assert answer.links.get("next", {}).get("url") == page.next
        where = page.next or ""
    assert seen == ids[::-1]
    assert served.get("/api/v1/jobs?status=failed").json() == {"jobs": [], "next": None}


def test_a_job_is_cancelled_and_queued_again(served: Served, tiny: Path) -> None:
    here = f"/api/v1/jobs/{served.submit(tiny)['id']}"
    answer = served.post(f"{here}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    assert served.post(f"{here}/cancel").json()["status"] == "cancelled"
    again = served.post(f"{here}/redub")
    assert (again.status_code, again.json()["status"]) == (202, "queued")
    refused = served.post(f"{here}/redub")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:dubkit:problem:conflict")


def test_a_removed_job_leaves_nothing(dubbed: Served) -> None:
    here = dubbed.job["links"]["self"]
    link = dubbed.get(f"{here}/files").json()["files"][0]["url"]
    assert dubbed.delete(here).status_code == 204
    assert dubbed.get(here).status_code == 404
    assert dubbed.delete(here).status_code == 404
    assert dubbed.get(link).json()["type"] == "urn:dubkit:problem:not-found"
    assert dubbed.left() == []


def test_files_of_every_kind(dubbed: Served) -> None:
    found = FilesAnswer.model_validate(dubbed.get(dubbed.job["links"]["files"]).json()).files
    assert {one.kind for one in found} == {"video", "audio", "subtitles", "transcript", "timing", "poster"}
    for one in found:
        answer = dubbed.get(one.url)
        assert answer.status_code == 200
        assert len(answer.content) == one.bytes
        assert answer.headers["content-type"].removesuffix("; charset=utf-8") == one.media_type.removesuffix(
            "; charset=utf-8"
        )
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"].startswith("private")
        assert one.name in answer.headers["content-disposition"]


def test_download_leads_to_what_was_meant(dubbed: Served) -> None:
    def fetched(**query: str) -> Any:
        led = dubbed.get(f"{dubbed.job['links']['self']}/download", params=query, follow_redirects=False)
        assert led.status_code == 307, led.text
        return dubbed.get(led.headers["location"])

    assert fetched().content[4:8] == b"ftyp"
    assert fetched(file="vtt").text.startswith("WEBVTT")
    assert " --> " in fetched(file="srt", language="en").text
    assert fetched(file="timing", format="csv").headers["content-type"].startswith("text/csv")
    assert fetched(file="transcript", format="json").headers["content-type"] == "application/json"
    with zipfile.ZipFile(io.BytesIO(fetched(file="zip").content)) as whole:
        assert whole.testzip() is None
        assert {Path(name).suffix for name in whole.namelist()} >= {".mp4", ".m4a", ".srt", ".vtt", ".txt", ".csv"}
    refused = dubbed.get(f"{dubbed.job['links']['self']}/download?file=srt&language=fr")
    assert (refused.status_code, refused.json()["type"]) == (404, "urn:dubkit:problem:not-found")


def test_parts_of_a_file(dubbed: Served) -> None:
    video = next(one for one in dubbed.get(dubbed.job["links"]["files"]).json()["files"] if one["kind"] == "video")
    whole = dubbed.get(video["url"])
    assert whole.headers["accept-ranges"] == "bytes"
    part = dubbed.get(video["url"], headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{video['bytes']}"
    tail = dubbed.get(video["url"], headers={"Range": "bytes=-10"})
    assert tail.content == whole.content[-10:]
    beyond = dubbed.get(video["url"], headers={"Range": f"bytes={video['bytes']}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{video['bytes']}")
    assert beyond.json()["type"] == "urn:dubkit:problem:unsatisfiable-range"
    head = dubbed.head(video["url"])
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(video["bytes"]))
    known = dubbed.get(video["url"], headers={"If-None-Match": whole.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    other = dubbed.get(video["url"], headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (other.status_code, len(other.content)) == (200, video["bytes"])


def test_names_in_other_letters_survive(served: Served, talk: Path, backends: OwnBackends) -> None:
    with talk.open("rb") as film:
        form = {"target_language": (None, "pt"), "file": ("Zoë – 東京 “x”.mp4", film)}
        id = served.post("/api/v1/upload", files=form).json()["id"]
    served.work(id)
    answer = served.get(f"/api/v1/jobs/{id}/download")
    assert "filename*=utf-8''Zo%C3%AB%20%E2%80%93%20%E6%9D%B1%E4%BA%AC" in answer.headers["content-disposition"]


def test_links_are_believed_only_as_they_were_given(dubbed: Served) -> None:
    url: str = dubbed.get(dubbed.job["links"]["files"]).json()["files"][0]["url"]
    *_, token, _ = url.split("/")
    turned = token[:-1] + ("A" if token[-1] != "A" else "B")
    wrong = dubbed.get(url.replace(token, turned))
    assert (wrong.status_code, wrong.json()["type"]) == (403, "urn:dubkit:problem:wrong-link")
    assert token[:10] not in wrong.text and turned[:10] not in wrong.text
    over = dubbed.service.signer.sign_file(FileLink("j", "dubs/a", "a.mp4", "video/mp4", 1.0))
    ended = dubbed.get(f"/api/v1/files/{over}/a.mp4")
    assert (ended.status_code, ended.json()["type"]) == (410, "urn:dubkit:problem:expired-link")
    session = dubbed.service.signer.sign_session("local", 60)
    assert dubbed.get(f"/api/v1/files/{session}/a.mp4").status_code == 403


def test_lines_are_corrected_and_dubbed_again(dubbed: Served, backends: OwnBackends) -> None:
    here = dubbed.job["links"]["lines"]
    read = dubbed.get(here)
    line = read.json()["lines"][1]
    assert (read.status_code, read.headers["etag"], line["pending"]) == (200, '"0"', [])
    changes = {"lines": {line["id"]: {"text": "uma frase nova"}}}
    written = dubbed.put(here, json=changes, headers={"If-Match": read.headers["etag"]})
    assert (written.status_code, written.headers["etag"]) == (200, '"1"')
    assert written.json()["lines"][1]["text"] == "uma frase nova"
    assert written.json()["lines"][1]["pending"] == ["text"]
    assert dubbed.get(here).json() == written.json()
    assert dubbed.post(f"{dubbed.job['links']['self']}/redub").status_code == 202
    dubbed.work(dubbed.job["id"])
    assert dubbed.get(here).json()["lines"][1]["pending"] == []
    assert "uma frase nova" in dubbed.get(f"{dubbed.job['links']['self']}/download?file=srt").text


def test_changes_to_an_older_revision_are_refused(dubbed: Served) -> None:
    here, line = dubbed.job["links"]["lines"], {"lines": {"u0001": {"text": "novo"}}}
    assert dubbed.put(here, json=line, headers={"If-Match": '"0"'}).status_code == 200
    stale = dubbed.put(here, json=line, headers={"If-Match": '"0"'})
    assert (stale.status_code, stale.headers["etag"], stale.json()["type"]) == (412, '"1"', "urn:dubkit:problem:stale")
    assert dubbed.put(here, json=line, headers={"If-Match": '"x"'}).status_code == 412
    assert dubbed.put(here, json=line).status_code == 428
    unknown = dubbed.put(here, json={"lines": {"u9999": {"text": "x"}}}, headers={"If-Match": '"1"'})
    assert (unknown.status_code, unknown.json()["type"]) == (422, "urn:dubkit:problem:bad-input")
    assert "u9999" in unknown.json()["detail"]
    assert dubbed.get(here).headers["etag"] == '"1"'


def test_a_stretch_of_a_finished_dub_is_there_at_once(dubbed: Served) -> None:
    answer = dubbed.get(f"{dubbed.job['links']['self']}/preview?start_time=1&duration=2")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")
    assert answer.content[4:8] == b"ftyp"
    part = dubbed.get(str(answer.url), headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, answer.content[:4])


def test_a_stretch_with_new_corrections_is_a_job(dubbed: Served, backends: OwnBackends) -> None:
    line = {"lines": {"u0001": {"text": "novo"}}}
    dubbed.put(dubbed.job["links"]["lines"], json=line, headers={"If-Match": '"0"'})
    where = f"{dubbed.job['links']['self']}/preview?start_time=0&duration=3"
    first, second = dubbed.get(where), dubbed.get(where)
    assert (first.status_code, first.headers["retry-after"]) == (202, "2")
    assert (first.json()["kind"], first.json()["parent"]) == ("preview", dubbed.job["id"])
    assert second.json()["id"] == first.json()["id"]
    assert first.json()["id"] not in json.dumps(dubbed.get("/api/v1/jobs").json()["jobs"])
    dubbed.work(first.json()["id"])
    answer = dubbed.get(where)
    assert answer.content[4:8] == b"ftyp"
    facts = dubbed.get(f"/api/v1/jobs/{first.json()['id']}").json()["facts"]
    headers = answer.history[0].headers
    assert [float(headers[f"preview-{side}"]) for side in ("begin", "end")] == [facts["begin"], facts["end"]]


def test_lines_before_there_are_any(served: Served, tiny: Path) -> None:
    here = f"/api/v1/jobs/{served.submit(tiny)['id']}"
    assert served.get(f"{here}/lines").status_code == 409
    assert served.get(f"{here}/files").json() == {"files": []}
    assert served.get(f"{here}/download").status_code == 404
    assert served.get(f"{here}/download?file=zip").status_code == 409


def test_head_is_get_without_content_everywhere(dubbed: Served) -> None:
    links = dubbed.job["links"]
    for path in (
        "/health",
        "/metrics",
        "/api/v1/jobs",
        "/api/v1/languages",
        *(links[n] for n in links if n != "progress"),
    ):
        got, head = dubbed.get(path), dubbed.head(path)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        assert head.headers["content-type"] == got.headers["content-type"]


def test_the_operators_profile_is_told_to_nobody(opened: Callable[..., Served], tiny: Path, tmp_path: Path) -> None:
    profile = tmp_path / "operators.toml"
    profile.write_text("[diarize]\nn_speakers = 1\n")
    served = opened(profile=str(profile))
    job = served.submit(tiny)
    assert job["profile"] is None
    for path in ("", "/status", "/files"):
        assert "operators" not in served.get(f"/api/v1/jobs/{job['id']}{path}").text
    with tiny.open("rb") as film:
        form = {"target_language": "pt", "profile": profile.name}
        refused = served.post("/api/v1/upload", data=form, files={"file": ("a.mp4", film)})
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:dubkit:problem:bad-input")


def test_jobs_that_are_slow_to_stop_hold_up_no_film(
    served: Served, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "STOPPING", 20.0)
    id = served.submit(tiny)["id"]
    claim = served.service.claims.take(id, "worker", 60.0)
    assert claim is not None
    with ThreadPoolExecutor(2 * desk.WRITERS) as pool:
        removing = [pool.submit(served.delete, f"/api/v1/jobs/{id}") for _ in range(2 * desk.WRITERS)]
        while not served.service.jobs.find(id).cancelling:
            time.sleep(0.01)
        other = served.submit(tiny)
        assert not any(one.done() for one in removing)
        served.service.claims.cancelled(claim)
        assert sorted(one.result().status_code for one in removing)[:2] == [204, 404]
    assert [job["id"] for job in served.get("/api/v1/jobs").json()["jobs"]] == [other["id"]]


def test_a_job_that_does_not_stop_is_not_removed(served: Served, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "STOPPING", 0.1)
    id = served.submit(tiny)["id"]
    assert served.service.claims.take(id, "worker", 60.0)
    answer = served.delete(f"/api/v1/jobs/{id}")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:dubkit:problem:conflict")
    assert served.get(f"/api/v1/jobs/{id}").json()["cancelling"]
