"""What the operator of a service decides, read from the environment (``DUBKIT_...``), with defaults for one machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubkit.errors import BadInput

DAY = 24 * 3600.0


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
        The most new films per key or address, such as ``60/hour``; empty for no limit. With keys it is that.
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
    keep_films: float = 7 * DAY
    keep_results: float = 14 * DAY
    keep_dubs: float = 30 * DAY
    link_seconds: int = 3600
    lease: float = 20.0
    attempts: int = 3

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
                except ValueError:
                    raise BadInput(f"{name} must be {wanted}, not {text!r}.") from None
        if changed.get("require_key"):
            changed = {"rate": "600/minute", "upload_rate": "60/hour", **changed}
        return cls.at(home, **changed)


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
    return tuple(part.strip().rstrip("/") for part in text.split(",") if part.strip())


def _rate(text: str) -> str:
    from limits import parse_many

    if text.lower() == "none":
        return ""
    parse_many(text)
    return text


VARIABLES: dict[str, tuple[str, Callable[[str], Any], str]] = {
    "DUBKIT_DATABASE": ("database", str, "the path of an SQLite file or a postgresql:// URL"),
    "DUBKIT_STORAGE": ("storage", str, "a folder or s3://bucket/prefix"),
    "DUBKIT_QUEUE": ("queue", str, "a redis:// URL"),
    "DUBKIT_WORKERS": ("workers", _whole_from(0), "a whole number from 0"),
    "DUBKIT_STORE": ("store", lambda text: Path(text).expanduser().absolute(), "a folder"),
    "DUBKIT_PROFILE": ("profile", str, "the name of a profile or a TOML file"),
    "DUBKIT_REQUIRE_KEY": ("require_key", _flag, "0 or 1"),
    "DUBKIT_SECRET": ("secret", str, "a long random text"),
    "DUBKIT_ORIGINS": ("origins", _list, "a list such as https://one.example,https://two.example"),
    "DUBKIT_HOSTS": ("hosts", _list, "a list of host names"),
    "DUBKIT_MAX_MB": ("max_bytes", _whole_from(1, 1_000_000), "a whole number of 10^6 bytes from 1"),
    "DUBKIT_MAX_MINUTES": ("max_seconds", _from(0.1, 60.0), "a number of minutes"),
    "DUBKIT_RATE": ("rate", _rate, "a rate such as 600/minute, or none"),
    "DUBKIT_UPLOAD_RATE": ("upload_rate", _rate, "a rate such as 60/hour, or none"),
    "DUBKIT_KEEP_FILMS_DAYS": ("keep_films", _from(0.0, DAY), "a number of days, or 0 for ever"),
    "DUBKIT_KEEP_RESULTS_DAYS": ("keep_results", _from(0.0, DAY), "a number of days, or 0 for ever"),
    "DUBKIT_KEEP_DUBS_DAYS": ("keep_dubs", _from(0.0, DAY), "a number of days, or 0 for ever"),
    "DUBKIT_LINK_SECONDS": ("link_seconds", _whole_from(1), "a whole number of seconds from 1"),
    "DUBKIT_LEASE_SECONDS": ("lease", _from(1.0), "a number of seconds from 1"),
    "DUBKIT_ATTEMPTS": ("attempts", _whole_from(1), "a whole number from 1"),
}
"""By name of the variable: the field, how it is read, and what it must be."""
