"""Who takes part: each makes ``dub.wav`` (the voices alone, as long as the film) and ``lines.json`` in a folder.

``lines.json`` lists what the dubber says about its lines: ``id``, and where it has them ``start``, ``rate``, ``text``, the
wording that it speaks if that is not the first candidate, and ``native``, the rate that it asked the synthesizer for if
that is not 1. The last two tell the scorer which clip to listen for; nothing else of it is used.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.timing import environment
from benchmarks.timing.speaker import SAMPLE_RATE
from benchmarks.timing.timelines import opened

PEERS = Path(__file__).parent / "peers"
Dubber = Callable[[Path, Path], None]

THEIRS: Mapping[str, tuple[str, ...]] = {
    "Mazinger, sync": ("mazinger_runner.py", "sync"),
    "Mazinger, sync, at most 1.35": ("mazinger_runner.py", "sync-1.35"),
    "Mazinger, auto": ("mazinger_runner.py", "auto"),
    "open-dubbing": ("open_dubbing_runner.py",),
    "Voxa": ("voxa_runner.py",),
}
OURS: Mapping[str, str] = {
    "dubkit": "full",
    "dubkit, without N-best": "one-candidate",
    "dubkit, without native rate": "stretch-only",
    "dubkit, without borrowing": "own-slot",
    "dubkit, greedy": "greedy",
}
"""The variants that ``benchmarks/timing/ours.py`` knows: ``dub(timeline, out, variant)``."""
BASELINE = "unfitted"


def unfitted(timeline: Path, out: Path) -> None:
    """The clips as they are, each at its line's start, mixed where they overlap."""
    film = opened(timeline)
    mix = np.zeros(round(film["duration"] * SAMPLE_RATE), np.float32)
    for line in film["lines"]:
        clip = soundfile.read(timeline / line["clip"], dtype="float32")[0]
        start = round(line["start"] * SAMPLE_RATE)
        clip = clip[: len(mix) - start]
        mix[start : start + len(clip)] += clip
    soundfile.write(out / "dub.wav", mix, SAMPLE_RATE, subtype="FLOAT")
    told = [{"id": line["id"], "start": line["start"], "rate": 1.0} for line in film["lines"]]
    (out / "lines.json").write_text(json.dumps(told, indent=1))


def contestants(work: Path) -> dict[str, Dubber]:
    """Everybody who can take part here and now, by name."""
    everybody: dict[str, Dubber] = {BASELINE: unfitted}
    for name, script in THEIRS.items():
        everybody[name] = functools.partial(_peer, work / "peers", script)
    if importlib.util.find_spec("benchmarks.timing.ours") is None:
        print("benchmarks/timing/ours.py is not there: dubkit itself is left out", flush=True)
    else:
        for name, variant in OURS.items():
            everybody[name] = functools.partial(_ours, variant)
    return everybody


def dub(name: str, dubber: Dubber, timeline: Path, folder: Path) -> float:
    """Let somebody dub a timeline into an empty folder; the seconds that it took."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    started = time.perf_counter()
    dubber(timeline, folder)
    for wanted in ("dub.wav", "lines.json"):
        if not (folder / wanted).is_file():
            raise FileNotFoundError(f"{name} made no {wanted} of {timeline.name}")
    return time.perf_counter() - started


def mazinger_score(work: Path, timeline: Path, sound: Path) -> dict[str, object]:
    """What Mazinger's own scorer says about a dub."""
    found: dict[str, object] = json.loads(_run(work / "peers", "mazinger_scorer.py", timeline, sound).splitlines()[-1])
    return found


def _ours(variant: str, timeline: Path, out: Path) -> None:
    from benchmarks.timing import ours

    ours.dub(timeline, out, variant)


def _peer(home: Path, script: tuple[str, ...], timeline: Path, out: Path) -> None:
    name, *rest = script
    _run(home, name, timeline, out, *rest)


def _run(home: Path, script: str, *arguments: str | Path) -> str:
    command = [
        str(environment.python(home)),
        str(PEERS / script),
        *(str(Path(a).absolute()) if isinstance(a, Path) else a for a in arguments),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{script} failed: {done.stderr[-2000:]}")
    return done.stdout
