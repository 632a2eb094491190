"""Telephone prompts by professional speakers, with the same sentences in four languages: the packages' own words and sound.

``prompts.toml`` says which are taken. The sound is G.722 at 16 kHz.
"""

from __future__ import annotations

import functools
import gzip
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pydantic import Field

from data.manifest import HOME, Source
from data.packages import take, take_all
from data.reel import Clip
from data.truth import CastMember
from dubkit.errors import BadInput
from dubkit.record import Record

TABLE = HOME / "prompts.toml"
LANGUAGES = ("en", "es", "fr", "it")


class Edition(Record):
    """The prompts in one language: where they lie, who speaks them, and how misspelt words are written."""

    folder: str
    speaker: CastMember
    spelling: dict[str, str] = Field(default_factory=dict)


class Prompts(Record):
    """The chosen prompts."""

    ids: tuple[str, ...] = Field(min_length=1)
    en: Edition
    es: Edition
    fr: Edition
    it: Edition

    def edition(self, language: str) -> Edition:
        """The prompts in a language.

        Raises
        ------
        BadInput
            If there are none.
        """
        if language not in LANGUAGES:
            raise BadInput(f"There are no prompts in {language!r}; there are in {', '.join(LANGUAGES)}.")
        found: Edition = getattr(self, language)
        return found


@functools.cache
def prompts() -> Prompts:
    """The table beside this file."""
    return Prompts.model_validate(tomllib.loads(TABLE.read_text(encoding="utf-8")))


def clips(language: str, sources: Mapping[str, Source], cache: Path) -> list[Clip]:
    """The chosen prompts in a language, in the order of the table, with what they are in the others.

    Parameters
    ----------
    language : str
        Of ``LANGUAGES``.
    sources : mapping of str to Source
        The manifest's: ``prompts-XX`` is a language's sound and ``prompts-XX-text`` its texts.
    cache : Path
        Folder for what is taken out of packages.
    """
    chosen = prompts()
    edition = chosen.edition(language)
    files = take_all(sources[f"prompts-{language}"], [f"{one}.g722" for one in chosen.ids], cache)
    texts = {each: _texts(each, take(sources[f"prompts-{each}-text"], cache)) for each in LANGUAGES}
    others = [each for each in LANGUAGES if each != language]
    return [
        Clip(
            *decoded(files[f"{one}.g722"]),
            text=texts[language][one],
            speaker=edition.speaker,
            translations={each: texts[each][one] for each in others},
        )
        for one in chosen.ids
    ]


def decoded(path: Path) -> tuple[np.ndarray, int]:
    """A G.722 file as mono float32 and its sample rate."""
    import av

    with av.open(str(path), format="g722") as container:
        stream = container.streams.audio[0]
        frames = [frame.to_ndarray().reshape(-1) for frame in container.decode(stream)]
        return np.concatenate(frames).astype(np.float32) / 32768, stream.rate


def tidy(text: str, spelling: Mapping[str, str]) -> str:
    """A prompt as it would be written: spelt right, with a capital in front and a full stop behind."""
    plain = " ".join(text.replace("’", "'").split())
    spelt = re.sub(r"\w+", lambda word: spelling.get(word[0], word[0]), plain)
    return spelt[:1].upper() + spelt[1:] + ("" if spelt[-1:] in ".!?" else ".")


def _texts(language: str, path: Path) -> dict[str, str]:
    """The chosen prompts' texts by id, out of a table with a line ``ID: TEXT`` for each."""
    lines = gzip.decompress(path.read_bytes()).decode("utf-8-sig").splitlines()
    table = dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith(";"))
    chosen = prompts()
    return {one: tidy(table[one], chosen.edition(language).spelling) for one in chosen.ids}
