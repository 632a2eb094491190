"""Which of Kokoro's voice styles speak which language, best first, and which mixtures speak it as well.

A style's name tells language and gender: ``pf_dora`` is a Portuguese (``p``) female (``f``) one, ``a`` is American and
``b`` British English. A mixture ``pf_dora+af_heart`` is the mean of its parts: the accent of the first, a voice of its
own. ``docs/voices.md`` has the measurements by which the mixtures were chosen.
"""

from __future__ import annotations

from dubkit.artefacts import Gender, Voice

# English in the order of the grades that the model's authors gave (VOICES.md of hexgrad/Kokoro-82M).
STYLES: dict[str, tuple[str, ...]] = {
    "en": (
        *("af_heart", "am_michael", "af_bella", "am_fenrir", "bf_emma", "am_puck", "af_aoede", "bm_george"),
        *("af_kore", "bm_fable", "af_sarah", "am_eric", "bf_isabella", "am_liam", "af_alloy", "bm_lewis", "af_nova"),
        *("am_onyx", "af_sky", "bm_daniel", "bf_alice", "am_echo", "bf_lily", "am_adam", "af_jessica", "am_santa"),
        *("af_river", "af_nicole"),
    ),
    "es": (
        *("ef_dora", "em_alex", "em_santa", "ef_dora+bf_emma", "em_alex+am_michael", "ef_dora+af_bella"),
        *("em_alex+bm_george", "ef_dora+af_kore", "em_alex+am_fenrir", "ef_dora+af_nova"),
    ),
    "fr": (
        *("ff_siwis", "ff_siwis+im_nicola+am_onyx", "ff_siwis+bf_emma", "ff_siwis+am_michael+bm_george"),
        *("ff_siwis+af_nova", "ff_siwis+im_nicola+am_fenrir", "ff_siwis+af_bella", "ff_siwis+im_nicola+am_michael"),
        "ff_siwis+af_kore",
    ),
    "it": (
        *("if_sara", "im_nicola", "if_sara+bf_emma", "im_nicola+bm_george", "if_sara+af_kore", "im_nicola+am_fenrir"),
        *("if_sara+af_heart", "im_nicola+am_michael", "if_sara+af_nova"),
    ),
    "pt": (
        *("pf_dora", "pm_alex", "pm_santa", "pf_dora+bf_emma", "pm_alex+am_michael", "pf_dora+af_heart"),
        *("pm_alex+bm_george", "pf_dora+af_kore", "pm_alex+am_fenrir", "pf_dora+af_nova"),
    ),
}

_ACCENTS = {"a": "en-us", "b": "en-gb", "e": "es", "f": "fr", "i": "it", "p": "pt"}
_GENDERS: dict[str, Gender] = {"f": "female", "m": "male"}


def voices(language: str) -> tuple[Voice, ...]:
    """The voices for a language, best first; none where Kokoro does not speak it."""
    return tuple(
        Voice(id=f"kokoro:{s}", language=language, gender=gender(s), name=name(s)) for s in STYLES.get(language, ())
    )


def known(style: str) -> bool:
    """Whether every part of a style is one that some language has, so that it can be spoken."""
    single = {part for styles in STYLES.values() for part in styles if "+" not in part}
    return bool(style) and all(part in single for part in style.split("+"))


def accent(style: str) -> str:
    """How text is pronounced for a style: a key of :data:`dubkit.backends.kokoro.phonemes.ESPEAK_CODES`."""
    return _ACCENTS[style[0]]


def gender(style: str) -> Gender:
    """A style's gender; a mixture's is its last part's: in French the first one is female in the male mixtures, too."""
    return _GENDERS[style.split("+")[-1][1]]


def name(style: str) -> str:
    """A name to show: ``Dora``, or ``Dora and Heart`` for a mixture."""
    *others, last = (part.split("_")[1].title() for part in style.split("+"))
    return f"{', '.join(others)} and {last}" if others else last
