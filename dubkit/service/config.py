"""What the operator of a service decides, read from the environment (``DUBKIT_...``), with defaults for one machine."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dubkit.errors import BadInput

DAY = 24 * 3600.0

SHORTEST_SECRET = 32
"""Characters of what signs: less could be guessed by who has a link."""


@dataclass(frozen=True)
class Config:
    """One service.

    Parameters
    ----------
    home : Path
        Folder of this machine for all that has no other place: the database, films, results, the secret.
    database : str
        Where the jobs are: the path of an SQLite file, or ``postgresql://...``.
    storage : str
        Where films and dubs lie: a folder, or ``s3://bucket/prefix``.
    store : Path
        Where workers keep the results of stages.
    queue : str
        ``redis://...`` of a Dramatiq queue, and of the counts of rate limits; empty where workers take jobs from the database.
    workers : int
        Worker processes that the server starts and watches; 0 where workers run elsewhere.
    profile : str or None
        The settings that jobs start from; by default what the machine can.
    require_key : bool
        Whether a key must be shown. Without it, only this machine itself is served.
    secret : str
        Signs links and sessions; empty for one that is made and kept in `home`.
    origins : tuple of str
        Other sites whose pages may call the API.
    hosts : tuple of str
        Names that this server is reached by, besides those of this machine.
    max_bytes : int
        Largest film, in bytes.
    max_seconds : float
        Longest film, in seconds.
    rate : str
        The most requests per key or address, such as ``600/minute``; empty for no limit. With keys it is that.
    upload_rate : str
        The most new films per key or address, such as ``60/hour``, and as many jobs of uploaded ones; empty for no limit. With
        keys it is that.
    max_waiting : int
        The most jobs that one owner may have in the queue.
    keep_films : float
        Seconds after which an unused film is removed; 0 keeps it for ever.
    keep_results : float
        Seconds after which an unused result of a stage is removed; 0 keeps it for ever.
    keep_dubs : float
        Seconds after which a finished dub is removed; 0 keeps it for ever.
    link_seconds : int
        How many seconds a link to a file works.
    lease : float
        Seconds after which the job of a silent worker is given to another.
    attempts : int
        How often a job is tried.
    log : str
        How lines on stderr are written; empty for ``text`` where that is a terminal, else ``json``.
    """

    home: Path
    database: str
    storage: str
    store: Path
    queue: str = ""
    workers: int = 1
    profile: str | None = None
    require_key: bool = False
    secret: str = ""
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    max_bytes: int = 200_000_000
    max_seconds: float = 3 * 3600.0
    rate: str = ""
    upload_rate: str = ""
    max_waiting: int = 100
    keep_films: float = 7 * DAY
    keep_results: float = 14 * DAY
    keep_dubs: float = 30 * DAY
    link_seconds: int = 3600
    lease: float = 20.0
    attempts: int = 3
    log: str = ""

    @classmethod
    def at(cls, home: Path, **changed: Any) -> Config:
        """The service whose things all lie in one folder, except for what is said."""
        places = {"database": str(home / "service.sqlite"), "storage": str(home / "files"), "store": home / "store"}
        return cls(**{"home": home, **places, **changed})

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Config:
        """As the variables say; those that are not set or empty leave the default.

        Raises
        ------
        BadInput
            If a value cannot be read; the message names the variable, and no secret.
        """
        data = Path(environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
        home = Path(environment.get("DUBKIT_HOME") or data / "dubkit" / "service").expanduser().absolute()
        changed: dict[str, Any] = {}
        for name, (field, read, wanted) in VARIABLES.items():
            if text := environment.get(name, "").strip():
                try:
                    changed[field] = read(text)
                except _UnfitError as error:
                    raise BadInput(f"{name} must be {wanted}: {error}.") from None
                except BadInput as error:
                    raise BadInput(f"{name}: {error}") from None
                except ValueError:
                    raise BadInput(f"{name} must be {wanted}, not {text!r}.") from None
        if changed.get("require_key"):
            changed = {"rate": "600/minute", "upload_rate": "60/hour", **changed}
        return cls.at(home, **changed)


def unknown(environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """A sentence about every variable that is set, looks like one of dubkit's and is none."""
    known = ("DUBKIT_HOME", *VARIABLES, *ELSEWHERE)
    for name in sorted(environment):
        if name.startswith("DUBKIT_") and name not in known:
            # All begin alike, which would make any two close.
            near = get_close_matches(name.removeprefix("DUBKIT_"), [one.removeprefix("DUBKIT_") for one in known], 1)
            hint = f" Is DUBKIT_{near[0]} meant?" if near else ""
            yield f"dubkit knows no variable {name}: it changes nothing.{hint}"


class _UnfitError(ValueError):
    """A value that does not fit, and why; it is not repeated."""


def _flag(text: str) -> bool:
    values = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.lower() not in values:
        raise ValueError
    return values[text.lower()]


def _from(least: float, scale: float = 1.0) -> Callable[[str], float]:
    def read(text: str) -> float:
        number = float(text)
        # Written so that it refuses what is no number, too.
        if not least <= number < 1e9:
            raise ValueError
        return number * scale

    return read


def _whole_from(least: int, scale: int = 1) -> Callable[[str], int]:
    return lambda text: round(_from(least)(str(int(text)))) * scale


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())


def _origins(text: str) -> tuple[str, ...]:
    return tuple(map(_origin, _list(text)))


def _origin(text: str) -> str:
    """An origin as browsers send it: without a port that goes without saying."""
    if text == "*":
        raise _UnfitError("with * the pages of every site could use it")
    parts = urlsplit(text.rstrip("/"))
    usual = {"http": 80, "https": 443}
    if (
        parts.scheme not in usual
        or parts.geturl() != f"{parts.scheme}://{parts.netloc}"
        or not _names_host(parts.netloc)
    ):
        raise _UnfitError(f"{text!r} is no scheme://host or scheme://host:port")
    return parts.geturl().removesuffix(f":{usual[parts.scheme]}")


def _hosts(text: str) -> tuple[str, ...]:
    hosts = _list(text)
    if any("*" in host for host in hosts):
        raise _UnfitError("with * any site could lead a browser here under its own name")
    if wrong := [host for host in hosts if not _names_host(host)]:
        raise _UnfitError(f"{wrong[0]!r} is none; give them without https:// and without a path")
    return tuple(host.strip("[]") if host.endswith("]") else host for host in hosts)


def _names_host(text: str) -> bool:
    """Whether it is a host's name or address, with a port or not."""
    with contextlib.suppress(ValueError):
        return bool(ipaddress.ip_address(text))
    try:
        parts = urlsplit(f"//{text}")
        fits = parts.port != 0 and parts.netloc == text and "@" not in text
    except ValueError:
        return False
    return fits and re.fullmatch(r"[a-z0-9_.:-]+", parts.hostname or "") is not None


def _secret(text: str) -> str:
    if len(text) < SHORTEST_SECRET:
        how = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'
        raise _UnfitError(f"what was given has {len(text)} ({how} makes one)")
    return text


def _profile(text: str) -> str:
    from dubkit.settings import profile

    profile(text)
    return text


def _form(text: str) -> str:
    if text.lower() not in ("text", "json"):
        raise ValueError
    return text.lower()


def _rate(text: str) -> str:
    from limits import parse_many

    if text.lower() == "none":
        return ""
    if not all(rate.amount for rate in parse_many(text)):
        raise _UnfitError("0 would refuse everybody")
    return text


VARIABLES: dict[str, tuple[str, Callable[[str], Any], str]] = {
    "DUBKIT_DATABASE": ("database", str, "the path of an SQLite file or a postgresql:// URL"),
    "DUBKIT_STORAGE": ("storage", str, "a folder or s3://bucket/prefix"),
    "DUBKIT_QUEUE": ("queue", str, "a redis:// URL"),
    "DUBKIT_WORKERS": ("workers", _whole_from(0), "a whole number from 0"),
    "DUBKIT_STORE": ("store", lambda text: Path(text).expanduser().absolute(), "a folder"),
    "DUBKIT_PROFILE": ("profile", _profile, "the name of a profile or a TOML file"),
    "DUBKIT_REQUIRE_KEY": ("require_key", _flag, "0 or 1"),
    "DUBKIT_SECRET": ("secret", _secret, f"a random text of {SHORTEST_SECRET} characters or more"),
    "DUBKIT_ORIGINS": ("origins", _origins, "a list such as https://one.example,https://two.example"),
    "DUBKIT_HOSTS": ("hosts", _hosts, "a list of host names such as dub.example"),
    "DUBKIT_MAX_MB": ("max_bytes", _whole_from(1, 1_000_000), "a whole number of 10^6 bytes from 1"),
    "DUBKIT_MAX_MINUTES": ("max_seconds", _from(0.1, 60.0), "a number of minutes"),
    "DUBKIT_RATE": ("rate", _rate, "a rate such as 600/minute, or none"),
    "DUBKIT_UPLOAD_RATE": ("upload_rate", _rate, "a rate such as 60/hour, or none"),
    "DUBKIT_MAX_WAITING": ("max_waiting", _whole_from(1), "a whole number from 1"),
    "DUBKIT_KEEP_FILMS_DAYS": ("keep_films", _from(0.0, DAY), "a number of days, or 0 for ever"),
    "DUBKIT_KEEP_RESULTS_DAYS": ("keep_results", _from(0.0, DAY), "a number of days, or 0 for ever"),
    "DUBKIT_KEEP_DUBS_DAYS": ("keep_dubs", _from(0.0, DAY), "a number of days, or 0 for ever"),
    "DUBKIT_LINK_SECONDS": ("link_seconds", _whole_from(1), "a whole number of seconds from 1"),
    "DUBKIT_LEASE_SECONDS": ("lease", _from(1.0), "a number of seconds from 1"),
    "DUBKIT_ATTEMPTS": ("attempts", _whole_from(1), "a whole number from 1"),
    "DUBKIT_LOG": ("log", _form, "text or json"),
}
"""By name of the variable: the field, how it is read, and what it must be."""

ELSEWHERE = (
    "DUBKIT_CACHE",
    "DUBKIT_KEY",
    "DUBKIT_KOKORO_VOICES",
    "DUBKIT_LLM_KEY",
    "DUBKIT_REDIS_URL",
    "DUBKIT_REMOTE_TOKEN",
    "DUBKIT_SERVER",
)
"""Variables that other parts of dubkit read."""
