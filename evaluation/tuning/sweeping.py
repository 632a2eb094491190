"""A sweep: a suite is run with every setting that is tried, and each is held against the profile as it is."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dubkit.errors import BadInput, StageFailed, listed
from dubkit.run import PIPELINE
from dubkit.settings import Settings
from dubkit.store import default_root
from evaluation import harness
from evaluation.harness import Watch
from evaluation.measures import Measure
from evaluation.scoring import MEASURES
from evaluation.suites import Suite, SuiteItem
from evaluation.suites import suite as named_suite
from evaluation.system import System
from evaluation.tuning import cost, saving, space
from evaluation.tuning.choice import Trial, Winner, chosen, judged

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.tuning.saving import SaveButton

MADE_BY: Mapping[str, str] = {
    "background.si_sdr": "separate",
    "background.speech_si_sdr": "separate",
    "diarization": "diarize",
    "cpwer": "transcribe",
    "asr": "transcribe",
    "words": "transcribe",
    "language": "transcribe",
    "gender.accuracy": "detect_gender",
    "gender.abstained": "detect_gender",
    "translation": "translate",
    "meaning": "translate",
}
"""The stage that a measure, or all of a task, looks at; all others look at the finished film."""
_ORDER = [stage.name for stage in PIPELINE]


@dataclass(frozen=True)
class Sweep:
    """What a suite scored with every setting that was tried.

    Parameters
    ----------
    suite : Suite
        With the items that settings were chosen on.
    base : str
        The profile that they change.
    names : tuple of str
        The settings, by dotted name.
    measure : Measure
        What decides.
    also : tuple of Measure
        What the winner may not make worse.
    default : Trial
        The profile as it is.
    trials : tuple of Trial
        The others, in the order in which they were tried.
    held_out : tuple of Trial
        The default and the winner, or what is suggested, on films that nothing was chosen on; empty where there are none.
    """

    suite: Suite
    base: str
    names: tuple[str, ...]
    measure: Measure
    also: tuple[Measure, ...]
    default: Trial
    trials: tuple[Trial, ...]
    held_out: tuple[Trial, ...] = ()

    @functools.cached_property
    def table(self) -> pd.DataFrame:
        """A row per setting, the default first; see :func:`evaluation.tuning.choice.judged`."""
        return judged(self.default, self.trials, self.names, self.measure, self.also)

    @functools.cached_property
    def winner(self) -> Winner:
        """The settings to take, and why."""
        return chosen(self.table, self.names, self.measure, self.also, self.held_out)

    def save(self, path: str | Path, *, suggested: bool = False) -> Path:
        """Write the profile with the winner's settings as TOML, which ``--profile`` takes.

        Parameters
        ----------
        path : path
            A .toml file.
        suggested : bool
            Write :attr:`Winner.suggested` instead: the best by value, where films are too few to be sure.

        Raises
        ------
        BadInput
            If the path is no .toml file, nothing is suggested, or a setting cannot be written in TOML.
        OutOfSpace
            If it cannot be written there.
        """
        return saving.save(self, Path(path), suggested=suggested)

    def button(self, path: str | Path) -> SaveButton:
        """A button for notebooks: one click does :meth:`save`."""
        return saving.SaveButton(self, Path(path))

    def _repr_html_(self) -> str:
        """For notebooks: the table, the winner marked."""
        from evaluation.tuning.showing import as_page

        return as_page(self)


def sweep(
    suite: str | Suite,
    settings: space.Space,
    measure: str,
    *,
    also: Sequence[str] = (),
    base: str = "embedded",
    items: Sequence[str] | None = None,
    held_out: Sequence[str] = (),
    search: Literal["optuna"] | None = None,
    trials: int = 20,
    store: str | Path | None = None,
    workers: int = 0,
    watch: Watch = lambda item, event: None,
) -> Sweep:
    """Try settings on a suite, up to the stage that the measures need.

    Parameters
    ----------
    suite : str or Suite
        A suite, its id, or the path of its file.
    settings : mapping
        Lists of values by dotted name. Every combination is tried; with ``search="optuna"`` those that the optimiser asks for,
        and then a tuple ``(low, high)`` is a range.
    measure : str
        What decides, e.g. ``"diarization.der"``; see ``python -m evaluation measures``.
    also : sequence of str
        Further measures that are told. A setting that makes one of them worse, reliably or by more than 1 %, does not win.
    base : str
        The profile that the settings change; its own settings are the default, which is always tried.
    items : sequence of str, optional
        Ids of the suite's items, all by default. Before it is translated, a film counts once, however many languages it is
        to be dubbed into.
    held_out : sequence of str
        Ids of items on which nothing is chosen; the default and the winner, or what is suggested, are run on them in the end.
    search : str, optional
        ``"optuna"`` in place of all combinations.
    trials : int
        How many an optimiser asks for.
    store : path, optional
        Where results are kept; see :func:`dubkit.store.default_root`.
    workers : int
        Processes; see :func:`evaluation.harness.run`.
    watch : callable
        Is told of every event of every item.

    Raises
    ------
    BadInput
        If there is no such suite, item, measure or setting, or a value does not fit: all before anything is run.
    MissingModel
        If the packages of a back end are not installed.
    StageFailed
        If the default fails: there is nothing to hold the others against.
    """
    judge, *more = (_measure(name) for name in (measure, *also))
    if judge.better == "neither":
        raise BadInput(f"{judge.name} is told, not judged: no value of it is better. Choose another measure.")
    if search not in (None, "optuna"):
        raise BadInput(f"There is no search {search!r}: leave it out for all combinations, or take 'optuna'.")
    films = named_suite(suite) if isinstance(suite, str) else suite
    films = films.but(until=_until([judge, *more]))
    tuned, rest = _parted(films, items, held_out)
    standard = System(base).settings
    space.validate(settings, standard, films.until, ranges=search == "optuna")
    own = space.fitted({name: space.value_of(standard, name) for name in settings}, standard)

    place, warm = Path(store or default_root()), set[str]()

    def tried(values: space.Values, on: Suite = tuned) -> Trial:
        system = System(base, {} if values == own else values)
        told = cost.warming(watch, on, system, place, tuple(settings), workers, warm)
        return Trial(values, harness.run(on, system, place, workers=workers, watch=told))

    default = tried(own)
    if default.error:
        raise StageFailed(f"The profile {base} as it is fails on this suite. {default.error}")
    if search == "optuna":
        others = _searched(settings, judge, standard, trials, default, tried)
    else:
        others = [tried(values) for values in space.grid(settings, standard) if values != own]
    found = Sweep(tuned, base, tuple(settings), judge, tuple(more), default, tuple(others))
    if rest is None:
        return found
    taken = dict(found.winner.suggested or found.winner.settings)
    return replace(found, held_out=(tried(own, rest), tried(taken, rest)))


def _searched(
    settings: space.Space,
    measure: Measure,
    standard: Settings,
    n_trials: int,
    default: Trial,
    tried: Callable[[space.Values], Trial],
) -> list[Trial]:
    """What an optimiser asks for, one after another, without the default."""
    made: list[Trial] = []

    def score(values: space.Values) -> float:
        known = [trial for trial in (default, *made) if trial.settings == values]
        if not known:
            made.append(tried(values))
        trial = known[0] if known else made[-1]
        return float("nan") if trial.error else trial.result.value(measure.name)

    space.search(settings, measure, standard, n_trials, score)
    return made


def last_stage(measure: Measure) -> str:
    """The stage whose result a measure looks at; judges come after the last one."""
    task, _, figure = measure.name.partition(".")
    stage = figure.removesuffix("_rtf")
    if task == "cost" and stage in _ORDER:
        return stage
    return MADE_BY.get(measure.name) or MADE_BY.get(task) or _ORDER[-1]


def _until(measures: Sequence[Measure]) -> str:
    """The latest of the stages that measures need."""
    return max(map(last_stage, measures), key=_ORDER.index)


def _measure(name: str) -> Measure:
    known = {m.name: m for m in MEASURES}
    if name not in known:
        raise BadInput(f"There is no measure {name!r}. There are: {listed(list(known), 100)}.")
    return known[name]


def _parted(suite: Suite, items: Sequence[str] | None, held_out: Sequence[str]) -> tuple[Suite, Suite | None]:
    """The suite with the items to choose on, and with those held out."""
    if suite.corpus and items is None and not held_out:
        return suite, None
    known = [item.id for item in suite.items]
    if suite.corpus:
        raise BadInput(f"{suite.id} is made of a corpus: its items cannot be picked, only all be taken.")
    wanted = known if items is None else list(items)
    if unknown := sorted({*wanted, *held_out} - set(known)):
        raise BadInput(f"{suite.id} has no item {unknown[0]!r}. It has: {listed(known)}.")
    rest = [i for i in suite.items if i.id in held_out]
    tuned = [i for i in suite.items if i.id in wanted and i.id not in held_out]
    if not tuned:
        raise BadInput("All items are held out: leave some to choose the settings on.")
    if both := {i.sample for i in tuned} & {i.sample for i in rest}:
        raise BadInput(
            f"{min(both)} is held out into one language and chosen on in another: it is the same film, so hold out all of it."
        )
    return suite.but(items=_once(tuned, suite.until)), suite.but(items=_once(rest, suite.until)) if rest else None


def _once(items: Sequence[SuiteItem], until: str) -> tuple[SuiteItem, ...]:
    """Items without repetition: before it is translated, a film is the same whatever it is translated into."""
    if _ORDER.index(until) >= _ORDER.index("translate"):
        return tuple(items)
    first: dict[str, SuiteItem] = {}
    for item in items:
        first.setdefault(str((item.sample, item.given, item.set)), item)
    return tuple(first.values())
