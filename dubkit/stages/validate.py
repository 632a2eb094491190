"""Stage 1: is this a video that can be dubbed, and what is in it?"""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from dubkit import media as files
from dubkit.artefacts import Media, Video
from dubkit.errors import BadInput
from dubkit.progress import Report
from dubkit.stage import stage


@dataclass(frozen=True)
class ValidateSettings:
    """Limits of what is taken.

    Parameters
    ----------
    max_megabytes : float
        Largest file, in 10^6 bytes.
    audio_track : int or None
        Which audio track to dub, counted from 1; None takes the one marked as default, else the first.
    """

    max_megabytes: float = Field(default=200.0, gt=0)
    audio_track: int | None = Field(default=None, ge=1)


@stage(version=1)
def validate(video: Video, *, settings: ValidateSettings, report: Report) -> Media:
    """Look into the file; its content decides, never its name.

    Raises
    ------
    BadInput
        If it is empty, too large, no video, damaged, cut short, or lacks picture or sound.
    """
    file = video.file
    if file.size == 0:
        raise BadInput(f"{file.path.name!r} is empty (0 bytes). Copy or download it again.")
    if file.size > settings.max_megabytes * 1e6:
        raise BadInput(
            f"{file.path.name!r} has {file.size / 1e6:.0f} MB; up to {settings.max_megabytes:.0f} MB are allowed. Shorten "
            f"or compress it, or allow more: --set validate.max_megabytes={file.size / 1e6 + 1:.0f}"
        )
    media = files.probe(file.path)
    if settings.audio_track is not None:
        if settings.audio_track > len(media.audio_tracks):
            raise BadInput(
                f"There is no audio track {settings.audio_track}: {file.path.name!r} has {len(media.audio_tracks)}."
            )
        media = media.but(audio=media.audio_tracks[settings.audio_track - 1])
    elif len(media.audio_tracks) > 1:
        number = media.audio_tracks.index(media.audio) + 1
        report.warn(
            f"The file has {len(media.audio_tracks)} audio tracks; track {number} is dubbed. Choose another with "
            "--set validate.audio_track=N."
        )
    if media.video.variable_frame_rate:
        report.warn("The picture's frame rate varies; its frames keep their own times.")
    return media
