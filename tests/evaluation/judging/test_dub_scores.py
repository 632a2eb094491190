"""What is scored of a finished dub: perfect evidence, known damage, and what is left out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from builders import casting
from known_film import INTO, SAID, item, line, spoken, truth, write_stems
from sample_values import units, values

from evaluation.damage.perfect import perfect
from evaluation.judging import dub_scores
from evaluation.judging.evidence import Evidence
from evaluation.measures import Sample

IDS = ["u001", "u002", "u003"]


def parts(samples: list[Sample], measure: str) -> dict[str, tuple[float, ...]]:
    return {s.unit: s.parts for s in samples if s.measure == measure}


@pytest.fixture
def best(talk, tmp_path) -> Evidence:
    """Evidence of a perfect dub."""
    return perfect(item(talk, write_stems(tmp_path / "stems")), tmp_path)


def named(e: Evidence) -> Evidence:
    """The same dub with lines that have names of their own, as a run gives them."""
    names = {u: f"x{n}" for n, u in enumerate(IDS)}

    def renamed(rows):
        return tuple(x.but(id=names[x.id]) for x in rows)

    return dataclasses.replace(
        e,
        transcript=e.transcript.but(utterances=renamed(e.transcript.utterances)),
        soundtrack=e.soundtrack.but(placements=renamed(e.soundtrack.placements)),
        dubbedlines=e.dubbedlines.but(lines=renamed(e.dubbedlines.lines)),
        appraisal=e.appraisal.but(lines=renamed(e.appraisal.lines)),
    )


def without(e: Evidence, name: str) -> Evidence:
    """The dub of a film of which one sentence was not transcribed."""

    def rest(rows):
        return tuple(x for x in rows if x.id != name)

    return dataclasses.replace(
        e,
        transcript=e.transcript.but(utterances=rest(e.transcript.utterances)),
        soundtrack=e.soundtrack.but(placements=rest(e.soundtrack.placements)),
        dubbedlines=e.dubbedlines.but(lines=rest(e.dubbedlines.lines)),
        appraisal=e.appraisal.but(lines=rest(e.appraisal.lines)),
        reading=e.reading.but(words=tuple(w for w in e.reading.words if not 2.4 < w.start < 4.1)),
    )


@pytest.mark.parametrize("task", ["understood", "on_time", "sounding", "whole"])
def test_every_unit_is_a_sentence_of_the_reference(best, task):
    found = getattr(dub_scores, task)(named(best))
    lines = {s.unit for s in found if not s.measure.startswith(("timing.iou", "voices.separation"))}
    assert lines == set(IDS)


class TestUnderstood:
    def test_perfect(self, best):
        assert values(dub_scores.understood(best)) == {"intelligibility.wer": 0, "intelligibility.cer": 0}
        assert dub_scores.heard_lines(best) == {"u001": [0, 1, 2, 3], "u002": [4, 5, 6, 7], "u003": [8, 9, 10, 11]}

    def test_a_line_that_is_not_heard_and_a_word_that_is_heard_wrong(self, best):
        words = list(best.reading.words)
        heard = [words[0], words[1].but(text="última"), *words[2:4], *words[8:]]
        samples = dub_scores.understood(dataclasses.replace(best, reading=best.reading.but(words=tuple(heard))))
        assert parts(samples, "intelligibility.wer") == {"u001": (1, 4), "u002": (4, 4), "u003": (0, 4)}

    def test_two_lines_that_stand_for_one_sentence_share_its_unit(self, best):
        first, second, third = best.dubbedlines.lines
        lines = (first, second.but(unit="u001"), third)
        samples = dub_scores.understood(dataclasses.replace(best, dubbedlines=best.dubbedlines.but(lines=lines)))
        assert units(samples, "intelligibility.wer") == ["u001", "u001", "u003"]

    def test_nothing_was_heard_or_said(self, best):
        silent = dataclasses.replace(best, reading=best.reading.but(words=()))
        assert values(dub_scores.understood(silent))["intelligibility.wer"] == 1
        assert dub_scores.understood(dataclasses.replace(best, dubbedlines=best.dubbedlines.but(lines=()))) == []
        assert dub_scores.understood(dataclasses.replace(best, reading=None)) == []


class TestWhole:
    def test_perfect(self, best):
        found = values(dub_scores.whole(best))
        assert found == {"end_to_end.asr_bleu": pytest.approx(100), "end_to_end.asr_chrf": pytest.approx(100)}

    def test_a_sentence_that_was_never_dubbed_counts(self, best):
        assert values(dub_scores.whole(without(best, "u002")))["end_to_end.asr_chrf"] < 85
        assert units(dub_scores.whole(without(best, "u002")), "end_to_end.asr_chrf") == IDS

    def test_takes_a_reference(self, best):
        bare = dataclasses.replace(best, item=dataclasses.replace(best.item, target="fr"))
        assert dub_scores.whole(bare) == []


class TestOnTime:
    def test_perfect(self, best):
        found = values(dub_scores.on_time(best))
        exact = {"timing.onset": 0, "timing.end": 0, "timing.overlap": 1, "timing.adherence": 1, "timing.iou": 1}
        assert {k: found[k] for k in exact} == pytest.approx(exact)
        assert (found["timing.cut_words"], found["timing.collisions"], found["timing.rate_max"]) == (0, 0, 1)

    def test_a_late_dub_is_as_late_as_it_is(self, best):
        late = tuple(
            p.but(
                start=p.start + 0.2,
                end=p.end + 0.2,
                phrases=tuple(x.but(start=x.start + 0.2, end=x.end + 0.2) for x in p.phrases),
            )
            for p in best.soundtrack.placements
        )
        found = dub_scores.on_time(dataclasses.replace(best, soundtrack=best.soundtrack.but(placements=late)))
        assert parts(found, "timing.onset") == {name: (pytest.approx(0.2),) for name in IDS}
        assert values(found)["timing.overlap"] == pytest.approx(1)

    def test_a_sentence_that_was_not_transcribed_is_a_line_that_is_not_there(self, talk, tmp_path):
        # Farther from its neighbours than a word may be from the line that it is part of.
        said = (spoken(*SAID[0]), spoken("u002", "ann", 2.6, 3.9, SAID[1][-1]), spoken(*SAID[2]))
        apart = perfect(item(talk, write_stems(tmp_path / "s"), known=truth(*said, translations=INTO)), tmp_path)
        samples = dub_scores.on_time(without(apart, "u002"))
        assert parts(samples, "timing.adherence") == {"u001": (1, 1), "u002": (0, 1), "u003": (1, 1)}
        assert parts(samples, "timing.overlap")["u002"] == (0, 1)
        # Nobody says its 12 words: "high1" is compared as "high 1".
        assert parts(samples, "timing.cut_words")["u002"] == (12, 12)
        assert set(units(samples, "timing.onset")) == {"u001", "u003"}
        assert values(samples)["timing.iou"] == pytest.approx(2.5 / 3.8, abs=0.01)

    def test_slots_are_the_truths_and_not_the_certificates(self, best):
        early = tuple(
            p.but(
                slot_start=p.slot_start - 0.3,
                phrases=tuple(x.but(slot_start=x.slot_start - 0.3) for x in p.phrases),
            )
            for p in best.soundtrack.placements
        )
        moved = dataclasses.replace(best, soundtrack=best.soundtrack.but(placements=early))
        assert values(dub_scores.on_time(moved))["timing.onset"] == pytest.approx(0)
        bare = dataclasses.replace(moved, item=dataclasses.replace(best.item, truth=None))
        assert values(dub_scores.on_time(bare))["timing.onset"] == pytest.approx(0.3)

    def test_with_a_slowed_picture_the_certificates_own_slots_count(self, best):
        slowed = best.soundtrack.but(knots=((0.0, 0.0), (6.0, 6.0)))
        late = tuple(p.but(slot_start=p.slot_start + 0.1, phrases=()) for p in slowed.placements)
        found = dub_scores.on_time(dataclasses.replace(best, soundtrack=slowed.but(placements=late)))
        assert values(found)["timing.onset"] == pytest.approx(0.1)

    def test_the_last_word_of_a_line_is_cut(self, best):
        words = tuple(w for w in best.reading.words if w.text != "alta.")
        samples = dub_scores.on_time(dataclasses.replace(best, reading=best.reading.but(words=words)))
        assert parts(samples, "timing.cut_words") == {"u001": (0, 4), "u002": (1, 4), "u003": (0, 4)}

    def test_a_dub_of_another_maker_lies_where_it_is_heard(self, best):
        other = dataclasses.replace(best, soundtrack=None, transcript=None)
        samples = dub_scores.on_time(other)
        assert values(samples)["timing.onset"] == pytest.approx(0)
        assert "timing.rate_max" not in values(samples) and "timing.flagged" not in values(samples)
        later = tuple(w.but(start=w.start + 0.3, end=w.end + 0.3) for w in best.reading.words)
        late = dataclasses.replace(other, reading=best.reading.but(words=later))
        assert values(dub_scores.on_time(late))["timing.onset"] == pytest.approx(0.3)

    def test_nothing_to_time(self, best):
        nobody = dataclasses.replace(
            best, soundtrack=None, dubbedlines=best.dubbedlines.but(lines=()), reading=best.reading.but(words=())
        )
        assert dub_scores.on_time(nobody) == []


class TestSounding:
    def test_perfect(self, best):
        found = values(dub_scores.sounding(best))
        assert (found["quality.overall"], found["gender.dub_accuracy"], found["gender.dub_abstained"]) == (4, 1, 0)
        assert (found["voices.consistency"], found["voices.own_nearest"]) == (pytest.approx(1), 1)
        assert found["voices.separation"] == pytest.approx(0)

    def test_a_line_in_a_wrong_voice(self, best):
        lines = tuple(x.but(female=0.0) if x.id == "u002" else x for x in best.appraisal.lines)
        wrong = dataclasses.replace(best, appraisal=best.appraisal.but(lines=lines))
        assert parts(dub_scores.sounding(wrong), "gender.dub_accuracy") == {
            "u001": (1, 1),
            "u002": (0, 1),
            "u003": (1, 1),
        }

    def test_lines_too_short_for_a_print_have_a_quality_alone(self, best):
        lines = tuple(x.but(print=()) if x.id == "u001" else x for x in best.appraisal.lines)
        samples = dub_scores.sounding(dataclasses.replace(best, appraisal=best.appraisal.but(lines=lines)))
        assert units(samples, "quality.overall") == IDS
        assert units(samples, "gender.dub_accuracy") == ["u002", "u003"]

    def test_a_dub_of_whose_lines_none_is_there(self, best):
        nothing = dataclasses.replace(best, appraisal=best.appraisal.but(lines=()))
        assert dub_scores.sounding(nothing) == []

    def test_speakers_are_the_real_ones_whatever_the_run_calls_them(self, best):
        confused = best.dubbedlines.but(lines=tuple(x.but(speaker="S1") for x in best.dubbedlines.lines))
        e = dataclasses.replace(best, dubbedlines=confused)
        assert dub_scores.speakers_of(e) == {"u001": "bob", "u002": "ann", "u003": "bob"}
        bare = dataclasses.replace(e, item=dataclasses.replace(e.item, truth=None))
        assert set(dub_scores.speakers_of(bare).values()) == {"S1"}

    def test_without_a_truth_voices_should_sound_as_they_were_cast(self, best):
        roles = casting(bob="rui", ann="eva")
        man = roles.roles[0].but(voice=roles.roles[0].voice.but(gender="male"))
        bare = dataclasses.replace(
            best, item=dataclasses.replace(best.item, truth=None), casting=roles.but(roles=(man, roles.roles[1]))
        )
        assert values(dub_scores.sounding(bare))["gender.dub_accuracy"] == 1
        assert "gender.dub_accuracy" not in values(dub_scores.sounding(dataclasses.replace(bare, casting=None)))


class TestSound:
    def test_the_film_itself_keeps_its_background(self, best):
        samples = dub_scores.sound(best)
        found = values(samples)
        assert found["background.level_error"] == pytest.approx(0, abs=0.01)
        assert found["background.kept_si_sdr"] == pytest.approx(40, abs=0.1)
        assert found["loudness.clipped"] == 0
        assert units(samples, "loudness.integrated") == ["film"]

    def test_joins_are_named_by_the_reference(self, best):
        samples = dub_scores.sound(named(best))
        assert units(samples, "clicks.joins") == [f"{name}/{side}" for name in IDS for side in ("start", "end")]

    def test_two_lines_of_one_sentence_have_joins_of_one_name(self, best):
        lines = tuple(x.but(unit="u001") for x in named(best).dubbedlines.lines)
        samples = dub_scores.sound(dataclasses.replace(named(best), dubbedlines=best.dubbedlines.but(lines=lines)))
        assert units(samples, "clicks.joins") == ["u001/start", "u001/end"] * 3

    def test_lines_of_no_length_have_no_joins(self, best):
        first, *rest = best.dubbedlines.lines
        lines = (first.but(end=first.start), *rest)
        gone = dataclasses.replace(best, dubbedlines=best.dubbedlines.but(lines=lines))
        assert {u.partition("/")[0] for u in units(dub_scores.sound(gone), "clicks.joins")} == {"u002", "u003"}


class TestQuietSpans:
    def test_are_where_neither_speaks(self, best):
        expected = [(0.0, 0.5), (2.0, 2.5), (4.0, 4.5), (5.5, best.media.duration)]
        assert np.array(dub_scores.quiet_spans(best)) == pytest.approx(np.array(expected))
        first, *rest = best.dubbedlines.lines
        longer = best.dubbedlines.but(lines=(first.but(start=0.0, end=2.4), *rest))
        spans = dub_scores.quiet_spans(dataclasses.replace(best, dubbedlines=longer))
        assert [s[0] for s in spans] == pytest.approx([4.0, 5.5])

    def test_without_a_truth_the_runs_turns_count(self, best):
        one = best.turns.but(turns=best.turns.turns[:1])
        bare = dataclasses.replace(
            best, item=dataclasses.replace(best.item, truth=None), turns=one, dubbedlines=best.dubbedlines.but(lines=())
        )
        assert [s[0] for s in dub_scores.quiet_spans(bare)] == pytest.approx([0.0, one.turns[0].end])

    def test_a_slowed_picture_has_none(self, best):
        slowed = dataclasses.replace(best, soundtrack=best.soundtrack.but(knots=((0, 0), (6, 6))))
        assert dub_scores.quiet_spans(slowed) == []
        assert dub_scores.in_sync(slowed) == []


def test_synchrony_is_asked_of_quiet_stretches(best):
    found = dub_scores.in_sync(best)
    assert {s.measure for s in found} <= {"sync.av_offset", "sync.measured"}
    assert len(units(found, "sync.measured")) == 1
    assert dub_scores.in_sync(dataclasses.replace(best, film=None)) == []


def test_several_languages_are_timed_too(best):
    lost = without(best, "u002")
    several = dataclasses.replace(lost, item=dataclasses.replace(lost.item, language="und"))
    assert parts(dub_scores.on_time(several), "timing.cut_words")["u002"][0] > 0


def test_a_truth_without_word_times_is_enough(talk, tmp_path):
    said = tuple(line(name, who, a, b, text) for name, who, a, b, text in SAID)
    plain = perfect(item(talk, write_stems(tmp_path / "stems"), known=truth(*said, translations=INTO)), tmp_path)
    assert values(dub_scores.on_time(plain))["timing.onset"] == pytest.approx(0, abs=0.03)
