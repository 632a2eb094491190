"""What there is to evaluate on: suites of films, each dubbed into a language, with what is known about them.

A suite is a TOML file in ``evaluation/suites`` or anywhere: ``[[items]]`` name samples of the repository's ``data``, or
``[corpus]`` a data set whose recordings are joined to films (:mod:`evaluation.corpora`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, ValidationError, model_validator

from dubkit import languages
from dubkit.errors import BadInput, listed
from dubkit.record import Record
from evaluation.corpora import Corpus, build

if TYPE_CHECKING:
    from data.samples import Built
    from data.truth import Truth

HOME = Path(__file__).parent / "suites"
JUDGE = "faster-whisper:packaged-base"


@dataclass(frozen=True)
class Item:
    """A film to be dubbed, and what is known about it.

    Parameters
    ----------
    id : str
        ``SAMPLE>TARGET``; its units are those of the reference, whatever the system.
    video : Path
        The film.
    truth : Truth or None
        Who says what and when, and reference translations; None where that is not known exactly.
    text : str
        All that is said; empty where that is not known.
    language, target : str
        BCP-47 codes; the language is ``und`` where several are spoken, and empty where it is not known.
    folder : Path
        Where the film lies, with ``audio.wav`` and, for some, the stems ``speech.wav`` and ``music.wav``.
    licence : str
        Of the film.
    given : tuple of str
        Stages that the truth replaces, the suite's included.
    changes : mapping
        Settings by dotted name.
    """

    id: str
    video: Path
    truth: Truth | None
    text: str
    language: str
    target: str
    folder: Path
    licence: str
    given: tuple[str, ...] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_film(
        cls, name: str, video: Path, target: str, *, truth: Truth | None = None, folder: Path | None = None
    ) -> Item:
        """Any film as an item; `folder` is where its stems would lie, by default its own."""
        return cls(
            id=f"{name}>{target}",
            video=video,
            truth=truth,
            text=truth.text if truth else "",
            language=truth.language if truth else "",
            target=target,
            folder=folder or video.parent,
            licence="",
        )


class SuiteItem(Record):
    """An item as a suite's file has it: ``given`` adds to the suite's, ``set`` are settings by dotted name."""

    sample: str
    target: str
    given: tuple[str, ...] = ()
    set: dict[str, bool | int | float | str] = Field(default_factory=dict)

    @property
    def id(self) -> str:
        """``SAMPLE>TARGET``."""
        return f"{self.sample}>{self.target}"


class Suite(Record):
    """A set of films that systems are evaluated on.

    Parameters
    ----------
    id : str
        Its name; results are kept in a folder of that name.
    title, what : str
        For people: what it is good for, and what it is not.
    build : str
        The command that builds its films beforehand; without it they are built when first asked for.
    until : str
        The last stage that is run.
    given : tuple of str
        Stages that the truth replaces in all items.
    judge : str
        Spec of the recogniser that reads the dubs back, the same for all systems.
    items : tuple of SuiteItem
        The films; or
    corpus : Corpus
        where the films are made from.
    """

    id: str = Field(pattern=r"^[\w.-]+$")
    title: str
    what: str
    build: str = ""
    until: str = "combine"
    given: tuple[str, ...] = ()
    judge: str = JUDGE
    items: tuple[SuiteItem, ...] = ()
    corpus: Corpus | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        validate(self)
        return self

    @property
    def licence(self) -> str:
        """Those of its films, each once.

        Raises
        ------
        BadInput
            Outside a checkout, and for a sample that there is not.
        """
        if self.corpus:
            return self.corpus.licence
        known = checkout("manifest").manifest()
        found = [licence for item in self.items for licence in known.licences(_known(item.sample))]
        return "; ".join(dict.fromkeys(found))

    def load(self) -> list[Item]:
        """Its items; films that are not there yet, or were made from something else, are built.

        Raises
        ------
        BadInput
            Outside a checkout, and for a sample that there is not.
        MissingModel
            If a package or data set that a film is made from cannot be had.
        """
        return _of_corpus(self, self.corpus) if self.corpus else [_of_sample(self, item) for item in self.items]


def validate(suite: Suite) -> None:
    """Refuse a suite that cannot be run.

    Raises
    ------
    BadInput
        Says which line is wrong, and what is allowed.
    """
    from dubkit.run import PIPELINE
    from dubkit.settings import Settings
    from evaluation.oracle import STAGES

    stages = [stage.name for stage in PIPELINE]
    if suite.until not in stages:
        raise BadInput(f"{suite.id}: until = {suite.until!r} is no stage. Stages: {', '.join(stages)}.")
    if bool(suite.items) == bool(suite.corpus):
        told = "both" if suite.items else "neither"
        raise BadInput(f"{suite.id}: a suite has [[items]] or one [corpus]; this one has {told}.")
    if unknown := {s for given in (suite.given, *(i.given for i in suite.items)) for s in given} - set(STAGES):
        raise BadInput(f"{suite.id}: the truth cannot replace {min(unknown)!r}. It can: {', '.join(STAGES)}.")
    ids = [item.id for item in suite.items]
    if twice := {one for one in ids if ids.count(one) > 1}:
        raise BadInput(f"{suite.id}: {min(twice)!r} is listed twice; leave one out.")
    for item in suite.items:
        if languages.parse(item.target) != item.target:
            raise BadInput(f"{suite.id}: write {item.target!r} as {languages.parse(item.target)!r}.")
        Settings().but(item.set)


def suites() -> list[str]:
    """The ids of the suites that there are."""
    return sorted(path.stem for path in HOME.glob("*.toml"))


def suite(name: str) -> Suite:
    """A suite by its id, or by the path of its file.

    Raises
    ------
    BadInput
        If there is none, or its file is not right.
    """
    path = HOME / f"{name}.toml" if name in suites() else Path(name)
    if path.suffix != ".toml" or not path.is_file():
        raise BadInput(
            f"There is no suite {name!r}. Give the path of a .toml file, or one of: {listed(suites())}. "
            "A folder of sounds is audiofolder:PATH."
        )
    try:
        return Suite.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name} is not TOML ({error}).") from error
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'suite'}: {one['msg']}" for one in error.errors())
        raise BadInput(f"{path.name} is no suite: {told}.") from error


def _of_sample(suite: Suite, item: SuiteItem) -> Item:
    one = _built(item.sample)
    if one.sample.language == item.target:
        raise BadInput(f"{suite.id}: {item.sample} is in {item.target!r} already; choose another target.")
    return Item(
        id=item.id,
        video=one.video,
        truth=one.truth,
        text=one.text,
        language=one.sample.language,
        target=item.target,
        folder=one.folder,
        licence=checkout("manifest").manifest().licence(one.sample),
        given=tuple(dict.fromkeys([*suite.given, *item.given])),
        changes=item.set,
    )


def _of_corpus(suite: Suite, corpus: Corpus) -> list[Item]:
    """Where nobody knows who speaks, the truth replaces ``diarize``: there would be nothing to hold it against."""
    items = []
    for reel in build(corpus):
        unknown = () if reel.speakers_known else ("diarize",)
        items.append(
            Item(
                id=f"{reel.name}>{corpus.target}",
                video=reel.folder / f"{reel.name}.mp4",
                truth=reel.truth,
                text=reel.truth.text,
                language=corpus.language,
                target=corpus.target,
                folder=reel.folder,
                licence=corpus.licence,
                given=tuple(dict.fromkeys([*suite.given, *unknown])),
            )
        )
    return items


def _built(sample: str) -> Built:
    """A sample, built anew where what it is made from has changed: an old truth may lack what is scored."""
    samples = checkout("samples")
    found: Built = samples.build(_known(sample))
    return found


def _known(sample: str) -> Any:
    """A sample of the manifest."""
    known = {one.id: one for one in checkout("manifest").manifest().samples}
    if sample not in known:
        raise BadInput(f"There is no sample {sample!r}. There are: {listed(list(known))}.")
    return known[sample]


def checkout(module: str) -> Any:
    """A module of ``data``, which is no part of the installed package.

    Raises
    ------
    BadInput
        If it is not there.
    """
    import importlib
    import sys

    # Notebooks run in their own folder, from which the repository's packages are not found.
    home = str(Path(__file__).parents[1])
    if home not in sys.path:
        sys.path.append(home)
    try:
        return importlib.import_module(f"data.{module}")
    except ModuleNotFoundError as error:
        if error.name not in ("data", f"data.{module}"):
            raise
        raise BadInput(
            "The films are built by a checkout of the repository, not by the installed package: give the command in its root."
        ) from error
