import json
from pathlib import Path

import pytest
from builders import casting, sine, sound, transcript, translation, turns, voice

from dubkit.artefacts import Candidate, Segment, Speaker, Speakers, Word
from dubkit.durations import natural_duration
from dubkit.edits import apply, edits
from dubkit.errors import BadInput
from dubkit.record import Artefact

SAID = transcript(("S1", 0, 1, "Good morning."), ("S2", 1, 2, "Hello."), ("S1", 2, 3, "Bye."))
LINES = translation(SAID, "Bom dia.", "Olá.", "Tchau.")


def test_a_plain_value_changes_the_main_field() -> None:
    changed, set_aside = apply(LINES, edits(LINES, {"u0002": "Oi, tudo bem?"}))
    assert [x.text for x in changed.lines] == ["Bom dia.", "Oi, tudo bem?", "Tchau."]
    assert set_aside == []
    assert LINES.lines[1].text == "Olá."


def test_a_new_text_gets_a_new_expected_duration() -> None:
    changed, _ = apply(LINES, edits(LINES, {"u0002": "Olá, minha querida amiga."}))
    assert changed.lines[1].duration == natural_duration("Olá, minha querida amiga.", "pt") > LINES.lines[1].duration


def test_a_text_written_by_hand_is_the_only_candidate() -> None:
    offered = (Candidate(text="Olá.", score=-0.1), Candidate(text="Oi.", score=-0.2))
    lines = LINES.but(lines=tuple(x.but(candidates=offered) for x in LINES.lines))
    changed, _ = apply(lines, edits(lines, {"u0002": "Alô!", "u0003": {"speaker": "S2"}}))
    assert changed.lines[1].candidates == (Candidate(text="Alô!", duration=natural_duration("Alô!", "pt")),)
    assert changed.lines[0].candidates == changed.lines[2].candidates == offered
    pinned, _ = apply(lines, edits(lines, {"u0002": "Olá."}))
    assert [c.text for c in pinned.lines[1].candidates] == ["Olá."], "also where it is the translator's own"
    given = {"u0002": {"text": "Alô!", "candidates": [{"text": "Alô!"}, {"text": "Oi!"}]}}
    assert [c.text for c in apply(lines, edits(lines, given))[0].lines[1].candidates] == ["Alô!", "Oi!"]


def test_a_given_duration_is_kept() -> None:
    changed, _ = apply(LINES, edits(LINES, {"u0002": {"text": "Oi.", "duration": 3.0}}))
    assert changed.lines[1].duration == changed.lines[1].candidates[0].duration == 3.0


def test_fields_are_changed_by_name_and_none_removes_the_row() -> None:
    made = edits(SAID, {"u0001": {"text": "Good evening.", "speaker": "S2"}, "u0003": None})
    changed, _ = apply(SAID, made)
    assert [(u.id, u.speaker, u.text) for u in changed.utterances] == [
        ("u0001", "S2", "Good evening."),
        ("u0002", "S2", "Hello."),
    ]


def test_a_turn_is_given_to_another_speaker() -> None:
    made = turns(("S1", 0, 1), ("S2", 1, 2))
    assert apply(made, edits(made, {"t0002": "S1"}))[0].speakers == ("S1",)


def test_edits_are_kept_as_plain_values() -> None:
    cast = casting(S1="ana", S2="rui")
    made = edits(cast, {"S1": voice("eva")})
    kept = json.loads(json.dumps(made))
    assert apply(cast, kept)[0].roles[0].voice == voice("eva")
    assert kept == made


def test_an_edit_made_by_hand_in_json_is_the_same() -> None:
    made = edits(LINES, {"u0001": "Boa noite.", "u0003": None})
    assert apply(LINES, json.loads(json.dumps(made))) == apply(LINES, made)


def test_edits_of_rows_that_changed_or_went_are_set_aside() -> None:
    made = edits(SAID, {"u0001": "Good evening.", "u0002": "Hi.", "u0003": None})
    other = transcript(("S1", 0, 1, "Good morning."), ("S2", 1, 2, "Hullo."), ("S1", 2, 3.5, "Bye."))
    changed, set_aside = apply(other, made)
    assert [x.text for x in changed.utterances] == ["Good evening.", "Hullo.", "Bye."]
    assert set_aside == ["u0002", "u0003"]
    shorter = other.but(utterances=other.utterances[:1])
    assert apply(shorter, made)[1] == ["u0002", "u0003"]


def test_a_translation_by_hand_is_for_its_source_text() -> None:
    made = edits(LINES, {"u0001": "Boa noite.", "u0002": "Oi.", "u0003": None})
    said = transcript(("S2", 0, 1, "Good morning."), ("S2", 1, 2, "Hullo."), ("S1", 2, 3, "Bye."))
    changed, set_aside = apply(translation(said, "Bons dias.", "Alô.", "Adeus."), made)
    assert [(x.speaker, x.text) for x in changed.lines] == [("S2", "Boa noite."), ("S2", "Alô.")]
    assert set_aside == ["u0002"]


def test_a_voice_by_hand_is_for_its_speaker() -> None:
    made = edits(casting(S1="ana", S2="rui"), {"S1": {"voice": voice("eva")}})
    changed, set_aside = apply(casting(S1="rui"), made)
    assert [(role.id, role.voice.name) for role in changed.roles] == [("S1", "eva")]
    assert set_aside == []
    assert apply(casting(S2="rui"), made)[1] == ["S1"]


def test_words_move_with_their_utterance() -> None:
    words = (Word(text="Good", start=1.0, end=1.4), Word(text="bye.", start=1.5, end=2.0))
    said = SAID.but(utterances=(SAID.utterances[1].but(words=words),))
    made = edits(said, {"u0002": {"start": 3.0, "end": 5.0}})
    assert made["u0002"]["fields"] == {"start": 3.0, "end": 5.0}
    changed = apply(said, made)[0].utterances[0]
    assert [(word.start, word.end) for word in changed.words] == [(3.0, 3.8), (4.0, 5.0)]
    by_hand = {"u0002": {"start": 3.0, "end": 5.0, "words": []}}
    assert apply(said, edits(said, by_hand))[0].utterances[0].words == ()


def test_an_edit_that_changes_nothing_is_allowed() -> None:
    assert apply(LINES, edits(LINES, {"u0001": {}, "u0002": {"speaker": "S2"}}))[0] == LINES


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"u0009": "x"}, r"no row 'u0009' in Translation; it has: u0001, u0002, u0003"),
        ({"u0001": {"txt": "x"}}, r"no field txt; its fields are: .*text"),
        ({"u0001": {"id": "u0002"}}, r"no field id; its fields are"),
        ({"u0001": {"text": None}}, r"does not fit 'u0001'"),
        ({"u0001": {"duration": "long"}}, r"does not fit 'u0001'"),
        ({"u0001": 3}, r"does not fit 'u0001'"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        edits(LINES, changes)


class Spans(Artefact):
    """Rows that have no main field."""

    ROWS = "spans"
    spans: tuple[Segment, ...]


def test_rows_without_a_main_field_want_a_mapping() -> None:
    made = Spans(spans=(Segment(id="g0001", speaker="S1", start=0.0, end=1.0),))
    with pytest.raises(BadInput, match="Say which field of 'g0001'"):
        edits(made, {"g0001": "x"})
    assert apply(made, edits(made, {"g0001": {"end": 1.1}}))[0].spans[0].end == 1.1


def test_a_correction_stays_where_the_files_of_its_row_have_moved(tmp_path: Path) -> None:
    heard = sound(tmp_path / "sample.flac", sine(0.1))
    person = Speaker(
        id="S1", name="A", gender="male", confidence=1, pitch=None, speaking_rate=4, speech_seconds=9, sample=heard
    )
    changes = edits(Speakers(speakers=(person,)), {"S1": "female"})
    moved = person.but(sample=heard.but(path=tmp_path / "elsewhere.flac"))
    corrected, set_aside = apply(Speakers(speakers=(moved,)), changes)
    assert (corrected.speakers[0].gender, set_aside) == ("female", [])
    other = person.but(sample=heard.but(sha256="0" * 64))
    assert apply(Speakers(speakers=(other,)), changes)[1] == ["S1"]


@pytest.mark.parametrize(
    "times", [{"start": -1.0}, {"end": float("inf")}, {"start": 5.0, "end": 4.0}, {"start": float("nan")}]
)
def test_times_that_cannot_be_are_refused(times: dict[str, float]) -> None:
    said = transcript(("S1", 1.0, 2.0, "one"))
    with pytest.raises(BadInput, match="cannot last from"):
        edits(said, {"u0001": times})
