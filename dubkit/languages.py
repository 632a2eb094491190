"""Languages as dubkit names them: one canonical BCP-47 code each, their English names and three-letter tags.

A canonical code is the bare language (``pt`` for pt-BR, por and Portuguese). It keeps a script where that is not the
language's usual one (``zh-Hant``, ``sr-Latn``), because then the written words differ, and a region only where that is
how the standard names a separate language (``fa-AF``, Dari). What a back end can do is asked of the back end.
"""

from __future__ import annotations

import difflib
import functools
import re

import langcodes
from langcodes.tag_parser import LanguageTagError

from dubkit.errors import BadInput

_REGIONAL = frozenset({"fa-AF"})
# Codes that other tools use for a language that has a more usual one.
_SAME = {"nb": "no", "nb-NO": "no", "ajp": "apc", "kmr": "ku"}
# Names that people type and CLDR lists otherwise.
_ALIASES = {
    "castilian": "es",
    "dari": "fa-AF",
    "farsi": "fa",
    "flemish": "nl",
    "haitian": "ht",
    "mandarin": "zh",
    "mandarin chinese": "zh",
    "myanmar": "my",
    "oriya": "or",
    "tagalog": "fil",
}
_NO_LANGUAGE = frozenset({"und", "mul", "mis", "zxx"})
_PRIVATE = re.compile("q[a-t][a-z]")
# Scripts that CLDR treats as one with a smaller or larger set of the same signs.
_EQUAL_SCRIPTS = {"Hang": "Kore", "Hrkt": "Jpan"}


def parse(text: str) -> str:
    """The canonical code for what a person wrote.

    Parameters
    ----------
    text : str
        A BCP-47 code, an ISO 639 code of two or three letters, a locale such as ``pt_BR.UTF-8``, or an English name;
        case does not matter.

    Raises
    ------
    BadInput
        If it is none of these; the message says what is allowed and names the likeliest ones meant.
    """
    wanted = " ".join(text.split())
    # Names of up to three letters are codes of other languages: Ga is not ga, which is Irish.
    if len(wanted) > 3 and (named := _by_name().get(wanted.casefold())):
        return named
    tag = wanted.split(".")[0].split("@")[0].replace("_", "-")
    try:
        return _canonical(tag)
    except (LanguageTagError, LookupError, ValueError):
        raise BadInput(
            f"{text!r} is not a language. Give a code such as pt, en or zh-Hant, or an English name such as "
            f"Portuguese.{_suggestion(wanted)} dubkit languages lists what can be dubbed here."
        ) from None


def name(code: str) -> str:
    """A language's English name (``Portuguese``); the code itself where it has none in CLDR."""
    language, _, subtag = code.partition("-")
    names = _cldr_names()
    whole = names.get(code.replace("-", "_"))
    bare = names.get(language)
    if whole or not bare or not subtag:
        return whole or bare or code
    return f"{bare} ({_cldr_scripts().get(subtag, subtag)})"


def iso639_2(code: str) -> str:
    """The three-letter code (``por``) that MP4 and Matroska tag a track with; ``und`` where there is none."""
    try:
        return str(langcodes.Language.get(code).to_alpha3())
    except (LanguageTagError, LookupError):
        return "und"


@functools.cache
def _canonical(tag: str) -> str:
    standard = langcodes.standardize_tag(_SAME.get(tag, tag), macro=True)
    parts = langcodes.Language.get(standard)
    code = parts.language
    if not parts.is_valid() or code is None or code in _NO_LANGUAGE or _PRIVATE.fullmatch(code):
        raise LookupError(tag)
    if f"{code}-{parts.territory}" in _REGIONAL:
        return f"{code}-{parts.territory}"
    code = _SAME.get(code, code)
    script = parts.script or _likely_script(code, parts.territory)
    script = _EQUAL_SCRIPTS.get(script or "", script)
    usual = _likely_script(code)
    return f"{code}-{script}" if script and usual and script != usual else code


def _likely_script(language: str, territory: str | None = None) -> str | None:
    """The script that CLDR expects of a language, in a territory where one is given; None where it does not know."""
    from babel.core import get_global

    likely = get_global("likely_subtags")
    found = likely.get(f"{language}_{territory}") if territory else None
    found = found or likely.get(language)
    return found.split("_")[1] if found else None


@functools.cache
def _cldr_names() -> dict[str, str]:
    from babel import Locale

    return dict(Locale("en").languages)


@functools.cache
def _cldr_scripts() -> dict[str, str]:
    from babel import Locale

    return dict(Locale("en").scripts)


@functools.cache
def _by_name() -> dict[str, str]:
    """Canonical codes by English name, case folded."""
    found = dict(_ALIASES)
    for code, label in _cldr_names().items():
        try:
            found.setdefault(label.casefold(), _canonical(code.replace("_", "-")))
        except (LanguageTagError, LookupError):
            continue
    return found


def _suggestion(wanted: str) -> str:
    if len(wanted) < 4:
        return ""
    close = difflib.get_close_matches(wanted.casefold(), _by_name(), n=3, cutoff=0.75)
    if not close:
        return ""
    meant = dict.fromkeys(_by_name()[label] for label in close)
    return " Did you mean " + " or ".join(f"{name(code)} ({code})" for code in meant) + "?"
