"""Mazinger's own scorer, run by the throw-away Python: TIMELINE DUB; prints its report as JSON.

The speech map is its own, of the source's voice; the lines are the timeline's.
"""

import json
import sys
from pathlib import Path

from mazinger.speech import VAD_SR, build_speech_map, decode_mono
from mazinger.testing.bench_sync import measure


def main(timeline: Path, dub: Path) -> None:
    """Print what its ``main`` prints."""
    film = json.loads((timeline / "timeline.json").read_text(encoding="utf-8"))
    source = str(timeline / "source.wav")
    entries = [(line["start"], line["end"]) for line in film["lines"]]
    print(json.dumps(measure(build_speech_map(source), decode_mono(str(dub), VAD_SR), entries)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
