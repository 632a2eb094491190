import itertools
import shutil
from collections.abc import Iterator, Sequence

import pytest

from dubkit.artefacts import Candidate
from dubkit.backends.apertium import PACKAGES
from dubkit.backends.bergamot import PAIRS
from dubkit.backends.pivot import ROUTES, Pivot
from dubkit.backends.protocols import Backend, Compute, Hint, ModelCard
from dubkit.errors import BadInput, UnsupportedPair

RULES = frozenset(pair for has in PACKAGES.values() for pair in has)


class Legs:
    """Translator that writes down the way a text went; each leg that is not neural costs a tenth."""

    def __init__(self, name: str, pairs: frozenset[tuple[str, str]], cost: float) -> None:
        self.name, self.known, self.cost = name, pairs, cost
        self.calls: list[int] = []

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> "Legs":
        raise AssertionError("made by hand here")

    @property
    def fingerprint(self) -> str:
        return self.name

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        return [ModelCard(self.name, "MIT", 1, True, "")]

    def pairs(self) -> frozenset[tuple[str, str]]:
        return self.known

    def route(self, source: str, target: str) -> tuple[str, ...]:
        return (source, target)

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        assert (source, target) in self.known
        self.calls.append(len(texts))
        yield from ((Candidate(text=f"{text}>{target}", score=-self.cost),) for text in texts)


def pivot(neural: frozenset[tuple[str, str]] = PAIRS, rules: frozenset[tuple[str, str]] = RULES) -> Pivot:
    return Pivot(Legs("neural", neural, 0.0), Legs("rules", rules, 0.1))


def test_joins_what_its_legs_are() -> None:
    assert isinstance(pivot(), Backend)
    assert pivot().fingerprint == "pivot-1(neural;rules)"
    assert [m.name for m in pivot().models()] == ["neural", "rules"]


@pytest.mark.parametrize("route", ROUTES)
def test_takes_the_measured_routes(route: tuple[str, ...]) -> None:
    assert pivot().route(route[0], route[-1]) == route


def test_other_pairs_take_the_shortest_way() -> None:
    assert pivot().route("en", "ca") == ("en", "ca")
    assert pivot().route("ro", "es") == ("ro", "es")
    assert pivot().route("ro", "fr") == ("ro", "es", "fr")
    assert pivot().route("ro", "it") == ("ro", "es", "it")
    # Two ways of two legs: the one with a neural leg.
    assert pivot(rules=RULES - {("gl", "en")}).route("gl", "en") == ("gl", "es", "en")
    assert pivot(rules=RULES - {("es", "en"), ("gl", "en")}).route("gl", "en") == ("gl", "es", "pt", "en")


def test_without_a_leg_the_shortest_way_left_is_a_draft() -> None:
    partial = pivot(rules=RULES - {("pt", "es"), ("es", "pt")})
    assert partial.route("en", "es") == ("en", "es")
    assert partial.route("es", "en") == ("es", "en")
    assert partial.quality("es", "en") == "draft"


def test_no_route_has_more_than_three_legs() -> None:
    line = frozenset({("a", "b"), ("b", "c"), ("c", "d"), ("d", "e")})
    assert pivot(frozenset(), line).pairs() == line | {("a", "c"), ("b", "d"), ("c", "e"), ("a", "d"), ("b", "e")}


def test_offers_only_what_is_here() -> None:
    assert pivot(rules=frozenset()).pairs() == PAIRS
    assert pivot(frozenset(), frozenset()).pairs() == frozenset()
    assert all(s != t for s, t in pivot().pairs())


def test_quality_is_told_honestly() -> None:
    grades = {pair: pivot().quality(*pair) for pair in pivot().pairs()}
    assert {pair for pair, grade in grades.items() if grade == "good"} == {("en", "pt"), ("pt", "en")}
    assert {pair for pair, grade in grades.items() if grade == "fair"} == {("es", "en"), ("pt", "es"), ("es", "pt")}
    assert grades["en", "fr"] == grades["en", "es"] == grades["fr", "it"] == "draft"
    assert pivot().quality("en", "ja") == "draft"


def test_tells_what_would_make_a_pair_possible() -> None:
    bare = pivot(rules=frozenset())
    assert bare.missing("en", "fr").endswith("sudo apt install apertium apertium-fra-cat apertium-por-cat")
    assert bare.missing("pt", "es").endswith("sudo apt install apertium apertium-es-pt")
    assert bare.missing("en", "pt") == ""
    nothing = pivot(frozenset(), frozenset())
    assert nothing.missing("en", "pt").endswith("with: make setup")
    assert nothing.missing("en", "es").endswith("sudo apt install apertium apertium-es-pt && make setup")
    assert "--profile hub" in pivot().missing("en", "ja")


def test_an_impossible_pair_is_an_error_with_advice() -> None:
    with pytest.raises(UnsupportedPair, match=r"from en to ja.*--profile hub"):
        pivot().route("en", "ja")
    with pytest.raises(UnsupportedPair, match=r"from en to fr.*apt install apertium apertium-fra-cat"):
        next(pivot(rules=frozenset()).translate(["Hi"], "en", "fr"))


def test_text_goes_through_every_leg_and_scores_add_up() -> None:
    texts = [str(n) for n in range(300)]
    both = pivot()
    said = list(both.translate(texts, "en", "fr"))
    assert [c[0].text for c in said] == [f"{n}>pt>ca>fr" for n in range(300)]
    assert {round(c[0].score, 3) for c in said} == {-0.2}
    assert sum(both._neural.calls) == 300  # type: ignore[attr-defined]


def test_lines_come_out_before_the_last_is_done() -> None:
    both = pivot()
    next(both.translate(["a"] * 1000, "en", "es"))
    assert 0 < sum(both._neural.calls) < 300  # type: ignore[attr-defined]


@pytest.mark.skipif(shutil.which("apertium") is None, reason="the program apertium is not installed")
def test_real_legs_together() -> None:
    real = Pivot.from_spec("", Compute())
    if ("pt", "es") not in real.pairs():
        pytest.skip("apertium has no pair pt > es here")
    assert real.route("en", "es") == ("en", "pt", "es")
    said = [c[0].text for c in real.translate(["We need to talk.", "", "Thank you!"], "en", "es")]
    assert said == ["Necesitamos hablar.", "", "Gracias!"]


def test_refuses_an_argument() -> None:
    with pytest.raises(BadInput, match=r"takes no argument"):
        Pivot.from_spec("en", Compute())


def test_every_measured_leg_is_known() -> None:
    assert {leg for route in ROUTES for leg in itertools.pairwise(route)} <= RULES | PAIRS
