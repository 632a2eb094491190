"""What of a text can be read aloud."""

from __future__ import annotations

import re
import unicodedata

_REPLACED = str.maketrans(
    {
        **dict.fromkeys("¡¿*_~`^|\\", ""),
        **dict.fromkeys("[{", "("),
        **dict.fromkeys("]}", ")"),
        **dict.fromkeys("«„‟", "“"),
        **dict.fromkeys("–―", "—"),
        **{"»": "”", "’": "'", "‘": "'", "。": ". ", "，": ", ", "、": ", ", "？": "? ", "！": "! "},
    }
)


def speakable(text: str) -> str:
    """The text without what cannot be read aloud: emoji, control characters, translators' marks, Spanish ``¿``."""
    kept = []
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        if character.isspace() or category == "Cc":
            kept.append(" ")
        elif character == "°" or (category[0] != "C" and category not in {"So", "Sk"}):
            kept.append(character)
    plain = re.sub("[\ufe00-\ufe0f\u20e3]", "", "".join(kept)).translate(_REPLACED)
    curly = re.sub(r"\"", "”", re.sub(r"(?:^|(?<=[\s(—]))\"", "“", plain))
    return re.sub(r"\s+", " ", curly).strip()
