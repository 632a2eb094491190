"""Small artefacts, made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dubkit import audio
from dubkit.artefacts import (
    AudioStream,
    Casting,
    Clip,
    Line,
    Media,
    Phrase,
    PlacedPhrase,
    Placement,
    Role,
    Soundtrack,
    Speaker,
    Speakers,
    Speech,
    Tracks,
    Transcript,
    Translation,
    Turn,
    Turns,
    Utterance,
    VideoStream,
    Voice,
)
from dubkit.durations import expected_duration
from dubkit.record import AudioFile

FILM_RATE, SPEECH_RATE, VOICE_RATE = 48_000, 16_000, 24_000


def sine(seconds: float, *, hz: float = 440.0, level: float = 0.2, rate: int = FILM_RATE) -> np.ndarray:
    """A mono tone; `level` is its amplitude."""
    t = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def silence(seconds: float, rate: int = FILM_RATE) -> np.ndarray:
    """Nothing to hear."""
    return np.zeros(round(seconds * rate), np.float32)


def sound(path: Path, samples: np.ndarray, rate: int = FILM_RATE) -> AudioFile:
    """The samples as a file."""
    return audio.write(path, [samples], rate)


def tracks(
    folder: Path,
    full: np.ndarray,
    *,
    background: np.ndarray | None = None,
    speech: np.ndarray | None = None,
) -> Tracks:
    """Tracks from samples at 48 kHz; `speech` is at 16 kHz, by default the middle of `full`."""
    folder.mkdir(parents=True, exist_ok=True)
    mono = full if full.ndim == 1 else full.mean(axis=1)
    heard = audio.resample(mono, FILM_RATE, SPEECH_RATE) if speech is None else speech
    return Tracks(
        speech=sound(folder / "speech.flac", heard, SPEECH_RATE),
        full=sound(folder / "full.flac", full),
        background=sound(folder / "background.flac", np.zeros_like(full) if background is None else background),
    )


def media(duration: float = 30.0) -> Media:
    """A film of so many seconds."""
    sound = AudioStream(index=1, codec="aac", sample_rate=FILM_RATE, n_channels=2)
    picture = VideoStream(index=0, codec="h264", width=64, height=48, fps=25)
    return Media(container="mov", duration=duration, video=picture, audio=sound, audio_tracks=(sound,))


def turns(*spans: tuple[str, float, float]) -> Turns:
    """Turns from (speaker, start, end)."""
    return Turns(turns=tuple(Turn(id=f"t{n:04}", speaker=s, start=a, end=b) for n, (s, a, b) in enumerate(spans, 1)))


def transcript(*said: tuple[str, float, float, str], language: str = "en") -> Transcript:
    """A transcript from (speaker, start, end, text)."""
    return Transcript(
        language=language,
        language_confidence=1.0,
        utterances=tuple(
            Utterance(id=f"u{n:04}", speaker=s, start=a, end=b, text=text) for n, (s, a, b, text) in enumerate(said, 1)
        ),
        model="listener@1",
    )


def translation(source: Transcript, *texts: str, target: str = "pt") -> Translation:
    """A translation of a transcript, line by line."""
    return Translation(
        source=source.language,
        target=target,
        route=(source.language, target),
        lines=tuple(
            Line(id=u.id, speaker=u.speaker, source_text=u.text, text=text, duration=expected_duration(text))
            for u, text in zip(source.utterances, texts, strict=True)
        ),
        model="interpreter@1",
    )


def speakers(*facts: Speaker | str) -> Speakers:
    """The cast; a bare id is a woman who speaks for ten seconds."""
    return Speakers(speakers=tuple(f if isinstance(f, Speaker) else speaker(f) for f in facts))


def speaker(name: str, gender: str = "female", *, pitch: float | None = 200.0, seconds: float = 10.0) -> Speaker:
    """One of the cast."""
    return Speaker.model_validate(
        {
            "id": name,
            "name": f"Speaker {name[1:]}",
            "gender": gender,
            "confidence": 0.9,
            "pitch": pitch,
            "speaking_rate": 4.0,
            "speech_seconds": seconds,
        }
    )


def voice(name: str, gender: str = "female", language: str = "pt") -> Voice:
    """A synthetic voice of the stand-in synthesizer."""
    return Voice.model_validate({"id": f"tone:{name}", "language": language, "gender": gender, "name": name})


def casting(**voices: str) -> Casting:
    """Roles from speaker to voice name."""
    return Casting(roles=tuple(Role(id=s, voice=voice(v), reason="test") for s, v in voices.items()))


def speech(folder: Path, source: Transcript, *clips: np.ndarray) -> Speech:
    """One clip per utterance, at the voices' rate."""
    folder.mkdir(parents=True, exist_ok=True)
    return Speech(
        clips=tuple(
            Clip(
                id=u.id,
                speaker=u.speaker,
                text=u.text,
                audio=heard,
                rate=1.0,
                natural=heard.duration,
                slot=u.end - u.start,
                phrases=(Phrase(start=0, end=heard.duration, slot_start=u.start, slot_end=u.end),),
            )
            for u, samples in zip(source.utterances, clips, strict=True)
            for heard in [sound(folder / f"{u.id}.flac", samples, VOICE_RATE)]
        ),
        model="speaker@1",
    )


def placement(
    name: str, speaker: str, slot: tuple[float, float], placed: tuple[float, float], rate: float = 1.0, **fields: object
) -> Placement:
    """A line of one phrase: when the original sounds, and when the dub does."""
    drift, over = placed[0] - slot[0], placed[1] - slot[1]
    phrase = PlacedPhrase(
        slot_start=slot[0],
        slot_end=slot[1],
        start=placed[0],
        end=placed[1],
        clip_start=0,
        clip_end=placed[1] - placed[0],
    )
    line = Placement(
        id=name,
        speaker=speaker,
        text=f"text of {name}",
        slot_start=slot[0],
        slot_end=slot[1],
        start=placed[0],
        end=placed[1],
        rate=rate,
        stretch=1.0,
        borrowed=round(max(0.0, -drift) + max(0.0, over), 3),
        drift=round(drift, 3),
        phrases=(phrase,),
    )
    return line.but(**fields)


def soundtrack(folder: Path, *lines: Placement, seconds: float = 10.0) -> Soundtrack:
    """Placed lines on a dub that is silent."""
    folder.mkdir(parents=True, exist_ok=True)
    return Soundtrack(audio=sound(folder / "soundtrack.flac", silence(seconds)), placements=lines)
