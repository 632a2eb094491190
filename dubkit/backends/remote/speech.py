"""A separator's stream through a server: block by block, and again from the beginning where the server lost it."""

from __future__ import annotations

import contextlib
import struct
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from dubkit.backends.remote.client import Line, Patience
from dubkit.backends.remote.methods import Waveform, read
from dubkit.backends.remote.served import GoneError, LostError, strange
from dubkit.backends.remote.wire import WireError, pack
from dubkit.errors import DubkitError
from dubkit.store import told

if TYPE_CHECKING:
    import numpy as np


def speech(line: Line, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The speech in a stream of mono blocks.

    Memory does not grow with the stream. What was sent is kept in a temporary file (192 kB for each second at 48 kHz),
    from which the stream is sent again where the server has lost it; what had come back by then does not come twice.

    Parameters
    ----------
    line : Line
        To the server of a separator.
    blocks : iterable of np.ndarray, shape (n_samples,)
        float32; each is sent as it is.

    Raises
    ------
    OutOfSpace
        If the temporary file finds no room.
    Unreachable
        If the server does not come back.
    """
    with _Stream(line) as stream:
        for block in blocks:
            yield from stream.push(block)
        yield from stream.push(None)


class _Stream:
    """One stream and the session that it has on the server."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._sent = _Sent()
        self._session = ""
        self._heard = 0
        """Samples that came back and were handed on."""
        self._number = self._position = 0
        """Blocks that the session has done, and samples that it has given for them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sent.close()
        if self._session:
            with contextlib.suppress(LostError, DubkitError):
                # Whoever interrupts does not want to wait for a server that hangs; it forgets the stream by itself, too.
                self._line.json("DELETE", f"/v1/speech/{self._session}", patient=False)

    def push(self, block: np.ndarray | None) -> Iterator[np.ndarray]:
        """Send a block, or the end; the speech that is ready."""
        self._sent.append(block)
        # Counted for this block: a server that dies of it is not asked for ever, however well the others go again.
        patience = Patience(self._line)
        while True:
            try:
                self._begin()
                for number in range(self._number, len(self._sent)):
                    yield from self._pushed(number, self._sent[number])
                return
            except GoneError as error:
                self._session = ""
                patience.again(error)
            except LostError as error:
                patience.again(error)

    def _begin(self) -> None:
        """Open a session, where there is none."""
        if not self._session:
            opened = self._line.json("POST", "/v1/speech", {"fingerprint": self._line.served.fingerprint})
            if not isinstance(opened, dict) or "session" not in opened:
                raise strange(self._line.url, self._line.task, "without a stream's name")
            self._session, self._number, self._position = str(opened["session"]), 0, 0

    def _pushed(self, number: int, block: np.ndarray | None) -> Iterator[np.ndarray]:
        content = {"fingerprint": self._line.served.fingerprint, "number": number, "block": block}
        position = self._position
        for result in self._line.frames(f"/v1/speech/{self._session}", pack(content)):
            try:
                part = read(Waveform, result)
            except WireError as error:
                raise strange(self._line.url, self._line.task, "what is no speech") from error
            new = part[max(0, self._heard - position) :]
            position += len(part)
            if len(new):
                self._heard += len(new)
                yield new
        self._number, self._position = number + 1, position


class _Sent:
    """The blocks of a stream in a temporary file; the last may be the end, None."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="dubkit-")  # noqa: SIM115
        self._starts: list[int] = []

    def __len__(self) -> int:
        return len(self._starts)

    def append(self, block: np.ndarray | None) -> None:
        """Keep a block."""
        import numpy as np

        with told(Path(tempfile.gettempdir())):
            self._starts.append(self._file.seek(0, 2))
            self._file.write(struct.pack("<q", -1 if block is None else len(block)))
            if block is not None:
                self._file.write(np.ascontiguousarray(block, "<f4").tobytes())
            self._file.flush()

    def __getitem__(self, number: int) -> np.ndarray | None:
        import numpy as np

        self._file.seek(self._starts[number])
        (length,) = struct.unpack("<q", self._file.read(8))
        return None if length < 0 else np.frombuffer(self._file.read(4 * length), "<f4")

    def close(self) -> None:
        """Let the file go."""
        self._file.close()
