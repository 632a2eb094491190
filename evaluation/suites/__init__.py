"""What there is to evaluate on: suites of films, each dubbed into a language, with what is known about them.

A suite is a TOML file in ``evaluation/suites`` or anywhere: ``[[items]]`` name samples of the repository's ``data``, or
``[corpus]`` a data set whose recordings are joined to films (:mod:`evaluation.suites.corpora`).
"""

from evaluation.suites.definition import JUDGE, Suite, SuiteItem, audiofolder, suite, suites, validate
from evaluation.suites.item import REPLACEABLE, Item
from evaluation.suites.repository import checkout

__all__ = [
    "JUDGE",
    "REPLACEABLE",
    "Item",
    "Suite",
    "SuiteItem",
    "audiofolder",
    "checkout",
    "suite",
    "suites",
    "validate",
]
