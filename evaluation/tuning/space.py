"""What is tried: every combination of some values, or those that an optimiser asks for in turn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dubkit import preflight
from dubkit.errors import BadInput
from dubkit.run import PIPELINE
from dubkit.settings import Settings
from evaluation.measures import Measure
from evaluation.statistics import SEED

if TYPE_CHECKING:
    import optuna

Space = Mapping[str, Sequence[Any]]
"""Values by a setting's dotted name: a list of choices, or for an optimiser a tuple ``(low, high)``."""

Values = dict[str, Any]
"""One value for each setting, by dotted name."""


def value_of(settings: Settings, name: str) -> Any:
    """A setting by its dotted name."""
    node: Any = settings
    for part in name.split("."):
        node = getattr(node, part)
    return node


def fitted(values: Mapping[str, Any], base: Settings) -> Values:
    """Values as the settings have them: text is read as the setting's type."""
    changed = base.but(values)
    return {name: value_of(changed, name) for name in values}


def validate(space: Space, base: Settings, until: str, *, ranges: bool) -> None:
    """Refuse what cannot be tried, before anything is.

    Parameters
    ----------
    space : mapping
        See :data:`Space`.
    base : Settings
        What the values change.
    until : str
        The last stage that is run.
    ranges : bool
        Whether ``(low, high)`` may be asked for.

    Raises
    ------
    BadInput
        If there is nothing to try, a setting or value is none, a range is no range, or a setting is of a later stage.
    MissingModel
        If the packages of a back end are not installed.
    """
    if not space:
        raise BadInput('There is nothing to try: give values by a setting\'s name, {"diarize.threshold": [0.5, 0.6]}.')
    stages = PIPELINE[: [s.name for s in PIPELINE].index(until) + 1]
    for name, values in space.items():
        if isinstance(values, str) or not isinstance(values, Sequence) or not len(values):
            raise BadInput(f"{name}: give a list of values to try, not {values!r}.")
        if isinstance(values, tuple):
            _check_range(name, values, ranges)
        for value in values:
            preflight.backends(stages, base.but({name: value}))
        _check_stage(name, stages, until)


def grid(space: Space, base: Settings) -> list[Values]:
    """Every combination of the values, each once, in the order given.

    Raises
    ------
    BadInput
        If one does not fit.
    """
    found: list[Values] = []
    for values in itertools.product(*space.values()):
        one = fitted(dict(zip(space, values, strict=True)), base)
        if one not in found:
            found.append(one)
    return found


def search(space: Space, measure: Measure, base: Settings, n_trials: int, score: Callable[[Values], float]) -> None:
    """Let Optuna's tree-structured Parzen estimator (Bergstra et al. 2011) ask for the scores of combinations.

    Parameters
    ----------
    space : mapping
        Whole numbers at both ends of a range ask for whole numbers.
    measure : Measure
        Which way is better.
    base : Settings
        What the values change.
    n_trials : int
        How often it asks; it may ask for the same twice.
    score : callable
        The measure's value for a combination; nan where it could not be had.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=SEED)
    study = optuna.create_study(sampler=sampler, direction="maximize" if measure.better == "higher" else "minimize")
    for _ in range(n_trials):
        trial = study.ask()
        value = score(fitted({name: _suggested(trial, name, allowed) for name, allowed in space.items()}, base))
        if math.isnan(value):
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, value)


def _suggested(trial: optuna.Trial, name: str, allowed: Sequence[Any]) -> Any:
    if not isinstance(allowed, tuple):
        return trial.suggest_categorical(name, list(allowed))
    low, high = allowed
    if isinstance(low, int) and isinstance(high, int):
        return trial.suggest_int(name, low, high)
    return trial.suggest_float(name, low, high)


def _check_range(name: str, values: tuple[Any, ...], ranges: bool) -> None:
    if not ranges:
        raise BadInput(f"{name}: {values!r} is a range, which only search='optuna' can try; for a grid give a list.")
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) != 2 or len(values) != 2 or not numbers[0] < numbers[1]:
        raise BadInput(f"{name}: a range is (low, high), two numbers of which the second is larger, not {values!r}.")


def _check_stage(name: str, stages: Sequence[Any], until: str) -> None:
    group, _, rest = name.partition(".")
    if group == "compute":
        raise BadInput(f"{name} changes no result, so there is nothing to score: benchmarks/ measure speed.")
    names, tasks = [s.name for s in stages], [s.task for s in stages if s.task]
    if rest not in tasks if group == "backends" else group not in names:
        raise BadInput(f"{name} works after {until!r}, the last stage that the measures need: choose a later measure.")
