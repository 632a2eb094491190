"""Whatever owners and workers do in whatever order: no job is lost, done twice, or told of with a gap."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from service_jobs import an_output, asked, new_database, opened

from dubkit.progress import Event
from dubkit.service.jobs.claims import Claims
from dubkit.service.jobs.job import PACES, Conflict
from dubkit.service.jobs.jobs import Jobs
from dubkit.service.jobs.tables import upgrade

ATTEMPTS = 2
LEASES = st.sampled_from([30.0, 30.0, -1.0])
"""Held, or run out at once: its worker died, or is slow."""

ENDS = {"queued": {"running", "cancelled"}, "running": {"completed", "failed", "cancelled", "queued", "running"}}
for over in ("completed", "failed", "cancelled"):
    ENDS[over] = {"queued"}


class History(RuleBasedStateMachine):
    """Owners and workers of one database, and what must be true of it at all times."""

    url = ""
    made, claimed = Bundle("made"), Bundle("claimed")

    def __init__(self) -> None:
        super().__init__()
        self.context = opened(self.url)
        database = self.context.__enter__()
        self.jobs, self.claims = Jobs(database), Claims(database, ATTEMPTS)
        self.done: dict[str, list[int]] = {}
        self.ids: list[str] = []

    def teardown(self) -> None:
        for id in self.ids:
            self.jobs.cancel(id, None)
        self.claims.overdue()
        self.context.__exit__(None, None, None)

    @rule(target=made, key=st.sampled_from([None, "k"]))
    def add(self, key):
        job, is_new = self.jobs.add(asked(f"owner {id(self)}", idempotency_key=key and f"{key} {id(self)}"))
        if is_new:
            self.ids.append(job.id)
        assert job.id in self.ids
        return job.id

    @rule(target=claimed, lease=LEASES, worker=st.sampled_from("ab"))
    def next(self, lease, worker):
        claim = self.claims.next(worker, lease)
        return claim if claim is None or self.checked(claim) else None

    @rule(target=claimed, id=made, lease=LEASES)
    def take(self, id, lease):
        claim = self.claims.take(id, "c", lease)
        return claim if claim is None or self.checked(claim) else None

    def checked(self, claim):
        assert 1 <= claim.attempt <= ATTEMPTS
        assert claim.job.status == "running" and not claim.job.cancelling
        return True

    @rule(claim=claimed, lease=LEASES)
    def beat(self, claim, lease):
        if claim is not None:
            holds = self.holds(claim)
            job = self.jobs.find(claim.job.id)
            assert self.claims.beat(claim, lease) == ("lost" if not holds else "cancel" if job.cancelling else "held")

    @rule(
        claim=claimed,
        stage=st.sampled_from([*PACES, "warm"]),
        status=st.sampled_from(["started", "progress", "done", "failed"]),
    )
    def tell(self, claim, stage, status):
        if claim is not None:
            self.ends(
                claim, lambda: self.claims.tell(claim, [Event(stage, status, 1, 2), Event(stage, "warning", note="w")])
            )

    @rule(claim=claimed)
    def finish(self, claim):
        if claim is None:
            return
        held, before = self.holds(claim), self.jobs.look(claim.job.id, None)
        said = self.claims.finish(claim, [an_output(place=f"dubs/{claim.job.id}/{claim.fence}")], {}, "en")
        job = self.jobs.find(claim.job.id)
        if held:
            assert said and job.status == "completed" and job.dubbed == job.revision == claim.job.revision
            self.done.setdefault(job.id, []).append(claim.fence)
        else:
            assert self.jobs.look(claim.job.id, None) == before
            assert said == (job.status == "completed" and self.done[job.id][-1] == claim.fence)

    @rule(claim=claimed, again_in=st.sampled_from([None, 0.0, 1000.0]))
    def fail(self, claim, again_in):
        if claim is not None:
            self.ends(claim, lambda: self.claims.fail(claim, "StageFailed", "broken", again_in))

    @rule(claim=claimed)
    def stop(self, claim):
        if claim is not None:
            self.ends(claim, lambda: self.claims.cancelled(claim))

    @rule(claim=claimed)
    def release(self, claim):
        if claim is not None:
            self.ends(claim, lambda: self.claims.release(claim))

    def holds(self, claim):
        """Whether the job is this claim's, by what its events say: nothing ended the claim, and no other came after it."""
        told = [
            event.data for event in self.jobs.events(claim.job.id, claim.job.sequence, 10_000) if event.kind == "status"
        ]
        return all(data["status"] == "running" and data.get("cancelling") for data in told)

    def ends(self, claim, act):
        """A void claim changes nothing at all."""
        held, before = self.holds(claim), self.jobs.look(claim.job.id, None)
        assert act() == held
        assert (self.jobs.look(claim.job.id, None) != before) == held

    @rule()
    def overdue(self):
        for job in self.claims.overdue():
            assert job.status in ("queued", "failed", "cancelled")

    @rule(id=made)
    def cancel(self, id):
        before, after = self.jobs.find(id), self.jobs.cancel(id, None)
        if before.is_over:
            assert after == before
        else:
            assert (after.status, after.cancelling) == (
                ("cancelled", False) if before.status == "queued" else ("running", True)
            )

    @rule(id=made, ahead=st.sampled_from([0, 0, 1]))
    def edit(self, id, ahead):
        job = self.jobs.find(id)
        fits = job.is_over and not ahead
        try:
            edited = self.jobs.edit(id, None, {"translate": {f"u{job.revision}": {}}}, job.revision + ahead)
        except Conflict:
            assert not fits and self.jobs.find(id) == job
        else:
            assert fits and edited.revision == job.revision + 1

    @rule(id=made)
    def again(self, id):
        job = self.jobs.find(id)
        try:
            queued = self.jobs.again(id, None)
        except Conflict:
            assert not job.is_over
        else:
            assert job.is_over and (queued.status, queued.attempts, queued.outputs) == ("queued", 0, job.outputs)
            assert {row.status for row in self.jobs.stages(id)} == {"waiting"}

    @invariant()
    def every_job_has_told_all_that_happened_to_it(self):
        news = self.jobs.news(dict.fromkeys(self.ids, 0))
        for id in self.ids:
            job, rows, place = self.jobs.look(id, None)
            told = news[id]
            assert [event.sequence for event in told] == list(range(1, job.sequence + 1))
            statuses = [event.data["status"] for event in told if event.kind == "status"]
            assert statuses[0] == "queued" and statuses[-1] == job.status
            assert all(after in ENDS[before] for before, after in itertools.pairwise(statuses))
            assert statuses.count("completed") == len(self.done.get(id, []))
            assert len(rows) == len(PACES) and (place > 0) == (job.status == "queued")
            assert bool(job.error) == (job.error_type != "") and not (job.cancelling and job.status != "running")
            if job.outputs:
                assert job.outputs == (an_output(place=f"dubs/{id}/{self.done[id][-1]}"),)


def explore(url, examples, phases=tuple(Phase)):
    with opened(url) as database:
        upgrade(database)
    machine = type("HistoryHere", (History,), {"url": url})
    limits = {"max_examples": examples, "stateful_step_count": 30, "suppress_health_check": list(HealthCheck)}
    run_state_machine_as_test(machine, settings=settings(**limits, phases=phases, deadline=None))


def test_any_history_on_sqlite():
    with tempfile.TemporaryDirectory() as folder:
        explore(str(Path(folder) / "jobs.sqlite"), examples=25)


def test_any_history_on_postgresql(postgres_server):
    with new_database(postgres_server) as url:
        explore(url, examples=5)


def test_the_histories_would_show_a_claim_without_a_fence(tmp_path, monkeypatch):
    from dubkit.service.jobs import claims
    from dubkit.service.jobs.tables import jobs

    monkeypatch.setattr(claims, "_held", lambda claim: [jobs.c.id == claim.job.id, jobs.c.status == "running"])
    with pytest.raises(AssertionError):
        explore(str(tmp_path / "jobs.sqlite"), examples=60, phases=[Phase.generate])
