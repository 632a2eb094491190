"""Scores of files that no run of dubkit made: turns, texts and subtitles in pairs, and finished dubs of any maker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit import audio, execution, media, rttm, subtitles
from dubkit.errors import BadInput
from dubkit.record import AudioFile, File
from dubkit.settings import Settings
from dubkit.stage import Stage
from dubkit.store import Store, Stored
from evaluation.judging.evidence import Evidence
from evaluation.judging.screening import DubbedLine, DubbedLines, Reading, appraise, read_back, screened
from evaluation.measures import Sample
from evaluation.metrics import asr, diarization, timing, translation
from evaluation.results import Outcome, ResultSet
from evaluation.scoring import MEASURES, lines_of, samples_of
from evaluation.statistics import SEED
from evaluation.texts.cutting import cut_like
from evaluation.times.timed_lines import Line

if TYPE_CHECKING:
    from data.truth import Truth

SUBTITLES = (".srt", ".vtt")


def pair_scores(reference: Path, hypothesis: Path, *, language: str = "", translation: bool = False) -> ResultSet:
    """Score one file against another of the same kind.

    Parameters
    ----------
    reference, hypothesis : Path
        RTTM files (who speaks when), texts with a line for each line, or subtitles, whose cues belong together in order.
    language : str
        BCP-47 code of texts.
    translation : bool
        Score texts as translations, by BLEU and chrF++, not as readings of what was said.

    Raises
    ------
    BadInput
        If a file is not there, is of no such kind or of another than the first, or cannot be read.
    """
    kinds = {_kind(path) for path in (reference, hypothesis)}
    if len(kinds) > 1:
        raise BadInput(f"{reference.name!r} and {hypothesis.name!r} are of different kinds: give two of the same.")
    compare = {"turns": _turns, "text": _texts, "subtitles": _subtitles}[kinds.pop()]
    samples = compare(reference, hypothesis, language, translation)
    return _result(hypothesis.name, Outcome(hypothesis.name, tuple(samples)))


def dub_scores(
    source: Path,
    dubbed: Path,
    target: str,
    *,
    truth: Path | None = None,
    cues: Path | None = None,
    store: Path,
    judge: str,
) -> ResultSet:
    """Score a finished dub by its sound and what is known about its source.

    Lines are the truth's sentences, or else the subtitles' cues. When they are heard is told by a recogniser, so that timing
    is right to about 0.1 s.

    Parameters
    ----------
    source, dubbed : Path
        The film before and after.
    target : str
        BCP-47 code of the dub.
    truth : Path, optional
        ``truth.json`` of the source with a translation into `target`.
    cues : Path, optional
        Subtitles of the dub: what is to be said, in times of the source.
    store : Path
        Where what judges hear is kept.
    judge : str
        Spec of the recogniser.

    Raises
    ------
    BadInput
        If a file is not there or cannot be read.
    """
    from evaluation.suites import Item

    known = read_truth(truth) if truth else None
    for path in (source, dubbed, *([cues] if cues else [])):
        _existing(path)
    written = _cues(cues) if cues else []
    home = Store(store)
    folder = home.root / "given" / File.of(dubbed).sha256[:16]
    folder.mkdir(parents=True, exist_ok=True)
    screening = screened(dubbed, target, folder)
    settings = Settings().but({"backends.transcriber": judge})
    made = {"screening": Stored(screening, screening.digest(), "", {})}

    def ask(step: Stage) -> Any:
        stored, _ = execution.result(step, settings, made, home)
        made[step.result] = stored
        return stored.artefact

    reading = ask(read_back)
    lines = DubbedLines(lines=tuple(_lines(known, written, target, reading)))
    made["dubbedlines"] = Stored(lines, lines.digest(), "", {})
    item = Item.of_film(dubbed.stem, source, target, truth=known, folder=truth.parent if truth else source.parent)
    evidence = Evidence(
        item=item,
        media=media.probe(source),
        screening=screening,
        reading=reading,
        dubbedlines=lines,
        appraisal=ask(appraise) if lines.lines else None,
        film=dubbed,
        original=_original(source, folder),
    )
    rows = lines_of(evidence, home.root)
    return _result(dubbed.name, Outcome(item.id, tuple(samples_of(evidence)), tuple(rows)))


def _lines(known: Truth | None, cues: Sequence[subtitles.Cue], target: str, reading: Reading) -> list[DubbedLine]:
    """What is to be said, and when it is heard; a line of no length is not heard at all."""
    if known is not None and target in known.translations:
        texts = known.translations[target]
        wanted = [(u.id, u.speaker, u.start, u.end, u.text, t) for u, t in zip(known.utterances, texts, strict=True)]
    else:
        wanted = [(f"c{n:04}", c.speaker, c.start, c.end, "", c.text) for n, c in enumerate(cues, 1)]
    if not wanted:
        return []
    cut = cut_like([text for *_, text in wanted], [w.text for w in reading.words], target)
    lines = []
    for (name, who, start, end, said, text), own in zip(wanted, cut, strict=True):
        heard = [reading.words[n] for n in own]
        begins, ends = (heard[0].start, heard[-1].end) if heard else (start, start)
        lines.append(
            DubbedLine(
                id=name,
                unit=name,
                speaker=who,
                source_text=said,
                text=text,
                slot_start=start,
                slot_end=end,
                start=begins,
                end=max(begins, ends),
            )
        )
    return lines


def _original(source: Path, folder: Path) -> AudioFile:
    return audio.write(folder / "original.flac", media.sound(source, media.probe(source)), media.SAMPLE_RATE)


def _turns(reference: Path, hypothesis: Path, language: str, is_translation: bool) -> list[Sample]:
    first, second = ([(t.start, t.end, t.speaker) for t in rttm.read(path).turns] for path in (reference, hypothesis))
    duration = max((end for _, end, _ in [*first, *second]), default=0.0)
    return diarization.score(first, second, duration).samples()


def _texts(reference: Path, hypothesis: Path, language: str, is_translation: bool) -> list[Sample]:
    first, second = (_text(path).splitlines() for path in (reference, hypothesis))
    if is_translation:
        return translation.score(first, second, language).samples()
    return asr.score(first, second, language).samples()


def _subtitles(reference: Path, hypothesis: Path, language: str, is_translation: bool) -> list[Sample]:
    """The cues' texts, and how those of one lie on the other's, cue by cue."""
    first, second = (_cues(path) for path in (reference, hypothesis))
    if len(first) != len(second):
        raise BadInput(
            f"{reference.name!r} has {len(first)} cues, {hypothesis.name!r} {len(second)}: give as many of one as of the other."
        )
    texts = [c.text for c in first], [c.text for c in second]
    lines = [
        Line(f"c{n:04}", a.speaker, ((a.start, a.end),), ((b.start, b.end),))
        for n, (a, b) in enumerate(zip(first, second, strict=True), 1)
    ]
    duration = max((c.end for c in [*first, *second]), default=0.0)
    ids = [line.id for line in lines]
    score: Any = translation.score if is_translation else asr.score
    return [*score(*texts, language, ids=ids).samples(), *timing.score(lines, duration).samples()]


def _kind(path: Path) -> str:
    _existing(path)
    kinds = {".rttm": "turns", ".txt": "text", **dict.fromkeys(SUBTITLES, "subtitles")}
    if path.suffix.lower() not in kinds:
        raise BadInput(
            f"{path.name!r} is of no kind that can be scored: give {', '.join(kinds)}; for films there is `dub`."
        )
    return kinds[path.suffix.lower()]


def _existing(path: Path) -> None:
    if not path.is_file():
        raise BadInput(f"There is no file {str(path)!r}.")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path.name!r} is not text in UTF-8 ({error.reason}): save it as UTF-8.") from error


def _cues(path: Path) -> list[subtitles.Cue]:
    found = subtitles.parse(_text(path))
    if not found:
        raise BadInput(f"{path.name!r} holds no subtitles: give SRT or WebVTT with a cue for each line.")
    return found


def read_truth(path: Path) -> Truth:
    """The truth of a sample, from its ``truth.json``.

    Raises
    ------
    BadInput
        If the file is not there or is no truth.
    """
    from pydantic import ValidationError

    from data.truth import Truth

    _existing(path)
    try:
        return Truth.model_validate_json(_text(path))
    except ValidationError as error:
        raise BadInput(f"{path.name!r} is no truth as the samples have it: {error}") from error


def _result(name: str, outcome: Outcome) -> ResultSet:
    return ResultSet.of([outcome], MEASURES, {"suite": "files", "system": name, "seed": SEED})
