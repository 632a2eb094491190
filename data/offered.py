"""The samples that are offered to try dubbing with: those of them that are built."""

from __future__ import annotations

from data.manifest import HOME, manifest
from dubkit.media import probe
from dubkit.page.samples import Sample

OFFERED = ("talking-head", "dialogue-en", "dialogue-pt", "dialogue-es")


def offered() -> tuple[Sample, ...]:
    """Each with what it is and under which licence."""
    known = manifest()
    found = []
    for one in known.samples:
        film = HOME / "built" / one.id / f"{one.id}.mp4"
        if one.id in OFFERED and film.exists():
            licences = dict.fromkeys(
                [one.licence] if one.licence else [known.sources[name].licence for name in one.made_of]
            )
            duration = probe(film).duration
            found.append(Sample(one.id, one.title, one.what, one.language, duration, film, "; ".join(licences)))
    return tuple(found)
