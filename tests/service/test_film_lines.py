"""The editor's document: what it says of a run, how it is kept, and how large it gets."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from edited import Edited, long
from runs import OwnBackends

from dubkit.service.lines.document import Document, Stretches
from dubkit.service.lines.lines import clips, shown


@pytest.fixture
def edited(talk: Path, store: Path, backends: OwnBackends) -> Edited:
    return Edited(talk, store, backends)


def test_it_tells_of_every_line(edited: Edited) -> None:
    document = edited.document
    said, placed = edited.run.transcript.utterances, edited.run.soundtrack.placements
    assert (document.source, document.target, document.duration) == ("en", "pt", edited.run.media.duration)
    for line, utterance, place in zip(document.lines, said, placed, strict=True):
        assert (line.id, line.speaker, line.source_text) == (utterance.id, utterance.speaker, utterance.text)
        assert (line.start, line.end, line.text) == (utterance.start, utterance.end, place.text)
        assert (line.dub_start, line.dub_end, line.rate, line.drift) == (
            place.start,
            place.end,
            place.rate,
            place.drift,
        )
        assert (line.flag, line.reason) == (place.flag, place.reason)
        assert (line.corrected, line.pending, line.found, line.note, line.dropped) == ((), (), {}, "", False)


def test_it_offers_the_translators_other_wordings(edited: Edited) -> None:
    line, row = edited.document.lines[0], edited.run.translation.lines[0]
    assert line.text not in line.candidates
    assert {line.text, *line.candidates} == {row.text, *(c.text for c in row.candidates)}
    edited.change(lines={"u0001": {"text": line.candidates[0]}})
    edited.dub()
    assert edited.spoken[0][2] == line.candidates[0]
    assert line.text in edited.line("u0001").candidates, "the way back is offered"


def test_it_tells_of_speakers_and_voices(edited: Edited) -> None:
    low, high = edited.document.speakers
    assert (low.id, low.name, low.gender, low.voice, low.n_lines) == ("S1", "Speaker 1", "male", "tone:rui", 2)
    assert (high.id, high.name, high.gender, high.voice, high.n_lines) == ("S2", "Speaker 2", "female", "tone:ana", 1)
    assert low.voice_reason == "heard as male (95%)"
    assert [(v.id, v.gender, v.language) for v in edited.document.voices] == [
        ("tone:ana", "female", "pt"),
        ("tone:eva", "female", "pt"),
        ("tone:rui", "male", "pt"),
    ]


def test_without_corrections_it_is_shown_as_it_is(edited: Edited) -> None:
    assert shown(edited.document, {}) == edited.document


def test_no_path_of_this_machine_is_in_it(edited: Edited, tmp_path: Path) -> None:
    assert str(tmp_path) not in edited.document.to_json()
    assert str(edited.film.parent) not in edited.document.to_json()


def test_a_film_in_which_nobody_speaks_has_a_document(
    film_of_silence: Path, store: Path, backends: OwnBackends
) -> None:
    document = Edited(film_of_silence, store, backends).document
    assert (document.lines, document.speakers) == ((), ())
    assert clips(document) == {}


@pytest.fixture
def film_of_silence(tmp_path: Path) -> Path:
    from films import make_film

    return make_film(tmp_path / "silence.mp4", seconds=2, sound="anullsrc=sample_rate=48000")


def test_three_hours_take_little_room_and_time() -> None:
    document = long(3000)
    text = document.to_json()
    assert len(text) < 2_500_000
    assert Document.from_json(text) == document
    assert json.loads(text)["lines"][0]["id"] == "u0001"


def test_other_json_is_refused() -> None:
    with pytest.raises(ValueError, match="source"):
        Document.from_json("{}")


def test_clips_are_in_times_of_film_and_dub() -> None:
    document = replace(long(2), knots=((0.0, 0.0), (5.0, 5.0), (10.0, 12.0), (17.2, 19.2)))
    first, second = document.lines
    document = replace(document, lines=(first, replace(second, dub_start=None, dub_end=None)))
    assert clips(document) == {
        "u0001": Stretches((3.6, 6.6), (3.6, 6.6)),
        "u0002": Stretches((7.2, 10.2), (pytest.approx(8.08), pytest.approx(12.2))),
    }
