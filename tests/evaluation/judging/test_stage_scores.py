"""What is scored of the stages before synthesis: perfect evidence, known damage, and what is left out."""

from __future__ import annotations

import dataclasses

import known_film
import pytest
from hypothesis import given
from hypothesis import strategies as st
from known_film import INTO, item, line, truth, write_stems
from sample_values import units, values

from dubkit.errors import MissingModel
from dubkit.settings import Settings
from evaluation.damage.perfect import perfect
from evaluation.judging import stage_scores
from evaluation.judging.evidence import Evidence
from evaluation.measures import Sample
from evaluation.metrics import meaning

IDS = ["u001", "u002", "u003"]


@pytest.fixture
def best(talk, tmp_path) -> Evidence:
    """Evidence in which every stage gave the truth."""
    return perfect(item(talk, write_stems(tmp_path / "stems")), tmp_path)


def but(e: Evidence, **changes) -> Evidence:
    """Other evidence on the same film; what begins with ``item_`` changes the item."""
    of_item = {k.removeprefix("item_"): v for k, v in changes.items() if k.startswith("item_")}
    rest = {k: v for k, v in changes.items() if not k.startswith("item_")}
    return dataclasses.replace(e, item=dataclasses.replace(e.item, **of_item), **rest)


class TestSpokenAndReferences:
    @given(st.lists(st.sampled_from(["", "One.", "Two, three."]), min_size=1, max_size=6))
    def test_are_in_one_order_and_without_what_says_nothing(self, texts):
        said = tuple(line(f"u{n:03}", "bob", n, n + 0.5, text) for n, text in enumerate(texts))
        known = truth(*said, translations={"pt": tuple(f"pt {n}" for n in range(len(texts)))})
        e = Evidence(item=item(None, known_film.Path("."), known=known))
        ids, lines = stage_scores.spoken(e)
        expected = [n for n, text in enumerate(texts) if text]
        assert ids == [f"u{n:03}" for n in expected]
        assert lines == [texts[n] for n in expected]
        assert stage_scores.references(e) == [f"pt {n}" for n in expected]

    def test_without_a_truth_the_text_is_taken_apart(self, best):
        bare = but(best, item_truth=None, item_text="Good evening. How are you?")
        assert stage_scores.spoken(bare) == (["s001", "s002"], ["Good evening.", "How are you?"])
        assert stage_scores.references(bare) == []
        assert stage_scores.spoken(but(best, item_truth=None, item_text="")) == ([], [])

    def test_another_target_has_no_references(self, best):
        assert stage_scores.references(but(best, item_target="fr")) == []


class TestSeparation:
    def test_the_true_stems_are_perfect(self, best):
        found = values(stage_scores.separation(best))
        assert found["background.si_sdr"] == pytest.approx(40.0, abs=1.0)
        assert found["background.speech_si_sdr"] > 30

    @pytest.mark.parametrize("name", ["speech", "music"])
    def test_is_left_out_without_a_stem(self, best, name):
        (best.item.folder / f"{name}.wav").unlink()
        assert stage_scores.separation(best) == []


class TestTurns:
    def test_perfect_and_one_voice_for_both(self, best):
        assert values(stage_scores.turns(best))["diarization.der"] == pytest.approx(0, abs=1e-6)
        one = best.turns.but(turns=tuple(t.but(speaker="S1") for t in best.turns.turns))
        found = values(stage_scores.turns(but(best, turns=one)))
        # 1.5 of 4 seconds are given to the other.
        assert found["diarization.confusion"] == pytest.approx(1.5 / 4.0, abs=0.02)
        assert found["diarization.count_error"] == 1


class TestRecognition:
    def test_perfect(self, best):
        samples = stage_scores.recognition(best)
        found = values(samples)
        perfect_scores = {"asr.wer": 0, "asr.cer": 0, "cpwer.cpwer": 0, "language.accuracy": 1, "words.matched": 1}
        assert {k: found[k] for k in perfect_scores} == perfect_scores
        assert found["words.start_error"] == pytest.approx(0)
        assert units(samples, "asr.wer") == IDS
        assert set(units(samples, "cpwer.cpwer")) == {"bob", "ann"}
        assert units(samples, "words.start_error")[0] == "u001/1"

    def test_a_sentence_that_was_not_heard_is_all_errors_under_its_own_id(self, best):
        said = best.transcript.utterances
        found = stage_scores.recognition(but(best, transcript=best.transcript.but(utterances=(said[0], said[2]))))
        # Recognisers' "low1" is compared as "low 1": 12, 12 and 8 words.
        assert {s.unit: s.parts for s in found if s.measure == "asr.wer"} == {
            "u001": (0, 12),
            "u002": (12, 12),
            "u003": (0, 8),
        }
        assert values(found)["asr.wer"] == pytest.approx(12 / 32)
        assert values(found)["words.matched"] == pytest.approx(10 / 16)

    def test_lines_of_other_lengths_are_cut_at_the_sentences(self, best):
        first, second, third = best.transcript.utterances
        whole = first.but(end=third.end, text="x", words=(*first.words, *second.words, *third.words))
        found = stage_scores.recognition(but(best, transcript=best.transcript.but(utterances=(whole,))))
        assert values(found)["asr.wer"] == 0
        assert units(found, "asr.wer") == IDS

    def test_words_are_taken_in_order_of_time(self, best):
        swapped = best.transcript.but(utterances=tuple(reversed(best.transcript.utterances)))
        assert values(stage_scores.recognition(but(best, transcript=swapped)))["asr.wer"] == 0

    def test_the_language_is_judged_where_nobody_told_it(self, best):
        told = Settings().but({"transcribe.language": "en"})
        assert "language.accuracy" not in values(stage_scores.recognition(but(best, settings=told)))
        wrong = but(best, transcript=best.transcript.but(language="es"))
        assert values(stage_scores.recognition(wrong))["language.accuracy"] == 0

    @pytest.mark.parametrize("language", ["und", ""])
    def test_several_or_unknown_languages_are_scored_without_one(self, best, language):
        found = values(stage_scores.recognition(but(best, item_language=language)))
        assert found["asr.wer"] == 0
        assert "language.accuracy" not in found

    def test_a_film_whose_words_alone_are_known(self, best):
        text = best.item.truth.text
        samples = stage_scores.recognition(but(best, item_truth=None, item_text=text))
        assert values(samples)["asr.wer"] == 0
        assert {s.measure for s in samples} == {"asr.wer", "asr.cer", "language.accuracy"}


class TestVoiceGender:
    def verdicts(self, e: Evidence, **genders) -> Evidence:
        return but(e, speakers=e.speakers.but(speakers=tuple(s.but(gender=genders[s.id]) for s in e.speakers.speakers)))

    @pytest.mark.parametrize(
        ("bob", "ann", "accuracy", "abstained"),
        [
            ("male", "female", 1.0, 0.0),
            ("female", "male", 0.0, 0.0),
            ("male", "male", 0.5, 0.0),
            ("unknown", "female", 1.0, 0.5),
        ],
    )
    def test_by_hand(self, best, bob, ann, accuracy, abstained):
        samples = stage_scores.voice_gender(self.verdicts(best, bob=bob, ann=ann))
        assert values(samples) == {"gender.accuracy": accuracy, "gender.abstained": abstained}
        assert units(samples, "gender.accuracy") == ["bob", "ann"]

    def test_whom_the_run_calls_otherwise_are_found_by_their_turns(self, best):
        names = {"bob": "S2", "ann": "S1"}
        other = but(
            best,
            turns=best.turns.but(turns=tuple(t.but(speaker=names[t.speaker]) for t in best.turns.turns)),
            speakers=best.speakers.but(speakers=tuple(s.but(id=names[s.id]) for s in best.speakers.speakers)),
        )
        assert values(stage_scores.voice_gender(other))["gender.accuracy"] == 1.0

    def test_people_whose_gender_is_not_known_are_left_out(self, best):
        cast = tuple(p.but(gender="unknown") if p.id == "ann" else p for p in best.item.truth.speakers)
        some = but(best, item_truth=best.item.truth.but(speakers=cast))
        assert units(stage_scores.voice_gender(some), "gender.accuracy") == ["bob"]
        nobody = tuple(p.but(gender="unknown") for p in best.item.truth.speakers)
        assert stage_scores.voice_gender(but(best, item_truth=best.item.truth.but(speakers=nobody))) == []


class TestText:
    @pytest.fixture(autouse=True)
    def no_embedding(self, monkeypatch):
        """Meaning has tests of its own; here the network is not installed."""

        def missing(*args, **kwargs):
            raise MissingModel("not here")

        monkeypatch.setattr(meaning, "score", missing)

    def test_the_reference_itself_is_perfect(self, best):
        samples = stage_scores.text(best)
        found = values(samples)
        assert found["translation.chrf"] == pytest.approx(100)
        assert found["translation.bleu"] == pytest.approx(100)
        assert units(samples, "translation.chrf") == IDS
        assert not any(name.startswith("meaning.") for name in found)

    def test_a_line_that_is_missing_costs_its_own_sentence(self, best):
        lines = best.translation.lines
        samples = stage_scores.text(but(best, translation=best.translation.but(lines=(lines[0], lines[2]))))
        lengths = {s.unit: s.parts for s in samples if s.measure == "translation.length_ratio"}
        assert lengths["u002"] == (0, len(INTO["pt"][1]))
        assert lengths["u001"] == (len(INTO["pt"][0]),) * 2

    def test_lines_that_are_joined_are_cut_at_the_reference(self, best):
        first, *_ = best.translation.lines
        joined = best.translation.but(lines=(first.but(text=" ".join(INTO["pt"])),))
        assert values(stage_scores.text(but(best, translation=joined)))["translation.chrf"] == pytest.approx(100)

    def test_terms_of_the_glossary_are_looked_for(self, best):
        settings = Settings().but({"translate.glossary": {"low1": "baixa"}})
        samples = stage_scores.text(but(best, settings=settings))
        asked = {s.unit: s.parts for s in samples if s.measure == "translation.glossary" and s.parts[1]}
        assert asked == {"u001": (1, 1), "u003": (1, 1)}

    def test_without_a_reference_the_meaning_alone_is_judged(self, best, monkeypatch):
        asked = []

        class Said:
            def samples(self):
                return [Sample("meaning.found", "u001", (1.0, 1.0))]

        def score(*given):
            asked.append(given)
            return Said()

        monkeypatch.setattr(meaning, "score", score)
        found = stage_scores.text(but(best, item_target="es"))
        assert [s.measure for s in found] == ["meaning.found"]
        (sources, texts, wanted, ids) = asked[0]
        assert list(texts) == list(INTO["pt"]) and wanted is None and ids is None
        assert list(sources) == [text for *_, text in known_film.SAID]

    def test_nothing_was_translated(self, best):
        assert stage_scores.text(but(best, translation=best.translation.but(lines=()))) == []


def test_cost_is_that_of_the_stages_that_were_done(best):
    assert stage_scores.stage_cost(best) == []
    record = {"seconds": 3.0, "model_seconds": 1.5, "peak_megabytes": 100}
    found = values(stage_scores.stage_cost(but(best, records={"separate": record})))
    assert found["cost.rtf"] == pytest.approx(0.5, rel=0.01)
    assert found["cost.separate_rtf"] == found["cost.rtf"] == 2 * found["cost.model_rtf"]
    assert "cost.diarize_rtf" not in found


@pytest.mark.parametrize(
    ("stage", "task"),
    [
        ("separate", stage_scores.separation),
        ("diarize", stage_scores.turns),
        ("transcribe", stage_scores.recognition),
        ("detect_gender", stage_scores.voice_gender),
        ("translate", stage_scores.text),
    ],
)
def test_what_the_truth_replaced_is_not_scored(best, stage, task):
    assert task(but(best, given=(stage,))) == []
    assert task(Evidence(item=best.item)) == []
