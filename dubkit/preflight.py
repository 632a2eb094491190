"""Before any work: is every program and model here, and can these languages be done at all?

What can be downloaded is, here and not after forty minutes; what is still missing is listed in one error.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dubkit import execution, languages
from dubkit.backends.protocols import ModelCard
from dubkit.errors import BadInput, MissingModel, Unreachable
from dubkit.media import ffmpeg_program
from dubkit.progress import Observer, Report
from dubkit.settings import Settings
from dubkit.stage import Stage
from dubkit.stages.assign_voices import check_voices
from dubkit.stages.translate import check_languages


def film(path: Path) -> Path:
    """The path, if a readable file is there.

    Raises
    ------
    BadInput
        Otherwise.
    """
    if not path.exists():
        raise BadInput(f"There is no file {str(path)!r}. Check the name; quote it if it holds spaces.")
    if not path.is_file():
        raise BadInput(f"{str(path)!r} is not a file. Give one video file.")
    return path


def checked_languages(settings: Settings) -> Settings:
    """Settings whose languages are codes.

    Wherever they came from, they become parts of file names: nothing but a known code may pass.

    Raises
    ------
    BadInput
        If one is unknown, or source and target are the same.
    """
    named = {"transcribe.language": settings.transcribe.language, "translate.target": settings.translate.target}
    checked = settings.but({name: languages.parse(value) for name, value in named.items() if value is not None})
    if checked.transcribe.language == checked.translate.target:
        name = languages.name(checked.translate.target)
        raise BadInput(f"Source and target are both {name}: choose another target language.")
    return checked


def backends(stages: Sequence[Stage], settings: Settings) -> dict[str, Any]:
    """The back end of each task that stages need.

    Raises
    ------
    MissingModel
        If packages are missing; the message names all of them.
    """
    found: dict[str, Any] = {}
    lacking = {}
    for stage in stages:
        if stage.task:
            try:
                found[stage.task] = execution.backend(stage, settings)
            except MissingModel as error:
                lacking[str(error)] = error
    if lacking:
        raise MissingModel("\n".join(lacking)) from next(iter(lacking.values()))
    return found


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
    first = {stage.task: stage.name for stage in reversed(stages)}
    lacking = [task for task in found if _missing(found[task], settings)]
    if lacking and not offline():
        _bring([(found[task], Report(first[task], observers)) for task in lacking], settings)
    if missing := [card for card in models(stages, settings) if _lacks(card, settings)]:
        told_of = "".join(f"\n- {c.name}: {c.fetch}{f' ({c.note})' if c.note else ''}" for c in missing)
        raise MissingModel(f"Models are missing, and can be brought so:{told_of}\nNothing was begun.")


def answer(
    stages: Sequence[Stage], settings: Settings, answered: set[str], observers: tuple[Observer, ...] = ()
) -> None:
    """Ask hosts that stages rely on whether they are there: before any work, and not where all is in the store.

    Parameters
    ----------
    stages : sequence of Stage
        What is going to be done.
    settings : Settings
        Of the run.
    answered : set of str
        Tasks whose back end has answered; it is filled.
    observers : tuple of callable
        Are told of what works but in part.

    Raises
    ------
    MissingModel
        Lists those that do not answer, or refuse.
    """
    silent = []
    for stage in stages:
        backend = execution.backend(stage, settings)
        if stage.task in {None, *answered} or not hasattr(backend, "check"):
            continue
        try:
            with execution.told_of_models(Report(stage.name, observers)):
                backend.check()
            answered.add(str(stage.task))
        except MissingModel as error:
            silent.append(str(error))
    if silent:
        raise MissingModel("\n".join(silent))


def offline() -> bool:
    """Whether downloads from the model hub are switched off (``HF_HUB_OFFLINE``)."""
    from huggingface_hub import constants

    return bool(constants.is_offline_mode())


def _languages(settings: Settings) -> tuple[str | None, str]:
    return settings.transcribe.language, settings.translate.target


def _missing(backend: Any, settings: Settings) -> list[ModelCard]:
    return [card for card in backend.models(*_languages(settings)) if _lacks(card, settings)]


def _lacks(card: ModelCard, settings: Settings) -> bool:
    needed = not card.optional or (card.copies_voices and settings.assign_voices.consent)
    return needed and not card.present


def _bring(lacking: list[tuple[Any, Report]], settings: Settings) -> None:
    """Let back ends download what they lack; what they cannot get is listed with the rest."""
    for backend, report in lacking:
        if not hasattr(backend, "fetch"):
            continue
        cards = _missing(backend, settings)
        report(0, len(cards), "downloading " + ", ".join(f"{c.name} ({c.size / 1e9:.1f} GB)" for c in cards))
        try:
            backend.fetch(*_languages(settings))
        except Unreachable as error:
            report.warn(str(error))
            # The others would wait for the same network.
            return
        except MissingModel as error:
            report.warn(str(error))
