"""Rule-based translation by Debian's ``apertium`` program and its language pairs.

The program runs as it is, once for each call, with every text as a paragraph of its own; a text never reaches a shell.
Words that a pair does not know come out with a mark (``*word``): the marks are taken off and counted in the score.
"""

from __future__ import annotations

import functools
import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from dubkit.artefacts import Candidate
from dubkit.backends.protocols import Compute, Hint, ModelCard
from dubkit.errors import BadInput, MissingModel, StageFailed, UnsupportedPair, listed
from dubkit.languages import parse

PACKAGES: dict[str, tuple[tuple[str, str], ...]] = {
    "apertium-cat-ita": (("ca", "it"), ("it", "ca")),
    "apertium-en-gl": (("en", "gl"), ("gl", "en")),
    "apertium-eng-cat": (("ca", "en"), ("en", "ca")),
    "apertium-eng-spa": (("en", "es"), ("es", "en")),
    "apertium-es-gl": (("es", "gl"), ("gl", "es")),
    "apertium-es-pt": (("es", "pt"), ("pt", "es")),
    "apertium-es-ro": (("ro", "es"),),
    "apertium-fr-es": (("es", "fr"), ("fr", "es")),
    "apertium-fra-cat": (("ca", "fr"), ("fr", "ca")),
    "apertium-por-cat": (("ca", "pt"), ("pt", "ca")),
    "apertium-spa-cat": (("ca", "es"), ("es", "ca")),
    "apertium-spa-ita": (("es", "it"), ("it", "es")),
}
"""Debian packages that dubkit's routes use, and the directions in each; other installed pairs are taken as well."""

_SIZES = {  # bytes on disk in Debian 12
    "apertium": 3_200_000,
    "apertium-cat-ita": 12_200_000,
    "apertium-en-gl": 7_000_000,
    "apertium-eng-cat": 14_400_000,
    "apertium-eng-spa": 5_600_000,
    "apertium-es-gl": 11_800_000,
    "apertium-es-pt": 3_000_000,
    "apertium-es-ro": 3_000_000,
    "apertium-fr-es": 7_500_000,
    "apertium-fra-cat": 23_900_000,
    "apertium-por-cat": 23_400_000,
    "apertium-spa-cat": 12_300_000,
    "apertium-spa-ita": 4_100_000,
}
# The Portuguese voices are Brazilian.
_PREFERRED_VARIANTS = {"pt": "_BR"}
_MODE = re.compile(r"([a-z]{2,3})-([a-z]{2,3})((?:_\w+)?)")
_MARKED = re.compile(r"(?<!\w)[*#@]+(?=\w)|(?<=\w)#(?=\s)|\*")
_BETWEEN = "\n\n"


class Apertium:
    """Translator by rules; constructing it starts nothing."""

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it; the spec ``apertium`` takes no argument.

        Raises
        ------
        BadInput
            If there is one.
        """
        if argument:
            raise BadInput(f"The translator 'apertium' takes no argument, but got {argument!r}. Write: apertium")
        return cls()

    @functools.cached_property
    def fingerprint(self) -> str:
        """A digest over the names and sizes of the installed pairs' compiled data; no date, no path of the machine."""
        program = shutil.which("apertium")
        if program is None:
            return "apertium@absent"
        data = Path(program).resolve().parent.parent / "share" / "apertium"
        files = sorted((str(p.relative_to(data)), p.stat().st_size) for p in data.glob("apertium-*/*") if p.is_file())
        said = repr((files, sorted(self._modes.items())))
        return f"apertium@{hashlib.sha256(said.encode()).hexdigest()[:12]}"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The program and the pairs that dubkit's routes use."""
        program = ModelCard(
            "apertium",
            "GPL-2.0-or-later",
            _SIZES["apertium"],
            shutil.which("apertium") is not None,
            install(()),
            "program",
        )
        pairs = self.pairs()
        return [
            program,
            *(
                ModelCard(name, "GPL-2.0-or-later", _SIZES[name], set(has) <= pairs, install([name]), "language pair")
                for name, has in PACKAGES.items()
            ),
        ]

    def pairs(self) -> frozenset[tuple[str, str]]:
        """The directions that are installed; none where the program is absent."""
        return frozenset(self._modes)

    def route(self, source: str, target: str) -> tuple[str, ...]:
        """Straight from one to the other."""
        return (source, target)

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        """One candidate for each text; its score is minus the share of words that the pair did not know.

        Raises
        ------
        MissingModel
            If the program is not installed.
        UnsupportedPair
            If the pair is not.
        StageFailed
            If the program fails.
        """
        if shutil.which("apertium") is None:
            raise MissingModel(f"The program apertium is not installed. Install it with: {install(PACKAGES)}")
        mode = self._modes.get((source, target))
        if mode is None:
            wanted = [p for p, has in PACKAGES.items() if (source, target) in has]
            advice = f"Install it with: {install(wanted)}" if wanted else "Debian has none that dubkit knows of."
            can = listed([f"{s}>{t}" for s, t in self.pairs()])
            raise UnsupportedPair(f"apertium has no pair {source} > {target} here. {advice} Installed: {can}.")
        given = [_plain(text) for text in texts]
        worded = [n for n, text in enumerate(given) if any(c.isalpha() for c in text)]
        said = dict(zip(worded, _paragraphs([given[n] for n in worded], mode), strict=True))
        for n, text in enumerate(given):
            yield (_candidate(said[n]) if n in said else Candidate(text=text),)

    @functools.cached_property
    def _modes(self) -> dict[tuple[str, str], str]:
        """apertium's name for each direction."""
        if shutil.which("apertium") is None:
            return {}
        return directions(_run(["apertium", "-l"], "").split())


def directions(modes: Sequence[str]) -> dict[tuple[str, str], str]:
    """The mode to use for each (source, target), BCP-47, out of apertium's list.

    A plain mode is preferred to a regional variant, except for Brazilian Portuguese; modes that are not named by two
    languages are left out.
    """
    found: dict[tuple[str, str], str] = {}
    for mode in sorted(modes):
        match = _MODE.fullmatch(mode)
        if match is None:
            continue
        try:
            pair = parse(match[1]), parse(match[2])
        except BadInput:
            continue
        if match[3] in {"", _PREFERRED_VARIANTS.get(pair[1])}:
            found[pair] = mode
    return found


def install(packages: Sequence[str] | dict[str, tuple[tuple[str, str], ...]]) -> str:
    """The command that installs the program and pairs."""
    return " ".join(["sudo apt install apertium", *sorted(packages)])


def _paragraphs(texts: Sequence[str], mode: str) -> list[str]:
    """Every text translated: all in one process, or each in its own if paragraphs went missing."""
    if not texts:
        return []
    whole = _run(["apertium", mode], _BETWEEN.join(texts)).strip("\n").split(_BETWEEN)
    if len(whole) == len(texts):
        return whole
    return [_run(["apertium", mode], text) for text in texts]


def _run(command: list[str], text: str) -> str:
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)  # noqa: S603
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise StageFailed(f"{' '.join(command)} failed (exit {done.returncode}): {said[0] if said else 'no message'}")
    return done.stdout.decode(errors="replace")


def _plain(text: str) -> str:
    """On one line, without what apertium would confuse with its own marks."""
    text = text.replace("\0", " ").replace("’", "'").replace("‘", "'").encode(errors="ignore").decode()
    text = re.sub(r"[*#]|(?<!\w)@", "", text)
    return " ".join(text.split())


def _candidate(said: str) -> Candidate:
    """The text to speak, and minus the share of unknown words as its score."""
    unknown = len(re.findall(r"(?<!\w)[*#@]+(?=\w)", said))
    text = " ".join(_MARKED.sub("", said).split())
    text = re.sub(r"(?<=\w) (?=[.,…](?:\s|$))", "", text)
    return Candidate(text=text, score=-round(unknown / max(1, len(text.split())), 4) if unknown else 0.0)
