"""The page: upload a film, watch the eleven stages, see and download the dub.

``python app.py`` serves it on this machine alone; the pipeline is the library's own.
"""

from __future__ import annotations

import html
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from dubkit import languages
from dubkit.errors import DubkitError
from dubkit.overview import language_table
from dubkit.progress import Event
from dubkit.run import PIPELINE, Run
from dubkit.store import default_root

MARKS = {"started": "▶", "progress": "▶", "done": "✓", "reused": "✓", "failed": "✗"}
DETECT = "Detect"


def board(events: dict[str, Event], warnings: list[str]) -> str:
    """The state of the eleven stages as an HTML table; notes and warnings are escaped."""
    rows = []
    for step in PIPELINE:
        event = events.get(step.name)
        mark = MARKS[event.status] if event else "·"
        items = f"{event.done}/{event.total} {event.note}" if event and event.total else ""
        spent = f"{event.seconds:.1f} s" if event and event.seconds else ""
        cells = (mark, step.name.replace("_", " "), items, spent)
        rows.append("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in cells) + "</tr>")
    told = "".join(f"<li>{html.escape(w)}</li>" for w in warnings)
    return f"<table>{''.join(rows)}</table>" + (f"<ul>{told}</ul>" if told else "")


def dub(film: str | None, source: str, target: str) -> Iterator[tuple[str, str | None, list[str] | None]]:
    """Dub a film, telling how far it is: progress as HTML, then the film and the files to download.

    Raises
    ------
    gradio.Error
        With the library's own message, where the film cannot be dubbed.
    """
    if not film:
        raise gr.Error("Choose a film first.")
    told: queue.Queue[Event | BaseException | Path] = queue.Queue()

    def work() -> None:
        try:
            spoken = None if source == DETECT else source
            run = Run.open(film, target, spoken, observers=(told.put,))
            run.until("combine")
            folder = default_root() / "page" / run.id
            told.put(run.save(folder / f"{Path(film).stem}.{run.settings.translate.target}.mp4"))
        except BaseException as error:
            told.put(error)

    threading.Thread(target=work, daemon=True).start()
    events: dict[str, Event] = {}
    warnings: list[str] = []
    while True:
        news = told.get()
        if isinstance(news, Path):
            files = sorted(str(p) for p in news.parent.iterdir() if p.stem.startswith(news.stem))
            yield board(events, warnings), str(news), files
            return
        if isinstance(news, BaseException):
            known = isinstance(news, DubkitError)
            raise gr.Error(str(news) if known else "Something went wrong here; the log says what.") from news
        if news.status == "warning":
            warnings.append(news.note)
        else:
            events[news.stage] = news
        yield board(events, warnings), None, None


def page() -> gr.Blocks:
    """The page, with the languages that this machine can dub."""
    pairs = language_table()
    codes = {side: sorted({row[side].split()[0] for row in pairs}) for side in ("from", "to")}
    named = {side: [(languages.name(c), c) for c in found] for side, found in codes.items()}
    with gr.Blocks(title="dubkit", analytics_enabled=False) as blocks:
        gr.Markdown("# dubkit\nThe same film, spoken in another language. MP4, MOV, AVI or MKV, up to 200 MB.")
        with gr.Row():
            with gr.Column():
                film = gr.Video(label="Film", sources=["upload"])
                source = gr.Dropdown([DETECT, *named["from"]], value=DETECT, label="Spoken language")
                target = gr.Dropdown(named["to"], value="pt" if "pt" in codes["to"] else None, label="Dub into")
                start = gr.Button("Dub", variant="primary")
                progress = gr.HTML(label="Progress")
            with gr.Column():
                result = gr.Video(label="Dub", interactive=False)
                files = gr.Files(label="Download", interactive=False)
        start.click(dub, [film, source, target], [progress, result, files], concurrency_limit=1)
    return blocks  # type: ignore[no-any-return]


if __name__ == "__main__":
    page().launch(allowed_paths=[str(default_root() / "page")], max_file_size="200mb")
