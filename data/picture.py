"""Pictures for sounds: a frame is a numpy array that goes straight into the encoder.

Whatever changes from frame to frame is drawn once and then only copied: every expression of a face, and the waveform
of the whole film as one long strip that slides through the picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, FPS = 1280, 720, 25
STRIP_TOP, STRIP_HEIGHT, STRIP_PIXELS_PER_SECOND = 560, 120, 160
BAR_PITCH, BAR_WIDTH = 8, 5
Colour = tuple[int, int, int]
TOP_COLOUR, BOTTOM_COLOUR = (28, 36, 58), (58, 66, 98)
TEXT_COLOUR, FAINT_COLOUR = (236, 238, 245), (140, 148, 176)


def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which travels with matplotlib, so that every machine draws the same letters."""
    import matplotlib

    return ImageFont.truetype(
        Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"DejaVuSans{'-Bold' if bold else ''}.ttf", size
    )


def n_frames(duration: float) -> int:
    """Frames that a sound of `duration` seconds needs."""
    return int(np.ceil(round(duration * FPS, 6)))


def loudness(samples: np.ndarray, sample_rate: int, per_second: int = FPS) -> np.ndarray:
    """How loud a mono sound is, `per_second` times a second, scaled so that its loud parts are near 1."""
    step = sample_rate // per_second
    padded = np.pad(samples.astype(np.float64), (0, -len(samples) % step)).reshape(-1, step)
    level = np.sqrt(np.mean(padded**2, axis=1))
    peak = np.percentile(level[level > 0], 95) if level.any() else 1.0
    scaled: np.ndarray = np.clip(level / peak, 0, 1)
    return scaled


def background(title: str, subtitle: str = "") -> Image.Image:
    """A quiet gradient with a heading."""
    rows = np.linspace(0, 1, HEIGHT)[:, None, None]
    shade = np.asarray(TOP_COLOUR) * (1 - rows) + np.asarray(BOTTOM_COLOUR) * rows
    image = Image.fromarray(np.broadcast_to(shade.round().astype(np.uint8), (HEIGHT, WIDTH, 3)).copy())
    draw = ImageDraw.Draw(image)
    draw.text((WIDTH / 2, 58), title, TEXT_COLOUR, font(38, bold=True), anchor="mm")
    draw.text((WIDTH / 2, 104), subtitle, FAINT_COLOUR, font(22), anchor="mm")
    return image


def strip(levels: np.ndarray, colours: Sequence[Colour], ground: np.ndarray) -> np.ndarray:
    """The waveform of the whole film, with half a picture of nothing at either end.

    Parameters
    ----------
    levels : np.ndarray, shape (n_bars,)
        Height of each bar, in [0, 1]; bars are ``BAR_PITCH`` pixels apart.
    colours : sequence of RGB, length n_bars
        Colour of each bar.
    ground : np.ndarray, shape (STRIP_HEIGHT, 3)
        Colour of each row behind the bars.

    Returns
    -------
    np.ndarray, shape (STRIP_HEIGHT, n_bars * BAR_PITCH + WIDTH, 3), uint8
    """
    image = np.repeat(ground[:, None], len(levels) * BAR_PITCH + WIDTH, axis=1)
    for i, (level, colour) in enumerate(zip(levels, colours, strict=True)):
        half = max(2, round(level * (STRIP_HEIGHT / 2 - 2)))
        left = WIDTH // 2 + i * BAR_PITCH
        image[STRIP_HEIGHT // 2 - half : STRIP_HEIGHT // 2 + half, left : left + BAR_WIDTH] = colour
    return image


@dataclass(frozen=True)
class Stage:
    """The picture behind the faces: the part that stands still, and the strip that slides."""

    still: np.ndarray
    strip: np.ndarray

    def frame(self, i: int) -> np.ndarray:
        """Frame `i` without faces: a new array, shape (HEIGHT, WIDTH, 3)."""
        frame = self.still.copy()
        left = round(i / FPS * STRIP_PIXELS_PER_SECOND)
        seen = self.strip[:, left : left + WIDTH]
        frame[STRIP_TOP : STRIP_TOP + STRIP_HEIGHT, : seen.shape[1]] = seen
        frame[STRIP_TOP - 6 : STRIP_TOP + STRIP_HEIGHT + 6, WIDTH // 2 - 1 : WIDTH // 2 + 1] = TEXT_COLOUR
        return frame


def stage(still: Image.Image, levels: np.ndarray, colours: Sequence[Colour]) -> Stage:
    """Put a waveform under a picture; `levels` come ``STRIP_PIXELS_PER_SECOND / BAR_PITCH`` times a second."""
    pixels = np.asarray(still)
    return Stage(pixels, strip(levels, colours, pixels[STRIP_TOP : STRIP_TOP + STRIP_HEIGHT, 0]))


def title_card(
    title: str, subtitle: str, samples: np.ndarray, sample_rate: int, colour: Colour = (120, 190, 255)
) -> Iterator[np.ndarray]:
    """Frames for a recording without a picture: its name, and its waveform passing by.

    Parameters
    ----------
    samples : np.ndarray, shape (n_samples,)
        The mono sound.

    Yields
    ------
    np.ndarray, shape (HEIGHT, WIDTH, 3), uint8
    """
    still = background("", "")
    draw = ImageDraw.Draw(still)
    draw.text((WIDTH / 2, 270), title, TEXT_COLOUR, font(56, bold=True), anchor="mm")
    draw.text((WIDTH / 2, 350), subtitle, FAINT_COLOUR, font(26), anchor="mm")
    levels = loudness(samples, sample_rate, STRIP_PIXELS_PER_SECOND // BAR_PITCH)
    scene = stage(still, levels, [colour] * len(levels))
    yield from (scene.frame(i) for i in range(n_frames(len(samples) / sample_rate)))
