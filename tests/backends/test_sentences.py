from hypothesis import given
from hypothesis import strategies as st

from dubkit.backends.sentences import clauses, sentences


def test_splits_at_sentence_ends_and_not_at_abbreviations() -> None:
    text = 'Mr. Smith left... sadly. "Why?" he asked. No. 5 is here. No. I mean it! ¿Qué? OK'
    assert sentences(text) == [
        "Mr. Smith left... sadly.",
        '"Why?" he asked.',
        "No. 5 is here.",
        "No.",
        "I mean it!",
        "¿Qué?",
        "OK",
    ]
    assert sentences("") == []


def test_cuts_long_sentences_at_a_comma_near_the_middle() -> None:
    sentence = "The first half ends here, and the second one goes on, to the end."
    assert clauses(sentence, 45) == ["The first half ends here,", "and the second one goes on, to the end."]
    assert clauses("short", 45) == ["short"]
    assert clauses("x" * 50, 45) == ["x" * 50]
    assert clauses("", 45) == []


@given(st.text(alphabet="aB .,;!?\n", max_size=200))
def test_no_word_is_lost(text: str) -> None:
    found = sentences(text)
    assert " ".join(found) == " ".join(text.split())
    parts = [part for sentence in found for part in clauses(sentence, 20)]
    assert " ".join(parts) == " ".join(text.split())
    assert all(len(part) <= 20 or " " not in part[4:-4] for part in parts)
