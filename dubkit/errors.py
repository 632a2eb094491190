"""What can go wrong through no fault of the code: each error says what was given, what is allowed and what to do."""

from __future__ import annotations


class DubkitError(Exception):
    """Base of every error that a person can cause and mend.

    ``exit_code`` is what the command line returns, ``final`` whether it is the same however often the work is tried.
    """

    exit_code = 5
    final = False


class BadInput(DubkitError):
    """A file, setting or language that dubkit cannot take."""

    exit_code = 2
    final = True


class UnsupportedPair(BadInput):
    """No translation or no voice for the languages asked for."""


class MissingModel(DubkitError):
    """A model, package or program that is not installed; the message holds the command that installs it."""

    exit_code = 4
    final = True


class Unreachable(MissingModel):
    """A model is not here, and the place that it could come from does not answer."""

    final = False


class OutOfSpace(DubkitError):
    """The disk is full or the folder cannot be written."""


class OutOfMemory(DubkitError):
    """A model does not fit into the memory of the device that it was to run on."""


class StageFailed(DubkitError):
    """A stage failed for a reason of its own; earlier results stay usable."""


def judged(error: BaseException) -> tuple[str, str, bool]:
    """An error's kind, why it came in a sentence, and whether it is the same however often the work is tried.

    What a notebook's kernel tells of an error, as ``ename`` and ``evalue``, counts as that error.
    """
    kind, text = getattr(error, "ename", type(error).__name__), str(getattr(error, "evalue", error))
    known = globals().get(kind, type(error))
    if not (isinstance(known, type) and issubclass(known, DubkitError)):
        return kind, f"{kind}: {text}" if text else kind, False
    return kind, text, known.final


def is_final(kind: str) -> bool:
    """Whether an error of that kind, by its class's name, is the same however often the work is tried."""
    known = globals().get(kind)
    return isinstance(known, type) and issubclass(known, DubkitError) and known.final


def listed(names: list[str] | tuple[str, ...] | frozenset[str], limit: int = 40) -> str:
    """Names as one sorted, comma-separated string, cut after `limit` with a count of the rest."""
    ordered = sorted(names)
    more = f", and {len(ordered) - limit} more" if len(ordered) > limit else ""
    return ", ".join(ordered[:limit]) + more
