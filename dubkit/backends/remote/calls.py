"""Calls of a remote back end's methods: in batches, and again where an answer was lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dubkit.backends.remote.client import Line, Patience
from dubkit.backends.remote.methods import METHODS, read
from dubkit.backends.remote.served import LostError, RemoteError, Served, strange
from dubkit.backends.remote.wire import WireError, pack
from dubkit.errors import BadInput

KEPT = 10.0
"""Seconds for which an answer stands that may change with what is installed over there."""


class Calls:
    """The calls that one server takes.

    Parameters
    ----------
    line : Line
        To the server.
    batch_size : int
        Sounds, or lines to speak, that go in one request.
    """

    def __init__(self, line: Line, batch_size: int) -> None:
        self._line = line
        self._batch_size = batch_size
        self._known: dict[Any, tuple[float, Served, Any]] = {}

    def one(self, name: str, **arguments: Any) -> Any:
        """The result of a method that has one."""
        patience = Patience(self._line)
        while True:
            try:
                results = list(self._request(name, METHODS[self._line.task][name].gives, self._body(name, arguments)))
            except LostError as error:
                patience.again(error)
                continue
            if len(results) != 1:
                raise self._miscounted(name, 1, len(results))
            return results[0]

    def known(self, name: str, **arguments: Any) -> Any:
        """The result of a method that needs no model: as it was last time, where that is not long ago or it is fixed."""
        key = name, tuple(sorted(arguments.items()))
        served, now = self._line.served, self._line.clock()
        when, by, result = self._known.get(key, (0.0, None, None))
        if by is not served or (now - when > KEPT and not METHODS[self._line.task][name].fixed):
            result = self.one(name, **arguments)
            self._known[key] = self._line.clock(), self._line.served, result
        return result

    def each(self, name: str, items: Mapping[str, Sequence[Any]], **others: Any) -> Iterator[Any]:
        """The result for each item, as it comes; what was not received is asked for again."""
        method = METHODS[self._line.task][name]
        total = len(items[method.items[0]])
        size = self._line.served.max_items if method.light else min(self._batch_size, self._line.served.max_items)
        patience, done = Patience(self._line), 0
        self._line.count_anew()
        while done < total:
            try:
                n_items, body = self._batch(name, {k: v[done : done + size] for k, v in items.items()}, others)
                came = 0
                for result in self._request(name, method.gives, body):
                    came += 1
                    done += 1
                    if came > n_items:
                        break
                    yield result
                    patience.progress()
                if came != n_items:
                    raise self._miscounted(name, n_items, came)
            except LostError as error:
                patience.again(error)

    def _batch(self, name: str, items: Mapping[str, Sequence[Any]], others: Mapping[str, Any]) -> tuple[int, bytes]:
        """As many of the items as the server takes at once, at least one, and the request's body."""
        n_items = max(map(len, items.values()))
        while True:
            arguments = {**{k: list(v[:n_items]) for k, v in items.items()}, **others}
            body = pack({"fingerprint": self._line.served.fingerprint, "arguments": arguments})
            if len(body) <= self._line.served.max_bytes or n_items == 1:
                return n_items, self._checked(body)
            n_items = -(-n_items // 2)

    def _body(self, name: str, arguments: Mapping[str, Any]) -> bytes:
        return self._checked(pack({"fingerprint": self._line.served.fingerprint, "arguments": dict(arguments)}))

    def _checked(self, body: bytes) -> bytes:
        """A body that the server takes."""
        most = self._line.served.max_bytes
        if len(body) > most:
            raise BadInput(
                f"One request to {self._line.url} would have {len(body) / 1e6:.1f} MB, but the server takes "
                f"{most / 1e6:.1f} MB at most. Send shorter pieces (for the diarizer: --set diarize.block_minutes=5)."
            )
        return body

    def _request(self, name: str, gives: Any, body: bytes) -> Iterator[Any]:
        for result in self._line.frames(f"/v1/call/{name}", body):
            try:
                yield read(gives, result)
            except WireError as error:
                raise strange(self._line.url, self._line.task, f"what is no result of {name}") from error

    def _miscounted(self, name: str, wanted: int, came: int) -> RemoteError:
        return RemoteError(
            f"The server at {self._line.url} gave {came} results for {wanted} items of {name}: its back end is at fault."
        )
