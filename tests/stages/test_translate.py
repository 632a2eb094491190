import pytest
from builders import transcript
from stand_ins import BrokeDownError, Prefixer

from dubkit.artefacts import Candidate, Transcript, Translation
from dubkit.errors import BadInput, UnsupportedPair
from dubkit.progress import Event, Report
from dubkit.stages.translate import TranslateSettings, check_languages, check_pair, translate
from dubkit.store import Items
from dubkit.timing import expected_duration

SAID = transcript(
    ("S1", 0, 1, "Good morning."), ("S2", 1, 2, "Yes."), ("S1", 2, 3, "Are you sure?"), ("S2", 3, 4, "Yes.")
)


def translated(what: Transcript, items: Items, report: Report, backend: Prefixer, target: str = "pt") -> Translation:
    settings = TranslateSettings(target=target)
    made: Translation = translate(what, settings=settings, backend=backend, items=items, report=report)
    return made


def test_every_utterance_becomes_a_line(items: Items, report: Report, events: list[Event]) -> None:
    backend = Prefixer()
    found = translated(SAID, items, report, backend)
    assert [(x.id, x.speaker, x.source_text, x.text) for x in found.lines] == [
        ("u0001", "S1", "Good morning.", "pt-Good pt-morning."),
        ("u0002", "S2", "Yes.", "pt-Yes."),
        ("u0003", "S1", "Are you sure?", "pt-Are pt-you pt-sure?"),
        ("u0004", "S2", "Yes.", "pt-Yes."),
    ]
    assert (found.source, found.target, found.route) == ("en", "pt", ("en", "xx", "pt"))
    assert found.model == "Prefixer@1"
    assert [(e.done, e.total, e.note) for e in events] == [(n, 3, "sentences") for n in (1, 2, 3)]


def test_candidates_are_kept_best_first_with_their_lengths(items: Items, report: Report) -> None:
    line = translated(SAID, items, report, Prefixer()).lines[0]
    assert line.candidates == (
        Candidate(text="pt-Good pt-morning.", score=0.0, duration=expected_duration("pt-Good pt-morning.")),
        Candidate(text="Good morning.", score=-1.0, duration=expected_duration("Good morning.")),
    )
    assert line.duration == line.candidates[0].duration > 0


def test_what_is_said_twice_is_translated_once(items: Items, report: Report) -> None:
    backend = Prefixer()
    translated(SAID, items, report, backend)
    assert backend.asked == ["Good morning.", "Yes.", "Are you sure?"]


def test_finished_sentences_survive_a_crash(items: Items, report: Report) -> None:
    with pytest.raises(BrokeDownError):
        translated(SAID, items, report, Prefixer(breaks_after=2))
    backend = Prefixer()
    found = translated(SAID, items, report, backend)
    assert backend.asked == ["Are you sure?"]
    assert found.lines[1].text == "pt-Yes."


def test_one_changed_line_is_one_sentence_to_translate(items: Items, report: Report) -> None:
    translated(SAID, items, report, Prefixer())
    changed = SAID.but(utterances=(SAID.utterances[0].but(text="Good evening."), *SAID.utterances[1:]))
    backend = Prefixer()
    assert translated(changed, items, report, backend).lines[0].text == "pt-Good pt-evening."
    assert backend.asked == ["Good evening."]


@pytest.mark.parametrize(("target", "revision"), [("es", "1"), ("pt", "2")])
def test_another_target_or_model_translates_anew(items: Items, report: Report, target: str, revision: str) -> None:
    translated(SAID, items, report, Prefixer())
    backend = Prefixer(revision=revision)
    found = translated(SAID, items, report, backend, target)
    assert len(backend.asked) == 3
    assert found.lines[1].text == f"{target}-Yes."


def test_a_film_in_the_target_language_is_refused(items: Items, report: Report) -> None:
    with pytest.raises(BadInput, match=r"already: there is nothing to translate. Choose another --to") as caught:
        translated(SAID.but(language="pt"), items, report, Prefixer())
    assert "Portuguese" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_pair_that_cannot_be_done_lists_what_can(items: Items, report: Report) -> None:
    with pytest.raises(
        UnsupportedPair,
        match=r"cannot do English to Japanese \(en > ja\). From English it can do: es, pt. All pairs: dubkit languages",
    ):
        translated(SAID, items, report, Prefixer(), "ja")
    with pytest.raises(UnsupportedPair, match=r"It cannot read Japanese\."):
        translated(SAID.but(language="ja"), items, report, Prefixer())


def test_a_back_end_may_say_what_would_make_the_pair_possible() -> None:
    class Helpful(Prefixer):
        def missing(self, source: str, target: str) -> str:
            return f"Install {source}-{target} with: apt install."

    with pytest.raises(UnsupportedPair, match=r"Install en-ja with: apt install. All pairs"):
        check_pair(Helpful(), "en", "ja")
    check_pair(Helpful(), "en", "pt")


def test_a_film_without_words_has_no_lines_whatever_the_language(items: Items, report: Report) -> None:
    for language in ("und", "ja", "pt"):
        backend = Prefixer()
        found = translated(transcript(language=language), items, report, backend)
        assert (found.lines, found.route) == ((), (language, "pt"))
        assert backend.asked == []


@pytest.mark.parametrize(("source", "target"), [("en", "pt"), (None, "pt"), (None, "en")])
def test_languages_that_may_turn_out_possible_pass(source: str | None, target: str) -> None:
    check_languages(Prefixer(), source, target)


@pytest.mark.parametrize(("source", "target"), [("pt", "en"), ("en", "ja"), (None, "ja")])
def test_languages_that_cannot_are_refused_at_once(source: str | None, target: str) -> None:
    with pytest.raises(UnsupportedPair, match="All pairs: dubkit languages"):
        check_languages(Prefixer(), source, target)


class Drafter(Prefixer):
    """A translator that says how little its work is worth."""

    def quality(self, source: str, target: str) -> str:
        return "draft" if target == "pt" else "good"


def test_drafts_are_called_drafts(items: Items, report: Report) -> None:
    translated(SAID, items, report, Drafter(), target="pt")
    assert report.warnings == ["From English to Portuguese this translator gives drafts: correct the lines by hand."]
