"""open-dubbing's fitting of given clips, run by the throw-away Python: TIMELINE OUT.

Its ``TextToSpeech`` with a synthesizer that hands out the timeline's clips (as MP3, which its code expects), then its
``insert_audio_at_timestamps``. torch, moviepy and pyannote.audio, which serve other steps, are empty modules.
"""

import json
import subprocess
import sys
import types
from pathlib import Path


def _stand_in(name: str, **attributes: object) -> None:
    module = types.ModuleType(name)
    for key, value in attributes.items():
        setattr(module, key, value)
    sys.modules[name] = module


_stand_in("torch")
_stand_in("moviepy", AudioFileClip=object)
_stand_in("pyannote")
_stand_in("pyannote.audio", Pipeline=object)

from open_dubbing.audio_processing import insert_audio_at_timestamps  # noqa: E402
from open_dubbing.text_to_speech import TextToSpeech  # noqa: E402


class Given(TextToSpeech):
    """Speaks a line by handing out its clip; `text` is the clip's path."""

    def get_available_voices(self, language_code):
        """None are needed."""
        return []

    def get_languages(self):
        """None are needed."""
        return []

    def _convert_text_to_speech(self, *, assigned_voice, target_language, output_filename, text, speed):
        _convert(Path(text), Path(output_filename))
        return output_filename


def _convert(source: Path, target: Path) -> None:
    quality = ["-b:a", "192k"] if target.suffix == ".mp3" else []
    subprocess.run(["ffmpeg", "-y", "-loglevel", "error", "-i", source, *quality, target], check=True)


def main(timeline: Path, out: Path) -> None:
    """Write dub.wav and lines.json."""
    film = json.loads((timeline / "timeline.json").read_text(encoding="utf-8"))
    source = out / "source.mp3"
    _convert(timeline / "source.wav", source)
    utterances = [
        {
            "id": number,
            "start": line["start"],
            "end": line["end"],
            "path": str(out / f"chunk_{line['id']}.mp3"),
            "for_dubbing": True,
            "assigned_voice": line["voice"],
            "translated_text": str(timeline / line["clip"]),
            "speed": 1.0,
        }
        for number, line in enumerate(film["lines"])
    ]
    dubbed = Given().dub_utterances(
        utterance_metadata=utterances,
        output_directory=str(out),
        target_language=film["target"],
        audio_file=str(source),
    )
    voices = insert_audio_at_timestamps(
        utterance_metadata=dubbed, background_audio_file=str(source), output_directory=str(out)
    )
    _convert(Path(voices), out / "dub.wav")
    told = [
        {"id": line["id"], "start": one["start"], "rate": one["speed"]}
        for line, one in zip(film["lines"], dubbed, strict=True)
    ]
    (out / "lines.json").write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
