"""Before any work: is every program and model here, and can these languages be done at all?

What can be downloaded is, here and not after forty minutes; what is still missing is listed in one error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dubkit import execution
from dubkit.backends.protocols import ModelCard
from dubkit.errors import MissingModel
from dubkit.media import ffmpeg_program
from dubkit.progress import Observer, Report
from dubkit.settings import Settings
from dubkit.stage import Stage
from dubkit.stages.assign_voices import check_voices
from dubkit.stages.translate import check_languages


def backends(stages: Sequence[Stage], settings: Settings) -> dict[str, Any]:
    """The back end of each task that stages need."""
    return {s.task: execution.backend(s, settings) for s in stages if s.task}


def models(stages: Sequence[Stage], settings: Settings) -> list[ModelCard]:
    """The models that stages need for the languages of a run, each once."""
    languages = _languages(settings)
    cards = [card for backend in backends(stages, settings).values() for card in backend.models(*languages)]
    return list({c.name: c for c in cards}.values())


def preflight(stages: Sequence[Stage], settings: Settings, observers: tuple[Observer, ...] = ()) -> None:
    """Refuse what cannot work, and bring what is missing and can be brought.

    Parameters
    ----------
    stages : sequence of Stage
        What is going to be done.
    settings : Settings
        Of the run.
    observers : tuple of callable
        Are told of downloads, in the name of the first stage that needs them.

    Raises
    ------
    MissingModel
        Lists all that is missing and how to get it.
    UnsupportedPair
        If it is clear already that the languages cannot be translated or spoken.
    """
    ffmpeg_program()
    found = backends(stages, settings)
    if "translator" in found:
        check_languages(found["translator"], settings.transcribe.language, settings.translate.target)
    if "synthesizer" in found:
        check_voices(found["synthesizer"], settings.translate.target)
    for stage in stages:
        if stage.task in found and _missing(found[stage.task], settings):
            _bring(found[stage.task], settings, Report(stage.name, observers))
    if missing := [card for card in models(stages, settings) if not card.present and not card.optional]:
        told_of = "; ".join(f"{c.name} ({c.fetch})" for c in missing)
        raise MissingModel(f"Models are missing: {told_of}.")


def offline() -> bool:
    """Whether downloads from the model hub are switched off (``HF_HUB_OFFLINE``)."""
    from huggingface_hub import constants

    return bool(constants.is_offline_mode())


def _languages(settings: Settings) -> tuple[str | None, str]:
    return settings.transcribe.language, settings.translate.target


def _missing(backend: Any, settings: Settings) -> list[ModelCard]:
    return [card for card in backend.models(*_languages(settings)) if not card.present and not card.optional]


def _bring(backend: Any, settings: Settings, report: Report) -> None:
    """Let the back end download what it lacks; what it cannot get is listed with the rest."""
    fetch = getattr(backend, "fetch", None)
    if fetch is None or offline():
        return
    cards = _missing(backend, settings)
    report(0, len(cards), "downloading " + ", ".join(f"{c.name} ({c.size / 1e9:.1f} GB)" for c in cards))
    try:
        fetch(*_languages(settings))
    except MissingModel as error:
        report.warn(str(error))
