import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dubkit.artefacts import Candidate
from dubkit.durations import natural_duration
from dubkit.wording import MARGIN, MOST_TRANSLATIONS, choose, misfit, wordings

SLOWEST, FASTEST = 0.9, 1.25
seconds = st.floats(0.0, 30.0)
lines = st.lists(st.tuples(st.floats(-5.0, 0.0), seconds), min_size=1, max_size=8)


def scored(*scores: float) -> list[Candidate]:
    return [Candidate(text=f"wording {n}", score=score) for n, score in enumerate(scores)]


def chosen(
    scores: list[float], durations: list[float], slot: float, weight: float = 1.0, room: float | None = None
) -> int:
    return choose(scored(*scores), durations, slot, slowest=SLOWEST, fastest=FASTEST, room=room, weight=weight)


def test_nothing_is_amiss_within_the_comfortable_rates() -> None:
    for duration in (1.9, 2.0, 2.16):
        assert misfit(duration, 2.0, slowest=SLOWEST, fastest=FASTEST) == pytest.approx(0.0, abs=1e-12)


def test_misfit_by_the_formula() -> None:
    limits = {"slowest": SLOWEST, "fastest": FASTEST}
    assert misfit(2.4, 2.0, **limits) == pytest.approx(math.log(1.2 / 1.08))
    assert misfit(3.0, 2.0, **limits) == pytest.approx(math.log(1.5 / 1.08) + 10 * math.log(3 / 2.5))
    assert misfit(3.0, 2.0, room=2.4, **limits) == pytest.approx(math.log(1.5 / 1.08))
    assert misfit(3.0, 2.0, room=1.0, **limits) == misfit(3.0, 2.0, **limits), "a room holds its slot"
    assert misfit(1.84, 2.0, **limits) == pytest.approx(0.5 * math.log(0.95 / 0.92))
    assert misfit(1.0, 2.0, **limits) == pytest.approx(0.5 * math.log(0.95 / 0.5) + math.log(0.9 / 0.5))


def test_a_wording_that_fits_replaces_one_that_does_not() -> None:
    assert chosen([-0.5, -0.6], [3.0, 2.0], 2.0) == 1
    assert chosen([-0.5, -0.6], [1.0, 2.0], 2.0) == 1
    assert chosen([-0.5, -0.6, -0.55], [3.0, 2.0, 2.1], 2.0) == 2


def test_a_much_worse_translation_is_not_spoken_for_a_little_better_fit() -> None:
    assert chosen([-0.5, -1.0], [2.4, 2.0], 2.0) == 0
    assert chosen([-0.5, -1.0], [2.4, 2.0], 2.0, weight=10.0) == 1


def test_the_first_wording_is_not_given_up_for_next_to_nothing() -> None:
    barely = 2.16 * math.exp(MARGIN * 0.9)
    assert chosen([0.0, 0.0], [barely, 2.0], 2.0) == 0
    assert chosen([0.0, 0.0], [2.16 * math.exp(MARGIN * 1.1), 2.0], 2.0) == 1
    assert chosen([-0.5, 0.0], [2.0, 2.0], 2.0) == 0, "nor for a better score, as its place says that it is the best"


def test_borrowed_silence_lets_a_long_wording_stay() -> None:
    assert chosen([0.0, -0.4], [3.0, 2.0], 2.0) == 1
    assert chosen([0.0, -0.4], [3.0, 2.0], 2.0, room=2.6) == 0


def test_a_line_without_candidates_or_with_too_few_lengths_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 candidates and 0 durations"):
        chosen([], [], 1.0)
    with pytest.raises(ValueError, match="2 candidates and 1 durations"):
        chosen([0.0, 0.0], [1.0], 1.0)


@given(lines, seconds, st.floats(0.0, 10.0), st.one_of(st.none(), seconds))
def test_the_choice_is_one_of_the_candidates(
    said: list[tuple[float, float]], slot: float, weight: float, room: float | None
) -> None:
    scores, durations = [s for s, _ in said], [d for _, d in said]
    assert 0 <= chosen(scores, durations, slot, weight, room) < len(said)
    assert chosen(scores, durations, slot, 0.0, room) == 0


@given(lines, st.floats(0.5, 20.0), st.floats(0.95, 1.08), st.floats(0.0, 10.0))
def test_a_first_wording_that_fits_is_spoken(
    said: list[tuple[float, float]], slot: float, rate: float, weight: float
) -> None:
    durations = [slot * rate, *(d for _, d in said)]
    assert chosen([0.0, *(s for s, _ in said)], durations, slot, weight) == 0


@given(lines, st.floats(0.2, 20.0), st.floats(0.0, 5.0), st.floats(0.0, 5.0))
def test_the_more_the_fit_weighs_the_better_it_is(
    said: list[tuple[float, float]], slot: float, weight: float, more: float
) -> None:
    scores, durations = [s for s, _ in said], [d for _, d in said]
    amiss = [misfit(d, slot, slowest=SLOWEST, fastest=FASTEST) for d in durations]
    before, after = chosen(scores, durations, slot, weight), chosen(scores, durations, slot, weight + more)
    assert amiss[after] <= amiss[before] + 1e-9 * (1 + amiss[before])


@given(lines, st.floats(0.2, 20.0), st.floats(0.2, 20.0), st.floats(0.0, 10.0))
def test_more_room_never_makes_a_misfit_worse(
    said: list[tuple[float, float]], slot: float, room: float, more: float
) -> None:
    assume(said)
    for _, duration in said:
        tight = misfit(duration, slot, slowest=SLOWEST, fastest=FASTEST, room=room)
        assert misfit(duration, slot, slowest=SLOWEST, fastest=FASTEST, room=room + more) <= tight


def test_variants_of_the_best_two_translations_come_after_all_translations() -> None:
    best, second, third = (
        Candidate(text=text, score=score)
        for text, score in (("I do not know.", -0.2), ("I am not sure.", -0.3), ("It is not known.", -0.4))
    )
    found = wordings((best, second, third), "en")
    assert [(c.text, c.score, c.how) for c in found] == [
        ("I do not know.", -0.2, ""),
        ("I am not sure.", -0.3, ""),
        ("It is not known.", -0.4, ""),
        ("I don't know.", -0.21, "contractions"),
        ("I'm not sure.", -0.31, "contractions"),
    ]
    assert [c.duration for c in found] == [natural_duration(c.text, "en") for c in found]


def test_a_variant_that_is_a_translation_too_is_that_translation() -> None:
    found = wordings((Candidate(text="I do not know."), Candidate(text="I don't know.", score=-0.5)), "en")
    assert [(c.text, c.score, c.how) for c in found] == [("I do not know.", 0.0, ""), ("I don't know.", -0.5, "")]


def test_translations_that_lack_a_term_are_left_out_unless_all_do() -> None:
    told = (Candidate(text="Hm."), Candidate(text="Do Not Panic is a game."), Candidate(text="Hm."))
    assert [c.text for c in wordings(told, "en", ["Do Not Panic"])] == ["Do Not Panic is a game."]
    assert [c.text for c in wordings(told, "en", ["Zürich"])][:2] == ["Hm.", "Do Not Panic is a game."]
    assert wordings((), "en") == ()


def test_no_more_than_eight_translations_are_kept() -> None:
    told = [Candidate(text=f"wording {n}") for n in range(12)]
    assert [c.text for c in wordings(told, "en")] == [f"wording {n}" for n in range(MOST_TRANSLATIONS)]
