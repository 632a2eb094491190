"""Lines that belong together: as many of one as of the other, each with an id of its own."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.errors import BadInput, listed


def identified(ids: Sequence[str] | None, n_lines: int) -> tuple[str, ...]:
    """The ids given, or ``u001``, ``u002``, ... where there are none.

    Raises
    ------
    BadInput
        If there are not as many as lines, or one occurs twice.
    """
    if ids is None:
        return tuple(f"u{n:03}" for n in range(1, n_lines + 1))
    if len(ids) != n_lines:
        raise BadInput(f"{len(ids)} ids for {n_lines} lines: give one id for each line, or none at all")
    twice = [one for one in dict.fromkeys(ids) if list(ids).count(one) > 1] if len(set(ids)) < n_lines else []
    if twice:
        raise BadInput(f"ids occur more than once: {listed(twice)}. Give each line an id of its own")
    return tuple(ids)


def validate(ids: Sequence[str] | None = None, **texts: Sequence[str]) -> None:
    """Refuse what is not line by line: ``validate(ids, references=[...], hypotheses=[...])``.

    Raises
    ------
    BadInput
        If there are no lines, a single text is given for a list of them, or the lists differ in length.
    """
    for name, lines in texts.items():
        if isinstance(lines, str):
            raise BadInput(f"{name} is one text ({lines[:40]!r}): give a list with a text for each line")
        for number, line in enumerate(lines, 1):
            if not isinstance(line, str):
                raise BadInput(f"line {number} of {name} is {line!r}: give a text, an empty one where nothing is said")
    lengths = {name: len(lines) for name, lines in texts.items()}
    if len(set(lengths.values())) > 1:
        told = " but ".join(f"{n} {name}" for name, n in lengths.items())
        raise BadInput(f"{told}: give as many of one as of the other, in the same order")
    n_lines = next(iter(lengths.values()))
    if not n_lines:
        raise BadInput(f"there are no {' and no '.join(lengths)}: give at least one line")
    identified(ids, n_lines)
