"""Placements of whole films, and what their certificates say."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from builders import VOICE_RATE, sine, sound

from dubkit import certificate
from dubkit.artefacts import Clip, Phrase, Placement, Speech
from dubkit.certificate import placements, summary
from dubkit.errors import BadInput
from dubkit.retiming import TimeMap
from dubkit.timing import TimingSettings

Spoken = tuple[float, float, float]
"""When the original begins and ends, and how long the clip is, in seconds."""


def speech(folder: Path, *lines: Spoken, rate: float = 1.0, **fields: object) -> Speech:
    """A clip of one phrase for each line, all by one speaker."""
    folder.mkdir(exist_ok=True)
    clips = []
    for n, (start, end, length) in enumerate(lines, 1):
        audio = sound(folder / f"{n}.flac", sine(length, rate=VOICE_RATE), VOICE_RATE)
        clips.append(
            Clip(
                id=f"u{n:04}",
                speaker="S1",
                text=f"line {n}",
                audio=audio,
                rate=rate,
                natural=length * rate,
                slot=end - start,
                phrases=(Phrase(start=0, end=length, slot_start=start, slot_end=end),),
            )
        )
    return Speech(clips=tuple(clips)).but(**fields)


def still(duration: float) -> TimeMap:
    return TimeMap.of((), duration)


def test_a_line_that_fits_is_left_alone(tmp_path: Path) -> None:
    (line,) = placements(speech(tmp_path / "c", (1, 3, 2.0)), still(10))
    assert (line.start, line.end, line.rate, line.stretch) == (1, 3, 1.0, 1.0)
    assert (line.borrowed, line.drift, line.flag, line.reason) == (0, 0, "", "fits as it is")


def test_small_stretches_are_left_out_and_larger_ones_made(tmp_path: Path) -> None:
    near, far = placements(speech(tmp_path / "c", (1, 3, 2.05), (5, 7, 2.3)), still(10))
    assert near.stretch == 1.0 and near.end == pytest.approx(3.05, abs=1e-3)
    assert far.stretch == pytest.approx(1.15, abs=0.01) and far.end == pytest.approx(7, abs=0.01)
    assert "shortened by 13%" in far.reason


def test_the_rate_is_native_rate_and_stretch_together(tmp_path: Path) -> None:
    (line,) = placements(speech(tmp_path / "c", (1, 3, 2.2), rate=1.1), still(10))
    assert line.rate == pytest.approx(1.1 * line.stretch, abs=1e-3)
    assert line.rate <= 1.25 + 1e-3
    assert "spoken 10% faster" in line.reason


def test_the_limit_holds_for_both_together(tmp_path: Path) -> None:
    line, _ = placements(speech(tmp_path / "c", (1, 3, 2.6), (3.4, 5.4, 2.6), rate=1.25), still(6.1))
    assert line.rate == pytest.approx(1.25, abs=1e-3) and line.stretch == 1.0
    assert (line.flag, line.borrowed) == ("long", pytest.approx(0.6, abs=1e-3))
    assert "0.60 s of silence borrowed" in line.reason


def test_a_line_is_flagged_for_the_worst_that_happened_to_it(tmp_path: Path) -> None:
    crowded = placements(speech(tmp_path / "c", *[(n, n + 0.9, 2.0) for n in range(4)]), still(4.2))
    assert {line.flag for line in crowded} == {"squeezed"}
    late = placements(speech(tmp_path / "d", (0, 1, 2.4), (1.1, 2.1, 1.0), (6, 7, 1.0)), still(10))
    assert [line.flag for line in late] == ["long", "late", ""]
    (short,) = placements(speech(tmp_path / "e", (1, 5, 2.0)), still(10))
    assert short.flag == "short" and short.rate == pytest.approx(0.9, abs=1e-3)


def test_phrases_keep_the_pause_of_the_original(tmp_path: Path) -> None:
    found = speech(tmp_path / "c", (1, 6, 4.2))
    parts = (
        Phrase(start=0, end=2.0, slot_start=1, slot_end=3),
        Phrase(start=2.2, end=4.2, slot_start=4, slot_end=6),
    )
    (line,) = placements(found.but(clips=(found.clips[0].but(phrases=parts),)), still(10))
    assert [(p.start, p.end) for p in line.phrases] == [(1, 3), (4, 6)]
    assert [(p.clip_start, p.clip_end) for p in line.phrases] == [(0, 2.0), (2.2, 4.2)]
    assert "2 phrases with their pauses" in line.reason


def test_slots_are_moved_with_a_slowed_picture(tmp_path: Path) -> None:
    times = TimeMap(((0.0, 0.0), (2.0, 2.0), (4.0, 4.4), (10.0, 10.4)))
    (line,) = placements(speech(tmp_path / "c", (4, 6, 2.0)), times)
    assert (line.slot_start, line.slot_end, line.start) == (4.4, 6.4, 4.4)


def test_another_wording_is_a_reason(tmp_path: Path) -> None:
    found = speech(tmp_path / "c", (1, 3, 2.0))
    clip = found.clips[0].but(candidate=2, how="contractions")
    (line,) = placements(found.but(clips=(clip,)), still(10))
    assert (line.candidate, line.reason) == (2, "wording 3 (contractions)")


def test_settings_travel_with_the_speech(tmp_path: Path) -> None:
    slow = speech(tmp_path / "c", (1, 3, 3.0), timing=TimingSettings(fastest=1.05))
    assert placements(slow, still(10))[0].rate == pytest.approx(1.05, abs=1e-3)


def test_nothing_to_place() -> None:
    assert placements(Speech(clips=()), still(10)) == []
    assert summary([]) == {"lines": 0}


def a_line(**fields: object) -> Placement:
    usual = Placement(
        id="u0001", speaker="S1", text="sim", slot_start=1, slot_end=3, start=1.1, end=3.0, rate=1.1, stretch=1,
        borrowed=0, drift=0.1,
    )  # fmt: skip
    return usual.but(**fields)


def test_the_summary_counts() -> None:
    lines = [a_line(), a_line(end=4.0, rate=1.25, flag="long", drift=-0.4, stretch=1.1), a_line(end=1.5)]
    assert summary(lines) == {
        "lines": 3,
        "adherent": pytest.approx(1 / 3, abs=1e-3),
        "median_drift": 0.1,
        "largest_drift": 0.4,
        "largest_rate": 1.25,
        "stretched": pytest.approx(1 / 3, abs=1e-3),
        "flagged": 1,
    }


def test_certificates_are_written_as_csv_and_json(tmp_path: Path) -> None:
    lines = [a_line(text='Ele disse: "sim", e saiu.\nFim'), a_line(id="u0002", text="=1+1", speaker="+S")]
    certificate.export(lines, tmp_path / "t.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text(encoding="utf-8"))))
    assert [row["text"] for row in rows] == ['Ele disse: "sim", e saiu.\nFim', "'=1+1"]
    assert (rows[0]["start"], rows[0]["rate"], rows[1]["speaker"]) == ("1.1", "1.1", "'+S")
    certificate.export(lines, tmp_path / "t.JSON")
    told = json.loads((tmp_path / "t.JSON").read_text(encoding="utf-8"))
    assert [Placement.model_validate(row) for row in told] == lines


def test_other_kinds_of_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"\.csv or \.json, not as 't\.xlsx'"):
        certificate.export([], tmp_path / "t.xlsx")


def test_placements_are_the_same_every_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    starts = np.cumsum(rng.uniform(1, 4, 12))
    said = speech(tmp_path / "c", *[(float(s), float(s) + 0.9, float(rng.uniform(0.5, 1.6))) for s in starts])
    assert placements(said, still(60)) == placements(said, still(60))
