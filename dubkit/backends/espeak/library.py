"""The espeak-ng library out of the package ``espeakng_loader``, called through ctypes.

espeak-ng keeps everything in process-global state: voice, parameters, and the phases and noise of its synthesizer,
which neither its seed nor ``espeak_Terminate`` resets, so that the same text sounds a little different each time.
Every call here therefore loads a fresh instance from a private copy of the library (about a millisecond) under one
lock. Results are the same in any order and any process, and other users of espeak-ng in it, such as phonemizer, are
not disturbed.
"""

from __future__ import annotations

import _ctypes
import ctypes
import functools
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import MissingModel

if TYPE_CHECKING:
    import numpy as np

SAMPLE_RATE = 22050
SLOWEST, FASTEST = 80, 450
"""Words a minute that espeak-ng takes."""

_lock = threading.RLock()

_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_UTF8 = 1
_IPA, _TIE = 0x02, 0x80
_RATE = 1


@dataclass(frozen=True)
class EspeakLanguage:
    """A language as espeak-ng lists it: its code in lower case (``pt-br``), name, and the file that defines it."""

    code: str
    name: str
    identifier: str


class _ListedVoice(ctypes.Structure):
    """``espeak_VOICE`` of speak_lib.h; ``languages`` is a priority byte and a code, over and over, until a zero."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Receiver = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def installed() -> bool:
    """Whether the package that carries espeak-ng is installed."""
    return find_spec("espeakng_loader") is not None


def version() -> str:
    """The version in the library's file name, read without loading it; ``absent`` where it is not installed."""
    spec = find_spec("espeakng_loader")
    if spec is None or not spec.submodule_search_locations:
        return "absent"
    names = [p.name for p in Path(spec.submodule_search_locations[0]).glob("libespeak-ng.so.*")]
    return max((n.split(".so.")[-1] for n in names), key=len, default="unknown")


@functools.cache
def languages() -> dict[str, EspeakLanguage]:
    """The languages that espeak-ng speaks by itself (MBROLA ones need another program), by lower-case code.

    Raises
    ------
    MissingModel
        If espeak-ng is not installed.
    """
    with _fresh_library() as library:
        listed = library.espeak_ListVoices(None)
        found: dict[str, EspeakLanguage] = {}
        index = 0
        while listed[index]:
            voice = listed[index].contents
            index += 1
            identifier = voice.identifier.decode().replace("\\", "/")
            # The first byte of the list is a priority, the code follows.
            code = ctypes.string_at(voice.languages + 1).decode().lower()
            if not identifier.startswith("mb/"):
                found.setdefault(code, EspeakLanguage(code, voice.name.decode().replace("_", " "), identifier))
        return found


def phonemes(text: str, code: str) -> str:
    """IPA with stress marks, words apart by a space, ``^`` inside phonemes written with several letters.

    Punctuation is lost; where espeak-ng reads a word by another language's rules it says so as ``(en)…(pt-br)``.

    Parameters
    ----------
    text : str
        One clause or more, without null characters.
    code : str
        A key of :func:`languages`.
    """
    with _fresh_library(code) as library:
        pointer = ctypes.pointer(ctypes.c_char_p(text.encode()))
        clauses = []
        while pointer.contents.value is not None:
            clauses.append(library.espeak_TextToPhonemes(pointer, _UTF8, _IPA | _TIE | ord("^") << 8) or b"")
        return " ".join(c.decode().strip() for c in clauses).strip()


def speak(text: str, code: str, variant: str, words_per_minute: int) -> np.ndarray:
    """Read a text aloud.

    Parameters
    ----------
    text : str
        Plain text; markup in it is read, not obeyed.
    code : str
        A key of :func:`languages`.
    variant : str
        A speaker variant such as ``f3``; empty for the language's own voice.
    words_per_minute : int
        :data:`SLOWEST` to :data:`FASTEST`; 175 is espeak-ng's natural rate.

    Returns
    -------
    np.ndarray, shape (n_samples,)
        float32 in [-1, 1] at :data:`SAMPLE_RATE`, silence at the ends not trimmed.
    """
    import numpy as np

    blocks: list[bytes] = []

    def receive(samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            blocks.append(ctypes.string_at(samples, 2 * count))
        return 0

    receiver = _Receiver(receive)
    encoded = text.encode()
    with _fresh_library(code, variant) as library:
        library.espeak_SetParameter(_RATE, min(max(words_per_minute, SLOWEST), FASTEST), 0)
        library.espeak_SetSynthCallback(receiver)
        library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, _UTF8, None, None)
    return np.frombuffer(b"".join(blocks), np.int16).astype(np.float32) / 32768.0


@functools.cache
def _private_copy() -> tuple[Path, bytes]:
    """A copy of the library that nobody else has loaded, so that closing it unloads it, and espeak-ng's data folder."""
    try:
        import espeakng_loader
    except ImportError as error:
        raise MissingModel(
            "espeak-ng is not here: the Python package 'espeakng-loader' is not installed. "
            "Install it with: pip install 'dubkit[embedded]', or run: make setup"
        ) from error
    folder = tempfile.TemporaryDirectory(prefix="dubkit-espeak-", ignore_cleanup_errors=True)
    _kept.append(folder)
    library = Path(shutil.copy(Path(espeakng_loader.get_library_path()).resolve(), folder.name))
    return library, espeakng_loader.get_data_path().encode()


_kept: list[tempfile.TemporaryDirectory[str]] = []
"""Holds the private copy's folder until the process ends."""


@contextmanager
def _fresh_library(code: str = "", variant: str = "") -> Iterator[Any]:
    """A newly loaded espeak-ng, set to a language and a variant, unloaded at the end."""
    if code:
        name = languages()[code].identifier + (f"+{variant}" if variant else "")
    path, data = _private_copy()
    with _lock:
        library = ctypes.CDLL(str(path))
        try:
            _declare(library)
            if library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DONT_EXIT) != SAMPLE_RATE:
                raise MissingModel("espeak-ng could not read its data. Install it again with: make setup")
            if code and library.espeak_SetVoiceByName(name.encode()) != 0:
                raise MissingModel(f"espeak-ng has no voice {name!r}. Install it again with: make setup")
            yield library
        finally:
            library.espeak_Terminate()
            _ctypes.dlclose(library._handle)


def _declare(library: Any) -> None:
    """The C signatures of what is called here (speak_lib.h)."""
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_ListedVoice))
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
    library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
    library.espeak_SetSynthCallback.argtypes = [_Receiver]
    library.espeak_Synth.argtypes = [
        *(ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint),
        *(ctypes.c_void_p, ctypes.c_void_p),
    ]
