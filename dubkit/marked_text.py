"""What was said as running text, with the words marked in it that the recogniser is not sure of."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from dubkit.artefacts import Transcript, Utterance, Word
from dubkit.clock import clock
from dubkit.record import Seconds
from dubkit.spacing import needs_space, spaced

MOST_UTTERANCES = 200
SURE, DOUBTFUL = 0.8, 0.5
"""Confidences under which a word is called unsure, and under which it is called doubtful."""
# Orange that shows on light and on dark pages, stronger for less confidence; the lines tell it without colour.
COLOUR = "213,94,0"


@dataclass(frozen=True)
class MarkedText:
    """Text that shows itself in a notebook or a page."""

    page: str

    def _repr_html_(self) -> str:
        return self.page


def marked(transcript: Transcript, start: Seconds = 0.0, end: Seconds | None = None) -> MarkedText:
    """The transcript as text, utterance by utterance, with unsure and doubtful words marked by colour and underline.

    Each word tells its time and confidence where the pointer rests on it.

    Parameters
    ----------
    transcript : Transcript
    start, end : float, optional
        Of the film, in seconds: utterances that start in this stretch are shown, two hundred at most.
    """
    said = [u for u in transcript.utterances if start <= u.start and (end is None or u.start < end)]
    if not said:
        return MarkedText("<p>Nothing was said.</p>")
    lines = "".join(_utterance(u) for u in said[:MOST_UTTERANCES])
    more = f"<p>… and {len(said) - MOST_UTTERANCES} more</p>" if len(said) > MOST_UTTERANCES else ""
    return MarkedText(f"<div style='max-width:60em;line-height:1.7'>{_legend()}{lines}{more}</div>")


def _utterance(one: Utterance) -> str:
    # The words of a line whose text was corrected by hand are still those that were heard.
    as_heard = one.text == spaced(w.text for w in one.words)
    text = _words(one.words) if as_heard else html.escape(one.text)
    head = f"<b>{html.escape(one.speaker)}</b> <small>{clock(one.start)}</small>"
    return f"<p style='margin:0.2em 0'>{head} <span dir='auto'>{text}</span></p>"


def _words(words: Sequence[Word]) -> str:
    text, before = "", ""
    for word in words:
        text += (" " if before and needs_space(before, word.text) else "") + _word(word)
        before = word.text
    return text


def _word(word: Word) -> str:
    told = f"{word.start:.2f}–{word.end:.2f} s, {word.confidence:.0%}"
    return f"<span{_style(word.confidence)} title='{told}'>{html.escape(word.text)}</span>"


def _style(confidence: float) -> str:
    if confidence >= SURE:
        return ""
    line = "double" if confidence < DOUBTFUL else "dotted"
    alpha = 0.15 + 0.5 * (SURE - confidence) / SURE
    return f" style='background:rgba({COLOUR},{alpha:.2f});border-bottom:3px {line} rgb({COLOUR})'"


def _legend() -> str:
    unsure, doubtful = (
        f"<span{_style(c)}>{text}</span>"
        for c, text in ((0.65, f"unsure: under {SURE:.0%}"), (0.25, f"doubtful: under {DOUBTFUL:.0%}"))
    )
    return f"<p style='margin:0 0 0.4em'><small>Confidence {unsure} {doubtful}</small></p>"
