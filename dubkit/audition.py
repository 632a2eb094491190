"""The voices that could speak in a dub, each heard with the same line."""

from __future__ import annotations

import html
from dataclasses import dataclass

from dubkit import execution
from dubkit.artefacts import Voice
from dubkit.audio import open_audio
from dubkit.backends import registry
from dubkit.backends.protocols import Request
from dubkit.errors import BadInput
from dubkit.players import listen
from dubkit.record import AudioFile, Seconds
from dubkit.run import Run
from dubkit.showing import table
from dubkit.stages.synthesize import spoken, synthesize

MOST_VOICES = 12
LINE_LENGTH: Seconds = 3.0
"""Long enough to know a voice by, short enough to hear a dozen."""


@dataclass(frozen=True)
class Heard:
    """A voice, how it sounds, and the ids of the speakers who have it now."""

    voice: Voice
    sound: AudioFile
    speakers: tuple[str, ...]


@dataclass(frozen=True)
class Audition:
    """What was said, and everybody who said it, the synthesizer's best voices first; ``n_voices`` is how many there are.

    Of a film in which nobody speaks it is empty, if no text was given.
    """

    text: str
    heard: tuple[Heard, ...]
    n_voices: int

    def _repr_html_(self) -> str:
        """A table with a player for each voice."""
        if not self.heard:
            return '<p>Nobody speaks in this film. Give the voices a line: <code>audition(run, "...")</code>.</p>'
        rows = [
            [
                f"<code>{html.escape(one.voice.id)}</code>",
                html.escape(one.voice.gender),
                html.escape(", ".join(one.speakers)) or "–",
                listen(one.sound, label=one.voice.name, captioned=False).page,
            ]
            for one in self.heard
        ]
        more = f" ({len(self.heard)} of {self.n_voices} voices)" if len(self.heard) < self.n_voices else ""
        said = f"<p dir='auto'>“{html.escape(self.text)}”{more}</p>"
        return said + table(("voice", "gender", "speaks for", "sound"), rows)


def audition(run: Run, text: str | None = None, most: int = MOST_VOICES) -> Audition:
    """Let the stock voices of the dub's language say one line; what was said before is not said again.

    Parameters
    ----------
    run : Run
        It is done up to ``assign_voices``, where that has not been done yet.
    text : str, optional
        What they say, in the language of the dub; by default the line of the film that lasts about three seconds.
    most : int
        How many voices are heard: those that speak for somebody, then the others, best first.

    Raises
    ------
    BadInput
        If the text is empty, or nobody is to be heard.
    """
    if most < 1:
        raise BadInput(f"{most} voices cannot be heard: give a number from 1 on.")
    roles = run.casting.roles
    if text is not None and not text.strip():
        raise BadInput("There is no line to say: give a text in the language of the dub.")
    text = (_line(run) if text is None else text).strip()
    settings = run.settings
    backend = execution.backend(synthesize, settings)
    voices = backend.voices(settings.translate.target)
    if not text:
        return Audition("", (), len(voices))
    speaking = {voice.id: tuple(r.id for r in roles if r.voice.id == voice.id) for voice in voices}
    chosen = {v.id for v in sorted(voices, key=lambda v: not speaking[v.id])[:most]}
    cast = [v for v in voices if v.id in chosen]
    with registry.using(backend, settings.compute):
        requests = [Request(text, voice) for voice in cast]
        clips = dict(spoken(requests, backend, run.store.items(synthesize.name)))
    heard = (Heard(voice, open_audio(clips[n]), speaking[voice.id]) for n, voice in enumerate(cast))
    return Audition(text, tuple(heard), len(voices))


def _line(run: Run) -> str:
    """The line whose predicted length is nearest to what an audition takes; nothing where there are no lines."""
    lines = sorted(run.translation.lines, key=lambda line: abs(line.duration - LINE_LENGTH))
    return lines[0].text if lines else ""
