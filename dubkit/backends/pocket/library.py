"""The ``pocket-tts`` library, kept from changing the process around it: threads, random numbers, the root logger."""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

PACKAGE = "pocket_tts"
SEED = 1


def library(module: str = "") -> Any:
    """The library or one of its modules; importing it sets torch to one thread, which is undone here."""
    import torch

    before = torch.get_num_threads()
    try:
        return importlib.import_module(f"{PACKAGE}.{module}" if module else PACKAGE)
    finally:
        torch.set_num_threads(before)


def load(config: Path) -> Any:
    """The model that a configuration describes, on the processor.

    The library logs through the root logger, which, where it has no handler, would get one and print the messages of
    every package; a handler that prints nothing stands in its way. Its weights are drawn at random before they are read.
    """
    import torch

    nowhere = logging.NullHandler()
    logging.root.addHandler(nowhere)
    try:
        with torch.random.fork_rng(devices=[]):
            model = library().TTSModel.load_model(config=config)
    finally:
        logging.root.removeHandler(nowhere)
    # Frames decoded together would differ in their last bits with the timing of two threads.
    model.max_decoder_frames_per_call = 1
    return model.eval()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One thread per operation, as the library is made for; clips do not depend on the number of threads then."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def seeded(place: torch.device) -> Iterator[None]:
    """Draw from the fixed seed, and leave the process's own random state as it was."""
    import torch

    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        torch.manual_seed(SEED)
        yield


@contextlib.contextmanager
def warnings_told(log: logging.Logger, text: str) -> Iterator[None]:
    """Pass on the library's warnings (no end found, a sentence too long) with the line that they are about."""

    class Passing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            log.warning("Pocket TTS, on %r: %s", text, record.getMessage())

    source, handler = logging.getLogger(PACKAGE), Passing(logging.WARNING)
    source.addHandler(handler)
    try:
        yield
    finally:
        source.removeHandler(handler)
