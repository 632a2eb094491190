"""Keys that owners show: made and told once, kept as digests, revocable."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import time
from dataclasses import dataclass

from sqlalchemy import insert, or_, select, update

from dubkit.database import Database
from dubkit.errors import BadInput
from dubkit.record import Seconds
from dubkit.service.jobs.job import LOCAL
from dubkit.service.jobs.job_rows import storable
from dubkit.service.jobs.tables import keys

KNOWN: Seconds = 3.0
"""How long a key is taken for what it was: so long may one that is revoked still work."""

USED: Seconds = 60.0
"""How exactly it is written down when a key was last used."""

LONGEST = 64
"""Characters of an owner's name."""

_KEY = re.compile(r"dk_([a-z0-9]{8})_[A-Za-z0-9]{32}")


@dataclass(frozen=True)
class Key:
    """A key without its secret part; times are seconds since 1970, None where they have not come."""

    id: str
    owner: str
    note: str
    created: float
    used: float | None
    revoked: float | None


COLUMNS = tuple(keys.c[name] for name in Key.__dataclass_fields__)


class Keys:
    """The keys in a database that has the service's tables; many threads may use it at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[float, str | None]] = {}

    def add(self, owner: str, note: str = "") -> str:
        """Make a key for an owner, who may have several.

        Returns
        -------
        str
            The key, which cannot be told again: ``dk_``, its id, and a secret.

        Raises
        ------
        BadInput
            If the owner's name is empty, too long, has characters that cannot be printed, or stands for nobody in particular.
        """
        owner = owner.strip()
        if not 1 <= len(owner) <= LONGEST or not owner.isprintable():
            raise BadInput(f"{owner[:80]!r} is no owner's name: give 1 to {LONGEST} characters that can be printed.")
        if owner.casefold() == LOCAL:
            raise BadInput(f"{LOCAL!r} owns what was made here without keys, which no key opens: give another name.")
        id = _random(8, string.ascii_lowercase + string.digits)
        key = f"dk_{id}_{_random(32, string.ascii_letters + string.digits)}"
        row = {"id": id, "owner": owner, "note": storable(note), "digest": _digest(key), "created": self._database.now}
        self._database.write(lambda connection: connection.execute(insert(keys).values(**row)))
        return key

    def list(self) -> list[Key]:
        """All keys, the oldest first, revoked ones included."""
        asked = select(*COLUMNS).order_by(keys.c.created, keys.c.id)
        return self._database.read(lambda connection: [Key(*row) for row in connection.execute(asked)])

    def revoke(self, id: str) -> Key:
        """Make a key worthless for good; one that is revoked already stays as it is.

        Parameters
        ----------
        id : str
            The eight characters after ``dk_``, or the whole key.

        Raises
        ------
        BadInput
            If there is no such key.
        """
        id = id.strip()
        whole = _KEY.fullmatch(id)
        chosen = keys.c.id == storable(whole[1] if whole else id.removeprefix("dk_"))
        revoked = update(keys).where(chosen, keys.c.revoked.is_(None)).values(revoked=self._database.now)
        self._database.write(lambda connection: connection.execute(revoked))
        self._known.clear()
        found = self._database.read(lambda connection: connection.execute(select(*COLUMNS).where(chosen)).all())
        if not found:
            raise BadInput("There is no key of this id. `dubkit keys list` shows those that there are.")
        return Key(*found[0])

    def owner_of(self, key: str) -> str | None:
        """Whose key it is; None where it is nobody's, or revoked."""
        parts = _KEY.fullmatch(key)
        if parts is None:
            return None
        digest = _digest(key)
        until, owner = self._known.get(digest, (0.0, None))
        if time.monotonic() >= until:
            owner = self._owner(parts[1], digest)
            # Keys that are tried out must not fill the memory.
            if owner is not None:
                self._known[digest] = (time.monotonic() + KNOWN, owner)
            else:
                self._known.pop(digest, None)
        return owner

    def _owner(self, id: str, digest: str) -> str | None:
        asked = select(keys.c.owner, keys.c.digest, keys.c.used).where(keys.c.id == id, keys.c.revoked.is_(None))
        row = self._database.read(lambda connection: connection.execute(asked).one_or_none())
        if row is None or not hmac.compare_digest(row.digest, digest):
            return None
        now = self._database.now
        stale = or_(keys.c.used.is_(None), keys.c.used < now - USED)
        if row.used is None or row.used < time.time() - USED:
            self._database.write(
                lambda connection: connection.execute(update(keys).where(keys.c.id == id, stale).values(used=now))
            )
        return str(row.owner)


def _random(length: int, letters: str) -> str:
    return "".join(secrets.choice(letters) for _ in range(length))


def _digest(key: str) -> str:
    # A key is long and random: nothing slower is needed against guessing.
    return hashlib.sha256(key.encode()).hexdigest()
