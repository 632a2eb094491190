"""The timing certificate: where every line of a dub lies, how it was made to fit, and why."""

from __future__ import annotations

import csv
import functools
import io
import json
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

from dubkit.artefacts import Clip, PlacedPhrase, Placement, Speech
from dubkit.errors import BadInput
from dubkit.plan import SHORTEST, within
from dubkit.record import Seconds
from dubkit.retiming import TimeMap
from dubkit.store import told
from dubkit.timing import Slot, TimingSettings, solve

LATE = 0.3
"""A line that starts later, or earlier, than this is flagged, in seconds."""
SHORT, LONG = -0.1, 0.2
"""Lines whose length is off their slot's by no more than these shares adhere to it, as the industry counts it."""
# Less stretch than this is not worth what it does to the sound.
WORTH_IT = 0.04
# Times are rounded to a tenth of a millisecond: what is less than that is no stretch.
ROUNDED = 2e-3
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
COLUMNS = (
    "id", "speaker", "flag", "slot_start", "slot_end", "start", "end", "drift", "rate", "stretch", "borrowed",
    "candidate", "reason", "text",
)  # fmt: skip


def placements(speech: Speech, times: TimeMap) -> list[Placement]:
    """Place the phrases of all clips at once, and certify every line.

    The schedule is solved twice: stretches that turn out too small to be worth it are left out, and what they would have
    done is shared by the rest.

    Parameters
    ----------
    speech : Speech
        The clips with their phrases.
    times : TimeMap
        From times of the film to those of the dub.
    """
    duration, moved = times.duration, functools.partial(within, times)
    order = sorted(
        ((n, k) for n, clip in enumerate(speech.clips) for k in range(len(clip.phrases))),
        key=lambda at: (moved(speech.clips[at[0]].phrases[at[1]].slot_start), at),
    )
    slots = [_slot(speech.clips[n], n, k, moved) for n, k in order]
    sounding = [slot.natural / speech.clips[slot.line].rate for slot in slots]
    plan = solve(slots, duration, speech.timing)
    kept = [
        Slot(s.line, s.speaker, s.start, s.end, s.natural, sound if abs(sound / length - 1) < WORTH_IT else None)
        for s, sound, length in zip(slots, sounding, plan.lengths.tolist(), strict=True)
    ]
    unstretched = solve(kept, duration, speech.timing)
    if unstretched.squeezed <= plan.squeezed:
        plan = unstretched
    placed = [
        (n, _placed(speech.clips[n], k, slot, start, length))
        for (n, k), slot, start, length in zip(order, slots, plan.starts.tolist(), plan.lengths.tolist(), strict=True)
    ]
    lines = {
        n: tuple(p for _, p in group) for n, group in groupby(sorted(placed, key=lambda x: x[0]), key=lambda x: x[0])
    }
    return [_certified(clip, lines[n], speech.timing) for n, clip in enumerate(speech.clips)]


def table(lines: Sequence[Placement]) -> str:
    """The certificates as CSV, a line each; texts that a spreadsheet would take for formulas are quoted with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines:
        row = [getattr(line, column) for column in COLUMNS]
        writer.writerow([f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell for cell in row])
    return out.getvalue()


def as_json(lines: Sequence[Placement]) -> str:
    """The certificates with their phrases as a JSON list."""
    return json.dumps([line.model_dump(mode="json") for line in lines], ensure_ascii=False, indent=1)


def export(lines: Sequence[Placement], out: Path) -> None:
    """Write the certificates to a file: CSV or JSON, as its name says.

    Raises
    ------
    BadInput
        If the name ends in neither.
    OutOfSpace
        If it cannot be written there.
    """
    forms = {".csv": table, ".json": as_json}
    if out.suffix.lower() not in forms:
        raise BadInput(f"Certificates are written as {' or '.join(forms)}, not as {out.name!r}.")
    with told(out.parent):
        out.write_text(forms[out.suffix.lower()](lines), encoding="utf-8")


def summary(lines: Sequence[Placement]) -> dict[str, float]:
    """How well a dub keeps to its film's times.

    Returns
    -------
    dict
        ``lines``; ``adherent``, the share whose length is within -10 % and +20 % of the slot's; ``median_drift`` and
        ``largest_drift``, absolute, in seconds; ``largest_rate``; ``stretched``, the share that was stretched; ``flagged``.
    """
    import numpy as np

    if not lines:
        return {"lines": 0}
    off = np.array([_off(p) for p in lines])
    drift = np.abs([p.drift for p in lines])
    return {
        "lines": len(lines),
        "adherent": round(float(np.mean((off >= SHORT) & (off <= LONG))), 3),
        "median_drift": round(float(np.median(drift)), 3),
        "largest_drift": round(float(drift.max()), 3),
        "largest_rate": max(p.rate for p in lines),
        "stretched": round(float(np.mean([p.stretch != 1 for p in lines])), 3),
        "flagged": sum(bool(p.flag) for p in lines),
    }


def _slot(clip: Clip, line: int, k: int, moved: Callable[[Seconds], Seconds]) -> Slot:
    phrase = clip.phrases[k]
    # A line with nothing to say has next to no clip.
    natural = max(SHORTEST, phrase.end - phrase.start) * clip.rate
    return Slot(line, clip.speaker, moved(phrase.slot_start), moved(phrase.slot_end), natural)


def _placed(clip: Clip, k: int, slot: Slot, start: Seconds, length: Seconds) -> PlacedPhrase:
    phrase = clip.phrases[k]
    return PlacedPhrase(
        slot_start=round(slot.start, 4),
        slot_end=round(slot.end, 4),
        start=round(start, 4),
        end=round(start + length, 4),
        clip_start=phrase.start,
        clip_end=phrase.end,
    )


def _certified(clip: Clip, phrases: tuple[PlacedPhrase, ...], settings: TimingSettings) -> Placement:
    first, last = phrases[0], phrases[-1]
    spoken = max(SHORTEST, sum(p.end - p.start for p in phrases))
    sounding = sum(max(SHORTEST, p.clip_end - p.clip_start) for p in phrases)
    stretch = sounding / spoken if abs(sounding / spoken - 1) > ROUNDED else 1.0
    line = Placement(
        id=clip.id,
        speaker=clip.speaker,
        text=clip.text,
        slot_start=first.slot_start,
        slot_end=last.slot_end,
        start=first.start,
        end=last.end,
        rate=round(clip.rate * stretch, 3),
        stretch=round(stretch, 4),
        borrowed=round(max(0.0, first.slot_start - first.start) + max(0.0, last.end - last.slot_end), 3),
        drift=round(first.start - first.slot_start, 3),
        candidate=clip.candidate,
        phrases=phrases,
    )
    return line.but(reason=_reason(line, clip), flag=_flag(line, settings))


def _flag(line: Placement, settings: TimingSettings) -> str:
    if line.rate > settings.fastest * 1.005:
        return "squeezed"
    if abs(line.drift) > LATE:
        return "late" if line.drift > 0 else "early"
    off = _off(line)
    return "long" if off > LONG else "short" if off < SHORT else ""


def _off(line: Placement) -> float:
    return (line.end - line.start) / max(line.slot_end - line.slot_start, 1e-3) - 1


def _reason(line: Placement, clip: Clip) -> str:
    """What was done to make the line fit, in the order in which it is tried."""
    done = []
    if line.candidate:
        done.append(f"wording {line.candidate + 1}" + (f" ({clip.how})" if clip.how else ""))
    if abs(clip.rate - 1) >= 0.02:
        done.append(f"spoken {abs(clip.rate - 1):.0%} {'faster' if clip.rate > 1 else 'slower'}")
    if line.borrowed >= 0.05:
        done.append(f"{line.borrowed:.2f} s of silence borrowed")
    if abs(line.drift) >= 0.05:
        done.append(f"starts {abs(line.drift):.2f} s {'late' if line.drift > 0 else 'early'}")
    if abs(line.stretch - 1) >= 0.005:
        done.append(f"{'shortened' if line.stretch > 1 else 'lengthened'} by {abs(1 - 1 / line.stretch):.0%}")
    if len(line.phrases) > 1:
        done.append(f"{len(line.phrases)} phrases with their pauses")
    return "; ".join(done) or "fits as it is"
