from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from dubkit.artefacts import Segments, Turns
from dubkit.run import PIPELINE
from dubkit.stage import Stopwatch, stage


@dataclass(frozen=True)
class CutSettings:
    length: float = 1.0


def test_parameters_are_the_edges() -> None:
    @stage(version=3, task="separator")
    def cut(turns: Turns, segments: Segments, *, settings: CutSettings, backend: object, report: object) -> Segments:
        return segments

    assert (cut.name, cut.version, cut.reads, cut.result) == ("cut", 3, ("turns", "segments"), "segments")
    assert cut.makes is Segments
    assert cut.settings is CutSettings
    assert cut.task == "separator"
    assert cut.wants == {"settings", "backend", "report"}
    empty = Segments(segments=())
    assert cut(Turns(turns=()), empty, settings=CutSettings(), backend=None, report=None) is empty


def test_a_stage_may_not_ask_for_anything_else() -> None:
    with pytest.raises(TypeError, match="asks for \\['weather'\\]"):

        @stage(version=1)
        def cut(turns: Turns, *, weather: str) -> Segments: ...


def test_a_stage_must_say_what_it_makes() -> None:
    with pytest.raises(TypeError, match="must be annotated"):

        @stage(version=1)
        def cut(turns: Turns) -> int: ...  # type: ignore[arg-type]

    with pytest.raises(TypeError, match="must be annotated"):

        @stage(version=1)
        def cut_too(turns: Turns): ...  # type: ignore[no-untyped-def]


def test_back_end_and_task_go_together() -> None:
    with pytest.raises(TypeError, match="takes a back end"):

        @stage(version=1, task="diarizer")
        def without(turns: Turns) -> Segments: ...

    with pytest.raises(TypeError, match="takes a back end"):

        @stage(version=1)
        def untold(turns: Turns, *, backend: object) -> Segments: ...


def test_the_pipeline_makes_everything_before_it_reads_it() -> None:
    made = ["video"]
    for step in PIPELINE:
        assert set(step.reads) <= set(made), step.name
        made.append(step.result)
    assert [s.name for s in PIPELINE] == [
        "validate",
        "separate",
        "diarize",
        "segment",
        "transcribe",
        "detect_gender",
        "translate",
        "assign_voices",
        "synthesize",
        "assemble",
        "combine",
    ]
    assert made[1:] == [
        "media",
        "tracks",
        "turns",
        "segments",
        "transcript",
        "speakers",
        "translation",
        "casting",
        "speech",
        "soundtrack",
        "dub",
    ]


class Clock:
    """A clock that moves when it is told to."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("dubkit.stage.time", clock)
    return clock


@dataclass
class Sleeper:
    clock: Clock
    rates = (0.8, 1.2)

    def once(self, seconds: float) -> str:
        self.clock.sleep(seconds)
        return "done"

    def each(self, n: int) -> Iterator[int]:
        for k in range(n):
            self.clock.sleep(2)
            yield k

    def through(self, values: Iterator[int]) -> Iterator[int]:
        for value in values:
            self.clock.sleep(2)
            yield value


def test_the_stopwatch_counts_time_inside_the_back_end(clock: Clock) -> None:
    watch = Stopwatch(Sleeper(clock))
    assert watch.rates == (0.8, 1.2)
    assert watch.seconds == 0
    assert watch.once(3) == "done"
    assert watch.once(4) == "done"
    assert watch.seconds == 7


def test_the_stopwatch_does_not_count_what_the_stage_does_with_each_item(clock: Clock) -> None:
    watch = Stopwatch(Sleeper(clock))
    found = []
    for k in watch.each(3):
        clock.sleep(50)
        found.append(k)
    assert found == [0, 1, 2]
    assert watch.seconds == 6


def test_the_stopwatch_does_not_count_waiting_for_the_stage(clock: Clock) -> None:
    def slowly() -> Iterator[int]:
        for k in range(3):
            clock.sleep(50)
            yield k

    watch = Stopwatch(Sleeper(clock))
    assert list(watch.through(slowly())) == [0, 1, 2]
    assert watch.seconds == 6


def test_the_stopwatch_lets_errors_through() -> None:
    class Broken:
        def each(self) -> Iterator[int]:
            yield 1
            raise RuntimeError("out of memory")

    items = Stopwatch(Broken()).each()
    assert next(items) == 1
    with pytest.raises(RuntimeError, match="out of memory"):
        next(items)


def test_what_the_back_end_lacks_the_stopwatch_lacks() -> None:
    assert getattr(Stopwatch(Sleeper(Clock())), "missing", None) is None
