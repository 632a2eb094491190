"""Lines cut at the pauses that the original and the dub share."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.artefacts import Utterance, Word
from dubkit.phrases import Match, breaths, clauses, lengths, matched, spans
from dubkit.timing import TimingSettings

USUAL = TimingSettings()


def said(*words: tuple[float, float], start: float | None = None, end: float | None = None) -> Utterance:
    found = tuple(Word(text=f"w{n}", start=a, end=b) for n, (a, b) in enumerate(words))
    return Utterance(
        id="u1", speaker="S1", text="...", words=found,
        start=words[0][0] if start is None else start, end=words[-1][1] if end is None else end,
    )  # fmt: skip


def test_words_without_a_pause_between_them_are_one_span() -> None:
    assert spans(said((1, 1.4), (1.5, 2), (2.1, 3))) == ((1, 3),)


def test_a_pause_makes_two_spans() -> None:
    assert spans(said((1, 1.5), (1.5, 2), (2.3, 3))) == ((1, 2), (2.3, 3))


def test_a_scrap_joins_the_nearer_neighbour() -> None:
    assert spans(said((1, 2), (2.5, 2.6), (2.8, 4))) == ((1, 2), (2.5, 4))
    assert spans(said((1, 2), (2.2, 2.3), (2.9, 4))) == ((1, 2.3), (2.9, 4))


def test_an_utterance_without_words_is_one_span() -> None:
    assert spans(Utterance(id="u1", speaker="S1", start=2, end=5, text="by hand")) == ((2, 5),)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Bom dia, meus amigos.", ("Bom dia,", "meus amigos.")),
        ("O Dr. Silva veio; ele ficou.", ("O Dr. Silva veio;", "ele ficou.")),
        ("Custa 3,5 euros.", ("Custa 3,5 euros.",)),
        ("“Sim”, disse ela… e saiu!", ("“Sim”,", "disse ela…", "e saiu!")),
        ("Espera — não vá.", ("Espera —", "não vá.")),
        ("そうですね、行きましょう。", ("そうですね、", "行きましょう。")),
        ("他说“好。”我走了。", ("他说“好。”", "我走了。")),
        ("نعم، سأذهب؛ ثم أعود؟ لا أدري.", ("نعم،", "سأذهب؛", "ثم أعود؟", "لا أدري.")),
        ("वह गया। मैं आया।", ("वह गया।", "मैं आया।")),
        ("Sim.", ("Sim.",)),
        ("Bem... ?", ("Bem... ?",)),
        ("", ("",)),
    ],
)
def test_clauses_end_at_their_marks(text: str, found: tuple[str, ...]) -> None:
    assert clauses(text) == found


@given(st.text(alphabet="ab ,.;!?—\n“”", max_size=60))
def test_clauses_lose_nothing(text: str) -> None:
    assert "".join("".join(clauses(text)).split()) == "".join(text.split())


def test_lengths_come_from_the_marks_where_the_synthesizer_has_one_for_each_pause() -> None:
    assert lengths(("a,", "b."), 3.0, ((1.0, 1.25),)) == ([1.0, 1.75], [0.25])


def test_lengths_are_guessed_by_the_text_otherwise() -> None:
    spoken, pauses = lengths(("banana,", "banana banana."), 3.15, ())
    assert pauses == [0.15]
    assert spoken == pytest.approx([1.0, 2.0], abs=0.002)


def test_each_clause_fills_the_phrase_of_its_length() -> None:
    found = matched([(0, 1), (1.5, 4.5)], [1.1, 2.9], [0.2], USUAL)
    assert found == (Match((0, 1), (0, 1), 1.1), Match((1, 2), (1.5, 4.5), 2.9))


def test_a_pause_is_spoken_over_where_the_halves_would_not_fit() -> None:
    (found,) = matched([(0, 3), (3.2, 4.2)], [1.0, 3.0], [0.2], USUAL)
    assert found == Match((0, 2), (0, 4.2), 4.2)


def test_a_dub_without_a_pause_fills_the_whole() -> None:
    assert matched([(0, 1), (1.5, 4)], [3.9], [], USUAL) == (Match((0, 1), (0, 4), 3.9),)


@given(
    st.lists(st.floats(0.2, 5), min_size=1, max_size=6),
    st.lists(st.floats(0.2, 5), min_size=1, max_size=6),
    st.floats(0.15, 2),
)
def test_matches_are_in_order_and_leave_nothing_out(film: list[float], dub: list[float], pause: float) -> None:
    slots, at = [], 0.0
    for length in film:
        slots.append((at, at + length))
        at += length + pause
    found = matched(slots, dub, [0.1] * (len(dub) - 1), USUAL)
    assert [m.clauses[0] for m in found] == [0, *[m.clauses[1] for m in found[:-1]]]
    assert found[-1].clauses[1] == len(dub)
    assert found[0].slot[0] == 0 and found[-1].slot[1] == slots[-1][1]
    assert all(a.slot[1] < b.slot[0] for a, b in itertools.pairwise(found))


def test_breaths_are_before_words_that_open_a_phrase() -> None:
    assert breaths(("O farol ficou na rocha antes do mar,", "e ele sabia que vinha."), "pt") == (
        ("O farol ficou na rocha", "antes do mar,", "e ele sabia", "que vinha."),
        (True, False, True),
    )
    assert breaths(("Ele e ela.",), "pt") == (("Ele e ela.",), ())
    assert breaths(("Mies ja koira ja kissa.",), "fi") == (("Mies ja koira ja kissa.",), ())


@pytest.mark.parametrize("text", ["Eu comi pão - e fui embora.", "Eu comi, e depois fui dormir agora."])
def test_no_breath_follows_a_dash_or_a_conjunction(text: str) -> None:
    assert breaths((text,), "pt") == ((text,), ())


def test_a_breath_is_taken_only_where_it_helps() -> None:
    film = [(0.0, 2.0), (2.5, 4.5)]
    taken = matched(film, [2.0, 2.0], [0.0], USUAL, [True])
    assert [m.slot for m in taken] == film
    (left,) = matched([(0.0, 2.0), (2.1, 4.1)], [2.05, 2.05], [0.0], USUAL, [True])
    assert left.slot == (0.0, 4.1)
