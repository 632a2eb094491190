"""The stand-ins as a plug-in for processes that a test starts: each item takes a while, and is written down.

``installed(folder)`` gives the environment in which a process finds them under the name ``slow``.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import stand_ins
from stand_ins import StandIn

PAUSE = "DUBKIT_TEST_PAUSE"
NOTES = "DUBKIT_TEST_NOTES"


class Slow(StandIn):
    """Takes its time for each item, and writes down which it was."""

    def note(self, request: object) -> None:
        super().note(request)
        with Path(os.environ[NOTES]).open("a") as notes:
            notes.write(json.dumps([type(self).__name__, os.getpid(), str(request)]) + "\n")
        time.sleep(float(os.environ.get(PAUSE, "0")))


class SlowSeparator(Slow, stand_ins.Halver):
    pass


class SlowDiarizer(Slow, stand_ins.ToneDiarizer):
    pass


class SlowTranscriber(Slow, stand_ins.ToneTranscriber):
    pass


class SlowClassifier(Slow, stand_ins.PitchClassifier):
    pass


class SlowTranslator(Slow, stand_ins.Prefixer):
    pass


class SlowSynthesizer(Slow, stand_ins.ToneSynthesizer):
    pass


TASKS = {
    "separator": SlowSeparator,
    "diarizer": SlowDiarizer,
    "transcriber": SlowTranscriber,
    "gender_classifier": SlowClassifier,
    "translator": SlowTranslator,
    "synthesizer": SlowSynthesizer,
}


def installed(folder: Path, pause: float = 0.0) -> dict[str, str]:
    """An environment whose processes find the stand-ins as anybody's plug-in, with a profile that takes them."""
    about = folder / "slow_stand_ins-1.0.dist-info"
    about.mkdir(parents=True, exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-stand-ins\nVersion: 1.0\n")
    points = [f"[dubkit.{task}]\nslow = slow_stand_ins:{kind.__name__}\n" for task, kind in TASKS.items()]
    (about / "entry_points.txt").write_text("\n".join(points))
    profile = folder / "slow.toml"
    profile.write_text("[backends]\n" + "".join(f'{task} = "slow"\n' for task in TASKS))
    paths = [str(folder), str(Path(__file__).parent), str(Path(__file__).parents[1])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "DUBKIT_PROFILE": str(profile),
        PAUSE: str(pause),
        NOTES: str(folder / "notes.jsonl"),
    }


def noted(folder: Path) -> list[list[str]]:
    """What all of them were asked for so far: class, process and item."""
    notes = folder / "notes.jsonl"
    return [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []
