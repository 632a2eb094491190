"""Jobs as their owners see them."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys

import pytest
from service_jobs import a_film, an_output, asked

from dubkit.progress import Event
from dubkit.run import PIPELINE
from dubkit.service.jobs.job import PACES, Conflict, NoSuchJob
from dubkit.service.jobs.job_rows import storable

EDITS = {"translate": {"u0001": {"of": "abc", "fields": {"text": "Olá."}}}}


def completed(jobs, claims, job=None, source="en"):
    """A job that is done."""
    job = job or jobs.add(asked())[0]
    claim = claims.take(job.id, "w1", 30)
    assert claims.finish(claim, [an_output()], {"lines": 2}, source)
    return jobs.find(job.id)


def statuses(jobs, id):
    return [event.data.get("status") for event in jobs.events(id) if event.kind == "status"]


def test_a_new_job_waits_with_all_stages(jobs):
    job, is_new = jobs.add(asked(correlation="r1", settings={"mix.keep": 0.5}, edits=EDITS))
    assert is_new
    assert (job.status, job.sequence, job.attempts, job.dubbed, job.revision) == ("queued", 1, 0, None, 0)
    assert (job.film, job.settings, job.edits, job.correlation) == (a_film(), {"mix.keep": 0.5}, EDITS, "r1")
    assert job.created <= job.changed and job.started is None and job.finished is None
    assert [(row.number, row.stage, row.status) for row in jobs.stages(job.id)] == [
        (n, name, "waiting") for n, name in enumerate(PACES)
    ]
    assert jobs.find(job.id, "anna") == job
    assert [(event.sequence, event.kind, event.data) for event in jobs.events(job.id)] == [
        (1, "status", {"status": "queued"})
    ]


def test_the_stages_are_those_of_a_run():
    assert tuple(step.name for step in PIPELINE) == tuple(PACES)


def test_a_key_that_comes_again_gives_the_same_job(jobs):
    first, _ = jobs.add(asked(idempotency_key="k", request="r"))
    again, is_new = jobs.add(asked(idempotency_key="k", request="r"))
    assert (again, is_new) == (first, False)
    other, is_new = jobs.add(asked("bert", idempotency_key="k", request="other"))
    assert is_new and other.id != first.id
    assert jobs.submitted("anna", "k", "r") == first
    assert jobs.submitted("anna", "unknown", "r") is None
    for conflicting in (
        lambda: jobs.add(asked(idempotency_key="k", request="another")),
        lambda: jobs.submitted("anna", "k", "another"),
    ):
        with pytest.raises(Conflict, match="another request before"):
            conflicting()
    assert len(jobs.list("anna")) == 1


def test_jobs_without_a_key_are_all_new(jobs):
    assert len({jobs.add(asked())[0].id for _ in range(3)}) == 3


def test_another_s_job_is_none(jobs):
    job, _ = jobs.add(asked())
    for ask in (
        lambda: jobs.find(job.id, "bert"),
        lambda: jobs.look(job.id, "bert"),
        lambda: jobs.edit(job.id, "bert", {}, 0),
        lambda: jobs.again(job.id, "bert"),
        lambda: jobs.cancel(job.id, "bert"),
        lambda: jobs.delete(job.id, "bert"),
        lambda: jobs.list("bert", before=job.id),
        lambda: jobs.find("x" * 5000),
        lambda: jobs.find("\0' OR 1=1 --\ud800"),
    ):
        with pytest.raises(NoSuchJob, match="There is no job"):
            ask()
    assert jobs.list("bert") == [] and jobs.find(job.id) == job


def test_the_list_is_paged_from_the_newest(jobs, claims):
    added = [jobs.add(asked())[0] for _ in range(5)]
    preview, _ = jobs.add(asked(kind="preview", parent=added[0].id))
    completed(jobs, claims, added[3])
    ids = [job.id for job in added][::-1]
    assert [job.id for job in jobs.list("anna")] == ids
    assert [job.id for job in jobs.list("anna", limit=2)] == ids[:2]
    assert [job.id for job in jobs.list("anna", limit=2, before=ids[1])] == ids[2:4]
    assert [job.id for job in jobs.list("anna", before=ids[4])] == []
    assert [job.id for job in jobs.list("anna", status=("completed",))] == [added[3].id]
    assert [job.id for job in jobs.list("anna", kind="preview")] == [preview.id]
    assert len(jobs.list(None, kind=None)) == 6
    assert jobs.previews(added[0].id) == [preview]


def test_a_look_shows_stages_and_place_at_once(jobs, claims):
    first, second = (jobs.add(asked())[0] for _ in range(2))
    assert [jobs.look(job.id, "anna")[2] for job in (first, second)] == [1, 2]
    claim = claims.next("w1", 30)
    claims.tell(
        claim, [Event("validate", "started"), Event("validate", "warning", note="odd\0"), Event("validate", "done")]
    )
    claims.tell(claim, [Event("separate", "started"), Event("separate", "progress", 3, 4, "part", 1.5)])
    job, rows, place = jobs.look(first.id, None)
    assert (job, rows, place) == (jobs.find(first.id), jobs.stages(first.id), 0)
    assert (job.status, job.stage) == ("running", "separate")
    assert [(row.status, row.done, row.total, row.note, row.seconds, row.warnings) for row in rows[:3]] == [
        ("done", 0, 0, "", 0.0, ("odd",)),
        ("running", 3, 4, "part", 1.5, ()),
        ("waiting", 0, 0, "", 0.0, ()),
    ]
    assert jobs.look(second.id, "anna")[2] == 1


def test_previews_and_corrected_dubs_go_before_new_films(jobs, claims):
    dubbed = completed(jobs, claims)
    new, _ = jobs.add(asked())
    jobs.again(dubbed.id, "anna")
    preview, _ = jobs.add(asked(kind="preview", parent=dubbed.id))
    assert [jobs.look(id, None)[2] for id in (dubbed.id, preview.id, new.id)] == [1, 2, 3]
    assert [claims.next("w1", 30).job.id for _ in range(3)] == [dubbed.id, preview.id, new.id]


def test_news_of_many_jobs_at_once(jobs, claims):
    first, second, third = (jobs.add(asked())[0] for _ in range(3))
    jobs.cancel(second.id, "anna")
    news = jobs.news({first.id: 1, second.id: 1, third.id: 0, "unknown": 0})
    assert {id: [(event.sequence, event.data) for event in found] for id, found in news.items()} == {
        second.id: [(2, {"status": "cancelled"})],
        third.id: [(1, {"status": "queued"})],
    }
    assert jobs.news({}) == {}
    assert jobs.news({first.id: 1, third.id: 7}) == {}
    assert len(jobs.news({**{f"unknown{n}": 0 for n in range(450)}, third.id: 0})) == 1


def test_events_come_in_parts(jobs, claims):
    job, _ = jobs.add(asked())
    claims.tell(claims.next("w1", 30), [Event("validate", "progress", n, 9) for n in range(9)])
    assert [event.sequence for event in jobs.events(job.id, after=2, limit=3)] == [3, 4, 5]
    assert [event.sequence for event in jobs.events(job.id, after=5)] == [6, 7, 8, 9, 10, 11]
    assert jobs.find(job.id).sequence == 11


def test_corrections_are_replaced_and_counted(jobs, claims):
    job = completed(jobs, claims)
    edited = jobs.edit(job.id, "anna", EDITS, 0)
    assert (edited.edits, edited.revision, edited.dubbed, edited.is_edited) == (EDITS, 1, 0, True)
    assert jobs.events(job.id)[-1].data == {"revision": 1} and jobs.events(job.id)[-1].kind == "edited"
    with pytest.raises(Conflict, match="made to revision 0, and it is 1"):
        jobs.edit(job.id, "anna", {}, 0)
    assert jobs.edit(job.id, "anna", {}, 1).edits == {}
    jobs.again(job.id, "anna")
    for _ in range(2):
        with pytest.raises(Conflict, match="cannot be corrected now"):
            jobs.edit(job.id, "anna", EDITS, 2)
        claims.next("w1", 30)


def test_a_job_is_queued_again_with_its_last_outputs(jobs, claims):
    job = completed(jobs, claims)
    jobs.edit(job.id, "anna", EDITS, 0)
    again = jobs.again(job.id, "anna")
    assert (again.status, again.attempts, again.dubbed, again.outputs) == ("queued", 0, 0, (an_output(),))
    assert again.started is None and again.finished is None
    with pytest.raises(Conflict, match="waits for its turn"):
        jobs.again(job.id, "anna")
    claim = claims.next("w1", 30)
    with pytest.raises(Conflict, match="is being worked on"):
        jobs.again(job.id, "anna")
    assert claims.finish(claim, [an_output(place="dubs/2.mp4")], {"lines": 3}, "en")
    done = jobs.find(job.id)
    assert (done.dubbed, done.is_edited, done.outputs[0].place, done.facts) == (1, False, "dubs/2.mp4", {"lines": 3})


def test_what_was_asked_stays_known_when_the_language_is_found(jobs, claims):
    job = completed(jobs, claims, source="de")
    assert (job.source, job.asked) == ("de", None)
    given = completed(jobs, claims, jobs.add(asked(source="en"))[0], source=None)
    assert (given.source, given.asked) == ("en", "en")


def test_stages_are_as_new_when_a_job_is_queued_again(jobs, claims):
    job, _ = jobs.add(asked())
    claim = claims.next("w1", 30)
    told = [
        Event("validate", "reused", seconds=1.0),
        Event("separate", "started"),
        Event("separate", "warning", note="odd"),
    ]
    claims.tell(claim, [*told, Event("separate", "failed", note="broken", seconds=2.0)])
    claims.fail(claim, "StageFailed", "broken", None)
    assert [row.status for row in jobs.stages(job.id)][:3] == ["reused", "failed", "waiting"]
    again = jobs.again(job.id, "anna")
    assert (again.error, again.error_type, again.stage) == ("", "", "")
    assert {(row.status, row.note, row.seconds, row.warnings) for row in jobs.stages(job.id)} == {
        ("waiting", "", 0.0, ())
    }


def test_a_waiting_job_is_cancelled_at_once(jobs, claims):
    job, _ = jobs.add(asked())
    cancelled = jobs.cancel(job.id, "anna")
    assert cancelled.status == "cancelled" and cancelled.finished is not None
    assert jobs.cancel(job.id, "anna") == cancelled
    assert claims.next("w1", 30) is None
    assert statuses(jobs, job.id) == ["queued", "cancelled"]
    assert jobs.again(job.id, "anna").status == "queued"


def test_a_running_job_is_cancelled_by_its_worker(jobs, claims):
    job, _ = jobs.add(asked())
    claim = claims.next("w1", 30)
    cancelling = jobs.cancel(job.id, "anna")
    assert (cancelling.status, cancelling.cancelling) == ("running", True)
    assert jobs.cancel(job.id, "anna").sequence == cancelling.sequence
    assert claims.beat(claim, 30) == "cancel"
    assert claims.cancelled(claim)
    assert (jobs.find(job.id).status, jobs.find(job.id).cancelling) == ("cancelled", False)
    assert [event.data for event in jobs.events(job.id, 2)] == [
        {"status": "running", "cancelling": True},
        {"status": "cancelled"},
    ]


def test_a_job_is_removed_with_all_that_hangs_on_it(jobs, claims, database):
    job = completed(jobs, claims)
    preview, _ = jobs.add(asked(kind="preview", parent=job.id))
    kept, _ = jobs.add(asked())
    assert jobs.delete(job.id, "anna") == job
    for gone in (job.id, preview.id):
        with pytest.raises(NoSuchJob):
            jobs.find(gone)
        assert jobs.stages(gone) == [] and jobs.events(gone) == []
    assert len(jobs.stages(kept.id)) == len(PACES)
    claim = claims.next("w1", 30)
    with pytest.raises(Conflict, match="Cancel it first"):
        jobs.delete(kept.id, "anna")
    assert claims.finish(claim, [], {}, None)
    assert jobs.delete(kept.id, None).id == kept.id


def test_a_number_is_never_given_twice(jobs):
    first, _ = jobs.add(asked())
    jobs.delete(first.id, "anna")
    second, _ = jobs.add(asked())
    third, _ = jobs.add(asked())
    assert [job.id for job in jobs.list("anna", before=third.id)] == [second.id]


def test_films_and_dubs_expire(jobs, claims):
    job = completed(jobs, claims, jobs.add(asked(film=a_film("a.mp4")))[0])
    shared, _ = jobs.add(asked(film=a_film("a.mp4")))
    assert jobs.expired_films(0) == [] and jobs.expired_dubs(1000) == []
    assert [one.id for one in jobs.expired_dubs(0)] == [job.id]
    jobs.cancel(shared.id, "anna")
    assert [one.id for one in jobs.expired_films(0)] == [job.id, shared.id] and jobs.expired_films(1000) == []
    assert jobs.places() == {"films/a.mp4", "dubs/talk.pt.mp4"}
    assert jobs.forget_outputs(job.id) and jobs.forget_film(job.id)
    assert jobs.places() == {"films/a.mp4"}
    bare = jobs.find(job.id)
    assert (bare.status, bare.outputs, bare.dubbed, bare.film.place) == ("completed", (), None, "")
    assert bare.changed == job.changed
    with pytest.raises(Conflict, match="no longer kept"):
        jobs.again(job.id, "anna")
    jobs.again(shared.id, "anna")
    assert not jobs.forget_film(shared.id) and not jobs.forget_film("unknown")


def test_texts_of_every_kind_are_kept_or_cleaned(jobs):
    name = "a\0b\ud800\u202e🎬'; DROP TABLE jobs; --"
    film = dataclasses.replace(a_film(), name=name)
    job, _ = jobs.add(asked(film=film, settings={"x\0": [1, math.nan, "\0"]}, correlation="\0", idempotency_key="\0k"))
    assert jobs.find(job.id).film.name == "ab?\u202e🎬'; DROP TABLE jobs; --"
    assert (job.settings, job.correlation) == ({"x": [1, None, ""]}, "")


def test_storable_leaves_what_can_be_stored():
    value = {"a": [1, 2.5, True, None, "é"], "b": {"c": ()}}
    assert storable(value) == {"a": [1, 2.5, True, None, "é"], "b": {"c": []}}
    assert storable((math.inf, -math.inf)) == [None, None]


def test_nothing_heavy_is_loaded_to_ask_for_jobs():
    modules = ("jobs.claims", "jobs.jobs", "jobs.pairs", "access.keys")
    loaded = f"import sys, {', '.join(f'dubkit.service.{name}' for name in modules)}; "
    told = f"{loaded}print({{'torch', 'transformers', 'librosa', 'matplotlib', 'gradio'}} & {{*sys.modules}})"
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True).stdout == "set()\n"


def test_paces_are_those_of_the_last_films(jobs, claims, monkeypatch):
    monkeypatch.setattr("dubkit.service.jobs.figures.PACES_SECONDS", 0.0)
    assert jobs.paces() == PACES
    for seconds, length in ((30.0, 60.0), (10.0, 20.0)):
        job, _ = jobs.add(asked(film=a_film(duration=length)))
        claim = claims.take(job.id, "w1", 30)
        claims.tell(claim, [Event("separate", "done", seconds=seconds), Event("diarize", "reused", seconds=99.0)])
        claims.finish(claim, [], {}, "en")
    part, _ = jobs.add(asked(start=5.0, duration=20.0))
    claims.tell(claims.take(part.id, "w1", 30), [Event("separate", "done", seconds=20.0)])
    corrected = completed(jobs, claims)
    jobs.edit(corrected.id, "anna", EDITS, 0)
    jobs.again(corrected.id, "anna")
    claims.tell(claims.take(corrected.id, "w1", 30), [Event("separate", "done", seconds=0.1)])
    assert jobs.paces() == {**PACES, "separate": pytest.approx(60.0 / 100.0)}


def test_only_recent_films_tell_the_pace(jobs, claims, monkeypatch):
    monkeypatch.setattr("dubkit.service.jobs.figures.RECENT", 2)
    for seconds in (600.0, 6.0, 6.0):
        claim = claims.take(jobs.add(asked())[0].id, "w1", 30)
        claims.tell(claim, [Event("combine", "done", seconds=seconds)])
    assert jobs.paces()["combine"] == pytest.approx(0.1)


def test_the_wait_is_the_work_ahead_shared_by_the_workers(jobs, claims, monkeypatch):
    monkeypatch.setattr("dubkit.service.jobs.figures.WAITS_SECONDS", 0.0)
    whole = sum(PACES.values())
    first, second, third = (jobs.add(asked())[0] for _ in range(3))
    assert [jobs.waiting_seconds(job) for job in (first, second, third)] == pytest.approx(
        [0.0, 60 * whole, 120 * whole]
    )
    claim = claims.next("w1", 30)
    assert jobs.waiting_seconds(jobs.find(first.id)) == 0.0
    assert jobs.waiting_seconds(third) == pytest.approx(120 * whole)
    claims.tell(claim, [Event("synthesize", "started"), Event("synthesize", "progress", 1, 2)])
    assert jobs.waiting_seconds(second) == pytest.approx(60 * (whole - PACES["synthesize"] / 2))
    claims.report("w2", {"models": []})
    assert jobs.waiting_seconds(second) == pytest.approx(30 * (whole - PACES["synthesize"] / 2))
    preview, _ = jobs.add(asked(kind="preview", duration=10.0, parent=first.id))
    before = jobs.waiting_seconds(second)
    assert jobs.waiting_seconds(preview) < before
    redone = sum(PACES[stage] for stage in ("synthesize", "assemble", "combine"))
    assert before == pytest.approx(30 * (whole - PACES["synthesize"] / 2) + 5 * redone)


def test_a_wait_is_known_of_a_job_that_came_just_now(jobs):
    first, _ = jobs.add(asked())
    assert jobs.waiting_seconds(first) == 0.0
    second, _ = jobs.add(asked())
    assert jobs.waiting_seconds(second) == pytest.approx(60 * sum(PACES.values()))


def test_counts_only_grow_where_they_count_what_happened(jobs, claims):
    job = completed(jobs, claims)
    failing, _ = jobs.add(asked())
    for again_in in (0.0, None):
        claim = claims.next("w1", 30)
        done = [Event("separate", "done", seconds=seconds) for seconds in (0.5, 3.0, 5000.0)]
        claims.tell(claim, [*done, Event("diarize", "started")])
        claims.fail(claim, "OutOfSpace", "The disk is full.", again_in)
    jobs.add(asked(source="en", target="ca"))
    for forget in (lambda: jobs.again(failing.id, "anna"), lambda: jobs.delete(failing.id, "anna"), lambda: None):
        counts = jobs.counts()
        assert counts.errors == {("diarize", "OutOfSpace"): 2}
        assert counts.stages["separate"].total == pytest.approx(2 * 5003.5)
        assert {bound: n for bound, n in counts.stages["separate"].counts.items() if n} == {0.5: 2, 5.0: 2, math.inf: 2}
        assert counts.stages["combine"].total == 0.0
        forget()
    counts = jobs.counts()
    assert counts.jobs[("completed", "en", "pt")] == 1 and counts.jobs[("queued", "en", "ca")] == 1
    assert (counts.active, counts.waiting, counts.workers) == (0, 1, 1)
    assert jobs.find(job.id).status == "completed"
