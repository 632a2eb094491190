"""Drawn people who open their mouths when they speak."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from data.picture import FAINT_COLOUR, FPS, TEXT_COLOUR, WIDTH, Colour, Stage, font

CELL_WIDTH, CELL_HEIGHT, CELL_TOP = 320, 390, 142
BUST_BOTTOM = 332
OVERSAMPLING = 3
MOUTHS, GLOWS = 6, 4
BLINK_EVERY, BLINK_FRAMES = 3.7, 3
GROUND = (41, 49, 76)


@dataclass(frozen=True)
class Person:
    """How a speaker looks. ``hair_style`` is ``long``, ``short`` or ``bun``; clothes and waveform have ``colour``."""

    name: str
    colour: Colour
    skin: Colour
    hair: Colour
    hair_style: str


def mixed(a: Colour, b: Colour, share: float) -> Colour:
    """The colour between `a` and `b`; `share` is the part of `b`."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


def draw_person(person: Person, behind: Image.Image, mouth: float, eyes_open: bool, glow: float) -> Image.Image:
    """A person in front of a piece of the background.

    Parameters
    ----------
    behind : Image
        The cell's background, CELL_WIDTH x CELL_HEIGHT.
    mouth : float
        How far the mouth is open, 0 to 1.
    glow : float
        How bright the ring behind a speaking person is, 0 to 1.
    """
    s = OVERSAMPLING
    image = behind.resize((CELL_WIDTH * s, CELL_HEIGHT * s))
    draw = ImageDraw.Draw(image)

    def oval(x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        draw.ellipse([(x - rx) * s, (y - ry) * s, (x + rx) * s, (y + ry) * s], fill=fill)

    oval(160, 170, 146, 146, mixed(GROUND, person.colour, 0.12 + 0.5 * glow))
    if person.hair_style == "long":
        oval(160, 190, 92, 112, person.hair)
    elif person.hair_style == "bun":
        oval(160, 84, 34, 32, person.hair)
    draw.rounded_rectangle([62 * s, 268 * s, 258 * s, 420 * s], 70 * s, fill=person.colour)
    below = behind.crop((0, BUST_BOTTOM, CELL_WIDTH, CELL_HEIGHT))
    image.paste(below.resize((below.width * s, below.height * s)), (0, BUST_BOTTOM * s))
    shadow = mixed(person.skin, (0, 0, 0), 0.14)
    draw.rounded_rectangle([136 * s, 220 * s, 184 * s, 284 * s], 22 * s, fill=shadow)
    oval(160, 176, 70, 84, person.skin)
    fringe = 232 if person.hair_style == "short" else 246
    draw.chord([84 * s, 82 * s, 236 * s, fringe * s], 200, 340, fill=person.hair)
    for x in (134, 186):
        if eyes_open:
            oval(x, 172, 8, 10, (250, 250, 250))
            oval(x, 173, 5, 6.5, (40, 34, 40))
        else:
            draw.line([(x - 9) * s, 174 * s, (x + 9) * s, 174 * s], fill=shadow, width=3 * s)
        draw.arc([(x - 13) * s, 148 * s, (x + 13) * s, 168 * s], 200, 340, fill=person.hair, width=3 * s)
    draw.line([160 * s, 180 * s, 156 * s, 200 * s, 163 * s, 201 * s], fill=shadow, width=3 * s, joint="curve")
    if mouth < 0.08:
        draw.arc([140 * s, 206 * s, 180 * s, 232 * s], 25, 155, fill=(150, 62, 66), width=4 * s)
    else:
        oval(160, 225, 19 - 3 * mouth, 3 + 14 * mouth, (112, 30, 42))
        oval(160, 225 + 9 * mouth, 10, 4 * mouth, (196, 92, 100))
    small = image.resize((CELL_WIDTH, CELL_HEIGHT), Image.Resampling.LANCZOS)
    name_colour = mixed(FAINT_COLOUR, TEXT_COLOUR, glow)
    ImageDraw.Draw(small).text((160, 362), person.name, name_colour, font(28, bold=True), anchor="mm")
    return small


@dataclass(frozen=True)
class Cell:
    """Everything that one person's part of the picture can look like, indexed by mouth, eyes and glow."""

    left: int
    looks: np.ndarray

    @classmethod
    def draw(cls, person: Person, still: Image.Image, left: int) -> Cell:
        """Draw every look of a person who stands at `left` in front of `still`."""
        behind = still.crop((left, CELL_TOP, left + CELL_WIDTH, CELL_TOP + CELL_HEIGHT))
        looks = [
            [
                [np.asarray(draw_person(person, behind, m / (MOUTHS - 1), eyes, g / (GLOWS - 1))) for g in range(GLOWS)]
                for eyes in (False, True)
            ]
            for m in range(MOUTHS)
        ]
        return cls(left, np.asarray(looks))


def conversation(
    scene: Stage, still: Image.Image, people: Mapping[str, Person], voices: Mapping[str, np.ndarray], frames: int
) -> Iterator[np.ndarray]:
    """The frames of people talking.

    Parameters
    ----------
    scene : Stage
        What is behind them.
    still : Image
        The part of it that does not move.
    people : mapping of speaker id to Person
        From left to right.
    voices : mapping of speaker id to np.ndarray, shape (frames,)
        How loud each speaks in each frame, in [0, 1].

    Yields
    ------
    np.ndarray, shape (HEIGHT, WIDTH, 3), uint8
    """
    lefts = cell_positions(len(people))
    cells = [Cell.draw(person, still, left) for person, left in zip(people.values(), lefts, strict=True)]
    glows = [_glow(voices[speaker]) for speaker in people]
    for i in range(frames):
        frame = scene.frame(i)
        for k, (speaker, cell) in enumerate(zip(people, cells, strict=True)):
            mouth = round(float(voices[speaker][i]) * (MOUTHS - 1))
            eyes = (i / FPS + 1.3 * k) % BLINK_EVERY > BLINK_FRAMES / FPS
            look = cell.looks[mouth, int(eyes), round(float(glows[k][i]) * (GLOWS - 1))]
            frame[CELL_TOP : CELL_TOP + CELL_HEIGHT, cell.left : cell.left + CELL_WIDTH] = look
        yield frame


def cell_positions(n_people: int) -> Sequence[int]:
    """Left edges of the people's cells, spread evenly."""
    gap = (WIDTH - n_people * CELL_WIDTH) // (n_people + 1)
    return [gap + k * (CELL_WIDTH + gap) for k in range(n_people)]


def _glow(voice: np.ndarray) -> np.ndarray:
    """On while somebody speaks and through the gaps between words, fading in and out over a fifth of a second."""
    window = np.ones(11)
    talking = np.convolve(voice > 0.05, window, "same") > 0
    glow: np.ndarray = np.clip(np.convolve(talking, window / 11, "same"), 0, 1)
    return glow
