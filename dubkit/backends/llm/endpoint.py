"""Where a language model answers, what it costs, and the key that opens it, which no spec ever holds."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr

from dubkit.backends.remote.served import loopback
from dubkit.errors import BadInput, MissingModel

KEY_VARIABLE = "DUBKIT_LLM_KEY"
"""Holds a key that goes to whatever address the spec names."""
OPENAI_VARIABLE, OPENAI = "OPENAI_API_KEY", "https://api.openai.com"
"""Many programs share this key, so it goes to its own provider and to nobody else."""
PARALLEL = 4
"""Requests at once, where the server is another machine; one on this machine answers them one after another."""
MOST_PARALLEL = 64
EXAMPLE = "llm:qwen3:32b@http://localhost:11434/v1"
QUOTED = 200
"""Characters of a server's own words that a message repeats."""


@dataclass(frozen=True)
class Endpoint:
    """A model at an address that speaks OpenAI's chat completions.

    Parameters
    ----------
    model : str
        As the server names it.
    url : str
        Base address, without ``/chat/completions`` and without a slash at its end.
    price_in, price_out : float or None
        US dollars for a million tokens read and written, where they are known.
    parallel : int
        Requests that it gets at once.
    """

    model: str
    url: str
    price_in: float | None = None
    price_out: float | None = None
    parallel: int = 1

    @classmethod
    def parse(cls, argument: str) -> Endpoint:
        """What ``MODEL@BASE_URL``, with ``?price_in=0.15&price_out=0.60&parallel=4`` or without, names.

        Raises
        ------
        BadInput
            If it is not of this form. The message never repeats an address that could hold a secret.
        """
        model, at, address = argument.rpartition("@")
        if "://" in model:
            raise BadInput(
                "The address of a language model must not hold a user name or a password, nor an @. Put the key into "
                f"the environment variable {KEY_VARIABLE}, and write for example: {EXAMPLE}"
            )
        if not at or not model.strip() or not address.strip():
            raise BadInput(
                f"The translator 'llm' needs a model and the address of its server, MODEL@BASE_URL, for example {EXAMPLE}"
            )
        url, options = _address(address.strip())
        made = cls(model.strip(), url, options.get("price_in"), options.get("price_out"))
        return replace(made, parallel=int(options.get("parallel", 1 if made.local else PARALLEL)))

    @property
    def host(self) -> str:
        """The server's name, with its port where one is given."""
        return urlsplit(self.url).netloc

    @property
    def local(self) -> bool:
        """Whether the server runs on this machine."""
        return loopback(urlsplit(self.url).hostname or "")

    @property
    def readable(self) -> bool:
        """Whether others on the way can read what is sent there, the key included."""
        return not self.local and urlsplit(self.url).scheme == "http"

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The environment variables whose keys may go there, the one to prefer first."""
        parts = urlsplit(self.url)
        own = f"{parts.scheme}://{parts.hostname}" == OPENAI and parts.port in (None, 443)
        return (KEY_VARIABLE, OPENAI_VARIABLE) if own else (KEY_VARIABLE,)

    def dollars(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """What tokens cost; None where no price is known."""
        if self.price_in is None and self.price_out is None:
            return None
        return ((self.price_in or 0.0) * prompt_tokens + (self.price_out or 0.0) * completion_tokens) / 1e6

    def __str__(self) -> str:
        return f"{self.model} at {self.url}"


@dataclass
class Usage:
    """What was used: HTTP requests, tokens, and US dollars where a price is known."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    dollars: float | None = None

    def add(self, told: object, endpoint: Endpoint) -> None:
        """Count what an answer's ``usage`` says; its own ``cost`` counts before the prices of the spec."""
        told = told if isinstance(told, dict) else {}
        read, written = (round(amount(told.get(f"{kind}_tokens")) or 0) for kind in ("prompt", "completion"))
        self.prompt_tokens += read
        self.completion_tokens += written
        cost = amount(told.get("cost"))
        if cost is None:
            cost = endpoint.dollars(read, written)
        if cost is not None:
            self.dollars = (self.dollars or 0.0) + cost

    def as_dict(self) -> dict[str, Any]:
        """For the record; ``dollars`` only where they are known."""
        told = {
            "requests": self.requests,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
        }
        return told if self.dollars is None else {**told, "dollars": round(self.dollars, 6)}


def key(endpoint: Endpoint) -> SecretStr | None:
    """The key from the environment that may go to a server; None where there is none, as local servers want none.

    Raises
    ------
    MissingModel
        If it holds signs that no key has; the message does not show it.
    """
    for variable in endpoint.key_variables:
        if found := os.environ.get(variable, "").strip():
            # The HTTP library would repeat an impossible header in its own error.
            if not re.fullmatch(r"[!-~]+", found):
                raise MissingModel(
                    f"The key in the environment variable {variable} holds spaces or signs that no key has. Set it again."
                )
            return SecretStr(found)
    return None


def quoted(words: str, secret: SecretStr | None, longest: int = QUOTED) -> str:
    """What a server says, fit for a message: on one line, cut after `longest`, without the key or a part of it."""
    hidden = secret.get_secret_value() if secret else ""
    if hidden:
        words = words.replace(hidden, "***")
    kept = ["***" if "**" in w or (len(hidden) > 8 and hidden[:8] in w) else w for w in words.split()]
    line = "".join(c for c in " ".join(kept) if c.isprintable())
    return line if len(line) <= longest else line[:longest] + "..."


def amount(value: object) -> float | None:
    """What a server gave as a number: finite and not negative; None for anything else."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number < math.inf else None


def _address(address: str) -> tuple[str, dict[str, float]]:
    """A base address in one spelling, and the options behind it."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        parts, port = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment or re.search(r"\s", address):
        raise BadInput(
            "The address of a language model's server must begin with http:// or https:// and hold a host, and a port "
            f"where needed, for example {EXAMPLE}"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return f"{parts.scheme}://{host}{port}{path}", _options(parts.query)


def _options(query: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        value = amount(text) if name in ("price_in", "price_out", "parallel") else None
        if value is None or (name == "parallel" and value not in range(1, MOST_PARALLEL + 1)):
            raise BadInput(
                "After the ? of a language model's address only price_in and price_out may stand, in US dollars for a "
                f"million tokens, and parallel, the requests to send at once (1 to {MOST_PARALLEL}), for example "
                f"?price_in=0.15&price_out=0.60&parallel={PARALLEL}. A key belongs into the environment variable "
                f"{KEY_VARIABLE}."
            )
        found[name] = value
    return found
