"""docs/timing.md: the tables of the benchmark, and how they came about."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.timing import contestants, environment, timelines

PAGE = Path(__file__).parents[2] / "docs" / "timing.md"
Results = Mapping[str, Mapping[str, Mapping[str, Any]]]

INTRODUCTION = """\
# Timing, side by side

`python -m benchmarks.timing`: everybody dubs the same lines in one run, and both scorers look at what comes out. The
peers run their own code, installed from their packages; they are handed the same clips at natural rate (Kokoro) of the
translator's own wording (Bergamot). dubkit is handed the same voices, and chooses among the same candidates, of which
the translator's own is the first.

"""

TIMELINES = """\
`longer` is the length of all clips at natural rate over that of all source lines. `reading`, `dialogue` and `longer`
are spoken by Kokoro, so that every time in them is exact; `two-cities` is a real reader, whose lines and words are those
that the embedded profile hears, and whose phrases are cut by the recording's energy. Bergamot gives one translation
for a text. The candidates beyond it are the cheap variants that dubkit makes itself and
wordings written by hand in `benchmarks/timing/*.toml`: they stand for the N-best list of a stronger translator (a
language model asked for shorter and longer wordings), which does not run offline here. The row "without N-best" has
the first candidate alone, as the peers have. "Without borrowing" keeps every line within its own slot at whatever rate that
takes; "greedy" places phrase by phrase what the full row places at once: where wordings fit, there is little left to share
between neighbours, and the two come out alike.

"""

COLUMNS = """\
**Mazinger's scorer** (`mazinger.testing.bench_sync.measure`, run in its own environment): voice activity of dub and
source by Silero; intersection over union of speech; share of lines whose length is within ±10 % of the source's; median
distance between onsets.

**The neutral scorer** (`benchmarks/timing/scorers.py`), in frames of 10 ms: the source's mask is its exact phrases, the
dub's is an energy gate (40 dB under the loud speech; gaps under 0.15 s bridged), the same for all. Lines are found in
the dub by aligning the clip that was spoken with it (dynamic time warping of mel cepstra), so rates, lengths, onsets and cuts
are measured from what sounds, not from what anybody reports; on clips stretched and cut on purpose, onsets are right to
0.01 s and rates to 1 % in the median, cuts of 0.1 s and more are found. *In slot*: lines with a length within -10 % ..
+20 % of the slot's. *Rate*: natural speech over speech in the dub (lines with 0.5 s of speech or more). *Cut*: words of
which more than half is missing. *Collisions*: lines of one speaker that sound together. *Pauses broken*: inner pauses
of source lines (0.15 s or more) that the dub speaks through, or of lines that are over before.

**WER**: whisper-base on the dub, and on the same clips one after another, unfitted.

"""


def brief(result: Mapping[str, Any]) -> str:
    """A result on one line."""
    neutral = result["neutral"]
    return (
        f"Mazinger's IoU {result['mazinger']['speech_iou']:.3f}, neutral {neutral['iou']:.3f}, in slot "
        f"{neutral['in_slot']:.0%}, onset {neutral['onset_median'] * 1000:.0f} ms, rate {neutral['rate_max']:.2f}, "
        f"cut {neutral['cut_words']}, collisions {neutral['collisions']}, WER {_share(result['wer'])}"
    )


def write(results: Results, work: Path, page: Path = PAGE) -> None:
    """Write the page from all results that there are."""
    parts = [INTRODUCTION, "## The timelines\n\n", *_timelines(results, work), TIMELINES, "## The columns\n\n", COLUMNS]
    for name in timelines.NAMES:
        if name in results:
            parts += [f"## {name}\n\n", *_table(results[name]), "\n"]
    parts.append(_machine(work))
    page.write_text("".join(parts), encoding="utf-8")


def _timelines(results: Results, work: Path) -> list[str]:
    rows = [
        "| timeline | what | languages | lines | seconds | longer | candidates per line |\n",
        "|---|---|---|---|---|---|---|\n",
    ]
    for name in timelines.NAMES:
        folder = work / "timelines" / name
        if name not in results or not folder.exists():
            continue
        film = timelines.opened(folder)
        counts = [len(line["candidates"]) for line in film["lines"]]
        rows.append(
            f"| {name} | {film['title']} | {film['source']} → {film['target']} | {len(film['lines'])} | "
            f"{film['duration']:.0f} | {film['longer']:.2f} | {sum(counts) / len(counts):.1f} |\n"
        )
    return [*rows, "\n"]


def _table(results: Mapping[str, Mapping[str, Any]]) -> list[str]:
    rows = [
        "| | Mazinger's IoU | within ±10 % | onset | neutral IoU | IoU per line | in slot | onset median / p90 / max, ms "
        "| rate p95 / max | cut | collisions | pauses broken | WER | unfitted |\n",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    ]
    order = [*contestants.OURS, *contestants.THEIRS, contestants.BASELINE]
    for who in [*(name for name in order if name in results), *(name for name in results if name not in order)]:
        one = results[who]
        his, ours = one["mazinger"], one["neutral"]
        rows.append(
            f"| {who} | {his['speech_iou']:.3f} | {his['length_ratio']['within_10pct']:.0%} | "
            f"{his['onset_error_ms']['median']:.0f} ms | {ours['iou']:.3f} | {ours['line_iou']:.3f} | "
            f"{ours['in_slot']:.0%} | {ours['onset_median'] * 1000:.0f} / {ours['onset_p90'] * 1000:.0f} / "
            f"{ours['onset_max'] * 1000:.0f} | {ours['rate_p95']:.2f} / {ours['rate_max']:.2f} | {ours['cut_words']} | "
            f"{ours['collisions']} | {ours['pauses_broken']} of {ours['pauses']} | {_share(one['wer'])} | "
            f"{_share(one['wer_unfitted'])} |\n"
        )
    return rows


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _machine(work: Path) -> str:
    versions = environment.versions(environment.python(work / "peers"))
    peers = ", ".join(f"{name} {version}" for name, version in versions.items())
    packages = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("numpy", "scipy", "librosa", "faster-whisper")
    )
    return (
        "## How it was run\n\n"
        f"{peers}; Python {platform.python_version()}, {packages}; {len(os.sched_getaffinity(0))} cores, no GPU.\n"
        "Mazinger is run with the limits of its command line (1.5 at most) and with the 1.35 of its "
        "`assemble_synced`; its rewriting of long lines needs a language model and is left out. open-dubbing works through "
        "MP3, Voxa at 44.1 kHz, as they do by themselves.\n"
    )
