"""Voxa's timeline with given clips, run by the throw-away Python: TIMELINE OUT.

Its ``synthesize_timeline`` with a ``render`` that hands out the timeline's clips and fits them as its engines do
(``_fit_to_window``), then its list of files, one after another.
"""

import asyncio
import json
import sys
from pathlib import Path

import numpy as np
import soundfile
import voxa

SAMPLE_RATE = 44_100
"""What it uses for its default voices."""


def main(timeline: Path, out: Path) -> None:
    """Write dub.wav and lines.json."""
    film = json.loads((timeline / "timeline.json").read_text(encoding="utf-8"))
    lines = film["lines"]
    subtitles = [
        voxa.Subtitle(
            number + 1,
            voxa._seconds_to_subtime(line["start"]),
            voxa._seconds_to_subtime(line["end"]),
            line["candidates"][0],
            line["speaker"],
        )
        for number, line in enumerate(lines)
    ]
    files, leftovers, told = [], [], []

    def render(number, text, final, seconds):
        clip = timeline / lines[number]["clip"]
        natural = soundfile.info(clip).duration
        rate = voxa.calculate_speed_factor(natural, seconds, allow_slowdown=False)
        told.append({"id": lines[number]["id"], "start": lines[number]["start"], "rate": rate})
        return voxa._fit_to_window(clip, final, seconds, out, SAMPLE_RATE, True)

    asyncio.run(
        voxa.synthesize_timeline(
            subtitles,
            engine="given",
            prefix="given",
            sample_rate=SAMPLE_RATE,
            work_dir=out,
            concat_list=files,
            temp_files=leftovers,
            render=render,
            text_of=lambda subtitle: subtitle.text,
            desc="clips",
            min_bytes=100,
            media_ms=film["duration"] * 1000,
        )
    )
    sounds = [soundfile.read(name[len("file '") : -1], dtype="float32") for name in files]
    assert {rate for _, rate in sounds} == {SAMPLE_RATE}
    dub = np.concatenate([samples for samples, _ in sounds])
    wanted = round(film["duration"] * SAMPLE_RATE)
    soundfile.write(out / "dub.wav", np.pad(dub, (0, max(0, wanted - len(dub)))), SAMPLE_RATE)
    (out / "lines.json").write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
