"""How artefacts show themselves in a notebook: a compact table, with short players where there is something to hear."""

from __future__ import annotations

import html
from collections.abc import Sequence

from dubkit.artefacts import Dub, Soundtrack, Tracks
from dubkit.errors import DubkitError
from dubkit.players import gallery, listen, watch
from dubkit.record import Artefact, AudioFile, File, Record, Seconds

MOST_ROWS = 50
MOST_PLAYERS = 12
LONGEST_CELL = 120
# Enough to recognise what it is; ``listen`` and ``watch`` give more.
EXCERPT: Seconds = 10.0
HIDDEN = frozenset({"words", "candidates", "phrases", "knots", "timing", "sha256"})
# Notebooks set everything to the right, which is good for numbers only.
SIDES = {True: ' align="right"', False: ' style="text-align:left"'}


def page(artefact: Artefact) -> str:
    """An artefact as HTML; every value is escaped, and nothing is loaded from elsewhere."""
    rows: Sequence[Record] = artefact.rows
    if not rows:
        facts = [(name, getattr(artefact, name)) for name in type(artefact).model_fields]
        shown = [(name, cell(value)) for name, value in facts if name not in HIDDEN and not isinstance(value, File)]
        return _titled(artefact, "") + table(("", ""), shown) + _excerpts(artefact)
    names = [name for name in type(rows[0]).model_fields if name not in HIDDEN and _told(rows, name)]
    sounds = [name for name in names if isinstance(getattr(rows[0], name), AudioFile)]
    plain = [name for name in names if name not in sounds]
    body = [
        [cell(getattr(row, name)) for name in plain]
        + [
            _player(getattr(row, name), f"{name} of {getattr(row, 'id', n)}") if n < MOST_PLAYERS else ""
            for name in sounds
        ]
        for n, row in enumerate(rows[:MOST_ROWS])
    ]
    more = f"<p>… and {len(rows) - MOST_ROWS} more</p>" if len(rows) > MOST_ROWS else ""
    return (
        _titled(artefact, f": {len(rows)} {artefact.ROWS}")
        + table([*plain, *sounds], body)
        + more
        + _excerpts(artefact)
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """An HTML table of cells that are HTML already; columns of numbers stand to the right."""
    sides = [SIDES[bool(rows) and all(_number(row[n]) for row in rows)] for n in range(len(head))]
    body = "".join(
        "<tr>" + "".join(f"<td{side}>{c}</td>" for side, c in zip(sides, row, strict=True)) + "</tr>" for row in rows
    )
    first = "".join(f"<th{side}>{html.escape(name)}</th>" for side, name in zip(sides, head, strict=True))
    titles = f"<thead><tr>{first}</tr></thead>" if any(head) else ""
    return f"<table>{titles}<tbody>{body}</tbody></table>"


def cell(value: object) -> str:
    """A value as the HTML of a table's cell, cut where it is long."""
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, File):
        return html.escape(value.path.name)
    if isinstance(value, Record):
        told = {name: v for name, v in dict(value).items() if v not in (None, "", False)}
        value = ", ".join(f"{name} {round(v, 3) if isinstance(v, float) else v}" for name, v in told.items())
    if isinstance(value, tuple):
        return "<br>".join(cell(one) for one in value[:5]) + ("<br>…" if len(value) > 5 else "")
    text = "–" if value is None else str(value)
    return html.escape(text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…")


def counted(artefact: Artefact) -> str:
    """How many rows it has, and of what."""
    n, what = len(artefact.rows), artefact.ROWS
    return f"{n} {what.removesuffix('s') if n == 1 else what}"


def _titled(artefact: Artefact, more: str) -> str:
    about = [
        f"{name} {getattr(artefact, name)}"
        for name in ("language", "source", "target", "model")
        if _has(artefact, name)
    ]
    told = f" ({html.escape(', '.join(about))})" if about and artefact.rows else ""
    return f"<b>{type(artefact).__name__}</b>{more}{told}"


def _has(artefact: Artefact, name: str) -> bool:
    return bool(getattr(artefact, name, ""))


def _told(rows: Sequence[Record], name: str) -> bool:
    """Whether a column says anything: one that is empty or at its default in every row is left out."""
    default = type(rows[0]).model_fields[name].default
    return any(getattr(row, name) not in (None, "", (), default) for row in rows)


def _number(text: str) -> bool:
    return text in ("–", "") or text.lstrip("-").replace(".", "", 1).isdigit()


def _player(sound: AudioFile | None, label: str) -> str:
    if sound is None or not sound.path.is_file():
        return "–"
    return listen(sound, 0.0, EXCERPT, label, captioned=False).page


def _excerpts(artefact: Artefact) -> str:
    """Players for what is no table: the stems, the soundtrack, the film."""
    try:
        if isinstance(artefact, Tracks):
            sounds = {name: getattr(artefact, name) for name in type(artefact).model_fields}
            return gallery(listen(s, 0.0, EXCERPT, label=_excerpt(name, s.duration)) for name, s in sounds.items()).page
        if isinstance(artefact, Soundtrack):
            return listen(artefact.audio, 0.0, EXCERPT, label=_excerpt("soundtrack", artefact.audio.duration)).page
        if isinstance(artefact, Dub):
            label = _excerpt(artefact.video.path.name, artefact.duration)
            return watch(artefact.video, 0.0, EXCERPT, label=label).page
    except (DubkitError, OSError, RuntimeError):
        # A table is no place to fail in: the file was moved or removed, or is none that can be read (soundfile's error).
        return "<p>Its files are not there any more.</p>"
    return ""


def _excerpt(name: str, duration: Seconds) -> str:
    return name if duration <= EXCERPT else f"{name}, the first {EXCERPT:.0f} of {duration:.0f} s"
