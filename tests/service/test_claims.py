"""Jobs as workers see them: each is one worker's, and nothing is lost with a worker."""

from __future__ import annotations

import math

import pytest
from service_jobs import an_output, asked

from dubkit.progress import Event
from dubkit.service.jobs.claims import Claims
from dubkit.service.jobs.presence import LIVE

LATE = -1.0
"""Seconds of a lease that has run out when it begins."""


def last(jobs, id):
    return jobs.events(id)[-1].data


def test_the_next_job_is_the_oldest(jobs, claims):
    first, second = (jobs.add(asked())[0] for _ in range(2))
    claim = claims.next("w1", 30)
    assert (claim.job.id, claim.worker, claim.attempt) == (first.id, "w1", 1)
    assert claim.job == jobs.find(first.id)
    assert (claim.job.status, claim.job.attempts, claim.job.started is not None) == ("running", 1, True)
    assert claims.next("w2", 30).job.id == second.id
    assert claims.next("w1", 30) is None


def test_a_certain_job_is_taken_once(jobs, claims):
    jobs.add(asked())
    job, _ = jobs.add(asked())
    assert claims.due()[1] == job.id
    assert claims.take(job.id, "w1", 30).job.id == job.id
    assert claims.take(job.id, "w2", 30) is None
    assert claims.take("unknown\0", "w2", 30) is None
    assert job.id not in claims.due() and len(claims.due()) == 1


def test_a_job_of_a_lost_worker_is_another_s_and_the_first_changes_nothing(jobs, claims):
    job, _ = jobs.add(asked())
    lost = claims.next("w1", LATE)
    claim = claims.next("w2", 30)
    assert (claim.job.id, claim.attempt, claim.fence > lost.fence) == (job.id, 2, True)
    before = jobs.look(job.id, None), jobs.events(job.id)
    assert claims.beat(lost, 30) == "lost"
    assert not claims.tell(lost, [Event("validate", "started")])
    assert not claims.finish(lost, [an_output()], {}, "en")
    assert not claims.fail(lost, "StageFailed", "no", None)
    assert not claims.cancelled(lost)
    assert not claims.release(lost)
    assert (jobs.look(job.id, None), jobs.events(job.id)) == before
    assert claims.beat(claim, 30) == "held"


def test_a_slow_worker_may_end_its_job_as_long_as_nobody_else_has_it(jobs, claims):
    job, _ = jobs.add(asked())
    claim = claims.next("w1", LATE)
    assert claims.finish(claim, [an_output()], {}, "en")
    assert jobs.find(job.id).status == "completed"
    assert claims.finish(claim, [], {}, None), "said again, where the first answer was lost"
    assert jobs.find(job.id).outputs == (an_output(),)


def test_one_that_is_queued_again_is_no_more_the_last_worker_s(jobs, claims):
    job, _ = jobs.add(asked())
    claim = claims.next("w1", 30)
    claims.finish(claim, [an_output()], {}, "en")
    jobs.again(job.id, "anna")
    assert not claims.finish(claim, [], {}, "de")
    assert jobs.find(job.id).status == "queued"


def test_a_finished_job_holds_what_came_of_it(jobs, claims):
    job, _ = jobs.add(asked())
    claims.finish(claims.next("w1", 30), [an_output("video"), an_output("audio")], {"lines": 2, "odd": math.nan}, "en")
    done = jobs.find(job.id)
    assert (done.status, done.dubbed, done.source, done.facts) == ("completed", 0, "en", {"lines": 2, "odd": None})
    assert done.outputs == (an_output("video"), an_output("audio")) and done.finished >= done.started
    assert last(jobs, job.id) == {"status": "completed"}


def test_a_failure_waits_for_its_next_try(jobs, claims):
    job, _ = jobs.add(asked())
    claim = claims.next("w1", 30)
    claims.tell(claim, [Event("validate", "started")])
    assert claims.fail(claim, "DatabaseAway", "Away\0.", 1000)
    waiting = jobs.find(job.id)
    assert (waiting.status, waiting.error, waiting.error_type) == ("queued", "Away.", "DatabaseAway")
    assert waiting.finished is None and waiting.attempts == 1
    assert last(jobs, job.id) == {"status": "queued", "error": "Away.", "error_type": "DatabaseAway"}
    assert jobs.stages(job.id)[0].status == "waiting"
    assert claims.next("w1", 30) is None and claims.due() == []
    assert claims.take(job.id, "w1", 30) is None


def test_a_second_try_begins_without_the_first_one_s_error(jobs, claims):
    job, _ = jobs.add(asked())
    first = claims.next("w1", 30)
    claims.tell(first, [Event("validate", "started"), Event("validate", "failed", note="Away.")])
    claims.fail(first, "DatabaseAway", "Away.", 0)
    assert jobs.stages(job.id)[0].status == "failed"
    second = claims.next("w2", 30)
    assert (second.attempt, second.job.error, second.job.error_type) == (2, "", "")
    assert second.job.started == first.job.started
    assert jobs.stages(job.id)[0].status == "waiting"


def test_a_failure_for_good_is_the_end(jobs, claims):
    job, _ = jobs.add(asked())
    claim = claims.next("w1", 30)
    claims.tell(claim, [Event("validate", "started")])
    assert claims.fail(claim, "BadInput", "No film.", None)
    failed = jobs.find(job.id)
    assert (failed.status, failed.error, failed.error_type, failed.stage) == (
        "failed",
        "No film.",
        "BadInput",
        "validate",
    )
    assert failed.finished is not None and jobs.stages(job.id)[0].status == "failed"
    assert claims.next("w1", 30) is None


def test_a_worker_that_ends_gives_its_job_back(jobs, claims):
    job, _ = jobs.add(asked())
    for _ in range(5):
        assert claims.release(claims.next("w1", 30))
    assert (jobs.find(job.id).status, jobs.find(job.id).attempts) == ("queued", 0)
    assert claims.next("w1", 30).attempt == 1


@pytest.mark.parametrize(
    "end",
    [
        lambda claims, claim: claims.fail(claim, "OutOfSpace", "full", 0),
        lambda claims, claim: claims.fail(claim, "OutOfSpace", "full", None),
        lambda claims, claim: claims.release(claim),
        lambda claims, claim: claims.cancelled(claim),
        lambda claims, claim: bool(claims.overdue()),
    ],
)
def test_what_is_to_stop_is_cancelled_however_its_worker_ends(jobs, claims, end):
    job, _ = jobs.add(asked())
    claim = claims.next("w1", LATE)
    jobs.cancel(job.id, "anna")
    assert claims.next("w2", 30) is None
    assert end(claims, claim)
    stopped = jobs.find(job.id)
    assert (stopped.status, stopped.error, stopped.cancelling) == ("cancelled", "", False)
    assert stopped.finished is not None and last(jobs, job.id) == {"status": "cancelled"}


def test_a_job_that_is_done_before_it_could_stop_is_done(jobs, claims):
    job, _ = jobs.add(asked())
    claim = claims.next("w1", 30)
    jobs.cancel(job.id, "anna")
    assert claims.finish(claim, [an_output()], {}, "en")
    assert (jobs.find(job.id).status, jobs.find(job.id).cancelling) == ("completed", False)


def test_jobs_of_lost_workers_wait_again_and_fail_in_the_end(jobs, claims):
    job, _ = jobs.add(asked())
    held, _ = jobs.add(asked())
    claims.take(held.id, "w2", 30)
    for attempt in (1, 2):
        claim = claims.next("w1", LATE)
        claims.tell(claim, [Event("diarize", "started")])
        found = claims.overdue(3)
        died = "Its worker died." if attempt == 1 else "Its worker died 2 times."
        assert [(one.id, one.status, one.attempts, one.error) for one in found] == [(job.id, "queued", attempt, died)]
        assert jobs.stages(job.id)[2].status == "waiting"
    claims.tell(claims.next("w1", LATE), [Event("diarize", "started")])
    (failed,) = claims.overdue(3)
    assert (failed.status, failed.error, failed.error_type) == ("failed", "Its worker died 3 times.", "WorkerDied")
    assert jobs.stages(job.id)[2].status == "failed" and failed.finished is not None
    assert jobs.counts().errors == {("diarize", "WorkerDied"): 3}
    assert claims.overdue(3) == [] and jobs.find(held.id).status == "running"


def test_a_job_that_was_tried_often_enough_is_not_claimed_once_more(jobs, database):
    claims = Claims(database, attempts=2)
    job, _ = jobs.add(asked())
    for _ in range(2):
        claims.next("w1", LATE)
    assert claims.next("w1", 30) is None and claims.take(job.id, "w1", 30) is None
    assert [one.status for one in claims.overdue()] == ["failed"]


def test_events_get_numbers_without_gaps_in_their_order(jobs, claims):
    job, _ = jobs.add(asked())
    claim = claims.next("w1", 30)
    assert claims.tell(claim, []) and jobs.find(job.id).sequence == 2
    told = [
        Event("validate", "started"),
        Event("validate", "done", seconds=math.inf, note="\0"),
        Event("warm", "progress"),
    ]
    assert claims.tell(claim, told)
    assert [(event.sequence, event.kind, event.data.get("stage")) for event in jobs.events(job.id)] == [
        (1, "status", None),
        (2, "status", None),
        (3, "stage", "validate"),
        (4, "stage", "validate"),
        (5, "stage", "warm"),
    ]
    assert jobs.events(job.id)[3].data == {
        "stage": "validate",
        "status": "done",
        "done": 0,
        "total": 0,
        "note": "",
        "seconds": None,
    }


def test_a_stage_that_an_earlier_attempt_did_keeps_its_time(jobs, claims):
    job, _ = jobs.add(asked())
    first = claims.next("w1", LATE)
    claims.tell(
        first,
        [Event("validate", "started"), Event("validate", "progress", 1, 2), Event("validate", "done", seconds=4.0)],
    )
    second = claims.next("w2", 30)
    claims.tell(second, [Event("validate", "reused", seconds=4.0), Event("separate", "reused", seconds=9.0)])
    assert [(row.status, row.done, row.total, row.seconds) for row in jobs.stages(job.id)[:2]] == [
        ("done", 2, 2, 4.0),
        ("reused", 0, 0, 9.0),
    ]


def test_a_warning_is_told_once_and_those_of_a_new_start_are_new(jobs, claims):
    job, _ = jobs.add(asked())
    claim = claims.next("w1", 30)
    claims.tell(claim, [Event("validate", "warning", note=text) for text in ("a", "b", "a")])
    assert (jobs.stages(job.id)[0].warnings, jobs.stages(job.id)[0].status) == (("a", "b"), "waiting")
    claims.tell(claim, [Event("validate", "started"), Event("validate", "warning", note="c")])
    assert jobs.stages(job.id)[0].warnings == ("c",)


def test_workers_are_known_as_long_as_they_are_heard_of(claims, jobs, database):
    claims.next("w1", 30)
    claims.report("w2", {"models": ["whisper"], "odd": math.nan})
    assert [(worker.id, worker.report) for worker in claims.workers()] == [
        ("w1", {}),
        ("w2", {"models": ["whisper"], "odd": None}),
    ]
    claims.report("w1", {"models": []})
    first = claims.workers()[0]
    assert (first.id, first.report) == ("w1", {"models": []}) and first.seen > first.started
    claims.leave("w1")
    assert [worker.id for worker in claims.workers()] == ["w2"]
    from sqlalchemy import update

    from dubkit.service.jobs.tables import workers

    silent = update(workers).values(seen=workers.c.seen - LIVE)
    database.write(lambda connection: connection.execute(silent))
    assert claims.workers() == [] and jobs.counts().workers == 0


def test_a_lease_that_runs_out_between_two_statements_undoes_no_cancel(jobs, claims, monkeypatch):
    """Of a job that is to stop, or has no attempt left, only the statement that is for it may take it."""
    job, _ = jobs.add(asked())
    claim = claims.take(job.id, "w", 300)
    jobs.cancel(job.id, None)
    ended, seen = Claims._ended, []

    def late(self, connection, chosen, **values):
        # The first statement comes just before the lease ends.
        seen.append(values["status"])
        return [] if values["status"] == "cancelled" else ended(self, connection, chosen, **values)

    monkeypatch.setattr(Claims, "_ended", late)
    assert claims.beat(claim, LATE) == "cancel"
    assert claims.overdue() == []
    assert seen == ["cancelled", "failed", "queued"] and jobs.find(job.id).cancelling
    monkeypatch.undo()
    assert [one.status for one in claims.overdue()] == ["cancelled"]
