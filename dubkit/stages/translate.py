"""Stage 7: what is to be said."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass as plain
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints
from pydantic.dataclasses import dataclass

from dubkit import glossary
from dubkit.artefacts import Candidate, Line, Transcript, Translation, Utterance
from dubkit.backends.protocols import Hint, Translator
from dubkit.errors import BadInput, StageFailed, UnsupportedPair, listed
from dubkit.languages import name
from dubkit.progress import Report
from dubkit.stage import stage
from dubkit.store import Items
from dubkit.wording import wordings

CONTEXT = 2
"""Lines before and after each that a translator may look at."""

Term = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


@dataclass(frozen=True)
class TranslateSettings:
    """Where to, and which words are settled.

    Parameters
    ----------
    target : str
        BCP-47 code of the language of the dub.
    glossary : dict of str to str
        Terms of the film's language and what they have to be in the dub's; a name that is kept is given twice:
        ``{Blender = "Blender", "cutting board" = "tábua de corte"}``. With a capital letter a term is found just as it
        is written, else in any case. Articles and endings around a term may not agree with it.
    """

    target: str = "en"
    glossary: dict[Term, Term] = Field(default_factory=dict)


@plain(frozen=True)
class _Job:
    """A text to translate, with what the translator heeds besides, and the target's terms that it has to keep."""

    text: str
    hint: Hint
    terms: tuple[str, ...]
    identity: tuple[Any, ...]


@stage(version=3, task="translator")
def translate(
    transcript: Transcript, *, settings: TranslateSettings, backend: Translator, items: Items, report: Report
) -> Translation:
    """Translate utterance by utterance; finished ones survive a crash and are reused.

    What is said twice is translated once, unless the translator heeds what stands around it. Each line gets further
    candidates of other lengths from its best translations, to be chosen from when it is spoken.

    Raises
    ------
    BadInput
        If the film is in the target language already.
    UnsupportedPair
        If the back end cannot do the pair; the message lists what it can.
    StageFailed
        If the back end has no translation for a line.
    """
    source, target, lines = transcript.language, settings.target, transcript.utterances
    if lines and source == target:
        raise BadInput(f"The film is in {name(target)} already: there is nothing to translate. Choose another --to.")
    if lines:
        check_pair(backend, source, target)
        if getattr(backend, "quality", _unrated)(source, target) == "draft":
            report.warn(
                f"From {name(source)} to {name(target)} this translator gives drafts: correct the lines by hand."
            )
    jobs = _jobs(lines, settings, backend, source)
    wanted = {job.identity: job for job in jobs}
    said: dict[tuple[Any, ...], tuple[Candidate, ...]] = {}
    for job, candidates in _said(list(wanted.values()), backend, source, target, items, report):
        said[job.identity] = candidates
        report(len(said), len(wanted), "sentences")
    found = [said[job.identity] for job in jobs]
    _refuse_gaps(lines, found)
    found = _mended(lines, jobs, found, settings, backend, source, items, report)
    found = [wordings(candidates, target, job.terms) for job, candidates in zip(jobs, found, strict=True)]
    _tell_of_lost_terms(lines, jobs, found, report)
    if report.provisional:
        report.warn(
            "A translator that comes first failed, and another did its lines. These are not kept: the next run will try it "
            "again."
        )
    return Translation(
        source=source,
        target=target,
        route=backend.route(source, target) if lines else (source, target),
        lines=tuple(
            Line(
                id=u.id,
                speaker=u.speaker,
                source_text=u.text,
                text=candidates[0].text,
                duration=candidates[0].duration,
                candidates=candidates,
            )
            for u, candidates in zip(lines, found, strict=True)
        ),
        model=backend.fingerprint,
    )


def _jobs(lines: Sequence[Utterance], settings: TranslateSettings, backend: Translator, source: str) -> list[_Job]:
    """What to translate for each line; jobs of one identity have one translation."""
    heeds: frozenset[str] = getattr(backend, "heeds", frozenset())
    texts = [u.text for u in lines]
    jobs = []
    for n, line in enumerate(lines):
        text, terms = glossary.written(line.text, settings.glossary)
        known = Hint(
            before=tuple(texts[max(0, n - CONTEXT) : n]),
            after=tuple(texts[n + 1 : n + 1 + CONTEXT]),
            seconds=round(line.end - line.start, 3),
            terms=terms,
        )
        # What a translator does not heed is kept from it, so that nothing outside the identity can change its work.
        ignored = {f.name: getattr(Hint(), f.name) for f in fields(Hint) if f.name not in heeds}
        hint = replace(known, **ignored)
        jobs.append(_Job(text, hint, terms, _identity(backend, source, settings.target, text, hint)))
    return jobs


def _identity(backend: Translator, source: str, target: str, text: str, hint: Hint) -> tuple[Any, ...]:
    """All that a translation depends on; of a hint, what the translator heeds and what there is."""
    heeded = sorted(getattr(backend, "heeds", ()))
    known = (tuple((key, getattr(hint, key)) for key in heeded),) if hint != Hint() else ()
    return (backend.fingerprint, source, target, text, *known)


def _said(
    jobs: Sequence[_Job], backend: Translator, source: str, target: str, items: Items, report: Report
) -> Iterator[tuple[_Job, tuple[Candidate, ...]]]:
    """Each job's candidates: kept ones at once, others as they are made.

    Where there are none, nothing is kept; neither what stands in for the work of a translator that was out of order.
    """
    missing = []
    for job in jobs:
        if path := items.find(job.identity, ".json"):
            yield job, _read(path)
        else:
            missing.append(job)
    if not missing:
        return
    texts = [job.text for job in missing]
    # Translators that heed nothing need not know that there are hints.
    hints = ([job.hint for job in missing],) if getattr(backend, "heeds", None) else ()
    for job, candidates in zip(missing, backend.translate(texts, source, target, *hints), strict=True):
        if job.text in getattr(backend, "provisional", ()):
            report.provisional = True
        elif candidates:
            items.keep(job.identity, ".json", functools.partial(_write, candidates=candidates))
        yield job, candidates


def _mended(
    lines: Sequence[Utterance],
    jobs: Sequence[_Job],
    found: Sequence[tuple[Candidate, ...]],
    settings: TranslateSettings,
    backend: Translator,
    source: str,
    items: Items,
    report: Report,
) -> list[tuple[Candidate, ...]]:
    """The candidates; where all lack a term the line is translated again with made-up names for its terms."""
    again: dict[int, tuple[_Job, dict[str, str]]] = {}
    for n, (line, job) in enumerate(zip(lines, jobs, strict=True)):
        if not any(glossary.keeps(c.text, job.terms) for c in found[n]):
            text, names = glossary.veiled(line.text, settings.glossary)
            hint = replace(job.hint, terms=tuple(names)) if job.hint.terms else job.hint
            identity = _identity(backend, source, settings.target, text, hint)
            again[n] = _Job(text, hint, job.terms, identity), names
    wanted = list({job.identity: job for job, _ in again.values()}.values())
    said = {
        job.identity: candidates for job, candidates in _said(wanted, backend, source, settings.target, items, report)
    }
    mended = list(found)
    for n, (job, names) in again.items():
        with_terms = (c.but(text=glossary.unveiled(c.text, names)) for c in said[job.identity])
        mended[n] = (*(c for c in with_terms if glossary.keeps(c.text, job.terms)), *found[n])
    return mended


def _refuse_gaps(lines: Sequence[Utterance], found: Sequence[tuple[Candidate, ...]]) -> None:
    lost = [line.id for line, candidates in zip(lines, found, strict=True) if not candidates]
    if lost:
        raise StageFailed(
            f"The translator has no translation for {_counted(len(lost))}: {listed(lost)}. All others are kept. Give the "
            "command again, correct these lines in the transcript, or let a second translator do what the first cannot: "
            "--set backends.translator=first:FIRST,SECOND"
        )


def _tell_of_lost_terms(
    lines: Sequence[Utterance], jobs: Sequence[_Job], found: Sequence[tuple[Candidate, ...]], report: Report
) -> None:
    lost = [
        f"{line.id} ({', '.join(absent)})"
        for line, job, candidates in zip(lines, jobs, found, strict=True)
        if (absent := glossary.missing(candidates[0].text, job.terms))
    ]
    if lost:
        report.warn(
            f"No translation of {_counted(len(lost))} keeps the glossary's terms: {listed(lost, 10)}. "
            "Correct them by hand."
        )


def _counted(n_lines: int) -> str:
    return "one line" if n_lines == 1 else f"{n_lines} lines"


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
            f"The translator cannot do {name(target)} ({target}). It can translate into: {listed(list(targets)) or 'nothing'}. "
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


def _read(path: Path) -> tuple[Candidate, ...]:
    return tuple(Candidate.model_validate(c) for c in json.loads(path.read_text()))


def _write(path: Path, candidates: tuple[Candidate, ...]) -> None:
    path.write_text(json.dumps([c.model_dump() for c in candidates]))
