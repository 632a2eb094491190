"""Artefacts from elsewhere in place of what stages make."""

from pathlib import Path

import pytest
from builders import transcript
from runs import OwnBackends, made_again, opened

from dubkit.errors import BadInput
from dubkit.record import Record


def test_what_is_supplied_is_taken_and_what_follows_is_made_of_it(
    store: Path, talk: Path, backends: OwnBackends
) -> None:
    run = opened(talk, store).supply(transcript(("S1", 0.5, 2.0, "what was really said.")))
    assert made_again(run) == ["translate", "assign_voices", "synthesize", "assemble", "combine"]
    assert [x.text for x in run.translation.lines] == ["pt-what pt-was pt-really pt-said."]
    assert "transcriber" not in backends.asked


def test_stages_before_it_are_still_made(store: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, store)
    truth = run.transcript
    assert opened(talk, store).supply(truth).turns == run.turns


def test_it_is_not_remembered_with_the_run(store: Path, talk: Path, backends: OwnBackends) -> None:
    before = opened(talk, store).transcript
    opened(talk, store).supply(transcript(("S1", 0.5, 2.0, "x."))).until("translate")
    assert opened(talk, store).transcript == before


def test_it_outlives_corrections_before_it_and_takes_none_itself(
    store: Path, talk: Path, backends: OwnBackends
) -> None:
    said = transcript(("S1", 0.5, 2.0, "x."))
    run = opened(talk, store).supply(said)
    run.edit("diarize", {run.turns.turns[0].id: "S2"})
    assert run.transcript == said
    with pytest.raises(BadInput, match="was supplied"):
        run.edit("transcribe", {"u0001": "y."})


def test_what_no_stage_makes_is_refused(store: Path, talk: Path, backends: OwnBackends) -> None:
    class Poem(Record):
        """Not an artefact of the pipeline."""

    with pytest.raises(BadInput, match="No stage makes a Poem"):
        opened(talk, store).supply(Poem())  # type: ignore[arg-type]
