"""When each word was said, from a recogniser's cross-attention; and tokens into words.

The method is that of OpenAI's Whisper (``timing.py``): normalise the attention of the heads that follow the sound,
smooth it, and find the monotonic path through it by dynamic time warping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from dubkit.spacing import needs_space

if TYPE_CHECKING:
    import numpy as np

FRAME = 0.02
"""Seconds per encoder frame."""

UNSPACED = frozenset({"zh", "zh-Hant", "yue", "ja", "th", "lo", "my", "km", "bo"})
"""Languages written without spaces between words: each token counts as a word, but for foreign words and numbers."""

_OPENING = "\"'“«¡¿([{-–—「『《（"
_CLOSING = "\"'.。,，!！?？:：;；…”»)]}、」』》）"


def token_times(attention: np.ndarray, seconds: float, smoothing: int) -> list[float]:
    """Boundaries of tokens in time.

    Parameters
    ----------
    attention : np.ndarray, shape (n_heads, n_tokens + 1, n_frames)
        Cross-attention weights of the steps that chose the tokens and, last, the end of the text.
    seconds : float
        Length of the sound; frames after it are padding.
    smoothing : int
        Frames of the median filter, an odd number.

    Returns
    -------
    list of float, n_tokens + 1 items
        Token k lasts from item k to item k + 1, in seconds, never falling.
    """
    import librosa
    import numpy as np
    from scipy.ndimage import median_filter

    n_frames = min(attention.shape[2], max(1, round(seconds / FRAME)))
    weights = attention[:, :, :n_frames].astype(np.float64)
    weights /= np.maximum(weights.sum(-1, keepdims=True), 1e-12)
    spread = weights.std(axis=1, keepdims=True)
    weights = (weights - weights.mean(axis=1, keepdims=True)) / np.maximum(spread, 1e-12)
    weights = median_filter(weights, size=(1, 1, smoothing), mode="mirror")
    steps = np.array([[1, 1], [1, 0], [0, 1]])
    _, path = librosa.sequence.dtw(C=-weights.mean(axis=0), step_sizes_sigma=steps)
    token, frame = path[::-1].T
    first = np.searchsorted(token, np.arange(weights.shape[1]))
    return [min(float(frame[k]) * FRAME, seconds) for k in first]


def words(tokens: list[int], decode: Callable[[list[int]], str], language: str) -> Iterator[tuple[str, int, int]]:
    """Group tokens into words, punctuation with the word that it belongs to.

    Parameters
    ----------
    tokens : list of int
        Text tokens, no special ones.
    decode : callable
        Tokens to text; a character cut between tokens comes out as U+FFFD.
    language : str
        BCP-47 code.

    Yields
    ------
    tuple of (str, int, int)
        The word without spaces around it, and its first and last token (inclusive).
    """
    parts = list(_whole_characters(tokens, decode))
    parts = list(_spaced(parts, language in UNSPACED))
    for text, first, last in _with_punctuation(parts):
        if text.strip():
            yield text.strip(), first, last


def _whole_characters(tokens: list[int], decode: Callable[[list[int]], str]) -> Iterator[tuple[str, int, int]]:
    """The smallest runs of tokens that decode to whole characters."""
    full = decode(tokens)
    first = done = 0
    for last in range(len(tokens)):
        text = decode(tokens[first : last + 1])
        broken = text.find("\ufffd")
        # A replacement character that stands in the full text too is what was said, not a cut.
        if broken < 0 or full[done + broken : done + broken + 1] in ("", "\ufffd"):
            yield text, first, last
            first, done = last + 1, done + len(text)


def continues(before: str, after: str) -> bool:
    """Whether a run of tokens goes on with the word before it in a text without spaces, as in ``Chat`` and ``GPT``."""
    return not after.startswith(" ") and needs_space(before, after)


def _spaced(parts: list[tuple[str, int, int]], unspaced: bool) -> Iterator[tuple[str, int, int]]:
    """Runs that begin at a space, or in a text without spaces at a character of its own script."""
    held: tuple[str, int, int] | None = None
    for text, first, last in parts:
        if held and (continues(held[0], text) if unspaced else not text.startswith(" ")):
            held = (held[0] + text, held[1], last)
            continue
        if held:
            yield held
        held = (text, first, last)
    if held:
        yield held


def _with_punctuation(parts: list[tuple[str, int, int]]) -> Iterator[tuple[str, int, int]]:
    """Marks that stand alone joined to their word: closing ones to the one before, opening ones to the one after."""
    held: tuple[str, int, int] | None = None
    for text, first, last in parts:
        closing = not text.startswith(" ") and _only(text, _CLOSING)
        if held and (closing or _only(held[0], _OPENING)):
            held = (held[0] + text, held[1], last)
            continue
        if held:
            yield held
        held = (text, first, last)
    if held:
        yield held


def _only(text: str, marks: str) -> bool:
    return bool(text.strip()) and all(c in marks for c in text.strip())
