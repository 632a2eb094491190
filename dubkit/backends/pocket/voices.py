"""The languages of Pocket TTS and its stock voices: whose recordings they are made from, and what is known of them.

Every stock voice can speak every language, with its own accent, so each language's native voice comes first. Genders are
those that the recordings' corpora document (VCTK's speaker list; the LibriVox readers of Voice-Zero and the named
narrators by their names); "unknown" elsewhere. Left out are ``cosette`` and ``jean``, whose recordings (Expresso, EARS)
are for non-commercial use only.
"""

from __future__ import annotations

from dubkit.artefacts import Gender, Voice

OWN = "pocket:own"
"""The voice that stands for a copy of the speaker's."""

LANGUAGES = {
    "en": "english",
    "fr": "french",
    "de": "german",
    "pt": "portuguese",
    "it": "italian",
    "es": "spanish",
    "nl": "dutch",
}
"""The library's name of the model that speaks each language."""

_NATIVE = {"fr": "estelle", "de": "juergen", "pt": "rafael", "it": "giovanni", "es": "lola", "nl": "daan"}
_GENDERS: dict[str, Gender] = {
    "alba": "female",
    "charles": "male",
    "anna": "female",
    "paul": "male",
    "vera": "female",
    "george": "male",
    "fantine": "female",
    "michael": "male",
    "eponine": "female",
    "peter_yearsley": "male",
    "azelma": "female",
    "stuart_bell": "male",
    "mary": "female",
    "bill_boerst": "male",
    "jane": "female",
    "eve": "female",
    "caro_davy": "female",
    "estelle": "female",
    "juergen": "male",
    "giovanni": "male",
    "lola": "female",
    "rafael": "male",
    "daan": "male",
    "javert": "unknown",
    "marius": "unknown",
}


def names(language: str) -> tuple[str, ...]:
    """The stock voices for a language, best first: its native one, then those of English."""
    native = _NATIVE.get(language)
    others = [n for n in _GENDERS if n not in _NATIVE.values()]
    return (native, *others) if native else tuple(others)


def voice(name: str, language: str) -> Voice:
    """A stock voice, or one of a user's folder, of which nothing is known."""
    shown = name.replace("_", " ").title()
    return Voice(id=f"pocket:{name}", language=language, gender=_GENDERS.get(name, "unknown"), name=shown)
