"""What may be wanted of a film, and what is refused before any work is done."""

from __future__ import annotations

import math

import pytest

from dubkit.errors import BadInput, UnsupportedPair
from dubkit.service.jobs.pairs import Pair
from dubkit.service.wanted import OPTIONS, Wanted

PAIRS = [
    Pair("en", "English", "pt", "Portuguese", "good", "en > pt", "1 female"),
    Pair("es", "Spanish", "pt", "Portuguese", "fair", "es > pt", "1 female"),
]


def test_languages_become_codes_and_options_settings():
    wish = Wanted("Portuguese", "english", options={"n_speakers": 2, "glossary": {"Maya": "Maya"}}).checked(PAIRS)
    assert (wish.target, wish.source) == ("pt", "en")
    assert wish.settings == {"diarize.n_speakers": 2, "translate.glossary": {"Maya": "Maya"}}
    assert wish.digest == Wanted("pt", "en", options={"glossary": {"Maya": "Maya"}, "n_speakers": 2}).digest
    assert wish.digest != Wanted("pt", "en").digest


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (Wanted("klingonese"), "is not a language"),
        (Wanted("pt", "pt"), "are both Portuguese"),
        (Wanted("pt", profile="/etc/profile.toml"), "There is no profile '/etc/profile.toml'"),
        (
            Wanted("pt", options={"backends.translator": "llm:http://inside"}),
            "There is no option 'backends.translator'",
        ),
        (Wanted("pt", start=-1.0), "must be at least 0 s"),
        (Wanted("pt", duration=math.inf), "must be at least 1 s"),
        (Wanted("pt", start=math.nan), "must be at least 0 s"),
    ],
)
def test_what_cannot_be_wanted_is_told(wish, told):
    with pytest.raises(BadInput, match=told):
        wish.checked(PAIRS)


def test_pairs_that_cannot_be_dubbed_here_are_told_with_those_that_can():
    with pytest.raises(UnsupportedPair, match="into French here, only into Portuguese"):
        Wanted("fr").checked(PAIRS)
    with pytest.raises(
        UnsupportedPair, match="German cannot be dubbed into Portuguese here, only English, Spanish can"
    ):
        Wanted("pt", "de").checked(PAIRS)
    # Before a worker has told, nothing is known.
    assert Wanted("fr", "de").checked([]).target == "fr"


@pytest.mark.parametrize(
    "options",
    [
        {"n_speakers": 0},
        {"n_speakers": 101},
        {"n_speakers": True},
        {"n_speakers": "2"},
        {"n_speakers": [2]},
        {"n_speakers": 10**400},
        {"audio_track": 10**18},
        {"slow_picture": 2.5},
        {"slow_picture": math.nan},
        {"keep_original": "yes"},
        {"glossary": ["Maya"]},
        {"glossary": {"a\0b": "c"}},
        {"glossary": {"a": "\ud800"}},
        {"glossary": {"a": "b" * 201}},
        {"glossary": {str(n): "x" for n in range(201)}},
    ],
)
def test_options_that_do_not_fit_are_refused(options):
    with pytest.raises(BadInput):
        Wanted("pt", options=options).checked(PAIRS)


def test_every_option_is_a_setting():
    given = {"audio_track": 1, "bilingual": True, "glossary": {}, "keep_original": False, "n_speakers": 2}
    given |= {"slow_picture": 1.2, "vocal_sounds": True}
    assert set(given) == set(OPTIONS)
    assert len(Wanted("pt", options=given).checked(PAIRS).settings) == len(OPTIONS)


def test_a_stretch_lies_within_the_film():
    assert Wanted("pt").stretch(10.0) == (None, None)
    assert Wanted("pt", start=4.0).stretch(10.0) == (4.0, 6.0)
    assert Wanted("pt", start=4.0, duration=3.0).stretch(10.0) == (4.0, 3.0)
    assert Wanted("pt", duration=60.0).stretch(10.0) == (0.0, 10.0)
    with pytest.raises(BadInput, match=r"lasts 10\.0 s: a stretch cannot begin at 9\.5 s"):
        Wanted("pt", start=9.5).stretch(10.0)
