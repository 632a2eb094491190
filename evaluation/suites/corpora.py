"""Public data sets and folders of recordings as films: their clips are joined to reels, each with its exact truth.

Three kinds are read, all through `datasets`. FLEURS (Conneau et al. 2022) has the same sentences in 102 languages, CoVoST 2
(Wang et al. 2020) Common Voice's recordings with translations, and a folder of sounds has a ``metadata.csv``, whose columns
are ``file_name``, ``text``, and if they are known ``speaker``, ``gender`` (female or male), ``language``, and
``translation_XX`` for each language XX. Which clips are taken is drawn by a seed. Nothing is downloaded unless it is asked for.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from dubkit import languages
from dubkit.artefacts import Gender
from dubkit.errors import BadInput, MissingModel, listed
from dubkit.record import Record
from evaluation.suites import recordings
from evaluation.suites.repository import checkout

if TYPE_CHECKING:
    from data.reel import Clip
    from data.truth import Truth

SOURCES = {
    # The hub's own conversion to Parquet: `datasets` runs no data set's own code any more.
    "fleurs": ("google/fleurs", "refs/convert/parquet"),
    "covost2": ("fixie-ai/covost2", "main"),
}
LICENCES = {
    "fleurs": "CC-BY-4.0 (FLEURS)",
    "covost2": "CC0-1.0 (Common Voice, CoVoST 2)",
    "audiofolder": "not told; ask whoever made the recordings",
}
REGIONS = {
    "ar": "ar_eg", "ca": "ca_es", "de": "de_de", "en": "en_us", "es": "es_419", "fr": "fr_fr", "gl": "gl_es",
    "hi": "hi_in", "it": "it_it", "ja": "ja_jp", "ko": "ko_kr", "nl": "nl_nl", "pl": "pl_pl", "pt": "pt_br",
    "ro": "ro_ro", "ru": "ru_ru", "sv": "sv_se", "tr": "tr_tr", "uk": "uk_ua", "zh": "cmn_hans_cn",
}  # fmt: skip
"""FLEURS's names of languages; others are given as ``name`` and ``target_name``."""


class Corpus(Record):
    """A data set, and what of it is taken.

    Parameters
    ----------
    loader : str
        ``fleurs``, ``covost2`` or ``audiofolder``.
    language, target : str
        What is spoken, and into what it is dubbed; BCP-47 codes.
    path : str
        A folder, or a data set's name on the hub; by default the loader's own.
    name, target_name : str
        What the data set calls the language (FLEURS ``es_419``) or the pair (CoVoST 2 ``es_en``), and the target.
    clips : str
        CoVoST 2 without sound: the folder of Common Voice's clips.
    split : str
        Of a data set.
    n_clips, per_reel : int
        How many clips are taken, and how many make a film.
    seed : int
        Which.
    """

    loader: Literal["fleurs", "covost2", "audiofolder"]
    language: str
    target: str
    path: str = ""
    name: str = ""
    target_name: str = ""
    clips: str = ""
    split: str = "test"
    n_clips: int = Field(default=100, ge=1)
    per_reel: int = Field(default=40, ge=1)
    seed: int = 0

    @property
    def licence(self) -> str:
        """Of the recordings and texts."""
        return LICENCES[self.loader]


@dataclass(frozen=True)
class Spoken:
    """A recording of a data set, not decoded: ``audio`` has ``bytes`` or ``path``; nobody knows the speaker if ``""``."""

    text: str
    audio: Mapping[str, Any]
    speaker: str = ""
    gender: Gender = "unknown"
    translation: str = ""


@dataclass(frozen=True)
class Reel:
    """Clips joined to a film, which lies in ``folder`` as ``NAME.mp4``."""

    name: str
    folder: Path
    truth: Truth
    speakers_known: bool


def build(corpus: Corpus, home: Path | None = None) -> list[Reel]:
    """The films of a data set; those that are there already, of the same clips, are taken as they are.

    Parameters
    ----------
    home : Path, optional
        Where they go; by default ``data/built/corpora`` of the checkout.

    Raises
    ------
    BadInput
        If the corpus is not right, or has no such clips.
    MissingModel
        If the data set cannot be had.
    """
    validate(corpus)
    home = home or checkout("samples").BUILT / "corpora"
    found = list(spoken(corpus))
    if not found:
        raise BadInput(
            f"{corpus.loader} has no clips in {corpus.language!r} with a text; check its columns and languages."
        )
    parts = [found[n : n + corpus.per_reel] for n in range(0, len(found), corpus.per_reel)]
    return [_reel(f"{corpus.loader}-{corpus.language}-{n}", corpus, part, home) for n, part in enumerate(parts, 1)]


def validate(corpus: Corpus) -> None:
    """Refuse a corpus that cannot be read; see :func:`build`."""
    for code in (corpus.language, corpus.target):
        if languages.parse(code) != code:
            raise BadInput(f"Write {code!r} as {languages.parse(code)!r}.")
    if corpus.language == corpus.target:
        raise BadInput(f"Language and target are both {corpus.target!r}: choose another target.")
    if corpus.loader == "audiofolder" and not Path(corpus.path, "metadata.csv").is_file():
        raise BadInput(
            f"{corpus.path!r} is no folder with a metadata.csv. It needs one with the columns file_name and text; "
            f"translation_{corpus.target}, speaker and gender are read if they are there."
        )
    if corpus.loader == "fleurs":
        for code, name in ((corpus.language, corpus.name), (corpus.target, corpus.target_name)):
            if not name and code not in REGIONS:
                raise BadInput(
                    f"Give FLEURS's own name for {code!r} as `name` or `target_name`, such as es_419. "
                    f"Known without: {listed(list(REGIONS))}."
                )


def spoken(corpus: Corpus) -> Iterator[Spoken]:
    """The clips that are taken, in drawn order."""
    return _READERS[corpus.loader](corpus)


def _fleurs(corpus: Corpus) -> Iterator[Spoken]:
    """One recording of each sentence, which has the same ``id`` in all languages."""
    rows = _loaded(corpus, corpus.name or REGIONS[corpus.language])
    other = _loaded(corpus, corpus.target_name or REGIONS[corpus.target]).select_columns(["id", "raw_transcription"])
    translations = {row["id"]: row["raw_transcription"] for row in other}
    taken: set[int] = set()
    for row in _drawn(rows, corpus):
        if row["id"] in translations and row["id"] not in taken:
            taken.add(row["id"])
            gender: Gender = {0: "male", 1: "female"}.get(row["gender"], "unknown")  # type: ignore[assignment]
            yield Spoken(row["raw_transcription"], row["audio"], "", gender, translations[row["id"]])
        if len(taken) == corpus.n_clips:
            return


def _covost2(corpus: Corpus) -> Iterator[Spoken]:
    rows = _loaded(corpus, corpus.name or f"{corpus.language}_{corpus.target}")
    if "audio" not in rows.column_names and not corpus.clips:
        raise BadInput("This edition of CoVoST 2 has no sound: give the folder of Common Voice's clips as `clips`.")
    people: dict[str, str] = {}
    for n, row in enumerate(_drawn(rows, corpus)):
        if n == corpus.n_clips:
            return
        who = people.setdefault(row["client_id"], f"s{len(people) + 1:03}")
        audio = row.get("audio") or {"bytes": None, "path": str(Path(corpus.clips, row["file"]))}
        yield Spoken(row["sentence"], audio, who, "unknown", row["translation"])


def _audiofolder(corpus: Corpus) -> Iterator[Spoken]:
    rows = _loaded(corpus, "")
    if "text" not in rows.column_names:
        raise BadInput(f"metadata.csv has no column text; it has: {', '.join(rows.column_names)}.")
    n = 0
    for row in _drawn(rows, corpus):
        if not row["text"] or row.get("language", corpus.language) != corpus.language:
            continue
        gender: Gender = row["gender"] if row.get("gender") in ("female", "male") else "unknown"
        translation = row.get(f"translation_{corpus.target}") or ""
        yield Spoken(row["text"], row["audio"], str(row.get("speaker") or ""), gender, translation)
        n += 1
        if n == corpus.n_clips:
            return


_READERS: dict[str, Callable[[Corpus], Iterator[Spoken]]] = {
    "fleurs": _fleurs,
    "covost2": _covost2,
    "audiofolder": _audiofolder,
}


def _loaded(corpus: Corpus, folder: str) -> Any:
    """A split of a data set as rows; `folder` is the language's or pair's within it. Its sound is not decoded."""
    from datasets import Audio, load_dataset

    path, revision = (corpus.path, None) if corpus.path else SOURCES[corpus.loader]
    try:
        if corpus.loader == "audiofolder":
            rows = load_dataset("audiofolder", data_dir=corpus.path, split="train")
        else:
            rows = load_dataset(path, data_dir=folder, split=corpus.split, revision=revision)
    except (OSError, RuntimeError, ValueError) as error:
        raise MissingModel(
            f"{corpus.loader} ({path}, {folder or 'all'}, {corpus.split}) could not be loaded: {error}. Check the network and "
            "the names, or load it where there is a network and give its folder as `path`."
        ) from error
    return rows.cast_column("audio", Audio(decode=False)) if "audio" in rows.column_names else rows


def _drawn(rows: Any, corpus: Corpus) -> Iterator[dict[str, Any]]:
    """The rows in an order that the seed gives."""
    for i in np.random.default_rng(corpus.seed).permutation(len(rows)):
        yield rows[int(i)]


def _reel(name: str, corpus: Corpus, part: list[Spoken], home: Path) -> Reel:
    from data import reel
    from data.truth import Truth

    known = all(one.speaker for one in part)
    folder = home / _digest(name, corpus, part, Path(reel.__file__))
    if not folder.exists():
        clips = [_clip(one, n, corpus) for n, one in enumerate(part, 1)]
        truth, sound = reel.join(name, name, corpus.language, clips, reel.even(len(clips)))
        home.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".part-", dir=home))
        try:
            reel.write(truth, sound, f"{len(clips)} recordings", made)
            made.chmod(0o755)
            made.rename(folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return Reel(name, folder, Truth.open(folder), known)


def _clip(one: Spoken, n: int, corpus: Corpus) -> Clip:
    from data.reel import Clip
    from data.truth import CastMember

    samples, rate = recordings.decoded(one.audio)
    who = one.speaker or f"r{n:03}"
    translations = {corpus.target: one.translation} if one.translation else {}
    return Clip(samples, rate, one.text, CastMember(id=who, name=who, gender=one.gender), translations)


def _digest(name: str, corpus: Corpus, part: list[Spoken], code: Path) -> str:
    """Of all that a film is made from."""
    found = hashlib.sha256(code.read_bytes())
    found.update("\0".join((name, corpus.language, corpus.target)).encode())
    for one in part:
        found.update("\0".join((one.text, one.speaker, one.gender, one.translation)).encode())
        found.update(hashlib.sha256(recordings.content(one.audio)).digest())
    return found.hexdigest()[:16]
