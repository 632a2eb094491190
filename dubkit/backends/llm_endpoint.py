"""Where a language model answers, what it costs, and the key that opens it, which no spec ever holds."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr

from dubkit.errors import BadInput, MissingModel

KEY_VARIABLES = ("DUBKIT_LLM_KEY", "OPENAI_API_KEY")
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
    """

    model: str
    url: str
    price_in: float | None = None
    price_out: float | None = None

    @classmethod
    def parse(cls, argument: str) -> Endpoint:
        """What ``MODEL@BASE_URL``, with ``?price_in=0.15&price_out=0.60`` or without, names.

        Raises
        ------
        BadInput
            If it is not of this form. The message never repeats an address that could hold a secret.
        """
        model, at, address = argument.rpartition("@")
        if "://" in model:
            raise BadInput(
                "The address of a language model must not hold a user name or a password, nor an @. Put the key into "
                f"the environment variable {KEY_VARIABLES[0]}, and write for example: {EXAMPLE}"
            )
        if not at or not model.strip() or not address.strip():
            raise BadInput(
                f"The translator 'llm' needs a model and the address of its server, MODEL@BASE_URL, for example {EXAMPLE}"
            )
        url, prices = _address(address.strip())
        return cls(model.strip(), url, prices.get("price_in"), prices.get("price_out"))

    @property
    def host(self) -> str:
        """The server's name, with its port where one is given."""
        return urlsplit(self.url).netloc

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


def key() -> SecretStr | None:
    """The key from the environment; None where there is none, as local servers want none.

    Raises
    ------
    MissingModel
        If it holds signs that no key has; the message does not show it.
    """
    for variable in KEY_VARIABLES:
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
    """A base address in one spelling, and the prices behind it."""
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
    return f"{parts.scheme}://{host}{port}{path}", _prices(parts.query)


def _prices(query: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        price = amount(text) if name in ("price_in", "price_out") else None
        if price is None:
            raise BadInput(
                "After the ? of a language model's address only price_in and price_out may stand, in US dollars for a "
                "million tokens, for example ?price_in=0.15&price_out=0.60. A key belongs into the environment "
                f"variable {KEY_VARIABLES[0]}."
            )
        found[name] = price
    return found
