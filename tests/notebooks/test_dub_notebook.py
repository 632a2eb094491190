"""The notebook of a batch's row, on a film whose run is in the store: the film is saved, shown, and told of."""

from __future__ import annotations

import base64
import re

import pytest

from dubkit import certificate, media
from dubkit.batch.outcome import PROGRESS, RESULT


def test_the_film_is_saved_and_its_facts_are_told(execute, dialogue, dubbed, shared_store, tmp_path):
    out = tmp_path / "out" / "dub.en.mp4"
    done = execute(
        "dub", video=str(dialogue), target="en", profile="embedded", store=str(shared_store), out=str(out)
    )  # fmt: skip
    assert {p.name for p in out.parent.iterdir()} >= {"dub.en.mp4", "dub.en.srt", "dub.en.vtt"}
    assert out.stat().st_size == dubbed.dub.video.size

    (facts,) = done.of(RESULT)
    timing = certificate.summary(dubbed.soundtrack.placements)
    assert facts == {
        "run": dubbed.id, "source": "pt", "target": "en", "speakers": 2, "duration": dubbed.dub.duration, **timing,
        "reused": 11, "stage_seconds": {}, "out": str(out),
    }  # fmt: skip
    assert timing["lines"] == len(dubbed.translation.lines) > 5

    assert len(done.figures) == 1
    (film,) = (page for page in done.pages if "<video" in page)
    (tmp_path / "shown.mp4").write_bytes(base64.b64decode(re.findall('data:video/mp4;base64,([^"]+)', film)[0]))
    assert media.probe(tmp_path / "shown.mp4").duration == pytest.approx(20, abs=0.2)
    assert any("11 of 11 stages done" in page for page in done.pages)
    (table,) = (page for page in done.pages if "timing of every line" in page)
    assert table.startswith(f"<p>{timing['lines']} lines; {timing['adherent']:.0%} are within")
    # In an engine that does not know them, they are outputs that nothing shows.
    assert done.of(PROGRESS)[0] == "validate"


def test_stages_that_are_done_in_it_are_told_with_their_seconds(execute, talk, tmp_path):
    settings = {"backends.synthesizer": "espeak", "diarize.n_speakers": 1}
    parameters = {"video": str(talk), "target": "en", "source": "pt", "profile": "embedded", "settings": settings}
    done = execute("dub", **parameters, store=str(tmp_path / "store"), out=str(tmp_path / "dub.mp4"))
    (facts,) = done.of(RESULT)
    assert facts["reused"] == 0 and len(facts["stage_seconds"]) == 11
    assert facts["stage_seconds"]["separate"] > 0 and facts["duration"] == pytest.approx(6, abs=0.1)
