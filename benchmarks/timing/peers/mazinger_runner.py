"""Mazinger's assembly of given clips, run by the throw-away Python: TIMELINE OUT MODE (sync, sync-1.35 or auto).

As its pipeline does it: the speech map of the source's voice, the segments with their target lengths, then
``assemble_timeline`` at the limits that its command line has. Its rewriting of long lines needs a language model, and is
left out.
"""

import json
import sys
from pathlib import Path

import soundfile
from mazinger.assemble import assemble_timeline
from mazinger.speech import build_speech_map, line_targets

FASTEST = {"sync": 1.5, "sync-1.35": 1.35, "auto": 1.5}


def main(timeline: Path, out: Path, mode: str) -> None:
    """Write dub.wav and lines.json."""
    film = json.loads((timeline / "timeline.json").read_text(encoding="utf-8"))
    source = timeline / "source.wav"
    entries = [
        {"idx": line["id"], "start": line["start"], "end": line["end"], "text": line["candidates"][0]}
        for line in film["lines"]
    ]
    speech, targets = None, {}
    if mode != "auto":
        speech = build_speech_map(str(source), vocals_path=str(source))
        targets, _ = line_targets(entries, speech)
    clips = [timeline / line["clip"] for line in film["lines"]]
    lengths = [soundfile.info(clip).duration for clip in clips]
    segments = [
        {
            "idx": entry["idx"],
            "start": entry["start"],
            "end": entry["end"],
            "target_dur": targets.get(entry["idx"], entry["end"] - entry["start"]),
            "wav_path": _copied(clip, out),
            "actual_dur": length,
        }
        for entry, clip, length in zip(entries, clips, lengths, strict=True)
    ]
    report = out / "sync.json"
    assemble_timeline(
        segments,
        speech.duration if speech else film["duration"],
        str(out / "dub.wav"),
        tempo_mode="auto" if mode == "auto" else "sync",
        max_tempo=FASTEST[mode],
        speech_map=speech,
        report_path=str(report),
    )
    told = json.loads(report.read_text())["segments"] if report.exists() else []
    (out / "lines.json").write_text(
        json.dumps([{"id": one["idx"], "start": one["onset"], "rate": one["rate"]} for one in told], indent=1)
    )


def _copied(clip: Path, out: Path) -> str:
    """A copy of a clip: the peer writes its stretched version beside it."""
    copy = out / "clips" / clip.name
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes(clip.read_bytes())
    return str(copy)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
