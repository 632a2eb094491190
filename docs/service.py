"""Writes the table of the service's variables into docs/service.md: ``python -m docs.service``."""

from __future__ import annotations

import re
from pathlib import Path

from dubkit.service.config import DAY, VARIABLES, Config

PAGE = Path(__file__).with_suffix(".md")
BEGIN, END = "<!-- variables: made by `python -m docs.service` -->", "<!-- variables end -->"
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


def page(text: str) -> str:
    """The page with its table made anew."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}"


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
