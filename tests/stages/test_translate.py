import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from builders import transcript
from pydantic import ValidationError
from stand_ins import BrokeDownError, Prefixer

from dubkit.artefacts import Candidate, Transcript, Translation
from dubkit.backends.first_translator import FirstTranslator
from dubkit.backends.pivot import Pivot
from dubkit.backends.protocols import Compute, Hint, Translator
from dubkit.durations import natural_duration
from dubkit.errors import BadInput, MissingModel, StageFailed, UnsupportedPair
from dubkit.progress import Event, Report
from dubkit.stage import Stopwatch
from dubkit.stages.translate import TranslateSettings, check_languages, check_pair, translate
from dubkit.store import Items

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
        Candidate(text="pt-Good pt-morning.", score=0.0, duration=natural_duration("pt-Good pt-morning.", "pt")),
        Candidate(text="Good morning.", score=-9.0, duration=natural_duration("Good morning.", "pt")),
    )
    assert line.duration == line.candidates[0].duration > 0


class Speaking(Prefixer):
    """A translator that gives the same two translations of everything."""

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        for text in texts:
            self.note(text)
            yield (
                Candidate(text="Eu não sei o que dizer.", score=-0.3),
                Candidate(text="Não sei o que dizer.", score=-0.5),
                Candidate(text="Eu não sei o que dizer.", score=-0.6),
            )


def test_variants_of_other_lengths_follow_the_translations_of_which_the_first_stays_the_text(
    items: Items, report: Report
) -> None:
    line = translated(SAID, items, report, Speaking()).lines[0]
    assert [(c.text, c.score, c.how) for c in line.candidates] == [
        ("Eu não sei o que dizer.", -0.3, ""),
        ("Não sei o que dizer.", -0.5, ""),
    ], "what the translator itself says is no variant"
    assert line.text == "Eu não sei o que dizer."

    class Once(Speaking):
        def translate(
            self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
        ) -> Iterator[tuple[Candidate, ...]]:
            for candidates in super().translate(texts, source, target, hints):
                yield candidates[:1]

    line = translated(SAID, items, report, Once()).lines[0]
    assert [(c.text, c.score, c.how) for c in line.candidates] == [
        ("Eu não sei o que dizer.", -0.3, ""),
        ("Não sei o que dizer.", -0.32, "no optional pronouns"),
    ]
    assert line.candidates[1].duration == natural_duration("Não sei o que dizer.", "pt") < line.duration


def test_a_glossary_term_stays_in_every_variant(items: Items, report: Report) -> None:
    class Titled(Prefixer):
        def translate(
            self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
        ) -> Iterator[tuple[Candidate, ...]]:
            for text in texts:
                self.note(text)
                yield (Candidate(text="No entanto, ele saiu no momento em que ela veio."),)

    found = with_glossary(SAID, items, report, Titled(), {"Yes": "No entanto"})
    assert [c.text for c in found.lines[0].candidates][1:] == ["Mas ele saiu quando ela veio."]
    assert [c.text for c in found.lines[1].candidates][1:] == ["No entanto, ele saiu quando ela veio."]


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


class Heeding(Prefixer):
    """A translator that looks around; it notes the hints, and has nothing for what it is told not to know."""

    def __init__(self, *heeds: str, lost: frozenset[str] = frozenset()) -> None:
        super().__init__(revision="1" + "".join(heeds))
        self.heeds = frozenset(heeds)
        self.lost = lost
        self.hints: list[Hint] = []

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        self.hints += hints
        for text, found in zip(texts, super().translate(texts, source, target), strict=True):
            yield () if text in self.lost else found


def with_glossary(
    what: Transcript, items: Items, report: Report, backend: Translator, glossary: dict[str, str]
) -> Translation:
    settings = TranslateSettings(target="pt", glossary=glossary)
    made: Translation = translate(what, settings=settings, backend=backend, items=items, report=report)
    return made


def test_a_translator_is_told_what_it_heeds_and_nothing_else(items: Items, report: Report) -> None:
    backend = Heeding("before", "after", "seconds", "terms")
    with_glossary(SAID, items, report, backend, {"morning": "manhã"})
    assert backend.hints == [
        Hint((), ("Yes.", "Are you sure?"), 1.0, ("manhã",)),
        Hint(("Good morning.",), ("Are you sure?", "Yes."), 1.0),
        Hint(("Good morning.", "Yes."), ("Yes.",), 1.0),
        Hint(("Yes.", "Are you sure?"), (), 1.0),
    ]
    assert backend.asked == ["Good manhã.", "Yes.", "Are you sure?", "Yes."], "in other company it is another text"
    backend = Heeding("seconds")
    with_glossary(SAID, items, report, backend, {"morning": "manhã"})
    assert backend.hints == [Hint(seconds=1.0)] * 3
    assert backend.asked == ["Good manhã.", "Yes.", "Are you sure?"]


def test_an_edited_neighbour_costs_only_a_translator_that_looks_at_it(items: Items, report: Report) -> None:
    changed = SAID.but(utterances=(*SAID.utterances[:3], SAID.utterances[3].but(text="No.")))
    for heeds, asked in (("terms", ["No."]), ("after", ["Yes.", "Are you sure?", "No."])):
        translated(SAID, items, report, Heeding(heeds))
        backend = Heeding(heeds)
        translated(changed, items, report, backend)
        assert backend.asked == asked


def test_finished_sentences_of_one_that_heeds_nothing_are_those_of_before_there_were_hints(
    items: Items, report: Report
) -> None:
    kept = json.dumps([Candidate(text="Bom dia.").model_dump()])
    items.keep(["Prefixer@1", "en", "pt", "Good morning."], ".json", lambda path: path.write_text(kept))
    backend = Prefixer()
    assert translated(SAID, items, report, backend).lines[0].text == "Bom dia."
    assert backend.asked == ["Yes.", "Are you sure?"]


def test_a_changed_glossary_costs_only_the_lines_that_it_changes(items: Items, report: Report) -> None:
    for heeds in ((), ("terms",)):
        with_glossary(SAID, items, report, Heeding(*heeds), {"morning": "manhã"})
        backend = Heeding(*heeds)
        with_glossary(SAID, items, report, backend, {"morning": "dia"})
        assert backend.asked == ["Good dia."]


def test_candidates_that_keep_all_terms_come_first_and_lost_ones_are_told(items: Items, report: Report) -> None:
    # The first candidate of the stand-in puts "pt-" before each word, the second is the text itself.
    found = with_glossary(SAID, items, report, Prefixer(), {"Are you": "Você"})
    assert [c.text for c in found.lines[2].candidates] == ["pt-Você pt-sure?", "Você sure?"]
    assert found.lines[2].source_text == "Are you sure?"
    assert report.warnings == []

    class Loser(Prefixer):
        def translate(
            self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
        ) -> Iterator[tuple[Candidate, ...]]:
            for text in texts:
                self.note(text)
                yield Candidate(text="Hm."), Candidate(text=text if "dia" in text else "Ah.")

    found = with_glossary(SAID, items, report, Loser(), {"morning": "dia", "Yes": "Claro", "sure": "certo"})
    assert [line.text for line in found.lines] == ["Good dia.", "Hm.", "Hm.", "Hm."]
    assert report.warnings == [
        "No translation of 3 lines keeps the glossary's terms: u0002 (Claro), u0003 (certo), u0004 (Claro). "
        "Correct them by hand."
    ]


class Literal(Prefixer):
    """A translator that cannot leave a word alone unless it does not know it."""

    heeds = frozenset({"terms"})

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        for text, hint in zip(texts, hints, strict=True):
            self.note((text, hint.terms))
            yield (Candidate(text=text.replace("Good", "Bom").replace("morning", "dia")),)


def test_a_term_that_is_translated_all_the_same_is_hidden_behind_a_name(items: Items, report: Report) -> None:
    for asked in (
        [("Good morning.", ("Good",)), ("Yes.", ()), ("Are you sure?", ()), ("Zeltron morning.", ("Zeltron",))],
        [],
    ):
        backend = Literal()
        found = with_glossary(SAID, items, report, backend, {"Good": "Good"})
        assert backend.asked == asked
        assert [c.text for c in found.lines[0].candidates] == ["Good dia."], "what lacks a term is no candidate"
    assert report.warnings == []


def test_lines_that_could_not_be_translated_are_named_and_the_others_kept(items: Items, report: Report) -> None:
    with pytest.raises(StageFailed, match=r"no translation for 2 lines: u0002, u0004\. All others are kept\..*first:"):
        translated(SAID, items, report, Heeding(lost=frozenset({"Yes."})))
    backend = Heeding()
    assert translated(SAID, items, report, backend).lines[1].text == "pt-Yes."
    assert backend.asked == ["Yes."]


class StandingIn(Prefixer):
    """Does some texts because a better one was out of order."""

    def __init__(self, *texts: str) -> None:
        super().__init__()
        self.provisional = frozenset(texts)


def test_what_was_done_in_place_of_a_failed_translator_is_not_kept(items: Items, report: Report) -> None:
    found = translated(SAID, items, report, StandingIn("Yes."))
    assert [line.text for line in found.lines][1::2] == ["pt-Yes.", "pt-Yes."]
    assert report.provisional
    assert report.warnings == [
        "A translator that comes first failed, and another did its lines. These are not kept: the next run will try it again."
    ]
    backend, later = StandingIn(), Report("translate")
    translated(SAID, items, later, backend)
    assert backend.asked == ["Yes."]
    assert (later.provisional, later.warnings) == (False, [])


def test_what_stood_in_for_a_lost_term_is_not_kept_either(items: Items, report: Report) -> None:
    class StandingInLater(Literal):
        provisional = frozenset({"Zeltron morning."})

    with_glossary(SAID, items, report, StandingInLater(), {"Good": "Good"})
    assert report.provisional and len(report.warnings) == 1
    backend = Literal()
    with_glossary(SAID, items, Report("translate"), backend, {"Good": "Good"})
    assert [text for text, _ in backend.asked] == ["Good morning.", "Yes.", "Are you sure?", "Zeltron morning."]


def test_an_outage_of_the_first_translator_lasts_no_longer_than_it(items: Items) -> None:
    class Out(Prefixer):
        def translate(
            self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
        ) -> Iterator[tuple[Candidate, ...]]:
            raise MissingModel("The server cannot be reached.")
            yield ()

    class Reserve(Prefixer):
        def translate(
            self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
        ) -> Iterator[tuple[Candidate, ...]]:
            yield from ((Candidate(text="em reserva"),) for _ in texts)

    for better, text, provisional in ((Out(), "em reserva", True), (Prefixer(), "pt-Yes.", False)):
        report = Report("translate")
        # As a run hands it over.
        backend: Any = Stopwatch(FirstTranslator({"better": better, "reserve": Reserve(revision="9")}))
        found = translated(SAID, items, report, backend)
        assert (found.lines[1].text, report.provisional) == (text, provisional)


def test_where_there_is_no_target_at_all_it_is_said() -> None:
    class Mute(Prefixer):
        def pairs(self) -> frozenset[tuple[str, str]]:
            return frozenset()

    with pytest.raises(UnsupportedPair, match=r"It can translate into: nothing\. All pairs"):
        check_languages(Mute(), None, "pt")
    with pytest.raises(UnsupportedPair, match=r"It cannot read English\."):
        check_languages(Mute(), "en", "pt")


def test_an_empty_term_is_refused() -> None:
    for glossary in ({"": "x"}, {"Word": " "}):
        with pytest.raises(ValidationError, match="at least 1 character"):
            TranslateSettings(glossary=glossary)


def test_names_pass_through_the_real_small_models(items: Items, report: Report) -> None:
    pivot = Pivot.from_spec("", Compute("cpu"))
    if ("en", "pt") not in pivot.pairs():
        pytest.skip("the packaged English-Portuguese model is not installed")
    film = transcript(
        ("S1", 0, 3, "Open the file in Word."),
        ("S1", 3, 6, "I made this picture with Blender last year."),
        ("S1", 6, 9, "The Office is my favourite show."),
    )
    glossary = {"Word": "Word", "Blender": "Blender", "The Office": "The Office"}
    found = with_glossary(film, items, report, pivot, glossary)
    assert [line.text for line in found.lines] == [
        "Abra o arquivo no Word.",
        "Eu fiz esta foto com Blender no ano passado.",
        "The Office é o meu show favorito.",
    ]
    assert not [w for w in report.warnings if "glossary" in w]
    assert "O escritório é o meu show favorito." not in [c.text for c in found.lines[2].candidates]
