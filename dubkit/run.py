"""A film on its way through the eleven stages.

>>> run = Run.open("talk.mp4", target="pt")        # doctest: +SKIP
>>> run.until("diarize")                           # doctest: +SKIP
>>> run.turns                                      # doctest: +SKIP
>>> run.edit("translate", {"u0003": "Muito bem."}) # doctest: +SKIP
>>> run.save("talk.pt.mp4")                        # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from dubkit import execution, output, pipeline_map, preflight
from dubkit.artefacts import (
    Casting,
    Dub,
    Media,
    Segments,
    Soundtrack,
    Speakers,
    Speech,
    Tracks,
    Transcript,
    Translation,
    Turns,
    Video,
)
from dubkit.backends.protocols import ModelCard
from dubkit.edits import apply, edits
from dubkit.errors import BadInput
from dubkit.output import check_target, default_target
from dubkit.progress import Observer, Report
from dubkit.record import Artefact, File
from dubkit.runlog import RunLog
from dubkit.settings import Settings
from dubkit.settings import profile as profile_settings
from dubkit.stage import Stage
from dubkit.stages.assemble import assemble
from dubkit.stages.assign_voices import assign_voices
from dubkit.stages.combine import combine
from dubkit.stages.detect_gender import detect_gender
from dubkit.stages.diarize import diarize
from dubkit.stages.segment import segment
from dubkit.stages.separate import separate
from dubkit.stages.synthesize import synthesize
from dubkit.stages.transcribe import transcribe
from dubkit.stages.translate import translate
from dubkit.stages.validate import validate
from dubkit.store import Store, Stored

PIPELINE: tuple[Stage, ...] = (
    validate,
    separate,
    diarize,
    segment,
    transcribe,
    detect_gender,
    translate,
    assign_voices,
    synthesize,
    assemble,
    combine,
)


T = TypeVar("T")


class Made(Generic[T]):
    """The artefact of that name, made at first use."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, run: Run, owner: type | None = None) -> T:
        return run.result(self.name).artefact  # type: ignore[no-any-return]


class Run:
    """One film, one target language, one set of settings, and what has been made of them so far.

    Every artefact is an attribute that is made when it is first asked for: ``run.turns``, ``run.transcript``.
    Make one with :meth:`open`.
    """

    media = Made[Media]()
    tracks = Made[Tracks]()
    turns = Made[Turns]()
    segments = Made[Segments]()
    transcript = Made[Transcript]()
    speakers = Made[Speakers]()
    translation = Made[Translation]()
    casting = Made[Casting]()
    speech = Made[Speech]()
    soundtrack = Made[Soundtrack]()
    dub = Made[Dub]()

    def __init__(
        self, video: Video, settings: Settings, store: Store, why: str, observers: tuple[Observer, ...], name: str = ""
    ) -> None:
        self.video = video
        self.settings = settings
        self.store = store
        self.why = why
        self.observers = observers
        self.log = RunLog.of(store.root, video, settings, name)
        self._answered: set[str] = set()
        self._supplied: dict[str, Stored] = {}
        self._made: dict[str, Stored] = {"video": Stored(video, video.digest(), "", {})}

    @classmethod
    def open(
        cls,
        video: str | Path,
        target: str | None = None,
        source: str | None = None,
        *,
        profile: str | None = None,
        settings: Settings | None = None,
        set: Mapping[str, Any] | None = None,
        store: str | Path | None = None,
        observers: tuple[Observer, ...] = (),
        name: str = "",
    ) -> Run:
        """Begin with a film, or go on where an earlier run of it stopped.

        Parameters
        ----------
        video : path
            The film; it is read and never changed.
        target, source : str, optional
            Languages as BCP-47 codes or English names; the source is detected where it is not given.
        profile : str, optional
            ``embedded``, ``hub``, or the path of a TOML file; see :func:`dubkit.settings.profile`.
        settings : Settings, optional
            Used instead of a profile.
        set : mapping, optional
            Single settings by dotted name, e.g. ``{"segment.max_length": 20}``.
        store : path, optional
            Where results are kept; see :func:`dubkit.store.default_root`.
        observers : tuple of callable
            Each is called with every :class:`dubkit.progress.Event`.
        name : str
            Runs of one film into one language share their corrections, unless they have names that differ.

        Raises
        ------
        BadInput
            If the file is not there, a language, setting or back end is unknown, or source and target are the same.
        MissingModel
            If the packages of a back end are not installed.
        """
        path = preflight.film(Path(video))
        chosen, why = (settings, "Settings as given.") if settings else profile_settings(profile)
        named = {"translate.target": target, "transcribe.language": source}
        chosen = chosen.but({k: v for k, v in named.items() if v is not None}).but(set or {})
        chosen = preflight.checked_languages(chosen)
        # Before anything is written down: a spec that is refused may hold a password.
        preflight.backends(PIPELINE, chosen)
        try:
            file = File.of(path.absolute())
        except OSError as error:
            raise BadInput(f"{str(path)!r} cannot be read ({error.strerror}). May you read it?") from error
        return cls(Video(file=file), chosen, Store(store), why, observers, name)

    @property
    def id(self) -> str:
        """The run's name, for ``dubkit show``."""
        return self.log.id

    def until(self, stage: str) -> Run:
        """Do everything up to and including a stage, reusing what the store holds.

        Raises
        ------
        DubkitError
            If a stage cannot be done; all earlier results are kept.
        """
        wanted = PIPELINE[: PIPELINE.index(_named(stage)) + 1]
        wanted = tuple(step for step in wanted if step.result not in self._supplied)
        self.preflight(wanted)
        for n, step in enumerate(wanted):
            if step.result not in self._made:
                self._made[step.result] = self._edited(step, self._do(step, wanted[n:]), self.observers)
        return self

    def result(self, name: str) -> Stored:
        """An artefact with its digest and record, made if it is not there yet."""
        if name not in self._made:
            self.until(next(s.name for s in PIPELINE if s.result == name))
        return self._made[name]

    def made(self, stage: str) -> Stored:
        """What a stage made, with its digest and record."""
        return self.result(_named(stage).result)

    @property
    def results(self) -> dict[str, Stored]:
        """What this object has made, found or been supplied with so far, by the artefacts' names."""
        return {name: stored for name, stored in self._made.items() if name != "video"}

    def known(self) -> dict[str, Stored]:
        """The results that are there without any work, here or in the store, corrections made; by the artefacts' names."""
        found = dict(self._made)
        for step in PIPELINE:
            if step.result in found or any(name not in found for name in step.reads):
                continue
            key, _ = execution.address(step, self.settings, found)
            if stored := self.store.find(step.name, key, step.makes):
                found[step.result] = self._edited(step, stored, ())
        return found

    def show(self) -> None:
        """Show the pipeline in a notebook as a map that follows the work from now on."""
        pipeline_map.follow(self)

    def _repr_html_(self) -> str:
        return pipeline_map.page(f"{self.id}: {self.why}", pipeline_map.states(self))

    def edit(self, stage: str, changes: Mapping[str, Any]) -> Run:
        """Correct a stage's result by hand; what depends on it is made again when next asked for.

        Parameters
        ----------
        stage : str
            The stage whose result is corrected.
        changes : mapping
            By row id, e.g. ``{"u0003": "Muito bem."}`` for a translation or transcript, ``{"t0004": "S1"}`` to give a
            turn to another speaker, ``{"u0007": None}`` to drop a line, ``{"u0003": {"text": ..., "speaker": ...}}``.

        Raises
        ------
        BadInput
            If there is no such row or field, or the artefact was supplied.
        """
        step = _named(stage)
        if step.result in self._supplied:
            raise BadInput(f"The {step.result} of this run was supplied: change it there, and supply it again.")
        self.until(stage)
        checked = edits(self.uncorrected(stage), changes)
        self.log.edits.setdefault(stage, {}).update(checked)
        return self._forget(stage)

    def uncorrected(self, stage: str) -> Any:
        """What a stage made, without the corrections of its own result; those of stages before it count."""
        step = _named(stage)
        made = self.made(stage)
        found = self.store.find(stage, made.key, step.makes)
        return (found or self._do(step)).artefact

    def reset(self, stage: str) -> Run:
        """Drop all corrections of a stage's result."""
        self.log.edits.pop(stage, None)
        return self._forget(stage)

    def supply(self, artefact: Artefact) -> Run:
        """Take an artefact from elsewhere, such as the truth, in place of what its stage would make.

        It counts for this object alone, and is not remembered with the run.

        Raises
        ------
        BadInput
            If no stage makes such an artefact.
        """
        name = type(artefact).__name__.lower()
        stage = next((s.name for s in PIPELINE if s.result == name), None)
        if stage is None:
            raise BadInput(
                f"No stage makes a {type(artefact).__name__}; they make: {', '.join(s.result for s in PIPELINE)}."
            )
        self._forget(stage)
        self._supplied[name] = self._made[name] = Stored(artefact, artefact.digest(), "", {})
        return self

    def save(self, out: str | Path) -> Path:
        """Copy the finished film to `out` and its subtitles beside it.

        Raises
        ------
        BadInput
            If `out` is the source film itself.
        OutOfSpace
            If it cannot be written there.
        """
        check_target(Path(out), self.video.file.path)
        return output.save(self.dub, Path(out))

    def preflight(self, stages: tuple[Stage, ...] = PIPELINE) -> None:
        """Check before any work that every program and model is here.

        Raises
        ------
        MissingModel
            Lists all that is missing and how to get it.
        UnsupportedPair
            If it is clear already that the translator cannot do these languages.
        """
        preflight.preflight(stages, self.settings, self.observers)

    def models(self, stages: tuple[Stage, ...] = PIPELINE) -> list[ModelCard]:
        """The models that stages need, each once."""
        return preflight.models(stages, self.settings)

    def _do(self, step: Stage, ahead: tuple[Stage, ...] = ()) -> Stored:
        """A stage's result before corrections by hand, found in the store or made; then all that is ahead must answer."""
        made, reused = execution.result(
            step,
            self.settings,
            self._made,
            self.store,
            self.observers,
            before=lambda: preflight.answer(ahead, self.settings, self._answered, self.observers),
        )
        self.log.note(step.name, made.key, reused=reused)
        return made

    def _edited(self, step: Stage, made: Stored, observers: tuple[Observer, ...]) -> Stored:
        """The result with the run's corrections made; `observers` are told of those that do not fit any more."""
        changes = self.log.edits.get(step.name)
        if not changes:
            return made
        artefact, set_aside = apply(made.artefact, changes)
        if set_aside:
            Report(step.name, observers).warn(
                f"Corrections set aside because their lines have changed since: {', '.join(set_aside)}."
            )
        return Stored(artefact, artefact.digest(), made.key, made.record)

    def _forget(self, stage: str) -> Run:
        """Drop from memory what a stage made and all that may depend on it; the store keeps everything."""
        for step in PIPELINE[PIPELINE.index(_named(stage)) :]:
            if step.result not in self._supplied:
                self._made.pop(step.result, None)
        self.log.write()
        return self


def dub(
    video: str | Path,
    target: str,
    source: str | None = None,
    out: str | Path | None = None,
    **options: Any,
) -> Path:
    """Dub a film in one call.

    Parameters
    ----------
    video : path
        The film.
    target, source : str
        Languages as BCP-47 codes or English names; the source is detected where it is not given.
    out : path, optional
        Where the dubbed MP4 goes; by default beside the film, as ``NAME.TARGET.mp4``.
    **options
        What :meth:`Run.open` takes.

    Returns
    -------
    Path
        The dubbed film.
    """
    run = Run.open(video, target, source, **options)
    out = Path(out) if out else default_target(Path(video), run.settings.translate.target)
    check_target(out, run.video.file.path)
    run.until("combine")
    return run.save(out)


def _named(stage: str) -> Stage:
    """The stage of that name.

    Raises
    ------
    BadInput
        If there is none; the message lists all.
    """
    for step in PIPELINE:
        if step.name == stage:
            return step
    raise BadInput(f"There is no stage {stage!r}. The stages are: {', '.join(s.name for s in PIPELINE)}.")
