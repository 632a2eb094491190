import threading
from pathlib import Path
from typing import Any

import av
import pytest
import servers
from service_desk import Desk, kinds, wait_for
from stand_ins import ToneSynthesizer, ToneTranscriber

from dubkit.errors import OutOfSpace
from dubkit.run import PIPELINE
from dubkit.service.storage import StorageAway
from dubkit.service.workers import execute, heart
from dubkit.service.workers.heart import Heart

FILES = [
    ("audio", "audio.m4a"),
    ("lines", "lines.json"),
    ("poster", "poster.jpg"),
    ("subtitles", "subtitles.en.srt"),
    ("subtitles", "subtitles.en.vtt"),
    ("subtitles", "subtitles.pt.srt"),
    ("subtitles", "subtitles.pt.vtt"),
    ("timing", "timing.csv"),
    ("timing", "timing.json"),
    ("transcript", "transcript.json"),
    ("transcript", "transcript.txt"),
    ("video", "video.mp4"),
]
STAGES = [step.name for step in PIPELINE]


@pytest.fixture
def desk(tmp_path: Path, backends: Any) -> Desk:
    return Desk(tmp_path / "home", keep_dubs=0.0)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hearts that beat at once."""
    for name in ("BEAT", "TELLING"):
        monkeypatch.setattr(heart, name, 0.02)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch, quick: None) -> threading.Event:
    """Set when a heart has learnt that its job is to stop; this process is not killed."""
    known, stop = threading.Event(), Heart._stop

    def told(self: Heart, why: Any) -> None:
        stop(self, why)
        known.set()

    monkeypatch.setattr(Heart, "_stop", told)
    monkeypatch.setattr(heart, "kill", lambda: pytest.fail("killed"))
    return known


class Acting(ToneSynthesizer):
    """Does something when it is asked for its first line, and then waits until the job is to stop."""

    def __init__(self, act: Any, stopped: threading.Event) -> None:
        super().__init__()
        self.act, self.stopped = act, stopped

    @property
    def fingerprint(self) -> str:
        return "ToneSynthesizer@1"

    def note(self, request: object) -> None:
        super().note(request)
        if len(self.asked) == 1:
            self.act()
            assert self.stopped.wait(20)


def test_a_film_is_dubbed(desk, talk):
    job = desk.add(talk, name="A talk.mp4", correlation="c-1")
    done = desk.work(job.id)
    assert (done.status, done.error, done.source, done.dubbed, done.attempts) == ("completed", "", "en", 0, 1)
    assert kinds(done.outputs) == FILES
    assert {o.place.rpartition("/")[0] for o in done.outputs} == {f"dubs/{job.id}/0-1"}
    assert all(len(desk.read(o)) == o.n_bytes > 0 for o in done.outputs)
    assert list(desk.stages(done).items()) == [(stage, "done") for stage in STAGES]
    facts = {name: done.facts[name] for name in ("lines", "speakers", "spoken", "target", "duration")}
    assert facts == {"lines": 3, "speakers": 2, "spoken": True, "target": "pt", "duration": 6.0}
    assert done.facts["seconds"] > 0 and len(done.facts["warnings"]) == 1


def test_every_event_is_told_in_order(desk, talk):
    told = desk.told(desk.work(desk.add(talk).id))
    assert [e.stage for e in told if e.status == "done"] == STAGES
    assert [e.stage for e in told if e.status == "started"] == STAGES
    assert [e.status for e in told if e.stage == "translate"][-1] == "done"


def test_a_second_attempt_goes_on_where_the_first_broke_down(desk, talk, backends):
    backends.renew(synthesizer=ToneSynthesizer(breaks_after=2))
    broken = desk.work(desk.add(talk).id)
    assert (broken.status, broken.error_type, broken.attempts) == ("queued", "StageFailed", 1)
    assert "out of memory" in broken.error
    backends.renew()
    execute_when_due(desk)
    done = desk.jobs.find(broken.id)
    assert (done.status, done.attempts, done.error) == ("completed", 2, "")
    assert set(backends.asked) == {"synthesizer"} and backends.asked["synthesizer"] == 1


def execute_when_due(desk: Desk) -> None:
    wait_for(lambda: bool(desk.claims.due()))
    desk.work()


def test_what_never_works_fails_at_once_and_says_why(desk, talk):
    job = desk.add(talk, target="eo")
    failed = desk.work(job.id)
    assert (failed.status, failed.error_type, failed.attempts) == ("failed", "UnsupportedPair", 1)
    assert "Esperanto" in failed.error and not failed.outputs


def test_a_film_that_is_gone_fails_at_once(desk, talk):
    job = desk.add(talk)
    desk.storage.delete(job.film.place)
    assert (desk.work(job.id).status, desk.jobs.find(job.id).error_type) == ("failed", "NoSuchFile")


def test_a_job_is_tried_just_so_often(tmp_path, talk, backends):
    desk = Desk(tmp_path / "home", attempts=1)
    backends.renew(transcriber=ToneTranscriber(breaks_after=0))
    failed = desk.work(desk.add(talk).id)
    assert (failed.status, failed.error_type, failed.stage) == ("failed", "StageFailed", "transcribe")
    assert desk.stages(failed)["transcribe"] == "failed"


def test_a_full_disk_is_given_more_time_than_other_faults():
    assert [execute._pause(OutOfSpace(""), attempt) for attempt in (1, 2)] == [60.0, 120.0]
    assert [execute._pause(ValueError(""), attempt) for attempt in (1, 2, 3)] == [2.0, 4.0, 8.0]


def test_a_cancelled_job_stops_at_its_next_step(desk, talk, backends, stopped):
    job = desk.add(talk)
    backends.renew(synthesizer=Acting(lambda: desk.jobs.cancel(job.id, None), stopped))
    done = desk.work(job.id)
    assert (done.status, done.error, done.outputs) == ("cancelled", "", ())
    assert backends.asked["synthesizer"] == 1
    stages = desk.stages(done)
    assert (stages["assign_voices"], stages["synthesize"], stages["assemble"]) == ("done", "waiting", "waiting")
    assert not list(desk.storage.names("dubs"))


def test_work_that_does_not_come_to_a_next_step_is_killed_after_it_is_marked(
    desk, talk, backends, monkeypatch, stopped
):
    job = desk.add(talk)
    killed = threading.Event()
    found: list[str] = []

    def kill() -> None:
        found.append(desk.jobs.find(job.id).status)
        killed.set()

    monkeypatch.setattr(heart, "kill", kill)
    monkeypatch.setattr(heart, "GRACE", 0.05)
    backends.renew(synthesizer=Acting(lambda: desk.jobs.cancel(job.id, None), killed))
    assert desk.work(job.id).status == "cancelled"
    assert found[0] == "cancelled"


def test_a_worker_that_ends_gives_its_job_back(desk, talk, backends, stopped):
    job, ending = desk.add(talk), threading.Event()
    backends.renew(synthesizer=Acting(ending.set, stopped))
    back = desk.work(job.id, ending)
    assert (back.status, back.attempts, back.error) == ("queued", 0, "")
    backends.renew()
    assert desk.work(job.id).status == "completed"
    assert backends.asked == {"synthesizer": 2}


def test_a_worker_whose_claim_is_void_changes_nothing(desk, talk, backends, stopped):
    job = desk.add(talk)

    def lost() -> bool:
        # Until another is faster than this worker's next beat.
        desk.claims.beat(claim[0], -60.0)
        return desk.claims.take(job.id, "other", 60.0) is not None

    claim: list[Any] = []
    take = desk.claims.take

    def taken(id: str, worker: str, seconds: float) -> Any:
        found = take(id, worker, seconds)
        claim.extend([found] if found else [])
        return found

    desk.claims.take = taken
    backends.renew(synthesizer=Acting(lambda: wait_for(lost), stopped))
    now = desk.work(job.id)
    assert (now.status, now.attempts, now.outputs) == ("running", 2, ())
    assert not list(desk.storage.names("dubs"))


class Away:
    """A storage that does not answer the first times it is asked to take a file."""

    def __init__(self, storage: Any, times: int) -> None:
        self.storage, self.times, self.asked = storage, times, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.storage, name)

    def upload(self, path: Path, name: str) -> str:
        self.asked += 1
        if self.asked <= self.times:
            raise StorageAway("S3 could not be reached")
        return str(self.storage.upload(path, name))


def test_a_storage_that_is_away_for_a_while_costs_no_attempt(desk, talk, backends, monkeypatch):
    monkeypatch.setattr(Heart, "wait", lambda self, seconds: None)
    done = desk.work(desk.add(talk).id, place=Away(desk.storage, 3))
    assert (done.status, done.attempts) == ("completed", 1)
    assert kinds(done.outputs) == FILES


def test_a_storage_that_stays_away_lets_the_job_wait(desk, talk, monkeypatch):
    monkeypatch.setattr(execute, "PATIENCE", 0.0)
    left = desk.work(desk.add(talk).id, place=Away(desk.storage, 99))
    assert (left.status, left.error_type) == ("queued", "StorageAway")


def test_a_corrected_dub_speaks_just_what_is_new(desk, talk, backends):
    job = desk.work(desk.add(talk).id)
    corrected(desk, job, {"u0002": "Outra coisa."})
    desk.jobs.again(job.id, None)
    backends.renew()
    again = desk.work(job.id)
    assert (again.status, again.revision, again.dubbed) == ("completed", 1, 1)
    assert set(backends.asked) == {"synthesizer"}
    assert [r.text for r in backends.tasks["synthesizer"].asked] == ["Outra coisa."]
    assert {o.place.split("/")[2] for o in again.outputs} == {"1-2"}
    spoken = next(o for o in again.outputs if o.place.endswith("transcript.txt"))
    assert "Outra coisa." in desk.read(spoken).decode()


def corrected(desk: Desk, job: Any, texts: dict[str, str]) -> Any:
    """The job with other translations of some lines."""
    from dubkit.edits import edits
    from dubkit.run import Run

    with desk.storage.local(job.film.place) as film:
        run = Run.open(film, job.target, job.asked, store=desk.config.store, name=job.id)
        made = edits(run.uncorrected("translate"), texts)
    return desk.jobs.edit(job.id, None, {"translate": made}, job.revision)


def test_a_preview_has_the_corrections_and_just_its_own_lines(desk, talk, backends):
    job = corrected(desk, desk.work(desk.add(talk).id), {"u0002": "Outra coisa."})
    backends.renew()
    preview = desk.work(desk.preview(job, 2.6, 1.4).id)
    assert preview.status == "completed"
    assert [kind for kind, _ in kinds(preview.outputs)] == ["subtitles"] * 4 + ["video"]
    assert {o.place.rpartition("/")[0] for o in preview.outputs} == {f"dubs/{job.id}/{preview.id}-1"}
    assert set(backends.asked) == {"synthesizer"}
    assert [r.text for r in backends.tasks["synthesizer"].asked] == ["Outra coisa."]
    assert set(desk.stages(preview).values()) == {"done", "reused"}
    assert desk.jobs.find(job.id).dubbed == 0
    begin, end = preview.shown
    assert begin < 2.6 and end > 4.0
    assert seconds(desk, preview) == pytest.approx(end - begin, abs=0.1)


def test_a_preview_of_a_film_that_is_not_dubbed_yet_is_of_its_stretch(desk, talk, backends):
    preview = desk.work(desk.preview(desk.add(talk), 2.4, 2.0).id)
    assert preview.status == "completed"
    assert seconds(desk, preview) == pytest.approx(2.0, abs=0.1)
    assert preview.shown == (2.4, 4.4)


def test_a_stretch_of_a_film_can_be_dubbed_and_previewed(desk, talk, backends):
    part = desk.work(desk.add(talk, start=2.2, duration=3.8).id)
    assert part.status == "completed" and seconds(desk, part) == pytest.approx(3.8, abs=0.1)
    assert part.facts["lines"] == 2
    backends.renew()
    preview = desk.work(desk.preview(part, 0.2, 1.5).id)
    assert preview.status == "completed" and backends.asked == {}
    assert seconds(desk, preview) < 3.0


def seconds(desk: Desk, job: Any) -> float:
    """How long its film is."""
    with (
        desk.storage.local(next(o.place for o in job.outputs if o.kind == "video")) as path,
        av.open(str(path)) as film,
    ):
        return float(film.duration / 1e6)


def test_films_come_from_a_bucket_and_dubs_go_into_one(tmp_path, talk, backends, s3_server, monkeypatch):
    import boto3

    names = {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "a-secret", "ENDPOINT_URL_S3": s3_server}
    for name, value in names.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="dubbing")
    desk = Desk(tmp_path / "home", storage="s3://dubbing/service")
    done = desk.work(desk.add(talk).id)
    assert (done.status, done.error, kinds(done.outputs)) == ("completed", "", FILES)
    assert {o.place: desk.storage.size(o.place) for o in done.outputs} == {o.place: o.n_bytes for o in done.outputs}


class Outage(ToneSynthesizer):
    """The database goes away when the first line is asked for, and comes back a while later."""

    def __init__(self, server: servers.Postgres) -> None:
        super().__init__()
        self.server = server

    def note(self, request: object) -> None:
        super().note(request)
        if len(self.asked) == 1:
            self.server.stop()
            threading.Timer(2.0, self.server.start).start()


def test_a_job_outlives_a_restart_of_its_database(tmp_path, talk, backends):
    with servers.postgres() as server:
        desk = Desk(tmp_path / "home", database=server.url)
        backends.renew(synthesizer=Outage(server))
        done = desk.work(desk.add(talk).id)
        assert (done.status, done.attempts, done.error) == ("completed", 1, "")
        assert [e.stage for e in desk.told(done) if e.status == "done"] == STAGES
