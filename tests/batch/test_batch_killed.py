"""Twenty real films, three of them bad, by two workers: what is killed goes on, and nothing is done twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest
from small_batches import worker

from dubkit.batch.ledger import Entry, Ledger
from dubkit.media import ffmpeg_program

COMMAND = [sys.executable, "-c", "from dubkit.cli import main; main()", "batch"]
CHEAP = ("backends.synthesizer=espeak", "diarize.n_speakers=1", "transcribe.beam_size=1")
N_GOOD, SECONDS = 17, 3


def cut(film: Path, target: Path, start: float, *options: str) -> None:
    """Some seconds of a film, from `start`."""
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-ss", str(start), "-t", str(SECONDS), "-i", f"file:{film}"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", *options, str(target)]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """The manifest: seventeen cuts of a dialogue, a text, a film without sound, and one that is not there."""
    from data.samples import built

    dialogue = built("dialogue-pt").video
    names = [f"cut-{n:02}.mp4" for n in range(N_GOOD)]
    for n, name in enumerate(names):
        cut(dialogue, tmp_path / name, 1.5 * n)
    (tmp_path / "text.mp4").write_text("no film at all")
    cut(dialogue, tmp_path / "silent.mp4", 0, "-an")
    names[2:2] = ["text.mp4"]
    names[5:5] = ["silent.mp4", "missing.mp4"]
    manifest = tmp_path / "films.csv"
    manifest.write_text("video,source\n" + "".join(f"{name},pt\n" for name in names))
    return manifest


class Command:
    """``dubkit batch`` in a process of its own, and what its ledger says."""

    def __init__(self, manifest: Path) -> None:
        self.out, self.store = manifest.parent / "out", manifest.parent / "store"
        sets = [word for one in CHEAP for word in ("--set", one)]
        places = ["--out", str(self.out), "--store", str(self.store)]
        self.words = [*COMMAND, str(manifest), *places, "--to", "en", "--profile", "embedded", "--workers", "2", *sets]
        self.process: subprocess.Popen[str] | None = None

    def start(self, *words: str) -> subprocess.Popen[str]:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([*self.words, "--json", *words], **streams)
        return self.process

    def entries(self) -> dict[str, Entry]:
        ledger = Ledger(str(self.out / "ledger.sqlite"))
        try:
            return {entry.id: entry for entry in ledger.entries("batch")}
        finally:
            ledger.close()

    def until(self, enough: Callable[[dict[str, Entry]], bool], seconds: float = 120) -> dict[str, Entry]:
        """Wait until the rows are so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if (self.out / "ledger.sqlite").exists() and enough(found := self.entries()):
                return found
            assert self.process and self.process.poll() is None, self.process.communicate()
            time.sleep(0.1)
        raise AssertionError(f"after {seconds} s: {self.entries()}")

    def records(self) -> dict[Path, tuple[int, str]]:
        """Every result that the store holds, with the time it was written and its content."""
        return {p: (p.stat().st_mtime_ns, p.read_text()) for p in self.store.glob("*/*/record.json")}


@pytest.fixture
def command(films: Path) -> Iterator[Command]:
    made = Command(films)
    yield made
    if made.process and made.process.poll() is None:
        made.process.kill()


def n_done(found: dict[str, Entry]) -> int:
    return sum(entry.state == "done" for entry in found.values())


def at_work(found: dict[str, Entry], besides: str = "") -> list[Entry]:
    """Rows whose kernel is in the middle of a stage."""
    notes = ("separate", "transcribe", "detect_gender", "synthesize", "assemble")
    return [e for e in found.values() if e.state == "running" and e.note.startswith(notes) and e.id != besides]


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=15)[1]


def test_what_is_killed_goes_on_and_nothing_is_done_twice(command):
    command.start()
    found = command.until(lambda found: n_done(found) >= 2 and bool(at_work(found)))
    bereft = at_work(found)[0]
    kernels = psutil.Process(worker(bereft)).children(recursive=True)
    os.kill(worker(bereft), signal.SIGKILL)
    assert kernels and gone(kernels), "a kernel outlived its worker"

    found = command.until(lambda found: n_done(found) >= 4 and bool(at_work(found, bereft.id)))
    shot = at_work(found, bereft.id)[0]
    kernel = next(p for p in psutil.Process(worker(shot)).children() if "ipykernel" in " ".join(p.cmdline()))
    kernel.kill()
    command.until(lambda found: found[shot.id].state == "waiting" and "kernel died" in found[shot.id].reason)

    found = command.until(lambda found: n_done(found) >= 9 and bool(at_work(found)))
    children = psutil.Process(command.process.pid).children(recursive=True)
    command.process.kill()
    assert len(children) >= 4 and gone(children), "something outlived the command"
    early, records = command.entries(), command.records()
    assert {entry.attempts for entry in early.values() if entry.state == "done"} <= {1, 2}

    out, told = command.start("--resume").communicate(timeout=240)
    assert command.process.returncode == 6, told
    assert f"{n_done(early)} of 20 rows are done already." in told
    assert "1 of 20 films are not there" in told
    result = json.loads(out)
    assert (result["rows"], result["done"]) == (20, 17)
    assert {one["id"]: one["reason"] for one in result["failed"]} == {
        "text": "'text.mp4' is not a video that dubkit can read: its content is none of MP4 or MOV, AVI, MKV or WebM "
        "(the file's name does not matter). Convert it to MP4 first.",
        "silent": "'silent.mp4' has no sound: there is no speech to dub. Give a file with an audio stream.",
        "missing": f"There is no file '{command.out.parent / 'missing.mp4'}'. Check the name; quote it if it holds spaces.",
    }

    # What was done stays as it was, in the ledger and in the store.
    late = command.entries()
    for name, entry in early.items():
        if entry.state == "done":
            assert (late[name].attempts, late[name].result) == (entry.attempts, entry.result)
    now = command.records()
    assert {path: now[path] for path in records} == records
    # Rows are tried again for a reason: they were in the middle when something was killed.
    again = {name for name, entry in late.items() if entry.attempts > 1 and entry.state == "done"}
    killed = {name for name, entry in early.items() if entry.state == "running"} | {bereft.id, shot.id}
    assert again <= killed and {bereft.id, shot.id} <= again
    # And then the store gave them what they had made before.
    assert all(late[name].result["reused"] > 0 for name in again & {bereft.id, shot.id})

    table = pd.read_csv(command.out / "results.csv")
    assert list(table["id"][:3]) == ["cut-00", "cut-01", "text"] and len(table) == 20
    for name, entry in late.items():
        if entry.state == "done":
            assert {p.name for p in (command.out / name).iterdir()} >= {
                f"{name}.ipynb",
                f"{name}.html",
                f"{name}.en.mp4",
            }
    assert "What came out of a batch" in (command.out / "summary.html").read_text()
