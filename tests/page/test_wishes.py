"""What is filled in becomes what is wanted; what cannot be read is told in the page's own words."""

import pytest

from dubkit.errors import BadInput
from dubkit.page.wishes import Form, glossary, moment, wanted
from dubkit.service.wanted import Wanted


def test_what_is_left_alone_is_not_asked_for():
    assert wanted(Form(target="pt")) == Wanted(target="pt")


def test_every_field_arrives():
    form = Form(
        source="en",
        target="pt",
        part="First try a part of it",
        begin="1:30",
        seconds=20,
        n_speakers=3,
        names="Maya\ncutting board = tábua de corte",
        keep_original=True,
        vocal_sounds=False,
        bilingual=True,
        slower=True,
        profile="embedded",
    )
    found = wanted(form)
    assert (found.source, found.profile, found.start, found.duration) == ("en", "embedded", 90.0, 20.0)
    assert found.options == {
        "n_speakers": 3,
        "glossary": {"Maya": "Maya", "cutting board": "tábua de corte"},
        "keep_original": True,
        "vocal_sounds": False,
        "bilingual": True,
        "slow_picture": 1.15,
    }
    assert found.checked(()).options == found.options


def test_a_part_counts_only_where_it_is_chosen():
    assert wanted(Form(target="pt", part="The whole film", begin="nonsense")).start is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("1:30", 90), ("1:02:05", 3725), ("0:07,5", 7.5), (" 3.25 ", 3.25)]
)
def test_times_are_read_as_people_write_them(text, seconds):
    assert moment(text) == seconds


@pytest.mark.parametrize("text", ["", "x", "-3", "1:2:3:4", "1e9", "1:"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(BadInput, match="write minutes and seconds"):
        moment(text)


@pytest.mark.parametrize(
    ("form", "told"),
    [
        (Form(), "Choose the language"),
        (Form(target="pt", part="a part", seconds=None), "how many seconds"),
        (Form(target="pt", part="a part", seconds=-1), "how many seconds"),
        (Form(target="pt", part="a part", seconds="nan"), "how many seconds"),
        (Form(target="pt", names="board ="), "only half"),
        (Form(target="pt", names="= board"), "only half"),
    ],
)
def test_what_does_not_fit_is_told(form, told):
    with pytest.raises(BadInput, match=told):
        wanted(form)


def test_empty_lines_of_a_glossary_are_nothing():
    assert glossary("\n  \nMaya\n") == {"Maya": "Maya"}
