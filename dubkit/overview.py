"""What is there: a run's history, the models of a profile, the languages that it can dub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from dubkit import languages
from dubkit.artefacts import Placement, Soundtrack
from dubkit.backends import registry, weights
from dubkit.backends.protocols import ModelCard
from dubkit.errors import BadInput, MissingModel
from dubkit.run import PIPELINE, Run
from dubkit.runlog import RunLog
from dubkit.settings import Backends, Settings, load, profile
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


def timing(name: str, store: str | Path | None = None) -> tuple[Placement, ...]:
    """The timing certificates of a run's lines, in order of the lines.

    Raises
    ------
    BadInput
        If there is no such run, or it has not come to ``assemble`` yet.
    """
    home = Store(store)
    log = RunLog.find(home.root, name)
    result = log.results.get("assemble")
    found = home.find("assemble", result["key"], Soundtrack) if result else None
    if found is None:
        raise BadInput(f"{log.id} has no timing yet: its lines were not placed. Give the dub command again first.")
    return cast(Soundtrack, found.artefact).placements


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


def model_table(
    settings: Settings, fetch: bool = False, targets: Sequence[str | None] = (None,)
) -> tuple[list[dict[str, Any]], list[str]]:
    """Every model that a run would need, and why some could not be had.

    Parameters
    ----------
    settings : Settings
        Their back ends and source language count.
    fetch : bool
        Bring what can be brought, and check what is there, first.
    targets : sequence of str or None
        Languages to dub into; None stands for any.

    Returns
    -------
    tuple of (list of dict, list of str)
        A row per model, each once, and one message per back end that could not bring its models.
    """
    rows: dict[str, dict[str, Any]] = {}
    failures: list[str] = []
    for task in (f.name for f in fields(Backends)):
        backend = registry.get(task, getattr(settings.backends, task), settings.compute)
        for target in targets:
            languages = (settings.transcribe.language, target)
            if fetch:
                failures += _fetch(backend, *languages)
            for card in backend.models(*languages):
                rows.setdefault(card.name, {"model": card.name, "task": task, **_told(card)})
    return list(rows.values()), list(dict.fromkeys(failures))


def _told(card: ModelCard) -> dict[str, Any]:
    state = "here" if card.present else "not here, for further languages" if card.optional else "missing"
    return {
        "megabytes": f"{card.size / 1e6:.0f}" if card.size else "?",
        "licence": card.licence,
        "state": state,
        "present": card.present,
        "optional": card.optional,
        "note": card.note,
        "fetch": card.fetch,
    }


def _fetch(backend: Any, source: str | None, target: str | None) -> list[str]:
    """Put together and check what packages carry, and let the back end bring what it knows how to bring."""
    try:
        for card in backend.models(source, target):
            if card.name in weights.names():
                weights.folder(card.name)
        if hasattr(backend, "fetch"):
            backend.fetch(source, target)
    except MissingModel as error:
        return [str(error)]
    return []


def language_table(
    profile_name: str | None = None, source: str | None = None, target: str | None = None
) -> list[dict[str, str]]:
    """The pairs that a profile can dub: how good its translation measured, through which languages, how many voices.

    Parameters
    ----------
    profile_name : str or None
        See :func:`dubkit.settings.profile`.
    source, target : str or None
        Only pairs from or to this language, a BCP-47 code or a name.

    Raises
    ------
    BadInput
        If there is no such profile or language.
    """
    settings, _ = profile(profile_name)
    wanted = tuple(languages.parse(one) if one else None for one in (source, target))
    translator, synthesizer, transcriber = (
        registry.get(task, getattr(settings.backends, task), settings.compute)
        for task in ("translator", "synthesizer", "transcriber")
    )
    heard = transcriber.languages()
    rows = []
    for source, target in sorted(translator.pairs()):
        if wanted[0] not in (None, source) or wanted[1] not in (None, target) or source not in heard:
            continue
        voices = synthesizer.voices(target)
        if not voices:
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
