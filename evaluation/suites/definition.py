"""A suite as its file defines it, checked, and loaded as items."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, ValidationError, model_validator

from dubkit import languages
from dubkit.errors import BadInput, listed
from dubkit.record import Record
from evaluation.suites import corpora
from evaluation.suites.corpora import Corpus
from evaluation.suites.item import REPLACEABLE, Item
from evaluation.suites.repository import checkout

if TYPE_CHECKING:
    from data.samples import Built

HOME = Path(__file__).parent
JUDGE = "faster-whisper:packaged-base"


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

    stages = [stage.name for stage in PIPELINE]
    if suite.until not in stages:
        raise BadInput(f"{suite.id}: until = {suite.until!r} is no stage. Stages: {', '.join(stages)}.")
    if bool(suite.items) == bool(suite.corpus):
        told = "both" if suite.items else "neither"
        raise BadInput(f"{suite.id}: a suite has [[items]] or one [corpus]; this one has {told}.")
    if unknown := {s for given in (suite.given, *(i.given for i in suite.items)) for s in given} - set(REPLACEABLE):
        raise BadInput(f"{suite.id}: the truth cannot replace {min(unknown)!r}. It can: {', '.join(REPLACEABLE)}.")
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


def audiofolder(path: Path, source: str, target: str) -> Suite:
    """A suite of a folder of recordings.

    Raises
    ------
    BadInput
        If it is not there, has no ``metadata.csv``, or the languages are none or one.
    """
    corpus = Corpus(
        loader="audiofolder", language=languages.parse(source), target=languages.parse(target), path=str(path)
    )
    corpora.validate(corpus)
    name = re.sub(r"[^\w.-]+", "-", path.resolve().name)
    what = "Recordings of a folder, joined to films. Good for what they are good for."
    return Suite(id=f"{name}-{corpus.language}-{corpus.target}", title=path.name, what=what, corpus=corpus)


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
    for reel in corpora.build(corpus):
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
