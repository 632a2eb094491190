"""The dub beside its original, to listen to: a stretch of both, and single lines."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dubkit.artefacts import Clip, Speech, Utterance
from dubkit.errors import BadInput, listed
from dubkit.players import Player, gallery, listen
from dubkit.record import Seconds

if TYPE_CHECKING:
    from dubkit.run import Run


def fastest(speech: Speech, most: int = 3) -> list[str]:
    """The ids of the lines that are spoken fastest, in the order of the film."""
    order = sorted(range(len(speech.clips)), key=lambda n: -speech.clips[n].rate)[:most]
    return [speech.clips[n].id for n in sorted(order)]


def opening(run: Run, seconds: Seconds = 10.0) -> Player:
    """Players for the same stretch of original and dub, from the first line on; of a film without lines from its beginning.

    Parameters
    ----------
    run : Run
    seconds : float
        How long it is.
    """
    said, placed = run.transcript.utterances, run.soundtrack.placements
    # Where the picture is slowed, the dub's times are not the film's.
    original, dub = (said[0].start, placed[0].slot_start) if said and placed else (0.0, 0.0)
    return gallery(
        [
            listen(run.tracks.full, original, original + seconds, "original"),
            listen(run.soundtrack.audio, dub, dub + seconds, "dub"),
        ]
    )


def beside_originals(run: Run, lines: Sequence[str] | None = None) -> Player:
    """Players for lines: the original's stretch of the film, and the clip that is spoken in its place.

    Parameters
    ----------
    run : Run
    lines : sequence of str, optional
        Ids of lines; by default the three that are spoken fastest.

    Raises
    ------
    BadInput
        If there is no such line.
    """
    clips = {clip.id: clip for clip in run.speech.clips}
    said = {utterance.id: utterance for utterance in run.transcript.utterances}
    wanted = fastest(run.speech) if lines is None else lines
    if unknown := [line for line in wanted if line not in clips]:
        raise BadInput(f"There is no line {listed(unknown)}. The lines are: {listed(list(clips))}.")
    if not wanted:
        return Player("<p>There is nothing to hear: the film has no lines.</p>")
    return Player("".join(_pair(run, clips[line], said[line]) for line in wanted))


def _pair(run: Run, clip: Clip, said: Utterance) -> str:
    """Both texts of a line, and below them both sounds."""
    original = listen(run.tracks.full, said.start, said.end, "original")
    dubbed = listen(clip.audio, label=f"dub, rate {clip.rate:.2f}")
    texts = f"<p><b>{html.escape(clip.id)}</b> {html.escape(said.text)}<br>{html.escape(clip.text)}</p>"
    return f"{texts}{gallery([original, dubbed]).page}"
