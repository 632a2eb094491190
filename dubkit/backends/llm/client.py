"""Chat completions over HTTP: patient where a server is busy, clear where it refuses, and counting what it costs."""

from __future__ import annotations

import functools
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

from pydantic import SecretStr

from dubkit.backends.llm.endpoint import OPENAI, OPENAI_VARIABLE, Endpoint, Usage, amount, key, quoted
from dubkit.backends.llm.options import Options
from dubkit.errors import BadInput, DubkitError, MissingModel, StageFailed

TRIES = 6
"""Requests for one answer before it is given up, with waits of 1, 2, 4, 8 and 16 seconds between them."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 120.0
CONNECT_SECONDS = 15.0
CHECK_SECONDS = 5.0
ANSWER_SECONDS = 300.0
"""For a whole answer: a large model on a small machine takes minutes for a dozen lines."""
LARGEST_ANSWER = 8 << 20
_BUSY = frozenset({408, 409, 425, 429})
_REFUSED = frozenset({400, 413, 422})

log = logging.getLogger(__name__)


class Refused(Exception):
    """The server will not do this request, however often it is asked; the text is its reason, ``body`` all that it said."""

    def __init__(self, reason: str, body: str) -> None:
        super().__init__(reason)
        self.body = body


class _Passing(Exception):
    """What may be over in a while; ``wait`` is how long the server said, in seconds."""

    def __init__(self, reason: str, wait: float | None = None, reached: bool = True) -> None:
        super().__init__(reason)
        self.wait, self.reached = wait, reached


class Client:
    """Asks one model, for any number of threads.

    Parameters
    ----------
    endpoint : Endpoint
        Whom.
    sleep : callable
        Waits that many seconds.
    now : callable
        Seconds since 1970, for servers that name the time at which to come again.
    answer_seconds : float
        Longest wait for one answer.

    Attributes
    ----------
    usage : Usage
        What was used since it was last replaced.
    answered : bool
        Whether the model ever answered.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self.endpoint = endpoint
        self.usage = Usage()
        self.answered = False
        self._sleep, self._now, self._answer_seconds = sleep, now, answer_seconds
        self._options = Options()
        self._counting = threading.Lock()

    def check(self) -> None:
        """Ask the server once, and shortly, whether it is there and takes the key.

        The model costs nothing and is not asked; what the server says of anything else is left to its first use.

        Raises
        ------
        MissingModel
            If the server does not answer, or wants another key.
        """
        secret = key(self.endpoint)
        seconds = min(CHECK_SECONDS, self._answer_seconds)
        try:
            status, _, content = self._send("GET", "models", None, secret, seconds)
        except _Passing as problem:
            raise self._unreached(problem) from problem
        if status in (401, 403):
            raise self._key_refused(status, secret, "" if status == 401 else _said(content, secret))

    def warn_of_readable_key(self) -> None:
        """Tell it where a key is going to travel in clear."""
        if self.endpoint.readable and key(self.endpoint):
            log.warning(
                "The key for the language model goes to %s in clear, where others on the way can read it. Use https, or a "
                "tunnel to this machine.",
                self.endpoint.host,
            )

    def complete(self, messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any], seed: int) -> str:
        """The model's answer.

        Parameters
        ----------
        messages : sequence of mapping
            ``role`` and ``content`` of each.
        schema : mapping
            The JSON schema that the answer should follow, where the server can see to that.
        seed : int
            Another one gives another answer, where the server heeds it.

        Raises
        ------
        Refused
            If the server refuses the request as it stands, also in its plainest form.
        MissingModel
            If the server cannot be reached, or wants another key.
        BadInput
            If it knows no such model or address.
        StageFailed
            If it stays busy or broken.
        """
        options = self._options
        while True:
            body = {"model": self.endpoint.model, "messages": list(messages), **options.body(schema, seed)}
            try:
                answer = self._patiently(body)
            except Refused as refusal:
                plainer = options.plainer(refusal.body)
                if plainer is None:
                    raise
                options = plainer
                continue
            # Only what was seen to work stays: a refusal may also be about the text.
            self._options, self.answered = options, True
            return answer

    def _patiently(self, body: Mapping[str, Any]) -> str:
        for n in range(TRIES):
            try:
                return self._once(body)
            except _Passing as problem:
                wait = min(FIRST_WAIT * 2**n, LONGEST_WAIT) if problem.wait is None else problem.wait
                if n == TRIES - 1 or wait > LONGEST_WAIT:
                    raise self._given_up(problem, n + 1, wait) from problem
            self._sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _once(self, body: Mapping[str, Any]) -> str:
        secret = key(self.endpoint)
        with self._counting:
            self.usage.requests += 1
        status, headers, content = self._send("POST", "chat/completions", body, secret, self._answer_seconds)
        words = functools.partial(_said, content, secret)
        if status in (401, 403):
            raise self._key_refused(status, secret, "" if status == 401 else words())
        if status == 404:
            raise BadInput(
                f"The server at {self.endpoint.url} knows no model {self.endpoint.model!r}, or is no OpenAI-compatible "
                f"address (most end in /v1). {words()}".strip()
            )
        if status in _REFUSED:
            raise Refused(words(), quoted(content.decode("utf-8", "replace"), secret, LARGEST_ANSWER))
        if status in _BUSY or status >= 500:
            raise _Passing(f"status {status}. {words()}".strip(), self._retry_after(headers.get("retry-after", "")))
        if status >= 300:
            raise StageFailed(
                f"The server of {self.endpoint} answered with status {status}, which is no answer to a chat completion. "
                f"Check its address. {words()}".strip()
            )
        return self._content(content, secret)

    def _content(self, content: bytes, secret: SecretStr | None) -> str:
        """The text inside a chat completion; empty where the model said nothing."""
        try:
            reply = json.loads(content)
            said = reply["choices"][0]["message"].get("content")
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            raise _Passing(f"an answer that is no chat completion. {_said(content, secret)}".strip()) from None
        with self._counting:
            self.usage.add(reply.get("usage"), self.endpoint)
        return said if isinstance(said, str) else ""

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, secret: SecretStr | None, seconds: float
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and content of the answer, which may take so many seconds."""
        httpx = _httpx()
        limit = time.monotonic() + seconds
        received = bytearray()
        try:
            with httpx.stream(
                method,
                f"{self.endpoint.url}/{path}",
                json=body,
                headers={"Authorization": f"Bearer {secret.get_secret_value()}"} if secret else {},
                verify=_certificates(),
                timeout=httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
                # A proxy of the environment has no way to this machine's own ports.
                trust_env=not self.endpoint.local,
            ) as response:
                if body is None and response.is_success:
                    # That is enough to know; a list of all models may be long.
                    return response.status_code, response.headers, b""
                for block in response.iter_bytes():
                    received += block
                    if time.monotonic() > limit or len(received) > LARGEST_ANSWER:
                        raise _Passing("an answer without end")
                return response.status_code, response.headers, bytes(received)
        except httpx.TransportError as error:
            reached = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            reason = "no answer in time" if isinstance(error, httpx.TimeoutException) else quoted(str(error), secret)
            raise _Passing(reason or type(error).__name__, reached=reached) from error
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise StageFailed(f"The answer of {self.endpoint} cannot be read: {quoted(str(error), secret)}") from error

    def _retry_after(self, header: str) -> float | None:
        """Seconds that a ``Retry-After`` header asks for (RFC 9110, 10.2.3: seconds or a date); None where it does not."""
        if (seconds := amount(header)) is not None:
            return seconds
        try:
            return max(0.0, parsedate_to_datetime(header).timestamp() - self._now())
        except (ValueError, OverflowError):
            return None

    def _given_up(self, problem: _Passing, tries: int, wait: float) -> DubkitError:
        if not problem.reached:
            return self._unreached(problem)
        later = f" It asks to come again in {wait:.0f} seconds." if problem.wait is not None else ""
        return StageFailed(
            f"The server of {self.endpoint} gave no answer; tries: {tries}, the last: {problem}.{later} Finished lines "
            "are kept: the same command goes on there."
        )

    def _unreached(self, problem: _Passing) -> MissingModel:
        return MissingModel(
            f"The server of {self.endpoint} cannot be reached ({problem}). Start it, or check its address and the network."
        )

    def _key_refused(self, status: int, secret: SecretStr | None, words: str) -> MissingModel:
        variables = self.endpoint.key_variables
        found = "refused the key" if secret else "wants a key, and there is none"
        elsewhere = "" if OPENAI_VARIABLE in variables else f" {OPENAI_VARIABLE} goes to {OPENAI} only."
        return MissingModel(
            f"The server of {self.endpoint} {found} (status {status}). Set the environment variable "
            f"{' or '.join(variables)} to a key that may use this model.{elsewhere} {words}".strip()
        )


def _httpx() -> Any:
    try:
        import httpx
    except ImportError as error:
        raise MissingModel(
            "The translator 'llm' needs the Python package 'httpx', which is not installed. Install it with: "
            "pip install httpx"
        ) from error
    return httpx


@functools.cache
def _certificates() -> Any:
    """Whom to trust; reading them takes longer than a small request."""
    return _httpx().create_ssl_context()


def _said(content: bytes, secret: SecretStr | None) -> str:
    """A server's explanation: the message inside an OpenAI-like error, else what there is."""
    text = content[:4000].decode("utf-8", "replace")
    try:
        error = json.loads(content)["error"]
        text = error if isinstance(error, str) else str(error["message"])
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        pass
    return f"It says: {said}" if (said := quoted(text, secret)) else ""
