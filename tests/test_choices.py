from pathlib import Path

import numpy as np
import pytest
from builders import VOICE_RATE, speech, transcript, translation

from dubkit.artefacts import Candidate, Transcript, Translation
from dubkit.choices import MOST_ROWS, choices

FIRST = Candidate(text="I <am> here", score=-0.3, duration=3.0)
SHORT = Candidate(text="I'm here", score=-0.35, duration=1.8, how="contractions")


@pytest.fixture
def source() -> Transcript:
    return transcript(("S1", 1.0, 3.0, "Estou & aqui"))


@pytest.fixture
def translated(source: Transcript) -> Translation:
    whole = translation(source, FIRST.text, target="en")
    return whole.but(lines=(whole.lines[0].but(candidates=(FIRST, SHORT)),))


def test_the_clip_says_which_wording_is_spoken_and_how_long_the_slot_is(
    tmp_path: Path, source: Transcript, translated: Translation
) -> None:
    made = speech(tmp_path, source, np.zeros(VOICE_RATE, np.float32))
    made = made.but(clips=(made.clips[0].but(candidate=1, slot=1.5),))
    (row,) = choices(translated, source, made).rows
    assert (row.chosen, row.slot, row.start) == (1, 1.5, 1.0)
    assert [row.relative(c) for c in row.candidates] == [2.0, pytest.approx(1.2)]


def test_before_it_is_spoken_it_is_the_translators_first(source: Transcript, translated: Translation) -> None:
    found = choices(translated, source)
    assert not found.spoken
    assert [(row.chosen, row.slot) for row in found.rows] == [(0, 2.0)]


def test_a_line_without_candidates_has_its_text(source: Transcript) -> None:
    (row,) = choices(translation(source, "I am here"), source).rows
    assert [c.text for c in row.candidates] == ["I am here"]
    assert row.candidates[0].duration == row.line.duration > 0


def test_a_line_that_was_dropped_from_the_transcript_is_left_out(source: Transcript, translated: Translation) -> None:
    assert choices(translated, source.but(utterances=())).rows == ()


def test_the_table_is_escaped_and_tells_lengths_scores_and_changes(source: Transcript, translated: Translation) -> None:
    page = choices(translated, source)._repr_html_()
    assert "I &lt;am&gt; here" in page and "Estou &amp; aqui" in page and "<am>" not in page
    assert "3.00 s, 150% of the slot; score -0.30; translator&#x27;s first" in page.replace("'s first", "&#x27;s first")
    assert "<details><summary>1</summary>" in page
    assert "1.80 s, 90% of the slot; score -0.35; contractions" in page


def test_a_long_table_ends_with_a_count() -> None:
    source = transcript(*(("S1", 2.0 * n, 2.0 * n + 1, "a") for n in range(MOST_ROWS + 3)))
    page = choices(translation(source, *("b" for _ in source.utterances)), source)._repr_html_()
    assert page.count("<tr>") == MOST_ROWS + 1 and "… and 3 more lines" in page
