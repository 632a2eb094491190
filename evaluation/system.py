"""What is evaluated: a profile with its settings, and the stages that the truth replaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dubkit.run import PIPELINE
from dubkit.settings import Settings, profile
from evaluation import oracle
from evaluation.suites import REPLACEABLE, Suite


@dataclass(frozen=True)
class System:
    """What is evaluated.

    Parameters
    ----------
    profile : str or None
        See :func:`dubkit.settings.profile`.
    changes : mapping
        Settings by dotted name.
    given : tuple of str
        Stages that the truth replaces, besides those that the suite says.
    name : str
        What results are called by; made from the others where it is empty.
    """

    profile: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    given: tuple[str, ...] = ()
    name: str = ""

    @property
    def settings(self) -> Settings:
        """The settings that all items share."""
        return profile(self.profile)[0].but(self.changes)

    @property
    def label(self) -> str:
        """The system's name."""
        if self.name:
            return self.name
        parts = [Path(self.profile).stem if self.profile else "default"]
        parts += [f"{k}={v}" for k, v in sorted(self.changes.items())]
        return " ".join([*parts, *(f"true:{stage}" for stage in self.given)])

    def oracles(self, suite: Suite) -> list[System]:
        """This system with the truth in place of each stage for which all items know it, and in place of all of them.

        The suite's last stage and those after it are left out: nothing would be scored.
        """
        order = [stage.name for stage in PIPELINE]
        early = set(order[: order.index(suite.until)])
        possible = [early & set(oracle.possible(item)) - set(item.given) for item in suite.load()]
        stages = [s for s in REPLACEABLE if all(s in one for one in possible) and s not in self.given]
        named = {stage: (stage,) for stage in stages} | {"all": tuple(stages)}
        return [
            replace(self, given=(*self.given, *more), name=f"{self.label} true:{name}")
            for name, more in named.items()
            if more
        ]
