"""What a server of a remote back end says of itself, the URL that leads to it, and what can be wrong with it."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from dubkit.backends.remote.wire import VERSION
from dubkit.errors import BadInput, DubkitError

TOKEN = "DUBKIT_REMOTE_TOKEN"  # noqa: S105
"""Name of the environment variable that holds the token, here and on the server."""


class RemoteError(DubkitError):
    """A server of a remote back end that fails; what is finished is kept."""


class LostError(Exception):
    """A request that may go well when it is made again.

    Parameters
    ----------
    reason : str
        What happened.
    after : float or None
        Seconds that the server asks to wait, where it is there but busy.
    """

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class GoneError(LostError):
    """A stream that the server does not know any more."""


@dataclass(frozen=True)
class Served:
    """What a server says of its back end; see ``GET /v1/backend`` in :mod:`dubkit.backends.remote.wire`."""

    fingerprint: str
    methods: frozenset[str]
    attributes: Mapping[str, Any]
    counts_usage: bool
    max_bytes: int
    max_items: int

    @classmethod
    def of(cls, told: Any, url: str, task: str) -> Served:
        """What a server at a URL tells, where a task is wanted.

        Raises
        ------
        BadInput
            If it serves another task, speaks another version of the protocol, or is no such server at all.
        """
        try:
            if told["protocol"] != VERSION:
                raise BadInput(
                    f"The server at {url} speaks version {told['protocol']} of the protocol, this dubkit version "
                    f"{VERSION}: install the same dubkit on both machines (there it is {told['version']})."
                )
            if told["task"] != task:
                raise BadInput(
                    f"The server at {url} serves the task {told['task']} ({told['name']}), but was given as "
                    f"{task}. Use it as backends.{told['task']}, or start another one there: "
                    f"dubkit serve-backend {task} SPEC"
                )
            return cls(
                str(told["fingerprint"]),
                frozenset(told["methods"]),
                dict(told["attributes"]),
                bool(told.get("counts_usage")),
                int(told["limits"]["max_bytes"]),
                int(told["limits"]["max_items"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise strange(url, task, "what is not in its protocol") from error


def address(argument: str, task: str) -> str:
    """The URL that a spec names, without a slash at its end.

    Raises
    ------
    BadInput
        If it is none, or holds a password, which would get into logs.
    """
    usage = f"Write: remote:http://HOST:8001 (or https), where `dubkit serve-backend {task} SPEC` runs."
    try:
        parts = urlsplit(argument)
        fits = bool(parts.scheme in ("http", "https") and parts.hostname and parts.port != 0)
    except ValueError:
        fits = False
    if not fits:
        # Not quoted: there may be a password in it.
        raise BadInput(f"The {task} 'remote' takes the URL of a server. {usage}")
    if parts.username is not None or parts.password is not None:
        raise BadInput(f"The {task} 'remote' takes no user or password in its URL: set {TOKEN} instead. {usage}")
    if parts.query or parts.fragment:
        raise BadInput(f"The {task} 'remote' takes a URL without ? and #. {usage}")
    return argument.rstrip("/")


def token() -> str | None:
    """The token of this machine's environment; None where there is none.

    Raises
    ------
    BadInput
        If it holds signs that no header may have; the message does not show it.
    """
    found = os.environ.get(TOKEN, "").strip()
    # The HTTP library would repeat an impossible header in its own error.
    if found and not re.fullmatch(r"[!-~]+", found):
        raise BadInput(f"{TOKEN} holds spaces or signs that a token cannot have: use letters, digits and punctuation.")
    return found or None


def loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own, and no other machine's."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def strange(url: str, task: str, what: str) -> BadInput:
    """The error for a server that does not answer as one of dubkit's."""
    return BadInput(
        f"{url} answered {what}: it seems to be no dubkit back end, or one of another version. On that machine: "
        f"dubkit serve-backend {task} SPEC"
    )
