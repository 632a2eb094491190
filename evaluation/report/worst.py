"""The worst lines of a dub, to be listened to: text, what was heard, source and dub as players, a spectrogram."""

from __future__ import annotations

import html
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from dubkit import audio
from dubkit.players import SAMPLE_RATE as PLAYER_RATE
from dubkit.players import data_url, mp3
from dubkit.plots.sound import spectrogram_of
from dubkit.record import Seconds
from evaluation.formatting import number
from evaluation.results import ResultSet

if TYPE_CHECKING:
    import pandas as pd

MARGIN: Seconds = 0.3


def worst(result: ResultSet, n: int = 10) -> pd.DataFrame:
    """The lines that are understood worst: lowest chrF++ of what was heard against what should have been said."""
    if not len(result.lines):
        return result.lines
    return result.lines.sort_values(["score", "drift"], ascending=[True, False], kind="stable").head(n)


def cards(result: ResultSet, store: Path, n: int = 10) -> str:
    """The worst lines as HTML that needs no other file.

    Parameters
    ----------
    result : ResultSet
    store : Path
        Where the run's sounds are kept; without them the cards have no players.
    n : int
        How many lines.
    """
    return "".join(_card(row, store) for row in worst(result, n).to_dict("records"))


def _card(row: dict[str, Any], store: Path) -> str:
    facts = f"chrF++ {number(row['score'])}, rate {number(row['rate'])}, drift {number(row['drift'])} s, {row['flag'] or 'fits'}"
    texts = {
        "said": row["said"],
        "transcribed": row["source_text"],
        "translated": row["text"],
        "reference": row["reference"],
        "heard": row["heard"],
    }
    listed = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(text) or '–'}</dd>" for name, text in texts.items() if text
    )
    head = f"{row['item']} {row['id']}, {row['speaker']}, {row['start']:.1f}–{row['end']:.1f} s"
    sounds = _player("source", store / row["source_sound"], row["slot_start"], row["slot_end"])
    sounds += _player("dub", store / row["sound"], row["start"], row["end"])
    return (
        f"<section class='line'><h3>{html.escape(head)}</h3><p class='facts'>{html.escape(facts)}</p>"
        f"<dl>{listed}</dl><div class='sounds'>{sounds}</div></section>"
    )


def _player(name: str, path: Path, start: Seconds, end: Seconds) -> str:
    if not path.is_file():
        return f"<p>The {name}'s sound is not in the store any more.</p>"
    with soundfile.SoundFile(path) as sound:
        rate = sound.samplerate
    samples = audio.read(path, max(0.0, start - MARGIN), end + MARGIN)
    mono = audio.resample(samples if samples.ndim == 1 else samples.mean(axis=1), rate, PLAYER_RATE)
    source = data_url("audio/mpeg", mp3(mono, PLAYER_RATE))
    return (
        f"<figure><figcaption>{name}</figcaption>{_picture(mono, f'Spectrogram of the {name}')}"
        f"<audio controls preload='none' aria-label='{name}' src='{source}'></audio></figure>"
    )


def _picture(mono: np.ndarray, title: str) -> str:
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(7, 2.2), layout="constrained")
    spectrogram_of(mono, PLAYER_RATE, ax)
    stream = io.BytesIO()
    figure.savefig(stream, format="jpg", dpi=100)
    plt.close(figure)
    return f"<img alt='{title}' src='{data_url('image/jpeg', stream.getvalue())}'>"
