import subprocess
import sys

import pytest

from dubkit import languages
from dubkit.errors import BadInput


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("pt", "pt"),
        ("PT-br", "pt"),
        ("pt_PT.UTF-8", "pt"),
        ("por", "pt"),
        ("Portuguese", "pt"),
        ("  brazilian   portuguese ", "pt"),
        ("en-Latn-GB", "en"),
        ("iw", "he"),
        ("jw", "jv"),
        ("tl", "fil"),
        ("nb", "no"),
        ("Norwegian Bokmål", "no"),
        ("nn", "nn"),
        ("arb", "ar"),
        ("arz", "arz"),
        ("cmn", "zh"),
        ("Mandarin", "zh"),
        ("zh-CN", "zh"),
        ("zh_TW", "zh-Hant"),
        ("Traditional Chinese", "zh-Hant"),
        ("sr-Cyrl", "sr"),
        ("sr-Latn", "sr-Latn"),
        ("ko-Hang", "ko"),
        ("prs", "fa-AF"),
        ("ga", "ga"),
        ("gaa", "gaa"),
        ("mon", "mn"),
    ],
)
def test_what_people_write_becomes_one_canonical_code(given: str, code: str) -> None:
    assert languages.parse(given) == code
    assert languages.parse(code) == code, "canonical codes stay as they are"


@pytest.mark.parametrize(
    "given", ["", "xx", "und", "mul", "qaa", "a b", "pt;rm -rf /", "../pt", "portugu\x00", "en-", "1"]
)
def test_what_is_no_language_is_refused(given: str) -> None:
    with pytest.raises(BadInput, match="is not a language") as caught:
        languages.parse(given)
    assert repr(given) in str(caught.value)


def test_a_misspelt_name_brings_a_suggestion() -> None:
    with pytest.raises(BadInput, match=r"Did you mean Portuguese \(pt\)\?"):
        languages.parse("Portugese")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("pt", "Portuguese"),
        ("zh-Hant", "Traditional Chinese"),
        ("sr-Latn", "Serbian (Latin)"),
        ("fa-AF", "Dari"),
        ("abi", "abi"),
    ],
)
def test_names_are_english(code: str, name: str) -> None:
    assert languages.name(code) == name


@pytest.mark.parametrize(
    ("code", "tag"),
    [("pt", "por"), ("en", "eng"), ("de", "deu"), ("zh-Hant", "zho"), ("fil", "fil"), ("xx", "und"), ("", "und")],
)
def test_tags_for_containers_have_three_letters(code: str, tag: str) -> None:
    assert languages.iso639_2(code) == tag


def test_it_does_without_torch() -> None:
    check = "import sys; from dubkit import languages as l; l.parse('Portuguese'); print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
