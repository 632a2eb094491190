"""The languages of Meta's MMS voices under dubkit's codes, and a text in each by which its voice can be heard."""

from __future__ import annotations

import functools

from dubkit import languages

# Of the 1107 languages that the hub has as facebook/mms-tts-CODE, those that NLLB-200 translates into. There is no
# Italian, Chinese or Japanese among them.
_CODES = """
ace aka amh ara asm awa ayr azj-script_latin azb bak ban bem bul bam ben bod cat ceb cym deu dik dyu dzo ewe ell eng spa
eus fas ful fin tgl fij fao fon fra grn guj hau heb hin hne hat hun ind ilo isl jav kab kac kbp kik kaz khm kan kor
kmr-script_latin kir lug lao lav mag mai mlg min mal mon mos mar zlm mya nld nus nya orm ory pan pag pap pol por quy run
ron rus kin sag shn smo sna som sqi sun swe swh tam taq tel tgk tha tir tuk-script_latin tpi tur tso tat
uig-script_arabic ukr urd-script_arabic vie war yor
"""
_SCRIPTS = {"arabic": "Arab", "cyrillic": "Cyrl", "devanagari": "Deva", "ethiopic": "Ethi", "latin": "Latn"}
# MMS and NLLB-200 name the same variety, which dubkit calls by its language.
_VARIETIES = {"zlm": "ms", "quy": "qu"}


@functools.cache
def codes() -> dict[str, str]:
    """MMS's code, such as ``por`` or ``uig-script_arabic``, by dubkit's."""
    return {language(code): code for code in _CODES.split()}


def language(code: str) -> str:
    """The canonical language of an MMS code."""
    iso, _, script = code.partition("-script_")
    return _VARIETIES.get(iso) or languages.parse(f"{iso}-{_SCRIPTS[script]}" if script in _SCRIPTS else iso)


def known_words(language: str) -> str:
    """Words that CLDR knows in a language: the days of the week and the first months; empty where it knows none."""
    from babel import Locale, UnknownLocaleError

    try:
        locale = Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return ""
    days = [locale.days["stand-alone"]["wide"][n] for n in range(7)]
    months = [locale.months["stand-alone"]["wide"][n] for n in range(1, 7)]
    return " ".join(word for word in (*days, *months) if not any(c.isdigit() for c in word))
