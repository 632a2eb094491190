import re

import pytest

from dubkit.artefacts import Transcript, Utterance, Word
from dubkit.marked_text import MOST_UTTERANCES, marked


def line(*words: tuple[str, float], start: float = 0.0, text: str | None = None) -> Utterance:
    said = tuple(
        Word(text=t, start=start + n, end=start + n + 0.5, confidence=confidence)
        for n, (t, confidence) in enumerate(words)
    )
    return Utterance(
        id="u0001",
        speaker="<S1>",
        start=start,
        end=start + len(words),
        text=" ".join(t for t, _ in words) if text is None else text,
        words=said,
    )


def shown(*lines: Utterance, **stretch: float) -> str:
    page = marked(Transcript(language="en", language_confidence=1, utterances=lines), **stretch)._repr_html_()
    return page.partition("</small></p>")[2]


def plain(page: str) -> str:
    return re.sub("<[^>]*>", "", page)


def test_words_stand_in_running_text_with_time_and_confidence() -> None:
    page = shown(line(("Good", 0.9), ("<day>", 0.95), start=61.0))
    assert plain(page) == "&lt;S1&gt; 1:01.0 Good &lt;day&gt;"
    assert "title='61.00–61.50 s, 90%'" in page and "title='62.00–62.50 s, 95%'" in page


@pytest.mark.parametrize(("confidence", "mark"), [(0.8, None), (0.79, "dotted"), (0.5, "dotted"), (0.49, "double")])
def test_unsure_and_doubtful_words_are_underlined_besides_the_colour(confidence: float, mark: str | None) -> None:
    found = re.findall(r"border-bottom:3px (\w+)", shown(line(("a", confidence))))
    assert found == ([mark] if mark else [])


def test_the_legend_names_both() -> None:
    page = marked(Transcript(language="en", language_confidence=1, utterances=(line(("a", 0.9)),)))._repr_html_()
    assert re.findall(">(unsure[^<]*|doubtful[^<]*)<", page) == ["unsure: under 80%", "doubtful: under 50%"]


def test_a_time_is_never_sixty_seconds() -> None:
    assert plain(shown(line(("a", 0.9), start=59.97))) == "&lt;S1&gt; 1:00.0 a"


def test_less_confidence_is_a_stronger_colour() -> None:
    alphas = [
        float(a) for a in re.findall(r"rgba\(213,94,0,([\d.]+)\)", shown(line(("a", 0.7), ("b", 0.4), ("c", 0.0))))
    ]
    assert alphas == sorted(alphas) and alphas[-1] == 0.65


def test_signs_of_scripts_without_spaces_stand_together() -> None:
    assert plain(shown(line(("你", 0.9), ("好", 0.9), text="你好"))).endswith(" 你好")


def test_a_text_corrected_by_hand_is_shown_as_it_is() -> None:
    page = shown(line(("teh", 0.1), text="the <one>"))
    assert plain(page).endswith(" the &lt;one&gt;") and "border-bottom" not in page


def test_a_stretch_can_be_chosen() -> None:
    lines = [line((f"w{n}", 0.9), start=10.0 * n) for n in range(4)]
    page = plain(shown(*lines, start=10, end=30))
    assert [w for w in ("w0", "w1", "w2", "w3") if w in page] == ["w1", "w2"]


def test_a_long_text_ends_with_a_count() -> None:
    page = shown(*(line(("a", 0.9), start=float(n)) for n in range(MOST_UTTERANCES + 2)))
    assert page.count("title=") == MOST_UTTERANCES and "… and 2 more" in page


def test_silence_is_told() -> None:
    page = marked(Transcript(language="und", language_confidence=0, utterances=()))._repr_html_()
    assert "Nothing was said." in page
