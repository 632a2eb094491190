"""How far a run is: each stage's state and time, as a small map for notebooks, still or live."""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from dubkit.progress import Event, Status
from dubkit.record import Seconds
from dubkit.showing import counted

if TYPE_CHECKING:
    from dubkit.run import Run

State = Literal["made", "reused", "in the store", "supplied", "to do", "at work", "failed"]
# A mark besides the colour, for those who do not see that.
LOOKS: dict[State, tuple[str, str]] = {
    "made": ("✓", "#009E7355"),
    "reused": ("=", "#56B4E955"),
    "in the store": ("=", "#56B4E922"),
    "supplied": ("⇥", "#E69F0055"),
    "to do": ("·", "transparent"),
    "at work": ("▶", "#F0E44288"),
    "failed": ("✗", "#D55E0088"),
}
STATES: dict[Status, State] = {
    "started": "at work",
    "progress": "at work",
    "done": "made",
    "reused": "reused",
    "failed": "failed",
}
THERE = frozenset({"made", "reused", "in the store", "supplied"})
PAUSE: Seconds = 0.5
"""Between two pictures of a live map, at least."""


@dataclass(frozen=True)
class StageState:
    """What is known of a stage without doing it.

    ``seconds`` is what its result took when it was made, None where there is none; ``n_edits`` counts corrections by hand;
    ``warnings`` are what its result has to be taken with.
    """

    stage: str
    makes: str
    state: State
    seconds: Seconds | None = None
    n_edits: int = 0
    note: str = ""
    warnings: tuple[str, ...] = ()


def states(run: Run) -> list[StageState]:
    """The state of each stage; nothing is made, and no model is loaded."""
    from dubkit.run import PIPELINE

    known, there = run.known(), run.results
    found = []
    for step in PIPELINE:
        stored, last = known.get(step.result), run.log.results.get(step.name, {})
        n_edits = len(run.log.edits.get(step.name, {}))
        if stored is None:
            found.append(StageState(step.name, step.makes.__name__, "to do", n_edits=n_edits))
            continue
        state: State = "in the store"
        if step.result in there:
            state = "supplied" if not stored.record else "reused" if last.get("reused", True) else "made"
        rows = counted(stored.artefact) if step.makes.ROWS else ""
        seconds, warned = stored.record.get("seconds"), tuple(stored.record.get("warnings", ()))
        found.append(StageState(step.name, step.makes.__name__, state, seconds, n_edits, rows, warned))
    return found


def page(title: str, found: Sequence[StageState]) -> str:
    """The map as HTML: a box for each stage, with its state, time and what it makes; under it what was warned of."""
    boxes = "".join(_box(n, one) for n, one in enumerate(found, 1))
    spent = sum(one.seconds or 0.0 for one in found)
    n_there = sum(one.state in THERE for one in found)
    warned = "".join(f"<div>⚠ {one.stage}: {html.escape(text)}</div>" for one in found for text in one.warnings)
    told = f"{n_there} of {len(found)} stages done, {spent:.1f} s of work"
    return (
        f"<div><b>{html.escape(title)}</b> <span>{told}</span>"
        f'<div style="display:flex;flex-wrap:wrap;gap:0.4em;margin-top:0.4em">{boxes}</div>{warned}</div>'
    )


def _box(number: int, one: StageState) -> str:
    seconds = "" if one.seconds is None else f"{one.seconds:.1f} s"
    edits = f", {one.n_edits} corrected" if one.n_edits else ""
    mark, fill = LOOKS[one.state]
    lines = [f"<b>{number} {one.stage}</b>", f"{mark} {one.state}{edits}", f"{one.makes} {seconds}"]
    lines.append(html.escape(one.note) or "&nbsp;")
    return (
        f'<div style="border:1px solid #8888;border-radius:0.4em;padding:0.2em 0.5em;font-size:0.85em;line-height:1.35;'
        f'min-width:8.5em;background:{fill}">{"<br>".join(lines)}</div>'
    )


@dataclass
class LiveMap:
    """A map that follows a run: an observer that draws itself anew as stages begin, go on and end.

    Parameters
    ----------
    run : Run
    handle : object
        What ``IPython.display.display`` gives for a ``display_id``: its ``update`` puts a new picture in the old one's place.
    """

    run: Run
    handle: Any
    ended: dict[str, State] = field(default_factory=dict, init=False)
    warned: dict[str, list[str]] = field(default_factory=dict, init=False)
    stages: dict[str, StageState] = field(default_factory=dict, init=False)
    drawn: float = field(default=0.0, init=False)

    def __call__(self, event: Event) -> None:
        """Take in what an event says."""
        if event.status == "warning":
            self.warned.setdefault(event.stage, []).append(event.note)
        elif event.status != "progress":
            self.ended[event.stage] = STATES[event.status]
        if event.status != "progress" or not self.stages:
            self.stages = {one.stage: self._seen(one) for one in states(self.run)}
        elif event.stage in self.stages:
            note = f"{event.done} of {event.total} {event.note}" if event.total else event.note
            self.stages[event.stage] = replace(self.stages[event.stage], note=note)
        if event.status != "progress" or time.monotonic() - self.drawn > PAUSE:
            self.draw()

    def draw(self) -> None:
        """Put the map as it is now in the place of the last one."""
        from IPython.display import HTML

        self.drawn = time.monotonic()
        self.handle.update(HTML(page(self.run.id, list(self.stages.values()))))

    def _seen(self, one: StageState) -> StageState:
        """A stage's state, with what only its events tell."""
        ended = self.ended.get(one.stage)
        # While its stage ends, a result is in the store and not yet the run's own; while it is made, nowhere.
        passing = ended and (one.state == "in the store" or ended in ("at work", "failed"))
        warned = tuple(dict.fromkeys([*one.warnings, *self.warned.get(one.stage, ())]))
        return replace(one, state=ended if passing and ended else one.state, warnings=warned)


def follow(run: Run) -> None:
    """Show a run's map in a notebook, and keep it up to date from now on."""
    from IPython.display import HTML, display

    handle = display(HTML(page(run.id, states(run))), display_id=True)
    others = tuple(observer for observer in run.observers if not isinstance(observer, LiveMap))
    run.observers = (*others, LiveMap(run, handle))
