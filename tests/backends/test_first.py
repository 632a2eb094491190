from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from dubkit.artefacts import Gender, Voice
from dubkit.backends import registry
from dubkit.backends.first import First, member_specs
from dubkit.backends.protocols import Backend, Compute, ModelCard, Request
from dubkit.errors import BadInput


class Hummer:
    """Says every text as a tone of 100 ms for each letter, at a level that tells who hummed."""

    def __init__(
        self, name: str, spoken: dict[str, Gender], sample_rate: int, rates: tuple[float, float], level: float
    ):
        self.name, self.spoken, self.sample_rate, self.rates, self.level = name, spoken, sample_rate, rates, level
        self.batches: list[int] = []

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> "Hummer":
        raise AssertionError("made by hand here")

    @property
    def fingerprint(self) -> str:
        return f"{self.name}-7"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        return [ModelCard(self.name, "MIT", 1, True, "")]

    def languages(self) -> frozenset[str]:
        return frozenset(self.spoken)

    def voices(self, language: str) -> tuple[Voice, ...]:
        if language not in self.spoken:
            return ()
        return (Voice(id=f"{self.name}:{language}", language=language, gender=self.spoken[language], name=self.name),)

    def predict(self, request: Request) -> float:
        return 0.1 * len(request.text)

    def synthesize(self, requests: Sequence[Request]) -> Iterator[np.ndarray]:
        self.batches.append(len(requests))
        for request in requests:
            n_samples = round(self.predict(request) * self.sample_rate)
            time = np.arange(n_samples) / self.sample_rate
            yield (self.level * np.sin(2 * np.pi * 200 * time)).astype(np.float32)


@pytest.fixture
def members() -> dict[str, Hummer]:
    return {
        "good": Hummer("good", {"pt": "female", "it": "male"}, 24000, (0.8, 1.3), 0.5),
        "plain": Hummer("plain", {"pt": "male", "de": "female"}, 16000, (0.7, 1.25), 0.25),
    }


@pytest.fixture
def first(members: dict[str, Hummer]) -> First:
    return First(dict(members))


def test_joins_what_its_members_are(first: First) -> None:
    assert isinstance(first, Backend)
    assert first.fingerprint == "first(good-7;plain-7)"
    assert [m.name for m in first.models()] == ["good", "plain"]
    assert first.languages() == {"pt", "it", "de"}
    assert first.sample_rate == 24000
    assert first.rates == (0.8, 1.25)


def test_the_first_that_speaks_a_language_gives_its_voices(first: First) -> None:
    assert [v.id for v in first.voices("pt")] == ["good:pt"]
    assert [v.id for v in first.voices("de")] == ["plain:de"]
    assert first.voices("ja") == ()


def test_the_first_that_copies_voices_gives_the_speakers_own(first: First, members: dict[str, Hummer]) -> None:
    assert first.own_voice("pt") is None

    def own(language: str) -> Voice | None:
        return Voice(id="plain:own", language=language, gender="unknown", name="own") if language == "pt" else None

    members["plain"].own_voice = own  # type: ignore[attr-defined]
    found = first.own_voice("pt")
    assert found is not None
    assert found.id == "plain:own"
    assert first.own_voice("de") is None
    (clip,) = first.synthesize([Request("ab", found)])
    assert members["plain"].batches == [1]
    assert len(clip) == 4800


def test_each_voice_speaks_in_order_at_one_sample_rate(first: First, members: dict[str, Hummer]) -> None:
    good, plain = first.voices("it")[0], first.voices("de")[0]
    requests = [Request("abc", good), Request("abcd", good), Request("abcde", plain), Request("ab", good)]
    clips = list(first.synthesize(requests))
    assert [len(c) for c in clips] == [7200, 9600, 12000, 4800]
    assert [round(float(np.abs(c[2000:-2000]).max()), 2) for c in clips] == [0.5, 0.5, 0.25, 0.5]
    assert (members["good"].batches, members["plain"].batches) == ([2, 1], [1])
    assert [first.predict(r) for r in requests] == pytest.approx([0.3, 0.4, 0.5, 0.2])


def test_voices_under_another_name_are_found_with_the_member_that_has_them(members: dict[str, Hummer]) -> None:
    first = First({"remote": members["good"], "plain": members["plain"]})
    (clip,) = first.synthesize([Request("abc", members["good"].voices("pt")[0])])
    assert len(clip) == 7200


def test_each_voice_is_spoken_by_the_member_that_offers_it_whatever_their_specs_have_in_common() -> None:
    a, b = (Hummer(n, {c: "female"}, 24000, (1.0, 1.0), 0.5) for n, c in (("good", "pt"), ("plain", "de")))
    both = First({"remote:http://a:8001": a, "remote:http://b:8001": b})
    assert len(list(both.synthesize([Request("ab", both.voices(c)[0]) for c in ("de", "pt", "de")]))) == 3
    assert (a.batches, b.batches) == ([1], [1, 1])


def test_members_of_one_kind_are_told_apart_by_their_whole_specs() -> None:
    both = First.from_spec("remote:http://a.invalid:8001,remote:http://b.invalid:8001", Compute())
    assert list(both._members) == ["remote:http://a.invalid:8001", "remote:http://b.invalid:8001"]


def test_a_voice_that_is_offered_to_nobody_is_left_to_the_member_that_it_names(
    first: First, members: dict[str, Hummer]
) -> None:
    (clip,) = first.synthesize([Request("abc", Voice(id="plain:secret", language="ja", gender="male", name="X"))])
    assert (len(clip), members["plain"].batches) == (7200, [1])


def test_a_language_needs_the_member_that_speaks_it_and_the_one_that_copies_voices(
    first: First, members: dict[str, Hummer]
) -> None:
    fetched: list[str] = []
    for name, member in members.items():
        member.fetch = lambda source, target, name=name: fetched.append(name)  # type: ignore[attr-defined]

    def needed(target: str | None) -> list[tuple[str, bool, bool]]:
        first.fetch("en", target)
        return [(c.name, c.optional, c.copies_voices) for c in first.models("en", target)]

    good, plain = ("good", False, False), ("plain", False, False)
    assert (needed("pt"), needed("it"), needed("de")) == ([good], [good], [plain])
    assert fetched == ["good", "good", "plain"]
    # Where nobody speaks it, and where no language is named, all are told of.
    assert needed("ja") == needed(None) == [good, plain]
    members["plain"].own_voice = lambda language: Voice(  # type: ignore[attr-defined]
        id="plain:own", language=language, gender="unknown", name="own"
    )
    fetched.clear()
    assert needed("pt") == [good, ("plain", True, True)]
    assert needed("de") == [plain]
    assert fetched == ["good", "plain", "plain"]


def test_kokoro_before_mms_needs_nothing_of_mms_where_it_speaks_itself() -> None:
    both = First.from_spec("kokoro,mms", Compute())
    kokoro = registry.get("synthesizer", "kokoro", Compute())
    for target in ("pt", "it"):
        assert [c.name for c in both.models("en", target)] == [c.name for c in kokoro.models()]
    assert any("mms" in c.name for c in both.models("en", "ru"))


def test_a_voice_of_nobody_is_refused(first: First) -> None:
    stranger = Voice(id="other:x", language="de", gender="male", name="X")
    with pytest.raises(BadInput, match=r"'other:x' belongs to no synthesizer in use\. For 'de' there are: plain:de\."):
        list(first.synthesize([Request("abc", stranger)]))


def test_is_made_from_specs_that_the_registry_knows() -> None:
    first = First.from_spec("kokoro,espeak", Compute(threads=1))
    kokoro = registry.get("synthesizer", "kokoro", Compute(threads=1))
    espeak = registry.get("synthesizer", "espeak", Compute(threads=1))
    assert first.fingerprint == f"first({kokoro.fingerprint};{espeak.fingerprint})"
    assert first.voices("pt")[0].id == "kokoro:pf_dora"
    assert first.voices("de")[0].id == "espeak:de+f3"
    assert first.sample_rate == 24000
    assert {"de", "en", "pt", "ru"} <= first.languages()


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("", "None is given"),
        ("  ,", "None is given"),
        ("espeak,espeak", "Of the 2 given, one is there twice"),
        ("first:kokoro", "Number 1 of 1 is none"),
        ("kokoro,nobody", "Number 2 of 2 is none"),
        ("kokoro,http://me:hunter2@host", "Number 2 of 2 is none"),
        ("remote:http://me:hunt,er2@host", "Number 2 of 2 is none"),
        ("remote:http://me:hunter2@host,remote:http://me:hunter2@host", "one is there twice"),
        ("remote:http://me:hunter2@host", "password"),
    ],
)
def test_refuses_specs_that_make_no_sense_without_repeating_them(argument: str, told: str) -> None:
    with pytest.raises(BadInput, match=told) as raised:
        First.from_spec(argument, Compute())
    assert "hunt" not in str(raised.value) and "er2" not in str(raised.value)


def test_the_names_of_members_hold_no_password() -> None:
    specs = member_specs("translator", "llm:m@http://me:hunt?er2@host/v1?x=1, pivot", "")
    assert specs == {"llm:m@http://host/v1": "llm:m@http://me:hunt?er2@host/v1?x=1", "pivot": "pivot"}
