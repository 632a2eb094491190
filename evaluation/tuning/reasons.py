"""Why a setting wins, or the default stays: the sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evaluation.formatting import interval, number
from evaluation.measures import Measure
from evaluation.tuning import cost

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Reasons:
    """What may be said of a table of :func:`evaluation.tuning.choice.judged`.

    Parameters
    ----------
    default : pandas.Series
        The first row.
    others : pandas.DataFrame
        The rest.
    names : tuple of str
        The settings.
    measure : Measure
        What decides.
    also : tuple of Measure
        What may not become worse.
    needed : int
        So many films it takes to be sure.
    """

    default: Any
    others: pd.DataFrame
    names: tuple[str, ...]
    measure: Measure
    also: tuple[Measure, ...]
    needed: int

    def better(self, best: Any) -> str:
        """The winner: how much better, how sure that is, and what it costs."""
        value = interval(best["value"], best["low"], best["high"])
        told = [
            f"Take {written(best, self.names)}: {self.measure.name} is {value} instead of {number(self.default['value'])} with "
            f"{written(self.default, self.names)} ({_sure(best)}){self._beside(best)}."
        ]
        if unjudged := [m.name for m in self.also if not best[f"{m.name} verdict"]]:
            told.append(f"Films are too few to be sure that {_and(unjudged)} did not become worse.")
        told.append(self._cost(best))
        if len(self.others) > 1:
            told.append(
                f"It is the best of {len(self.others)} on the films that it was chosen on, which flatters it: look at films held "
                "out."
            )
        return " ".join(filter(None, told))

    def too_few(self, best: Any) -> str:
        """The default stays, since nothing can be sure; `best` is the row of the best value that harms nothing else."""
        if not self.others["value"].notna().any():
            return f"{self._stays} Nothing else came through."
        n_films = int(self.default["n_films"])
        told = [
            self._stays,
            f"{n_films} film{'s are' if n_films != 1 else ' is'} too few to be sure of a difference: {self._takes}.",
        ]
        alone = "By value alone"
        if self.also:
            alone += f", and where {_and([m.name for m in self.also])} may not be worse,"
        if best is None or best.name == self.default.name:
            told.append(f"{alone} it is the best, too.")
        else:
            told.append(
                f"{alone} {written(best, self.names)} would be taken: {self.measure.name} is {number(best['value'])} instead of "
                f"{number(self.default['value'])}{self._beside(best)}."
            )
            told.append(self._cost(best))
        return " ".join(filter(None, told))

    def harmful(self, best: Any, worse: Sequence[str]) -> str:
        """The default stays, since the best makes other measures worse."""
        told = [f"{name} ({number(best[name])} instead of {number(self.default[name])})" for name in worse]
        return (
            f"{self._stays} The best of those that are better in {self.measure.name}, {written(best, self.names)}, is worse in "
            f"{_and(told)}."
        )

    def none_better(self, best: Any) -> str:
        """The default stays, since nothing is reliably better, not even the best of the others."""
        if best is None:
            return f"{self._stays} Nothing else came through."
        told = (
            f"{self._stays} No setting is reliably better in {self.measure.name}: the best of the others, "
            f"{written(best, self.names)}, has {number(best['value'])} instead of {number(self.default['value'])} "
            f"({_sure(best)})."
        )
        n_films = int(self.default["n_films"])
        return told if n_films >= self.needed else f"{told} There are {n_films} films; {self._takes}."

    @property
    def _stays(self) -> str:
        return f"The default stays ({written(self.default, self.names)})."

    @property
    def _takes(self) -> str:
        n = len(self.others)
        return f"{'for a single one of ' + str(n) + ' settings ' if n > 1 else ''}it takes {self.needed}"

    def _beside(self, best: Any) -> str:
        """The other measures."""
        return "".join(
            f", {m.name} {number(best[m.name])} instead of {number(self.default[m.name])}" for m in self.also
        )

    def _cost(self, best: Any) -> str:
        if math.isnan(best["cost"]) or math.isnan(self.default["cost"]):
            return ""
        own, other = best["cost"], self.default["cost"]
        if not cost.is_less(own, other) and not cost.is_less(other, own):
            return f"It costs about as much ({own:.2f} and {other:.2f} s of work per second of film)."
        return f"It takes {own:.2f} s of work per second of film instead of {other:.2f}."


def written(settings: Mapping[str, Any] | pd.Series[Any], names: Sequence[str]) -> str:
    """``diarize.threshold = 0.5``, several after commas."""
    return ", ".join(f"{name} = {settings[name]}" for name in names)


def elsewhere(films: str, values: Sequence[float], found: Mapping[str, Any]) -> str:
    """What is left of a winner on `films` held out: its value and the default's, and how sure the change is."""
    sure = "too few films to say how sure that is"
    if not math.isnan(found["change_low"]):
        sure = f"95 % interval of the change {found['change_low']:+.3f} to {found['change_high']:+.3f}"
    return f"On films held out ({films}) it is {number(values[0])} instead of {number(values[1])} ({sure})."


def _sure(row: Any) -> str:
    """How much it changes, and how sure that is."""
    if math.isnan(row["change_low"]):
        return "too few films to say how sure that is"
    change, low, high = row["change"], row["change_low"], row["change_high"]
    return f"change {change:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}, q {row['q']:.3f}"


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)
