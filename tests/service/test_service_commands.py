"""The service on the command line: hand in, look, fetch, stop; keys; and a command line that stays light."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers
import typer
from click.testing import Result
from service_served import Served, served
from typer.testing import CliRunner

from dubkit.progress import Event
from dubkit.service import commands
from dubkit.service.config import Config
from dubkit.service.service import Service

app = typer.Typer()
for command in (commands.submit, commands.status, commands.fetch, commands.cancel, commands.serve):
    app.command()(command)
app.add_typer(commands.keys, name="keys")


def call(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "200", **environment})


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("service") / "home") as made:
        yield made


@pytest.fixture
def server(one_server: Served) -> Iterator[Served]:
    yield one_server
    for job in one_server.service.jobs.list(None, kind=None):
        one_server.service.delete(job.owner, job.id)


def worked(server: Served, folder: Path, **facts: object) -> threading.Thread:
    def work() -> None:
        while (claim := server.service.claims.next("w1", 60)) is None:
            pass
        server.work(claim, Event("validate", "started"), Event("validate", "warning", note="Odd."))
        server.work(claim, Event("validate", "done", seconds=0.5))
        server.finish(claim, folder, {"film.pt.mp4": b"film", "film.pt.srt": b"1\n"}, **facts)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_film_is_handed_in_looked_at_and_stopped(server: Served, tiny: Path):
    done = call("submit", tiny, "--to", "Portuguese", "--option", "n_speakers=2", "--server", server.url)
    assert done.exit_code == 0, done.output
    (job,) = server.service.jobs.list(None)
    assert done.stdout == f"{job.id}: dubkit status {job.id}\n"
    assert (job.target, job.settings) == ("pt", {"diarize.n_speakers": 2})
    listed = call("status", DUBKIT_SERVER=server.url).stdout.splitlines()
    assert listed[1].split()[:4] == [job.id, "tiny.mp4", "pt", "queued"]
    shown = call("status", job.id, "--server", server.url).stdout.splitlines()
    assert shown[0].startswith(f"{job.id}: queued, 0 %, number 1 in the queue, about ")
    assert [line.split()[:2] for line in shown[2:4]] == [["validate", "waiting"], ["separate", "waiting"]]
    assert call("cancel", job.id, "--server", server.url).stdout == f"{job.id}: cancelled\n"
    told = json.loads(call("status", job.id, "--json", "--server", server.url).stdout)
    assert (told["id"], told["status"]) == (job.id, "cancelled")


def test_waited_for_and_fetched(server: Served, tiny: Path, tmp_path: Path):
    thread = worked(server, tmp_path)
    done = call("submit", tiny, "--to", "pt", "--out", tmp_path / "out", "--server", server.url)
    thread.join()
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [str(tmp_path / "out" / name) for name in ("film.pt.mp4", "film.pt.srt")]
    assert "✓ validate" in done.stderr
    assert "! validate: Odd." in done.stderr
    (job,) = server.service.jobs.list(None)
    brought = call("fetch", job.id, "--kind", "subtitles", "--out", tmp_path, "--server", server.url, "--json")
    assert json.loads(brought.stdout) == {"files": [str(tmp_path / "film.pt.srt")]}


def test_programs_hear_events_and_the_job(server: Served, tiny: Path, tmp_path: Path):
    thread = worked(server, tmp_path, spoken=False)
    done = call("submit", tiny, "--to", "pt", "--wait", "--json", "--server", server.url)
    thread.join()
    # As for `dubkit dub`: nobody spoke.
    assert done.exit_code == 3
    told = json.loads(done.stdout)
    assert (told["status"], told["facts"]["spoken"], told["files"]) == ("completed", False, [])
    events = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert ("validate", "done") in [(event["stage"], event["status"]) for event in events]


@pytest.mark.parametrize(
    ("kind", "code"), [("BadInput", 2), ("MissingModel", 4), ("StageFailed", 5), ("WorkerDied", 5), ("listed", 5)]
)
def test_a_job_that_fails_ends_as_a_dub_here_would(kind: str, code: int, server: Served, tiny: Path):
    def fail() -> None:
        while (claim := server.service.claims.next("w1", 60)) is None:
            pass
        server.service.claims.fail(claim, kind, "It did not work.", None)

    thread = threading.Thread(target=fail)
    thread.start()
    done = call("submit", tiny, "--to", "pt", "--wait", "--server", server.url)
    thread.join()
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (code, "error: It did not work.")


def test_what_is_wrong_is_told_in_a_line(server: Served, tiny: Path, tmp_path: Path):
    wrong = [
        (["submit", tiny, "--to", "Klingonese", "--server", server.url], 2, "Klingonese"),
        (["submit", tmp_path / "no.mp4", "--to", "pt", "--server", server.url], 2, "There is no film"),
        (["submit", tiny, "--to", "pt", "--option", "n_speakers", "--server", server.url], 2, "--option takes NAME=VALUE"),
        (["submit", tiny, "--to", "pt", "--option", "n_speakers=two", "--server", server.url], 2, "--option takes NAME=VALUE"),
        (["status", "nobody", "--server", server.url], 2, ""),
        (["fetch", "nobody", "--server", server.url], 2, ""),
        (["status", "--server", "here"], 2, "no address of a service"),
        (["status", "--server", f"http://127.0.0.1:{servers.free_port()}"], 5, "No service answers"),
    ]  # fmt: skip
    for arguments, code, text in wrong:
        done = call(*arguments)
        assert (done.exit_code, done.stderr[:7]) == (code, "error: "), done.output
        assert text in done.stderr
        assert len(done.stderr.splitlines()) == 1
        as_json = json.loads(call(*arguments, "--json").stdout)
        assert as_json["exit_code"] == code


def test_keys_are_made_listed_and_revoked(tmp_path: Path, tiny: Path):
    environment = {"DUBKIT_HOME": str(tmp_path / "home"), "DUBKIT_DATABASE": ""}
    key = call("keys", "add", "ann", "--note", "laptop", **environment).stdout.strip()
    assert key.startswith("dk_")
    (row,) = json.loads(call("keys", "list", "--json", **environment).stdout)
    assert (row["owner"], row["note"], row["revoked"]) == ("ann", "laptop", None)
    assert key.split("_")[1] == row["id"]
    table = call("keys", "list", **environment).stdout
    assert "laptop" in table
    assert key.split("_")[2] not in table
    service = Service(Config.from_environment(environment))
    assert service.keys.owner_of(key) == "ann"
    assert call("keys", "revoke", row["id"], **environment).stdout == f"{row['id']} of ann is revoked\n"
    service.close()
    fresh = Service(Config.from_environment(environment))
    assert fresh.keys.owner_of(key) is None
    fresh.close()
    unknown = call("keys", "revoke", "aaaaaaaa", **environment)
    assert (unknown.exit_code, "no key of this id" in unknown.stderr) == (2, True)
    assert call("keys", "add", " ", **environment).exit_code == 2


def test_the_key_comes_from_the_environment(tmp_path: Path):
    with served(tmp_path / "home", require_key=True) as closed:
        refused = call("status", "--server", closed.url)
        assert (refused.exit_code, "key" in refused.stderr) == (2, True)
        key = closed.service.keys.add("ann")
        assert call("status", "--server", closed.url, DUBKIT_KEY=f" {key}\n").exit_code == 0
        assert key not in refused.output


def test_a_server_for_all_without_keys_is_refused(tmp_path: Path):
    done = call("serve", "--host", "0.0.0.0", DUBKIT_HOME=str(tmp_path), DUBKIT_REQUIRE_KEY="")
    assert (done.exit_code, "DUBKIT_REQUIRE_KEY=1" in done.stderr) == (2, True)


def test_the_command_line_stays_light():
    code = "import sys, dubkit.service.commands; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["fastapi", "sqlalchemy", "httpx", "websockets", "torch", "numpy", "dubkit.service.client.client"]
    done = subprocess.run(
        [sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert done.stdout.strip() == "[]"
