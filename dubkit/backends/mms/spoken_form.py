"""Figures as words, and the letters that a vocabulary has in place of those that it lacks: for voices that read letters.

MMS's tokenizers drop what is not in their vocabulary without a word, and figures are in none. Numbers are said by
num2words, where it knows the language, in their basic form: gender and case are not agreed with what is counted. The
words for percent and for currencies, and the signs within numbers, are CLDR's.
"""

from __future__ import annotations

import functools
import importlib
import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Any

# Canonical language codes to num2words' own, for those that MMS speaks too and whose numbers come out right.
_SAME = """
ar az bn ca cy de en es fa fi fr he hu id is kn ko lv nl pl ro ru sv te tg th tr uk vi
"""
_KNOWN = {code: code for code in _SAME.split()} | {"kk": "kz", "pt": "pt_BR"}
# Words where num2words has none or others, or goes wrong over a fraction that begins with zeros.
_POINT = {"ar": "فاصلة", "bn": "দশমিক", "ca": "coma", "cy": "pwynt", "es": "coma", "fa": "ممیز", "kn": "ಬಿಂದು"}
_POINT |= {"te": "బిందువు", "tr": "virgül", "vi": "phẩy"}
_MINUS = {"bn": "মাইনাস", "kn": "ಮೈನಸ್", "pl": "minus", "te": "మైనస్", "vi": "âm"}
_YEARS = frozenset({"de", "en", "nl"})
"""Languages whose years are read unlike other numbers."""
_UNSPACED = frozenset({"ko", "th"})
_ORDINALS = {
    "en": ("st|nd|rd|th", ""),
    "es": (r"\.?º", r"\.?ª"),
    "fr": ("er|e|ème|nd", "re|nde"),
    "nl": ("e|de|ste", ""),
    "pt": (r"\.?º", r"\.?ª"),
    "ru": ("-й", ""),
    "sv": (":[ae]", ""),
    "uk": ("-й", ""),
}
"""What is written after figures to make an ordinal: masculine or common, and feminine."""
_CURRENCIES = {"US$": "USD", "R$": "BRL", "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB"}
_CURRENCIES |= {"₩": "KRW", "₴": "UAH", "₺": "TRY", "₫": "VND", "₪": "ILS", "₦": "NGN", "₸": "KZT", "₱": "PHP"}
_SIGNS = "%‰" + "".join(sorted({sign[-1] for sign in _CURRENCIES}))
_ENDS = re.escape(_SIGNS + "°′″)]")
"""After these, as after a figure, a hyphen is one between two numbers and no minus."""
_MONEY = "|".join(re.escape(sign) for sign in sorted(_CURRENCIES, key=len, reverse=True))
_MULTIPLE = r"\s(?:thousand|tausend|tysi|тыся|тися|тис|тыс|mil|mrd|bil|tril|мил|мільй|мільяр|трил)\w*"
_APOSTROPHES = "'’ʼ"
_ARABIC = str.maketrans("٫٬٪", ".,%")
_ROW = re.compile(r"(?!\d{1,3}(?:\.\d{3})+(?!\d))\d+(?:[.:/-]\d+){2,}")
"""Dates, versions, addresses: numbers in a row, none of them a fraction of another."""
_LONGEST = 15
"""Digits after which a number is read one by one; num2words runs out of names beyond it."""


def spoken(text: str, language: str) -> str:
    """A text with its numbers in words; unchanged where there are none, or none that can be said in the language.

    Parameters
    ----------
    text : str
        A line.
    language : str
        Its canonical code.
    """
    if not any(c.isdecimal() for c in text):
        return text
    if not can_say_numbers(language):
        return text
    plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text).translate(_ARABIC)
    plain = _ROW.sub(lambda found: re.sub(r"\D", " ", found.group()), plain)
    said = _pattern(language).sub(lambda found: _said(found, language), plain)
    return re.sub(r"\s+", " ", said).strip()


def can_say_numbers(language: str) -> bool:
    """Whether figures become words in a language, here."""
    return language in _KNOWN and _num2words() is not None


def fitted(text: str, sayable: Callable[[str], bool]) -> tuple[str, str]:
    """A text in the letters of a vocabulary, and the letters, figures and signs of it that this cannot express.

    A letter that is not there becomes its base letter (é: e), or the other apostrophe, if the vocabulary has that.
    Punctuation that is not there becomes a space, lest the words on its two sides become one.

    Parameters
    ----------
    text : str
        A line.
    sayable : callable
        Whether the vocabulary has a character.
    """
    kept, lacking = [], []
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        if sayable(character):
            kept.append(character)
        elif near := "".join(c for c in _alternatives(character) if sayable(c)):
            kept.append(near)
        elif category[0] in "LN" or category == "Sc" or character in "%‰":
            lacking.append(character)
        elif category[0] in "PZSC" and character not in _APOSTROPHES:
            kept.append(" ")
    return " ".join("".join(kept).split()), "".join(dict.fromkeys(lacking))


def _alternatives(character: str) -> str:
    """What may stand for a character: the other apostrophe, or what is left of it without its accents."""
    if character in _APOSTROPHES:
        return "’" if character == "'" else "'"
    bare = unicodedata.normalize("NFKD", character)
    return "".join(c for c in bare if not unicodedata.combining(c)) if bare != character else ""


@functools.cache
def _num2words() -> Any:
    """num2words' function; None where it is not installed."""
    try:
        return importlib.import_module("num2words").num2words
    except ImportError:
        return None


@functools.cache
def _locale(language: str) -> Any:
    from babel import Locale

    return Locale.parse(language, sep="-")


@functools.cache
def _pattern(language: str) -> re.Pattern[str]:
    """A number as the language writes it, with what belongs to it on either side."""
    from babel.numbers import get_decimal_symbol, get_group_symbol

    group, point = (
        symbol(_locale(language), numbering_system="latn") for symbol in (get_group_symbol, get_decimal_symbol)
    )
    groups = "[ \u00a0\u202f]" if group.isspace() else re.escape(group)
    common, feminine = _ORDINALS.get(language, ("", ""))
    ordinals = "".join(
        f"(?P<{name}>{ending})(?!\\w)|" for name, ending in (("common", common), ("feminine", feminine)) if ending
    )
    return re.compile(
        rf"(?:(?<![\w.,{_ENDS}])(?P<minus>[-−]))?(?:(?P<before>{_MONEY}|%)\s?)?"
        rf"(?P<whole>(?<!\d)\d{{1,3}}(?:{groups}\d{{2,3}})*{groups}\d{{3}}(?!\d)|\d+)"
        rf"(?:{re.escape(point)}(?P<fraction>\d+)(?![\d]|[.,:]\d))?"
        rf"(?:{ordinals}(?P<multiple>{_MULTIPLE})?(?:\s?(?P<after>{_MONEY}|%))?)",
        re.IGNORECASE,
    )


def _said(found: re.Match[str], language: str) -> str:
    parts = found.groupdict(default="")
    figures = re.sub(r"\D", "", parts["whole"])
    # CLDR's plurals depend on whether there is a fraction, be it zero.
    number = Decimal(f"{figures}.{parts['fraction']}" if parts["fraction"] else figures)
    sign = parts["before"] or parts["after"]
    money = _CURRENCIES.get(sign.upper())
    feminine = parts.get("feminine", "")
    if feminine or parts.get("common"):
        words = _ordinal(int(figures), language, bool(feminine))
    elif money:
        return _spaced(found, _amount(number, parts, money, language), language)
    else:
        grouped = figures != parts["whole"]
        alone = not (grouped or parts["fraction"] or parts["minus"] or sign)
        words = _number(figures, parts["fraction"], language, year=alone)
    if parts["minus"]:
        words = f"{_minus(language)} {words}"
    words += parts["multiple"]
    return _spaced(found, _percent(number, words, language) if sign == "%" else words, language)


def _number(figures: str, fraction: str, language: str, year: bool = False) -> str:
    """A number that is not negative; figures one by one where it begins with zeros or is too long."""
    point = _POINT.get(language) if fraction else None
    if (figures[0] == "0" and len(figures) > 1) or len(figures) > _LONGEST:
        whole = " ".join(_cardinal(int(c), language) for c in figures)
    elif year and language in _YEARS and 1100 <= int(figures) < 2100 and len(figures) == 4:
        whole = str(_num2words()(int(figures), lang=_KNOWN[language], to="year"))
    elif fraction and not point:
        return str(_num2words()(Decimal(f"{figures}.{fraction}"), lang=_KNOWN[language]))
    else:
        whole = _cardinal(int(figures), language)
    return " ".join([whole, point or "", *(_cardinal(int(c), language) for c in fraction)]) if fraction else whole


def _cardinal(number: int, language: str) -> str:
    try:
        return str(_num2words()(number, lang=_KNOWN[language])).replace(",", "")
    except (OverflowError, NotImplementedError, KeyError, IndexError):
        return " ".join(str(_num2words()(int(c), lang=_KNOWN[language])) for c in str(number))


def _ordinal(number: int, language: str, feminine: bool) -> str:
    try:
        words = str(_num2words()(number, lang=_KNOWN[language], to="ordinal"))
    except (OverflowError, NotImplementedError, KeyError, IndexError):
        return _cardinal(number, language)
    if feminine and language == "fr":
        return words.replace("premier", "première")
    return re.sub(r"o\b", "a", words) if feminine else words


def _minus(language: str) -> str:
    """The word for a minus sign: what num2words says before -5 and not before 5."""
    if language in _MINUS:
        return _MINUS[language]
    say = _num2words()
    return str(say(-5, lang=_KNOWN[language])).removesuffix(str(say(5, lang=_KNOWN[language]))).strip()


def _percent(number: Decimal, words: str, language: str) -> str:
    from babel.numbers import format_decimal
    from babel.units import format_unit

    locale = _locale(language)
    figures = format_decimal(number, locale=locale)
    said = format_unit(number, "concentr-percent", "long", locale=locale)
    # Where CLDR has no word it answers with the unit's own code, or with a sign.
    if figures not in said or "concentr" in said or not any(c.isalpha() for c in said.replace(figures, "")):
        return f"{words} %"
    return " ".join(str(said).replace(figures, words).split())


def _amount(number: Decimal, parts: dict[str, str], code: str, language: str) -> str:
    """Money: the whole, the currency, the hundredths (three euros fifty), or a multiple of it (three million euros)."""
    from babel.numbers import get_currency_name

    figures, fraction = re.sub(r"\D", "", parts["whole"]), parts["fraction"]
    hundredths = len(fraction) == 2 and not parts["multiple"]
    count = 1_000_000 if parts["multiple"] else int(figures) if hundredths else number
    name = get_currency_name(code, count, _locale(language))
    currency = parts["before"] or parts["after"] if name == code else name
    words = _number(figures, "" if hundredths else fraction, language) + parts["multiple"]
    cents = _cardinal(int(fraction), language) if hundredths and int(fraction) else ""
    minus = _minus(language) if parts["minus"] else ""
    return " ".join(filter(None, (minus, words, currency, cents)))


def _spaced(found: re.Match[str], words: str, language: str) -> str:
    """The words with room around them where the text left none, in scripts that part words."""
    if language in _UNSPACED:
        return words
    before, after = found.string[: found.start()][-1:], found.string[found.end() :][:1]
    return f"{' ' if _joins(before) else ''}{words}{' ' if _joins(after) else ''}"


def _joins(character: str) -> bool:
    """Whether words would become one with what stands here: a letter, its vowel sign, or a sign that becomes a word."""
    return bool(character) and (unicodedata.category(character)[0] in "LMN" or character in _SIGNS)
