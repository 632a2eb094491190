"""Corrections by hand, and what they set in motion."""

from pathlib import Path
from typing import Any

import pytest
from runs import OwnBackends, made_again, opened

from dubkit import subtitles
from dubkit.errors import BadInput
from dubkit.progress import Event


def test_one_edited_line_makes_one_clip(store: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, store)
    before = run.speech.clips
    run.edit("translate", {"u0002": "uma frase nova"})
    assert made_again(run) == ["assign_voices", "synthesize", "assemble", "combine"]
    assert backends.asked == {"synthesizer": 1}
    assert [x.text for x in run.translation.lines][1] == "uma frase nova"
    assert [a == b for a, b in zip(before, run.speech.clips, strict=True)] == [True, False, True]
    shown = [c.text for c in subtitles.parse(run.dub.subtitles[0].path.read_text(encoding="utf-8"))]
    assert "uma frase nova" in shown[1]


def test_edits_survive_and_are_read_again(store: Path, talk: Path, backends: OwnBackends) -> None:
    opened(talk, store).edit("translate", {"u0002": "uma frase nova"}).until("combine")
    backends.renew()
    again = opened(talk, store)
    assert again.translation.lines[1].text == "uma frase nova"
    assert made_again(again) == []
    assert backends.asked == {}


def test_edits_survive_recomputation_of_other_lines(store: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, store)
    run.edit("translate", {"u0002": "uma frase nova"})
    run.edit("transcribe", {"u0001": "something else."})
    assert [x.text for x in run.translation.lines] == [
        "pt-something pt-else.",
        "uma frase nova",
        "pt-low1 pt-low2 pt-low3 pt-low4 pt-low5.",
    ]
    assert backends.asked["translator"] == 1


def test_edits_of_lines_that_changed_are_set_aside_and_told(store: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, store)
    run.edit("translate", {"u0001": "uma", "u0002": "duas"})
    run.edit("transcribe", {"u0002": "something else."})
    events: list[Event] = []
    run.observers = (events.append,)
    assert [x.text for x in run.translation.lines][:2] == ["uma", "pt-something pt-else."]
    assert [(e.stage, e.note) for e in events if e.status == "warning"] == [
        ("translate", "Corrections set aside because their lines have changed since: u0002.")
    ]
    # They come back with the line.
    run.reset("transcribe")
    assert [x.text for x in run.translation.lines][:2] == ["uma", "duas"]


def test_a_reset_gives_back_what_the_stage_made(store: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, store)
    before = run.dub.digest()
    run.edit("translate", {"u0002": "uma frase nova"}).edit("translate", {"u0001": None})
    assert len(run.speech.clips) == 2
    run.reset("translate")
    assert run.dub.digest() == before
    assert made_again(opened(talk, store)) == []


def test_a_turn_given_to_another_speaker_changes_who_speaks(store: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, store).edit("diarize", {"t0002": "S1"})
    assert {u.speaker for u in run.transcript.utterances} == {"S1"}
    assert len(run.casting.roles) == 1
    assert run.dub.duration == pytest.approx(6.0, abs=0.05)


def test_a_voice_is_chosen_by_an_edit(store: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, store)
    eva = backends.tasks["synthesizer"].voices("pt")[1]
    run.edit("assign_voices", {"S2": eva})
    assert opened(talk, store).casting.roles[1].voice == eva
    assert made_again(opened(talk, store)) == ["synthesize", "assemble", "combine"]


@pytest.mark.parametrize(
    ("stage_name", "changes", "message"),
    [
        ("translate", {"u0099": "x"}, "no row 'u0099'"),
        ("translate", {"u0001": {"words": "x"}}, "no field words"),
        ("translation", {"u0001": "x"}, "no stage 'translation'. The stages are: validate, separate"),
    ],
)
def test_edits_that_cannot_be_are_refused_and_not_kept(
    store: Path, talk: Path, backends: OwnBackends, stage_name: str, changes: dict[str, Any], message: str
) -> None:
    run = opened(talk, store)
    with pytest.raises(BadInput, match=message):
        run.edit(stage_name, changes)
    assert run.log.edits == {}


def test_runs_with_names_keep_their_corrections_to_themselves(store: Path, talk: Path, backends: OwnBackends) -> None:
    opened(talk, store, name="first").edit("translate", {"u0002": "uma frase nova"})
    backends.renew()
    assert [run.translation.lines[1].text for run in (opened(talk, store), opened(talk, store, name="second"))] == [
        "pt-high1 pt-high2 pt-high3 pt-high4 pt-high5 pt-high6 pt-high7.",
        "pt-high1 pt-high2 pt-high3 pt-high4 pt-high5 pt-high6 pt-high7.",
    ]
    again = opened(talk, store, name="first")
    assert again.translation.lines[1].text == "uma frase nova"
    assert (
        again.uncorrected("translate").lines[1].text
        == "pt-high1 pt-high2 pt-high3 pt-high4 pt-high5 pt-high6 pt-high7."
    )
    assert backends.asked == {}
