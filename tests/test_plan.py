"""How lines are going to be said, with a synthesizer that only foretells."""

from collections.abc import Sequence

import numpy as np
import pytest
from builders import sine, sound, transcript
from hypothesis import given, settings
from hypothesis import strategies as st

from dubkit import plan
from dubkit.artefacts import Candidate, Line, Utterance, Word
from dubkit.durations import natural_duration
from dubkit.phrases import Match
from dubkit.plan import Foretold, Plan
from dubkit.retiming import TimeMap
from dubkit.timing import TimingSettings

USUAL = TimingSettings()


def utterance(*spans: tuple[float, float]) -> Utterance:
    (line,) = transcript(("S1", spans[0][0], spans[-1][1], "x")).utterances
    return line.but(words=tuple(Word(text="x", start=a, end=b) for a, b in spans))


def line(*texts: str, scores: Sequence[float] = ()) -> Line:
    candidates = tuple(
        Candidate(text=t, score=s, duration=natural_duration(t, "pt"))
        for t, s in zip(texts, scores or [0.0] * len(texts), strict=True)
    )
    return Line(id="u1", speaker="S1", source_text="x", text=texts[0], duration=1.0, candidates=candidates)


def planned(said: Line, original: Utterance, length: float, *, following: float = 60.0, weight: float = 1.0) -> Plan:
    asked: list[str] = []

    def foretell(text: str) -> Foretold:
        asked.append(text)
        return Foretold(length * natural_duration(text, "pt") / natural_duration(said.text, "pt"))

    found = plan.planned(said, original, following, foretell, "pt", USUAL, weight)
    assert len(asked) <= 3
    return found


FULL, BRIEF = "Eu não sei o que é que ele quer dizer com isso.", "Não sei o que ele quer."


def test_the_first_wording_is_kept_where_it_fits() -> None:
    found = planned(line(FULL, BRIEF), utterance((1, 4)), 3.0)
    assert (found.candidate, found.text, found.spoken) == (0, FULL, FULL)
    assert found.matches == (Match((0, 1), (1, 4), pytest.approx(3.0)),)


def test_a_shorter_wording_is_taken_where_the_first_is_too_long() -> None:
    assert planned(line(FULL, BRIEF, scores=[0, -0.1]), utterance((1, 3)), 3.4).text == BRIEF
    assert planned(line(FULL, BRIEF, scores=[0, -0.1]), utterance((1, 3)), 3.4, weight=0).text == FULL


def test_a_line_without_candidates_says_its_text() -> None:
    bare = line(FULL).but(candidates=())
    assert planned(bare, utterance((1, 3)), 3.4).text == FULL


def test_a_comma_is_spoken_where_the_original_pauses_and_the_text_may() -> None:
    text = "Ele abriu a porta da casa e ela entrou sem dizer nada."
    found = planned(line(text), utterance((1, 3), (3.6, 5.6)), 4.0)
    assert found.spoken == "Ele abriu a porta da casa, e ela entrou sem dizer nada."
    assert found.text == text
    assert [match.slot for match in found.matches] == [(1, 3), (3.6, 5.6)]
    assert planned(line(text), utterance((1, 5.6)), 4.0).spoken == text


def a_plan(name: int, start: float, end: float, natural: float, speaker: str = "S1") -> Plan:
    said = line("x").but(id=f"u{name}", speaker=speaker)
    return Plan(said, 0, "x", (Match((0, 1), (start, end), natural),))


def test_rates_fill_the_slots_within_all_limits() -> None:
    plans = [a_plan(1, 1, 3, 2.2), a_plan(2, 5, 7, 2.0), a_plan(3, 9, 11, 1.0), a_plan(4, 13, 15, 4.0)]
    times = TimeMap.of((), 30)
    assert plan.rates(plans, times, (0.5, 2.0), USUAL) == [1.1, 1.0, 0.9, 1.19]
    assert plan.rates(plans, times, (0.95, 1.05), USUAL) == [1.05, 1.0, 0.95, 1.05]
    assert plan.rates(plans, times, (1.0, 1.0), USUAL) == [1.0, 1.0, 1.0, 1.0]
    assert plan.rates([], times, (1.0, 1.0), USUAL) == []


def test_a_line_with_nothing_to_say_has_a_rate() -> None:
    assert 0.9 <= plan.rates([a_plan(1, 1, 3, 0.0)], TimeMap.of((), 30), (0.5, 2.0), USUAL)[0] <= 1.25


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_a_changed_line_changes_the_rates_of_few_others(seed: int) -> None:
    rng = np.random.default_rng(seed)
    plans, at = [], 1.0
    for n in range(40):
        length = float(rng.uniform(0.6, 6))
        plans.append(a_plan(n, at, at + length, length * float(rng.uniform(0.85, 1.35)), f"S{rng.integers(2)}"))
        at += length + float(rng.uniform(0.1, 0.8))
    times = TimeMap.of((), at + 1)
    before = plan.rates(plans, times, (0.8, 1.3), USUAL)
    changed = [*plans]
    old = plans[20].matches[0]
    changed[20] = a_plan(20, *old.slot, old.natural * 1.2, plans[20].line.speaker)
    after = plan.rates(changed, times, (0.8, 1.3), USUAL)
    moved = [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b and n != 20]
    assert len(moved) <= 6


def test_the_picture_is_slowed_only_where_it_may_and_must(tmp_path: object) -> None:
    plans = [a_plan(1, 1, 3, 3.2), a_plan(2, 3.2, 6, 2.8), a_plan(3, 10, 12, 2.0)]
    assert plan.slowed(plans, 30.0, 1.0, USUAL).identity
    slowed = plan.slowed(plans, 30.0, 1.3, USUAL)
    assert 30.3 < slowed.duration < 31.5
    assert slowed.dub(12.0) - slowed.dub(10.0) == pytest.approx(2.0)


def test_phrases_of_a_clip_leave_out_what_is_not_heard(tmp_path) -> None:  # type: ignore[no-untyped-def]
    clip = np.concatenate([np.zeros(2400, np.float32), sine(1.0, rate=24_000), np.zeros(4800, np.float32)])
    (phrase,) = plan.cut(a_plan(1, 1, 3, 1.3), sound(tmp_path / "c.flac", clip, 24_000), ())
    assert (phrase.start, phrase.end) == (pytest.approx(0.1, abs=0.011), pytest.approx(1.1, abs=0.011))
    spoken = plan.as_spoken(a_plan(1, 1, 3, 1.3), [phrase], 1.2)
    assert spoken.natural == pytest.approx(1.2, abs=0.02)
