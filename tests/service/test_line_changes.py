"""Corrections as an editor sends them: what they change, what stays, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from edited import Edited, long
from pydantic import ValidationError
from runs import OwnBackends

from dubkit import subtitles
from dubkit.errors import BadInput
from dubkit.service.lines.line_changes import LineChanges, changed
from dubkit.service.lines.lines import ANEW, BY_HAND, GENDER_BY_HAND, KEPT, SET_ASIDE, shown

FIRST = "pt-low1 pt-low2 pt-low3 pt-low4 pt-low5 pt-low6."
LAST = "pt-low1 pt-low2 pt-low3 pt-low4."


@pytest.fixture
def edited(talk: Path, store: Path, backends: OwnBackends) -> Edited:
    return Edited(talk, store, backends)


def test_a_translation_by_hand_is_shown_at_once_and_makes_one_clip(edited: Edited) -> None:
    before = edited.line("u0002")
    edited.change(lines={"u0002": {"text": "  uma frase\n nova "}})
    line = edited.line("u0002")
    assert (line.text, line.corrected, line.pending) == ("uma frase nova", ("text",), ("text",))
    assert line.found == {"text": before.text}
    edited.dub()
    assert edited.backends.asked == {"synthesizer": 1}
    assert edited.made == ["assign_voices", "synthesize", "assemble", "combine"]
    line = edited.line("u0002")
    assert (line.text, line.corrected, line.pending) == ("uma frase nova", ("text",), ())
    assert line.found == {"text": before.text}


def test_undoing_a_translation_makes_nothing_new(edited: Edited) -> None:
    before = edited.document
    edited.change(lines={"u0002": {"text": "uma frase nova"}})
    edited.dub()
    edited.change(lines={"u0002": {"text": None}})
    assert edited.line("u0002").text == before.lines[1].text
    assert edited.line("u0002").pending == ("text",)
    edited.dub()
    assert edited.backends.asked == {}
    assert edited.made == []
    assert edited.document == before
    assert edited.edits == {}


def test_a_source_text_is_translated_anew(edited: Edited) -> None:
    edited.change(lines={"u0002": {"source_text": "something else."}})
    line = edited.line("u0002")
    assert (line.source_text, line.note) == ("something else.", ANEW)
    assert line.pending == ("source_text", "text")
    edited.dub()
    assert edited.backends.asked == {"translator": 1, "synthesizer": 1}
    assert edited.line("u0002").text == "pt-something pt-else."
    assert edited.line("u0002").note == ""
    assert edited.line("u0002").pending == ()
    assert edited.warnings == []


def test_of_both_texts_the_translation_counts(edited: Edited) -> None:
    edited.change(lines={"u0002": {"source_text": "something else.", "text": "outra coisa."}})
    assert edited.line("u0002").note == ""
    edited.dub()
    assert edited.spoken[1][2] == "outra coisa."
    assert edited.line("u0002").source_text == "something else."
    assert edited.warnings == []


def test_a_translation_by_hand_stays_when_its_source_is_changed_later(edited: Edited) -> None:
    edited.change(lines={"u0002": {"text": "outra coisa."}})
    edited.dub()
    edited.change(lines={"u0002": {"source_text": "something else."}})
    assert (edited.line("u0002").text, edited.line("u0002").note) == ("outra coisa.", KEPT)
    edited.dub()
    assert edited.spoken[1][2] == "outra coisa."
    assert edited.warnings == []
    edited.change(lines={"u0002": {"text": None}})
    assert edited.line("u0002").text == "pt-something pt-else."
    edited.dub()
    assert edited.spoken[1][2] == "pt-something pt-else."


def test_a_chain_of_corrections_undone_in_another_order(edited: Edited) -> None:
    before = edited.document
    edited.change(lines={"u0002": {"source_text": "something else."}})
    edited.dub()
    edited.change(lines={"u0002": {"text": "outra coisa."}})
    edited.dub()
    edited.change(lines={"u0002": {"source_text": before.lines[1].source_text}})
    assert (edited.line("u0002").text, edited.line("u0002").corrected) == ("outra coisa.", ("text",))
    edited.dub()
    assert edited.spoken[1][2] == "outra coisa."
    assert edited.warnings == []
    edited.change(reset=["u0002"])
    assert edited.line("u0002").text == before.lines[1].text
    edited.dub()
    assert edited.document == before


def test_a_line_is_given_to_another_speaker(edited: Edited) -> None:
    edited.change(lines={"u0003": {"text": "tchau", "speaker": "S2"}})
    assert edited.line("u0003").speaker == "S2"
    assert [edited.speaker(id).n_lines for id in ("S1", "S2")] == [1, 2]
    edited.dub()
    assert edited.spoken[2] == ("S2", "ana", "tchau")
    assert edited.warnings == []
    edited.change(lines={"u0003": {"speaker": "S1"}})
    assert list(edited.edits) == ["translate"]
    edited.dub()
    assert edited.spoken[2] == ("S1", "rui", "tchau"), "the translation by hand stays"


def test_times_move_where_the_line_is_spoken(edited: Edited) -> None:
    edited.change(lines={"u0001": {"start": 0.2, "end": 1.2, "text": "tchau"}})
    edited.dub()
    assert edited.backends.asked == {"synthesizer": 1}
    said = edited.run.transcript.utterances[0]
    assert (said.words[0].start, said.words[-1].end) == (0.2, pytest.approx(1.2, abs=0.1))
    place = edited.run.soundtrack.placements[0]
    assert (place.slot_start, place.start) == (0.2, pytest.approx(0.2, abs=0.02))
    edited.change(lines={"u0001": {"start": None}})
    assert edited.line("u0001").corrected == ("end", "text")


def test_a_removed_line_is_neither_spoken_nor_shown(edited: Edited) -> None:
    before = edited.document
    edited.change(lines={"u0002": {"text": "outra"}})
    edited.change(lines={"u0002": None})
    assert (edited.line("u0002").dropped, edited.line("u0002").pending) == (True, ("dropped",))
    assert edited.speaker("S2").n_lines == 0
    run = edited.dub()
    assert [text for *_, text in edited.spoken] == [before.lines[0].text, before.lines[2].text]
    assert all("high" not in file.path.read_text(encoding="utf-8") for file in run.dub.subtitles)
    assert edited.warnings == []
    assert (edited.line("u0002").dropped, edited.line("u0002").pending) == (True, ())
    edited.change(reset=["u0002"])
    assert edited.line("u0002").pending == ("dropped", "text")
    edited.dub()
    assert edited.document == before


def test_a_removed_line_comes_back_with_other_words_at_once(edited: Edited) -> None:
    edited.change(lines={"u0002": None})
    edited.dub()
    with pytest.raises(BadInput, match="u0002 was removed"):
        edited.change(lines={"u0002": {"text": "outra"}})
    edited.change(reset=["u0002"], lines={"u0002": {"text": "outra"}})
    assert edited.line("u0002").text == "outra"
    edited.dub()
    assert edited.spoken[1][2] == "outra"


def test_the_voice_follows_the_gender_and_nobody_elses_changes(edited: Edited) -> None:
    before = edited.document
    edited.change(speakers={"S1": {"gender": "female"}})
    assert (edited.speaker("S1").voice, edited.speaker("S1").voice_reason) == ("tone:eva", GENDER_BY_HAND)
    assert (edited.speaker("S1").pending, edited.speaker("S1").corrected) == (("gender", "voice"), ("gender",))
    assert edited.speaker("S2") == before.speakers[1]
    edited.dub()
    assert [voice for _, voice, _ in edited.spoken] == ["eva", "ana", "eva"]
    assert edited.backends.asked == {"synthesizer": 2}
    assert edited.speaker("S1").found["gender"] == "male"
    assert (edited.speaker("S1").pending, edited.speaker("S1").corrected) == ((), ("gender",))
    assert edited.speaker("S2").corrected == ()
    edited.change(lines={"u0001": {"text": "outra"}})
    edited.dub()
    assert [voice for _, voice, _ in edited.spoken] == ["eva", "ana", "eva"]
    edited.change(lines={"u0001": {"text": None}}, speakers={"S1": {"gender": "male"}})
    assert edited.edits == {}
    edited.dub()
    assert edited.document == before


def test_a_voice_by_hand_stays_when_the_gender_is_corrected(edited: Edited) -> None:
    edited.change(speakers={"S1": {"voice": "tone:eva"}})
    edited.dub()
    assert [voice for _, voice, _ in edited.spoken] == ["eva", "ana", "eva"]
    assert edited.backends.asked == {"synthesizer": 2}
    edited.change(speakers={"S1": {"gender": "female"}})
    assert (edited.speaker("S1").voice, edited.speaker("S1").pending) == ("tone:eva", ("gender",))
    edited.dub()
    assert edited.backends.asked == {}
    assert [voice for _, voice, _ in edited.spoken] == ["eva", "ana", "eva"]
    assert edited.speaker("S1").voice_reason == BY_HAND
    assert edited.warnings == []
    edited.change(speakers={"S1": {"voice": None}})
    assert edited.speaker("S1").voice == "tone:eva", "the free one of that gender"
    edited.change(speakers={"S1": {"voice": None, "gender": None}})
    assert edited.edits == {}


def test_a_name_is_in_the_subtitles(edited: Edited) -> None:
    edited.change(speakers={"S1": {"name": "Zoë <b>"}})
    run = edited.dub()
    assert edited.backends.asked == {}
    assert edited.made == ["assign_voices", "synthesize", "combine"], "of whom nothing is spoken again"
    labels = [said.label for cue in subtitles.parse(run.dub.subtitles[0].path.read_text("utf-8")) for said in cue.said]
    text = run.dub.subtitles[0].path.read_text(encoding="utf-8")
    assert "Zoë" in text, labels


def test_speakers_are_merged_and_parted_again(edited: Edited) -> None:
    before = edited.document
    edited.change(speakers={"S2": {"voice": "tone:eva"}})
    edited.change(speakers={"S2": {"merge_into": "S1"}})
    assert edited.speaker("S2").merged_into == "S1"
    assert (edited.speaker("S1").n_lines, edited.speaker("S2").n_lines) == (3, 0)
    edited.dub()
    assert {(speaker, voice) for speaker, voice, _ in edited.spoken} == {("S1", "rui")}
    assert edited.backends.asked == {"synthesizer": 1}
    assert edited.warnings == []
    edited.change(reset=["S2"])
    assert (edited.speaker("S2").n_lines, edited.speaker("S2").merged_into) == (1, "")
    edited.dub()
    assert edited.document == before


def test_all_is_taken_back_at_once(edited: Edited) -> None:
    before = edited.document
    edited.change(
        lines={"u0001": {"source_text": "x.", "start": 0.2}, "u0002": None, "u0003": {"text": "y"}},
        speakers={"S1": {"name": "Ana", "gender": "female", "voice": "tone:eva"}},
    )
    edited.dub()
    assert edited.document != before
    assert edited.change(reset=["all"]).lines[0].pending == ("source_text", "start", "text")
    edited.dub()
    assert edited.document == before


def test_what_is_shown_already_changes_nothing(edited: Edited) -> None:
    for line in edited.document.lines:
        same = {"source_text": line.source_text, "text": line.text, "speaker": line.speaker}
        edited.change(lines={line.id: {**same, "start": line.start + 1e-5, "end": line.end}})
    for one in edited.document.speakers:
        edited.change(speakers={one.id: {"name": one.name, "gender": one.gender, "voice": one.voice}})
    assert edited.edits == {}


def test_a_table_sent_back_whole_has_just_its_change(edited: Edited) -> None:
    line = edited.line("u0001")
    edited.change(lines={"u0001": {"source_text": "one more.", "text": line.text}})
    assert list(edited.edits) == ["transcribe"], "the old translation is not taken for one by hand"


def test_corrections_are_kept_as_json(edited: Edited) -> None:
    edited.change(lines={"u0001": {"start": 0.25}, "u0002": None}, speakers={"S1": {"voice": "tone:eva"}})
    assert json.loads(json.dumps(edited.edits)) == edited.edits


def test_nothing_given_is_changed_in_place(edited: Edited) -> None:
    edited.change(lines={"u0001": {"text": "um"}})
    kept = json.dumps(edited.edits)
    changed(edited.document, edited.edits, LineChanges(reset=["all"]))
    assert json.dumps(edited.edits) == kept


def test_corrections_of_lines_that_are_others_now_are_told(edited: Edited) -> None:
    edited.edits = {"translate": {"u0001": {"of": "0" * 64, "fields": {"text": "velho"}}}}
    assert edited.line("u0001").note == SET_ASIDE
    assert edited.line("u0001").text == edited.document.lines[0].text
    edited.dub()
    assert edited.warnings == ["Corrections set aside because their lines have changed since: u0001."]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lines": {"u0099": {"text": "x"}}}, "no line 'u0099'. There are: u0001, u0002, u0003"),
        ({"lines": {"u0001": {"text": " "}}}, "The text of line u0001 is empty"),
        ({"lines": {"u0001": {"source_text": ""}}}, "The source_text of line u0001 is empty"),
        ({"lines": {"u0001": {"speaker": "S9"}}}, "no speaker 'S9'. There are: S1, S2"),
        ({"lines": {"u0001": {"start": -1}}}, "u0001 cannot last from -1 to"),
        ({"lines": {"u0001": {"start": 1.0, "end": 1.05}}}, "at least 0.1 s after"),
        ({"lines": {"u0003": {"end": 60}}}, "u0003 cannot end at 60 s: the film lasts 6.00 s"),
        ({"speakers": {"S9": {"name": "x"}}}, "no speaker 'S9'"),
        ({"speakers": {"S1": {"name": "\t"}}}, "The name of speaker S1 is empty"),
        ({"speakers": {"S1": {"voice": "tone:bob"}}}, "no voice 'tone:bob'. There are: tone:ana"),
        ({"speakers": {"S1": {"merge_into": "S1"}}}, "S1 cannot be merged into themselves"),
        ({"speakers": {"S1": {"merge_into": "S9"}}}, "no speaker 'S9'"),
        ({"reset": ["u0099"]}, "no line 'u0099'"),
    ],
)
def test_what_cannot_be_is_refused(edited: Edited, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        edited.change(**changes)
    assert edited.edits == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": {"u0001": {"words": []}}},
        {"lines": {"u0001": {"start": float("nan")}}},
        {"lines": {"u0001": {"text": "a\x00b"}}},
        {"lines": {"u0001": {"text": "x" * 2001}}},
        {"lines": {"u0001": {"text": "\ud800"}}},
        {"speakers": {"S1": {"gender": "other"}}},
        {"speakers": {"S1": {"name": "x" * 61}}},
        {"lines": ["u0001"]},
        {"drop": ["u0001"]},
    ],
)
def test_what_has_another_form_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LineChanges.model_validate(changes)


def test_all_lines_of_a_long_film_are_corrected_at_once() -> None:
    document = long(3000)
    texts = {line.id: {"source_text": f"{n}.", "text": f"{n}!"} for n, line in enumerate(document.lines)}
    edits = changed(
        document, {}, LineChanges.model_validate({"lines": texts, "speakers": {"S2": {"merge_into": "S1"}}})
    )
    assert [len(edits[stage]) for stage in ("transcribe", "translate")] == [3000, 3000]
    now = shown(document, edits)
    assert [line.text for line in now.lines] == [f"{n}!" for n in range(3000)]
    assert [one.n_lines for one in now.speakers] == [1500, 0, 750, 750]
