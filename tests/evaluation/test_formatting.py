"""Numbers with the digits that tell something, and cells that cannot be taken for HTML."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from evaluation.formatting import INTERVAL, as_html, interval, number


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.12345, "0.123"), (-9.9, "-9.900"), (12.34, "12.3"), (999.94, "999.9"), (1234.5, "1234"), (math.nan, "–")],
)
def test_numbers_have_as_many_digits_as_tell_something(value, told):
    assert number(value) == told


def test_a_value_without_an_interval_stands_alone():
    assert interval(0.5, math.nan, math.nan) == "0.500"
    assert interval(50, 9, 100.25) == "50.0 [9.000, 100.2]"


@pytest.mark.parametrize("triple", [(0.5, math.nan, math.nan), (-50, -60, -9), (1e4, 2e3, 3e4), (math.nan,) * 3])
def test_what_an_interval_writes_is_known_as_a_number(triple):
    assert INTERVAL.fullmatch(interval(*triple))
    assert not INTERVAL.fullmatch("S1")


class TestHtml:
    def test_texts_are_escaped_and_numbers_stand_right(self):
        page = as_html(pd.DataFrame({"<b>": ["<script>alert(1)</script>", "&"], "n": [1.5, math.nan]}))
        assert "<script>" not in page and "&lt;script&gt;" in page and "&amp;" in page and "<th>&lt;b&gt;</th>" in page
        assert "<td class='number'>1.500</td>" in page and "<td class='number'>–</td>" in page

    def test_whole_numbers_stay_whole(self):
        assert "<td class='number'>12</td>" in as_html(pd.DataFrame({"units": np.array([12])}))

    def test_only_names_of_rows_are_shown(self):
        named = as_html(pd.DataFrame({"a": [1.0]}, index=["asr.<wer>"]))
        assert "<th scope='row'>asr.&lt;wer&gt;</th>" in named
        chosen = pd.DataFrame({"a": [1.0, 2.0, 3.0]})[[False, True, True]]
        assert "scope='row'" not in as_html(chosen)

    def test_a_verdict_colours_its_row(self):
        page = as_html(pd.DataFrame({"verdict": ["worse", "same", "better"]}))
        assert page.count("<tr class='worse'>") == page.count("<tr class='better'>") == 1
        assert "class='same'" not in page

    def test_a_table_without_rows_is_one(self):
        assert "<th>a</th>" in as_html(pd.DataFrame({"a": []}))
