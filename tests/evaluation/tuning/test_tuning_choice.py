"""Which setting wins, how sure that is, and what is said of it."""

from __future__ import annotations

import math

import pytest
from sweeps import BAD, GOOD, N_LINES, beams, swept, tried

from evaluation.metrics.timing import MEASURES as TIMING

FLAGGED = next(m for m in TIMING if m.name == "timing.flagged")


def test_every_setting_is_held_against_the_default() -> None:
    table = beams().table
    assert list(table["transcribe.beam_size"]) == [5, 1, 8]
    assert list(table["value"]) == pytest.approx([0.3, 0.3, 0.1])
    assert list(table["n_units"]) == [N_LINES] * 3
    assert math.isnan(table["change"][0]) and list(table["change"][1:]) == pytest.approx([0.0, -0.2])
    assert list(table["verdict"]) == ["", "same", "better"]
    assert list(table["rtf"]) == [0.5, 0.2, 0.9] and list(table["peak_mb"]) == [900] * 3
    assert (table["change_low"][2], table["change_high"][2]) == pytest.approx((-0.2, -0.2))


def test_q_is_corrected_for_the_number_of_settings() -> None:
    # One line of twelve that is better in each: p is large for each, and more so among many.
    slight = [tried([*BAD[:-5], 1, 1, 1, 1, 1], {"transcribe.beam_size": n}) for n in (2,)]
    alone = swept(tried(BAD, {"transcribe.beam_size": 5}), *slight).table
    same = [tried(BAD, {"transcribe.beam_size": n}) for n in range(6, 14)]
    among = swept(tried(BAD, {"transcribe.beam_size": 5}), *slight, *same).table
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
    assert found.winner.why.endswith("transcribe.beam_size = 8, is worse in timing.flagged.")
    second = tried([*GOOD[:-1], 2], {"transcribe.beam_size": 7})
    told = beams(second, also=(FLAGGED,)).winner
    assert told.settings == {"transcribe.beam_size": 7}
    assert "timing.flagged 0.000 instead of 0.000" in told.why


def test_what_fails_is_told_and_never_wins() -> None:
    found = beams(tried(GOOD, {"transcribe.beam_size": 20}, error="It broke.\nAt line 5."))
    last = found.table.iloc[-1]
    assert (last["verdict"], last["error"]) == ("failed", "film>pt: It broke.")
    assert math.isnan(last["value"]) and math.isnan(last["q"])
    assert found.winner.settings == {"transcribe.beam_size": 8}
    alone = swept(tried(BAD, {"a": 1}), tried(GOOD, {"a": 2}, error="It broke.")).winner
    assert alone.is_default and alone.why == "The default stays (a = 1). Nothing else came through."


def test_too_few_lines_say_nothing_for_sure() -> None:
    found = swept(tried([3, 3], {"a": 1}), tried([0, 0], {"a": 2}))
    assert list(found.table["verdict"]) == ["", ""]
    assert found.winner.is_default and "too few units to say how sure that is" in found.winner.why


def test_films_held_out_say_what_is_left_of_it() -> None:
    held = (tried(BAD, {"transcribe.beam_size": 5}), tried([2] * N_LINES, {"transcribe.beam_size": 8}))
    why = beams(held_out=held).winner.why
    assert why.endswith(
        "On films held out (film>pt) it is 0.200 instead of 0.300 (95 % interval of the change -0.100 to -0.100)."
    )
    failed = (held[0], tried(GOOD, {"transcribe.beam_size": 8}, error="It broke."))
    assert beams(held_out=failed).winner.why.endswith("On films held out it could not be seen: film>pt: It broke.")


def test_none_stays_none_among_numbers() -> None:
    found = swept(tried(BAD, {"diarize.threshold": None}), tried(GOOD, {"diarize.threshold": 0.5}))
    assert list(found.table["diarize.threshold"]) == [None, 0.5]
    assert "with diarize.threshold = None" in found.winner.why
