"""The pairs of languages that can be dubbed here, as a worker found them in its back ends."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, text

from dubkit.database import Database
from dubkit.service.jobs.tables import languages


@dataclass(frozen=True)
class Pair:
    """A pair of languages.

    Parameters
    ----------
    source, source_name, target, target_name : str
        Codes and English names.
    translation : str
        How good the translation is, as far as it was measured.
    route : str
        The languages that it goes through.
    voices : str
        How many there are of each gender.
    """

    source: str
    source_name: str
    target: str
    target_name: str
    translation: str
    route: str
    voices: str


COLUMNS = tuple(languages.c[name] for name in Pair.__dataclass_fields__)


class Pairs:
    """The table of languages in a database that has the service's tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def fill(self, profile: str | None) -> int:
        """Fill the table with what the back ends of a profile can do, in place of what was there; how many pairs.

        It loads the back ends: for a worker.

        Raises
        ------
        BadInput
            If there is no such profile.
        """
        from dubkit.overview import language_table

        rows = []
        for row in language_table(profile):
            (source, source_name), (target, target_name) = (row[side].split(" ", 1) for side in ("from", "to"))
            names = {"source_name": source_name, "target_name": target_name}
            told = {name: row[name] for name in ("translation", "route", "voices")}
            rows.append({"source": source, "target": target, **names, **told, "profile": profile or ""})

        def work(connection: Connection) -> None:
            # PostgreSQL would let two workers delete at once, and then both insert.
            if not self._database.is_sqlite:
                connection.execute(text("LOCK TABLE supported_languages IN SHARE ROW EXCLUSIVE MODE"))
            connection.execute(delete(languages))
            if rows:
                connection.execute(insert(languages), rows)

        self._database.write(work)
        return len(rows)

    def list(self, source: str | None = None, target: str | None = None) -> list[Pair]:
        """The pairs from or to a language, a code; in order of their names."""
        asked = select(*COLUMNS).order_by(languages.c.source_name, languages.c.target_name)
        if source is not None:
            asked = asked.where(languages.c.source == source)
        if target is not None:
            asked = asked.where(languages.c.target == target)
        return self._database.read(lambda connection: [Pair(*row) for row in connection.execute(asked)])

    def profile(self) -> str | None:
        """The profile that the table was filled for, empty for the default; None where it is empty."""
        asked = select(languages.c.profile).limit(1)
        return self._database.read(lambda connection: connection.scalar(asked))
