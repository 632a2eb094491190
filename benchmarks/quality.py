"""How good the dubs of the samples are: ``python benchmarks/quality.py [SAMPLE:TARGET ...]``.

Per sample: word error rate of the transcript against what is really said, diarization error rate (no collar, overlap
scored) against the exact turns where they are known, word error rate of the run's own recogniser reading the finished
dub against what was to be spoken, and how the lines lie: largest rate, median absolute drift, lines flagged.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

# The builders of the samples are no part of the installed package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data.samples import built
from dubkit.run import Run
from evaluation import round_trip
from evaluation.metrics import asr, diarization

SAMPLES = ["talking-head:pt", "dialogue-en:pt", "dialogue-pt:en", "dialogue-es:pt"]


def diarization_error(run: Run, truth) -> float:
    """DER; the reference's turns are its sentences."""
    reference, found = ([(x.start, x.end, x.speaker) for x in spans] for spans in (truth.utterances, run.turns.turns))
    return diarization.score(reference, found, run.media.duration).der


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", nargs="*", default=SAMPLES)
    parser.add_argument("--store")
    chosen = parser.parse_args()
    print("| sample | into | transcript WER | DER | round-trip WER | words | largest rate | median drift | flagged |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    for item in chosen.samples:
        name, target = item.split(":")
        sample = built(name)
        run = Run.open(sample.video, target, profile="embedded", store=chosen.store).until("combine")
        heard = asr.score([sample.text], [" ".join(u.text for u in run.transcript.utterances)]).wer
        error = f"{diarization_error(run, sample.truth):.3f}" if sample.truth else "–"
        read = round_trip.score(run).recognition
        places = run.soundtrack.placements
        rate, flagged = max(p.rate for p in places), sum(bool(p.flag) for p in places)
        drift = statistics.median(abs(p.drift) for p in places)
        row = f"| {name} | {target} | {heard:.3f} | {error} | {read.wer:.3f} | {read.n_words} "
        print(f"{row}| {rate:.2f} | {drift * 1000:.0f} ms | {flagged} of {len(places)} |", flush=True)


if __name__ == "__main__":
    main()
