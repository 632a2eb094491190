"""Words as one text: with spaces between them where their script has spaces.

It goes by the signs and not by the language, because names in Latin letters stand in Chinese and Japanese lines too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Tibetan, Thai and Lao; Myanmar; Khmer; Chinese and Japanese with their punctuation and the full-width forms.
_UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u1780-\u17ff\u19e0-\u19ff"
    "\u2e80-\u2fdf\u2ff0-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\ufe30-\ufe4f\uff00-\uff9f\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff\uffa0-\uffdc]")


def needs_space(before: str, after: str) -> bool:
    """Whether a space stands between two words: not beside Chinese, Japanese, Thai, Lao, Burmese, Khmer or Tibetan.

    Korean has spaces, beside Chinese characters too.
    """
    signs = before[-1:], after[:1]
    return any(map(_HANGUL.match, signs)) or not any(map(_UNSPACED.match, signs))


def spaced(words: Iterable[str]) -> str:
    """Words as one text."""
    text = ""
    for word in words:
        text += f" {word}" if text and needs_space(text, word) else word
    return text
