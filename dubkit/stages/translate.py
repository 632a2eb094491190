"""Stage 7: what is to be said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic.dataclasses import dataclass

from dubkit.artefacts import Candidate, Line, Transcript, Translation
from dubkit.backends.protocols import Translator
from dubkit.errors import BadInput, UnsupportedPair, listed
from dubkit.languages import name
from dubkit.progress import Report
from dubkit.stage import stage
from dubkit.store import Items
from dubkit.timing import expected_duration


@dataclass(frozen=True)
class TranslateSettings:
    """Where to.

    Parameters
    ----------
    target : str
        BCP-47 code of the language of the dub.
    """

    target: str = "en"


@stage(version=1, task="translator")
def translate(
    transcript: Transcript, *, settings: TranslateSettings, backend: Translator, items: Items, report: Report
) -> Translation:
    """Translate utterance by utterance; finished ones survive a crash and are reused by text.

    Raises
    ------
    BadInput
        If the film is in the target language already.
    UnsupportedPair
        If the back end cannot do the pair; the message lists what it can.
    """
    source, target = transcript.language, settings.target
    texts = list(dict.fromkeys(u.text for u in transcript.utterances))
    if texts and source == target:
        raise BadInput(f"The film is in {name(target)} already: there is nothing to translate. Choose another --to.")
    if texts:
        check_pair(backend, source, target)
        if getattr(backend, "quality", _unrated)(source, target) == "draft":
            report.warn(
                f"From {name(source)} to {name(target)} this translator gives drafts: correct the lines by hand."
            )
    said: dict[str, tuple[Candidate, ...]] = {}
    identities = [[backend.fingerprint, source, target, text] for text in texts]

    def say(missing: list[int]) -> Iterator[tuple[Candidate, ...]]:
        return backend.translate([texts[n] for n in missing], source, target)

    for n, path in items.complete(identities, ".json", say, _write):
        candidates = [Candidate.model_validate(c) for c in json.loads(path.read_text())]
        said[texts[n]] = tuple(c.but(duration=expected_duration(c.text)) for c in candidates)
        report(len(said), len(texts), "sentences")
    return Translation(
        source=source,
        target=target,
        route=backend.route(source, target) if texts else (source, target),
        lines=tuple(
            Line(
                id=u.id,
                speaker=u.speaker,
                source_text=u.text,
                text=said[u.text][0].text,
                duration=said[u.text][0].duration,
                candidates=said[u.text],
            )
            for u in transcript.utterances
        ),
        model=backend.fingerprint,
    )


def _unrated(source: str, target: str) -> str:
    return ""


def check_languages(backend: Translator, source: str | None, target: str) -> None:
    """Refuse before any work what cannot be translated whatever is said; the source may not be known yet.

    Raises
    ------
    UnsupportedPair
        If no pair leads to the target, or the known source does not.
    """
    if source is not None:
        check_pair(backend, source, target)
    elif target not in (targets := {t for _, t in backend.pairs()}):
        raise UnsupportedPair(
            f"The translator cannot do {name(target)} ({target}). It can translate into: {listed(list(targets))}. "
            "All pairs: dubkit languages"
        )


def check_pair(backend: Translator, source: str, target: str) -> None:
    """Refuse a pair that a translator cannot do.

    Raises
    ------
    UnsupportedPair
        The message lists the targets that are possible from the source, and what would make the pair possible.
    """
    pairs = backend.pairs()
    if (source, target) in pairs:
        return
    targets = sorted(t for s, t in pairs if s == source)
    can = f"From {name(source)} it can do: {', '.join(targets)}." if targets else f"It cannot read {name(source)}."
    hint = getattr(backend, "missing", lambda *_: "")(source, target)
    raise UnsupportedPair(
        f"The translator cannot do {name(source)} to {name(target)} ({source} > {target}). {can} {hint}".strip()
        + " All pairs: dubkit languages"
    )


def _write(path: Path, candidates: tuple[Candidate, ...]) -> None:
    path.write_text(json.dumps([c.model_dump() for c in candidates]))
