"""Many films at once: a manifest of rows, a ledger of what has become of each, and engines that do the work.

A row is done by a notebook. In it, ``batch.tell`` lets whoever runs the batch see how far the film is, and
``batch.result(...)`` says what goes into the batch's table:

>>> run = Run.open(video, target, observers=(batch.tell,))    # doctest: +SKIP
>>> batch.result(**batch.facts(run), out=str(run.save(out)))  # doctest: +SKIP
"""

from dubkit.batch.outcome import facts, result, tell

__all__ = ["facts", "result", "tell"]
