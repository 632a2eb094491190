"""The wordings of a line, and which of them to speak: quality and fit to the slot, weighed together.

For candidate :math:`k` with natural length :math:`d_k`, slot :math:`s` and room :math:`r \\ge s` (the slot and the silence
that may be borrowed), the rate that fills the slot is :math:`x = d_k / s`, and

.. math::

    m_k = \\max(0, \\log(x / 1.08)) + S \\max(0, \\log(0.95 / x))
    + B \\max(0, \\log(d_k / (r f))) + C \\max(0, \\log(l / x))

with the limits :math:`l` (slowest, at most 0.95) and :math:`f` (fastest): nothing within a comfortable band of rates, then
in proportion to the logarithm of the rate, less for a line that is short (a pause is no harm), and steeply for what no
rate that is allowed brings into its room. The candidate with the least

.. math::

    w\\, m_k + \\max(q_0 - q_k, M) \\quad (k > 0), \\qquad w\\, m_0 \\quad (k = 0)

is spoken, :math:`q` being the translator's score (mean log probability of a token; a variant's is its parent's less its
cost). So with a weight of 1 (``synthesize`` takes 2), being 10 % faster weighs as much as 10 % less probability for every token.
The first
candidate needs no excuse: any other has to gain at least :math:`M`, whatever its score says. Ranking translations by model
score and fit to the time there is follows Federico et al., "From Speech-to-Speech Translation to Automatic Dubbing"
(IWSLT 2020).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from dubkit import glossary
from dubkit.artefacts import Candidate
from dubkit.durations import natural_duration
from dubkit.record import Seconds
from dubkit.variants import variants

MOST_TRANSLATIONS = 8
VARIED = 2
"""How many translations, the best ones, are also worded otherwise."""
COMFORTABLE = (0.95, 1.08)
"""Rates at which nobody hears a difference, so that no other wording is wanted."""
SHORT = 0.5
"""Cost of filling too little of the slot, beside 1 for too much."""
BEYOND, BELOW = 10.0, 1.0
"""Further cost of a line too long for its room at the fastest rate, and of one too short for its slot at the slowest."""
MARGIN = 0.03
"""Least gain for which the translator's first wording is given up."""
WEIGHT = 1.0
_BRIEFEST = 1e-3


def wordings(translations: Sequence[Candidate], language: str, keep: Sequence[str] = ()) -> tuple[Candidate, ...]:
    """All wordings to choose from, with their expected lengths: the translations, then variants of the best.

    Translations that lack a term to keep are left out, unless all do. A variant's score is its translation's less the
    variant's cost.

    Parameters
    ----------
    translations : sequence of Candidate
        Best first.
    language : str
        BCP-47 code of the language that they are in.
    keep : sequence of str
        Terms that must stand in them.

    Returns
    -------
    tuple of Candidate
        Distinct; the first is the first translation that keeps the terms. Empty where there is no translation.
    """
    keeping = [c for c in translations if glossary.keeps(c.text, keep)] or translations
    found = {c.text: c for c in reversed(keeping)}
    best = [c for c in keeping if found[c.text] is c][:MOST_TRANSLATIONS]
    said = {c.text: c for c in best}
    for parent in best[:VARIED]:
        for variant in variants(parent.text, language, keep):
            score = round(parent.score - variant.cost, 4)
            said.setdefault(variant.text, Candidate(text=variant.text, score=score, how=variant.how))
    return tuple(c.but(duration=natural_duration(c.text, language)) for c in said.values())


def misfit(duration: Seconds, slot: Seconds, *, slowest: float, fastest: float, room: Seconds | None = None) -> float:
    """How badly a natural length fits a slot: 0 within the comfortable band, in units of the logarithm of the rate.

    Parameters
    ----------
    duration, slot : float
        Natural length and slot, in seconds.
    slowest, fastest : float
        The rates that are allowed; 1 is natural.
    room : float or None
        The slot with the silence that may be borrowed, in seconds; None where there is none to borrow.
    """
    length, slot = max(duration, _BRIEFEST), max(slot, _BRIEFEST)
    rate = length / slot
    low, high = COMFORTABLE
    fast = math.log(max(rate / high, 1.0))
    short = math.log(max(low / rate, 1.0))
    beyond = math.log(max(length / (max(slot, room or 0.0) * fastest), 1.0))
    below = math.log(max(min(slowest, low) / rate, 1.0))
    return fast + SHORT * short + BEYOND * beyond + BELOW * below


def choose(
    candidates: Sequence[Candidate],
    durations: Sequence[Seconds],
    slot: Seconds,
    *,
    slowest: float,
    fastest: float,
    room: Seconds | None = None,
    weight: float = WEIGHT,
) -> int:
    """The number of the wording to speak; see this module's formula.

    Parameters
    ----------
    candidates : sequence of Candidate
        The translator's first wording first.
    durations : sequence of float
        Their lengths at natural rate, in seconds.
    slot : float
        Length of the source line, in seconds.
    slowest, fastest, room
        As in :func:`misfit`.
    weight : float
        Of the fit beside the translation's quality; 0 always keeps the first wording.

    Raises
    ------
    ValueError
        If there are no candidates, or not one length for each.
    """
    if not candidates or len(candidates) != len(durations):
        raise ValueError(f"{len(candidates)} candidates and {len(durations)} durations: give one of each or more.")
    costs = []
    for n, (candidate, duration) in enumerate(zip(candidates, durations, strict=True)):
        worse = max(candidates[0].score - candidate.score, MARGIN) if n else 0.0
        costs.append(weight * misfit(duration, slot, slowest=slowest, fastest=fastest, room=room) + worse)
    return min(range(len(costs)), key=lambda n: (costs[n], n))
