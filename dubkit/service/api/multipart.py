"""Forms with a film in them, read as they come: the film goes to disk part by part and is never whole in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from dubkit.record import Seconds
from dubkit.service.api.problems import Refusal

MOST_FIELDS, LONGEST_FIELD = 30, 64 * 1024
"""How many there are, and bytes of one."""
LONGEST_NAME = 16 * 1024
"""Bytes of a part's header, which names a file as its owner does."""
SILENCE: Seconds = 60.0
"""How long a request may say nothing."""


@dataclass(frozen=True)
class Field:
    """A field of a form, whole."""

    name: str
    value: str


@dataclass(frozen=True)
class FileBegins:
    """A file comes next, in any number of :class:`FileBytes`; ``file_name`` may be anything."""

    name: str
    file_name: str


@dataclass(frozen=True)
class FileBytes:
    """Some of the file that has begun."""

    data: bytes


@dataclass(frozen=True)
class FileEnds:
    """All of the file has come."""


Piece = Field | FileBegins | FileBytes | FileEnds


async def chunks(request: Request) -> AsyncIterator[bytes]:
    """The body of a request as it comes.

    Raises
    ------
    Refusal
        If nothing comes for too long.
    """
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(SILENCE):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Refusal("too-slow", f"Nothing came for {SILENCE:.0f} s. Send it again.") from None
        if chunk:
            yield chunk


async def pieces(request: Request) -> AsyncIterator[Piece]:
    """What is in a form, in its order.

    Raises
    ------
    Refusal
        If it is no form, or a damaged or cut one.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise Refusal("wrong-media-type", "Send a form: Content-Type: multipart/form-data with its boundary.")
    try:
        form = Form(options[b"boundary"])
        async for chunk in chunks(request):
            for piece in form.feed(chunk):
                yield piece
    except FormParserError as error:
        raise Refusal("unreadable", f"The form is damaged: {error}") from None
    if not form.is_whole:
        raise Refusal("unreadable", "The form broke off before its end. Send it again.")


class Form:
    """Takes a form apart.

    Parameters
    ----------
    boundary : bytes
        What stands between its parts.
    """

    def __init__(self, boundary: bytes) -> None:
        self.is_whole = False
        self._pieces: list[Piece] = []
        self._headers: dict[bytes, bytes] = {}
        self._header = self._said = self._value = b""
        self._name: str | None = None
        self._is_file, self._n_fields = False, 0
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._data,
                "on_part_end": self._part_ends,
                "on_end": self._ends,
            },
            max_header_size=LONGEST_NAME,
        )

    def feed(self, chunk: bytes) -> list[Piece]:
        """Take some of it, and give what is clear by then."""
        self._parser.write(chunk)
        found, self._pieces = self._pieces, []
        return found

    def _part_begins(self) -> None:
        self._n_fields += 1
        if self._n_fields > MOST_FIELDS:
            raise Refusal("unreadable", f"The form has more than {MOST_FIELDS} fields.")
        self._headers, self._value = {}, b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._said += data[start:end]

    def _header_ends(self) -> None:
        self._headers[self._header.lower()] = self._said
        self._header = self._said = b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        if b"name" not in options:
            raise Refusal("unreadable", "A part of the form has no name.")
        self._name = _text(options[b"name"])
        self._is_file = b"filename" in options
        if self._is_file:
            self._pieces.append(FileBegins(self._name, _text(options[b"filename"])))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._pieces.append(FileBytes(data[start:end]))
            return
        self._value += data[start:end]
        if len(self._value) > LONGEST_FIELD:
            raise Refusal("too-large", f"The field {self._name!r} is longer than {LONGEST_FIELD // 1024} KiB.")

    def _part_ends(self) -> None:
        self._pieces.append(FileEnds() if self._is_file else Field(self._name or "", _text(self._value)))

    def _ends(self) -> None:
        self.is_whole = True


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
