"""Only what is possible for a pair is offered, and how good it will be is said."""

from page_films import PAIRS

from dubkit.page import languages


def test_all_targets_are_offered_until_the_source_is_known():
    assert languages.targets(PAIRS) == [
        ("Choose a language", ""),
        ("English", "en"),
        ("Portuguese", "pt"),
        ("Spanish", "es"),
    ]


def test_a_source_leaves_its_own_targets_the_best_first():
    assert languages.targets(PAIRS, "pt")[1:] == [
        ("English, good translation", "en"),
        ("Spanish, fair translation, worth checking", "es"),
    ]


def test_sources_can_be_found_out():
    assert languages.sources(PAIRS)[0] == ("Find out from the film", "")
    assert [code for _, code in languages.sources(PAIRS)[1:]] == ["en", "pt", "es"]


def test_a_pair_says_what_to_expect():
    assert languages.note(PAIRS, "en", "es") == (
        "Rough draft, needs correcting; 10 voices to choose from (5 female, 5 male)."
    )
    assert languages.note(PAIRS, "", "pt").endswith("The translation is best from English.")
    assert languages.note(PAIRS, "", "es") == "10 voices to choose from (5 female, 5 male)."
    assert languages.note(PAIRS, "en", "") == ""


def test_a_pair_is_named_as_far_as_it_is_known():
    assert languages.pair("en", "pt") == "English → Portuguese"
    assert languages.pair(None, "pt") == "Into Portuguese"
