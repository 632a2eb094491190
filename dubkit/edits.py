"""Corrections by hand: rows of an artefact changed by id, kept with the run and put on again after recomputation.

A correction remembers the row that it was made for. Where that row has changed since (another transcript, another
model), the correction is set aside and the user is told, instead of putting old words under a new line. A translation
written by hand is for its source text, and a voice chosen by hand for its speaker: they stay whatever else changes.

A line whose text was written by hand has that text for its only candidate, so that no other wording is spoken in its place.
Where an utterance is given other times, its words move along.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dubkit.artefacts import Line, Role, Utterance, Word
from dubkit.durations import natural_duration
from dubkit.errors import BadInput, listed
from dubkit.record import Artefact, Seconds
from dubkit.store import digest

# By row id: {"of": digest of the row as it was, "fields": new values, or None to remove the row}.
Edits = dict[str, dict[str, Any]]

KNOWN_BY: dict[type, set[str]] = {Line: {"id", "source_text"}, Role: {"id"}}
"""The fields that a correction is made for, where these are not all: what else is in such a row may change under it."""


def edits(artefact: Artefact, changes: Mapping[str, Any]) -> Edits:
    """Changes as a person gives them, checked against the artefact.

    Parameters
    ----------
    artefact : Artefact
        The artefact as the stage made it, before any edit.
    changes : mapping
        By row id: a mapping of fields to new values, or a plain value for the row's main field, or None to remove it.

    Raises
    ------
    BadInput
        If there is no such row or field, or the value does not fit it.
    """
    rows = {row.id: row for row in artefact.rows}
    language = getattr(artefact, "target", "")
    found: Edits = {}
    for name, change in changes.items():
        if name not in rows:
            raise BadInput(f"There is no row {name!r} in {type(artefact).__name__}; it has: {listed(list(rows))}.")
        if change is not None and not isinstance(change, Mapping):
            if not artefact.TEXT:
                raise BadInput(f"Say which field of {name!r} to change, as a mapping of field to value.")
            change = {artefact.TEXT: change}
        # The id is how a row is found again: it stays.
        allowed = set(type(rows[name]).model_fields) - {"id"}
        if change is not None and (unknown := set(change) - allowed):
            raise BadInput(f"{name!r} has no field {listed(list(unknown))}; its fields are: {listed(list(allowed))}.")
        found[name] = {"of": identity(rows[name]), "fields": _plain(rows[name], change, language)}
    return found


def apply(artefact: Any, changes: Edits) -> tuple[Any, list[str]]:
    """The artefact with the edits made, and the ids of those that no longer fit it.

    Raises
    ------
    BadInput
        If a value does not fit its field.
    """
    set_aside = set(changes) - {row.id for row in artefact.rows}
    language = getattr(artefact, "target", "")
    rows = []
    for row in artefact.rows:
        change = changes.get(row.id)
        if change is None:
            rows.append(row)
        elif change["of"] != identity(row):
            set_aside.add(row.id)
            rows.append(row)
        elif change["fields"] is not None:
            rows.append(_changed(row, change["fields"], language))
    return artefact.but(**{artefact.ROWS: tuple(rows)}), sorted(set_aside)


def identity(row: Any) -> str:
    """A digest of what a correction of the row is made for; where its files lie is no part of it."""
    return digest(row.model_dump(mode="json", include=KNOWN_BY.get(type(row)), context={"identity": True}))


def _plain(row: Any, change: Mapping[str, Any] | None, language: str) -> dict[str, Any] | None:
    """The new values as the row takes them, in plain types that can be kept in a file."""
    if change is None:
        return None
    values: dict[str, Any] = _changed(row, change, language).model_dump(mode="json", include=set(change))
    return values


def _changed(row: Any, fields: Mapping[str, Any], language: str) -> Any:
    if isinstance(row, Line) and "text" in fields:
        fields = _pinned(str(fields["text"]), fields, language)
    try:
        if isinstance(row, Utterance) and {"start", "end"} & fields.keys():
            fields = {"words": _moved(row, row.but(**fields)), **fields}
        changed = row.but(**fields)
    except ValueError as error:
        raise BadInput(f"{dict(fields)!r} does not fit {row.id!r}: {error}") from error
    start, end = getattr(changed, "start", 0.0), getattr(changed, "end", 0.0)
    if not (0 <= start <= end < math.inf):
        raise BadInput(
            f"{row.id!r} cannot last from {start} to {end} s: times are at least 0, and the end is not before the start."
        )
    return changed


def _pinned(text: str, fields: Mapping[str, Any], language: str) -> dict[str, Any]:
    """The fields of a line that is to be said just so, with its expected length unless that is given."""
    fields = {"duration": natural_duration(text, language), **fields}
    return {"candidates": ({"text": text, "duration": fields["duration"]},), **fields}


def _moved(row: Utterance, wanted: Utterance) -> tuple[Word, ...]:
    """The words of an utterance spread over its new times as they were over the old ones."""
    if not row.end > row.start:
        return ()
    scale = (wanted.end - wanted.start) / (row.end - row.start)

    def at(time: Seconds) -> Seconds:
        return round(wanted.start + scale * (time - row.start), 3)

    return tuple(word.but(start=at(word.start), end=at(word.end)) for word in row.words)
