"""What the environment may say: every value is checked when a service starts, and a misspelt name is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dubkit
from dubkit.errors import BadInput
from dubkit.service.config import ELSEWHERE, VARIABLES, Config, unknown

LONG = "s" * 32


def read(**variables: str) -> Config:
    return Config.from_environment({"DUBKIT_HOME": "/srv/dubkit", **variables})


def test_what_is_not_said_is_as_on_one_machine():
    assert read(DUBKIT_HOSTS=" ", DUBKIT_SECRET="") == Config.at(Path("/srv/dubkit"))
    assert read(DUBKIT_REQUIRE_KEY="1").rate == "600/minute"
    assert read(DUBKIT_REQUIRE_KEY="1", DUBKIT_RATE="none").rate == ""


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"DUBKIT_PROFILE": "nosuch"}, r"DUBKIT_PROFILE: There is no profile 'nosuch': give one of embedded, hub"),
        ({"DUBKIT_ORIGINS": "*"}, r"DUBKIT_ORIGINS .* pages of every site"),
        ({"DUBKIT_ORIGINS": "https://a.example,b.example"}, r"'b.example' is no scheme://host"),
        ({"DUBKIT_ORIGINS": "https://a.example/page"}, r"is no scheme://host"),
        ({"DUBKIT_ORIGINS": "https://me:pw@a.example"}, r"is no scheme://host"),
        ({"DUBKIT_ORIGINS": "https://*.example"}, r"is no scheme://host"),
        ({"DUBKIT_ORIGINS": "https://a.example:x"}, r"is no scheme://host"),
        ({"DUBKIT_ORIGINS": "ftp://a.example"}, r"is no scheme://host"),
        ({"DUBKIT_HOSTS": "*"}, r"DUBKIT_HOSTS .* any site could lead a browser here"),
        ({"DUBKIT_HOSTS": "*.example"}, r"any site could lead a browser here"),
        ({"DUBKIT_HOSTS": "a.example,https://b.example/"}, r"'https://b.example/' is none; give them without https://"),
        ({"DUBKIT_HOSTS": "a.example:99999"}, r"is none"),
        ({"DUBKIT_RATE": "0/minute"}, r"DUBKIT_RATE .* 0 would refuse everybody"),
        ({"DUBKIT_UPLOAD_RATE": "9/hour;0/day"}, r"DUBKIT_UPLOAD_RATE"),
        ({"DUBKIT_LOG": "loud"}, r"DUBKIT_LOG must be text or json, not 'loud'"),
        ({"DUBKIT_MAX_MB": "1.5"}, r"DUBKIT_MAX_MB must be a whole number"),
    ],
)
def test_what_does_not_fit_is_told_with_its_name(variables: dict[str, str], told: str):
    with pytest.raises(BadInput, match=told):
        read(**variables)


def test_a_secret_is_long_and_never_repeated():
    with pytest.raises(BadInput, match=re.escape("secrets.token_urlsafe(48)")) as told:
        read(DUBKIT_SECRET="hunter2" * 4)
    assert "32 characters or more: what was given has 28" in str(told.value)
    assert "hunter2" not in str(told.value)
    assert read(DUBKIT_SECRET=LONG).secret == LONG


def test_names_are_taken_as_browsers_send_them():
    read_ = read(
        DUBKIT_ORIGINS="https://A.example:443/, http://b.example:8080",
        DUBKIT_HOSTS="DUB.example,10.0.0.1:80,[fd00::1],::2",
    )
    assert read_.origins == ("https://a.example", "http://b.example:8080")
    assert read_.hosts == ("dub.example", "10.0.0.1:80", "fd00::1", "::2")


def test_a_misspelt_name_is_told_with_the_nearest():
    said = list(unknown({"DUBKIT_REQUIREKEY": "1", "DUBKIT_XYZZY": "1", "DUBKIT_HOME": "/srv", "HOME": "/root"}))
    assert said == [
        "dubkit knows no variable DUBKIT_REQUIREKEY: it changes nothing. Is DUBKIT_REQUIRE_KEY meant?",
        "dubkit knows no variable DUBKIT_XYZZY: it changes nothing.",
    ]


def test_all_that_dubkit_reads_is_known():
    package = Path(dubkit.__file__).parent
    found = {
        name
        for file in package.rglob("*.py")
        for name in re.findall(r"\bDUBKIT_[A-Z_]+[A-Z]\b", file.read_text("utf-8"))
    }
    assert found == {"DUBKIT_HOME", *VARIABLES, *ELSEWHERE}
