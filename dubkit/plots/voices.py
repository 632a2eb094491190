"""What the speakers' voices are like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.artefacts import Speaker, Speakers, Tracks, Turns
from dubkit.plots.axes import literal, new_axes, say_nobody, speaker_colours
from dubkit.stages.assign_voices import AssignVoicesSettings
from dubkit.stages.detect_gender import PITCH_RANGE, PITCH_SECONDS, excerpts, voiced_pitch

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

MOST_SPEAKERS = 12


def pitches(
    found: Speakers,
    tracks: Tracks,
    turns: Turns,
    middle_pitch: float = AssignVoicesSettings().middle_pitch,
    ax: Axes | None = None,
) -> Axes:
    """How high each speaker's voice is, with its median, beside the gender that was heard.

    Of more than a dozen speakers those who speak most are drawn.

    Parameters
    ----------
    found : Speakers
    tracks : Tracks
    turns : Turns
        Those that `found` was made from.
    middle_pitch : float
        Hz; the setting ``assign_voices.middle_pitch``, which decides where the gender stayed open.
    ax : Axes, optional
    """
    most = sorted(found.speakers, key=lambda s: -s.speech_seconds)[:MOST_SPEAKERS]
    drawn = [s for s in found.speakers if s in most]
    colours = speaker_colours(s.id for s in found.speakers)
    ax = new_axes(ax, (8, 1.1 + 0.6 * max(1, len(drawn))))
    for row, speaker in enumerate(drawn):
        heard = excerpts(tracks, turns, speaker.id, PITCH_SECONDS)
        _distribution(ax, row, voiced_pitch(heard, tracks.speech.sample_rate), speaker, colours[speaker.id])
    ax.axvline(middle_pitch, color="black", linestyle="dashed", linewidth=1)
    ax.annotate(
        f"middle_pitch {middle_pitch:.0f} Hz",
        (middle_pitch, 1),
        (3, 2),
        xycoords=ax.get_xaxis_transform(),
        textcoords="offset points",
        fontsize=8,
    )
    ax.set_yticks(range(len(drawn)), [_told(speaker) for speaker in drawn])
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel="pitch (Hz)", xlim=PITCH_RANGE, ylim=(max(1, len(drawn)) - 0.4, -0.6))
    ax.spines[["top", "right", "left"]].set_visible(False)
    some = f", the {len(drawn)} of {len(found.speakers)} who speak most" if len(drawn) < len(found.speakers) else ""
    ax.set_title(f"heard gender (how sure) and pitch with its median{some}", loc="left", fontsize=10, pad=16)
    if not drawn:
        say_nobody(ax)
    return literal(ax)


def _distribution(ax: Axes, row: int, f0: np.ndarray, speaker: Speaker, colour: str) -> None:
    """A speaker's row: the violin of what was measured, and the median that counts."""
    import numpy as np

    # A single pitch has no distribution.
    if len(np.unique(f0)) > 2:
        violin = ax.violinplot([f0], [row], orientation="horizontal", widths=0.8, showextrema=False, points=200)
        for body in violin["bodies"]:  # type: ignore[attr-defined]
            body.set(facecolor=colour, edgecolor=colour, alpha=0.5)
    if speaker.pitch is None:
        ax.text(sum(PITCH_RANGE) / 2, row, "nothing voiced", ha="center", va="center", fontsize=9, style="italic")
        return
    ax.plot([speaker.pitch], [row], "o", color=colour, markeredgecolor="white", markersize=8)
    ax.annotate(
        f"{speaker.pitch:.0f}", (speaker.pitch, row), (0, 7), textcoords="offset points", ha="center", fontsize=9
    )


def _told(speaker: Speaker) -> str:
    verdict = "open" if speaker.gender == "unknown" else speaker.gender
    return f"{speaker.id}: {verdict} ({speaker.confidence:.0%})"
