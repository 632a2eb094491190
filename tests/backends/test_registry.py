"""Which back end a spec names, and which stay in memory."""

import gc
import weakref
from typing import Any, Self

import pytest

from dubkit.backends import registry
from dubkit.backends.protocols import Backend, Compute, ModelCard
from dubkit.errors import BadInput, MissingModel

GB = 1_000_000_000


class Heavy:
    """A back end of as many gigabytes as its argument says; 'a+b' is made of two others."""

    def __init__(self, argument: str, compute: Compute) -> None:
        self.argument = argument
        self.members = [registry.get("translator", f"heavy:{a}", compute) for a in argument.split("+")[1:]]

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        return cls(argument, compute)

    @property
    def fingerprint(self) -> str:
        return f"heavy:{self.argument}"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        own = ModelCard(self.argument, "MIT", int(self.argument.partition("+")[0] or 0) * GB, True, "")
        return [own, *(card for m in self.members for card in m.models()), ModelCard("gone", "MIT", 9 * GB, False, "")]


class Point:
    """An entry point as importlib gives it."""

    name = "heavy"
    dist = None

    def load(self) -> type:
        return Heavy


class Broken(Point):
    def load(self) -> type:
        raise ModuleNotFoundError("No module named 'sphynx'", name="sphynx")


@pytest.fixture(autouse=True)
def heavy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_kept", {})
    monkeypatch.setattr(registry, "available", lambda task: {"heavy": Point()})


def use(spec: str, compute: Compute) -> weakref.ref[Any]:
    backend: Backend = registry.get("translator", spec, compute)
    with registry.using(backend, compute):
        pass
    return weakref.ref(backend)


def test_there_is_one_of_each() -> None:
    first = registry.get("translator", "heavy:1")
    assert registry.get("translator", "heavy:1") is first
    assert registry.get("translator", "heavy:2") is not first
    assert registry.get("translator", "heavy:1", Compute(threads=1)) is not first


def test_what_was_used_longest_ago_makes_room() -> None:
    compute = Compute(memory=10.0)
    four, three = use("heavy:4", compute), use("heavy:3", compute)
    assert four() is not None and three() is not None
    use("heavy:4", compute)
    five = use("heavy:5", compute)
    assert three() is None, "the older of the two"
    assert four() is not None and five() is not None
    assert registry.get("translator", "heavy:3", compute).fingerprint == "heavy:3", (
        "it comes again when it is asked for"
    )


def test_what_is_larger_than_the_budget_is_alone() -> None:
    compute = Compute(memory=10.0)
    small, large = use("heavy:4", compute), use("heavy:30", compute)
    assert (small(), large() is None) == (None, False)


def test_what_is_only_described_takes_no_room() -> None:
    compute = Compute(memory=10.0)
    described = registry.get("translator", "heavy:9", compute)
    use("heavy:8", compute)
    assert registry.get("translator", "heavy:9", compute) is described


def test_members_go_with_their_owner_and_never_alone() -> None:
    compute = Compute(memory=10.0)
    owner = use("heavy:1+2+3", compute)
    member = weakref.ref(registry.get("translator", "heavy:3", compute))
    with registry.using(member(), compute):
        pass
    use("heavy:5", compute)
    assert owner() is None
    gc.collect()
    assert member() is None
    assert registry.get("translator", "heavy:5", compute).fingerprint == "heavy:5"


def test_what_is_at_work_stays() -> None:
    compute = Compute(memory=10.0)
    four = registry.get("translator", "heavy:4", compute)
    with registry.using(four, compute):
        use("heavy:9", compute)
        assert registry.get("translator", "heavy:4", compute) is four
        idle = weakref.ref(registry.get("translator", "heavy:2", compute))
        registry.release(idle=True)
        assert idle() is None
        assert registry.get("translator", "heavy:4", compute) is four
    registry.release(idle=True)
    assert registry.get("translator", "heavy:4", compute) is not four


def test_a_stranger_may_be_used() -> None:
    with registry.using(object(), Compute()):
        pass


def test_the_budget() -> None:
    assert registry.budget(Compute(memory=2.5)) == 2_500_000_000
    assert 0 < registry.budget(Compute()) < 10**13


def test_release_forgets_all() -> None:
    first = registry.get("translator", "heavy:1")
    registry.release()
    assert registry.get("translator", "heavy:1") is not first


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(BadInput, match=r"No translator back end is called 'light'. Installed ones: heavy\."):
        registry.get("translator", "light:1")


def test_a_back_end_without_its_packages_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "available", lambda task: {"heavy": Broken()})
    with pytest.raises(MissingModel, match=r"needs the Python package 'sphynx'.*pip install"):
        registry.get("translator", "heavy:1")


def test_what_a_plug_in_cannot_take_is_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(argument: str, compute: Compute) -> Heavy:
        raise ZeroDivisionError("no rows")

    monkeypatch.setattr(Heavy, "from_spec", fail)
    with pytest.raises(BadInput, match=r"'heavy' cannot be made \(ZeroDivisionError: no rows\)"):
        registry.get("translator", "heavy:secret")
    assert registry._making == []


def test_a_host_that_is_gone_is_asked_before_the_work_only(monkeypatch: pytest.MonkeyPatch) -> None:
    compute = Compute(memory=10.0)
    backend = registry.get("translator", "heavy:0", compute)
    asked: list[int] = []
    monkeypatch.setattr(Heavy, "models", lambda self, *_: asked.append(1) or [])
    with pytest.raises(KeyboardInterrupt), registry.using(backend, compute):
        asked.clear()
        raise KeyboardInterrupt
    assert asked == []
