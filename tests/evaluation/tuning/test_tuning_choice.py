"""Which setting wins, how sure that is, and what is said of it."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from sweeps import BAD, GOOD, N_LINES, beams, swept, tried

from evaluation.metrics.timing import MEASURES as TIMING
from evaluation.tuning.choice import Trial, film_of, films_needed

FLAGGED = next(m for m in TIMING if m.name == "timing.flagged")


def test_every_setting_is_held_against_the_default() -> None:
    table = beams().table
    assert list(table["transcribe.beam_size"]) == [5, 1, 8]
    assert list(table["value"]) == pytest.approx([0.3, 0.3, 0.1])
    assert list(table["n_units"]) == [N_LINES] * 3
    assert math.isnan(table["change"][0]) and list(table["change"][1:]) == pytest.approx([0.0, -0.2])
    assert list(table["verdict"]) == ["", "same", "better"]
    assert list(table["n_films"]) == [N_LINES] * 3
    assert list(table["cost"]) == [0.5, 0.2, 0.9]
    assert (table["change_low"][2], table["change_high"][2]) == pytest.approx((-0.2, -0.2))


def test_every_setting_is_held_against_the_best_too() -> None:
    table = beams(tried([1] * 11 + [2], {"transcribe.beam_size": 7})).table
    assert list(table["beside_best"]) == ["worse", "worse", "best", "same"]
    assert list(table["behind"][[0, 1, 3]]) == pytest.approx([0.2, 0.2, 1 / 120])
    assert table["behind_low"][3] == 0 and math.isnan(table["behind"][2])


def test_a_film_into_two_languages_is_one_film() -> None:
    assert film_of("dialogue-en>pt") == film_of("dialogue-en>es") == "dialogue-en"


def shifted(shifts: list[int], n: int) -> Trial:
    """Two lines a film, both moved alike from three wrong words of ten."""
    return tried([3 + s for s in shifts] * 2, {"a": n}, films=len(shifts))


def test_a_shift_of_whole_films_is_not_sure_however_many_lines_it_moves() -> None:
    # Taken line by line, these twelve would be surely better.
    (_, row) = swept(shifted([0] * 6, 1), shifted([-2, -2, -2, -2, -2, 1], 2)).table.to_dict("records")
    assert row["p"] == pytest.approx(4 / 64) and row["verdict"] == "same"
    (_, row) = swept(shifted([0] * 6, 1), shifted([-2] * 6, 2)).table.to_dict("records")
    assert row["p"] == pytest.approx(2 / 64) and row["verdict"] == "better"


@pytest.mark.parametrize(("n_tried", "films"), [(0, 6), (1, 6), (2, 7), (6, 8), (26, 11)])
def test_more_settings_take_more_films(n_tried: int, films: int) -> None:
    assert films_needed(n_tried) == films
    assert max(n_tried, 1) * 2 / 2**films <= 0.05


def test_a_single_good_one_of_many_can_win() -> None:
    films = films_needed(40)
    others = [tried(BAD, {"a": n}, films=films) for n in range(2, 41)]
    found = swept(tried(BAD, {"a": 1}, films=films), *others, tried(GOOD, {"a": 41}, films=films))
    assert found.table["q"].iloc[-1] == pytest.approx(40 * 2 / 2**films)
    assert found.winner.settings == {"a": 41}


def test_q_is_corrected_for_the_number_of_settings() -> None:
    # Five films that are better, three that are the same.
    slight = tried([*BAD[:-5], 1, 1, 1, 1, 1], {"transcribe.beam_size": 2}, films=8)
    alone = swept(tried(BAD, {"transcribe.beam_size": 5}, films=8), slight).table
    same = [tried(BAD, {"transcribe.beam_size": n}, films=8) for n in range(6, 14)]
    among = swept(tried(BAD, {"transcribe.beam_size": 5}, films=8), slight, *same).table
    assert alone["p"][1] == among["p"][1]
    assert alone["q"][1] == alone["p"][1]
    assert among["q"][1] == pytest.approx(min(1.0, 9 * among["p"][1]))


def test_an_interval_without_0_is_not_enough_where_q_is_large() -> None:
    slight = tried([*BAD[:-5], 1, 1, 1, 1, 1], {"transcribe.beam_size": 2})
    same = [tried(BAD, {"transcribe.beam_size": n}) for n in range(6, 14)]
    found = swept(tried(BAD, {"transcribe.beam_size": 5}), slight, *same)
    assert found.table["change_high"][1] < 0 and found.table["q"][1] > 0.05
    assert found.table["verdict"][1] == "same"
    assert found.winner.is_default


def test_the_winner_says_how_much_how_sure_at_what_cost_and_that_it_flatters_itself() -> None:
    winner = beams().winner
    assert winner.settings == {"transcribe.beam_size": 8} and not winner.is_default
    assert str(winner).startswith(
        "Take transcribe.beam_size = 8: asr.wer is 0.100 [0.100, 0.100] instead of 0.300 with"
    )
    assert "change -0.200, 95 % interval -0.200 to -0.200, q 0.00" in winner.why
    assert "It takes 0.90 s of work per second of film instead of 0.50." in winner.why
    assert "the best of 2 on the films that it was chosen on, which flatters it" in winner.why


def test_of_equals_the_cheaper_wins() -> None:
    found = beams(tried(GOOD, {"transcribe.beam_size": 12}, seconds=7.0))
    assert found.winner.settings == {"transcribe.beam_size": 12}
    nearly = beams(tried(GOOD, {"transcribe.beam_size": 12}, seconds=7.3))
    assert nearly.winner.settings == {"transcribe.beam_size": 8}
    found = swept(tried(BAD, {"transcribe.beam_size": 5}), tried(GOOD, {"transcribe.beam_size": 8}, seconds=5.9))
    assert found.winner.why.endswith("It costs about as much (0.59 and 0.50 s of work per second of film).")


def test_what_was_made_before_has_no_cost_to_compare() -> None:
    name = "synthesize.length_weight"
    found = swept(tried(BAD, {name: 2.0}, seconds=9.0), tried(GOOD, {name: 0.0}, seconds=2.0))
    assert found.table["cost"].isna().all() and found.winner.settings == {name: 0.0}
    assert "s of work" not in found.winner.why


def test_where_nothing_is_reliably_better_the_default_wins() -> None:
    better_by_one = [*BAD[:-1], 2]
    found = swept(tried(BAD, {"transcribe.beam_size": 5}), tried(better_by_one, {"transcribe.beam_size": 9}))
    assert found.winner.is_default and found.winner.settings == {"transcribe.beam_size": 5}
    assert found.winner.why.startswith("The default stays (transcribe.beam_size = 5). No setting is reliably better")
    assert "transcribe.beam_size = 9, has 0.292 instead of 0.300" in found.winner.why


def test_what_makes_another_measure_worse_does_not_win() -> None:
    found = beams(also=(FLAGGED,))
    assert list(found.table["timing.flagged"]) == [0, 0, 0.5]
    assert list(found.table["timing.flagged verdict"]) == ["", "same", "worse"]
    assert found.winner.is_default
    assert found.winner.why.endswith("transcribe.beam_size = 8, is worse in timing.flagged (0.500 instead of 0.000).")
    second = tried([*GOOD[:-1], 2], {"transcribe.beam_size": 7})
    told = beams(second, also=(FLAGGED,)).winner
    assert told.settings == {"transcribe.beam_size": 7}
    assert "timing.flagged 0.000 instead of 0.000" in told.why


def test_what_fails_is_told_and_never_wins() -> None:
    found = beams(tried(GOOD, {"transcribe.beam_size": 20}, error="It broke.\nAt line 5."))
    last = found.table.iloc[-1]
    assert (last["verdict"], last["error"]) == ("failed", "film1>pt: It broke.")
    assert math.isnan(last["value"]) and math.isnan(last["q"])
    assert found.winner.settings == {"transcribe.beam_size": 8}
    alone = swept(tried(BAD, {"a": 1}), tried(GOOD, {"a": 2}, error="It broke.")).winner
    assert alone.is_default and alone.why == "The default stays (a = 1). Nothing else came through."


def test_what_is_worse_in_another_measure_by_value_alone_does_not_win() -> None:
    # One of twelve lines that no longer fits: far from sure, and yet worse.
    found = beams(also=(FLAGGED,), flagged=1)
    assert list(found.table["timing.flagged verdict"]) == ["", "same", "same"]
    assert found.winner.is_default
    assert found.winner.why.endswith("is worse in timing.flagged (0.083 instead of 0.000).")


def test_a_winner_may_be_worse_by_one_percent() -> None:
    def given(errors: list[float], value: float, n: int) -> Trial:
        measured = tried(errors, {"a": n})
        rows = measured.result.samples["measure"] == "timing.flagged"
        measured.result.samples.loc[rows, "parts"] = pd.Series([[value, 1]] * len(measured.result.samples))
        measured.result.scores.loc[measured.result.scores["measure"] == "timing.flagged", "value"] = value
        return measured

    within = swept(given(BAD, 0.5, 1), given(GOOD, 0.495, 2), also=(FLAGGED,))
    assert within.winner.settings == {"a": 2}
    beyond = swept(given(BAD, 0.5, 1), given(GOOD, 0.506, 2), also=(FLAGGED,))
    assert beyond.winner.is_default


def test_too_few_films_leave_the_default_and_suggest_the_best_by_value() -> None:
    found = beams(films=3)
    assert list(found.table["verdict"]) == ["", "", ""] and found.table["low"].isna().all()
    assert found.winner.is_default and found.winner.settings == {"transcribe.beam_size": 5}
    assert found.winner.suggested == {"transcribe.beam_size": 8}
    assert found.winner.why == (
        "The default stays (transcribe.beam_size = 5). 3 films are too few to be sure of a difference: for a single one of 2 "
        "settings it takes 7. By value alone transcribe.beam_size = 8 would be taken: asr.wer is 0.100 instead of 0.300. It "
        "takes 0.90 s of work per second of film instead of 0.50."
    )


def test_what_is_suggested_is_no_worse_elsewhere() -> None:
    found = beams(films=3, also=(FLAGGED,))
    # The cheaper of the two that are left.
    assert found.winner.suggested == {"transcribe.beam_size": 1}
    assert (
        "By value alone, and where timing.flagged may not be worse, transcribe.beam_size = 1 would" in found.winner.why
    )
    alone = swept(tried(GOOD, {"a": 1}, films=1), tried(BAD, {"a": 2}, films=1)).winner
    assert alone.suggested is None
    assert alone.why.endswith(
        "1 film is too few to be sure of a difference: it takes 6. By value alone it is the best, too."
    )


def test_more_films_than_six_may_be_too_few_for_many_settings() -> None:
    found = swept(shifted([0] * 6, 1), shifted([-2] * 6, 2), shifted([0] * 6, 3))
    assert found.table["q"][1] == pytest.approx(2 * 2 / 64)
    assert found.winner.is_default
    assert found.winner.why.endswith(", q 0.062). There are 6 films; for a single one of 2 settings it takes 7.")


def test_films_held_out_say_what_is_left_of_it() -> None:
    default = tried(BAD, {"transcribe.beam_size": 5}, films=6)
    held = (default, tried([2] * N_LINES, {"transcribe.beam_size": 8}, films=6))
    films = "film1>pt, film2>pt, film3>pt, film4>pt, film5>pt, film6>pt"
    told = f"On films held out ({films}) it is 0.200 instead of 0.300 (95 % interval of the change -0.100 to -0.100)."
    assert beams(held_out=held).winner.why.endswith(told)
    # Of what is suggested, too.
    assert beams(films=3, held_out=held).winner.why.endswith(told)
    few = (tried(BAD, {"transcribe.beam_size": 5}, films=1), tried(GOOD, {"transcribe.beam_size": 8}, films=1))
    assert "(film1>pt) it is 0.100 instead of 0.300 (too few films" in beams(held_out=few).winner.why
    assert (
        "held out"
        not in swept(default, tried(BAD, {"transcribe.beam_size": 1}), held_out=(default, default)).winner.why
    )
    failed = (held[0], tried(GOOD, {"transcribe.beam_size": 8}, error="It broke."))
    assert beams(held_out=failed).winner.why.endswith("On films held out it could not be seen: film1>pt: It broke.")


def test_none_stays_none_among_numbers() -> None:
    found = swept(tried(BAD, {"diarize.threshold": None}), tried(GOOD, {"diarize.threshold": 0.5}))
    assert list(found.table["diarize.threshold"]) == [None, 0.5]
    assert "with diarize.threshold = None" in found.winner.why
