"""Many workers and readers at once, in threads and in processes, on both kinds of database."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from service_jobs import asked, opened

from dubkit.progress import Event
from dubkit.service.jobs.claims import Claims
from dubkit.service.jobs.job import PACES
from dubkit.service.jobs.jobs import Jobs
from dubkit.service.jobs.tables import upgrade

N_JOBS = 200

WORK = """
import json, sys
from dubkit.database import Database
from dubkit.progress import Event
from dubkit.service.jobs.claims import Claims
claims = Claims(Database(sys.argv[1], "job database", "nothing"))
print("ready", flush=True)
sys.stdin.readline()
done = []
while claim := claims.next(sys.argv[2], 300):
    assert claims.tell(claim, [Event("validate", "started"), Event("validate", "done", seconds=1.0)])
    assert claims.finish(claim, [], {"by": sys.argv[2]}, "en")
    done.append(claim.job.id)
print(json.dumps(done))
"""


def all_done_once(jobs, ids, done):
    assert Counter(done) == Counter(ids)
    found = jobs.list(None, limit=N_JOBS + 1)
    assert {job.id for job in found} == set(ids)
    assert {(job.status, job.attempts, job.sequence) for job in found} == {("completed", 1, 5)}
    assert jobs.counts().stages["validate"].total == N_JOBS


def test_each_job_is_one_thread_s(database_url):
    with opened(database_url) as database:
        upgrade(database)
        jobs, claims = Jobs(database), Claims(database)
        ids = [jobs.add(asked())[0].id for _ in range(N_JOBS)]
        begin = threading.Barrier(8)

        def work(name):
            begin.wait()
            done = []
            while claim := claims.next(name, 300):
                assert claims.tell(claim, [Event("validate", "started"), Event("validate", "done", seconds=1.0)])
                assert claims.finish(claim, [], {}, "en")
                done.append(claim.job.id)
            return done

        with ThreadPoolExecutor(8) as pool:
            all_done_once(jobs, ids, [id for done in pool.map(work, "abcdefgh") for id in done])


def test_each_job_is_one_process_s(database_url):
    with opened(database_url) as database:
        upgrade(database)
        jobs = Jobs(database)
        ids = [jobs.add(asked())[0].id for _ in range(N_JOBS)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        started = [subprocess.Popen([sys.executable, "-c", WORK, database_url, name], **pipes) for name in "abcd"]
        for process in started:
            assert process.stdout.readline() == "ready\n"
        for process in started:
            process.stdin.write("\n")
            process.stdin.flush()
        done = [json.loads(process.communicate(timeout=120)[0]) for process in started]
        all_done_once(jobs, ids, [id for some in done for id in some])


def test_of_many_who_take_one_job_one_gets_it(jobs, claims):
    for _ in range(10):
        job, _ = jobs.add(asked())
        with ThreadPoolExecutor(8) as pool:
            taken = [claim for claim in pool.map(claims.take, [job.id] * 8, "abcdefgh", [300] * 8) if claim]
        assert len(taken) == 1 and jobs.find(job.id).attempts == 1


def test_of_many_with_one_key_one_makes_the_job(jobs):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: jobs.add(asked(idempotency_key="k", request="r")), range(16)))
    assert len({job.id for job, _ in made}) == 1 and sum(is_new for _, is_new in made) == 1
    assert len(jobs.stages(made[0][0].id)) == len(PACES)


def test_of_many_corrections_to_one_revision_one_is_taken(jobs, claims):
    from dubkit.service.jobs.job import Conflict

    job, _ = jobs.add(asked())
    jobs.cancel(job.id, None)

    def edit(n):
        try:
            return jobs.edit(job.id, None, {"translate": {f"u{n}": {}}}, 0)
        except Conflict:
            return None

    with ThreadPoolExecutor(8) as pool:
        taken = [one for one in pool.map(edit, range(16)) if one]
    assert len(taken) == 1 and jobs.find(job.id).edits == taken[0].edits and taken[0].revision == 1


def test_who_tells_of_two_jobs_at_once_stands_in_nobody_s_way(jobs, claims):
    begin = threading.Barrier(4)
    for _ in range(4):
        jobs.add(asked())
    stages = list(PACES)

    def work(n):
        claim = claims.next(f"w{n}", 300)
        begin.wait()
        for _ in range(10):
            order = stages if n % 2 else stages[::-1]
            assert claims.tell(claim, [Event(stage, "done", seconds=1.0) for stage in order])
        return claims.fail(claim, "StageFailed", "broken", None)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [True] * 4
    counts = jobs.counts()
    assert {stage: times.total for stage, times in counts.stages.items()} == dict.fromkeys(PACES, 40.0)
    assert sum(counts.errors.values()) == 4


def test_readers_do_not_wait_for_a_writer(database):
    jobs = Jobs(database)
    job, _ = jobs.add(asked())
    with database.engine.begin() as connection:
        from sqlalchemy import update

        from dubkit.service.jobs.tables import jobs as table

        connection.execute(update(table).values(status="failed"))
        found = []
        reader = threading.Thread(target=lambda: found.append((jobs.look(job.id, None)[0].status, jobs.list("anna"))))
        reader.start()
        reader.join(30)
        assert found == [("queued", [job])]
