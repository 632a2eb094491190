"""Draws every figure and table of dubkit into the gallery: ``python -m docs.gallery [STORE]``.

All are made from the sample dialogue, dubbed into Portuguese, a sweep over its diarization threshold, and a batch of four
samples; what the store holds of them is not made again. Tables and time lines are photographed with Chromium, where that
is installed; without it their old pictures stay.
"""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from PIL import Image, ImageChops, ImageOps

from data.samples import built
from dubkit import plots, voice_prints
from dubkit.audition import audition
from dubkit.batch import summary
from dubkit.certificate_table import CertificateTable
from dubkit.choices import choices
from dubkit.listening import beside_originals
from dubkit.marked_text import marked
from dubkit.run import Run
from dubkit.timeline import timeline
from evaluation import tuning
from evaluation.known_turns import held_against, known_turns
from evaluation.texts.misreadings import misreadings

ROOT = Path(__file__).parents[1]
PAGE, PICTURES = ROOT / "docs" / "gallery.md", ROOT / "docs" / "pictures" / "gallery"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-quic", "--no-first-run", "--hide-scrollbars", "--force-device-scale-factor=1",
)  # fmt: skip
THRESHOLDS = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
BATCH = {"talking-head": "pt", "dialogue-pt": "en", "two-cities": "pt", "librivox": "pt"}
COLOURS, MARGIN = 64, 8
"""Of a picture: its palette, which is enough for figures and makes a quarter of the size, and white pixels around it."""


@dataclass(frozen=True)
class Entry:
    """A picture of the gallery: what is called, as it stands in a notebook, and how it is made here."""

    call: str
    function: Callable[..., Any]
    make: Callable[[], Any]

    @property
    def name(self) -> str:
        """Of the picture's file."""
        return self.call.partition("(")[0].replace(".", "-")

    @property
    def what(self) -> str:
        """The first paragraph of its documentation."""
        return " ".join((inspect.getdoc(self.function) or "").partition("\n\n")[0].split())


def figures(run: Run, results: Any, store: Path) -> dict[str, list[Entry]]:
    """All figures of :mod:`dubkit.plots` and of tuning, by the chapter that they stand in."""
    turns, tracks, transcript = run.turns, run.tracks, run.transcript
    speech, soundtrack, settings = run.speech, run.soundtrack, run.settings

    def reference() -> Any:
        known = known_turns(run)
        assert known is not None
        return plots.reference_turns(turns, known, held_against(known, run).mapping)

    def swept() -> Any:
        return tuning.figure(
            tuning.sweep(
                "dialogues", {"diarize.threshold": THRESHOLDS}, "diarization.der", items=["dialogue-en>pt"], store=store
            )
        )

    def figure(call: str, make: Callable[[], Any]) -> Entry:
        return Entry(f"plots.{call}", getattr(plots, call.partition("(")[0]), make)

    return {
        "Sound": [
            figure("waveform(run.tracks.full)", lambda: plots.waveform(tracks.full)),
            figure("spectrogram(run.tracks.full, 10, 20)", lambda: plots.spectrogram(tracks.full, 10, 20)),
            figure("stems(run.tracks)", lambda: plots.stems(tracks)),
        ],
        "Speakers": [
            figure("turns(run.turns, run.media.duration)", lambda: plots.turns(turns, run.media.duration)),
            figure("speaker_waveform(run.turns, run.tracks)", lambda: plots.speaker_waveform(turns, tracks)),
            figure("reference_turns(run.turns, known, score.mapping)", reference),
            figure(
                "voice_map(run.turns, voice_prints.of_turns(run.turns, run.tracks.speech))",
                lambda: plots.voice_map(turns, voice_prints.of_turns(turns, tracks.speech)),
            ),
            figure("pitches(run.speakers, run.tracks, run.turns)", lambda: plots.pitches(run.speakers, tracks, turns)),
        ],
        "Words": [
            figure("segments(run.segments, run.tracks)", lambda: plots.segments(run.segments, tracks)),
            figure("words(run.transcript, run.media.duration)", lambda: plots.words(transcript, run.media.duration)),
            figure(
                "words_on_spectrogram(run.transcript, run.tracks)",
                lambda: plots.words_on_spectrogram(transcript, tracks),
            ),
            figure(
                "candidates(run.translation, run.transcript, run.speech)",
                lambda: plots.candidates(run.translation, transcript, speech),
            ),
        ],
        "Timing": [
            figure("clips(run.speech)", lambda: plots.clips(speech)),
            figure("pace(run.speech)", lambda: plots.pace(speech)),
            figure("timing(run.soundtrack)", lambda: plots.timing(soundtrack)),
            figure("drift(run.soundtrack)", lambda: plots.drift(soundtrack)),
            figure("rates(run.soundtrack)", lambda: plots.rates(soundtrack)),
            figure("borrowed(run.soundtrack)", lambda: plots.borrowed(soundtrack)),
            figure("solved(run.speech, run.soundtrack)", lambda: plots.solved(speech, soundtrack)),
        ],
        "The mix": [
            figure("ducking(run.soundtrack)", lambda: plots.ducking(soundtrack, settings.assemble.mix)),
            figure(
                "loudness(run.tracks, run.soundtrack)",
                lambda: plots.loudness(tracks, soundtrack, settings.assemble.mix),
            ),
        ],
        "Tuning and batches": [
            Entry("tuning.figure(sweep)", tuning.figure, swept),
            figure("batch_stages(results)", lambda: plots.batch_stages(results)),
            figure("batch_timing(results)", lambda: plots.batch_timing(results)),
        ],
    }


def displays(run: Run) -> list[Entry]:
    """What shows itself as HTML."""
    return [
        Entry("run", Run.show, lambda: run),
        Entry("timeline(run)", timeline, lambda: timeline(run)),
        Entry("marked(run.transcript)", marked, lambda: marked(run.transcript)),
        Entry("misreadings(run)", misreadings, lambda: misreadings(run)),
        Entry(
            "choices(run.translation, run.transcript, run.speech)",
            choices,
            lambda: choices(run.translation, run.transcript, run.speech),
        ),
        Entry("audition(run, most=4)", audition, lambda: audition(run, most=4)),
        Entry("beside_originals(run)", beside_originals, lambda: beside_originals(run)),
        Entry(
            "CertificateTable(run.soundtrack.placements)",
            CertificateTable,
            lambda: CertificateTable(run.soundtrack.placements),
        ),
    ]


def draw(entry: Entry) -> None:
    """A figure as a picture file."""
    ax = entry.make()
    ax.figure.savefig(path := PICTURES / f"{entry.name}.png", dpi=90)
    plt.close(ax.figure)
    _shrunk(path)


def photograph(entry: Entry, browser: str) -> None:
    """What a browser shows of a table as a picture file."""
    page = f"<meta charset='utf-8'><style>body{{font:13px sans-serif;margin:8px}}</style>{entry.make()._repr_html_()}"
    with tempfile.TemporaryDirectory(prefix="dubkit-") as folder:
        (home := Path(folder) / "page.html").write_text(page, encoding="utf-8")
        path = PICTURES / f"{entry.name}.png"
        command = [browser, *QUIET, f"--user-data-dir={folder}/profile", "--window-size=1000,620"]
        subprocess.run([*command, f"--screenshot={path}", home.as_uri()], check=True, capture_output=True, timeout=120)
    _shrunk(path)


def _shrunk(path: Path) -> None:
    """Cut off the margin, all but a little, and write with a palette."""
    with Image.open(path) as found:
        picture = found.convert("RGB")
    around = ImageChops.difference(picture, Image.new("RGB", picture.size, "white")).getbbox()
    framed = ImageOps.expand(picture.crop(around), MARGIN, "white")
    framed.quantize(COLOURS).save(path, optimize=True)


def page(chapters: dict[str, list[Entry]]) -> Iterator[str]:
    """The gallery as Markdown."""
    yield "# Gallery"
    yield (
        "Every figure and table, as a notebook shows it. All are made by `python -m docs.gallery` from the sample dialogue "
        "(`data/`), dubbed from English into Portuguese with the embedded profile; batches from four samples. A film of your "
        'own looks like this after `run = Run.open("film.mp4", target="pt")`.'
    )
    for chapter, entries in chapters.items():
        yield f"## {chapter}"
        for entry in entries:
            yield f"**`{entry.call}`** {entry.what}"
            yield f"![{entry.call}](pictures/gallery/{entry.name}.png)"


def batch_results(store: Path) -> Any:
    """What a batch of samples came to, in a store of its own, so that it has work to do; it is done where it was not yet."""
    out, own = store.parent / "batch", store.parent / "batch-store"
    if not (out / "results.parquet").is_file():
        films = "".join(f"{built(name).video.resolve()},{target}\n" for name, target in BATCH.items())
        store.parent.mkdir(parents=True, exist_ok=True)
        (table := store.parent / "films.csv").write_text(f"video,target\n{films}")
        command = [Path(sys.executable).with_name("dubkit"), "batch", str(table), "--out", str(out)]
        subprocess.run([*command, "--store", str(own), "--profile", "embedded"], check=True)
    return summary.read(out / "results.parquet")


def main() -> None:
    """Draw all of it."""
    store = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "out" / "gallery" / "store")
    PICTURES.mkdir(parents=True, exist_ok=True)
    run = Run.open(built("dialogue-en").video, "pt", profile="embedded", store=store).until("combine")
    drawn = figures(run, batch_results(store), store)
    for entries in drawn.values():
        for entry in entries:
            draw(entry)
    shown = displays(run)
    if browser := next(filter(None, map(shutil.which, CHROMIUM)), None):
        for entry in shown:
            photograph(entry, browser)
    else:
        print("Chromium is not installed: the pictures of tables stay as they are.")
    PAGE.write_text("\n\n".join(page({**drawn, "Tables, texts and players": shown})) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
