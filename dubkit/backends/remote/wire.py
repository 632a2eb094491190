"""What goes over the wire between a remote back end and its server: values as bytes, and back.

Version 1 of the protocol; whoever speaks it can serve a model to dubkit.

A *parcel* is a JSON head and the arrays that it refers to::

    uint32 (little-endian)   length of the head in bytes
    head                     UTF-8 JSON: {"content": ..., "arrays": [...], "sounds": [...]}
    data                     the arrays' samples, one after another, in C order

``arrays`` describes each array by ``{"dtype": "<f4" or "<f8", "shape": [...]}``; in the content, ``{"array": n}`` stands
for the n-th. ``sounds`` holds the sound files, each once: ``{"array": n, "sample_rate": ...}``; in the content,
``{"sound": n}`` stands for the n-th. In no other form is a file taken, and never by its name. Records (Voice, Candidate,
Word, Hint, Request, ...) are objects with the fields of the dubkit classes of those names; numbers may be ``NaN`` and
``Infinity``. Unknown keys in heads and frames are to be ignored.

Requests with a body are POSTs of one parcel with the content type ``application/vnd.dubkit.v1``; where the server has a
token, every request but ``/health`` carries ``Authorization: Bearer TOKEN``.

``GET /health``
    200 as long as the server lives.
``GET /v1/backend``
    JSON: ``protocol`` (1), ``version`` (of dubkit), ``task``, ``name``, ``fingerprint``, ``methods`` (names of those that
    it has), ``attributes`` (``sample_rate``, ``rates``, ``heeds``; those that it has), ``counts_usage``, ``limits``
    (``max_bytes`` of a body, ``max_items`` of a call).
``POST /v1/call/METHOD``
    Content ``{"fingerprint": ..., "arguments": {...}}``, the arguments by the names in
    :mod:`dubkit.backends.remote.methods`; ``predict`` and ``marks`` are asked without the request's reference, which no
    back end heeds there. The answer is a stream of parcels, the *frames*, told apart by ``kind``:
    ``result`` (``item``, ``result``) for each item in order as it is ready, ``wait`` (at least every 20 s, so that a dead
    connection is noticed), ``warning`` (``message``), ``usage`` (``used``: figures, what the call has used so
    far), and at last ``end`` or ``error``.
``POST /v1/speech``, then ``POST /v1/speech/SESSION`` and ``DELETE /v1/speech/SESSION``
    A separator's stream. The first answers with JSON ``{"session": ...}``. Each block is pushed as
    ``{"fingerprint": ..., "number": 0, 1, ..., "block": {"array": 0}}``, the end as a block ``null``; the frames that come
    back hold the speech that is ready. The last number may be pushed again, and has the same answer.

Errors before a stream, and in it, are ``{"error": {"class": ..., "message": ...}}``; the class is one of
:mod:`dubkit.errors`, or empty. Statuses: 400 (no parcel), 401 (token), 404 (no such method), 409 (the model is another than
``fingerprint`` says), 410 (no such session any more), 413 (too large), 415 (content type), 422 (an error of dubkit),
500, 503 with ``Retry-After`` (too many wait already).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from dubkit.record import AudioFile

if TYPE_CHECKING:
    import numpy as np

VERSION = 1
MEDIA_TYPE = "application/vnd.dubkit.v1"
LONGEST_HEAD = 16 << 20
LARGEST = 1 << 30
"""Bytes of arrays in one parcel."""
_DTYPES = ("<f4", "<f8")
_HIGHEST_RATE = 768_000


class WireError(ValueError):
    """Bytes that are no parcel, or a parcel that does not fit its method."""


class TruncatedError(WireError):
    """A parcel whose end is missing."""


def pack(content: Any) -> bytes:
    """A parcel of JSON values, records, arrays and sound files.

    Raises
    ------
    TypeError
        If something in it cannot be sent.
    """
    packer = _Packer()
    head = json.dumps({"content": packer.plain(content), "arrays": packer.described, "sounds": packer.sounds}).encode()
    return b"".join([struct.pack("<I", len(head)), head, *packer.data])


def parcels(chunks: Iterable[bytes], folder: Path | None = None) -> Iterator[Any]:
    """The contents of the parcels in a stream, cut anyhow; records are still plain objects.

    Parameters
    ----------
    chunks : iterable of bytes
        The stream.
    folder : Path or None
        Where sound files are written; without it none are taken.

    Raises
    ------
    WireError
        If they are not parcels; a :class:`TruncatedError` where the stream ends within one.
    """
    stream = _Stream(chunks)
    while start := stream.take(4, at_end=True):
        (length,) = struct.unpack("<I", start)
        if length > LONGEST_HEAD:
            raise WireError("The head is too long.")
        try:
            head = json.loads(stream.take(length))
            arrays = [_taken(stream, described) for described in _measured(head["arrays"])]
            sounds = [_sound_file(s, arrays, folder, n) for n, s in enumerate(head["sounds"])]
            content = _restored(head["content"], arrays, sounds)
        except WireError:
            raise
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RuntimeError) as error:
            raise WireError(f"The parcel is damaged ({type(error).__name__}).") from error
        yield content


class _Packer:
    """Takes arrays and sound files out of a value."""

    def __init__(self) -> None:
        self.data: list[bytes] = []
        self.described: list[dict[str, Any]] = []
        self.sounds: list[dict[str, Any]] = []
        self._numbers: dict[str, int] = {}

    def plain(self, value: Any) -> Any:
        """The value as JSON knows it."""
        import numpy as np

        if value is None or isinstance(value, str | bool | int | float):
            return value
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray):
            return {"array": self._array(value)}
        if isinstance(value, AudioFile):
            return {"sound": self._sound(value)}
        if isinstance(value, BaseModel):
            return {name: self.plain(getattr(value, name)) for name in type(value).model_fields}
        if dataclasses.is_dataclass(value):
            return {f.name: self.plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        if isinstance(value, Mapping):
            return {str(k): self.plain(v) for k, v in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.plain(v) for v in value]
        raise TypeError(f"{type(value).__name__} cannot be sent to a remote back end")

    def _array(self, array: np.ndarray) -> int:
        import numpy as np

        if array.dtype.kind != "f":
            raise TypeError(f"sound has to be floating-point numbers, not {array.dtype}")
        dtype = _DTYPES[array.dtype.itemsize > 4]
        self.data.append(np.ascontiguousarray(array, dtype).tobytes())
        self.described.append({"dtype": dtype, "shape": list(array.shape)})
        return len(self.described) - 1

    def _sound(self, file: AudioFile) -> int:
        if file.sha256 not in self._numbers:
            self.sounds.append({"array": self._array(file.load()), "sample_rate": file.sample_rate})
            self._numbers[file.sha256] = len(self.sounds) - 1
        return self._numbers[file.sha256]


class _Stream:
    """Bytes in the amounts that are wanted."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._waiting = bytearray()

    def take(self, n: int, at_end: bool = False) -> bytes:
        """The next n bytes; none, at the end, where it may be there."""
        while len(self._waiting) < n:
            chunk = next(self._chunks, None)
            if chunk is None:
                if at_end and not self._waiting:
                    return b""
                raise TruncatedError("The end of a parcel is missing.")
            self._waiting += chunk
        taken = bytes(self._waiting[:n])
        del self._waiting[:n]
        return taken


def _measured(described: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The descriptions of arrays, if all are of sound size and type."""
    total = 0
    for one in described:
        if one["dtype"] not in _DTYPES or not all(type(n) is int and n >= 0 for n in one["shape"]):
            raise WireError(f"Arrays are {' or '.join(_DTYPES)}, and their shapes natural numbers.")
        total += math.prod(one["shape"]) * int(one["dtype"][-1])
    if total > LARGEST:
        raise WireError("The arrays are too large.")
    return described


def _taken(stream: _Stream, described: Mapping[str, Any]) -> np.ndarray:
    import numpy as np

    dtype = np.dtype(described["dtype"])
    data = stream.take(math.prod(described["shape"]) * dtype.itemsize)
    # A copy that may be written to, in this machine's byte order.
    return np.frombuffer(data, dtype).reshape(described["shape"]).astype(dtype.newbyteorder("="))


def _sound_file(described: Mapping[str, Any], arrays: list[np.ndarray], folder: Path | None, number: int) -> AudioFile:
    """The sound written as a file of the same samples.

    Its digest is made here, of the samples: back ends keep by it what they have heard of a voice, and a digest that was
    sent could be another voice's. The file's own would not do, as the time of writing is in it.
    """
    import soundfile

    samples, rate = arrays[described["array"]], described["sample_rate"]
    if folder is None or samples.ndim not in (1, 2) or type(rate) is not int or not 0 < rate <= _HIGHEST_RATE:
        raise WireError("A sound file is not taken here, or is none.")
    path = folder / f"{number}.wav"
    shown = f"{samples.dtype.str} {samples.shape} {rate} ".encode()
    sha256 = hashlib.sha256(shown + samples.tobytes()).hexdigest()
    soundfile.write(path, samples, rate, subtype="DOUBLE" if samples.itemsize > 4 else "FLOAT", format="WAV")
    n_channels = samples.shape[1] if samples.ndim > 1 else 1
    facts = {"sample_rate": rate, "n_channels": n_channels, "n_samples": len(samples)}
    return AudioFile(path=path, sha256=sha256, size=path.stat().st_size, **facts)


def _restored(value: Any, arrays: list[np.ndarray], sounds: list[AudioFile]) -> Any:
    """The value with its arrays and sound files put back."""
    if isinstance(value, list):
        return [_restored(v, arrays, sounds) for v in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, n),) = value.items()
        if type(n) is int and key in ("array", "sound"):
            return (arrays if key == "array" else sounds)[n]
    return {k: _restored(v, arrays, sounds) for k, v in value.items()}
