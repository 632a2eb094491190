import logging
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from misbehaving_llm import all_but, changed, failing, only_key, serving

from dubkit.artefacts import Candidate
from dubkit.backends import registry
from dubkit.backends.first_translator import WINDOW, FirstTranslator
from dubkit.backends.llm.client import Client
from dubkit.backends.llm.endpoint import Endpoint
from dubkit.backends.llm.translator import Llm
from dubkit.backends.pivot import Pivot
from dubkit.backends.protocols import Backend, Compute, Hint, ModelCard
from dubkit.errors import BadInput, MissingModel, StageFailed, UnsupportedPair


class Clerk:
    """Translator that signs what it says, has nothing for lines with certain words, and may drop out after some lines."""

    def __init__(self, name: str, pairs: set[tuple[str, str]], cannot: str = "\0", works_for: int = 1000) -> None:
        self.name, self.known, self.cannot, self.works_for = name, frozenset(pairs), cannot, works_for
        self.calls: list[list[str]] = []
        self.hints: list[Hint] = []
        self.fetched = 0

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> "Clerk":
        raise AssertionError("made by hand here")

    @property
    def fingerprint(self) -> str:
        return f"{self.name}-7"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        return [ModelCard(f"{self.name}:{source}>{target}", "MIT", 1, True, "")]

    def pairs(self) -> frozenset[tuple[str, str]]:
        return self.known

    def route(self, source: str, target: str) -> tuple[str, ...]:
        return (source, self.name, target)

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        assert (source, target) in self.known
        self.calls.append(list(texts))
        self.hints += hints
        for text in texts:
            if not self.works_for:
                raise StageFailed(f"{self.name} has gone home.")
            self.works_for -= 1
            yield () if self.cannot in text else (Candidate(text=f"{text}/{self.name}"),)


class Paid(Clerk):
    """Heeds terms, grades itself, can be brought, and costs."""

    heeds = frozenset({"terms"})

    @property
    def usage(self) -> dict[str, Any]:
        return {"requests": 1, "dollars": 0.1, "failed_lines": 5}

    def quality(self, source: str, target: str) -> str:
        return "good"

    def missing(self, source: str, target: str) -> str:
        return f"Ask {self.name}."

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        self.fetched += 1


BOTH = {("en", "pt")}


def first(*members: Clerk) -> FirstTranslator:
    return FirstTranslator({m.name: m for m in members})


def said(translator: FirstTranslator, texts: Sequence[str], hints: Sequence[Hint] = ()) -> list[str]:
    return [c[0].text if c else "" for c in translator.translate(texts, "en", "pt", hints)]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def test_joins_what_its_members_are() -> None:
    a, b = Paid("a", BOTH), Clerk("b", BOTH | {("en", "ja")})
    both = first(a, b)
    assert isinstance(both, Backend)
    assert both.fingerprint == "first(a-7;b-7)"
    assert first(b, a).fingerprint == "first(b-7;a-7)"
    assert [m.name for m in both.models("en", "pt")] == ["a:en>pt", "b:en>pt"]
    assert both.pairs() == {("en", "pt"), ("en", "ja")}
    assert both.heeds == {"terms"}
    both.fetch("en", "pt")
    assert a.fetched == 1
    assert both.usage == {}


def test_the_first_that_can_do_a_pair_tells_its_route_and_quality() -> None:
    both = first(Paid("a", BOTH), Clerk("b", BOTH | {("en", "ja")}))
    assert both.route("en", "pt") == ("en", "a", "pt")
    assert both.route("en", "ja") == ("en", "b", "ja")
    assert (both.quality("en", "pt"), both.quality("en", "ja")) == ("good", "as the model")
    assert (both.missing("en", "ja"), both.missing("ja", "en")) == ("", "Ask a.")
    with pytest.raises(UnsupportedPair, match=r"None of the translators a, b can do ja > en. Ask a\."):
        both.route("ja", "en")


def test_a_member_that_cannot_do_the_pair_is_skipped(caplog: pytest.LogCaptureFixture) -> None:
    a, b = Clerk("a", {("en", "ja")}), Clerk("b", BOTH)
    assert said(first(a, b), ["x"]) == ["x/b"]
    assert a.calls == []
    assert warnings(caplog) == []
    with pytest.raises(UnsupportedPair, match=r"can do pt > en"):
        first(a, b).translate(["x"], "pt", "en")


def test_the_first_does_all_that_it_can(caplog: pytest.LogCaptureFixture) -> None:
    a, b = Clerk("a", BOTH), Clerk("b", BOTH)
    both = first(a, b)
    assert said(both, ["x", "y"]) == ["x/a", "y/a"]
    assert (b.calls, warnings(caplog)) == ([], [])
    assert both.usage == {"lines": {"a": 2}, "failed_lines": 0}


def test_lines_that_one_leaves_out_go_to_the_next_in_order_with_their_hints(
    caplog: pytest.LogCaptureFixture,
) -> None:
    a, b, c = Clerk("a", BOTH, cannot="hard"), Paid("b", BOTH, cannot="very"), Paid("c", BOTH)
    texts = ["x", "hard 1", "very hard 2", "y", "hard 3"]
    abc = first(a, b, c)
    assert said(abc, texts, [Hint(seconds=n) for n in range(5)]) == [
        "x/a",
        "hard 1/b",
        "very hard 2/c",
        "y/a",
        "hard 3/b",
    ]
    assert a.calls == [texts]
    assert b.calls == [["hard 1", "very hard 2"], ["hard 3"]]
    # The first heeds nothing.
    assert a.hints == []
    assert [h.seconds for h in b.hints] == [1, 2, 4]
    assert [h.seconds for h in c.hints] == [2]
    assert warnings(caplog) == ["2 of 5 lines were done by b, not by a", "1 of 5 lines were done by c, not by a"]
    assert abc.usage["lines"] == {"a": 2, "b": 2, "c": 1}
    assert abc.usage["failed_lines"] == 0


def test_what_nobody_can_do_stays_empty() -> None:
    both = first(Clerk("a", BOTH, cannot="hard"), Clerk("b", BOTH, cannot="hard"))
    assert list(both.translate(["hard", "x"], "en", "pt")) == [(), (Candidate(text="x/a"),)]
    assert both.usage == {"lines": {"a": 1}, "failed_lines": 1}


def test_many_failed_lines_do_not_wait_for_the_end() -> None:
    a, b = Clerk("a", BOTH, cannot="hard"), Clerk("b", BOTH)
    results = first(a, b).translate([f"hard {n}" for n in range(3 * WINDOW)], "en", "pt")
    assert next(results)[0].text == "hard 0/b"
    assert 1000 - a.works_for == WINDOW
    assert [c[0].text for c in results] == [f"hard {n}/b" for n in range(1, 3 * WINDOW)]
    assert [len(call) for call in b.calls] == [WINDOW] * 3


def test_words_that_became_silence_are_not_done_but_silence_may_stay() -> None:
    class Mute(Clerk):
        def translate(
            self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
        ) -> Iterator[tuple[Candidate, ...]]:
            yield from ((Candidate(text=" "),) for _ in texts)

    b = Clerk("b", BOTH)
    assert said(first(Mute("a", BOTH), b), ["x", "", "..."]) == ["x/b", " ", " "]
    assert b.calls == [["x"]]
    assert said(first(Clerk("a", BOTH, cannot="..."), Clerk("b", BOTH)), ["..."]) == [".../b"]


def test_one_that_drops_out_hands_over_all_that_is_left(caplog: pytest.LogCaptureFixture) -> None:
    a, b = Clerk("a", BOTH, cannot="hard", works_for=3), Clerk("b", BOTH)
    both = first(a, b)
    assert said(both, ["x", "y", "hard", "z", "x"]) == ["x/a", "y/a", "hard/b", "z/b", "x/b"]
    assert b.calls == [["hard", "z", "x"]]
    assert warnings(caplog) == [
        "a failed and is not asked again; b goes on. a has gone home.",
        "3 of 5 lines were done by b, not by a",
    ]
    # Another translation tries it again.
    a.works_for = 1
    assert said(both, ["x"]) == ["x/a"]


def test_one_that_drops_out_in_reserve_stops_only_what_it_was_to_do(caplog: pytest.LogCaptureFixture) -> None:
    a, b = Clerk("a", BOTH, cannot="hard"), Clerk("b", BOTH, works_for=1)
    assert said(first(a, b), ["hard", "x", "hard", "y", "hard"]) == ["hard/b", "x/a", "", "y/a", ""]
    assert b.calls == [["hard"], ["hard"]]
    assert warnings(caplog)[0] == "b failed and is not asked again; a goes on. b has gone home."


def test_the_last_ones_error_is_told_when_all_have_failed(caplog: pytest.LogCaptureFixture) -> None:
    both = first(Clerk("a", BOTH, works_for=1), Clerk("b", BOTH, works_for=1))
    results = both.translate(["x", "y", "z"], "en", "pt")
    assert [next(results)[0].text, next(results)[0].text] == ["x/a", "y/b"]
    with pytest.raises(StageFailed, match=r"^b has gone home\.$"):
        next(results)
    assert warnings(caplog)[0].startswith("a failed")


def test_errors_that_are_bugs_are_not_covered_up() -> None:
    class Broken(Clerk):
        def translate(
            self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
        ) -> Iterator[tuple[Candidate, ...]]:
            raise KeyError("bug")

    with pytest.raises(KeyError, match="bug"):
        said(first(Broken("a", BOTH), Clerk("b", BOTH)), ["x"])


def test_what_is_done_in_place_of_one_that_dropped_out_is_provisional() -> None:
    a, b = Clerk("a", BOTH, cannot="hard", works_for=3), Clerk("b", BOTH)
    both = first(a, b)
    assert both.provisional == frozenset()
    told = []
    for _ in both.translate(["x", "hard 1", "y", "z", "w"], "en", "pt"):
        told.append(both.provisional)
    # It is known before the line is given out; what the first could not do alone is as good as it will be.
    assert ["z" in texts for texts in told[3:]] == [True, True]
    assert both.provisional == {"z", "w"}
    a.works_for = 9
    said(both, ["z", "hard 2"])
    assert both.provisional == frozenset()


def test_what_a_later_one_does_is_provisional_only_where_one_between_dropped_out() -> None:
    a, c = Clerk("a", BOTH, cannot="hard"), Clerk("c", BOTH)
    between = first(a, Clerk("b", BOTH, cannot="hard"), c)
    assert said(between, ["x", "hard"]) == ["x/a", "hard/c"]
    assert between.provisional == frozenset()
    gone = first(a, Clerk("b", BOTH, works_for=0), c)
    assert said(gone, ["x", "hard"]) == ["x/a", "hard/c"]
    assert gone.provisional == {"hard"}


class Checked(Clerk):
    """Says whether it will work."""

    def check(self) -> None:
        if not self.works_for:
            raise MissingModel(f"{self.name} is shut.")


def test_a_check_warns_of_members_that_will_not_work_while_another_will(caplog: pytest.LogCaptureFixture) -> None:
    first(Checked("a", BOTH), Clerk("b", BOTH)).check()
    assert warnings(caplog) == []
    first(Checked("a", BOTH, works_for=0), Checked("b", BOTH, works_for=0), Clerk("c", BOTH)).check()
    assert warnings(caplog) == [
        "a cannot be used now; its lines are left to c. a is shut.",
        "b cannot be used now; its lines are left to c. b is shut.",
    ]
    with pytest.raises(MissingModel, match=r"^a is shut\. b is shut\.$"):
        first(Checked("a", BOTH, works_for=0), Checked("b", BOTH, works_for=0)).check()


def test_figures_add_up_over_every_call() -> None:
    a, b = Paid("a", BOTH, cannot="hard"), Paid("b", BOTH)
    both = first(a, b)
    assert said(both, ["hard", "x", "hard"]) == ["hard/b", "x/a", "hard/b"]
    assert both.usage == {"requests": 3, "dollars": 0.3, "lines": {"a": 1, "b": 2}, "failed_lines": 0}
    said(both, ["x"])
    assert both.usage == {"requests": 1, "dollars": 0.1, "lines": {"a": 1}, "failed_lines": 0}


def test_is_made_from_specs_that_the_registry_knows() -> None:
    made = registry.get("translator", "first:llm:qwen3:32b@http://localhost:11434/v1?price_in=1, pivot", Compute())
    assert isinstance(made, FirstTranslator)
    llm, pivot = made._members.values()
    assert list(made._members) == ["llm:qwen3:32b@http://localhost:11434/v1", "pivot"]
    assert isinstance(llm, Llm) and isinstance(pivot, Pivot)
    assert llm._client.endpoint.price_in == 1
    assert made.fingerprint == f"first({llm.fingerprint};{pivot.fingerprint})"
    assert made.heeds == llm.heeds
    assert made.quality("en", "pt") == "as the model"


@pytest.mark.parametrize(
    "argument",
    [
        "",
        "  ,",
        "pivot,pivot",
        "first:pivot",
        "pivot,nobody",
        "llm:m@http://localhost/a,b/v1",
        "llm:m@http://localhost/v1?price_in=1,llm:m@http://localhost/v1?price_in=2",
        "pivot,llm:m@http://me:hunt,er2@localhost/v1",
    ],
)
def test_refuses_specs_that_make_no_sense(argument: str) -> None:
    with pytest.raises(BadInput, match=r"commas between them.*apertium.*pivot") as raised:
        FirstTranslator.from_spec(argument, Compute())
    assert "hunt" not in str(raised.value) and "er2" not in str(raised.value)


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    only_key(monkeypatch, None)


def with_model(url: str, reserve: Clerk) -> FirstTranslator:
    llm = Llm(Client(Endpoint.parse(f"m@{url}?price_in=10&price_out=0"), lambda seconds: None))
    return FirstTranslator({"llm:m": llm, reserve.name: reserve})


@pytest.mark.usefixtures("bare_environment")
def test_a_real_model_that_leaves_out_a_line_is_helped_out() -> None:
    with serving(changed(all_but(2)), changed(all_but(1)), changed(all_but(1))) as server:
        both = with_model(server.url, Clerk("b", BOTH))
        assert said(both, ["One.", "Two.", "Three."]) == ["<One.> como se diz", "Two./b", "<Three.> como se diz"]
    assert len(server.requests) == 3
    assert both.usage == {
        "requests": 3,
        "prompt_tokens": 300,
        "completion_tokens": 60,
        "dollars": pytest.approx(0.003),
        "lines": {"llm:m": 2, "b": 1},
        "failed_lines": 0,
    }


@pytest.mark.usefixtures("bare_environment")
def test_a_real_model_that_refuses_or_is_not_there_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    with serving(always=failing(401)) as server:
        assert said(with_model(server.url, Clerk("b", BOTH)), ["One.", "Two."]) == ["One./b", "Two./b"]
    assert len(server.requests) == 1
    assert "llm:m failed and is not asked again; b goes on." in warnings(caplog)[0]
    assert "DUBKIT_LLM_KEY" in warnings(caplog)[0]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    assert said(with_model(url, Clerk("b", BOTH)), ["One."]) == ["One./b"]
    assert "cannot be reached" in warnings(caplog)[2]
    with pytest.raises(MissingModel, match="cannot be reached"):
        said(FirstTranslator({"llm:m": with_model(url, Clerk("b", BOTH))._members["llm:m"]}), ["One."])
