from dubkit.openings import CONJUNCTIONS, OPENING


def test_every_conjunction_may_open_a_phrase_and_some_prepositions_too() -> None:
    assert CONJUNCTIONS.keys() == OPENING.keys() == {"de", "en", "es", "fr", "it", "nl", "pt"}
    assert all(words <= OPENING[language] for language, words in CONJUNCTIONS.items())
    assert "because" in CONJUNCTIONS["en"]
    assert "through" in OPENING["en"] - CONJUNCTIONS["en"]
    assert OPENING["nl"] == CONJUNCTIONS["nl"]


def test_words_are_single_ones_in_small_letters() -> None:
    words = [word for listed in OPENING.values() for word in listed]
    assert all(word.isalpha() and word == word.lower() for word in words)
