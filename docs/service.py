"""Writes the service's variables, and how fast it answers, into docs/service.md: ``python -m docs.service``."""

from __future__ import annotations

import json
import re
from pathlib import Path

from dubkit.service.config import DAY, VARIABLES, Config

PAGE = Path(__file__).with_suffix(".md")
MEASURED = Path(__file__).parents[1] / "benchmarks" / "service.json"
READERS = {
    "once a second": "{readers} ask for a status once a second",
    "once a second, while films come in": "the same, while 20 films come in at once",
    "as fast as they can": "{readers} ask again as soon as they are answered",
    "over WebSockets": "{readers} watch over WebSockets: from an event to who watches",
    "open pages": "40 open pages, each asking once a second",
}
"""By their names in the benchmark: what people do, as the page says it."""
SCALES = {"max_bytes": 1e6, "max_seconds": 60.0, "keep_films": DAY, "keep_results": DAY, "keep_dubs": DAY}
"""What a variable's unit is in those of its field."""


def table() -> str:
    """A row per variable: what it decides, what it may be, and what it is where it is not set."""
    about = _about()
    rows = ["| variable | what it decides | may be | else |", "|---|---|---|---|"]
    rows.append(
        "| `DUBKIT_HOME` | folder for all that has no other place | a folder | `~/.local/share/dubkit/service` |"
    )
    for name, (field, _, wanted) in VARIABLES.items():
        rows.append(f"| `{name}` | {about[field]} | {wanted} | {_default(field)} |")
    return "\n".join(rows)


def load() -> str:
    """What `benchmarks/service.py` has measured: a row per way of asking."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    told = [
        "Measured by `benchmarks/service.py` on two cores that readers, server and a worker at a real dub share;",
        "milliseconds, median and 99th percentile:",
        "",
        f"| | {' | '.join(measured)} |",
        "|---|" + "---:|" * len(measured),
    ]
    for name, what in READERS.items():
        cells = [f"{found[name]['p50_ms']:g}, {found[name]['p99_ms']:g}" for found in measured.values()]
        ended = any(not found["still_dubbing_after"].get(name, True) for found in measured.values())
        note = " (the dub ended meanwhile)" if ended else ""
        told.append(f"| {what.format(readers=next(iter(measured.values()))['readers'])}{note} | {' | '.join(cells)} |")
    return "\n".join(told)


def page(text: str) -> str:
    """The page with its tables made anew."""
    for name, made in (("variables", table()), ("load", load())):
        begin, end = f"<!-- {name}: made by `python -m docs.service` -->", f"<!-- {name} end -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n\n{made}\n\n{end}{rest.partition(end)[2]}"
    return text


def _about() -> dict[str, str]:
    """What each field is, out of the docstring; units are told by what the variable may be."""
    entries = re.findall(r"^    (\w+) : .*\n((?:        .*\n)+)", Config.__doc__ or "", re.MULTILINE)
    told = {}
    for name, text in entries:
        plain = " ".join(text.split()).rstrip(".").replace("``", "`").replace("`home`", "`DUBKIT_HOME`")
        plain = re.sub(r", in (bytes|seconds)$", "", plain)
        told[name] = re.sub("^Seconds after which", "After how long", plain)
    return told


def _default(field: str) -> str:
    value = getattr(Config.at(Path("DUBKIT_HOME")), field)
    if field in SCALES:
        return f"{value / SCALES[field]:g}"
    if isinstance(value, bool | int | float):
        return f"{value:g}"
    return f"`{value}`" if value else "none"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
