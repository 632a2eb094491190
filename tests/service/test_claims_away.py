"""A PostgreSQL server that is killed and started again while many work: nothing is lost, nothing is done twice."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import servers
from service_jobs import asked, opened

from dubkit.progress import Event
from dubkit.service.jobs.claims import Claims
from dubkit.service.jobs.jobs import Jobs
from dubkit.service.jobs.tables import upgrade

N_JOBS = 60


def test_jobs_go_on_after_the_server_was_killed():
    with servers.postgres() as server, opened(server.url) as database:
        upgrade(database)
        jobs, claims = Jobs(database), Claims(database)
        ids = [jobs.add(asked())[0].id for _ in range(N_JOBS)]
        done = Counter()

        def work(name):
            # A claim whose answer was lost runs out, and is another's.
            while len(done) < N_JOBS:
                claims.overdue(1000)
                if claim := claims.next(name, 3.0):
                    claims.tell(claim, [Event("validate", "started"), Event("validate", "done", seconds=1.0)])
                    time.sleep(0.02)
                    if claims.finish(claim, [], {"by": name}, "en"):
                        done[claim.job.id] += 1

        with ThreadPoolExecutor(4) as pool:
            working = [pool.submit(work, name) for name in "abcd"]
            for _ in range(3):
                time.sleep(0.1)
                server.stop()
                server.start()
            for each in working:
                each.result(120)
        assert done == Counter(ids)
        for job in jobs.list(None, limit=N_JOBS):
            told = jobs.events(job.id)
            assert job.status == "completed" and [event.sequence for event in told] == list(range(1, job.sequence + 1))
            assert [event.data["status"] for event in told if event.kind == "status"].count("completed") == 1
